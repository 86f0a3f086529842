"""A server of files made for tests: real HTTP, which breaks off, refuses or takes its time when told to."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from aiohttp import web

from voltbridge.station.downloads import Download
from voltbridge.station.ports import Files

__all__ = ["FileServer", "fetched", "file_server"]


@dataclass
class FileServer:
    """What it has, and what it was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    status: int = 0
    """Answer everything with this; 0: as it should be."""
    breaks: int = 0
    """How many downloads still break off in the middle."""
    form_only: bool = False
    """No PUT."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Transfers wait for it."""
    ranges: list[str] = field(default_factory=list)
    etag: str = '"one"'
    on_break: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.gate.set()

    async def get(self, request: web.Request) -> web.StreamResponse:
        self.ranges.append(request.headers.get("Range", ""))
        name = request.match_info["name"]
        await self.gate.wait()
        if self.status or name not in self.files:
            return web.Response(status=self.status or 404)
        content, start, status = self.files[name], 0, 200
        wanted = request.headers.get("Range", "")
        if wanted and request.headers.get("If-Range") == self.etag:
            start, status = int(wanted.removeprefix("bytes=").rstrip("-")), 206
        part = content[start:]
        response = web.StreamResponse(status=status, headers={"ETag": self.etag})
        response.content_length = len(part)
        if status == 206:
            response.headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        await response.prepare(request)
        if self.breaks:
            self.breaks -= 1
            await response.write(part[: len(part) // 2])
            assert request.transport is not None
            request.transport.close()
            self.on_break()
            return response
        await response.write(part)
        return response

    async def put(self, request: web.Request) -> web.Response:
        content = await request.read()
        await self.gate.wait()
        if self.status or self.form_only:
            return web.Response(status=self.status or 405)
        self.uploads[request.match_info["name"]] = content
        return web.Response(status=201)

    async def post(self, request: web.Request) -> web.Response:
        form = await request.post()
        await self.gate.wait()
        if self.status:
            return web.Response(status=self.status)
        part = form["file"]
        assert isinstance(part, web.FileField)
        self.uploads[part.filename] = part.file.read()
        return web.Response()


@contextlib.asynccontextmanager
async def file_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[FileServer]:
    """Its ``url`` ends with a slash."""
    server = FileServer()
    app = web.Application(client_max_size=1 << 27)
    app.router.add_get("/files/{name}", server.get)
    app.router.add_put("/files/{name}", server.put)
    app.router.add_post("/files/{name:.*}", server.post)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    assert runner.addresses
    server.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{runner.addresses[0][1]}/files/"
    try:
        yield server
    finally:
        server.gate.set()
        await runner.cleanup()


async def fetched(files: Files, url: str) -> bytes:
    """What a station gets there. Raises TransferFailed, and leaves nothing behind."""
    into = Download()
    try:
        await files.download(url, into)
        return into.path.read_bytes()
    finally:
        into.remove()
