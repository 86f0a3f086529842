"""``kill -9`` in the middle of 200 charging stations, twice: what was acknowledged is there, and there once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.faults.stations import Fleet, Message, Station, energy_of, stored_as_told
from tests.support.databases import BACKENDS, database, rows
from tests.support.process import running
from tests.support.rest import Rest

from voltbridge.protocol.datetimes import DateTime

pytestmark = pytest.mark.anyio

STATIONS = 200


@pytest.mark.parametrize("backend", BACKENDS)
async def test_killed_in_the_middle_of_200_charging_stations(backend: str, tmp_path: Path) -> None:
    fleet = Fleet(STATIONS)
    with database(backend, tmp_path) as url:
        for _ in range(2):
            async with running(tmp_path / "data", database_url=url, onboarding="accept") as up:
                serving = fleet.serve(up.ocpp_port)
                await fleet.heard(6 * STATIONS)
                await up.kill()
                await serving
            assert all(station.pending and station.acknowledged for station in fleet.stations)
            stored_as_told(url, fleet.stations)

        async with running(tmp_path / "data", database_url=url, onboarding="accept") as up:
            async with Rest(up.http_port, up.admin_key) as rest:
                for station in fleet.stations:
                    await read_back(rest, station, "Active")
                fleet.finish()
                await fleet.serve(up.ocpp_port)
                assert all(station.done for station in fleet.stations)
                for station in fleet.stations:
                    await read_back(rest, station, "Ended")
            await up.stop()
        assert stored_as_told(url, fleet.stations) == 0
        energies = rows(url, "SELECT station_id, energy_wh FROM transactions WHERE state = 'Ended'")
        assert dict(energies) == {station.identity: station.energy_wh for station in fleet.stations}


async def read_back(rest: Rest, station: Station, state: str) -> None:
    """What REST tells of a station is what it has been told, and everything that was acknowledged."""
    (transaction,) = await rest.items("/transactions", station_id=station.identity)
    assert transaction["state"] == state
    assert transaction["energy_wh"] in (station.energy_wh, energy_of(station.told)), station.identity
    assert transaction["energy_problems"] == []
    samples = [sample["at"] for sample in await rest.items(f"/transactions/{transaction['id']}/samples")]
    assert len(samples) == len(set(samples))
    assert in_transaction(station.acknowledged) <= set(samples) <= in_transaction(station.told)


def in_transaction(messages: Sequence[Message]) -> set[str]:
    """When the readings of the transaction were taken."""
    return {
        str(DateTime.of(datetime.fromtimestamp(message.reading_ms / 1000, UTC)))
        for message in messages
        if message.reading_ms is not None and message.wh is not None
    }
