"""The station's logs as files that rotate by size and age, and are read a line at a time.

``security.log`` and ``diagnostics.log`` are written; one that is full, or began more than a day ago, is set aside under
its number and the moment. Too many files, and too old ones, go: the oldest first. A line is with the operating system
as soon as it is noted; one that concerns security is also sent to the disk at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final
from uuid import uuid4

import structlog

from voltbridge.domain.clock import Clock
from voltbridge.station.configuration import LogLimits
from voltbridge.station.log_book import line_of, moment_of

__all__ = ["FileLog"]

_ASIDE: Final = re.compile(r"(\d{6,})\.(\d{8}T\d{6}Z)\.log")
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_ROTATE_AFTER: Final = timedelta(days=1)
_MOMENT: Final = len("2026-03-01T12:00:00.000Z")


class FileLog:
    """Implements ``log_book.LogBook``. What the disk does not take is lost, and that was said once."""

    def __init__(self, directory: Path, clock: Clock, limits: LogLimits) -> None:
        """Raises OSError when there can be no such directory."""
        directory.mkdir(parents=True, exist_ok=True)
        for left in directory.glob("selected-*.log"):  # of an upload that the end of the process broke off
            left.unlink(missing_ok=True)
        self._directory = directory
        self._clock = clock
        self._diagnostics = _Rotating(directory, "diagnostics", limits)
        self._security = _Rotating(directory, "security", limits)
        self._broken = False
        self._log = structlog.get_logger("voltbridge.station").bind(directory=str(directory))

    def note(self, text: str) -> None:
        self._write(self._diagnostics, text)

    def note_security(self, text: str) -> None:
        self._write(self._diagnostics, text)
        self._write(self._security, text)
        asyncio.get_running_loop().run_in_executor(None, _sync, self._security.path)

    def keep(self) -> None:
        _sync(self._diagnostics.path)

    async def select(
        self, head: str, *, security: bool, oldest: datetime | None, latest: datetime | None
    ) -> Path | None:
        log = self._security if security else self._diagnostics
        target = self._directory / f"selected-{uuid4().hex}.log"
        return await asyncio.to_thread(_select, log.open(since=oldest), target, head, oldest, latest)

    def _write(self, log: _Rotating, text: str) -> None:
        now = self._clock.now()
        try:
            log.write(line_of(now, text).encode(), now)
            self._broken = False
        except OSError as error:
            if not self._broken:
                self._log.error("the station's log takes nothing", error=str(error))
            self._broken = True


class _Rotating:
    """One log: the file that is written, and those set aside."""

    def __init__(self, directory: Path, name: str, limits: LogLimits) -> None:
        self.path = directory / f"{name}.log"
        self._name = name
        self._limits = limits
        self._size = self.path.stat().st_size if self.path.exists() else 0
        self._began = _first_moment(self.path)
        aside = self._aside()
        self._number = aside[-1][0] if aside else 0

    def write(self, line: bytes, now: datetime) -> None:
        """Raises OSError."""
        full = self._size + len(line) > self._limits.file_bytes
        old = self._began is not None and now - self._began >= _ROTATE_AFTER
        if self._size and (full or old):
            self._rotate(now)
        with self.path.open("ab", buffering=0) as file:
            file.write(line)
        self._size += len(line)
        self._began = self._began or now

    def open(self, since: datetime | None) -> list[BinaryIO]:
        """Its files, oldest first, without those that ended before that moment. They may rotate while they are read."""
        ended_since = [
            path for _, ended, path in self._aside() if since is None or ended >= since.replace(microsecond=0)
        ]
        return [path.open("rb") for path in (*ended_since, self.path) if path.exists()]

    def _rotate(self, now: datetime) -> None:
        self._number += 1
        self.path.replace(self.path.with_name(f"{self._name}.{self._number:06}.{now.astimezone(UTC):{_STAMP}}.log"))
        self._size, self._began = 0, None
        aside = self._aside()
        too_many = len(aside) + 1 - max(1, self._limits.files)
        for place, (_, ended, path) in enumerate(aside):
            if place < too_many or now - ended > timedelta(days=self._limits.days):
                path.unlink(missing_ok=True)

    def _aside(self) -> list[tuple[int, datetime, Path]]:
        """Number, moment and path of what was set aside, in its order."""
        found = []
        for path in self.path.parent.glob(f"{self._name}.*.log"):
            match = _ASIDE.fullmatch(path.name.removeprefix(f"{self._name}."))
            if match is not None:
                ended = datetime.strptime(match[2], _STAMP).replace(tzinfo=UTC)
                found.append((int(match[1]), ended, path))
        return sorted(found)


def _select(
    files: list[BinaryIO], target: Path, head: str, oldest: datetime | None, latest: datetime | None
) -> Path | None:
    first = moment_of(oldest).encode() if oldest is not None else b""
    last = moment_of(latest).encode() if latest is not None else b"~"
    found = False
    try:
        with contextlib.ExitStack() as opened, target.open("wb") as selected:
            for file in files:
                opened.enter_context(file)
            selected.write(head.encode())
            for line in chain.from_iterable(files):
                if first <= line[:_MOMENT] <= last:
                    selected.write(line)
                    found = True
    except OSError:
        target.unlink(missing_ok=True)
        raise
    if not found:
        target.unlink()
        return None
    return target


def _first_moment(path: Path) -> datetime | None:
    try:
        with path.open("rb") as file:
            return datetime.fromisoformat(file.read(_MOMENT).decode())
    except (OSError, ValueError):
        return None


def _sync(path: Path) -> None:
    with contextlib.suppress(OSError), path.open("ab") as file:
        os.fsync(file.fileno())
