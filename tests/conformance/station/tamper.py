"""A station made wrong: what it says is changed or left out on its way to the case."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

import pytest

from voltbridge.conformance.station.door import Door
from voltbridge.conformance.station.line import Line
from voltbridge.domain.clock import Clock

__all__ = ["ADD", "DELAY", "DROP", "Wrong", "put", "tampering"]

DROP: Final = "<drop>"
"""In place of a value: the field, or for an empty path the whole message, is left out."""
ADD: Final = "<add>"
"""In place of a path: this message is followed by a request that nobody wants, ``(action, payload)``."""

DELAY: Final = "<delay>"
"""In place of a path: this message is sent so many seconds late. What the station answers meanwhile passes it; its own
requests wait for the answer."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """One fault: this message has this value at this path (places in lists are numbers)."""

    message: str
    """Such as ``ResetResponse`` or ``TransactionEventRequest``; ``ResetError``: a CALLERROR, which has a ``code``."""
    path: str
    value: Any
    nth: int | None = None
    """Only the message of this number since the case began, from 0; None: every one."""

    def __str__(self) -> str:
        which = "" if self.nth is None else f"[{self.nth}]"
        return f"{self.message}{which} {self.path}={self.value}"


def tampering(monkeypatch: pytest.MonkeyPatch, door: Door, wrong: Wrong) -> None:
    """From now on whatever passes the door is made wrong."""
    take = Line.take
    seen: Counter[str] = Counter()
    delayed: list[asyncio.Task[None]] = []

    async def tampered(line: Line, text: str) -> None:
        csms = door.csms
        assert csms is not None
        frame = json.loads(text)
        if not csms.begun:
            await take(line, text)
            return
        name = f"{frame[2]}Request" if frame[0] == 2 else f"{line.asked}{'Error' if frame[0] == 4 else 'Response'}"
        number = seen[name]
        seen[name] += 1
        if name != wrong.message or wrong.nth not in (None, number):
            await take(line, text)
        elif wrong.path == ADD:
            await take(line, text)
            await take(line, json.dumps([2, f"extra-{number}", *wrong.value]))
        elif wrong.path == DELAY:
            delayed.append(asyncio.create_task(_late(csms.clock, wrong.value, take(line, text))))
        elif frame[0] == 4:
            frame[2] = wrong.value
            await take(line, json.dumps(frame))
        elif wrong.path == "":
            if frame[0] == 2:
                answer = csms.answers.to(frame[2], frame[3])
                await line._send([3, frame[1], answer])
        else:
            put(frame[-1], wrong.path.split("."), wrong.value)
            await take(line, json.dumps(frame))

    monkeypatch.setattr(Line, "take", tampered)


async def _late(clock: Clock, seconds: float, taken: Coroutine[Any, Any, None]) -> None:
    try:
        await clock.sleep(seconds)
    except asyncio.CancelledError:
        taken.close()
        raise
    await taken


def put(value: Any, path: list[str], new: Any) -> None:
    """Set what is at this path, or leave it out."""
    *way, last = path
    for key in way:
        if isinstance(value, list):
            if int(key) >= len(value):
                return
            value = value[int(key)]
        else:
            value = value.setdefault(key, {})
    if isinstance(value, list):
        if int(last) < len(value):
            if new == DROP:
                del value[int(last)]
            else:
                value[int(last)] = new
    elif new == DROP:
        value.pop(last, None)
    else:
        value[last] = new
