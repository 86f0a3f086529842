"""Transfers of whole files: firmware comes, logs go. HTTP, HTTPS, FTP, FTPS, and SFTP if installed; a ``ports.Files``.

A download that breaks off goes on where it stopped (Range with If-Range, REST), as long as each try brings something;
so does a later one into the same ``Download``, if its server tells that the file is still the one that it was (a strong
ETag, size and MDTM, size and mtime). So does an upload by FTP and SFTP, behind what the server says that it has.
An upload is a PUT to the address, with the file's name behind one that ends with a slash; a server that takes no PUT
gets a POST of a form (2.0.1 N01.FR.18, FR.19). Silence counts in seconds of the machine's clock.
"""

from __future__ import annotations

import asyncio
import ftplib
import io
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from enum import StrEnum
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import aiohttp

from voltbridge.station.downloads import Download, Writer
from voltbridge.station.endpoints import Tls, tls_context

__all__ = ["SCHEMES", "TransferFailed", "Transfers", "Trouble", "take"]

SCHEMES: Final = ("http", "https", "ftp", "ftps", *(("sftp",) if find_spec("asyncssh") else ()))
"""What an address may begin with: what is installed here."""

_LARGEST: Final = 512 * 1024 * 1024
_CHUNK: Final = 1 << 16
_SILENCE_S: Final = 60.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=30.0, sock_read=_SILENCE_S)
_FRUITLESS: Final = 3
"""Tries in a row that may bring nothing."""
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)", re.IGNORECASE)


class Trouble(StrEnum):
    """What was wrong, in words of UploadLogStatusEnumType."""

    BAD_MESSAGE = "BadMessage"
    PERMISSION_DENIED = "PermissionDenied"
    NOT_SUPPORTED_OPERATION = "NotSupportedOperation"
    FAILURE = "UploadFailure"


class TransferFailed(OSError):
    """A file did not come or go. ``lasting``: nor will it, however often that is tried."""

    def __init__(self, trouble: Trouble, detail: str, *, lasting: bool = False) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.lasting = lasting


class _BrokenOff(Exception):
    """The connection ended before the file did."""


