"""Firmware and logs of chargers made by others: 50 MB fetched with an interruption, a log delivered and read back."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from tests.peers.charge_points import Peer, connected
from tests.peers.conftest import Csms
from tests.support.certificates import signer

from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

VERSIONS = pytest.mark.parametrize("version", list(Version), ids=lambda version: version.label)
MIB: Final = 1 << 20
FIRMWARE: Final = random.Random(1).randbytes(50 * MIB)
LOG: Final = random.Random(2).randbytes(5 * MIB)
ANSWERS: Final[dict[str, Any]] = {
    "UpdateFirmware": {"status": "Accepted"},
    "SignedUpdateFirmware": {"status": "Accepted"},
    "GetLog": {"status": "Accepted", "filename": "diagnostics.log"},
}


class Files:
    """The API's files, past the helper that speaks JSON."""

    def __init__(self, csms: Csms) -> None:
        self._root = f"http://127.0.0.1:{csms.up.http_port}/api/v1"
        self._headers = {"Authorization": f"Bearer {csms.up.admin_key}", "Content-Type": "application/octet-stream"}

    async def upload(self, name: str, data: bytes) -> Any:
        url = f"{self._root}/files?name={name}"
        async with self._session() as session, session.post(url, data=io.BytesIO(data)) as response:
            assert response.status == 201, await response.text()
            return await response.json()

    async def content(self, id: str) -> bytes:
        async with self._session() as session, session.get(f"{self._root}/files/{id}/content") as response:
            assert response.status == 200
            return await response.read()

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(headers=self._headers)


def order(peer: Peer) -> Any:
    """What the charger was asked for last."""
    return json.loads(next(text for text in reversed(peer.received) if text.startswith("[2,")))[3]


async def boot(peer: Peer, version: str) -> None:
    if peer.version is Version.V16:
        made_by = {"charge_point_model": "M", "charge_point_vendor": "V", "firmware_version": version}
        await peer.call("BootNotification", **made_by)
    else:
        station = {"model": "M", "vendor_name": "V", "firmware_version": version}
        await peer.call("BootNotification", reason="FirmwareUpdate", charging_station=station)


async def tell(peer: Peer, action: str, *statuses: str) -> None:
    request_id = order(peer)["requestId"]
    for status in statuses:
        await peer.call(action, status=status, request_id=request_id)


async def fetch_with_interruption(location: str) -> str:
    """The digest of a file of which the first part came by a connection that was lost."""
    digest = hashlib.sha256()
    async with aiohttp.ClientSession() as session:
        async with session.get(location) as response:
            assert response.status == 200
            digest.update(await response.content.readexactly(20 * MIB))
            etag = response.headers["ETag"]
            assert response.connection is not None and response.connection.transport is not None
            response.connection.transport.abort()
        resumed = {"Range": f"bytes={20 * MIB}-", "If-Range": etag}
        async with session.get(location, headers=resumed) as response:
            assert response.status == 206
            async for chunk in response.content.iter_any():
                digest.update(chunk)
    return digest.hexdigest()


async def chunks() -> AsyncIterator[bytes]:
    for at in range(0, len(LOG), 100_000):
        yield LOG[at : at + 100_000]


def most_memory(csms: Csms) -> int:
    """The most that the process has held so far, in bytes."""
    status = Path(f"/proc/{csms.up.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


@VERSIONS
async def test_firmware_and_logs(csms: Csms, version: Version, identity: str) -> None:
    files, rest = Files(csms), csms.rest
    await rest.post("/stations", {"station_id": identity})
    before = most_memory(csms)
    file = await files.upload("wallbox.bin", FIRMWARE)
    assert file["sha256"] == hashlib.sha256(FIRMWARE).hexdigest()
    made = signer("rsa")
    belief = {"signature": made.sign(FIRMWARE), "signing_certificate": made.pem}
    image = await rest.post("/firmware", {"file_id": file["id"], "version": "2.0", **belief})

    async def command(name: str, **parameters: Any) -> Any:
        done = await rest.post(f"/stations/{identity}/commands/{name}", parameters)
        assert done["state"] == "Accepted", done
        return done

    async def outcome(of: Any) -> Any:
        async with asyncio.timeout(60):
            while (found := await rest.get(f"/commands/{of['id']}"))["outcome_state"] == "Pending":
                pass
        assert found["outcome_state"] == "Completed", found
        return found["outcome"]

    async with connected(csms.port, identity, version) as peer:
        peer.answers.update(ANSWERS)
        await boot(peer, "1.0")
        status = "SignedFirmwareStatusNotification" if version is Version.V16 else "FirmwareStatusNotification"

        update = await command("update_firmware", firmware_id=image["id"])
        firmware = order(peer)["firmware"]
        assert firmware["signature"] == belief["signature"]
        await tell(peer, status, "Downloading")
        assert await fetch_with_interruption(firmware["location"]) == file["sha256"]
        await tell(peer, status, "Downloaded", "SignatureVerified", "Installing", "InstallRebooting")

    async with connected(csms.port, identity, version) as peer:
        peer.answers.update(ANSWERS)
        await boot(peer, "2.0")
        assert (await outcome(update))["verified"] is True

        log = await command("get_log")
        await tell(peer, "LogStatusNotification", "Uploading")
        location = order(peer)["log"]["remoteLocation"]
        async with aiohttp.ClientSession() as session, session.put(f"{location}diag.log", data=chunks()) as response:
            assert response.status == 201
        await tell(peer, "LogStatusNotification", "Uploaded")
        delivered = await outcome(log)
        assert delivered["sha256"] == hashlib.sha256(LOG).hexdigest()
        assert await files.content(delivered["file_id"]) == LOG

    (history,) = await rest.items(f"/stations/{identity}/firmware")
    assert (history["state"], history["signed"], history["installed_version"]) == ("Installed", True, "2.0")
    (kept,) = await rest.items(f"/stations/{identity}/logs")
    assert (kept["state"], kept["status"]) == ("Delivered", "Uploaded")
    assert most_memory(csms) - before < 25 * MIB, "no file is held in memory, of 50 MB and twice"
    await rest.ask("DELETE", f"/firmware/{image['id']}")
    await rest.ask("DELETE", f"/files/{file['id']}")
