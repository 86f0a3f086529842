"""A station's transfers by FTP and SFTP, cut in the middle, with servers that are not ours to go by."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

import aioftp
import asyncssh
import pytest
from tests.station.central_system import live
from tests.station.file_server import fetched

from voltbridge.station.endpoints import Tls
from voltbridge.station.standard_variables import STANDARD_VARIABLES
from voltbridge.station.transfers import TransferFailed, Transfers, Trouble
from voltbridge.station.virtual_clock import VirtualClock

DATA: Final = os.urandom(3_000_000)
KEY: Final = asyncssh.generate_private_key("ssh-ed25519")


class Line:
    """What is between station and server: lets so many bytes through, one way, and ends every connection."""

    def __init__(self, port: int, cuts: list[int]) -> None:
        self._port = port
        self._cuts = cuts
        self._ends: list[asyncio.StreamWriter] = []
        self.port = 0
        self.used = 0

    async def open(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_connection("127.0.0.1", self._port)
        self._ends += [writer, here]
        self.used += 1
        await asyncio.gather(self._pass(reader, here), self._pass(there, writer))

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(65_536):
                if self._cuts:
                    self._cuts[0] -= len(chunk)
                    if self._cuts[0] < 0:
                        self._cuts.pop(0)
                        for end in self._ends:
                            end.transport.abort()
                        self._ends.clear()
                        return
                target.write(chunk)
                await target.drain()
        target.close()


@contextlib.asynccontextmanager
async def line(port: int, *cuts: int) -> AsyncIterator[Line]:
    made = Line(port, list(cuts))
    async with passing(made):
        yield made


@contextlib.asynccontextmanager
async def passing(made: Line) -> AsyncIterator[None]:
    server = await asyncio.start_server(made.open, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        for end in made._ends:
            end.transport.abort()


class FtpServer(aioftp.Server):
    """Knows SIZE, and ends sessions in the middle of a file: ``cuts`` says behind how many blocks."""

    def __init__(self, root: Path, cuts: list[int]) -> None:
        super().__init__([aioftp.User("user", "word", base_path=root)], block_size=65_536)
        self._root = root
        self.cuts = cuts
        self.starts: list[int] = []
        self.commands_mapping["size"] = self._size
        for name in ("retr", "stor"):
            self.commands_mapping[name] = self._cut(getattr(self, name))

    async def _size(self, connection: aioftp.Connection, rest: str) -> bool:
        path = self._root / rest
        connection.response(*(("213", str(path.stat().st_size)) if path.exists() else ("550", "not there")))
        return True

    def _cut(
        self, command: Callable[[aioftp.Connection, str], Awaitable[bool]]
    ) -> Callable[[aioftp.Connection, str], Awaitable[bool]]:
        async def cut(connection: aioftp.Connection, rest: str) -> bool:
            self.starts.append(connection.restart_offset)
            if self.cuts:
                blocks = self.cuts.pop(0)
                asyncio.get_running_loop().create_task(self._end(connection, blocks))
            return await command(connection, rest)

        return cut

    async def _end(self, connection: aioftp.Connection, blocks: int) -> None:
        data = await asyncio.shield(connection.future.data_connection)
        moved = 0
        read, write = data.read, data.write

        async def gone() -> None:
            data.writer.transport.abort()
            connection.command_connection.writer.transport.abort()
            await asyncio.Event().wait()  # until the session's end is noticed

        async def reading(count: int = -1) -> bytes:
            nonlocal moved
            moved += 1
            if moved > blocks:
                await gone()
            return bytes(await read(count))

        async def writing(chunk: bytes) -> None:
            nonlocal moved
            moved += 1
            if moved > blocks:
                await gone()
            await write(chunk)

        data.read, data.write = reading, writing


def transfers(known_hosts: Path | None = None, largest: int = 1 << 27) -> Transfers:
    return Transfers(Tls, contextlib.nullcontext, known_hosts=known_hosts, largest=largest)


@contextlib.asynccontextmanager
async def sftp_server(root: Path) -> AsyncIterator[int]:
    class Owner(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("user", "wo:rd")

    server = await asyncssh.create_server(
        Owner,
        "127.0.0.1",
        0,
        server_host_keys=[KEY],
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=os.fsencode(root)),
    )
    try:
        yield server.get_port()
    finally:
        server.close()
        await server.wait_closed()


def test_a_download_by_sftp_goes_on_where_it_broke_off(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        (tmp_path / "fw.bin").write_bytes(DATA)
        async with sftp_server(tmp_path) as port, line(port, 1_000_000, 1_200_000) as cut:
            url = f"sftp://user:wo%3Ard@127.0.0.1:{cut.port}/fw.bin"
            assert await fetched(transfers(), url) == DATA
            assert cut.used == 3

    live(story)


def test_an_upload_by_sftp_goes_on_where_it_broke_off(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        source = tmp_path / "source"
        source.write_bytes(DATA)
        async with sftp_server(tmp_path) as port, line(port, 1_000_000, 1_200_000) as cut:
            url = f"sftp://user:wo%3Ard@127.0.0.1:{cut.port}/"
            await transfers().upload(url, "a b.log", source)
            assert (tmp_path / "a b.log").read_bytes() == DATA
            assert cut.used == 3

    live(story)


def test_sftp_servers_that_refuse(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        (tmp_path / "fw.bin").write_bytes(bytes(1000))
        known, strange = tmp_path / "known", tmp_path / "strange"
        async with sftp_server(tmp_path) as port:
            right, base = f"user:wo%3Ard@127.0.0.1:{port}", f"127.0.0.1:{port}"
            known.write_text(f"[127.0.0.1]:{port} {KEY.export_public_key().decode()}")
            other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
            strange.write_text(f"[127.0.0.1]:{port} {other}")
            for url in (f"sftp://user:no@{base}/fw.bin", f"sftp://{right}/not-there", f"sftp://{base}/fw.bin"):
                with pytest.raises(TransferFailed) as denied:
                    await fetched(transfers(), url)
                assert denied.value.trouble is Trouble.PERMISSION_DENIED
            with pytest.raises(TransferFailed, match="at most 999"):
                await fetched(transfers(largest=999), f"sftp://{right}/fw.bin")
            with pytest.raises(TransferFailed):
                await fetched(transfers(strange), f"sftp://{right}/fw.bin")
            assert await fetched(transfers(known), f"sftp://{right}/fw.bin") == bytes(1000)
            known.write_text("")
            with pytest.raises(TransferFailed):
                await fetched(transfers(known), f"sftp://{right}/fw.bin")
        with pytest.raises(TransferFailed):
            await transfers().upload(f"sftp://{right}/", "a.log", b"nobody is there")

    live(story)


def test_ftp_goes_on_where_it_broke_off_both_ways(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        (tmp_path / "fw.bin").write_bytes(DATA)
        server = FtpServer(tmp_path, [16, 8])
        await server.start("127.0.0.1", 0)
        url = f"ftp://user:word@127.0.0.1:{server.server_port}/"
        try:
            assert await fetched(transfers(), url + "fw.bin") == DATA
            assert len(server.starts) == 3
            assert server.starts[0] == 0 < server.starts[1] < server.starts[2]
            server.starts.clear()
            server.cuts = [12, 20]
            await transfers().upload(url, "a b.log", DATA)
            assert (tmp_path / "a b.log").read_bytes() == DATA
            assert len(server.starts) == 3
            assert server.starts[0] == 0 < server.starts[1] < server.starts[2]
            for wrong in (url.replace("word", "no"), url):
                with pytest.raises(TransferFailed) as denied:
                    await fetched(transfers(), wrong + "not-there")
                assert denied.value.trouble is Trouble.PERMISSION_DENIED
        finally:
            await server.close()

    live(story)


def test_what_is_installed_is_told() -> None:
    told = next(each for each in STANDARD_VARIABLES if each.name == "FileTransferProtocols")
    assert told.default == "HTTP,HTTPS,FTP,FTPS,SFTP"
