"""The composite schedule against a reference that looks at every second, and at what the rules say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltbridge.domain.charging_profiles import (
    ChargingProfile,
    ChargingSchedule,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
    Recurrency,
    SchedulePeriod,
)
from voltbridge.domain.composite_schedule import (
    CompositeSchedule,
    Interval,
    PlacedProfile,
    RunningTransaction,
    Supply,
    composite_schedule,
    differences,
    station_composite_schedule,
)

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
DAY = 86_400


# The reference: for one second, every rule spelled out over all profiles. It shares nothing with the product but the
# nouns, counts in exact decimals and never looks at another second.


def period_at(profile: ChargingProfile, now: datetime, began_at: datetime) -> SchedulePeriod | None:
    if profile.valid_from is not None and now < profile.valid_from:
        return None
    if profile.valid_to is not None and not now < profile.valid_to:
        return None
    schedule = profile.schedules[0]
    start = began_at
    if profile.kind in (ProfileKind.ABSOLUTE, ProfileKind.RECURRING) and schedule.start_at is not None:
        start = schedule.start_at
    if now < start:
        return None
    if profile.kind is ProfileKind.RECURRING:
        step = timedelta(days=1 if profile.recurrency is Recurrency.DAILY else 7)
        while start + step <= now:
            start += step
    gone = int((now - start).total_seconds())
    if schedule.duration_s is not None and gone >= schedule.duration_s:
        return None
    found = None
    for period in schedule.periods:
        if period.start_s <= gone:
            found = period
    return found


Told = tuple[Decimal | None, int, Decimal | None]


def second(
    placed: list[PlacedProfile],
    evse_id: int,
    now: datetime,
    start: datetime,
    tx: RunningTransaction | None,
    supply: Supply,
) -> Told:
    """(current per phase, phases, the highest rate that is inefficient per phase)."""
    began_at = tx.began_at if tx else start
    chosen: dict[ProfilePurpose, tuple[tuple[int, int, int], ChargingProfile, SchedulePeriod]] = {}
    for one in placed:
        profile = one.profile
        wide = profile.purpose in (ProfilePurpose.STATION_MAX, ProfilePurpose.EXTERNAL)
        if evse_id == 0 and not (one.evse_id == 0 and wide):
            continue
        if evse_id != 0 and one.evse_id != evse_id and one.evse_id != 0:
            continue
        if profile.purpose is ProfilePurpose.TX and (
            tx is None or (profile.transaction_id is not None and profile.transaction_id != tx.transaction_id)
        ):
            continue
        period = period_at(profile, now, began_at)
        if period is None:
            continue
        rank = (profile.stack_level, 0 if one.evse_id == 0 else 1, profile.id)
        if profile.purpose not in chosen or rank > chosen[profile.purpose][0]:
            chosen[profile.purpose] = (rank, profile, period)
    if ProfilePurpose.TX in chosen and ProfilePurpose.TX_DEFAULT in chosen:
        del chosen[ProfilePurpose.TX_DEFAULT]
    phases = 1 if supply.is_dc else supply.phases
    currents = [] if supply.max_current_a is None else [Decimal(str(supply.max_current_a))]
    leasts = []
    for _, profile, period in chosen.values():
        own = 3 if period.number_phases is None else period.number_phases
        own = 1 if supply.is_dc else own
        phases = min(phases, own)
        divisor = Decimal(str(supply.voltage_v)) * own if profile.schedules[0].unit is RateUnit.W else Decimal(1)
        if period.limit is not None:
            currents.append(Decimal(str(period.limit)) / divisor)
        least = profile.schedules[0].min_rate
        if least is not None:
            leasts.append(Decimal(str(least)) / divisor)
    return min(currents, default=None), phases, max(leasts, default=None)


def tenths(current: Decimal | None, phases: int, unit: RateUnit, supply: Supply) -> float | None:
    if current is None:
        return None
    rate = current if unit is RateUnit.A else current * Decimal(str(supply.voltage_v)) * phases
    return float((rate + Decimal("0.0000001")).quantize(Decimal("0.1"), ROUND_FLOOR))


# Profiles that meet: few distinct moments close together, so that edges coincide and touch.

moments = st.integers(-40, 40).map(lambda seconds: NOON + timedelta(seconds=seconds))
far_moments = st.one_of(
    moments,
    st.builds(
        lambda days, seconds: NOON + timedelta(days=days, seconds=seconds), st.integers(-9, 1), st.integers(-40, 40)
    ),
)
limits = {
    RateUnit.A: st.integers(0, 640).map(lambda tenths: tenths / 10),
    RateUnit.W: st.integers(0, 440_000).map(lambda tenths: tenths / 10),
}


@st.composite
def schedules(draw: st.DrawFn, kind: ProfileKind) -> ChargingSchedule:
    unit = draw(st.sampled_from(RateUnit))
    starts = [0, *draw(st.lists(st.one_of(st.integers(1, 50), st.just(DAY - 5)), max_size=3, unique=True).map(sorted))]
    periods = []
    for start in starts:
        phases = draw(st.sampled_from([None, 1, 2, 3]))
        use = draw(st.sampled_from([None, 1, 2, 3])) if phases == 1 else None
        limit = draw(st.one_of(limits[unit], st.none()))
        periods.append(SchedulePeriod(start, limit, phases, use))
    return ChargingSchedule(
        unit=unit,
        periods=tuple(periods),
        # A schedule of 1.6 may leave out its start whatever its kind.
        start_at=None if kind is ProfileKind.RELATIVE else draw(st.one_of(far_moments, st.none())),
        duration_s=draw(st.one_of(st.none(), st.integers(1, 60), st.just(DAY), st.just(8 * DAY))),
        min_rate=draw(st.one_of(st.none(), limits[unit])),
    )


@st.composite
def placed_profiles(draw: st.DrawFn) -> list[PlacedProfile]:
    found = []
    for id in range(1, draw(st.integers(0, 6)) + 1):
        kind = draw(st.sampled_from([ProfileKind.ABSOLUTE, ProfileKind.RECURRING, ProfileKind.RELATIVE]))
        purpose = draw(st.sampled_from([p for p in ProfilePurpose if p not in ("PriorityCharging", "LocalGeneration")]))
        profile = ChargingProfile(
            id=id,
            purpose=purpose,
            kind=kind,
            stack_level=draw(st.integers(0, 2)),
            schedules=(draw(schedules(kind)),),
            recurrency=draw(st.sampled_from(Recurrency)) if kind is ProfileKind.RECURRING else None,
            valid_from=draw(st.one_of(st.none(), moments)),
            valid_to=draw(st.one_of(st.none(), moments)),
            transaction_id=draw(st.sampled_from(["T1", "T2", None])) if purpose is ProfilePurpose.TX else None,
        )
        found.append(PlacedProfile(draw(st.integers(0, 2)), profile))
    return found


transactions = st.one_of(
    st.none(),
    st.builds(RunningTransaction, st.just("T1"), st.integers(-50, 10).map(lambda s: NOON + timedelta(seconds=s))),
)
supplies = st.builds(
    Supply,
    voltage_v=st.sampled_from([230.0, 120.0, 400.0]),
    phases=st.integers(1, 3),
    is_dc=st.booleans(),
    max_current_a=st.sampled_from([None, 16.0, 32.0]),
)


@settings(max_examples=400, deadline=None)
@given(placed_profiles(), st.integers(0, 2), st.integers(1, 70), st.sampled_from(RateUnit), transactions, supplies)
def test_every_second_is_as_the_reference_says(
    placed: list[PlacedProfile],
    evse_id: int,
    duration_s: int,
    unit: RateUnit,
    tx: RunningTransaction | None,
    supply: Supply,
) -> None:
    made = composite_schedule(
        placed, evse_id=evse_id, start_at=NOON, duration_s=duration_s, unit=unit, transaction=tx, supply=supply
    )
    assert (made.start_at, made.duration_s, made.unit, made.evse_id) == (NOON, duration_s, unit, evse_id)
    for offset in range(duration_s):
        current, phases, least = second(placed, evse_id, NOON + timedelta(seconds=offset), NOON, tx, supply)
        told = made.at(offset)
        assert told.limit == tenths(current, phases, unit, supply), offset
        assert told.number_phases == (None if supply.is_dc else phases), offset
        assert told.min_rate == tenths(least, phases, unit, supply), offset


@settings(max_examples=100, deadline=None)
@given(placed_profiles(), st.integers(1, 60), st.sampled_from(RateUnit), transactions, supplies)
def test_a_station_takes_the_sum_of_its_evses_under_its_own_limit(
    placed: list[PlacedProfile], duration_s: int, unit: RateUnit, tx: RunningTransaction | None, supply: Supply
) -> None:
    made = station_composite_schedule(
        placed, evses={1: tx, 2: None}, start_at=NOON, duration_s=duration_s, unit=unit, supply=supply
    )
    for offset in range(duration_s):
        now = NOON + timedelta(seconds=offset)
        parts = [second(placed, evse_id, now, NOON, one, supply) for evse_id, one in ((1, tx), (2, None))]
        limit, told = whole(placed, now, unit, supply, [(part, supply) for part in parts]), made.at(offset)
        assert told.limit == limit, offset
        if not told.exact:
            assert supply.max_current_a is None, "hardware that is known leaves no doubt"


def whole(
    placed: list[PlacedProfile], now: datetime, unit: RateUnit, supply: Supply, parts: list[tuple[Told, Supply]]
) -> float | None:
    """What all EVSEs take together: their limits in the unit added up, no more than that of the whole."""
    current, phases, _ = second(placed, 0, now, NOON, None, supply)
    cap = tenths(current, phases, unit, supply)
    limits = [tenths(each, used, unit, fed) for (each, used, _), fed in parts]
    if None in limits:
        return cap
    total = float(sum(Decimal(str(each)) for each in limits))
    return total if cap is None else min(total, cap)


def test_power_of_different_phases_adds_up_and_less_than_a_bound_is_no_difference() -> None:
    one = PlacedProfile(1, profile(1, ProfilePurpose.TX_DEFAULT, (0, 10), phases=1))
    three = PlacedProfile(2, profile(2, ProfilePurpose.TX_DEFAULT, (0, 10), phases=3))
    cap = PlacedProfile(0, profile(3, ProfilePurpose.STATION_MAX, (0, 50), start_at=NOON))

    def made(unit: RateUnit, *placed: PlacedProfile) -> CompositeSchedule:
        return station_composite_schedule(placed, evses={1: None, 2: None}, start_at=NOON, duration_s=60, unit=unit)

    assert limits_of(made(RateUnit.W, one, three)) == [(0, 2300.0 + 6900.0)]
    assert limits_of(made(RateUnit.A, one, three)) == [(0, 20.0)]
    bound = made(RateUnit.A, three, cap)
    assert limits_of(bound) == [(0, 50.0)]
    assert differences(bound, told((0, 42.0))) == (), "EVSE 1 takes 32 A at most, which only the station knows"
    assert [each.told for each in differences(bound, told((0, 51.0)))] == [51.0]
    assert [each.told for each in differences(made(RateUnit.A, one, three, cap), told((0, 12.0)))] == [12.0]


@settings(max_examples=100, deadline=None)
@given(placed_profiles(), transactions, st.sampled_from(RateUnit))
def test_intervals_are_in_order_and_none_repeats_the_one_before(
    placed: list[PlacedProfile], tx: RunningTransaction | None, unit: RateUnit
) -> None:
    made = composite_schedule(placed, evse_id=1, start_at=NOON, duration_s=3 * DAY, unit=unit, transaction=tx).intervals
    starts = [interval.start_s for interval in made]
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    assert starts[-1] < 3 * DAY
    for one, next in pairwise(made):
        assert replace(one, start_s=next.start_s) != next


@settings(max_examples=60, deadline=None)
@given(placed_profiles(), st.integers(0, 50), transactions)
def test_a_later_start_tells_the_same_of_the_time_both_cover(
    placed: list[PlacedProfile], later_s: int, tx: RunningTransaction | None
) -> None:
    tx = tx or RunningTransaction("T1", NOON)
    one, other = (
        composite_schedule(placed, evse_id=1, start_at=start, duration_s=120, unit=RateUnit.A, transaction=tx)
        for start in (NOON, NOON + timedelta(seconds=later_s))
    )
    for offset in range(later_s, 120):
        assert one.at(offset).limit == other.at(offset - later_s).limit


# What the rules say, by example.


def profile(
    id: int,
    purpose: ProfilePurpose,
    *periods: tuple[int, float],
    level: int = 0,
    unit: RateUnit = RateUnit.A,
    start_at: datetime | None = NOON,
    kind: ProfileKind = ProfileKind.ABSOLUTE,
    duration_s: int | None = None,
    recurrency: Recurrency | None = None,
    transaction_id: str | None = None,
    phases: int | None = None,
    phase_to_use: int | None = None,
) -> ChargingProfile:
    made = tuple(SchedulePeriod(start, limit, phases, phase_to_use) for start, limit in periods)
    schedule = ChargingSchedule(unit, made, None if kind is ProfileKind.RELATIVE else start_at, duration_s)
    return ChargingProfile(id, purpose, kind, level, (schedule,), recurrency, transaction_id=transaction_id)


def limits_of(made: CompositeSchedule) -> list[tuple[int, float | None]]:
    return [(interval.start_s, interval.limit) for interval in made.intervals]


def plan(
    *placed: PlacedProfile, unit: RateUnit = RateUnit.A, duration_s: int = 400, **more: object
) -> CompositeSchedule:
    return composite_schedule(
        placed,
        evse_id=1,
        start_at=NOON,
        duration_s=duration_s,
        unit=unit,
        **more,  # type: ignore[arg-type]
    )


def test_stacked_defaults_under_the_station_s_limit() -> None:
    """The profiles of the standard's own example for stacking and combining (Part 6, composite schedules)."""
    made = plan(
        PlacedProfile(0, profile(1, ProfilePurpose.STATION_MAX, (0, 10))),
        PlacedProfile(1, profile(2, ProfilePurpose.TX_DEFAULT, (0, 6), (50, 12), (100, 8), duration_s=300)),
        PlacedProfile(1, profile(3, ProfilePurpose.TX_DEFAULT, (0, 7), duration_s=20, level=1)),
    )
    assert limits_of(made) == [(0, 7.0), (20, 6.0), (50, 10.0), (100, 8.0), (300, 10.0)]


