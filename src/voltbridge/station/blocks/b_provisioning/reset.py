"""Restarts: of the controller or of one EVSE, at once or when nobody charges (2.0.1 B11, B12; 1.6 5.14)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from voltbridge.domain.transactions import StopReason
from voltbridge.station.answers import Registration
from voltbridge.station.context import Context

__all__ = ["Reset", "ResetKind", "ResetStatus", "Resets", "TransactionsToEnd"]


class ResetKind(StrEnum):
    """When the restart happens, and what becomes of transactions."""

    IMMEDIATE = "Immediate"
    ON_IDLE = "OnIdle"
    IMMEDIATE_AND_RESUME = "ImmediateAndResume"
    """2.1: transactions go on after the restart."""
    SOFT = "Soft"
    """1.6: transactions are ended first."""
    HARD = "Hard"
    """1.6: as IMMEDIATE, with its own reason."""


class ResetStatus(StrEnum):
    """What the CSMS is told."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    SCHEDULED = "Scheduled"


@dataclass(frozen=True, slots=True)
class Reset:
    """A restart that is wanted. EVSE 0: of the whole station."""

    kind: ResetKind
    evse_id: int = 0


_REASONS: Final = {
    ResetKind.IMMEDIATE: StopReason.IMMEDIATE_RESET,
    ResetKind.ON_IDLE: StopReason.IMMEDIATE_RESET,
    ResetKind.SOFT: StopReason.SOFT_RESET,
    ResetKind.HARD: StopReason.HARD_RESET,
}


class TransactionsToEnd(Protocol):
    """What a restart needs of block E."""

    def running(self, evse_id: int = 0) -> bool:
        """Whether anybody charges there; 0: anywhere."""

    async def end_all(self, reason: StopReason, trigger: str, evse_id: int = 0) -> None:
        """End what runs there, and return when the contactors are open and the ends are on disk."""

    def when_idle(self, evse_id: int, callback: Callable[[], None]) -> None:
        """Call once nobody charges there."""

    def begin_anew(self, evse_id: int) -> None:
        """Look at the hardware of this EVSE as after a start."""


class Resets:
    """Restarts the station."""

    __slots__ = ("_busy", "_context", "_restart", "_scheduled", "_transactions")

    def __init__(
        self,
        context: Context,
        transactions: TransactionsToEnd,
        restart: Callable[[str, bool], None],
    ) -> None:
        """``restart(reason, resume)`` restarts the engine."""
        self._context = context
        self._transactions = transactions
        self._restart = restart
        self._scheduled: set[int] = set()
        self._busy: Callable[[], bool] = lambda: False

    def refuse_while(self, busy: Callable[[], bool]) -> None:
        """No restart while this says True: firmware is being installed (B11.FR.06)."""
        self._busy = busy

    @property
    def scheduled(self) -> bool:
        """A restart of the station waits for its transactions, so nothing new starts."""
        return 0 in self._scheduled

    def is_scheduled(self, evse_id: int) -> bool:
        """A restart of this EVSE, or of the station, waits."""
        return 0 in self._scheduled or evse_id in self._scheduled

    def decide(self, reset: Reset) -> ResetStatus:
        """What will be done; ``perform`` does it once that was told."""
        evse_id = reset.evse_id
        if self._busy() or (evse_id and not self._context.configuration.has(evse_id)):
            return ResetStatus.REJECTED
        if reset.kind is ResetKind.IMMEDIATE_AND_RESUME and self._context.settings.resumption_timeout_s == 0:
            return ResetStatus.REJECTED  # 2.1 B13: only a station that can resume takes it
        if evse_id and self._context.device_model.get(f"EVSE@{evse_id}.AllowReset") != "true":
            return ResetStatus.REJECTED
        if reset.kind is ResetKind.ON_IDLE and self._transactions.running(evse_id):
            return ResetStatus.SCHEDULED
        return ResetStatus.ACCEPTED

    async def perform(self, reset: Reset) -> None:
        """Restart, now or when the transactions have ended."""
        evse_id = reset.evse_id
        if reset.kind is ResetKind.ON_IDLE and self._transactions.running(evse_id):
            self._scheduled.add(evse_id)
            self._transactions.when_idle(evse_id, lambda: self._resume(reset))
            return
        if reset.kind is not ResetKind.IMMEDIATE_AND_RESUME:
            await self._transactions.end_all(_REASONS[reset.kind], "ResetCommand", evse_id)
        if evse_id:
            await self._restart_evse(evse_id)
            return
        await self._told()
        reason = "ScheduledReset" if reset.kind is ResetKind.ON_IDLE and 0 in self._scheduled else "RemoteReset"
        self._restart(reason, reset.kind is ResetKind.IMMEDIATE_AND_RESUME)

    def _resume(self, reset: Reset) -> None:
        if reset.evse_id in self._scheduled:
            self._context.tasks.spawn(self._perform_scheduled(reset), "scheduled reset")

    async def _perform_scheduled(self, reset: Reset) -> None:
        try:
            await self.perform(reset)
        finally:
            self._scheduled.discard(reset.evse_id)

    async def _told(self) -> None:
        """Give the ends of transactions the time of one message to arrive; they are kept anyway (B12.FR.05)."""
        context = self._context
        if context.outbox.registration is not Registration.ACCEPTED or not context.outbox.connected:
            return
        limit_s = float(context.settings.message_timeout_s)
        idle = context.tasks.spawn(context.outbox.idle(), "last words")
        cancel = context.clock.call_later(limit_s, lambda: _give_up(idle))
        try:
            await _finished(idle)
        finally:
            cancel()

    async def _restart_evse(self, evse_id: int) -> None:
        """B11.FR.08: the EVSE begins anew, the rest of the station goes on; too short to be told as Unavailable."""
        self._scheduled.discard(evse_id)
        await self._context.hardware.evses[evse_id - 1].open_contactor()
        self._transactions.begin_anew(evse_id)


def _give_up(task: asyncio.Task[None]) -> None:
    task.cancel()


async def _finished(task: Awaitable[None]) -> None:

    await asyncio.gather(task, return_exceptions=True)
