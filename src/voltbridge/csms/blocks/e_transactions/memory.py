"""Transactions in the memory of their station's owner.

``LiveStation.transactions`` holds the active ones and a few that ended last, for late and repeated messages; whatever
is not there is read from the storage. ``LiveStation.meters`` holds all readings of a transaction while they come, so
that the energy is exact whatever their order, and its row need not be written for every reading.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from voltbridge.domain.energy import Readings
from voltbridge.domain.stations import LiveMeter, LiveStation
from voltbridge.domain.transaction_cost import facts_of
from voltbridge.domain.transaction_rules import readings_of, with_energy
from voltbridge.domain.transactions import Transaction, TransactionState

__all__ = ["active_on", "current", "forget", "meter_of", "remember", "running_on"]

_ENDED_KEPT: Final = 8


def meter_of(live: LiveStation, transaction: Transaction | None) -> LiveMeter:
    """The readings of a transaction, from what its row kept if none came on this connection yet.

    Those of a new transaction are kept only once it is remembered.
    """
    if transaction is None:
        return LiveMeter(Readings(), 0.0)
    meter = live.meters.get(transaction.id)
    if meter is None:
        meter = live.meters[transaction.id] = LiveMeter(readings_of(transaction), 0.0, facts_of(transaction))
    return meter


def remember(live: LiveStation, transaction: Transaction, meter: LiveMeter) -> None:
    """Keep a transaction as it is now."""
    former = live.transactions.get(transaction.transaction_id)
    if former is not None and former.id != transaction.id:
        live.meters.pop(former.id, None)
    live.transactions[transaction.transaction_id] = transaction
    live.meters[transaction.id] = meter
    if transaction.state is not TransactionState.ACTIVE:
        over = [each for each in live.transactions.values() if each.state is not TransactionState.ACTIVE]
        for each in sorted(over, key=lambda each: each.updated_at)[:-_ENDED_KEPT]:
            forget(live, each)


def forget(live: LiveStation, transaction: Transaction) -> None:
    """Drop a transaction from memory; the storage has it."""
    live.transactions.pop(transaction.transaction_id, None)
    live.meters.pop(transaction.id, None)


def current(live: LiveStation, transaction: Transaction, now: datetime) -> Transaction:
    """A remembered transaction with the energy of all its readings."""
    meter = live.meters.get(transaction.id)
    return transaction if meter is None else with_energy(transaction, meter.readings, now)


def active_on(live: LiveStation, evse_id: int) -> list[Transaction]:
    """The active transactions of an EVSE; more than one where an end never arrived."""
    return [
        each for each in live.transactions.values() if each.evse_id == evse_id and each.state is TransactionState.ACTIVE
    ]


def running_on(live: LiveStation, evse_id: int) -> Transaction | None:
    """The transaction that runs on an EVSE now."""
    for each in reversed(live.transactions.values()):
        if each.evse_id == evse_id and each.state is TransactionState.ACTIVE and each.superseded_by is None:
            return each
    return None