def test_a_transaction_s_profile_takes_the_default_s_place_even_when_it_allows_more() -> None:
    tx = RunningTransaction("T1", NOON - timedelta(seconds=30))
    made = plan(
        PlacedProfile(0, profile(1, ProfilePurpose.TX_DEFAULT, (0, 6))),
        PlacedProfile(
            1,
            profile(
                2, ProfilePurpose.TX, (0, 16), (60, 20), kind=ProfileKind.RELATIVE, duration_s=100, transaction_id="T1"
            ),
        ),
        PlacedProfile(
            1, profile(3, ProfilePurpose.TX, (0, 1), kind=ProfileKind.RELATIVE, transaction_id="T0", level=5)
        ),
        transaction=tx,
    )
    assert limits_of(made) == [(0, 16.0), (30, 20.0), (70, 6.0)]


def test_without_a_transaction_the_default_counts_as_if_one_began() -> None:
    made = plan(
        PlacedProfile(0, profile(1, ProfilePurpose.TX_DEFAULT, (0, 6), (100, 9), kind=ProfileKind.RELATIVE)),
        PlacedProfile(1, profile(2, ProfilePurpose.TX, (0, 16), kind=ProfileKind.RELATIVE, transaction_id="T1")),
    )
    assert limits_of(made) == [(0, 6.0), (100, 9.0)]


