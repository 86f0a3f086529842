"""Outcomes: what a station tells of a command after it has accepted it.

An outcome is expected before the request is sent, since the message that tells it may overtake the answer's way
through this program. What is told before the answer is kept until the answer is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from voltbridge.csms.commands.kinds import CommandKind
from voltbridge.csms.events import EventLog
from voltbridge.csms.journal import Journal
from voltbridge.domain.clock import Cancel, Clock
from voltbridge.domain.commands import Command, OutcomeState

__all__ = ["Outcomes", "about_outcome"]

_Key = tuple[str, str, str]
_Told = tuple[OutcomeState, Mapping[str, Any]]


@dataclass(slots=True, eq=False)
class _Expected:
    command_id: int
    command: Command | None = None
    """Once it was accepted."""
    told: _Told | None = None
    """What came before the answer."""
    cancel_deadline: Cancel | None = None


class Outcomes:
    """The outcomes that are awaited, by station, kind of outcome and what the station names."""

    def __init__(self, journal: Journal, events: EventLog, clock: Clock) -> None:
        self._journal = journal
        self._events = events
        self._clock = clock
        self._expected: dict[_Key, _Expected] = {}
        self.settled: Callable[[Command], None] = lambda command: None
        """Called with a command whose outcome is there, unless it came with the answer."""

    def expect(self, command: Command, kind: CommandKind, correlation: str) -> None:
        """The request is about to be sent."""
        assert kind.outcome is not None, f"{kind.name} has no outcome"
        key = (command.station_id, kind.outcome, correlation)
        former = self._expected.pop(key, None)
        if former is not None and former.command is not None and former.command_id != command.id:
            self._finish(former, OutcomeState.FAILED, {"problem": "the same was asked again before the end was told"})
        self._expected[key] = _Expected(command.id)

    def accepted(self, command: Command, kind: CommandKind) -> Command:
        """The command as it is now that the station has accepted it."""
        found = self._find(command, kind)
        if found is None:
            return command
        command = replace(command, outcome_state=OutcomeState.PENDING, finished_at=None)
        found.command = command
        if kind.outcome_within_s is not None:
            found.cancel_deadline = self._clock.call_later(
                kind.outcome_within_s, partial(self._overdue, command, kind, kind.outcome_within_s)
            )
        if found.told is None:
            return command
        state, data = found.told
        if state is OutcomeState.PENDING:
            found.command = command = replace(command, outcome=data)
            return command
        del self._expected[self._key(command, kind)]
        return self._ended(found, state, data)

    def forget(self, command: Command, kind: CommandKind) -> None:
        """No outcome will come: the command was not accepted."""
        if self._find(command, kind) is not None:
            del self._expected[self._key(command, kind)]

    def resume(self, command: Command, kind: CommandKind) -> None:
        """Await again what was awaited before a restart."""
        if kind.outcome is not None and command.correlation is not None:
            key = (command.station_id, kind.outcome, command.correlation)
            found = self._expected[key] = _Expected(command.id, command)
            if kind.outcome_within_s is not None:
                found.cancel_deadline = self._clock.call_later(
                    kind.outcome_within_s, partial(self._overdue, command, kind, kind.outcome_within_s)
                )

    def progress(self, station_id: str, kind: str, correlation: str | None, data: Mapping[str, Any]) -> int | None:
        """The station tells how far it is. The command's id, or None when nothing of the kind is awaited."""
        key = self._named(station_id, kind, correlation)
        if key is None:
            return None
        found = self._expected[key]
        if found.command is None:
            found.told = (OutcomeState.PENDING, data)
        else:
            found.command = replace(found.command, outcome=data)
            self._journal.put(found.command)
            self._events.emit("command.progress", station_id, **about_outcome(found.command))
        return found.command_id

    def conclude(
        self, station_id: str, kind: str, correlation: str | None, completed: bool, data: Mapping[str, Any]
    ) -> int | None:
        """The station tells the end. The command's id, or None when nothing of the kind is awaited."""
        key = self._named(station_id, kind, correlation)
        if key is None:
            return None
        found = self._expected[key]
        state = OutcomeState.COMPLETED if completed else OutcomeState.FAILED
        if found.command is None:
            found.told = (state, data)
        else:
            del self._expected[key]
            self._finish(found, state, data)
        return found.command_id

    def awaits(self, station_id: str, kind: str, correlation: str | None = None) -> bool:
        """Whether an outcome of the kind is awaited from the station."""
        return self._named(station_id, kind, correlation) is not None

    def stop(self) -> None:
        """Let no deadline fall due any more."""
        for expected in self._expected.values():
            if expected.cancel_deadline is not None:
                expected.cancel_deadline()

    def _named(self, station_id: str, kind: str, correlation: str | None) -> _Key | None:
        """The key; without a correlation that of the newest command."""
        if correlation is not None:
            key = (station_id, kind, correlation)
            return key if key in self._expected else None
        keys = [key for key in self._expected if key[:2] == (station_id, kind)]
        return max(keys, key=lambda key: self._expected[key].command_id, default=None)

    def _key(self, command: Command, kind: CommandKind) -> _Key:
        return (command.station_id, kind.outcome or "", command.correlation or "")

    def _find(self, command: Command, kind: CommandKind) -> _Expected | None:
        if command.correlation is None:
            return None
        found = self._expected.get(self._key(command, kind))
        return found if found is not None and found.command_id == command.id else None

    def _overdue(self, command: Command, kind: CommandKind, seconds: float) -> None:
        found = self._find(command, kind)
        if found is not None:
            del self._expected[self._key(command, kind)]
            told = dict(found.command.outcome or {}) if found.command is not None else {}
            problem = f"the station did not tell the end within {seconds:g} s"
            self._finish(found, OutcomeState.FAILED, {**told, "problem": problem})

    def _finish(self, found: _Expected, state: OutcomeState, data: Mapping[str, Any]) -> None:
        command = self._ended(found, state, data)
        self._journal.put(command)
        self._events.emit(_EVENTS[state], command.station_id, **about_outcome(command))
        self.settled(command)

    def _ended(self, found: _Expected, state: OutcomeState, data: Mapping[str, Any]) -> Command:
        if found.cancel_deadline is not None:
            found.cancel_deadline()
        assert found.command is not None
        return replace(found.command, outcome_state=state, outcome=data, finished_at=self._clock.now())


_EVENTS: Final = {
    OutcomeState.COMPLETED: "command.outcome_completed",
    OutcomeState.FAILED: "command.outcome_failed",
}


def about_outcome(command: Command) -> dict[str, Any]:
    """What a station told of a command, as the data of an event."""
    return {
        "id": str(command.id),
        "name": command.name,
        "outcome_state": command.outcome_state.value if command.outcome_state else None,
        "outcome": dict(command.outcome or {}),
        "operation_id": str(command.operation_id) if command.operation_id else None,
    }
