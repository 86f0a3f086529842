"""How often which kind of charger breaks the standard how: counted in memory, put into the journal now and then."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from voltbridge.csms.journal import Journal
from voltbridge.domain.clock import Clock
from voltbridge.domain.messages import DeviationCount
from voltbridge.domain.stations import StationReport
from voltbridge.protocol.policy import Deviation

__all__ = ["DeviationTally"]

_MAX_ROWS: Final = 5000
"""Rows between two flushes; a station that invents field names must not fill the memory."""
_MAX_PATH: Final = 200
_MAX_EXAMPLE: Final = 300
_INDEX: Final = re.compile(r"\[\d+\]")


class _Key(NamedTuple):
    vendor: str
    model: str
    firmware_version: str
    action: str
    path: str
    kind: str


@dataclass(slots=True)
class _Row:
    count: int
    first_seen_at: datetime
    last_seen_at: datetime
    last_station_id: str
    example: str


class DeviationTally:
    """Counts by vendor, model, firmware, action, path and kind. Places in lists count as one path: ``[]``."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._rows: dict[_Key, _Row] = {}

    def count(self, report: StationReport, action: str | None, deviations: Iterable[Deviation]) -> None:
        """Add what one message brought, forgiven or refused."""
        now = self._clock.now()
        for deviation in deviations:
            key = _Key(
                report.vendor or "",
                report.model or "",
                report.firmware_version or "",
                (action or "")[:_MAX_PATH],
                _INDEX.sub("[]", deviation.path)[:_MAX_PATH],
                deviation.kind.value,
            )
            row = self._rows.get(key)
            if row is None:
                if len(self._rows) >= _MAX_ROWS:
                    continue
                row = self._rows[key] = _Row(0, now, now, "", "")
            row.count += 1
            row.last_seen_at = now
            row.last_station_id = report.station_id
            row.example = deviation.detail[:_MAX_EXAMPLE]

    def flush(self) -> None:
        """Put what was counted into the journal. Raises StorageUnavailable, and then keeps what is not yet put."""
        while self._rows:
            key, row = next(iter(self._rows.items()))
            self._journal.put(
                DeviationCount(
                    *key, row.count, row.first_seen_at, row.last_seen_at, row.last_station_id, example=row.example
                )
            )
            del self._rows[key]