def test_a_daily_schedule_recurs_through_the_night_the_clocks_change() -> None:
    """2026-03-29 is the day summer time begins in Europe; UTC knows nothing of it."""
    start = datetime(2026, 1, 1, 17, 0, tzinfo=UTC)
    made = plan(
        PlacedProfile(
            1,
            profile(
                1,
                ProfilePurpose.TX_DEFAULT,
                (0, 2000),
                unit=RateUnit.W,
                start_at=start,
                kind=ProfileKind.RECURRING,
                recurrency=Recurrency.DAILY,
                duration_s=3 * 3600,
            ),
        ),
        unit=RateUnit.W,
        duration_s=2 * DAY,
    )
    five, eight = 5 * 3600, 8 * 3600
    assert limits_of(made) == [(0, None), (five, 2000.0), (eight, None), (DAY + five, 2000.0), (DAY + eight, None)]


@pytest.mark.parametrize(
    ("unit", "phases", "supply", "asked", "limit"),
    [
        (RateUnit.W, 3, Supply(), RateUnit.A, 16.0),
        (RateUnit.W, 1, Supply(), RateUnit.A, 48.0),
        (RateUnit.W, None, Supply(), RateUnit.A, 16.0),
        (RateUnit.W, 3, Supply(phases=1), RateUnit.A, 16.0),
        (RateUnit.A, 1, Supply(), RateUnit.W, 11040.0 * 230),
        (RateUnit.W, 3, Supply(voltage_v=400, is_dc=True), RateUnit.A, 27.6),
    ],
)
def test_amperes_and_watts(unit: RateUnit, phases: int | None, supply: Supply, asked: RateUnit, limit: float) -> None:
    made = plan(
        PlacedProfile(1, profile(1, ProfilePurpose.TX_DEFAULT, (0, 11040), unit=unit, phases=phases)),
        unit=asked,
        supply=supply,
    )
    assert made.intervals[0].limit == limit


