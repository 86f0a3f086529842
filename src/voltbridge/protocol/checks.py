"""The constraints msgspec cannot check: multiples of a tenth (its own test fails on binary fractions) and URIs.

Only the few messages that have such fields get a check after decoding; for all others ``after_decoding`` is None. The
check follows the path from the message to each such field with iterators that run in C, so that a schedule of many
periods stays cheap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from operator import attrgetter, is_not
from typing import Any, Final

from msgspec import UNSET

from voltbridge.protocol.shapes import Many, Number, Record, Shape, Text

__all__ = ["Check", "after_decoding", "is_tenths", "is_uri"]

Check = Callable[[Any], bool]
_Values = Iterable[Any]
_Step = Callable[[_Values], _Values]
_Path = tuple[_Step, ...]

_PCHAR = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_AUTHORITY = (
    r"(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{2})*@)?"
    r"(?:\[[0-9A-Fa-f:.]+\]|\[[vV][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+\]"
    r"|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
)
_URI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.\-]*:(?://{_AUTHORITY}(?:/{_PCHAR}*)*|/?(?:{_PCHAR}+(?:/{_PCHAR}*)*)?)"
    rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?"
)


def is_uri(text: str) -> bool:
    """An absolute URI with a scheme, by the grammar of RFC 3986."""
    return _URI.fullmatch(text) is not None


def is_tenths(value: float) -> bool:
    """A multiple of 0.1.

    For an integer k below 2**52 the double nearest to k/10, times ten, is exactly k (as for every divisor that is the
    sum of two powers of two); of the other numbers of up to 15 digits none comes that close to a multiple.
    """
    return (value * 10.0).is_integer()


def after_decoding(shape: Shape) -> Check | None:
    """The check a decoded value of this shape still needs, or None."""
    paths = list(_paths(shape, ()))
    if not paths:
        return None

    def check(message: Any) -> bool:
        for steps, holds in paths:
            values: _Values = (message,)
            for step in steps:
                values = step(values)
            if not all(map(holds, values)):
                return False
        return True

    return check


def _paths(shape: Shape, way: _Path) -> Iterator[tuple[_Path, Check]]:
    """How to get from a value to those to be judged, and what has to hold for each of them."""
    match shape:
        case Number(tenths=True):
            yield way, is_tenths
        case Text(uri=True):
            yield way, is_uri
        case Many():
            yield from _paths(shape.item, (*way, chain.from_iterable))
        case Record():
            for field in shape.fields.values():
                into: _Step = partial(map, attrgetter(field.attribute))
                yield from _paths(field.shape, (*way, into) if field.required else (*way, into, _PRESENT))


_PRESENT: Final[_Step] = partial(filter, partial(is_not, UNSET))
