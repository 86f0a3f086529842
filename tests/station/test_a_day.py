"""A day of charging before a central system made by others, on a line that fails: its books have what the meters have.

The books are kept from the messages alone, as that central system reads them: what comes twice counts once, by the
rules of each version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

import pytest
from tests.station.central_system import CentralSystem, Message, charging, live

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.simulation import Car, VirtualHardware
from voltbridge.station.virtual_clock import VirtualClock

HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S
REGISTER: Final = "Energy.Active.Import.Register"
VARIABLES: Final = {
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true",
    "SampledDataCtrlr.TxUpdatedInterval": "900",
    "SampledDataCtrlr.TxEndedInterval": "3600",
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": "5",
    "OCPPCommCtrlr.RetryBackOffRandomRange": "5",
    "OCPPCommCtrlr.RetryBackOffRepeatTimes": "3",
}


@dataclass
class Charge:
    """One transaction as the central system knows it."""

    evse_id: int
    began_wh: float | None = None
    ended_wh: float | None = None
    sequence_numbers: list[int] = field(default_factory=list)

    @property
    def energy_wh(self) -> float:
        assert self.began_wh is not None and self.ended_wh is not None, "its beginning or its end was never told"
        return self.ended_wh - self.began_wh


class Books:
    """Takes the messages of transactions; now and then the line breaks before they are answered."""

    def __init__(self, central: CentralSystem, random: Random) -> None:
        self.charges: dict[str, Charge] = {}
        self.repeated = 0
        self.breaks = 0
        self._central = central
        self._random = random
        self._started_as: dict[tuple[int, str], int] = {}
        self._told: set[tuple[str, int]] = set()
        for action, take in {
            "StartTransaction": self._start,
            "StopTransaction": self._stop,
            "MeterValues": lambda request: {},
            "TransactionEvent": self._event,
        }.items():
            central.answers[action] = self._unreliably(take)

    def _unreliably(self, take: Callable[[Message], Message]) -> Callable[[Message], Message]:
        def answer(request: Message) -> Message:
            taken = take(request)
            if self._random.random() < 0.15:
                self.breaks += 1
                self._central.abort()
            return taken

        return answer

    def _start(self, request: Message) -> Message:
        # A start whose answer was lost comes again, word for word.
        key = (request["connectorId"], request["timestamp"])
        if key in self._started_as:
            self.repeated += 1
        else:
            self._started_as[key] = number = len(self._started_as) + 1
            self.charges[str(number)] = Charge(request["connectorId"], request["meterStart"])
        return {"transactionId": self._started_as[key], "idTagInfo": {"status": "Accepted"}}

    def _stop(self, request: Message) -> Message:
        charge = self.charges[str(request["transactionId"])]
        assert charge.ended_wh in (None, request["meterStop"])
        self.repeated += charge.ended_wh is not None
        charge.ended_wh = request["meterStop"]
        return {}

    def _event(self, request: Message) -> Message:
        name, number = request["transactionInfo"]["transactionId"], request["seqNo"]
        if (name, number) in self._told:
            self.repeated += 1
            return {}
        self._told.add((name, number))
        charge = self.charges.setdefault(name, Charge(0))
        charge.sequence_numbers.append(number)
        charge.evse_id = request.get("evse", {}).get("id", charge.evse_id)
        values = [
            sample["value"]
            for value in request.get("meterValue", [])
            for sample in value["sampledValue"]
            if sample.get("measurand", REGISTER) == REGISTER and "phase" not in sample
        ]
        if request["eventType"] == "Started":
            charge.began_wh = values[0]
        elif request["eventType"] == "Ended":
            charge.ended_wh = values[-1]
        return {"idTokenInfo": {"status": "Accepted"}} if "idToken" in request else {}


@dataclass(frozen=True)
class Day:
    """What a day is made of."""

    station: Station
    central: CentralSystem
    clock: VirtualClock
    random: Random
    mains: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a driver stands at the reader: nobody shows a card to a dark station."""


async def drive(day: Day, evse_id: int, until: float) -> int:
    """Cars come and go at one EVSE; how many came."""
    station, clock, random = day.station, day.clock, day.random
    visits = 0
    while True:
        await clock.sleep(random.uniform(0.2, 1.5) * HOUR_S)
        stay_s = random.uniform(0.3, 1.2) * HOUR_S
        if clock.monotonic() + stay_s > until:
            return visits
        car = Car(capacity_wh=random.uniform(30, 90) * 1000, max_current_a=random.choice((10, 16, 32)))
        async with station.plug_in(evse_id, car) as visit:
            async with day.mains:
                await visit.swipe(f"CARD-{random.randrange(5)}")
                await visit.charging()
            await clock.sleep(stay_s)
            async with day.mains:
                await visit.leave()
        visits += 1


async def fail(day: Day) -> None:
    """Cut the line, keep the station out for a while, cut its power: until cancelled."""
    central, clock, random = day.central, day.clock, day.random
    while True:
        await clock.sleep(random.uniform(0.3, 1.5) * HOUR_S)
        match random.randrange(4):
            case 0:
                async with day.mains:
                    await day.station.power_cut(random.uniform(5, 300))
                    await clock.sleep(60)
            case 1:
                central.password = "closed for a while"
                central.abort()
                await clock.sleep(random.uniform(60, 2 * HOUR_S))
                central.password = None
            case _:
                central.abort()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("version", list(Version), ids=lambda version: version.label)
def test_after_a_day_on_a_failing_line_the_books_have_what_the_meters_have(version: Version, seed: int) -> None:
    async def story(clock: VirtualClock) -> None:
        random = Random(seed)
        async with charging(clock, version, evses=2, variables=VARIABLES) as (central, station):
            books = Books(central, random)
            day = Day(station, central, clock, random)
            until = clock.monotonic() + DAY_S
            failing = asyncio.create_task(fail(day))
            visits = sum(await asyncio.gather(drive(day, 1, until), drive(day, 2, until)))
            failing.cancel()
            await asyncio.wait((failing,))
            central.password = None
            while not station.online or station.engine.outbox.queued:
                await clock.sleep(10)
                assert clock.monotonic() < until + DAY_S, "what is queued is never told"
            assert visits > 15 and books.breaks > 3 and books.repeated > 0, "a day on which little happens shows little"
            assert central.connections > books.breaks
            assert len(books.charges) >= visits
            assert isinstance(station.hardware, VirtualHardware)
            for evse_id, evse in enumerate(station.hardware.evses, 1):
                evse.read()
                told = sum(charge.energy_wh for charge in books.charges.values() if charge.evse_id == evse_id)
                assert told == pytest.approx(evse.register_wh, abs=1), f"EVSE {evse_id}"
            for name, charge in books.charges.items():
                numbers = sorted(charge.sequence_numbers)
                assert numbers == list(range(len(numbers))), f"a message of {name} is missing"

    live(story)
