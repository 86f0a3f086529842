"""What the outbox needs around it: a line that a test answers, settings, and words of one version for all facts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from voltbridge.domain.transactions import TransactionPhase
from voltbridge.protocol import v201
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Acknowledged, Answer, NoAnswer, Unreachable
from voltbridge.station.facts import ConnectorState, Fact, StatusFact, TransactionFact
from voltbridge.station.wording import Wording

__all__ = ["Call", "FakeLine", "FakeSettings", "status", "transaction", "wording"]

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class FakeSettings:
    """Defaults as the standard recommends, small enough for tests."""

    message_timeout_s: int = 30
    message_attempts: int = 3
    message_attempt_interval_s: int = 60
    signed_message_attempts: int = 0
    retransmit_meter_values: bool = True
    queue_capacity: int = 100
    disallow_charging_if_queue_full: bool = False
    queue_all_messages: bool = False


@dataclass(eq=False)
class Call:
    """A request on its way; the request is the fact itself."""

    fact: Any
    answer: asyncio.Future[Payload]

    def succeed(self) -> None:
        self.answer.set_result(v201.TransactionEventResponse())

    def fail(self, error: NoAnswer) -> None:
        self.answer.set_exception(error)


class FakeLine:
    """A line that keeps what is called until the test answers; ``answering`` answers at once."""

    def __init__(
        self, version: Version = Version.V201, answering: Callable[[Any], NoAnswer | None] | None = None
    ) -> None:
        self.version = version
        self.is_open = True
        self.calls: asyncio.Queue[Call] = asyncio.Queue()
        self.said: list[Any] = []
        self._answering = answering
        self._pending: list[Call] = []

    async def call(self, action: str, request: Payload, timeout_s: float | None = None) -> Payload:
        if not self.is_open:
            raise Unreachable("closed")
        assert all(call.answer.done() for call in self._pending), "two at a time"
        call = Call(request, asyncio.get_running_loop().create_future())
        self.said.append(request)
        self._pending = [call]
        self.calls.put_nowait(call)
        if self._answering is not None:
            error = self._answering(request)
            if error is None:
                call.succeed()
            else:
                call.fail(error)
        return await call.answer

    def end(self) -> None:
        """The connection is gone, with whatever was on its way."""
        self.is_open = False
        for call in self._pending:
            if not call.answer.done():
                call.fail(Unreachable("ended"))


def wording(version: Version, fact: Fact) -> Wording | None:
    """The fact is its own message, and every answer is an acknowledgement."""

    def answer(response: Payload, fact: Fact, speaker: Any) -> Answer:
        return Acknowledged()

    return Wording(type(fact).__name__, lambda fact, speaker: fact, answer)


def transaction(
    sequence: int, phase: TransactionPhase = TransactionPhase.UPDATED, key: str = "T1", **more: Any
) -> TransactionFact:
    """A fact of a transaction, told apart by its sequence number."""
    more.setdefault("trigger", "MeterValuePeriodic")
    return TransactionFact(phase=phase, key=key, sequence=sequence, at=AT, evse_id=1, connector_id=1, **more)


def status(state: ConnectorState, *, connector_id: int = 1, previous: str | None = "Available") -> StatusFact:
    """The state of a connector."""
    word = "Available" if state is ConnectorState.AVAILABLE else "Occupied"
    return StatusFact(at=AT, evse_id=1, connector_id=connector_id, state=state, status=word, previous_status=previous)
