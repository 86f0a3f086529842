"""Meter values in one shape: normalised units, the raw reading kept beside.

These are msgspec structs, not dataclasses, because thousands of them are made each second.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

__all__ = ["MeterRecord", "MeterValue", "SampledValue"]


class SampledValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """One reading. Names (measurand, phase, context, location) are the standard's own texts.

    ``value`` is in ``unit``, normalised: Wh, varh, VAh, W, var, VA, A, V, Celsius, Percent, Hz (other units are kept as
    they came). ``value`` is None when the reading was no number (signed data only). ``raw`` keeps what came on the wire
    where normalising changed it or where it is signed data.
    """

    measurand: str
    value: float | None
    unit: str | None
    phase: str | None = None
    context: str = "Sample.Periodic"
    location: str = "Outlet"
    raw: str | None = None
    raw_unit: str | None = None
    signed: str | None = None
    """Signed meter data as it came: the text for 1.6, the JSON object's text for 2.x."""


class MeterValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """Readings taken at one moment."""

    at: datetime
    values: tuple[SampledValue, ...]


class MeterRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A meter value as stored: where it was read, and a key that tells a repetition from a new reading.

    ``key`` is a 63-bit hash of the content as it came, so that a retried message makes no second row.
    """

    station_id: str
    evse_id: int
    connector_id: int | None
    transaction_id: int | None
    """Our own id (``Transaction.id``), not the protocol's."""
    at_ms: int
    key: int
    values: tuple[SampledValue, ...]