def test_one_phase_and_three_make_one() -> None:
    made = plan(
        PlacedProfile(0, profile(1, ProfilePurpose.STATION_MAX, (0, 11040), unit=RateUnit.W)),
        PlacedProfile(1, profile(2, ProfilePurpose.TX_DEFAULT, (0, 20), phases=1, phase_to_use=2)),
        unit=RateUnit.W,
    )
    # 11 040 W over three phases is 16 A in each, so that is all the one phase may carry.
    assert made.intervals == (Interval(0, 3680.0, 1, 2),)


def test_the_larger_of_two_on_one_level_and_the_evse_s_before_the_station_s() -> None:
    default = ProfilePurpose.TX_DEFAULT
    made = plan(PlacedProfile(0, profile(9, default, (0, 9))), PlacedProfile(1, profile(2, default, (0, 2))))
    assert limits_of(made) == [(0, 2.0)]
    made = plan(PlacedProfile(1, profile(2, default, (0, 2))), PlacedProfile(1, profile(3, default, (0, 3))))
    assert limits_of(made) == [(0, 3.0)]


def test_fractions_of_seconds_are_cut_off() -> None:
    start = NOON + timedelta(milliseconds=900)
    made = composite_schedule(
        [PlacedProfile(1, profile(1, ProfilePurpose.TX_DEFAULT, (0, 6), start_at=NOON + timedelta(seconds=2.7)))],
        evse_id=1,
        start_at=start,
        duration_s=10,
        unit=RateUnit.A,
    )
    assert made.start_at == NOON
    assert limits_of(made) == [(0, None), (2, 6.0)]


