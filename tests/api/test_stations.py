"""Stations, their inbox, EVSEs and messages, over the API."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from tests.api.clients import Api, Station

from voltbridge.app import Running

pytestmark = pytest.mark.anyio

PASSWORD = "9fK-2mQx7_LbVt0Zr4sW"


def _basic(identity: str, password: str) -> dict[str, Any]:
    return {"headers": {"Authorization": aiohttp.encode_basic_auth(identity, password)}}


async def test_a_station_is_provisioned_read_changed_and_deleted(api: Api) -> None:
    made = await api("POST", "/stations", {"station_id": "S 1", "name": "Level 2", "heartbeat_interval_s": 60})
    assert made.status == 201
    assert made.headers["Location"] == "/api/v1/stations/S%201"
    assert made.body["password"] is None
    shown = await api.get("/stations/S%201")
    assert shown == {name: value for name, value in made.body.items() if name != "password"}
    assert (shown["registration"], shown["connected"], shown["has_password"]) == ("Accepted", False, False)
    assert shown["created_at"].endswith("Z")
    changed = await api("PATCH", "/stations/S%201", {"strictness": "tolerant", "heartbeat_interval_s": None})
    assert changed.status == 200
    assert changed.body == {**shown, "strictness": "tolerant", "heartbeat_interval_s": None}
    assert (await api("DELETE", "/stations/S%201")).status == 204
    assert (await api("GET", "/stations/S%201")).status == 404
    assert (await api("DELETE", "/stations/S%201")).status == 404


async def test_a_second_one_of_the_same_identity_is_a_conflict(api: Api) -> None:
    assert (await api("POST", "/stations", {"station_id": "twice"})).status == 201
    again = await api("POST", "/stations", {"station_id": "twice"})
    assert (again.status, again.body["type"]) == (409, "urn:voltbridge:problem:already-exists")
    assert again.body["detail"] == "There is a station twice already."


@pytest.mark.parametrize(
    ("body", "status", "path", "message"),
    [
        ({}, 400, "$.station_id", "Field required"),
        (
            {"station_id": "a/b"},
            400,
            "$.station_id",
            "must be printable ASCII without : / \\ ? # %, a dot at the start",
        ),
        ({"station_id": "x" * 49}, 400, "$.station_id", "String should have at most 48 characters"),
        ({"station_id": "a", "heartbeat_interval": 5}, 400, "$.heartbeat_interval", "no such field"),
        ({"station_id": "a", "heartbeat_interval_s": 0}, 400, "$.heartbeat_interval_s", "greater than or equal to 1"),
        ({"station_id": "a", "password": "short"}, 400, "$.password", "at least 16 characters"),
        ({"station_id": "a", "password": "a" * 20}, 422, "$.password", "is too easy to guess"),
        ({"station_id": "a", "password": PASSWORD, "generate_password": True}, 422, "$.password", "must be left out"),
    ],
)
async def test_what_is_wrong_is_named_with_its_path(
    api: Api, body: dict[str, object], status: int, path: str, message: str
) -> None:
    refused = await api("POST", "/stations", body)
    assert refused.status == status
    assert [error["path"] for error in refused.body["errors"]] == [path]
    assert message in refused.body["errors"][0]["message"]
    assert (await api("GET", "/stations/a")).status == 404


async def test_a_generated_password_lets_the_station_in_and_nothing_else_does(api: Api, running: Running) -> None:
    made = await api("POST", "/stations", {"station_id": "guarded", "generate_password": True})
    password = made.body["password"]
    async with Station(running.ocpp_port, "guarded", **_basic("guarded", password)) as station:
        assert (await station.boot())["status"] == "Accepted"
    for offered in ({}, _basic("guarded", "wrong"), _basic("other", password)):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with Station(running.ocpp_port, "guarded", **offered):
                pass
        assert refused.value.status == 401


async def test_a_connection_says_how_it_is_secured_and_may_be_too_little(api: Api, running: Running) -> None:
    new = {"station_id": "prudent", "password": PASSWORD, "minimum_security_profile": 1}
    made = (await api("POST", "/stations", new)).body
    assert (made["minimum_security_profile"], made["secure"], made["security_profile"]) == (1, None, None)
    basic = _basic("prudent", PASSWORD)
    async with Station(running.ocpp_port, "prudent", **basic):
        shown = await api.get("/stations/prudent")
        assert (shown["secure"], shown["security_profile"]) == (False, 1)
    as_json = {"Authorization": f"Bearer {api.key}", "Accept": "application/json"}
    (connected,) = (await api.get("/events?station_id=prudent&type=station.connected", headers=as_json))["items"]
    assert (connected["data"]["secure"], connected["data"]["security_profile"]) == (False, 1)
    changed = await api("PATCH", "/stations/prudent", {"minimum_security_profile": 2})
    assert changed.body["minimum_security_profile"] == 2
    # What anybody may write into a header makes no connection secure.
    forged = {"headers": {**basic["headers"], "X-Forwarded-Proto": "https"}}
    for offered in (basic, forged):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with Station(running.ocpp_port, "prudent", **offered):
                pass
        assert refused.value.status == 403
    events = (await api.get("/events?station_id=prudent&type=station.refused", headers=as_json))["items"]
    assert events[0]["data"]["reason"] == "security profile 2 is wanted, and the connection has no TLS"
    assert (await api("PATCH", "/stations/prudent", {"minimum_security_profile": 3})).status == 400
    assert (await api("PATCH", "/stations/prudent", {"minimum_security_profile": None})).status == 200
    async with Station(running.ocpp_port, "prudent", **basic):
        pass
    assert (await api("DELETE", "/stations/prudent/password")).status == 204
    async with Station(running.ocpp_port, "prudent"):
        assert (await api.get("/stations/prudent"))["security_profile"] == 0


async def test_a_password_is_set_replaced_and_removed(api: Api, running: Running) -> None:
    await api("POST", "/stations", {"station_id": "changing"})
    chosen = await api("PUT", "/stations/changing/password", {"password": PASSWORD})
    assert (chosen.status, chosen.body) == (200, {"password": PASSWORD})
    generated = (await api("PUT", "/stations/changing/password", {})).body["password"]
    assert generated != PASSWORD
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with Station(running.ocpp_port, "changing", **_basic("changing", PASSWORD)):
            pass
    assert (await api("DELETE", "/stations/changing/password")).status == 204
    async with Station(running.ocpp_port, "changing"):
        pass
    assert (await api.get("/stations/changing"))["has_password"] is False


async def test_a_station_never_seen_waits_in_the_inbox_until_it_is_adopted(api: Api, running: Running) -> None:
    async with Station(running.ocpp_port, "newcomer") as station:
        assert (await station.boot())["status"] == "Pending"
        waiting = {each["station_id"]: each for each in (await api.get("/inbox"))["items"]}
        assert waiting["newcomer"]["vendor"] == "Example"
        assert waiting["newcomer"]["connected"] is True
        adopted = await api("POST", "/inbox/newcomer/adopt")
        assert (adopted.status, adopted.body["registration"]) == (200, "Accepted")
        assert (await station.boot())["status"] == "Accepted"
    assert "newcomer" not in [each["station_id"] for each in (await api.get("/inbox"))["items"]]


async def test_a_rejected_station_is_told_so(api: Api, running: Running) -> None:
    async with Station(running.ocpp_port, "unwanted") as station:
        await station.boot()
        rejected = await api("POST", "/inbox/unwanted/reject")
        assert (rejected.status, rejected.body["registration"]) == (200, "Rejected")
        await station.closed
    async with Station(running.ocpp_port, "unwanted") as station:
        assert (await station.boot())["status"] == "Rejected"
    for decision in ("adopt", "reject"):
        nobody = await api("POST", f"/inbox/nobody/{decision}")
        assert (nobody.status, nobody.body["type"]) == (404, "urn:voltbridge:problem:not-found")
        assert nobody.body["detail"].startswith("nobody is not in the inbox: GET /api/v1/inbox lists ")


async def test_lists_come_in_pages_and_by_filters(api: Api, running: Running) -> None:
    for number in range(5):
        await api("POST", "/stations", {"station_id": f"page-{number}"})
    found: list[str] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        page = await api.get("/stations", params={"limit": "2", **({"cursor": cursor} if cursor else {})})
        found += [each["station_id"] for each in page["items"]]
        cursor = page["next"]
        pages += 1
    assert pages > 2
    assert [each for each in found if each.startswith("page-")] == [f"page-{number}" for number in range(5)]
    assert len(found) == len(set(found))
    async with Station(running.ocpp_port, "page-3", "ocpp2.0.1") as station:
        await station.boot()
        connected = await api.get("/stations", params={"connected": "true", "protocol": "ocpp2.0.1"})
        assert [each["station_id"] for each in connected["items"]] == ["page-3"]
    assert (await api("GET", "/stations?protocol=ocpp9")).body["errors"][0]["path"] == "query.protocol"
    wrong = await api("GET", "/stations?cursor=nonsense")
    assert (wrong.status, wrong.body["errors"][0]["path"]) == (422, "query.cursor")


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_connectors_of_every_version_appear_below_evses(api: Api, running: Running, protocol: str) -> None:
    identity = f"evses-{protocol}"
    await api("POST", "/stations", {"station_id": identity})
    at = "2026-05-01T12:00:00.000Z"
    if protocol == "ocpp1.6":
        status = {"connectorId": 2, "errorCode": "NoError", "status": "Charging", "timestamp": at}
    else:
        status = {"evseId": 2, "connectorId": 1, "connectorStatus": "Occupied", "timestamp": at}
    async with Station(running.ocpp_port, identity, protocol) as station:
        await station.boot()
        await station.call("StatusNotification", status)
        shown = await api.get(f"/stations/{identity}/evses")
    assert shown["next"] is None
    (evse,) = shown["items"]
    (connector,) = evse["connectors"]
    assert (evse["evse_id"], connector["connector_id"], connector["status_at"]) == (2, 1, at)
    assert connector["status"] == ("Charging" if protocol == "ocpp1.6" else "Occupied")
    assert (await api.get(f"/stations/{identity}/evses")) == shown  # from the storage, now that it is gone
    assert (await api("GET", "/stations/nobody/evses")).status == 404


async def test_messages_are_logged_both_ways_newest_first(api: Api, running: Running) -> None:
    await api("POST", "/stations", {"station_id": "talker"})
    async with Station(running.ocpp_port, "talker") as station:
        await station.boot()
        await station.call("Heartbeat", {})
    messages = (await api.get("/stations/talker/messages"))["items"]
    assert [(each["direction"], each["kind"], each["action"]) for each in messages] == [
        ("sent", 3, "Heartbeat"),
        ("received", 2, "Heartbeat"),
        ("sent", 3, "BootNotification"),
        ("received", 2, "BootNotification"),
    ]
    assert json.loads(messages[1]["frame"]) == [2, "2", "Heartbeat", {}]
    by_filter = await api.get("/stations/talker/messages", params={"action": "Heartbeat", "direction": "sent"})
    assert [each["id"] for each in by_filter["items"]] == [messages[0]["id"]]
    later = await api.get("/stations/talker/messages", params={"since": "2100-01-01T00:00:00Z"})
    assert later["items"] == []
    assert (await api("GET", "/stations/nobody/messages")).status == 404


async def test_deviations_tell_which_charger_breaks_what(api: Api, running: Running) -> None:
    await api("POST", "/stations", {"station_id": "sloppy", "strictness": "tolerant"})
    async with Station(running.ocpp_port, "sloppy") as station:
        await station.boot()
        await station.call("Heartbeat", {"extra": 1})
    running.gateway._flush_deviations()  # else every ten seconds
    await running.storage.journal.committed()
    found = (await api.get("/deviations", params={"vendor": "Example"}))["items"]
    assert [(each["action"], each["last_station_id"], each["count"]) for each in found] == [("Heartbeat", "sloppy", 1)]
    assert (await api.get("/deviations", params={"vendor": "Other"}))["items"] == []


async def test_a_station_is_disconnected_by_hand(api: Api, running: Running) -> None:
    await api("POST", "/stations", {"station_id": "kicked"})
    assert (await api("POST", "/stations/kicked/disconnect")).status == 409
    assert (await api("POST", "/stations/nobody/disconnect")).status == 404
    async with Station(running.ocpp_port, "kicked") as station:
        assert (await api("POST", "/stations/kicked/disconnect")).status == 204
        assert await station.closed == 1000
