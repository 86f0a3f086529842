"""One command on its way: from the parameters to the request, and from the response to the command's end.

Every way a call can end is a state of the command and never an exception, so that whoever started it (a request to the
API, a station that came back, an operation over many) reads the result in one place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import structlog

from voltbridge.csms.commands.kinds import CommandKind, CommandRun, Context, Prepared, RequestIds, Unsupported
from voltbridge.csms.commands.outcomes import Outcomes
from voltbridge.csms.commands.ports import Calls
from voltbridge.csms.events import EventLog
from voltbridge.csms.journal import Journal
from voltbridge.csms.redaction import hide
from voltbridge.csms.station_calls import InvalidCall
from voltbridge.csms.vault import UnreadableSecret, Vault
from voltbridge.domain.clock import Clock
from voltbridge.domain.commands import Command, CommandAnswer, CommandError, CommandState, OutcomeState
from voltbridge.domain.errors import InvalidValue, NotFound, StorageUnavailable
from voltbridge.domain.station_calls import (
    CallFailed,
    CallRefused,
    CallTimedOut,
    StationNotConnected,
    TooManyCalls,
)
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.codec import encode_checked
from voltbridge.protocol.policy import Violation
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["Execution", "InvalidParameters", "NothingSent", "about", "hidden", "sealed"]

_log = structlog.stdlib.get_logger(__name__)


class InvalidParameters(ValueError):
    """The parameters of a command do not have its shape. ``path`` points to the one that is wrong."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail


_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`")
_MISSING: Final = re.compile(r"Object missing required field `(.*)`")


def _wrong(path: str, detail: str) -> tuple[str, str]:
    """Where something is wrong and what, as the API says it of bodies of its own: the path names the field itself."""
    for pattern, words in ((_UNKNOWN, "no such field"), (_MISSING, "Field required")):
        if (found := pattern.fullmatch(detail)) is not None:
            return f"{path}.{found[1]}", words
    return path, detail


class NothingSent(StorageUnavailable):
    """The storage took no note that a command is about to be sent, so it was not."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """Checked, with what is needed to go on."""

    parameters: Any
    context: Context
    prepared: Prepared | None


class Execution:
    """Sends commands. ``services`` is what rows find their service in."""

    def __init__(
        self, calls: Calls, outcomes: Outcomes, journal: Journal, events: EventLog, clock: Clock, vault: Vault | None
    ) -> None:
        self._calls = calls
        self._vault = vault
        self._outcomes = outcomes
        self._journal = journal
        self._events = events
        self._clock = clock
        self._request_ids = RequestIds(clock)
        self.services: object = None
        self.settled: Callable[[Command], None] = lambda command: None
        """Called with a command that was answered, or will not be."""

    def decode(self, kind: CommandKind, parameters: Mapping[str, Any]) -> Any:
        """The parameters as the command's own type. Raises InvalidParameters."""
        try:
            return msgspec.convert(parameters, kind.parameters)
        except msgspec.ValidationError as error:
            detail, _, path = str(error).partition(" - at ")
            raise InvalidParameters(*_wrong(path.strip("`") or "$", detail)) from None

    def check(
        self, kind: CommandKind, parameters: Any, station_id: str, version: Version, live: LiveStation | None
    ) -> _Ready:
        """What is to be sent. Raises Unsupported, InvalidValue or NotFound when it cannot be sent, ever."""
        service = getattr(self.services, kind.service) if kind.service else None
        context = Context(station_id, version, live, service, self._request_ids, self._clock.now())
        if kind.run is not None:
            if kind.versions and version not in kind.versions:
                raise kind.unsupported(version)
            if kind.check is not None:
                kind.check(parameters, context)
            return _Ready(parameters, context, None)
        builder = kind.builders.get(version)
        if builder is None:
            raise kind.unsupported(version)
        prepared = builder(parameters, context)
        try:
            encode_checked(prepared.request)
        except Violation as violation:
            raise Unsupported(f"OCPP {version.label} cannot carry this: {violation.path}: {violation.detail}") from None
        return _Ready(parameters, context, prepared)

    async def run(self, command: Command, kind: CommandKind, live: LiveStation, ready: _Ready | None = None) -> Command:
        """Send it; the command in its final state, or queued as before when nothing was sent.

        Raises StorageUnavailable when the journal takes nothing: NothingSent before it is sent.
        """
        version = Version(live.report.protocol or "")
        sent: Command | None = None
        try:
            if ready is None:
                parameters = self.decode(kind, self._opened(command.parameters))
                ready = self.check(kind, parameters, command.station_id, version, live)
            prepared = ready.prepared
            correlation = None if prepared is None or kind.outcome is None else prepared.correlation
            sent = replace(
                command,
                state=CommandState.SENT,
                sent_at=self._clock.now(),
                parameters=hidden(command.parameters),
                correlation=correlation,
            )
            try:
                self._journal.put(sent)
                self._events.emit("command.sent", sent.station_id, **about(sent))
            except StorageUnavailable as error:
                raise NothingSent(str(error)) from None
            if correlation is not None:
                self._outcomes.expect(sent, kind, correlation)
            if prepared is None:
                sent, answer = await self._run_many(sent, kind, ready, version, live)
            else:
                answer = prepared.read(await self._calls.call(live, version, prepared.request, command.timeout_s))
                if prepared.settled is not None:
                    await prepared.settled(answer)
        except StorageUnavailable:
            raise
        except StationNotConnected as error:
            if not error.may_have_been_sent and sent is not None:
                self._outcomes.forget(sent, kind)
                self._journal.put(command)
                return command
            return self._failed(sent or command, kind, CommandError("not_connected", error.detail))
        except Exception as error:
            return self._failed(sent or command, kind, _reason(error, command))
        return self._answered(sent, kind, answer)

    def _opened(self, parameters: Mapping[str, Any]) -> Any:
        """The parameters with the secrets that they were given with. Raises InvalidParameters."""
        if self._vault is None:
            return parameters
        try:
            return _opened(parameters, self._vault)
        except UnreadableSecret as error:
            raise InvalidParameters("$", f"hold a secret that cannot be read: {error}") from None

    async def _run_many(
        self, sent: Command, kind: CommandKind, ready: _Ready, version: Version, live: LiveStation
    ) -> tuple[Command, CommandAnswer]:
        """Have the row's own ``run`` send its messages."""
        assert kind.run is not None

        async def call(request: Payload) -> Payload:
            try:
                return await self._calls.call(live, version, request, sent.timeout_s)
            except StationNotConnected as error:
                # An earlier message of the command may have reached the station.
                raise StationNotConnected(error.station_id, error.detail, may_have_been_sent=True) from None

        def expect(correlation: str) -> None:
            nonlocal sent
            sent = replace(sent, correlation=correlation)
            self._outcomes.expect(sent, kind, correlation)

        run = CommandRun(command=sent, parameters=ready.parameters, context=ready.context, call=call, expect=expect)
        answer = await kind.run(run)
        return sent, answer

    def _answered(self, sent: Command, kind: CommandKind, answer: CommandAnswer) -> Command:
        now = self._clock.now()
        command = replace(
            sent,
            state=CommandState.ACCEPTED if answer.accepted else CommandState.REJECTED,
            answered_at=now,
            finished_at=now,
            answer=answer,
        )
        if answer.accepted:
            command = self._outcomes.accepted(command, kind)
        else:
            self._outcomes.forget(sent, kind)
        return self._keep(command)

    def _failed(self, command: Command, kind: CommandKind, error: CommandError) -> Command:
        self._outcomes.forget(command, kind)
        timed_out = error.code == "timeout"
        return self._keep(
            replace(
                command,
                state=CommandState.TIMED_OUT if timed_out else CommandState.FAILED,
                parameters=hidden(command.parameters),
                finished_at=self._clock.now(),
                error=error,
            )
        )

    def _keep(self, command: Command) -> Command:
        self._journal.put(command)
        self._events.emit(_EVENTS[command.state], command.station_id, **about(command))
        self.settled(command)
        return command


