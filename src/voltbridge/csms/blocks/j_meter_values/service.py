"""Meter values as stations send them outside of transaction messages (2.0.1 J01; 1.6 4.7).

This is the message that comes most often: nothing here reads the database, and a running transaction's row is written
anew every few seconds only. Whatever the values are, the message is taken in (1.6 4.7; J01.FR.18).

Values that name no transaction belong to the one running on their EVSE, if they were taken after its start. EVSE 0 is
the station's own meter: what it counts is never a transaction's energy, even where its values name one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from voltbridge.csms.blocks.e_transactions.memory import running_on
from voltbridge.csms.blocks.e_transactions.service import TransactionService
from voltbridge.csms.events import EventLog
from voltbridge.csms.journal import Journal
from voltbridge.domain.meter_records import meter_record, milliseconds
from voltbridge.domain.metering import MeterValue, SampledValue
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.transactions import Transaction, TransactionPhase, TransactionUpdate
from voltbridge.protocol.datetimes import DateTime

__all__ = ["MeterValueService"]


class MeterValueService:
    """Takes in meter values."""

    def __init__(self, transactions: TransactionService, journal: Journal, events: EventLog) -> None:
        self._transactions = transactions
        self._journal = journal
        self._events = events

    def record(
        self, live: LiveStation, evse_id: int, connector_id: int | None, meter_values: Sequence[MeterValue]
    ) -> None:
        """Values of an EVSE, or of the station as a whole (EVSE 0)."""
        transaction = running_on(live, evse_id) if evse_id else None
        if transaction is None or transaction.started_at is None:
            self._record(live, evse_id, connector_id, transaction, meter_values)
            return
        since = transaction.started_at
        if all(meter_value.at >= since for meter_value in meter_values):
            self._record(live, evse_id, connector_id, transaction, meter_values)
            return
        for meter_value in meter_values:
            owner = transaction if meter_value.at >= since else None
            self._record(live, evse_id, connector_id, owner, (meter_value,))

    async def record_in_transaction(
        self,
        live: LiveStation,
        evse_id: int,
        connector_id: int | None,
        transaction_id: str,
        meter_values: Sequence[MeterValue],
        *,
        numbered: bool = True,
    ) -> None:
        """Values of a transaction, by the protocol's id. Raises StorageUnavailable.

        ``numbered`` is false where the station does not know the number and sends something else instead.
        """
        transaction = live.transactions.get(transaction_id)
        if not evse_id or (transaction is not None and transaction.evse_id is not None):
            self._record(live, evse_id, connector_id, transaction, meter_values)
            return
        if not meter_values:
            return
        update = TransactionUpdate(
            station_id=live.station_id,
            transaction_id=transaction_id,
            phase=TransactionPhase.UPDATED,
            at=min(meter_value.at for meter_value in meter_values),
            evse_id=evse_id,
            connector_id=connector_id,
            meter_values=tuple(meter_values),
        )
        apply = self._transactions.apply if numbered else self._transactions.apply_unnumbered
        outcome = await apply(live, update)
        if self._events.has_subscribers:
            self._tell(live, evse_id, connector_id, outcome.transaction, meter_values)

    def _record(
        self,
        live: LiveStation,
        evse_id: int,
        connector_id: int | None,
        transaction: Transaction | None,
        meter_values: Sequence[MeterValue],
    ) -> None:
        station_id, put = live.station_id, self._journal.put
        owner_id = transaction.id if transaction else None
        for meter_value in meter_values:
            at_ms = milliseconds(meter_value.at)
            put(meter_record(station_id, evse_id, connector_id, owner_id, at_ms, meter_value.values))
            if transaction is not None and evse_id:
                self._transactions.read(live, transaction, at_ms, meter_value)
        if self._events.has_subscribers:
            self._tell(live, evse_id, connector_id, transaction, meter_values)

    def _tell(
        self,
        live: LiveStation,
        evse_id: int,
        connector_id: int | None,
        transaction: Transaction | None,
        meter_values: Sequence[MeterValue],
    ) -> None:
        self._events.emit_live(
            "meter_values",
            live.station_id,
            evse_id=evse_id,
            connector_id=connector_id,
            transaction_id=str(transaction.id) if transaction else None,
            meter_values=[
                {"at": str(DateTime.of(meter_value.at)), "values": [_shown(value) for value in meter_value.values]}
                for meter_value in meter_values
            ],
        )


def _shown(value: SampledValue) -> dict[str, Any]:
    shown = {name: getattr(value, name) for name in ("measurand", "value", "unit", "phase", "context", "location")}
    return {name: held for name, held in shown.items() if held is not None}
