"""Transactions of 2.0.1 and 2.1: the events, the answers about tokens, and ids used twice."""

from __future__ import annotations

from typing import Any

import pytest
from tests.csms.blocks.charging import V16, V21, V201, Charging, stamp

from voltbridge.domain.stations import LiveStation
from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import StopReason, TransactionState
from voltbridge.protocol import v21, v201
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio
both = pytest.mark.parametrize("version", [V201, V21])


class Station:
    """Sends the events of one transaction after another."""

    def __init__(self, charging: Charging, version: Version = V201, station_id: str = "CP1") -> None:
        self.charging, self.version = charging, version
        self.live: LiveStation = charging.connect(station_id)

    async def event(
        self,
        kind: str,
        minute: float,
        sequence: int,
        trigger: str,
        *,
        transaction: str = "T1",
        id_token: str | None = None,
        type: str = "ISO14443",
        wh: float | None = None,
        context: str = "Sample.Periodic",
        info: dict[str, Any] | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        payload: dict[str, Any] = {
            "eventType": kind,
            "timestamp": stamp(minute),
            "triggerReason": trigger,
            "seqNo": sequence,
            "transactionInfo": {"transactionId": transaction, **(info or {})},
            **fields,
        }
        if id_token is not None:
            payload["idToken"] = {"idToken": id_token, "type": type}
        if wh is not None:
            value = {"value": wh, "context": context}
            payload["meterValue"] = [{"timestamp": stamp(minute), "sampledValue": [value]}]
        return await self.charging.send(self.live, self.version, "TransactionEvent", **payload)


@both
async def test_cable_first_then_the_card(version: Version) -> None:
    charging = Charging()
    await charging.token("CARD1", group_id_token="FAMILY")
    await charging.token("CARD2", group_id_token="FAMILY")
    station = Station(charging, version)
    evse = {"id": 2, "connectorId": 1}
    connected = {"chargingState": "EVConnected"}
    assert await station.event("Started", 0, 0, "CablePluggedIn", evse=evse, info=connected) == {}
    family = {"status": "Accepted", "groupIdToken": {"idToken": "FAMILY", "type": "Central"}}
    accepted = await station.event(
        "Updated", 1, 1, "Authorized", id_token="card1", wh=1000.0, context="Transaction.Begin", reservationId=3
    )
    assert accepted == {"idTokenInfo": family}
    charging_now = {"chargingState": "Charging", "remoteStartId": 8}
    assert await station.event("Updated", 2, 2, "ChargingStateChanged", info=charging_now, numberOfPhasesUsed=3) == {}
    assert await station.event("Updated", 20, 3, "MeterValuePeriodic", wh=4000.0) == {}
    assert await station.event("Updated", 40, 4, "StopAuthorized", id_token="CARD2") == {"idTokenInfo": family}
    over = {"chargingState": "Idle", "stoppedReason": "EVDisconnected", "timeSpentCharging": 2280}
    end = await station.event(
        "Ended", 41, 5, "EVCommunicationLost", wh=7000.5, context="Transaction.End", info=over, offline=True
    )
    assert end == {}
    (whole,) = charging.stored()
    assert (whole.transaction_id, whole.evse_id, whole.connector_id) == ("T1", 2, 1)
    assert (whole.state, whole.stop_reason, whole.charging_state) == (TransactionState.ENDED, "EVDisconnected", "Idle")
    assert (whole.id_token, whole.stop_id_token) == (IdToken("card1", "ISO14443"), IdToken("CARD2", "ISO14443"))
    assert (whole.energy_wh, whole.energy_problems) == (6000.5, ())
    assert (whole.reservation_id, whole.remote_start_id, whole.time_spent_charging_s) == (3, 8, 2280)
    assert (whole.sequences, whole.offline) == ("0-5", True)
    told = charging.world.emitted("transaction.updated")
    assert [each["trigger"] for each in told] == ["Authorized", "ChargingStateChanged", "StopAuthorized"]
    assert told[1]["number_of_phases_used"] == 3


@both
async def test_card_first_then_the_cable(version: Version) -> None:
    charging = Charging()
    await charging.token("CARD1")
    station = Station(charging, version)
    assert await station.event("Started", 0, 0, "Authorized", id_token="CARD1") == {
        "idTokenInfo": {"status": "Accepted"}
    }
    assert (await charging.shown())[0].evse_id is None
    await station.event("Updated", 1, 1, "CablePluggedIn", evse={"id": 1, "connectorId": 2})
    (running,) = await charging.shown()
    assert (running.evse_id, running.connector_id, running.id_token) == (1, 2, IdToken("CARD1", "ISO14443"))


@both
async def test_a_refused_token_is_said_and_the_transaction_recorded(version: Version) -> None:
    charging = Charging()
    station = Station(charging, version)
    assert await station.event("Started", 0, 0, "Authorized", id_token="GHOST") == {
        "idTokenInfo": {"status": "Unknown"}
    }
    assert await station.event("Ended", 1, 1, "Deauthorized", info={"stoppedReason": "DeAuthorized"}) == {}
    (refused,) = charging.stored()
    assert (refused.state, refused.stop_reason) == (TransactionState.ENDED, "DeAuthorized")


async def test_a_start_button_is_accepted() -> None:
    charging = Charging()
    answer = await Station(charging).event("Started", 0, 0, "ChargingStateChanged", id_token="", type="NoAuthorization")
    assert answer == {"idTokenInfo": {"status": "Accepted"}}
    (running,) = charging.stored()
    assert running.id_token == IdToken("", "NoAuthorization")
    second = await Station(charging, station_id="CP2").event(
        "Started", 0, 0, "ChargingStateChanged", id_token="", type="NoAuthorization"
    )
    assert second == {"idTokenInfo": {"status": "Accepted"}}


async def test_a_paid_session_is_accepted() -> None:
    charging = Charging()
    answer = await Station(charging, V21).event("Started", 0, 0, "Authorized", id_token="psp-1", type="DirectPayment")
    assert answer["idTokenInfo"]["status"] == "Accepted"


async def test_a_token_holds_one_transaction_whichever_event_brings_it() -> None:
    charging = Charging()
    await charging.token("CARD1")
    one, other = Station(charging, station_id="CP1"), Station(charging, station_id="CP2")
    await one.event("Started", 0, 0, "Authorized", id_token="CARD1")
    await other.event("Started", 0, 0, "CablePluggedIn", transaction="T2", evse={"id": 1})
    refused = await other.event("Updated", 1, 1, "Authorized", transaction="T2", id_token="CARD1")
    assert refused == {"idTokenInfo": {"status": "ConcurrentTx"}}
    assert await one.event("Started", 0, 0, "Authorized", id_token="CARD1") == {"idTokenInfo": {"status": "Accepted"}}
    assert await one.event("Ended", 9, 1, "StopAuthorized", id_token="CARD1") == {"idTokenInfo": {"status": "Accepted"}}
    again = await other.event("Updated", 10, 2, "Authorized", transaction="T2", id_token="CARD1")
    assert again == {"idTokenInfo": {"status": "Accepted"}}


async def test_stopping_for_the_family_is_not_charging_twice() -> None:
    charging = Charging()
    await charging.token("CARD1", group_id_token="FAMILY")
    await charging.token("CARD2", group_id_token="FAMILY")
    one, other = Station(charging, station_id="CP1"), Station(charging, station_id="CP2")
    await one.event("Started", 0, 0, "Authorized", id_token="CARD1")
    await other.event("Started", 1, 0, "Authorized", transaction="T2", id_token="CARD2")
    stopped = await other.event("Updated", 9, 1, "StopAuthorized", transaction="T2", id_token="CARD1")
    assert stopped["idTokenInfo"]["status"] == "Accepted"
    ended = await other.event("Ended", 9, 2, "EVCommunicationLost", transaction="T2", id_token="CARD1")
    assert ended["idTokenInfo"]["status"] == "Accepted"


async def test_a_token_is_one_across_versions() -> None:
    charging = Charging()
    await charging.token("CARD1")
    await Station(charging, station_id="CP1").event("Started", 0, 0, "Authorized", id_token="CARD1")
    older = charging.connect("CP2")
    start = {"connectorId": 1, "idTag": "card1", "meterStart": 0, "timestamp": stamp(1)}
    answer = await charging.send(older, V16, "StartTransaction", **start)
    assert answer["idTagInfo"]["status"] == "ConcurrentTx"


async def test_a_new_transaction_starts_from_sequence_zero_again() -> None:
    charging = Charging()
    station = Station(charging)
    for transaction in ("T1", "T2"):
        await station.event("Started", 0, 0, "CablePluggedIn", transaction=transaction, evse={"id": 1})
        await station.event("Ended", 5, 1, "EVCommunicationLost", transaction=transaction)
    assert [(each.transaction_id, each.sequences) for each in charging.stored()] == [("T1", "0-1"), ("T2", "0-1")]


async def test_an_id_used_again_makes_another_transaction() -> None:
    charging = Charging()
    station = Station(charging)
    await station.event("Started", 0, 0, "CablePluggedIn", evse={"id": 1}, wh=10.0)
    await station.event("Ended", 5, 1, "EVCommunicationLost", wh=30.0)
    await station.event("Started", 60, 0, "CablePluggedIn", evse={"id": 1}, wh=0.0)
    await station.event("Ended", 65, 1, "EVCommunicationLost", wh=700.0)
    first, second = charging.stored()
    assert (first.transaction_id, second.transaction_id) == ("T1", "T1")
    assert (first.energy_wh, second.energy_wh) == (20, 700)
    await station.event("Started", 60, 0, "CablePluggedIn", evse={"id": 1}, wh=0.0)
    assert len(charging.stored()) == 2


async def test_a_started_transaction_supersedes_only_when_its_evse_is_known() -> None:
    charging = Charging()
    station = Station(charging)
    await station.event("Started", 0, 0, "CablePluggedIn", evse={"id": 1})
    await station.event("Started", 30, 0, "Authorized", transaction="T2")
    assert charging.stored()[0].superseded_by is None
    await station.event("Updated", 31, 1, "CablePluggedIn", transaction="T2", evse={"id": 1})
    old, new = charging.stored()
    assert (old.superseded_by, new.superseded_by) == (new.id, None)
    await station.event("Ended", 29, 1, "EVCommunicationLost")
    assert charging.stored()[0].superseded_by is None


async def test_gaps_in_the_sequence_are_known_and_filled() -> None:
    charging = Charging()
    station = Station(charging)
    await station.event("Started", 0, 0, "CablePluggedIn", evse={"id": 1})
    await station.event("Ended", 9, 4, "EVCommunicationLost", offline=True, info={"chargingState": "Idle"})
    assert charging.stored()[0].sequences == "0,4"
    late = {"chargingState": "EVConnected"}
    await station.event("Updated", 8, 3, "ChargingStateChanged", offline=True, info=late)
    (whole,) = charging.stored()
    assert (whole.sequences, whole.charging_state, whole.state) == ("0,3-4", "Idle", TransactionState.ENDED)


def test_each_reason_has_its_place_in_the_one_list() -> None:
    known = {reason.value for reason in StopReason}
    assert {reason.value for reason in v201.ReasonEnumType} <= known
    assert {reason.value for reason in v21.ReasonEnumType} <= known
