"""Transactions: whichever way the messages are permuted and repeated, the transaction is the same."""

from __future__ import annotations

import random as random_module
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from voltbridge.domain.energy import Problem, Readings
from voltbridge.domain.meter_records import milliseconds
from voltbridge.domain.metering import MeterValue, SampledValue
from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transaction_rules import (
    apply_update,
    close_transaction,
    id_reused,
    readings_of,
    refresh_energy,
    superseding,
    with_energy,
)
from voltbridge.domain.transactions import Transaction, TransactionPhase, TransactionState, TransactionUpdate

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STARTED, UPDATED, ENDED = TransactionPhase.STARTED, TransactionPhase.UPDATED, TransactionPhase.ENDED
CARD, OTHER_CARD = IdToken("CARD1", "ISO14443"), IdToken("CARD2", "ISO14443")


def at(minute: float) -> datetime:
    return T0 + timedelta(minutes=minute)


def register(minute: float, wh: float, context: str = "Sample.Periodic") -> MeterValue:
    return MeterValue(at(minute), (SampledValue("Energy.Active.Import.Register", wh, "Wh", context=context),))


def update(phase: TransactionPhase, minute: float, sequence: int | None = None, **fields: Any) -> TransactionUpdate:
    return TransactionUpdate(
        station_id="CP1", transaction_id="T1", phase=phase, at=at(minute), sequence=sequence, **fields
    )


def fold(
    updates: Iterable[TransactionUpdate], transaction: Transaction | None = None, *, live: bool = False
) -> Transaction:
    """Apply all updates; ``live`` keeps every reading at hand, otherwise each goes on from what was stored."""
    readings = Readings() if live else None
    for count, each in enumerate(updates, 1):
        transaction = apply_update(
            transaction, each, new_id=count, now=T0 + timedelta(days=1, seconds=count), readings=readings
        )
    assert transaction is not None
    return transaction


def content(transaction: Transaction) -> Transaction:
    """The transaction without what tells of the arrival."""
    return replace(transaction, id=0, created_at=T0, updated_at=T0)


def charge() -> list[TransactionUpdate]:
    """Cable first, then the card, forty minutes of energy, another card of the family stops it."""
    return [
        update(STARTED, 0, 0, trigger="CablePluggedIn", charging_state="EVConnected", evse_id=2, connector_id=1),
        update(
            UPDATED, 1, 1, trigger="Authorized", id_token=CARD, meter_values=(register(1, 1000, "Transaction.Begin"),)
        ),
        update(UPDATED, 2, 2, trigger="ChargingStateChanged", charging_state="Charging", remote_start_id=7),
        update(
            UPDATED, 20, 3, trigger="MeterValuePeriodic", meter_values=(register(20, 4000),), time_spent_charging_s=1080
        ),
        update(UPDATED, 40, 4, trigger="StopAuthorized", id_token=OTHER_CARD, charging_state="EVConnected"),
        update(
            ENDED,
            41,
            5,
            trigger="EVCommunicationLost",
            charging_state="Idle",
            stop_reason="EVDisconnected",
            meter_values=(register(20, 4000), register(41, 7000.5, "Transaction.End")),
            time_spent_charging_s=2280,
            offline=True,
        ),
    ]


def test_a_transaction_from_start_to_end() -> None:
    whole = fold(charge())
    assert whole.state is TransactionState.ENDED
    assert (whole.evse_id, whole.connector_id, whole.remote_start_id) == (2, 1, 7)
    assert (whole.id_token, whole.stop_id_token) == (CARD, OTHER_CARD)
    assert (whole.started_at, whole.stopped_at, whole.stop_reason) == (at(0), at(41), "EVDisconnected")
    assert (whole.energy_wh, whole.energy_problems) == (6000.5, ())
    assert (whole.charging_state, whole.time_spent_charging_s, whole.offline) == ("Idle", 2280, True)
    assert whole.sequences == "0-5"


def test_what_changes_nothing_gives_the_very_same_transaction() -> None:
    whole = fold(charge())
    for each in charge():
        assert apply_update(whole, each, new_id=99, now=at(999)) is whole


def test_an_end_before_its_start() -> None:
    first = fold([charge()[-1]])
    assert (first.state, first.started_at, first.sequences) == (TransactionState.ENDED, None, "5")
    assert (first.energy_wh, first.energy_problems) == (3000.5, (Problem.NO_START,))
    both = fold(charge()[:2], first)
    assert (both.state, both.started_at, both.energy_wh) == (TransactionState.ENDED, at(0), 6000.5)
    assert (both.sequences, both.id_token, both.charging_state) == ("0-1,5", CARD, "Idle")
    assert both.id == first.id and both.created_at == first.created_at


