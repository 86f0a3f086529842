"""Meter values as they are stored: one row for each moment, recognisable when it comes again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

import msgspec

from voltbridge.domain.metering import MeterRecord, SampledValue

__all__ = ["meter_record", "milliseconds", "whole_milliseconds"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_encode: Final = msgspec.json.Encoder().encode


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970, cut."""
    return (moment - _EPOCH) // _MILLISECOND


def whole_milliseconds(moment: datetime) -> datetime:
    """The moment as it will be read back from the storage, which counts milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def meter_record(
    station_id: str,
    evse_id: int,
    connector_id: int | None,
    transaction_id: int | None,
    at_ms: int,
    values: tuple[SampledValue, ...],
) -> MeterRecord:
    """The row for readings of one moment.

    Its key is a hash of whose the readings are and what was read, not of the message that brought them: a station that
    repeats the samples of a transaction in its last message adds no rows, nor does one that tells its EVSE late.
    """
    where = -evse_id if transaction_id is None else transaction_id
    digest = blake2b(_encode((where, values)), digest_size=8).digest()
    key = int.from_bytes(digest, "big") >> 1
    return MeterRecord(station_id, evse_id, connector_id, transaction_id, at_ms, key, values)
