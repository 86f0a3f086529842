"""The step from the wire's "absent" to the domain's None."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from msgspec import UnsetType

from voltbridge.protocol.datetimes import DateTime

__all__ = ["given", "moment"]

Value = TypeVar("Value")


def given(value: Value | UnsetType) -> Value | None:
    """The value of an optional field, or None when the message leaves it out."""
    return None if isinstance(value, UnsetType) else value


def moment(value: DateTime | UnsetType) -> datetime | None:
    """The moment an optional date-time names, or None when the message leaves it out."""
    return None if isinstance(value, UnsetType) else value.moment
