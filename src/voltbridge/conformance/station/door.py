"""The WebSocket endpoint that the station under test connects to."""

from __future__ import annotations

import contextlib
import socket as sockets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from voltbridge.conformance.station.authorities import Authorities
from voltbridge.conformance.station.csms import Attempt, Handshake, SimulatedCsms
from voltbridge.conformance.transcript import Entry, Way
from voltbridge.protocol.versions import Version

__all__ = ["Door", "open_door"]

_LARGEST_FRAME = 4 * 1024 * 1024


@dataclass(slots=True)
class Door:
    """Lets the station in to the CSMS of the case that runs; without one nobody gets in."""

    url: str = ""
    """Where stations connect; the identity follows after a slash."""
    other_url: str = ""
    """A second endpoint, for stations that are to change between two."""
    secure_url: str = ""
    """As ``url``, with TLS and a certificate by the root that the case chooses; empty without ``authorities``."""
    other_secure_url: str = ""
    """As ``other_url``, likewise."""
    authorities: Authorities | None = None
    csms: SimulatedCsms | None = None

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """One upgrade request, and the connection that comes of it."""
        csms = self.csms
        offered = tuple(
            one.strip() for one in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if one.strip()
        )
        version = csms.version if csms is not None else None
        first, second = (self.secure_url, self.other_secure_url) if request.secure else (self.url, self.other_url)
        url = first if request.path.startswith("/ocpp/") else second
        accepted = csms is not None and not csms.refusing and url not in csms.refused_urls and version in offered
        if csms is not None:
            identity, authorization = request.match_info["identity"], request.headers.get("Authorization")
            csms.attempts.append(Attempt(csms.clock.now(), url, identity, offered, authorization, accepted))
            shown = f"upgrade {request.path} Sec-WebSocket-Protocol: {','.join(offered)}"
            csms.transcript.append(Entry(csms.clock.now(), Way.RECEIVED, shown))
            csms.inbox.wake()
        if csms is None or not accepted:
            return web.Response(status=503, headers={"Connection": "close"})
        return await self._serve(csms, csms.version, request)

    async def stray(self, request: web.Request) -> web.StreamResponse:
        """Somebody at an address that is none: said in the transcript of the case that waits for the station."""
        if self.csms is not None:
            told = f"{request.method} {request.path}, answered 404: stations connect to {self.url}/IDENTITY"
            self.csms.transcript.append(Entry(self.csms.clock.now(), Way.RECEIVED, told))
        return web.Response(status=404, text=f"stations connect to {self.url}/IDENTITY\n")

    def greeted(self, url: str, tls: ssl.SSLObject) -> None:
        """A TLS handshake has begun at this endpoint: its certificate is chosen now."""
        csms = self.csms
        if csms is None or self.authorities is None:
            return
        csms.handshakes.append(Handshake(csms.clock.now(), url))
        root = csms.other_root if url == self.other_secure_url else csms.root
        csms.note(f"TLS handshake at {url}, with a certificate by {root}")
        tls.context = self.authorities.serving(root, urlsplit(url).hostname or "")
        csms.inbox.wake()

    async def _serve(self, csms: SimulatedCsms, version: Version, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=(version,), compress=False, max_msg_size=_LARGEST_FRAME)
        await socket.prepare(request)
        line = csms.connected(_Socket(socket, csms))
        try:
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    line.broke(f"a {message.type.name} frame")
                    break
                csms.transcript.append(Entry(csms.clock.now(), Way.RECEIVED, message.data))
                await line.take(message.data)
        finally:
            csms.note(f"connection closed (code {socket.close_code})")
            csms.lost(line)
        return socket


@dataclass(frozen=True, slots=True)
class _Socket:
    socket: web.WebSocketResponse
    csms: SimulatedCsms

    async def send(self, text: str) -> None:
        self.csms.transcript.append(Entry(self.csms.clock.now(), Way.SENT, text))
        with contextlib.suppress(OSError, aiohttp.ClientError):
            await self.socket.send_str(text)

    async def close(self) -> None:
        await self.socket.close(code=aiohttp.WSCloseCode.GOING_AWAY)


@asynccontextmanager
async def open_door(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    authorities: Authorities | None = None,
    secure: tuple[str, int] = ("127.0.0.1", 0),
) -> AsyncIterator[Door]:
    """Listen for the station, and with ``0.0.0.0`` at all addresses. Raises OSError when the port is taken.

    With ``authorities`` also with TLS: at ``secure`` and, for the second endpoint, at the port behind it.
    """
    door = Door(authorities=authorities)
    application = web.Application()
    application.router.add_get("/ocpp/{identity}", door.enter)
    application.router.add_get("/other/{identity}", door.enter)
    application.router.add_get("/{path:.*}", door.stray)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        address_told = _told(host)
        shown = f"[{address_told}]" if ":" in address_told else address_told
        address = f"ws://{shown}:{runner.addresses[0][1]}"
        door.url, door.other_url = f"{address}/ocpp", f"{address}/other"
        if authorities is not None:
            await _listen_securely(door, runner, authorities, *secure)
        yield door
    finally:
        door.csms = None
        await runner.cleanup()


async def _listen_securely(door: Door, runner: web.AppRunner, authorities: Authorities, host: str, port: int) -> None:
    """Two endpoints with TLS."""
    name = _told(host)
    shown = f"[{name}]" if ":" in name else name
    for place in ("ocpp", "other"):
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # it has no certificate: that comes with the handshake
        own.minimum_version = ssl.TLSVersion.TLSv1_2
        site = web.TCPSite(runner, host, port, ssl_context=own)
        await site.start()
        address = runner.addresses[-1][1]
        url = f"wss://{shown}:{address}/{place}"
        if place == "ocpp":
            door.secure_url = url
        else:
            door.other_secure_url = url

        def chosen(tls: ssl.SSLObject, _: str | None, __: ssl.SSLContext, url: str = url) -> None:
            door.greeted(url, tls)

        own.sni_callback = chosen
        port = address + 1 if port else 0


def _told(host: str) -> str:
    """The address that stations are told: of all addresses, the one by which this machine reaches others."""
    families = {"0.0.0.0": (sockets.AF_INET, "192.0.2.1"), "::": (sockets.AF_INET6, "2001:db8::1")}
    if host not in families:
        return host
    family, elsewhere = families[host]
    try:
        with sockets.socket(family, sockets.SOCK_DGRAM) as socket:
            socket.connect((elsewhere, 9))  # sends nothing
            return str(socket.getsockname()[0])
    except OSError:
        return sockets.gethostname()
