"""The CSMS and the fleet as processes of their own, started as a user starts them, killed and started again."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

__all__ = ["CONTROL_KEY", "CsmsSide", "FleetSide", "Pace", "Rest", "SideFailed"]

CONTROL_KEY: Final = "key-of-the-control-api"
_LOOK_S: Final = 0.1
_PATIENCE_S: Final = 120.0
_CONTROL: Final = re.compile(r"^(?:.*: )?control API  (\S+)", re.MULTILINE)


class SideFailed(Exception):
    """A process did not do what it was started for; the text has the end of what it said."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast both sides live."""

    rate: float
    began: float = field(default_factory=time.time)

    def now(self) -> float:
        """The moment it is there, in seconds since 1970."""
        return self.began + (time.time() - self.began) * self.rate

    @property
    def clock(self) -> str:
        """VOLTBRIDGE_CLOCK for all processes, whenever they start."""
        return f"{self.began:.3f}@{self.began:.3f}×{self.rate:g}"


@dataclass(slots=True)
class _Side:
    name: str
    folder: Path
    pace: Pace
    cpu_s: float = 0.0
    """Of all that have ended."""
    kills: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _ended: asyncio.Future[None] | None = None
    _said_from: int = 0

    @property
    def log(self) -> Path:
        """What it says, over all its lives."""
        return self.folder / f"{self.name}.log"

    @property
    def running(self) -> bool:
        return self._ended is not None and not self._ended.done()

    @property
    def pid(self) -> int:
        """Of the present one."""
        assert self._process is not None
        return self._process.pid

    def said(self) -> str:
        """What the present one has said."""
        with self.log.open("rb") as log:
            log.seek(self._said_from)
            return log.read().decode("utf-8", "replace")

    def _launch(self, *arguments: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._said_from = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from voltbridge.cli import main; main()", *arguments],
                # Neither variables nor a configuration file of whoever runs this shall matter.
                env={name: value for name, value in os.environ.items() if not name.startswith("VOLTBRIDGE_")}
                | {"VOLTBRIDGE_CLOCK": self.pace.clock},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._ended = asyncio.ensure_future(asyncio.to_thread(self._wait, self._process))

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        """Not ``Popen.wait``, which does not tell of the time it took."""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_s += usage.ru_utime + usage.ru_stime

    async def kill(self) -> None:
        """Take its life without a word (SIGKILL)."""
        self.kills += 1
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Have it end in order. Raises SideFailed when it does not."""
        await self._end(signal.SIGTERM)
        assert self._process is not None
        if self._process.returncode != 0:
            raise SideFailed(f"{self.name} ended with {self._process.returncode}: {self.said()[-2000:]}")

    async def abandon(self) -> None:
        """Nobody needs it any more, whatever it does."""
        if self.running:
            await self._end(signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        assert self._ended is not None
        if not self._ended.done():
            self._process.send_signal(number)
        try:
            await asyncio.wait_for(asyncio.shield(self._ended), _PATIENCE_S)
        except TimeoutError:
            self._process.kill()
            await self._ended
            raise SideFailed(f"{self.name} did not end within {_PATIENCE_S:g} s: {self.said()[-2000:]}") from None

    async def _until(self, ready: Any) -> Any:
        began = time.monotonic()
        while not (found := ready()):
            if not self.running or time.monotonic() - began > _PATIENCE_S:
                raise SideFailed(f"{self.name} did not become ready: {self.said()[-2000:]}")
            await asyncio.sleep(_LOOK_S)
        return found


@dataclass(slots=True)
class CsmsSide(_Side):
    """``voltbridge up``."""

    ocpp_port: int = 0
    http_port: int = 0
    admin_key: str = ""

    async def start(self, **options: str | float) -> None:
        """Start it, on the ports it had before; returns when it is ready."""
        data = self.folder / "csms"
        ready_file = self.folder / "ready.json"
        ready_file.unlink(missing_ok=True)
        chosen = {
            "data": data,
            "ocpp_host": "127.0.0.1",
            "ocpp_port": self.ocpp_port,
            "http_port": self.http_port,
            "onboarding": "accept",
            "log_level": "warning",
            "ready_file": ready_file,
            **options,
        }
        self._launch("up", *(part for name, to in chosen.items() for part in (f"--{name.replace('_', '-')}", str(to))))
        await self._until(ready_file.exists)
        self._read(ready_file)

    def _read(self, ready_file: Path) -> None:
        said = json.loads(ready_file.read_text("utf-8"))
        self.ocpp_port, self.http_port = said["ocpp_port"], said["http_port"]
        self.admin_key = Path(said["admin_key_file"]).read_text("utf-8").strip()

    def rest(self) -> Rest:
        return Rest(f"http://127.0.0.1:{self.http_port}/api/v1", self.admin_key)


@dataclass(slots=True)
class FleetSide(_Side):
    """``voltbridge station fleet``, with stores that outlast it."""

    address: str = ""
    """Of its control API, one for all its processes."""

    @property
    def data(self) -> Path:
        return self.folder / "stations"

    async def start(self, profile: Path, url: str, processes: int = 1) -> None:
        """Start it; it goes on connecting after this has returned."""
        options = ["--profile", str(profile), "--url", url, "--data", str(self.data)]
        options += ["--control-port", "0", "--control-key", CONTROL_KEY]
        if processes > 1:
            options += ["--processes", str(processes)]
        self._launch("station", "fleet", *options)
        self.address = await self._until(self._address)

    def _address(self) -> str | None:
        found = _CONTROL.search(self.said())
        return found[1] if found else None

    async def stations(self) -> list[dict[str, Any]]:
        """What all of them are like now."""
        async with Rest(self.address, CONTROL_KEY) as rest:
            items: list[dict[str, Any]] = (await rest.ask("GET", "/stations"))["items"]
        return items


class Rest:
    """A REST API of ours: an asynchronous context manager."""

    def __init__(self, base: str, key: str) -> None:
        self._base = base
        self._key = key

    async def __aenter__(self) -> Rest:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._key}"}, timeout=aiohttp.ClientTimeout(total=_PATIENCE_S)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(self, method: str, path: str, body: Any = None, **query: str | int) -> Any:
        """The JSON of the answer. Raises aiohttp.ClientError."""
        async with self._session.request(method, self._base + path, json=body, params=query) as response:
            response.raise_for_status()
            return await response.json(content_type=None)

    async def items(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        """All items of a list, however many pages it has."""
        items: list[dict[str, Any]] = []
        page: dict[str, Any] = {"next": None}
        while not items or page["next"] is not None:
            more = {} if page["next"] is None else {"cursor": page["next"]}
            page = await self.ask("GET", path, limit=500, **query, **more)
            items += page["items"]
            if not page["items"]:
                break
        return items
