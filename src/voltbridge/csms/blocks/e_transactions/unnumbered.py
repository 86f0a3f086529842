"""Which transaction a station means that does not know its number (1.6 errata 3.18).

Its start was never answered, or never arrived. Then it sends a number that is none (-1), and the other fields have to
tell which transaction it is. A wrong guess would end somebody else's, so a stop is taken for a running transaction only
if the token says so, or if that one was itself made from messages without a number.
"""

from __future__ import annotations

from collections.abc import Iterable

from voltbridge.domain.token_rules import same_token
from voltbridge.domain.transactions import Transaction, TransactionState, TransactionUpdate

__all__ = ["ended_by", "meant_by", "name_unnumbered"]

_MARK = "@"


def name_unnumbered(update: TransactionUpdate) -> str:
    """A name for a transaction made from the update: what the station says instead of a number, and when."""
    return f"{update.transaction_id}{_MARK}{update.at.isoformat()}"


def ended_by(transactions: Iterable[Transaction], stop: TransactionUpdate) -> Transaction | None:
    """The transaction that this very stop has ended before."""
    for each in transactions:
        last = each.last_reading
        if each.stopped_at == stop.at and last is not None and last.wh == stop.meter_stop_wh:
            return each
    return None


def meant_by(transactions: Iterable[Transaction], stop: TransactionUpdate) -> Transaction | None:
    """The running transaction that the stop can mean, if there is exactly one."""
    found = [each for each in transactions if _fits(each, stop)]
    return found[0] if len(found) == 1 else None


def _fits(transaction: Transaction, stop: TransactionUpdate) -> bool:
    if transaction.state is not TransactionState.ACTIVE:
        return False
    if transaction.started_at is not None and transaction.started_at > stop.at:
        return False
    first, wh = transaction.first_reading, stop.meter_stop_wh
    if first is not None and wh is not None and first.wh > wh:
        return False
    token = transaction.id_token
    if token is None or stop.id_token is None:
        return _MARK in transaction.transaction_id
    return same_token(token, stop.id_token)
