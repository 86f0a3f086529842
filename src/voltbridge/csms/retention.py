"""How long each kind of record is kept: one table, and what goes by it once an hour.

Nothing that an operator has to answer for is forgotten unless he says so: transactions and their readings are kept
forever by default, logs are not. What goes, goes a few rows at a time between the commits of others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from voltbridge.csms.journal import StorageUnavailable
from voltbridge.domain.clock import Clock

__all__ = ["KINDS", "Keeper", "Kept", "Kind", "RetentionService"]

_log = structlog.stdlib.get_logger(__name__)

_EVERY_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record that goes with time."""

    name: str
    setting: str
    """The option that says for how many days; None of it means forever."""
    text: str
    """What it is and from when its time counts."""


KINDS: Final = (
    Kind("messages", "log_retention_days", "OCPP messages from and to stations, from when they came or went."),
    Kind("events", "event_retention_days", "Events, from when they happened."),
    Kind("commands", "command_retention_days", "Commands to stations, from their end."),
    Kind("operations", "command_retention_days", "Operations over many stations, from their end."),
    Kind("firmware_updates", "command_retention_days", "Updates of stations' firmware, from when they were asked for."),
    Kind(
        "rollouts", "command_retention_days", "Rollouts of firmware with what became of each station, from their end."
    ),
    Kind(
        "station_logs",
        "command_retention_days",
        "Requests for logs of stations, from when they were made; the logs themselves are files.",
    ),
    Kind("transactions", "transaction_retention_days", "Transactions with their meter values, from their end."),
    Kind(
        "meter_values",
        "meter_value_retention_days",
        "Meter values, from when they were taken; those of a transaction that runs stay.",
    ),
    Kind("reservations", "reservation_retention_days", "Reservations, from their end."),
    Kind("alerts", "alert_retention_days", "Alerts that are closed, from when they were last heard of."),
    Kind("deviations", "deviation_retention_days", "Counts of broken rules, from when a rule was last broken."),
    Kind("webhook_deliveries", "delivery_retention_days", "The log of deliveries to webhooks, from their making."),
    Kind("dead_letters", "event_retention_days", "Deliveries to webhooks that were given up, from their making."),
    Kind(
        "customer_information",
        "customer_information_retention_days",
        "What stations told of customers, from its last part.",
    ),
    Kind("files", "file_retention_days", "Files that stations delivered, from their delivery."),
)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who removes records of a kind."""

    prune: Callable[[datetime], Awaitable[int]]
    """Forget what is older than the moment; how many there were. Raises StorageUnavailable."""
    oldest: Callable[[], Awaitable[datetime | None]]
    """From when the oldest record is. Raises StorageUnavailable."""
    always: Callable[[], Awaitable[None]] | None = None
    """What has to be tidied besides, whatever the setting."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of record, how long it is kept, and what came of that."""

    kind: Kind
    days: int | None
    oldest_at: datetime | None = None
    last_run_at: datetime | None = None
    """When it was looked through last, by this process."""
    last_removed: int = 0
    """How many records went then."""
    problem: str | None = None
    """Why the last run failed."""


class RetentionService:
    """Forgets what has been kept for long enough, and tells what is kept."""

    def __init__(self, keepers: Mapping[str, Keeper], days: Mapping[str, int | None], clock: Clock) -> None:
        """``keepers`` by the names of ``KINDS``, ``days`` by their settings."""
        self._keepers = keepers
        self._clock = clock
        self._kept = {kind.name: Kept(kind, days[kind.setting]) for kind in KINDS}

    async def run(self) -> None:
        """Tidy now and once an hour, until cancelled."""
        while True:
            await self.tidy()
            await self._clock.sleep(_EVERY_S)

    async def tidy(self) -> None:
        """Forget what is old of every kind; trouble with one is not the others'."""
        for name, kept in self._kept.items():
            removed, problem = 0, None
            try:
                removed = await self._tidy(self._keepers[name], kept.days)
            except (StorageUnavailable, OSError) as error:
                problem = str(error) or "the storage is out of reach"
                _log.warning("old records could not be removed", kind=name, error=problem)
            except Exception as error:
                # A mistake of ours with one kind must not leave all others to grow.
                problem = repr(error)
                _log.exception("old records could not be removed", kind=name)
            else:
                if removed:
                    _log.info("old records were removed", kind=name, count=removed)
            now = self._clock.now()
            self._kept[name] = replace(kept, last_run_at=now, last_removed=removed, problem=problem)

    async def list(self) -> Sequence[Kept]:
        """Every kind, in the order of the table. Raises StorageUnavailable."""
        return [replace(kept, oldest_at=await self._keepers[name].oldest()) for name, kept in self._kept.items()]

    async def _tidy(self, keeper: Keeper, days: int | None) -> int:
        if keeper.always is not None:
            await keeper.always()
        return 0 if days is None else await keeper.prune(self._clock.now() - timedelta(days=days))
