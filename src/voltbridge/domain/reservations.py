"""Reservations: a place kept for a token until a moment (2.0.1 block H; 1.6 5.1, 5.13). Pure: no clock, no storage.

    Requested ─┬─> Reserved ─┬─> Used        (a transaction named it, or its token was presented)
               │             ├─> Expired     (its time is over, by the station's word or by our clock)
               │             ├─> Removed     (the station gave it up, or says that it has none)
               │             └─> Cancelled   (the operator took it back)
               └─> Rejected

What is told of a reservation comes late, twice, out of order, or from our own clock; all of it must lead to the same
end. So each end has a weight, and a heavier one takes the place of a lighter one, whichever was told first: that the
reservation was used is proven by a transaction that names it and outweighs everything; that it has expired may only be
what our clock thinks, and yields to any other word; what we only conclude yields to what we are told. Only a
replacement (H01.FR.02) makes an expired reservation a running one again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from voltbridge.domain.evses import ConnectorStatus
from voltbridge.domain.token_rules import same_token
from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import Transaction

__all__ = [
    "LARGEST_RESERVATION_ID",
    "NOT_AT_STATION",
    "NO_TRANSACTION",
    "OPEN_STATES",
    "PRESUMED",
    "Reservation",
    "ReservationChange",
    "ReservationFilter",
    "ReservationOver",
    "ReservationState",
    "ReservationTerms",
    "accept",
    "cancel",
    "expire",
    "is_replaceable",
    "leave_unanswered",
    "may_be_used_by",
    "reject",
    "remove",
    "replace_terms",
    "restore",
    "use",
]

LARGEST_RESERVATION_ID: Final = 2**31 - 1

NOT_AT_STATION: Final = "NotAtStation"
"""The reason of a removal found out because the station had nothing to cancel (H02.FR.01)."""
NO_TRANSACTION: Final = "NoTransaction"
"""The reason of a use that did not become a transaction (2.1 H03.FR.11)."""
PRESUMED: Final = "Presumed"
"""The reason of a use that no message named: token, place and time tell it (H03.FR.09; 1.6 5.13)."""


class ReservationState(StrEnum):
    """How far a reservation has come."""

    REQUESTED = "Requested"
    """Asked for; the station has not answered, and may have it."""
    RESERVED = "Reserved"
    USED = "Used"
    EXPIRED = "Expired"
    REMOVED = "Removed"
    CANCELLED = "Cancelled"
    REJECTED = "Rejected"


OPEN_STATES: Final = frozenset({ReservationState.REQUESTED, ReservationState.RESERVED})
"""The reservation may still be used."""

_WEIGHTS: Final = {
    ReservationState.REQUESTED: 0,
    ReservationState.RESERVED: 1,
    ReservationState.EXPIRED: 4,
    ReservationState.REMOVED: 5,
    ReservationState.REJECTED: 6,
    ReservationState.CANCELLED: 7,
    ReservationState.USED: 8,
}
_CONCLUDED: Final = {
    (ReservationState.REMOVED, NOT_AT_STATION): 2,  # the station may just not have told yet how it ended
    (ReservationState.USED, PRESUMED): 3,
}
_STATUSES: Final = frozenset({ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE})
"""Reasons of a removal that is concluded from them."""
_CLOCK_TOLERANCE: Final = timedelta(minutes=2)
"""By how much a station's clock may be behind ours."""


class ReservationOver(Exception):
    """The reservation is not open any more, so it can be neither changed nor cancelled."""

    def __init__(self, id: int, state: ReservationState) -> None:
        super().__init__(f"reservation {id} is {state}")
        self.id = id
        self.state = state


@dataclass(frozen=True, slots=True)
class ReservationTerms:
    """What is reserved, for whom, and for how long."""

    id_token: IdToken
    expires_at: datetime
    evse_id: int | None = None
    """None: any EVSE of the station, or any with ``connector_type``."""
    connector_type: str | None = None
    """In the words of ConnectorEnumType, such as ``cCCS2``."""
    group_id_token: IdToken | None = None
    """Every token of the group may use the reservation (H03.FR.04)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One reservation. Its id is the one on the wire, and no other reservation ever has the same."""

    id: int
    station_id: str
    terms: ReservationTerms
    state: ReservationState
    created_at: datetime
    updated_at: datetime
    reserved_at: datetime | None = None
    """When the station accepted it; after a replacement, the last time."""
    ended_at: datetime | None = None
    """When it was used, expired, removed, cancelled or rejected, as far as we heard."""
    reason: str | None = None
    """Why it was rejected or removed, in the station's words where it gave any; or how we know that it was used."""
    problem: str | None = None
    """What the station left unanswered, in plain words; it stays to explain how the reservation ended."""
    transaction_id: int | None = None
    """Our own id of the transaction that used it."""
    command_id: int | None = None
    """The command that asked for it, or for its last change."""

    @property
    def is_open(self) -> bool:
        """Whether it may still be used."""
        return self.state in OPEN_STATES


@dataclass(frozen=True, slots=True)
class ReservationChange:
    """A reservation before and after something was told of it; the same object twice when that was nothing new."""

    before: Reservation
    after: Reservation


