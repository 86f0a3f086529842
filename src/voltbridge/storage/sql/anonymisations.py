"""Tokens taken out of everything that is kept: each table in the order of its key, a few rows at a time.

All texts of all tables are looked at but for keys and what only we make (``_NEVER``), so that a table added later is
covered without a word here. The rows of a step are changed in one commit with the note how far the work is: killed in
between, it goes on where it was. A row that somebody else changed meanwhile is left to the next round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Table,
    Text,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from voltbridge.domain.anonymisation import Anonymisation, AnonymisationState, Eraser
from voltbridge.domain.local_lists import LocalListState
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.customer_information import customer_report_parts, customer_reports
from voltbridge.storage.sql.local_lists import local_lists
from voltbridge.storage.sql.messages import messages
from voltbridge.storage.sql.schema import BigInt, metadata

__all__ = ["Anonymisations", "anonymisations"]

anonymisations = Table(
    "anonymisations",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("is_open", Boolean, nullable=False),
    Column("started_at_ms", BigInteger, nullable=False),
    Column("content", Text, nullable=False),
    Index(None, "is_open", "id"),
)

_STEP: Final = 200
"""Rows changed in one write, so that nobody waits long behind it."""
_NEVER: Final = frozenset({"md5", "password_hash", "sha256", "station_id", "token_hash"})
"""Columns with texts that only we make, and the names that operators gave to stations."""
_ESCAPE: Final = "\\u00"
"""With which a station may write any character of a token."""
_CONTENT: Final = msgspec.json.Decoder(Anonymisation)
_Found = list[Anonymisation]


class Anonymisations:
    """The work and how far it is."""

    def __init__(self, sessions: Sessions) -> None:
        """``sessions`` are those for what may go through many rows."""
        self._sessions = sessions

    async def put(self, one: Anonymisation) -> None:
        """Add or replace it."""
        await self._sessions.write(lambda connection: _put(connection, one))

    async def get(self, id: int) -> Anonymisation | None:
        """The one of this id."""
        query = select(anonymisations.c.content).where(anonymisations.c.id == id)

        def read(connection: Connection) -> Anonymisation | None:
            found = connection.execute(query).scalar_one_or_none()
            return None if found is None else _CONTENT.decode(found)

        return await self._sessions.read(read)

    async def list(self, page: PageRequest) -> Page[Anonymisation]:
        """Newest first; raises InvalidCursor."""
        after = read_cursor("anonymisations", page, (int,))

        def read(connection: Connection) -> Page[Anonymisation]:
            query = select(anonymisations).order_by(anonymisations.c.id.desc()).limit(page.limit + 1)
            if after:
                query = query.where(anonymisations.c.id < after[0])
            rows = connection.execute(query).all()
            return cut("anonymisations", [((row.id,), _CONTENT.decode(row.content)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def unfinished(self) -> _Found:
        """Those that are not over, oldest first."""
        table = anonymisations
        query = select(table.c.content).where(table.c.is_open.is_(True)).order_by(table.c.id)

        def read(connection: Connection) -> _Found:
            return [_CONTENT.decode(content) for content in connection.execute(query).scalars()]

        return await self._sessions.read(read)

    def kinds(self) -> Sequence[str]:
        """The kinds of record there are, in the order in which they are gone through."""
        # Names of tables are a kind of text that JSON does not take.
        return [f"{table.name}" for table in (customer_reports, *_tables())]

    async def step(self, one: Anonymisation, eraser: Eraser) -> Anonymisation:
        """Go on within ``one.table``; afterwards ``after`` is empty when there is nothing more in it."""
        if one.table == customer_reports.name:
            return await self._sessions.write(lambda connection: _forget_reports(connection, one, eraser))
        table = metadata.tables[one.table or ""]
        key, texts = tuple(table.primary_key.columns), _texts(table)
        query = select(*key, *texts).where(_may_have(table, texts, eraser)).order_by(*key).limit(_STEP)
        if one.after:
            query = query.where(tuple_(*key) > tuple_(*one.after))
        rows = await self._sessions.read(lambda connection: connection.execute(query).all())

        def write(connection: Connection) -> Anonymisation:
            changed = sum(_change(connection, table, row, eraser) for row in rows)
            after = tuple(rows[-1][: len(key)]) if len(rows) == _STEP else ()
            done = _counted(replace(one, after=after), changed)
            _put(connection, done)
            return done

        return await self._sessions.write(write)


def _tables() -> list[Table]:
    own = {anonymisations.name, customer_reports.name, customer_report_parts.name}
    return [table for table in metadata.sorted_tables if table.name not in own and _texts(table)]


def _texts(table: Table) -> list[Column[Any]]:
    return [
        column
        for column in table.columns
        if isinstance(column.type, Text) and not column.primary_key and column.name not in _NEVER
    ]


def _may_have(table: Table, texts: Sequence[Column[Any]], eraser: Eraser) -> Any:
    conditions = [func.lower(column).contains(eraser.needle, autoescape=True) for column in texts]
    if table is messages:
        conditions.append(messages.c.frame.contains(_ESCAPE, autoescape=True))
    return or_(*conditions)


def _change(connection: Connection, table: Table, row: Any, eraser: Eraser) -> int:
    known = row._mapping
    values: dict[str, Any] = {}
    for column in _texts(table):
        text = known[column]
        if text is not None and (cleaned := eraser.cell(column.name, text)) is not text and cleaned != text:
            values[column.name] = cleaned
    if not values:
        return 0
    where = [column == known[column] for column in table.primary_key.columns]
    where += [table.c[name] == known[table.c[name]] for name in values]
    if table is local_lists and "tokens" in values:
        # Nobody could tell the station any more what to take off its list: it is sent a whole one.
        values["protocol"] = None
        current = local_lists.c.state == LocalListState.CURRENT.value
        connection.execute(update(table).where(*where, current).values(state=LocalListState.STALE.value))
    return connection.execute(update(table).where(*where).values(values)).rowcount


def _forget_reports(connection: Connection, one: Anonymisation, eraser: Eraser) -> Anonymisation:
    """Remove what stations told of the customer: a report is cut into parts anywhere, and is all about one person."""
    parts = customer_report_parts
    key = (parts.c.station_id, parts.c.request_id)
    texts: dict[tuple[str, int], list[str]] = {}
    for row in connection.execute(select(*key, parts.c.data).order_by(*key, parts.c.seq_no)):
        texts.setdefault((row.station_id, row.request_id), []).append(row.data)
    doomed = [of for of, found in texts.items() if eraser.says("".join(found))]
    for station_id, request_id in doomed:
        for table in (parts, customer_reports):
            own = (table.c.station_id == station_id, table.c.request_id == request_id)
            connection.execute(delete(table).where(*own))
    done = _counted(replace(one, after=()), len(doomed))
    _put(connection, done)
    return done


def _counted(one: Anonymisation, changed: int) -> Anonymisation:
    if not changed:
        return one
    kind = one.table or ""
    records = {**one.records, kind: one.records.get(kind, 0) + changed}
    return replace(one, found=one.found + changed, records=records)


def _put(connection: Connection, one: Anonymisation) -> None:
    values = {
        "id": one.id,
        "is_open": one.state is not AnonymisationState.COMPLETED,
        "started_at_ms": round(one.requested_at.timestamp() * 1000),
        "content": msgspec.json.encode(one).decode(),
    }
    if not connection.execute(update(anonymisations).where(anonymisations.c.id == one.id).values(values)).rowcount:
        connection.execute(insert(anonymisations).values(values))
