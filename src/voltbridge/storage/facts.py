"""From facts to rows: what one commit writes, each upsert coalesced to the last fact of its key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection

from voltbridge.domain.commands import Command
from voltbridge.domain.events import Event
from voltbridge.domain.evses import Connector
from voltbridge.domain.messages import DeviationCount, MessageRecord
from voltbridge.domain.metering import MeterRecord
from voltbridge.domain.stations import StationReport
from voltbridge.domain.transactions import Transaction
from voltbridge.storage.bulk import insert_rows
from voltbridge.storage.sql.blocks import OpenBlock
from voltbridge.storage.sql.commands import command_row, command_upsert
from voltbridge.storage.sql.connectors import connector_row, connector_upsert
from voltbridge.storage.sql.counters import MESSAGE_BLOCKS, METER_BLOCKS
from voltbridge.storage.sql.deviations import deviation_rows, deviation_upsert
from voltbridge.storage.sql.events import event_row, event_upsert
from voltbridge.storage.sql.messages import write_messages
from voltbridge.storage.sql.meter_values import MeterKey, write_meter_values
from voltbridge.storage.sql.schema import Row, Upsert
from voltbridge.storage.sql.stations import report_row, report_upsert
from voltbridge.storage.sql.transactions import transaction_row, transaction_upsert

__all__ = ["Fact", "FactTables", "station_of"]

Fact = StationReport | Connector | Transaction | MeterRecord | Event | MessageRecord | DeviationCount | Command


def station_of(fact: Fact) -> str | None:
    """Whose fact this is; None for an event that concerns no station."""
    return fact.last_station_id if isinstance(fact, DeviationCount) else fact.station_id


class FactTables:
    """Writes facts into their tables. Used by one thread, on one connection after the other."""

    def __init__(self) -> None:
        self._message_block = OpenBlock[str](MESSAGE_BLOCKS)
        self._meter_block = OpenBlock[MeterKey](METER_BLOCKS)

    def write(self, connection: Connection, facts: Iterable[Fact]) -> None:
        """Write the facts within the open transaction.

        Raises whatever a fact raises that cannot be made a row, and the driver's error for a value it refuses; call
        ``abandon`` when the transaction, or a savepoint in it, was rolled back.
        """
        kinds: defaultdict[type, list[Any]] = defaultdict(list)
        for fact in facts:
            kinds[type(fact)].append(fact)
        for kind, same in kinds.items():
            if kind is MessageRecord:
                write_messages(connection, self._message_block, same)
            elif kind is MeterRecord:
                write_meter_values(connection, self._meter_block, same)
            elif kind is DeviationCount:
                insert_rows(connection, deviation_upsert, deviation_rows(same))
            else:
                upsert, row = _NOUNS[kind]
                width = len(upsert.table.primary_key.columns)
                insert_rows(connection, upsert, list({made[:width]: made for made in map(row, same)}.values()))

    def abandon(self) -> None:
        """Forget what was noted of rows that may not have been committed."""
        self._message_block.abandon()
        self._meter_block.abandon()


_NOUNS: dict[type, tuple[Upsert, Callable[..., Row]]] = {
    StationReport: (report_upsert, report_row),
    Connector: (connector_upsert, connector_row),
    Transaction: (transaction_upsert, transaction_row),
    Event: (event_upsert, event_row),
    Command: (command_upsert, command_row),
}
