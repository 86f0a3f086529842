"""What the RPC state machine tells the shell around it: values that say what a received frame, or time, brought.

Every frame given to ``Rpc.receive`` yields at least one of these, so a shell that logs messages finds the message
type, the id and the action of each frame here, also of those nobody else will see.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from voltbridge.protocol.actions import Action
from voltbridge.protocol.errors import OcppError
from voltbridge.protocol.policy import Deviation
from voltbridge.protocol.rpc_calls import OutgoingCall
from voltbridge.protocol.structs import Payload

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
    "Reply",
    "ResultRefused",
]


class IncomingCall(msgspec.Struct, frozen=True, gc=False):
    """The peer asks for something. Answer it once, with ``Rpc.result`` or ``Rpc.error``."""

    unique_id: str
    action: Action
    request: Payload
    deviations: Sequence[Deviation] = ()
    """What was forgiven."""


class IncomingSend(msgspec.Struct, frozen=True, gc=False):
    """The peer tells something and wants no answer (2.1)."""

    unique_id: str
    action: Action
    request: Payload
    deviations: Sequence[Deviation] = ()


class CallAnswered(msgspec.Struct, frozen=True):
    """Our CALL got its response. ``payload`` is the response's JSON as it came."""

    call: OutgoingCall
    response: Payload
    payload: msgspec.Raw
    deviations: Sequence[Deviation] = ()


class Failure(StrEnum):
    """Why a CALL of ours got no response it could use."""

    REFUSED = "refused"
    """The peer answered with a CALLERROR."""
    INVALID_RESPONSE = "invalid response"
    """The peer answered with a response that breaks the schema; the error says how."""
    DISCONNECTED = "disconnected"
    """The connection ended first. The peer may or may not have acted on the request, if it was sent."""


class CallFailed(msgspec.Struct, frozen=True):
    """Our CALL ended without a usable response. The code of ``error`` is the peer's own when it refused."""

    call: OutgoingCall
    error: OcppError
    reason: Failure
    deviations: Sequence[Deviation] = ()


class CallTimedOut(msgspec.Struct, frozen=True):
    """Our CALL was sent and not answered in time."""

    call: OutgoingCall


class ResultRefused(msgspec.Struct, frozen=True):
    """The peer could not use a response of ours (CALLRESULTERROR, 2.1)."""

    unique_id: str
    action: Action
    error: OcppError


class Reply(msgspec.Struct, frozen=True):
    """A frame was refused without asking anybody: send ``data`` at once.

    The other fields describe the refused frame: message type 0 and id None where they could not be read.
    """

    data: bytes
    message_type: int
    unique_id: str | None
    action: str | None
    violation: Deviation


class IgnoreReason(StrEnum):
    """Why a frame was dropped without an answer."""

    CLOSED = "closed"
    """The connection is closed."""
    UNREADABLE = "unreadable"
    """No message id could be read, in a version (or of a message) that is not answered then."""
    MESSAGE_TYPE = "message type"
    """A message type the version does not have and does not answer."""
    RETRY = "retry"
    """The same CALL again while it is being handled; the answer to come serves both."""
    LATE_REPLY = "late reply"
    """The answer to a CALL that has timed out or was given up."""
    UNKNOWN_REPLY = "unknown reply"
    """An answer to nothing."""
    INVALID_SEND = "invalid send"
    """A SEND that breaks the standard; it must not be answered."""


class Ignored(msgspec.Struct, frozen=True):
    """A frame changes nothing. Message type 0 and id None where they could not be read."""

    reason: IgnoreReason
    data: bytes
    message_type: int
    unique_id: str | None
    action: str | None = None
    violation: Deviation | None = None


Event = IncomingCall | IncomingSend | CallAnswered | CallFailed | CallTimedOut | ResultRefused | Reply | Ignored
