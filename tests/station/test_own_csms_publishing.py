"""Our CSMS publishes firmware through our local controller, and another of our stations fetches it there."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.support.process import Up, running
from tests.support.rest import Rest

from voltbridge.protocol.versions import Version
from voltbridge.station import Station, StationConfiguration
from voltbridge.station.clocks import PacedClock
from voltbridge.station.configuration import LocalController
from voltbridge.station.simulation import VirtualHardware


@pytest.mark.anyio
@pytest.mark.timeout(120)
async def test_an_image_goes_through_a_local_controller(tmp_path: Path) -> None:
    async with (
        running(tmp_path / "data", onboarding="accept") as up,
        Rest(up.http_port, up.admin_key) as rest,
        asyncio.timeout(100),
    ):
        versions = (Version.V201, Version.V21)
        await asyncio.gather(*(story(rest, up, version, tmp_path) for version in versions))


async def upload(up: Up, content: bytes, name: str) -> Any:
    url = f"http://127.0.0.1:{up.http_port}/api/v1/files?name={name}"
    headers = {"Authorization": f"Bearer {up.admin_key}", "Content-Type": "application/octet-stream"}
    async with aiohttp.ClientSession() as session, session.post(url, data=io.BytesIO(content), headers=headers) as said:
        assert said.status == 201
        return await said.json()


async def story(rest: Rest, up: Up, version: Version, directory: Path) -> None:
    url, label = f"ws://127.0.0.1:{up.ocpp_port}/ocpp", version.label
    image = f"VOLTBRIDGE FIRMWARE 7.1-{label}\n".encode() + os.urandom(3_000_000)
    file = await upload(up, image, f"wallbox-{label}.bin")
    firmware = await rest.post("/firmware", {"file_id": file["id"], "version": f"7.1-{label}"})

    async def command(name: str, kind: str, **parameters: Any) -> Any:
        done = await rest.post(f"/stations/{name}/commands/{kind}", parameters)
        assert done["state"] == "Accepted", done
        return done

    async def outcome(done: Any) -> Any:
        while (found := await rest.get(f"/commands/{done['id']}"))["outcome_state"] == "Pending":
            await clock.sleep(0.05)
        assert found["outcome_state"] == "Completed", found
        return found["outcome"]

    clock = PacedClock()
    local = LocalController(directory / label, host="127.0.0.1")
    controller = StationConfiguration(f"LC-{label}", url, versions=(version,), local_controller=local)
    other = StationConfiguration(f"CP-{label}", url, versions=(version,))
    async with Station(controller) as publisher, Station(other) as station:
        await publisher.connected()
        await station.connected()
        published = await outcome(await command(f"LC-{label}", "publish_firmware", firmware_id=firmware["id"]))
        assert published["status"] == "Published"
        assert published["checksum"] == hashlib.md5(image, usedforsecurity=False).hexdigest()
        (location,) = published["locations"]
        (listed,) = await rest.items(f"/stations/LC-{label}/published-firmware")
        assert listed["locations"] == [location]

        updated = await command(f"CP-{label}", "update_firmware", firmware_id=firmware["id"], location=location)
        await outcome(updated)
        assert isinstance(station.hardware, VirtualHardware)
        (installed,) = station.hardware.installed
        assert installed == hashlib.sha256(image).hexdigest()
        (update,) = await rest.items(f"/stations/CP-{label}/firmware")
        assert update["installed_version"] == f"7.1-{label}"

        await command(f"LC-{label}", "unpublish_firmware", firmware_id=firmware["id"])
        assert await rest.items(f"/stations/LC-{label}/published-firmware") == []
        assert left(directory / label) == []


def left(directory: Path) -> list[Path]:
    return list(directory.iterdir())
