"""Local lists in the words of 2.1 (D01, D02)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET

from voltbridge.csms.blocks.c_authorization.v21 import id_token_info
from voltbridge.csms.blocks.d_local_auth_list.parameters import GetLocalListVersion, version_read
from voltbridge.csms.blocks.given import given
from voltbridge.csms.commands.kinds import Context, Prepared
from voltbridge.domain.device_model import Attribute, Component, Variable
from voltbridge.domain.local_lists import ListChange
from voltbridge.domain.tokens import Authorization, Token
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

ITEMS: Final = Attribute(Variable(Component("LocalAuthListCtrlr"), "ItemsPerMessage"))
BYTES: Final[Attribute | None] = Attribute(Variable(Component("LocalAuthListCtrlr"), "BytesPerMessage"))
ENTRIES: Final = Attribute(Variable(Component("LocalAuthListCtrlr"), "Entries"))
"""How many there are; its upper limit is how many there can be."""
_LONGEST: Final = 255


def get_local_list_version(wanted: GetLocalListVersion, context: Context) -> Prepared:
    """D02."""
    return version_read(context, version_request(), version_of)


def key(token: Token) -> str | None:
    """The type and the text, whatever its case (D01.FR.06)."""
    fits = len(token.id_token) <= _LONGEST
    return f"{token.type} {token.key}" if fits else None


def version_request() -> v21.GetLocalListVersionRequest:
    """D02."""
    return v21.GetLocalListVersionRequest()


def version_of(response: v21.GetLocalListVersionResponse) -> int | None:
    """D02.FR.02: 0 where there is no list. A negative one is none at all."""
    return response.version_number if response.version_number >= 0 else None


def send_request(version: int, full: bool, changes: Sequence[ListChange]) -> v21.SendLocalListRequest:
    """D01.FR.16, D01.FR.17: a token without information is to be removed."""
    return v21.SendLocalListRequest(
        local_authorization_list=[_data(change) for change in changes] or UNSET,
        version_number=version,
        update_type=v21.UpdateEnumType.FULL if full else v21.UpdateEnumType.DIFFERENTIAL,
    )


def send_answer(response: v21.SendLocalListResponse) -> tuple[str, str | None]:
    """D01.FR.02."""
    told = given(response.status_info)
    return response.status.value, None if told is None else told.reason_code


def _data(change: ListChange) -> v21.AuthorizationData:
    token = change.token
    told = Authorization(token.status, token, token.expires_at)
    return v21.AuthorizationData(
        id_token=v21.IdTokenType(id_token=token.id_token, type=token.type),
        id_token_info=UNSET if change.removed else id_token_info(told),
    )
