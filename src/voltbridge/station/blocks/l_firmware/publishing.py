"""A local controller publishes firmware for the other stations of its site (2.0.1 L03, L04).

One file is fetched at a time; what is asked for meanwhile is scheduled. What is to be fetched and what is published is
on disk, so both outlast a restart. A file comes to where it will lie, and is served under its own name from the moment
its MD5 checksum has been found right.
"""

from __future__ import annotations

import asyncio
import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec
import structlog

from voltbridge.station.attempts import RETRY_INTERVAL_S, succeeds
from voltbridge.station.blocks.l_firmware.serving import FirmwareServer
from voltbridge.station.configuration import LocalController
from voltbridge.station.context import Context
from voltbridge.station.downloads import Download, digest_of
from voltbridge.station.facts import PublishFirmwareStatusFact
from voltbridge.station.ports import Files

__all__ = ["FirmwareToPublish", "Publishing", "UnpublishStatus"]

_WANTED: Final = "firmware-to-publish"
_PUBLISHED: Final = "published-firmware"
_LAST: Final = "publishing"
_INCOMING: Final = "incoming.part"
_MOST_WAITING: Final = 20
_MD5: Final = re.compile(r"[0-9a-fA-F]{32}")
_UNTAMED: Final = re.compile(r"[^A-Za-z0-9._-]+")


class UnpublishStatus(StrEnum):
    """UnpublishFirmwareStatusEnumType."""

    DOWNLOAD_ONGOING = "DownloadOngoing"
    NO_FIRMWARE = "NoFirmware"
    UNPUBLISHED = "Unpublished"


