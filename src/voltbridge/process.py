"""The process around a running Voltbridge: event loop, signals, garbage collection, open files, the ready file."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog
import uvloop

from voltbridge.app import OpenStorage, Running, start
from voltbridge.clock import MachineSeconds, SystemClock
from voltbridge.domain.clock import Clock
from voltbridge.open_files import raise_open_files
from voltbridge.settings import ConfigurationError, Settings, suspicious_variables
from voltbridge.storage import Storage

__all__ = ["run", "settle_memory"]

_log = structlog.stdlib.get_logger(__name__)

_SPARE_FILES: Final = 500


def run(settings: Settings, ready: Callable[[Running], None], *, open_storage: OpenStorage = Storage.open) -> None:
    """Run until SIGINT or SIGTERM, then stop in an orderly way; a second signal stops at once.

    ``ready`` is called when stations and API requests are being answered; for ``open_storage`` see ``app.start``.
    Raises ConfigurationError.
    """
    for sentence in suspicious_variables():
        _log.warning(sentence)
    uvloop.run(_run(_within_open_files(settings), ready, open_storage))


async def _run(settings: Settings, ready: Callable[[Running], None], open_storage: OpenStorage) -> None:
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, signals.put_nowait, each)
    clock = _clock()
    machine_clock = MachineSeconds(clock)
    starting = asyncio.create_task(start(settings, clock=clock, machine_clock=machine_clock, open_storage=open_storage))
    interrupted = asyncio.create_task(signals.get())
    await asyncio.wait((starting, interrupted), return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        return
    running = await starting
    if running.tls is not None:
        loop.add_signal_handler(signal.SIGHUP, running.tls.read_anew)
    settle_memory()
    if settings.ready_file is not None:
        _write_ready_file(settings.ready_file, running)
    async with contextlib.AsyncExitStack() as beside:
        if settings.demo:
            from voltbridge.demo import demo_fleet

            await beside.enter_async_context(demo_fleet(running, settings.demo, clock))
        ready(running)
        received = await interrupted
    _log.info("stopping; a second signal stops at once", signal=received.name)
    stopping = asyncio.create_task(running.stop())
    hastening = asyncio.create_task(signals.get())
    await asyncio.wait((stopping, hastening), return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        _log.warning("stopping at once")
        await running.hasten()
    hastening.cancel()
    await stopping
    if settings.ready_file is not None:
        settings.ready_file.unlink(missing_ok=True)


def _clock() -> Clock:
    """The machine's time, or that of VOLTBRIDGE_CLOCK, which a fleet of virtual stations follows as well."""
    wanted = os.environ.get("VOLTBRIDGE_CLOCK")
    if not wanted:
        return SystemClock()
    from voltbridge.station.clocks import clock_from

    try:
        return clock_from(wanted)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def settle_memory() -> None:
    """Spare the collector what lives as long as the process, and have it run less often.

    A full collection walks over everything that the imports left, some 150,000 objects, and stops all stations for
    the time being (measured: 0.1 s); frozen, that part costs nothing. Messages make short-lived objects and hardly a
    cycle, so a rare run of the youngest generation is enough. Nothing is collected before: of all these objects the
    start leaves some two thousand behind, and finding them takes as long as the pause that is to be spared.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


def _within_open_files(settings: Settings) -> Settings:
    """Raise the limit of open files as far as this user may, and take no more connections than it allows.

    A station too many is then told so; without this the whole process would be short of files.
    """
    allowed = max(1, raise_open_files(settings.connection_limit + _SPARE_FILES) - _SPARE_FILES)
    if allowed >= settings.connection_limit:
        return settings
    tell = _log.debug if settings.connection_limit == Settings().connection_limit else _log.warning
    tell(
        "fewer stations can connect than --connection-limit says: raise the limit of open files (ulimit -n)",
        limit=allowed,
    )
    return replace(settings, connection_limit=allowed)


def _write_ready_file(path: Path, running: Running) -> None:
    """Whoever waits for the file finds it whole."""
    settings = running.settings
    content: dict[str, object] = {
        "ocpp_port": None if settings.ocpp_port is None else running.ocpp_port,
        "http_port": running.http_port,
        "admin_key_file": str(settings.admin_key_file.absolute()),
        "pid": os.getpid(),
    }
    doors = running.doors
    told = {
        "tls_port": running.gateway.tls_port,
        "ftp_port": doors.ftp_port,
        "sftp_port": doors.sftp_port,
        "sftp_host_key": doors.fingerprint,
    }
    content |= {name: value for name, value in told.items() if value is not None}
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
    Path(temporary).replace(path)
