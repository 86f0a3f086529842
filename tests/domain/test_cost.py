"""The cost of a transaction: worked examples, any order of messages, and a reference that goes second by second."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltbridge.domain.cost import Cost, CostElement, CostProblem, cost_of
from voltbridge.domain.cost_facts import CostFacts, KeptFacts
from voltbridge.domain.metering import SampledValue
from voltbridge.domain.prices import Price, Restrictions, Weekday, price_at
from voltbridge.domain.tariffs import Tariff, TariffElement
from voltbridge.domain.transaction_cost import take_update
from voltbridge.domain.transactions import TransactionPhase, TransactionUpdate

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
NOON_MS = round(NOON.timestamp() * 1000)
HOUR_MS = 3_600_000
D = Decimal


def flat(amount: str, **more: Any) -> TariffElement:
    return TariffElement((Price(D(amount)),), **more)


DAY = Tariff(
    "day",
    "EUR",
    tax_percent=D(21),
    energy=flat("0.35"),
    charging_time=flat("0.02"),
    idle_time=flat("0.10"),
    start_fee=flat("0.50", tax_percent=D(0)),
    idle_grace_minutes=10,
)


def told(tariff: Tariff, *states: tuple[float, str]) -> CostFacts:
    """Facts of numbered messages: hours after noon, and the state they tell."""
    facts = CostFacts(tariff)
    for sequence, (hours, state) in enumerate(states):
        facts.take_message(NOON_MS + round(hours * HOUR_MS), sequence, state)
    return facts


def after(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def cost(tariff: Tariff, facts: CostFacts, hours: float, energy_wh: float | None = 0.0, *, final: bool = True) -> Cost:
    assert facts.tariff == tariff
    return cost_of(facts, started_at=NOON, until=after(hours), energy_wh=energy_wh, final=final)


def lines(one: Cost) -> dict[str, tuple[str, str]]:
    return {line.element.value: (str(line.excl_tax), str(line.tax)) for line in one.lines}


def test_every_element_with_its_tax() -> None:
    facts = told(DAY, (0, "EVConnected"), (0.05, "Charging"), (1.05, "SuspendedEV"), (2.05, "EVConnected"))
    one = cost(DAY, facts, 3.05, 22_345.0)
    assert lines(one) == {
        "Energy": ("7.82", "1.64"),  # 22.345 kWh at 0.35 is 7.82075
        "ChargingTime": ("1.20", "0.25"),
        "IdleTime": ("11.00", "2.31"),  # three minutes at first are within the grace; then 110 of 120
        "StartFee": ("0.50", "0.00"),
    }
    assert (one.total, one.total_excl_tax) == (D("24.72"), D("20.52"))
    assert one.total == sum(line.incl_tax for line in one.lines)
    quantities = {line.element: line.quantity for line in one.lines}
    assert quantities[CostElement.ENERGY] == D("22.345")
    assert quantities[CostElement.CHARGING_TIME] == 60
    assert quantities[CostElement.IDLE_TIME] == 110


def test_halves_are_rounded_up() -> None:
    tariff = Tariff("t", "EUR", energy=flat("0.005"))
    one = cost(tariff, CostFacts(tariff), 1, 1000.0)
    assert one.total == D("0.01")


@pytest.mark.parametrize(("currency", "total"), [("JPY", "2"), ("EUR", "1.73"), ("KWD", "1.728")])
def test_the_smallest_unit_of_the_currency(currency: str, total: str) -> None:
    tariff = Tariff("t", currency, energy=flat("0.3456"))
    assert str(cost(tariff, CostFacts(tariff), 1, 5000.0).total) == total


def test_a_free_transaction_costs_nothing_and_says_so() -> None:
    tariff = Tariff("free", "EUR")
    one = cost(tariff, CostFacts(tariff), 5, None)
    assert (str(one.total), one.lines, one.problems) == ("0.00", (), ())


def test_without_energy_there_is_no_total_where_energy_has_a_price() -> None:
    one = cost(DAY, told(DAY, (0, "Charging")), 1, None)
    assert (one.total, one.problems) == (None, (CostProblem.NO_ENERGY,))


def test_without_states_all_the_time_is_charging_time() -> None:
    tariff = Tariff("t", "EUR", charging_time=flat("1"), idle_time=flat("9"))
    one = cost(tariff, CostFacts(tariff), 1)
    assert (one.total, one.problems) == (D(60), (CostProblem.NO_STATES,))


def test_a_connector_that_fails_does_not_charge() -> None:
    tariff = Tariff("t", "EUR", charging_time=flat("1"))
    facts = CostFacts(tariff)
    facts.take_status(NOON_MS + HOUR_MS, "Idle")
    assert cost(tariff, facts, 2).problems == (CostProblem.NO_STATES,)
    facts.take_status(NOON_MS, "Charging")
    assert cost(tariff, facts, 2).total == 60


def test_time_that_the_station_withholds_energy_is_idle_only_where_the_tariff_says_so() -> None:
    tariff = Tariff("t", "EUR", idle_time=flat("1"))
    for each, total in ((tariff, 60), (replace(tariff, idle_when_suspended_by_station=True), 120)):
        facts = told(each, (0, "Charging"), (1, "SuspendedEVSE"), (2, "SuspendedEV"))
        assert cost(each, facts, 3).total == total


def test_least_and_highest_price() -> None:
    tariff = Tariff("t", "EUR", tax_percent=D(25), energy=flat("1"), min_price=D(5), max_price=D(10))
    low, middle, high = (cost(tariff, CostFacts(tariff), 1, wh) for wh in (1000.0, 6000.0, 20_000.0))
    assert (low.total, middle.total, high.total) == (D(5), D("7.50"), D(10))
    assert lines(low)["MinPrice"] == ("3.00", "0.75")
    assert lines(high)["MaxPrice"] == ("-12.00", "-3.00")
    assert high.total_excl_tax == 8


TWO_PRICES = Tariff(
    "two",
    "EUR",
    energy=TariffElement((Price(D("0.50"), Restrictions(start=time(13), end=time(14))), Price(D("0.10")))),
)


def registered(tariff: Tariff, *readings: tuple[float, float]) -> CostFacts:
    facts = CostFacts(tariff)
    for hours, wh in readings:
        facts.take_values(NOON_MS + round(hours * HOUR_MS), [SampledValue("Energy.Active.Import.Register", wh, "Wh")])
    return facts


def test_energy_by_the_time_of_day_goes_by_the_readings() -> None:
    facts = registered(TWO_PRICES, (0, 1000), (0.5, 2000), (1.5, 6000), (2.5, 6000))
    # Half of the 4 kWh from 12:30 to 13:30 is dear, and all that follows stands still.
    assert cost(TWO_PRICES, facts, 2.5, 5000.0).total == D("1.30")


def test_the_energy_of_the_transaction_counts_whatever_the_readings_say() -> None:
    """A reading that was left out as an outlier moves shares between prices, never the sum."""
    facts = registered(TWO_PRICES, (0, 1000), (1, 2000), (2, 4000))
    one = cost(TWO_PRICES, facts, 2, 300.0)
    assert one.lines[0].quantity == D("0.3")
    assert one.total == D("0.11")  # a third at 0.10, two thirds at 0.50


def test_without_readings_energy_is_spread_over_the_time_charged() -> None:
    facts = told(TWO_PRICES, (0, "EVConnected"), (0.5, "Charging"), (1.5, "SuspendedEV"))
    one = cost(TWO_PRICES, facts, 5, 1000.0)
    assert (one.total, one.problems) == (D("0.30"), (CostProblem.NO_READINGS,))


def test_a_register_that_begins_anew_spreads_by_its_rises() -> None:
    facts = registered(TWO_PRICES, (0, 9000), (0.5, 10_000), (1.25, 0), (1.75, 1000))
    assert cost(TWO_PRICES, facts, 2, 2000.0).total == D("0.60")


def test_of_many_readings_few_are_kept() -> None:
    facts = registered(TWO_PRICES, *((second / 3600, second) for second in range(0, 3 * 3600, 7)))
    kept = facts.keep()
    assert len(kept.points["Outlet"]) <= 8
    assert cost(TWO_PRICES, facts, 3, 10_794.0).total == pytest.approx(D("2.52"), abs=D("0.01"))


def test_what_lasts_a_year_has_no_cost() -> None:
    one = cost(DAY, told(DAY, (0, "Charging")), 367 * 24, 1.0)
    assert (one.total, one.problems) == (None, (CostProblem.TOO_LONG,))


@pytest.mark.parametrize("moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)])
def test_impossible_clocks(moment: datetime) -> None:
    facts = CostFacts(TWO_PRICES)
    ms = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    facts.take_message(ms, 1, "Charging")
    facts.take_reading(ms, 5.0)
    one = cost_of(facts, started_at=moment, until=moment, energy_wh=1.0, final=False)
    assert (one.total, one.problems) == (None, (CostProblem.NO_CLOCK,))
    assert facts.keep() == KeptFacts()


def test_a_start_that_is_not_known_yet() -> None:
    tariff = Tariff("t", "EUR", charging_time=flat("1"))
    facts = told(tariff, (1, "Charging"))
    one = cost_of(facts, started_at=None, until=after(2), energy_wh=None, final=False)
    assert (one.total, one.problems) == (D(60), (CostProblem.NO_START,))


# Any order, repeated, and after a restart.

STATES = ("Charging", "SuspendedEV", "SuspendedEVSE", "EVConnected", "Idle", None)
events = st.lists(st.tuples(st.integers(0, 7200), st.sampled_from(STATES)), min_size=1, max_size=8)
registers = st.lists(st.tuples(st.integers(0, 7200), st.integers(0, 9).map(float)), max_size=8)


@settings(max_examples=300, deadline=None)
@given(events, registers, st.randoms(use_true_random=False), st.booleans())
def test_any_order_gives_the_same(
    told: list[tuple[int, str | None]], read: list[tuple[int, float]], random: Any, numbered: bool
) -> None:
    messages: list[tuple[Any, ...]] = [
        ("message", NOON_MS + second * 1000, number if numbered else None, state)
        for number, (second, state) in enumerate(sorted(told, key=lambda each: each[0]))
    ]
    messages += [("reading", NOON_MS + second * 1000, wh) for second, wh in read]

    def facts(order: Sequence[tuple[Any, ...]], *, restarts: bool) -> CostFacts:
        made = CostFacts(TWO_PRICES)
        for kind, *values in order:
            (made.take_message if kind == "message" else made.take_reading)(*values)
            if restarts:
                kept = msgspec.json.decode(msgspec.json.encode(made.keep()), type=KeptFacts)
                made = CostFacts(TWO_PRICES, kept)
        return made

    straight = facts(messages, restarts=False)
    shuffled = messages + random.sample(messages, len(messages))
    random.shuffle(shuffled)
    other = facts(shuffled, restarts=True)
    assert other.keep() == straight.keep()


# Against a reference that goes second by second.

amounts = st.decimals(min_value=0, max_value=2, places=3)
clock = st.times(max_value=time(23, 59, 59)).map(lambda each: each.replace(microsecond=0))


@st.composite
def restrictions(draw: Any) -> Restrictions:
    start, end = draw(st.none() | clock), draw(st.none() | clock)
    days = draw(st.lists(st.sampled_from(Weekday), max_size=3, unique=True))
    return Restrictions(tuple(days), start, None if end == start else end)


elements = st.builds(
    TariffElement,
    st.lists(st.builds(Price, amounts, restrictions()), max_size=3).map(tuple),
    st.none() | st.decimals(min_value=0, max_value=25, places=1),
)
tariffs = st.builds(
    Tariff,
    st.just("t"),
    st.sampled_from(["EUR", "JPY", "KWD"]),
    st.sampled_from(["UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    st.decimals(min_value=0, max_value=25, places=1),
    elements,
    elements,
    elements,
    elements,
    idle_grace_minutes=st.integers(0, 30),
    idle_when_suspended_by_station=st.booleans(),
    min_price=st.none() | st.decimals(min_value=0, max_value=5, places=2),
    max_price=st.none() | st.decimals(min_value=6, max_value=50, places=2),
)
# Around the changes of the clock in Europe, America and Australia as well as on ordinary days.
starts = st.sampled_from(
    [
        datetime(2026, 3, 29, 0, 10, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 20, tzinfo=UTC),
        datetime(2026, 3, 8, 6, 30, tzinfo=UTC),
        datetime(2026, 10, 3, 15, 10, tzinfo=UTC),
        datetime(2026, 6, 5, 21, 59, 59, tzinfo=UTC),
    ]
)


class Reference:
    """Looks at every second by itself."""

    def __init__(self, tariff: Tariff, start: datetime, seconds: int, states: list[tuple[int, str]]) -> None:
        self.tariff, self.start, self.seconds = tariff, start, seconds
        self.at: list[str | None] = []
        for second in range(seconds):
            earlier = [state for begin, state in states if begin <= second]
            self.at.append(earlier[-1] if earlier else None)

    def price(self, element: TariffElement, second: int) -> Decimal:
        start_ms = round(self.start.timestamp() * 1000)
        return price_at(element.prices, start_ms + second * 1000, self.tariff.time_zone)

    def charging(self) -> Decimal:
        charged = (second for second in range(self.seconds) if self.at[second] == "Charging")
        return sum((self.price(self.tariff.charging_time, second) for second in charged), D(0)) / 60

    def idle(self) -> Decimal:
        counts = {"EVConnected", "SuspendedEV"}
        if self.tariff.idle_when_suspended_by_station:
            counts.add("SuspendedEVSE")
        amount, waited = D(0), 0
        for second in range(self.seconds):
            if self.at[second] not in counts:
                waited = 0
                continue
            if waited >= self.tariff.idle_grace_minutes * 60:
                amount += self.price(self.tariff.idle_time, second)
            waited += 1
        return amount / 60

    def energy(self, wh: list[int]) -> Decimal:
        """``wh``: what flowed in each second."""
        return sum((self.price(self.tariff.energy, second) * each for second, each in enumerate(wh)), D(0)) / 1000


def line(one: Cost, element: CostElement) -> Decimal:
    return sum((each.excl_tax for each in one.lines if each.element is element), D(0))


@settings(max_examples=60, deadline=None)
@given(
    tariffs,
    starts,
    st.integers(1, 4000),
    st.lists(st.tuples(st.integers(0, 4000), st.sampled_from(STATES[:-1])), max_size=6),
    st.lists(st.tuples(st.integers(1, 900), st.integers(0, 20)), max_size=8),
)
def test_as_a_reference_that_goes_second_by_second(
    tariff: Tariff,
    start: datetime,
    seconds: int,
    changes: list[tuple[int, str]],
    flows: list[tuple[int, int]],
) -> None:
    changes = sorted(changes, key=lambda each: each[0])
    # So much energy in each second, and a reading wherever that changes.
    wh = list(itertools.chain.from_iterable([each] * length for length, each in flows))[:seconds]
    wh += [0] * (seconds - len(wh))
    start_ms = round(start.timestamp() * 1000)
    facts = CostFacts(tariff)
    facts.take_message(start_ms, 0, None)
    for sequence, (second, state) in enumerate(changes, start=1):
        facts.take_message(start_ms + second * 1000, sequence, state)
    register = list(itertools.accumulate(wh, initial=0))
    for second in {0, seconds, *(i for i in range(1, seconds) if wh[i] != wh[i - 1])}:
        facts.take_reading(start_ms + second * 1000, float(register[second]))
    # Of readings between two changes of a price only the ends are kept; the reference flows evenly between those.
    points = [((at_ms - start_ms) // 1000, reading) for at_ms, reading in facts.points()]
    even: list[Any] = [0] * seconds
    for (low, before), (high, later) in itertools.pairwise(points):
        for second in range(low, high):
            even[second] = D(str(later - before)) / (high - low)
    one = cost_of(
        facts,
        started_at=start,
        until=start + timedelta(seconds=seconds),
        energy_wh=float(register[-1]),
        final=True,
    )
    reference = Reference(tariff, start, seconds, changes)
    unit = D(1).scaleb(-{"EUR": 2, "JPY": 0, "KWD": 3}[tariff.currency])
    close = unit / 2 + D("1e-15")
    if points or not register[-1]:
        assert abs(line(one, CostElement.ENERGY) - reference.energy(even)) <= close
    if changes:
        assert abs(line(one, CostElement.CHARGING_TIME) - reference.charging()) <= close
        assert abs(line(one, CostElement.IDLE_TIME) - reference.idle()) <= close
    assert one.total is not None and one.total_excl_tax is not None
    assert one.total == sum((each.incl_tax for each in one.lines), D(0))
    assert one.total % unit == 0
    if tariff.min_price is not None:
        assert one.total >= tariff.min_price.quantize(unit, "ROUND_HALF_UP")
    if tariff.max_price is not None:
        assert one.total <= tariff.max_price.quantize(unit, "ROUND_HALF_UP")


def test_tax_is_of_the_amount_before_it_was_rounded() -> None:
    tariff = Tariff("t", "EUR", tax_percent=D(10), energy=flat("0.145"))
    assert lines(cost(tariff, CostFacts(tariff), 1, 1000.0)) == {"Energy": ("0.15", "0.01")}


def test_a_message_dated_before_its_predecessor_is_of_the_same_moment() -> None:
    tariff = Tariff("t", "EUR", charging_time=flat("1"), idle_time=flat("100"))
    facts = told(tariff, (0, "Charging"), (1, "SuspendedEVSE"), (0.5, "Charging"))
    assert cost(tariff, facts, 2).total == 120


def test_the_readings_of_the_start_and_stop_messages_spread_the_energy() -> None:
    facts = CostFacts(TWO_PRICES)
    about: dict[str, Any] = {"station_id": "CP", "transaction_id": "1"}
    take_update(facts, TransactionUpdate(phase=TransactionPhase.STARTED, at=NOON, meter_start_wh=0.0, **about))
    take_update(facts, TransactionUpdate(phase=TransactionPhase.ENDED, at=after(2), meter_stop_wh=2000.0, **about))
    one = cost(TWO_PRICES, facts, 2, 2000.0)
    assert (one.total, one.problems) == (D("0.60"), ())