@dataclass(frozen=True, slots=True)
class ReservationFilter:
    """Which reservations to list; what is None does not matter."""

    station_id: str | None = None
    id_token: str | None = None
    """Without regard to case."""
    state: ReservationState | None = None
    evse_id: int | None = None


def accept(one: Reservation, now: datetime) -> Reservation:
    """The station has accepted it."""
    if one.reserved_at is not None:
        return one
    state = ReservationState.RESERVED if one.state is ReservationState.REQUESTED else one.state
    return replace(one, state=state, reserved_at=now, problem=None, updated_at=now)


def reject(one: Reservation, reason: str, now: datetime) -> Reservation:
    """The station has refused it, or it could not be sent."""
    if one.reserved_at is not None:
        return one
    return _end(one, ReservationState.REJECTED, now, reason)


def leave_unanswered(one: Reservation, problem: str, now: datetime) -> Reservation:
    """The station gave no answer to a reservation or its change, so it may have taken effect and may not."""
    return replace(one, problem=problem, updated_at=now) if one.is_open else one


def is_replaceable(one: Reservation, now: datetime) -> bool:
    """Whether other terms may be asked for under the same id."""
    return one.is_open and one.terms.expires_at > now


def replace_terms(one: Reservation, terms: ReservationTerms, command_id: int | None, now: datetime) -> Reservation:
    """The station has accepted other terms under the same id (H01.FR.02)."""
    if not one.is_open and one.state is not ReservationState.EXPIRED:
        return one
    return replace(
        one,
        terms=terms,
        state=ReservationState.RESERVED,
        reserved_at=now,
        ended_at=None,
        reason=None,
        problem=None,
        command_id=command_id,
        updated_at=now,
    )


def use(one: Reservation, transaction_id: int | None, now: datetime, *, presumed: bool = False) -> Reservation:
    """A transaction with this id of ours used it; with None it was used and no transaction came of it.

    ``presumed``: the transaction did not name it. Should two transactions name it, it is the one heard of first.
    """
    reason = PRESUMED if presumed else NO_TRANSACTION if transaction_id is None else None
    if one.state is not ReservationState.USED or one.reason == PRESUMED:
        ended = _end(one, ReservationState.USED, now, reason)
        return one if ended is one else replace(ended, transaction_id=transaction_id)
    if presumed or transaction_id is None or (one.transaction_id is not None and one.transaction_id <= transaction_id):
        return one
    return replace(one, transaction_id=transaction_id, reason=None, updated_at=now)


def may_be_used_by(one: Reservation, transaction: Transaction, group_id_token: str | None) -> bool:
    """Whether a transaction that names no reservation ends this one: its token, or its group, charges where and when it
    may, so that no station keeps the reservation (H03.FR.09; 1.6 5.13).

    Stations that do not name reservations would otherwise make drivers who came look as if they had not. Which
    connector has which type is the station's knowledge, so a reservation of a type is never meant.
    """
    terms, began = one.terms, transaction.started_at
    if not one.is_open or terms.connector_type is not None or transaction.id_token is None:
        return False
    group = terms.group_id_token
    in_group = group is not None and group_id_token is not None and group.key == group_id_token.casefold()
    return (
        (in_group or same_token(terms.id_token, transaction.id_token))
        and terms.evse_id in (None, transaction.evse_id)
        and transaction.created_at >= one.created_at
        and (began is None or began >= one.created_at - _CLOCK_TOLERANCE)
    )


def remove(one: Reservation, reason: str | None, now: datetime) -> Reservation:
    """The station has given it up (H01.FR.16, H01.FR.17), or has nothing of the kind (``NOT_AT_STATION``)."""
    return _end(one, ReservationState.REMOVED, now, reason)


def restore(one: Reservation, now: datetime) -> Reservation:
    """Its connector is shown as reserved again after the removal was concluded from a status: it only restarted."""
    concluded = one.state is ReservationState.REMOVED and one.reason in _STATUSES
    if not concluded or one.terms.expires_at <= now:
        return one
    return replace(one, state=ReservationState.RESERVED, ended_at=None, reason=None, updated_at=now)


def cancel(one: Reservation, now: datetime) -> Reservation:
    """The station has cancelled it on our word (H02)."""
    return _end(one, ReservationState.CANCELLED, now, None)


def expire(one: Reservation, now: datetime, *, told: bool = False) -> Reservation:
    """Its time is over: by the station's word when ``told``, else if it is by our clock."""
    if not told and (one.terms.expires_at > now or one.state is ReservationState.USED):
        return one
    return _end(one, ReservationState.EXPIRED, now, None)


def _end(one: Reservation, state: ReservationState, now: datetime, reason: str | None) -> Reservation:
    if _weight(state, reason) <= _weight(one.state, one.reason):
        return one
    return replace(one, state=state, ended_at=now, reason=reason, updated_at=now)


def _weight(state: ReservationState, reason: str | None) -> int:
    return _CONCLUDED.get((state, reason or ""), _WEIGHTS[state])
