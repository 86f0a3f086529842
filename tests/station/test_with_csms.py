"""Stations of ours at ``voltbridge up``, a process of its own: what they do is read back through the REST API.

The stations live in virtual time, which stands still while the CSMS has something to answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.process import Up
from tests.support.rest import Rest

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.clocks import PacedClock
from voltbridge.station.configuration import EvseConfiguration, StationConfiguration
from voltbridge.station.control.actions import do
from voltbridge.station.network import Network
from voltbridge.station.simulation import VirtualHardware
from voltbridge.station.simulation.signing import public_key
from voltbridge.station.virtual_clock import VirtualClock, held, run
from voltbridge.storage.station import StationStore

VERSIONS = pytest.mark.parametrize("version", list(Version), ids=lambda version: version.label)
TOKEN = "04A2B3C4D5E6F7"
QUICK = {"OCPPCommCtrlr.RetryBackOffWaitMinimum": "5", "OCPPCommCtrlr.RetryBackOffRepeatTimes": "1"}
SIGNED = {
    "SampledDataCtrlr.SignReadings": "true",
    "OCPPCommCtrlr.PublicKeyWithSignedMeterValue": "OncePerTransaction",
}
OWN_TIME = {"ClockCtrlr.TimeSource": "RealTimeClock"}
"""The CSMS lives in another time, which is none of a virtual station's business."""


@dataclass(frozen=True)
class Csms:
    """Where the process listens."""

    ocpp_port: int
    http_port: int
    admin_key: str


@pytest.fixture(scope="module")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    """One for all virtual stations of this module; each is called otherwise."""
    with asyncio.Runner() as runner:
        up = runner.run(Up.start(tmp_path_factory.mktemp("csms"), onboarding="accept"))
        yield Csms(up.ocpp_port, up.http_port, up.admin_key)
        runner.run(up.stop())


class Site:
    """A CSMS and one station; REST is asked while the station's clock stands."""

    def __init__(self, clock: VirtualClock, station: Station, rest: Rest) -> None:
        self.clock = clock
        self.station = station
        self._rest = rest

    @property
    def identity(self) -> str:
        return self.station.configuration.identity

    async def get(self, path: str, **query: Any) -> Any:
        with held(self.clock):
            return await self._rest.get(path, **query)

    async def post(self, path: str, body: Any = None) -> Any:
        with held(self.clock):
            return await self._rest.post(path, body)

    async def transactions(self) -> list[Any]:
        """Of this station, oldest first."""
        with held(self.clock):
            found = await self._rest.items("/transactions", station_id=self.identity)
        return sorted(found, key=lambda each: each["started_at"])

    async def until(self, holds: Callable[[], Awaitable[Any]]) -> Any:
        """Let the station live on until something is true."""
        while not (found := await holds()):
            await self.clock.sleep(1)
        return found


def play(
    csms: Csms,
    version: Version,
    identity: str,
    story: Callable[[Site], Awaitable[None]],
    evse: EvseConfiguration | None = None,
    variables: dict[str, str] | None = None,
) -> None:
    async def live(clock: VirtualClock) -> None:
        async with (
            asyncio.timeout(50),
            Rest(csms.http_port, csms.admin_key) as rest,
            Network(clock) as network,
        ):
            await rest.ask("POST", "/tokens", {"id_token": TOKEN})
            configuration = StationConfiguration(
                identity,
                f"ws://127.0.0.1:{csms.ocpp_port}/ocpp",
                (version,),
                evses=(evse or EvseConfiguration(),) * 2,
                variables=QUICK | OWN_TIME | (variables or {}),
            )
            async with Station(configuration, network=network) as station:
                await station.connected()
                await story(Site(clock, station, rest))

    run(live)


@VERSIONS
def test_a_visit_is_read_back_as_it_was(csms: Csms, version: Version) -> None:
    async def story(site: Site) -> None:
        async with site.station.plug_in(evse=2) as visit:
            await visit.swipe(TOKEN)
            await visit.charged(kwh=5)
            running = (await site.until(site.transactions))[0]
            assert running["evse_id"] == 2
            assert running["id_token"] == TOKEN
            assert running["stopped_at"] is None

        async def over() -> Any:
            return [each for each in await site.transactions() if each["stopped_at"]]

        done = (await site.until(over))[0]
        evse = visit.evse
        assert done["energy_wh"] == pytest.approx(evse.register_wh - visit.began_wh, abs=1)
        assert done["stop_reason"] == "Local"
        station = await site.get(f"/stations/{site.identity}")
        assert station["connected"]
        assert station["protocol"] == version.value
        assert station["vendor"] == "Voltbridge"

    play(csms, version, f"VISIT-{version.label}", story)


