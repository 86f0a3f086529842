"""``voltbridge up`` as a process of its own, as an operator runs it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["StartFailed", "Up", "running"]

_COMMAND = (sys.executable, "-c", "from voltbridge.cli import main; main()")
_PATIENCE_S = 60.0


class StartFailed(Exception):
    """The process ended instead of becoming ready; the text is what it said."""


@dataclass(eq=False)
class Up:
    """A Voltbridge that is ready. What it writes to standard error is kept in ``said``."""

    process: asyncio.subprocess.Process
    ocpp_port: int
    http_port: int
    admin_key: str
    tls_port: int | None = None
    said: list[str] = field(default_factory=list)
    _reading: list[asyncio.Task[None]] = field(default_factory=list)
    _spoken: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def start(cls, data: Path, *, clock: str | None = None, **options: str | float) -> Up:
        """Start it on free ports of this machine; returns once it is ready. Raises StartFailed.

        ``options`` are those of the command line: ``onboarding="accept"``; ``clock`` is VOLTBRIDGE_CLOCK.
        """
        ready_file = _ready_file(data)
        chosen = {
            "data": data,
            "ocpp_host": "127.0.0.1",
            "ocpp_port": 0,
            "http_host": "127.0.0.1",
            "http_port": 0,
            "ready_file": ready_file,
            **options,
        }
        arguments = [text for name, value in chosen.items() for text in (f"--{name.replace('_', '-')}", str(value))]
        process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            "up",
            *arguments,
            # Neither variables nor a configuration file of whoever runs the tests shall matter.
            env={name: value for name, value in os.environ.items() if not name.startswith("VOLTBRIDGE_")}
            | ({} if clock is None else {"VOLTBRIDGE_CLOCK": clock}),
            cwd=data,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        up = cls(process, 0, 0, "")
        assert process.stdout is not None
        assert process.stderr is not None
        up._reading.append(asyncio.create_task(up._listen(process.stderr)))
        try:
            async with asyncio.timeout(_PATIENCE_S):
                # The first line comes when everything is being answered, and the file is complete before that.
                if not await process.stdout.readline():
                    await up._gone()
                    raise StartFailed("".join(up.said))
        except TimeoutError:
            await up.kill()
            raise StartFailed(f"not ready in {_PATIENCE_S:g} s: {''.join(up.said)}") from None
        up._reading.append(asyncio.create_task(_drain(process.stdout)))
        up._read(ready_file)
        return up

    @property
    def pid(self) -> int:
        return self.process.pid

    async def kill(self) -> None:
        """Take its life without a word (SIGKILL)."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self._gone()

    async def stop(self) -> None:
        """Ask it to stop (SIGTERM) and wait until it has; it must end well."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(_PATIENCE_S):
            await self._gone()
        assert self.process.returncode == 0, "".join(self.said)

    def _read(self, ready_file: Path) -> None:
        ready = json.loads(ready_file.read_text())
        assert ready["pid"] == self.pid
        self.ocpp_port, self.http_port, self.tls_port = ready["ocpp_port"], ready["http_port"], ready.get("tls_port")
        self.admin_key = Path(ready["admin_key_file"]).read_text().strip()

    async def says(self, text: str, *, after: int = 0) -> None:
        """Wait for a line with this text on standard error, not among the first ``after`` lines."""
        async with asyncio.timeout(_PATIENCE_S):
            while not any(text in line for line in self.said[after:]):
                self._spoken.clear()
                await self._spoken.wait()

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self.said.append(line.decode(errors="replace"))
            self._spoken.set()

    async def _gone(self) -> None:
        await self.process.wait()
        await asyncio.gather(*self._reading)


def _ready_file(data: Path) -> Path:
    """Where the file will be; that of a process that was killed is removed."""
    data.mkdir(parents=True, exist_ok=True)
    path = data / "ready.json"
    path.unlink(missing_ok=True)
    return path


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass


@contextlib.asynccontextmanager
async def running(data: Path, *, clock: str | None = None, **options: str | float) -> AsyncIterator[Up]:
    """A process that does not outlive the block."""
    up = await Up.start(data, clock=clock, **options)
    try:
        yield up
    finally:
        if up.process.returncode is None:
            await up.kill()
