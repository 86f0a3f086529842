"""Which sequence numbers of a transaction have arrived, as a short text: ``0-5,7``.

A station counts its messages of a transaction up by one (2.0.1 Part 2, E 1.3.2.1: from 0, or going on from the
transaction before), so what is missing between the lowest and the highest is known to be missing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

__all__ = ["add_sequence", "all_parts", "missing_parts", "missing_sequences"]

_MOST_RANGES: Final = 100
"""Beyond this, numbers come at random; the oldest gap is forgotten so that the text stays short."""


def add_sequence(seen: str, number: int) -> str:
    """The text with the number added; negative numbers, which no station should send, are left out."""
    if number < 0:
        return seen
    ranges = _ranges(seen)
    ranges.append((number, number))
    ranges.sort()
    joined = [ranges[0]]
    for first, last in ranges[1:]:
        if first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    while len(joined) > _MOST_RANGES:
        joined[:2] = [(joined[0][0], joined[1][1])]
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in joined)


def missing_sequences(seen: str) -> tuple[tuple[int, int], ...]:
    """The gaps as (first, last) of each: what a station has sent, or will send, and has not arrived."""
    ranges = _ranges(seen)
    return tuple((last + 1, following - 1) for (_, last), (following, _) in pairwise(ranges))


def all_parts(seen: str, last: int | None) -> bool:
    """Whether everything from 0 to the last has come; not as long as the last is not known."""
    return last is not None and seen == ("0" if last == 0 else f"0-{last}")


def missing_parts(seen: str, most: int) -> list[int]:
    """The first numbers missing of what is counted from 0 and has come up to the highest, at most so many."""
    gaps = list(missing_sequences(seen))
    ranges = _ranges(seen)
    if ranges and ranges[0][0] > 0:
        gaps.insert(0, (0, ranges[0][0] - 1))
    missing: list[int] = []
    for first, last in gaps:
        missing.extend(range(first, min(last, first + most - len(missing) - 1) + 1))
        if len(missing) >= most:
            break
    return missing


def _ranges(seen: str) -> list[tuple[int, int]]:
    ranges = []
    for part in seen.split(",") if seen else ():
        first, _, last = part.partition("-")
        ranges.append((int(first), int(last or first)))
    return ranges
