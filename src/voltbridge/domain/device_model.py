"""The device model: components of a station, their variables, the attributes of those and what values they take.

One registry for stations of every version (2.0.1 Part 1, chapter 4). Names of components and variables are compared
without case; they are kept as the station spells them. A value is the text that is on the wire; what it means is told
by the characteristics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import quote

__all__ = [
    "Attribute",
    "AttributeType",
    "Characteristics",
    "Component",
    "DataType",
    "Mutability",
    "ReadResult",
    "ReadStatus",
    "ReportState",
    "StationReportParts",
    "StationVariable",
    "Value",
    "ValueProblem",
    "Variable",
    "VariableFilter",
    "WriteResult",
    "WriteStatus",
    "check_value",
    "text_of",
    "typed",
]


class AttributeType(StrEnum):
    """Which of a variable's values."""

    ACTUAL = "Actual"
    TARGET = "Target"
    MIN_SET = "MinSet"
    MAX_SET = "MaxSet"


class Mutability(StrEnum):
    """What can be done with a value."""

    READ_ONLY = "ReadOnly"
    WRITE_ONLY = "WriteOnly"
    READ_WRITE = "ReadWrite"


class DataType(StrEnum):
    """What a value is."""

    STRING = "string"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DATE_TIME = "dateTime"
    BOOLEAN = "boolean"
    OPTION_LIST = "OptionList"
    """One of several values."""
    SEQUENCE_LIST = "SequenceList"
    """Several values in an order."""
    MEMBER_LIST = "MemberList"
    """Several values in any order."""


_LISTS: Final = frozenset({DataType.SEQUENCE_LIST, DataType.MEMBER_LIST})


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a station, physical or logical."""

    name: str
    instance: str | None = None
    evse_id: int | None = None
    connector_id: int | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a component."""

    component: Component
    name: str
    instance: str | None = None

    @property
    def key(self) -> str:
        """One text for everything that means the same variable; sorts by component."""
        component = self.component
        return "/".join(
            (
                _folded(component.name),
                _folded(component.instance),
                _number(component.evse_id),
                _number(component.connector_id),
                _folded(self.name),
                _folded(self.instance),
            )
        )

    def __str__(self) -> str:
        component = self.component
        where = f"[{component.instance}]" if component.instance is not None else ""
        if component.evse_id is not None:
            where += f"@{component.evse_id}" + (f".{component.connector_id}" if component.connector_id else "")
        instance = f"[{self.instance}]" if self.instance is not None else ""
        return f"{component.name}{where}.{self.name}{instance}"


@dataclass(frozen=True, slots=True)
class Attribute:
    """What is read and written: one attribute of a variable."""

    variable: Variable
    type: AttributeType = AttributeType.ACTUAL

    @property
    def key(self) -> str:
        """As ``Variable.key``, for the attribute."""
        return f"{self.variable.key}/{self.type}"


@dataclass(frozen=True, slots=True)
class Characteristics:
    """What values a variable takes. Limits are inclusive."""

    data_type: DataType
    unit: str | None = None
    min_limit: float | None = None
    max_limit: float | None = None
    """Of a text or a list: how long its text may be."""
    values: tuple[str, ...] = ()
    """The values allowed, of a list or an option; empty: not told."""
    max_elements: int | None = None
    supports_monitoring: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StationVariable:
    """What is known of one attribute of a station's variable. None where nobody told."""

    station_id: str
    attribute: Attribute
    updated_at: datetime
    value: str | None = None
    mutability: Mutability | None = None
    persistent: bool | None = None
    constant: bool | None = None
    characteristics: Characteristics | None = None


@dataclass(frozen=True, slots=True)
class VariableFilter:
    """Which variables of a station to list; what is None does not matter."""

    station_id: str
    component: str | None = None
    """Name, whatever its case."""
    variable: str | None = None
    evse_id: int | None = None
    attribute: AttributeType | None = None
    mutability: Mutability | None = None


class ReadStatus(StrEnum):
    """What became of reading one attribute."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    UNKNOWN_COMPONENT = "UnknownComponent"
    UNKNOWN_VARIABLE = "UnknownVariable"
    NOT_SUPPORTED_ATTRIBUTE_TYPE = "NotSupportedAttributeType"
    NOT_ANSWERED = "NotAnswered"
    """The station sent no answer, or one without this attribute."""


class WriteStatus(StrEnum):
    """What became of writing one attribute."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    REBOOT_REQUIRED = "RebootRequired"
    """Taken, and in force from the next boot on."""
    UNKNOWN_COMPONENT = "UnknownComponent"
    UNKNOWN_VARIABLE = "UnknownVariable"
    NOT_SUPPORTED_ATTRIBUTE_TYPE = "NotSupportedAttributeType"
    INVALID = "Invalid"
    """Not sent: the station has told that it cannot take this value."""
    NOT_ANSWERED = "NotAnswered"

    @property
    def is_taken(self) -> bool:
        """Whether the station has the value now, or after its next boot."""
        return self in (WriteStatus.ACCEPTED, WriteStatus.REBOOT_REQUIRED)


