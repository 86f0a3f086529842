"""Tables written like a log, and how one station's rows are found in them.

Rows are appended in the order they arrive, so that a commit writes a few full pages instead of one page per station
(the figures are in adr/0002). The upper bits of a row's id are the number of its block; a small second table says which
station has rows in which block. Reading a station's rows is reading those blocks and keeping what is the station's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from sqlalchemy import Connection, update

from voltbridge.storage.sql.counters import counters

__all__ = ["MOST_AGE_MS", "OpenBlock", "block_of", "id_ranges"]

K = TypeVar("K")

_BITS = 20
"""More rows than one batch can hold fit into a block."""

_USUAL_ROWS = 2048
"""A block this long is read in about a millisecond, and costs its entries about once in ten batches."""
_MOST_ROWS = 32768
_LONGEST_RANGE = 64
"""Blocks read by one statement."""

MOST_AGE_MS = 3_600_000
"""Nobody appends to a block older than this, so entries of older blocks may be forgotten with their rows."""

_ROWS_PER_ENTRY = 4
"""With very many stations blocks are longer, so that there are always several rows for each entry written."""


def id_ranges(blocks: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The ids in these blocks (newest first), as first and end of ranges, neighbouring blocks taken together.

    The first range is one block and later ones are longer: who reads a page seldom needs more than the newest rows, and
    a database that does not know its tables yet should not be tempted to read all of them.
    """
    newest: int | None = None
    oldest = 0
    longest = 1
    for block in blocks:
        if newest is not None and (block != oldest - 1 or newest - block >= longest):
            yield oldest << _BITS, (newest + 1) << _BITS
            newest = None
            longest = min(2 * longest, _LONGEST_RANGE)
        if newest is None:
            newest = block
        oldest = block
    if newest is not None:
        yield oldest << _BITS, (newest + 1) << _BITS


def block_of(row_id: int) -> int:
    """The number of the block that a row is in."""
    return row_id >> _BITS


class OpenBlock(Generic[K]):
    """The block that a writer appends to. Its number is the writer's own, so writers never share a block."""

    def __init__(self, counter: str) -> None:
        self._counter = counter
        self._number: int | None = None
        self._rows = 0
        self._seen: set[K] = set()
        self._begun_ms = 0

    def append(self, connection: Connection, keys: Sequence[K], now_ms: int) -> tuple[int, list[tuple[K, int, int]]]:
        """Room for one row per key: the id of the first row, the others follow; and the entries now needed.

        An entry is a key, the number of the block, and where among ``keys`` the key first occurs. ``now_ms`` is when
        the rows were made.
        """
        if self._number is None or self._is_full() or now_ms - self._begun_ms > MOST_AGE_MS:
            self._number = self._next_number(connection)
            self._rows = 0
            self._seen = set()
            self._begun_ms = now_ms
        first = (self._number << _BITS) + self._rows
        self._rows += len(keys)
        new = set(keys) - self._seen
        self._seen |= new
        return first, [(key, self._number, keys.index(key)) for key in new]

    def abandon(self) -> None:
        """Begin a new block next time: what was appended may not have been committed."""
        self._number = None

    def _is_full(self) -> bool:
        wanted = max(_USUAL_ROWS, _ROWS_PER_ENTRY * len(self._seen))
        return self._rows >= min(wanted, _MOST_ROWS)

    def _next_number(self, connection: Connection) -> int:
        bump = (
            update(counters)
            .where(counters.c.name == self._counter)
            .values(value=counters.c.value + 1)
            .returning(counters.c.value)
        )
        number: int = connection.execute(bump).scalar_one()
        return number
