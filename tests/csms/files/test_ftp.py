"""FTP with the standard library's client: fetched, delivered, continued, and everything that a peer may do wrong."""

from __future__ import annotations

import asyncio
import contextlib
import ftplib
import io
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

import pytest
from anyio.lowlevel import checkpoint
from tests.csms.files.site import Site, opened

from voltbridge.clock import SystemClock
from voltbridge.csms.files.ftp import FtpDoor
from voltbridge.csms.files.visits import Fetch, Reception
from voltbridge.domain.file_transfer import TransferProtocol
from voltbridge.station.downloads import Download
from voltbridge.station.endpoints import Tls
from voltbridge.station.transfers import Transfers, _ftp_version

pytestmark = pytest.mark.anyio

DATA: Final = bytes(range(256)) * 4000
FTP: Final = TransferProtocol.FTP
T = TypeVar("T")


@contextlib.asynccontextmanager
async def listening(site: Site, *, stall_s: float = 20.0, **options: Any) -> AsyncIterator[FtpDoor]:
    door = FtpDoor(Reception.opened(site.files, site.traffic, SystemClock(), stall_s=stall_s), **options)
    await door.listen("127.0.0.1", 0)
    site.files.listen(FTP, door.port)
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


def connected(url: str) -> ftplib.FTP:
    parts = urlsplit(url)
    ftp = ftplib.FTP(timeout=60)
    try:
        ftp.connect(parts.hostname or "", parts.port or 21)
    except BaseException:
        ftp.close()
        raise
    return ftp


def logged_in(url: str) -> ftplib.FTP:
    parts = urlsplit(url)
    ftp = connected(url)
    try:
        ftp.login(parts.username or "", parts.password or "")
    except BaseException:
        ftp.close()
        raise
    return ftp


async def apart(work: Callable[[], T]) -> T:
    """A client that blocks, in a thread."""
    return await asyncio.to_thread(work)


async def with_client(url: str, work: Callable[[ftplib.FTP], T]) -> T:
    def run() -> T:
        ftp = logged_in(url)
        try:
            return work(ftp)
        finally:
            ftp.close()

    return await apart(run)


def fetched(ftp: ftplib.FTP, name: str, rest: int | None = None) -> bytes:
    content = io.BytesIO()
    ftp.retrbinary(f"RETR {name}", content.write, rest=rest)
    return content.getvalue()


def name_of(url: str) -> str:
    return unquote(urlsplit(url).path)


def refusals(site: Site) -> list[str]:
    return [event["reason"] for event in site.world.emitted("file.address_refused")]


async def test_a_file_is_fetched_and_told(site: Site) -> None:
    file = await site.stored(DATA, "wall box.bin")
    url = await site.download(file, protocol=FTP)
    assert url.startswith("ftp://")
    assert await with_client(url, lambda ftp: fetched(ftp, name_of(url))) == DATA
    await until(lambda: bool(site.world.emitted("file.fetched")))
    assert site.world.emitted("file.fetched")[0]["file_id"] == str(file.id)


async def test_a_download_goes_on_where_it_stopped(site: Site) -> None:
    large = DATA * 24  # more than the kernel takes while nobody reads
    url = await site.download(await site.stored(large), protocol=FTP)

    def first(ftp: ftplib.FTP) -> bytes:
        with ftp.transfercmd(f"RETR {name_of(url)}") as data, data.makefile("rb") as stream:
            return stream.read(300_000)

    start = await with_client(url, first)
    assert len(start) == 300_000
    assert site.world.emitted("file.fetched") == []
    rest = await with_client(url, lambda ftp: (ftp.size(name_of(url)), fetched(ftp, name_of(url), len(start))))
    assert rest == (len(large), large[len(start) :])
    await until(lambda: bool(site.world.emitted("file.fetched")))


async def test_a_file_is_delivered(site: Site) -> None:
    url = await site.upload(protocol=FTP)
    sizes = await with_client(
        url, lambda ftp: (ftp.storbinary("STOR diag.log", io.BytesIO(DATA)), ftp.size("diag.log"))
    )
    assert sizes == ("226 done", len(DATA))
    (file,) = site.delivered
    assert (site.content_of(file), file.name) == (DATA, "diag.log")
    with pytest.raises(ftplib.error_perm, match="530"):
        await with_client(url, lambda ftp: ftp.pwd())
    assert refusals(site) == ["it has been used"]


