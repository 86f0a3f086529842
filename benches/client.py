"""A charging station's end of a connection, as cheap as Python allows: frames are made and read by hand.

It has to be several times faster than the server, or the benchmark would measure the client. It trusts the server's
framing, and checks every answer it is given.
"""

from __future__ import annotations

import asyncio
import base64
import os
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import cast

from benches.messages import SUBPROTOCOL

__all__ = ["Client", "ConnectionRefused", "deflated", "frame"]

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_FINAL, _COMPRESSED, _MASKED = 0x80, 0x40, 0x80
_MASK = b"\x5a\x17\xc3\x99"
_WINDOW_BITS = 12
_TAIL = b"\x00\x00\xff\xff"
_OFFER = "permessage-deflate; client_max_window_bits"
_OFFER_OF_THE_LARGEST_WINDOW = "permessage-deflate"


class ConnectionRefused(Exception):
    """The server did not upgrade the connection; the text is the first line of its answer."""


@lru_cache
def _mask(size: int) -> int:
    return int.from_bytes((_MASK * (size // 4 + 1))[:size])


def frame(payload: bytes, first_byte: int = _FINAL | _TEXT) -> bytes:
    """A masked frame with this payload, up to 64 KiB."""
    size = len(payload)
    length = bytes((_MASKED | size,)) if size < 126 else bytes((_MASKED | 126, size >> 8, size & 255))
    masked = (int.from_bytes(payload) ^ _mask(size)).to_bytes(size)
    return bytes((first_byte,)) + length + _MASK + masked


def deflated(message: bytes) -> bytes:
    """A masked frame with the message compressed on its own, which is legal whatever was negotiated."""
    compressor = zlib.compressobj(wbits=-_WINDOW_BITS, memLevel=5)
    data = compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return frame(data.removesuffix(_TAIL), _FINAL | _COMPRESSED | _TEXT)


class Client(asyncio.Protocol):
    """One connection. ``on_message`` is called with each text message once the connection is open."""

    def __init__(
        self, identity: str, *, password: str | None = None, deflate: bool = False, largest_window: bool = False
    ) -> None:
        self.identity = identity
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_message: Callable[[bytes], None] = self._unexpected
        self.transport: asyncio.Transport | None = None
        self._password = password
        self._deflate = deflate
        self._offer = _OFFER_OF_THE_LARGEST_WINDOW if largest_window else _OFFER
        self._inflater = zlib.decompressobj(-15) if deflate else None
        self._buffer = b""
        self._open = False

    # Use

    @classmethod
    async def connect(
        cls,
        host: str,
        port: int,
        identity: str,
        *,
        password: str | None = None,
        deflate: bool = False,
        largest_window: bool = False,
    ) -> Client:
        """An open connection. ``largest_window`` does not allow the server to limit ours.

        Raises ConnectionRefused and OSError.
        """
        _, client = await asyncio.get_running_loop().create_connection(
            lambda: cls(identity, password=password, deflate=deflate, largest_window=largest_window), host, port
        )
        await client.opened
        return client

    def send(self, message: bytes) -> None:
        """Send a text message, compressed if that was negotiated."""
        assert self.transport is not None
        self.transport.write(deflated(message) if self._deflate else frame(message))

    async def ask(self, message: bytes) -> bytes:
        """Send a CALL and return the frame that answers it."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.on_message = answer.set_result
        self.send(message)
        await asyncio.wait((answer, self.lost), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ConnectionError(f"{self.identity} lost its connection")
        self.on_message = self._unexpected
        return answer.result()

    def close(self) -> None:
        """Close the connection, politely but without waiting."""
        if self.transport is not None:
            self.transport.write(frame((1000).to_bytes(2), _FINAL | _CLOSE))
            self.transport.close()

    def _unexpected(self, message: bytes) -> None:
        raise AssertionError(f"{self.identity} received what it did not ask for: {message[:200]!r}")

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport = cast(asyncio.Transport, transport)
        lines = [
            f"GET /ocpp/{self.identity} HTTP/1.1",
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
        ]
        if self._password is not None:
            credentials = base64.b64encode(f"{self.identity}:{self._password}".encode()).decode()
            lines.append(f"Authorization: Basic {credentials}")
        if self._deflate:
            lines.append(f"Sec-WebSocket-Extensions: {self._offer}")
        transport.write("\r\n".join((*lines, "", "")).encode())

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        if not self._open:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._buffer = head
                return
            if not self._upgraded(head):
                return
        while data:
            size, start = data[1], 2
            if size == 126:
                size, start = int.from_bytes(data[2:4]), 4
            end = start + size
            if len(data) < 2 or len(data) < end:
                self._buffer = data
                return
            self._frame(data[0], data[start:end])
            data = data[end:]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionRefused("the connection was closed"))
        if not self.lost.done():
            self.lost.set_result(None)

    def _upgraded(self, head: bytes) -> bool:
        if not head.startswith(b"HTTP/1.1 101"):
            if not self.opened.done():
                self.opened.set_exception(ConnectionRefused(head.partition(b"\r\n")[0].decode("latin-1")))
            return False
        if self._deflate and b"permessage-deflate" not in head:
            self.opened.set_exception(ConnectionRefused("no compression was agreed"))
            return False
        self._open = True
        self.opened.set_result(None)
        return True

    def _frame(self, first_byte: int, payload: bytes) -> None:
        opcode = first_byte & 0xF
        if opcode == _TEXT:
            if first_byte & _COMPRESSED:
                assert self._inflater is not None
                payload = self._inflater.decompress(payload + _TAIL)
            self.on_message(payload)
        elif opcode == _PING and self.transport is not None:
            self.transport.write(frame(payload, _FINAL | _PONG))
        elif opcode == _CLOSE:
            self.close()
