"""Tokens, found by their casefolded text; the text itself is kept as the operator gave it."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Table,
    Text,
    and_,
    case,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy import Row as ResultRow

from voltbridge.domain.errors import NotFound
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.tokens import AuthorizationStatus, Token, TokenFilter
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import metadata
from voltbridge.storage.texts import is_storable
from voltbridge.storage.times import from_ms, optional_from_ms, optional_to_ms, to_ms

__all__ = ["Tokens", "tokens"]

tokens = Table(
    "tokens",
    metadata,
    Column("token_key", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("id_token", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("group_key", Text),
    Column("group_id_token", Text),
    Column("group_type", Text),
    Column("expires_at_ms", BigInteger),
    Column("allow_concurrent", Boolean, nullable=False),
    Column("language", Text),
    Column("personal_message", Text),
    Column("note", Text),
    Column("station_ids", Text),
    Index(None, "group_key"),
)

# Where a station does not tell the type of what it read, it read a card, most likely.
_CARDS_FIRST = case((tokens.c.type == "ISO14443", 0), (tokens.c.type == "ISO15693", 1), else_=2)


class Tokens:
    """The operator's list of tokens."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def get(self, id_token: str, type: str | None = None) -> Token | None:
        """The token of this text, whatever its case. Without a type, of any type; cards come before others."""
        if not is_storable(id_token, type):
            return None

        def read(connection: Connection) -> Token | None:
            query = select(tokens).where(tokens.c.token_key == id_token.casefold())
            if type is not None:
                query = query.where(tokens.c.type == type)
            row = connection.execute(query.order_by(_CARDS_FIRST, tokens.c.type).limit(1)).one_or_none()
            return _token(row) if row else None

        return await self._sessions.read(read)

    async def put(self, token: Token) -> bool:
        """Add the token or replace the one of its text and type; whether it was added."""

        def put(connection: Connection) -> bool:
            where = and_(tokens.c.token_key == token.key, tokens.c.type == token.type)
            if connection.execute(update(tokens).where(where).values(_values(token))).rowcount:
                return False
            connection.execute(insert(tokens).values(_values(token)))
            return True

        return await self._sessions.write(put)

    async def delete(self, id_token: str, type: str) -> None:
        """Forget the token; raises NotFound."""

        def forget(connection: Connection) -> None:
            where = and_(tokens.c.token_key == id_token.casefold(), tokens.c.type == type)
            if not connection.execute(delete(tokens).where(where)).rowcount:
                raise NotFound("token", f"{type}/{id_token}")

        await self._sessions.write(forget)

    async def list(self, wanted: TokenFilter, page: PageRequest) -> Page[Token]:
        """Tokens in the order of their texts; raises InvalidCursor."""
        after = read_cursor("tokens", page, (str, str))
        if not is_storable(wanted.type, wanted.group_id_token):
            return Page(())

        def read(connection: Connection) -> Page[Token]:
            query = select(tokens).order_by(tokens.c.token_key, tokens.c.type).limit(page.limit + 1)
            if after:
                key, kind = after
                query = query.where(
                    or_(tokens.c.token_key > key, and_(tokens.c.token_key == key, tokens.c.type > kind))
                )
            if wanted.type is not None:
                query = query.where(tokens.c.type == wanted.type)
            if wanted.status is not None:
                query = query.where(tokens.c.status == wanted.status.value)
            if wanted.group_id_token is not None:
                query = query.where(tokens.c.group_key == wanted.group_id_token.casefold())
            rows = connection.execute(query).all()
            return cut("tokens", [((row.token_key, row.type), _token(row)) for row in rows], page.limit)

        return await self._sessions.read(read)


def _values(token: Token) -> dict[str, Any]:
    return {
        "token_key": token.key,
        "type": token.type,
        "id_token": token.id_token,
        "status": token.status.value,
        "created_at_ms": to_ms(token.created_at),
        "updated_at_ms": to_ms(token.updated_at),
        "group_key": token.group_id_token.casefold() if token.group_id_token is not None else None,
        "group_id_token": token.group_id_token,
        "group_type": token.group_type,
        "expires_at_ms": optional_to_ms(token.expires_at),
        "allow_concurrent": token.allow_concurrent,
        "language": token.language,
        "personal_message": token.personal_message,
        "note": token.note,
        "station_ids": msgspec.json.encode(token.station_ids).decode() if token.station_ids else None,
    }


def _token(row: ResultRow[Any]) -> Token:
    return Token(
        id_token=row.id_token,
        type=row.type,
        status=AuthorizationStatus(row.status),
        created_at=from_ms(row.created_at_ms),
        updated_at=from_ms(row.updated_at_ms),
        group_id_token=row.group_id_token,
        group_type=row.group_type,
        expires_at=optional_from_ms(row.expires_at_ms),
        allow_concurrent=row.allow_concurrent,
        language=row.language,
        personal_message=row.personal_message,
        note=row.note,
        station_ids=msgspec.json.decode(row.station_ids, type=tuple[str, ...]) if row.station_ids else (),
    )
