"""The OCPP message log, written like a log (see ``blocks.py``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BigInteger, Column, Connection, SmallInteger, Table, Text, delete, func, select
from sqlalchemy import Row as ResultRow

from voltbridge.domain.messages import LoggedMessage, MessageDirection, MessageFilter, MessageRecord
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.storage.bulk import insert_rows
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.blocks import MOST_AGE_MS, OpenBlock, block_of, id_ranges
from voltbridge.storage.sql.schema import BigInt, Upsert, metadata
from voltbridge.storage.texts import is_storable
from voltbridge.storage.times import from_ms, to_ms

__all__ = ["Messages", "message_blocks", "messages", "storable", "write_messages"]

T = TypeVar("T", str, str | None)

messages = Table(
    "messages",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("station_id", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("sent", SmallInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("message_id", Text),
    Column("action", Text),
    Column("frame", Text, nullable=False),
)

message_blocks = Table(
    "message_blocks",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    # Of the station's first frame in the block.
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

_append = Upsert(messages)
_append_entry = Upsert(message_blocks)

_STEP_ROWS = 1000
_STEP_BLOCKS = 8
_STEP_STATIONS = 100
"""Rows deleted, blocks or stations looked through in one write, so that nobody waits long behind it."""
_READ_BLOCKS = 250

_SENT = MessageDirection.SENT


def write_messages(connection: Connection, block: OpenBlock[str], records: Sequence[MessageRecord]) -> None:
    """Append the records within the open transaction."""
    first, entries = block.append(connection, [record.station_id for record in records], records[-1].at_ms)
    insert_rows(
        connection,
        _append,
        [
            (
                first + number,
                record.station_id,
                record.at_ms,
                1 if record.direction is _SENT else 0,
                record.kind,
                record.message_id,
                record.action,
                record.frame,
            )
            for number, record in enumerate(records)
        ],
    )
    insert_rows(connection, _append_entry, [(key, number, records[at].at_ms) for key, number, at in entries])


def storable(record: MessageRecord) -> MessageRecord:
    """The record with whatever a database cannot hold as text (NUL, lone surrogates) replaced by question marks."""
    return msgspec.structs.replace(
        record, message_id=_storable(record.message_id), action=_storable(record.action), frame=_storable(record.frame)
    )


def _storable(text: T) -> T:
    return text if text is None else text.encode("utf-8", "replace").decode().replace("\0", "?")


class Messages:
    """The log as stored."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def list(self, wanted: MessageFilter, page: PageRequest) -> Page[LoggedMessage]:
        """Frames of a station, newest first; raises InvalidCursor."""
        after = read_cursor("messages", page, (int,))
        below = int(after[0]) if after else None
        if not is_storable(wanted.station_id, wanted.action, wanted.message_id):
            return Page(())

        def read(connection: Connection) -> Page[LoggedMessage]:
            rows: list[ResultRow[Any]] = []
            query = select(messages).where(*_conditions(wanted)).order_by(messages.c.id.desc())
            for first, end in id_ranges(_blocks(connection, wanted, below)):
                within = query.where(messages.c.id >= first, messages.c.id < (min(end, below) if below else end))
                rows += connection.execute(within.limit(page.limit + 1 - len(rows))).all()
                if len(rows) > page.limit:
                    break
            return cut("messages", [((row.id,), _message(row)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def prune(self, before: datetime) -> int:
        """Forget frames older than the moment, a few at a time; how many were forgotten."""
        limit_ms = to_ms(before)
        forgotten = 0

        def delete_rows(connection: Connection) -> int:
            oldest = select(messages.c.id, messages.c.at_ms).order_by(messages.c.id).limit(_STEP_ROWS).subquery()
            last = connection.execute(select(func.max(oldest.c.id)).where(oldest.c.at_ms < limit_ms)).scalar_one()
            if last is None:
                return 0
            return connection.execute(
                delete(messages).where(messages.c.id <= last, messages.c.at_ms < limit_ms)
            ).rowcount

        while deleted := await self._sessions.write(delete_rows):
            forgotten += deleted
        if forgotten:
            await self._prune_entries(limit_ms - MOST_AGE_MS)
        return forgotten

    async def delete_of_station(self, station_id: str) -> None:
        """Forget every frame of the station, a few blocks at a time.

        The entries stay until their blocks are pruned: a block may still be open, and its writer would not make them
        again for a station of the same id.
        """
        below: int | None = None

        def step(connection: Connection) -> int | None:
            query = select(message_blocks.c.block).where(message_blocks.c.station_id == station_id)
            if below is not None:
                query = query.where(message_blocks.c.block < below)
            newest_first = query.order_by(message_blocks.c.block.desc()).limit(_STEP_BLOCKS)
            blocks = connection.execute(newest_first).scalars().all()
            for first, end in id_ranges(blocks):
                within = (messages.c.id >= first, messages.c.id < end)
                connection.execute(delete(messages).where(*within, messages.c.station_id == station_id))
            return blocks[-1] if blocks else None

        while (below := await self._sessions.write(step)) is not None:
            pass

    async def _prune_entries(self, limit_ms: int) -> None:
        """Forget the entries of blocks that have no rows and are too old to get any, some stations at a time."""
        station_id: str | None = ""

        def step(connection: Connection) -> str | None:
            oldest = connection.execute(select(func.min(messages.c.id))).scalar_one()
            current = station_id
            for _ in range(_STEP_STATIONS):
                following = select(func.min(message_blocks.c.station_id)).where(message_blocks.c.station_id > current)
                current = connection.execute(following).scalar_one()
                if current is None:
                    break
                doomed = [message_blocks.c.station_id == current, message_blocks.c.at_ms < limit_ms]
                if oldest is not None:
                    doomed.append(message_blocks.c.block < block_of(oldest))
                connection.execute(delete(message_blocks).where(*doomed))
            return current

        while station_id is not None:
            station_id = await self._sessions.write(step)


def _blocks(connection: Connection, wanted: MessageFilter, below: int | None) -> Iterator[int]:
    """Blocks that may hold what is wanted, newest first, read a few at a time."""
    columns = message_blocks.c
    query = select(columns.block, columns.at_ms).where(columns.station_id == wanted.station_id)
    if wanted.until is not None:
        query = query.where(columns.at_ms < to_ms(wanted.until))
    query = query.order_by(columns.block.desc()).limit(_READ_BLOCKS)
    since_ms = None if wanted.since is None else to_ms(wanted.since)
    last = None if below is None else block_of(below) + 1
    while True:
        entries = connection.execute(query if last is None else query.where(columns.block < last)).all()
        for entry in entries:
            yield entry.block
            # What lies in earlier blocks is older than the first frame in this one.
            if since_ms is not None and entry.at_ms < since_ms:
                return
        if len(entries) < _READ_BLOCKS:
            return
        last = entries[-1].block


def _conditions(wanted: MessageFilter) -> list[Any]:
    conditions: list[Any] = [messages.c.station_id == wanted.station_id]
    if wanted.since is not None:
        conditions.append(messages.c.at_ms >= to_ms(wanted.since))
    if wanted.until is not None:
        conditions.append(messages.c.at_ms < to_ms(wanted.until))
    if wanted.action is not None:
        conditions.append(messages.c.action == wanted.action)
    if wanted.direction is not None:
        conditions.append(messages.c.sent == (1 if wanted.direction is _SENT else 0))
    if wanted.message_id is not None:
        conditions.append(messages.c.message_id == wanted.message_id)
    return conditions


def _message(row: ResultRow[Any]) -> LoggedMessage:
    return LoggedMessage(
        id=row.id,
        station_id=row.station_id,
        at=from_ms(row.at_ms),
        direction=_SENT if row.sent else MessageDirection.RECEIVED,
        kind=row.kind,
        message_id=row.message_id,
        action=row.action,
        frame=row.frame,
    )
