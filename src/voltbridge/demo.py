"""``voltbridge up --demo N``: virtual stations beside the CSMS, with drivers who come and go, to look around with."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from voltbridge.app import Running
from voltbridge.clock import MachineSeconds
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import AlreadyExists
from voltbridge.station.fleet import Fleet, configurations
from voltbridge.station.fleet_profile import Arrivals, FleetProfile, Group
from voltbridge.storage.station import StationFile

__all__ = ["demo_fleet"]

_log = structlog.stdlib.get_logger(__name__)

_TOKENS: Final = tuple(f"DEMO-{number:04}" for number in range(1, 21))
_VERSIONS: Final = (("2.1",), ("2.0.1",), ("1.6",))


@asynccontextmanager
async def demo_fleet(running: Running, count: int, clock: Clock) -> AsyncIterator[None]:
    """Let so many stations live until the block ends. They and their tokens are made known to the CSMS first.

    What they keep is in the data directory, so transactions go on over a restart.
    """
    profile = _profile(count)
    url = f"ws://127.0.0.1:{running.ocpp_port}/ocpp"
    for token in _TOKENS:
        with contextlib.suppress(AlreadyExists):
            await running.services.authorization.create(id_token=token, allow_concurrent=True, note="demo")
    for configuration in configurations(profile, url):
        with contextlib.suppress(AlreadyExists):
            await running.services.stations.provision(configuration.identity, name="Demo")
    file = await asyncio.to_thread(StationFile.open, running.settings.data / "demo.db", clock)
    fleet = Fleet(profile, url, clock, file, MachineSeconds(clock))
    starting = asyncio.create_task(_started(fleet, count))
    try:
        yield
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await fleet.stop()
        await file.close()


async def _started(fleet: Fleet, count: int) -> None:
    await fleet.start()
    _log.info("demo stations are there", connected=sum(each.online for each in fleet.stations), of=count)


def _profile(count: int) -> FleetProfile:
    """One third of each version, as far as that goes."""
    shares = [count // len(_VERSIONS) + (index < count % len(_VERSIONS)) for index in range(len(_VERSIONS))]
    groups = tuple(
        Group(name=f"DEMO-{versions[0]}", count=share, versions=versions, model="Demo", evses=2)
        for versions, share in zip(_VERSIONS, shares, strict=True)
        if share
    )
    arrivals = Arrivals(per_evse_a_day=150, tokens=_TOKENS, stay_minutes=(3.0, 30.0))
    return FleetProfile(groups=groups, arrivals=arrivals)
