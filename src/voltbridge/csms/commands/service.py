"""Commands to single stations: sent at once, or held for a station that is away until it is back.

Held commands of a station are sent in the order of their ids once the station shows that it works again: its boot was
accepted, or it sent anything else as an accepted station (a reconnection needs no boot). They survive a restart; what
was under way when the program ended counts as failed, since nobody knows whether it took effect.
"""

from __future__ import annotations

import asyncio
import contextlib
from bisect import insort
from collections.abc import Awaitable, Callable, Container, Coroutine, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import msgspec
import structlog

from voltbridge.csms.commands.execution import Execution, NothingSent, about, hidden, sealed
from voltbridge.csms.commands.kinds import CommandKind
from voltbridge.csms.commands.outcomes import Outcomes, about_outcome
from voltbridge.csms.commands.ports import Calls, CommandBook, Connected, KnownStations
from voltbridge.csms.events import EventLog
from voltbridge.csms.journal import Journal
from voltbridge.csms.vault import Vault
from voltbridge.domain.clock import Cancel, Clock
from voltbridge.domain.commands import (
    Command,
    CommandError,
    CommandFilter,
    CommandState,
    NotCancellable,
    OutcomeState,
)
from voltbridge.domain.errors import InvalidValue, NotFound, StorageUnavailable
from voltbridge.domain.ids import IdSource
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.station_calls import StationNotConnected
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.versions import Version

__all__ = ["OUT_OF_REACH", "CommandService"]

_log = structlog.stdlib.get_logger(__name__)

_CHUNK: Final = 500
"""Commands read at a time."""
_PAUSE_S: Final = 5.0
"""Before it is tried again to write down an end that the storage did not take."""

OUT_OF_REACH: Final = CommandError("storage", "the storage was out of reach; the command may have taken effect")


