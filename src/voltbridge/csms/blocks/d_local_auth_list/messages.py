"""How much of a list a station takes at a time, and a list cut into messages of that size (D01.FR.11)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from voltbridge.csms.blocks.d_local_auth_list.ports import ListWords, Variables
from voltbridge.domain.device_model import Attribute, ReadStatus
from voltbridge.domain.local_lists import ListChange
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.codec import encode

__all__ = ["Limits", "cut", "limits_of"]

_UNTOLD_ITEMS: Final = 20
"""In one message to a station that does not say how many it takes."""
_FRAME_BYTES: Final = 80
"""What is around the payload of a request."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a station takes; None: it does not say."""

    items: int = _UNTOLD_ITEMS
    """Tokens in one message."""
    bytes: int | None = None
    """Of one message."""
    entries: int | None = None
    """Tokens in the list."""


async def limits_of(live: LiveStation, call: Any, words: ListWords, variables: Variables) -> Limits:
    """As known from the device model; what is not known is asked for. Raises a CallFailed."""
    wanted = [one for one in (words.ITEMS, words.BYTES, words.ENTRIES) if one is not None]
    known = await variables.known(live.station_id, wanted)
    unknown = [one for one in wanted if one.key not in known]
    read = await variables.read_by(live, call, unknown) if unknown else []
    values = {key: one.value for key, one in known.items()}
    values |= {one.attribute.key: one.value for one in read if one.status is ReadStatus.ACCEPTED}

    def number(attribute: Attribute | None) -> int | None:
        text = None if attribute is None else values.get(attribute.key)
        return int(text) if text and text.isascii() and text.isdecimal() and int(text[:10]) > 0 else None

    if words.BYTES is None:
        entries = number(words.ENTRIES)
    else:  # there the value tells how many the list has, its upper limit how many it can have
        told = known.get(words.ENTRIES.key)
        most = told.characteristics.max_limit if told and told.characteristics else None
        entries = int(most) if most else None
    return Limits(number(words.ITEMS) or _UNTOLD_ITEMS, number(words.BYTES), entries)


def cut(changes: Sequence[ListChange], limits: Limits, words: ListWords) -> Iterator[Sequence[ListChange]]:
    """The changes in as few messages as the limits allow; one that is too large by itself goes alone."""
    empty = len(encode(words.send_request(1, False, ())))
    part: list[ListChange] = []
    size = _FRAME_BYTES + empty
    for change in changes:
        own = len(encode(words.send_request(1, False, (change,)))) - empty if limits.bytes is not None else 0
        too_large = limits.bytes is not None and size + own > limits.bytes
        if part and (len(part) >= limits.items or too_large):
            yield part
            part, size = [], _FRAME_BYTES + empty
        part.append(change)
        size += own
    if part:
        yield part
