"""The energy of a transaction: the same whatever the order, and doubtful where it should be doubted."""

from __future__ import annotations

import random as random_module
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltbridge.domain.energy import Edge, Energy, KeptReadings, Problem, Readings
from voltbridge.domain.metering import SampledValue

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MS0 = int(T0.timestamp() * 1000)
MINUTE = 60_000
REGISTER = "Energy.Active.Import.Register"

Point = tuple[Edge, int, float]


def energy(*points: Point, finished: bool = True) -> Energy:
    readings = Readings()
    for edge, minute, wh in points:
        readings.add(edge, MS0 + minute * MINUTE, wh)
    return readings.result(finished=finished)


def begin(wh: float, minute: int = 0) -> Point:
    return Edge.METER_START, minute, wh


def during(minute: int, wh: float) -> Point:
    return Edge.DURING, minute, wh


def end(wh: float, minute: int = 60) -> Point:
    return Edge.METER_STOP, minute, wh


def sampled(wh: float | None, **fields: str | None) -> SampledValue:
    return SampledValue(fields.pop("measurand", None) or REGISTER, wh, fields.pop("unit", "Wh"), **fields)  # type: ignore[arg-type]


def test_the_last_reading_less_the_first() -> None:
    result = energy(begin(1000), during(30, 4000.5), end(7000.25))
    assert (result.wh, result.problems) == (6000.25, ())
    assert result.first is not None and (result.first.at, result.first.wh) == (T0, 1000)
    assert result.last is not None and (result.last.at, result.last.wh) == (T0 + timedelta(hours=1), 7000.25)


def test_no_energy_is_an_energy() -> None:
    assert energy(begin(0.0), end(0.0)) == energy(end(0.0), begin(0.0))
    assert energy(begin(0.0), end(0.0)).wh == 0.0
    assert energy(begin(0.0), end(0.0)).problems == ()


def test_while_it_runs_only_the_start_can_be_missed() -> None:
    assert energy(begin(5), finished=False) == Energy(energy(begin(5)).first, energy(begin(5)).last, 0.0, ())
    assert energy(during(1, 5), during(2, 9), finished=False).problems == (Problem.NO_START,)
    assert energy(during(1, 5), during(2, 9), finished=False).wh == 4
    assert energy(during(1, 5), finished=False).wh is None
    assert energy(finished=False) == Energy(None, None, None, ())


@pytest.mark.parametrize(
    ("points", "wh", "problems"),
    [
        ([], None, (Problem.NO_READING,)),
        ([begin(5)], None, (Problem.NO_END,)),
        ([begin(5), (Edge.BEGIN, 0, 5.4)], None, (Problem.NO_END,)),
        ([end(5)], None, (Problem.NO_START,)),
        ([during(1, 5), end(9)], 4.0, (Problem.NO_START,)),
        ([begin(5), during(1, 9)], 4.0, (Problem.NO_END,)),
        ([during(1, 5), during(2, 9)], 4.0, (Problem.NO_START, Problem.NO_END)),
    ],
    ids=lambda value: None,
)
def test_what_is_missing_at_the_end_is_said(points: list[Point], wh: float | None, problems: tuple[str, ...]) -> None:
    result = energy(*points)
    assert (result.wh, result.problems) == (wh, problems)


def test_the_stop_messages_own_value_wins_over_a_reading_of_the_same_moment() -> None:
    assert energy(begin(100), (Edge.END, 60, 4999.7), end(5000)).wh == 4900
    assert energy((Edge.BEGIN, 0, 100.4), begin(100), end(5000)).wh == 4900


def test_marks_count_more_than_clocks() -> None:
    """The clock was set back an hour in the middle; start and end are marked, so nothing is lost."""
    result = energy(begin(1000, 60), during(61, 1100), during(2, 1200), during(3, 1300), end(1400, 4))
    assert result.wh == 400
    assert set(result.problems) == {Problem.DISORDER, Problem.BACKWARDS}


def test_a_register_that_restarts_is_counted_on() -> None:
    result = energy(begin(0), during(10, 3000), during(20, 5000), during(21, 0), during(30, 800))
    assert result.wh == 5800
    assert result.problems == (Problem.NO_END, Problem.FELL)


def test_an_end_below_the_start_is_no_negative_energy() -> None:
    result = energy(begin(5000), end(0))
    assert (result.wh, result.problems) == (0.0, (Problem.FELL,))


def test_a_stop_message_with_zero_keeps_what_was_counted() -> None:
    assert energy(begin(1000), during(30, 4000), end(0)).wh == 3000


@pytest.mark.parametrize("glitch", [4294967.295, 0.0])
def test_a_single_absurd_reading_is_left_out(glitch: float) -> None:
    result = energy(begin(1000), during(10, 1100), during(11, glitch), during(12, 1200), end(1500))
    assert (result.wh, result.problems) == (500, (Problem.OUTLIER,))


@pytest.mark.parametrize("wh", [-1.0, 1e13, float("nan"), float("inf"), -float("inf")])
def test_impossible_readings_are_left_out_and_said(wh: float) -> None:
    assert energy(begin(100), during(1, wh), end(600)) == Energy(
        energy(begin(100), end(600)).first, energy(begin(100), end(600)).last, 500, (Problem.LEFT_OUT,)
    )


def test_more_than_a_charger_can_deliver_is_doubted() -> None:
    assert energy(begin(0), end(1_234_567, 1)).problems == (Problem.TOO_FAST,)
    assert energy(begin(0), end(1500, 0)).problems == (Problem.TOO_FAST,)
    assert energy(begin(0), end(900, 0)).problems == ()
    assert energy(begin(0), end(3_900_000, 60)).problems == ()


