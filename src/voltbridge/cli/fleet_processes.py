"""A fleet over several processes under one command: each lives a part of the stations, and all end together.

A part that dies is started again, less and less often while it dies young; one that ends by a mistake in its options
ends the whole command, since starting it again would not help. Parts notice by their closed standard input when this
process is gone without having told them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import typer

from voltbridge.settings import ConfigurationError

__all__ = ["Part", "live_in_parts", "standard_input_closed"]

_CONNECTED: Final = re.compile(r"^(\d+) of \d+ stations connected$")
_CONTROL: Final = re.compile(r"^control API  (http://\S+)")
_MISTAKE: Final = 2
"""The status of a process whose options cannot be used (``cli.main``)."""
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0
_GROWN_UP_S: Final = 60.0
"""A part that has lived so long starts again at once."""
_PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Part:
    """Which stations a process has: the ``number``-th, and every ``of``-th after it."""

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def read(cls, text: str) -> Part:
        """From ``2/4``. Raises ConfigurationError."""
        found = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise ConfigurationError(f"--part is like 2/4, the second of four parts, not {text!r}")
        return cls(int(found[1]), int(found[2]))

    @property
    def file(self) -> str:
        """Where its stations keep what outlasts them. Another division is another file."""
        return "stations.db" if self.of == 1 else f"stations-{self.number}-of-{self.of}.db"


@dataclass(slots=True)
class _Count:
    """How many are connected, told in one line for all."""

    total: int
    say: Callable[[str], None]
    by_part: dict[int, int] = field(default_factory=dict)

    def take(self, part: int, connected: int) -> None:
        if self.by_part.get(part, 0) != connected:
            self.by_part[part] = connected
            self.say(f"{sum(self.by_part.values())} of {self.total} stations connected")


async def live_in_parts(
    arguments: Callable[[Part], Sequence[str]],
    processes: int,
    total: int,
    *,
    environment: dict[str, str],
    addresses: MutableMapping[int, str] | None = None,
    say: Callable[[str], None] = typer.echo,
    warn: Callable[[str], None] = lambda text: typer.echo(text, err=True),
) -> int:
    """Live until cancelled; the exit status. ``arguments`` are those of the command line for a part.

    ``addresses`` has the control API of each part that runs and has one, by the part's number.
    """
    controls = {} if addresses is None else addresses
    count = _Count(total, say)
    parts = [Part(number, processes) for number in range(1, processes + 1)]
    tasks = [
        asyncio.create_task(_keep_alive(part, arguments(part), environment, count, controls, say, warn))
        for part in parts
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(iter(done)).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def standard_input_closed() -> None:
    """Return when whoever started this process has gone."""
    loop, closed = asyncio.get_running_loop(), asyncio.Event()

    def look() -> None:
        if not os.read(0, 1024):
            loop.remove_reader(0)
            closed.set()

    loop.add_reader(0, look)
    await closed.wait()


async def _keep_alive(
    part: Part,
    arguments: Sequence[str],
    environment: dict[str, str],
    count: _Count,
    controls: MutableMapping[int, str],
    say: Callable[[str], None],
    warn: Callable[[str], None],
) -> int:
    pause_s = _FIRST_PAUSE_S
    while True:
        began = time.monotonic()
        async with _process(arguments, environment) as process:
            assert process.stdout is not None
            async for line in process.stdout:
                text = line.decode("utf-8", "replace").rstrip()
                if connected := _CONNECTED.match(text):
                    count.take(part.number, int(connected[1]))
                elif control := _CONTROL.match(text):  # with its key, which is nobody's business
                    controls[part.number] = control[1]
                else:
                    say(f"part {part}: {text}")
            controls.pop(part.number, None)
            status = await process.wait()
        if status == _MISTAKE:
            return status
        count.take(part.number, 0)
        ending = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        if time.monotonic() - began >= _GROWN_UP_S:
            pause_s = _FIRST_PAUSE_S
        warn(f"part {part} {ending}; it is started again in {pause_s:g} s")
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


@contextlib.asynccontextmanager
async def _process(arguments: Sequence[str], environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """One that does not outlive the block: it is asked to end, and made to when it does not."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "voltbridge",
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # what the terminal tells this process it will pass on itself
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(_drained(process), _PATIENCE_S)
            except BaseException:  # a second signal, or patience is over
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                raise


async def _drained(process: asyncio.subprocess.Process) -> None:
    """A process whose last lines nobody reads could not end."""
    assert process.stdout is not None
    await process.stdout.read()
    await process.wait()