class FirmwareToPublish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the CSMS wants published."""

    location: str
    checksum: str
    """MD5 over the whole file, in hexadecimal digits."""
    request_id: int
    retries: int = 0
    retry_interval_s: int = RETRY_INTERVAL_S


class _Last(msgspec.Struct, frozen=True):
    """What was told last."""

    status: str
    request_id: int


class Publishing:
    """What one local controller publishes."""

    def __init__(self, context: Context, files: Files, configuration: LocalController) -> None:
        self._context = context
        self._files = files
        self._directory = configuration.directory
        self._incoming = Download(configuration.directory / _INCOMING)
        self._server = FirmwareServer(configuration, self._find)
        store = context.store
        self._waiting = [
            msgspec.json.decode(each, type=FirmwareToPublish) for _, each in sorted(store.all(_WANTED).items())
        ]
        self._names = {checksum: name.decode() for checksum, name in store.all(_PUBLISHED).items()}
        """By checksum, of what is published."""
        kept = store.all(_LAST).get("last")
        self._last = msgspec.json.decode(kept, type=_Last) if kept else None
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("voltbridge.station").bind(station=context.configuration.identity)

    def start(self) -> None:
        """A new life: what is published is served again, what was to be fetched is fetched."""
        self._forget_incoming()  # a process that was killed leaves it
        if self._waiting or self._names:
            self._run_soon()

    async def stop(self) -> None:
        """The engine stops; nobody can fetch anything any more."""
        await self._server.stop()

    # The CSMS

    async def request(self, wanted: FirmwareToPublish) -> str:
        """PublishFirmware: why it is refused, or nothing. ``begin`` fetches it once that was told."""
        if not _MD5.fullmatch(wanted.checksum):
            return "a checksum has 32 hexadecimal digits"
        if len(self._waiting) >= _MOST_WAITING:
            return "too many files wait to be published"
        self._waiting.append(msgspec.structs.replace(wanted, checksum=wanted.checksum.lower()))
        self._keep_waiting()
        await self._context.store.committed()
        return ""

    async def begin(self) -> None:
        """Fetch what is wanted."""
        if self._task is None:
            self._run_soon()
        elif self._waiting:
            self._say(self._waiting[-1], "DownloadScheduled")

    async def unpublish(self, checksum: str) -> UnpublishStatus:
        """UnpublishFirmware. Nobody loses what he is just fetching (L04.FR.04)."""
        checksum = checksum.lower()
        if self._server.is_downloaded(checksum) or any(each.checksum == checksum for each in self._waiting):
            return UnpublishStatus.DOWNLOAD_ONGOING
        path = self._find(checksum)
        if path is None:
            return UnpublishStatus.NO_FIRMWARE
        del self._names[checksum]
        self._context.store.delete(_PUBLISHED, checksum)
        await self._context.store.committed()
        await asyncio.to_thread(_remove, path)
        return UnpublishStatus.UNPUBLISHED

    def trigger(self) -> bool:
        """Tell how it goes (L03.FR.10, FR.11)."""
        last = self._last
        if last is None or last.status == "Published":
            fact = PublishFirmwareStatusFact(status="Idle")
        else:
            fact = PublishFirmwareStatusFact(status=last.status, request_id=last.request_id)
        self._context.outbox.tell(fact, triggered=True)
        return True

    # Publishing

    def _run_soon(self) -> None:
        self._task = self._context.tasks.spawn(self._run(), "publishing")

    async def _run(self) -> None:
        try:
            try:
                await self._server.start()
            except OSError as error:
                self._log.error("nothing can be published", error=str(error))
            while self._waiting:
                wanted = self._waiting[0]
                try:
                    status, locations = await self._publish(wanted)
                finally:
                    self._forget_incoming()
                self._waiting.remove(wanted)
                self._keep_waiting()
                self._say(wanted, status, locations)
                await self._context.store.committed()
        finally:
            self._task = None

    async def _publish(self, wanted: FirmwareToPublish) -> tuple[str, tuple[str, ...]]:
        """How it ends, and where the file is then."""
        self._say(wanted, "Downloading")
        if not await self._download(wanted):
            return "DownloadFailed", ()
        self._say(wanted, "Downloaded")
        try:
            checksum = (await asyncio.to_thread(digest_of, self._incoming.path, "md5")).hex()
        except OSError as error:
            self._log.error("firmware to publish cannot be read", error=str(error))
            return "PublishFailed", ()
        if checksum != wanted.checksum:
            return "InvalidChecksum", ()
        self._say(wanted, "ChecksumVerified")
        name = _name_of(wanted.location)
        try:
            await self._server.start()
            await asyncio.to_thread(_keep, self._incoming.path, self._directory / wanted.checksum / name)
        except OSError as error:
            self._log.error("firmware is not published", error=str(error))
            return "PublishFailed", ()
        self._names[wanted.checksum] = name
        self._context.store.put(_PUBLISHED, wanted.checksum, name.encode())
        return "Published", self._server.locations(wanted.checksum, name)

    async def _download(self, wanted: FirmwareToPublish) -> bool:
        return await succeeds(
            lambda: self._files.download(wanted.location, self._incoming),
            retries=wanted.retries,
            interval_s=wanted.retry_interval_s,
            clock=self._context.clock,
            failed=lambda attempt, error: self._log.warning(
                "firmware to publish did not come", attempt=attempt, error=str(error)
            ),
        )

    def _forget_incoming(self) -> None:
        try:
            self._incoming.remove()
        except OSError as error:
            self._log.warning("what came of a firmware is left behind", error=str(error))

    def _find(self, checksum: str) -> Path | None:
        """The published file, if it is still there."""
        name = self._names.get(checksum)
        path = self._directory / checksum / name if name is not None else None
        return path if path is not None and path.is_file() else None

    def _keep_waiting(self) -> None:
        store = self._context.store
        for key in store.all(_WANTED):
            store.delete(_WANTED, key)
        for place, wanted in enumerate(self._waiting):
            store.put(_WANTED, f"{place:03}", msgspec.json.encode(wanted))

    def _say(self, wanted: FirmwareToPublish, status: str, locations: tuple[str, ...] = ()) -> None:
        self._last = _Last(status, wanted.request_id)
        self._context.store.put(_LAST, "last", msgspec.json.encode(self._last))
        self._context.outbox.tell(
            PublishFirmwareStatusFact(status=status, request_id=wanted.request_id, locations=locations)
        )


def _name_of(location: str) -> str:
    name = _UNTAMED.sub("_", unquote(urlsplit(location).path).rpartition("/")[2]).lstrip(".")[:100]
    return name or "firmware.bin"


def _keep(part: Path, path: Path) -> None:
    """Whole or not at all, whatever happens meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with part.open("r+b") as file:
        os.fsync(file.fileno())
    part.replace(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    if not any(path.parent.iterdir()):
        path.parent.rmdir()
