"""Transactions, and the numbers given to stations whose version lets the CSMS number transactions.

A station may use a transaction id again, after a factory reset say; the storage never refuses what a station reports,
so the pair (station, protocol's id) is not unique here, and ``find`` gives the newest.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Select,
    Table,
    Text,
    and_,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy import Row as ResultRow

from voltbridge.domain.cost import Cost
from voltbridge.domain.metering import MeterValue, SampledValue
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.tariffs import Tariff
from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import EnergyReading, Transaction, TransactionFilter, TransactionState
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.blocks import id_ranges
from voltbridge.storage.sql.counters import TRANSACTION_NUMBERS, counters
from voltbridge.storage.sql.meter_values import MeterValues, meter_blocks, meter_values
from voltbridge.storage.sql.schema import BigInt, Row, Upsert, metadata
from voltbridge.storage.sql.tokens import tokens
from voltbridge.storage.texts import is_storable
from voltbridge.storage.times import from_ms, optional_from_ms, optional_to_ms, to_ms

__all__ = [
    "Transactions",
    "read_open_transactions",
    "transaction_row",
    "transaction_upsert",
    "transactions",
]

_ACTIVE = TransactionState.ACTIVE.value

transactions = Table(
    "transactions",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("transaction_id", Text, nullable=False),
    Column("station_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    # The start, or the moment we first heard of it while the start is unknown: what lists are sorted by.
    Column("began_at_ms", BigInteger, nullable=False),
    Column("evse_id", BigInteger),
    Column("connector_id", BigInteger),
    Column("token_key", Text),
    Column("id_token", Text),
    Column("stop_id_token", Text),
    Column("started_at_ms", BigInteger),
    Column("stopped_at_ms", BigInteger),
    Column("stop_reason", Text),
    Column("charging_state", Text),
    Column("reservation_id", BigInteger),
    Column("remote_start_id", BigInteger),
    Column("time_spent_charging_s", BigInteger),
    Column("first_reading_at_ms", BigInteger),
    Column("first_reading_wh", Float),
    Column("last_reading_at_ms", BigInteger),
    Column("last_reading_wh", Float),
    Column("energy_wh", Float),
    Column("energy_problems", Text),
    Column("offline", Boolean, nullable=False),
    Column("sequences", Text, nullable=False),
    Column("close_note", Text),
    Column("superseded_by", BigInteger),
    Column("progress", Text, nullable=False),
    Column("tariff", Text),
    Column("cost", Text),
    Column("cost_facts", Text),
    Index(None, "station_id", "transaction_id"),
    Index(None, "station_id", "began_at_ms", "id"),
    Index(None, "began_at_ms", "id"),
    Index(None, "token_key", "began_at_ms", "id"),
    Index(
        "ix_transactions_active",
        "station_id",
        sqlite_where=text("state = 'Active'"),
        postgresql_where=text("state = 'Active'"),
    ),
)

transaction_upsert = Upsert.replacing(
    transactions, settled=("transaction_id", "station_id", "state", "began_at_ms", "token_key")
)

_LARGEST_NUMBER = 2**31 - 1

_Found = list[Transaction]
_encode = msgspec.json.Encoder().encode
_decode_id_token = msgspec.json.Decoder(IdToken).decode
_decode_tariff = msgspec.json.Decoder(Tariff).decode
_decode_cost = msgspec.json.Decoder(Cost).decode
_decode_problems = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_values = msgspec.json.Decoder(tuple[SampledValue, ...]).decode


def transaction_row(transaction: Transaction) -> Row:
    """The transaction in the order of the table's columns."""
    created_at_ms = to_ms(transaction.created_at)
    started_at_ms = optional_to_ms(transaction.started_at)
    first, last = transaction.first_reading, transaction.last_reading
    return (
        transaction.id,
        transaction.transaction_id,
        transaction.station_id,
        transaction.state.value,
        created_at_ms,
        to_ms(transaction.updated_at),
        created_at_ms if started_at_ms is None else started_at_ms,
        transaction.evse_id,
        transaction.connector_id,
        transaction.id_token.key if transaction.id_token else None,
        _id_token_text(transaction.id_token),
        _id_token_text(transaction.stop_id_token),
        started_at_ms,
        optional_to_ms(transaction.stopped_at),
        transaction.stop_reason,
        transaction.charging_state,
        transaction.reservation_id,
        transaction.remote_start_id,
        transaction.time_spent_charging_s,
        to_ms(first.at) if first else None,
        first.wh if first else None,
        to_ms(last.at) if last else None,
        last.wh if last else None,
        transaction.energy_wh,
        _encode(transaction.energy_problems).decode() if transaction.energy_problems else None,
        transaction.offline,
        transaction.sequences,
        transaction.close_note,
        transaction.superseded_by,
        transaction.progress,
        _encode(transaction.tariff).decode() if transaction.tariff else None,
        _encode(transaction.cost).decode() if transaction.cost else None,
        transaction.cost_facts or None,
    )


