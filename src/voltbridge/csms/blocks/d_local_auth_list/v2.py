"""Local lists in the words of 2.0.1 and 2.1 (D01, D02), which differ in what a token may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import UNSET

from voltbridge.csms.blocks.d_local_auth_list.parameters import GetLocalListVersion, version_read
from voltbridge.csms.blocks.given import given
from voltbridge.csms.commands.kinds import Context, Prepared
from voltbridge.domain.device_model import Attribute, Component, Variable
from voltbridge.domain.local_lists import ListChange
from voltbridge.domain.tokens import Authorization, Token

__all__ = ["BYTES", "ENTRIES", "ITEMS", "Words"]

ITEMS: Final = Attribute(Variable(Component("LocalAuthListCtrlr"), "ItemsPerMessage"))
BYTES: Final[Attribute | None] = Attribute(Variable(Component("LocalAuthListCtrlr"), "BytesPerMessage"))
ENTRIES: Final = Attribute(Variable(Component("LocalAuthListCtrlr"), "Entries"))
"""How many there are; its upper limit is how many there can be."""


class Words:
    """Translates by the message types of one version, which are those of a module of ``protocol``."""

    def __init__(
        self,
        messages: Any,
        id_token_info: Callable[[Authorization], Any],
        *,
        longest: int,
        type_of: Callable[[str], Any] | None = None,
    ) -> None:
        """``longest``: characters of a token. ``type_of`` raises ValueError for types there are not; None: any text."""
        self._messages = messages
        self._id_token_info = id_token_info
        self._longest = longest
        self._type_of = type_of or str

    def get_local_list_version(self, wanted: GetLocalListVersion, context: Context) -> Prepared:
        """D02."""
        return version_read(context, self.version_request(), self.version_of)

    def key(self, token: Token) -> str | None:
        """The type and the text, whatever its case (D01.FR.06)."""
        try:
            self._type_of(token.type)
        except ValueError:
            return None
        return f"{token.type} {token.key}" if len(token.id_token) <= self._longest else None

    def version_request(self) -> Any:
        """D02."""
        return self._messages.GetLocalListVersionRequest()

    def version_of(self, response: Any) -> int | None:
        """D02.FR.02: 0 where there is no list. A negative one is none at all."""
        version: int = response.version_number
        return version if version >= 0 else None

    def send_request(self, version: int, full: bool, changes: Sequence[ListChange]) -> Any:
        """D01.FR.16, D01.FR.17: a token without information is to be removed."""
        kinds = self._messages.UpdateEnumType
        return self._messages.SendLocalListRequest(
            local_authorization_list=[self._data(change) for change in changes] or UNSET,
            version_number=version,
            update_type=kinds.FULL if full else kinds.DIFFERENTIAL,
        )

    def send_answer(self, response: Any) -> tuple[str, str | None]:
        """D01.FR.02."""
        told = given(response.status_info)
        return response.status.value, None if told is None else told.reason_code

    def _data(self, change: ListChange) -> Any:
        token = change.token
        told = Authorization(token.status, token, token.expires_at)
        return self._messages.AuthorizationData(
            id_token=self._messages.IdTokenType(id_token=token.id_token, type=self._type_of(token.type)),
            id_token_info=UNSET if change.removed else self._id_token_info(told),
        )
