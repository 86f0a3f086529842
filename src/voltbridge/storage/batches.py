"""From facts to rows: what one commit writes, each upsert coalesced to the last fact of its key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from voltbridge.domain.events import Event
from voltbridge.domain.evses import Connector
from voltbridge.domain.messages import DeviationCount, MessageRecord
from voltbridge.domain.metering import MeterRecord
from voltbridge.domain.stations import StationReport
from voltbridge.domain.transactions import Transaction
from voltbridge.storage.sql.connectors import connector_row, connector_upsert
from voltbridge.storage.sql.deviations import deviation_rows, deviation_upsert
from voltbridge.storage.sql.events import event_row, event_upsert
from voltbridge.storage.sql.messages import message_row, message_upsert
from voltbridge.storage.sql.meter_values import meter_row, meter_upsert
from voltbridge.storage.sql.schema import Row, Upsert
from voltbridge.storage.sql.stations import report_row, report_upsert
from voltbridge.storage.sql.transactions import transaction_row, transaction_upsert

__all__ = ["Fact", "Rows", "station_of", "to_rows"]

Fact = StationReport | Connector | Transaction | MeterRecord | Event | MessageRecord | DeviationCount

Rows = list[tuple[Upsert, Sequence[Row]]]
"""What to write, table by table."""


def to_rows(facts: Iterable[Fact]) -> Rows:
    """The rows of these facts. Raises whatever a fact that cannot be a row raises."""
    kinds: dict[type, list[Fact]] = {}
    for fact in facts:
        kind = type(fact)
        if kind in kinds:
            kinds[kind].append(fact)
        else:
            kinds[kind] = [fact]
    return [_MAKERS[kind](kinds[kind]) for kind in _MAKERS if kind in kinds]


def station_of(fact: Fact) -> str | None:
    """Whose fact this is; None for an event that concerns no station."""
    return fact.last_station_id if isinstance(fact, DeviationCount) else fact.station_id


def _all(upsert: Upsert, row: Callable[..., Row]) -> Callable[[Iterable[Fact]], tuple[Upsert, Sequence[Row]]]:
    return lambda facts: (upsert, [row(fact) for fact in facts])


def _last(upsert: Upsert, row: Callable[..., Row]) -> Callable[[Iterable[Fact]], tuple[Upsert, Sequence[Row]]]:
    width = len(upsert.table.primary_key.columns)

    def rows(facts: Iterable[Fact]) -> tuple[Upsert, Sequence[Row]]:
        return upsert, list({made[:width]: made for made in map(row, facts)}.values())

    return rows


_MAKERS: dict[type, Callable[..., tuple[Upsert, Sequence[Row]]]] = {
    StationReport: _last(report_upsert, report_row),
    Connector: _last(connector_upsert, connector_row),
    Transaction: _last(transaction_upsert, transaction_row),
    MeterRecord: _all(meter_upsert, meter_row),
    Event: _all(event_upsert, event_row),
    MessageRecord: _all(message_upsert, message_row),
    DeviationCount: lambda counts: (deviation_upsert, deviation_rows(counts)),
}
