"""Transactions of 1.6: numbers, retries, and stops that nobody can place."""

from __future__ import annotations

from typing import Any

import pytest
from tests.csms.blocks.charging import V16, V201, Charging, stamp

from voltbridge.domain.energy import Problem
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import StopReason, TransactionState
from voltbridge.protocol import v16

pytestmark = pytest.mark.anyio


async def ready(*tokens: str) -> tuple[Charging, LiveStation]:
    charging = Charging()
    for token in tokens or ("CARD1",):
        await charging.token(token)
    return charging, charging.connect()


async def start(charging: Charging, live: LiveStation, minute: float = 0, **fields: Any) -> tuple[int, str]:
    payload = {"connectorId": 1, "idTag": "CARD1", "meterStart": 1000, "timestamp": stamp(minute), **fields}
    answer = await charging.send(live, V16, "StartTransaction", **payload)
    return answer["transactionId"], answer["idTagInfo"]["status"]


async def stop(charging: Charging, live: LiveStation, number: int, minute: float = 60, **fields: Any) -> dict[str, Any]:
    payload = {"transactionId": number, "meterStop": 7000, "timestamp": stamp(minute), **fields}
    return await charging.send(live, V16, "StopTransaction", **payload)


def register(minute: float, wh: float, context: str | None = None) -> dict[str, Any]:
    value = {"value": str(wh)} | ({"context": context} if context else {})
    return {"timestamp": stamp(minute), "sampledValue": [value]}


async def meter(charging: Charging, live: LiveStation, minute: float, wh: float, **fields: Any) -> None:
    payload = {"connectorId": 1, "meterValue": [register(minute, wh)], **fields}
    assert await charging.send(live, V16, "MeterValues", **payload) == {}


async def test_a_transaction_from_start_to_stop() -> None:
    charging, live = await ready("CARD1", "CARD2")
    number, status = await start(charging, live, reservationId=9)
    assert (number, status) == (1, "Accepted")
    await meter(charging, live, 30, 4000.5, transactionId=number)
    answer = await stop(charging, live, number, idTag="CARD2", reason="EVDisconnected")
    assert answer == {"idTagInfo": {"status": "Accepted"}}
    (whole,) = charging.stored()
    assert (whole.transaction_id, whole.station_id, whole.state) == ("1", "CP1", TransactionState.ENDED)
    assert (whole.evse_id, whole.connector_id, whole.reservation_id) == (1, 1, 9)
    assert (whole.id_token, whole.stop_id_token) == (IdToken("CARD1"), IdToken("CARD2"))
    assert (whole.energy_wh, whole.energy_problems, whole.stop_reason) == (6000, (), "EVDisconnected")
    assert [each.transaction_id for each in charging.records()] == [whole.id]


async def test_a_stop_without_a_token_is_answered_without_one() -> None:
    charging, live = await ready()
    number, _ = await start(charging, live)
    assert await stop(charging, live, number) == {}
    assert charging.stored()[0].stop_reason == "Local"


async def test_each_reason_has_its_place_in_the_one_list() -> None:
    assert {reason.value for reason in v16.Reason} <= {reason.value for reason in StopReason}


async def test_a_repeated_start_gets_the_number_of_the_first() -> None:
    charging, live = await ready()
    first = await start(charging, live)
    charging.world.clock.advance(60)
    assert await start(charging, live, idTag="card1") == first
    charging.restart()
    live = charging.connect()
    assert await start(charging, live) == first
    await stop(charging, live, first[0])
    charging.restart()
    assert await start(charging, charging.connect()) == first
    (whole,) = charging.stored()
    assert whole.state is TransactionState.ENDED


@pytest.mark.parametrize(
    "other",
    [{"connectorId": 2}, {"meterStart": 1001}, {"timestamp": stamp(0.5)}, {"idTag": "CARD2"}],
    ids=lambda other: next(iter(other)),
)
async def test_a_start_that_differs_is_another_transaction(other: dict[str, Any]) -> None:
    charging, live = await ready("CARD1", "CARD2")
    first, _ = await start(charging, live)
    second, _ = await start(charging, live, **other)
    assert first != second
    assert len(charging.stored()) == 2


