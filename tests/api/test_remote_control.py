"""Remote control, availability and questions about transactions: what reaches the wire, and what comes of it later."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.api.clients import Api, Station

from voltbridge.app import Running

pytestmark = pytest.mark.anyio

V16, V201, V21 = "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
NOW = "2026-05-01T12:00:00Z"


@asynccontextmanager
async def booted(api: Api, running: Running, protocol: str, **answers: Any) -> AsyncIterator[tuple[Station, str]]:
    """A station that has booted, and the path of its commands."""
    identity = f"remote-{uuid.uuid4().hex[:12]}"
    await api("POST", "/stations", {"station_id": identity})
    async with Station(running.ocpp_port, identity, protocol) as station:
        await station.boot()
        station.answers.update(answers)
        yield station, f"/stations/{identity}/commands"


async def concluded(api: Api, id: str) -> Any:
    async with asyncio.timeout(30):
        while (command := await api.get(f"/commands/{id}"))["outcome_state"] == "Pending":
            pass
    return command


SENT: list[tuple[str, str, dict[str, Any], str, dict[str, Any]]] = [
    (
        V16,
        "start_transaction",
        {"id_token": "AA", "evse_id": 2},
        "RemoteStartTransaction",
        {"connectorId": 2, "idTag": "AA"},
    ),
    (V16, "start_transaction", {"id_token": "AA"}, "RemoteStartTransaction", {"idTag": "AA"}),
    (V16, "stop_transaction", {"transaction_id": "17"}, "RemoteStopTransaction", {"transactionId": 17}),
    (V201, "stop_transaction", {"transaction_id": "t-17"}, "RequestStopTransaction", {"transactionId": "t-17"}),
    (V21, "stop_transaction", {"transaction_id": "t-17"}, "RequestStopTransaction", {"transactionId": "t-17"}),
    (V16, "unlock_connector", {"evse_id": 2}, "UnlockConnector", {"connectorId": 2}),
    (V201, "unlock_connector", {"evse_id": 2, "connector_id": 3}, "UnlockConnector", {"evseId": 2, "connectorId": 3}),
    (V21, "unlock_connector", {"evse_id": 2}, "UnlockConnector", {"evseId": 2, "connectorId": 1}),
    (V16, "trigger_message", {"message": "Heartbeat"}, "TriggerMessage", {"requestedMessage": "Heartbeat"}),
    (
        V16,
        "trigger_message",
        {"message": "MeterValues", "evse_id": 1},
        "TriggerMessage",
        {"requestedMessage": "MeterValues", "connectorId": 1},
    ),
    (
        V16,
        "trigger_message",
        {"message": "StatusNotification", "evse_id": 1, "connector_id": 1, "extended": True},
        "ExtendedTriggerMessage",
        {"requestedMessage": "StatusNotification", "connectorId": 1},
    ),
    (
        V16,
        "trigger_message",
        {"message": "LogStatusNotification"},
        "ExtendedTriggerMessage",
        {"requestedMessage": "LogStatusNotification"},
    ),
    (
        V16,
        "trigger_message",
        {"message": "SignChargingStationCertificate"},
        "ExtendedTriggerMessage",
        {"requestedMessage": "SignChargePointCertificate"},
    ),
    (
        V201,
        "trigger_message",
        {"message": "StatusNotification", "evse_id": 1, "connector_id": 2},
        "TriggerMessage",
        {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 2}},
    ),
    (
        V201,
        "trigger_message",
        {"message": "TransactionEvent"},
        "TriggerMessage",
        {"requestedMessage": "TransactionEvent"},
    ),
    (
        V21,
        "trigger_message",
        {"message": "CustomTrigger", "custom_trigger": "Bell"},
        "TriggerMessage",
        {"requestedMessage": "CustomTrigger", "customTrigger": "Bell"},
    ),
    (
        V16,
        "change_availability",
        {"status": "Inoperative"},
        "ChangeAvailability",
        {"connectorId": 0, "type": "Inoperative"},
    ),
    (
        V16,
        "change_availability",
        {"status": "Operative", "evse_id": 2, "connector_id": 1},
        "ChangeAvailability",
        {"connectorId": 2, "type": "Operative"},
    ),
    (
        V201,
        "change_availability",
        {"status": "Inoperative"},
        "ChangeAvailability",
        {"operationalStatus": "Inoperative"},
    ),
    (
        V21,
        "change_availability",
        {"status": "Operative", "evse_id": 2, "connector_id": 1},
        "ChangeAvailability",
        {"operationalStatus": "Operative", "evse": {"id": 2, "connectorId": 1}},
    ),
    (
        V16,
        "set_max_energy_on_invalid_id",
        {"energy_wh": 500},
        "ChangeConfiguration",
        {"key": "MaxEnergyOnInvalidId", "value": "500"},
    ),
]


@pytest.mark.parametrize(("protocol", "name", "parameters", "action", "payload"), SENT)
async def test_what_reaches_the_wire(
    api: Api, running: Running, protocol: str, name: str, parameters: Any, action: str, payload: Any
) -> None:
    status = "Unlocked" if action == "UnlockConnector" else "Accepted"
    async with booted(api, running, protocol, **{action: {"status": status}}) as (station, path):
        body = (await api("POST", f"{path}/{name}", parameters)).body
        assert station.calls == [(action, payload)]
        assert (body["state"], body["answer"]["status"]) == ("Accepted", status)


UNSUPPORTED: list[tuple[str, str, dict[str, Any], str]] = [
    (V16, "start_transaction", {"id_token": "A" * 21}, "cannot carry"),
    (V16, "start_transaction", {"id_token": "A", "group_id_token": "G"}, "without a group"),
    (V16, "stop_transaction", {"transaction_id": "t-1"}, "by number"),
    (V16, "stop_transaction", {"transaction_id": "9999999999"}, "by number"),
    (V16, "unlock_connector", {"evse_id": 1, "connector_id": 2}, "one connector for each EVSE"),
    (V16, "trigger_message", {"message": "TransactionEvent"}, "MeterValues instead"),
    (V16, "trigger_message", {"message": "SignV2GCertificate"}, "cannot ask for SignV2GCertificate"),
    (V16, "trigger_message", {"message": "Heartbeat", "evse_id": 1}, "whole station only"),
    (V16, "trigger_message", {"message": "DiagnosticsStatusNotification", "extended": True}, "cannot ask for"),
    (V16, "get_transaction_status", {}, "MeterValues"),
    (V16, "change_availability", {"status": "Operative", "evse_id": 1, "connector_id": 2}, "one connector"),
    (V201, "start_transaction", {"id_token": "A", "type": "Plastic"}, "no tokens of type Plastic"),
    (V201, "trigger_message", {"message": "DiagnosticsStatusNotification"}, "LogStatusNotification instead"),
    (V201, "trigger_message", {"message": "CustomTrigger", "custom_trigger": "x"}, "custom_trigger"),
    (V201, "trigger_message", {"message": "Heartbeat", "extended": True}, "leave extended out"),
]


@pytest.mark.parametrize(("protocol", "name", "parameters", "detail"), UNSUPPORTED)
async def test_what_a_version_cannot_do_is_said_before(
    api: Api, running: Running, protocol: str, name: str, parameters: Any, detail: str
) -> None:
    async with booted(api, running, protocol) as (station, path):
        refused = await api("POST", f"{path}/{name}", parameters)
        assert (refused.status, refused.body["type"]) == (422, "urn:voltbridge:problem:unsupported-command")
        assert detail in refused.body["detail"]
        assert station.calls == []


@pytest.mark.parametrize(
    ("protocol", "name", "parameters", "path"),
    [
        (V201, "trigger_message", {"message": "StatusNotification", "evse_id": 1}, "$.connector_id"),
        (V201, "trigger_message", {"message": "MeterValues", "connector_id": 1}, "$.connector_id"),
        (V21, "trigger_message", {"message": "CustomTrigger"}, "$.custom_trigger"),
        (V21, "change_availability", {"status": "Operative", "connector_id": 1}, "$.connector_id"),
        (V201, "stop_transaction", {"transaction_id": "a", "evse_id": 1}, "$.evse_id"),
        (V201, "stop_transaction", {}, "$.transaction_id"),
        (V201, "stop_transaction", {"evse_id": 3}, "$.evse_id"),
    ],
)
async def test_parameters_that_do_not_fit_together(
    api: Api, running: Running, protocol: str, name: str, parameters: Any, path: str
) -> None:
    async with booted(api, running, protocol) as (station, commands):
        refused = await api("POST", f"{commands}/{name}", parameters)
        assert refused.status == 422
        assert [error["path"] for error in refused.body["errors"]] == [path]
        assert station.calls == []


LIMIT = {"unit": "A", "stack_level": 3, "periods": [{"limit": 16}, {"start_s": 60, "limit": 8.5, "number_phases": 1}]}


async def test_a_start_brings_its_limit_in_1_6(api: Api, running: Running) -> None:
    async with booted(api, running, V16, RemoteStartTransaction={"status": "Accepted"}) as (station, path):
        await api("POST", f"{path}/start_transaction", {"id_token": "AA", "evse_id": 1, "limit": LIMIT})
        profile = station.calls[0][1]["chargingProfile"]
    assert profile.pop("chargingProfileId") > 0
    assert profile == {
        "stackLevel": 3,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 16.0},
                {"startPeriod": 60, "limit": 8.5, "numberPhases": 1},
            ],
        },
    }


@pytest.mark.parametrize("protocol", [V201, V21])
async def test_a_start_brings_its_limit_in_2(api: Api, running: Running, protocol: str) -> None:
    async with booted(api, running, protocol, RequestStartTransaction={"status": "Accepted"}) as (station, path):
        body = {"id_token": "AA", "type": "Central", "evse_id": 1, "group_id_token": "G", "limit": LIMIT}
        await api("POST", f"{path}/start_transaction", body)
        ((action, payload),) = station.calls
    profile = payload["chargingProfile"]
    assert action == "RequestStartTransaction"
    assert (payload["idToken"], payload["evseId"]) == ({"idToken": "AA", "type": "Central"}, 1)
    assert payload["groupIdToken"]["idToken"] == "G"
    assert (profile["chargingProfilePurpose"], profile["chargingProfileKind"]) == ("TxProfile", "Relative")
    assert "transactionId" not in profile
    assert profile["chargingSchedule"][0]["chargingSchedulePeriod"][1] == {
        "startPeriod": 60,
        "limit": 8.5,
        "numberPhases": 1,
    }


async def test_a_limit_whose_periods_overlap_is_refused(api: Api, running: Running) -> None:
    async with booted(api, running, V16) as (station, path):
        body = {"id_token": "AA", "limit": {"unit": "A", "periods": [{"limit": 16}, {"limit": 8}]}}
        refused = await api("POST", f"{path}/start_transaction", body)
        assert (refused.status, refused.body["errors"][0]["path"]) == (400, "$.limit")
        assert station.calls == []


def event(kind: str, number: int, **more: Any) -> dict[str, Any]:
    info = {"transactionId": "t-1", **more.pop("info", {})}
    return {
        "eventType": kind,
        "timestamp": NOW,
        "triggerReason": "RemoteStart",
        "seqNo": number,
        "transactionInfo": info,
        **more,
    }


@pytest.mark.parametrize("protocol", [V201, V21])
async def test_a_start_and_a_stop_are_concluded_by_the_transaction(api: Api, running: Running, protocol: str) -> None:
    accepted = {"status": "Accepted"}
    async with booted(api, running, protocol, RequestStartTransaction=accepted, RequestStopTransaction=accepted) as (
        station,
        path,
    ):
        start = (await api("POST", f"{path}/start_transaction", {"id_token": "AA"})).body
        assert (start["state"], start["outcome_state"], start["finished_at"]) == ("Accepted", "Pending", None)
        remote_start_id = station.calls[0][1]["remoteStartId"]
        await station.call("TransactionEvent", event("Started", 0, evse={"id": 1, "connectorId": 1}))
        assert (await api.get(f"/commands/{start['id']}"))["outcome_state"] == "Pending"
        await station.call("TransactionEvent", event("Updated", 1, info={"remoteStartId": remote_start_id}))
        started = await concluded(api, start["id"])
        assert started["outcome_state"] == "Completed"
        assert started["outcome"]["transaction_id"] == "t-1"

        stop = (await api("POST", f"{path}/stop_transaction", {"evse_id": 1})).body
        assert station.calls[1] == ("RequestStopTransaction", {"transactionId": "t-1"})
        assert stop["outcome_state"] == "Pending"
        await station.call("TransactionEvent", event("Ended", 2, info={"stoppedReason": "Remote"}))
        stopped = await concluded(api, stop["id"])
        assert (stopped["outcome_state"], stopped["outcome"]["stop_reason"]) == ("Completed", "Remote")


async def test_a_start_and_a_stop_are_concluded_by_the_transaction_in_1_6(api: Api, running: Running) -> None:
    accepted = {"status": "Accepted"}
    async with booted(api, running, V16, RemoteStartTransaction=accepted, RemoteStopTransaction=accepted) as (
        station,
        path,
    ):
        await api("POST", "/tokens", {"id_token": "AA", "type": "ISO14443"})
        start = (await api("POST", f"{path}/start_transaction", {"id_token": "Aa"})).body
        begun = {"connectorId": 1, "idTag": "aA", "meterStart": 0, "timestamp": NOW}
        number = (await station.call("StartTransaction", begun))["transactionId"]
        started = await concluded(api, start["id"])
        assert (started["outcome_state"], started["outcome"]["transaction_id"]) == ("Completed", str(number))

        stop = (await api("POST", f"{path}/stop_transaction", {})).body
        assert station.calls[1] == ("RemoteStopTransaction", {"transactionId": number})
        over = {"transactionId": number, "meterStop": 50, "timestamp": NOW, "reason": "Remote"}
        await station.call("StopTransaction", over)
        stopped = await concluded(api, stop["id"])
        assert (stopped["outcome"]["stop_reason"], stopped["outcome"]["energy_wh"]) == ("Remote", 50)


@pytest.mark.parametrize("protocol", [V16, V201])
async def test_a_start_whose_token_charges_elsewhere_has_failed(api: Api, running: Running, protocol: str) -> None:
    accepted = {"status": "Accepted"}
    answers = {"RemoteStartTransaction": accepted, "RequestStartTransaction": accepted}
    card = f"BUSY{protocol[-3:]}"
    await api("POST", "/tokens", {"id_token": card, "type": "ISO14443"})
    async with booted(api, running, protocol, **answers) as (station, path):

        async def begin(evse_id: int) -> Any:
            """What the answer says of the token."""
            if protocol == V16:
                begun = {"connectorId": evse_id, "idTag": card, "meterStart": 0, "timestamp": NOW}
                return (await station.call("StartTransaction", begun))["idTagInfo"]["status"]
            started = event("Started", 0, evse={"id": evse_id, "connectorId": 1})
            info = {"transactionId": f"t-{evse_id}", "remoteStartId": station.calls[-1][1]["remoteStartId"]}
            token = {"idToken": card, "type": "ISO14443"}
            told = {**started, "transactionInfo": info, "idToken": token}
            return (await station.call("TransactionEvent", told))["idTokenInfo"]["status"]

        outcomes = []
        for evse_id, answer in ((1, "Accepted"), (2, "ConcurrentTx")):
            body = {"id_token": card, "evse_id": evse_id}
            start = (await api("POST", f"{path}/start_transaction", body)).body
            assert await begin(evse_id) == answer
            outcomes.append(await concluded(api, start["id"]))
        assert [one["outcome_state"] for one in outcomes] == ["Completed", "Failed"]
        assert outcomes[1]["outcome"]["authorization"] == "ConcurrentTx"
        assert outcomes[1]["outcome"]["problem"] == "it began, and its token was refused: ConcurrentTx"
        assert outcomes[1]["outcome"]["evse_id"] == 2


async def test_a_refused_start_awaits_nothing(api: Api, running: Running) -> None:
    async with booted(api, running, V16, RemoteStartTransaction={"status": "Rejected"}) as (station, path):
        start = (await api("POST", f"{path}/start_transaction", {"id_token": "AA"})).body
        begun = {"connectorId": 1, "idTag": "AA", "meterStart": 0, "timestamp": NOW}
        await station.call("StartTransaction", begun)
        after = await api.get(f"/commands/{start['id']}")
        assert (after["state"], after["outcome_state"]) == ("Rejected", None)


async def test_a_change_of_availability_is_concluded_when_every_connector_shows_it(api: Api, running: Running) -> None:
    async with booted(api, running, V201, ChangeAvailability={"status": "Scheduled"}) as (station, path):

        async def shows(evse_id: int, connector_id: int, status: str) -> None:
            said = {"timestamp": NOW, "connectorStatus": status, "evseId": evse_id, "connectorId": connector_id}
            await station.call("StatusNotification", said)

        for connector in ((1, 1), (1, 2), (2, 1)):
            await shows(*connector, "Occupied")
        of_evse = (await api("POST", f"{path}/change_availability", {"status": "Inoperative", "evse_id": 1})).body
        of_all = (await api("POST", f"{path}/change_availability", {"status": "Inoperative"})).body
        assert (of_evse["answer"]["status"], of_evse["outcome_state"]) == ("Scheduled", "Pending")
        await shows(1, 1, "Unavailable")
        assert (await api.get(f"/commands/{of_evse['id']}"))["outcome_state"] == "Pending"
        await shows(1, 2, "Unavailable")
        assert (await concluded(api, of_evse["id"]))["outcome_state"] == "Completed"
        assert (await api.get(f"/commands/{of_all['id']}"))["outcome_state"] == "Pending"
        await shows(2, 1, "Unavailable")
        assert (await concluded(api, of_all["id"]))["outcome_state"] == "Completed"


async def test_a_change_to_what_is_shown_already_is_complete(api: Api, running: Running) -> None:
    async with booted(api, running, V16, ChangeAvailability={"status": "Accepted"}) as (station, path):
        said = {"connectorId": 1, "errorCode": "NoError", "status": "Unavailable"}
        await station.call("StatusNotification", said)
        body = (await api("POST", f"{path}/change_availability", {"status": "Inoperative", "evse_id": 1})).body
        assert (body["state"], body["outcome_state"]) == ("Accepted", "Completed")


@pytest.mark.parametrize("protocol", [V201, V21])
@pytest.mark.parametrize(
    ("parameters", "payload", "answer"),
    [
        ({"transaction_id": "t-1"}, {"transactionId": "t-1"}, {"ongoingIndicator": True, "messagesInQueue": False}),
        ({}, {}, {"messagesInQueue": True}),
    ],
)
async def test_the_status_of_a_transaction(
    api: Api, running: Running, protocol: str, parameters: Any, payload: Any, answer: Any
) -> None:
    async with booted(api, running, protocol, GetTransactionStatus=answer) as (station, path):
        body = (await api("POST", f"{path}/get_transaction_status", parameters)).body
        assert station.calls == [("GetTransactionStatus", payload)]
        told = {"messages_in_queue": answer["messagesInQueue"]}
        if "ongoingIndicator" in answer:
            told["ongoing"] = answer["ongoingIndicator"]
        assert (body["state"], body["answer"]["info"]) == ("Accepted", told)


@pytest.mark.parametrize("protocol", [V201, V21])
@pytest.mark.parametrize(("status", "state"), [("Accepted", "Accepted"), ("Rejected", "Rejected")])
async def test_the_energy_on_a_refused_token_is_a_variable_from_2_on(
    api: Api, running: Running, protocol: str, status: str, state: str
) -> None:
    component, variable = {"name": "TxCtrlr"}, {"name": "MaxEnergyOnInvalidId"}
    result = {"attributeStatus": status, "component": component, "variable": variable}
    async with booted(api, running, protocol, SetVariables={"setVariableResult": [result]}) as (station, path):
        body = (await api("POST", f"{path}/set_max_energy_on_invalid_id", {"energy_wh": 0})).body
        sent = {"attributeValue": "0", "component": component, "variable": variable}
        assert station.calls == [("SetVariables", {"setVariableData": [sent]})]
        assert (body["state"], body["answer"]["status"]) == (state, status)


@pytest.mark.parametrize(
    ("protocol", "status"), [(V16, "NotSupported"), (V16, "UnlockFailed"), (V201, "OngoingAuthorizedTransaction")]
)
async def test_a_connector_that_stays_locked(api: Api, running: Running, protocol: str, status: str) -> None:
    async with booted(api, running, protocol, UnlockConnector={"status": status}) as (_, path):
        body = (await api("POST", f"{path}/unlock_connector", {"evse_id": 1})).body
        assert (body["state"], body["answer"]["status"]) == ("Rejected", status)