class Transfers:
    """Implements ``ports.Files``.

    ``tls()``: how servers of https and ftps are judged now; ``waiting``: entered while a server is awaited, so that a
    virtual clock stands still for it; ``known_hosts``: a file in OpenSSH's format, by which servers of sftp are judged.
    """

    __slots__ = ("_known_hosts", "_largest", "_tls", "_waiting")

    def __init__(
        self,
        tls: Callable[[], Tls],
        waiting: Callable[[], AbstractContextManager[None]],
        *,
        largest: int = _LARGEST,
        known_hosts: Path | None = None,
    ) -> None:
        self._tls = tls
        self._known_hosts = known_hosts
        self._waiting = waiting
        self._largest = largest

    async def download(self, url: str, into: Download) -> None:
        """Fetch the file's content, or what is missing of it. Raises TransferFailed."""
        scheme = _scheme(url)
        try:
            opened = into.writer()
        except OSError as error:
            raise TransferFailed(Trouble.FAILURE, f"there is no place for the file: {error}") from None
        with opened as writer, self._waiting():
            if not writer.version:
                writer.clear()
            if scheme in ("ftp", "ftps"):
                await asyncio.to_thread(self._ftp_download, url, writer)
            elif scheme == "sftp":
                from voltbridge.station import sftp

                await sftp.download(url, writer, self._largest, self._known_hosts)
            else:
                await self._http_download(url, writer)

    async def upload(self, url: str, name: str, content: bytes | Path) -> None:
        """Store the content, or that of a file, under that name at that address. Raises TransferFailed."""
        scheme = _scheme(url)
        with self._waiting():
            if scheme in ("ftp", "ftps"):
                await asyncio.to_thread(self._ftp_upload, url, name, content)
            elif scheme == "sftp":
                from voltbridge.station import sftp

                with await asyncio.to_thread(_reading, content) as file:
                    await sftp.upload(_with_name(url, name), file, self._known_hosts)
            else:
                await self._http_upload(url, name, content)

    # HTTP

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)

    def _ssl(self, url: str) -> object:
        return tls_context(self._tls()) if _scheme(url) == "https" else True

    async def _http_download(self, url: str, writer: Writer) -> None:
        fruitless = 0
        async with self._session() as session:
            while True:
                had = writer.size
                try:
                    await self._fetch(session, url, writer)
                    return
                except _BrokenOff as error:
                    fruitless = fruitless + 1 if writer.size <= had else 0
                    if fruitless >= _FRUITLESS:
                        raise TransferFailed(Trouble.FAILURE, f"the download breaks off: {error}") from None

    async def _fetch(self, session: aiohttp.ClientSession, url: str, writer: Writer) -> None:
        """One request for what is missing. Raises _BrokenOff when it ended too soon."""
        headers = {"Accept-Encoding": "identity"}
        if writer.size:
            headers["Range"] = f"bytes={writer.size}-"
            if writer.version:
                headers["If-Range"] = writer.version
        try:
            async with session.get(url, headers=headers, ssl=self._ssl(url)) as response:  # type: ignore[arg-type]
                if _scheme(url) == "https" and response.url.scheme != "https":
                    raise TransferFailed(Trouble.PERMISSION_DENIED, "sent on to an address without TLS")
                total = _begin(response, writer)
                if total is not None and total > self._largest:
                    writer.clear()
                    raise TransferFailed(Trouble.FAILURE, f"the file has {total} bytes, at most {self._largest}")
                async for chunk in response.content.iter_chunked(_CHUNK):
                    await asyncio.to_thread(take, writer, chunk, self._largest)
        except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, TimeoutError) as error:
            raise _BrokenOff(str(error) or type(error).__name__) from None
        except TransferFailed:
            raise
        except aiohttp.ClientSSLError as error:
            raise TransferFailed(Trouble.FAILURE, _untrusted(error)) from None
        except (aiohttp.ClientOSError, ConnectionError) as error:
            raise _BrokenOff(str(error) or type(error).__name__) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TransferFailed(Trouble.FAILURE, str(error) or type(error).__name__) from None
        if total is not None and writer.size != total:
            raise _BrokenOff(f"{writer.size} of {total} bytes came")

    async def _http_upload(self, url: str, name: str, content: bytes | Path) -> None:
        target = _with_name(url, name)
        try:
            async with self._session() as session:
                tls = self._ssl(url)
                headers = {"Content-Type": "application/octet-stream"}
                async with (
                    _opened(content) as data,
                    session.put(target, data=data, headers=headers, ssl=tls) as response,  # type: ignore[arg-type]
                ):
                    status = response.status
                if status in (405, 501):
                    form = aiohttp.FormData()
                    async with _opened(content) as data:
                        form.add_field("file", data, filename=name, content_type="application/octet-stream")
                        async with session.post(url, data=form, ssl=tls) as response:  # type: ignore[arg-type]
                            status = response.status
        except aiohttp.ClientSSLError as error:
            raise TransferFailed(Trouble.FAILURE, _untrusted(error)) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TransferFailed(Trouble.FAILURE, str(error) or type(error).__name__) from None
        if not 200 <= status < 300:
            raise TransferFailed(_trouble(status), f"the server answers {status}")

    # FTP, in a thread

    def _ftp(self, url: str) -> tuple[ftplib.FTP, str]:
        """A session that is logged in, and the path."""
        parts = urlsplit(url)
        secure = parts.scheme.lower() == "ftps"
        ftp = (
            ftplib.FTP_TLS(timeout=_SILENCE_S, context=tls_context(self._tls()))
            if secure
            else ftplib.FTP(timeout=_SILENCE_S)
        )
        try:
            ftp.connect(parts.hostname or "", parts.port or 21)
            ftp.login(unquote(parts.username or ""), unquote(parts.password or ""))
            if isinstance(ftp, ftplib.FTP_TLS):
                ftp.prot_p()
        except BaseException:
            ftp.close()
            raise
        return ftp, unquote(parts.path).lstrip("/")

    def _ftp_download(self, url: str, writer: Writer) -> None:
        fruitless = 0
        while True:
            had = writer.size
            try:
                ftp, path = self._ftp(url)
                with ftp:
                    writer.is_of(_ftp_version(ftp, path))
                    chunk = partial(take, writer, largest=self._largest)
                    ftp.retrbinary(f"RETR {path}", chunk, rest=writer.size or None)
                    size = _ftp_size(ftp, path)
                if size is None or writer.size == size:
                    return
                if writer.size > size:
                    came = writer.size
                    writer.clear()
                    raise TransferFailed(Trouble.BAD_MESSAGE, f"{came} bytes came of a file of {size}")
                raise EOFError(f"{writer.size} of {size} bytes came")
            except TransferFailed:
                raise
            except ftplib.error_perm as error:
                writer.clear()  # it may be that it cannot begin in the middle
                raise TransferFailed(_ftp_trouble(error), str(error)) from None
            except (ftplib.Error, OSError, EOFError, ValueError) as error:
                fruitless = fruitless + 1 if writer.size <= had else 0
                if fruitless >= _FRUITLESS or had == writer.size == 0:
                    raise TransferFailed(Trouble.FAILURE, str(error) or type(error).__name__) from None

    def _ftp_upload(self, url: str, name: str, content: bytes | Path) -> None:
        blocks = fruitless = before = 0

        def count(block: object) -> None:
            nonlocal blocks
            blocks += 1

        with _reading(content) as file:
            while True:
                here = 0
                try:
                    ftp, path = self._ftp(_with_name(url, name))
                    with ftp:
                        here = (_ftp_size(ftp, path) or 0) if blocks else 0
                        file.seek(here)
                        ftp.storbinary(f"STOR {path}", file, callback=count, rest=here or None)
                    return
                except ftplib.error_perm as error:
                    raise TransferFailed(_ftp_trouble(error), str(error)) from None
                except (ftplib.Error, OSError, EOFError, ValueError) as error:
                    fruitless = fruitless + 1 if here <= before else 0
                    before = max(before, here)
                    if fruitless >= _FRUITLESS or not blocks:
                        raise TransferFailed(Trouble.FAILURE, str(error) or type(error).__name__) from None


