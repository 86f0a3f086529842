"""What is told of a transaction: the next fact of it, and what that changes in what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import TransactionPhase
from voltbridge.station.blocks.e_transactions.records import RunningTransaction
from voltbridge.station.facts import TransactionFact
from voltbridge.station.readings import MeterReading

__all__ = ["Circumstances", "next_fact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is the case at the EVSE while something is told."""

    at: datetime
    connector_id: int
    charging_state: str
    register_wh: float | None
    offline: bool
    cable_max_current_a: int | None
    phases: int
    legally_relevant: bool = False
    """The meter signs, and is asked to: all that is told of the transaction counts before the law."""


def next_fact(
    transaction: RunningTransaction,
    phase: TransactionPhase,
    trigger: str,
    now: Circumstances,
    *,
    token: IdToken | None = None,
    meter: tuple[MeterReading, ...] = (),
    reason: str | None = None,
    extra: dict[str, Any] | None = None,
) -> TransactionFact:
    """The fact, numbered; the transaction then knows what was told.

    The driver's token and the number of a remote start are told once, in the first message after they are known
    (E01.FR.10, F01.FR.25).
    """
    _count_time(transaction, now)
    transaction.charging_state = now.charging_state
    transaction.updated_at = now.at
    transaction.connector_id = now.connector_id
    authorizes = transaction.authorized and not transaction.token_told
    if authorizes:
        token = transaction.id_token
        transaction.token_told = True
    remote_start_id = None if transaction.remote_told else transaction.remote_start_id
    transaction.remote_told = transaction.remote_start_id is not None
    sequence, transaction.sequence = transaction.sequence, transaction.sequence + 1
    return TransactionFact(
        phase=phase,
        key=transaction.key,
        sequence=sequence,
        at=now.at,
        trigger=trigger,
        evse_id=transaction.evse_id,
        connector_id=now.connector_id,
        id_token=token,
        authorizes=authorizes,
        authorized=transaction.authorized,
        started_at=transaction.started_at,
        charging_state=now.charging_state,
        meter=meter,
        register_wh=now.register_wh,
        begin_wh=transaction.begin_wh if phase is TransactionPhase.ENDED else None,
        reason=reason,
        offline=now.offline,
        remote_start_id=remote_start_id,
        reservation_id=transaction.reservation_id if authorizes or phase is TransactionPhase.STARTED else None,
        cable_max_current_a=now.cable_max_current_a if trigger == "CablePluggedIn" else None,
        number_of_phases=now.phases if now.charging_state == "Charging" else None,
        time_spent_charging_s=_charging_s(transaction, now.at) if phase is TransactionPhase.ENDED else None,
        extra=extra or {},
        signed=now.legally_relevant or any(reading.signed is not None for each in meter for reading in each.readings),
    )


def _count_time(transaction: RunningTransaction, now: Circumstances) -> None:
    charging = now.charging_state == "Charging"
    if charging and transaction.charging_since is None:
        transaction.charging_since = now.at
    elif not charging and transaction.charging_since is not None:
        transaction.charging_s += max(0.0, (now.at - transaction.charging_since).total_seconds())
        transaction.charging_since = None


def _charging_s(transaction: RunningTransaction, at: datetime) -> int:
    since = transaction.charging_since
    return int(transaction.charging_s + (max(0.0, (at - since).total_seconds()) if since else 0.0))
