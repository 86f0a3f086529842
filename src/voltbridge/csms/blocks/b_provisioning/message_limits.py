"""What stations take in one message, and cutting requests to that (B05.FR.11, B06.FR.05, N04.FR.09, N06.FR.04)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from voltbridge.csms.blocks.b_provisioning.ports import VariableBook, VariableWords
from voltbridge.domain.device_model import Attribute, Component, ReadResult, ReadStatus, Variable
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.codec import encode
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["Call", "MessageLimits", "Reading", "StationLimits", "chunks", "positive"]

_FRAME_BYTES: Final = 80
"""What is around the payload of a request."""
_UNTOLD_ITEMS: Final = 10
"""In one message to a station that does not say how many it takes."""

Call = Callable[[Payload], Awaitable[Any]]
"""Sends a request to the station at hand. Raises a CallFailed."""
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """What a station takes in one message; None: no limit."""

    items: int | None
    bytes: int | None


class Reading(Protocol):
    """Who reads variables from a station at hand."""

    async def __call__(
        self, live: LiveStation, call: Call, attributes: Sequence[Attribute]
    ) -> Sequence[ReadResult]: ...


class StationLimits:
    """The limits of every station, from its device model; ``read`` asks where that does not have them."""

    def __init__(self, book: VariableBook, words: Mapping[Version, VariableWords], read: Reading) -> None:
        self._book = book
        self._words = words
        self._read = read
        self._untold: set[str] = set()
        """Limits that stations were asked for and did not have, as station id and key of the attribute."""

    async def of(self, live: LiveStation, call: Call, message: str, count: int, component: str) -> MessageLimits:
        """What it takes in one message of this kind, asking it where that is not known.

        The component has the variables ItemsPerMessage and BytesPerMessage, the message being their instance.
        """
        if count < 2:
            return MessageLimits(None, None)
        wanted = [
            Attribute(Variable(Component(component), name, message)) for name in ("ItemsPerMessage", "BytesPerMessage")
        ]
        words = self._words[Version(live.report.protocol or "")]
        known = dict(await self._book.known(live.station_id, wanted))
        numbers: list[int | None] = []
        for attribute in wanted:
            mark = f"{live.station_id}\n{attribute.key}"
            if attribute.key not in known and mark not in self._untold and words.unknown(attribute) is None:
                (result,) = await self._read(live, call, [attribute])
                if result.status is ReadStatus.ACCEPTED and result.value is not None:
                    numbers.append(positive(result.value))
                    continue
                if result.status is not ReadStatus.NOT_ANSWERED:
                    self._untold.add(mark)
            one = known.get(attribute.key)
            numbers.append(None if one is None or one.value is None else positive(one.value))
        return MessageLimits(numbers[0] or _UNTOLD_ITEMS, numbers[1])


def chunks(
    items: Sequence[Item], limits: MessageLimits, request: Callable[[Sequence[Item]], Payload]
) -> Iterator[Sequence[Item]]:
    """The items in as few messages as the limits allow; one that is too large by itself goes alone."""
    most = limits.items or len(items)
    chunk: list[Item] = []
    size = _FRAME_BYTES
    for item in items:
        own = len(encode(request([item]))) if limits.bytes is not None else 0
        too_large = limits.bytes is not None and size + own > limits.bytes
        if chunk and (len(chunk) >= most or too_large):
            yield chunk
            chunk, size = [], _FRAME_BYTES
        chunk.append(item)
        size += own
    if chunk:
        yield chunk


def positive(text: str) -> int | None:
    """The number that a text is, where it is one and more than 0."""
    return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) < 10 and int(text) > 0 else None
