"""How the stores reach the database: reads on a pool of threads, writes through the journal's one writer.

Work is a plain function of a SQLAlchemy connection; it runs inside a transaction, on a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy import Connection

__all__ = ["Run", "Sessions"]

T = TypeVar("T")


class Run(Protocol):
    """Runs work in a transaction and returns its result, or raises what it raised, or StorageUnavailable."""

    async def __call__(self, work: Callable[[Connection], T]) -> T: ...


@dataclass(frozen=True, slots=True)
class Sessions:
    """The two ways in. A read sees everything whose write was awaited before; a write is durable when it returns."""

    read: Run
    write: Run
