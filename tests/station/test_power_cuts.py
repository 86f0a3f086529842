"""The mains go at every moment of a transaction at which anything was written: it is told once, with all its energy.

A disk takes what was written between two waits as one, and one such batch after the other, as ``storage/station`` does.
Here it takes so many and no more: at that moment the power goes. What the CSMS has heard by then and hears after the
start is held against the meter, which is hardware and forgets nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

import pytest
from tests.station.central_system import CentralSystem, live, served
from tests.station.test_a_day import Books

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.network import Network
from voltbridge.station.simulation import Car, VirtualHardware
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.storage.station import MemoryStore

NEVER: Final = 1_000_000
DARK_S: Final = 30.0
VARIABLES: Final = {
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true",
    "SampledDataCtrlr.TxUpdatedInterval": "60",
    "SampledDataCtrlr.TxEndedInterval": "90",
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": "1",
    "OCPPCommCtrlr.RetryBackOffRandomRange": "1",
}


class FailingDisk(MemoryStore):
    """Remembers at once, and has on disk one batch after the other: ``most`` of them, each after ``slow_s``."""

    def __init__(self, clock: VirtualClock, disk: MemoryStore, most: int, slow_s: float) -> None:
        super().__init__()
        self.disk = disk
        """What a start after the power cut finds."""
        self.dead = False
        self.batches = 0
        self.most = most
        self.slow_s = slow_s
        self.on_death: Callable[[], None] = lambda: None
        self._clock = clock
        self._batch = _Batch()
        self._under_way: _Batch | None = None
        self._documents = {name: dict(documents) for name, documents in disk._documents.items()}
        self._queue, self._last = dict(disk._queue), disk._last

    def put(self, namespace: str, key: str, value: bytes) -> None:
        if self._documents.get(namespace, {}).get(key) != value:
            super().put(namespace, key, value)
            self._write(lambda: self.disk.put(namespace, key, value))

    def delete(self, namespace: str, key: str) -> None:
        if key in self._documents.get(namespace, {}):
            super().delete(namespace, key)
            self._write(lambda: self.disk.delete(namespace, key))

    def append(self, item: bytes) -> int:
        number = super().append(item)
        self._write(lambda: self.disk._queue.update({number: item}))
        return number

    def replace(self, number: int, item: bytes) -> None:
        super().replace(number, item)
        self._write(lambda: self.disk.replace(number, item))

    def remove(self, number: int) -> None:
        super().remove(number)
        self._write(lambda: self.disk.remove(number))

    async def committed(self) -> None:
        batch = self._batch if self._batch.changes else self._under_way
        if batch is not None and not self.dead:
            await batch.over.wait()

    def _write(self, change: Callable[[], object]) -> None:
        if not self._batch.changes and self._under_way is None:
            asyncio.get_running_loop().call_soon(self._begin)
        self._batch.changes.append(change)

    def _begin(self) -> None:
        if not self.dead:
            self._under_way, self._batch = self._batch, _Batch()
            if self.slow_s:
                self._clock.call_later(self.slow_s, self._commit)
            else:
                self._commit()

    def _commit(self) -> None:
        batch, self._under_way = self._under_way, None
        assert batch is not None
        if self.dead:
            return
        if self.batches == self.most:
            self.dead = True
            self.on_death()
        else:
            self.batches += 1
            for change in batch.changes:
                change()
            self.disk._last = max((self.disk._last, *self.disk._queue))
            if self._batch.changes:
                self._begin()
        batch.over.set()
        if self.dead:
            self._batch.over.set()


@dataclass
class _Batch:
    changes: list[Callable[[], object]] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Case:
    """How a life goes."""

    version: Version
    connected: bool = True
    """The CSMS is there meanwhile."""
    resumption_s: int = 0
    """How long an interruption may last for a transaction to go on."""
    slow_s: float = 0.0
    """How long the disk takes."""


@dataclass
class Outcome:
    """What came of a life."""

    batches: int
    charges: int


async def life(clock: VirtualClock, case: Case, most: int, again: int = NEVER) -> Outcome:
    """Somebody charges and leaves; the mains go after so many batches, and after ``again`` of the next life's."""
    async with served(clock, case.version) as central, Network(clock, holds_clock=False) as network:
        books = Books(central, _Whole())
        configuration = StationConfiguration(
            "CP-1",
            central.url,
            versions=(case.version,),
            variables={**VARIABLES, "TxCtrlr.ResumptionTimeout": str(case.resumption_s)},
        )
        hardware = VirtualHardware(configuration, clock)
        disks = [FailingDisk(clock, MemoryStore(), NEVER, case.slow_s)]
        async with Station(configuration, hardware=hardware, store=disks[0], network=network, clock=clock) as station:
            await station.connected()
            await clock.sleep(10)
            before = disks[0].batches
            disks[0].most = before + most
            if not case.connected:
                hardware.uplink(False)
            cuts: list[asyncio.Task[None]] = []

            def dies() -> None:
                if station.running and (link := station.engine.connection.link) is not None:
                    link.cut()
                cuts.append(asyncio.get_running_loop().create_task(cut()))

            async def cut() -> None:
                dark = asyncio.get_running_loop().create_task(station.power_cut(DARK_S))
                await clock.sleep(DARK_S / 2)
                disks.append(FailingDisk(clock, disks[-1].disk, again if len(disks) == 1 else NEVER, case.slow_s))
                disks[-1].on_death = dies
                station.store = disks[-1]
                await dark

            disks[0].on_death = dies
            await charge(station, hardware, clock)
            for each in cuts:
                await each
            hardware.uplink(True)
            deadline = clock.monotonic() + 7200
            while not station.online or station.engine.outbox.queued or (cuts and not cuts[-1].done()):
                await clock.sleep(10)
                assert clock.monotonic() < deadline, "what is queued is never told"
            await clock.sleep(60)
            check(books, central, hardware, case.version)
            assert not station.services.transactions.running()
            for namespace in ("transactions", "samples", "transaction-numbers"):
                assert not disks[-1].disk.all(namespace), f"{namespace}: something of it is kept for ever"
            assert not disks[-1].disk.queue()
            disks[-1].most = NEVER  # the end of the test is none of the story's
        assert central.refused == []
        return Outcome(disks[0].batches - before, len(books.charges))


