"""What the operator sees of transactions, and closing one."""

from __future__ import annotations

from typing import Any

import pytest
from tests.csms.blocks.charging import V16, Charging, stamp

from voltbridge.domain.errors import NotFound
from voltbridge.domain.events import LiveEvent
from voltbridge.domain.paging import PageRequest
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.transactions import Transaction, TransactionState

pytestmark = pytest.mark.anyio


async def running() -> tuple[Charging, LiveStation]:
    charging = Charging()
    await charging.token("CARD1")
    live = charging.connect()
    start = {"connectorId": 1, "idTag": "CARD1", "meterStart": 0, "timestamp": stamp(0)}
    await charging.send(live, V16, "StartTransaction", **start)
    return charging, live


async def meter(charging: Charging, live: LiveStation, minute: float, wh: float, **fields: Any) -> None:
    sample = {"timestamp": stamp(minute), "sampledValue": [{"value": str(wh)}]}
    payload = {"connectorId": 1, "transactionId": 1, "meterValue": [sample], **fields}
    await charging.send(live, V16, "MeterValues", **payload)


def writes(charging: Charging) -> int:
    return len(charging.world.journal.of(Transaction))


async def test_a_running_transaction_is_shown_as_it_is_and_written_now_and_then() -> None:
    charging, live = await running()
    charging.world.clock.advance(60)
    written = writes(charging)
    for second in range(20):
        await meter(charging, live, 1 + second / 60, 10.0 * second)
        (shown,) = await charging.shown()
        assert shown.energy_wh == 10.0 * second
        assert (await charging.transactions.get(shown.id)).energy_wh == 10.0 * second
        charging.world.clock.advance(1)
    assert writes(charging) - written == 2
    charging.transactions.flush(live)
    assert writes(charging) - written == 3
    assert charging.stored()[0].energy_wh == 190
    charging.transactions.flush(live)
    assert writes(charging) - written == 3


async def test_samples_are_read_back_in_order() -> None:
    charging, live = await running()
    for minute in (3, 1, 2, 2):
        await meter(charging, live, minute, minute * 10)
    (shown,) = await charging.shown()
    page = await charging.transactions.samples(shown.id, PageRequest())
    assert [each.values[0].value for each in page.items] == [10, 20, 30]


async def test_what_is_not_there_is_not_found() -> None:
    charging, _ = await running()
    for attempt in (
        charging.transactions.get(1),
        charging.transactions.samples(1, PageRequest()),
        charging.transactions.close(1, "why"),
    ):
        with pytest.raises(NotFound):
            await attempt


@pytest.mark.parametrize("connected", [True, False])
async def test_a_transaction_that_will_not_end_is_closed(connected: bool) -> None:
    charging, live = await running()
    await meter(charging, live, 30, 4000)
    await meter(charging, live, 31, 4100)
    if not connected:
        charging.transactions.flush(live)
        charging.connected.stations.clear()
    (shown,) = await charging.shown()
    closed = await charging.transactions.close(shown.id, "stolen")
    assert (closed.state, closed.close_note, closed.energy_wh) == (TransactionState.CLOSED, "stolen", 4100)
    assert (await charging.shown()) == charging.stored() == [closed]
    assert charging.connected.changes == ["CP1"], "who reads its state just now reads it again"
    (told,) = charging.world.emitted("transaction.closed")
    assert (told["reason"], told["state"], told["transaction_id"]) == ("stolen", "Closed", "1")
    assert await charging.transactions.close(shown.id, "again") == closed
    live = charging.connected.get("CP1") or charging.connect()
    other = {"connectorId": 1, "idTag": "CARD1", "meterStart": 0, "timestamp": stamp(90)}
    answer = await charging.send(live, V16, "StartTransaction", **other)
    assert answer["idTagInfo"]["status"] == "Accepted"


async def test_the_end_of_a_closed_transaction_is_taken_in() -> None:
    charging, live = await running()
    (shown,) = await charging.shown()
    await charging.transactions.close(shown.id, "stolen")
    stop = {"transactionId": 1, "meterStop": 5000, "timestamp": stamp(60)}
    await charging.send(live, V16, "StopTransaction", **stop)
    (ended,) = charging.stored()
    assert (ended.state, ended.energy_wh, ended.close_note) == (TransactionState.ENDED, 5000, "stolen")
    assert len(charging.world.emitted("transaction.ended")) == 1


async def test_memory_keeps_few_of_the_ended() -> None:
    charging, live = await running()
    for number in range(2, 30):
        start = {"connectorId": 2, "idTag": "CARD2", "meterStart": 0, "timestamp": stamp(number)}
        await charging.send(live, V16, "StartTransaction", **start)
        stop = {"transactionId": number, "meterStop": 1, "timestamp": stamp(number + 0.5)}
        await charging.send(live, V16, "StopTransaction", **stop)
        charging.world.clock.advance(60)
    assert set(live.transactions) == {"1", *map(str, range(22, 30))}
    assert set(live.meters) == {each.id for each in live.transactions.values()}
    assert len(charging.stored()) == 29


async def test_who_listens_hears_each_reading_and_others_cost_nothing() -> None:
    charging, live = await running()
    charging.world.bus.published.clear()
    charging.world.bus.has_subscribers = False
    await meter(charging, live, 1, 10)
    assert charging.world.bus.published == []
    charging.world.bus.has_subscribers = True
    await meter(charging, live, 2, 20)
    (heard,) = charging.world.bus.published
    assert isinstance(heard, LiveEvent)
    assert (heard.type, heard.station_id, heard.data["evse_id"]) == ("meter_values", "CP1", 1)
    assert heard.data["meter_values"] == [
        {
            "at": "2026-03-01T12:02:00.000Z",
            "values": [
                {
                    "measurand": "Energy.Active.Import.Register",
                    "value": 20.0,
                    "unit": "Wh",
                    "context": "Sample.Periodic",
                    "location": "Outlet",
                }
            ],
        }
    ]