@VERSIONS
def test_what_somebody_did_to_a_meter_shows_in_its_signatures(csms: Csms, version: Version) -> None:
    """By the key that the station tells, and by the one of the operator's records."""
    ways = {"None": "Valid", "Value": "Invalid", "Signature": "Invalid", "Key": "Invalid"}

    async def story(site: Site) -> None:
        for number, how in enumerate(ways, 1):
            await do(site.station, "tamper-meter", {"evse": 1, "how": how})
            async with site.station.plug_in() as visit:
                await visit.swipe(TOKEN)
                await visit.charged(kwh=1)

            async def over(number: int = number) -> Any:
                return len([each for each in await site.transactions() if each["stopped_at"]]) == number

            await site.until(over)
        for found, verdict in zip(await site.transactions(), ways.values(), strict=True):
            path = f"/transactions/{found['id']}/signed-values"
            for query in ({}, {"public_key": public_key(f"{site.identity}-1")}):
                values = (await site.get(path, **query))["items"]
                assert {"Transaction.Begin", "Transaction.End"} <= {value["context"] for value in values}
                assert {(value["verdict"], value["key_told_by_station"]) for value in values} == {(verdict, not query)}

    play(csms, version, f"SIGNED-{version.label}", story, EvseConfiguration(signed_meter=True), SIGNED)


@VERSIONS
def test_an_operator_starts_and_stops_it_from_afar(csms: Csms, version: Version) -> None:
    async def story(site: Site) -> None:
        hardware = site.station.hardware
        assert isinstance(hardware, VirtualHardware)
        visit = site.station.plug_in()
        await visit.__aenter__()
        path = f"/stations/{site.identity}/commands"
        done = await site.post(f"{path}/start_transaction", {"evse_id": 1, "id_token": TOKEN})
        assert done["answer"]["status"] == "Accepted"
        await visit.charging()
        found = (await site.until(site.transactions))[0]
        assert found["evse_id"] == 1
        done = await site.post(f"{path}/stop_transaction", {"transaction_id": found["transaction_id"]})
        assert done["answer"]["status"] == "Accepted"

        async def over() -> Any:
            return [each for each in await site.transactions() if each["stopped_at"]]

        assert (await site.until(over))[0]["stop_reason"] == "Remote"
        assert hardware.evses[0].power_w == 0

    play(csms, version, f"REMOTE-{version.label}", story)


@VERSIONS
def test_a_day_in_virtual_time_loses_nothing(csms: Csms, version: Version) -> None:
    """Twelve visits, some of them without a connection, at a CSMS in another process."""

    async def story(site: Site) -> None:
        hardware = site.station.hardware
        assert isinstance(hardware, VirtualHardware)
        energies = []
        for number in range(12):
            hardware.uplink(number % 3 != 1)
            if number % 3 != 1:
                await site.station.connected()
            async with site.station.plug_in(evse=1 + number % 2) as visit:
                await visit.swipe(TOKEN)
                await visit.charged(kwh=1 + number / 4)
            energies.append(visit.evse.register_wh - visit.began_wh)
            await site.clock.sleep(3600)
        hardware.uplink(True)
        await site.station.connected()
        await site.station.engine.outbox.idle()

        async def all_there() -> Any:
            found = await site.transactions()
            return found if len([each for each in found if each["stopped_at"]]) == 12 else None

        found = await site.until(all_there)
        told = [each["energy_wh"] for each in found]
        assert told == pytest.approx(energies, abs=1)
        assert site.clock.monotonic() > 12 * 3600

    play(csms, version, f"DAY-{version.label}", story)


@pytest.mark.anyio
@pytest.mark.timeout(180)
async def test_a_csms_that_is_killed_hears_the_rest_when_it_is_back(tmp_path: Path) -> None:
    """In real time, twenty times as fast; the station's file is on disk, too."""
    clock = PacedClock(rate=20)
    data = tmp_path / "data"
    async with Network(clock) as network:
        up = await Up.start(data, onboarding="accept")
        port, store = up.ocpp_port, StationStore.open(tmp_path / "station.db", "OURS-1", clock)
        try:
            async with Rest(up.http_port, up.admin_key) as rest:
                await rest.post("/tokens", {"id_token": TOKEN})
            configuration = StationConfiguration(
                "OURS-1", f"ws://127.0.0.1:{port}/ocpp", (Version.V201,), variables=QUICK
            )
            async with Station(configuration, store=store, network=network) as station:
                await station.connected()
                async with station.plug_in() as visit:
                    await visit.swipe(TOKEN)
                    await visit.charging()
                    await up.kill()
                    await visit.charged(kwh=0.3)
                up = await Up.start(data, onboarding="accept", ocpp_port=port)
                await station.connected()
                await station.engine.outbox.idle()
                async with Rest(up.http_port, up.admin_key) as rest:
                    found = [each for each in await rest.items("/transactions") if each["stopped_at"]]
            assert len(found) == 1
            assert found[0]["energy_wh"] == pytest.approx(visit.evse.register_wh - visit.began_wh, abs=1)
            await up.stop()
        finally:
            await up.kill()
            await store.close()
