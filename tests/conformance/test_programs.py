"""A tester's own program as the driver: what it is asked to do, and what becomes of what it does not know."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from voltbridge.conformance.automation import DEEDS, AutomatedCsms, AutomatedStation, UnknownDeed
from voltbridge.conformance.catalogue import Role
from voltbridge.conformance.configuration import Configuration, Token
from voltbridge.conformance.drivers import CsmsDriver, Instruction, StationDriver
from voltbridge.conformance.failure import DriverFailed, NotApplicable
from voltbridge.conformance.manual_driver import ManualCsms
from voltbridge.conformance.manual_station import ManualStation
from voltbridge.conformance.programs import InvalidProgram, PythonFile, Webhook, skeleton
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

CONFIGURATION = Configuration(station_id="CP 1", password="0123456789abcdef")
RESET = Instruction("reset it", "CP 1", "Reset", {"type": "OnIdle"}, ("reset", {"type": "OnIdle"}), 3.0)


class Recorded:
    """Notes what it is asked for; what is unknown or answered otherwise is said beforehand."""

    def __init__(self, unknown: set[str] | None = None, **answers: object) -> None:
        self.done: list[tuple[str, Mapping[str, Any]]] = []
        self._unknown = unknown or set()
        self._answers = answers

    async def do(self, name: str, arguments: Mapping[str, Any]) -> object:
        if name in self._unknown:
            raise UnknownDeed(name)
        json.dumps(arguments)  # whatever a webhook could not be told
        self.done.append((name, arguments))
        return self._answers.get(name, True)


async def operate(csms: CsmsDriver) -> None:
    """All that a CSMS can be asked for."""
    await csms.prepare(CONFIGURATION)
    await csms.send(RESET)
    await csms.price("CP 1")
    await csms.decide("CP 1", "Pending")
    assert await csms.shows({"status": "Accepted"}, "Is it there?")
    assert await csms.shows_variable("CP 1", "AuthCtrlr", "Enabled", "true")
    assert await csms.shows_monitor("CP 1", "EVSE", 1, "Power", "Delta")
    await csms.end()


async def drive(station: StationDriver) -> None:
    """All that can be done to a station."""
    await station.begin("ws://kit/ocpp", CONFIGURATION, Version.V201)
    await station.present(Token(id_token="T"), 2)
    for name in ("drive_in", "drive_out", "unplug_at_ev", "plug_at_ev", "suspend", "resume", "talk", "renegotiate"):
        await getattr(station, name)(1)
    for name in ("stop_session", "choose_to_stop"):
        await getattr(station, name)(1)
    for name in ("plug_in", "unplug", "fault", "mend", "jam"):
        await getattr(station, name)(1, 2)
    await station.power_cycle()
    await station.limit_from_outside()
    await station.notify()
    await station.make({"name": "EVSE"}, {"name": "Power"}, "1")
    await station.register_customer("C")
    assert await station.locked(1, 2)
    assert await station.sees("Is it there?", "HELLO")
    await station.end()


async def test_everything_a_driver_can_be_asked_for_is_a_deed() -> None:
    csms, station = Recorded(), Recorded()
    await operate(AutomatedCsms("ws://host/", csms, 30.0))
    await drive(AutomatedStation(station))
    for role, program, driver in ((Role.CSMS, csms, CsmsDriver), (Role.STATION, station, StationDriver)):
        asked = dict(program.done)
        assert asked.keys() == DEEDS[role].keys()
        assert all(tuple(arguments) == DEEDS[role][name].arguments for name, arguments in asked.items())
        assert all(inspect.isfunction(getattr(driver, name)) for name in DEEDS[role])
    assert dict(csms.done)["send"]["parameters"] == {"type": "OnIdle"}
    assert dict(csms.done)["prepare"]["configuration"]["tokens"]["valid"]["id_token"]
    begun = dict(station.done)["begin"]
    assert (begun["url"], begun["version"]) == ("ws://kit/ocpp/CP 1", "2.0.1")
    assert begun["password"] == "0123456789abcdef"


async def test_what_neither_the_program_nor_a_person_does_keeps_the_case_from_running() -> None:
    every = {*DEEDS[Role.CSMS], *DEEDS[Role.STATION]}
    csms, station = AutomatedCsms("ws://host", Recorded(every), 30.0), AutomatedStation(Recorded(every))
    await csms.prepare(CONFIGURATION)
    for name in ("drive_in", "drive_out"):
        await getattr(station, name)(1)
    with pytest.raises(NotApplicable, match="the driver has no send: Have the CSMS send"):
        await csms.send(RESET)
    with pytest.raises(NotApplicable, match="no plug_in"):
        await station.plug_in(1, 1)
    with pytest.raises(NotApplicable, match="no locked"):
        await station.locked(1, 1)


async def test_a_person_does_what_the_program_does_not_know() -> None:
    every = {*DEEDS[Role.CSMS], *DEEDS[Role.STATION]}
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "y"

    await operate(AutomatedCsms("ws://host", Recorded(every), 30.0, ManualCsms("ws://host", asked.append, ask)))
    await drive(AutomatedStation(Recorded(every), ManualStation(asked.append, ask)))
    told = "\n".join(asked)
    for said in ("reset it", "Is it there?", "cost something", "Pending", "Power cycle", "Plug the cable", "HELLO"):
        assert said in told


async def test_a_question_wants_a_clear_answer() -> None:
    assert not await AutomatedStation(Recorded(locked=False)).locked(1, 1)
    with pytest.raises(DriverFailed, match="answered locked with None, where true or false is wanted"):
        await AutomatedStation(Recorded(locked=None)).locked(1, 1)


def written(directory: Path, text: str) -> Path:
    file = directory / "mine.py"
    file.write_text(text)
    return file


async def test_functions_of_a_file_are_told_what_they_want_to_know(tmp_path: Path) -> None:
    text = """
