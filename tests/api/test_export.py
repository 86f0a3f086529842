"""Whole lists and logs as files: the records of the lists, each once, in bounded memory, to the end or not at all."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.api.clients import Api, Station
from tests.storage.nouns import meter_record

from voltbridge.api import export as module
from voltbridge.api.export import ExportNoun
from voltbridge.app import Running, start
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.domain.events import Event
from voltbridge.domain.exports import ExportedReadings, ExportRange
from voltbridge.domain.messages import MessageDirection, MessageRecord
from voltbridge.domain.metering import SampledValue
from voltbridge.settings import Settings

pytestmark = pytest.mark.anyio

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
async def running(anyio_backend: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A CSMS with two stations, one of which has charged."""
    data = tmp_path_factory.mktemp("data")
    settings = Settings(data=data, ocpp_host="127.0.0.1", ocpp_port=0, http_port=0, shutdown_timeout=5, call_timeout=30)
    started = await start(settings)
    api = Api(started.http_port, started.admin_key)
    for station_id in ("A-1", "B-2"):
        await api("POST", "/stations", {"station_id": station_id, "name": '=cmd|"/c calc"!A1'})
    await api("POST", "/tokens", {"id_token": "TOKEN", "note": "=1+1", "personal_message": 'Grüße, "Zoë"\nbis bald'})
    await api("POST", "/tokens", {"id_token": "@OTHER"})
    async with Station(started.ocpp_port, "A-1") as station:
        station.answers["ClearCache"] = {"status": "Accepted"}
        await station.boot()
        begin = {"connectorId": 1, "idTag": "TOKEN", "meterStart": 0, "timestamp": "2026-03-01T12:00:00Z"}
        number = (await station.call("StartTransaction", begin))["transactionId"]
        for minute in range(1, 6):
            sampled = [{"value": str(-minute), "unit": "W", "measurand": "Power.Active.Export"}]
            value = [{"timestamp": f"2026-03-01T12:{minute:02}:00Z", "sampledValue": sampled}]
            await station.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": value})
        await api("POST", "/stations/A-1/commands/clear_cache", {})
    await api.close()
    yield started
    await started.stop()


@pytest.fixture
async def api(running: Running) -> AsyncIterator[Api]:
    client = Api(running.http_port, running.admin_key)
    yield client
    await client.close()


async def exported(api: Api, noun: str, **query: Any) -> list[dict[str, Any]]:
    """As JSON lines."""
    url = f"{api.root}/api/v1/export/{noun}"
    headers = {"Authorization": f"Bearer {api.key}"}
    async with api.session.get(url, params={"format": "jsonl", **query}, headers=headers) as response:
        raw = await response.read()
        assert response.status == 200, raw
        assert response.content_type == "application/jsonl"
    return [json.loads(line) for line in raw.splitlines()]


async def table(api: Api, noun: str, **query: Any) -> list[dict[str, str]]:
    """As CSV."""
    answer = await api("GET", f"/export/{noun}", params=query)
    assert answer.status == 200, answer
    return list(csv.DictReader(io.StringIO(answer.raw.decode(), newline="")))


@pytest.mark.parametrize("noun", list(ExportNoun))
async def test_every_noun_in_both_formats(api: Api, noun: str) -> None:
    answer = await api("GET", f"/export/{noun}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{noun}.csv"'
    records = await exported(api, noun)
    rows = await table(api, noun, spreadsheet="false")
    assert len(rows) == len(records)
    assert answer.raw.splitlines()[0].decode().count(",") > 2  # there is a line of names even without records
    for row, record in zip(rows, records, strict=True):
        assert row.keys() == record.keys()
        for name, value in record.items():
            match value:
                case None:
                    assert row[name] == ""
                case bool():
                    assert row[name] == str(value).lower()
                case dict() | list():
                    assert json.loads(row[name]) == value
                case int() | float():
                    assert float(row[name]) == value
                case _:
                    assert row[name] == value


@pytest.mark.parametrize(
    ("noun", "path"),
    [
        ("stations", "/stations"),
        ("tokens", "/tokens"),
        ("transactions", "/transactions"),
        ("commands", "/stations/A-1/commands"),
        ("operations", "/operations"),
        ("reservations", "/reservations"),
        ("alerts", "/alerts"),
        ("deviations", "/deviations"),
    ],
)
async def test_a_list_is_exported_as_it_is_shown(api: Api, noun: str, path: str) -> None:
    assert await exported(api, noun) == (await api.get(path, params={"limit": 500}))["items"]


async def test_logs_are_exported_from_their_beginning(api: Api) -> None:
    events = (await api.get("/events", headers=accepting(api), params={"limit": 500}))["items"]
    assert await exported(api, "events") == events[::-1]
    messages = (await api.get("/stations/A-1/messages", params={"limit": 500}))["items"]
    assert [{**message, "station_id": "A-1"} for message in messages[::-1]] == await exported(api, "messages")
    assert await exported(api, "events", station_id="B-2") == [
        event for event in events[::-1] if event["station_id"] == "B-2"
    ]


def accepting(api: Api) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.key}", "Accept": "application/json"}


