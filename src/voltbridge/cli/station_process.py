"""What every process of virtual stations is made of: its end by a signal, its clock, its disk, its control API."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from voltbridge.settings import ConfigurationError, LogFormat, LogLevel

if TYPE_CHECKING:
    from voltbridge.domain.clock import Clock
    from voltbridge.station.assembly import Station
    from voltbridge.storage.station import StationFile

__all__ = ["announced", "control", "log_to_console", "running", "station_clock", "station_stores"]


def running(main: Coroutine[Any, Any, int]) -> int:
    """Run until it ends, or SIGINT or SIGTERM end it; the exit status."""
    import uvloop

    async def run() -> int:
        task: asyncio.Task[int] = asyncio.create_task(main)
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            return await task
        return 0

    return uvloop.run(run())


@contextlib.asynccontextmanager
async def station_stores(
    data: Path | None, clock: Clock, name: str = "stations.db"
) -> AsyncIterator[StationFile | None]:
    """Where the stations of this process keep what outlasts it; None: nothing does."""
    if data is None:
        yield None
        return
    try:
        file = await asyncio.to_thread(_opened, data / name, clock)
    except OSError as error:
        raise ConfigurationError(f"{data}: {error.strerror or error}") from None
    try:
        yield file
    finally:
        await file.close()


def _opened(path: Path, clock: Clock) -> StationFile:
    from voltbridge.storage.station import StationFile

    path.parent.mkdir(parents=True, exist_ok=True)
    return StationFile.open(path, clock)


def control(
    stations: Callable[[], Iterable[Station]], port: int | None, key: str | None
) -> AbstractAsyncContextManager[None]:
    """The control API of stations of this process, where there is to be one."""
    from voltbridge.station.control.api import control_api

    if port is None:
        return contextlib.nullcontext()
    key = key or secrets.token_urlsafe(24)
    return announced(control_api(stations, port=port, key=key), port, key)


@contextlib.asynccontextmanager
async def announced(api: AbstractAsyncContextManager[str], port: int, key: str) -> AsyncIterator[None]:
    """A control API for as long as the block; where it is, and its key, are said."""
    async with contextlib.AsyncExitStack() as serving:
        try:
            address = await serving.enter_async_context(api)
        except OSError as error:
            raise ConfigurationError(f"port {port} cannot be used for the control API: {error.strerror}") from None
        typer.echo(f"control API  {address}  (Authorization: Bearer {key})")
        yield


def station_clock() -> Clock:
    """As VOLTBRIDGE_CLOCK says."""
    from voltbridge.station.clocks import clock_from

    try:
        return clock_from(os.environ.get("VOLTBRIDGE_CLOCK"))
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def log_to_console(*, quiet: bool) -> None:
    """``quiet``: errors alone, since somebody looks at the station there."""
    from voltbridge.log import configure

    configure(LogLevel.ERROR if quiet else LogLevel.INFO, LogFormat.CONSOLE)
