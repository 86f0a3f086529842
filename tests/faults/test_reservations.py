"""``kill -9`` while reservations are made and end: what was answered is so afterwards, and nothing is made twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.charger import Charger, Lost
from tests.support.databases import BACKENDS, database
from tests.support.process import Up, running
from tests.support.rest import Rest

from voltbridge.protocol.versions import Version

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

STATIONS = 24
SOON_S = 8.0


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Reserved:
    """A station with a reservation, and the message that ends it."""

    def __init__(self, number: int) -> None:
        self.version = (Version.V16, Version.V201, Version.V21)[number % 3]
        self.identity = f"RES-{number}"
        self.uses = self.version is Version.V16 or number % 2 == 0
        self.id = 0
        self.answered = False

    @property
    def end(self) -> str:
        return "Used" if self.uses else "Removed"

    async def reserve(self, rest: Rest, seconds: float = 3600) -> Any:
        terms = {"id_token": self.identity, "evse_id": 1, "expires_at": in_seconds(seconds)}
        return await rest.post("/reservations", {"station_id": self.identity, **terms})

    async def tell(self, charger: Charger) -> None:
        """How the reservation ended; ``answered`` once that was answered."""
        if not self.uses:
            update = {"reservationId": self.id, "reservationUpdateStatus": "Removed"}
            await charger.call("ReservationStatusUpdate", update)
        elif self.version is Version.V16:
            start = {"connectorId": 1, "idTag": self.identity, "meterStart": 0, "timestamp": "2026-02-01T00:00:00Z"}
            await charger.call("StartTransaction", {**start, "reservationId": self.id})
        else:
            event = {
                "eventType": "Started",
                "timestamp": "2026-02-01T00:00:00Z",
                "triggerReason": "Authorized",
                "seqNo": 0,
                "transactionInfo": {"transactionId": f"T-{self.identity}"},
                "evse": {"id": 1, "connectorId": 1},
                "reservationId": self.id,
            }
            await charger.call("TransactionEvent", event)
        self.answered = True


@pytest.mark.parametrize("backend", BACKENDS)
async def test_killed_while_reservations_are_made_and_end(backend: str, tmp_path: Path) -> None:
    stations = [Reserved(number) for number in range(STATIONS)]
    with database(backend, tmp_path) as url:
        async with running(tmp_path / "data", database_url=url) as up, Rest(up.http_port, up.admin_key) as rest:
            for station in stations:
                await rest.post("/stations", {"station_id": station.identity})
            last = await _reserve_and_end(up, rest, stations)

        async with running(tmp_path / "data", database_url=url) as up:
            async with Rest(up.http_port, up.admin_key) as rest:
                for station in stations:
                    one = await rest.get(f"/reservations/{station.id}")
                    assert one["state"] in ((station.end,) if station.answered else (station.end, "Reserved"))
                    async with Charger(up.ocpp_port, station.identity, station.version) as charger:
                        await station.tell(charger)
                    one = await rest.get(f"/reservations/{station.id}")
                    assert one["state"] == station.end
                    told = await rest.items("/events", type="reservation", station_id=station.identity)
                    ends = [event["type"] for event in told if event["type"] == f"reservation.{station.end.lower()}"]
                    assert len(ends) <= 1
                    if station.uses:
                        (transaction,) = await rest.items("/transactions", station_id=station.identity)
                        assert one["transaction_id"] == transaction["id"]
                await _expired(rest, last["expiring"])
                (asked,) = await rest.items("/stations/RES-0/reservations", state="Requested")
                assert asked["problem"] == "the program ended before the answer came"
                async with Charger(up.ocpp_port, "RES-0", Version.V16) as charger:
                    charger.answers["ReserveNow"] = {"status": "Accepted"}
                    made = await stations[0].reserve(rest)
                    assert made["id"] > asked["id"] > max(station.id for station in stations)
            await up.stop()


async def _reserve_and_end(up: Up, rest: Rest, stations: list[Reserved]) -> dict[str, int]:
    """Reserve everywhere, end a good part of it, and be killed with one reservation unanswered and one about to end."""
    chargers = [Charger(up.ocpp_port, station.identity, station.version) for station in stations]
    for station, charger in zip(stations, chargers, strict=True):
        await charger.__aenter__()
        charger.answers["ReserveNow"] = {"status": "Accepted"}
        station.id = (await station.reserve(rest))["id"]
    expiring = (await stations[1].reserve(rest, SOON_S))["id"]
    del chargers[0].answers["ReserveNow"]
    while not chargers[0].called.empty():
        chargers[0].called.get_nowait()
    unheard = asyncio.create_task(stations[0].reserve(rest))
    await chargers[0].called.get()

    async def tell(station: Reserved, charger: Charger) -> None:
        try:
            await station.tell(charger)
        except Lost:
            return

    telling = [asyncio.create_task(tell(*pair)) for pair in zip(stations, chargers, strict=True)]
    await asyncio.wait(telling, return_when=asyncio.FIRST_COMPLETED)
    await up.kill()
    await asyncio.gather(*telling)
    await asyncio.gather(unheard, return_exceptions=True)
    for charger in chargers:
        await charger.__aexit__(None, None, None)
    return {"expiring": expiring}


async def _expired(rest: Rest, id: int) -> None:
    async with asyncio.timeout(SOON_S + 60):
        while (await rest.get(f"/reservations/{id}"))["state"] != "Expired":
            pass
