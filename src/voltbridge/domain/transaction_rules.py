"""What one message changes of a transaction. Pure: no clock, no storage, no version.

Applying is idempotent and does not depend on the order of arrival: a set of updates gives the same transaction
whichever way it is permuted or repeated (only ``id``, ``created_at`` and ``updated_at`` tell of the arrival). For that,
every field has a rule that picks among the messages by where they stand in the transaction:

- the order of a message is its sequence number, then its time; where nothing is numbered, its time;
- charging state and EVSE are those of the latest message that tells them. A message that only brings meter values tells
  its EVSE with less weight;
- the token that started it is the earliest one given, unless it was given to stop (2.0.1 E07.FR.02); the one that
  stopped it is the latest given to stop;
- the start is that of the Started message, the end that of the Ended one. An end without a reason was local
  (2.0.1 E06.FR.09; 1.6 4.10);
- the energy follows ``voltbridge.domain.energy``.

What these rules must remember beyond the transaction's own fields stands in ``Transaction.progress``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec

from voltbridge.domain.energy import Edge, KeptReadings, Readings
from voltbridge.domain.meter_records import milliseconds
from voltbridge.domain.metering import MeterValue
from voltbridge.domain.sequences import add_sequence
from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import (
    StopReason,
    Transaction,
    TransactionPhase,
    TransactionState,
    TransactionUpdate,
)

__all__ = [
    "Order",
    "apply_update",
    "close_transaction",
    "id_reused",
    "readings_of",
    "refresh_energy",
    "stops",
    "superseding",
    "with_energy",
]

Order = tuple[int, int]
"""Where a message stands: sequence number, milliseconds since 1970."""

_UNNUMBERED: Final = -1
_METER_ONLY: Final = (-2, 0)


class _Progress(msgspec.Struct, omit_defaults=True):
    """What the fields of a transaction rest on."""

    readings: KeptReadings = msgspec.field(default_factory=KeptReadings)
    charging_state: Order | None = None
    evse_id: Order | None = None
    connector_id: Order | None = None
    id_token: Order | None = None
    stop_id_token: Order | None = None
    stop_reason: tuple[int, int, int] | None = None


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Progress).decode


def apply_update(
    transaction: Transaction | None,
    update: TransactionUpdate,
    *,
    new_id: int,
    now: datetime,
    readings: Readings | None = None,
) -> Transaction:
    """The transaction after the update; the very same object when it changes nothing.

    ``transaction`` is None for one never heard of: it is then made, with ``new_id``. ``readings`` are all readings of
    the transaction, where they are at hand (they are added to); otherwise what ``progress`` kept of them serves.
    """
    before = transaction or Transaction(
        id=new_id,
        transaction_id=update.transaction_id,
        station_id=update.station_id,
        state=TransactionState.ACTIVE,
        created_at=now,
        updated_at=now,
    )
    progress = _progress_of(before)
    if readings is None:
        readings = Readings.of(progress.readings)
    _add_readings(readings, update)
    changes: dict[str, Any] = {
        "offline": before.offline or update.offline,
        "reservation_id": _given_once(before.reservation_id, update.reservation_id),
        "remote_start_id": _given_once(before.remote_start_id, update.remote_start_id),
        "time_spent_charging_s": _largest(before.time_spent_charging_s, update.time_spent_charging_s),
    }
    if update.sequence is not None:
        changes["sequences"] = add_sequence(before.sequences, update.sequence)
    _place(before, update, progress, changes)
    _tokens(before, update, progress, changes)
    _course(before, update, progress, changes)
    after = _metered(replace(before, **changes), progress, readings)
    if transaction is not None and after == transaction:
        return transaction
    return replace(after, updated_at=now)


def readings_of(transaction: Transaction) -> Readings:
    """What was kept of the transaction's readings, to go on from."""
    return Readings.of(_progress_of(transaction).readings)


def with_energy(transaction: Transaction, readings: Readings, now: datetime) -> Transaction:
    """The transaction with the energy of all its readings; the very same object when nothing changes."""
    after = _metered(transaction, _progress_of(transaction), readings)
    return transaction if after == transaction else replace(after, updated_at=now)


def refresh_energy(transaction: Transaction, meter_values: Iterable[MeterValue]) -> Transaction:
    """The transaction with its meter values that were stored after its row: that is written less often than they are.

    Those it knows already change nothing.
    """
    readings = readings_of(transaction)
    for meter_value in meter_values:
        readings.take(milliseconds(meter_value.at), meter_value.values)
    return with_energy(transaction, readings, transaction.updated_at)


def close_transaction(transaction: Transaction, note: str, now: datetime) -> Transaction:
    """The transaction closed by the operator. When it ended is not known, so nothing is said of it.

    Should its end arrive after all, it becomes an ended transaction as any other.
    """
    closed = replace(transaction, state=TransactionState.CLOSED, close_note=note, superseded_by=None, updated_at=now)
    progress = _progress_of(closed)
    return _metered(closed, progress, Readings.of(progress.readings))


def superseding(transactions: Iterable[Transaction]) -> list[Transaction]:
    """Those whose mark changes, among the active transactions of one EVSE: only the newest can be running.

    The others stay active, because their end may still come from the station's queue; the mark tells the operator, and
    keeps their tokens from being held for busy. Newest is the one that started last, by the station's word, or, while
    no start is known, was heard of last.
    """
    running = [each for each in transactions if each.state is TransactionState.ACTIVE]
    if not running:
        return []
    newest = max(running, key=lambda each: (each.started_at or each.created_at, each.id))
    changed = []
    for each in running:
        mark = None if each is newest else newest.id
        if each.superseded_by != mark:
            changed.append(replace(each, superseded_by=mark))
    return changed


