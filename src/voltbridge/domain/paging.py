"""One page of a longer list, and where the next begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["InvalidCursor", "Page", "PageRequest"]

Item = TypeVar("Item")


class InvalidCursor(ValueError):
    """The cursor was not one that this list gave out."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: ``limit`` items from ``cursor`` on (the opaque text of the page before), or from the start."""

    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """The items, and the cursor of the next page or None when this was the last."""

    items: tuple[Item, ...]
    next: str | None = None
