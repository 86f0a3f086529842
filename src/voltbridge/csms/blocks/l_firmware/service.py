"""Firmware on stations: which images there are, and what becomes of them (2.0.1 L01, L02; 1.6 4.5, 5.19).

An update is noted before the station is asked, since its first status may overtake its answer. Statuses find their
update by the id of the request; in 1.6 without signature, which names none, they belong to the newest. The last word is
the version the station boots with: when it is the one wanted the update is installed even if that status was lost, and
when it is another the update failed even though it was told to be installed. Told to be installed and not booted since,
it is unconfirmed until a boot tells, which is no success to whoever waits for it. A command that was told an end which
a later boot contradicts is corrected, and its rollout with it. A station has one update at a time: one that it accepts
takes the place of those before it (L01.FR.24).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from voltbridge.csms.blocks.l_firmware.parameters import (
    UpdateFirmware,
    UpdateOrder,
    check_location,
    check_protocol,
)
from voltbridge.csms.blocks.l_firmware.ports import (
    FileAddresses,
    FirmwareWords,
    ImageBook,
    KnownStations,
    Notices,
    Outcomes,
    UpdateBook,
)
from voltbridge.csms.blocks.l_firmware.signatures import check_certificate, check_signature, signature_bytes
from voltbridge.csms.commands.kinds import CommandRun, Unsupported
from voltbridge.csms.deadlines import Deadlines
from voltbridge.csms.events import EventLog
from voltbridge.domain.clock import Clock
from voltbridge.domain.commands import CommandAnswer
from voltbridge.domain.errors import InvalidValue, NotFound
from voltbridge.domain.firmware import (
    DOWNLOADED,
    FAILED,
    FirmwareImage,
    FirmwareStatus,
    FirmwareUpdate,
    StatusNote,
    UpdateState,
    image_problem,
)
from voltbridge.domain.ids import IdSource
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.station_calls import CallFailed, CallTimedOut
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.versions import Version

__all__ = ["FIRMWARE", "FirmwareService", "ImageContent", "reference_of"]

FIRMWARE: Final = "firmware"
"""The kind of outcome under which updates are awaited."""

_ACTIVATION_S: Final = 600.0
"""How long a station that tells Installed, and still runs what it had, is given to boot with it."""
_REVIVED_S: Final = 600.0
"""How long a station is given, at least, that tells something of an update thought to be over."""
_MOST_STATUSES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageContent:
    """What an operator says of an image."""

    file_id: int
    version: str
    vendor: str | None = None
    model: str | None = None
    signature: str | None = None
    signing_certificate: str | None = None
    verify_signature: bool = True
    note: str | None = None


def reference_of(update_id: int) -> str:
    """On whose behalf the file of an update is fetched."""
    return f"firmware:{update_id}"


class FirmwareService:
    """Everything about firmware but its publishing. ``words`` has the messages of each version."""

    def __init__(
        self,
        images: ImageBook,
        updates: UpdateBook,
        stations: KnownStations,
        files: FileAddresses,
        commands: Outcomes,
        notices: Notices,
        words: Mapping[Version, FirmwareWords],
        events: EventLog,
        ids: IdSource,
        clock: Clock,
    ) -> None:
        self._images = images
        self._updates = updates
        self._stations = stations
        self._files = files
        self._commands = commands
        self._notices = notices
        self._words = words
        self._events = events
        self._ids = ids
        self._clock = clock
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._deadlines = Deadlines(clock, self._overdue)
        self._pending: dict[int, str] = {}
        """Stations by updates that have not ended."""

    async def start(self) -> None:
        """Take up what an earlier run of the program left. Raises StorageUnavailable."""
        for update in await self._updates.open():
            self._await(update)

    async def close(self) -> None:
        """Let no deadline fall due any more."""
        await self._deadlines.close()

    # Images

    async def add_image(self, content: ImageContent) -> FirmwareImage:
        """Keep an image. Raises InvalidValue, above all for a signature that is not right."""
        try:
            file = await self._files.get(content.file_id)
        except NotFound:
            raise InvalidValue("file_id", "is of no file; upload it first") from None
        now = self._clock.now()
        signed = content.signature is not None
        if signed is not (content.signing_certificate is not None):
            field = "signing_certificate" if signed else "signature"
            raise InvalidValue(field, "is needed too: neither is of use without the other")
        if content.signature is not None and content.signing_certificate is not None:
            certificate = check_certificate(content.signing_certificate, now)
            signature = signature_bytes(content.signature)
            if content.verify_signature:
                check_signature(certificate, signature, file.sha256)
        image = FirmwareImage(
            id=self._ids.next(),
            file_id=file.id,
            version=content.version,
            created_at=now,
            vendor=content.vendor,
            model=content.model,
            signature=None if content.signature is None else "".join(content.signature.split()),
            signing_certificate=content.signing_certificate,
            signature_verified=signed and content.verify_signature,
            note=content.note,
        )
        await self._images.add(image)
        self._events.emit("firmware.added", None, id=str(image.id), file_id=str(file.id), version=image.version)
        return image

    async def image(self, id: int) -> FirmwareImage:
        """One image. Raises NotFound."""
        found = await self._images.get(id)
        if found is None:
            raise NotFound("firmware", str(id))
        return found

    async def images(self, page: PageRequest) -> Page[FirmwareImage]:
        """Images, newest first. Raises InvalidCursor."""
        return await self._images.list(page)

    async def delete_image(self, id: int) -> None:
        """Forget an image, not its file. Raises NotFound; InvalidValue while a station is being updated with it."""
        await self.image(id)
        if any(update.firmware_id == id for update in await self._updates.open()):
            raise InvalidValue("id", "is of firmware that a station is being updated with; wait, or send it another")
        await self._images.delete(id)
        self._events.emit("firmware.deleted", None, id=str(id))

    async def user_of_file(self, file_id: int) -> str | None:
        """What needs a file, in a few words."""
        image = await self._images.of_file(file_id)
        return None if image is None else f"firmware {image.id}"

    # Updates

    async def updates(self, station_id: str, page: PageRequest) -> Page[FirmwareUpdate]:
        """What became of updates of a station, newest first. Raises NotFound, InvalidCursor."""
        if await self._stations.get(station_id) is None:
            raise NotFound("station", station_id)
        return await self._updates.list(station_id, page)

    def check(self, wanted: UpdateFirmware, version: Version, now: datetime) -> None:
        """Raises InvalidValue and Unsupported for what can be told without looking anything up."""
        check_location(wanted.location)
        check_protocol(wanted.protocol, wanted.location, self._files.speaks)
        if wanted.firmware_id is None and wanted.location is None:
            raise InvalidValue("firmware_id", "or location is needed")
        if (wanted.signature is None) is not (wanted.signing_certificate is None):
            raise InvalidValue("signature", "and signing_certificate: give both or none")
        if wanted.signature is not None:
            if wanted.firmware_id is not None:
                raise InvalidValue("signature", "is the image's; leave it out")
            signature_bytes(wanted.signature)
            check_certificate(wanted.signing_certificate or "", now)
        if wanted.signed and wanted.firmware_id is None and wanted.signature is None:
            raise InvalidValue("signed", "needs signature and signing_certificate")
        if wanted.retrieve_at and wanted.install_at and wanted.install_at < wanted.retrieve_at:
            raise InvalidValue("install_at", "must not be before retrieve_at")
        order = UpdateOrder(
            request_id=1,
            location=wanted.location or "http://example.com/",
            retrieve_at=now,
            install_at=wanted.install_at,
            signature=wanted.signature if wanted.signed is not False else None,
            signing_certificate=wanted.signing_certificate if wanted.signed is not False else None,
        )
        if wanted.firmware_id is None or wanted.signed is False:
            self._words[version].update_request(order)

    async def update(self, run: CommandRun) -> CommandAnswer:
        """Ask the station of a command. Raises NotFound, InvalidValue, Unsupported and a CallFailed."""
        wanted: UpdateFirmware = run.parameters
        live = run.context.live
        assert live is not None, "commands run with a station"
        now = self._clock.now()
        image = None if wanted.firmware_id is None else await self.image(int(wanted.firmware_id))
        if image is not None and not wanted.any_model:
            problem = image_problem(image, live.report.vendor, live.report.model)
            if problem is not None:
                raise InvalidValue("firmware_id", f"{problem}; any_model sends it all the same")
        begins = max(one for one in (now, wanted.retrieve_at, wanted.install_at) if one is not None)
        signature, certificate = wanted.signature, wanted.signing_certificate
        if image is not None:
            signature, certificate = image.signature, image.signing_certificate
            if wanted.signed and signature is None:
                raise InvalidValue("signed", "cannot be: the image has no signature")
        if wanted.signed is False:
            signature = certificate = None
        update = FirmwareUpdate(
            id=run.command.id,
            station_id=live.station_id,
            request_id=run.context.next_id(),
            state=UpdateState.REQUESTED,
            requested_at=now,
            deadline_at=begins + timedelta(seconds=wanted.finish_within_s),
            firmware_id=None if image is None else image.id,
            signed=signature is not None,
            version=wanted.version or (None if image is None else image.version),
            from_version=live.report.firmware_version,
        )
        location = wanted.location
        if location is None and image is not None:
            file = await self._files.get(image.file_id)
            reference = reference_of(update.id)
            location = await self._files.offer(live, file, reference, update.deadline_at, wanted.protocol)
        order = UpdateOrder(
            request_id=update.request_id,
            location=location or "",
            retrieve_at=wanted.retrieve_at or now,
            install_at=wanted.install_at,
            retries=wanted.retries,
            retry_interval_s=wanted.retry_interval_s,
            signature=signature,
            signing_certificate=certificate,
        )
        return await self._ask(run, update, order)

    async def _ask(self, run: CommandRun, update: FirmwareUpdate, order: UpdateOrder) -> CommandAnswer:
        words = self._words[run.context.version]
        try:
            request = words.update_request(order)
            await self._updates.put(update)
            self._await(update)
            run.expect(str(update.request_id))
            answer = words.update_answer(await run.call(request))
        except (CallFailed, Unsupported, ValueError) as error:
            async with self._locks[update.station_id]:
                known = await self._updates.of_request(update.station_id, update.request_id)
                if known is not None and known.state is UpdateState.REQUESTED:
                    # Without an answer it may be on its way all the same, and then it needs the file.
                    unanswered = isinstance(error, CallTimedOut)
                    await self._end(known, UpdateState.FAILED, problem=str(error), keep_file=unanswered)
                elif known is None:
                    await self._files.close_addresses(reference_of(update.id))
            raise
        async with self._locks[update.station_id]:
            update = await self._updates.of_request(update.station_id, update.request_id) or update
            if not answer.accepted:
                reason = answer.status if answer.reason is None else f"{answer.status}: {answer.reason}"
                await self._end(update, UpdateState.REJECTED, problem=reason)
            else:
                if update.state is UpdateState.REQUESTED:
                    await self._updates.put(replace(update, state=UpdateState.PENDING))
                await self._supersede(update)
        info = {**answer.info, "request_id": update.request_id, "signed": update.signed}
        return CommandAnswer(answer.accepted, answer.status, answer.reason, info)

    async def _supersede(self, by: FirmwareUpdate) -> None:
        for other in await self._updates.open(by.station_id):
            if other.id < by.id:
                problem = f"the update of command {by.id} took its place"
                await self._end(other, UpdateState.SUPERSEDED, problem=problem)

    # What stations tell

    async def told(
        self,
        live: LiveStation,
        status: FirmwareStatus,
        request_id: int | None,
        message: Struct,
        reason: str | None = None,
    ) -> None:
        """A station tells how far it is. ``request_id`` is None where its message has none."""
        self._notices.note(live, "firmware.status", message)
        if status is FirmwareStatus.IDLE:
            return  # asked for, while no update is under way: it belongs to none (L01.FR.25)
        station_id = live.station_id
        async with self._locks[station_id]:
            if request_id is None:
                update = await self._updates.current(station_id)
            else:
                update = await self._updates.of_request(station_id, request_id)
            if update is None:
                return
            notes = (*update.statuses, StatusNote(status.value, self._clock.now()))[-_MOST_STATUSES:]
            update = replace(update, statuses=notes)
            if status in DOWNLOADED:
                await self._files.close_addresses(reference_of(update.id))
            if update.state in (UpdateState.SUPERSEDED, UpdateState.INSTALLED):
                await self._updates.put(update)
            elif status in FAILED:
                told = status.value if reason is None else f"{status.value}: {reason}"
                await self._end(update, UpdateState.FAILED, problem=told)
            elif status is FirmwareStatus.INSTALLED:
                await self._installed(live, update)
            else:
                if not update.state.is_open:
                    # Thought to be over, because no answer came or for its silence: it is not.
                    until = max(update.deadline_at, self._clock.now() + timedelta(seconds=_REVIVED_S))
                    update = replace(
                        update, state=UpdateState.PENDING, problem=None, finished_at=None, deadline_at=until
                    )
                    self._await(update)
                await self._updates.put(update)
                self._commands.progress(station_id, FIRMWARE, str(update.request_id), {"status": status.value})

    async def booted(self, live: LiveStation) -> None:
        """A station has booted: its firmware's version is the proof of an update."""
        station_id, version = live.station_id, live.report.firmware_version
        if version is None or await self._updates.current(station_id) is None:
            return  # most stations have no updates: they leave no lock behind
        async with self._locks[station_id]:
            update = await self._updates.current(station_id)
            if update is None or update.state in (UpdateState.REJECTED, UpdateState.SUPERSEDED) or update.verified:
                return
            known, update = update, replace(update, installed_version=version)
            installed = update.status == FirmwareStatus.INSTALLED.value
            if update.version is None:
                if installed and update != known:
                    await self._updates.put(update)
            elif version == update.version and (installed or version != update.from_version):
                await self._end(replace(update, verified=True), UpdateState.INSTALLED)
            elif installed and version != update.version and update.verified is None:
                problem = f"it was told to be installed, and the station boots with version {version}"
                self._events.emit(
                    "firmware.version_mismatch",
                    station_id,
                    id=str(update.id),
                    version=update.version,
                    installed_version=version,
                )
                await self._end(replace(update, verified=False), UpdateState.FAILED, problem=problem)

    async def _installed(self, live: LiveStation, update: FirmwareUpdate) -> None:
        """Wait for the proof where one can come."""
        runs = live.report.firmware_version
        if update.version is None or runs is None:
            await self._end(update, UpdateState.INSTALLED)
        elif runs == update.version:
            proven = True if runs != update.from_version else None
            await self._end(replace(update, installed_version=runs, verified=proven), UpdateState.INSTALLED)
        else:
            at = self._clock.now() + timedelta(seconds=_ACTIVATION_S)
            update = replace(update, state=UpdateState.PENDING, deadline_at=at)
            await self._updates.put(update)
            self._await(update)
            told = {"status": FirmwareStatus.INSTALLED.value}
            self._commands.progress(update.station_id, FIRMWARE, str(update.request_id), told)

    async def _overdue(self, id: int) -> None:
        station_id = self._pending.get(id)
        if station_id is None:
            return
        async with self._locks[station_id]:
            for update in await self._updates.open(station_id):
                if update.id != id:
                    continue
                if update.deadline_at > self._clock.now():  # the station has told something just now
                    self._await(update)
                elif update.status == FirmwareStatus.INSTALLED.value:
                    # What it runs is told by its next boot, whenever that is.
                    problem = "the station told that it is installed, and has not booted with it"
                    await self._end(update, UpdateState.UNCONFIRMED, problem=problem)
                else:
                    last = f"since {update.status}" if update.status else "at all"
                    await self._end(update, UpdateState.FAILED, problem=f"the station told nothing {last}")

    def _await(self, update: FirmwareUpdate) -> None:
        self._pending[update.id] = update.station_id
        self._deadlines.set(update.id, update.deadline_at)

    async def _end(
        self, update: FirmwareUpdate, state: UpdateState, problem: str | None = None, *, keep_file: bool = False
    ) -> None:
        """Note the end, and tell the command that waits for it."""
        was_open = update.state.is_open
        update = replace(update, state=state, problem=problem, finished_at=self._clock.now())
        told = {
            "status": update.status,
            "version": update.version,
            "installed_version": update.installed_version,
            "verified": update.verified,
            "problem": problem,
        }
        outcome = {name: value for name, value in told.items() if value is not None}
        completed = state is UpdateState.INSTALLED
        if state is not UpdateState.REJECTED:
            number = str(update.request_id)
            if self._commands.conclude(update.station_id, FIRMWARE, number, completed, outcome) is None:
                await self._commands.correct(update.id, completed, outcome)
        if was_open or completed:
            self._events.emit(
                "firmware.update_ended", update.station_id, id=str(update.id), state=state.value, **outcome
            )
        # What was put before shares the commit, so that the command ends exactly when the update does.
        await self._updates.put(update)
        self._pending.pop(update.id, None)
        self._deadlines.drop(update.id)
        if not keep_file:
            await self._files.close_addresses(reference_of(update.id))
