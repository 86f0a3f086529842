"""FTP and SFTP are opened where they are wanted, and say what is missing; commands say what cannot be."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.csms.files.site import Site, live, opened

from voltbridge.clock import SystemClock
from voltbridge.csms.blocks.l_firmware.parameters import check_protocol
from voltbridge.csms.files.doors import CannotOpen, DoorOptions, Doors, PortTaken
from voltbridge.csms.files.visits import Reception
from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.file_transfer import TransferProtocol
from voltbridge.domain.files import FilePurpose

pytestmark = pytest.mark.anyio

FTP, HTTP, SFTP = TransferProtocol.FTP, TransferProtocol.HTTP, TransferProtocol.SFTP


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with opened(tmp_path / "files") as site:
        yield site


def reception(site: Site) -> Reception:
    return Reception.opened(site.files, site.traffic, SystemClock())


def options(tmp_path: Path, *, ftp_port: int | None = None, sftp_port: int | None = None) -> DoorOptions:
    key = tmp_path / "sftp_host.key"
    return DoorOptions(host="127.0.0.1", ftp_port=ftp_port, sftp_port=sftp_port, host_key_file=key)


async def test_nothing_is_open_unless_wanted(site: Site, tmp_path: Path) -> None:
    doors = Doors()
    await doors.open(options(tmp_path), reception(site))
    assert (doors.ftp_port, doors.sftp_port, doors.fingerprint) == (None, None, None)
    assert not (tmp_path / "sftp_host.key").exists()
    assert [site.files.speaks(each) for each in (HTTP, FTP, SFTP)] == [True, False, False]
    with pytest.raises(InvalidValue, match="protocol FTP is not spoken here; start with --ftp-port"):
        await site.upload(protocol=FTP)
    await doors.stop()


def test_the_libraries_are_loaded_only_then() -> None:
    code = "import sys, voltbridge.app; sys.exit(bool({'aioftp', 'asyncssh'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("protocol", "package"), [("ftp", "aioftp"), ("sftp", "asyncssh")])
async def test_without_the_extra(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str, package: str
) -> None:
    for name in [name for name in sys.modules if name.startswith("voltbridge.csms.files.") or name == package]:
        if name.rpartition(".")[2] in ("ftp", "sftp", "host_key", package):
            monkeypatch.delitem(sys.modules, name)

    class Absent:
        def find_spec(self, name: str, *_: object) -> None:
            if name == package:
                raise ModuleNotFoundError(name, name=name)

    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    wanted = options(tmp_path, ftp_port=0) if protocol == "ftp" else options(tmp_path, sftp_port=0)
    with pytest.raises(CannotOpen) as refused:
        await Doors().open(wanted, reception(site))
    why = f"{protocol.upper()} needs the package {package}; install voltbridge[ftp], or start without --{protocol}-port"
    assert str(refused.value) == why


@pytest.mark.parametrize("protocol", ["ftp", "sftp"])
async def test_a_port_that_is_taken(site: Site, tmp_path: Path, protocol: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        wanted = options(tmp_path, ftp_port=port) if protocol == "ftp" else options(tmp_path, sftp_port=port)
        doors = Doors()
        with pytest.raises(PortTaken) as taken:
            await doors.open(wanted, reception(site))
        assert (taken.value.protocol, taken.value.port) == (protocol, port)
        await doors.stop()


async def test_a_host_key_that_is_none(site: Site, tmp_path: Path) -> None:
    (tmp_path / "sftp_host.key").write_text("no key")
    (tmp_path / "sftp_host.key").chmod(0o600)
    with pytest.raises(CannotOpen, match="is no private key; put the old one back, or delete it"):
        await Doors().open(options(tmp_path, sftp_port=0), reception(site))


async def test_a_station_is_given_what_it_tells(site: Site) -> None:
    told: list[str | None] = [None]

    async def tells(station_id: str) -> str | None:
        return told[0]

    site.files.told_by(tells)
    site.files.listen(FTP, 2121, "files.example.com")
    file = await site.stored(b"x", "a b.bin")
    scheme_of = {None: "http", "HTTP,FTP": "http", "FTP": "ftp", "FTPS,FTP": "ftp"}
    for list_of_it, scheme in scheme_of.items():
        told[0] = list_of_it
        assert (await site.download(file)).startswith(f"{scheme}://")
        assert (await site.upload()).startswith(f"{scheme}://")
    told[0] = "FTP"
    url = await site.download(file)
    assert url.endswith("@files.example.com:2121/a%20b.bin")
    assert len(url) < 512, "the shortest that any version allows"
    grants = len(site.books.grants)
    for other in ("SFTP", "FTPS"):
        told[0] = other
        with pytest.raises(InvalidValue, match=f"the station tells {other}, and HTTP, FTP is spoken here"):
            await site.upload()
    told[0] = "FTP"
    with pytest.raises(InvalidValue, match="protocol HTTP is none the station tells: FTP"):
        await site.download(file, protocol=HTTP)
    assert len(site.books.grants) == grants, "nothing is opened for what is refused"


async def test_an_address_of_version_6(site: Site) -> None:
    site.files.listen(FTP, 2121)
    station = live(base_url="http://[::1]:9000")
    url = await site.files.expect(station, FilePurpose.LOG, "a", "log:1", site.world.clock.now(), FTP)
    assert url.endswith("@[::1]:2121/")


def test_what_a_command_cannot_ask_for() -> None:
    def speaks(protocol: TransferProtocol) -> bool:
        return protocol is not SFTP

    check_protocol(None, "http://example.com/", speaks)
    check_protocol(FTP, None, speaks)
    with pytest.raises(InvalidValue, match="leave out one of them"):
        check_protocol(FTP, "http://example.com/", speaks)
    with pytest.raises(InvalidValue, match="SFTP is not spoken here; start with --sftp-port"):
        check_protocol(SFTP, None, speaks)
