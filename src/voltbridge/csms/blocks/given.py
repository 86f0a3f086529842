"""Steps between the wire and the domain: its "absent" and our None, its enumerations and our texts."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TypeVar

from msgspec import UNSET, UnsetType

from voltbridge.domain.commands import Unsupported
from voltbridge.protocol.datetimes import DateTime

__all__ = ["among", "given", "moment", "optional"]

Value = TypeVar("Value")
Member = TypeVar("Member", bound=Enum)


def among(kinds: type[Member], value: str, has_no: str) -> Member:
    """The member that is so called. Raises Unsupported; ``has_no`` begins what that says."""
    try:
        return kinds(value)
    except ValueError:
        raise Unsupported(f"{has_no} {value}; it has {', '.join(kind.value for kind in kinds)}") from None


def given(value: Value | UnsetType) -> Value | None:
    """The value of an optional field, or None when the message leaves it out."""
    return None if isinstance(value, UnsetType) else value


def moment(value: DateTime | UnsetType) -> datetime | None:
    """The moment an optional date-time names, or None when the message leaves it out."""
    return None if isinstance(value, UnsetType) else value.moment


def optional(value: Value | None) -> Value | UnsetType:
    """The value for an optional field of a message, which leaves it out for None."""
    return UNSET if value is None else value
