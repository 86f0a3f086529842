"""The endpoint that charging stations connect to.

A connection's life: the request is read, admission decides, the bus makes this node the station's owner, an older
connection of the same identity finishes what it has begun, the desk opens the station's state, and only then is the
connection upgraded. So a station whose upgrade succeeded is served, and every refusal is plain HTTP.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from voltbridge.bus.ports import Bus, Ownership
from voltbridge.csms.gateway import handshake
from voltbridge.csms.gateway.connection import Shared, StationConnection
from voltbridge.csms.gateway.counters import Counters
from voltbridge.csms.gateway.deviations import DeviationTally
from voltbridge.csms.gateway.handshake import Handshake, HandshakeRefused
from voltbridge.csms.gateway.limits import Limits
from voltbridge.csms.gateway.ports import Admission, AdmissionRequest, Arrival, OtherRequests, Refused, StationDesk
from voltbridge.csms.gateway.timing import within
from voltbridge.csms.gateway.tls_listener import TlsListener
from voltbridge.csms.gateway.websocket import Outbox, WebSocket
from voltbridge.csms.journal import Journal
from voltbridge.domain.clock import Cancel, Clock
from voltbridge.domain.errors import NotFound, StorageUnavailable
from voltbridge.domain.stations import LiveStation, Strictness

__all__ = ["Gateway"]

_log = structlog.stdlib.get_logger(__name__)

_BACKLOG: Final = 4096
_SPARE_SOCKETS: Final = 256
"""Sockets beyond the limits that may wait for their 503 or 429; further ones are cut unheard."""
_LOGGED_REFUSALS: Final = 20
_MAX_LOGGED_PATH: Final = 200
_FLUSH_SECONDS: Final = 10.0
_UNKNOWN: Final = "no station of this identity is known here"
_TOO_OPEN: Final = "this station has to connect with a higher security profile"
_RETRY_LATER: Final = {"Retry-After": "10"}


class Gateway:
    """Accepts stations and serves them until it is stopped."""

    def __init__(
        self,
        *,
        admission: Admission,
        desk: StationDesk,
        bus: Bus,
        journal: Journal,
        clock: Clock,
        limits: Limits | None = None,
        strictness: Strictness = Strictness.STRICT,
        path: str = "/ocpp",
        others: OtherRequests | None = None,
    ) -> None:
        """``others`` answers what is not a connection of a station."""
        self.limits = limits = limits or Limits()
        self.counters = Counters()
        self._admission = admission
        self._desk = desk
        self._bus = bus
        self._clock = clock
        self._path = path
        self._others = others
        self._deviations = DeviationTally(journal, clock)
        self._shared = Shared(desk, journal, clock, limits, strictness, self._deviations, self.counters)
        self._outbox = Outbox()
        self._connections: set[StationConnection] = set()
        self._latest: dict[str, StationConnection] = {}
        """The newest connection of each identity, also while it is still being opened."""
        self._draining = False
        self._refusals = 0
        """Since the last round."""
        self._web_server: _Server | None = None
        self._server: asyncio.Server | None = None
        self._tls: TlsListener | None = None
        self._cancel_rounds: Cancel | None = None
        self._flushed_at = clock.monotonic()
        bus.on_announcement("deleted", self._on_deleted)
        bus.on_announcement("disconnect", self._on_disconnect)

    # Start and stop

    async def start(self, host: str, port: int) -> None:
        """Listen for plain connections. Raises OSError when the address cannot be used."""
        server = self._server_of_all()
        self._server = await asyncio.get_running_loop().create_server(server, host, port, backlog=_BACKLOG)
        self._begin_rounds()

    async def start_tls(self, host: str, port: int, context: Callable[[], ssl.SSLContext]) -> None:
        """Listen for TLS, beside plain connections or alone; ``context`` is asked for each handshake.

        Raises OSError when the address cannot be used.
        """
        server, limits = self._server_of_all(), self.limits
        tls = TlsListener(server, context, self, handshake_s=limits.handshake_s, closing_s=limits.closing_s)
        await tls.open(host, port)
        self._tls = tls
        self._begin_rounds()

    def _server_of_all(self) -> _Server:
        """What stands behind all listeners."""
        if self._web_server is None:
            self._web_server = _Server(self._serve, self.limits)
        return self._web_server

    @property
    def port(self) -> int:
        """The port of plain connections, also when it was started with 0. Raises RuntimeError when there is none."""
        if self._server is None:
            raise RuntimeError("the gateway does not listen for plain connections")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def tls_port(self) -> int | None:
        """The port of TLS, if it listens for that."""
        return None if self._tls is None else self._tls.port

    @property
    def listening(self) -> bool:
        """Whether stations can connect."""
        return (self._server is not None or self._tls is not None) and not self._draining

    async def stop(self, timeout_s: float = 20.0) -> None:
        """Stop without losing anything, within ``timeout_s`` and what closing takes.

        New connections get 503. Requests that were received are handled and answered, calls that wait for a station's
        answer are waited for; new requests are not taken, so the station repeats them elsewhere. Then 1012. Calling it
        again with a shorter time hastens it.
        """
        if self._server is None and self._tls is None:
            return
        self._draining = True
        for connection in list(self._connections):
            connection.drain()
        await self._wait_for_connections(timeout_s)
        for connection in list(self._connections):
            connection.abandon("the server stopped before the work was done")
        await self._wait_for_connections(self.limits.closing_s)
        if not self._close_server():
            return  # a second stop, called to hasten this one, was quicker
        if self._cancel_rounds is not None:
            self._cancel_rounds()
        if self._web_server is not None:
            await self._web_server.shutdown(0.1)
        self._flush_deviations()

    def _close_server(self) -> bool:
        """Listen no more; whether it did until now."""
        server, self._server = self._server, None
        tls, self._tls = self._tls, None
        if server is not None:
            server.close()
        if tls is not None:
            tls.close()
        return server is not None or tls is not None

    async def _wait_for_connections(self, seconds: float) -> None:
        finished = [connection.finished for connection in self._connections]
        if finished:
            with suppress(TimeoutError):
                await within(self._clock, seconds, _all(finished))

    # One connection

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            if self._others is not None and self._others.takes(request.raw_path):
                return await self._serve_other(request, self._others)
            return await self._connect(request)
        except HandshakeRefused as refused:
            self.counters.refused_connections[refused.status] += 1
            self._log_refusal(request, refused)
            headers = {"Connection": "close", "Server": "Voltbridge"} | refused.headers
            response = web.Response(status=refused.status, text=f"{refused.text}\n", headers=headers)
            response.force_close()
            return response

    async def _serve_other(self, request: web.BaseRequest, others: OtherRequests) -> web.StreamResponse:
        if self._draining:
            raise HandshakeRefused(503, "the server restarts", _RETRY_LATER)
        assert self._web_server is not None
        self._web_server.check_limits(request.remote or "")
        return await others.serve(request)

    async def _connect(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = handshake.read(request.raw_path, request.method, request.headers, self._path)
        if self._draining:
            raise HandshakeRefused(503, "the server restarts", _RETRY_LATER)
        assert self._web_server is not None
        address = request.remote or ""
        self._web_server.check_limits(address)
        arrival = await self._admit(asked, address, request.secure)

        connection = StationConnection(self._shared, asked.identity, asked.version)
        before = self._latest.get(asked.identity)
        self._latest[asked.identity] = connection
        self._connections.add(connection)
        ownership: Ownership | None = None
        try:
            ownership = await self._bus.own(asked.identity, connection.answer, connection.replace)
            live = await self._take_over(connection, before, arrival)
            live.base_url = handshake.base_url(request.headers, secure=request.secure)
            return await self._converse(request, asked, connection, live)
        finally:
            if ownership is not None:
                ownership.release()
            if before is not None and not before.finished.done():
                # The one before is still at work; whoever comes next must wait for it, not for us.
                before.finished.add_done_callback(lambda _: self._finish(connection))
            else:
                self._finish(connection)

    def _log_refusal(self, request: web.BaseRequest, refused: HandshakeRefused) -> None:
        """For whoever installs a station; the first few between two rounds, so that nobody floods the log."""
        self._refusals += 1
        if self._refusals <= _LOGGED_REFUSALS:
            _log.info(
                "a connection was refused",
                status=refused.status,
                reason=ascii(refused.text)[1:-1],
                path=ascii(request.raw_path[:_MAX_LOGGED_PATH])[1:-1],
                remote_address=request.remote,
            )

    def _finish(self, connection: StationConnection) -> None:
        self._connections.discard(connection)
        if self._latest.get(connection.identity) is connection:
            del self._latest[connection.identity]
        if not connection.finished.done():
            connection.finished.set_result(None)

    async def _admit(self, asked: Handshake, address: str, secure: bool) -> Arrival:
        request = AdmissionRequest(asked.identity, asked.credentials, address, secure)
        try:
            decision = await within(self._clock, self.limits.handshake_s, self._admission.admit(request))
        except (TimeoutError, StorageUnavailable):
            raise HandshakeRefused(503, "admission is not possible at the moment", _RETRY_LATER) from None
        if isinstance(decision, Refused):
            if decision.http_status == 401:
                raise HandshakeRefused(
                    401, "the credentials are missing or wrong", {"WWW-Authenticate": 'Basic realm="OCPP"'}
                )
            raise HandshakeRefused(decision.http_status, _TOO_OPEN if decision.http_status == 403 else _UNKNOWN)
        return Arrival(address, secure, decision.authenticated)

    async def _take_over(
        self, connection: StationConnection, before: StationConnection | None, arrival: Arrival
    ) -> LiveStation:
        """The station's state, once its former connection has handled what it received."""
        limits = self.limits
        if before is not None:
            self.counters.replaced_connections += 1
            try:
                await within(self._clock, limits.takeover_s, _all([before.finished]))
            except TimeoutError:
                raise HandshakeRefused(503, "the former connection is still being closed", _RETRY_LATER) from None
        if connection.lost or self._draining:
            raise HandshakeRefused(503, "a newer connection has taken over", _RETRY_LATER)
        try:
            return await within(
                self._clock, limits.handshake_s, self._desk.open(connection.identity, connection.version, arrival)
            )
        except NotFound:
            raise HandshakeRefused(404, _UNKNOWN) from None
        except (TimeoutError, StorageUnavailable):
            raise HandshakeRefused(503, "the station's state cannot be read at the moment", _RETRY_LATER) from None

    async def _converse(
        self, request: web.BaseRequest, asked: Handshake, connection: StationConnection, live: LiveStation
    ) -> web.StreamResponse:
        reason = "the connection was lost"
        try:
            if connection.lost or self._draining:
                raise HandshakeRefused(503, "a newer connection has taken over", _RETRY_LATER)
            response = web.StreamResponse(status=101, headers=asked.response_headers | {"Server": "Voltbridge"})
            response.force_close()
            protocol = request.protocol
            try:
                await response.prepare(request)
            except ConnectionResetError:  # the station gave up while it was being looked up
                return response
            if protocol.transport is None:
                return response
            websocket = WebSocket(protocol, connection, self._clock, self.limits, self._outbox, asked.deflate)
            self.counters.connections[asked.version] += 1
            self.counters.connected[asked.version] += 1
            try:
                reason = await connection.run(websocket, live)
            finally:
                self.counters.connected[asked.version] -= 1
            return response
        finally:
            try:
                await self._desk.close(live, reason)
            except StorageUnavailable:
                _log.warning("the end of a connection could not be recorded", station_id=connection.identity)

    # Handshakes of TLS

    def room(self, address: str, waiting: int, waiting_from_there: int) -> bool:
        """Whether one more may come in from there, while so many have not ended their handshakes."""
        return self._web_server is not None and self._web_server.room(address, waiting, waiting_from_there)

    def entered(self, version: str) -> None:
        """A handshake has succeeded."""
        self.counters.tls_handshakes[version] += 1

    def failed(self, reason: str, detail: str, address: str) -> None:
        """A handshake has failed."""
        self.counters.tls_failures[reason] += 1
        self._refusals += 1
        if self._refusals <= _LOGGED_REFUSALS:
            _log.info("a TLS handshake failed", reason=reason, detail=detail, remote_address=address)

    # Rounds

    def _begin_rounds(self) -> None:
        if self._cancel_rounds is None:
            self._schedule_rounds()

    def _schedule_rounds(self) -> None:
        limits = self.limits
        spans = [seconds for seconds in (limits.ping_interval_s, limits.ping_timeout_s, _FLUSH_SECONDS) if seconds]
        self._cancel_rounds = self._clock.call_later(min(spans) / 5, self._rounds)

    def _rounds(self) -> None:
        """Every few seconds: look after silent stations and write down what was counted."""
        now = self._clock.monotonic()
        if self._refusals > _LOGGED_REFUSALS:
            _log.info("more connections were refused", count=self._refusals - _LOGGED_REFUSALS)
        self._refusals = 0
        for connection in list(self._connections):
            connection.check_alive(now)
        if now - self._flushed_at >= _FLUSH_SECONDS:
            self._flushed_at = now
            self._flush_deviations()
        self._schedule_rounds()

    def _flush_deviations(self) -> None:
        try:
            self._deviations.flush()
        except StorageUnavailable:
            _log.warning("deviations could not be recorded yet")

    async def _on_deleted(self, station_id: str) -> None:
        self._disconnect(station_id, "the station was deleted")

    async def _on_disconnect(self, station_id: str) -> None:
        self._disconnect(station_id, "disconnected by the operator")

    def _disconnect(self, station_id: str, reason: str) -> None:
        connection = self._latest.get(station_id)
        if connection is not None:
            connection.disconnect(reason)


