"""``voltbridge station run`` and ``voltbridge up --demo`` as processes: keys of a terminal, REST, scenarios."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.station.plain_csms import PlainCsms, Visit
from tests.support.process import Up
from tests.support.rest import Rest

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

PATIENCE_S = 60.0
PROGRAM = (sys.executable, "-m", "voltbridge", "station", "run", "CP-9", "--version", "2.0.1")
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    # The size of the terminal of whoever runs the tests is not that of the terminals here.
    if not name.startswith("VOLTBRIDGE_") and name not in ("COLUMNS", "LINES")
}


@contextlib.asynccontextmanager
async def started(csms: PlainCsms, *arguments: str, **pipes: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """A station run by the command line; whatever happens, it is gone afterwards."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "--url", csms.url, *arguments, env=ENVIRONMENT | {"TERM": "xterm"}, **pipes
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class Terminal:
    """A pseudo-terminal: what is typed into it and what it shows."""

    def __init__(self, lines: int = 50, columns: int = 160) -> None:
        self._master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.shown = ""
        self._news = asyncio.Event()
        self._before = termios.tcgetattr(self.slave)
        asyncio.get_running_loop().add_reader(self._master, self._read)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            self.shown += os.read(self._master, 65_536).decode(errors="replace")
        self._news.set()

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    async def shows(self, text: str) -> None:
        while text not in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.shown):
            self._news.clear()
            await self._news.wait()

    def is_as_before(self) -> bool:
        """Lines and echo as a shell wants them."""
        return bool(termios.tcgetattr(self.slave)[3] == self._before[3])

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        os.close(self.slave)


async def status(visit: Visit, wanted: str) -> None:
    while (await visit.frame("StatusNotification"))["connectorStatus"] != wanted:
        pass


@pytest.mark.parametrize(("lines", "columns"), [(50, 160), (24, 80)])
async def test_a_station_in_the_terminal_is_played_with_keys(lines: int, columns: int) -> None:
    async with PlainCsms() as csms, asyncio.timeout(PATIENCE_S):
        terminal = Terminal(lines, columns)
        try:
            pipes = {"stdin": terminal.slave, "stdout": terminal.slave, "stderr": terminal.slave}
            async with started(csms, "--evses", "2", **pipes) as process:
                visit = await csms.visits.get()
                await status(visit, "Available")
                await terminal.shows("CP-9  online  Accepted")
                assert not terminal.is_as_before()
                terminal.type("2")
                await terminal.shows("EVSE 2 is chosen")
                terminal.type("p")
                await status(visit, "Occupied")
                terminal.type("s")
                event = await visit.frame("TransactionEvent")
                while event["transactionInfo"].get("chargingState") != "Charging":
                    event = await visit.frame("TransactionEvent")
                await terminal.shows("TransactionEvent")
                terminal.type("u")
                await terminal.shows("is locked: show the token")
                terminal.type("f")
                await status(visit, "Faulted")
                terminal.type("r")
                await status(visit, "Occupied")
                terminal.type("?q")
                assert await process.wait() == 0
            assert terminal.is_as_before()
            assert "Traceback" not in terminal.shown
        finally:
            terminal.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_terminal_is_as_before_after_a_signal(number: signal.Signals) -> None:
    async with PlainCsms() as csms, asyncio.timeout(PATIENCE_S):
        terminal = Terminal()
        try:
            pipes = {"stdin": terminal.slave, "stdout": terminal.slave, "stderr": terminal.slave}
            async with started(csms, **pipes) as process:
                await terminal.shows("online")
                process.send_signal(number)
                assert await process.wait() == 0
            assert terminal.is_as_before()
            assert "Traceback" not in terminal.shown
        finally:
            terminal.close()


async def test_a_station_without_a_terminal_is_played_by_rest() -> None:
    async with PlainCsms() as csms, asyncio.timeout(PATIENCE_S):
        options = ("--no-view", "--control-port", "0", "--control-key", "secret", "--personality", "early-talker")
        pipe = asyncio.subprocess.PIPE
        async with started(csms, *options, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe) as process:
            assert process.stdout is not None
            address = (await process.stdout.readline()).decode().split()[2]
            visit = await csms.visits.get()
            first = await visit.frames.get()
            assert first[2] == "StatusNotification"  # before the boot, as this personality does
            await visit.frame("BootNotification")
            async with aiohttp.ClientSession(address, headers={"Authorization": "Bearer secret"}) as api:
                await status(visit, "Available")
                async with api.post("/stations/CP-9/ground-fault", data=json.dumps({"evse": 1})) as answer:
                    assert answer.status == 200
                await status(visit, "Faulted")
                async with api.post("/stations/CP-9/mend", data=json.dumps({"fault": "ground-fault"})) as answer:
                    assert answer.status == 200
                await status(visit, "Available")
                async with api.post("/stations/CP-9/drop", data=json.dumps({"share": 7})) as answer:
                    assert answer.status == 422
            process.send_signal(signal.SIGTERM)
            _, errors = await process.communicate()
            assert process.returncode == 0
            assert b"Traceback" not in errors


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("steps:\n  - wait: {online: true}\n  - do: plug\n  - wait: {connector: Preparing}\n", 0, ""),
        ("steps:\n  - wait: {online: true}\n  - do: unplug\n", 1, "step 2, unplug: no car is plugged in at EVSE 1"),
    ],
    ids=["played", "failed"],
)
async def test_a_scenario_of_the_command_line(tmp_path: Path, text: str, code: int, said: str) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(text)
    async with PlainCsms() as csms, asyncio.timeout(PATIENCE_S):
        pipe = asyncio.subprocess.PIPE
        async with started(csms, "--scenario", str(file), stdout=pipe, stderr=pipe) as process:
            _, errors = await process.communicate()
            assert process.returncode == code, errors
            assert said in errors.decode()
            assert b"Traceback" not in errors


async def test_a_demo_lives_beside_the_csms(tmp_path: Path) -> None:
    """At sixty times the speed of the clock, so that drivers come within seconds."""
    up = await Up.start(tmp_path, clock="2026-03-01T00:00:00Z×60", demo=3)
    try:
        async with Rest(up.http_port, up.admin_key) as rest, asyncio.timeout(PATIENCE_S):
            names = [f"DEMO-{version}" for version in ("1.6", "2.0.1", "2.1")]
            for name in names:
                await rest.event("station.connected", name)
            started_ones = [asyncio.create_task(rest.event("transaction.started", name)) for name in names]
            await asyncio.wait(started_ones, return_when=asyncio.FIRST_COMPLETED)
            for each in started_ones:
                each.cancel()
            await asyncio.gather(*started_ones, return_exceptions=True)
            listed = await rest.items("/stations")
            assert sorted(each["station_id"] for each in listed) == names
            assert (await rest.items("/transactions"))[0]["id_token"].startswith("DEMO-")
        assert (tmp_path / "demo.db").exists()
    finally:
        await up.stop()
    assert not [line for line in up.said if "Traceback" in line]
