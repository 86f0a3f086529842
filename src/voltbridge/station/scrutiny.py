"""What the CSMS sends is looked at with suspicion: which frames make a security event of the standard's list.

- ``InvalidMessages``: a frame that is no valid message of OCPP, or breaks the schema, and was refused for it; and what
  is not even a frame. An action or a message type that the station does not have is none of it: a newer CSMS may send
  them in good faith.
- ``AttemptedReplayAttacks``: a request under a message id that was used before on this connection. The same request
  again before its answer is no such thing, but a retry, which the standard excepts (``protocol.rpc``, rule 10); after
  the answer there is nothing to be retried on a connection that delivers in order. It is handled all the same: some
  CSMSs number their requests anew, and a replay over TLS can only be their own.

What is told of a frame is what was wrong with it, never what it said.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from voltbridge.protocol.errors import ViolationKind
from voltbridge.protocol.rpc import CallFailed, Event, Failure, Ignored, IncomingCall, Reply

__all__ = ["Scrutiny", "Suspicion"]

_INVALID: Final = frozenset(
    {
        ViolationKind.FORMAT,
        ViolationKind.FRAME,
        ViolationKind.OCCURRENCE,
        ViolationKind.PROPERTY,
        ViolationKind.TYPE,
        ViolationKind.UNREADABLE,
    }
)
_REMEMBERED: Final = 500
_LONGEST_PLACE: Final = 100


class Suspicion(NamedTuple):
    """A security event of the standard's list, and what gave rise to it."""

    event: str
    info: str


class Scrutiny:
    """Of one connection."""

    __slots__ = ("_used",)

    def __init__(self) -> None:
        self._used: dict[str, None] = {}
        """Message ids of requests, the latest ones."""

    @staticmethod
    def broken(detail: object) -> Suspicion:
        """What breaks the rules of WebSocket ends the connection."""
        return Suspicion("InvalidMessages", f"no frame of WebSocket: {detail}")

    def of(self, event: Event) -> Suspicion | None:
        """What is suspicious about something that came."""
        match event:
            case IncomingCall(unique_id=unique_id):
                if unique_id in self._used:
                    return Suspicion("AttemptedReplayAttacks", f"{event.action.name} under a message id used before")
                self._used[unique_id] = None
                if len(self._used) > _REMEMBERED:
                    del self._used[next(iter(self._used))]
            case Reply(violation=violation) | Ignored(violation=violation) if violation and violation.kind in _INVALID:
                what = event.action if event.action is not None and event.action.isalnum() else "a frame"
                return Suspicion("InvalidMessages", f"{what}: {violation.kind} at {violation.path[:_LONGEST_PLACE]}")
            case CallFailed(reason=Failure.INVALID_RESPONSE):
                return Suspicion("InvalidMessages", f"the answer to {event.call.action.name}: {event.error.code}")
        return None
