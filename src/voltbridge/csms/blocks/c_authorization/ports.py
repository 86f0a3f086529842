"""What authorization asks of the storage."""

from __future__ import annotations

from typing import Protocol

from voltbridge.csms.blocks.c_authorization.external import Verdict
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.tokens import AuthorizationStatus, IdToken, Token, TokenFilter
from voltbridge.domain.transactions import Transaction

__all__ = ["Authority", "RunningTransactions", "TokenBook"]


class Authority(Protocol):
    """The operator's own authorization service."""

    async def ask(self, id_token: IdToken, station_id: str, known: AuthorizationStatus) -> Verdict | None:
        """What it says; None when it gives no answer that can be used."""

    async def close(self) -> None: ...


class TokenBook(Protocol):
    """The operator's tokens. Texts compare without regard to case. All raise StorageUnavailable."""

    async def get(self, id_token: str, type: str | None = None) -> Token | None:
        """The token of this text; without a type, of any type, the same one each time."""

    async def list(self, wanted: TokenFilter, page: PageRequest) -> Page[Token]:
        """Raises InvalidCursor."""

    async def put(self, token: Token) -> bool:
        """Add the token or replace the one of its text and type; whether it was added."""

    async def delete(self, id_token: str, type: str) -> None:
        """Raises NotFound."""


class RunningTransactions(Protocol):
    """The stored transactions, asked for a token."""

    async def open_with_token(self, token_key: str, group_id_token: str | None = None) -> list[Transaction]:
        """Active transactions started by the token (``IdToken.key``). Raises StorageUnavailable."""
