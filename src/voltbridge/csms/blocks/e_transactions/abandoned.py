"""Transactions that a station never closes: found by what else is known, and closed with the reason stated.

A transaction counts as abandoned when nothing has come of it for a while, and

- a newer one runs on its EVSE, or the station tells that its connector is free; a station that can be asked is asked
  first (2.0.1 E14), and one that says it goes on, or that messages of it wait, is believed; or
- its station has not been seen for a long time, or is no longer known.

Should the end arrive after all, the transaction becomes an ended one as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Final, Protocol

import structlog

from voltbridge.csms.blocks.e_transactions.ports import Connected
from voltbridge.domain.clock import Clock
from voltbridge.domain.commands import Command, CommandState, Unsupported
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.domain.evses import ConnectorStatus
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.station_calls import StationNotConnected
from voltbridge.domain.stations import LiveStation, Station
from voltbridge.domain.transactions import Transaction, TransactionFilter, TransactionState

__all__ = ["AbandonedPolicy", "AbandonedTransactions", "Asking", "KnownStations", "Transactions"]

_log = structlog.stdlib.get_logger(__name__)

_ACTIVE: Final = TransactionFilter(state=TransactionState.ACTIVE)
_PAGE: Final = 500


class Transactions(Protocol):
    """The transactions, as they are now."""

    async def list(self, wanted: TransactionFilter, page: PageRequest) -> Page[Transaction]: ...

    async def close(self, id: int, reason: str) -> Transaction: ...


class KnownStations(Protocol):
    """Which stations there are."""

    async def get(self, station_id: str) -> Station | None: ...


class Asking(Protocol):
    """Commands to stations."""

    async def submit(self, station_id: str, name: str, parameters: Mapping[str, Any]) -> Command:
        """Raises Unsupported and StationNotConnected."""


@dataclass(frozen=True, slots=True)
class AbandonedPolicy:
    """How long is long."""

    quiet: timedelta = timedelta(hours=12)
    """Without any news of a transaction, before other signs count against it."""
    away: timedelta = timedelta(days=30)
    """Without any news of a station, before its transactions are given up."""


class _Said(Enum):
    OVER = auto()
    NOT_OVER = auto()
    CANNOT_SAY = auto()


class AbandonedTransactions:
    """Looks through the active transactions when told to."""

    def __init__(
        self,
        transactions: Transactions,
        stations: KnownStations,
        connected: Connected,
        commands: Asking,
        clock: Clock,
        policy: AbandonedPolicy = AbandonedPolicy(),
    ) -> None:
        self._transactions = transactions
        self._stations = stations
        self._connected = connected
        self._commands = commands
        self._clock = clock
        self._policy = policy

    async def close_all(self) -> int:
        """Close what is abandoned; how many. Raises StorageUnavailable."""
        closed = 0
        request = PageRequest(_PAGE)
        while True:
            page = await self._transactions.list(_ACTIVE, request)
            for transaction in page.items:
                try:
                    closed += await self._close_if_abandoned(transaction)
                except StorageUnavailable:
                    raise
                except Exception:
                    # One that cannot be asked about must not keep all others open.
                    _log.exception("a transaction could not be looked at", id=transaction.id)
            if page.next is None:
                return closed
            request = PageRequest(_PAGE, page.next)

    async def _close_if_abandoned(self, transaction: Transaction) -> bool:
        reason = await self._reason(transaction)
        if reason is not None:
            await self._transactions.close(transaction.id, reason)
        return reason is not None

    async def _reason(self, transaction: Transaction) -> str | None:
        """Why the end of the transaction will not arrive, or None while it may."""
        live = self._connected.get(transaction.station_id)
        if live is None:
            return await self._reason_away(transaction)
        if self._clock.now() - transaction.updated_at < self._policy.quiet:
            return None
        sign = _sign(live, transaction)
        if sign is None:
            return None
        match await self._ask(transaction):
            case _Said.OVER:
                return f"{sign}, and the station says that it is over and that no message of it waits"
            case _Said.CANNOT_SAY:
                return sign
            case _Said.NOT_OVER:
                return None

    async def _reason_away(self, transaction: Transaction) -> str | None:
        station = await self._stations.get(transaction.station_id)
        news = transaction.updated_at
        if station is not None and station.report.last_seen_at is not None:
            news = max(news, station.report.last_seen_at)
        if self._clock.now() - news < self._policy.away:
            return None
        return (
            f"its station {'has not been seen' if station else 'is no longer known, without news'} since {_day(news)}"
        )

    async def _ask(self, transaction: Transaction) -> _Said:
        try:
            command = await self._commands.submit(
                transaction.station_id, "get_transaction_status", {"transaction_id": transaction.transaction_id}
            )
        except Unsupported:
            return _Said.CANNOT_SAY
        except StationNotConnected:
            return _Said.NOT_OVER
        answer = command.answer
        if command.state is not CommandState.ACCEPTED or answer is None:
            _log.info("a station did not say whether a transaction is over", station=command.station_id)
            return _Said.NOT_OVER
        over = answer.info.get("ongoing") is False and answer.info.get("messages_in_queue") is False
        return _Said.OVER if over else _Said.NOT_OVER


def _sign(live: LiveStation, transaction: Transaction) -> str | None:
    """What speaks against the transaction."""
    if transaction.superseded_by is not None:
        return "a newer transaction runs on the same EVSE"
    connector = live.connectors.get((transaction.evse_id or 0, transaction.connector_id or 1))
    if (
        connector is not None
        and connector.status is ConnectorStatus.AVAILABLE
        and connector.status_at > (transaction.started_at or transaction.created_at)
    ):
        return f"its connector has been free since {_day(connector.status_at)}"
    return None


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
