"""A local controller publishes firmware on a real port, before central systems of others; others fetch it there."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from ocpp.exceptions import NotSupportedError
from tests.station.central_system import CentralSystem, charging, live, served
from tests.station.file_server import FileServer, file_server

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import LocalController, StationConfiguration
from voltbridge.station.network import Network
from voltbridge.station.simulation import VirtualHardware
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.storage.station import MemoryStore

TWO = pytest.mark.parametrize("version", [Version.V201, Version.V21])
IMAGE = b"VOLTBRIDGE FIRMWARE 4.1\n" + bytes(range(256)) * 20_000
MD5 = hashlib.md5(IMAGE, usedforsecurity=False).hexdigest()
GOES = ["Downloading", "Downloaded", "ChecksumVerified", "Published"]


@dataclass
class Site:
    clock: VirtualClock
    central: CentralSystem
    station: Station
    files: FileServer
    network: Network

    async def publish(self, number: int = 1, checksum: str = MD5, name: str = "fw.bin", **more: Any) -> str:
        request = {"location": self.files.url + name, "checksum": checksum, "requestId": number, **more}
        return str((await self.central.call("PublishFirmware", request))["status"])

    async def unpublish(self, checksum: str = MD5) -> str:
        return str((await self.central.call("UnpublishFirmware", {"checksum": checksum}))["status"])

    async def until(self, status: str, number: int | None = 1) -> dict[str, Any]:
        return await self.central.next(
            "PublishFirmwareStatusNotification",
            lambda each: (each["status"], each.get("requestId")) == (status, number),
        )

    def statuses(self, number: int = 1) -> list[str]:
        told = self.central.of("PublishFirmwareStatusNotification")
        return [each["status"] for each in told if each.get("requestId") == number]


@contextlib.asynccontextmanager
async def site(clock: VirtualClock, version: Version, directory: Path) -> AsyncIterator[Site]:
    controller = LocalController(directory, host="127.0.0.1")
    async with (
        served(clock, version) as central,
        Network(clock, holds_clock=False) as network,
        file_server() as files,
    ):
        files.files["fw.bin"] = IMAGE
        made = StationConfiguration("CP-1", central.url, versions=(version,), local_controller=controller)
        async with Station(made, network=network, store=MemoryStore()) as station:
            await station.connected()
            yield Site(clock, central, station, files, network)


async def fetch(url: str) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.read()


def left_in(directory: Path) -> list[Path]:
    return list(directory.iterdir())


@TWO
def test_another_station_runs_what_was_published(version: Version, tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        async with site(clock, version, tmp_path) as it:
            assert await it.publish() == "Accepted"
            published = await it.until("Published")
            assert it.statuses() == GOES
            (location,) = published["location"]
            assert await fetch(location) == (200, IMAGE)
            async with served(clock, version) as other:
                made = StationConfiguration("CP-2", other.url, versions=(version,))
                async with Station(made, network=it.network) as station:
                    await station.connected()
                    firmware = {"location": location, "retrieveDateTime": "2020-01-01T00:00:00Z"}
                    said = await other.call("UpdateFirmware", {"requestId": 5, "firmware": firmware})
                    assert said["status"] == "Accepted"
                    await other.next("FirmwareStatusNotification", lambda each: each["status"] == "Installed")
                    assert isinstance(station.hardware, VirtualHardware)
                    assert station.hardware.installed == [hashlib.sha256(IMAGE).hexdigest()]
            await it.station.power_cut(5)
            await it.station.connected()
            it.central.forget()
            await it.central.call("TriggerMessage", {"requestedMessage": "PublishFirmwareStatusNotification"})
            await it.until("Idle", None)
            assert await it.publish(2) == "Accepted", "again: the port may be another now"
            (location,) = (await it.until("Published", 2))["location"]
            assert await it.unpublish(MD5.upper()) == "Unpublished"
            assert (await fetch(location))[0] == 404
            assert await it.unpublish() == "NoFirmware"
            assert left_in(tmp_path) == []

    live(story)


@TWO
def test_what_is_published_is_served_again_after_a_restart(version: Version, tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        async with site(clock, version, tmp_path) as it:
            await it.publish()
            await it.until("Published")
            it.files.gate.clear()
            assert await it.publish(2, "0" * 32) == "Accepted"
            await it.until("Downloading", 2)
            await it.station.power_cut(5)
            await it.station.connected()
            it.files.gate.set()
            await it.until("InvalidChecksum", 2)
            publishing = it.station.services.publishing
            assert publishing is not None
            (location,) = publishing._server.locations(MD5, "fw.bin")
            assert await fetch(location) == (200, IMAGE)

    live(story)


@TWO
def test_each_failure_has_its_status(version: Version, tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        async with site(clock, version, tmp_path) as it:
            assert await it.publish(1, "0" * 32) == "Accepted"
            await it.until("InvalidChecksum")
            assert it.statuses() == ["Downloading", "Downloaded", "InvalidChecksum"]
            began = clock.monotonic()
            await it.publish(2, name="missing", retries=2, retryInterval=40)
            await it.until("DownloadFailed", 2)
            assert clock.monotonic() - began == pytest.approx(80, abs=5)
            it.central.forget()
            await it.central.call("TriggerMessage", {"requestedMessage": "PublishFirmwareStatusNotification"})
            await it.until("DownloadFailed", 2)
            began = clock.monotonic()
            request = {"location": "gopher://files.example/fw", "checksum": MD5, "requestId": 5}
            await it.central.call("PublishFirmware", {**request, "retries": 100, "retryInterval": 40})
            await it.until("DownloadFailed", 5)
            assert clock.monotonic() - began < 40, "what can never succeed is tried once"
            assert it.statuses(5) == ["Downloading", "DownloadFailed"]
            (tmp_path / MD5).write_text("in the way")
            await it.publish(3)
            await it.until("PublishFailed", 3)
            assert await it.publish(4, "../../etc/passwd") == "Rejected"
            assert await it.unpublish("../..") == "NoFirmware"

    live(story)


@TWO
def test_where_it_is_published_outlasts_a_power_cut_before_it_was_told(version: Version, tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        async with site(clock, version, tmp_path) as it:
            it.files.gate.clear()
            await it.publish()
            await it.until("Downloading")
            it.station.hardware.uplink(False)  # type: ignore[attr-defined]
            await clock.sleep(5)
            it.files.gate.set()
            while not (tmp_path / MD5 / "fw.bin").exists():
                await clock.sleep(1)
            await clock.sleep(5)
            assert "Published" not in it.statuses()
            await it.station.power_cut(5)
            await it.until("Published")

    live(story)


@TWO
def test_one_file_at_a_time_and_nobody_loses_what_he_fetches(version: Version, tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        async with site(clock, version, tmp_path) as it:
            it.files.gate.clear()
            await it.publish(1)
            await it.until("Downloading")
            assert await it.publish(2) == "Accepted"
            await it.until("DownloadScheduled", 2)
            assert await it.unpublish() == "DownloadOngoing", "by the local controller itself"
            it.files.gate.set()
            (location,) = (await it.until("Published", 2))["location"]
            assert it.statuses(2) == ["DownloadScheduled", *GOES]
            async with aiohttp.ClientSession(read_bufsize=1024) as session, session.get(location) as response:
                first = await response.content.readexactly(1000)
                assert await it.unpublish() == "DownloadOngoing", "by a station"
                assert first + await response.read() == IMAGE
            status = "DownloadOngoing"
            while status == "DownloadOngoing":
                status = await it.unpublish()
            assert status == "Unpublished"
            assert left_in(tmp_path) == []

    live(story)


@TWO
def test_a_station_that_is_no_local_controller_says_so(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, _):
            with pytest.raises(NotSupportedError):
                await central.call("UnpublishFirmware", {"checksum": MD5})
            said = await central.call("TriggerMessage", {"requestedMessage": "PublishFirmwareStatusNotification"})
            assert said["status"] == "NotImplemented"
            central.refused.clear()

    live(story)


def test_others_need_an_address(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="public_url"):
        LocalController(tmp_path)
    LocalController(tmp_path, public_url="http://10.0.0.2:8080")
