"""The calls of our own on one connection: one is unanswered, the others wait in line.

The part of the state machine of ``rpc`` behind its rules 16, 18, 19 and 25. It knows ids and times, no payloads.
"""

from __future__ import annotations

from typing import Final

from msgspec import Raw

from voltbridge.protocol import frames
from voltbridge.protocol.actions import Action

__all__ = ["OutgoingCall", "OutgoingCalls"]

_REMEMBERED: Final = 32


class OutgoingCall:
    """A CALL of ours, from ``Rpc.start_call`` until the one event that ends it. Compared by identity."""

    __slots__ = ("action", "context", "deadline", "payload", "timeout", "unique_id")

    def __init__(self, unique_id: str, action: Action, payload: bytes, timeout: float, context: object = None) -> None:
        self.unique_id = unique_id
        self.action = action
        self.payload = payload
        """The request's JSON."""
        self.timeout = timeout
        """Seconds from the moment the frame may leave."""
        self.deadline: float | None = None
        """The monotonic second at which it times out; None as long as it waits behind an earlier CALL."""
        self.context = context
        """Whatever the starter wants to find again, such as the future somebody waits for."""

    def __repr__(self) -> str:
        return f"OutgoingCall({self.action.name!r}, {self.unique_id!r})"


class OutgoingCalls:
    """The line of calls. ``out`` collects the frames that may leave."""

    __slots__ = ("_late", "_outstanding", "_queue", "out")

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self._outstanding: OutgoingCall | None = None
        self._queue: list[OutgoingCall] = []
        self._late: dict[str, Action] = {}
        """The latest calls that timed out: their replies may still come."""

    @property
    def queued(self) -> int:
        """How many calls wait behind the unanswered one."""
        return len(self._queue)

    @property
    def deadline(self) -> float | None:
        """When the unanswered call times out."""
        return None if self._outstanding is None else self._outstanding.deadline

    def knows(self, unique_id: str) -> bool:
        """Whether a reply to this id could be taken for one to an earlier call."""
        return (
            unique_id in self._late
            or (self._outstanding is not None and self._outstanding.unique_id == unique_id)
            or any(call.unique_id == unique_id for call in self._queue)
        )

    def add(self, call: OutgoingCall, now: float) -> None:
        """Put a call at the end of the line; it leaves at once when the line is empty."""
        self._queue.append(call)
        self._advance(now)

    def take(self, unique_id: str | None, now: float) -> OutgoingCall | None:
        """The unanswered call if it has this id: it has its reply, and the next one may leave."""
        call = self._outstanding
        if call is None or call.unique_id != unique_id:
            return None
        self._outstanding = None
        self._advance(now)
        return call

    def late_action(self, unique_id: str) -> Action | None:
        """The action of a call of this id that timed out lately."""
        return self._late.get(unique_id)

    def cancel(self, call: OutgoingCall) -> bool:
        """Take a call out of the line; false when it is not in it (any more)."""
        for index, queued in enumerate(self._queue):
            if queued is call:
                del self._queue[index]
                return True
        return False

    def expire(self, now: float) -> OutgoingCall | None:
        """The unanswered call if its deadline has passed; the next one may leave then."""
        call = self._outstanding
        if call is None or call.deadline is None or now < call.deadline:
            return None
        self._outstanding = None
        self._late[call.unique_id] = call.action
        if len(self._late) > _REMEMBERED:
            del self._late[next(iter(self._late))]
        self._advance(now)
        return call

    def clear(self) -> list[OutgoingCall]:
        """Every call that has not ended, in order; none is left."""
        calls = self._queue if self._outstanding is None else [self._outstanding, *self._queue]
        self._outstanding = None
        self._queue = []
        self.out = []
        return calls

    def _advance(self, now: float) -> None:
        if self._outstanding is None and self._queue:
            call = self._outstanding = self._queue.pop(0)
            call.deadline = now + call.timeout
            self.out.append(frames.encode(frames.Call(call.unique_id, call.action.name, Raw(call.payload))))
