"""The one place where quirks act: between the RPC machine of a link and its wire.

A ``Manner`` is how one station speaks, over all its connections and restarts; a ``Mouth`` is that for one connection.
Quirks act in the order of the catalogue: first those that say more or less, then those that change what is said, last
those that change how it is written. A station without quirks has no manner, and its links no mouth.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from voltbridge.domain.clock import Cancel, Clock
from voltbridge.protocol.frames import MessageType
from voltbridge.protocol.versions import Version
from voltbridge.station.quirk import Quirk, Reply, Request, Situation

if TYPE_CHECKING:
    from voltbridge.station.configuration import StationConfiguration

__all__ = ["Manner", "Mouth"]


class Manner:
    """How one station speaks."""

    __slots__ = ("_clock", "_configuration", "_connections", "_memories", "_starts", "quirks")

    def __init__(self, quirks: Sequence[Quirk], configuration: StationConfiguration, clock: Clock) -> None:
        self.quirks = tuple(quirks)
        self._configuration = configuration
        self._clock = clock
        self._memories: tuple[dict[Any, Any], ...] = tuple({} for _ in quirks)
        self._connections = 0
        self._starts = 0

    def restarted(self) -> None:
        """The station starts, for the first time or anew."""
        self._connections = 0
        self._starts += 1

    def open(self, version: Version, write: Callable[[bytes], None], take: Callable[[bytes], None]) -> Mouth:
        """A connection: ``write`` puts bytes on the wire, ``take`` hands the station what it is to hear."""
        self._connections += 1
        mouth = Mouth(self._clock, write, take)
        situations = [
            Situation(
                version,
                self._clock,
                self._configuration,
                mouth.say,
                self._connections,
                self._starts,
                self._clock.monotonic(),
                memory,
            )
            for memory in self._memories
        ]
        mouth.begin([each for each in zip(self.quirks, situations, strict=True) if version in each[0].versions])
        return mouth


class Mouth:
    """One connection of a station with quirks."""

    __slots__ = ("_asked", "_clock", "_closed", "_delayed", "_said", "_speech", "_take", "_write")

    def __init__(self, clock: Clock, write: Callable[[bytes], None], take: Callable[[bytes], None]) -> None:
        self._clock = clock
        self._write = write
        self._take = take
        self._speech: list[tuple[Quirk, Situation]] = []
        self._said: dict[str, tuple[Any, Request | None]] = {}
        """By the id on the wire: the station's own id, and its request; None: nobody waits for the answer."""
        self._asked: dict[str, str] = {}
        """By the id of a request of the CSMS: its action."""
        self._delayed: set[Cancel] = set()
        self._closed = False

    def begin(self, speech: list[tuple[Quirk, Situation]]) -> None:
        """These quirks act from now on."""
        self._speech = speech
        for quirk, at in speech:
            for request in quirk.connected(at):
                self.say(request)

    @property
    def answers_pings(self) -> bool:
        return all(quirk.answers_pings for quirk, _ in self._speech)

    def ping(self) -> bool:
        """A ping is due. True: something else was said in its place."""
        for quirk, at in self._speech:
            request = quirk.ping(at)
            if request is not None:
                self.say(request)
                return True
        return False

    def close(self) -> None:
        """The connection is over."""
        self._closed = True
        for cancel in self._delayed:
            cancel()
        self._delayed.clear()

    # What the station says

    def sends(self, data: bytes) -> None:
        """The station's own frame leaves."""
        frame = json.loads(data)
        match frame:
            case [MessageType.CALL, str(unique_id), str(action), dict(payload)]:
                self._pass(Request(action, payload, unique_id), 0)
            case [MessageType.CALLRESULT | MessageType.CALLERROR, unique_id, *content]:
                self._reply(unique_id, Reply(self._asked.pop(_key(unique_id), ""), frame[0], content))
            case _:
                self._put(data)

    def say(self, request: Request) -> None:
        """Something that the station knows nothing of."""
        self._pass(request, 0)

    def _pass(self, request: Request, first: int) -> None:
        """Through all quirks from this one on."""
        for number in range(first, len(self._speech)):
            if request.answer is not None:
                break
            quirk, at = self._speech[number]
            said = list(quirk.say(request, at))
            if said != [request]:
                for each in said:
                    self._pass(each, number + 1)
                return
        self._later(request.delay_s, lambda: self._call(request))

    def _call(self, request: Request) -> None:
        if request.answer is not None:
            answer = _encoded([MessageType.CALLRESULT, request.unique_id, request.answer])
            asyncio.get_running_loop().call_soon(self._hand, answer)  # never while the link is still sending
            return
        own = request.unique_id
        wire_id = own if own is not None else uuid4().hex
        for quirk, at in self._speech:
            wire_id = quirk.message_id(wire_id, at)
        self._said[_key(wire_id)] = (own, None if own is None else request)
        self._put(_encoded([MessageType.CALL, wire_id, request.action, request.payload]))

    def _reply(self, unique_id: Any, reply: Reply) -> None:
        replies = [reply]
        for quirk, at in self._speech:
            replies = [after for before in replies for after in quirk.reply(before, at)]
        for each in replies:
            data = _encoded([each.message_type, unique_id, *each.content])
            self._later(each.delay_s, lambda data=data: self._put(data))  # type: ignore[misc]

    def _put(self, data: bytes) -> None:
        for quirk, at in self._speech:
            data = quirk.frame(data, at)
        self._write(data)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        if seconds <= 0:
            act()
            return

        def due() -> None:
            self._delayed.discard(cancel)
            if not self._closed:
                act()

        cancel = self._clock.call_later(seconds, due)
        self._delayed.add(cancel)

    def _hand(self, data: bytes) -> None:
        if not self._closed:
            self._take(data)

    # What the station hears

    def hears(self, data: bytes) -> None:
        """A frame of the CSMS arrives."""
        try:
            frame = json.loads(data)
        except ValueError:
            self._take(data)
            return
        match frame:
            case [MessageType.CALL, unique_id, str(action), dict(payload)]:
                self._hear_call(data, unique_id, action, payload)
            case [MessageType.CALLRESULT | MessageType.CALLERROR, unique_id, *_] if _key(unique_id) in self._said:
                self._hear_answer(frame)
            case _:
                self._take(data)

    def _hear_call(self, data: bytes, unique_id: Any, action: str, payload: dict[str, Any]) -> None:
        for quirk, at in self._speech:
            answer = quirk.asked(action, payload, at)
            if answer is not None:
                self._reply(unique_id, Reply(action, MessageType.CALLRESULT, [answer]))
                return
        self._asked[_key(unique_id)] = action
        self._take(data)

    def _hear_answer(self, frame: list[Any]) -> None:
        own, request = self._said.pop(_key(frame[1]))
        if request is None:
            return  # nobody has asked
        if frame[0] == MessageType.CALLRESULT and len(frame) == 3 and isinstance(frame[2], dict):
            for quirk, at in self._speech:
                frame[2] = quirk.answered(request, frame[2], at)
        frame[1] = own
        self._take(_encoded(frame))


def _key(unique_id: Any) -> str:
    """A CSMS may give a number back as a text."""
    return str(unique_id)


def _encoded(frame: list[Any]) -> bytes:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode()
