"""Starting and stopping the servers that are measured, each a process of its own that may be held to one core."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "LOAD_CORE",
    "SERVER_CORE",
    "Server",
    "on_core",
    "raise_open_files",
    "reference",
    "running",
    "unstored",
    "up",
]

_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = _CORES[0]
LOAD_CORE = _CORES[-1]
"""The same one as the server's where the machine has no other; the figures are worth little then."""

_PATIENCE_S = 60.0
_MANY_FILES = 20_000


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready."""

    pid: int
    ocpp_port: int
    http_port: int | None
    admin_key: str | None
    ready_seconds: float
    """From the start of the process until it said that it is ready."""


def up(data: Path, ready_file: Path) -> list[str]:
    """``voltbridge up`` as an operator starts it; unknown stations are accepted."""
    options = {
        "--data": data,
        "--ocpp-host": "0.0.0.0",
        "--ocpp-port": 0,
        "--http-port": 0,
        "--onboarding": "accept",
        "--log-level": "warning",
        "--ready-file": ready_file,
    }
    arguments = [str(part) for option in options.items() for part in option]
    return [sys.executable, "-c", "from voltbridge.cli import main; main()", "up", *arguments]


def unstored(data: Path, ready_file: Path) -> list[str]:
    """The same with a storage that does nothing."""
    return [sys.executable, "-m", "benches.unstored", "--data", str(data), "--ready-file", str(ready_file)]


def reference(ready_file: Path, *, deflate: bool, uvloop: bool) -> list[str]:
    """The package ``ocpp``."""
    switches = [name for name, on in (("--deflate", deflate), ("--uvloop", uvloop)) if on]
    return [sys.executable, "-m", "benches.reference", "--ready-file", str(ready_file), *switches]


@contextmanager
def running(command: Sequence[str], ready_file: Path, cores: set[int]) -> Iterator[Server]:
    """The server, from when it is ready until it has stopped in an orderly way."""
    ready_file.unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VOLTBRIDGE_")}
    began = time.perf_counter()
    with on_core(cores):  # which the child inherits from its first instruction on
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        while not ready_file.exists():
            if process.poll() is not None or time.perf_counter() - began > _PATIENCE_S:
                raise RuntimeError(f"the server did not become ready: {' '.join(command)}")
            time.sleep(0.002)
        seconds = time.perf_counter() - began
        said = json.loads(ready_file.read_text(encoding="utf-8"))
        key_file = said.get("admin_key_file")
        key = Path(key_file).read_text(encoding="utf-8").strip() if key_file else None
        yield Server(process.pid, said["ocpp_port"], said.get("http_port"), key, seconds)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def on_core(cores: set[int]) -> Iterator[None]:
    """Hold this process, and what it starts, to some cores for a while."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def raise_open_files() -> None:
    """Allow this process, and what it starts, as many open files as this user may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MANY_FILES if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
