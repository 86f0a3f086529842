"""One connection of the station, seen from the CSMS the kit plays: strict where a product may be lenient.

Every frame that comes in has to be a well-formed OCPP-J frame, an answer to the call that is outstanding, or a call the
schema accepts; anything else is a fault that fails the case at its next step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.patience import within
from voltbridge.conformance.received import Received
from voltbridge.conformance.station.answers import SILENCE, Answer, Refusal
from voltbridge.domain.clock import Clock
from voltbridge.protocol.codec import Violation, decode
from voltbridge.protocol.registry import actions
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["Line", "Pipe"]

_CALL, _CALL_RESULT, _CALL_ERROR = 2, 3, 4
_LENGTHS: Final = {_CALL: 4, _CALL_RESULT: 3, _CALL_ERROR: 5}


class Pipe(Protocol):
    """Carries text frames to the station."""

    async def send(self, text: str) -> None:
        """Send one frame; what cannot be sent any more is dropped."""

    async def close(self) -> None:
        """Close the connection the regular way."""


@dataclass(slots=True)
class _Outstanding:
    """The call that waits for its answer."""

    unique_id: str
    action: str
    answer: asyncio.Future[tuple[int, list[msgspec.Raw]]]


class Line:
    """A connection that is open, until ``ended``."""

    def __init__(
        self,
        pipe: Pipe,
        version: Version,
        clock: Clock,
        came: Callable[[str, Mapping[str, Any]], Answer],
        next_id: Callable[[], str],
    ) -> None:
        """``came`` is told of every call of the station, by its action, and says the answer."""
        self._pipe = pipe
        self._version = version
        self._actions = actions(version)
        self._clock = clock
        self._came = came
        self._next_id = next_id
        self._outstanding: _Outstanding | None = None
        self._turn = asyncio.Lock()
        self.fault: str | None = None
        self.open = True

    async def call(self, step: str, action: str, payload: Mapping[str, Any], timeout_s: float) -> Received:
        """Send a CALL; the CALLRESULT's payload. ``step`` is where the answer belongs.

        Raises StepFailed when the answer does not come in time, is an error or breaks the schema.
        """
        name = f"{action}Response"
        message_type, rest = await self._exchange(step, action, payload, timeout_s, name)
        if message_type == _CALL_ERROR:
            raise StepFailed(step, name, _shown_error(rest))
        kind = self._actions[action].response
        assert kind is not None
        wrong = self._wrong(kind, rest[0])
        if wrong is not None:
            raise StepFailed(step, f"{name} as the schema wants it", wrong)
        return Received(step, name, msgspec.json.decode(rest[0]))

    async def refused(
        self, step: str, action: str, payload: Mapping[str, Any], timeout_s: float, codes: tuple[str, ...]
    ) -> None:
        """Send a CALL that has to be answered with a CALLERROR of one of these codes; raises StepFailed otherwise."""
        wanted = f"CALLERROR {' or '.join(codes)}"
        message_type, rest = await self._exchange(step, action, payload, timeout_s, wanted, checked=False)
        if message_type != _CALL_ERROR or msgspec.json.decode(rest[0]) not in codes:
            shown = _shown_error(rest) if message_type == _CALL_ERROR else f"{action}Response"
            raise StepFailed(step, wanted, shown)

    @property
    def asked(self) -> str | None:
        """The action of the call that waits for its answer."""
        return None if self._outstanding is None else self._outstanding.action

    async def take(self, text: str) -> None:
        """A frame came from the station."""
        try:
            parts = msgspec.json.decode(text, type=list[msgspec.Raw])
            message_type = msgspec.json.decode(parts[0], type=int)
            unique_id = msgspec.json.decode(parts[1], type=str)
            if len(parts) != _LENGTHS.get(message_type):
                self.broke(f"a frame of type {message_type} with {len(parts)} elements")
            elif message_type == _CALL:
                await self._take_call(unique_id, msgspec.json.decode(parts[2], type=str), parts[3])
            elif self._outstanding is None or self._outstanding.unique_id != unique_id:
                self.broke(f"an answer to no outstanding call: {unique_id}")
            elif self._outstanding.answer.done():
                self.broke(f"a second answer to {unique_id}")
            else:
                self._outstanding.answer.set_result((message_type, parts[2:]))
        except (msgspec.MsgspecError, IndexError, RecursionError):
            self.broke(f"a frame that is no OCPP-J: {text}")

    def broke(self, fault: str) -> None:
        """The station broke the protocol; what waits learns of it at once."""
        self.fault = self.fault or fault
        self._wake()

    def ended(self) -> None:
        """The connection is gone."""
        self.open = False
        self._wake()

    async def close(self) -> None:
        """Close it from this side."""
        self.open = False
        await self._pipe.close()
        self._wake()

    def _wake(self) -> None:
        if self._outstanding is not None and not self._outstanding.answer.done():
            self._outstanding.answer.set_result((0, []))

    async def _exchange(
        self,
        step: str,
        action: str,
        payload: Mapping[str, Any],
        timeout_s: float,
        wanted: str,
        *,
        checked: bool = True,
    ) -> tuple[int, list[msgspec.Raw]]:
        if checked:
            decode(self._actions[action].request, msgspec.json.encode(payload))
        async with self._turn:
            unique_id = self._next_id()
            self._outstanding = _Outstanding(unique_id, action, asyncio.get_running_loop().create_future())
            try:
                async with within(timeout_s, self._clock):
                    await self._send([_CALL, unique_id, action, payload])
                    message_type, rest = await self._outstanding.answer
            except TimeoutError:
                raise StepFailed(step, wanted, f"nothing within {timeout_s:g} s") from None
            finally:
                self._outstanding = None
        if not message_type:
            raise StepFailed(step, wanted, self.fault or "the connection was closed")
        return message_type, rest

    async def _take_call(self, unique_id: str, action: str, payload: msgspec.Raw) -> None:
        if action not in self._actions:
            self.broke(f"a call of an action there is not: {action}")
            return
        wrong = self._wrong(self._actions[action].request, payload)
        if wrong is not None:
            self.broke(f"{action}Request that breaks the schema: {wrong}")
            return
        match self._came(action, msgspec.json.decode(payload)):
            case Refusal(code):
                await self._send([_CALL_ERROR, unique_id, code, "", {}])
            case answer if answer is SILENCE:
                pass
            case answer:
                kind = self._actions[action].response
                assert kind is not None
                decode(kind, msgspec.json.encode(answer))
                await self._send([_CALL_RESULT, unique_id, answer])

    async def _send(self, frame: list[Any]) -> None:
        await self._pipe.send(msgspec.json.encode(frame).decode())

    def _wrong(self, kind: type[Payload], payload: msgspec.Raw) -> str | None:
        try:
            decode(kind, payload)
        except Violation as violation:
            return f"{violation} ({violation.kind})"
        return None


def _shown_error(rest: list[msgspec.Raw]) -> str:
    return "CALLERROR " + " ".join(bytes(part).decode() for part in rest)
