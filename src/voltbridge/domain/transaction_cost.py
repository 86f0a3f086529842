"""The cost of a transaction as its messages come: what each adds to the facts, and the transaction with its cost.

As in ``voltbridge.domain.transaction_rules`` a set of messages gives the same cost in any order, repeated or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from voltbridge.domain.cost import Cost, cost_of
from voltbridge.domain.cost_facts import CostFacts, KeptFacts
from voltbridge.domain.evses import ConnectorStatus
from voltbridge.domain.meter_records import milliseconds
from voltbridge.domain.metering import MeterValue
from voltbridge.domain.transactions import Transaction, TransactionState, TransactionUpdate

__all__ = ["CHARGING_STATES", "cost_at", "costed", "facts_of", "refresh_cost", "take_update"]

CHARGING_STATES: Final = {
    ConnectorStatus.PREPARING: "EVConnected",
    ConnectorStatus.CHARGING: "Charging",
    ConnectorStatus.SUSPENDED_EV: "SuspendedEV",
    ConnectorStatus.SUSPENDED_EVSE: "SuspendedEVSE",
    ConnectorStatus.FINISHING: "EVConnected",
    ConnectorStatus.FAULTED: "Idle",
    ConnectorStatus.UNAVAILABLE: "Idle",
}
"""The charging state that a connector's status tells, where transactions do not tell theirs (1.6)."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(KeptFacts).decode


def facts_of(transaction: Transaction) -> CostFacts | None:
    """What was kept of the facts, to go on from; None without a tariff."""
    if transaction.tariff is None:
        return None
    return CostFacts(transaction.tariff, _decode(transaction.cost_facts) if transaction.cost_facts else None)


def take_update(facts: CostFacts, update: TransactionUpdate) -> None:
    """Add what a message says."""
    at_ms = milliseconds(update.at)
    facts.take_message(at_ms, update.sequence, update.charging_state)
    for wh in (update.meter_start_wh, update.meter_stop_wh):
        if wh is not None:
            facts.take_reading(at_ms, wh)
    for meter_value in update.meter_values:
        facts.take_values(milliseconds(meter_value.at), meter_value.values)


def cost_at(transaction: Transaction, facts: CostFacts, at: datetime) -> Cost:
    """What a transaction with a tariff has cost until a moment; one that has ended, until its end."""
    over = transaction.state is not TransactionState.ACTIVE
    until = transaction.stopped_at if over and transaction.stopped_at is not None else at
    return cost_of(
        facts,
        started_at=transaction.started_at,
        until=until,
        energy_wh=transaction.energy_wh,
        final=over,
    )


def costed(transaction: Transaction, facts: CostFacts) -> Transaction:
    """The transaction with its cost as of the latest message; the very same object when nothing changes.

    A cost that was final and is another now says in its note what it was.
    """
    latest_ms = facts.latest_ms
    if latest_ms is None:
        latest_ms = milliseconds(transaction.started_at or transaction.created_at)
    cost = cost_at(transaction, facts, _EPOCH + timedelta(milliseconds=latest_ms))
    former = transaction.cost
    if former is not None and former.final:
        note = former.note
        if cost.total != former.total:
            was = "not known" if former.total is None else f"{former.total} {former.currency}"
            note = f"corrected after the end; it was {was}"
        cost = replace(cost, note=note)
    text = _encode(facts.keep()).decode()
    if cost == former and text == transaction.cost_facts:
        return transaction
    return replace(transaction, cost=cost, cost_facts=text)


def refresh_cost(transaction: Transaction, meter_values: Iterable[MeterValue]) -> Transaction:
    """The transaction with meter values that were stored after its row; those it knows already change nothing."""
    facts = facts_of(transaction)
    if facts is None:
        return transaction
    for meter_value in meter_values:
        facts.take_values(milliseconds(meter_value.at), meter_value.values)
    return costed(transaction, facts)
