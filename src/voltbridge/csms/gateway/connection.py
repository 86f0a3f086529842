"""A connected station: its messages in order, one worker, and the calls to it.

What the socket brings is read at once (``received``): answers to our calls find the caller waiting for them, requests
go into the inbox. One worker (``run``) takes the requests in order and sends each reply before it looks at the next, so
a handler may call its own station and wait, while everything of the station still happens one after the other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from voltbridge.csms.gateway.counters import Counters
from voltbridge.csms.gateway.deviations import DeviationTally
from voltbridge.csms.gateway.limits import Limits
from voltbridge.csms.gateway.ports import StationDesk
from voltbridge.csms.gateway.websocket import CloseCode, WebSocket
from voltbridge.csms.journal import Journal
from voltbridge.csms.redaction import hide_values, redact, redact_detail, without_secrets
from voltbridge.domain.clock import Cancel, Clock
from voltbridge.domain.messages import MessageDirection, MessageRecord
from voltbridge.domain.station_calls import (
    CallFailed,
    CallRefused,
    CallTimedOut,
    StationCall,
    StationNotConnected,
    TooManyCalls,
)
from voltbridge.domain.stations import LiveStation, Strictness
from voltbridge.protocol import frames, rpc_events
from voltbridge.protocol.errors import ErrorCode, OcppError, ViolationKind
from voltbridge.protocol.frames import MessageType
from voltbridge.protocol.policy import Deviation, Policy
from voltbridge.protocol.rpc import Role, Rpc
from voltbridge.protocol.rpc_calls import OutgoingCall
from voltbridge.protocol.rpc_events import (
    CallAnswered,
    Failure,
    Ignored,
    IncomingCall,
    IncomingSend,
    Reply,
)
from voltbridge.protocol.versions import Version

__all__ = ["Shared", "StationConnection"]

_log = structlog.stdlib.get_logger(__name__)

_MAX_LOGGED_GARBAGE: Final = 4096
"""Characters kept in the message log of a frame that could not be used."""

_RECEIVED: Final = MessageDirection.RECEIVED
_SENT: Final = MessageDirection.SENT


@dataclass(frozen=True, slots=True)
class Shared:
    """What all connections of a gateway work with."""

    desk: StationDesk
    journal: Journal
    clock: Clock
    limits: Limits
    strictness: Strictness
    """For stations whose settings name none."""
    deviations: DeviationTally
    counters: Counters


class StationConnection:
    """One connection of one station, from its admission until everything it brought has been handled."""

    def __init__(self, shared: Shared, identity: str, version: Version) -> None:
        self.identity = identity
        self.version = version
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once nothing of this connection is left to do; the next one of the station waits for it."""
        self.lost = False
        """Whether a newer connection has taken the station over."""
        self._task = asyncio.current_task()
        self._shared = shared
        self._clock = shared.clock
        self._put = shared.journal.put
        self._now_ms = shared.clock.now_ms
        self._desk = shared.desk
        self._limits = shared.limits
        self._received_count = shared.counters.received[version]
        self._rpc = Rpc(
            version, Role.CSMS, call_timeout=self._limits.call_s, max_unanswered=self._limits.unanswered_calls
        )
        self._websocket: WebSocket | None = None
        self._live: LiveStation | None = None
        self._settings: object = None
        self._inbox: deque[tuple[IncomingCall | IncomingSend, int]] = deque()
        self._inbox_bytes = 0
        self._wakeup: asyncio.Future[None] | None = None
        self._working = False
        self._draining = False
        self._paused = False
        self._ended: str | None = None
        # A token bucket as one number: the moment at which it would be full again.
        self._bucket_full_at = 0.0
        self._token_s = 1.0 / self._limits.messages_per_s
        self._bucket_s = self._limits.message_burst * self._token_s
        self._cancel_rate: Cancel | None = None
        self._cancel_expiry: Cancel | None = None
        self._calls = 0
        self._followups: set[asyncio.Task[None]] = set()

    # From the socket

    def received(self, data: bytes, text: str, binary: bool) -> None:
        websocket, live = self._websocket, self._live
        assert websocket is not None
        assert live is not None
        now = websocket.heard_at
        full_at = self._bucket_full_at
        self._bucket_full_at = full_at = (full_at if full_at > now else now) + self._token_s
        if full_at - now > self._bucket_s and self._cancel_rate is None:
            self._pause()
            self._wait_for_tokens()

        if live.settings is not self._settings:
            self._apply_settings(live)
        if binary and not self._take_binary(live):
            return
        for event in self._rpc.receive(data, now):
            if type(event) is IncomingCall:
                if self._draining:
                    continue  # the station has no answer and repeats it on its next connection
                name = event.action.name
                self._received_count[name] += 1
                self._record(_RECEIVED, 2, event.unique_id, name, text)
                self._enqueue(event, len(data))
            else:
                self._received_other(event, text, live)
        if self._calls:
            self._send_calls()

    def ended(self, reason: str) -> None:
        """The socket is gone; what is in the inbox is still handled, its replies have nowhere to go."""
        if self._ended is not None:
            return
        self._ended = reason
        self._stop_calls(reason)
        self._wake()

    def _apply_settings(self, live: LiveStation) -> None:
        self._settings = live.settings
        strictness = live.settings.strictness or self._shared.strictness
        self._rpc.policy = Policy(strictness.value)

    def _take_binary(self, live: LiveStation) -> bool:
        """OCPP messages are text; a binary frame with one is forgiven unless the station is held to the letter."""
        deviation = Deviation(ViolationKind.FRAME, "$", "a binary frame instead of a text frame")
        self._shared.deviations.count(live.report, None, [deviation])
        if self._rpc.policy is Policy.STRICT:
            self._close(CloseCode.UNSUPPORTED_DATA, "OCPP messages are text frames")
            return False
        return True

    def _received_other(self, event: rpc_events.Event, text: str, live: LiveStation) -> None:
        """Everything but a CALL."""
        counters, version = self._shared.counters, self.version
        match event:
            case IncomingSend():
                if not self._draining:
                    self._received_count[event.action.name] += 1
                    self._record(_RECEIVED, MessageType.SEND, event.unique_id, event.action.name, text)
                    self._enqueue(event, len(text))
            case CallAnswered():
                self._record(_RECEIVED, MessageType.CALLRESULT, event.call.unique_id, event.call.action.name, text)
                self._count(live, event.call.action.name, event.deviations)
                _resolve(event.call, bytes(event.payload))
            case rpc_events.CallFailed():
                kind = MessageType.CALLRESULT if event.reason is Failure.INVALID_RESPONSE else MessageType.CALLERROR
                self._record(_RECEIVED, kind, event.call.unique_id, event.call.action.name, text)
                self._count(live, event.call.action.name, event.deviations)
                counters.call_failures[version][event.reason.value] += 1
                error, local = event.error, event.reason is Failure.INVALID_RESPONSE
                _resolve(event.call, CallRefused(error.code, error.description, error.details, local))
            case Reply():
                secret = self._record_refused(event, text)
                violation = event.violation
                if secret:
                    violation = replace(violation, detail=hide_values(violation.detail))
                self._count(live, event.action, [violation])
                if event.message_type in (0, MessageType.CALL):
                    counters.refused[version]["invalid"] += 1
                # Sent as the event was read: a refusal needs no handler and does not wait for one.
                kind = MessageType.CALLERROR
                if event.message_type == MessageType.CALLRESULT:
                    kind = MessageType.CALLRESULTERROR
                self._send(event.data, kind, event.unique_id, event.action, secret=secret)
            case rpc_events.ResultRefused():
                self._record(_RECEIVED, MessageType.CALLRESULTERROR, event.unique_id, event.action.name, text)
                _log.warning(
                    "a station could not use our answer",
                    station_id=self.identity,
                    action=event.action.name,
                    code=without_secrets(event.error.code[:200]),
                    description=without_secrets(event.error.description)[:200],
                )
            case Ignored():
                self._record_refused(event, text)
                counters.ignored[version][event.reason.value] += 1
                if event.violation is not None:
                    self._count(live, event.action, [event.violation])

    def _count(self, live: LiveStation, action: str | None, deviations: Sequence[Deviation]) -> None:
        if deviations:
            told = [replace(one, detail=redact_detail(action, one.detail)) for one in deviations]
            self._shared.deviations.count(live.report, action, told)

    # Flow

    def _enqueue(self, event: IncomingCall | IncomingSend, size: int) -> None:
        self._inbox.append((event, size))
        self._inbox_bytes += size
        if len(self._inbox) > 1 and (
            len(self._inbox) >= self._limits.inbox_messages or self._inbox_bytes >= self._limits.inbox_bytes
        ):
            self._pause()
        self._wake()

    def _wake(self) -> None:
        wakeup, self._wakeup = self._wakeup, None
        if wakeup is not None and not wakeup.done():
            wakeup.set_result(None)

    def _pause(self) -> None:
        if not self._paused and self._websocket is not None:
            self._paused = True
            self._shared.counters.throttled += 1
            self._websocket.pause()

    def _wait_for_tokens(self) -> None:
        """Read on when the rate allows it again."""
        debt = self._bucket_full_at - self._clock.monotonic() - self._bucket_s
        if debt > 0:
            self._cancel_rate = self._clock.call_later(debt, self._wait_for_tokens)
        else:
            self._cancel_rate = None
            self._resume()

    def _resume(self) -> None:
        """Read on once neither the rate nor the inbox stands against it."""
        limits = self._limits
        if (
            self._paused
            and self._cancel_rate is None
            and len(self._inbox) <= limits.inbox_messages // 2
            and self._inbox_bytes <= limits.inbox_bytes // 2
        ):
            self._paused = False
            if self._websocket is not None:
                self._websocket.resume()

    # The worker

    async def run(self, websocket: WebSocket, live: LiveStation) -> str:
        """Serve the connection until it has ended and its inbox is empty. Returns why it ended."""
        self._websocket = websocket
        self._live = live
        loop = asyncio.get_running_loop()
        inbox = self._inbox
        websocket.start()
        try:
            while True:
                self._working = True
                while inbox:
                    event, size = inbox.popleft()
                    self._inbox_bytes -= size
                    await self._handle(event, live)
                    if self._paused:
                        self._resume()
                self._working = False
                if self._ended is not None:
                    return self._ended
                self._close_when_idle()
                self._wakeup = loop.create_future()
                await self._wakeup
        finally:
            self._working = False
            if self._ended is None:
                websocket.cut("the server stopped")
            for task in self._followups:
                task.cancel()
            if self._cancel_rate is not None:
                self._cancel_rate()

    async def _handle(self, event: IncomingCall | IncomingSend, live: LiveStation) -> None:
        action = event.action
        self._count(live, action.name, event.deviations)
        try:
            response = await self._desk.handle(live, self.version, action, event.request, event.deviations)
            if type(event) is IncomingCall and self._ended is None and not self.lost:
                assert response is not None
                self._send(self._rpc.result(event.unique_id, response), 3, event.unique_id, action.name)
        except OcppError as error:
            self._refuse(event, error)
        except Exception:
            _log.exception("a handler failed", station_id=self.identity, action=action.name)
            self._refuse(event, OcppError(ErrorCode.INTERNAL_ERROR, "the message could not be processed"))
        if live.followups:
            for followup in live.followups:
                self._start_followup(followup)
            live.followups.clear()

    def _refuse(self, event: IncomingCall | IncomingSend, error: OcppError) -> None:
        self._shared.counters.refused[self.version][error.code] += 1
        if type(event) is IncomingCall and self._ended is None and not self.lost:
            data = self._rpc.error(event.unique_id, error)
            self._send(data, MessageType.CALLERROR, event.unique_id, event.action.name)

    def _start_followup(self, followup: Callable[[], Awaitable[None]]) -> None:
        async def follow() -> None:
            try:
                await followup()
            except CallFailed as failure:
                _log.warning("a station did not answer", station_id=self.identity, failure=str(failure))
            except Exception:
                _log.exception("what follows a message failed", station_id=self.identity)

        task = asyncio.ensure_future(follow())
        self._followups.add(task)
        task.add_done_callback(self._followups.discard)

    # To the socket

    def _send(self, data: bytes, kind: int, unique_id: str | None, action: str | None, *, secret: bool = False) -> None:
        """``secret``: the answer may repeat something of what it answers, which no log may have."""
        websocket = self._websocket
        assert websocket is not None
        websocket.send(data)
        text = data.decode()
        self._record(_SENT, kind, unique_id, action, f"({len(text)} characters about a secret)" if secret else text)

    def _record_refused(self, event: Reply | Ignored, text: str) -> bool:
        """Log a frame that nobody takes; whether there was a secret in it."""
        shown = redact(event.action, text, suspect=True)
        secret = shown is not text
        action = event.action
        if action is not None and secret:
            action = without_secrets(action)
        frame = shown[:_MAX_LOGGED_GARBAGE]
        self._put(
            MessageRecord(self.identity, self._now_ms(), _RECEIVED, event.message_type, event.unique_id, action, frame)
        )
        return secret

    def _record(
        self, direction: MessageDirection, kind: int, unique_id: str | None, action: str | None, frame: str
    ) -> None:
        self._put(
            MessageRecord(self.identity, self._now_ms(), direction, kind, unique_id, action, redact(action, frame))
        )

    # Calls to the station

    async def answer(self, call: StationCall) -> bytes:
        """Send a call and wait for its response; the bus hands us the calls for the station we own.

        Raises StationNotConnected, CallTimedOut, TooManyCalls or CallRefused.
        """
        live, websocket = self._live, self._websocket
        if live is None or websocket is None or self._ended is not None or self._draining or self.lost:
            raise StationNotConnected(self.identity)
        if self._rpc.queued >= self._limits.waiting_calls:
            raise TooManyCalls(self.identity)
        self._desk.calling(live, self.version, call)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        outgoing = self._rpc.start_call(call.action, call.payload, self._clock.monotonic(), call.timeout_s, future)
        self._calls += 1
        self._send_calls()
        try:
            return await future
        finally:
            self._calls -= 1
            self._rpc.cancel(outgoing)
            self._close_when_idle()

    def _send_calls(self) -> None:
        """Send what the RPC layer has ready, and keep the time of the call that waits for its answer."""
        for data in self._rpc.to_send():
            frame = frames.decode(data)
            assert isinstance(frame, frames.Call), "no version has a SEND for a CSMS"
            self._shared.counters.called[self.version][frame.action] += 1
            self._send(data, MessageType.CALL, frame.unique_id, frame.action)
        if self._cancel_expiry is not None:
            self._cancel_expiry()
            self._cancel_expiry = None
        deadline = self._rpc.next_deadline()
        if deadline is not None:
            self._cancel_expiry = self._clock.call_later(max(0.0, deadline - self._clock.monotonic()), self._expire)

    def _expire(self) -> None:
        self._cancel_expiry = None
        for event in self._rpc.expire(self._clock.monotonic()):
            self._shared.counters.call_failures[self.version]["timed out"] += 1
            _resolve(event.call, CallTimedOut(self.identity, event.call.action.name, event.call.timeout))
        self._send_calls()

    def _stop_calls(self, reason: str) -> None:
        if self._cancel_expiry is not None:
            self._cancel_expiry()
            self._cancel_expiry = None
        for event in self._rpc.close():
            self._shared.counters.call_failures[self.version][event.reason.value] += 1
            sent = event.call.deadline is not None
            _resolve(event.call, StationNotConnected(self.identity, reason, may_have_been_sent=sent))

    # Ends

    def check_alive(self, now: float) -> None:
        """To be called every few seconds; see ``WebSocket.check_alive``."""
        if self._websocket is not None:
            self._websocket.check_alive(now)

    def replace(self) -> None:
        """A newer connection has the station now: take nothing more, finish what was received, answer nothing.

        The newer one does not wait for this one's goodbye, which a dead peer would never say.
        """
        self.lost = True
        self._draining = True
        self._close(CloseCode.NORMAL, "replaced by a newer connection")
        self.ended("replaced by a newer connection")

    def disconnect(self, reason: str) -> None:
        """Close the connection, because the operator wants it so."""
        self._draining = True
        self._close(CloseCode.NORMAL, reason)

    def drain(self) -> None:
        """Take no new requests, and close once what is being done is done: the server is about to stop."""
        self._draining = True
        self._close_when_idle()

    def abandon(self, reason: str) -> None:
        """End at once, whatever is being done; what is not answered yet will come again."""
        if self._websocket is not None:
            self._websocket.cut(reason)
        if self._task is not None:
            self._task.cancel()

    def _close_when_idle(self) -> None:
        if self._draining and not self._working and not self._inbox and not self._calls:
            self._close(CloseCode.SERVICE_RESTART, "the server restarts")

    def _close(self, code: int, reason: str) -> None:
        if self._websocket is not None:
            self._websocket.close(code, reason)


def _resolve(call: OutgoingCall, outcome: bytes | Exception) -> None:
    """Give the outcome to whoever waits for the call; nobody may be left."""
    future = call.context
    if isinstance(future, asyncio.Future) and not future.done():
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
