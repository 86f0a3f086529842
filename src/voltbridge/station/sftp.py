"""Transfers by SFTP, for a station that has asyncssh installed (``voltbridge[ftp]``); ``transfers.Transfers`` uses it.

What breaks off goes on where it stopped, both ways: a download behind what has come, an upload behind what the server
says that it has. OCPP hands over no host keys: without ``known_hosts`` a server is believed, as by FTP.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import unquote, urlsplit

import asyncssh

from voltbridge.station.downloads import Writer
from voltbridge.station.transfers import TransferFailed, Trouble, take

__all__ = ["download", "upload"]

_CHUNK: Final = 1 << 18
_CONNECT_S: Final = 30.0
_ALIVE_S: Final = 20.0
"""After so long without a word the server is asked whether it is still there; three times, then it is gone."""
_FRUITLESS: Final = 3
_DENIED: Final = (asyncssh.PermissionDenied, asyncssh.SFTPPermissionDenied, asyncssh.SFTPNoSuchFile)


async def download(url: str, writer: Writer, largest: int, known_hosts: Path | None) -> None:
    """Fetch the file's content, or what is missing of it. Raises TransferFailed."""

    async def go_on(sftp: asyncssh.SFTPClient, path: str) -> None:
        async with sftp.open(path, "rb") as file:
            told = await file.stat()
            size = told.size
            if size is not None and size > largest:
                writer.clear()
                raise TransferFailed(Trouble.FAILURE, f"the file has {size} bytes, at most {largest}")
            writer.is_of("" if size is None or told.mtime is None else f"{size} {told.mtime}")
            while True:
                chunk: Any = await file.read(_CHUNK, writer.size)
                if not chunk:
                    break
                await asyncio.to_thread(take, writer, chunk, largest)
        if size is not None and writer.size < size:
            raise ConnectionError(f"{writer.size} of {size} bytes came")

    await _repeated(url, known_hosts, go_on, lambda: writer.size)


async def upload(url: str, content: BinaryIO, known_hosts: Path | None) -> None:
    """Store the content at that address, which has the file's name. Raises TransferFailed."""
    sent = 0
    began = False

    async def go_on(sftp: asyncssh.SFTPClient, path: str) -> None:
        nonlocal began, sent
        here = 0
        if began:
            with contextlib.suppress(asyncssh.SFTPNoSuchFile):
                here = (await sftp.stat(path)).size or 0
        async with sftp.open(path, "r+b" if here else "wb") as file:
            began = True
            await asyncio.to_thread(content.seek, here)
            sent = max(sent, here)
            while chunk := await asyncio.to_thread(content.read, _CHUNK):
                await file.write(chunk, here)
                here += len(chunk)
                sent = max(sent, here)

    await _repeated(url, known_hosts, go_on, lambda: sent)


async def _repeated(
    url: str,
    known_hosts: Path | None,
    go_on: Callable[[asyncssh.SFTPClient, str], Any],
    progress: Callable[[], int],
) -> None:
    """Try as long as each try brings something, and a few times more."""
    fruitless = 0
    while True:
        had = progress()
        try:
            async with _session(url, known_hosts) as sftp:
                await go_on(sftp, unquote(urlsplit(url).path))
            return
        except TransferFailed:
            raise
        except _DENIED as error:
            raise TransferFailed(Trouble.PERMISSION_DENIED, str(error)) from None
        except asyncssh.SFTPOpUnsupported as error:
            raise TransferFailed(Trouble.NOT_SUPPORTED_OPERATION, str(error)) from None
        except (asyncssh.Error, OSError, EOFError, ValueError) as error:
            fruitless = fruitless + 1 if progress() <= had else 0
            if fruitless >= _FRUITLESS or progress() == 0:
                raise TransferFailed(Trouble.FAILURE, str(error) or type(error).__name__) from None


@contextlib.asynccontextmanager
async def _session(url: str, known_hosts: Path | None) -> AsyncIterator[asyncssh.SFTPClient]:
    parts = urlsplit(url)
    connection = await asyncssh.connect(
        parts.hostname or "",
        parts.port or 22,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        known_hosts=None if known_hosts is None else str(known_hosts),
        client_keys=None,
        agent_path=None,
        config=None,
        connect_timeout=_CONNECT_S,
        login_timeout=_CONNECT_S,
        keepalive_interval=_ALIVE_S,
    )
    async with connection, connection.start_sftp_client() as sftp:
        yield sftp