class _Whole(Random):
    """Of a line that never breaks by itself."""

    def random(self) -> float:
        return 1.0


async def charge(station: Station, hardware: VirtualHardware, clock: VirtualClock) -> None:
    """A driver who knows nothing of power cuts but that a dark station reads no card."""
    evse = hardware.evses[0]

    async def lit() -> None:
        while not station.running:
            await clock.sleep(5)

    evse.plug_in(Car(capacity_wh=60_000))
    await clock.sleep(3)
    if station.running:
        hardware.swipe("A", evse_id=1)
    await clock.sleep(100)
    evse.pause(True)
    await clock.sleep(20)
    evse.pause(False)
    await clock.sleep(100)
    for _ in range(4):
        await lit()
        await clock.sleep(5)
        if station.running and evse.locked:
            session = station.services.transactions.session(1)
            if session.driver is not None or session.holds_cable:
                hardware.swipe("A", evse_id=1)
        await clock.sleep(60)
        if not evse.locked and evse.car is not None:
            evse.unplug()
    await lit()
    assert evse.car is None, "a cable that nobody can take home"


def check(books: Books, central: CentralSystem, hardware: VirtualHardware, version: Version) -> None:
    """What was told is what the meter counted, once."""
    evse = hardware.evses[0]
    evse.read()
    told = sum(charge.energy_wh for charge in books.charges.values())
    # What flows before the beginning is on a slow disk is lost with it: a watt-hour.
    assert told == pytest.approx(evse.register_wh, abs=2)
    assert len(books.charges) <= 1, "one driver who came once"
    for charge in books.charges.values():
        assert sorted(charge.sequence_numbers) == list(range(len(charge.sequence_numbers))), "a message is missing"
    if version is Version.V16:
        assert {request.get("transactionId", 1) for request in central.of("MeterValues")} <= {1}
    else:
        events = central.of("TransactionEvent")
        times = [event["timestamp"] for event in sorted(events, key=lambda event: event["seqNo"])]
        assert times == sorted(times)


CASES: Final = [
    pytest.param(Case(version, connected, resumption_s, slow_s), id=f"{version.label} {name}")
    for version in (Version.V16, Version.V201)
    for name, connected, resumption_s, slow_s in (
        ("connected", True, 0, 0.0),
        ("out of touch", False, 0, 0.0),
        ("going on after it", True, 600, 0.0),
        ("slow disk", True, 0, 0.2),
    )
]


@pytest.mark.parametrize("case", CASES)
def test_a_power_cut_at_any_step_loses_and_doubles_nothing(case: Case) -> None:
    async def story(clock: VirtualClock) -> None:
        whole = await life(clock, case, NEVER)
        assert whole.batches > 10 and whole.charges == 1
        told = [(await life(clock, case, most)).charges for most in range(whole.batches)]
        assert sum(told) > whole.batches - 5, "only before anything was on disk is there nothing to tell"
        for most in range(whole.batches):
            await life(clock, case, most, most % 7)

    live(story)
