"""Chargers of others that speak FTP and SFTP and no HTTP, and our own: firmware with an interruption, a log as well."""

from __future__ import annotations

import asyncio
import contextlib
import ftplib
import hashlib
import io
import json
import random
import stat
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import asyncssh
import pytest
from tests.peers.charge_points import Peer, connected
from tests.peers.conftest import Csms
from tests.peers.test_files import ANSWERS, Files, boot, order, tell
from tests.support.process import running
from tests.support.rest import Rest
from tests.test_keeping import run

from voltbridge.protocol.versions import Version
from voltbridge.station import Station, StationConfiguration

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

MIB: Final = 1 << 20
FIRMWARE: Final = random.Random(3).randbytes(8 * MIB)
LOG: Final = random.Random(4).randbytes(3 * MIB)
SPOKEN: Final = "FTP,SFTP"


@dataclass(frozen=True)
class Other(Csms):
    data: Path


@pytest.fixture(scope="module")
async def other_csms(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Other]:
    """One that opens FTP and SFTP, and knows every station that comes."""
    data = tmp_path_factory.mktemp("other") / "data"
    async with (
        running(data, onboarding="accept", ftp_port=0, sftp_port=0) as up,
        Rest(up.http_port, up.admin_key) as rest,
    ):
        yield Other(up, rest, data)
        await up.stop()


def ftp_session(location: str) -> tuple[ftplib.FTP, str]:
    parts = urlsplit(location)
    ftp = ftplib.FTP(timeout=30)
    ftp.connect(parts.hostname or "", parts.port or 21)
    ftp.login(parts.username or "", parts.password or "")
    return ftp, unquote(parts.path)


def fetch_by_ftp(location: str) -> bytes:
    """In two parts: the first connection is lost."""
    ftp, path = ftp_session(location)
    with ftp.transfercmd(f"RETR {path}") as data, data.makefile("rb") as stream:
        content = stream.read(2 * MIB)
    ftp.close()
    ftp, path = ftp_session(location)
    rest = io.BytesIO()
    ftp.retrbinary(f"RETR {path}", rest.write, rest=len(content))
    ftp.quit()
    return content + rest.getvalue()


def deliver_by_ftp(location: str) -> None:
    ftp, path = ftp_session(location)
    data = ftp.transfercmd(f"STOR {path}diag.log")
    data.sendall(LOG[:MIB])
    ftp.close()
    data.close()
    ftp, path = ftp_session(location)
    try:
        here = ftp.size(f"{path}diag.log") or 0
    except ftplib.error_perm:
        here = 0  # the connection was lost before anything had been read
    ftp.storbinary(f"STOR {path}diag.log", io.BytesIO(LOG[here:]), rest=here or None)
    ftp.quit()


@contextlib.asynccontextmanager
async def sftp_session(location: str) -> AsyncIterator[tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]]:
    parts = urlsplit(location)
    connection = await asyncssh.connect(
        parts.hostname or "",
        parts.port or 22,
        username=parts.username,
        password=parts.password,
        known_hosts=None,
        client_keys=None,
        agent_path=None,
        config=None,
    )
    async with connection, connection.start_sftp_client() as sftp:
        yield connection, sftp


async def fetch_by_sftp(location: str) -> bytes:
    path = unquote(urlsplit(location).path)
    async with sftp_session(location) as (connection, sftp):
        file = await sftp.open(path, "rb")
        first: Any = await file.read(2 * MIB, 0)
        connection.abort()
    async with sftp_session(location) as (_, sftp), sftp.open(path, "rb") as file:
        rest: Any = await file.read(-1, len(first))
    return bytes(first + rest)


async def deliver_by_sftp(location: str) -> None:
    path = unquote(urlsplit(location).path) + "diag.log"
    async with sftp_session(location) as (connection, sftp):
        begun = await sftp.open(path, "wb")
        await begun.write(LOG[:MIB])
        connection.abort()
    async with sftp_session(location) as (_, sftp):
        here = (await sftp.stat(path)).size
        assert here == MIB, "what came is kept"
        async with sftp.open(path, "ab") as file:
            await file.write(LOG[here:])


async def tell_protocols(rest: Rest, peer: Peer, identity: str) -> None:
    """As its configuration keys or its device model have it."""
    key = {"key": "SupportedFileTransferProtocols", "readonly": True, "value": SPOKEN}
    peer.answers["GetConfiguration"] = {"configuration_key": [key]}
    peer.answers["GetBaseReport"] = {"status": "Accepted"}
    await rest.post(f"/stations/{identity}/commands/report", {})
    if peer.version is not Version.V16:
        variable = {
            "component": {"name": "OCPPCommCtrlr"},
            "variable": {"name": "FileTransferProtocols"},
            "variable_attribute": [{"type": "Actual", "value": SPOKEN, "mutability": "ReadOnly"}],
            "variable_characteristics": {"data_type": "MemberList", "supports_monitoring": False},
        }
        await peer.call(
            "NotifyReport",
            request_id=order(peer)["requestId"],
            generated_at="2026-01-01T00:00:00Z",
            seq_no=0,
            report_data=[variable],
        )