def test_of_two_starts_and_two_ends_the_outermost_count() -> None:
    updates = [update(STARTED, 1), update(STARTED, 0), update(ENDED, 60), update(ENDED, 61)]
    for order in (updates, updates[::-1]):
        assert (fold(order).started_at, fold(order).stopped_at) == (at(0), at(61))


def test_a_stop_without_a_start_is_kept() -> None:
    stop = update(ENDED, 60, id_token=CARD, meter_stop_wh=9000, stop_reason="PowerLoss")
    alone = fold([stop])
    assert (alone.state, alone.stopped_at, alone.stop_id_token) == (TransactionState.ENDED, at(60), CARD)
    assert (alone.energy_wh, alone.energy_problems) == (None, (Problem.NO_START,))
    assert alone.last_reading is not None and alone.last_reading.wh == 9000


def test_an_end_without_a_reason_was_local() -> None:
    assert fold([update(ENDED, 60)]).stop_reason == "Local"
    assert fold([update(ENDED, 60, 5), update(UPDATED, 50, 4, stop_reason="Remote")]).stop_reason == "Remote"
    assert fold([update(UPDATED, 50, 4, stop_reason="Remote"), update(ENDED, 60, 5)]).stop_reason == "Remote"
    later = [update(ENDED, 60, 5, stop_reason="Timeout"), update(UPDATED, 50, 4, stop_reason="Remote")]
    assert fold(later).stop_reason == "Timeout"


def test_the_first_token_started_it_and_only_a_stop_stops_it() -> None:
    again = update(UPDATED, 5, 4, trigger="Authorized", id_token=OTHER_CARD)
    for updates in ([*charge()[:2], again], [again, *charge()[:2]]):
        transaction = fold(updates)
        assert (transaction.id_token, transaction.stop_id_token) == (CARD, None)


def test_the_evse_may_come_late_and_meter_values_tell_it_only_where_nothing_else_does() -> None:
    start = update(STARTED, 0, evse_id=2, connector_id=1, meter_start_wh=0)
    samples = update(UPDATED, 5, evse_id=3, connector_id=1, meter_values=(register(5, 10),))
    assert fold([samples]).evse_id == 3
    assert fold([start, samples]).evse_id == fold([samples, start]).evse_id == 2
    late = [update(STARTED, 0, 0), update(UPDATED, 1, 1, evse_id=4), update(UPDATED, 2, 2, connector_id=2)]
    assert (fold(late).evse_id, fold(late).connector_id) == (4, 2)


def test_readings_of_the_very_start_and_end_need_no_mark() -> None:
    updates = [
        update(STARTED, 0, 0, meter_values=(register(0, 100),)),
        update(ENDED, 60, 1, meter_values=(register(30, 300), register(60, 700))),
    ]
    assert (fold(updates).energy_wh, fold(updates).energy_problems) == (600, ())


def test_a_station_that_numbers_everything_zero_loses_nothing() -> None:
    updates = [TransactionUpdate(**{**_fields(each), "sequence": 0}) for each in charge()]
    transaction = fold(updates)
    assert (transaction.energy_wh, transaction.charging_state) == (6000.5, "Idle")
    assert transaction.state is TransactionState.ENDED


def _fields(each: TransactionUpdate) -> dict[str, Any]:
    return {name: getattr(each, name) for name in each.__struct_fields__}


def test_closing_and_the_end_that_comes_after_all() -> None:
    closed = close_transaction(fold(charge()[:4]), "cable was stolen", at(500))
    assert (closed.state, closed.stopped_at, closed.close_note) == (TransactionState.CLOSED, None, "cable was stolen")
    assert (closed.energy_wh, closed.energy_problems) == (3000, (Problem.NO_END,))
    assert fold([charge()[2]], closed) is closed
    ended = fold(charge()[4:], closed)
    assert (ended.state, ended.stopped_at, ended.energy_wh) == (TransactionState.ENDED, at(41), 6000.5)
    assert (ended.energy_problems, ended.close_note) == ((), "cable was stolen")


def test_a_newer_transaction_on_the_evse_marks_the_older() -> None:
    old = fold([update(STARTED, 0, 0, evse_id=1)])
    new = replace(fold([update(STARTED, 60, 0, evse_id=1)]), id=2, transaction_id="T2")
    (marked,) = superseding([old, new])
    assert (marked.id, marked.superseded_by, marked.state) == (old.id, new.id, TransactionState.ACTIVE)
    assert superseding([marked, new]) == []
    assert fold([update(ENDED, 50, 9)], marked).superseded_by is None
    assert superseding([marked]) == [old]


def test_a_late_start_of_an_older_transaction_does_not_mark_the_newer() -> None:
    new = fold([update(STARTED, 60, 0, evse_id=1)])
    old = replace(fold([update(STARTED, 0, 0, evse_id=1)]), id=2, transaction_id="T0")
    assert [(each.id, each.superseded_by) for each in superseding([new, old])] == [(old.id, new.id)]
    ended = replace(old, state=TransactionState.ENDED)
    assert superseding([new, ended]) == []


