"""Forgetting old records that no store forgets itself, a few rows in each write, so that nobody waits behind it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, select, text, tuple_

from voltbridge.domain.ids import ID_BITS
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.blocks import block_of, id_ranges
from voltbridge.storage.sql.deviations import deviation_counts
from voltbridge.storage.sql.firmware import firmware_updates
from voltbridge.storage.sql.meter_values import meter_blocks, meter_values
from voltbridge.storage.sql.reservations import reservations
from voltbridge.storage.sql.rollouts import rollout_members, rollouts
from voltbridge.storage.sql.station_logs import station_logs
from voltbridge.storage.sql.transactions import transactions
from voltbridge.storage.times import to_ms

__all__ = ["Pruning"]

_STEP: Final = 500
"""Rows deleted in one write."""
_STEP_BLOCKS: Final = 4
"""Blocks of meter values looked through in one write."""
_STEP_STATIONS: Final = 100
"""Stations and transactions looked at in one write."""

_RUNS: Final = transactions.c.state == text("'Active'")  # as the index has it


class Pruning:
    """One method for each kind of record; each says how many there were."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def reservations(self, before: datetime) -> int:
        """Reservations that ended before the moment."""
        return await self._prune(reservations, reservations.c.ended_at_ms < to_ms(before))

    async def deviations(self, before: datetime) -> int:
        """Counts of rules that were last broken before the moment."""
        return await self._prune(deviation_counts, deviation_counts.c.last_seen_at_ms < to_ms(before))

    async def firmware_updates(self, before: datetime) -> int:
        """Updates of firmware that are over and were asked for before the moment."""
        return await self._prune_closed(firmware_updates, before)

    async def station_logs(self, before: datetime) -> int:
        """Requests for logs that are over and were made before the moment."""
        return await self._prune_closed(station_logs, before)

    async def rollouts(self, before: datetime) -> int:
        """Rollouts that ended before the moment, with their members."""
        removed = 0

        def step(connection: Connection) -> bool | None:
            over = select(rollouts.c.id).where(rollouts.c.finished_at_ms < to_ms(before)).limit(1)
            id = connection.execute(over).scalar_one_or_none()
            if id is None:
                return None
            some = (
                select(rollout_members.c.position)
                .where(rollout_members.c.rollout_id == id)
                .order_by(rollout_members.c.position)
                .limit(_STEP)
            )
            positions = connection.execute(some).scalars().all()
            own = (rollout_members.c.rollout_id == id, rollout_members.c.position.in_(positions))
            connection.execute(delete(rollout_members).where(*own))
            if len(positions) == _STEP:
                return False
            connection.execute(delete(rollouts).where(rollouts.c.id == id))
            return True

        while (gone := await self._sessions.write(step)) is not None:
            removed += gone
        return removed

    async def transactions(self, before: datetime) -> int:
        """Transactions that ended before the moment, with their meter values."""
        limit_ms, removed = to_ms(before), 0
        ended_at = func.coalesce(transactions.c.stopped_at_ms, transactions.c.updated_at_ms)
        # A station's clock may have been wrong: one that we were told of lately stays, whenever it says it ended.
        over = (transactions.c.began_at_ms < limit_ms, ended_at < limit_ms, transactions.c.updated_at_ms < limit_ms)
        order = (transactions.c.began_at_ms, transactions.c.id)
        after: tuple[int, int] = (-(2**63), 0)
        while True:

            def some(connection: Connection, after: tuple[int, int] = after) -> list[Any]:
                columns = (*order, transactions.c.station_id)
                query = select(*columns).where(*over, ~_RUNS, tuple_(*order) > tuple_(*after)).order_by(*order)
                return list(connection.execute(query.limit(_STEP_STATIONS)))

            found = await self._sessions.read(some)
            for row in found:
                await self._forget_transaction(row.station_id, row.id)
                removed += 1
            if len(found) < _STEP_STATIONS:
                return removed
            after = (found[-1].began_at_ms, found[-1].id)

    async def meter_values(self, before: datetime) -> int:
        """Meter values that were taken before the moment, but for those of transactions that run."""
        limit_ms, removed = to_ms(before), 0
        key = (meter_values.c.at_ms, meter_values.c.station_id, meter_values.c.key)
        after: tuple[int, str, int] = (-(2**63), "", 0)
        while True:

            def step(connection: Connection, after: tuple[int, str, int] = after) -> tuple[int, Any]:
                query = select(meter_values.c.id, meter_values.c.transaction_id, *key)
                query = query.where(meter_values.c.at_ms < limit_ms, tuple_(*key) > tuple_(*after))
                rows = connection.execute(query.order_by(*key).limit(_STEP)).all()
                owners = {row.transaction_id for row in rows if row.transaction_id is not None}
                running = select(transactions.c.id).where(_RUNS, transactions.c.id.in_(owners))
                kept = set(connection.execute(running).scalars()) if owners else set()
                doomed = [row.id for row in rows if row.transaction_id not in kept or row.transaction_id is None]
                if doomed:
                    connection.execute(delete(meter_values).where(meter_values.c.id.in_(doomed)))
                return len(doomed), rows[-1] if len(rows) == _STEP else None

            gone, last = await self._sessions.write(step)
            removed += gone
            if last is None:
                break
            after = (last.at_ms, last.station_id, last.key)
        if removed:
            await self._prune_meter_entries()
        return removed

    async def _forget_transaction(self, station_id: str, id: int) -> None:
        """Its meter values some blocks at a time, newest first, then itself: killed in between, it is found again."""
        of_it = (meter_blocks.c.station_id == station_id, meter_blocks.c.transaction_id == id)
        while True:

            def step(connection: Connection) -> bool:
                newest_first = select(meter_blocks.c.block).where(*of_it).order_by(meter_blocks.c.block.desc())
                blocks = list(connection.execute(newest_first.limit(_STEP_BLOCKS)).scalars())
                for first, end in id_ranges(blocks):
                    within = (meter_values.c.id >= first, meter_values.c.id < end)
                    own = (meter_values.c.transaction_id == id, meter_values.c.station_id == station_id)
                    connection.execute(delete(meter_values).where(*within, *own))
                if blocks:
                    connection.execute(delete(meter_blocks).where(*of_it, meter_blocks.c.block >= blocks[-1]))
                if len(blocks) == _STEP_BLOCKS:
                    return False
                connection.execute(delete(transactions).where(transactions.c.id == id, ~_RUNS))
                return True

            if await self._sessions.write(step):
                return

    async def _prune_meter_entries(self) -> None:
        """Forget the entries of blocks that have no rows any more, some stations at a time.

        The newest block is open and keeps its entries: its writer would not make them again.
        """
        after: str | None = ""
        while after is not None:

            def step(connection: Connection, after: str = after) -> str | None:
                oldest = connection.execute(select(func.min(meter_values.c.id))).scalar_one()
                newest = connection.execute(select(func.max(meter_blocks.c.block))).scalar_one()
                if newest is None:
                    return None
                first_kept = newest if oldest is None else min(block_of(oldest), newest)
                following = select(meter_blocks.c.station_id).where(meter_blocks.c.station_id > after).distinct()
                stations = connection.execute(following.order_by(meter_blocks.c.station_id).limit(_STEP_STATIONS))
                names = list(stations.scalars())
                old = (meter_blocks.c.station_id.in_(names), meter_blocks.c.block < first_kept)
                connection.execute(delete(meter_blocks).where(*old))
                return names[-1] if len(names) == _STEP_STATIONS else None

            after = await self._sessions.write(step)

    async def _prune_closed(self, table: Table, before: datetime) -> int:
        made_before = table.c.id < max(to_ms(before), 0) << ID_BITS
        return await self._prune(table, and_(made_before, table.c.is_open.is_(False)))

    async def _prune(self, table: Table, doomed: ColumnElement[bool]) -> int:
        removed = 0
        key = tuple(table.primary_key.columns)

        def step(connection: Connection) -> int:
            rows = connection.execute(select(*key).where(doomed).limit(_STEP)).all()
            if not rows:
                return 0
            if len(key) == 1:
                return connection.execute(delete(table).where(key[0].in_([row[0] for row in rows]))).rowcount
            return connection.execute(delete(table).where(tuple_(*key).in_([tuple(row) for row in rows]))).rowcount

        while gone := await self._sessions.write(step):
            removed += gone
        return removed
