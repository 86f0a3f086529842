"""The door: any message of the station's own version reaches the wire, and the answer comes back as it was."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.api.clients import Api, Station

from voltbridge.app import Running

pytestmark = pytest.mark.anyio


@pytest.fixture
async def booted(api: Api, running: Running, request: pytest.FixtureRequest) -> Any:
    identity = f"door-{abs(hash(request.node.nodeid))}"
    await api("POST", "/stations", {"station_id": identity})
    async with Station(running.ocpp_port, identity) as station:
        await station.boot()
        yield identity, station


async def test_the_request_reaches_the_wire_compact_in_the_order_of_the_schema(api: Api, booted: Any) -> None:
    identity, station = booted
    station.answers["RemoteStartTransaction"] = {"status": "Accepted"}
    body = '{ "idTag" : "é", "connectorId" : 99 }'.encode()
    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"}
    answer = await api("POST", f"/stations/{identity}/ocpp/RemoteStartTransaction", headers=headers, data=body)
    assert (answer.status, answer.body) == (200, {"status": "Accepted"})
    payload = station.frames[-1].partition('"RemoteStartTransaction",')[2]
    assert payload == '{"connectorId":99,"idTag":"é"}]'


async def test_the_answer_comes_back_verbatim(api: Api, booted: Any) -> None:
    identity, station = booted
    station.answers["ChangeAvailability"] = '{ "status" :   "Scheduled" }'
    answer = await api("POST", f"/stations/{identity}/ocpp/ChangeAvailability", {"connectorId": 0, "type": "Operative"})
    assert answer.raw == b'{ "status" :   "Scheduled" }'
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("action", "body", "path", "detail"),
    [
        ("Reset", {}, "$.type", "required"),
        ("Reset", {"type": "Warm"}, "$.type", "Warm"),
        ("Reset", {"type": "Soft", "extra": 1}, "$.extra", "unknown"),
        ("UnlockConnector", {"connectorId": "1"}, "$.connectorId", "integer"),
        ("RequestStartTransaction", {}, "path.action", "a CSMS has no message RequestStartTransaction in OCPP 1.6"),
        ("Heartbeat", {}, "path.action", "a CSMS has no message Heartbeat in OCPP 1.6"),
    ],
)
async def test_what_the_version_does_not_allow_stays_here(
    api: Api, booted: Any, action: str, body: Any, path: str, detail: str
) -> None:
    identity, station = booted
    refused = await api("POST", f"/stations/{identity}/ocpp/{action}", body)
    assert refused.status == 400
    (error,) = refused.body["errors"]
    assert error["path"] == path
    assert detail.lower() in error["message"].lower()
    assert station.calls == []


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"text"', b"\xff", b'{"type":' * 5000])
async def test_a_body_that_is_no_json_object_is_refused(api: Api, booted: Any, raw: bytes) -> None:
    identity, station = booted
    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"}
    refused = await api("POST", f"/stations/{identity}/ocpp/Reset", headers=headers, data=raw)
    assert (refused.status, refused.body["errors"][0]["path"]) == (400, "$")
    assert station.calls == []


async def test_a_callerror_is_passed_through(api: Api, booted: Any) -> None:
    identity, station = booted
    station.answers["Reset"] = ["NotSupported", "not today", {"why": [1]}]
    refused = await api("POST", f"/stations/{identity}/ocpp/Reset", {"type": "Soft"})
    assert refused.status == 502
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.body["ocpp_error"] == {"code": "NotSupported", "description": "not today", "details": {"why": [1]}}
    assert refused.body["type"] == "urn:voltbridge:problem:call-error"
    assert "not today" in refused.body["detail"]


async def test_an_answer_that_breaks_the_schema_is_told(api: Api, booted: Any) -> None:
    identity, station = booted
    station.answers["Reset"] = {"status": "Perhaps"}
    refused = await api("POST", f"/stations/{identity}/ocpp/Reset", {"type": "Soft"})
    assert (refused.status, refused.body["type"]) == (502, "urn:voltbridge:problem:invalid-answer")
    assert "$.status" in refused.body["detail"]
    assert "ocpp_error" not in refused.body


async def test_no_answer_in_time_is_a_504_and_the_next_call_goes_through(api: Api, booted: Any) -> None:
    identity, station = booted
    silent = await api("POST", f"/stations/{identity}/ocpp/ClearCache?timeout_s=0.2", {})
    assert silent.status == 504
    assert silent.body["detail"] == f"{identity}: no answer to ClearCache within 0.2 s"
    station.answers["ClearCache"] = {"status": "Accepted"}
    assert (await api("POST", f"/stations/{identity}/ocpp/ClearCache", {})).status == 200


async def test_unknown_and_unconnected_stations_are_told_apart(api: Api) -> None:
    await api("POST", "/stations", {"station_id": "door-away"})
    away = await api("POST", "/stations/door-away/ocpp/Reset", {"type": "Soft"})
    assert (away.status, away.body["type"]) == (409, "urn:voltbridge:problem:not-connected")
    nobody = await api("POST", "/stations/door-nobody/ocpp/Reset", {"type": "Soft"})
    assert (nobody.status, nobody.body["detail"]) == (404, "There is no station door-nobody.")


async def test_a_station_that_leaves_instead_of_answering_is_a_409(api: Api, running: Running) -> None:
    await api("POST", "/stations", {"station_id": "door-leaving"})
    async with Station(running.ocpp_port, "door-leaving") as station:
        await station.boot()
        asking = asyncio.ensure_future(api("POST", "/stations/door-leaving/ocpp/ClearCache", {}))
        await station.called.wait()
    gone = await asking
    assert (gone.status, gone.body["type"]) == (409, "urn:voltbridge:problem:not-connected")


@pytest.mark.parametrize(
    ("protocol", "action", "body", "reply"),
    [
        ("ocpp2.0.1", "Reset", {"type": "OnIdle", "evseId": 99}, {"status": "Accepted"}),
        ("ocpp2.1", "Reset", {"type": "ImmediateAndResume"}, {"status": "Rejected"}),
        (
            "ocpp2.1",
            "GetVariables",
            {"getVariableData": [{"component": {"name": "X"}, "variable": {"name": "Y"}}]},
            None,
        ),
    ],
)
async def test_each_station_is_spoken_to_in_its_own_version(
    api: Api, running: Running, protocol: str, action: str, body: Any, reply: Any
) -> None:
    identity = f"door-{protocol}-{action}"
    await api("POST", "/stations", {"station_id": identity})
    async with Station(running.ocpp_port, identity, protocol) as station:
        await station.boot()
        if reply is None:
            result = {"attributeStatus": "Accepted", "attributeValue": "1", "component": {"name": "X"}}
            reply = {"getVariableResult": [{**result, "variable": {"name": "Y"}}]}
        station.answers[action] = reply
        answer = await api("POST", f"/stations/{identity}/ocpp/{action}", body)
        assert (answer.status, answer.body) == (200, reply)
        assert station.calls[-1] == (action, json.loads(json.dumps(body)))
