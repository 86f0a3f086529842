"""Webhooks over the API, delivered to a receiver on a real socket by a whole server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.api.clients import Api, Station
from tests.support.receiver import Message, Receiver, receiving, verified

from voltbridge.app import Running
from voltbridge.csms.webhooks import service

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("clean")]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def clean(api: Api) -> AsyncIterator[None]:
    """No webhook is left for the next test."""
    yield
    for hook in (await api.get("/webhooks"))["items"]:
        assert (await api("DELETE", f"/webhooks/{hook['id']}")).status == 204


async def made(api: Api, receiver: Receiver, **chosen: Any) -> Any:
    answer = await api("POST", "/webhooks", {"url": receiver.url, **chosen})
    assert answer.status == 201, answer
    assert answer.headers["Location"] == f"/api/v1/webhooks/{answer.body['id']}"
    return answer.body


async def log(api: Api, hook: Any, number: int, query: str = "") -> list[Any]:
    """The log once it has so many lines, newest first."""
    async with asyncio.timeout(60):
        while len(items := (await api.get(f"/webhooks/{hook['id']}/deliveries{query}"))["items"]) < number:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return list(items)


async def test_what_stations_do_arrives_as_the_stream_tells_it(api: Api, running: Running, receiver: Receiver) -> None:
    await api("POST", "/stations", {"station_id": "wh-live"})
    hook = await made(api, receiver, station_ids=["wh-live"], description="Billing")
    async with Station(running.ocpp_port, "wh-live") as station:
        await station.boot()
        await station.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
    await receiver.until(lambda one: any(event["type"] == "station.disconnected" for event in one.events))
    assert [event["type"] for event in receiver.events] == [
        "station.connected",
        "station.boot",
        "connector.status",
        "station.disconnected",
    ]
    headers = {"Authorization": f"Bearer {api.key}", "Accept": "application/json"}
    stored = await api.get("/events?station_id=wh-live&limit=4", headers=headers)
    assert receiver.events == stored["items"][::-1]
    assert all(verified(message, hook["secret"]) for message in receiver.messages)
    async with api.session.get(
        f"{api.root}/api/v1/events?station_id=wh-live&type=station.boot&after=0",
        headers={"Authorization": f"Bearer {api.key}"},
    ) as stream:
        async for line in stream.content:
            if line.startswith(b"data: "):
                assert line[6:-1] == receiver.messages[1].body, "the very same bytes"
                break
    lines = await log(api, hook, 4)
    assert [(line["type"], line["state"], line["http_status"]) for line in lines] == [
        (event["type"], "delivered", 204) for event in receiver.events[::-1]
    ]


async def test_made_changed_and_deleted(api: Api, receiver: Receiver) -> None:
    hook = await made(api, receiver, types=["station.*"], batch_size=5, timeout_s=2.5)
    path = f"/webhooks/{hook['id']}"
    assert hook["secret"].startswith("whsec_")
    shown = await api.get(path)
    # It is past its own making already, or soon will be.
    assert int(shown.pop("last_event_id")) >= int(hook["last_event_id"])
    assert shown == {name: value for name, value in hook.items() if name not in ("secret", "last_event_id")}
    assert (shown["state"], shown["types"], shown["batch_size"], shown["dead"]) == ("active", ["station.*"], 5, 0)
    changed = await api("PATCH", path, {"enabled": False, "types": ["transaction.*"], "description": None})
    assert (changed.status, changed.body["state"], changed.body["types"]) == (200, "disabled", ["transaction.*"])
    assert [one["id"] for one in (await api.get("/webhooks"))["items"]] == [hook["id"]]
    assert (await api("DELETE", path)).status == 204
    for method, below, body in (
        ("GET", "", None),
        ("PATCH", "", {}),
        ("DELETE", "", None),
        ("POST", "/test", None),
        ("POST", "/resume", None),
        ("POST", "/secret", {}),
        ("POST", "/replay", {"dead": True}),
        ("GET", "/deliveries", None),
        ("POST", "/deliveries/1/replay", None),
    ):
        answer = await api(method, path + below, body)
        assert (answer.status, answer.body["type"]) == (404, "urn:voltbridge:problem:not-found"), (method, below)


async def test_the_secret_is_shown_once(api: Api, receiver: Receiver, capfd: pytest.CaptureFixture[str]) -> None:
    own = "whsec_" + "QUJD" * 12
    hook = await made(api, receiver, secret=own)
    assert hook["secret"] == own
    path = f"/webhooks/{hook['id']}"
    rotated = (await api("POST", f"{path}/secret", {"overlap_s": 60})).body
    assert rotated["secret"] != own and rotated["former_secret_until"] is not None
    await api("POST", f"{path}/test")
    assert verified(receiver.messages[-1], own) and verified(receiver.messages[-1], rotated["secret"])
    told = ""
    for below in ("", "/deliveries"):
        told += json.dumps((await api("GET", path + below)).body)
    headers = {"Authorization": f"Bearer {api.key}", "Accept": "application/json"}
    told += json.dumps(await api.get("/events?type=webhook&limit=500", headers=headers))
    told += (await api("GET", "/metrics", headers={})).raw.decode() + "".join(capfd.readouterr())
    for secret in (own, rotated["secret"]):
        assert secret not in told
    assert "sesame" not in told.replace(json.dumps(receiver.url), "")


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({}, 400, "$.url"),
        ({"url": "ftp://example.com"}, 400, "$.url"),
        ({"url": "http://exa mple.com"}, 400, "$.url"),
        ({"url": "http://example.com/", "retries": 3}, 400, "$.retries"),
        ({"url": "http://example.com/", "types": []}, 400, "$.types"),
        ({"url": "http://example.com/", "batch_size": 0}, 400, "$.batch_size"),
        ({"url": "http://example.com/", "batch_size": "5"}, 400, "$.batch_size"),
        ({"url": "http://example.com/", "timeout_s": 61}, 400, "$.timeout_s"),
        ({"url": "http://example.com/", "enabled": 1}, 400, "$.enabled"),
        ({"url": "http://u:p@example.com/"}, 422, "$.url"),
        ({"url": "http://:80/"}, 422, "$.url"),
        ({"url": "http://example.com/", "types": ["transaction.strated"]}, 422, "$.types[0]"),
        ({"url": "http://example.com/", "types": ["meter_values"]}, 422, "$.types[0]"),
        ({"url": "http://example.com/", "site_ids": ["nowhere"]}, 422, "$.site_ids[0]"),
        ({"url": "http://example.com/", "secret": "guess me"}, 422, "$.secret"),
    ],
)
async def test_what_cannot_be_is_refused(api: Api, body: Any, status: int, path: str) -> None:
    answer = await api("POST", "/webhooks", body)
    assert (answer.status, answer.body["errors"][0]["path"]) == (status, path), answer.body
    assert (await api.get("/webhooks"))["items"] == []


async def test_a_change_that_cannot_be_changes_nothing(api: Api, receiver: Receiver) -> None:
    hook = await made(api, receiver)
    path = f"/webhooks/{hook['id']}"
    before = await api.get(path)
    for body, status in (
        ({"url": "http://u:p@example.com/"}, 422),
        ({"types": ["nothing"]}, 422),
        ({"enabled": None}, 400),
        ({"secret": "whsec_" + "QUJD" * 12}, 400),
    ):
        assert (await api("PATCH", path, body)).status == status
    await log(api, hook, 0)
    after = await api.get(path)
    assert {**after, "last_event_id": before["last_event_id"]} == before


async def test_dead_letters_are_listed_and_replayed(api: Api, receiver: Receiver) -> None:
    async def broken(_message: Message) -> int:
        return 500

    receiver.answer = broken
    hook = await made(api, receiver, types=["station.provisioned"], max_attempts=1)
    path = f"/webhooks/{hook['id']}"
    await api("POST", "/stations", {"station_id": "wh-dead"})
    (line,) = await log(api, hook, 1, "?state=dead")
    assert (line["type"], line["attempts"], line["problem"]) == ("station.provisioned", 1, "HTTP status 500")
    assert line["event"] == receiver.events[0]
    known = await api.get(path)
    assert (known["state"], known["dead"], known["failures"]) == ("failing", 1, 1)
    assert (await api.get(f"{path}/deliveries?state=dead&event_id={line['event_id']}"))["items"] == [line]
    assert (await api.get(f"{path}/deliveries?state=delivered"))["items"] == []
    headers = {"Authorization": f"Bearer {api.key}", "Accept": "application/json"}
    (told,) = (await api.get("/events?type=webhook.delivery_dead", headers=headers))["items"][:1]
    assert (told["data"]["webhook_id"], told["data"]["event_id"]) == (hook["id"], line["event_id"])

    async def mended(_message: Message) -> int:
        return 200

    receiver.answer = mended
    replay = await api("POST", f"{path}/replay", {"dead": True})
    assert (replay.status, replay.body["queued"]) == (202, 1)
    (line,) = await log(api, hook, 1, "?state=delivered")
    assert (line["attempts"], line["event"]) == (2, None)
    again = await api("POST", f"{path}/deliveries/{line['id']}/replay")
    assert (again.status, again.body["state"]) == (202, "queued")
    await receiver.count(3)
    assert len({message.id for message in receiver.messages}) == 1
    since = await api("POST", f"{path}/replay", {"since": line["created_at"]})
    assert since.status == 202
    await receiver.count(4)
    for body, status in (
        ({}, 422),
        ({"dead": True, "after_event_id": "0"}, 422),
        ({"after_event_id": "9" * 19}, 422),
        ({"since": "2999-01-01T00:00:00Z"}, 422),
        ({"after_event_id": "x"}, 400),
    ):
        assert (await api("POST", f"{path}/replay", body)).status == status, body


async def test_a_test_says_what_came_of_it(api: Api, receiver: Receiver) -> None:
    hook = await made(api, receiver, enabled=False)
    path = f"/webhooks/{hook['id']}/test"
    answer = await api("POST", path)
    assert answer.status == 200
    assert {name: answer.body[name] for name in ("result", "http_status", "problem")} == {
        "result": "delivered",
        "http_status": 204,
        "problem": None,
    }
    assert receiver.messages[0].id == answer.body["message_id"]

    async def elsewhere(_message: Message) -> int:
        return 302

    receiver.answer = elsewhere
    refused = (await api("POST", path)).body
    assert (refused["result"], refused["problem"]) == ("refused", "HTTP status 302; redirects are not followed")


async def test_there_are_not_too_many(api: Api, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_WEBHOOKS", 1)
    await made(api, receiver)
    answer = await api("POST", "/webhooks", {"url": receiver.url})
    assert (answer.status, answer.body["type"]) == (409, "urn:voltbridge:problem:too-many-webhooks")


async def test_deliveries_are_counted(api: Api, receiver: Receiver) -> None:
    hook = await made(api, receiver, types=["station.provisioned"])
    await api("POST", "/stations", {"station_id": "wh-metrics"})
    await log(api, hook, 1)
    text = (await api("GET", "/metrics", headers={})).raw.decode()
    assert 'voltbridge_webhooks{state="active"} 1.0' in text
    assert f'voltbridge_webhook_lag_seconds{{webhook="{hook["id"]}"}} 0.0' in text
    assert 'voltbridge_webhook_attempts_total{result="delivered"}' in text
    assert 'voltbridge_webhook_events_total{state="delivered"}' in text


async def test_events_are_described(api: Api) -> None:
    found = {one["type"]: one for one in (await api.get("/event-schemas"))["items"]}
    assert found["meter_values"]["telling"] == "live"
    one = await api.get("/event-schemas/transaction.started")
    assert one == found["transaction.started"]
    assert one["json_schema"]["properties"]["type"] == {"const": "transaction.started"}
    assert (await api("GET", "/event-schemas/transaction.strated")).status == 404
    document = await api.get("/asyncapi.json")
    assert document["asyncapi"] == "3.0.0" and set(document["components"]["messages"]) == set(found)