class CommandService:
    """Everything that is asked of single stations by name. Made first; ``serve`` completes it."""

    def __init__(
        self,
        kinds: Iterable[CommandKind],
        calls: Calls,
        connected: Connected,
        stations: KnownStations,
        book: CommandBook,
        journal: Journal,
        events: EventLog,
        ids: IdSource,
        clock: Clock,
        vault: Vault | None = None,
    ) -> None:
        """Without a ``vault`` secrets of commands that wait are kept as they are."""
        self._vault = vault
        self.kinds: Mapping[str, CommandKind] = MappingProxyType({kind.name: kind for kind in kinds})
        self._connected = connected
        self._stations = stations
        self._book = book
        self._journal = journal
        self._events = events
        self._ids = ids
        self._clock = clock
        self._outcomes = Outcomes(journal, events, clock)
        self._execution = Execution(calls, self._outcomes, journal, events, clock, vault)
        self._held: dict[str, list[int]] = {}
        """By station: the ids of its held commands, oldest first. The commands themselves are in the book."""
        self._expiries: dict[int, Cancel] = {}
        self._waiting: set[str] = set()
        self._draining: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ending: set[asyncio.Task[None]] = set()
        """Those that wait for the storage to take an end."""
        self._ended: Callable[[Command], None] = lambda command: None
        self._settled: Callable[[Command], None] = lambda command: None
        self._corrected: Callable[[Command], Awaitable[None]] | None = None

    @property
    def waiting(self) -> Container[str]:
        """Stations for which ``returned`` has something to do; changes as commands are held and sent."""
        return self._waiting

    def serve(self, services: object) -> None:
        """Let the rows of the table find the services they name."""
        self._execution.services = services

    def on_settled(self, tell: Callable[[Command], None]) -> None:
        """Have ``tell`` called with every command that has reached a final state or, after that, its outcome."""
        self._settled = self._outcomes.settled = self._execution.settled = tell

    def on_corrected(self, tell: Callable[[Command], Awaitable[None]]) -> None:
        """Have ``tell`` awaited with every command whose outcome was taken for another, before that is stored."""
        self._corrected = tell

    def on_ended(self, tell: Callable[[Command], None]) -> None:
        """Have ``tell`` called with every command that has reached a final state."""
        self._ended = tell

    async def start(self) -> None:
        """Take up what an earlier run of the program left. Raises StorageUnavailable."""
        after = 0
        while found := await self._book.unfinished(after, _CHUNK):
            after = found[-1].id
            for command in found:
                self._take_up(command)
        await self._journal.committed()

    async def close(self) -> None:
        """Return once no command is under way; their calls must have been ended before."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        for ending in self._ending:
            ending.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)
        self._outcomes.stop()
        for cancel in self._expiries.values():
            cancel()

    def kind(self, name: str) -> CommandKind:
        """The row of a command. Raises NotFound."""
        kind = self.kinds.get(name)
        if kind is None:
            raise NotFound("command", name)
        return kind

    async def submit(
        self,
        station_id: str,
        name: str,
        parameters: Mapping[str, Any] | msgspec.Struct,
        *,
        hold: bool = False,
        expires_in_s: float | None = None,
        timeout_s: float | None = None,
    ) -> Command:
        """Send a command and return it with the station's answer; held when ``hold`` and the station is away.

        Raises NotFound (command, station), InvalidParameters, Unsupported and InvalidValue before anything is stored
        or sent, StationNotConnected without ``hold``, and StorageUnavailable.
        """
        kind = self.kind(name)
        wanted = self.decoded(kind, parameters)
        if expires_in_s is not None and not hold:
            raise InvalidValue("expires_in_s", "is only of use with hold")
        live = self._connected.get(station_id)
        version = _version(live) if live is not None else await self._last_version(station_id)
        if live is None and not hold:
            raise StationNotConnected(station_id)
        ready = None if version is None else self._execution.check(kind, wanted, station_id, version, live)
        command = self.made(kind, station_id, wanted, timeout_s=timeout_s, expires_in_s=expires_in_s)
        if live is None or (hold and station_id in self._held):
            self.hold(command)
            await self._journal.committed(station_id)
            self._waiting.add(station_id)
            return command
        done: Command = await asyncio.shield(self._spawn(self._execution.run(command, kind, live, ready)))
        if done.state is CommandState.QUEUED:
            if not hold:
                # Stored as queued it would be sent after the next start of the program.
                self.end(done, CommandState.FAILED, CommandError("not_connected", "the station is not connected"))
                raise StationNotConnected(station_id)
            self.hold(done)
            self._waiting.add(station_id)
        await self._journal.committed(station_id)
        return done

    def made(
        self,
        kind: CommandKind,
        station_id: str,
        wanted: Any,
        *,
        timeout_s: float | None = None,
        expires_in_s: float | None = None,
        operation_id: int | None = None,
    ) -> Command:
        """A command that is queued, not yet stored."""
        now = self._clock.now()
        return Command(
            id=self._ids.next(),
            station_id=station_id,
            name=kind.name,
            parameters=sealed(
                {key: value for key, value in msgspec.to_builtins(wanted).items() if value is not None}, self._vault
            ),
            state=CommandState.QUEUED,
            created_at=now,
            timeout_s=timeout_s,
            expires_at=None if expires_in_s is None else now + timedelta(seconds=expires_in_s),
            operation_id=operation_id,
        )

    def hold(self, command: Command) -> None:
        """Keep a command for a station that is away."""
        self._journal.put(command)
        self._events.emit("command.queued", command.station_id, **about(command))
        self._remember(command)

    def release(self, station_id: str) -> None:
        """Have held commands sent with the station's next message, or at once when they are being sent now."""
        if station_id in self._held:
            self._waiting.add(station_id)

    async def run(self, command: Command, live: LiveStation) -> Command:
        """Send a stored command that is queued; as it is afterwards, queued still when the station just left.

        Whoever waits for it may be cancelled; the command goes on.
        """
        kind = self.kinds.get(command.name)
        if kind is None:
            return self.end(command, CommandState.FAILED, CommandError("unsupported", "there is no such command now"))
        if command.expires_at is not None and command.expires_at <= self._clock.now():
            return self.end(command, CommandState.EXPIRED)
        done: Command = await asyncio.shield(self._spawn(self._execution.run(command, kind, live)))
        if done.state.is_final:
            self._ended(done)
        return done

    def end(self, command: Command, state: CommandState, error: CommandError | None = None) -> Command:
        """Give a command that was not answered its final state."""
        self._forget(command)
        ended = replace(
            command, state=state, error=error, finished_at=self._clock.now(), parameters=hidden(command.parameters)
        )
        self._journal.put(ended)
        self._events.emit(f"command.{_WORDS[state]}", ended.station_id, **about(ended))
        self._ended(ended)
        self._settled(ended)
        return ended

    async def end_later(self, command: Command, error: CommandError) -> None:
        """What became of a command cannot be told: say so as soon as the storage takes it."""
        while True:
            await self._clock.sleep(_PAUSE_S)
            with contextlib.suppress(StorageUnavailable):
                self.end(command, CommandState.FAILED, error)
                return

    async def get(self, id: int) -> Command:
        """One command. Raises NotFound."""
        command = await self._book.get(id)
        if command is None:
            raise NotFound("command", str(id))
        return command

    async def list(self, wanted: CommandFilter, page: PageRequest) -> Page[Command]:
        """Commands, newest first. Raises InvalidCursor."""
        return await self._book.list(wanted, page)

    async def cancel(self, id: int) -> Command:
        """Take back a command that was not sent yet. Raises NotFound, NotCancellable."""
        command = await self.get(id)
        if command.state is not CommandState.QUEUED or not self.is_held(command):
            raise NotCancellable("command", str(id), command.state.value)
        ended = self.end(command, CommandState.CANCELLED)
        await self._journal.committed(command.station_id)
        return ended

    async def returned(self, live: LiveStation) -> None:
        """The station works again: send what is held for it."""
        station_id = live.station_id
        self._waiting.discard(station_id)
        if station_id in self._held and station_id not in self._draining:
            self._draining.add(station_id)
            self._spawn(self._drain(station_id))

    def progress(self, station_id: str, kind: str, correlation: str | None, data: Mapping[str, Any]) -> int | None:
        """See ``Outcomes.progress``."""
        return self._outcomes.progress(station_id, kind, correlation, data)

    def conclude(
        self, station_id: str, kind: str, correlation: str | None, completed: bool, data: Mapping[str, Any]
    ) -> int | None:
        """See ``Outcomes.conclude``."""
        return self._outcomes.conclude(station_id, kind, correlation, completed, data)

    async def correct(self, id: int, completed: bool, data: Mapping[str, Any]) -> None:
        """What became of a command was taken for something else, and is known now. Raises StorageUnavailable.

        Doing it again changes nothing. Commands that were not sent, or are forgotten, stay as they are. The correction
        is put into the journal, to share the commit of what the caller writes next.
        """
        found = await self._book.get(id)
        if found is None:
            return
        await self._journal.committed(found.station_id)  # its end may have been put only just now
        command = await self._book.get(id)
        if command is None or command.sent_at is None or command.outcome_state is OutcomeState.PENDING:
            return
        state = OutcomeState.COMPLETED if completed else OutcomeState.FAILED
        told_before = command.outcome_state
        if state is told_before or (told_before is None and not completed):
            return
        before = dict(command.outcome or {})
        outcome = {**data, "corrected_from": None if told_before is None else told_before.value}
        if before.get("problem") is not None:
            outcome["problem_before"] = before["problem"]
        command = replace(command, outcome_state=state, outcome=outcome, finished_at=self._clock.now())
        if self._corrected is not None:
            await self._corrected(command)
        self._journal.put(command)
        self._events.emit("command.outcome_corrected", command.station_id, **about_outcome(command))

    def awaits(self, station_id: str, kind: str, correlation: str | None = None) -> bool:
        """See ``Outcomes.awaits``."""
        return self._outcomes.awaits(station_id, kind, correlation)

    async def _drain(self, station_id: str) -> None:
        under_way: Command | None = None
        try:
            while ids := self._held.get(station_id):
                live = self._connected.get(station_id)
                if live is None:
                    break
                await self._journal.committed(station_id)  # one that was held just now can be read only then
                command = await self._book.get(ids[0])
                if command is None or command.state is not CommandState.QUEUED:
                    self._drop(station_id, ids[0])
                    continue
                if not self.is_held(command):
                    continue  # cancelled or expired while it was read
                self._forget(command)
                under_way = command
                if (await self.run(command, live)).state is CommandState.QUEUED:
                    self._remember(command)
                    break
                under_way = None
        except StorageUnavailable as error:
            _log.warning("held commands wait for the storage", station=station_id, error=str(error))
            if under_way is not None and isinstance(error, NothingSent):
                self._remember(under_way)
            elif under_way is not None:
                ending = asyncio.create_task(self.end_later(under_way, OUT_OF_REACH))
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)
        finally:
            self._draining.discard(station_id)
            if station_id in self._held:
                self._waiting.add(station_id)

    def _take_up(self, command: Command) -> None:
        kind = self.kinds.get(command.name)
        if command.state is CommandState.SENT:
            problem = "the program ended before the answer came; it may have taken effect"
            self.end(command, CommandState.FAILED, CommandError("interrupted", problem))
        elif command.outcome_state is OutcomeState.PENDING:
            if kind is not None:
                self._outcomes.resume(command, kind)
        elif command.operation_id is None:
            self._remember(command)
            self._waiting.add(command.station_id)

    def _remember(self, command: Command) -> None:
        insort(self._held.setdefault(command.station_id, []), command.id)
        if command.expires_at is not None:
            left_s = (command.expires_at - self._clock.now()).total_seconds()
            self._expiries[command.id] = self._clock.call_later(max(0.0, left_s), partial(self._expire, command))

    def _forget(self, command: Command) -> None:
        self._drop(command.station_id, command.id)

    def _drop(self, station_id: str, id: int) -> None:
        cancel = self._expiries.pop(id, None)
        if cancel is not None:
            cancel()
        ids = self._held.get(station_id, [])
        if id in ids:
            ids.remove(id)
        if not ids:
            self._held.pop(station_id, None)
            self._waiting.discard(station_id)

    def is_held(self, command: Command) -> bool:
        """Whether the command waits for its station."""
        return command.id in self._held.get(command.station_id, ())

    def _expire(self, command: Command) -> None:
        if self.is_held(command):
            try:
                self.end(command, CommandState.EXPIRED)
            except StorageUnavailable as error:
                _log.warning("a command expired and that could not be stored", id=command.id, error=str(error))

    def decoded(self, kind: CommandKind, parameters: Mapping[str, Any] | msgspec.Struct) -> Any:
        """The parameters as the command's own type. Raises InvalidParameters."""
        if isinstance(parameters, msgspec.Struct):
            return parameters
        return self._execution.decode(kind, parameters)

    async def _last_version(self, station_id: str) -> Version | None:
        station = await self._stations.get(station_id)
        if station is None:
            raise NotFound("station", station_id)
        return None if station.report.protocol is None else Version(station.report.protocol)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


_WORDS: Final = {
    CommandState.FAILED: "failed",
    CommandState.CANCELLED: "cancelled",
    CommandState.EXPIRED: "expired",
}


def _version(live: LiveStation) -> Version:
    return Version(live.report.protocol or "")
