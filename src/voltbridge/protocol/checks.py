"""The constraints msgspec cannot check: multiples of a tenth (its own test fails on binary fractions) and URIs.

Only the few messages that have such fields get a check after decoding; for all others ``after_decoding`` is None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from voltbridge.protocol.shapes import Many, Number, Record, Shape, Text

__all__ = ["Check", "after_decoding", "is_tenths", "is_uri"]

Check = Callable[[Any], bool]

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
    """A multiple of 0.1: what the shortest decimal of the number has behind its point is at most one digit."""
    return round(value, 1) == value


def after_decoding(shape: Shape) -> Check | None:
    """The check a decoded value of this shape still needs, or None."""
    match shape:
        case Number(tenths=True):
            return is_tenths
        case Text(uri=True):
            return is_uri
        case Many():
            return _each(after_decoding(shape.item))
        case Record():
            return _fields(shape)
        case _:
            return None


def _each(check: Check | None) -> Check | None:
    if check is None:
        return None
    return lambda items: all(map(check, items))


def _fields(shape: Record) -> Check | None:
    parts = [(field.attribute, check) for field in shape.fields.values() if (check := after_decoding(field.shape))]
    if not parts:
        return None

    def check_fields(message: Any) -> bool:
        for attribute, check in parts:
            value = getattr(message, attribute)
            if value is not UNSET and not check(value):
                return False
        return True

    return check_fields
