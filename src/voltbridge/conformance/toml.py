"""Reading a TOML file into a struct, telling all mistakes at once, each with its line and the key that was meant."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import msgspec

__all__ = ["Mistake", "Read", "read"]

_Struct = TypeVar("_Struct", bound=msgspec.Struct)
_HEADER: Final = re.compile(r"\s*\[\[?[^\[\]]+\]\]?\s*(#.*)?$")
_WHERE: Final = re.compile(r"^(?P<problem>.*?)(?: - at `\$(?P<where>[^`]*)`)?$", re.DOTALL)
_SYNTAX: Final = re.compile(r"^(?P<problem>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)$", re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """Something wrong in the file."""

    line: int
    """0: nowhere, such as a key that is missing from a table that is."""
    key: str
    problem: str

    def shown(self, path: Path) -> str:
        """As compilers do it: ``kit.toml:3: evses: Expected `int` >= 1``."""
        where = f"{path}:{self.line}" if self.line else str(path)
        return ": ".join(one for one in (where, self.key, self.problem) if one)


@dataclass(frozen=True, slots=True)
class Read(Generic[_Struct]):
    """What became of a file: a value, or mistakes."""

    value: _Struct | None
    mistakes: list[Mistake]
    lines: Mapping[str, int]
    """Where each key stands, by its dotted name."""


def read(content: bytes, base: _Struct) -> Read[_Struct]:
    """Read the text of a file into a struct like this one, which has what the file leaves out."""
    kind = type(base)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return Read(None, [Mistake(line, "", "is not UTF-8")], {})
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _SYNTAX.match(str(error))
        assert found is not None, f"tomllib says where: {error}"
        line = int(found["line"] or text.rstrip().count("\n") + 1)
        return Read(None, [Mistake(line, "", f"is no TOML: {found['problem']}")], {})
    lines = _lines(text)
    mistakes = list(_mistakes(given, kind, "", lines))
    if mistakes:
        return Read(None, mistakes, lines)
    try:
        return Read(msgspec.convert(_over(msgspec.to_builtins(base), given), kind), [], lines)
    except msgspec.ValidationError as error:  # a rule of a whole struct
        return Read(None, [Mistake(0, "", str(error))], lines)


def _over(base: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, and the rest from the base."""
    merged = dict(base)
    for name, value in given.items():
        below = merged.get(name)
        merged[name] = _over(below, value) if isinstance(value, Mapping) and isinstance(below, Mapping) else value
    return merged


def _mistakes(given: Mapping[str, Any], kind: type[Any], above: str, lines: Mapping[str, int]) -> Iterator[Mistake]:
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    for name, value in given.items():
        key = f"{above}{name}"
        line = lines.get(key, 0)
        if name not in fields:
            near = get_close_matches(name, fields, n=1)
            hint = f"; did you mean {above}{near[0]}?" if near else f": there are {', '.join(fields)}"
            yield Mistake(line, key, f"there is no such key{hint}")
            continue
        type_ = fields[name].type
        if isinstance(type_, type) and issubclass(type_, msgspec.Struct) and isinstance(value, Mapping):
            yield from _mistakes(value, type_, f"{key}.", lines)
            continue
        try:
            msgspec.convert(value, type_)
        except msgspec.ValidationError as error:
            found = _WHERE.match(str(error))
            assert found is not None, "it matches everything"
            yield Mistake(line, key + (found["where"] or ""), found["problem"])
    for name, field in fields.items():
        if field.required and name not in given:
            yield Mistake(lines.get(above.rstrip("."), 0), f"{above}{name}", "is missing")


def _lines(text: str) -> Mapping[str, int]:
    """The line at which each key, table or value begins. ``text`` is TOML."""
    lines: dict[str, int] = {}
    table = statement = ""
    begins = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not statement and _HEADER.match(line):
            # A header and a value under it: what the keys of its path are is for the parser to say.
            path = _path(tomllib.loads(f"{line}\n"))
            table = f"{path}." if path else ""
            lines.setdefault(path, number)
            continue
        begins = begins if statement else number
        statement += f"{line}\n"
        try:
            keys = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue  # a value that goes on
        for key in _keys(keys, table):
            lines.setdefault(key, begins)
        statement = ""
    return lines


def _path(nested: Any) -> str:
    """Of tables with one key each, the keys."""
    names = []
    while isinstance(nested, Mapping | list) and nested:
        if isinstance(nested, list):
            nested = nested[-1]
            continue
        name, nested = next(iter(nested.items()))
        names.append(name)
    return ".".join(names)


def _keys(nested: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, value in nested.items():
        yield f"{above}{name}"
        if isinstance(value, Mapping):
            yield from _keys(value, f"{above}{name}.")