async def test_meter_values_are_a_line_for_each_reading(api: Api) -> None:
    (transaction,) = (await api.get("/transactions"))["items"]
    found = await exported(api, "meter-values", station_id="A-1")
    assert [(each["at"], each["value"], each["unit"], each["transaction_id"], each["evse_id"]) for each in found] == [
        (f"2026-03-01T12:{minute:02}:00.000Z", -float(minute), "W", transaction["id"], 1) for minute in range(1, 6)
    ]
    within = {"since": "2026-03-01T12:02:00Z", "until": "2026-03-01T12:04:00Z"}
    assert [each["value"] for each in await exported(api, "meter-values", **within)] == [-2.0, -3.0]
    rows = await table(api, "meter-values")
    assert list(rows[0])[:5] == ["at", "station_id", "evse_id", "connector_id", "transaction_id"]
    assert rows[0]["value"] == "-1.0"  # a number is no formula


async def test_times_bound_what_has_a_time(api: Api) -> None:
    now = datetime.now(UTC)
    long_ago, soon = "2020-01-01T00:00:00Z", (now + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    for noun in ("events", "messages", "commands"):
        everything = await exported(api, noun)
        assert everything
        assert await exported(api, noun, since=long_ago, until=soon) == everything
        assert await exported(api, noun, until=long_ago) == []
        assert await exported(api, noun, since=soon) == []
    moments = [event["at"] for event in await exported(api, "events")]
    middle = moments[len(moments) // 2]
    later = await exported(api, "events", since=middle)
    earlier = await exported(api, "events", until=middle)
    assert [event["at"] for event in earlier + later] == moments


async def test_what_would_be_a_formula_is_none_in_a_spreadsheet(api: Api) -> None:
    rows = {row["id_token"]: row for row in await table(api, "tokens")}
    assert rows.keys() == {"TOKEN", "'@OTHER"}
    assert rows["TOKEN"]["note"] == "'=1+1"
    assert rows["TOKEN"]["personal_message"] == 'Grüße, "Zoë"\nbis bald'
    assert {row["name"] for row in await table(api, "stations")} == {'\'=cmd|"/c calc"!A1'}
    assert {row["id_token"] for row in await table(api, "tokens", spreadsheet="false")} == {"TOKEN", "@OTHER"}


async def test_it_may_be_packed(api: Api) -> None:
    answer = await api("GET", "/export/tokens", params={"compress": "gzip"})
    assert (answer.headers["Content-Type"], answer.headers["Content-Disposition"]) == (
        "application/gzip",
        'attachment; filename="tokens.csv.gz"',
    )
    assert gzip.decompress(answer.raw) == (await api("GET", "/export/tokens")).raw


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/export/secrets", 400, "path.noun"),
        ("/export/tokens?format=xml", 400, "query.format"),
        ("/export/tokens?columns=1", 400, "no such field"),
        ("/export/tokens?station_id=A-1", 422, "tokens belong to no station"),
        ("/export/stations?since=2026-01-01T00:00:00Z", 422, "stations are exported as they are now"),
        ("/export/events?since=yesterday", 400, "query.since"),
        ("/export/messages?station_id=NOBODY", 404, "There is no station NOBODY."),
    ],
)
async def test_what_cannot_be_exported_is_told(api: Api, path: str, status: int, said: str) -> None:
    answer = await api("GET", path)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert said in answer.body["detail"]


async def test_without_the_key_there_is_no_file(api: Api) -> None:
    assert (await api("GET", "/export/tokens", headers={})).status == 401


class Endless:
    """A log that never ends, and counts how far it was read."""

    def __init__(self) -> None:
        self.asked = 0
        self.fails_after: int | None = None

    async def meter_values(
        self, wanted: ExportRange, after: ExportedReadings | None, limit: int
    ) -> list[ExportedReadings]:
        if self.asked == self.fails_after:
            raise StorageUnavailable("the disk is gone")
        self.asked += 1
        value = SampledValue("Voltage", 1.0, "V", signed="x" * 1000)
        return [ExportedReadings(BEGAN, "A-1", 1, None, None, self.asked, (value,))] * limit

    async def messages(self, wanted: ExportRange, after: int | None, limit: int) -> Any:
        raise AssertionError