class _Server(web.Server):
    """aiohttp's HTTP server, with limits that hold from the TCP connection on."""

    def __init__(self, serve: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], limits: Limits) -> None:
        super().__init__(
            serve,
            access_log=None,
            keepalive_timeout=limits.handshake_s,
            lingering_time=0,
            max_headers=64,
            tcp_keepalive=True,
        )
        self._limits = limits
        self._addresses: dict[RequestHandler, str] = {}
        self._per_address: Counter[str] = Counter()

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._addresses[handler] = address
        self._per_address[address] += 1
        if not self.room(address, -1, -1):
            # Not at once: aiohttp goes on to make a task that expects to begin before the connection ends.
            asyncio.get_running_loop().call_soon(transport.abort)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        address = self._addresses.pop(handler, None)
        if address is not None:
            self._per_address[address] -= 1
            if not self._per_address[address]:
                del self._per_address[address]

    def room(self, address: str, waiting: int, waiting_from_there: int) -> bool:
        """Whether one more may stay and be told why it is refused, beside those here and those still waiting."""
        limits = self._limits
        return len(self._addresses) + waiting < limits.connections + _SPARE_SOCKETS and (
            limits.connections_per_address is None
            or self._per_address[address] + waiting_from_there < limits.connections_per_address + _SPARE_SOCKETS
        )

    def check_limits(self, address: str) -> None:
        """Raises HandshakeRefused when this connection is one too many."""
        limits = self._limits
        if limits.connections_per_address is not None and self._per_address[address] > limits.connections_per_address:
            raise HandshakeRefused(429, "too many connections from this address", _RETRY_LATER)
        if len(self._addresses) > limits.connections:
            raise HandshakeRefused(503, "too many connections", _RETRY_LATER)


async def _all(futures: list[asyncio.Future[None]]) -> None:
    """Wait for futures without owning them: being cancelled leaves them as they are."""
    await asyncio.wait(futures)
