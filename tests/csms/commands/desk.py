"""Commands and operations put together over in-memory stores, with a command of our own that has an outcome."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.csms.fakes import START, FakeConnected, FakeJournal, FakeStations, World

from voltbridge.csms.commands.kinds import Answer, CommandKind, CommandRun, Context, Parameters, Prepared, answered
from voltbridge.csms.commands.operations import OperationService
from voltbridge.csms.commands.service import CommandService
from voltbridge.csms.vault import Vault
from voltbridge.domain.commands import Command, CommandFilter, Operation, OperationState, OutcomeState
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings
from voltbridge.protocol import v16
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["REPORT", "Books", "Commands", "Door", "Report", "settled"]


class Report(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks for a report."""

    number: int = 1
    password: str | None = None


def _report(wanted: Report, context: Context) -> Prepared:
    return Prepared(v16.ResetRequest(type=v16.ResetType.SOFT), answered, correlation=str(wanted.number))


async def _twice(run: CommandRun) -> Answer:
    run.expect("twice")
    await run.call(v16.ClearCacheRequest())
    return answered(await run.call(v16.ClearCacheRequest()))


REPORT = CommandKind(
    name="report",
    about="Ask for a report.",
    parameters=Report,
    builders={Version.V16: _report},
    outcome="report",
    outcome_within_s=100.0,
)
TWICE = CommandKind(name="twice", about="Clear twice.", parameters=Report, run=_twice, outcome="cleared")
RESET = replace(REPORT, name="reset", outcome=None)


class Books:
    """Commands as the journal was given them, and operations."""

    def __init__(self, journal: FakeJournal) -> None:
        self._journal = journal
        self.operations: dict[int, Operation] = {}

    def all(self) -> list[Command]:
        """Each command as it was put last, oldest first."""
        newest = {each.id: each for each in self._journal.of(Command)}
        return [newest[id] for id in sorted(newest)]

    async def after(self, wanted: CommandFilter, id: int, limit: int) -> list[Command]:
        return [each for each in self.all() if each.id > id and _matches(each, wanted)][:limit]

    async def unfinished(self, after: int, limit: int) -> list[Command]:
        return [
            each
            for each in self.all()
            if each.id > after and (not each.state.is_final or each.outcome_state is OutcomeState.PENDING)
        ][:limit]

    async def get(self, id: int) -> Command | None:
        return next((each for each in self.all() if each.id == id), None)

    async def list(self, wanted: CommandFilter, page: PageRequest) -> Page[Command]:
        return Page(tuple(each for each in reversed(self.all()) if _matches(each, wanted)))


class OperationBook:
    """Operations with their commands counted."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.stored: dict[int, Operation] = {}

    async def save(self, operation: Operation) -> None:
        self.stored[operation.id] = operation

    async def get(self, id: int) -> Operation | None:
        found = self.stored.get(id)
        if found is None:
            return None
        counts = Counter(each.state for each in self._books.all() if each.operation_id == id)
        return replace(found, counts=dict(counts))

    async def list(self, state: OperationState | None, page: PageRequest) -> Page[Operation]:
        found = [await self.get(id) for id, each in self.stored.items() if state in (None, each.state)]
        return Page(tuple(each for each in found if each is not None))


def _matches(command: Command, wanted: CommandFilter) -> bool:
    return (
        wanted.station_id in (None, command.station_id)
        and wanted.state in (None, command.state)
        and wanted.operation_id in (None, command.operation_id)
    )


class Door:
    """Answers each call with what ``answer`` makes of it; calls wait while ``shut``."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Payload]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.at_once = 0
        self.most_at_once = 0
        self.answer: Callable[[str, Payload], Payload | Exception] = lambda station_id, request: v16.ResetResponse(
            status=v16.ResetStatus.ACCEPTED
        )

    async def call(
        self, station: LiveStation | str, version: Version, request: Payload, timeout_s: float | None = None
    ) -> Payload:
        assert not isinstance(station, str)
        self.sent.append((station.station_id, request))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.open.wait()
            answer = self.answer(station.station_id, request)
            if isinstance(answer, Exception):
                raise answer
            return answer
        finally:
            self.at_once -= 1


@dataclass
class Commands:
    """A run of the program; ``restart`` begins another on the same storage."""

    world: World = field(default_factory=World)
    door: Door = field(default_factory=Door)
    connected: FakeConnected = field(default_factory=FakeConnected)
    stations: FakeStations = field(default_factory=FakeStations)
    books: Books = field(init=False)
    operation_book: OperationBook = field(init=False)
    service: CommandService = field(init=False)
    operations: OperationService = field(init=False)
    vault: Vault | None = None

    def __post_init__(self) -> None:
        self.books = Books(self.world.journal)
        self.operation_book = OperationBook(self.books)
        self.make()

    def make(self) -> None:
        """Empty memory, the same storage."""
        world = self.world
        self.service = CommandService(
            (REPORT, TWICE, RESET),
            self.door,
            self.connected,
            self.stations,
            self.books,
            world.journal,
            world.events,
            world.ids,
            world.clock,
            self.vault,
        )
        self.operations = OperationService(
            self.service,
            self.connected,
            self.stations,
            self.books,
            self.operation_book,
            world.journal,
            world.events,
            world.ids,
            world.clock,
        )

    async def restart(self) -> None:
        """The program is killed and begins again; no station is connected then."""
        await self.operations.close()
        for under_way in self.service._tasks:
            under_way.cancel()
        self.connected.stations.clear()
        self.make()
        await self.service.start()
        await self.operations.start()
        await asyncio.sleep(0)

    def know(self, station_id: str = "CP1") -> None:
        """A station that is away."""
        self.stations.settings[station_id] = StationSettings(station_id, RegistrationStatus.ACCEPTED, START)
        self.stations.reports[station_id] = StationReport(station_id, protocol=Version.V16.value)

    def connect(self, station_id: str = "CP1") -> LiveStation:
        """A station that is there."""
        self.know(station_id)
        settings, report = self.stations.settings[station_id], self.stations.reports[station_id]
        live = LiveStation(station_id, settings, report, registered=RegistrationStatus.ACCEPTED)
        self.connected.stations[station_id] = live
        return live

    def types(self) -> list[str]:
        """Of the events told so far."""
        return [event.type for event in self.world.journal.facts if hasattr(event, "type")]


async def settled(condition: Callable[[], Any]) -> None:
    """Let everything go on until the condition holds."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what it waits for are plain values
            await asyncio.sleep(0)
