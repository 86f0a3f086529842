"""Local lists in the words of 1.6 (5.10, 5.15). A list knows tokens by their text only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET

from voltbridge.csms.blocks.c_authorization.v16 import id_tag_info
from voltbridge.csms.blocks.d_local_auth_list.parameters import GetLocalListVersion, version_read
from voltbridge.csms.commands.kinds import Context, Prepared
from voltbridge.domain.device_model import Attribute, Component, Variable
from voltbridge.domain.local_lists import ListChange
from voltbridge.domain.tokens import Authorization, Token
from voltbridge.protocol import v16

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

ITEMS: Final = Attribute(Variable(Component("LocalAuthListCtrlr"), "ItemsPerMessage"))
"""SendLocalListMaxLength."""
BYTES: Final[Attribute | None] = None
ENTRIES: Final = Attribute(Variable(Component("LocalAuthListCtrlr"), "MaxEntries"))
"""LocalAuthListMaxLength."""
_LONGEST: Final = 20


def get_local_list_version(wanted: GetLocalListVersion, context: Context) -> Prepared:
    """5.10."""
    return version_read(context, version_request(), version_of)


def key(token: Token) -> str | None:
    """Without regard to case (CiString20Type)."""
    return token.key if len(token.id_token) <= _LONGEST else None


def version_request() -> v16.GetLocalListVersionRequest:
    """5.10."""
    return v16.GetLocalListVersionRequest()


def version_of(response: v16.GetLocalListVersionResponse) -> int | None:
    """6.28: 0 for an empty list, -1 where lists are not supported."""
    return response.list_version if response.list_version >= 0 else None


def send_request(version: int, full: bool, changes: Sequence[ListChange]) -> v16.SendLocalListRequest:
    """5.15, 7.2: a token without information is to be removed."""
    return v16.SendLocalListRequest(
        list_version=version,
        local_authorization_list=[_data(change) for change in changes] or UNSET,
        update_type=v16.UpdateType.FULL if full else v16.UpdateType.DIFFERENTIAL,
    )


def send_answer(response: v16.SendLocalListResponse) -> tuple[str, str | None]:
    """6.42."""
    return response.status.value, None


def _data(change: ListChange) -> v16.AuthorizationData:
    token = change.token
    told = Authorization(token.status, token, token.expires_at)
    return v16.AuthorizationData(
        id_tag=token.id_token,
        id_tag_info=UNSET if change.removed else id_tag_info(told),
    )