def test_an_id_used_again_after_the_end_is_another_transaction() -> None:
    whole = fold(charge())
    assert not id_reused(whole, charge()[0])
    assert not id_reused(whole, update(STARTED, 30, 0))
    assert not id_reused(whole, update(UPDATED, 300, 9))
    assert id_reused(whole, update(STARTED, 300, 0))
    assert not id_reused(fold(charge()[:3]), update(STARTED, 300, 0))
    assert not id_reused(fold(charge()[-1:]), update(STARTED, 300, 0))


def test_meter_values_stored_after_the_row_are_read_back() -> None:
    stored = fold(charge()[:4])
    fresh = refresh_energy(stored, [register(20, 4000), register(30, 5500), register(25, 4700)])
    assert (fresh.energy_wh, fresh.updated_at) == (4500, stored.updated_at)
    assert refresh_energy(fresh, [register(30, 5500)]) is fresh
    assert refresh_energy(stored, []) is stored


def test_energy_goes_on_from_the_readings_at_hand() -> None:
    transaction = fold(charge()[:4])
    readings = readings_of(transaction)
    assert with_energy(transaction, readings, at(99)) is transaction
    readings.take(milliseconds(at(25)), register(25, 5000).values)
    assert with_energy(transaction, readings, at(99)).energy_wh == 4000
    assert with_energy(transaction, readings, at(99)).updated_at == at(99)


# Any transaction a station could tell of, with a meter that only rises.
tokens = st.sampled_from([None, CARD, OTHER_CARD])


@st.composite
def scripts(draw: st.DrawFn, *, steady: bool) -> list[TransactionUpdate]:
    count = draw(st.integers(1, 10))
    numbered = draw(st.booleans())
    minute, wh, updates = 0.0, float(draw(st.integers(0, 5000))), []
    for place in range(count):
        minute += draw(st.integers(0, 20))
        wh = wh + draw(st.integers(0, 3000)) if steady else float(draw(st.integers(-1, 9000)))
        phase = STARTED if place == 0 else ENDED if place == count - 1 else UPDATED
        if draw(st.integers(0, 9)) == 0:
            phase = UPDATED
        context = {STARTED: "Transaction.Begin", ENDED: "Transaction.End"}.get(phase, "Sample.Periodic")
        reading = draw(st.booleans())
        updates.append(
            update(
                phase,
                minute,
                place if numbered else None,
                trigger=draw(st.sampled_from([None, "Authorized", "StopAuthorized"])),
                id_token=draw(tokens),
                evse_id=draw(st.sampled_from([None, 1, 2])),
                connector_id=draw(st.sampled_from([None, 1])),
                meter_values=(register(minute, wh, context),) if reading else (),
                meter_start_wh=wh if phase is STARTED and not numbered else None,
                meter_stop_wh=wh if phase is ENDED and not numbered else None,
                offline=draw(st.booleans()),
                charging_state=draw(st.sampled_from([None, "Charging", "SuspendedEV", "EVConnected"])),
                stop_reason=draw(st.sampled_from([None, "Remote", "Local"])),
                reservation_id=draw(st.sampled_from([None, 5])),
                remote_start_id=draw(st.sampled_from([None, 6])),
                time_spent_charging_s=draw(st.sampled_from([None, 60, 600])),
            )
        )
    return updates


def shuffled(updates: list[TransactionUpdate], random: random_module.Random) -> list[TransactionUpdate]:
    mixed = updates + random.sample(updates, k=random.randint(0, len(updates)))
    random.shuffle(mixed)
    return mixed


@given(scripts(steady=True), st.randoms(use_true_random=False))
@settings(max_examples=400)
def test_any_order_gives_the_same_transaction_even_if_it_is_stored_and_loaded_each_time(
    updates: list[TransactionUpdate], random: random_module.Random
) -> None:
    assert content(fold(shuffled(updates, random))) == content(fold(updates))


@given(scripts(steady=False), st.randoms(use_true_random=False))
@settings(max_examples=400)
def test_any_order_gives_the_same_transaction_whatever_the_meter_says(
    updates: list[TransactionUpdate], random: random_module.Random
) -> None:
    assert content(fold(shuffled(updates, random), live=True)) == content(fold(updates, live=True))


@given(scripts(steady=False))
@settings(max_examples=200)
def test_in_order_it_does_not_matter_whether_it_is_stored_and_loaded(updates: list[TransactionUpdate]) -> None:
    stored, live = content(fold(updates)), content(fold(updates, live=True))
    assert replace(stored, progress="") == replace(live, progress="")
