"""What holds for every address of the API: the key, the shape of errors, health, metrics."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator

import pytest
from tests.api.clients import Api, Station

from voltbridge.app import Running
from voltbridge.domain.errors import StorageUnavailable

pytestmark = pytest.mark.anyio

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic a2V5"},
        {"Authorization": "Bearer \xff"},
        {"X-Api-Key": "x"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/stations"), ("POST", "/nowhere"), ("TRACE", "/tokens"), ("GET", "")]
)
async def test_without_the_key_nothing_is_told(api: Api, headers: dict[str, str], method: str, path: str) -> None:
    refused = await api(method, path, headers=headers)
    assert (refused.status, refused.headers["Content-Type"]) == (401, PROBLEM)
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="voltbridge"'
    assert refused.body["type"] == "urn:voltbridge:problem:unauthorized"
    assert api.key not in refused.raw.decode()


async def test_the_scheme_is_named_without_regard_to_case(api: Api) -> None:
    assert (await api("GET", "/stations", headers={"Authorization": f"bearer {api.key}"})).status == 200


async def test_without_the_key_a_body_is_not_even_read(api: Api) -> None:
    refused = await api("POST", "/stations", headers={"Content-Type": "application/json"}, data=b"{")
    assert refused.status == 401


@pytest.mark.parametrize(
    ("method", "path", "status", "name"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/stations/", 404, "not-found"),
        ("GET", "/api/nowhere", 404, "not-found"),
        ("PUT", "/stations", 405, "method-not-allowed"),
        ("DELETE", "/healthz", 405, "method-not-allowed"),
    ],
)
async def test_wrong_addresses_and_methods(api: Api, method: str, path: str, status: int, name: str) -> None:
    refused = await api(method, path)
    assert (refused.status, refused.headers["Content-Type"]) == (status, PROBLEM)
    assert refused.body["type"] == f"urn:voltbridge:problem:{name}"
    assert refused.body["status"] == status


async def test_405_names_every_method_of_the_address(api: Api) -> None:
    allowed = [
        ("/stations", "GET, POST"),
        ("/stations/x", "DELETE, GET, PATCH"),
        ("/tokens/ISO14443/a", "DELETE, GET, PATCH, PUT"),
        ("/healthz", "GET"),
    ]
    for path, methods in allowed:
        assert (await api("PROPFIND", path)).headers["Allow"] == methods


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
async def test_a_body_must_say_that_it_is_json(api: Api, content_type: str | None) -> None:
    headers = {"Authorization": f"Bearer {api.key}", **({"Content-Type": content_type} if content_type else {})}
    skip = {} if content_type else {"skip_auto_headers": ["Content-Type"]}
    for path in ("/stations", "/stations/x/ocpp/Reset"):
        refused = await api("POST", path, headers=headers, data=b'{"station_id": "x"}', **skip)
        assert (refused.status, refused.headers["Content-Type"]) == (415, PROBLEM)
        assert "Content-Type: application/json" in refused.body["detail"]


async def test_broken_json_is_told_with_its_place(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/json; charset=utf-8"}
    refused = await api("POST", "/tokens", headers=headers, data=b'{"id_token": }')
    assert refused.status == 400
    assert refused.body["errors"] == [{"path": "$", "message": "not valid JSON at character 13: Expecting value"}]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_too_large_is_refused(api: Api, chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * (1 << 16)

    data = chunks() if chunked else io.BytesIO(b" " * (1 << 20) + b"{}")
    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"}
    for path in ("/tokens", "/stations/x/ocpp/Reset"):
        refused = await api("POST", path, headers=headers, data=data)
        assert (refused.status, refused.headers["Content-Type"]) == (413, PROBLEM)
        assert refused.body["detail"] == "The body is larger than 1 MiB."
        data = chunks() if chunked else io.BytesIO(b" " * (1 << 20) + b"{}")


async def test_several_mistakes_are_told_at_once(api: Api) -> None:
    refused = await api("POST", "/stations", {"station_id": "", "strictness": "lax", "colour": "red"})
    assert [error["path"] for error in refused.body["errors"]] == ["$.station_id", "$.strictness", "$.colour"]
    assert refused.body["detail"].startswith("3 fields are wrong; the first is $.station_id: ")


async def test_a_storage_out_of_reach_is_a_503(api: Api, running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unavailable(*_: object) -> None:
        raise StorageUnavailable("disk full at /secret/path")

    monkeypatch.setattr(running.storage.stations, "list", unavailable)
    refused = await api("GET", "/stations")
    assert (refused.status, refused.headers["Retry-After"], refused.headers["Content-Type"]) == (503, "5", PROBLEM)
    assert "secret" not in refused.raw.decode()


async def test_what_nobody_foresaw_is_a_500_without_internals(
    api: Api, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("internal detail")

    monkeypatch.setattr(running.storage.stations, "list", broken)
    refused = await api("GET", "/stations")
    assert (refused.status, refused.headers["Content-Type"]) == (500, PROBLEM)
    assert "internal detail" not in refused.raw.decode()
    monkeypatch.undo()
    assert (await api("GET", "/stations")).status == 200


async def test_health_and_readiness_need_no_key(api: Api) -> None:
    alive = await api("GET", "/healthz", headers={})
    assert (alive.status, alive.body) == (200, {"status": "ok"})
    ready = await api("GET", "/readyz", headers={})
    assert (ready.status, ready.body) == (200, {"ready": True, "checks": {"storage": "ok", "gateway": "ok"}})


async def test_readiness_tells_what_is_missing(api: Api, running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unavailable() -> int:
        raise StorageUnavailable

    monkeypatch.setattr(running.storage.events, "last_id", unavailable)
    monkeypatch.setattr(running.gateway, "_draining", True)
    ready = await api("GET", "/readyz", headers={})
    assert (ready.status, ready.body["ready"]) == (503, False)
    assert ready.body["checks"] == {
        "storage": "reads are failing",
        "gateway": "stations cannot connect: starting or stopping",
    }


async def test_metrics_count_what_stations_do(api: Api, running: Running) -> None:
    async def value(name: str) -> float:
        text = (await api("GET", "/metrics", headers={})).raw.decode()
        found = re.search(rf"^{re.escape(name)} ([0-9.e+]+)$", text, re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    beats = 'voltbridge_requests_received_total{action="Heartbeat",version="2.0.1"}'
    connected = 'voltbridge_stations_connected{version="2.0.1"}'
    await api("POST", "/stations", {"station_id": "metered"})
    before = await value(beats)
    async with Station(running.ocpp_port, "metered", "ocpp2.0.1") as station:
        await station.boot()
        await station.call("Heartbeat", {})
        assert await value(connected) == 1
    assert await value(beats) == before + 1
    assert await value("voltbridge_commits_total") > 0
    commits = await value('voltbridge_commit_seconds_bucket{le="+Inf"}')
    assert 0 < commits <= await value("voltbridge_commit_seconds_count")
    assert await value("process_resident_memory_bytes") > 0
    metrics = await api("GET", "/metrics", headers={})
    assert metrics.headers["Content-Type"].startswith("text/plain")
