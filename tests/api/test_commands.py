"""Commands over the API: one way to say it for every version, each way it can end, held ones, operations over many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.api.clients import Api, Station

from voltbridge.app import Running

pytestmark = pytest.mark.anyio

PROTOCOLS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]


@pytest.fixture
def identity(request: pytest.FixtureRequest) -> str:
    return f"command-{abs(hash(request.node.nodeid))}"


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
async def booted(api: Api, running: Running, identity: str) -> AsyncIterator[Station]:
    await api("POST", "/stations", {"station_id": identity})
    async with Station(running.ocpp_port, identity) as station:
        await station.boot()
        yield station


async def ended(api: Api, id: str, *states: str) -> Any:
    """The command once it is in one of these states."""
    async with asyncio.timeout(30):
        while (command := await api.get(f"/commands/{id}"))["state"] not in states:
            pass
    return command


async def test_the_same_command_reaches_every_version(api: Api, running: Running, identity: str, protocol: str) -> None:
    await api("POST", "/stations", {"station_id": identity})
    async with Station(running.ocpp_port, identity, protocol) as station:
        await station.boot()
        station.answers["Reset"] = {"status": "Accepted"}
        answer = await api("POST", f"/stations/{identity}/commands/reset", {"type": "OnIdle"})
        assert station.calls == [("Reset", {"type": "Soft" if protocol == "ocpp1.6" else "OnIdle"})]
    assert answer.status == 200
    body = answer.body
    assert (body["state"], body["station_id"], body["name"]) == ("Accepted", identity, "reset")
    assert body["answer"] == {"accepted": True, "status": "Accepted", "reason": None, "info": {}}
    assert body["parameters"] == {"type": "OnIdle"}
    assert body["error"] is None and body["outcome_state"] == "Pending"
    assert body["created_at"] <= body["sent_at"] <= body["answered_at"] and body["finished_at"] is None
    assert await api.get(f"/commands/{body['id']}") == body
    assert (await api.get(f"/stations/{identity}/commands"))["items"] == [body]


async def test_a_reset_is_over_when_the_station_boots(api: Api, running: Running, identity: str, protocol: str) -> None:
    await api("POST", "/stations", {"station_id": identity})
    async with Station(running.ocpp_port, identity, protocol) as station:
        await station.boot()
        station.answers["Reset"] = {"status": "Accepted"}
        id = (await api("POST", f"/stations/{identity}/commands/reset", {"type": "Immediate"})).body["id"]
    async with Station(running.ocpp_port, identity, protocol) as station:
        assert (await api.get(f"/commands/{id}"))["outcome_state"] == "Pending"
        await station.boot()
        async with asyncio.timeout(30):
            while (command := await api.get(f"/commands/{id}"))["outcome_state"] == "Pending":
                pass
    assert command["outcome_state"] == "Completed"
    assert command["outcome"] == {
        "boot_reason": None if protocol == "ocpp1.6" else "PowerUp",
        "registration": "Accepted",
    }


async def test_a_refusal_of_the_station_is_the_commands_end(api: Api, booted: Station, identity: str) -> None:
    booted.answers["Reset"] = {"status": "Rejected"}
    body = (await api("POST", f"/stations/{identity}/commands/reset", {"type": "Immediate"})).body
    assert booted.calls == [("Reset", {"type": "Hard"})]
    assert (body["state"], body["answer"]["accepted"], body["answer"]["status"]) == ("Rejected", False, "Rejected")


async def test_the_reason_of_a_refusal_is_shown(api: Api, running: Running, identity: str) -> None:
    await api("POST", "/stations", {"station_id": identity})
    async with Station(running.ocpp_port, identity, "ocpp2.0.1") as station:
        await station.boot()
        station.answers["Reset"] = {
            "status": "Rejected",
            "statusInfo": {"reasonCode": "FwUpdate", "additionalInfo": "half way"},
        }
        body = (await api("POST", f"/stations/{identity}/commands/reset", {"type": "OnIdle", "evse_id": 2})).body
        assert station.calls == [("Reset", {"type": "OnIdle", "evseId": 2})]
    assert body["answer"]["reason"] == "FwUpdate: half way"


async def test_a_callerror_fails_the_command(api: Api, booted: Station, identity: str) -> None:
    booted.answers["Reset"] = ["InternalError", "no power", {}]
    answer = await api("POST", f"/stations/{identity}/commands/reset", {"type": "Soft"})
    assert (answer.status, answer.body["state"]) == (200, "Failed")
    assert answer.body["error"] == {"code": "InternalError", "detail": "no power"}
    assert answer.body["answer"] is None


async def test_an_answer_that_breaks_the_schema_fails_the_command(api: Api, booted: Station, identity: str) -> None:
    booted.answers["Reset"] = {"status": "Maybe"}
    body = (await api("POST", f"/stations/{identity}/commands/reset", {"type": "Soft"})).body
    assert (body["state"], body["error"]["code"]) == ("Failed", "invalid_answer")


async def test_silence_is_a_time_out(api: Api, booted: Station, identity: str) -> None:
    body = (await api("POST", f"/stations/{identity}/commands/reset", {"type": "Soft", "timeout_s": 0.05})).body
    assert (body["state"], body["error"]["code"]) == ("TimedOut", "timeout")
    assert body["sent_at"] is not None and body["finished_at"] is not None


async def test_a_connection_that_ends_fails_the_command(api: Api, booted: Station, identity: str) -> None:
    sending = asyncio.create_task(api("POST", f"/stations/{identity}/commands/reset", {"type": "Soft"}))
    await booted.called.wait()
    await api("POST", f"/stations/{identity}/disconnect")
    body = (await sending).body
    assert (body["state"], body["error"]["code"]) == ("Failed", "not_connected")


@pytest.mark.parametrize(
    ("parameters", "detail"),
    [
        ({"type": "OnIdle", "evse_id": 1}, "whole stations only"),
        ({"type": "ImmediateAndResume"}, "cannot resume"),
    ],
)
async def test_what_the_version_cannot_do_is_said_before(
    api: Api, booted: Station, identity: str, parameters: Any, detail: str
) -> None:
    refused = await api("POST", f"/stations/{identity}/commands/reset", parameters)
    assert (refused.status, refused.body["type"]) == (422, "urn:voltbridge:problem:unsupported-command")
    assert detail in refused.body["detail"]
    assert booted.calls == []
    assert (await api.get(f"/stations/{identity}/commands"))["items"] == []


async def test_idle_is_awaited_only_where_the_version_can(api: Api, booted: Station, identity: str) -> None:
    await api("POST", "/tokens", {"id_token": identity[:20]})
    started = {"connectorId": 1, "idTag": identity[:20], "meterStart": 0, "timestamp": "2026-05-01T12:00:00Z"}
    await booted.call("StartTransaction", started)
    refused = await api("POST", f"/stations/{identity}/commands/reset", {"type": "OnIdle"})
    assert refused.status == 422 and "one is running" in refused.body["detail"]
    assert booted.calls == []


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"type": "Warm"}, "$.type"),
        ({"type": "Soft", "evse_id": "1"}, "$.evse_id"),
        ({"type": "OnIdle", "evse_id": 0}, "$.evse_id"),
        ({"kind": "Soft"}, "$.kind"),
        ({"type": "Soft", "hold": 7}, "$.hold"),
        ({"type": "Soft", "timeout_s": -1}, "$.timeout_s"),
    ],
)
async def test_wrong_parameters_are_pointed_at(
    api: Api, booted: Station, identity: str, parameters: Any, path: str
) -> None:
    refused = await api("POST", f"/stations/{identity}/commands/reset", parameters)
    assert refused.status == 400
    assert [error["path"] for error in refused.body["errors"]] == [path]
    assert booted.calls == []


async def test_unknown_commands_stations_and_ids(api: Api, identity: str) -> None:
    assert (await api("POST", f"/stations/{identity}/commands/explode", {})).status == 404
    assert (await api("POST", f"/stations/{identity}/commands/reset", {})).status == 404
    assert (await api("POST", f"/stations/{identity}/commands/reset", {"hold": True})).status == 404
    assert (await api("GET", f"/stations/{identity}/commands")).status == 404
    assert (await api("GET", "/commands/12")).status == 404
    assert (await api("POST", "/commands/12/cancel")).status == 404
    assert (await api("GET", "/operations/12")).status == 404


async def test_without_hold_an_absent_station_is_a_conflict(api: Api, identity: str) -> None:
    await api("POST", "/stations", {"station_id": identity})
    refused = await api("POST", f"/stations/{identity}/commands/reset", {})
    assert (refused.status, refused.body["type"]) == (409, "urn:voltbridge:problem:not-connected")
    pointless = await api("POST", f"/stations/{identity}/commands/reset", {"expires_in_s": 5})
    assert pointless.status == 422


async def test_held_commands_leave_in_order_after_the_boot(api: Api, running: Running, identity: str) -> None:
    await api("POST", "/stations", {"station_id": identity})
    held = []
    for kind in ("Soft", "Immediate", "OnIdle"):
        answer = await api("POST", f"/stations/{identity}/commands/reset", {"type": kind, "hold": True})
        assert (answer.status, answer.body["state"]) == (202, "Queued")
        held.append(answer.body["id"])
    async with Station(running.ocpp_port, identity) as station:
        station.answers["Reset"] = {"status": "Accepted"}
        assert (await station.boot())["status"] == "Accepted"
        done = [await ended(api, id, "Accepted") for id in held]
        assert [payload["type"] for _, payload in station.calls] == ["Soft", "Hard", "Soft"]
    assert done[0]["answered_at"] <= done[1]["sent_at"] <= done[2]["sent_at"]


async def test_a_reconnection_without_a_boot_brings_held_commands_too(
    api: Api, running: Running, identity: str
) -> None:
    await api("POST", "/stations", {"station_id": identity})
    async with Station(running.ocpp_port, identity) as station:
        await station.boot()
    held = (await api("POST", f"/stations/{identity}/commands/reset", {"type": "Soft", "hold": True})).body
    async with Station(running.ocpp_port, identity) as station:
        station.answers["Reset"] = {"status": "Accepted"}
        assert station.calls == []
        await station.call("Heartbeat", {})
        await ended(api, held["id"], "Accepted")


async def test_held_commands_are_checked_against_the_version_last_spoken(
    api: Api, running: Running, identity: str
) -> None:
    await api("POST", "/stations", {"station_id": identity})
    async with Station(running.ocpp_port, identity) as station:
        await station.boot()
    refused = await api("POST", f"/stations/{identity}/commands/reset", {"type": "OnIdle", "evse_id": 1, "hold": True})
    assert refused.status == 422


async def test_a_held_command_that_the_new_version_cannot_do_fails(api: Api, running: Running, identity: str) -> None:
    await api("POST", "/stations", {"station_id": identity})
    held = (await api("POST", f"/stations/{identity}/commands/reset", {"evse_id": 1, "hold": True})).body
    async with Station(running.ocpp_port, identity) as station:
        await station.boot()
        failed = await ended(api, held["id"], "Failed")
        assert failed["error"]["code"] == "unsupported"
        assert station.calls == []


async def test_a_held_command_can_be_cancelled_once(api: Api, running: Running, identity: str) -> None:
    await api("POST", "/stations", {"station_id": identity})
    held = (await api("POST", f"/stations/{identity}/commands/reset", {"hold": True})).body
    cancelled = await api("POST", f"/commands/{held['id']}/cancel")
    assert (cancelled.status, cancelled.body["state"]) == (200, "Cancelled")
    again = await api("POST", f"/commands/{held['id']}/cancel")
    assert (again.status, again.body["type"]) == (409, "urn:voltbridge:problem:not-cancellable")
    async with Station(running.ocpp_port, identity) as station:
        await station.boot()
        await station.call("Heartbeat", {})
        assert station.calls == []


async def test_a_held_command_expires(api: Api, running: Running, identity: str) -> None:
    await api("POST", "/stations", {"station_id": identity})
    held = (await api("POST", f"/stations/{identity}/commands/reset", {"hold": True, "expires_in_s": 0.05})).body
    expired = await ended(api, held["id"], "Expired")
    assert expired["sent_at"] is None and expired["finished_at"] is not None
    async with Station(running.ocpp_port, identity) as station:
        await station.boot()
        assert station.calls == []


async def test_command_kinds_tell_their_parameters(api: Api) -> None:
    kinds = {kind["name"]: kind for kind in (await api.get("/command-kinds"))["items"]}
    assert kinds["reset"]["versions"] == PROTOCOLS
    schema = kinds["reset"]["parameters"]
    assert schema["properties"]["type"] == {"$ref": "#/$defs/ResetKind", "default": "OnIdle"}
    assert "ResetKind" in schema["$defs"]
    for name, kind in kinds.items():
        told = kind["parameters"]
        assert told["type"] == "object", name
        assert "title" not in told, name
        Draft202012Validator.check_schema(told)
        Draft202012Validator(told).is_valid({})  # every reference leads somewhere
    assert kinds["publish_firmware"]["versions"] == kinds["unpublish_firmware"]["versions"] == PROTOCOLS[1:]
    assert kinds["get_diagnostics"]["versions"] == PROTOCOLS[:1]


async def test_events_tell_what_becomes_of_commands(api: Api, booted: Station, identity: str) -> None:
    booted.answers["Reset"] = {"status": "Accepted"}
    body = (await api("POST", f"/stations/{identity}/commands/reset", {"type": "Soft"})).body
    page = await api.get(
        f"/events?station_id={identity}&type=command", headers={**_key(api), "Accept": "application/json"}
    )
    told = [(event["type"], event["data"]["id"]) for event in reversed(page["items"])]
    assert told == [("command.sent", body["id"]), ("command.accepted", body["id"])]


def _key(api: Api) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.key}"}


async def finished(api: Api, id: str) -> Any:
    async with asyncio.timeout(30):
        while (operation := await api.get(f"/operations/{id}"))["finished_at"] is None:
            pass
    return operation


@pytest.fixture
async def fleet(api: Api, running: Running, identity: str) -> AsyncIterator[list[Station]]:
    """Six stations of all versions."""
    async with AsyncExitStack() as open_:
        stations = []
        for number in range(6):
            await api("POST", "/stations", {"station_id": f"{identity}-{number}"})
            station = Station(running.ocpp_port, f"{identity}-{number}", PROTOCOLS[number % 3])
            await open_.enter_async_context(station)
            await station.boot()
            station.answers["Reset"] = {"status": "Accepted"}
            stations.append(station)
        yield stations


async def test_an_operation_reaches_every_station_once(api: Api, fleet: list[Station], identity: str) -> None:
    await api("POST", "/stations", {"station_id": f"{identity}-away"})
    chosen = [f"{identity}-{number}" for number in (*range(6), 3)] + [f"{identity}-away"]
    fleet[1].answers["Reset"] = {"status": "Rejected"}
    begun = await api("POST", "/operations", {"name": "reset", "parameters": {"type": "Soft"}, "station_ids": chosen})
    assert (begun.status, begun.body["total"]) == (202, 7)
    done = await finished(api, begun.body["id"])
    assert done["state"] == "Completed"
    assert done["counts"] == {"Accepted": 5, "Rejected": 1, "Failed": 1}
    assert done["ended"] == 7
    assert [len(station.calls) for station in fleet] == [1] * 6
    failed = await api.get(f"/operations/{begun.body['id']}/commands?state=Failed")
    assert [(one["station_id"], one["error"]["code"]) for one in failed["items"]] == [
        (f"{identity}-away", "not_connected")
    ]
    assert done in (await api.get("/operations"))["items"]


async def test_an_operation_by_filter(api: Api, fleet: list[Station], identity: str) -> None:
    body = {"name": "reset", "filter": {"connected": True, "protocol": "ocpp2.1", "vendor": "Example"}}
    done = await finished(api, (await api("POST", "/operations", body)).body["id"])
    assert done["counts"] == {"Accepted": 2}
    assert [len(station.calls) for station in fleet] == [0, 0, 1, 0, 0, 1]


async def test_an_operation_stops_at_its_failure_rate(api: Api, fleet: list[Station], identity: str) -> None:
    for station in fleet:
        station.answers["Reset"] = {"status": "Rejected"}
    body = {
        "name": "reset",
        "station_ids": [f"{identity}-{number}" for number in range(6)],
        "concurrency": 1,
        "stop_at_failure_rate": 0.5,
        "stop_after": 2,
    }
    done = await finished(api, (await api("POST", "/operations", body)).body["id"])
    assert (done["state"], done["counts"]) == ("Stopped", {"Rejected": 2, "Cancelled": 4})
    assert sum(len(station.calls) for station in fleet) == 2


async def test_an_operation_can_be_cancelled(api: Api, fleet: list[Station], identity: str) -> None:
    del fleet[0].answers["Reset"]
    body = {"name": "reset", "station_ids": [f"{identity}-{number}" for number in range(6)], "concurrency": 1}
    begun = (await api("POST", "/operations", body | {"timeout_s": 0.5})).body
    await fleet[0].called.wait()
    cancelled = await api("POST", f"/operations/{begun['id']}/cancel")
    assert (cancelled.status, cancelled.body["state"]) == (200, "Cancelled")
    done = await finished(api, begun["id"])
    assert (done["state"], done["counts"]) == ("Cancelled", {"TimedOut": 1, "Cancelled": 5})
    assert (await api("POST", f"/operations/{begun['id']}/cancel")).status == 409


async def test_an_operation_waits_for_absent_stations_when_told_to(api: Api, running: Running, identity: str) -> None:
    await api("POST", "/stations", {"station_id": identity})
    begun = (await api("POST", "/operations", {"name": "reset", "station_ids": [identity], "hold": True})).body
    async with Station(running.ocpp_port, identity) as station:
        station.answers["Reset"] = {"status": "Accepted"}
        await station.boot()
        done = await finished(api, begun["id"])
        assert done["counts"] == {"Accepted": 1}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "explode", "station_ids": ["x"]}, 404),
        ({"name": "reset", "station_ids": ["nobody-has-this"]}, 404),
        ({"name": "reset"}, 422),
        ({"name": "reset", "station_ids": ["x"], "filter": {}}, 422),
        ({"name": "reset", "filter": {}, "parameters": {"type": "Warm"}}, 400),
        ({"name": "reset", "filter": {}, "concurrency": 0}, 400),
        ({"name": "reset", "filter": {}, "expires_in_s": 5}, 422),
    ],
)
async def test_operations_that_cannot_begin(api: Api, body: Any, status: int) -> None:
    assert (await api("POST", "/operations", body)).status == status
