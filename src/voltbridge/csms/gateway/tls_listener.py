"""Listens for TLS: takes TCP connections, and hands on those whose handshake succeeded.

The handshake is done here and not by the event loop's server, so that each uses the context of its moment, that those
which have not said hello yet are bounded like any other connection, and that it is known why one failed (A00.FR.315,
A00.FR.322: the CSMS terminates the connection; the security whitepaper of 1.6, A00.FR.323, wants that logged).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

import structlog

__all__ = ["Door", "TlsListener"]

_log = structlog.stdlib.get_logger(__name__)

_BACKLOG: Final = 4096
_AT_ONCE: Final = 64
"""Connections taken in one turn of the event loop."""
_NO_MORE_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_WAIT_S: Final = 1.0
_DATA_BEFORE_TLS: Final = ("HTTP_REQUEST", "HTTPS_PROXY_REQUEST")
_WRONG_VERSION: Final = ("UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW", "WRONG_SSL_VERSION", "WRONG_VERSION_NUMBER")
_WRONG_CIPHER: Final = ("NO_SHARED_CIPHER", "NO_SUITABLE_SIGNATURE_ALGORITHM", "NO_SHARED_GROUP")


class Door(Protocol):
    """What stands behind the listener."""

    def room(self, address: str, waiting: int, waiting_from_there: int) -> bool:
        """Whether one more may come in from there, while so many are in their handshakes."""

    def entered(self, version: str) -> None:
        """A handshake has succeeded, by this version of TLS."""

    def failed(self, reason: str, detail: str, address: str) -> None:
        """A handshake has failed. ``reason`` is one of few words."""


class TlsListener:
    """The sockets for TLS, and the handshakes under way."""

    def __init__(
        self,
        protocol: Callable[[], asyncio.Protocol],
        context: Callable[[], ssl.SSLContext],
        door: Door,
        *,
        handshake_s: float,
        closing_s: float,
    ) -> None:
        """``context`` is asked for each handshake; ``closing_s`` is how long a peer may take to answer a goodbye."""
        self._protocol = protocol
        self._context = context
        self._door = door
        self._handshake_s = handshake_s
        self._closing_s = closing_s
        self._sockets: list[socket.socket] = []
        self._handshakes: set[asyncio.Task[None]] = set()
        self._waiting: Counter[str] = Counter()
        """Handshakes by the peer's address."""

    @property
    def port(self) -> int:
        """Where it listens, also when it was opened with 0."""
        port: int = self._sockets[0].getsockname()[1]
        return port

    async def open(self, host: str, port: int) -> None:
        """Listen. Raises OSError when the address cannot be used."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        try:
            for family, kind, protocol, _, address in dict.fromkeys(found):
                self._sockets.append(_bound(family, kind, protocol, address))
        except OSError:
            for each in self._sockets:
                each.close()
            raise
        for each in self._sockets:
            loop.add_reader(each, self._take, each)

    def close(self) -> None:
        """Listen no more, and end handshakes under way; what has come in stays."""
        loop = asyncio.get_running_loop()
        for each in self._sockets:
            loop.remove_reader(each)
            each.close()
        self._sockets.clear()
        for task in self._handshakes:
            task.cancel()

    def _take(self, listening: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, peer = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _NO_MORE_FILES:
                    raise
                _log.error("connections cannot be taken: raise the limit of open files", error=error.strerror)
                self._rest(listening)
                return
            address = str(peer[0])
            if not self._door.room(address, len(self._handshakes), self._waiting[address]):
                connection.close()
                continue
            self._waiting[address] += 1
            task = asyncio.ensure_future(self._shake_hands(connection, address))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    def _rest(self, listening: socket.socket) -> None:
        """Leave connections in the kernel's queue for a moment."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)

        def go_on() -> None:
            if listening in self._sockets:
                loop.add_reader(listening, self._take, listening)

        loop.call_later(_WAIT_S, go_on)

    async def _shake_hands(self, connection: socket.socket, address: str) -> None:
        try:
            connection.setblocking(False)
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol,
                connection,
                ssl=self._context(),
                ssl_handshake_timeout=self._handshake_s,
                ssl_shutdown_timeout=self._closing_s,
            )
        except (OSError, RuntimeError) as error:  # uvloop has a RuntimeError for a socket that is gone already
            self._door.failed(*_judged(error), address)
        else:
            found = transport.get_extra_info("ssl_object")
            self._door.entered(str(found.version()) if found is not None else "")
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]


def _bound(family: int, kind: int, protocol: int, address: tuple[object, ...]) -> socket.socket:
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.setblocking(False)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def _judged(error: Exception) -> tuple[str, str]:
    """Why a handshake failed: in a word, and in OpenSSL's words."""
    if isinstance(error, ssl.SSLError):
        reason = error.reason or ""
        detail = reason.lower().replace("_", " ")
        if reason in _DATA_BEFORE_TLS:
            return "no TLS", detail
        if reason in _WRONG_VERSION:
            return "version", detail
        if reason in _WRONG_CIPHER:
            return "cipher", detail
        if "ALERT" in reason and ("CERTIFICATE" in reason or reason.endswith("UNKNOWN_CA")):
            return "certificate refused", detail
        return "other", detail
    if isinstance(error, ConnectionAbortedError):
        return "time", "it took too long"
    return "gone", type(error).__name__