def take(*moments: tuple[int, Iterable[SampledValue]]) -> Readings:
    readings = Readings()
    for minute, values in moments:
        readings.take(MS0 + minute * MINUTE, tuple(values))
    return readings


def test_marks_are_read_from_the_context() -> None:
    readings = take(
        (60, [sampled(3000, context="Transaction.End")]),
        (0, [sampled(1000, context="Transaction.Begin"), sampled(None), sampled(230, measurand="Voltage", unit="V")]),
    )
    assert readings.result(finished=True).wh == 2000
    assert readings.result(finished=True).problems == ()


def test_phases_are_added_where_there_is_no_overall_register() -> None:
    def phases(l1: float, l2: float, l3: float) -> list[SampledValue]:
        return [sampled(l1, phase="L1"), sampled(l2, phase="L2"), sampled(l3, phase="L3"), sampled(7, phase="N")]

    assert take((0, phases(10, 20, 30)), (9, phases(110, 220, 330))).result(finished=False).wh == 600
    with_overall = take((0, [sampled(1000), *phases(1, 1, 1)]), (9, [*phases(9, 9, 9), sampled(1500)]))
    assert with_overall.result(finished=False).wh == 500


def test_the_outlet_counts_before_other_places() -> None:
    both = take(
        (0, [sampled(0, location="Inlet"), sampled(0)]),
        (9, [sampled(1100, location="Inlet"), sampled(1000)]),
    )
    assert both.result(finished=False).wh == 1000
    inlet = take((0, [sampled(0, location="Inlet")]), (9, [sampled(1100, location="Inlet")])).result(finished=False)
    assert inlet.wh == 1100
    assert inlet.problems == ("read at Inlet; there is no register at the outlet", Problem.NO_START)


def test_intervals_are_added_up_only_without_a_register() -> None:
    def interval(wh: float, context: str) -> SampledValue:
        return sampled(wh, measurand="Energy.Active.Import.Interval", context=context)

    clock = [(15 * n, [interval(250, "Sample.Clock")]) for n in range(1, 5)]
    own = [(n, [interval(17, "Sample.Periodic")]) for n in range(1, 61)]
    assert take(*clock, *clock).result(finished=True) == Energy(None, None, 1000.0, (Problem.INTERVALS,))
    assert take(*own, *clock).result(finished=True).wh == 1020.0
    assert take(*own, (0, [sampled(5)]), (60, [sampled(90)])).result(finished=True).wh == 85


def test_other_units_than_energy_are_no_reading() -> None:
    assert take((0, [sampled(5, unit="W")]), (1, [sampled(9, unit=None)])).result(finished=False).wh is None


def test_a_long_transaction_needs_little_memory() -> None:
    readings = Readings()
    for second in range(20_000):
        readings.add(Edge.DURING, MS0 + second * 1000, float(second))
    assert readings.result(finished=False).wh == 19_999
    assert len(msgspec.json.encode(readings.keep())) < 200


# Any set of readings, the wildest included.
whs = st.one_of(
    st.floats(0, 100_000).map(lambda wh: round(wh, 2)),
    st.sampled_from([0.0, -1.0, 4294967295.0, 1e13, 1000.0, 1000.4]),
)
points = st.tuples(st.sampled_from(Edge), st.integers(-5, 90), whs)
outcome: Callable[[Readings], tuple[Energy, Energy]] = lambda readings: (  # noqa: E731
    readings.result(finished=False),
    readings.result(finished=True),
)


@given(st.lists(points, max_size=25), st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_any_order_and_any_repetition_give_the_same_energy(found: list[Point], random: random_module.Random) -> None:
    shuffled = found + random.sample(found, k=len(found) // 2)
    random.shuffle(shuffled)
    for finished in (False, True):
        assert energy(*found, finished=finished) == energy(*shuffled, finished=finished)


@given(st.lists(points, max_size=25))
@settings(max_examples=300)
def test_energy_is_never_negative_and_never_more_than_the_register_rose(found: list[Point]) -> None:
    result = energy(*found)
    possible = [wh for _, _, wh in found if 0 <= wh <= 1e12]
    if result.wh is not None:
        assert 0 <= result.wh <= len(possible) * (max(possible) - min(possible)) + 0.001


@given(st.lists(points, max_size=25), st.integers(0, 25))
@settings(max_examples=300)
def test_what_is_kept_is_enough_to_know_the_energy(found: list[Point], cut: int) -> None:
    """Storing and loading between any two readings changes nothing while readings arrive in order."""
    ordered = sorted(found)
    readings = Readings()
    for edge, minute, wh in ordered[:cut]:
        readings.add(edge, MS0 + minute * MINUTE, wh)
    loaded = Readings.of(msgspec.json.decode(msgspec.json.encode(readings.keep()), type=KeptReadings))
    assert outcome(loaded) == outcome(readings)
    for each in (readings, loaded):
        for edge, minute, wh in ordered[cut:]:
            each.add(edge, MS0 + minute * MINUTE, wh)
    assert outcome(loaded) == outcome(readings)


@given(
    st.lists(st.floats(0, 50).map(lambda wh: round(wh, 1)), min_size=2, max_size=30),
    st.randoms(use_true_random=False),
)
@settings(max_examples=200)
def test_a_rising_register_survives_storing_between_readings_in_any_order(
    rises: list[float], random: random_module.Random
) -> None:
    total, series = 0.0, []
    for minute, rise in enumerate(rises):
        total = round(total + rise, 1)
        series.append(during(minute, total))
    random.shuffle(series)
    readings = Readings()
    for edge, minute, wh in series:
        readings = Readings.of(readings.keep())
        readings.add(edge, MS0 + minute * MINUTE, wh)
    assert readings.result(finished=False).wh == round(total - rises[0], 3)
    assert readings.result(finished=False).problems == (Problem.NO_START,)
