"""Local lists in the words of 2.1; they are those of ``v2``."""

from __future__ import annotations

from voltbridge.csms.blocks.c_authorization.v21 import id_token_info
from voltbridge.csms.blocks.d_local_auth_list.v2 import BYTES, ENTRIES, ITEMS, Words
from voltbridge.protocol import v21

__all__ = [
    "BYTES",
    "ENTRIES",
    "ITEMS",
    "get_local_list_version",
    "key",
    "send_answer",
    "send_request",
    "version_of",
    "version_request",
]

_WORDS = Words(v21, id_token_info, longest=255)

get_local_list_version = _WORDS.get_local_list_version
key = _WORDS.key
send_answer = _WORDS.send_answer
send_request = _WORDS.send_request
version_of = _WORDS.version_of
version_request = _WORDS.version_request
