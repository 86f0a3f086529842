"""``voltbridge station run`` with a directory: its logs are files there, and so is the firmware it publishes."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import sys
from pathlib import Path

import aiohttp
import pytest
from tests.station.central_system import served
from tests.station.file_server import file_server

from voltbridge.cli.station import _with_files
from voltbridge.cli.station_options import _known_hosts
from voltbridge.protocol.versions import Version
from voltbridge.settings import ConfigurationError
from voltbridge.station.clocks import PacedClock
from voltbridge.station.configuration import StationConfiguration

COMMAND = (sys.executable, "-c", "from voltbridge.cli import main; main()", "station", "run")
IMAGE = b"VOLTBRIDGE FIRMWARE 5\n" + bytes(1000)
MD5 = hashlib.md5(IMAGE, usedforsecurity=False).hexdigest()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def read(path: Path) -> str:
    return path.read_text()


@pytest.mark.anyio
@pytest.mark.timeout(120)
async def test_a_station_of_the_command_line_publishes_and_keeps_its_logs(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    async with asyncio.timeout(90), served(PacedClock(), Version.V201) as central, file_server() as files:
        files.files["fw.bin"] = IMAGE
        options = ("--url", central.url, "--version", "2.0.1", "--no-view", "--data", str(tmp_path))
        process = await asyncio.create_subprocess_exec(*COMMAND, "LC|1", *options, "--publish-at", address)
        try:
            await central.next("StatusNotification")
            request = {"location": files.url + "fw.bin", "checksum": MD5, "requestId": 1}
            assert (await central.call("PublishFirmware", request))["status"] == "Accepted"
            told = await central.next("PublishFirmwareStatusNotification", lambda each: each["status"] == "Published")
            (location,) = told["location"]
            assert location == f"{address}/firmware/{MD5}/fw.bin"
            async with aiohttp.ClientSession() as session, session.get(location) as response:
                assert await response.read() == IMAGE
        finally:
            process.terminate()
            await process.wait()
    logs = tmp_path / "LC%7C1" / "logs"
    assert "PublishFirmware answered" in read(logs / "diagnostics.log")
    assert "StartupOfTheDevice" in read(logs / "security.log")


@pytest.mark.parametrize("url", ["https://10.0.0.2", "10.0.0.2:8080", "http://", "http://host:none", "http://h:99999"])
def test_addresses_at_which_nothing_can_be_published(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--publish-at"):
        _with_files(StationConfiguration("CP", "ws://host/ocpp"), tmp_path, url)


def test_what_is_published_needs_a_directory() -> None:
    with pytest.raises(ConfigurationError, match="--data"):
        _with_files(StationConfiguration("CP", "ws://host/ocpp"), None, "http://10.0.0.2:8080")


def test_firmware_comes_beside_what_the_station_keeps(tmp_path: Path) -> None:
    made = _with_files(StationConfiguration("CP|1", "ws://host/ocpp"), tmp_path, None)
    assert made.download_directory == tmp_path / "CP%7C1" / "downloads"


@pytest.mark.parametrize("content", [None, b"ssh-ed25519\n", b"\xff\xfe\n"])
def test_ssh_servers_that_nobody_can_know(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="--known-hosts"):
        _known_hosts(file)
    file.write_bytes(b"# nobody yet\n")
    _known_hosts(file)
