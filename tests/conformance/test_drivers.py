"""A person and a program as the operator of the CSMS."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from voltbridge.conformance.configuration import Configuration
from voltbridge.conformance.drivers import Instruction
from voltbridge.conformance.failure import DriverFailed
from voltbridge.conformance.manual_driver import ManualCsms
from voltbridge.conformance.rest_driver import RestCsms

pytestmark = pytest.mark.anyio

CONFIGURATION = Configuration(station_id="CP 1", password="0123456789abcdef")
RESET = Instruction("reset it when idle", "CP 1", "Reset", {"type": "OnIdle"})


class Person:
    """Reads what the kit says and answers its questions in turn."""

    def __init__(self, *answers: str) -> None:
        self.read: list[str] = []
        self.asked: list[str] = []
        self._answers = list(answers)

    def say(self, text: str) -> None:
        self.read.append(text)

    def ask(self, question: str) -> str:
        self.asked.append(question)
        return self._answers.pop(0)


async def test_a_person_learns_what_to_set_up() -> None:
    person = Person("")
    await ManualCsms("ws://host/ocpp/", person.say, person.ask).prepare(CONFIGURATION)
    told = "\n".join(person.read)
    tokens = CONFIGURATION.tokens
    for what in (tokens.valid, tokens.valid2, tokens.blocked, tokens.expired, tokens.master_pass, tokens.invalid):
        assert what.id_token in told
    assert "CP 1" in told
    assert "0123456789abcdef" in told
    assert len(person.asked) == 1


async def test_a_person_is_told_what_to_do() -> None:
    person = Person()
    csms = ManualCsms("ws://host/ocpp/", person.say, person.ask)
    await csms.send(RESET)
    assert "reset it when idle" in person.read[0]
    assert csms.url == "ws://host/ocpp"
    assert csms.reaction_s >= 60


async def test_a_person_is_told_to_price_the_energy() -> None:
    person = Person("")
    await ManualCsms("ws://host", person.say, person.ask).price("CP 1")
    assert "CP 1" in person.read[0]
    assert "kWh" in person.read[0]
    assert len(person.asked) == 1


@pytest.mark.parametrize(("answers", "shown"), [(["y"], True), (["N"], False), (["what?", "", "yes"], True)])
async def test_a_person_is_asked_until_the_answer_is_clear(answers: list[str], shown: bool) -> None:
    person = Person(*answers)
    csms = ManualCsms("ws://host", person.say, person.ask)
    assert await csms.shows({}, "Is it there?") is shown
    assert len(person.asked) == len(answers)


Request = tuple[str, str, Any]


class Api:
    """Answers every request with what is planned for it, or 200 and an empty object."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.planned: dict[tuple[str, str], web.Response] = {}
        self.address = ""

    async def answer(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer key"
        body = await request.json() if request.can_read_body else None
        self.requests.append((request.method, request.rel_url.raw_path_qs, body))
        return self.planned.get((request.method, request.path), web.json_response({}))


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api = Api()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api.address = f"http://127.0.0.1:{runner.addresses[0][1]}/api/v1"
    yield api
    await runner.cleanup()


async def test_the_api_is_told_of_the_station_and_the_tokens(api: Api) -> None:
    async with RestCsms("ws://host/ocpp", api.address, "key") as csms:
        await csms.prepare(CONFIGURATION)
    station, *tokens = api.requests
    assert station == ("POST", "/api/v1/stations", {"station_id": "CP 1", "password": "0123456789abcdef"})
    bodies = {path.rsplit("/", 1)[1]: body for _, path, body in tokens}
    named = CONFIGURATION.tokens
    assert bodies[named.valid.id_token]["group_id_token"] == named.group.id_token
    assert bodies[named.master_pass.id_token]["group_id_token"] == named.master_pass_group.id_token
    assert bodies[named.blocked.id_token]["status"] == "Blocked"
    assert bodies[named.expired.id_token]["expires_at"] < "2025"
    assert named.invalid.id_token not in bodies


async def test_a_station_the_csms_knows_already_gets_the_password(api: Api) -> None:
    api.planned["POST", "/api/v1/stations"] = web.json_response({}, status=409)
    async with RestCsms("ws://host/ocpp", api.address, "key") as csms:
        await csms.prepare(CONFIGURATION)
    assert ("PATCH", "/api/v1/stations/CP%201", {"registration": "Accepted"}) in api.requests
    assert ("PUT", "/api/v1/stations/CP%201/password", {"password": "0123456789abcdef"}) in api.requests


async def test_the_api_is_told_a_tariff_of_the_stations_energy(api: Api) -> None:
    async with RestCsms("ws://host/ocpp", api.address, "key") as csms:
        await csms.price("CP 1")
    (_, tariff, made), (_, assignment, assigned) = api.requests
    assert (tariff, assignment) == ("/api/v1/tariffs/conformance", "/api/v1/tariff-assignments/conformance")
    assert made["energy"]["prices"]
    assert assigned == {"tariff_id": "conformance", "station_ids": ["CP 1"]}


async def test_a_message_goes_through_the_door(api: Api) -> None:
    door = ("POST", "/api/v1/stations/CP 1/ocpp/Reset")
    api.planned[door] = web.json_response({"status": "Accepted"})
    async with RestCsms("ws://host/ocpp", api.address, "key", timeout_s=7) as csms:
        await csms.send(RESET)
        assert api.requests == [("POST", "/api/v1/stations/CP%201/ocpp/Reset?timeout_s=7", {"type": "OnIdle"})]
        assert await csms.shows({"status": "Accepted"}, "")
        assert not await csms.shows({"status": "Rejected"}, "")


async def test_where_there_is_a_command_it_is_given(api: Api) -> None:
    path = "/api/v1/stations/CP 1/commands/reset"
    done = {"answer": {"status": "Scheduled"}, "error": None}
    api.planned["POST", path] = web.json_response(done)
    instruction = replace(RESET, command=("reset", {"type": "OnIdle"}), timeout_s=3)
    async with RestCsms("ws://host/ocpp", api.address, "key") as csms:
        await csms.send(instruction)
        wanted = {"type": "OnIdle", "timeout_s": 3}
        assert api.requests == [("POST", "/api/v1/stations/CP%201/commands/reset", wanted)]
        assert await csms.shows({"status": "Scheduled"}, "")
        failed = {"answer": None, "error": {"code": "timeout", "detail": "no answer within 3 s"}}
        api.planned["POST", path] = web.json_response(failed)
        with pytest.raises(DriverFailed, match="reset: timeout no answer"):
            await csms.send(instruction)
        assert not await csms.shows({"status": "Scheduled"}, "")


async def test_monitors_are_looked_for_in_the_list(api: Api) -> None:
    async with RestCsms("ws://host/ocpp", api.address, "key") as csms:
        for evse_id, there in ((2, True), (1, False), (None, False)):
            items = [{"component": {"evse_id": 2}}]
            listed = web.json_response({"items": items, "next": None})
            api.planned["GET", "/api/v1/stations/CP 1/monitors"] = listed
            assert await csms.shows_monitor("CP 1", "EVSE", evse_id, "Power", "Delta") is there
        assert api.requests[-1][1].endswith("/monitors?component=EVSE&variable=Power&type=Delta")


@pytest.mark.parametrize(("evse_id", "place"), [(None, "of Station of"), (3, "of Station 3 of")])
async def test_a_person_is_asked_for_monitors(evse_id: int | None, place: str) -> None:
    person = Person("y")
    csms = ManualCsms("ws://host", person.say, person.ask)
    assert await csms.shows_monitor("CP 1", "Station", evse_id, "Power", "Delta")
    assert place in person.asked[0] and "Delta" in person.asked[0]


async def test_what_the_api_refuses_is_told(api: Api) -> None:
    refused = json.dumps({"detail": "the station is not connected"})
    api.planned["POST", "/api/v1/stations/CP 1/ocpp/Reset"] = web.Response(text=refused, status=409)
    async with RestCsms("ws://host/ocpp", api.address, "key") as csms:
        with pytest.raises(DriverFailed, match=r"409 .*not connected"):
            await csms.send(RESET)


async def test_no_api_at_all_is_told() -> None:
    async with RestCsms("ws://host/ocpp", "http://127.0.0.1:1/api/v1", "key") as csms:
        with pytest.raises(DriverFailed, match=r"127\.0\.0\.1:1"):
            await csms.prepare(CONFIGURATION)
