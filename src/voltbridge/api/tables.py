"""Records as text for other programs: CSV (RFC 4180) or a JSON object a line, compressed or not.

A spreadsheet takes a cell that begins with =, +, - or @ for a formula and runs it, and what stations and drivers send
ends up in cells. So in CSV such a text gets an apostrophe in front, unless the reader says that it is no spreadsheet;
numbers stay numbers. JSON lines hold every value as it is.
"""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

__all__ = ["Format", "Lines", "compressed", "csv_lines", "json_lines"]

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


class Format(StrEnum):
    """How records are written."""

    CSV = "csv"
    JSONL = "jsonl"


Lines = Callable[[Iterable[Mapping[str, Any]]], bytes]
"""Writes records; called with none at first, for what stands before them."""


def json_lines(records: Iterable[Mapping[str, Any]]) -> bytes:
    """A JSON object a line."""
    return msgspec.json.Encoder().encode_lines(list(records))


def csv_lines(columns: Sequence[str], *, for_spreadsheets: bool) -> Lines:
    """A line a record, below a line with the columns' names; lists and objects are JSON in a cell."""
    begun = False

    def write(records: Iterable[Mapping[str, Any]]) -> bytes:
        nonlocal begun
        text = io.StringIO()
        writer = csv.writer(text)
        if not begun:
            begun = True
            writer.writerow(columns)
        for record in records:
            writer.writerow([_cell(record[name], for_spreadsheets) for name in columns])
        return text.getvalue().encode()

    return write


def compressed(lines: Lines) -> tuple[Lines, Callable[[], bytes]]:
    """The same as gzip, and what has to follow at the end."""
    packer = zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return lambda records: packer.compress(lines(records)), packer.flush


def _cell(value: Any, for_spreadsheets: bool) -> Any:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return f"'{value}" if for_spreadsheets and value.startswith(_FORMULAS) else value
        case list() | dict():
            return msgspec.json.encode(value).decode()
        case _:
            return value
