"""The step between the wire's "absent" and the domain's None."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from msgspec import UNSET, UnsetType

from voltbridge.protocol.datetimes import DateTime

__all__ = ["given", "moment", "optional"]

Value = TypeVar("Value")


def given(value: Value | UnsetType) -> Value | None:
    """The value of an optional field, or None when the message leaves it out."""
    return None if isinstance(value, UnsetType) else value


def moment(value: DateTime | UnsetType) -> datetime | None:
    """The moment an optional date-time names, or None when the message leaves it out."""
    return None if isinstance(value, UnsetType) else value.moment


def optional(value: Value | None) -> Value | UnsetType:
    """The value for an optional field of a message, which leaves it out for None."""
    return UNSET if value is None else value