def told(*intervals: tuple[int, float | None], later_s: int = 0, duration_s: int = 100) -> CompositeSchedule:
    start = NOON + timedelta(seconds=later_s)
    return CompositeSchedule(1, start, duration_s, RateUnit.A, tuple(Interval(at, limit, 3) for at, limit in intervals))


def test_differences_between_what_we_expect_and_what_a_station_tells() -> None:
    ours = told((0, 10.0), (50, 6.0), (80, None))
    assert differences(ours, ours) == ()
    assert differences(ours, told((0, 10.05), (50, 6.0), (80, 32.0))) == ()
    (one,) = differences(ours, told((0, 10.0), (60, 6.0), (80, 32.0)))
    assert (one.start_s, one.end_s, one.expected, one.told) == (50, 60, 6.0, 10.0)
    (late,) = differences(ours, told((0, 10.0), (46, 7.0), later_s=4))
    assert (late.start_s, late.end_s, late.expected, late.told) == (50, 80, 6.0, 7.0)
    assert [(one.start_s, one.end_s) for one in differences(ours, told((0, None), duration_s=30))] == [(0, 30)]


def test_schedules_that_do_not_meet_have_no_differences() -> None:
    assert differences(told((0, 10.0)), told((0, 1.0), later_s=200)) == ()
