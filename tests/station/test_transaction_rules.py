"""The pure parts of transactions: points, states, and what is told once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import TransactionPhase
from voltbridge.station.blocks.e_transactions.points import Situation, charging_state, connector_state, met
from voltbridge.station.blocks.e_transactions.records import Records, RunningTransaction
from voltbridge.station.blocks.e_transactions.telling import Circumstances, next_fact
from voltbridge.station.facts import ConnectorState, decode_fact, encode_fact
from voltbridge.station.ports import CarState
from voltbridge.station.readings import MeterReading, Reading
from voltbridge.station.standard_variables import TX_POINTS
from voltbridge.storage.station import MemoryStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SITUATIONS = st.builds(
    Situation,
    plugged=st.booleans(),
    parked=st.none() | st.booleans(),
    authorized=st.booleans(),
    car=st.sampled_from(CarState),
    contactor_closed=st.booleans(),
    allowed=st.booleans(),
    signing=st.booleans(),
)


@given(SITUATIONS)
def test_each_point_implies_those_before_it(situation: Situation) -> None:
    if met("EnergyTransfer", situation):
        assert met("PowerPathClosed", situation)
    if met("DataSigned", situation):
        assert met("PowerPathClosed", situation)
    assert met("PowerPathClosed", situation) == (met("EVConnected", situation) and met("Authorized", situation))


@given(SITUATIONS)
def test_energy_is_only_wanted_by_who_may_have_it(situation: Situation) -> None:
    if situation.wants_power:
        assert situation.authorized
        assert situation.plugged
        assert situation.allowed
    assert (charging_state(situation) == "Charging") <= situation.contactor_closed
    assert (charging_state(situation) == "Idle") == (not situation.plugged)


@given(SITUATIONS, st.booleans(), st.booleans())
def test_a_connector_is_available_only_when_nobody_is_there(situation: Situation, running: bool, ended: bool) -> None:
    state = connector_state(situation, running=running, ended=ended)
    if state is ConnectorState.AVAILABLE:
        assert not (situation.plugged or situation.authorized or running)
    if state is ConnectorState.CHARGING:
        assert running
        assert situation.contactor_closed


def test_a_point_nobody_knows_is_never_met() -> None:
    assert not met("Nonsense", Situation(plugged=True, authorized=True))
    assert {point for point in TX_POINTS if met(point, Situation())} == set()


def test_what_the_station_suspends_counts_before_the_vehicle() -> None:
    both = Situation(plugged=True, authorized=True, car=CarState.B, allowed=False)
    assert charging_state(both) == "SuspendedEVSE"


def circumstances(seconds: float, state: str) -> Circumstances:
    return Circumstances(
        at=NOON + timedelta(seconds=seconds),
        connector_id=1,
        charging_state=state,
        register_wh=1.5,
        offline=False,
        cable_max_current_a=32,
        phases=3,
    )


def running(**more: object) -> RunningTransaction:
    return RunningTransaction(key="K", evse_id=1, connector_id=1, started_at=NOON, updated_at=NOON, **more)  # type: ignore[arg-type]


def test_token_and_remote_start_are_told_once_and_numbers_have_no_holes() -> None:
    transaction = running(remote_start_id=7)
    first = next_fact(transaction, TransactionPhase.STARTED, "CablePluggedIn", circumstances(0, "EVConnected"))
    transaction.id_token, transaction.authorized = IdToken("A"), True
    facts = [
        first,
        *(
            next_fact(transaction, TransactionPhase.UPDATED, "Authorized", circumstances(number, "Charging"))
            for number in range(1, 4)
        ),
    ]
    assert [fact.sequence for fact in facts] == [0, 1, 2, 3]
    assert [fact.authorizes for fact in facts] == [False, True, False, False]
    assert [fact.id_token for fact in facts] == [None, IdToken("A"), None, None]
    assert [fact.remote_start_id for fact in facts] == [7, None, None, None]
    assert [fact.cable_max_current_a for fact in facts] == [32, None, None, None]


def test_the_time_of_charging_counts_only_charging() -> None:
    transaction = running()
    states = [(0, "EVConnected"), (10, "Charging"), (40, "SuspendedEV"), (100, "Charging"), (105, "Charging")]
    for seconds, state in states:
        next_fact(transaction, TransactionPhase.UPDATED, "ChargingStateChanged", circumstances(seconds, state))
    end = next_fact(transaction, TransactionPhase.ENDED, "StopAuthorized", circumstances(120, "EVConnected"))
    assert end.time_spent_charging_s == 50


def test_a_fact_is_the_same_after_the_disk() -> None:
    fact = next_fact(
        running(id_token=IdToken("A", "ISO14443", (("B", "C"),)), authorized=True),
        TransactionPhase.ENDED,
        "StopAuthorized",
        circumstances(1, "Idle"),
        meter=(MeterReading(NOON, (Reading(1.25, phase="L1"),), "Transaction.End"),),
        reason="Local",
    )
    assert decode_fact(encode_fact(fact)) == fact


@pytest.mark.parametrize("count", [1, 7, 40])
def test_samples_are_thinned_out_from_the_middle(count: int) -> None:
    store = MemoryStore()
    records = Records(store)
    for number in range(count):
        records.add_sample("K", number, MeterReading(NOON + timedelta(seconds=number), (Reading(float(number)),)))
    records.add_sample("OTHER", 0, MeterReading(NOON, ()))
    left = records.thin_out("K", 10)
    samples = records.samples("K")
    assert len(samples) == left <= 10
    assert (samples[0].at, samples[-1].at) == (NOON, NOON + timedelta(seconds=count - 1))
    records.forget("K")
    assert list(store.all("samples")) == ["OTHER/000000"]