@dataclass(frozen=True, slots=True)
class ReadResult:
    """One attribute as the station answered."""

    attribute: Attribute
    status: ReadStatus
    value: str | None = None
    reason: str | None = None
    mutability: Mutability | None = None
    """Where the answer tells it too."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of one value."""

    attribute: Attribute
    status: WriteStatus
    reason: str | None = None


class ReportState(StrEnum):
    """How far a report in parts has come."""

    RECEIVING = "Receiving"
    INCOMPLETE = "Incomplete"
    """Parts are missing and none has come for a while: what came is shown, what it replaces is kept."""
    COMPLETE = "Complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class StationReportParts:
    """A report of a station's variables, which comes in parts, in any order, some twice."""

    station_id: str
    request_id: int
    kind: str | None
    """What was asked for: ``FullInventory`` ..., or ``Custom``; None: nobody asked."""
    requested_at: datetime
    last_part_at: datetime | None = None
    parts: str = ""
    """Sequence numbers that have come (see ``voltbridge.domain.sequences``)."""
    last_seq_no: int | None = None
    """The number of the last part, once it has come."""
    variables: int = 0
    """Attributes reported, those of repeated parts counted once more."""

    @property
    def is_complete(self) -> bool:
        """Whether every part from 0 to the last has come."""
        if self.last_seq_no is None:
            return False
        return self.parts == ("0" if self.last_seq_no == 0 else f"0-{self.last_seq_no}")


class ValueProblem(Exception):
    """A value that a variable does not take; the text says why."""


Value = str | bool | int | float | Sequence[str]


def text_of(value: Value) -> str:
    """A value as it is on the wire: booleans in lower case, lists with commas. Raises ValueProblem."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    if any("," in item for item in value):
        raise ValueProblem("an item of a list cannot contain a comma")
    return ",".join(value)


def typed(value: str, characteristics: Characteristics | None) -> bool | int | float | str | list[str]:
    """A value as what it is; the text itself where that is all there is, or where it is not what it should be."""
    match characteristics.data_type if characteristics else None:
        case DataType.BOOLEAN if value.lower() in ("true", "false"):
            return value.lower() == "true"
        case DataType.INTEGER | DataType.DECIMAL:
            number = _as_number(value)
            return value if number is None else number
        case DataType.SEQUENCE_LIST | DataType.MEMBER_LIST:
            return [item.strip() for item in value.split(",")] if value.strip() else []
    return value


def check_value(value: str, characteristics: Characteristics) -> None:
    """Raise ValueProblem when the characteristics rule the value out (2.0.1 B05.FR.07 and following)."""
    kind = characteristics.data_type
    if kind is DataType.BOOLEAN:
        if value.lower() not in ("true", "false"):
            raise ValueProblem("must be true or false")
    elif kind in (DataType.INTEGER, DataType.DECIMAL):
        _check_number(value, characteristics)
    elif kind in _LISTS:
        items = [item.strip() for item in value.split(",")] if value.strip() else []
        if characteristics.max_elements is not None and len(items) > characteristics.max_elements:
            raise ValueProblem(f"has {len(items)} items, at most {characteristics.max_elements} are taken")
        _check_length(value, characteristics)
        for item in items:
            _check_option(item, characteristics)
    elif kind is DataType.OPTION_LIST:
        _check_option(value, characteristics)
    else:
        _check_length(value, characteristics)


def _check_number(value: str, characteristics: Characteristics) -> None:
    number = _as_number(value)
    if number is None or (characteristics.data_type is DataType.INTEGER and not isinstance(number, int)):
        raise ValueProblem(f"must be a number of type {characteristics.data_type}")
    if characteristics.min_limit is not None and number < characteristics.min_limit:
        raise ValueProblem(f"must be at least {characteristics.min_limit:g}")
    if characteristics.max_limit is not None and number > characteristics.max_limit:
        raise ValueProblem(f"must be at most {characteristics.max_limit:g}")


def _check_length(value: str, characteristics: Characteristics) -> None:
    if characteristics.max_limit is not None and len(value) > characteristics.max_limit:
        raise ValueProblem(f"has {len(value)} characters, at most {characteristics.max_limit:g} are taken")


def _check_option(value: str, characteristics: Characteristics) -> None:
    allowed = characteristics.values
    if allowed and value not in allowed:
        raise ValueProblem(f"{value!r} is none of the values {', '.join(allowed)}")


def _as_number(value: str) -> int | float | None:
    text = value.strip()
    if not text.isascii() or "_" in text:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number - number == 0 else None  # neither infinite nor no number


def _folded(name: str | None) -> str:
    return "" if name is None else quote(name.casefold(), safe=" ")


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:03d}"
