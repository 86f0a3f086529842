"""SFTP with asyncssh's client: fetched, delivered, continued, and everything that a peer may do wrong."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import asyncssh
import pytest
from anyio.lowlevel import checkpoint
from tests.csms.files.site import Site, opened

from voltbridge.clock import SystemClock
from voltbridge.csms.files.host_key import UnusableHostKey, fingerprint, read_or_make
from voltbridge.csms.files.sftp import SftpDoor, _OneFile
from voltbridge.csms.files.visits import Reception
from voltbridge.domain.file_transfer import TransferProtocol

pytestmark = pytest.mark.anyio

DATA: Final = bytes(range(256)) * 4000
SFTP: Final = TransferProtocol.SFTP
KEY: Final = asyncssh.generate_private_key("ssh-ed25519")


@contextlib.asynccontextmanager
async def listening(site: Site, *, stall_s: float = 20.0) -> AsyncIterator[SftpDoor]:
    door = SftpDoor(Reception.opened(site.files, site.traffic, SystemClock(), stall_s=stall_s), KEY)
    await door.listen("127.0.0.1", 0)
    site.files.listen(SFTP, door.port)
    try:
        yield door
    finally:
        await door.stop()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with opened(tmp_path / "files") as site, listening(site):
        yield site


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await checkpoint()


async def connected(url: str, user: str | None = None, password: str | None = None) -> asyncssh.SSHClientConnection:
    parts = urlsplit(url)
    return await asyncssh.connect(
        parts.hostname or "",
        parts.port or 22,
        username=parts.username if user is None else user,
        password=parts.password if password is None else password,
        known_hosts=asyncssh.import_known_hosts(f"* {KEY.export_public_key().decode()}"),
        client_keys=None,
        agent_path=None,
        config=None,
    )


@contextlib.asynccontextmanager
async def client(url: str) -> AsyncIterator[asyncssh.SFTPClient]:
    async with await connected(url) as connection, connection.start_sftp_client() as sftp:
        yield sftp


def name_of(url: str) -> str:
    return unquote(urlsplit(url).path)


def contents(site: Site) -> list[bytes]:
    return [site.content_of(file) for file in site.delivered]


async def test_a_file_is_fetched_and_told(site: Site, tmp_path: Path) -> None:
    file = await site.stored(DATA, "wall box.bin")
    url = await site.download(file, protocol=SFTP)
    assert url.startswith("sftp://")
    async with client(url) as sftp:
        assert [*await sftp.listdir("/")] == ["wall box.bin"]
        assert (await sftp.stat(name_of(url))).size == len(DATA)
        await sftp.get(name_of(url), tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == DATA
    await until(lambda: bool(site.world.emitted("file.fetched")))
    assert site.world.emitted("file.fetched")[0]["file_id"] == str(file.id)


async def test_a_download_goes_on_where_it_stopped(site: Site) -> None:
    url = await site.download(await site.stored(DATA), protocol=SFTP)
    connection = await connected(url)
    sftp = await connection.start_sftp_client()
    file = await sftp.open(name_of(url), "rb")
    start = await file.read(300_000, 0)
    connection.abort()
    await connection.wait_closed()
    await until(lambda: site.traffic._running == 0)
    assert site.world.emitted("file.fetched") == []
    async with client(url) as sftp, sftp.open(name_of(url), "rb") as file:
        rest: Any = await file.read(-1, len(start))
        assert start + rest == DATA
    await until(lambda: bool(site.world.emitted("file.fetched")))


async def test_a_file_is_delivered(site: Site, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(DATA)
    url = await site.upload(protocol=SFTP)
    async with client(url) as sftp:
        await sftp.put(tmp_path / "log", "/diag.log", preserve=True)
        assert (await sftp.stat("/diag.log")).size == len(DATA), "many look afterwards"
        with pytest.raises(asyncssh.SFTPPermissionDenied, match="used"):
            await sftp.open("/again.log", "wb")
    (file,) = site.delivered
    assert (site.content_of(file), file.name) == (DATA, "diag.log")
    with pytest.raises(asyncssh.PermissionDenied):
        await connected(url)


async def test_an_empty_file(site: Site) -> None:
    url = await site.upload(protocol=SFTP)
    async with client(url) as sftp, sftp.open("empty.log", "wb"):
        pass
    assert contents(site) == [b""]


@pytest.mark.parametrize("how", ["the connection", "the channel"])
@pytest.mark.parametrize("mode", ["ab", "r+b"])
async def test_a_delivery_goes_on_behind_what_is_here(site: Site, how: str, mode: str) -> None:
    """Also when a program dies, and the SSH beside it ends in an orderly way without having closed the file."""
    url = await site.upload(protocol=SFTP)
    connection = await connected(url)
    sftp = await connection.start_sftp_client()
    file = await sftp.open("diag.log", "wb")
    await file.write(DATA[:400_000])
    if how == "the channel":
        sftp.exit()
        await sftp.wait_closed()
    else:
        connection.abort()
    await until(lambda: site.traffic._running == 0)
    connection.abort()
    await connection.wait_closed()
    assert site.delivered == []
    (part,) = site.parts()
    assert site.disk.part_size(part) == 400_000
    async with client(url) as sftp:
        here = (await sftp.stat("diag.log")).size
        assert here == 400_000
        async with sftp.open("diag.log", mode) as file:
            await file.write(
                DATA[here - 1000 :] if mode == "r+b" else DATA[here:], here - 1000 if mode == "r+b" else None
            )
    assert contents(site) == [DATA]
    assert site.parts() == []


async def test_parts_in_any_order_and_a_hole(site: Site) -> None:
    url = await site.upload(protocol=SFTP)
    async with client(url) as sftp, sftp.open("a.log", "wb") as file:
        for at in (100_000, 200_000, 0, 300_000):
            await file.write(DATA[at : at + 100_000], at)
    assert contents(site) == [DATA[:400_000]]
    url = await site.upload(protocol=SFTP)
    async with client(url) as sftp:
        file = await sftp.open("b.log", "wb")
        await file.write(b"end", 1000)
        with pytest.raises(asyncssh.SFTPFailure, match="nothing was written at byte 0"):
            await file.close()
        file = await sftp.open("b.log", "wb")
        with pytest.raises(asyncssh.SFTPPermissionDenied, match="write on behind byte 0"):
            for at in range(200_000, 30_000_000, 200_000):
                await file.write(bytes(200_000), at)
    assert len(site.delivered) == 1


async def test_what_was_written_stays(site: Site) -> None:
    url = await site.upload(protocol=SFTP)
    async with client(url) as sftp, sftp.open("a.log", "wb") as file:
        await file.write(b"0123456789", 0)
        with pytest.raises(asyncssh.SFTPPermissionDenied, match="stays"):
            await file.write(b"xx", 2)
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await file.truncate(3)
    assert contents(site) == [b"0123456789"]


async def test_too_large_and_nothing_stays(tmp_path: Path) -> None:
    async with opened(tmp_path / "files", largest_bytes=1_000_000) as site, listening(site):
        url = await site.upload(protocol=SFTP)
        async with client(url) as sftp:
            file = await sftp.open("a.log", "wb")
            with pytest.raises(asyncssh.SFTPFailure, match="no more than 1000000 bytes"):
                for at in range(0, 30_000_000, 100_000):
                    await file.write(bytes(100_000), at)
            with pytest.raises(asyncssh.SFTPFailure, match="no more than 1000000 bytes"):
                await file.close()
        assert (site.delivered, site.parts(), site.traffic._running) == ([], [], 0)
        async with client(url) as sftp, sftp.open("a.log", "wb") as file:
            await file.write(bytes(1_000_000))
        assert [file.size_bytes for file in site.delivered] == [1_000_000]


async def test_a_full_disk_and_nothing_stays(site: Site) -> None:
    url = await site.upload(protocol=SFTP)
    site.disk._reserve_bytes = 1 << 60
    async with client(url) as sftp:
        file = await sftp.open("a.log", "wb")
        with pytest.raises(asyncssh.SFTPFailure, match="no room"):
            for at in range(0, 30_000_000, 100_000):
                await file.write(bytes(100_000), at)
        with pytest.raises(asyncssh.SFTPFailure, match="no room"):
            await file.close()
    assert (site.delivered, site.parts(), site.traffic._running) == ([], [], 0)


async def test_wrong_credentials(site: Site) -> None:
    url = await site.upload(protocol=SFTP)
    right = urlsplit(url)
    user, password = right.username or "", right.password or ""
    for wrong in ((user, "x" * 16), ("x" * 16, password), (user + password, "x"), ("root", "root"), (user, "")):
        with pytest.raises((asyncssh.PermissionDenied, asyncssh.ConnectionLost)):
            await connected(url, *wrong)
    async with client(url) as sftp, sftp.open("a.log", "wb") as file:
        await file.write(b"x")


async def test_guessing_ends_the_connection(site: Site) -> None:
    url = await site.upload(protocol=SFTP)
    guesses = 0

    class Guesser(asyncssh.SSHClient):
        def password_auth_requested(self) -> str:
            nonlocal guesses
            guesses += 1
            return f"{guesses:016}"

    parts = urlsplit(url)
    with pytest.raises((asyncssh.ConnectionLost, asyncssh.PermissionDenied)):
        async with asyncssh.connect(
            parts.hostname or "",
            parts.port or 22,
            username="root",
            known_hosts=None,
            client_keys=None,
            agent_path=None,
            config=None,
            client_factory=Guesser,
        ):
            pass
    assert guesses <= 3


async def test_an_expired_ticket(site: Site) -> None:
    url = await site.upload(seconds=0, protocol=SFTP)
    with pytest.raises(asyncssh.PermissionDenied):
        await connected(url)
    assert [event["reason"] for event in site.world.emitted("file.address_refused")] == ["it has expired"]


async def test_a_session_ends_with_its_ticket(site: Site) -> None:
    url = await site.upload(protocol=SFTP)
    async with client(url) as sftp:
        await site.files.close_addresses("log:1")
        with pytest.raises(asyncssh.SFTPPermissionDenied, match="not needed"):
            await sftp.open("a.log", "wb")
    assert (site.delivered, site.parts()) == ([], [])


async def test_a_ticket_opens_one_file_one_way(site: Site) -> None:
    await site.stored(b"secret", "other.bin")
    url = await site.download(await site.stored(DATA), protocol=SFTP)
    async with client(url) as sftp:
        for path in ("/etc/passwd", "../other.bin", "other.bin", "..", "/", "files/../../x", "/proc/self/environ"):
            with pytest.raises(asyncssh.SFTPError):
                await sftp.open(path, "rb")
            with pytest.raises(asyncssh.SFTPError):
                await sftp.open(path, "wb")
        for path in ("/etc", "..//etc/passwd", "other.bin"):
            with pytest.raises(asyncssh.SFTPError):
                await sftp.stat(path)
            with pytest.raises(asyncssh.SFTPError):
                await sftp.listdir(path)
        refused: list[Callable[[], Awaitable[object]]] = [
            lambda: sftp.open("firmware.bin", "wb"),
            lambda: sftp.remove("firmware.bin"),
            lambda: sftp.rename("firmware.bin", "x"),
            lambda: sftp.posix_rename("firmware.bin", "x"),
            lambda: sftp.mkdir("x"),
            lambda: sftp.rmdir("/"),
            lambda: sftp.symlink("/etc/passwd", "x"),
            lambda: sftp.link("/etc/passwd", "x"),
            lambda: sftp.readlink("/proc/self/exe"),
            lambda: sftp.truncate("firmware.bin", 0),
            lambda: sftp.statvfs("/"),
        ]
        for each in refused:
            with pytest.raises(asyncssh.SFTPError):
                await each()
        assert [*await sftp.listdir("/")] == ["firmware.bin"]
        async with sftp.open("firmware.bin", "rb") as file:
            content: Any = await file.read()
            assert content == DATA, "the session goes on"
    url = await site.upload(protocol=SFTP)
    async with client(url) as sftp:
        for path in ("../x.log", "a/b.log", "..", "/"):
            with pytest.raises(asyncssh.SFTPError):
                await sftp.open(path, "wb")
        with pytest.raises(asyncssh.SFTPError):
            await sftp.open("firmware.bin", "rb")
        assert await sftp.listdir(".") == []
    assert (site.delivered, site.parts()) == ([], [])


def test_nothing_of_this_machine_is_left_to_asyncssh() -> None:
    """What a newer asyncssh adds to its server must be replaced or refused here as well."""
    harmless = {
        "channel",
        "connection",
        "convert_attrs",
        "env",
        "format_group",
        "format_longname",
        "format_user",
        "logger",
    }
    theirs = {name for name, _ in inspect.getmembers(asyncssh.SFTPServer) if not name.startswith("_")}
    assert theirs - set(vars(_OneFile)) == harmless


async def test_ssh_is_for_sftp_alone(site: Site) -> None:
    url = await site.upload(protocol=SFTP)
    async with await connected(url) as connection:
        for wanted in (
            {"command": "id"},
            {"command": "scp -t /tmp/x"},
            {},
            {"subsystem": "netconf"},
            {"term_type": "xterm"},
        ):
            with pytest.raises((asyncssh.ChannelOpenError, asyncssh.ProcessError, asyncssh.ConnectionLost)):
                await connection.create_process(**wanted)
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", 80)
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_unix_connection("/run/x")
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("", 0, "127.0.0.1", 80)
        async with connection.start_sftp_client() as sftp, sftp.open("a.log", "wb") as file:
            await file.write(b"well")
    assert contents(site) == [b"well"]


async def test_who_says_nothing_is_let_go(tmp_path: Path) -> None:
    async with opened(tmp_path / "files") as site, listening(site, stall_s=2.0):
        url = await site.upload(protocol=SFTP)
        connection = await connected(url)
        sftp = await connection.start_sftp_client()
        file = await sftp.open("a.log", "wb")
        await file.write(b"some")
        async with asyncio.timeout(60):
            await connection.wait_closed()
        await until(lambda: site.traffic._running == 0)
        assert site.delivered == []
        (part,) = site.parts()
        assert site.disk.part_size(part) == 4, "to be continued"


async def test_a_stranger_does_not_stay(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voltbridge.csms.files.sftp._LOGIN_S", 0.2)
    async with listening(site) as door, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        assert b"Voltbridge" in await reader.read()
        writer.close()


async def test_many_connections_from_one_peer(site: Site) -> None:
    url = await site.upload(protocol=SFTP)
    parts = urlsplit(url)
    strangers = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(10)]
    for reader, _ in strangers:
        assert (await reader.readline()).startswith(b"SSH-2.0-")
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    async with asyncio.timeout(60):
        with contextlib.suppress(ConnectionResetError):
            await reader.read()
    writer.close()
    for _, other in strangers:
        other.close()
    guests: list[asyncssh.SSHClientConnection] = []
    async with asyncio.timeout(60):
        while len(guests) < 4:
            with contextlib.suppress(asyncssh.ConnectionLost, asyncssh.DisconnectError, ConnectionResetError):
                guests.append(await connected(url))
    with pytest.raises((asyncssh.PermissionDenied, asyncssh.ConnectionLost)):
        await connected(url)
    for guest in guests:
        guest.close()
        await guest.wait_closed()


async def test_noise(site: Site) -> None:
    url = await site.upload(protocol=SFTP)
    parts = urlsplit(url)
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n" + bytes(5000), b"\xff" * 100_000):
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(noise)
        writer.close()
    async with client(url) as sftp, sftp.open("a.log", "wb") as file:
        await file.write(b"well")
    assert contents(site) == [b"well"]


async def test_a_newer_delivery_takes_the_place_of_one_that_hangs(site: Site) -> None:
    url = await site.upload(protocol=SFTP)
    async with client(url) as hanging:
        old = await hanging.open("a.log", "wb")
        await old.write(b"first")
        async with client(url) as sftp, sftp.open("a.log", "wb") as file:
            await file.write(DATA)
        with pytest.raises(asyncssh.SFTPError):
            await old.write(b"second")
        with pytest.raises(asyncssh.SFTPError):
            await old.close()
    assert contents(site) == [DATA]


async def test_a_stop_cuts_what_is_under_way(tmp_path: Path) -> None:
    async with opened(tmp_path / "files") as site:
        async with listening(site):
            url = await site.upload(protocol=SFTP)
            connection = await connected(url)
            sftp = await connection.start_sftp_client()
            file = await sftp.open("a.log", "wb")
            await file.write(DATA)
        assert (site.delivered, site.traffic._running) == ([], 0)
        (part,) = site.parts()
        assert site.disk.part_size(part) == len(DATA)
        await connection.wait_closed()


def test_the_host_key_stays_and_is_secret(tmp_path: Path) -> None:
    path = tmp_path / "sftp_host.key"
    made = read_or_make(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert fingerprint(read_or_make(path)) == fingerprint(made)
    assert fingerprint(made).startswith("SHA256:")
    path.chmod(0o644)
    with pytest.raises(UnusableHostKey, match="chmod 600"):
        read_or_make(path)
    path.chmod(0o600)
    path.write_text("no key")
    with pytest.raises(UnusableHostKey, match="no private key"):
        read_or_make(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(UnusableHostKey, match="cannot be used"):
        read_or_make(path)


async def test_the_time_of_a_file_is_told(site: Site) -> None:
    """By which a station knows that it can go on with what it has: the same by every way of asking."""
    file = await site.stored(DATA)
    url = await site.download(file, protocol=SFTP)
    made = int(file.created_at.timestamp())
    async with client(url) as sftp:
        assert (await sftp.stat(name_of(url))).mtime == made
        assert [one.attrs.mtime async for one in sftp.scandir("/")] == [made]
        async with sftp.open(name_of(url), "rb") as opened_file:
            told = await opened_file.stat()
            assert (told.size, told.mtime) == (len(DATA), made)
    again = await site.download(file, protocol=SFTP)
    async with client(again) as sftp:
        assert (await sftp.stat(name_of(again))).mtime == made, "another ticket, the same file"
