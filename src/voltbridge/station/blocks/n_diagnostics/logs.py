"""Uploads of the station's logs (2.0.1 N01; 1.6 6.3 and security whitepaper N01).

That one is under way is on disk, so that whoever waits for it hears of its end when a restart has broken it off.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
import structlog

from voltbridge.station.attempts import RETRY_INTERVAL_S, attempt_numbers, is_in_vain
from voltbridge.station.context import Context
from voltbridge.station.facts import LogStatusFact
from voltbridge.station.log_book import LogBook
from voltbridge.station.ports import Files
from voltbridge.station.transfers import TransferFailed, Trouble

__all__ = ["LogAnswer", "LogRequest", "LogUploads"]

_NAMESPACE: Final = "log-upload"
_UNTAMED: Final = re.compile(r"[^A-Za-z0-9._-]+")


class LogAnswer(StrEnum):
    """What the CSMS is told (LogStatusEnumType)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    ACCEPTED_CANCELED = "AcceptedCanceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRequest:
    """One upload that is wanted."""

    location: str
    security: bool = False
    """The security log; else what the station did."""
    request_id: int | None = None
    """None: GetDiagnostics of 1.6, which has no number."""
    oldest: datetime | None = None
    latest: datetime | None = None
    retries: int = 0
    retry_interval_s: int | None = None
    """None: the station's choice."""


class LogUploads:
    """Uploads one log at a time."""

    __slots__ = ("_book", "_context", "_current", "_files", "_log", "_next", "_task")

    def __init__(self, context: Context, book: LogBook, files: Files) -> None:
        self._context = context
        self._book = book
        self._files = files
        self._next: tuple[LogRequest, str, bytes | Path] | None = None
        self._current: LogRequest | None = None
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("voltbridge.station").bind(station=context.configuration.identity)

    async def request(self, wanted: LogRequest) -> tuple[LogAnswer, str]:
        """The status and the name of the file; ``begin`` uploads it once that was told.

        An upload under way is given up for it (N01.FR.12). Rejected where there is nothing of that time (N01.FR.05).
        """
        try:
            content = await self._book.select(
                self._head(wanted), security=wanted.security, oldest=wanted.oldest, latest=wanted.latest
            )
        except OSError as error:
            self._log.error("a log cannot be read", error=str(error))
            content = None
        if content is None:
            return LogAnswer.REJECTED, ""
        name = self._name(wanted)
        canceled = self._current is not None
        await self._cancel()
        if self._next is not None:  # which the answer to its request has not yet let begin
            await _discard(self._next[2])
        self._next = (wanted, name, content)
        return (LogAnswer.ACCEPTED_CANCELED if canceled else LogAnswer.ACCEPTED), name

    def start(self) -> None:
        """A new life: an upload that the last one did not bring to its end has failed."""
        kept = self._context.store.all(_NAMESPACE).get("current")
        if kept is not None:
            request_id = msgspec.json.decode(kept, type=int | None)
            fact = LogStatusFact(status=Trouble.FAILURE.value, request_id=request_id, diagnostics=request_id is None)
            self._context.outbox.tell(fact)
            self._context.store.delete(_NAMESPACE, "current")

    async def begin(self) -> None:
        """Upload what was requested last."""
        if self._next is not None:
            (wanted, name, content), self._next = self._next, None
            self._current = wanted
            self._context.store.put(_NAMESPACE, "current", msgspec.json.encode(wanted.request_id))
            self._task = self._context.tasks.spawn(self._run(wanted, name, content), "log")

    def trigger(self, *, diagnostics: bool) -> bool:
        """Tell how it goes (N01.FR.17, F06.FR.15)."""
        current = self._current
        if current is None or (current.request_id is None) != diagnostics:
            fact = LogStatusFact(status="Idle", diagnostics=diagnostics)
        else:
            fact = _fact(current, "Uploading")
        self._context.outbox.tell(fact, triggered=True)
        return True

    async def _cancel(self) -> None:
        current, self._current = self._current, None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
        if current is not None:
            self._context.store.delete(_NAMESPACE, "current")
            self._tell(current, "AcceptedCanceled")

    async def _run(self, wanted: LogRequest, name: str, content: bytes | Path) -> None:
        try:
            await self._upload(wanted, name, content)
            self._context.store.delete(_NAMESPACE, "current")
        finally:
            if self._task is asyncio.current_task():  # else another has taken its place
                self._current = self._task = None
            await _discard(content)

    async def _upload(self, wanted: LogRequest, name: str, content: bytes | Path) -> None:
        interval_s = RETRY_INTERVAL_S if wanted.retry_interval_s is None else max(0, wanted.retry_interval_s)
        clock = self._context.clock
        began = 0.0
        for attempt in attempt_numbers(wanted.retries):
            if attempt > 1:
                await clock.sleep(max(0.0, interval_s - (clock.monotonic() - began)))
            began = clock.monotonic()
            self._tell(wanted, "Uploading")
            try:
                await self._files.upload(wanted.location, name, content)
            except OSError as error:
                trouble = error.trouble if isinstance(error, TransferFailed) else Trouble.FAILURE
                self._log.warning("a log did not go", attempt=attempt, error=str(error))
                self._tell(wanted, trouble.value)
                if is_in_vain(error):
                    return
            else:
                self._tell(wanted, "Uploaded")
                return

    def _tell(self, wanted: LogRequest, status: str) -> None:
        self._context.outbox.tell(_fact(wanted, status))

    def _name(self, wanted: LogRequest) -> str:
        identity = _UNTAMED.sub("_", self._context.configuration.identity)[:100]
        kind = "security" if wanted.security else "diagnostics"
        return f"{identity}-{kind}-{self._context.clock.now():%Y%m%dT%H%M%SZ}.log"

    def _head(self, wanted: LogRequest) -> str:
        station = self._context.configuration
        kind = "security log" if wanted.security else "diagnostics log"
        return f"# {station.identity} {station.vendor} {station.model} {station.firmware_version}: {kind}\n"


async def _discard(content: bytes | Path) -> None:
    if isinstance(content, Path):
        await asyncio.to_thread(content.unlink, missing_ok=True)


def _fact(wanted: LogRequest, status: str) -> LogStatusFact:
    return LogStatusFact(status=status, request_id=wanted.request_id, diagnostics=wanted.request_id is None)
