"""Transactions over the real storage: what a crash leaves, and what is found again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.csms.blocks.charging import V16, V201, Charging, stamp
from tests.csms.fakes import FakeBus, FakeClock

from voltbridge.csms.blocks.c_authorization.service import AuthorizationService
from voltbridge.csms.blocks.e_transactions.service import TransactionService
from voltbridge.csms.blocks.j_meter_values.service import MeterValueService
from voltbridge.csms.events import EventLog
from voltbridge.csms.live import LiveStations
from voltbridge.domain.ids import IdSource
from voltbridge.domain.paging import PageRequest
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationSettings
from voltbridge.domain.transactions import Transaction, TransactionFilter, TransactionState
from voltbridge.protocol.versions import Version
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio


class Node:
    """A server over a database file: begins with empty memory, as after ``kill -9``."""

    def __init__(self, storage: Storage, clock: FakeClock) -> None:
        self.storage, self.stations, ids = storage, LiveStations(), IdSource(clock)
        events = EventLog(storage.journal, FakeBus(), ids, clock)
        self.authorization = AuthorizationService(storage.tokens, storage.transactions, events, clock)
        self.transactions = TransactionService(
            storage.transactions, self.authorization, self.stations, storage.journal, events, ids, clock
        )
        self.meter_values = MeterValueService(self.transactions, storage.journal, events)

    async def connect(self, station_id: str = "CP1") -> LiveStation:
        live = await self.storage.states.load(station_id)
        if live is None:
            await self.storage.stations.add(StationSettings(station_id, RegistrationStatus.ACCEPTED, FakeClock().now()))
            live = await self.storage.states.load(station_id)
        assert live is not None
        self.stations.add(live)
        return live

    async def send(self, live: LiveStation, version: Version, action: str, **payload: Any) -> dict[str, Any]:
        answer = await Charging.send(self, live, version, action, **payload)  # type: ignore[arg-type]
        await self.storage.journal.committed(live.station_id)
        return answer

    async def list(self) -> list[Transaction]:
        """Oldest first."""
        return list(reversed((await self.transactions.list(TransactionFilter(), PageRequest())).items))


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'voltbridge.db'}"


@asynccontextmanager
async def node(database: str, *, minute: float = 0) -> AsyncIterator[Node]:
    clock = FakeClock()
    clock.advance(60 * minute)
    storage = await Storage.open(database, clock)
    try:
        yield Node(storage, clock)
    finally:
        await storage.close()


def values(minute: float, wh: float, number: int | None = None) -> dict[str, Any]:
    named = {} if number is None else {"transactionId": number}
    return {
        "connectorId": 1,
        "meterValue": [{"timestamp": stamp(minute), "sampledValue": [{"value": str(wh)}]}],
        **named,
    }


START = {"connectorId": 1, "idTag": "CARD1", "meterStart": 1000, "timestamp": stamp(0)}


async def test_after_a_crash_the_energy_is_that_of_the_last_stored_reading(database: str) -> None:
    async with node(database) as before:
        await before.authorization.create(id_token="CARD1")
        live = await before.connect()
        number = (await before.send(live, V16, "StartTransaction", **START))["transactionId"]
        for minute in range(1, 6):
            await before.send(live, V16, "MeterValues", **values(minute, 1000 + 100 * minute, number))
        stored = await before.storage.transactions.find("CP1", str(number))
        assert stored is not None and stored.energy_wh is not None and stored.energy_wh < 500, "the row lags behind"
    async with node(database) as after:
        await after.transactions.recover()
        (running,) = await after.list()
        assert (running.energy_wh, running.state, running.energy_problems) == (500, TransactionState.ACTIVE, ())
        live = await after.connect()
        await after.send(live, V16, "MeterValues", **values(6, 1700, number))
        assert (await after.transactions.get(running.id)).energy_wh == 700
        stop = {"transactionId": number, "meterStop": 2000, "timestamp": stamp(7)}
        await after.send(live, V16, "StopTransaction", **stop)
        assert (await after.list())[0].energy_wh == 1000
        samples = await after.transactions.samples(running.id, PageRequest())
        assert [each.values[0].value for each in samples.items] == [1100, 1200, 1300, 1400, 1500, 1700]


async def test_leaving_writes_the_row(database: str) -> None:
    async with node(database) as one:
        live = await one.connect()
        number = (await one.send(live, V16, "StartTransaction", **START))["transactionId"]
        await one.send(live, V16, "MeterValues", **values(1, 1100, number))
        await one.send(live, V16, "MeterValues", **values(2, 1200, number))
        one.stations.remove(live)
        one.transactions.flush(live)
        await one.storage.journal.committed()
        (running,) = await one.list()
        assert running.energy_wh == 200


async def test_a_repeated_start_is_found_after_a_crash_whatever_came_of_it(database: str) -> None:
    async with node(database) as before:
        live = await before.connect()
        numbers = [
            (await before.send(live, V16, "StartTransaction", **START | {"connectorId": connector}))["transactionId"]
            for connector in (1, 2)
        ]
        stop = {"transactionId": numbers[1], "meterStop": 2000, "timestamp": stamp(7)}
        await before.send(live, V16, "StopTransaction", **stop)
    async with node(database) as after:
        live = await after.connect()
        again = [
            (await after.send(live, V16, "StartTransaction", **START | {"connectorId": connector}))["transactionId"]
            for connector in (1, 2)
        ]
        assert again == numbers
        assert [each.state for each in await after.list()] == [TransactionState.ACTIVE, TransactionState.ENDED]
        third = await after.send(live, V16, "StartTransaction", **START | {"connectorId": 3})
        assert third["transactionId"] not in numbers


async def test_what_the_rules_remember_survives(database: str) -> None:
    event = {"timestamp": stamp(5), "transactionInfo": {"transactionId": "T1", "chargingState": "SuspendedEV"}}
    earlier = {"timestamp": stamp(1), "transactionInfo": {"transactionId": "T1", "chargingState": "Charging"}}
    token = {"idToken": {"idToken": "CARD1", "type": "ISO14443"}, "evse": {"id": 1}}
    more = {"eventType": "Updated", "triggerReason": "ChargingStateChanged"}
    async with node(database) as before:
        live = await before.connect()
        await before.send(live, V201, "TransactionEvent", seqNo=5, **more, **event)
    async with node(database) as after:
        live = await after.connect()
        await after.send(live, V201, "TransactionEvent", seqNo=1, **more, **earlier, **token)
        (running,) = await after.list()
        assert (running.charging_state, running.sequences, running.evse_id) == ("SuspendedEV", "1,5", 1)


async def test_a_token_is_held_across_stations_and_crashes(database: str) -> None:
    async with node(database) as before:
        await before.authorization.create(id_token="CARD1")
        first = await before.send(await before.connect(), V16, "StartTransaction", **START)
        assert first["idTagInfo"]["status"] == "Accepted"
    async with node(database, minute=1) as after:
        second = await after.send(await after.connect("CP2"), V16, "StartTransaction", **START)
        assert second["idTagInfo"]["status"] == "ConcurrentTx"
        held, other = await after.list()
        closed = await after.transactions.close(held.id, "stolen")
        assert (closed.state, closed.close_note) == (TransactionState.CLOSED, "stolen")
        ended = {"transactionId": int(other.transaction_id), "meterStop": 1000, "timestamp": stamp(1)}
        await after.send(await after.connect("CP2"), V16, "StopTransaction", **ended)
        third = await after.send(await after.connect("CP3"), V16, "StartTransaction", **START)
        assert third["idTagInfo"]["status"] == "Accepted"