@pytest.mark.parametrize("wh", [-5, 10**13, 10**400, -(10**400)], ids=["negative", "huge", "endless", "below all"])
async def test_an_impossible_meter_value_hinders_nothing(wh: int) -> None:
    charging, live = await ready()
    first, _ = await start(charging, live, meterStart=wh)
    assert (await start(charging, live, meterStart=wh))[0] == first
    await meter(charging, live, 1, 500, transactionId=first)
    await stop(charging, live, first, meterStop=wh)
    (whole,) = charging.stored()
    assert (whole.state, whole.energy_wh) == (TransactionState.ENDED, None)
    assert Problem.LEFT_OUT in whole.energy_problems


async def test_a_refused_start_is_numbered_and_recorded() -> None:
    charging, live = await ready()
    assert await start(charging, live, idTag="GHOST") == (1, "Invalid")
    (refused,) = charging.stored()
    assert (refused.state, refused.id_token) == (TransactionState.ACTIVE, IdToken("GHOST"))
    (told,) = charging.world.emitted("transaction.started")
    assert (told["authorization"], told["transaction_id"]) == ("Unknown", "1")


async def test_a_token_holds_one_transaction_unless_it_may_hold_more() -> None:
    charging, live = await ready("CARD1")
    await charging.token("FLEET", allow_concurrent=True)
    other = charging.connect("CP2")
    assert await start(charging, live) == (1, "Accepted")
    assert await start(charging, other) == (2, "ConcurrentTx")
    assert await start(charging, live) == (1, "Accepted"), "a repeated start is not concurrent, not even to a later one"
    assert await start(charging, live, connectorId=2) == (3, "ConcurrentTx")
    assert await start(charging, live, connectorId=3, idTag="FLEET") == (4, "Accepted")
    assert await start(charging, other, connectorId=3, idTag="FLEET") == (5, "Accepted")
    for station, number in ((live, 1), (other, 2), (live, 3)):
        await stop(charging, station, number)
    assert await start(charging, other, 90) == (6, "Accepted")


async def test_a_transaction_left_behind_on_its_connector_holds_no_token() -> None:
    charging, live = await ready("CARD1", "CARD2")
    await start(charging, live)
    await start(charging, live, 30, idTag="CARD2")
    assert await start(charging, charging.connect("CP2"), 40) == (3, "Accepted")
    left, newer, _ = charging.stored()
    assert (left.state, left.superseded_by) == (TransactionState.ACTIVE, newer.id)
    assert [each["superseded_by"] for each in charging.world.emitted("transaction.updated")] == [str(newer.id)]
    await stop(charging, live, 1, 29)
    assert (charging.stored()[0].state, charging.stored()[0].superseded_by) == (TransactionState.ENDED, None)


async def test_the_same_driver_may_start_again_where_the_stop_was_lost() -> None:
    charging, live = await ready()
    await start(charging, live)
    assert await start(charging, live, 30) == (2, "Accepted")


async def test_a_stop_of_a_number_never_given_is_kept() -> None:
    charging, live = await ready()
    data = [register(0, 500, "Transaction.Begin"), register(60, 7000, "Transaction.End")]
    assert await stop(charging, live, 4711, idTag="CARD1", transactionData=data) == {
        "idTagInfo": {"status": "Accepted"}
    }
    (kept,) = charging.stored()
    assert (kept.transaction_id, kept.state, kept.started_at) == ("4711", TransactionState.ENDED, None)
    assert (kept.energy_wh, kept.stop_id_token) == (6500, IdToken("CARD1"))
    assert [each["transaction_id"] for each in charging.world.emitted("transaction.ended")] == ["4711"]
    assert charging.world.emitted("transaction.started") == []


async def test_meter_values_of_a_number_never_given_make_a_transaction() -> None:
    charging, live = await ready()
    await meter(charging, live, 5, 100, transactionId=4711, connectorId=2)
    await meter(charging, live, 10, 300, transactionId=4711, connectorId=2)
    (kept,) = await charging.shown()
    assert (kept.transaction_id, kept.state, kept.evse_id) == ("4711", TransactionState.ACTIVE, 2)
    assert (kept.energy_wh, kept.energy_problems) == (200, (Problem.NO_START,))
    assert len(charging.records()) == 2


async def test_a_number_in_use_at_the_station_is_not_given() -> None:
    charging, live = await ready()
    await meter(charging, live, 5, 100, transactionId=1, connectorId=2)
    await stop(charging, live, 2, 5)
    assert await start(charging, live, 10) == (3, "Accepted")
    assert await start(charging, charging.connect("CP2"), 10) == (4, "ConcurrentTx")


