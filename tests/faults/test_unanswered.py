"""Killed or cut off between receipt and reply: the message is stored or it is not, and coming again makes one of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.faults.breakage import locked, waiting_for_lock
from tests.faults.stations import Fleet, Message, Station, stored_as_told
from tests.support.charger import Charger, Lost
from tests.support.databases import BACKENDS, database
from tests.support.process import running
from tests.support.rest import Rest

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

STATIONS = 30


async def say_unheard(station: Station, port: int) -> None:
    """Send what is pending, be sure that it was answered, and know nothing of the answer."""
    async with Charger(port, station.identity, station.version) as charger:
        await station.boot(charger)
        message = station.outgoing()
        await charger.send([2, message.unique_id, message.action, message.payload])
        # Answers come in the order of the messages, so the one before this has been given.
        await charger.call("Heartbeat", {})


async def charge_a_little(station: Station, port: int, messages: int) -> None:
    """Deliver so many messages, but not the end of the transaction."""
    async with Charger(port, station.identity, station.version) as charger:
        await station.boot(charger)
        for _ in range(messages):
            if station.pending and not station.pending.ends:
                await station.deliver(charger)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_killed_before_the_commit(backend: str, tmp_path: Path) -> None:
    """Received, and waiting to be written: nothing was acknowledged, and nothing is there."""
    fleet = Fleet(STATIONS)
    with database(backend, tmp_path) as url:
        async with running(tmp_path / "data", database_url=url, onboarding="accept") as up:
            serving = fleet.serve(up.ocpp_port)
            await fleet.heard(5 * STATIONS)
            with locked(up, url):
                await (up.says("storage.outage") if backend == "sqlite" else waiting_for_lock(url))
                # What was committed before is answered before this is.
                async with Rest(up.http_port, up.admin_key) as rest:
                    assert (await rest.ask("GET", "//healthz")).status == 200
                await up.kill()
                await serving
            assert all(station.pending for station in fleet.stations)
            assert stored_as_told(url, fleet.stations) == 0
        await finished(tmp_path, url, fleet)


async def each(fleet: Fleet, deed: Callable[[Station], Awaitable[None]]) -> None:
    """All stations at the same time."""
    await asyncio.gather(*map(deed, fleet.stations))


@pytest.mark.parametrize("backend", BACKENDS)
async def test_killed_after_the_commit(backend: str, tmp_path: Path) -> None:
    """Stored, but the answer is lost: the repetition finds it there."""
    fleet = Fleet(STATIONS)
    with database(backend, tmp_path) as url:
        async with running(tmp_path / "data", database_url=url, onboarding="accept") as up:
            # Starts, first and later readings and ends, in every version.
            await each(fleet, lambda station: charge_a_little(station, up.ocpp_port, 5 * (station.number // 3 % 4)))
            await each(fleet, lambda station: say_unheard(station, up.ocpp_port))
            await up.kill()
        assert stored_as_told(url, fleet.stations) >= STATIONS
        assert {message.action for message in pending(fleet)} == {
            "StartTransaction",
            "MeterValues",
            "StopTransaction",
            "TransactionEvent",
        }
        await finished(tmp_path, url, fleet)


def pending(fleet: Fleet) -> list[Message]:
    return [station.pending for station in fleet.stations if station.pending]


@pytest.mark.parametrize("backend", BACKENDS)
async def test_connections_that_break_before_every_answer(backend: str, tmp_path: Path) -> None:
    """No restart in between: the memory of the server has to know the repetition, too."""
    fleet = Fleet(STATIONS)
    with database(backend, tmp_path) as url:
        async with running(tmp_path / "data", database_url=url, onboarding="accept") as up:
            for _ in range(5):
                await each(fleet, lambda station: charge_a_little(station, up.ocpp_port, station.number % 4))
                await each(fleet, lambda station: say_unheard(station, up.ocpp_port))
                await each(fleet, lambda station: cut_before_the_answer(station, up.ocpp_port))
            fleet.finish()
            await fleet.serve(up.ocpp_port)
            await up.stop()
        assert all(station.done for station in fleet.stations)
        assert stored_as_told(url, fleet.stations) == 0


async def cut_before_the_answer(station: Station, port: int) -> None:
    with contextlib.suppress(Lost):
        async with Charger(port, station.identity, station.version) as charger:
            await station.boot(charger)
            message = station.outgoing()
            await charger.send([2, message.unique_id, message.action, message.payload])
            charger.drop()


async def finished(tmp_path: Path, url: str, fleet: Fleet) -> None:
    """After a new start every station says all it has to, and every message is there once."""
    async with running(tmp_path / "data", database_url=url, onboarding="accept") as up:
        fleet.finish()
        await fleet.serve(up.ocpp_port)
        await up.stop()
    assert all(station.done for station in fleet.stations)
    assert stored_as_told(url, fleet.stations) == 0
