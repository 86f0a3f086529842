"""One connection to a CSMS: a WebSocket client around the RPC state machine, in the role of the station.

All links of a process share one ``Network``, and none has a compressor (OCPP asks a CSMS to offer compression; a
station need not take it). A link has one task, which reads, and two timers at most: for the unanswered CALL and for the
next ping.

A CALL that times out while nothing at all was heard from the CSMS is followed by a ping, whatever the interval is; a
connection on which no pong comes is given up, since TCP alone would notice after hours.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Final, Protocol, Self

import aiohttp
import structlog
from aiohttp import WSMsgType

from voltbridge.domain.clock import Cancel
from voltbridge.protocol.errors import OcppError
from voltbridge.protocol.policy import Policy
from voltbridge.protocol.rpc import (
    CallAnswered,
    CallFailed,
    CallTimedOut,
    Event,
    Failure,
    Ignored,
    IncomingCall,
    IncomingSend,
    Reply,
    ResultRefused,
    Role,
    Rpc,
)
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import NoAnswer, Refused, TimedOut, Unreachable
from voltbridge.station.endpoints import Endpoint
from voltbridge.station.faults import LineFaults, Wire
from voltbridge.station.manner import Manner
from voltbridge.station.network import CLOSE_TIMEOUT_S, Network, WebSocket, root_of_peer
from voltbridge.station.scrutiny import Scrutiny, Suspicion

__all__ = ["Link", "Receiver"]

_log = structlog.get_logger(__name__)

_MOST_UNSENT: Final = 100
_REQUEST: Final = re.compile(rb"\s*\[\s*2\b")


class Receiver(Protocol):
    """Whoever takes what the CSMS sends on a link."""

    def asked(self, link: Link, call: IncomingCall) -> None:
        """A request, to be answered once by ``Link.answer`` or ``Link.refuse``."""

    def sent(self, link: Link, send: IncomingSend) -> None:
        """A message that is not answered (2.1)."""

    def suspected(self, link: Link, suspicion: Suspicion) -> None:
        """Something about a frame concerns security. Told before anything else comes of the frame."""

    def ended(self, link: Link, reason: str) -> None:
        """The link is over; called once, and nothing after it."""


class Link:
    """An open connection. Made by ``open``; over when its receiver is told so."""

    __slots__ = (
        "_awaiting_pong",
        "_cancel_ping",
        "_cancel_timeout",
        "_clock",
        "_close",
        "_ending",
        "_faults",
        "_flushing",
        "_heard_at",
        "_identity",
        "_message_timeout_s",
        "_mouth",
        "_network",
        "_over",
        "_ping_interval_s",
        "_pinged_at",
        "_reading",
        "_receiver",
        "_rpc",
        "_scrutiny",
        "_unsent",
        "_websocket",
        "_wire_in",
        "_wire_out",
        "version",
    )

    def __init__(
        self,
        websocket: WebSocket,
        version: Version,
        endpoint: Endpoint,
        network: Network,
        receiver: Receiver,
        faults: LineFaults | None,
        manner: Manner | None,
    ) -> None:
        self.version = version
        self._identity = endpoint.identity
        self._websocket = websocket
        self._network = network
        self._clock = network.clock
        self._receiver = receiver
        self._rpc = Rpc(version, Role.STATION, Policy.TOLERANT, call_timeout=max(1.0, endpoint.message_timeout_s))
        self._scrutiny = Scrutiny()
        self._message_timeout_s = max(1.0, endpoint.message_timeout_s)
        self._ping_interval_s = endpoint.ping_interval_s
        self._heard_at = self._clock.monotonic()
        self._pinged_at: float | None = None
        self._awaiting_pong = contextlib.ExitStack()
        self._cancel_ping: Cancel | None = None
        self._cancel_timeout: Cancel | None = None
        self._unsent: list[bytes] = []
        self._flushing: asyncio.Task[None] | None = None
        self._over = False
        self._close: str | None = None
        """Why we end the link, once we do."""
        self._ending: asyncio.Task[None] | None = None
        self._wire_in: Wire | None = None
        self._wire_out: Wire | None = None
        self.spoil(faults)
        self._mouth = None if manner is None else manner.open(version, self._leave, self._receive)
        self._reading = asyncio.get_running_loop().create_task(self._read())
        # A task that is cancelled before its first step runs no ``finally``.
        self._reading.add_done_callback(lambda _: self._finish("cut"))
        self._ping_later(self._ping_interval_s)

    @classmethod
    async def open(
        cls,
        endpoint: Endpoint,
        network: Network,
        receiver: Receiver,
        faults: LineFaults | None = None,
        manner: Manner | None = None,
    ) -> Self:
        """Connect. Raises ConnectFailed."""
        websocket, version = await network.connect(endpoint)
        return cls(websocket, version, endpoint, network, receiver, faults, manner)

    def spoil(self, faults: LineFaults | None) -> None:
        """From now on this goes wrong on the line. What is on its way arrives as it would have."""
        self._faults = faults
        self._wire_in = self._wire_out = None
        if faults is not None:
            random = self._network.random
            self._wire_in = Wire(faults, self._clock, random, self._arrive, self.cut)
            self._wire_out = Wire(faults, self._clock, random, self._write, self.cut)

    @property
    def root(self) -> bytes | None:
        """The root certificate in DER by which the CSMS was judged; None without TLS."""
        return root_of_peer(self._websocket)

    @property
    def is_open(self) -> bool:
        return not self._over and self._close is None

    async def call(self, action: str, request: Payload, timeout_s: float | None = None) -> Payload:
        """Ask the CSMS and return its response.

        Raises Unreachable when the link ends first, TimedOut, Refused (also for a response that breaks the schema), and
        LookupError or TypeError for a request that a station does not make.
        """
        if not self.is_open:
            raise Unreachable("the connection is over")
        over: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._rpc.start_call(action, request, self._clock.monotonic(), timeout_s or self._message_timeout_s, over)
        self._flush()
        with self._network.waiting():
            return await over

    def send(self, action: str, request: Payload) -> None:
        """Send a message that is not answered (2.1). Raises Unreachable, and LookupError in a version without SEND."""
        if not self.is_open:
            raise Unreachable("the connection is over")
        self._rpc.send(action, request)
        self._flush()

    def answer(self, call: IncomingCall, response: Payload) -> None:
        """Answer a request of the CSMS. An answer nobody waits for any more is dropped."""
        with contextlib.suppress(LookupError):
            self._transmit(self._rpc.result(call.unique_id, response))

    def refuse(self, call: IncomingCall, error: OcppError) -> None:
        """Answer a request of the CSMS with a CALLERROR."""
        with contextlib.suppress(LookupError):
            self._transmit(self._rpc.error(call.unique_id, error))

    def set_ping_interval(self, seconds: float) -> None:
        """Ping every so many seconds from now on; 0: never (WebSocketPingInterval)."""
        self._ping_interval_s = seconds
        self._ping_later(seconds)

    def close(self, code: int = aiohttp.WSCloseCode.OK, reason: str = "") -> None:
        """End the link in order, after what was written; the receiver is told when it is over."""
        if self.is_open:
            self._close = reason or "closed by the station"
            self._stop_timers()
            self._ending = self._network.spawn(self._end_in_order(code, reason))

    def cut(self) -> None:
        """End the link without a word, as a pulled cable does."""
        self._abort()
        if self._ending is not None:
            self._ending.cancel()
        self._reading.cancel()

    async def closed(self) -> None:
        """Return when the link is over."""
        await asyncio.wait((self._reading,))

    # Reading

    async def _read(self) -> None:
        reason = "the connection was lost"
        try:
            while True:
                message = await self._websocket.receive()
                self._heard_at = self._clock.monotonic()
                self._pinged_at = None
                self._awaiting_pong.close()
                match message.type:
                    case WSMsgType.TEXT | WSMsgType.BINARY:
                        self._enter(message.data)
                    case WSMsgType.PING if self._mouth is None or self._mouth.answers_pings:
                        await self._websocket.pong(message.data)
                    case WSMsgType.PING | WSMsgType.PONG:
                        pass
                    case WSMsgType.ERROR:
                        self._receiver.suspected(self, self._scrutiny.broken(message.data))
                        self._close = f"the CSMS broke the WebSocket protocol: {message.data}"
                        break
                    case _:
                        break
                if self._faults is not None and self._faults.slow_reader_s:
                    await self._clock.sleep(self._faults.slow_reader_s)
                while len(self._unsent) > _MOST_UNSENT and self._flushing is not None:
                    await asyncio.wait((self._flushing,))  # whoever reads no answers need not ask on
            if self._ending is not None:
                await asyncio.wait((self._ending,))
            elif self._websocket.close_code not in (None, aiohttp.WSCloseCode.ABNORMAL_CLOSURE):
                reason = f"closed by the CSMS ({self._websocket.close_code})"
        except (OSError, aiohttp.ClientError):
            pass
        except asyncio.CancelledError:
            reason = "cut"
        finally:
            self._finish(self._close or reason)

    def _enter(self, data: bytes) -> None:
        if self._wire_in is None:
            self._arrive(data)
        else:
            self._wire_in.pass_on(data)

    def _arrive(self, data: bytes) -> None:
        self._seen(False, data)
        if self._mouth is None:
            self._receive(data)
        else:
            self._mouth.hears(data)

    def _receive(self, data: bytes) -> None:
        # A request that breaks the schema is refused, since its sender can mend it. An answer is taken wherever its
        # meaning is beyond doubt: refusing it would leave the station without one.
        self._rpc.policy = Policy.STRICT if _REQUEST.match(data) else Policy.TOLERANT
        for event in self._rpc.receive(data, self._clock.monotonic()):
            suspicion = self._scrutiny.of(event)
            if suspicion is not None:
                self._receiver.suspected(self, suspicion)
            self._take(event)
        self._flush()

    def _take(self, event: Event) -> None:
        match event:
            case IncomingCall():
                self._receiver.asked(self, event)
            case IncomingSend():
                self._receiver.sent(self, event)
            case Reply():
                self._transmit(event.data)
            case CallAnswered():
                _succeed(event.call.context, event.response)
            case CallFailed():
                lost = event.reason is Failure.DISCONNECTED
                _fail(
                    event.call.context,
                    Unreachable("the connection ended before the answer came")
                    if lost
                    else Refused(str(event.error.code), event.error.description),
                )
            case CallTimedOut():
                _fail(event.call.context, TimedOut(f"no answer to {event.call.action.name}"))
            case Ignored() | ResultRefused():
                _log.debug("nothing came of a frame of the CSMS", what=repr(event)[:300])

    def _seen(self, sent: bool, data: bytes) -> None:
        if self._network.watch is not None:
            self._network.watch(self._identity, sent, bytes(data).decode("utf-8", "replace"))

    # Writing

    def _flush(self) -> None:
        for data in self._rpc.to_send():
            self._transmit(data)
        self._watch_timeout()

    def _transmit(self, data: bytes) -> None:
        if self._mouth is None:
            self._leave(data)
        else:
            self._mouth.sends(data)

    def _leave(self, data: bytes) -> None:
        if self._wire_out is None:
            self._write(data)
        else:
            self._wire_out.pass_on(data)

    def _write(self, data: bytes) -> None:
        self._seen(True, data)
        self._unsent.append(data)
        if self._flushing is None and not self._over:
            self._flushing = self._network.spawn(self._write_out())

    async def _write_out(self) -> None:
        try:
            while self._unsent:
                data = self._unsent.pop(0)
                await self._websocket.send_frame(data, WSMsgType.TEXT)
        except (OSError, aiohttp.ClientError):
            self._unsent.clear()  # the reader learns of it too
        finally:
            self._flushing = None

    async def _end_in_order(self, code: int, reason: str) -> None:
        with contextlib.suppress(OSError, aiohttp.ClientError):
            if self._flushing is not None:
                await asyncio.wait((self._flushing,), timeout=CLOSE_TIMEOUT_S)
            await self._websocket.close(code=code, message=reason.encode()[:120])

    def _abort(self) -> None:
        response = self._websocket._response
        if response.connection is not None and response.connection.transport is not None:
            response.connection.transport.abort()
        response.close()

    # Time

    def _watch_timeout(self) -> None:
        if self._cancel_timeout is not None:
            self._cancel_timeout()
            self._cancel_timeout = None
        deadline = self._rpc.next_deadline()
        if deadline is not None and not self._over:
            self._cancel_timeout = self._clock.call_later(deadline - self._clock.monotonic(), self._expire)

    def _expire(self) -> None:
        self._cancel_timeout = None
        now = self._clock.monotonic()
        for event in self._rpc.expire(now):
            self._take(event)
            if self.is_open and self._pinged_at is None and now - self._heard_at >= event.call.timeout:
                self._ping()
        self._flush()

    def _ping_later(self, seconds: float) -> None:
        if self._cancel_ping is not None:
            self._cancel_ping()
            self._cancel_ping = None
        if seconds > 0 and not self._over:
            self._cancel_ping = self._clock.call_later(seconds, self._ping_due)

    def _ping_due(self) -> None:
        if self._pinged_at is not None:
            self._close = "the CSMS answered no ping"
            self.cut()
        elif self._ping_interval_s > 0:
            self._ping()

    def _ping(self) -> None:
        self._pinged_at = self._clock.monotonic()
        self._awaiting_pong.enter_context(self._network.waiting())
        if self._mouth is None or not self._mouth.ping():
            self._network.spawn(self._send_ping())
        self._ping_later(self._ping_interval_s or self._message_timeout_s)

    async def _send_ping(self) -> None:
        with contextlib.suppress(OSError, aiohttp.ClientError):
            await self._websocket.ping()

    def _stop_timers(self) -> None:
        for cancel in (self._cancel_ping, self._cancel_timeout):
            if cancel is not None:
                cancel()
        self._cancel_ping = self._cancel_timeout = None

    def _finish(self, reason: str) -> None:
        if self._over:
            return
        self._over = True
        self._awaiting_pong.close()
        self._stop_timers()
        for part in (self._wire_in, self._wire_out, self._mouth):
            if part is not None:
                part.close()
        for event in self._rpc.close():
            self._take(event)
        if self._flushing is not None:
            self._flushing.cancel()
        self._abort()
        self._receiver.ended(self, reason)


def _succeed(over: object, response: Payload) -> None:
    assert isinstance(over, asyncio.Future)
    if not over.done():
        over.set_result(response)


def _fail(over: object, error: NoAnswer) -> None:
    assert isinstance(over, asyncio.Future)
    if not over.done():
        over.set_exception(error)
