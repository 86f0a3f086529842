"""Files that come in parts: who may write them, what stays of them, what a later try makes of that."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import os
import resource
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import aioftp
import pytest
from aiohttp import web
from tests.station.central_system import live
from tests.station.file_server import file_server
from tests.station.test_ftp_and_sftp import FtpServer, Line, passing, sftp_server

from voltbridge.station.downloads import Download, NoLongerWanted, digest_of
from voltbridge.station.endpoints import Tls
from voltbridge.station.transfers import TransferFailed, Transfers
from voltbridge.station.virtual_clock import VirtualClock

DATA: Final = os.urandom(3_000_000)


def transfers(largest: int = 1 << 27) -> Transfers:
    return Transfers(Tls, contextlib.nullcontext, largest=largest)


def holds(into: Download, content: bytes) -> bool:
    return into.path.read_bytes() == content


@pytest.mark.parametrize("named", [False, True])
def test_what_has_come_stays_until_it_is_removed(named: bool, tmp_path: Path) -> None:
    into = Download(tmp_path / "a" / "b.part" if named else None)
    with pytest.raises(FileNotFoundError) if not named else contextlib.nullcontext():
        assert into.path == tmp_path / "a" / "b.part"
    with into.writer() as writer:
        writer.write(b"one ")
        writer.is_of("v1")
    with into.writer() as writer:
        writer.write(b"two")
        writer.is_of("v1")
        assert (writer.size, writer.version) == (7, "v1")
    assert holds(into, b"one two")
    assert digest_of(into.path, "md5") == hashlib.md5(b"one two", usedforsecurity=False).digest()
    with into.writer() as writer:
        writer.is_of("v2")
        writer.write(b"new")
    assert holds(into, b"new")
    path = into.path
    into.remove()
    into.remove()
    assert not path.exists()
    with into.writer() as writer:
        assert (writer.size, writer.version) == (0, "")
    into.remove()


def test_what_a_killed_process_left_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "firmware.part"
    path.write_bytes(b"of another life, and longer")
    into = Download(path)
    with into.writer() as writer:
        writer.write(b"new")
    assert holds(into, b"new")


def test_a_file_that_was_tidied_up_meanwhile_begins_anew(tmp_path: Path) -> None:
    into = Download(tmp_path / "firmware.part")
    with into.writer() as writer:
        writer.write(b"one")
        writer.is_of("v1")
    into.path.unlink()
    with into.writer() as writer:
        assert (writer.size, writer.version) == (0, "")


def test_only_the_newest_writes() -> None:
    into = Download()
    old = into.writer()
    old.write(b"old")
    new = into.writer()
    with pytest.raises(NoLongerWanted):
        old.write(b"?")
    with pytest.raises(NoLongerWanted):
        old.clear()
    with pytest.raises(NoLongerWanted):
        old.is_of("?")
    with old:
        pass
    new.write(b" and new")
    assert holds(into, b"old and new")
    into.remove()
    with pytest.raises(NoLongerWanted):
        new.write(b"?")


def test_a_place_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    async def story(clock: VirtualClock) -> None:
        async with file_server() as server:
            server.files["fw"] = DATA
            with pytest.raises(TransferFailed, match="no place"):
                await transfers().download(server.url + "fw", Download(tmp_path / "file" / "fw.part"))
            assert server.ranges == []

    live(story)


# Another try, by each protocol


class DatedFtpServer(FtpServer):
    """Knows MDTM too."""

    def __init__(self, root: Path, cuts: list[int]) -> None:
        super().__init__(root, cuts)
        self.commands_mapping["mdtm"] = self._mdtm

    async def _mdtm(self, connection: aioftp.Connection, rest: str) -> bool:
        connection.response("213", str(int((self._root / rest).stat().st_mtime)))
        return True


class Mendable(Line):
    """Cut once, in the middle of a file; and then at once, until it is mended."""

    whole = True

    async def open(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.whole or not self.used:
            await super().open(reader, writer)
        else:
            writer.transport.abort()

    def mend(self) -> None:
        self.whole = True


@dataclass(frozen=True)
class Server:
    url: str
    mend: Callable[[], None] = lambda: None


@contextlib.asynccontextmanager
async def mendable(port: int, breaks: bool) -> AsyncIterator[Mendable]:
    made = Mendable(port, [1_500_000] if breaks else [])
    made.whole = not breaks
    async with passing(made):
        yield made


@contextlib.asynccontextmanager
async def http(root: Path, breaks: bool) -> AsyncIterator[Server]:
    async def get(request: web.Request) -> web.FileResponse:
        return web.FileResponse(root / "fw.bin")

    app = web.Application()
    app.router.add_get("/fw.bin", get)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with mendable(runner.addresses[0][1], breaks) as cut:
        try:
            yield Server(f"http://127.0.0.1:{cut.port}/fw.bin", cut.mend)
        finally:
            await runner.cleanup()


@contextlib.asynccontextmanager
async def sftp(root: Path, breaks: bool) -> AsyncIterator[Server]:
    async with sftp_server(root) as port, mendable(port, breaks) as cut:
        yield Server(f"sftp://user:wo%3Ard@127.0.0.1:{cut.port}/fw.bin", cut.mend)


@contextlib.asynccontextmanager
async def ftp(root: Path, breaks: bool, kind: type[FtpServer] = DatedFtpServer) -> AsyncIterator[Server]:
    server = kind(root, [23, 0, 0, 0] if breaks else [])
    await server.start("127.0.0.1", 0)
    try:
        yield Server(f"ftp://user:word@127.0.0.1:{server.server_port}/fw.bin")
    finally:
        await server.close()


undated = partial(ftp, kind=FtpServer)
Serve = Callable[..., contextlib.AbstractAsyncContextManager[Server]]


@pytest.mark.parametrize("serve", [http, sftp, ftp, undated])
@pytest.mark.parametrize("changes", [False, True])
def test_another_try_goes_on_with_the_same_file_alone(serve: Serve, changes: bool, tmp_path: Path) -> None:
    file = tmp_path / "fw.bin"
    file.write_bytes(DATA)

    async def story(clock: VirtualClock) -> None:
        into = Download(tmp_path / "firmware.part")
        async with serve(tmp_path, True) as server:
            with pytest.raises(TransferFailed):
                await transfers().download(server.url, into)
            assert 0 < into.size < len(DATA)
            with into.path.open("r+b") as come:
                come.write(MARK)
            if changes:
                file.write_bytes(OTHER)
                os.utime(file, (2_000_000_000, 2_000_000_000))
            server.mend()
            await transfers().download(server.url, into)
        if changes:
            assert holds(into, OTHER)
        elif serve is undated:
            assert holds(into, DATA), "nobody knows whether it is the same file"
        else:
            assert holds(into, MARK + DATA[len(MARK) :])

    live(story)


MARK: Final = b"what has come was kept"
OTHER: Final = os.urandom(len(DATA))


@pytest.mark.parametrize("serve", [http, sftp, ftp])
def test_a_large_file_costs_no_memory(serve: Serve, tmp_path: Path) -> None:
    size = 16 << 20
    with (tmp_path / "fw.bin").open("wb") as file:
        file.truncate(size)

    async def story(clock: VirtualClock) -> None:
        into = Download(tmp_path / "firmware.part")
        async with serve(tmp_path, False) as server:
            with traced() as peak:
                await transfers().download(server.url, into)
                assert into.size == into.path.stat().st_size == size
                digest_of(into.path, "sha256")
                assert peak() < 5 << 20

    live(story)


@pytest.mark.parametrize("serve", [http, sftp, ftp])
def test_a_disk_that_takes_no_more_ends_a_download(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "fw.bin").write_bytes(DATA)

    async def story(clock: VirtualClock) -> None:
        into = Download(tmp_path / "firmware.part")
        async with serve(tmp_path, False) as server:
            before = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, before[1]))
            try:
                with pytest.raises(TransferFailed):
                    await transfers().download(server.url, into)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
            assert into.size == into.path.stat().st_size == FULL
            await transfers().download(server.url, into)
            assert holds(into, DATA)

    live(story)


FULL: Final = 1_000_000


class HaltingFtpServer(DatedFtpServer):
    """Says nothing more in the middle of the first file, until it is let go on."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, [8])
        self.halted, self.goes_on = asyncio.Event(), asyncio.Event()

    async def _end(self, connection: aioftp.Connection, blocks: int) -> None:
        data = await asyncio.shield(connection.future.data_connection)
        write, moved = data.write, 0

        async def writing(chunk: bytes) -> None:
            nonlocal moved
            moved += 1
            if moved == blocks:
                self.halted.set()
                await self.goes_on.wait()
            await write(chunk)

        data.write = writing


def test_a_thread_that_nobody_waits_for_any_more_spoils_nothing(tmp_path: Path) -> None:
    (tmp_path / "fw.bin").write_bytes(DATA)

    async def story(clock: VirtualClock) -> None:
        server, into = HaltingFtpServer(tmp_path), Download(tmp_path / "firmware.part")
        await server.start("127.0.0.1", 0)
        url = f"ftp://user:word@127.0.0.1:{server.server_port}/fw.bin"
        try:
            old = asyncio.create_task(transfers().download(url, into))
            await server.halted.wait()
            old.cancel()
            await asyncio.wait((old,))
            assert old.cancelled()
            await transfers().download(url, into)
            server.goes_on.set()
            await asyncio.get_running_loop().shutdown_default_executor()
            assert holds(into, DATA)
        finally:
            server.goes_on.set()
            await server.close()

    live(story)


def test_what_is_too_large_does_not_stay(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        async with file_server() as server:
            server.files["fw"] = DATA
            into = Download(tmp_path / "firmware.part")
            with pytest.raises(TransferFailed, match="at most"):
                await transfers(1000).download(server.url + "fw", into)
            assert holds(into, b"")

    live(story)


@contextlib.contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """How many bytes were held at most, beside those from before."""
    gc.collect()
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
