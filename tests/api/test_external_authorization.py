"""The operator's own authorization service: asked over HTTP, and what holds while it hangs, fails or talks nonsense."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.api.clients import Api, Station

from voltbridge.app import start
from voltbridge.domain.tokens import AuthorizationFallback
from voltbridge.settings import Settings

pytestmark = pytest.mark.anyio


class Service:
    """What the service answers, and what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body: Any = {"status": "Accepted"}
        self.questions: list[dict[str, Any]] = []
        self.open = 0
        self.most = 0
        self.released = asyncio.Event()
        self.released.set()
        self.full = asyncio.Event()
        self.wanted_at_once = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.questions.append(await request.json())
        self.open += 1
        self.most = max(self.most, self.open)
        if self.open == self.wanted_at_once:
            self.full.set()
        try:
            await self.released.wait()
        finally:
            self.open -= 1
        text = self.body if isinstance(self.body, str | bytes) else json.dumps(self.body)
        body = text.encode() if isinstance(text, str) else text
        return web.Response(body=body, status=self.status, headers={"Location": "/elsewhere"})


@asynccontextmanager
async def site(tmp_path: Path, *, hold: bool = False, **settings: Any) -> AsyncIterator[tuple[Service, Api, Any]]:
    service = Service()
    if hold:
        service.released.clear()
    application = web.Application()
    application.router.add_post("/", service.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    given: dict[str, Any] = {"authorization_url": url, **settings}
    running = await start(
        Settings(data=tmp_path, ocpp_host="127.0.0.1", ocpp_port=0, http_port=0, shutdown_timeout=5, **given)
    )
    api = Api(running.http_port, running.admin_key)
    try:
        yield service, api, running
    finally:
        service.released.set()
        await api.close()
        await running.stop()
        await runner.cleanup()


@asynccontextmanager
async def station(api: Api, running: Any, protocol: str = "ocpp2.0.1", name: str = "CP") -> AsyncIterator[Station]:
    await api("POST", "/stations", {"station_id": name})
    async with Station(running.ocpp_port, name, protocol) as one:
        await one.boot()
        yield one


async def authorize(one: Station, id_token: str, type: str = "ISO14443", **more: Any) -> Any:
    return (await one.call("Authorize", {"idToken": {"idToken": id_token, "type": type, **more}}))["idTokenInfo"]


async def test_the_service_decides(tmp_path: Path) -> None:
    async with site(tmp_path) as (service, api, running), station(api, running) as one:
        service.body = {
            "status": "Accepted",
            "group_id_token": "FLEET",
            "expires_at": "2099-01-01T00:00:00+00:00",
            "personal_message": "Welcome",
            "more": 1,
        }
        info = await authorize(one, "NEW", additionalInfo=[{"additionalIdToken": "PIN-1", "type": "PIN"}])
        assert (info["status"], info["groupIdToken"]["idToken"]) == ("Accepted", "FLEET")
        assert info["cacheExpiryDateTime"].startswith("2099-01-01")
        assert info["personalMessage"]["content"] == "Welcome"
        assert service.questions == [
            {
                "id_token": "NEW",
                "type": "ISO14443",
                "additional_info": [{"additional_id_token": "PIN-1", "type": "PIN"}],
                "station_id": "CP",
                "known_status": "Unknown",
            }
        ]
        service.body = {"status": "NoCredit"}
        assert (await authorize(one, "NEW"))["status"] == "NoCredit"


async def test_what_is_refused_here_or_is_no_drivers_is_not_asked(tmp_path: Path) -> None:
    async with site(tmp_path) as (service, api, running), station(api, running) as one:
        await api("POST", "/tokens", {"id_token": "BAD", "status": "Blocked"})
        assert (await authorize(one, "BAD"))["status"] == "Blocked"
        assert (await authorize(one, "", "NoAuthorization"))["status"] == "Accepted"
        assert service.questions == []


async def test_a_transaction_asks_only_when_nothing_is_remembered(tmp_path: Path) -> None:
    async with site(tmp_path) as (service, api, running), station(api, running, "ocpp1.6") as one:
        assert (await one.call("Authorize", {"idTag": "NEW"}))["idTagInfo"]["status"] == "Accepted"
        begun = {"connectorId": 1, "meterStart": 0, "timestamp": "2026-05-01T12:00:00Z"}
        started = await one.call("StartTransaction", {**begun, "idTag": "NEW"})
        assert started["idTagInfo"]["status"] == "Accepted"
        assert len(service.questions) == 1
        await one.call("StartTransaction", {**begun, "connectorId": 2, "idTag": "OTHER"})
        assert [question["id_token"] for question in service.questions] == ["NEW", "OTHER"]


BROKEN = [
    (500, {"status": "Accepted"}),
    (302, {"status": "Accepted"}),
    (200, "no JSON"),
    (200, b'{"status": "Accepted", "note": "\xff", "language": "\xff"}'),
    (200, {"status": "Perhaps"}),
    (200, {}),
    (200, [1]),
    (200, {"status": "Accepted", "expires_at": "2099-01-01T00:00:00"}),
    (200, '{"status": "Accepted", "more": "' + "x" * 70_000 + '"}'),
    (200, "[" * 10_000),
]


async def test_answers_that_are_none(tmp_path: Path) -> None:
    async with site(tmp_path) as (service, api, running), station(api, running) as one:
        await api("POST", "/tokens", {"id_token": "KNOWN"})
        for status, body in BROKEN:
            service.status, service.body = status, body
            assert (await authorize(one, "KNOWN"))["status"] == "Accepted", body
            assert (await authorize(one, "NEW"))["status"] == "Unknown", body
        assert len(service.questions) == 2 * len(BROKEN)


@pytest.mark.parametrize(
    ("fallback", "known", "new", "refused"),
    [
        (AuthorizationFallback.ACCEPT_KNOWN, "Accepted", "Unknown", "Blocked"),
        (AuthorizationFallback.REJECT, "Invalid", "Invalid", "Blocked"),
        (AuthorizationFallback.ACCEPT, "Accepted", "Accepted", "Blocked"),
    ],
)
async def test_a_service_that_hangs(
    tmp_path: Path, fallback: AuthorizationFallback, known: str, new: str, refused: str
) -> None:
    settings: dict[str, Any] = {"authorization_timeout": 0.1, "authorization_fallback": fallback}
    async with site(tmp_path, hold=True, **settings) as (_, api, running), station(api, running) as one:
        await api("POST", "/tokens", {"id_token": "KNOWN"})
        await api("POST", "/tokens", {"id_token": "BAD", "status": "Blocked"})
        assert (await authorize(one, "KNOWN"))["status"] == known
        assert (await authorize(one, "NEW"))["status"] == new
        assert (await authorize(one, "BAD"))["status"] == refused


async def test_a_service_that_is_not_there(tmp_path: Path) -> None:
    nowhere: dict[str, Any] = {"authorization_url": "http://127.0.0.1:1/"}
    async with site(tmp_path, **nowhere) as (_, api, running), station(api, running) as one:
        await api("POST", "/tokens", {"id_token": "KNOWN"})
        assert (await authorize(one, "KNOWN"))["status"] == "Accepted"
        assert (await authorize(one, "NEW"))["status"] == "Unknown"


async def test_a_fallback_is_not_remembered(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"authorization_fallback": AuthorizationFallback.REJECT}
    async with site(tmp_path, **settings) as (service, api, running), station(api, running, "ocpp1.6") as one:
        service.status = 503
        assert (await one.call("Authorize", {"idTag": "NEW"}))["idTagInfo"]["status"] == "Invalid"
        service.status = 200
        begun = {"connectorId": 1, "meterStart": 0, "timestamp": "2026-05-01T12:00:00Z", "idTag": "NEW"}
        assert (await one.call("StartTransaction", begun))["idTagInfo"]["status"] == "Accepted"


async def test_waiting_holds_up_nobody_else_and_is_bounded(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"authorization_concurrency": 2, "authorization_timeout": 30}
    async with site(tmp_path, hold=True, **settings) as (service, api, running):
        service.wanted_at_once = 2
        async with (
            station(api, running, name="A") as a,
            station(api, running, name="B") as b,
            station(api, running, name="C") as c,
            station(api, running, name="D") as d,
        ):
            asked = [asyncio.create_task(authorize(one, "NEW")) for one in (a, b, c)]
            async with asyncio.timeout(30):
                await service.full.wait()
            await d.call("Heartbeat", {})
            assert service.open == 2
            service.released.set()
            assert [info["status"] for info in await asyncio.gather(*asked)] == ["Accepted"] * 3
            assert (service.most, len(service.questions)) == (2, 3)
