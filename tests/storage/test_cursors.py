"""Cursors: what a list gave out is taken back, everything else is refused."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltbridge.domain.paging import InvalidCursor, PageRequest
from voltbridge.storage.cursors import cut, read_cursor, write_cursor


@given(st.text(), st.integers(-(2**63) + 1, 2**63 - 1))
@settings(max_examples=200)
def test_a_key_comes_back(text: str, number: int) -> None:
    cursor = write_cursor("list", (text, number))
    assert read_cursor("list", PageRequest(cursor=cursor), (str, int)) == (text, number)
    assert cursor.isascii() and "=" not in cursor


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
@settings(max_examples=500)
def test_garbage_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        read_cursor("list", PageRequest(cursor=cursor), (str, int))


@pytest.mark.parametrize(
    "content",
    [
        *(
            ["list", "a"],
            ["list", "a", 1, 2],
            ["other", "a", 1],
            ["list", 1, "a"],
            ["list", "a", 1.0],
            ["list", "a", True],
        ),
        *(["list", "a", 2**63], ["list", None, 1], [], {"list": 1}, "list", 7, None, [["list"], "a", 1]),
    ],
)
def test_a_cursor_of_another_shape_is_refused(content: object) -> None:
    cursor = base64.urlsafe_b64encode(msgspec.json.encode(content)).rstrip(b"=").decode()
    with pytest.raises(InvalidCursor):
        read_cursor("list", PageRequest(cursor=cursor), (str, int))


def test_no_cursor_is_the_beginning() -> None:
    assert read_cursor("list", PageRequest(), (str,)) is None


def test_the_last_page_has_no_next() -> None:
    rows = [((number,), number) for number in range(3)]
    assert cut("list", rows, 3).next is None
    page = cut("list", rows, 2)
    assert page.items == (0, 1)
    assert read_cursor("list", PageRequest(cursor=page.next), (int,)) == (1,)
