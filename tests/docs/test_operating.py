"""An operator's day, run as the page tells it: every command in one shell, every answer held against what is shown."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.docs.pages import Step, blocks, matches, steps
from tests.support.process import running

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(500)]

_PAGE = "docs/operating.md"
_PATIENCE_S = 60.0
_END = "that was all of the answer"
_READS = re.compile(r"(api \"?\$API\S*|grep \S+ \S+)( \||$)|api \S+ -H 'Accept")
"""Commands that only read: they are asked again until the answer is as shown, as an operator would."""


class Shell:
    """One shell for the whole page, as its variables and functions go from one command to the next."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._to, self._from = process, process.stdin, process.stdout

    @classmethod
    @asynccontextmanager
    async def start(cls, directory: Path, settings: dict[str, str]) -> AsyncIterator[Shell]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VOLTBRIDGE_")}
        process = await asyncio.create_subprocess_exec(
            "bash",
            "--norc",
            cwd=directory,
            env={**kept, **settings, "PATH": path},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield cls(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # with the stations and the receiver that it started
            await process.communicate()

    async def run(self, command: str) -> str:
        """What a command says, on both of its outputs."""
        self._to.write(f"{command}\necho; echo '{_END}'\n".encode())
        said: list[str] = []
        async with asyncio.timeout(_PATIENCE_S):
            while (line := (await self._from.readline()).decode()) != f"{_END}\n":
                assert line or self._process.returncode is None, said
                said.append(line)
        return "".join(said).strip()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _written(directory: Path) -> None:
    """Save the page's programs under the names in their first lines."""
    for block in blocks(_PAGE, "python"):
        (directory / block.removeprefix("# ").partition(":")[0]).write_text(block)


async def _done(shell: Shell, step: Step, command: str) -> None:
    said = await shell.run(command)
    if _READS.match(command) and step.shown:
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while not matches(step.shown, said) and asyncio.get_running_loop().time() < deadline:
            said = await shell.run(command)
    assert matches(step.shown, said), f"$ {command}\nshown: {step.shown}\nsaid:  {said}"


async def test_an_operators_day(tmp_path: Path) -> None:
    _written(tmp_path)
    async with running(tmp_path / "voltbridge-data") as up:
        ports = {said: str(_free_port()) for said in ("9101", "9102", "9103", "9300")}
        settings = {"VOLTBRIDGE_HTTP_PORT": str(up.http_port)}
        async with Shell.start(tmp_path, settings) as shell:
            done = 0
            for step in steps(_PAGE):
                command = step.command
                if command == "voltbridge up":
                    continue  # it runs already, on ports of the test
                command = command.replace("localhost:8080", f"127.0.0.1:{up.http_port}")
                command = re.sub(rf"\b({'|'.join(ports)})\b", lambda found: ports[found[0]], command)
                command = command.replace("station run", f"station run --url ws://127.0.0.1:{up.ocpp_port}/ocpp")
                await _done(shell, step, command)
                done += 1
            assert done > 50