seen = []
def send(action, payload): seen.append((action, payload))
async def shows(response, more=1): return response == {"status": "Accepted"}
def decide(**all): seen.append(all)
def price(): raise NotImplementedError
def shows_variable(): raise RuntimeError("no such page")
"""
    program = PythonFile(written(tmp_path, text), Role.CSMS)
    csms = AutomatedCsms("ws://host", program, 30.0)
    await csms.send(RESET)
    await csms.decide("CP 1", "Pending")
    assert await csms.shows({"status": "Accepted"}, "")
    seen = program._functions["send"][0].__globals__["seen"]
    assert seen == [("Reset", {"type": "OnIdle"}), {"station_id": "CP 1", "registration": "Pending"}]
    with pytest.raises(NotApplicable, match="no price"):
        await csms.price("CP 1")
    with pytest.raises(DriverFailed, match=r"shows_variable in .*mine\.py: RuntimeError: no such page"):
        await csms.shows_variable("CP 1", "A", "B", "c")


async def test_a_function_that_waits_for_the_peer_does_not_keep_the_kit_from_it(tmp_path: Path) -> None:
    text = "import threading\nserved = threading.Event()\ndef send(): assert served.wait(30)\n"
    program = PythonFile(written(tmp_path, text), Role.CSMS)
    sent = asyncio.create_task(AutomatedCsms("ws://host", program, 30.0).send(RESET))
    program._functions["send"][0].__globals__["served"].set()
    await sent


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def nothing(): pass", "has none of the functions prepare, send,"),
        ("def send(station): pass", "send wants station; it can be told text, station_id, action,"),
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("def send(:", "SyntaxError"),
    ],
)
def test_a_file_that_is_no_driver_is_told_so(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InvalidProgram, match=told.replace("(", r"\(")):
        PythonFile(written(tmp_path, text), Role.CSMS)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    for name in ("none.py", "driver.txt"):
        with pytest.raises(InvalidProgram, match="is no Python file"):
            PythonFile(tmp_path / name, Role.CSMS)


@pytest.mark.parametrize("role", Role)
async def test_the_skeleton_is_a_driver_that_knows_nothing_yet(tmp_path: Path, role: Role) -> None:
    text = skeleton(role)
    functions = [one for one in ast.parse(text).body if isinstance(one, ast.FunctionDef)]
    assert [one.name for one in functions] == list(DEEDS[role])
    program = PythonFile(written(tmp_path, text), role)
    for name, deed in DEEDS[role].items():
        with pytest.raises(UnknownDeed):
            await program.do(name, dict.fromkeys(deed.arguments))


class Hook:
    """Answers every deed with what is planned for it, or with 204 and nothing."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.planned: dict[str, tuple[int, str]] = {}
        self.url = ""
        self.key: str | None = None

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        self.key = request.headers.get("Authorization")
        status, text = self.planned.get(body["do"], (204, ""))
        return web.Response(status=status, text=text)


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    hook = Hook()
    application = web.Application()
    application.router.add_post("/act", hook.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/act"
    yield hook
    await runner.cleanup()


async def test_a_webhook_is_asked_and_its_answers_are_read(hook: Hook) -> None:
    hook.planned = {
        "locked": (200, '{"answer": true}'),
        "sees": (200, '{"answer": false}'),
        "notify": (501, "what is that?"),
        "fault": (500, "the relay is stuck"),
        "jam": (200, "done"),
    }
    async with Webhook(hook.url, "key") as webhook:
        station = AutomatedStation(webhook)
        await station.plug_in(1, 2)
        assert hook.asked == [{"do": "plug_in", "evse_id": 1, "connector_id": 2}]
        assert hook.key == "Bearer key"
        assert await station.locked(1, 2)
        assert not await station.sees("?", "HELLO")
        with pytest.raises(NotApplicable, match="no notify"):
            await station.notify()
        with pytest.raises(DriverFailed, match=r"fault by http://.*: HTTP 500 the relay is stuck"):
            await station.fault(1, 1)
        with pytest.raises(DriverFailed, match="jam by http"):
            await station.jam(1, 1)


async def test_a_webhook_that_is_not_there_is_told() -> None:
    async with Webhook("http://127.0.0.1:1/act") as webhook:
        with pytest.raises(DriverFailed, match=r"power_cycle by http://127\.0\.0\.1:1/act"):
            await AutomatedStation(webhook).power_cycle()