@pytest.mark.parametrize("protocol", ["FTP", "SFTP"])
@pytest.mark.parametrize("version", [Version.V16, Version.V201], ids=lambda version: version.label)
async def test_chargers_without_http(other_csms: Other, version: Version, protocol: str) -> None:
    rest, identity = other_csms.rest, f"{protocol}-{version.label}"
    files = Files(other_csms)
    file = await files.upload("wall box.bin", FIRMWARE)
    image = await rest.post("/firmware", {"file_id": file["id"], "version": "2.0"})

    async def command(name: str, **parameters: Any) -> Any:
        return await rest.post(f"/stations/{identity}/commands/{name}", parameters)

    async def outcome(of: Any) -> Any:
        async with asyncio.timeout(30):
            while (found := await rest.get(f"/commands/{of['id']}"))["outcome_state"] == "Pending":
                pass
        assert found["outcome_state"] == "Completed", found
        return found["outcome"]

    async with connected(other_csms.port, identity, version) as peer:
        peer.answers.update(ANSWERS, GetDiagnostics={"file_name": "diag.log"})
        if version is Version.V16:
            peer.answers["UpdateFirmware"] = {}
        await boot(peer, "1.0")
        await tell_protocols(rest, peer, identity)
        before = len(peer.received)
        refused = await command("update_firmware", firmware_id=image["id"], protocol="HTTP")
        assert refused["state"] == "Failed"
        assert "HTTP is none the station tells: FTP, SFTP" in json.dumps(refused["error"])
        assert len(peer.received) == before, "it is said before anything is sent"

        wanted = {} if protocol == "SFTP" else {"protocol": "FTP"}
        update = await command("update_firmware", firmware_id=image["id"], **wanted)
        assert update["state"] == "Accepted", update
        asked = order(peer)
        location = asked["firmware"]["location"] if "firmware" in asked else asked["location"]
        assert location.startswith(f"{protocol.lower()}://")
        fetched = await (asyncio.to_thread(fetch_by_ftp, location) if protocol == "FTP" else fetch_by_sftp(location))
        assert hashlib.sha256(fetched).hexdigest() == file["sha256"]
        await rest.event("file.fetched", identity)

        log = await command("get_log", **wanted)
        assert log["state"] == "Accepted", log
        location = order(peer)["log"]["remoteLocation"]
        assert location.startswith(f"{protocol.lower()}://")
        await tell(peer, "LogStatusNotification", "Uploading")
        await (asyncio.to_thread(deliver_by_ftp, location) if protocol == "FTP" else deliver_by_sftp(location))
        await tell(peer, "LogStatusNotification", "Uploaded")
        delivered = await outcome(log)
        assert delivered["name"] == "diag.log"
        assert delivered["sha256"] == hashlib.sha256(LOG).hexdigest()
        assert await files.content(delivered["file_id"]) == LOG

    messages = json.dumps(await rest.items(f"/stations/{identity}/messages"))
    assert urlsplit(location).password not in messages, "secrets are no business of the log"


@pytest.mark.parametrize("protocol", ["FTP", "SFTP"])
async def test_our_station_before_our_csms(other_csms: Other, protocol: str) -> None:
    rest, identity = other_csms.rest, f"OWN-{protocol}"
    file = await Files(other_csms).upload("virtual.bin", FIRMWARE)
    image = await rest.post("/firmware", {"file_id": file["id"], "version": "2.0"})
    configuration = StationConfiguration(identity, f"ws://127.0.0.1:{other_csms.port}/ocpp", versions=(Version.V201,))
    async with Station(configuration) as station:
        await station.connected()

        async def command(name: str, **parameters: Any) -> Any:
            done = await rest.post(f"/stations/{identity}/commands/{name}", parameters)
            assert done["state"] == "Accepted", done
            return done

        log = await command("get_log", protocol=protocol)
        async with asyncio.timeout(60):
            while (found := await rest.get(f"/commands/{log['id']}"))["outcome_state"] == "Pending":
                pass
        assert found["outcome_state"] == "Completed", found
        assert found["outcome"]["size_bytes"] > 0
        await command("update_firmware", firmware_id=image["id"], protocol=protocol)
        fetched = await rest.event("file.fetched", identity)
        assert fetched["data"]["file_id"] == file["id"]
        async with asyncio.timeout(60):
            while True:
                (update,) = await rest.items(f"/stations/{identity}/firmware")
                if "Downloaded" in [note["status"] for note in update["statuses"]]:
                    break


async def test_ports_and_the_host_key_are_told_and_kept(other_csms: Other, tmp_path: Path) -> None:
    """The fingerprint an operator reads at the start is that of the server that stations meet."""
    told = json.loads((other_csms.data / "ready.json").read_text())
    key = await asyncssh.get_server_host_key("127.0.0.1", told["sftp_port"])
    assert key is not None
    assert key.get_fingerprint() == told["sftp_host_key"]
    said = "".join(other_csms.up.said)
    assert str(told["ftp_port"]) in said
    assert told["sftp_host_key"] in said
    file = other_csms.data / "sftp_host.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    backup = tmp_path / "backup.zip"
    assert (await run("backup", str(backup), "--data", str(other_csms.data))).exit_code == 0
    with zipfile.ZipFile(backup) as archive:
        assert archive.read("data/sftp_host.key") == file.read_bytes()
