"""Where the station under test connects to: what it is told, and what becomes of those who come elsewhere."""

from __future__ import annotations

import aiohttp
import pytest

from voltbridge.clock import SystemClock
from voltbridge.conformance.configuration import Configuration
from voltbridge.conformance.manual_station import ManualStation
from voltbridge.conformance.station.cases import STATION_CASES
from voltbridge.conformance.station.door import open_door
from voltbridge.conformance.station.run import csms_for

pytestmark = pytest.mark.anyio


async def test_a_station_at_a_wrong_address_is_seen_in_the_transcript() -> None:
    async with open_door() as door, aiohttp.ClientSession() as client:
        elsewhere = door.url.replace("ws://", "http://").removesuffix("/ocpp") + "/CP1"
        for waiting in (False, True):
            if waiting:
                station = ManualStation(print, input)
                door.csms = csms_for(STATION_CASES["TC_B_01_CS"], Configuration(), station, SystemClock(), door)
            async with client.get(elsewhere) as response:
                assert response.status == 404
                assert await response.text() == f"stations connect to {door.url}/IDENTITY\n"
        assert door.csms is not None
        (seen,) = door.csms.transcript
        assert seen.text == f"GET /CP1, answered 404: stations connect to {door.url}/IDENTITY"
        assert not door.csms.attempts


async def test_stations_are_told_an_address_that_is_one() -> None:
    async with open_door("0.0.0.0") as door:
        for url in (door.url, door.other_url):
            assert "0.0.0.0" not in url
    async with open_door("127.0.0.1") as door:
        assert door.url.startswith("ws://127.0.0.1:")