@pytest.mark.parametrize(("command", "first"), [("APPE", "data"), ("STOR", "session")])
async def test_a_delivery_goes_on_behind_what_is_here(site: Site, command: str, first: str) -> None:
    """The kernel closes both connections of a program that died, in whatever order."""
    url = await site.upload(protocol=FTP)
    ftp = await apart(lambda: logged_in(url))
    data = await apart(lambda: ftp.transfercmd("STOR diag.log"))
    await apart(lambda: data.sendall(DATA[:400_000]))
    await until(lambda: any(site.disk.part_size(part) for part in site.parts()))
    closing = [data.close, ftp.close]
    for close in closing if first == "data" else reversed(closing):
        close()
    await until(lambda: site.traffic._running == 0)
    assert site.delivered == []
    (part,) = site.parts()
    assert site.disk.part_size(part) <= 400_000

    def go_on(ftp: ftplib.FTP) -> int:
        here = ftp.size("diag.log")
        assert here is not None
        rest = here if command == "STOR" else None
        ftp.storbinary(f"{command} diag.log", io.BytesIO(DATA[here:]), rest=rest)
        return here

    here = await with_client(url, go_on)
    assert here > 0
    assert [site.content_of(file) for file in site.delivered] == [DATA]
    assert site.parts() == []


async def test_an_upload_that_starts_anew_forgets_the_first(site: Site) -> None:
    url = await site.upload(protocol=FTP)

    def abort(ftp: ftplib.FTP) -> str:
        data = ftp.transfercmd("STOR a.log")
        data.sendall(bytes(100_000))
        ftp.putcmd("ABOR")
        answers = ftp.getmultiline(), ftp.getmultiline()
        data.close()
        return " ".join(answer[:3] for answer in answers)

    assert await with_client(url, abort) == "426 226"
    assert site.delivered == []
    await with_client(url, lambda ftp: ftp.storbinary("STOR a.log", io.BytesIO(b"second")))
    assert [site.content_of(file) for file in site.delivered] == [b"second"]


async def test_too_large_and_nothing_stays(tmp_path: Path) -> None:
    async with opened(tmp_path / "files", largest_bytes=1_000_000) as site, listening(site):
        url = await site.upload(protocol=FTP)
        with pytest.raises((ftplib.error_perm, OSError)) as refused:
            await with_client(url, lambda ftp: ftp.storbinary("STOR a.log", io.BytesIO(bytes(30_000_000))))
        assert isinstance(refused.value, OSError) or str(refused.value).startswith("552")
        await until(lambda: site.traffic._running == 0)
        assert (site.delivered, site.parts()) == ([], [])
        await with_client(url, lambda ftp: ftp.storbinary("STOR a.log", io.BytesIO(bytes(1_000_000))))
        assert [file.size_bytes for file in site.delivered] == [1_000_000]


async def test_a_full_disk_and_nothing_stays(site: Site) -> None:
    url = await site.upload(protocol=FTP)
    site.disk._reserve_bytes = 1 << 60
    with pytest.raises(ftplib.error_temp, match="452 there is no room"):
        await with_client(url, lambda ftp: ftp.storbinary("STOR a.log", io.BytesIO(b"small")))
    await until(lambda: site.traffic._running == 0)
    assert (site.delivered, site.parts()) == ([], [])


async def test_an_offset_behind_what_is_here(site: Site) -> None:
    url = await site.upload(protocol=FTP)
    with pytest.raises(ftplib.error_perm, match="550 0 bytes are here"):
        await with_client(url, lambda ftp: ftp.storbinary("STOR a.log", io.BytesIO(b"x"), rest=10))
    assert (site.delivered, site.parts(), site.traffic._running) == ([], [], 0)


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("", "same"),
        ("same", ""),
        ("same", "x" * 16),
        ("x" * 16, "same"),
        ("anonymous", "me@x"),
        ("both", ""),
        ("", "both"),
    ],
)
async def test_wrong_credentials(site: Site, user: str, password: str) -> None:
    parts = urlsplit(await site.upload(protocol=FTP))
    right = {"same": None, "both": f"{parts.username}{parts.password}"}
    user = (right[user] or parts.username or "") if user in right else user
    password = (right[password] or parts.password or "") if password in right else password

    def tries() -> list[str]:
        ftp = connected(parts.geturl())
        told = []
        for _ in range(3):
            ftp.sendcmd(f"USER {user}")
            with pytest.raises(ftplib.error_perm) as refused:
                ftp.sendcmd(f"PASS {password}")
            told.append(str(refused.value)[:3])
        with pytest.raises((EOFError, OSError)):
            ftp.sendcmd("NOOP")
        ftp.close()
        return told

    assert await apart(tries) == ["530"] * 3