def id_reused(transaction: Transaction, update: TransactionUpdate) -> bool:
    """Whether the update starts another transaction under an id that was used before.

    The standard forbids it (2.0.1 E01.FR.08), and a station that lost its memory does it. A start that repeats the
    known one, or lies before the known end, is the same transaction's.
    """
    if update.phase is not TransactionPhase.STARTED or transaction.state is TransactionState.ACTIVE:
        return False
    if transaction.started_at is None or update.at == transaction.started_at:
        return False
    return update.at > (transaction.stopped_at or transaction.started_at)


def stops(update: TransactionUpdate) -> bool:
    """Whether a token in this update was presented to stop."""
    return update.phase is TransactionPhase.ENDED or update.trigger == "StopAuthorized"


def _progress_of(transaction: Transaction) -> _Progress:
    return _decode(transaction.progress) if transaction.progress else _Progress()


def _add_readings(readings: Readings, update: TransactionUpdate) -> None:
    at_ms = milliseconds(update.at)
    if update.meter_start_wh is not None:
        readings.add(Edge.METER_START, at_ms, update.meter_start_wh)
    for meter_value in update.meter_values:
        taken_ms = milliseconds(meter_value.at)
        # Not every station marks the readings that it takes at the very start and end.
        edge = Edge.DURING
        if update.phase is TransactionPhase.STARTED and taken_ms <= at_ms:
            edge = Edge.BEGIN
        elif update.phase is TransactionPhase.ENDED and taken_ms >= at_ms:
            edge = Edge.END
        readings.take(taken_ms, meter_value.values, edge)
    if update.meter_stop_wh is not None:
        readings.add(Edge.METER_STOP, at_ms, update.meter_stop_wh)


def _place(before: Transaction, update: TransactionUpdate, progress: _Progress, changes: dict[str, Any]) -> None:
    order = _order(update)
    if update.sequence is None and update.phase is TransactionPhase.UPDATED:
        order = _METER_ONLY
    if _later(update.evse_id, order, before.evse_id, progress.evse_id):
        changes["evse_id"], progress.evse_id = update.evse_id, order
    if _later(update.connector_id, order, before.connector_id, progress.connector_id):
        changes["connector_id"], progress.connector_id = update.connector_id, order


def _tokens(before: Transaction, update: TransactionUpdate, progress: _Progress, changes: dict[str, Any]) -> None:
    order, presented = _order(update), update.id_token
    if presented is None:
        return
    if stops(update):
        known = progress.stop_id_token
        if known is None or (order, _comparable(presented)) > (known, _comparable(before.stop_id_token)):
            changes["stop_id_token"], progress.stop_id_token = presented, order
    else:
        known = progress.id_token
        if known is None or (order, _comparable(presented)) < (known, _comparable(before.id_token)):
            changes["id_token"], progress.id_token = presented, order


def _course(before: Transaction, update: TransactionUpdate, progress: _Progress, changes: dict[str, Any]) -> None:
    order = _order(update)
    if _later(update.charging_state, order, before.charging_state, progress.charging_state):
        changes["charging_state"], progress.charging_state = update.charging_state, order
    if update.phase is TransactionPhase.STARTED:
        changes["started_at"] = update.at if before.started_at is None else min(update.at, before.started_at)
    ended = update.phase is TransactionPhase.ENDED
    if ended:
        changes["stopped_at"] = update.at if before.stopped_at is None else max(update.at, before.stopped_at)
        changes["state"], changes["superseded_by"] = TransactionState.ENDED, None
    reason = update.stop_reason or (StopReason.LOCAL.value if ended else None)
    if reason is not None:
        weight = (3 if ended else 2) if update.stop_reason else 1
        rank, known = (weight, *order), progress.stop_reason
        if known is None or (rank, reason) > (known, before.stop_reason or ""):
            changes["stop_reason"], progress.stop_reason = reason, rank


def _metered(transaction: Transaction, progress: _Progress, readings: Readings) -> Transaction:
    energy = readings.result(finished=transaction.state is not TransactionState.ACTIVE)
    progress.readings = readings.keep()
    return replace(
        transaction,
        first_reading=energy.first,
        last_reading=energy.last,
        energy_wh=energy.wh,
        energy_problems=energy.problems,
        progress=_encode(progress).decode(),
    )


def _order(update: TransactionUpdate) -> Order:
    return (_UNNUMBERED if update.sequence is None else update.sequence, milliseconds(update.at))


def _later(value: int | str | None, order: Order, known: int | str | None, known_order: Order | None) -> bool:
    """Whether the value replaces the known one. Of two that stand at the same place it is the larger."""
    if value is None:
        return False
    if known is None or known_order is None:
        return True
    return order > known_order or (order == known_order and str(value) > str(known))


def _given_once(known: int | None, given: int | None) -> int | None:
    """For what a station says once only (2.0.1 E 1.5); should it say two things, the smaller."""
    return known if given is None else given if known is None else min(known, given)


def _largest(known: int | None, given: int | None) -> int | None:
    return known if given is None else given if known is None else max(known, given)


def _comparable(id_token: IdToken | None) -> tuple[str, str]:
    return (id_token.id_token, id_token.type or "") if id_token else ("", "")