def read_open_transactions(connection: Connection, station_ids: Iterable[str]) -> dict[str, list[Transaction]]:
    """The active transactions of these stations, oldest first."""
    query = (
        select(transactions)
        .where(transactions.c.station_id.in_(list(station_ids)), transactions.c.state == text("'Active'"))
        .order_by(transactions.c.id)
    )
    found: dict[str, list[Transaction]] = {}
    for row in connection.execute(query):
        found.setdefault(row.station_id, []).append(_transaction(row))
    return found


class Transactions:
    """Transactions as stored; those now running are newer in their owner's memory."""

    def __init__(self, sessions: Sessions, meter_values: MeterValues) -> None:
        self._sessions = sessions
        self._meter_values = meter_values

    async def get(self, id: int) -> Transaction | None:
        """The transaction of our own id."""
        return await self._one(select(transactions).where(transactions.c.id == id))

    async def find(self, station_id: str, transaction_id: str) -> Transaction | None:
        """The newest transaction of the station with the protocol's id."""
        if not is_storable(station_id, transaction_id):
            return None
        return await self._one(
            select(transactions)
            .where(transactions.c.station_id == station_id, transactions.c.transaction_id == transaction_id)
            .order_by(transactions.c.id.desc())
            .limit(1)
        )

    async def find_start(
        self,
        station_id: str,
        evse_id: int,
        started_at: datetime,
        token_key: str | None,
        meter_start_wh: float | None,
    ) -> Transaction | None:
        """The transaction that a start with exactly this content made, so that a repeated start makes no second one."""
        if not is_storable(station_id, token_key):
            return None
        query = select(transactions).where(
            transactions.c.station_id == station_id,
            transactions.c.began_at_ms == to_ms(started_at),
            transactions.c.started_at_ms == to_ms(started_at),
            transactions.c.evse_id == evse_id,
            transactions.c.token_key.is_(None) if token_key is None else transactions.c.token_key == token_key,
        )
        if meter_start_wh is not None:
            query = query.where(transactions.c.first_reading_wh == meter_start_wh)
        return await self._one(query.order_by(transactions.c.id).limit(1))

    async def open_with_token(self, token_key: str, group_id_token: str | None = None) -> _Found:
        """Active transactions started by the token, or by any token of the group."""
        if not is_storable(token_key, group_id_token):
            return []

        def read(connection: Connection) -> _Found:
            who = transactions.c.token_key == token_key
            if group_id_token is not None:
                group = select(tokens.c.token_key).where(tokens.c.group_key == group_id_token.casefold())
                who = or_(who, transactions.c.token_key.in_(group))
            query = select(transactions).where(transactions.c.state == text("'Active'"), who)
            return [_transaction(row) for row in connection.execute(query.order_by(transactions.c.id))]

        return await self._sessions.read(read)

    async def newest_samples(self) -> dict[int, list[MeterValue]]:
        """Of every active transaction, by our own id, the meter values in the block that was written last."""

        def read(connection: Connection) -> dict[int, list[MeterValue]]:
            active = transactions.c.state == text("'Active'")
            newest = (
                select(func.max(meter_blocks.c.block))
                .join(transactions, transactions.c.id == meter_blocks.c.transaction_id)
                .where(active)
                .group_by(transactions.c.id)
            )
            found: dict[int, list[MeterValue]] = {}
            for first, end in id_ranges(sorted(set(connection.execute(newest).scalars()), reverse=True)):
                rows = (
                    select(meter_values.c.transaction_id, meter_values.c.at_ms, meter_values.c.readings)
                    .join(transactions, transactions.c.id == meter_values.c.transaction_id)
                    .where(active, meter_values.c.id >= first, meter_values.c.id < end)
                )
                for transaction_id, at_ms, readings in connection.execute(rows):
                    found.setdefault(transaction_id, []).append(MeterValue(from_ms(at_ms), _decode_values(readings)))
            return found

        return await self._sessions.read(read)

    async def next_transaction_numbers(self, count: int) -> range:
        """Numbers never given before, 1 to 2**31 - 1, then from 1 again (StartTransaction.conf: a 32-bit integer)."""

        def take(connection: Connection) -> range:
            # One statement, so that two nodes cannot read the same value.
            bump = update(counters).where(counters.c.name == TRANSACTION_NUMBERS).returning(counters.c.value)
            last: int = connection.execute(bump.values(value=counters.c.value + count)).scalar_one()
            if last > _LARGEST_NUMBER:
                last = connection.execute(bump.values(value=count)).scalar_one()
            return range(last - count + 1, last + 1)

        return await self._sessions.write(take)

    async def samples(self, id: int, page: PageRequest) -> Page[MeterValue]:
        """Meter values of the transaction of our own id, oldest first; raises InvalidCursor."""
        owner = await self.get(id)
        return Page(()) if owner is None else await self._meter_values.of_transaction(owner.station_id, id, page)

    async def list(self, wanted: TransactionFilter, page: PageRequest) -> Page[Transaction]:
        """Newest first; raises InvalidCursor."""
        after = read_cursor("transactions", page, (int, int))
        if not is_storable(wanted.station_id, wanted.id_token):
            return Page(())

        def read(connection: Connection) -> Page[Transaction]:
            began_at, own_id = transactions.c.began_at_ms, transactions.c.id
            query = select(transactions).order_by(began_at.desc(), own_id.desc()).limit(page.limit + 1)
            query = query.where(*_conditions(wanted))
            if after:
                query = query.where(or_(began_at < after[0], and_(began_at == after[0], own_id < after[1])))
            rows = connection.execute(query).all()
            return cut("transactions", [((row.began_at_ms, row.id), _transaction(row)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def _one(self, query: Select[Any]) -> Transaction | None:
        def read(connection: Connection) -> Transaction | None:
            row = connection.execute(query).one_or_none()
            return _transaction(row) if row else None

        return await self._sessions.read(read)


def _conditions(wanted: TransactionFilter) -> list[Any]:
    conditions: list[Any] = []
    if wanted.station_id is not None:
        conditions.append(transactions.c.station_id == wanted.station_id)
    if wanted.id_token is not None:
        conditions.append(transactions.c.token_key == wanted.id_token.casefold())
    if wanted.state is not None:
        conditions.append(transactions.c.state == wanted.state.value)
    if wanted.since is not None:
        conditions.append(transactions.c.began_at_ms >= to_ms(wanted.since))
    if wanted.until is not None:
        conditions.append(transactions.c.began_at_ms < to_ms(wanted.until))
    return conditions


def _id_token_text(id_token: IdToken | None) -> str | None:
    return _encode(id_token).decode() if id_token else None


def _reading(at_ms: int | None, wh: float | None) -> EnergyReading | None:
    return None if at_ms is None or wh is None else EnergyReading(from_ms(at_ms), wh)


def _transaction(row: ResultRow[Any]) -> Transaction:
    return Transaction(
        id=row.id,
        transaction_id=row.transaction_id,
        station_id=row.station_id,
        state=TransactionState(row.state),
        created_at=from_ms(row.created_at_ms),
        updated_at=from_ms(row.updated_at_ms),
        evse_id=row.evse_id,
        connector_id=row.connector_id,
        id_token=_decode_id_token(row.id_token) if row.id_token else None,
        stop_id_token=_decode_id_token(row.stop_id_token) if row.stop_id_token else None,
        started_at=optional_from_ms(row.started_at_ms),
        stopped_at=optional_from_ms(row.stopped_at_ms),
        stop_reason=row.stop_reason,
        charging_state=row.charging_state,
        reservation_id=row.reservation_id,
        remote_start_id=row.remote_start_id,
        time_spent_charging_s=row.time_spent_charging_s,
        first_reading=_reading(row.first_reading_at_ms, row.first_reading_wh),
        last_reading=_reading(row.last_reading_at_ms, row.last_reading_wh),
        energy_wh=row.energy_wh,
        energy_problems=_decode_problems(row.energy_problems) if row.energy_problems else (),
        offline=row.offline,
        sequences=row.sequences,
        close_note=row.close_note,
        superseded_by=row.superseded_by,
        progress=row.progress,
        tariff=_decode_tariff(row.tariff) if row.tariff else None,
        cost=_decode_cost(row.cost) if row.cost else None,
        cost_facts=row.cost_facts or "",
    )
