"""What all links of a process share: one client session, which makes the connections, and the reasons why it cannot."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Coroutine
from random import Random
from types import TracebackType
from typing import Any, Final, Literal, Self

import aiohttp
from aiohttp import ClientWebSocketResponse

from voltbridge.domain.clock import Clock
from voltbridge.protocol.versions import Version
from voltbridge.station.connectivity_terms import ConnectFailure
from voltbridge.station.endpoints import Endpoint, basic_authorization, connection_url, proxy_url, tls_context
from voltbridge.station.virtual_clock import held

__all__ = ["CLOSE_TIMEOUT_S", "ConnectFailed", "Network", "WebSocket", "root_of_peer"]

WebSocket = ClientWebSocketResponse[Literal[False]]
"""Gives every message as bytes."""

CLOSE_TIMEOUT_S: Final = 2.0
"""How long a CSMS may take to close its side; seconds of the event loop."""

_MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024


class ConnectFailed(Exception):
    """An attempt to connect failed."""

    def __init__(self, failure: ConnectFailure, detail: str) -> None:
        super().__init__(f"{failure}: {detail}")
        self.failure = failure
        self.detail = detail


class Network:
    """What all links of a process share. Used as an asynchronous context manager, or closed by ``close``.

    ``holds_clock``: a virtual clock runs with the wall while an answer is awaited. Only where every CSMS lives in the
    same event loop may it jump even then, so that a CSMS that stays silent costs no time.
    """

    def __init__(self, clock: Clock, *, holds_clock: bool = True, random: Random | None = None) -> None:
        self.clock = clock
        self.random = random or Random()
        self._holds_clock = holds_clock
        self.watch: Callable[[str, bool, str], None] | None = None
        """Told of every frame that passes: the station's identity, whether it was sent, and its text."""
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the session; links that are still open break."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something short that belongs to a link."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def waiting(self) -> contextlib.AbstractContextManager[None]:
        """Around whatever waits for a CSMS."""
        return held(self.clock) if self._holds_clock else contextlib.nullcontext()

    async def connect(self, endpoint: Endpoint) -> tuple[WebSocket, Version]:
        """A WebSocket in one of the versions offered. Raises ConnectFailed."""
        headers = {}
        authorization = basic_authorization(endpoint)
        if authorization is not None:
            headers["Authorization"] = authorization
        try:
            websocket = await self._within(endpoint.connect_timeout_s, self._open(endpoint, headers))
        except (aiohttp.ClientError, OSError, ValueError, UnicodeError) as error:
            raise _failure_of(error) from error
        try:
            return websocket, Version(websocket.protocol or "")
        except ValueError:
            await websocket.close(code=aiohttp.WSCloseCode.PROTOCOL_ERROR)
            offered = ", ".join(endpoint.versions)
            raise ConnectFailed(ConnectFailure.SUBPROTOCOL, f"the CSMS agreed to none of {offered}") from None

    async def _open(self, endpoint: Endpoint, headers: dict[str, str]) -> WebSocket:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                middlewares=(_stay_here,),
            )
        url = connection_url(endpoint)
        return await self._session.ws_connect(
            url,
            protocols=endpoint.versions,
            headers=headers,
            proxy=proxy_url(endpoint.proxy),
            ssl=tls_context(endpoint.tls) if url.startswith("https:") else True,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
            autoping=False,
            max_msg_size=_MAX_MESSAGE_BYTES,
            decode_text=False,
        )

    async def _within(self, seconds: float, opening: Coroutine[Any, Any, WebSocket]) -> WebSocket:
        """In seconds of the station's clock, not of the event loop's."""
        task = asyncio.get_running_loop().create_task(opening)
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True
            task.cancel()

        cancel = self.clock.call_later(seconds, expire)
        try:
            with self.waiting():
                return await task
        except asyncio.CancelledError:
            if expired:
                raise ConnectFailed(ConnectFailure.TIMED_OUT, f"not connected within {seconds:g} s") from None
            if not task.cancel() and not task.cancelled() and task.exception() is None:
                self.spawn(_let_go(task.result()))
            raise
        finally:
            cancel()


def root_of_peer(websocket: WebSocket) -> bytes | None:
    """The root in DER by which a CSMS was judged; None without TLS."""
    tls = websocket.get_extra_info("ssl_object")
    if tls is None:
        return None
    if hasattr(tls, "get_verified_chain"):  # from Python 3.13 on
        chain: list[bytes] = tls.get_verified_chain()
    else:
        chain = [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in tls._sslobj.get_verified_chain()]
    return chain[-1] if chain else None


async def _let_go(websocket: WebSocket) -> None:
    """Nobody wants the connection any more that has just been made."""
    await websocket.close()


async def _stay_here(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Who answers the address that was configured is not to send the station, with its password, somewhere else."""
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise ConnectFailed(ConnectFailure.REFUSED, f"the CSMS answered {response.status}, a redirection")
    return response


def _failure_of(error: Exception) -> ConnectFailed:
    reason = getattr(error, "os_error", error)
    detail = str(reason) or type(reason).__name__
    match error:
        case ConnectFailed():
            return error
        case aiohttp.WSServerHandshakeError(status=401 | 403):
            return ConnectFailed(ConnectFailure.UNAUTHORIZED, f"the CSMS answered {error.status}")
        case aiohttp.WSServerHandshakeError(status=404):
            return ConnectFailed(ConnectFailure.UNKNOWN_STATION, "the CSMS answered 404")
        case aiohttp.ClientResponseError():
            return ConnectFailed(ConnectFailure.REFUSED, f"the CSMS answered {error.status}: {error.message}")
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            return ConnectFailed(ConnectFailure.CERTIFICATE, detail)
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return ConnectFailed(_tls_failure(detail), detail)
        case TimeoutError():
            return ConnectFailed(ConnectFailure.TIMED_OUT, detail)
        case _:
            return ConnectFailed(ConnectFailure.UNREACHABLE, detail)


def _tls_failure(detail: str) -> ConnectFailure:
    """OpenSSL names its reasons in the text only."""
    plain = detail.lower().replace("_", " ")
    if "certificate" in plain or "unknown ca" in plain:
        return ConnectFailure.CERTIFICATE
    if "unsupported protocol" in plain or "protocol version" in plain:
        return ConnectFailure.TLS_VERSION
    if "handshake failure" in plain or "cipher" in plain or "insufficient security" in plain:
        return ConnectFailure.TLS_CIPHERS
    return ConnectFailure.UNREACHABLE
