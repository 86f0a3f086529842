"""``kill -9`` in the middle of 200 charging stations, twice: what was acknowledged is there, and there once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.faults.stations import Fleet, Session, Station, milliseconds, sessions, stored_as_told
from tests.support.databases import BACKENDS, database, rows
from tests.support.process import running
from tests.support.rest import Rest

from voltbridge.protocol.datetimes import DateTime

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

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
                await read_back(rest, fleet.stations)
                fleet.finish()
                await fleet.serve(up.ocpp_port)
                assert all(station.done for station in fleet.stations)
                await read_back(rest, fleet.stations)
            await up.stop()
        assert stored_as_told(url, fleet.stations) == 0
        energies = rows(url, "SELECT station_id, started_at_ms, energy_wh FROM transactions WHERE state = 'Ended'")
        assert {(identity, ms): wh for identity, ms, wh in energies} == {
            (station.identity, milliseconds(session.began)): session.energy_wh
            for station in fleet.stations
            for session in sessions(station.acknowledged).values()
        }
        # Listeners hear of each once, too.
        told = rows(url, "SELECT type, count(*) FROM events WHERE type LIKE 'transaction.%' GROUP BY type")
        assert dict(told) == {"transaction.started": len(energies), "transaction.ended": len(energies)}


async def read_back(rest: Rest, stations: Sequence[Station]) -> None:
    """What REST tells of the stations is all that was acknowledged; besides, only what was pending may be there."""
    by_station: dict[str, list[Any]] = {}
    for transaction in await rest.items("/transactions"):
        by_station.setdefault(transaction["station_id"], []).append(transaction)
    for station in stations:
        await hold_to_its_books(rest, station, by_station.pop(station.identity, []))
    assert not by_station


async def hold_to_its_books(rest: Rest, station: Station, transactions: Sequence[Any]) -> None:
    found = {transaction["started_at"]: transaction for transaction in transactions}
    assert len(found) == len(transactions)
    sure, possible = sessions(station.acknowledged), sessions(station.told)
    for number, session in possible.items():
        transaction = found.pop(text(session), None)
        if transaction is None:
            assert number not in sure
            continue
        assert transaction["energy_problems"] == []
        samples = [sample["at"] for sample in await rest.items(f"/transactions/{transaction['id']}/samples")]
        assert len(samples) == len(set(samples))
        told = (transaction["energy_wh"], transaction["state"], set(samples))
        assert told in [shown(each[number]) for each in (sure, possible) if number in each], (station.identity, number)
    assert not found


def shown(session: Session) -> tuple[float, str, set[str]]:
    return session.energy_wh, session.state, {str(DateTime.of(reading)) for reading in session.readings}


def text(session: Session) -> str:
    return str(DateTime.of(session.began))
