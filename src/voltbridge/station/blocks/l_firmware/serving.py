"""Published firmware for the other stations of a site, by HTTP on a port of this station's own (2.0.1 L03).

A file's address has its checksum in it, so what is fetched is what was published; downloads can be resumed (Range).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from voltbridge.station.configuration import LocalController

__all__ = ["FirmwareServer"]

_CLOSE_S: Final = 1.0


class FirmwareServer:
    """Serves files by their checksums. Started by ``start``, ended by ``stop``."""

    __slots__ = ("_configuration", "_downloads", "_find", "_runner", "_url")

    def __init__(self, configuration: LocalController, find: Callable[[str], Path | None]) -> None:
        """``find(checksum)``: the file that is published under it."""
        self._configuration = configuration
        self._find = find
        self._downloads: Counter[str] = Counter()
        self._runner: web.AppRunner | None = None
        self._url = ""

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        if self._runner is not None:
            return
        app = web.Application()
        app.router.add_get("/firmware/{checksum}/{name}", self._get)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._configuration.host, self._configuration.port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        host, port = runner.addresses[0][:2]
        shown = f"[{host}]" if ":" in host else host
        self._url = self._configuration.public_url.rstrip("/") or f"http://{shown}:{port}"

    async def stop(self) -> None:
        """Whoever is downloading is cut off."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def locations(self, checksum: str, name: str) -> tuple[str, ...]:
        """Where the file can be fetched, one address for each protocol."""
        return (f"{self._url}/firmware/{checksum}/{quote(name)}",)

    def is_downloaded(self, checksum: str) -> bool:
        """Somebody is fetching it just now."""
        return self._downloads[checksum] > 0

    async def _get(self, request: web.Request) -> web.StreamResponse:
        checksum = request.match_info["checksum"]
        path = self._find(checksum)
        if path is None or path.name != request.match_info["name"]:
            return web.Response(status=404, text="this firmware is not published")
        return _Counted(path, self._downloads, checksum, headers={"Content-Type": "application/octet-stream"})


class _Counted(web.FileResponse):
    """Counts as a download for as long as it is sent."""

    def __init__(self, path: Path, downloads: Counter[str], checksum: str, *, headers: Mapping[str, str]) -> None:
        super().__init__(path, headers=dict(headers))
        self._downloads = downloads
        self._checksum = checksum

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        self._downloads[self._checksum] += 1
        try:
            return await super().prepare(request)
        finally:
            self._downloads[self._checksum] -= 1
