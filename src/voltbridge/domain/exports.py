"""What is taken out of the books as a whole: which part of it, and the records that no list shows one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from voltbridge.domain.metering import SampledValue

__all__ = ["ExportRange", "ExportedReadings"]


@dataclass(frozen=True, slots=True)
class ExportRange:
    """Which records; what is None does not matter."""

    station_id: str | None = None
    since: datetime | None = None
    """At or after this moment."""
    until: datetime | None = None
    """Before this moment."""


@dataclass(frozen=True, slots=True)
class ExportedReadings:
    """Readings of one moment and where they were taken. ``transaction_id`` is our own."""

    at: datetime
    station_id: str
    evse_id: int
    connector_id: int | None
    transaction_id: int | None
    key: int
    """Tells those of one station and moment apart."""
    values: tuple[SampledValue, ...]
