"""A fleet over several processes: one command, one count, one end; a process that dies is not missed for long."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.station.plain_csms import PlainCsms

from voltbridge.cli.fleet_processes import Part, live_in_parts
from voltbridge.settings import ConfigurationError

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

_PATIENCE_S = 90
_LOOK_S = 0.1
"""Nothing tells a test that a process elsewhere has gone."""


class _Command:
    """A command under way, and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []
        self._spoken = asyncio.Event()
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.said.append(line.decode().rstrip())
            self._spoken.set()

    async def says(self, text: str) -> str:
        """Wait for a line with this text, and forget all up to it."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                for index, line in enumerate(self.said):
                    if text in line:
                        del self.said[: index + 1]
                        return line
                assert not self.reading.done(), self.said
                self._spoken.clear()
                await self._spoken.wait()

    def parts(self) -> list[int]:
        """The process ids of its parts."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]


@asynccontextmanager
async def _command(*arguments: str) -> AsyncIterator[_Command]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "voltbridge",
        "station",
        "fleet",
        *arguments,
        env={name: value for name, value in os.environ.items() if not name.startswith("VOLTBRIDGE_")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    command = _Command(process)
    try:
        yield command
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()  # its parts notice
        await process.wait()
        await command.reading


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def _gone(pids: list[int]) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while any(_alive(pid) for pid in pids):  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)


async def test_parts_are_one_command_and_a_dead_one_is_started_again(tmp_path: Path) -> None:
    async with PlainCsms() as csms:
        arguments = ("--count", "5", "--url", csms.url, "--data", str(tmp_path / "fleet"), "--processes", "2")
        async with _command(*arguments) as command:
            await command.says("5 of 5 stations connected")
            assert {request.match_info["identity"] for request in csms.attempts} == {
                f"FLEET-{number:05}" for number in range(1, 6)
            }
            first, second = command.parts()
            os.kill(second, signal.SIGKILL)
            await command.says("was killed by SIGKILL; it is started again")
            await command.says("5 of 5 stations connected")
            assert first in command.parts(), "the other one goes on"
            parts = command.parts()
            command.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(_PATIENCE_S):
                assert await command.process.wait() == 0
            await _gone(parts)
    kept = sorted(path.name for path in (tmp_path / "fleet").glob("*.db"))
    assert kept == ["stations-1-of-2.db", "stations-2-of-2.db"]

    async with _command("--count", "5", "--data", str(tmp_path / "fleet")) as command:
        await command.says("stations kept in 2 processes, not in 1: go on with --processes 2, or take another --data")
        assert await command.process.wait() == 2


async def test_one_control_api_for_all_parts(tmp_path: Path) -> None:
    names = [f"FLEET-{number:05}" for number in range(1, 5)]
    async with PlainCsms() as csms:
        arguments = ("--count", "4", "--url", csms.url, "--processes", "2", "--files", str(tmp_path))
        async with _command(*arguments, "--control-port", "0", "--control-key", "secret") as command:
            address = (await command.says("control API  http://")).split()[2]
            await command.says("4 of 4 stations connected")
            assert not [line for line in command.said if "control API" in line], "the parts' own are nobody's business"
            async with aiohttp.ClientSession(address, headers={"Authorization": "Bearer secret"}) as api:

                async def ask(method: str, path: str) -> tuple[int, Any]:
                    async with api.request(method, path) as response:
                        return response.status, await response.json(content_type=None)

                async def running() -> list[tuple[str, bool]]:
                    return [(each["identity"], each["running"]) for each in (await ask("GET", "/stations"))[1]["items"]]

                assert await running() == [(name, True) for name in names]
                for name in names:
                    assert (await ask("POST", f"/stations/{name}/plug"))[0] == 200
                    assert (await ask("GET", f"/stations/{name}"))[1]["evses"][0]["plugged_in"] is True
                    assert (tmp_path / name / "logs" / "security.log").exists()
                assert (await ask("POST", "/stations/FLEET-00005/plug"))[0] == 404

                async def refused() -> bool:
                    """Whether a station of the part that was killed is refused, before the part lives again."""
                    os.kill(command.parts()[-1], signal.SIGKILL)
                    for _ in range(20):
                        status, said = await ask("GET", "/stations/FLEET-00002")
                        if status == 503:
                            assert "part 2 of the fleet" in said["detail"]
                            return True
                    return False

                async with asyncio.timeout(_PATIENCE_S):
                    while not await refused():  # this machine was too slow to look in time
                        await command.says("4 of 4 stations connected")
                    assert (await ask("GET", "/stations/FLEET-00001"))[1]["evses"][0]["plugged_in"] is True
                    await command.says("was killed by SIGKILL; it is started again")
                    await command.says("4 of 4 stations connected")
                    assert await running() == [(name, True) for name in names]
                    assert (await ask("GET", "/stations/FLEET-00002"))[1]["evses"][0]["plugged_in"] is False, "anew"
            command.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(_PATIENCE_S):
                assert await command.process.wait() == 0


async def test_a_port_that_is_taken_is_said_before_anything_starts() -> None:
    async with await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0) as server:
        port = str(server.sockets[0].getsockname()[1])
        async with _command("--count", "2", "--processes", "2", "--control-port", port) as command:
            await command.says(f"port {port} cannot be used for the control API")
            assert await command.process.wait() == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--files", "/dev/null/files"), "--files /dev/null/files: "),
        (("--known-hosts", "/dev/null/hosts"), "--known-hosts /dev/null/hosts: "),
    ],
)
async def test_places_that_cannot_be_are_said_before_anything_starts(options: tuple[str, ...], said: str) -> None:
    async with _command("--count", "2", *options) as command:
        await command.says(said)
        assert await command.process.wait() == 2


async def test_parts_end_when_whoever_started_them_is_gone() -> None:
    async with PlainCsms() as csms, _command("--count", "2", "--url", csms.url, "--processes", "2") as command:
        await command.says("2 of 2 stations connected")
        parts = command.parts()
        command.process.kill()
        await _gone(parts)


async def test_a_mistake_in_the_options_ends_the_command_at_once() -> None:
    said: list[str] = []
    status = await live_in_parts(
        lambda part: ("station", "fleet", "--part", "9/2"), 2, 10, environment=dict(os.environ), warn=said.append
    )
    assert status == 2
    assert said == []


@pytest.mark.parametrize("text", ["", "0/2", "3/2", "1", "a/b", "1/2/3", "-1/2"])
def test_a_part_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--part is like 2/4"):
        Part.read(text)


def test_each_part_keeps_its_own_file() -> None:
    assert [Part.read(f"{number}/3").file for number in (1, 2, 3)] == [
        "stations-1-of-3.db",
        "stations-2-of-3.db",
        "stations-3-of-3.db",
    ]
    assert Part().file == "stations.db"