@pytest.mark.parametrize("number", [-1, 0])
async def test_a_stop_whose_start_was_never_answered_finds_it_by_its_token(number: int) -> None:
    charging, live = await ready("CARD1", "CARD2")
    await start(charging, live)
    await start(charging, live, connectorId=2, idTag="CARD2")
    await stop(charging, live, number, 60, idTag="card2")
    first, second = charging.stored()
    assert (first.state, second.state, second.energy_wh) == (TransactionState.ACTIVE, TransactionState.ENDED, 6000)
    charging.restart()
    await stop(charging, charging.connect(), number, 60, idTag="card2")
    assert len(charging.stored()) == 2


async def test_a_stop_without_number_and_token_ends_nobody_elses_transaction() -> None:
    charging, live = await ready()
    await start(charging, live)
    await stop(charging, live, -1, 60, reason="PowerLoss")
    running, kept = charging.stored()
    assert running.state is TransactionState.ACTIVE
    assert (kept.state, kept.stop_reason, kept.energy_wh) == (TransactionState.ENDED, "PowerLoss", None)
    await stop(charging, live, -1, 60, reason="PowerLoss")
    charging.restart()
    await stop(charging, charging.connect(), -1, 60, reason="PowerLoss")
    assert len(charging.stored()) == 2
    await stop(charging, charging.connected.stations["CP1"], -1, 90, meterStop=9000)
    assert len(charging.stored()) == 3


async def test_messages_without_a_number_become_one_transaction() -> None:
    charging, live = await ready()
    await meter(charging, live, 5, 100, transactionId=-1)
    await meter(charging, live, 10, 300, transactionId=-1)
    await stop(charging, live, -1, 20, meterStop=700, idTag="CARD1")
    (kept,) = charging.stored()
    assert (kept.state, kept.evse_id, kept.energy_wh) == (TransactionState.ENDED, 1, 600)
    assert kept.transaction_id.startswith("-1@")
    assert kept.energy_problems == (Problem.NO_START,)


async def test_a_stop_earlier_than_the_running_transaction_is_not_its() -> None:
    charging, live = await ready()
    await start(charging, live, 30)
    await stop(charging, live, -1, 20, idTag="CARD1")
    await stop(charging, live, -1, 40, idTag="CARD1", meterStop=5)
    assert [each.state for each in charging.stored()] == [TransactionState.ACTIVE, *[TransactionState.ENDED] * 2]


async def test_late_meter_values_of_an_ended_transaction_are_its_own() -> None:
    charging, live = await ready()
    number, _ = await start(charging, live)
    await stop(charging, live, number)
    charging.restart()
    live = charging.connect()
    assert live.transactions == {}
    await meter(charging, live, 30, 4000, transactionId=number)
    (whole,) = charging.stored()
    assert (whole.state, whole.energy_wh, whole.energy_problems) == (TransactionState.ENDED, 6000, ())
    assert [each.transaction_id for each in charging.records()] == [whole.id]


async def test_what_comes_after_the_end_is_written_at_once() -> None:
    charging, live = await ready()
    await stop(charging, live, 4711)
    await meter(charging, live, 30, 4000, transactionId=4711)
    await meter(charging, live, 20, 3000, transactionId=4711)
    assert charging.stored()[0].energy_wh == 4000


async def test_the_same_station_may_speak_another_version_later() -> None:
    charging, live = await ready()
    number, _ = await start(charging, live)
    live = charging.connect()
    event = {"eventType": "Updated", "seqNo": 4, "triggerReason": "MeterValuePeriodic", "timestamp": stamp(5)}
    await charging.send(live, V201, "TransactionEvent", **event, transactionInfo={"transactionId": str(number)})
    (one,) = charging.stored()
    assert (one.started_at is not None, one.sequences) == (True, "4")


async def test_events_tell_the_course() -> None:
    charging, live = await ready()
    number, _ = await start(charging, live)
    await meter(charging, live, 30, 4000, transactionId=number)
    await stop(charging, live, number)
    await stop(charging, live, number)
    assert [each["state"] for each in charging.world.emitted("transaction.started")] == ["Active"]
    (ended,) = charging.world.emitted("transaction.ended")
    assert (ended["energy_wh"], ended["stop_reason"], ended["id_token"]) == (6000, "Local", "CARD1")
    assert ended["id"] == str(charging.stored()[0].id)
    assert charging.world.emitted("transaction.updated") == []
