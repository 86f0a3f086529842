"""Moments as whole milliseconds since the Unix epoch, which is what tables hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["from_ms", "optional_from_ms", "optional_to_ms", "to_ms"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """Milliseconds since the epoch; what is finer is cut off. The moment must be timezone-aware."""
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(ms: int) -> datetime:
    """The moment in UTC."""
    return _EPOCH + timedelta(milliseconds=ms)


def optional_to_ms(moment: datetime | None) -> int | None:
    """As ``to_ms``, None for None."""
    return None if moment is None else (moment - _EPOCH) // _MILLISECOND


def optional_from_ms(ms: int | None) -> datetime | None:
    """As ``from_ms``, None for None."""
    return None if ms is None else _EPOCH + timedelta(milliseconds=ms)
