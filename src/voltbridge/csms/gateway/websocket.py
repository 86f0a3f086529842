"""One upgraded connection: frames in and out, closing, and the bounds on what it may hold.

aiohttp's compiled reader takes the frames apart; ``_FrameReader`` puts messages together from them and hands each on
with a plain call, so that no task or future stands between the socket and the message. It hooks into the reader's
``_handle_frame``, which both of aiohttp's implementations of the reader call for every frame.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Final, Protocol

from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.http import WebSocketError, WebSocketReader
from aiohttp.web_protocol import RequestHandler

from voltbridge.csms.gateway.deflate import Deflate, InflateError, Inflater, MessageTooBig, compress
from voltbridge.csms.gateway.limits import Limits
from voltbridge.domain.clock import Cancel, Clock

__all__ = ["CloseCode", "Outbox", "Receiver", "WebSocket"]


class CloseCode:
    """The close codes we send (RFC 6455 7.4.1, and 1012 of IANA's registry)."""

    NORMAL: Final = 1000
    GOING_AWAY: Final = 1001
    PROTOCOL_ERROR: Final = 1002
    UNSUPPORTED_DATA: Final = 1003
    INVALID_TEXT: Final = 1007
    POLICY_VIOLATION: Final = 1008
    MESSAGE_TOO_BIG: Final = 1009
    INTERNAL_ERROR: Final = 1011
    SERVICE_RESTART: Final = 1012


_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_FINAL: Final = 0x80
_COMPRESSED: Final = 0x40

_FRAGMENT_OVERHEAD: Final = 64
_RESERVED_CODES: Final = frozenset({1004, 1005, 1006, 1015})
"""Close codes that never lie on the wire."""

_SHORT: Final = struct.Struct("!BB").pack
_MEDIUM: Final = struct.Struct("!BBH").pack
_LONG: Final = struct.Struct("!BBQ").pack


class Receiver(Protocol):
    """Whoever takes a connection's messages."""

    def received(self, data: bytes, text: str, binary: bool) -> None:
        """A message, as bytes and as text; ``binary`` when it came in a binary frame although it is UTF-8."""

    def ended(self, reason: str) -> None:
        """The connection is over; called once. Nothing is received or sent after it."""


class Outbox:
    """The connections that have something to send, so that what one turn of the event loop brings leaves together.

    Many small answers sent one after the other wake whoever waits for them once; sent between one computation and the
    next they wake it each time, and on the same machine waking costs more than sending.
    """

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[WebSocket] = []

    def add(self, websocket: WebSocket) -> None:
        """Have a connection flushed in the next turn."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(websocket)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for websocket in waiting:
            websocket.flush()


class WebSocket:
    """The server's end of a connection."""

    __slots__ = (
        "_cancel_closing",
        "_clock",
        "_closing",
        "_deflate",
        "_ended",
        "_limits",
        "_outbox",
        "_pinged_at",
        "_protocol",
        "_reason",
        "_receiver",
        "_transport",
        "_unsent",
        "heard_at",
    )

    def __init__(
        self,
        protocol: RequestHandler,
        receiver: Receiver,
        clock: Clock,
        limits: Limits,
        outbox: Outbox,
        deflate: Deflate | None,
    ) -> None:
        """Take over a connection whose 101 has just been written. Messages that came with it are received at once."""
        assert protocol.transport is not None
        self._protocol = protocol
        self._transport = protocol.transport
        self._receiver = receiver
        self._clock = clock
        self._limits = limits
        self._outbox = outbox
        self._unsent: list[bytes] = []
        """Frames that leave with the outbox."""
        self._deflate = deflate
        self._closing = False
        self._ended = False
        self._reason: str | None = None
        """Why we closed, once we have."""
        self._cancel_closing: Cancel | None = None
        self._pinged_at: float | None = None
        self.heard_at = clock.monotonic()
        """The monotonic second at which the last bytes came."""

    def start(self) -> None:
        """Begin to read."""
        self._protocol.set_parser(_FrameReader(self, self._protocol, self._limits.message_bytes, self._deflate))
        self._protocol.keep_alive(False)

    @property
    def compressed(self) -> bool:
        """Whether permessage-deflate was negotiated."""
        return self._deflate is not None

    # Out

    def send(self, message: bytes) -> None:
        """Send a text message. Does nothing when the connection is closing; cuts it when too much waits unsent."""
        if self._closing:
            return
        if self._deflate is not None and len(message) >= self._limits.compress_from_bytes:
            data = compress(self._deflate, message)
            if data is not None:
                self._write(_FINAL | _COMPRESSED | _TEXT, data)
                return
        self._write(_FINAL | _TEXT, message)

    def _write(self, first_byte: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            header = _SHORT(first_byte, size)
        elif size < 65536:
            header = _MEDIUM(first_byte, 126, size)
        else:
            header = _LONG(first_byte, 127, size)
        if not self._unsent:
            self._outbox.add(self)
        self._unsent.append(header + payload)

    def flush(self) -> None:
        """Hand what is unsent to the socket."""
        unsent = self._unsent
        if not unsent:
            return
        if self._transport.is_closing():
            unsent.clear()
            return
        self._transport.write(unsent[0] if len(unsent) == 1 else b"".join(unsent))
        unsent.clear()
        if self._transport.get_write_buffer_size() > self._limits.unsent_bytes:
            self.cut("the station does not read what is sent to it")

    def check_alive(self, now: float) -> None:
        """Ping a station that has been silent, cut one that stays so; to be called every few seconds."""
        interval = self._limits.ping_interval_s
        if self._closing or not interval or now - self.heard_at < interval:
            return
        if self._pinged_at is None or self._pinged_at <= self.heard_at:
            self._pinged_at = now
            self._write(_FINAL | _PING, b"")
        elif now - self._pinged_at >= self._limits.ping_timeout_s:
            self.cut("the station does not answer pings")

    # Flow

    def pause(self) -> None:
        """Read no more from the socket, so that the station is held back by TCP."""
        self._protocol.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if not self._ended:
            self._protocol.resume_reading()

    # Closing

    def close(self, code: int, reason: str) -> None:
        """Say goodbye, and end the connection when the station has answered or the time for it is over."""
        if self._closing:
            return
        # A paused socket would never deliver the answer.
        self._protocol.resume_reading()
        self._write(_FINAL | _CLOSE, code.to_bytes(2) + reason.encode()[:123])
        self.flush()
        self._closing = True
        self._reason = reason
        self._cancel_closing = self._clock.call_later(self._limits.closing_s, lambda: self.cut(reason))

    def cut(self, reason: str) -> None:
        """End the connection now; what is unsent is lost."""
        self._closing = True
        self._unsent.clear()
        self._transport.abort()
        self._end(reason)

    def _hang_up(self) -> None:
        """Close the socket once what is unsent has left, but do not wait for a station that does not read it."""
        self.flush()
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._clock.call_later(self._limits.closing_s, self._transport.abort)

    def _end(self, reason: str) -> None:
        if self._ended:
            return
        self._closing = self._ended = True
        if self._cancel_closing is not None:
            self._cancel_closing()
        self._receiver.ended(self._reason or reason)

    # What the reader found

    def on_message(self, data: bytes, binary: bool) -> None:
        if self._closing:
            return
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            raise WebSocketError(CloseCode.INVALID_TEXT, "the message is not UTF-8") from None
        self._receiver.received(data, text, binary)

    def on_ping(self, payload: bytes) -> None:
        if not self._closing:
            self._write(_FINAL | _PONG, payload)

    def on_close(self, payload: bytes) -> None:
        """The station closes, or answers our close: repeat its code and end (RFC 6455 5.5.1, 7.4)."""
        code = int.from_bytes(payload[:2])
        if len(payload) == 1 or (payload and not (1000 <= code < 5000 and code not in _RESERVED_CODES)):
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "a malformed close")
        if not self._closing:
            self._write(_FINAL | _CLOSE, payload[:2])
        self._hang_up()
        self._end(f"the station closed the connection ({code})" if code else "the station closed the connection")

    def on_error(self, code: int, reason: str) -> None:
        """The station broke the rules of WebSocket: tell it and read no more."""
        if not self._closing:
            self._write(_FINAL | _CLOSE, code.to_bytes(2) + reason.encode()[:123])
        self._hang_up()
        self._end(reason)

    def on_lost(self) -> None:
        self._end("the connection was lost")


class _FrameReader(WebSocketReader):
    """Puts messages together from aiohttp's frames and gives them to the WebSocket."""

    def __init__(
        self, websocket: WebSocket, protocol: RequestHandler, message_bytes: int, deflate: Deflate | None
    ) -> None:
        # The queue is never filled: frames go to the WebSocket at once, and the WebSocket does the pausing.
        queue = WebSocketDataQueue(protocol, message_bytes, loop=asyncio.get_running_loop())
        super().__init__(queue, message_bytes, deflate is not None, False)
        self._websocket = websocket
        self._message_bytes = message_bytes
        self._inflater = Inflater(deflate) if deflate is not None else None
        self._parts: list[bytes | bytearray] = []
        self._parts_bytes = 0
        self._parts_opcode = 0

    def feed_data(self, data: bytes | bytearray | memoryview) -> tuple[bool, bytes]:
        websocket = self._websocket
        websocket.heard_at = websocket._clock.monotonic()
        try:
            self._feed_data(data if type(data) is bytes else bytes(data))
        except WebSocketError as error:
            websocket.on_error(error.code, str(error))
            return True, b""
        return websocket._ended, b""

    def feed_eof(self) -> None:
        self._websocket.on_lost()

    def _handle_frame(self, fin: bool, opcode: int, payload: bytes | bytearray, compressed: int) -> None:
        if opcode == _TEXT and fin and not self._parts_opcode:
            if compressed:
                self._message(payload, compressed, False)
            else:
                self._websocket.on_message(bytes(payload), False)
        elif opcode == _PING:
            self._websocket.on_ping(bytes(payload))
        elif opcode == _CLOSE:
            self._websocket.on_close(bytes(payload))
        elif opcode != _PONG:
            self._fragment(fin, opcode, payload, compressed)

    def _fragment(self, fin: bool, opcode: int, payload: bytes | bytearray, compressed: int) -> None:
        if (opcode == _CONTINUATION) is not bool(self._parts_opcode):
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "a fragment out of order")
        if opcode != _CONTINUATION:
            self._parts_opcode = opcode
        self._parts.append(payload)
        # An empty fragment takes memory too.
        self._parts_bytes += len(payload) + _FRAGMENT_OVERHEAD
        if self._parts_bytes > self._message_bytes:
            raise WebSocketError(CloseCode.MESSAGE_TOO_BIG, "the message is too big")
        if fin:
            binary = self._parts_opcode == _BINARY
            message = b"".join(self._parts)
            self._parts.clear()
            self._parts_bytes = self._parts_opcode = 0
            self._message(message, compressed, binary)

    def _message(self, payload: bytes | bytearray, compressed: int, binary: bool) -> None:
        if compressed and self._inflater is not None:
            try:
                data = self._inflater.inflate(payload, self._message_bytes)
            except MessageTooBig:
                raise WebSocketError(CloseCode.MESSAGE_TOO_BIG, "the message is too big") from None
            except InflateError:
                raise WebSocketError(CloseCode.INVALID_TEXT, "the message cannot be inflated") from None
        else:
            data = bytes(payload)
        self._websocket.on_message(data, binary)
