"""The RPC state machine of OCPP-J: what one end of a connection may send, and what each received frame means.

No I/O and no clock: the shell hands in frames and the monotonic time, and sends the bytes it gets back. One ``Rpc``
serves one connection, as a CSMS or as a charging station, in any version. Nothing a peer sends makes it raise.

The rules (J-1.6 is the 1.6 JSON specification, P4 is Part 4 of 2.0.1 and 2.1; each rule has a test of its number):

Frames
 1. A message is UTF-8 JSON, text and bytes alike. When no message id can be read, 2.x answers RpcFrameworkError to the
    id "-1" and 1.6 stays silent, since its CALLERROR needs the id (P4 4.1.2, 4.2.3; J-1.6 4.1.2, 4.2.3).
 2. A CALL whose frame is broken but whose id can be read is refused under that id (P4 4.2.3 item 2; J-1.6 same).
 3. A message id is a string of 1 to 36 characters (J-1.6 table 3, P4 table 4). An answer repeats the id as it came, a
    number as a number, up to 255 characters; a longer one counts as unreadable.
 4. A message type the version does not have is ignored by 1.6 (J-1.6 4.1.3) and 2.1 (P4 4.1.3, 4.4) and answered with
    MessageTypeNotSupported by 2.0.1 (P4 4.4).
 5. Only a CALL, or what cannot be told from one, gets a CALLERROR: two ends never answer errors with errors.
 6. A payload of null is the empty object (J-1.6 4.2.1, P4 4.1.5); any other payload that is no object is refused.

Requests of the peer
 7. An action the version does not know: NotImplemented. Names are case-sensitive (J-1.6 table 4, P4 table 5).
 8. An action the version knows but that this side does not take, or not as a CALL: NotSupported.
 9. A payload that breaks the schema is refused with the code of the table in ``errors`` and handed to nobody.
10. A CALL with the id of one still being handled: the same frame again is a retry (J-1.6 errata 3.1, 2.0.1 errata 4.6,
    2.1 P4 4.1.4), handled once and answered once; a different frame is refused (J-1.6 4.2.3, P4 4.2.3, item 2).
11. An id used before and answered is handled afresh: a retry may keep its id, and nothing is replayed, so a Heartbeat
    repeated under one id still gets the present time. Who must not act twice looks at the payload.
12. A further CALL before the answer to the first is handled too, since only the peer knows whether its first timed out
    (J-1.6 4.1.1, P4 4.1.1); it counts as a deviation. Beyond ``max_unanswered`` it is refused with GenericError.
13. Each request is answered once. A second answer, or one to nothing, is a mistake of the caller: LookupError.
14. A CALLERROR of ours has a code of the version, at most 255 characters of description, and an object of details
    (J-1.6 table 6, P4 table 7).
15. A SEND is handed up when it is sound and dropped when not; it is never answered (2.1 P4 4.2.4).

Requests of ours
16. One CALL at a time is unanswered; further ones wait in the order of their start (J-1.6 4.1.1, P4 4.1.1).
17. CALLs of both sides may cross: what we handle never delays what we ask (J-1.6 4.1.1 note, P4 4.1.1 note).
18. The time-out counts from the moment the frame may leave; then the next CALL goes (J-1.6 4.1.1, P4 4.1.1).
19. A reply belongs to the unanswered CALL of the same id (J-1.6 4.1.4, P4 4.1.4) or to nothing: late, repeated and
    unknown replies are ignored.
20. A response that breaks the schema fails the call; 2.1 tells the peer with a CALLRESULTERROR (2.1 P4 4.2.3).
21. A CALLERROR ends the call under every policy, however incomplete; its code is kept as it came.
22. A CALLRESULTERROR is handed up with the action we had answered and never answered itself (2.1 P4 4.2.3).
23. Ids are fresh and random, so that they differ from those of other connections (J-1.6 errata 3.1, P4 4.1.4).
24. A SEND may leave at any time, also while a CALL is unanswered (2.1 P4 4.1.1 note, 4.2.4).
25. When the connection closes, every call ends; afterwards nothing is taken and nothing can be started.

Policies
26. ``strict`` refuses a deviating frame or payload; ``tolerant`` and ``salvage`` take it where its meaning is beyond
    doubt (see ``policy``), padding around the JSON included. Padding hides no id: a byte order mark must not be sent,
    and who reads may look behind it (RFC 8259 8.1), so ``strict`` refuses such a frame under its own id. Whatever was
    forgiven is in the event's ``deviations``; whatever was refused is in its ``violation``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from math import inf
from typing import Final
from uuid import uuid4

from msgspec import Raw

from voltbridge.protocol import frames
from voltbridge.protocol.actions import Action
from voltbridge.protocol.codec import decode as decode_payload
from voltbridge.protocol.codec import encode as encode_payload
from voltbridge.protocol.errors import ErrorCode, OcppError, ViolationKind, error_code, spelled_for
from voltbridge.protocol.frames import (
    LONGEST_ID,
    UNREADABLE_ID,
    Call,
    CallError,
    CallResult,
    CallResultError,
    Frame,
    MessageType,
    Send,
)
from voltbridge.protocol.policy import Deviation, Policy, Violation
from voltbridge.protocol.registry import actions
from voltbridge.protocol.rpc_calls import OutgoingCall, OutgoingCalls
from voltbridge.protocol.rpc_events import (
    CallAnswered,
    CallFailed,
    CallTimedOut,
    Event,
    Failure,
    Ignored,
    IgnoreReason,
    IncomingCall,
    IncomingSend,
    Reply,
    ResultRefused,
)
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = [
    "CallAnswered",
    "CallFailed",
    "CallTimedOut",
    "Event",
    "Failure",
    "IgnoreReason",
    "Ignored",
    "IncomingCall",
    "IncomingSend",
    "OutgoingCall",
    "Reply",
    "ResultRefused",
    "Role",
    "Rpc",
    "random_id",
]

_DESCRIPTION_LENGTH: Final = 255
_REMEMBERED_ANSWERS: Final = 8


class Role(StrEnum):
    """Which end of the connection we are."""

    CSMS = "CSMS"
    STATION = "station"


@dataclass(frozen=True, slots=True)
class _Actions:
    """The actions of a version, sorted by who may start them and how."""

    known: Mapping[str, Action]
    calls_in: Mapping[str, Action]
    calls_in_any_case: Mapping[str, Action]
    sends_in: Mapping[str, Action]
    calls_out: Mapping[str, Action]
    sends_out: Mapping[str, Action]


@cache
def _actions(version: Version, role: Role) -> _Actions:
    known = actions(version)
    to_csms = [action for action in known.values() if action.from_station]
    to_station = [action for action in known.values() if action.from_csms]
    incoming, outgoing = (to_csms, to_station) if role is Role.CSMS else (to_station, to_csms)
    calls_in = {action.name: action for action in incoming if action.response is not None}
    return _Actions(
        known=known,
        calls_in=calls_in,
        calls_in_any_case={name.casefold(): action for name, action in calls_in.items()},
        sends_in={action.name: action for action in incoming if action.response is None},
        calls_out={action.name: action for action in outgoing if action.response is not None},
        sends_out={action.name: action for action in outgoing if action.response is None},
    )


def random_id() -> str:
    """A message id no other connection has used: 32 hexadecimal digits of a random UUID."""
    return uuid4().hex


class Rpc:
    """One end of one connection. See the rules at the top of this module.

    ``next_id`` gives the ids of our messages, ``call_timeout`` the seconds we wait for a response unless the call says
    otherwise, ``max_unanswered`` how many requests of the peer may wait for our answer.
    """

    __slots__ = (
        "_actions",
        "_answered",
        "_call_timeout",
        "_calls",
        "_closed",
        "_handling",
        "_max_unanswered",
        "_next_id",
        "_numeric_ids",
        "_policy",
        "_role",
        "_types",
        "_version",
    )

    def __init__(
        self,
        version: Version,
        role: Role,
        policy: Policy = Policy.STRICT,
        next_id: Callable[[], str] = random_id,
        call_timeout: float = 30.0,
        *,
        max_unanswered: int = 32,
    ) -> None:
        self._version = version
        self._role = role
        self._policy = policy
        self._next_id = next_id
        self._call_timeout = call_timeout
        self._max_unanswered = max_unanswered
        self._actions = _actions(version, role)
        self._types = _message_types(version)
        self._closed = False
        self._handling: dict[str, tuple[Action, bytes]] = {}
        """Requests of the peer that wait for our answer, with their frames."""
        self._numeric_ids: set[str] = set()
        """Those of them whose id came as a number."""
        self._answered: dict[str, Action] = {}
        """The latest responses of ours that a CALLRESULTERROR may be about."""
        self._calls = OutgoingCalls()

    @property
    def version(self) -> Version:
        return self._version

    @property
    def role(self) -> Role:
        return self._role

    @property
    def policy(self) -> Policy:
        """How deviations of the peer are met; may be changed at any time."""
        return self._policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._policy = policy

    @property
    def unanswered(self) -> int:
        """How many requests of the peer wait for our answer."""
        return len(self._handling)

    @property
    def queued(self) -> int:
        """How many calls of ours wait behind the unanswered one."""
        return self._calls.queued

    # What the peer sends

    def receive(self, data: str | bytes, now: float) -> list[Event]:
        """What a received message means. Never raises, whatever the message; never empty."""
        if isinstance(data, str):
            data = data.encode("utf-8", "surrogatepass")
        if self._closed:
            return [Ignored(IgnoreReason.CLOSED, data, 0, None)]
        frame = frames.decode(data)
        if frame is None:
            return self._receive_unusual(data, now)
        if isinstance(frame, Call):
            return [self._receive_call(frame, data)]
        return self._receive_other(frame, data, now, None)

    def _receive_unusual(self, data: bytes, now: float) -> list[Event]:
        mended = frames.mend(data, padded=self._policy is not Policy.STRICT)
        message_type, unique_id, frame = mended.message_type, mended.unique_id, mended.frame
        found = mended.deviations
        if message_type is not None and message_type not in self._types:
            violation = Deviation(ViolationKind.MESSAGE_TYPE, "$[0]", f"no message type {message_type}")
            return [self._refuse(data, message_type, unique_id, None, violation, mended.numeric_id)]
        if isinstance(frame, CallError | CallResultError):
            return self._receive_other(frame, data, now, found)
        if frame is not None and (not found or self._policy is not Policy.STRICT):
            if isinstance(frame, Call):
                return [self._receive_call(frame, data, found, mended.numeric_id)]
            return self._receive_other(frame, data, now, found)

        violation = found[0]
        if unique_id is None:
            violation = Deviation(ViolationKind.UNREADABLE, violation.path, violation.detail)
        match message_type:
            case None | MessageType.CALL:
                action = _short(frame.action) if isinstance(frame, Call) else None
                return [self._refuse(data, message_type or 0, unique_id, action, violation, mended.numeric_id)]
            case MessageType.SEND:
                action = _short(frame.action) if isinstance(frame, Send) else None
                return [Ignored(IgnoreReason.INVALID_SEND, data, message_type, unique_id, action, violation)]
        call = self._calls.take(unique_id, now)
        if call is not None:
            return self._fail_response(call, violation, message_type == MessageType.CALLRESULT)
        if unique_id is None:
            return [Ignored(IgnoreReason.UNREADABLE, data, message_type, None, None, violation)]
        return [self._unmatched(message_type, unique_id, data, violation)]

    def _receive_call(
        self, frame: Call, data: bytes, found: list[Deviation] | None = None, numeric_id: bool = False
    ) -> Event:
        unique_id = frame.unique_id
        if self._handling:
            handled = self._handling.get(unique_id)
            if handled is not None and handled[1] == data:
                return Ignored(IgnoreReason.RETRY, data, MessageType.CALL, unique_id, handled[0].name)
            refusal = None
            if handled is not None:
                refusal = Deviation(ViolationKind.FRAME, "$[1]", "another CALL of this id is being handled")
            elif len(self._handling) >= self._max_unanswered:
                refusal = Deviation(ViolationKind.GENERIC, "$", "too many CALLs wait for their answers")
            if refusal is not None:
                return self._refuse(data, MessageType.CALL, unique_id, _short(frame.action), refusal, numeric_id)
            found = found or []
            found.append(Deviation(ViolationKind.PROTOCOL, "$", "a CALL before the answer to the one before"))
        elif found is None and self._policy is not Policy.STRICT:
            found = []

        action = self._actions.calls_in.get(frame.action)
        try:
            if action is None:
                action = self._find_action(frame.action, found)
            request = self._decode(action.request, frame.payload, found)
        except Violation as violation:
            why = Deviation(violation.kind, violation.path, violation.detail)
            return self._refuse(data, MessageType.CALL, unique_id, _short(frame.action), why, numeric_id)
        self._handling[unique_id] = (action, data)
        if numeric_id:
            self._numeric_ids.add(unique_id)
        return IncomingCall(unique_id, action, request, found or ())

    def _find_action(self, name: str, found: list[Deviation] | None) -> Action:
        """The action meant by a name that is not exactly that of an action we take. Raises Violation."""
        if name not in self._actions.known:
            if self._policy is not Policy.STRICT:
                plain = name.casefold().strip()
                action = self._actions.calls_in_any_case.get(plain) or self._actions.calls_in_any_case.get(
                    plain.removesuffix("request")
                )
                if action is not None and found is not None:
                    found.append(Deviation(ViolationKind.FRAME, "$[2]", f"the action is not {action.name}"))
                    return action
            raise Violation(ViolationKind.UNKNOWN_ACTION, "$[2]", f"no action {_short(name)!r}")
        if name in self._actions.sends_in:
            raise Violation(ViolationKind.UNSUPPORTED_ACTION, "$[2]", f"{name} is no CALL but a SEND")
        raise Violation(ViolationKind.UNSUPPORTED_ACTION, "$[2]", f"a {self._role} does not take {name}")

    def _receive_other(self, frame: Frame, data: bytes, now: float, found: list[Deviation] | None) -> list[Event]:
        """Everything but a CALL."""
        unique_id = frame.unique_id
        match frame:
            case CallResult():
                call = self._calls.take(unique_id, now)
                if call is None:
                    return [self._unmatched(MessageType.CALLRESULT, unique_id, data)]
                if found is None and self._policy is not Policy.STRICT:
                    found = []
                assert call.action.response is not None
                try:
                    response = self._decode(call.action.response, frame.payload, found)
                except Violation as violation:
                    why = Deviation(violation.kind, violation.path, violation.detail)
                    return self._fail_response(call, why, True)
                return [CallAnswered(call, response, frame.payload, found or ())]
            case CallError():
                call = self._calls.take(unique_id, now)
                if call is None:
                    return [self._unmatched(MessageType.CALLERROR, unique_id, data)]
                error = OcppError(frame.code, frame.description, frame.details)
                return [CallFailed(call, error, Failure.REFUSED, found or ())]
            case CallResultError() if MessageType.CALLRESULTERROR in self._types:
                action = self._answered.pop(unique_id, None)
                if action is None:
                    return [self._unmatched(MessageType.CALLRESULTERROR, unique_id, data)]
                error = OcppError(frame.code, frame.description, frame.details)
                return [ResultRefused(unique_id, action, error)]
            case Send() if MessageType.SEND in self._types:
                return [self._receive_send(frame, data, found)]
            case _:
                message_type = MessageType.SEND if isinstance(frame, Send) else MessageType.CALLRESULTERROR
                why = Deviation(ViolationKind.MESSAGE_TYPE, "$[0]", f"no message type {message_type}")
                return [self._refuse(data, message_type, unique_id, None, why, False)]

    def _receive_send(self, frame: Send, data: bytes, found: list[Deviation] | None) -> Event:
        if found is None and self._policy is not Policy.STRICT:
            found = []
        try:
            action = self._actions.sends_in.get(frame.action)
            if action is None:
                raise Violation(ViolationKind.UNSUPPORTED_ACTION, "$[2]", f"no SEND {_short(frame.action)!r}")
            request = self._decode(action.request, frame.payload, found)
        except Violation as violation:
            why = Deviation(violation.kind, violation.path, violation.detail)
            name = _short(frame.action)
            return Ignored(IgnoreReason.INVALID_SEND, data, MessageType.SEND, frame.unique_id, name, why)
        return IncomingSend(frame.unique_id, action, request, found or ())

    def _decode(self, message_type: type[Payload], payload: Raw, found: list[Deviation] | None) -> Payload:
        """The payload as a message. Raises Violation."""
        policy = self._policy
        try:
            return decode_payload(message_type, payload, policy=policy, deviations=found)
        except Violation:
            start = bytes(memoryview(payload)[:8])
            if start[:1] == b"{":
                raise
            if start == b"null":
                return decode_payload(message_type, b"{}", policy=policy, deviations=found)
            raise Violation(ViolationKind.FORMAT, "$", "the payload is not a JSON object") from None

    def _refuse(
        self,
        data: bytes,
        message_type: int,
        unique_id: str | None,
        action: str | None,
        violation: Deviation,
        numeric_id: bool,
    ) -> Event:
        """A CALLERROR, or silence where the version answers that kind of violation with silence."""
        try:
            code = error_code(self._version, violation.kind)
        except LookupError:
            unreadable = violation.kind is ViolationKind.UNREADABLE
            reason = IgnoreReason.UNREADABLE if unreadable else IgnoreReason.MESSAGE_TYPE
            return Ignored(reason, data, message_type, unique_id, action, violation)
        answered_id = UNREADABLE_ID if unique_id is None else unique_id
        reply = frames.encode(CallError(answered_id, code, _description(violation), {}))
        if numeric_id:
            reply = frames.with_numeric_id(reply)
        return Reply(reply, message_type, unique_id, action, violation)

    def _fail_response(self, call: OutgoingCall, why: Deviation, is_result: bool) -> list[Event]:
        code = error_code(self._version, why.kind)
        events: list[Event] = [CallFailed(call, OcppError(code, _description(why)), Failure.INVALID_RESPONSE)]
        if is_result and MessageType.CALLRESULTERROR in self._types:
            reply = frames.encode(CallResultError(call.unique_id, code, _description(why), {}))
            events.append(Reply(reply, MessageType.CALLRESULT, call.unique_id, call.action.name, why))
        return events

    def _unmatched(self, message_type: int, unique_id: str, data: bytes, violation: Deviation | None = None) -> Ignored:
        action = self._calls.late_action(unique_id)
        if action is None:
            return Ignored(IgnoreReason.UNKNOWN_REPLY, data, message_type, unique_id, None, violation)
        return Ignored(IgnoreReason.LATE_REPLY, data, message_type, unique_id, action.name, violation)

    # What we answer

    def result(self, unique_id: str, response: Payload) -> bytes:
        """The CALLRESULT to a request of the peer, to be sent.

        Raises LookupError when no request of this id waits for an answer (also after ``close``), and TypeError when
        the response is not that of the request's action; the request then still waits.
        """
        action = self._action_of(unique_id)
        if type(response) is not action.response:
            raise TypeError(f"{type(response).__name__} is no response to {action.name}")
        data = frames.encode(CallResult(unique_id, Raw(encode_payload(response))))
        data = self._answer(unique_id, data)
        if MessageType.CALLRESULTERROR in self._types:
            self._answered[unique_id] = action
            if len(self._answered) > _REMEMBERED_ANSWERS:
                del self._answered[next(iter(self._answered))]
        return data

    def error(self, unique_id: str, error: OcppError) -> bytes:
        """The CALLERROR to a request of the peer, to be sent. The code is translated into the version's spelling.

        Raises LookupError when no request of this id waits for an answer (also after ``close``).
        """
        self._action_of(unique_id)
        code = spelled_for(self._version, error.code)
        try:
            data = frames.encode(
                CallError(unique_id, code, error.description[:_DESCRIPTION_LENGTH], dict(error.details))
            )
        except (TypeError, ValueError, RecursionError):
            data = frames.encode(CallError(unique_id, code, _printable(error.description), {}))
        return self._answer(unique_id, data)

    def _action_of(self, unique_id: str) -> Action:
        handled = self._handling.get(unique_id)
        if handled is None:
            raise LookupError(f"no CALL {unique_id!r} waits for an answer")
        return handled[0]

    def _answer(self, unique_id: str, data: bytes) -> bytes:
        del self._handling[unique_id]
        if unique_id in self._numeric_ids:
            self._numeric_ids.remove(unique_id)
            return frames.with_numeric_id(data)
        return data

    # What we ask

    def start_call(
        self,
        action_name: str,
        payload: Payload | bytes,
        now: float,
        timeout: float | None = None,
        context: object = None,
    ) -> OutgoingCall:
        """Start a CALL; its frame is in ``to_send`` at once, or when the calls before it have ended.

        ``payload`` is the action's request or its JSON; it is not validated. Exactly one CallAnswered, CallFailed or
        CallTimedOut will name the returned call, unless ``cancel`` withdraws it.

        Raises LookupError for an action that this side does not call in this version, TypeError for a request of
        another action, ValueError for a time-out that is not positive and finite, ConnectionError after ``close``.
        """
        action = self._actions.calls_out.get(action_name)
        if action is None:
            raise LookupError(f"a {self._role} has no {action_name} to call in OCPP {self._version.label}")
        seconds = self._call_timeout if timeout is None else timeout
        if not 0 < seconds < inf:
            raise ValueError(f"a time-out must be positive and finite: {seconds!r}")
        request = self._encode_request(action, payload)
        call = OutgoingCall(self._fresh_id(), action, request, seconds, context)
        self._calls.add(call, now)
        return call

    def send(self, action_name: str, payload: Payload | bytes) -> str:
        """Put a SEND into ``to_send`` (2.1), whatever else is going on; returns its message id.

        Raises LookupError, TypeError and ConnectionError as ``start_call`` does.
        """
        action = self._actions.sends_out.get(action_name)
        if action is None:
            raise LookupError(f"a {self._role} has no {action_name} to send in OCPP {self._version.label}")
        request = self._encode_request(action, payload)
        unique_id = self._fresh_id()
        self._calls.out.append(frames.encode(Send(unique_id, action.name, Raw(request))))
        return unique_id

    def to_send(self) -> list[bytes]:
        """The CALLs and SENDs that may leave now, each handed out once. Look after every other method."""
        out = self._calls.out
        if out:
            self._calls.out = []
        return out

    def cancel(self, call: OutgoingCall) -> bool:
        """Withdraw a call that still waits in the queue: then it is true and no event will name it.

        A call that has left cannot be taken back, it ends as any other.
        """
        return self._calls.cancel(call)

    def expire(self, now: float) -> list[CallTimedOut]:
        """End the call whose deadline has passed, if any; the next one may leave then."""
        call = self._calls.expire(now)
        return [] if call is None else [CallTimedOut(call)]

    def next_deadline(self) -> float | None:
        """The monotonic second at which ``expire`` will have something to do; None when nothing is unanswered."""
        return self._calls.deadline

    def close(self) -> list[CallFailed]:
        """The connection is gone: every call that has not ended ends now."""
        self._closed = True
        self._handling.clear()
        self._numeric_ids.clear()
        error = OcppError(ErrorCode.GENERIC_ERROR, "the connection ended before the answer came")
        return [CallFailed(call, error, Failure.DISCONNECTED) for call in self._calls.clear()]

    def _encode_request(self, action: Action, payload: Payload | bytes) -> bytes:
        if self._closed:
            raise ConnectionError("the connection is closed")
        if isinstance(payload, bytes):
            return payload
        if type(payload) is not action.request:
            raise TypeError(f"{type(payload).__name__} is no request of {action.name}")
        return encode_payload(payload)

    def _fresh_id(self) -> str:
        for _ in range(100):
            unique_id = self._next_id()
            if 0 < len(unique_id) <= LONGEST_ID and not self._calls.knows(unique_id):
                return unique_id
        raise RuntimeError("next_id gives no fresh message id")


@cache
def _message_types(version: Version) -> frozenset[int]:
    types = {MessageType.CALL, MessageType.CALLRESULT, MessageType.CALLERROR}
    if version.capabilities.call_result_error:
        types.add(MessageType.CALLRESULTERROR)
    if version.capabilities.send:
        types.add(MessageType.SEND)
    return frozenset(types)


def _short(action: str) -> str:
    """A peer's word for an action, no longer than logs and answers can bear."""
    return action[:64]


def _description(violation: Deviation) -> str:
    text = violation.detail if violation.path == "$" else f"{violation.path}: {violation.detail}"
    return _printable(text)


def _printable(text: str) -> str:
    """As much of a text as an error description may hold; half a surrogate pair is no text and becomes a mark."""
    return text[:_DESCRIPTION_LENGTH].encode("utf-8", "replace").decode()