@pytest.fixture
def endless(running: Running, monkeypatch: pytest.MonkeyPatch) -> Endless:
    log = Endless()
    monkeypatch.setattr(running.services.exports, "_store", log)
    return log


async def until_free(running: Running) -> None:
    async with asyncio.timeout(60):
        while running.services.exports.running:  # noqa: ASYNC110 - a connection's end raises no event here
            await asyncio.sleep(0.01)


async def test_a_client_that_goes_away_frees_everything(api: Api, running: Running, endless: Endless) -> None:
    url = f"{api.root}/api/v1/export/meter-values"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {api.key}"}) as session:
        response = await session.get(url)
        await response.content.readexactly(100_000)
        assert running.services.exports.running == 1
        response.close()
    await until_free(running)
    read = endless.asked
    for _ in range(100):
        await asyncio.sleep(0)
    assert endless.asked == read


async def test_no_more_is_read_than_is_taken(api: Api, running: Running, endless: Endless) -> None:
    url = f"{api.root}/api/v1/export/meter-values"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {api.key}"}) as session:
        response = await session.get(url)
        still, read = 0, -1
        async with asyncio.timeout(30):
            while still < 50:  # what the sockets hold between us is filled
                await asyncio.sleep(0.01)
                still, read = (still + 1, read) if endless.asked == read else (0, endless.asked)
        assert read < 100  # parts of half a megabyte
        response.close()
    await until_free(running)


async def test_a_client_that_takes_nothing_is_given_up(
    api: Api, running: Running, endless: Endless, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 0.2)
    url = f"{api.root}/api/v1/export/meter-values"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {api.key}"}) as session:
        response = await session.get(url)
        await until_free(running)
        with pytest.raises(aiohttp.ClientError):
            await response.read()


async def test_a_file_that_breaks_off_does_not_look_complete(api: Api, running: Running, endless: Endless) -> None:
    endless.fails_after = 3
    with pytest.raises(aiohttp.ClientPayloadError):
        await api("GET", "/export/meter-values")
    endless.fails_after = endless.asked
    assert (await api("GET", "/export/meter-values")).status == 503
    await until_free(running)


async def test_only_a_few_at_a_time(api: Api, running: Running, endless: Endless) -> None:
    url = f"{api.root}/api/v1/export/meter-values"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {api.key}"}) as session:
        responses = [await session.get(url) for _ in range(4)]
        assert [response.status for response in responses] == [200] * 4
        refused = await api("GET", "/export/tokens")
        assert (refused.status, refused.body["type"]) == (429, "urn:voltbridge:problem:too-many-exports")
        assert refused.headers["Retry-After"] == "10"
        for response in responses:
            response.close()
    await until_free(running)
    assert (await api("GET", "/export/tokens")).status == 200


async def test_long_logs_of_many_stations_come_whole_and_once(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, ocpp_host="127.0.0.1", ocpp_port=0, http_port=0)
    running = await start(settings)
    api = Api(running.http_port, running.admin_key)
    try:
        await api("POST", "/stations", {"station_id": "S-3"})
        put = running.storage.journal.put
        now = running.services.events._clock.now_ms()
        for number in range(30_000):
            station_id = f"S-{number % 7}"
            at_ms = now - 30_000_000 + number * 1000
            put(MessageRecord(station_id, at_ms, MessageDirection.SENT, 2, str(number), "Reset", f'[2,"{number}"]'))
            if number % 10 == 0:
                put(msgspec.structs.replace(meter_record(station_id, 0, number), at_ms=at_ms // 5000 * 5000))
                put(Event((at_ms << 20) + 1, "test", datetime.fromtimestamp(at_ms / 1000, UTC), station_id, {"n": 1}))
            if number % 4000 == 0:
                await running.storage.journal.committed()
        await running.storage.journal.committed()
        messages = await exported(api, "messages")
        assert [int(message["message_id"]) for message in messages] == list(range(30_000))
        since = datetime.fromtimestamp((now - 10_000_000) / 1000, UTC).isoformat().replace("+00:00", "Z")
        assert len(await exported(api, "messages", since=since)) == 10_000
        assert len(await exported(api, "messages", station_id="S-3", since=since)) == sum(
            number % 7 == 3 for number in range(20_000, 30_000)
        )
        readings = await exported(api, "meter-values")
        assert len(readings) == 3_000 * 3
        assert [reading["at"] for reading in readings] == sorted(reading["at"] for reading in readings)
        assert sum(event["type"] == "test" for event in await exported(api, "events", since=since)) == 1_000
        # The books outlive their station.
        assert (await api("DELETE", "/stations/S-3")).status == 204
        assert await exported(api, "events", station_id="S-3")
    finally:
        await api.close()
        await running.stop()
