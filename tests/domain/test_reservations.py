"""A reservation comes to the same end whatever is told of it in which order, how late and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from voltbridge.domain.reservations import (
    NO_TRANSACTION,
    NOT_AT_STATION,
    OPEN_STATES,
    PRESUMED,
    Reservation,
    ReservationState,
    ReservationTerms,
    accept,
    cancel,
    expire,
    is_replaceable,
    leave_unanswered,
    may_be_used_by,
    reject,
    remove,
    replace_terms,
    restore,
    use,
)
from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import Transaction, TransactionState

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
END = NOW + timedelta(hours=1)
LATER = END + timedelta(hours=1)
STATES = ReservationState
Told = Callable[..., Reservation]


def requested(**changes: Any) -> Reservation:
    terms = ReservationTerms(IdToken("A", "ISO14443"), END, evse_id=1)
    one = Reservation(
        id=7, station_id="CP1", terms=terms, state=STATES.REQUESTED, created_at=NOW, updated_at=NOW, command_id=1
    )
    return replace(one, **changes)


def reserved() -> Reservation:
    return accept(requested(), NOW)


def after(one: Reservation, *told: Told) -> Reservation:
    for each in told:
        one = each(one, now=LATER)
    return one


USED = partial(use, transaction_id=5)
IDLE = partial(use, transaction_id=None)
EXPIRED = partial(expire, told=True)
REMOVED = partial(remove, reason=None)
NOT_THERE = partial(remove, reason=NOT_AT_STATION)
PRESUMED_USE = partial(use, transaction_id=5, presumed=True)
REJECTED = partial(reject, reason="Occupied")
EVERYTHING: tuple[Told, ...] = (USED, IDLE, EXPIRED, expire, REMOVED, NOT_THERE, cancel)


def test_accepted_and_refused() -> None:
    one = accept(requested(problem="no answer"), NOW)
    assert (one.state, one.reserved_at, one.problem) == (STATES.RESERVED, NOW, None)
    assert accept(one, LATER) is one
    refused = reject(requested(), "Faulted", NOW)
    assert (refused.state, refused.reason, refused.ended_at) == (STATES.REJECTED, "Faulted", NOW)
    assert reject(one, "Faulted", LATER) is one


def test_what_is_told_before_the_answer_is_not_lost_by_it() -> None:
    assert accept(after(requested(), USED), NOW).state is STATES.USED
    assert accept(after(requested(), REMOVED), NOW).state is STATES.REMOVED
    assert reject(after(requested(), expire), "Occupied", NOW).state is STATES.REJECTED


@pytest.mark.parametrize("told", EVERYTHING)
def test_told_twice_is_nothing_new(told: Told) -> None:
    once = after(reserved(), told)
    assert once.state not in OPEN_STATES and once.ended_at == LATER
    assert after(once, told) is once


def test_our_clock_ends_what_is_open_and_over_and_nothing_else() -> None:
    one = reserved()
    assert expire(one, END - timedelta(milliseconds=1)) is one
    assert expire(one, END).state is STATES.EXPIRED
    assert expire(requested(), END).state is STATES.EXPIRED
    assert after(one, NOT_THERE, expire).state is STATES.EXPIRED
    gone = after(one, REMOVED)
    assert expire(gone, LATER) is gone
    refused = reject(requested(), "Occupied", NOW)
    assert expire(refused, LATER) is refused


def test_any_word_of_the_station_outweighs_our_clock() -> None:
    guessed = expire(reserved(), END)
    assert after(guessed, REMOVED).state is STATES.REMOVED
    assert after(guessed, cancel).state is STATES.CANCELLED
    assert after(guessed, USED).state is STATES.USED


def test_a_removal_that_is_concluded_yields_to_one_that_is_told() -> None:
    concluded = after(reserved(), NOT_THERE)
    assert (concluded.state, concluded.reason) == (STATES.REMOVED, NOT_AT_STATION)
    assert after(concluded, EXPIRED).state is STATES.EXPIRED
    told = after(concluded, REMOVED)
    assert (told.state, told.reason) == (STATES.REMOVED, None)
    assert after(after(reserved(), EXPIRED), NOT_THERE).state is STATES.EXPIRED


def test_used_without_a_transaction_and_then_with_one() -> None:
    idle = after(reserved(), IDLE)
    assert (idle.state, idle.reason, idle.transaction_id) == (STATES.USED, NO_TRANSACTION, None)
    used = after(idle, USED)
    assert (used.state, used.reason, used.transaction_id) == (STATES.USED, None, 5)
    assert after(used, IDLE) is used
    assert after(used, partial(use, transaction_id=9)) is used
    assert after(used, partial(use, transaction_id=4)).transaction_id == 4


def test_a_presumed_use_yields_to_what_is_told_and_not_to_our_clock() -> None:
    guessed = after(reserved(), PRESUMED_USE)
    assert (guessed.state, guessed.reason, guessed.transaction_id) == (STATES.USED, PRESUMED, 5)
    assert after(guessed, expire) is guessed
    assert after(guessed, NOT_THERE) is guessed
    assert after(guessed, PRESUMED_USE) is guessed
    assert after(guessed, EXPIRED).state is STATES.EXPIRED
    assert after(guessed, REMOVED).state is STATES.REMOVED
    named = after(guessed, USED)
    assert (named.state, named.reason, named.transaction_id) == (STATES.USED, None, 5)
    assert after(named, PRESUMED_USE) is named
    other = after(guessed, partial(use, transaction_id=9))
    assert (other.reason, other.transaction_id) == (None, 9)
    assert after(after(reserved(), EXPIRED), PRESUMED_USE).state is STATES.EXPIRED
    assert after(after(reserved(), cancel), PRESUMED_USE).state is STATES.CANCELLED


def charging(**changes: Any) -> Transaction:
    one = Transaction(
        id=5,
        transaction_id="5",
        station_id="CP1",
        state=TransactionState.ACTIVE,
        created_at=NOW + timedelta(minutes=5),
        updated_at=NOW + timedelta(minutes=5),
        evse_id=1,
        id_token=IdToken("a"),
        started_at=NOW + timedelta(minutes=5),
    )
    return replace(one, **changes)


def test_which_transactions_end_a_reservation_that_they_do_not_name() -> None:
    one = reserved()
    assert may_be_used_by(one, charging(), None)
    assert may_be_used_by(one, charging(id_token=IdToken("A", "ISO14443")), "G")
    assert may_be_used_by(one, charging(started_at=None), None)
    assert may_be_used_by(one, charging(started_at=NOW - timedelta(minutes=2)), None)
    assert may_be_used_by(requested(), charging(), None)
    assert not may_be_used_by(one, charging(evse_id=2), None)
    assert not may_be_used_by(one, charging(evse_id=None), None)
    assert not may_be_used_by(one, charging(id_token=IdToken("B")), None)
    assert not may_be_used_by(one, charging(id_token=IdToken("A", "eMAID")), None)
    assert not may_be_used_by(one, charging(id_token=None), None)
    assert not may_be_used_by(one, charging(created_at=NOW - timedelta(seconds=1)), None)
    assert not may_be_used_by(one, charging(started_at=NOW - timedelta(minutes=3)), None)
    assert not may_be_used_by(after(one, cancel), charging(), None)


def test_a_group_may_use_it_and_a_type_of_connector_is_never_meant() -> None:
    terms = reserved().terms
    for_group = replace(reserved(), terms=replace(terms, group_id_token=IdToken("Fleet", "Central")))
    assert may_be_used_by(for_group, charging(id_token=IdToken("B")), "fleet")
    assert not may_be_used_by(for_group, charging(id_token=IdToken("B")), "other")
    assert not may_be_used_by(for_group, charging(id_token=IdToken("B")), None)
    assert not may_be_used_by(reserved(), charging(id_token=IdToken("B")), "fleet")
    anywhere = replace(reserved(), terms=replace(terms, evse_id=None))
    assert may_be_used_by(anywhere, charging(evse_id=7), None)
    of_a_type = replace(reserved(), terms=replace(terms, evse_id=None, connector_type="cCCS2"))
    assert not may_be_used_by(of_a_type, charging(), None)


def test_a_removal_concluded_from_a_status_is_taken_back_when_the_connector_is_reserved_again() -> None:
    gone = remove(reserved(), "Unavailable", NOW)
    back = restore(gone, NOW)
    assert (back.state, back.ended_at, back.reason) == (STATES.RESERVED, None, None)
    assert restore(gone, END) is gone
    for one in (after(reserved(), REMOVED), after(reserved(), NOT_THERE), after(gone, cancel), after(gone, USED)):
        assert restore(one, NOW) is one


def test_an_unanswered_reservation_stays_open_and_says_why() -> None:
    one = leave_unanswered(requested(), "no answer within 30 s", LATER)
    assert (one.state, one.problem) == (STATES.REQUESTED, "no answer within 30 s")
    ended = after(one, expire)
    assert (ended.state, ended.problem) == (STATES.EXPIRED, "no answer within 30 s")
    assert leave_unanswered(ended, "again", LATER) is ended


def test_a_replacement_brings_other_terms_and_a_new_life() -> None:
    terms = ReservationTerms(IdToken("B", "ISO14443"), LATER + timedelta(hours=1), evse_id=2)
    one = replace_terms(reserved(), terms, 9, NOW)
    assert (one.state, one.terms, one.command_id, one.reserved_at) == (STATES.RESERVED, terms, 9, NOW)
    revived = replace_terms(expire(reserved(), END), terms, 9, END)
    assert (revived.state, revived.ended_at) == (STATES.RESERVED, None)
    assert expire(revived, END) is revived
    used = after(reserved(), USED)
    assert replace_terms(used, terms, 9, LATER) is used


@pytest.mark.parametrize("state", STATES)
def test_what_can_be_replaced(state: ReservationState) -> None:
    assert is_replaceable(requested(state=state), NOW) == (state in OPEN_STATES)
    assert not is_replaceable(requested(state=state), END)


ONLY_GUESSES = st.lists(st.sampled_from([expire, NOT_THERE]), min_size=1, max_size=3)
TOLD = ONLY_GUESSES | st.lists(st.sampled_from([*EVERYTHING, partial(use, transaction_id=6)]), min_size=1, max_size=7)


@settings(deadline=None, max_examples=200, database=None)
@given(told=TOLD, data=st.data(), begin=st.sampled_from([requested(), reserved()]))
def test_order_and_repetition_do_not_matter(told: list[Told], data: st.DataObject, begin: Reservation) -> None:
    other = data.draw(st.permutations(told)) + data.draw(st.lists(st.sampled_from(told), max_size=4))
    one, two = after(begin, *told), after(begin, *other)
    assert (one.state, one.reason, one.transaction_id) == (two.state, two.reason, two.transaction_id)


@settings(deadline=None, max_examples=200, database=None)
@given(told=st.lists(st.sampled_from([accept, *EVERYTHING]), max_size=6), data=st.data())
def test_the_answer_may_come_at_any_time(told: list[Told], data: st.DataObject) -> None:
    """Answered once, before, between or after what else is told."""
    others = [each for each in told if each is not accept]
    place = data.draw(st.integers(0, len(others)))
    late, early = after(requested(), *others[:place], accept, *others[place:]), after(requested(), accept, *others)
    assert (late.state, late.reason, late.transaction_id) == (early.state, early.reason, early.transaction_id)


class Life(RuleBasedStateMachine):
    """One reservation, its clock, and everybody who tells of it; beside it what was told."""

    @initialize()
    def ask(self) -> None:
        self.now = self.ticked = NOW
        self.one = requested()
        self.told: set[str] = set()
        self.transactions: set[int] = set()

    def _tell(self, what: str, told: Told) -> None:
        before = self.one
        self.one = told(before, now=self.now)
        self.told.add(what)
        assert self.one is before or self.one != before
        assert self.one.id == before.id and self.one.station_id == before.station_id
        if self.one is not before:
            assert self.one.updated_at == self.now

    @rule(minutes=st.integers(1, 50))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.ticked = self.now
        self._tell("clock", expire)

    @precondition(lambda self: not {"accepted", "refused"} & self.told)
    @rule()
    def accepted(self) -> None:
        self._tell("accepted", accept)

    @precondition(lambda self: not {"accepted", "refused"} & self.told)
    @rule()
    def refused(self) -> None:
        self._tell("refused", REJECTED)

    @rule(transaction_id=st.integers(1, 3))
    def used(self, transaction_id: int) -> None:
        self.transactions.add(transaction_id)
        self._tell("used", partial(use, transaction_id=transaction_id))

    @rule()
    def used_for_nothing(self) -> None:
        self._tell("used", IDLE)

    @rule()
    def expired(self) -> None:
        self._tell("expired", EXPIRED)

    @rule()
    def removed(self) -> None:
        self._tell("removed", REMOVED)

    @rule()
    def nothing_to_cancel(self) -> None:
        self._tell("not there", NOT_THERE)

    @rule()
    def cancelled(self) -> None:
        self._tell("cancelled", cancel)

    @precondition(lambda self: is_replaceable(self.one, self.now))
    @rule()
    def replaced(self) -> None:
        terms = replace(self.one.terms, expires_at=self.now + timedelta(minutes=45))
        self._tell("accepted", partial(replace_terms, terms=terms, command_id=(self.one.command_id or 0) + 1))
        self.told -= {"clock", "refused"}
        assert self.one.state is STATES.RESERVED

    @invariant()
    def it_is_what_was_told(self) -> None:
        one = self.one
        if "used" in self.told:
            assert one.state is STATES.USED
            assert one.transaction_id == min(self.transactions, default=None)
        elif "cancelled" in self.told:
            assert one.state is STATES.CANCELLED
        elif "refused" in self.told:
            assert one.state is STATES.REJECTED
        elif "removed" in self.told:
            assert one.state is STATES.REMOVED
        elif "expired" in self.told:
            assert one.state is STATES.EXPIRED
        elif "not there" in self.told:
            assert one.state is (STATES.EXPIRED if one.terms.expires_at <= self.ticked else STATES.REMOVED)
        else:
            assert one.state in (STATES.REQUESTED, STATES.RESERVED, STATES.EXPIRED)
        assert one.is_open == (one.ended_at is None)
        if one.is_open and "clock" in self.told:
            assert one.terms.expires_at > self.now
        assert (one.transaction_id is None) or one.state is STATES.USED


Life.TestCase.settings = settings(deadline=None, max_examples=100, stateful_step_count=20, database=None)
test_life = Life.TestCase
