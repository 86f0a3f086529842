"""Parts of files, as HTTP speaks of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltbridge.csms.files.ranges import (
    ContentRange,
    Coverage,
    Span,
    Unsatisfiable,
    read_content_range,
    read_range,
)

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, None),
        ("bytes=0-", Span(0, 100)),
        ("bytes=10-19", Span(10, 20)),
        ("Bytes = 10 - 19", None),
        ("bytes= 10-19 ", Span(10, 20)),
        ("bytes=90-1000", Span(90, 100)),
        ("bytes=-10", Span(90, 100)),
        ("bytes=-1000", Span(0, 100)),
        ("bytes=0-1,5-6", None),
        ("bytes=9-3", None),
        ("bytes=-", None),
        ("lines=1-2", None),
        ("bytes=x-", None),
    ],
)
def test_a_range_is_a_part_or_ignored(header: str | None, wanted: Span | None) -> None:
    assert read_range(header, None, ETAG, 100) == wanted


@pytest.mark.parametrize(("header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-1", 0)])
def test_what_is_not_there_cannot_be_sent(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        read_range(header, None, ETAG, size)


def test_a_range_of_another_content_is_the_whole_of_this_one() -> None:
    assert read_range("bytes=5-", ETAG, ETAG, 100) == Span(5, 100)
    assert read_range("bytes=5-", '"other"', ETAG, 100) is None
    assert read_range("bytes=500-", "Sat, 21 Nov 2026 10:00:00 GMT", ETAG, 100) is None


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes 0-9/100", ContentRange(Span(0, 10), 100)),
        ("bytes 0-9/*", ContentRange(Span(0, 10), None)),
        ("bytes */100", ContentRange(None, 100)),
        ("bytes */*", ContentRange(None, None)),
    ],
)
def test_a_content_range_is_read(header: str, wanted: ContentRange) -> None:
    assert read_content_range(header) == wanted


@pytest.mark.parametrize("header", ["bytes 9-0/100", "bytes 0-100/100", "bytes 0-/5", "0-9/10", "", "bytes -1-2/3"])
def test_a_content_range_that_contradicts_itself_is_refused(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        read_content_range(header)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), max_size=12), st.integers(1, 30))
def test_all_is_covered_when_every_byte_was(parts: list[tuple[int, int]], size: int) -> None:
    coverage, seen = Coverage(size), set[int]()
    for start, length in parts:
        span = Span(min(start, size), min(start + length, size))
        if span.start < span.end:
            coverage.add(span)
            seen.update(range(span.start, span.end))
        assert coverage.complete == (len(seen) == size)


def test_nothing_covers_an_empty_file() -> None:
    assert Coverage(0).complete
