"""CostUpdated: the running cost, told at an interval and only where it has changed (I02).

Each running transaction whose tariff wants it has a timer. A station that does not know the message is not told again
on this connection; one that is away is told once it has said something of the transaction again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final
from weakref import ref

import structlog

from voltbridge.csms.blocks.i_tariff_and_cost.displays import Display
from voltbridge.csms.blocks.i_tariff_and_cost.ports import Calls, Connected, CostWords
from voltbridge.domain.clock import Cancel, Clock
from voltbridge.domain.station_calls import CallFailed, CallRefused
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.transactions import Transaction, TransactionState
from voltbridge.protocol.versions import Version

__all__ = ["CostUpdates", "Total"]

_log = structlog.stdlib.get_logger(__name__)

_UNKNOWN_MESSAGE: Final = frozenset({"NotImplemented", "NotSupported"})

Total = Callable[[LiveStation, Transaction], Decimal | None]
"""What a running transaction has cost until now; None where it is not to be told."""


@dataclass(slots=True)
class _Running:
    """A transaction whose cost is told."""

    station_id: str
    transaction_id: str
    interval_s: float
    told: Decimal | None = None
    cancel: Cancel | None = None
    telling: bool = False
    """Whether the station has been told and has not answered yet."""


class CostUpdates:
    """Tells stations what their transactions cost."""

    def __init__(self, calls: Calls, connected: Connected, clock: Clock, words: Mapping[Version, CostWords]) -> None:
        self._calls = calls
        self._connected = connected
        self._clock = clock
        self._words = words
        self._total: Total = lambda live, transaction: None
        self._running: dict[int, _Running] = {}
        self._unwilling: dict[str, ref[LiveStation]] = {}
        """By station: the connection on which it did not know the message."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def total_by(self, total: Total) -> None:
        """Have the cost of a running transaction told by ``total``."""
        self._total = total

    async def close(self) -> None:
        """Tell nothing more, and return once nothing is under way."""
        self._closed = True
        for running in self._running.values():
            if running.cancel is not None:
                running.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def takes_costs(self, live: LiveStation, currency: str, display: Display) -> bool:
        """Whether the station can be told costs in this currency."""
        words = self._words.get(Version(live.report.protocol)) if live.report.protocol else None
        if words is None or (display.currency is not None and display.currency.upper() != currency):
            return False
        return words.LOCAL_COST or display.costs is not False

    def running(self, live: LiveStation, transaction: Transaction, interval_s: float) -> None:
        """A transaction goes on."""
        running = self._running.get(transaction.id)
        if self._closed or (running is not None and running.cancel is not None):
            return
        if live.report.protocol is None or Version(live.report.protocol) not in self._words:
            return
        if self._is_unwilling(live):
            return
        if running is None:
            running = _Running(live.station_id, transaction.transaction_id, interval_s)
            self._running[transaction.id] = running
        if running.cancel is None:
            self._wait(transaction.id, running)

    def told(self, own_id: int, total: Decimal) -> None:
        """The station was told by an answer."""
        running = self._running.get(own_id)
        if running is not None:
            running.told = total

    def over(self, own_id: int) -> None:
        """A transaction has ended."""
        running = self._running.pop(own_id, None)
        if running is not None and running.cancel is not None:
            running.cancel()

    def _is_unwilling(self, live: LiveStation) -> bool:
        unwilling = self._unwilling.get(live.station_id)
        return unwilling is not None and unwilling() is live

    def _wait(self, own_id: int, running: _Running) -> None:
        running.cancel = self._clock.call_later(running.interval_s, partial(self._due, own_id))

    def _due(self, own_id: int) -> None:
        running = self._running.get(own_id)
        if running is None or self._closed:
            return
        running.cancel = None
        live = self._connected.get(running.station_id)
        transaction = live.transactions.get(running.transaction_id) if live is not None else None
        if live is None or transaction is None or transaction.id != own_id:
            del self._running[own_id]
            return
        if self._is_unwilling(live):  # learnt by another of its transactions
            del self._running[own_id]
            return
        if transaction.state is not TransactionState.ACTIVE or transaction.superseded_by is not None:
            del self._running[own_id]
            return
        total = self._total(live, transaction)
        if total is None or total == running.told or running.telling:
            self._wait(own_id, running)
            return
        running.telling = True
        task = asyncio.get_running_loop().create_task(self._tell(own_id, running, live, total))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, own_id: int, running: _Running, live: LiveStation, total: Decimal) -> None:
        version = Version(live.report.protocol or "")
        request = self._words[version].cost_updated(running.transaction_id, total)
        try:
            await self._calls.call(live, version, request)
        except CallRefused as refusal:
            if refusal.code in _UNKNOWN_MESSAGE:
                self._unwilling[live.station_id] = ref(live)
                self._running.pop(own_id, None)
                _log.info("a station does not take running costs", station=live.station_id, code=refusal.code)
                return
        except CallFailed as failure:
            _log.debug("a running cost was not taken", station=live.station_id, why=str(failure))
        else:
            running.told = total
        finally:
            running.telling = False
        if self._running.get(own_id) is running and running.cancel is None and not self._closed:
            self._wait(own_id, running)
