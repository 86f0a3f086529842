"""How often a message about a transaction is tried, and when again (``outbox``, rule 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from voltbridge.domain.clock import Cancel, Clock
from voltbridge.station.facts import Fact, TransactionFact

__all__ = ["Retries", "RetrySettings"]


class RetrySettings(Protocol):
    """The settings this goes by; ``settings.StationSettings`` has them."""

    @property
    def message_attempts(self) -> int: ...
    @property
    def message_attempt_interval_s(self) -> int: ...
    @property
    def signed_message_attempts(self) -> int: ...


class Retries:
    """Which queues wait for the next attempt with their heads, and until when."""

    __slots__ = ("_cancel", "_clock", "_due", "_settings", "_wake")

    def __init__(self, clock: Clock, settings: RetrySettings, wake: Callable[[], None]) -> None:
        """``wake``: called when a queue may be tried again."""
        self._clock = clock
        self._settings = settings
        self._wake = wake
        self._due: dict[int, float] = {}
        """By the id of a queue: the moment its head may be tried again."""
        self._cancel: Cancel | None = None

    def attempts_of(self, fact: Fact) -> int:
        """How often it is tried in all."""
        attempts = self._settings.message_attempts
        if isinstance(fact, TransactionFact) and fact.signed and self._settings.signed_message_attempts > 0:
            attempts = self._settings.signed_message_attempts
        return max(1, attempts)

    def waits(self, queue: object) -> bool:
        """The next attempt with its head is not due yet."""
        return self._clock.monotonic() < self._due.get(id(queue), 0.0)

    def later(self, queue: object, pauses: int) -> None:
        """Its head is tried again after so many intervals."""
        interval_s = max(0, self._settings.message_attempt_interval_s)
        self._due[id(queue)] = self._clock.monotonic() + interval_s * pauses
        self._schedule()

    def over(self, queue: object) -> None:
        """Its head is told or given up."""
        self._due.pop(id(queue), None)

    def stop(self) -> None:
        """Call nobody any more."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    def _schedule(self) -> None:
        self.stop()
        if self._due:
            moment = min(self._due.values())
            self._cancel = self._clock.call_later(max(0.0, moment - self._clock.monotonic()), self._is_due)

    def _is_due(self) -> None:
        self._cancel = None
        now = self._clock.monotonic()
        self._due = {queue: moment for queue, moment in self._due.items() if moment > now}
        self._schedule()
        self._wake()
