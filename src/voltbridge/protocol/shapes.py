"""The types of a message as plain data, for code that walks them: which fields, which limits.

Compiled once per message type from what msgspec knows of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final, cast

from msgspec import inspect

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Draft4Payload, Payload

__all__ = [
    "Anything",
    "Choice",
    "Custom",
    "Field",
    "Flag",
    "Many",
    "Moment",
    "Number",
    "Record",
    "Shape",
    "Text",
    "Whole",
    "folded",
    "record",
]


@dataclass(frozen=True, slots=True)
class Text:
    """A string: at most ``longest`` characters, a URI where ``uri`` is set."""

    longest: int | None
    uri: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer within limits; ``fraction`` tells whether 5.0 counts as one (draft-06)."""

    low: int | None
    high: int | None
    fraction: bool


@dataclass(frozen=True, slots=True)
class Number:
    """A number within limits; a multiple of a tenth where ``tenths`` is set."""

    low: float | None
    high: float | None
    tenths: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A member of an enumeration."""

    values: Mapping[str, StrEnum]
    folded: Mapping[str, StrEnum]
    """By what ``folded`` makes of the value; values that it makes the same are left out."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A date-time."""


@dataclass(frozen=True, slots=True)
class Custom:
    """A vendor's own data."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON."""


@dataclass(frozen=True, slots=True)
class Many:
    """A list of at least ``fewest`` and at most ``most`` items."""

    item: Shape
    fewest: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in Python, its shape, and whether it has to be there."""

    attribute: str
    shape: Shape
    required: bool


@dataclass(frozen=True, slots=True)
class Record:
    """An object, made into ``cls``; the fields are by their names on the wire."""

    cls: type[Payload]
    fields: Mapping[str, Field]


Shape = Text | Whole | Number | Choice | Flag | Moment | Custom | Anything | Many | Record

_CUSTOM: Final = Custom()
_SEPARATORS: Final = re.compile(r"[\s_.\-]+")


def folded(value: str) -> str:
    """A value of an enumeration without regard to capitals and separators: ``ev-disconnected`` is EVDisconnected."""
    return _SEPARATORS.sub("", value.casefold())


@cache
def record(cls: type[Payload]) -> Record:
    """The shape of a message or of a part of one."""
    known = inspect.type_info(cls)
    assert isinstance(known, inspect.StructType)
    return _record(known)


def _record(known: inspect.StructType) -> Record:
    fraction = not issubclass(known.cls, Draft4Payload)
    fields = {
        field.encode_name: Field(field.name, _shape(field.type, fraction), field.required) for field in known.fields
    }
    return Record(cast(type[Payload], known.cls), fields)


def _shape(known: inspect.Type, fraction: bool) -> Shape:
    extra: dict[str, Any] = {}
    if isinstance(known, inspect.Metadata):
        extra, known = known.extra or {}, known.type
    match known:
        case inspect.StructType():
            return _record(known)
        case inspect.ListType():
            return Many(_shape(known.item_type, fraction), known.min_length or 0, known.max_length)
        case inspect.EnumType():
            return _choice(known.cls)
        case inspect.CustomType():
            return Moment() if known.cls is DateTime else _CUSTOM
        case inspect.StrType():
            return Text(known.max_length, extra.get("format") == "uri")
        case inspect.IntType():
            return Whole(known.ge, known.le, fraction)
        case inspect.FloatType():
            return Number(known.ge, known.le, extra.get("multiple_of") == "0.1")
        case inspect.BoolType():
            return Flag()
        case inspect.AnyType():
            return Anything()
        case _:
            raise TypeError(f"no message field has the type {known}")


def _choice(cls: type) -> Choice:
    members: dict[str, StrEnum] = {member.value: member for member in cls}  # type: ignore[attr-defined]
    alike: dict[str, list[StrEnum]] = {}
    for value, member in members.items():
        alike.setdefault(folded(value), []).append(member)
    return Choice(members, {key: found[0] for key, found in alike.items() if len(found) == 1})