def take(writer: Writer, chunk: bytes, largest: int) -> None:
    """Write on, unless that makes a file too large. Blocks. Raises TransferFailed, NoLongerWanted, OSError."""
    if writer.size + len(chunk) > largest:
        writer.clear()
        raise TransferFailed(Trouble.FAILURE, f"the file has more than {largest} bytes")
    writer.write(chunk)


def _begin(response: aiohttp.ClientResponse, writer: Writer) -> int | None:
    """Look at the head of an answer; the size of the whole file where it is told."""
    if response.status == 206 and writer.size:
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if found is None or int(found[1]) != writer.size:
            writer.clear()
            raise TransferFailed(Trouble.BAD_MESSAGE, "the server sends another part than was asked for")
        if response.headers.get("ETag", writer.version) != writer.version:  # not every server knows If-Range
            writer.clear()
            raise _BrokenOff("the file has changed")
        return None if found[3] == "*" else int(found[3])
    if response.status == 416 and writer.size:
        writer.clear()  # it is not the file any more that it was
        raise _BrokenOff("the file has changed")
    if response.status != 200:
        if response.status < 500:
            writer.clear()  # it may be that it cannot begin in the middle
        raise TransferFailed(_trouble(response.status), f"the server answers {response.status}")
    writer.clear()
    strong = response.headers.get("ETag", "")
    writer.is_of("" if strong.startswith("W/") else strong)
    return response.content_length


@asynccontextmanager
async def _opened(content: bytes | Path) -> AsyncIterator[bytes | BinaryIO]:
    """What is sent: a file is read as it goes, never held whole."""
    if isinstance(content, bytes):
        yield content
        return
    file = await asyncio.to_thread(content.open, "rb")
    try:
        yield file
    finally:
        file.close()


def _reading(content: bytes | Path) -> BinaryIO:
    return io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")


def _ftp_size(ftp: ftplib.FTP, path: str) -> int | None:
    """What the server has of a file; None where it does not say, or has nothing."""
    try:
        ftp.voidcmd("TYPE I")
        return ftp.size(path)
    except (ftplib.error_perm, ValueError):
        return None


def _ftp_version(ftp: ftplib.FTP, path: str) -> str:
    """Size and time of a file, by which it is known again; empty where the server does not tell both."""
    size = _ftp_size(ftp, path)
    try:
        return "" if size is None else f"{size} {ftp.voidcmd(f'MDTM {path}')}"
    except (ftplib.error_perm, ftplib.error_proto):
        return ""


def _scheme(url: str) -> str:
    try:
        parts = urlsplit(url)
        known = parts.scheme.lower() in SCHEMES and bool(parts.hostname)
        _ = parts.port
    except ValueError as error:
        raise TransferFailed(Trouble.FAILURE, f"no address: {error}", lasting=True) from None
    if not known or any(character in url for character in "\r\n\0"):
        known_ones = "an address begins with " + ", ".join(SCHEMES)  # no server has refused anything
        raise TransferFailed(Trouble.FAILURE, known_ones, lasting=True)
    return parts.scheme.lower()


def _with_name(url: str, name: str) -> str:
    """An address that ends with a slash is a folder."""
    parts = urlsplit(url)
    if not parts.path.endswith("/") and parts.path:
        return url
    return urlunsplit(parts._replace(path=(parts.path or "/") + quote(name)))


def _untrusted(error: aiohttp.ClientSSLError) -> str:
    """Why there is no TLS with a server: what OpenSSL says, without the objects that aiohttp prints around it."""
    return f"no TLS with {error.host}: {error.os_error}"


def _trouble(status: int) -> Trouble:
    match status:
        case 401 | 403 | 407:
            return Trouble.PERMISSION_DENIED
        case 405 | 501 | 505:
            return Trouble.NOT_SUPPORTED_OPERATION
        case 400 | 411 | 415 | 422:
            return Trouble.BAD_MESSAGE
        case _:
            return Trouble.FAILURE


def _ftp_trouble(error: ftplib.error_perm) -> Trouble:
    code = str(error)[:3]
    if code in ("530", "532", "550", "553"):
        return Trouble.PERMISSION_DENIED
    return Trouble.NOT_SUPPORTED_OPERATION if code in ("502", "504") else Trouble.BAD_MESSAGE