@pytest.mark.parametrize("seconds", [0.0])
async def test_an_expired_ticket(site: Site, seconds: float) -> None:
    url = await site.upload(seconds=seconds, protocol=FTP)
    with pytest.raises(ftplib.error_perm, match="530 it has expired"):
        await with_client(url, lambda ftp: ftp.pwd())


async def test_a_session_ends_with_its_ticket(site: Site) -> None:
    url = await site.upload(protocol=FTP)
    ftp = await apart(lambda: logged_in(url))
    await site.files.close_addresses("log:1")
    with pytest.raises(ftplib.error_perm, match="550 it is not needed any more"):
        await apart(lambda: ftp.storbinary("STOR a.log", io.BytesIO(b"x")))
    ftp.close()
    assert (site.delivered, site.parts()) == ([], [])


@pytest.mark.parametrize(
    "command",
    [
        "RETR ../admin.key",
        "RETR /etc/passwd",
        "RETR other.bin",
        "RETR /",
        "RETR ..",
        "SIZE other.bin",
        "SIZE ../../x",
        "CWD /etc",
        "CWD ..",
        "CWD files",
        "STOR firmware.bin",
        "APPE firmware.bin",
        "LIST /etc",
        "NLST other.bin",
        "MKD x",
        "DELE firmware.bin",
        "RNFR firmware.bin",
        "RMD /",
        "SITE CHMOD 777 firmware.bin",
        "PORT 127,0,0,1,0,22",
        "PORT 10,0,0,1,0,80",
        "EPRT |1|10.0.0.1|80|",
        "MLSD /",
        "AUTH TLS",
        "\u00e9\u00e9",
    ],
)
async def test_a_ticket_opens_one_file_one_way(site: Site, command: str) -> None:
    await site.stored(b"secret", "other.bin")
    url = await site.download(await site.stored(DATA), protocol=FTP)

    def ask(ftp: ftplib.FTP) -> str:
        ftp.makepasv()
        with pytest.raises(ftplib.error_perm) as refused:
            ftp.sendcmd(command)
        assert fetched(ftp, "firmware.bin") == DATA, "the session goes on"
        return str(refused.value)[:3]

    assert await with_client(url, ask) in ("550", "502", "530")
    assert site.delivered == []


async def test_the_directory_has_the_one_file(site: Site) -> None:
    await site.stored(b"secret", "other.bin")
    url = await site.download(await site.stored(DATA), protocol=FTP)

    def look(ftp: ftplib.FTP) -> tuple[list[str], list[str], str]:
        lines: list[str] = []
        ftp.dir(lines.append)
        ftp.cwd("/")
        return ftp.nlst(), lines, ftp.pwd()

    names, lines, here = await with_client(url, look)
    assert (names, here) == (["firmware.bin"], "/")
    assert len(lines) == 1
    assert str(len(DATA)) in lines[0]
    assert await with_client(await site.upload(protocol=FTP), lambda ftp: ftp.nlst()) == []


async def test_commands_before_the_login(site: Site) -> None:
    url = await site.download(await site.stored(DATA), protocol=FTP)

    def ask() -> set[str]:
        ftp = connected(url)
        told = set()
        for command in ("PASV", "EPSV", "RETR firmware.bin", "STOR x", "LIST", "SIZE firmware.bin", "REST 1", "ABOR"):
            with pytest.raises(ftplib.error_perm) as refused:
                ftp.sendcmd(command)
            told.add(str(refused.value))
        ftp.close()
        return told

    assert await apart(ask) == {"530 not logged in"}


async def test_nobody_else_takes_the_data_connection(site: Site) -> None:
    """Whoever sees or guesses the port gets nothing of the file, and cannot put anything in its place."""
    url = await site.upload(protocol=FTP)

    def deliver(ftp: ftplib.FTP) -> None:
        host, port = ftp.makepasv()
        thief = socket.create_connection((host, port), timeout=60, source_address=("127.0.0.9", 0))
        assert thief.recv(1) == b"", "let go"
        thief.close()
        data = socket.create_connection((host, port), timeout=60)
        assert ftp.sendcmd("STOR a.log").startswith("150")
        data.sendall(b"mine")
        data.close()
        ftp.voidresp()

    await with_client(url, deliver)
    assert [site.content_of(file) for file in site.delivered] == [b"mine"]


