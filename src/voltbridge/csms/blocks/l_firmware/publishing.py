"""Firmware that local controllers publish for the stations of their sites (2.0.1 L03, L04)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct

from voltbridge.csms.blocks.l_firmware.parameters import (
    PublishFirmware,
    PublishOrder,
    UnpublishFirmware,
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
    PublishedBook,
)
from voltbridge.csms.commands.kinds import CommandRun, answered
from voltbridge.domain.clock import Clock
from voltbridge.domain.commands import CommandAnswer
from voltbridge.domain.errors import InvalidValue, NotFound
from voltbridge.domain.firmware import FirmwareImage, PublishedFirmware, PublishStatus
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.versions import Version

__all__ = ["PUBLISHING", "PUBLISH_WITHIN_S", "PublishingService"]

PUBLISHING: Final = "publishing"
"""The kind of outcome under which it is awaited."""
PUBLISH_WITHIN_S: Final = 86_400.0

_FAILED: Final = frozenset(
    {PublishStatus.DOWNLOAD_FAILED, PublishStatus.INVALID_CHECKSUM, PublishStatus.PUBLISH_FAILED}
)
_UNPUBLISHED: Final = frozenset({"Unpublished"})


class PublishingService:
    """Everything about publishing. ``words`` has the messages of each version."""

    def __init__(
        self,
        book: PublishedBook,
        images: ImageBook,
        stations: KnownStations,
        files: FileAddresses,
        commands: Outcomes,
        notices: Notices,
        words: Mapping[Version, FirmwareWords],
        clock: Clock,
    ) -> None:
        self._book = book
        self._images = images
        self._stations = stations
        self._files = files
        self._commands = commands
        self._notices = notices
        self._words = words
        self._clock = clock
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of_station(self, station_id: str) -> Sequence[PublishedFirmware]:
        """What a local controller publishes, or was asked to. Raises NotFound."""
        if await self._stations.get(station_id) is None:
            raise NotFound("station", station_id)
        return await self._book.of_station(station_id)

    def check(self, wanted: PublishFirmware, version: Version) -> None:
        """Raises InvalidValue and Unsupported."""
        check_location(wanted.location)
        check_protocol(wanted.protocol, wanted.location, self._files.speaks)
        if (wanted.firmware_id is None) is (wanted.checksum is None):
            raise InvalidValue("firmware_id", "or checksum: give exactly one of the two")
        if wanted.firmware_id is None and wanted.location is None:
            raise InvalidValue("location", "is needed for a file that is kept elsewhere")
        order = PublishOrder(request_id=1, location=wanted.location or "http://example.com/", checksum="0" * 32)
        self._words[version].publish_request(order)

    def check_unpublish(self, wanted: UnpublishFirmware, version: Version) -> None:
        """Raises InvalidValue and Unsupported."""
        if (wanted.firmware_id is None) is (wanted.checksum is None):
            raise InvalidValue("firmware_id", "or checksum: give exactly one of the two")
        self._words[version].unpublish_request("0" * 32)

    async def publish(self, run: CommandRun) -> CommandAnswer:
        """Ask the local controller of a command. Raises NotFound and a CallFailed."""
        wanted: PublishFirmware = run.parameters
        live = run.context.live
        assert live is not None, "commands run with a station"
        now = self._clock.now()
        request_id, reference = run.context.next_id(), f"publishing:{run.command.id}"
        image = await self._image(wanted.firmware_id)
        checksum, location = (wanted.checksum or "").lower(), wanted.location or ""
        if image is not None:
            file = await self._files.get(image.file_id)
            checksum = file.md5
            if not location:
                until = now + timedelta(seconds=PUBLISH_WITHIN_S)
                location = await self._files.offer(live, file, reference, until, wanted.protocol)
        order = PublishOrder(
            request_id=request_id,
            location=location,
            checksum=checksum,
            retries=wanted.retries,
            retry_interval_s=wanted.retry_interval_s,
        )
        published = PublishedFirmware(
            station_id=live.station_id,
            checksum=checksum,
            request_id=request_id,
            requested_at=now,
            firmware_id=None if image is None else image.id,
        )
        async with self._locks[live.station_id]:
            before = await self._found(live.station_id, checksum=checksum)
            await self._book.put(published)
        run.expect(str(request_id))
        accepted = False
        try:
            answer = answered(await run.call(self._words[run.context.version].publish_request(order)))
            accepted = answer.accepted
        finally:
            if not accepted:
                await self._files.close_addresses(reference)
                await self._put_back(published, before)
        return CommandAnswer(
            answer.accepted, answer.status, answer.reason, {"request_id": request_id, "checksum": checksum}
        )

    async def unpublish(self, run: CommandRun) -> CommandAnswer:
        """Ask the local controller of a command. Raises NotFound and a CallFailed."""
        wanted: UnpublishFirmware = run.parameters
        image = await self._image(wanted.firmware_id)
        checksum = (wanted.checksum or "").lower()
        if image is not None:
            checksum = (await self._files.get(image.file_id)).md5
        request = self._words[run.context.version].unpublish_request(checksum)
        answer = answered(await run.call(request), _UNPUBLISHED)
        if answer.accepted or answer.status == "NoFirmware":
            async with self._locks[run.context.station_id]:
                await self._book.delete(run.context.station_id, checksum)
        return answer

    async def told(
        self,
        live: LiveStation,
        status: PublishStatus,
        request_id: int | None,
        locations: Sequence[str],
        message: Struct,
    ) -> None:
        """A local controller tells how far it is."""
        self._notices.note(live, "firmware.publish_status", message)
        if status is PublishStatus.IDLE:
            return  # asked for, while nothing is being published (L03.FR.10)
        station_id = live.station_id
        async with self._locks[station_id]:
            known = await self._found(station_id, request_id=request_id)
            if known is None:
                return
            known = replace(known, status=status.value, updated_at=self._clock.now())
            data: dict[str, Any] = {"status": status.value, "checksum": known.checksum}
            correlation = str(known.request_id)
            if status is PublishStatus.PUBLISHED:
                known = replace(known, locations=tuple(locations))
                data["locations"] = list(locations)
            await self._book.put(known)
            if status is PublishStatus.PUBLISHED or status in _FAILED:
                completed = status is PublishStatus.PUBLISHED
                self._commands.conclude(station_id, PUBLISHING, correlation, completed, data)
            else:
                self._commands.progress(station_id, PUBLISHING, correlation, data)

    async def _image(self, firmware_id: str | None) -> FirmwareImage | None:
        if firmware_id is None:
            return None
        image = await self._images.get(int(firmware_id))
        if image is None:
            raise NotFound("firmware", firmware_id)
        return image

    async def _found(
        self, station_id: str, *, checksum: str | None = None, request_id: int | None = None
    ) -> PublishedFirmware | None:
        """The one of a checksum or a request; without either the newest."""
        found = [
            one
            for one in await self._book.of_station(station_id)
            if checksum in (None, one.checksum) and request_id in (None, one.request_id)
        ]
        return max(found, key=lambda one: one.request_id, default=None)

    async def _put_back(self, published: PublishedFirmware, before: PublishedFirmware | None) -> None:
        """What was asked for will not be: as it was, unless the controller has told something since."""
        async with self._locks[published.station_id]:
            if await self._found(published.station_id, checksum=published.checksum) != published:
                return
            if before is None:
                await self._book.delete(published.station_id, published.checksum)
            else:
                await self._book.put(before)
