"""Many virtual stations in one process, with drivers who come, charge and go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from random import Random
from typing import Final, Protocol

import structlog

from voltbridge.domain.clock import Clock
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.fault_plan import live_with
from voltbridge.station.fleet_profile import Arrivals, FleetProfile, Group
from voltbridge.station.network import Network
from voltbridge.station.ports import Store
from voltbridge.station.simulation import Car, Grid, Talk, VirtualHardware, Visit, make_car

__all__ = ["Fleet", "Stores", "configurations", "identities"]

_log = structlog.stdlib.get_logger(__name__)

_AT_ONCE: Final = 50
_DAY_S: Final = 86_400.0
_PATIENCE_S: Final = 120.0


class Stores(Protocol):
    """Where stations of a fleet keep what outlasts a restart."""

    def store(self, identity: str) -> Store:
        """The store of one station."""


def identities(profile: FleetProfile) -> Iterator[str]:
    """Those of the stations of a profile, in its order."""
    return (identity for _, identity in _members(profile))


def configurations(profile: FleetProfile, csms_url: str, ca_file: str | None = None) -> Iterator[StationConfiguration]:
    """The stations of a profile, in its order; ``ca_file``: as that of a ``StationConfiguration``."""
    for group, identity in _members(profile):
        yield replace(group.built(identity, csms_url, group.password), ca_file=ca_file)


def _members(profile: FleetProfile) -> Iterator[tuple[Group, str]]:
    for group in profile.groups:
        for number in range(1, group.count + 1):
            yield group, f"{group.name}-{number:05}" if group.count > 1 else group.name


@dataclass(slots=True)
class Fleet:
    """A fleet that lives from ``start`` to ``stop``."""

    profile: FleetProfile
    csms_url: str
    clock: Clock
    stores: Stores | None = None
    """None: nothing outlasts the process."""
    machine_clock: Clock | None = None
    """The seconds in which the network is waited for, if they are others than the clock's."""
    ca_file: str | None = None
    """Roots of the CSMS in PEM; None: those of the system."""
    equip: Callable[[StationConfiguration], StationConfiguration] = lambda configuration: configuration
    """What each station is given beside what the profile says: files, whom it trusts."""
    part: tuple[int, int] = (1, 1)
    """Only these of the profile's stations: the first number of the second, counted round by round."""
    stations: list[Station] = field(default_factory=list)
    visits: int = 0
    """How many drivers have come."""
    _network: Network | None = None
    _drivers: list[asyncio.Task[None]] = field(default_factory=list)
    """And what breaks."""

    async def start(self, progress: Callable[[int], None] = lambda connected: None) -> None:
        """Start all stations, some at a time, then let drivers come; ``progress`` is told how many have connected.

        Stations that do not get through in time go on trying; the others do not wait for them.
        """
        self._network = Network(self.machine_clock or self.clock, random=Random(self.profile.seed))
        number, of = self.part
        own = islice(configurations(self.profile, self.csms_url, self.ca_file), number - 1, None, of)
        for configuration in map(self.equip, own):
            store = None if self.stores is None else self.stores.store(configuration.identity)
            grid = Grid.lively(self.profile.seed) if self.profile.lively_grid else None
            hardware = VirtualHardware(configuration, self.clock, store=store, grid=grid)
            self.stations.append(
                Station(
                    configuration,
                    hardware=hardware,
                    store=store,
                    clock=self.clock,
                    network=self._network,
                    random=Random(f"{self.profile.seed}/{configuration.identity}"),
                )
            )
        for first in range(0, len(self.stations), _AT_ONCE):
            group = self.stations[first : first + _AT_ONCE]
            for station in group:
                station.start()
            await self._connected(group)
            progress(sum(station.online for station in self.stations))
        for station in self.stations:
            for evse_id in range(1, len(station.configuration.evses) + 1):
                random = Random(f"{self.profile.seed}/{station.configuration.identity}/{evse_id}")
                drivers = self._drivers_of(station, evse_id, random, self.profile.arrivals)
                self._drivers.append(asyncio.create_task(drivers))
        for number, plan in enumerate(self.profile.faults):
            for station in self.stations:
                identity = station.configuration.identity
                if not plan.groups or any(name in (identity, identity.rpartition("-")[0]) for name in plan.groups):
                    random = Random(f"{self.profile.seed}/{identity}/fault {number}")
                    self._drivers.append(asyncio.create_task(live_with(plan, station, random)))

    @property
    def count(self) -> int:
        """How many stations it has, or will have."""
        number, of = self.part
        return len(range(number - 1, self.profile.count, of))

    async def stop(self) -> None:
        """Drivers stay away, stations end in order; what was not told is with the stores."""
        for task in self._drivers:
            task.cancel()
        await asyncio.gather(*self._drivers, return_exceptions=True)
        self._drivers.clear()
        for first in range(0, len(self.stations), _AT_ONCE):
            group = self.stations[first : first + _AT_ONCE]
            ends = await asyncio.gather(*(station.stop() for station in group), return_exceptions=True)
            for station, end in zip(group, ends, strict=True):
                if isinstance(end, Exception):  # such as a disk that took nothing at the last moment
                    _log.error("a station did not end in order", station=station.configuration.identity, error=str(end))
        if self._network is not None:
            await self._network.close()

    @property
    def power_w(self) -> float:
        """What all stations deliver at this moment."""
        return sum(evse.power_w for station in self.stations for evse in _hardware(station).evses)

    async def _connected(self, group: Sequence[Station]) -> None:
        waiting = [asyncio.create_task(station.connected()) for station in group]
        over = asyncio.Event()
        cancel = self.clock.call_later(_PATIENCE_S, over.set)
        timeout = asyncio.create_task(over.wait())
        try:
            everyone = asyncio.create_task(asyncio.wait(waiting))
            await asyncio.wait((everyone, timeout), return_when=asyncio.FIRST_COMPLETED)
        finally:
            cancel()
            for task in (*waiting, everyone, timeout):
                task.cancel()
            await asyncio.gather(*waiting, everyone, timeout, return_exceptions=True)

    async def _drivers_of(self, station: Station, evse_id: int, random: Random, arrivals: Arrivals) -> None:
        """Drivers come to one EVSE for ever."""
        if not arrivals.per_evse_a_day or not arrivals.tokens:
            return
        while True:
            await self.clock.sleep(random.expovariate(arrivals.per_evse_a_day / _DAY_S))
            car = _car(random, arrivals)
            token, stay_s = random.choice(arrivals.tokens), 60 * random.uniform(*arrivals.stay_minutes)
            visit = Visit(_hardware(station), self.clock, evse_id, car)
            if visit.evse.car is not None:
                continue
            self.visits += 1
            try:
                async with visit:
                    await visit.swipe(token)
                    await self.clock.sleep(stay_s)
            except ValueError as error:  # two drivers at one EVSE
                _log.debug("a driver found the EVSE taken", reason=str(error))
            except RuntimeError as error:  # others want to charge here as well
                identity = station.configuration.identity
                _log.warning("a driver cuts the cable", station=identity, evse=evse_id, reason=str(error))
                visit.evse.unplug()


def _car(random: Random, arrivals: Arrivals) -> Car:
    capacity_wh, charge = 1000 * random.uniform(*arrivals.capacity_kwh), random.uniform(*arrivals.state_of_charge)
    talk = Talk() if arrivals.iso15118 and random.random() < arrivals.iso15118 else None
    if arrivals.cars:
        return make_car(random.choice(arrivals.cars), state_of_charge=charge, talk=talk)
    return Car(capacity_wh=capacity_wh, state_of_charge=charge, talk=talk)


def _hardware(station: Station) -> VirtualHardware:
    assert isinstance(station.hardware, VirtualHardware)
    return station.hardware