async def test_a_data_connection_that_never_comes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voltbridge.csms.files.ftp._DATA_S", 0.2)
    url = await site.upload(protocol=FTP)

    def ask(ftp: ftplib.FTP) -> list[str]:
        with pytest.raises(ftplib.error_temp) as unasked:
            ftp.sendcmd("STOR a.log")
        ftp.makepasv()
        assert ftp.sendcmd("STOR a.log").startswith("150")
        with pytest.raises(ftplib.error_temp) as never:
            ftp.voidresp()
        return [str(unasked.value)[:3], str(never.value)[:3]]

    assert await with_client(url, ask) == ["425", "425"]
    assert (site.delivered, site.traffic._running) == ([], 0)


async def test_who_says_nothing_is_let_go(tmp_path: Path) -> None:
    async with opened(tmp_path / "files") as site, listening(site, stall_s=2.0):
        url = await site.upload(protocol=FTP)

        def idle(ftp: ftplib.FTP) -> str:
            return ftp.getmultiline()

        assert (await with_client(url, idle))[:3] == "221"

        def stall(ftp: ftplib.FTP) -> str:
            data = ftp.transfercmd("STOR a.log")
            data.sendall(b"some")
            told = ftp.getmultiline()
            data.close()
            return told

        assert (await with_client(url, stall))[:3] == "426"
        await until(lambda: site.traffic._running == 0)
        assert site.delivered == []
        (part,) = site.parts()
        assert site.disk.part_size(part) == 4, "to be continued"


