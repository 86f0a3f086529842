"""Parts of a file in HTTP: Range and If-Range of a download (RFC 9110, 14), Content-Range of an upload."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["ContentRange", "Coverage", "Span", "Unsatisfiable", "read_content_range", "read_range"]

_ONE_RANGE: Final = re.compile(r"bytes=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE)
_CONTENT_RANGE: Final = re.compile(r"bytes\s+(?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)", re.IGNORECASE)


class Unsatisfiable(ValueError):
    """The part that was asked for is not there, or makes no sense."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes from ``start`` up to, not including, ``end``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ContentRange:
    """What part of a file a body is."""

    span: Span | None
    """None: no part, it is only asked how far the upload is."""
    total: int | None
    """Bytes of the whole file; None: not known yet."""


def read_range(header: str | None, if_range: str | None, etag: str, size: int) -> Span | None:
    """The part to send; None for the whole. Raises Unsatisfiable.

    What is no single range of bytes is ignored, as the standard allows; so is a range of another content.
    """
    found = _ONE_RANGE.fullmatch(header.strip()) if header is not None else None
    if found is None or (if_range is not None and if_range.strip() != etag):
        return None
    first, last = found.groups()
    if not first:
        if not last:
            return None
        if int(last) == 0 or size == 0:
            raise Unsatisfiable("no bytes are asked for")
        return Span(max(0, size - int(last)), size)
    start = int(first)
    end = min(size, int(last) + 1) if last else size
    if last and int(last) < start:
        return None
    if start >= size:
        raise Unsatisfiable("the file ends before that")
    return Span(start, end)


def read_content_range(header: str) -> ContentRange:
    """What a Content-Range says. Raises Unsatisfiable."""
    found = _CONTENT_RANGE.fullmatch(header.strip())
    if found is None:
        raise Unsatisfiable("the Content-Range cannot be read")
    first, last, whole = found.groups()
    total = None if whole == "*" else int(whole)
    if first is None:
        return ContentRange(None, total)
    span = Span(int(first), int(last) + 1)
    if span.end <= span.start or (total is not None and span.end > total):
        raise Unsatisfiable("the Content-Range contradicts itself")
    return ContentRange(span, total)


@dataclass(slots=True)
class Coverage:
    """Which bytes of a file were sent, in whatever order and however often."""

    size: int
    _spans: list[Span] = field(default_factory=list)

    def add(self, span: Span) -> None:
        """These were sent."""
        merged = []
        for one in self._spans:
            if one.end < span.start or span.end < one.start:
                merged.append(one)
            else:
                span = Span(min(one.start, span.start), max(one.end, span.end))
        self._spans = [*merged, span]

    @property
    def complete(self) -> bool:
        """Whether every byte was."""
        return self.size == 0 or self._spans == [Span(0, self.size)]
