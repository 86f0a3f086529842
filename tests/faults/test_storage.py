"""The storage stands still or fails while stations charge: acknowledgements and rows are counted and equal."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.faults.breakage import Breakage, cut_off, disk_full, locked
from tests.faults.stations import Fleet, Station, milliseconds, sessions, stored_as_told
from tests.support.charger import Charger
from tests.support.databases import database, rows
from tests.support.process import running
from tests.support.rest import Rest

from voltbridge.protocol.versions import Version

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

STATIONS = 30
GIVEN_UP_AFTER_S = 10


async def others_are_served(bystander: Charger) -> None:
    """What needs no storage is answered, whatever the storage does."""
    async with asyncio.timeout(60):
        assert "currentTime" in await bystander.call("Heartbeat", {})


def acknowledged(fleet: Fleet) -> int:
    return sum(len(station.acknowledged) for station in fleet.stations)


def all_is_stored(url: str, stations: Sequence[Station]) -> None:
    assert all(station.done for station in stations)
    assert stored_as_told(url, stations) == 0
    energies = rows(url, "SELECT station_id, started_at_ms, energy_wh FROM transactions WHERE state = 'Ended'")
    assert {(identity, ms): wh for identity, ms, wh in energies} == {
        (station.identity, milliseconds(session.began)): session.energy_wh
        for station in stations
        for session in sessions(station.acknowledged).values()
    }


NO_PRLIMIT = pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="no prlimit on this system to fill a disk with"
)


@pytest.mark.parametrize(
    ("backend", "broken"),
    [
        pytest.param("sqlite", locked, id="sqlite-locked"),
        pytest.param("sqlite", disk_full, id="sqlite-full", marks=NO_PRLIMIT),
        pytest.param("postgresql", cut_off, id="postgresql-cut-off"),
    ],
)
async def test_a_short_outage_costs_time_and_nothing_else(backend: str, broken: Breakage, tmp_path: Path) -> None:
    fleet, mended = Fleet(STATIONS), asyncio.Event()
    refused = fleet.be_patient(mended)
    with database(backend, tmp_path) as url:
        async with (
            running(tmp_path / "data", database_url=url, onboarding="accept") as up,
            Rest(up.http_port, up.admin_key) as rest,
            Charger(up.ocpp_port, "BYSTANDER", Version.V16) as bystander,
        ):
            await bystander.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
            serving = fleet.serve(up.ocpp_port)
            await fleet.heard(5 * STATIONS)
            began = time.monotonic()
            with broken(up, url):
                await up.says("storage.outage")
                await others_are_served(bystander)
                assert (await rest.ask("GET", "//readyz")).status == 503
            mended.set()
            await up.says("storage.recovered")
            lasted = time.monotonic() - began
            await fleet.heard(3 * STATIONS)
            fleet.finish()
            await serving
            assert (await rest.ask("GET", "//readyz")).status == 200
            await up.stop()
        all_is_stored(url, fleet.stations)
        # A write that fails is tried again before anybody is told; only what has to be read first may be refused.
        assert not refused.is_set() or backend == "postgresql" or lasted > GIVEN_UP_AFTER_S


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
async def test_a_long_freeze_is_told_to_the_stations_and_they_come_again(backend: str, tmp_path: Path) -> None:
    fleet, mended = Fleet(STATIONS), asyncio.Event()
    refused = fleet.be_patient(mended)
    with database(backend, tmp_path) as url:
        async with (
            running(tmp_path / "data", database_url=url, onboarding="accept") as up,
            Rest(up.http_port, up.admin_key) as rest,
            Charger(up.ocpp_port, "BYSTANDER", Version.V16) as bystander,
        ):
            await bystander.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
            serving = fleet.serve(up.ocpp_port)
            await fleet.heard(5 * STATIONS)
            with locked(up, url):
                heard = acknowledged(fleet)
                await others_are_served(bystander)
                async with asyncio.timeout(60):
                    await refused.wait()
                await others_are_served(bystander)
                assert (await rest.ask("GET", "//readyz")).status == 503
                assert stored_as_told(url, fleet.stations) == 0
                assert heard <= acknowledged(fleet) <= heard + STATIONS
            mended.set()
            fleet.finish()
            await serving
            assert (await rest.ask("GET", "//readyz")).status == 200
            await up.stop()
        all_is_stored(url, fleet.stations)
