"""Webhooks, how far each has come, and the log of their deliveries.

What the operator chose and how far deliveries have come are two texts of one row, so that neither way of writing undoes
the other. Ids of deliveries grow with time, so the log is pruned by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Select,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy import Row as ResultRow
from sqlalchemy import update as change

from voltbridge.domain.errors import NotFound
from voltbridge.domain.events import Event
from voltbridge.domain.ids import ID_BITS
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.webhooks import Delivery, DeliveryFilter, DeliveryState, Webhook, WebhookProgress
from voltbridge.storage.bulk import insert_rows
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import BigInt, Row, Upsert, metadata
from voltbridge.storage.texts import is_storable
from voltbridge.storage.times import from_ms, to_ms

__all__ = ["DeadLetters", "Webhooks", "webhook_deliveries", "webhooks"]

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("webhook", Text, nullable=False),
    Column("progress", Text, nullable=False),
)

_UNSETTLED: Final = text("state IN ('dead', 'queued')")

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("webhook_id", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("finished_at_ms", BigInteger, nullable=False),
    Column("event_id", BigInteger, nullable=False),
    Column("type", Text),
    Column("attempts", Integer, nullable=False),
    Column("http_status", Integer),
    Column("problem", Text),
    Column("duration_ms", BigInteger),
    Column("event", Text),
    Index(None, "webhook_id", "id"),
    Index(None, "webhook_id", "state", "id"),
    Index(
        "ix_webhook_deliveries_unsettled", "state", "webhook_id", sqlite_where=_UNSETTLED, postgresql_where=_UNSETTLED
    ),
)

_upsert = Upsert.replacing(webhook_deliveries)
_log = webhook_deliveries.c

_STEP: Final = 1000
"""Rows deleted or changed in one write, so that nobody waits long behind it."""
_KEPT_LONGER: Final = ("dead", "queued")


class Webhooks:
    """Webhooks as stored."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def all(self) -> Sequence[tuple[Webhook, WebhookProgress]]:
        """Every webhook and how far it has come, oldest first."""

        def read(connection: Connection) -> list[tuple[Webhook, WebhookProgress]]:
            found = connection.execute(select(webhooks).order_by(webhooks.c.id))
            return [
                (
                    msgspec.json.decode(row.webhook, type=Webhook),
                    msgspec.json.decode(row.progress, type=WebhookProgress),
                )
                for row in found
            ]

        return await self._sessions.read(read)

    async def add(self, webhook: Webhook, progress: WebhookProgress) -> None:
        """Add a webhook."""
        row = {"id": webhook.id, "webhook": _text(webhook), "progress": _text(progress)}
        await self._sessions.write(lambda connection: connection.execute(insert(webhooks).values(row)))

    async def save(self, webhook: Webhook) -> None:
        """Change what the operator chose; raises NotFound."""

        def save(connection: Connection) -> None:
            changed = change(webhooks).where(webhooks.c.id == webhook.id).values(webhook=_text(webhook))
            if not connection.execute(changed).rowcount:
                raise NotFound("webhook", str(webhook.id))

        await self._sessions.write(save)

    async def note(self, webhook_id: int, progress: WebhookProgress, deliveries: Sequence[Delivery] = ()) -> None:
        """Keep how far a webhook has come, and lines of its log, in one; of a deleted one nothing is kept."""
        encoded, rows = _text(progress), [_row(delivery) for delivery in deliveries]

        def note(connection: Connection) -> None:
            changed = change(webhooks).where(webhooks.c.id == webhook_id).values(progress=encoded)
            if connection.execute(changed).rowcount:
                insert_rows(connection, _upsert, rows)

        await self._sessions.write(note)

    async def delete(self, webhook_id: int) -> None:
        """Forget a webhook and its log; raises NotFound."""

        def forget(connection: Connection) -> None:
            if not connection.execute(delete(webhooks).where(webhooks.c.id == webhook_id)).rowcount:
                raise NotFound("webhook", str(webhook_id))

        # The log first: what is cut short by an outage is still there to be deleted again.
        await _delete(self._sessions, select(_log.id).where(_log.webhook_id == webhook_id))
        await self._sessions.write(forget)

    async def deliveries(self, wanted: DeliveryFilter, page: PageRequest) -> Page[Delivery]:
        """Lines of a webhook's log, newest first. Raises InvalidCursor."""
        after = read_cursor("webhook_deliveries", page, (int,))
        if not is_storable(wanted.type):
            return Page(())

        def read(connection: Connection) -> Page[Delivery]:
            query = select(webhook_deliveries).where(_log.webhook_id == wanted.webhook_id)
            query = query.order_by(_log.id.desc()).limit(page.limit + 1)
            if after:
                query = query.where(_log.id < after[0])
            if wanted.state is not None:
                query = query.where(_log.state == wanted.state.value)
            if wanted.type is not None:
                query = query.where(_log.type == wanted.type)
            if wanted.event_id is not None:
                query = query.where(_log.event_id == wanted.event_id)
            rows = connection.execute(query).all()
            return cut("webhook_deliveries", [((row.id,), _delivery(row)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def delivery(self, webhook_id: int, id: int) -> Delivery | None:
        """One line."""

        def read(connection: Connection) -> Delivery | None:
            query = select(webhook_deliveries).where(_log.id == id, _log.webhook_id == webhook_id)
            row = connection.execute(query).one_or_none()
            return _delivery(row) if row else None

        return await self._sessions.read(read)

    async def put(self, delivery: Delivery) -> None:
        """Add or replace a line."""
        row = _row(delivery)
        await self._sessions.write(lambda connection: insert_rows(connection, _upsert, [row]))

    async def queued(self, webhook_id: int, limit: int) -> Sequence[Delivery]:
        """The oldest lines to be replayed."""

        def read(connection: Connection) -> list[Delivery]:
            query = select(webhook_deliveries).where(
                _log.webhook_id == webhook_id, _log.state == DeliveryState.QUEUED.value
            )
            return [_delivery(row) for row in connection.execute(query.order_by(_log.id).limit(limit))]

        return await self._sessions.read(read)

    async def move(self, webhook_id: int, before: DeliveryState, after: DeliveryState) -> int:
        """Give every line of a webhook that is in one state another; how many there were."""

        def step(connection: Connection) -> int:
            some = select(_log.id).where(_log.webhook_id == webhook_id, _log.state == before.value).limit(_STEP)
            return connection.execute(
                change(webhook_deliveries).where(_log.id.in_(some)).values(state=after.value)
            ).rowcount

        moved = 0
        while changed := await self._sessions.write(step):
            moved += changed
        return moved

    async def counts(self, *states: DeliveryState) -> dict[tuple[int, DeliveryState], int]:
        """How many lines are in each of these states, by webhook; those without any are left out."""
        names = [state.value for state in states]

        def read(connection: Connection) -> dict[tuple[int, DeliveryState], int]:
            query = select(_log.webhook_id, _log.state, func.count()).where(_log.state.in_(names))
            found = connection.execute(query.group_by(_log.webhook_id, _log.state))
            return {(row[0], DeliveryState(row[1])): row[2] for row in found}

        return await self._sessions.read(read)

    async def prune(self, before: datetime) -> int:
        """Forget lines older than the moment, but for dead letters and those to be replayed; how many there were."""
        return await _delete(self._sessions, _older(before).where(_log.state.not_in(_KEPT_LONGER)))


class DeadLetters:
    """What was given up, and what waits to be replayed: kept as long as events are."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def prune(self, before: datetime) -> int:
        """Forget those older than the moment; how many there were."""
        return await _delete(self._sessions, _older(before).where(_log.state.in_(_KEPT_LONGER)))


async def _delete(sessions: Sessions, doomed: Select[tuple[int]]) -> int:
    def step(connection: Connection) -> int:
        some = doomed.order_by(_log.id).limit(_STEP)
        return connection.execute(delete(webhook_deliveries).where(_log.id.in_(some))).rowcount

    forgotten = 0
    while deleted := await sessions.write(step):
        forgotten += deleted
    return forgotten


def _older(before: datetime) -> Select[tuple[int]]:
    return select(_log.id).where(_log.id < max(to_ms(before), 0) << ID_BITS)


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _row(one: Delivery) -> Row:
    """In the order of the table's columns."""
    return (
        one.id,
        one.webhook_id,
        one.state.value,
        to_ms(one.created_at),
        to_ms(one.finished_at),
        one.event_id,
        one.type,
        one.attempts,
        one.http_status,
        one.problem,
        one.duration_ms,
        None if one.event is None else _text(one.event),
    )


def _delivery(row: ResultRow[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        webhook_id=row.webhook_id,
        state=DeliveryState(row.state),
        created_at=from_ms(row.created_at_ms),
        finished_at=from_ms(row.finished_at_ms),
        event_id=row.event_id,
        type=row.type,
        attempts=row.attempts,
        http_status=row.http_status,
        problem=row.problem,
        duration_ms=row.duration_ms,
        event=None if row.event is None else msgspec.json.decode(row.event, type=Event),
    )
