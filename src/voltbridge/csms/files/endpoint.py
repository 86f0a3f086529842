"""Where stations fetch and deliver files: HTTP on the port they connect to.

A download may be asked for in parts (Range, If-Range with the ETag). An upload is a PUT or a POST of the content
itself, chunked or not, or of a form with the file in it (N01.FR.18, N01.FR.19). With a Content-Range it is continued
where it stopped: the answer to a part is 202, and its Range header says what is here (as it does for HEAD, and for a
``Content-Range: bytes */*`` without content). Nobody may be slow for long, and only so many at once.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final
from urllib.parse import quote

import structlog
from aiohttp import BodyPartReader, ClientError, StreamReader, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from voltbridge.csms.files.ranges import (
    ContentRange,
    Span,
    Unsatisfiable,
    read_content_range,
    read_range,
)
from voltbridge.csms.files.service import FILES_PATH, AddressRefused, FileService, Incoming
from voltbridge.csms.files.traffic import Displaced, TooManyTransfers, Traffic
from voltbridge.csms.gateway.timing import within
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import NotFound, StorageUnavailable
from voltbridge.domain.files import FileGrant, FileTooLarge, StorageFull, TransferWay, tame_name

__all__ = ["FileEndpoint"]

_log = structlog.stdlib.get_logger(__name__)

_CHUNK: Final = 1 << 18
_DOWNLOADS: Final = ("GET", "HEAD")
_UPLOADS: Final = ("PUT", "POST")
_UNREAD: Final = 1 << 20
"""What is still read of a body that is refused, so that the station gets to read why."""
_UNREAD_S: Final = 2.0
_MEDIA_TYPE: Final = "application/octet-stream"
_LONGEST_TYPE: Final = 100
_FILE_NAME: Final = re.compile(r"\bfilename\s*=\s*\"?([^\";]+)", re.IGNORECASE)
_BROKEN: Final = (
    ClientError,
    ConnectionError,
    ValueError,
    web.HTTPException,
    web.RequestPayloadError,
    HttpProcessingError,
)
"""What a content that breaks off, or is not what its headers say, ends with."""
_RETRY: Final = {"Retry-After": "30"}


class _Refused(Exception):
    """The request is answered with this status."""

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers or {}


class FileEndpoint:
    """Answers requests below ``/files/``. ``stall_s``: how long a station may send or take nothing."""

    def __init__(self, files: FileService, traffic: Traffic, clock: Clock, *, stall_s: float = 60.0) -> None:
        self._files = files
        self._traffic = traffic
        self._clock = clock
        self._stall_s = stall_s

    def takes(self, raw_path: str) -> bool:
        """Whether a request is one for this endpoint."""
        return raw_path.startswith(FILES_PATH)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        try:
            return await self._serve(request)
        except _Refused as refused:
            await self._read_rest(request)
            return _answer(refused.status, refused.text, refused.headers, close=True)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        secret, _, rest = request.raw_path.partition("?")[0].removeprefix(FILES_PATH).partition("/")
        try:
            grant = await self._files.grant(secret, request.remote or "")
        except AddressRefused as refused:
            raise _Refused(refused.status, refused.reason) from None
        except StorageUnavailable:
            raise _Refused(503, "nothing can be looked up at the moment", _RETRY) from None
        allowed = _DOWNLOADS if grant.way is TransferWay.DOWNLOAD else ("HEAD", *_UPLOADS)
        if request.method not in allowed:
            raise _Refused(405, f"this address takes {' and '.join(allowed)}", {"Allow": ", ".join(allowed)})
        try:
            with self._traffic.place(grant):
                if grant.way is TransferWay.DOWNLOAD:
                    return await self._send(request, grant)
                if request.method == "HEAD":
                    return _answer(200, "", _progress(await self._files.received_bytes(grant)))
                return await self._take(request, grant, rest)
        except TooManyTransfers:
            raise _Refused(503, "too many transfers at once", _RETRY) from None
        except (NotFound, StorageUnavailable) as error:
            status = 410 if isinstance(error, NotFound) else 503
            raise _Refused(status, "the file is not there" if status == 410 else "come back later", _RETRY) from None

    # To the station

    async def _send(self, request: web.BaseRequest, grant: FileGrant) -> web.StreamResponse:
        file = await self._files.get(grant.file_id or 0)
        etag = f'"{file.sha256}"'
        headers = {
            hdrs.ACCEPT_RANGES: "bytes",
            hdrs.ETAG: etag,
            hdrs.CONTENT_TYPE: file.media_type,
            hdrs.CONTENT_DISPOSITION: f"attachment; filename*=UTF-8''{quote(file.name)}",
            hdrs.SERVER: "Voltbridge",
        }
        try:
            asked = request.headers
            span = read_range(asked.get(hdrs.RANGE), asked.get(hdrs.IF_RANGE), etag, file.size_bytes)
        except Unsatisfiable as error:
            raise _Refused(416, str(error), {hdrs.CONTENT_RANGE: f"bytes */{file.size_bytes}"}) from None
        part = span or Span(0, file.size_bytes)
        if span is not None:
            headers[hdrs.CONTENT_RANGE] = f"bytes {part.start}-{part.end - 1}/{file.size_bytes}"
        response = web.StreamResponse(status=200 if span is None else 206, headers=headers)
        response.content_length = part.end - part.start
        await response.prepare(request)
        if request.method == "HEAD":
            await response.write_eof()
            return response
        coverage = self._traffic.sent(grant, file.size_bytes)
        offset = part.start
        try:
            while offset < part.end:
                chunk = await self._files.read(file, offset, min(_CHUNK, part.end - offset))
                if not chunk:
                    raise NotFound("file", str(file.id))
                await within(self._clock, self._stall_s, _written(response, chunk))
                offset += len(chunk)
                coverage.add(Span(part.start, offset))
            if coverage.complete:
                self._traffic.all_sent(grant)
                with suppress(StorageUnavailable):
                    await self._files.fetched(grant)
            await within(self._clock, self._stall_s, response.write_eof())
        except (NotFound, TimeoutError, ConnectionError) as error:
            # The headers have left; all that can be done is to end the connection before what was promised is there.
            _log.info("a download broke off", station=grant.station_id, bytes=offset, why=type(error).__name__)
            if request.transport is not None:
                request.transport.abort()
        return response

    # From the station

    async def _take(self, request: web.BaseRequest, grant: FileGrant, rest: str) -> web.StreamResponse:
        """Receive what is sent, in the place of what still comes by an older connection."""

        async def receive(displaces: bool) -> web.StreamResponse:
            return await self._receive(request, await self._fresh(request) if displaces else grant, rest)

        try:
            return await self._traffic.alone(grant, receive)
        except Displaced:
            raise _Refused(409, "a newer delivery to this address has begun") from None

    async def _receive(self, request: web.BaseRequest, grant: FileGrant, rest: str) -> web.StreamResponse:
        is_form = request.content_type == "multipart/form-data"
        part = self._wanted(request, is_form)
        here = await self._files.received_bytes(grant)
        if part is not None and part.span is None:
            return _answer(202, "", _progress(here))
        offset = 0 if part is None or part.span is None else part.span.start
        if offset > here:
            raise _Refused(416, f"{here} bytes are here; go on behind them", _progress(here))
        await self._say_continue(request)
        said, media_type = "", request.content_type
        incoming = Incoming(grant.token_hash, offset)
        try:
            if is_form:
                body = await self._file_of_form(request)
                said, media_type = body.filename or "", body.headers.get(hdrs.CONTENT_TYPE, _MEDIA_TYPE)
                written = await self._files.receive(incoming, self._of_form(body))
            else:
                named = _FILE_NAME.search(request.headers.get(hdrs.CONTENT_DISPOSITION, ""))
                said = "" if named is None else named[1]
                content = self._of_body(request.content)
                written = await self._files.receive(incoming, content, length=request.content_length)
            self._check_length(part, written)
            if part is not None and part.span is not None and part.total != written:
                return _answer(202, "", _progress(written))
            name = tame_name(said or rest, grant.name)
            await self._files.delivered(grant, name, _media_type(media_type))
        except FileTooLarge as error:
            raise _Refused(413, f"no more than {error.limit_bytes} bytes are taken") from None
        except StorageFull:
            raise _Refused(507, "there is no room for it", _RETRY) from None
        except _BROKEN as error:
            _log.info("an upload broke off", station=grant.station_id, why=type(error).__name__)
            raise _Refused(400, "the content broke off") from None
        except TimeoutError:
            raise _Refused(408, f"nothing came for {self._stall_s:g} s") from None
        return _answer(201 if request.method == "PUT" else 200, "received")

    async def _fresh(self, request: web.BaseRequest) -> FileGrant:
        """The grant as it is now that the older delivery has ended."""
        secret = request.raw_path.removeprefix(FILES_PATH).partition("/")[0].partition("?")[0]
        try:
            return await self._files.grant(secret, request.remote or "")
        except AddressRefused as refused:
            raise _Refused(refused.status, refused.reason) from None

    def _wanted(self, request: web.BaseRequest, is_form: bool) -> ContentRange | None:
        header = request.headers.get(hdrs.CONTENT_RANGE)
        if header is None:
            return None
        if is_form:
            raise _Refused(400, "a form cannot be sent in parts; send the content itself")
        try:
            return read_content_range(header)
        except Unsatisfiable as error:
            raise _Refused(400, str(error)) from None

    def _check_length(self, part: ContentRange | None, written: int) -> None:
        if part is not None and part.span is not None and written != part.span.end:
            raise ValueError("the content is not as long as its Content-Range")

    async def _say_continue(self, request: web.BaseRequest) -> None:
        if request.headers.get(hdrs.EXPECT, "").strip().lower() == "100-continue" and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def _file_of_form(self, request: web.BaseRequest) -> BodyPartReader:
        """The part of a form that is a file; without one that says so, the first."""
        reader = await request.multipart()
        part = await within(self._clock, self._stall_s, reader.next())
        while isinstance(part, BodyPartReader):
            if part.filename is not None or part.name in (None, "file", "uploadfile"):
                return part
            async for _ in self._of_form(part):
                pass
            part = await within(self._clock, self._stall_s, reader.next())
        raise ValueError("the form has no file")

    async def _of_body(self, content: StreamReader) -> AsyncIterator[bytes]:
        while chunk := await within(self._clock, self._stall_s, content.readany()):
            yield chunk

    async def _of_form(self, part: BodyPartReader) -> AsyncIterator[bytes]:
        while chunk := await within(self._clock, self._stall_s, part.read_chunk(_CHUNK)):
            yield bytes(chunk)

    async def _read_rest(self, request: web.BaseRequest) -> None:
        """Read a little of what is still sent: a connection that ends with unread content takes the answer with it."""
        if not request.body_exists or hdrs.EXPECT in request.headers:
            return
        left = _UNREAD
        with suppress(TimeoutError, *_BROKEN):
            while left > 0 and (chunk := await within(self._clock, _UNREAD_S, request.content.readany())):
                left -= len(chunk)


async def _written(response: web.StreamResponse, chunk: bytes) -> None:
    await response.write(chunk)


def _answer(status: int, text: str, headers: dict[str, str] | None = None, *, close: bool = False) -> web.Response:
    response = web.Response(
        status=status, text=f"{text}\n" if text else "", headers={hdrs.SERVER: "Voltbridge"} | (headers or {})
    )
    if close:
        response.force_close()
    return response


def _progress(received: int) -> dict[str, str]:
    """What is here, in the words of a Range; without one nothing is."""
    headers = {"Upload-Offset": str(received), hdrs.ACCEPT_RANGES: "bytes"}
    return headers | {hdrs.RANGE: f"bytes=0-{received - 1}"} if received else headers


def _media_type(said: str) -> str:
    plain = said.partition(";")[0].strip().lower()
    return plain if 0 < len(plain) <= _LONGEST_TYPE and plain.isascii() and plain.isprintable() else _MEDIA_TYPE
