"""Transactions whose end never arrives are found by other signs, and closed with the reason; others are left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from tests.csms.blocks.charging import V16, V201, Charging, stamp
from tests.csms.fakes import START, FakeStations

from voltbridge.csms.blocks.e_transactions.abandoned import AbandonedTransactions
from voltbridge.csms.commands.execution import InvalidParameters
from voltbridge.domain.commands import Command, CommandAnswer, CommandState, Unsupported
from voltbridge.domain.evses import Connector, ConnectorStatus
from voltbridge.domain.station_calls import StationNotConnected
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings
from voltbridge.domain.transactions import TransactionState

pytestmark = pytest.mark.anyio

HOUR = 3600.0


@dataclass
class Asked:
    """Answers questions about transactions as told; None: the version cannot ask."""

    info: Mapping[str, Any] | Exception | None = None
    state: CommandState = CommandState.ACCEPTED
    asked: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    fail_for: str | None = None
    """A transaction that no question can name."""

    async def submit(self, station_id: str, name: str, parameters: Mapping[str, Any]) -> Command:
        if parameters["transaction_id"] == self.fail_for:
            raise InvalidParameters("$.transaction_id", "is too long")
        self.asked.append((station_id, name, parameters))
        if self.info is None:
            raise Unsupported("no such message")
        if isinstance(self.info, Exception):
            raise self.info
        answer = CommandAnswer(True, "Accepted", info=self.info) if self.state is CommandState.ACCEPTED else None
        return Command(
            id=1,
            station_id=station_id,
            name=name,
            parameters=parameters,
            state=self.state,
            created_at=START,
            answer=answer,
        )


@dataclass
class Scene:
    """One charging station with one transaction, in 1.6 or 2.0.1."""

    charging: Charging
    live: LiveStation
    asked: Asked
    stations: FakeStations
    abandoned: AbandonedTransactions

    async def swept(self, hours: float) -> tuple[TransactionState, str | None]:
        """Its state and the reason, that much later."""
        self.charging.world.clock.advance(hours * HOUR)
        closed = await self.abandoned.close_all()
        (transaction,) = [each for each in await self.charging.shown() if each.transaction_id in ("1", "t-1")]
        assert closed == (transaction.state is TransactionState.CLOSED)
        return transaction.state, transaction.close_note

    def frees(self, minute: float = 5) -> None:
        """The station tells that the connector is free."""
        at = START + timedelta(minutes=minute)
        self.live.connectors[1, 1] = Connector("CP1", 1, 1, ConnectorStatus.AVAILABLE, at)


async def scene(info: Mapping[str, Any] | Exception | None = None) -> Scene:
    charging = Charging()
    await charging.token("CARD1")
    live = charging.connect()
    asked, stations = Asked(info), FakeStations()
    stations.settings["CP1"] = StationSettings("CP1", RegistrationStatus.ACCEPTED, START)
    if info is None:
        start = {"connectorId": 1, "idTag": "CARD1", "meterStart": 0, "timestamp": stamp(0)}
        await charging.send(live, V16, "StartTransaction", **start)
    else:
        event = {"eventType": "Started", "timestamp": stamp(0), "triggerReason": "CablePluggedIn", "seqNo": 0}
        where = {"transactionInfo": {"transactionId": "t-1"}, "evse": {"id": 1, "connectorId": 1}}
        await charging.send(live, V201, "TransactionEvent", **event, **where)
    world = charging.world
    abandoned = AbandonedTransactions(charging.transactions, stations, charging.connected, asked, world.clock)
    return Scene(charging, live, asked, stations, abandoned)


OPEN = (TransactionState.ACTIVE, None)


async def test_a_quiet_transaction_without_any_sign_goes_on() -> None:
    here = await scene()
    assert await here.swept(24 * 60) == OPEN
    assert here.asked.asked == []


async def test_a_free_connector_ends_a_quiet_transaction() -> None:
    here = await scene()
    here.frees()
    assert await here.swept(11) == OPEN
    assert await here.swept(2) == (TransactionState.CLOSED, "its connector has been free since 2026-03-01 12:05 UTC")
    (told,) = here.charging.world.emitted("transaction.closed")
    assert told["reason"].startswith("its connector has been free")


async def test_a_connector_that_was_free_before_says_nothing() -> None:
    here = await scene()
    here.frees(minute=-5)
    assert await here.swept(24) == OPEN


async def test_a_transaction_with_news_is_not_quiet() -> None:
    here = await scene()
    here.frees()
    here.charging.world.clock.advance(12 * HOUR)
    sample = {"timestamp": stamp(719), "sampledValue": [{"value": "5"}]}
    await here.charging.send(here.live, V16, "MeterValues", connectorId=1, transactionId=1, meterValue=[sample])
    assert await here.swept(1) == OPEN


async def test_a_newer_transaction_on_the_evse_is_a_sign() -> None:
    here = await scene()
    start = {"connectorId": 1, "idTag": "CARD1", "meterStart": 9, "timestamp": stamp(30)}
    await here.charging.send(here.live, V16, "StartTransaction", **start)
    assert await here.swept(13) == (TransactionState.CLOSED, "a newer transaction runs on the same EVSE")
    assert [each.state for each in await here.charging.shown()] == [TransactionState.CLOSED, TransactionState.ACTIVE]


async def test_a_station_that_can_be_asked_has_the_last_word() -> None:
    here = await scene({"ongoing": False, "messages_in_queue": False})
    here.frees()
    state, reason = await here.swept(13)
    assert state is TransactionState.CLOSED
    assert reason is not None and reason.endswith("the station says that it is over and that no message of it waits")
    assert here.asked.asked == [("CP1", "get_transaction_status", {"transaction_id": "t-1"})]


@pytest.mark.parametrize(
    "said",
    [
        {"ongoing": True, "messages_in_queue": False},
        {"ongoing": False, "messages_in_queue": True},
        {"messages_in_queue": False},
        StationNotConnected("CP1"),
    ],
)
async def test_a_station_that_does_not_say_so_is_believed(said: Any) -> None:
    here = await scene(said)
    here.frees()
    assert await here.swept(13) == OPEN


async def test_a_station_that_does_not_answer_is_asked_again_another_time() -> None:
    here = await scene({"ongoing": False, "messages_in_queue": False})
    here.asked.state = CommandState.TIMED_OUT
    here.frees()
    assert await here.swept(13) == OPEN
    here.asked.state = CommandState.ACCEPTED
    assert (await here.swept(1))[0] is TransactionState.CLOSED


async def test_one_that_cannot_be_asked_about_does_not_keep_others_open() -> None:
    here = await scene({"ongoing": False, "messages_in_queue": False})
    here.asked.fail_for = "t-2"
    event = {"eventType": "Started", "timestamp": stamp(1), "triggerReason": "CablePluggedIn", "seqNo": 0}
    where = {"transactionInfo": {"transactionId": "t-2"}, "evse": {"id": 2, "connectorId": 1}}
    await here.charging.send(here.live, V201, "TransactionEvent", **event, **where)
    here.frees()
    at = START + timedelta(minutes=5)
    here.live.connectors[2, 1] = Connector("CP1", 2, 1, ConnectorStatus.AVAILABLE, at)
    state, _ = await here.swept(13)
    assert state is TransactionState.CLOSED
    assert {name: each["transaction_id"] for _, name, each in here.asked.asked} == {"get_transaction_status": "t-1"}
    (other,) = [each for each in await here.charging.shown() if each.transaction_id == "t-2"]
    assert other.state is TransactionState.ACTIVE


async def test_a_station_away_for_long_is_given_up() -> None:
    here = await scene()
    here.frees()
    del here.charging.connected.stations["CP1"]
    seen = START + timedelta(days=10)
    here.stations.reports["CP1"] = replace(StationReport("CP1"), last_seen_at=seen)
    assert await here.swept(39 * 24) == OPEN
    state, reason = await here.swept(2 * 24)
    assert (state, reason) == (TransactionState.CLOSED, "its station has not been seen since 2026-03-11 12:00 UTC")
    assert here.asked.asked == []


async def test_a_station_no_longer_known_is_given_up() -> None:
    here = await scene()
    del here.charging.connected.stations["CP1"]
    del here.stations.settings["CP1"]
    assert await here.swept(29 * 24) == OPEN
    state, reason = await here.swept(2 * 24)
    assert state is TransactionState.CLOSED
    assert reason is not None and "no longer known" in reason


async def test_an_end_that_arrives_after_all_counts() -> None:
    here = await scene()
    here.frees()
    await here.swept(13)
    stop = {"transactionId": 1, "meterStop": 70, "timestamp": stamp(4), "reason": "Local"}
    await here.charging.send(here.live, V16, "StopTransaction", **stop)
    (shown,) = await here.charging.shown()
    assert (shown.state, shown.energy_wh, shown.stop_reason) == (TransactionState.ENDED, 70, "Local")