async def test_a_stranger_does_not_stay(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voltbridge.csms.files.ftp._LOGIN_S", 0.2)
    url = await site.upload(protocol=FTP)

    def wait() -> None:
        ftp = connected(url)
        with pytest.raises((EOFError, OSError)):
            ftp.getmultiline()
        ftp.close()

    await apart(wait)


async def test_many_connections_from_one_peer(site: Site) -> None:
    url = await site.upload(protocol=FTP)

    def crowd() -> list[str]:
        strangers = [connected(url) for _ in range(10)]
        told = []
        with pytest.raises(ftplib.error_temp, match="421"):
            connected(url)
        strangers.pop().close()
        guests = []
        for each in strangers[:4]:
            parts = urlsplit(url)
            each.login(parts.username or "", parts.password or "")
            guests.append(each)
        strangers[5].sendcmd(f"USER {urlsplit(url).username}")
        with pytest.raises(ftplib.error_temp) as full:
            strangers[5].sendcmd(f"PASS {urlsplit(url).password}")
        told.append(str(full.value)[:3])
        fifth = connected(url)  # who has logged in is no stranger any more
        for each in (*strangers, fifth):
            each.close()
        return told

    assert await apart(crowd) == ["421"]


async def test_more_transfers_of_one_station_than_have_a_place(site: Site) -> None:
    file = await site.stored(bytes(20_000_000))
    urls = [await site.download(file, protocol=FTP) for _ in range(5)]

    def crowd() -> str:
        clients = [logged_in(url) for url in urls]
        running = [each.transfercmd("RETR firmware.bin") for each in clients[:4]]
        with pytest.raises(ftplib.error_temp) as full:
            clients[4].transfercmd("RETR firmware.bin")
        for data in running:
            data.close()
        for each in clients:
            each.close()
        return str(full.value)[:3]

    assert await apart(crowd) == "450"
    await until(lambda: site.traffic._running == 0)


async def test_a_newer_delivery_takes_the_place_of_one_that_hangs(site: Site) -> None:
    url = await site.upload(protocol=FTP)
    hanging = await apart(lambda: logged_in(url))
    data = await apart(lambda: hanging.transfercmd("STOR a.log"))
    data.sendall(b"first")
    await with_client(url, lambda ftp: ftp.storbinary("STOR a.log", io.BytesIO(DATA)))
    assert [site.content_of(file) for file in site.delivered] == [DATA]
    data.close()
    with pytest.raises(ftplib.error_temp, match=r"450|426"):
        await apart(hanging.voidresp)
    hanging.close()
    assert len(site.delivered) == 1


async def test_quit_waits_for_what_is_under_way(site: Site) -> None:
    url = await site.upload(protocol=FTP)

    def hasty(ftp: ftplib.FTP) -> list[str]:
        data = ftp.transfercmd("STOR a.log")
        data.sendall(DATA)
        data.close()
        ftp.putcmd("QUIT")
        return [ftp.getmultiline()[:3], ftp.getmultiline()[:3]]

    assert await with_client(url, hasty) == ["226", "221"]
    assert [site.content_of(file) for file in site.delivered] == [DATA]


async def test_lines_that_are_none(site: Site) -> None:
    url = await site.upload(protocol=FTP)

    def shout() -> None:
        for noise in (b"\xff\xfe\xfd\r\n", b"A" * 200_000, b"\r\n\r\n\0\r\n"):
            ftp = connected(url)
            assert ftp.sock is not None
            with contextlib.suppress(OSError):
                ftp.sock.sendall(noise)
            ftp.close()

    await apart(shout)
    await with_client(url, lambda ftp: ftp.storbinary("STOR a.log", io.BytesIO(b"well")))
    assert [site.content_of(file) for file in site.delivered] == [b"well"]


async def test_behind_an_address_translation(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = taken.getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        async with (
            opened(tmp_path / "files") as site,
            listening(site, public_host="localhost", data_ports=[busy, port]) as door,
        ):
            site.files.listen(FTP, door.port, "localhost")
            url = await site.upload(protocol=FTP)
            assert urlsplit(url).hostname == "localhost"

            def ask(ftp: ftplib.FTP) -> tuple[str, str]:
                told = ftp.sendcmd("PASV"), ftp.sendcmd("EPSV")
                other = logged_in(url)
                with pytest.raises(ftplib.error_temp, match="421 no free ports"):
                    other.sendcmd("PASV")
                other.close()
                return told

            told = await with_client(url, ask)
            assert f"(127,0,0,1,{port >> 8},{port & 255})" in told[0]
            assert f"(|||{port}|)" in told[1]
            await with_client(url, lambda ftp: ftp.storbinary("STOR a.log", io.BytesIO(b"here")))
            assert [site.content_of(file) for file in site.delivered] == [b"here"]


async def test_a_stop_cuts_what_is_under_way(tmp_path: Path) -> None:
    async with opened(tmp_path / "files") as site:
        async with listening(site):
            url = await site.upload(protocol=FTP)
            ftp = await apart(lambda: logged_in(url))
            data = await apart(lambda: ftp.transfercmd("STOR a.log"))
            data.sendall(DATA)
            await until(lambda: bool(site.parts()))
        assert (site.delivered, site.traffic._running) == ([], 0)
        assert len(site.parts()) == 1
        data.close()
        ftp.close()


async def test_the_time_of_a_file_is_told(site: Site) -> None:
    file = await site.stored(DATA)
    url = await site.download(file, protocol=FTP)
    upload = await site.upload(protocol=FTP)
    made = f"{file.created_at:%Y%m%d%H%M%S}"
    told = await with_client(url, lambda ftp: (ftp.sendcmd(f"MDTM {name_of(url)}"), ftp.sendcmd("FEAT")))
    assert told[0].startswith(f"213 {made}.")
    assert " MDTM" in told[1]
    listed: list[str] = []
    await with_client(url, lambda ftp: ftp.retrlines("LIST", listed.append))
    assert str(file.created_at.year) in listed[0]
    for address, command in ((url, "MDTM other.bin"), (upload, f"MDTM {name_of(upload)}")):
        with pytest.raises(ftplib.error_perm, match="550"):
            await with_client(address, lambda ftp, command=command: ftp.sendcmd(command))  # type: ignore[misc]


@pytest.mark.parametrize("same", [True, False])
async def test_a_later_attempt_of_a_station_goes_on_with_the_same_file_alone(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same: bool
) -> None:
    """With a new ticket, as a new command has it: our own station has the first part from an attempt before."""
    sent: list[int] = []
    leaves = Fetch.leaves

    def leaving(fetch: Fetch, offset: int, count: int) -> None:
        sent.append(offset)
        leaves(fetch, offset, count)

    monkeypatch.setattr(Fetch, "leaves", leaving)
    file = await site.stored(DATA)
    url = await site.download(file, protocol=FTP)
    here = Download(tmp_path / "firmware")
    version = await with_client(url, lambda ftp: _ftp_version(ftp, name_of(url)))
    assert version
    with here.writer() as writer:
        writer.is_of(version)
        writer.write(DATA[:100_000])
    if not same:
        site.world.clock.advance(5)
        file = await site.stored(DATA[::-1])
    transfers = Transfers(Tls, contextlib.nullcontext)
    await transfers.download(await site.download(file, protocol=FTP), here)
    assert here.path.read_bytes() == (DATA if same else DATA[::-1])
    assert sent[0] == (100_000 if same else 0)
