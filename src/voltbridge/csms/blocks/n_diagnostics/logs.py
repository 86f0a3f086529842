"""Logs of stations: asked for, delivered to this server or another, and told of (2.0.1 N01; 1.6 4.4, 5.9).

A log that was delivered here is there, whatever its statuses say: they may come late, or never. Without a file the
status decides, except that Uploaded is only believed when the file comes soon, or was to go elsewhere. A station
delivers one log at a time: one that it accepts takes the place of those before it (N01.FR.12).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct

from voltbridge.csms.blocks.l_firmware.parameters import check_location, check_protocol
from voltbridge.csms.blocks.n_diagnostics.logs_parameters import GetDiagnostics, GetLog, LogOrder
from voltbridge.csms.blocks.n_diagnostics.logs_ports import (
    FileAddresses,
    KnownStations,
    LogBook,
    LogWords,
    Notices,
    Outcomes,
)
from voltbridge.csms.commands.kinds import CommandRun, Unsupported
from voltbridge.csms.deadlines import Deadlines
from voltbridge.csms.events import EventLog
from voltbridge.domain.clock import Clock
from voltbridge.domain.commands import CommandAnswer
from voltbridge.domain.errors import InvalidValue, NotFound
from voltbridge.domain.files import FileGrant, FilePurpose, StoredFile, tame_name
from voltbridge.domain.firmware import StatusNote
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.station_calls import CallFailed, CallRefused, CallTimedOut
from voltbridge.domain.station_logs import FAILED_UPLOADS, LogState, LogType, LogUpload, UploadStatus
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.versions import Version

__all__ = ["LOG", "LogService"]

LOG: Final = "log"
"""The kind of outcome under which logs are awaited."""

_DELIVERY_S: Final = 60.0
"""How long a file may take to be there after it was said to be uploaded."""
_REVIVED_S: Final = 600.0
"""How long a station is given, at least, that tells something of a log thought to be over."""
_LATE_S: Final = 86_400.0
"""How long a log is still taken after its time."""
_MOST_STATUSES: Final = 100
_UNKNOWN_MESSAGE: Final = frozenset({"NotImplemented", "NotSupported"})
_REFERENCE: Final = "log:"


class LogService:
    """Everything about logs. ``words`` has the messages of each version."""

    def __init__(
        self,
        book: LogBook,
        stations: KnownStations,
        files: FileAddresses,
        commands: Outcomes,
        notices: Notices,
        words: Mapping[Version, LogWords],
        events: EventLog,
        clock: Clock,
    ) -> None:
        self._book = book
        self._stations = stations
        self._files = files
        self._commands = commands
        self._notices = notices
        self._words = words
        self._events = events
        self._clock = clock
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._deadlines = Deadlines(clock, self._overdue)
        self._plain: dict[str, str | None] = {}
        """Stations that do not know GetLog, with the firmware of which that was learned."""

    async def start(self) -> None:
        """Take up what an earlier run of the program left. Raises StorageUnavailable."""
        for log in await self._book.open():
            file = await self._files.delivered_for(f"{_REFERENCE}{log.id}")
            if file is not None:  # the program ended before it was taken note of
                await self._end(replace(log, file_id=file.id), LogState.DELIVERED, file=file)
            else:
                self._deadlines.set(log.id, log.deadline_at)

    async def close(self) -> None:
        """Let no deadline fall due any more."""
        await self._deadlines.close()

    async def list(self, station_id: str, page: PageRequest) -> Page[LogUpload]:
        """A station's logs, newest first. Raises NotFound, InvalidCursor."""
        if await self._stations.get(station_id) is None:
            raise NotFound("station", station_id)
        return await self._book.list(station_id, page)

    # Asking

    def check(self, wanted: GetDiagnostics, version: Version) -> None:
        """Raises InvalidValue and Unsupported for what can be told without looking anything up."""
        check_location(wanted.location)
        check_protocol(wanted.protocol, wanted.location, self._files.speaks)
        if wanted.oldest_at and wanted.latest_at and wanted.latest_at < wanted.oldest_at:
            raise InvalidValue("latest_at", "must not be before oldest_at")
        words = self._words[version]
        order = _order(wanted, 1, wanted.location or "http://example.com/")
        if isinstance(wanted, GetLog):
            words.log_request(order)
        elif words.plain_request(order) is None:
            raise Unsupported(f"OCPP {version.label} has no GetDiagnostics; get_log does the same")

    async def ask(self, run: CommandRun) -> CommandAnswer:
        """Ask the station of a command. Raises InvalidValue, Unsupported and a CallFailed."""
        wanted: GetDiagnostics = run.parameters
        live = run.context.live
        assert live is not None, "commands run with a station"
        now, request_id = self._clock.now(), run.context.next_id()
        order = _order(wanted, request_id, wanted.location or "")
        log = LogUpload(
            id=run.command.id,
            station_id=live.station_id,
            request_id=request_id,
            log_type=order.log_type,
            state=LogState.REQUESTED,
            requested_at=now,
            deadline_at=now + timedelta(seconds=wanted.deliver_within_s),
            elsewhere=wanted.location is not None,
            numbered=isinstance(wanted, GetLog) and not self._is_plain(live, order.log_type),
            oldest_at=wanted.oldest_at,
            latest_at=wanted.latest_at,
        )
        if wanted.location is None:
            until = log.deadline_at + timedelta(seconds=_LATE_S)
            name = f"{live.station_id}-{order.log_type}-{now:%Y%m%dT%H%M%SZ}.log"
            reference = f"{_REFERENCE}{log.id}"
            name = tame_name(name, "log")
            location = await self._files.expect(live, FilePurpose.LOG, name, reference, until, wanted.protocol)
            order = replace(order, location=location)
        await self._book.put(log)
        self._deadlines.set(log.id, log.deadline_at)
        run.expect(str(request_id))
        try:
            answer = await self._call(run, live, log, order)
        except (CallFailed, Unsupported, ValueError) as error:
            await self._unanswered(log, error)
            raise
        return await self._answered(log, answer)

    async def _call(self, run: CommandRun, live: LiveStation, log: LogUpload, order: LogOrder) -> CommandAnswer:
        """By the newer message, and by the older one where the station does not know that."""
        words = self._words[run.context.version]
        plain = words.plain_request(order) if order.log_type is LogType.DIAGNOSTICS else None
        if log.numbered:
            try:
                return words.log_answer(await run.call(words.log_request(order)))
            except CallRefused as refused:
                if refused.code not in _UNKNOWN_MESSAGE or plain is None:
                    raise
            self._plain[live.station_id] = live.report.firmware_version
            async with self._locks[log.station_id]:
                await self._book.put(replace(await self._book.get(log.id) or log, numbered=False))
        assert plain is not None, "what is not numbered is a plain message"
        return words.log_answer(await run.call(plain))

    def _is_plain(self, live: LiveStation, log_type: LogType) -> bool:
        """Whether it is known that the station does not know GetLog."""
        if live.station_id not in self._plain or log_type is not LogType.DIAGNOSTICS:
            return False
        return self._plain[live.station_id] == live.report.firmware_version

    async def _answered(self, log: LogUpload, answer: CommandAnswer) -> CommandAnswer:
        async with self._locks[log.station_id]:
            log = await self._book.get(log.id) or log
            told = answer.info.get("filename")
            log = replace(log, filename=told if isinstance(told, str) else None)
            if not answer.accepted:
                reason = answer.status if answer.reason is None else f"{answer.status}: {answer.reason}"
                await self._end(log, LogState.REJECTED, problem=reason)
            else:
                state = LogState.PENDING if log.state is LogState.REQUESTED else log.state
                await self._book.put(replace(log, state=state))
                for other in await self._book.open(log.station_id):
                    if other.id < log.id:
                        problem = f"the log of command {log.id} took its place"
                        await self._end(other, LogState.SUPERSEDED, problem=problem)
        return CommandAnswer(
            answer.accepted, answer.status, answer.reason, {**answer.info, "request_id": log.request_id}
        )

    async def _unanswered(self, log: LogUpload, error: Exception) -> None:
        async with self._locks[log.station_id]:
            log = await self._book.get(log.id) or log
            if log.state is LogState.REQUESTED:
                await self._end(log, LogState.FAILED, problem=str(error))
                if not isinstance(error, CallTimedOut):
                    await self._files.close_addresses(f"{_REFERENCE}{log.id}")

    # What stations tell and deliver

    async def told(
        self, live: LiveStation, status: UploadStatus, request_id: int | None, type: str, message: Struct
    ) -> None:
        """A station tells how far it is. ``type`` is that of the event; ``request_id`` is None where there is none."""
        self._notices.note(live, type, message)
        if status is UploadStatus.IDLE:
            return  # asked for, while nothing is being uploaded: it belongs to no log (N01.FR.13)
        station_id = live.station_id
        async with self._locks[station_id]:
            log = await self._meant(station_id, request_id)
            if log is None:
                return
            notes = (*log.statuses, StatusNote(status.value, self._clock.now()))[-_MOST_STATUSES:]
            log = replace(log, statuses=notes)
            if log.file_id is not None or log.state is LogState.SUPERSEDED:
                await self._book.put(log)
            elif status in FAILED_UPLOADS:
                await self._end(log, LogState.FAILED, problem=status.value)
            elif status is UploadStatus.ACCEPTED_CANCELED:
                await self._end(log, LogState.SUPERSEDED, problem="the station has cancelled it for another")
            elif status is UploadStatus.UPLOADED and log.elsewhere:
                await self._end(log, LogState.DELIVERED)
            else:
                if status is UploadStatus.UPLOADED:
                    at = self._clock.now() + timedelta(seconds=_DELIVERY_S)
                    log = replace(log, deadline_at=at)
                if not log.state.is_open:
                    # Thought to be over, because no answer came or for its silence: it is not.
                    until = max(log.deadline_at, self._clock.now() + timedelta(seconds=_REVIVED_S))
                    log = replace(log, state=LogState.PENDING, problem=None, finished_at=None, deadline_at=until)
                self._deadlines.set(log.id, log.deadline_at)
                await self._book.put(log)
                self._commands.progress(station_id, LOG, str(log.request_id), {"status": status.value})

    async def delivered(self, grant: FileGrant, file: StoredFile) -> None:
        """A file has come; a reaction of the file service."""
        if not grant.reference.startswith(_REFERENCE):
            return
        async with self._locks[grant.station_id]:
            log = await self._book.get(int(grant.reference.removeprefix(_REFERENCE)))
            if log is None:
                return
            log = replace(log, file_id=file.id)
            if log.state is LogState.SUPERSEDED:
                await self._book.put(log)
            else:
                await self._end(log, LogState.DELIVERED, file=file)

    async def _meant(self, station_id: str, request_id: int | None) -> LogUpload | None:
        if request_id is not None:
            return await self._book.of_request(station_id, request_id)
        return await self._book.current(station_id)

    async def _overdue(self, id: int) -> None:
        found = await self._book.get(id)
        if found is None:
            return
        async with self._locks[found.station_id]:
            log = await self._book.get(id)
            if log is None or not log.state.is_open:
                return
            if log.deadline_at > self._clock.now():  # the station has told something just now
                self._deadlines.set(log.id, log.deadline_at)
                return
            if log.status == UploadStatus.UPLOADED.value:
                problem = "the station says that it is uploaded, and no file has come"
            else:
                last = f"since {log.status}" if log.status else "at all"
                problem = f"no file has come, and the station told nothing {last}"
            await self._end(log, LogState.FAILED, problem=problem)

    async def _end(
        self, log: LogUpload, state: LogState, *, problem: str | None = None, file: StoredFile | None = None
    ) -> None:
        """Note the end, and tell the command that waits for it."""
        log = replace(log, state=state, problem=problem, finished_at=self._clock.now())
        self._deadlines.drop(log.id)
        told: dict[str, Any] = {"status": log.status, "filename": log.filename, "problem": problem}
        if file is not None:
            told |= {"file_id": str(file.id), "name": file.name, "size_bytes": file.size_bytes, "sha256": file.sha256}
        outcome = {name: value for name, value in told.items() if value is not None}
        if state is not LogState.REJECTED:
            completed = state is LogState.DELIVERED
            self._commands.conclude(log.station_id, LOG, str(log.request_id), completed, outcome)
        shown = {"log_type": log.log_type.value, "state": state.value, **outcome}
        self._events.emit("log.ended", log.station_id, id=str(log.id), **shown)
        # What was put before shares the commit, so that the command ends exactly when the log does.
        await self._book.put(log)
        if state is LogState.REJECTED:
            await self._files.close_addresses(f"{_REFERENCE}{log.id}")


def _order(wanted: GetDiagnostics, request_id: int, location: str) -> LogOrder:
    return LogOrder(
        request_id=request_id,
        location=location,
        log_type=wanted.log_type if isinstance(wanted, GetLog) else LogType.DIAGNOSTICS,
        oldest_at=wanted.oldest_at,
        latest_at=wanted.latest_at,
        retries=wanted.retries,
        retry_interval_s=wanted.retry_interval_s,
    )
