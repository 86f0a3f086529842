"""The event stream and its pages over the API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.api.clients import Api, Station

from voltbridge.app import Running

pytestmark = pytest.mark.anyio


class Stream:
    """A reader of Server-Sent Events."""

    def __init__(self, content: Any) -> None:
        self._content = content
        self.ids: list[str] = []

    async def line(self) -> str:
        """The next line, without its end."""
        line: bytes = await asyncio.wait_for(self._content.readline(), 30)
        assert line, "the stream has ended"
        return line.decode().rstrip("\n")

    async def next(self) -> dict[str, Any]:
        """The data of the next event; checks that the frame around it says the same."""
        fields: dict[str, str] = {}
        while True:
            line = await self.line()
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                break
            else:
                fields.clear()
        data: dict[str, Any] = json.loads(fields["data"])
        assert fields["event"] == data["type"]
        assert fields.get("id") == data.get("id")
        if "id" in fields:
            self.ids.append(fields["id"])
        return data

    async def until(self, type: str) -> list[dict[str, Any]]:
        """Everything up to the first event of this type."""
        found = [await self.next()]
        while found[-1]["type"] != type:
            found.append(await self.next())
        return found


@asynccontextmanager
async def _follow(api: Api, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    headers = {"Authorization": f"Bearer {api.key}", **headers}
    async with api.session.get(f"{api.root}/api/v1/events{query}", headers=headers) as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["Cache-Control"] == "no-store"
        stream = Stream(response.content)
        assert await stream.line() == "retry: 2000"
        assert await stream.line() == ""
        assert await stream.line() == ": listening", "told once nothing can be missed"
        yield stream


async def _newest(api: Api) -> str:
    page = await api.get(
        "/events?limit=1", headers={"Authorization": f"Bearer {api.key}", "Accept": "application/json"}
    )
    return str(page["items"][0]["id"])


async def test_what_happens_arrives_live(api: Api, running: Running) -> None:
    await api("POST", "/stations", {"station_id": "ev-live"})
    async with _follow(api, "?station_id=ev-live") as stream:
        async with Station(running.ocpp_port, "ev-live") as station:
            await station.boot()
            await station.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        seen = await stream.until("station.disconnected")
    assert [each["type"] for each in seen] == [
        "station.connected",
        "station.boot",
        "connector.status",
        "station.disconnected",
    ]
    assert all(each["station_id"] == "ev-live" and each["at"].endswith("Z") for each in seen)
    assert stream.ids == sorted(stream.ids, key=int)


async def test_a_reader_resumes_where_it_left_off(api: Api) -> None:
    await api("POST", "/stations", {"station_id": "ev-resume"})
    async with _follow(api, "?station_id=ev-resume&after=0") as stream:
        assert (await stream.next())["type"] == "station.provisioned"
    for name in ("a", "b", "c"):
        await api("PATCH", "/stations/ev-resume", {"name": name})
    async with _follow(api, "?station_id=ev-resume", **{"Last-Event-ID": stream.ids[-1]}) as again:
        missed = [await again.next() for _ in range(3)]
        assert {each["type"] for each in missed} == {"station.settings_changed"}
        await api("DELETE", "/stations/ev-resume")
        assert (await again.next())["type"] == "station.deleted"
    assert len(set(stream.ids + again.ids)) == 5


async def test_readers_are_given_only_what_they_want(api: Api) -> None:
    async with _follow(api, "?type=station.deleted") as exact, _follow(api, "?type=station") as noun:
        await api("POST", "/stations", {"station_id": "ev-want"})
        await api("DELETE", "/stations/ev-want")
        assert (await exact.next())["type"] == "station.deleted"
        assert [(await noun.next())["type"] for _ in range(2)] == ["station.provisioned", "station.deleted"]


async def test_meter_values_are_live_only(api: Api, running: Running) -> None:
    await api("POST", "/stations", {"station_id": "ev-meter"})
    async with Station(running.ocpp_port, "ev-meter") as station, _follow(api, "?type=meter_values") as stream:
        await station.boot()
        value = {"timestamp": "2026-05-01T12:00:00Z", "sampledValue": [{"value": "7"}]}
        await station.call("MeterValues", {"connectorId": 1, "meterValue": [value]})
        seen = await stream.next()
    assert (seen["station_id"], seen["data"]["evse_id"]) == ("ev-meter", 1)
    assert stream.ids == []


async def test_pages_are_newest_first_and_after_an_id_oldest_first(api: Api) -> None:
    as_json = {"Authorization": f"Bearer {api.key}", "Accept": "application/json"}
    begin = await _newest(api)
    for number in range(3):
        await api("POST", "/stations", {"station_id": f"ev-page-{number}"})
    newest = await api.get("/events?limit=2&type=station.provisioned", headers=as_json)
    assert [each["station_id"] for each in newest["items"]] == ["ev-page-2", "ev-page-1"]
    older = await api.get(f"/events?limit=1&type=station&cursor={newest['next']}", headers=as_json)
    assert [each["station_id"] for each in older["items"]] == ["ev-page-0"]
    after = await api.get(f"/events?after={begin}&limit=2", headers=as_json)
    assert [each["station_id"] for each in after["items"]] == ["ev-page-0", "ev-page-1"]
    assert after["next"] is None
    wrong = await api("GET", "/events?after=x", headers=as_json)
    assert (wrong.status, wrong.body["errors"][0]["path"]) == (400, "query.after")
    wrong = await api("GET", "/events", headers={**as_json, "Last-Event-ID": "x"})
    assert (wrong.status, wrong.body["errors"][0]["path"]) == (400, "header.last-event-id")