_EVENTS = {
    CommandState.ACCEPTED: "command.accepted",
    CommandState.REJECTED: "command.rejected",
    CommandState.FAILED: "command.failed",
    CommandState.TIMED_OUT: "command.timed_out",
}


def about(command: Command) -> dict[str, Any]:
    """A command as the data of an event; its parameters are read from the command itself."""
    data: dict[str, Any] = {"id": str(command.id), "name": command.name, "state": command.state.value}
    if command.answer is not None:
        data["answer"] = msgspec.to_builtins(command.answer)
    if command.error is not None:
        data["error"] = msgspec.to_builtins(command.error)
    if command.outcome_state is not OutcomeState.PENDING and command.outcome_state is not None:
        data["outcome"] = dict(command.outcome or {})
    if command.outcome_state is not None:
        data["outcome_state"] = command.outcome_state.value
    if command.operation_id is not None:
        data["operation_id"] = str(command.operation_id)
    return data


def sealed(parameters: Mapping[str, Any], vault: Vault | None) -> dict[str, Any]:
    """The parameters as they may lie in the database until they are sent."""
    kept: dict[str, Any] = msgspec.to_builtins(parameters)
    if vault is not None:
        hide(kept, vault.seal)
    return kept


def _opened(value: Any, vault: Vault) -> Any:
    if isinstance(value, str):
        return vault.open_all(value)
    if isinstance(value, Mapping):
        return {name: _opened(item, vault) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_opened(item, vault) for item in value]
    return value


def hidden(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters without secrets."""
    shown: dict[str, Any] = msgspec.to_builtins(parameters)
    hide(shown)
    return shown


def _reason(error: Exception, command: Command) -> CommandError:
    match error:
        case CallTimedOut():
            return CommandError("timeout", f"no answer within {error.timeout_s:g} s")
        case CallRefused(local=True):
            return CommandError("invalid_answer", f"{error.description} ({error.code})")
        case CallRefused():
            return CommandError(error.code, error.description)
        case TooManyCalls():
            return CommandError("too_many_calls", "too many calls wait for the station's answers")
        case Unsupported() | InvalidCall():
            return CommandError("unsupported", str(error))
        case InvalidParameters() | InvalidValue() | NotFound():
            return CommandError("invalid", str(error))
        case CallFailed():
            return CommandError("call_failed", str(error))
    _log.exception("a command failed half way", command=command.name, station=command.station_id, exc_info=error)
    return CommandError("internal", "something went wrong on our side; the server's log says more")
