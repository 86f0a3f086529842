"""Opaque cursors: the sort key of a page's last row, so that a page costs the same however deep it lies.

A cursor is base64url of a JSON array: the list's name, then the values of the key. Readers must not depend on that.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from voltbridge.domain.paging import InvalidCursor, Page, PageRequest

__all__ = ["Key", "cut", "read_cursor", "write_cursor"]

Item = TypeVar("Item")
Key = tuple[int | str, ...]

_BIGGEST = 2**63 - 1


def write_cursor(list_name: str, key: Key) -> str:
    """The cursor of the page that begins after the row with this key."""
    return base64.urlsafe_b64encode(msgspec.json.encode((list_name, *key))).rstrip(b"=").decode()


def read_cursor(list_name: str, request: PageRequest, shape: tuple[type[int] | type[str], ...]) -> Key | None:
    """The key to continue after, or None to begin at the start.

    Raises InvalidCursor unless the cursor is of this list and its values have the types of ``shape``.
    """
    if request.cursor is None:
        return None
    try:
        text = request.cursor.encode("ascii")
        packed = base64.b64decode(text + b"=" * (-len(text) % 4), b"-_", validate=True)
        name, *key = msgspec.json.decode(packed, type=list)
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise InvalidCursor("the cursor is not one that this list gave out") from error
    if name != list_name or len(key) != len(shape):
        raise InvalidCursor("the cursor is not one that this list gave out")
    for value, wanted in zip(key, shape, strict=True):
        if type(value) is not wanted or (type(value) is int and abs(value) > _BIGGEST):
            raise InvalidCursor("the cursor is not one that this list gave out")
    return tuple(key)


def cut(list_name: str, rows: Sequence[tuple[Key, Item]], limit: int) -> Page[Item]:
    """A page of the first ``limit`` rows; the caller asked for one more, to see whether another page follows."""
    items = tuple(item for _, item in rows[:limit])
    more = len(rows) > limit
    return Page(items, write_cursor(list_name, rows[limit - 1][0]) if more and limit > 0 else None)
