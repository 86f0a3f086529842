"""Signatures of messages, as Standard Webhooks has them, so that its libraries verify them.

The header ``webhook-signature`` holds ``v1,`` and the base64 of an HMAC-SHA256, keyed with the secret's bytes, over
``{webhook-id}.{webhook-timestamp}.{body}``; while a former secret is still good, there are two, a space between them.
A secret is ``whsec_`` and the base64 of 24 to 64 random bytes.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterable

from voltbridge.domain.errors import InvalidValue

__all__ = ["check_secret", "new_secret", "signature"]

_PREFIX = "whsec_"


def new_secret() -> str:
    """A secret that nobody can guess."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def check_secret(secret: str) -> None:
    """Raises InvalidValue for a text that cannot be a secret; its message does not repeat the text."""
    try:
        length = len(_key(secret)) if secret.startswith(_PREFIX) else 0
    except (binascii.Error, ValueError):
        length = 0
    if not 24 <= length <= 64:
        raise InvalidValue("secret", "must be whsec_ followed by the base64 of 24 to 64 bytes; leave it out to get one")


def signature(keys: Iterable[str], message_id: str, timestamp_s: int, body: bytes) -> str:
    """The header's value for these secrets."""
    signed = b"%b.%d.%b" % (message_id.encode(), timestamp_s, body)
    return " ".join(f"v1,{base64.b64encode(hmac.digest(_key(key), signed, 'sha256')).decode()}" for key in keys)


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(_PREFIX).encode("ascii"), validate=True)
