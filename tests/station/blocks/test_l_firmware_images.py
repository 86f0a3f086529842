"""Firmware images as files: what they cost, what stays of a download, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from aiohttp import web
from tests.station.blocks.test_l_firmware import IMAGE, Maker, maker, world
from tests.station.blocks.test_l_publishing import GOES, MD5, fetch, site
from tests.station.blocks.test_l_publishing import IMAGE as PUBLISHED
from tests.station.central_system import live
from tests.station.test_downloads import http, traced
from tests.station.test_ftp_and_sftp import KEY, sftp_server

from voltbridge.protocol.versions import Version
from voltbridge.station.configuration import FirmwareAbilities
from voltbridge.station.virtual_clock import VirtualClock

LARGE: Final = 16 << 20
LEAST: Final = 5 << 20
"""Far less than the image, and more than everything else that goes on meanwhile."""
LONG_AGO: Final = "2020-01-01T00:00:00Z"


def left_in(directory: Path) -> list[str]:
    return [each.name for each in directory.iterdir()]


def large_image(directory: Path) -> bytes:
    """Its content, too, which the caller had better forget."""
    content = b"VOLTBRIDGE FIRMWARE 9.0\n" + os.urandom(1 << 20) * 16
    (directory / "fw.bin").write_bytes(content)
    return content


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_large_image_costs_no_memory(kind: str, tmp_path: Path) -> None:
    image = large_image(tmp_path)
    signature, digest = maker(kind).sign(image), hashlib.sha256(image).hexdigest()
    del image

    async def story(clock: VirtualClock) -> None:
        here = tmp_path / "station"
        async with (
            http(tmp_path, False) as server,
            world(clock, Version.V201, maker(kind).root, download_directory=here) as it,
        ):
            firmware = {"location": server.url, "retrieveDateTime": LONG_AGO, "signature": signature}
            with traced() as peak:
                await it.central.call(
                    "UpdateFirmware",
                    {"requestId": 1, "firmware": firmware | {"signingCertificate": maker(kind).certificate}},
                )
                await it.until("Installed")
                assert peak() < LEAST
            assert it.hardware.installed == [digest]
            assert it.hardware.firmware_version == "9.0"
            assert left_in(here) == []

    live(story)


def test_publishing_a_large_image_costs_no_memory(tmp_path: Path) -> None:
    image = large_image(tmp_path)
    md5 = hashlib.md5(image, usedforsecurity=False).hexdigest()
    del image

    async def story(clock: VirtualClock) -> None:
        here = tmp_path / "controller"
        async with http(tmp_path, False) as server, site(clock, Version.V201, here) as it:
            with traced() as peak:
                await it.central.call("PublishFirmware", {"location": server.url, "checksum": md5, "requestId": 1})
                (location,) = (await it.until("Published"))["location"]
                digest = hashlib.md5(usedforsecurity=False)
                async with aiohttp.ClientSession() as session, session.get(location) as response:
                    async for chunk in response.content.iter_chunked(1 << 16):
                        digest.update(chunk)
                assert peak() < LEAST
            assert digest.hexdigest() == md5
            assert left_in(here) == [md5]

    live(story)


def test_another_attempt_to_publish_goes_on_with_what_has_come(tmp_path: Path) -> None:
    (tmp_path / "incoming.part").write_bytes(b"of a process that was killed")

    async def story(clock: VirtualClock) -> None:
        async with site(clock, Version.V201, tmp_path) as it:
            assert left_in(tmp_path) == []

            def fail() -> None:
                it.files.status = 500

            it.files.breaks, it.files.on_break = 1, fail
            await it.publish(retries=1, retryInterval=60)
            while len(it.files.ranges) < 2:
                await clock.sleep(1)
            it.files.status = 0
            (location,) = (await it.until("Published"))["location"]
            assert it.statuses() == GOES
            assert [each > "bytes=0" for each in it.files.ranges] == [False, True, True]
            assert await fetch(location) == (200, PUBLISHED)
            assert left_in(tmp_path) == [MD5]

    live(story)


@dataclass
class Halting:
    """A server that sends half of its file, and the rest only to who asks for that."""

    content: bytes
    url: str = ""
    starts: list[int] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def get(self, request: web.Request) -> web.StreamResponse:
        start = request.http_range.start or 0
        self.starts.append(start)
        size = len(self.content)
        response = web.StreamResponse(status=206 if start else 200, headers={"ETag": '"one"'})
        response.content_length = size - start
        if start:
            response.headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        await response.prepare(request)
        if start:
            await response.write(self.content[start:])
        else:
            await response.write(self.content[: size // 2])
            await self.over.wait()
        return response


@contextlib.asynccontextmanager
async def halting(content: bytes) -> AsyncIterator[Halting]:
    server = Halting(content)
    app = web.Application()
    app.router.add_get("/fw", server.get)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/fw"
    try:
        yield server
    finally:
        server.over.set()
        await runner.cleanup()


def has_come(directory: Path) -> bool:
    file = directory / "firmware.part"
    return file.exists() and file.stat().st_size > 0


def test_a_download_that_paused_goes_on_with_what_has_come(tmp_path: Path) -> None:
    """L01.FR.14."""

    async def story(clock: VirtualClock) -> None:
        abilities = FirmwareAbilities(downloads_while_charging=False)
        allows = {"ChargingStation.AllowNewSessionsPendingFirmwareUpdate": "true"}
        async with (
            halting(IMAGE * 10) as server,
            world(clock, Version.V201, firmware=abilities, variables=allows, download_directory=tmp_path) as it,
        ):
            firmware = {"location": server.url, "retrieveDateTime": LONG_AGO}
            await it.central.call("UpdateFirmware", {"requestId": 1, "firmware": firmware})
            while not has_come(tmp_path):
                await clock.sleep(1)
            async with it.station.plug_in(1) as visit:
                await visit.swipe("04A2B3C4")
                await it.until("DownloadPaused")
                assert left_in(tmp_path) == ["firmware.part"]
            await it.until("Installed")
            assert len(server.starts) == 2
            assert server.starts[0] == 0 < server.starts[1]
            assert it.hardware.installed == [hashlib.sha256(IMAGE * 10).hexdigest()]
            assert left_in(tmp_path) == []

    live(story)


@pytest.mark.parametrize("end", ["a refusal", "a newer request", "a power cut", "a wrong signature"])
def test_nothing_is_left_behind(end: str, tmp_path: Path) -> None:
    (tmp_path / "firmware.part").write_bytes(b"of a process that was killed")

    async def story(clock: VirtualClock) -> None:
        async with (
            halting(IMAGE) as server,
            world(clock, Version.V201, maker().root, download_directory=tmp_path) as it,
        ):
            assert left_in(tmp_path) == []
            if end == "a refusal":
                await it.update(signed=maker(), name="missing")
                await it.until("DownloadFailed")
            elif end == "a wrong signature":
                forged = Maker(maker().root, maker().certificate, maker("rsa").key)
                await it.update(signed=forged)
                await it.until("InvalidSignature")
            else:
                await it.update(signed=maker(), location=server.url)
                while not has_come(tmp_path):
                    await clock.sleep(1)
                if end == "a power cut":
                    await it.station.power_cut(5)
                    await it.station.connected()
                    assert server.starts[0] == 0
                await it.update(2, signed=maker())
                await it.until("Installed", 2)
            await clock.sleep(1)
            assert left_in(tmp_path) == []

    live(story)


def test_an_image_that_somebody_tidied_up_is_not_installed(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        async with world(clock, Version.V201, download_directory=tmp_path) as it:
            await it.update(installDateTime=it.moment(3600))
            await it.until("InstallScheduled")
            (tmp_path / "firmware.part").unlink()
            await it.until("InstallationFailed")
            assert it.hardware.installed == []
            await it.update(2)
            await it.until("Installed", 2)

    live(story)


def test_a_station_trusts_the_ssh_servers_that_it_was_told(tmp_path: Path) -> None:
    (tmp_path / "fw.bin").write_bytes(IMAGE)
    known = tmp_path / "known_hosts"

    async def story(clock: VirtualClock) -> None:
        async with sftp_server(tmp_path) as port, world(clock, Version.V201, known_hosts=known) as it:
            location = f"sftp://user:wo%3Ard@127.0.0.1:{port}/fw.bin"
            known.write_text("# nobody yet\n")
            await it.update(location=location)
            await it.until("DownloadFailed")
            known.write_text(f"[127.0.0.1]:{port} {KEY.export_public_key().decode()}")
            await it.update(2, location=location)
            await it.until("Installed", 2)

    live(story)
