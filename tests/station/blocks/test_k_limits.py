"""Any stack of profiles: what a station tells and its cars take, against a reference that looks at every second."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain.test_composite_schedule import NOON, placed_profiles, second, supplies, transactions, whole
from tests.station.blocks.test_k_smart_charging import charge, hardware, put
from tests.station.central_system import CentralSystem, Message, charging, live

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
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version
from voltbridge.station.blocks.k_smart_charging.limits import LEAST_A, Asking, cut_off, of_evse, of_station, shared
from voltbridge.station.configuration import EvseConfiguration, StationConfiguration
from voltbridge.station.simulation import Car
from voltbridge.station.virtual_clock import VirtualClock

V16, V201, V21 = Version
SECONDS = 240
EVSE = Supply(230.0, 3, max_current_a=32.0)
WHOLE = Supply(230.0, 3)


def some_profile(random: Random, number: int, now: datetime, keys: dict[int, str]) -> PlacedProfile:
    """One that may well be refused for the others that are there."""
    purpose = random.choice([ProfilePurpose.STATION_MAX, ProfilePurpose.TX_DEFAULT, ProfilePurpose.TX])
    kinds = [ProfileKind.ABSOLUTE, ProfileKind.RECURRING, ProfileKind.RELATIVE]
    kind = random.choice(kinds[:2] if purpose is ProfilePurpose.STATION_MAX else kinds)
    evse_id = {ProfilePurpose.STATION_MAX: 0, ProfilePurpose.TX: random.randint(1, 2)}.get(
        purpose, random.choice([0, 1, 2])
    )
    unit = random.choice(list(RateUnit))
    starts = [0, *sorted(random.sample(range(1, 120), random.randint(0, 4)))]
    phases = random.choice([None, 1, 3])
    factor = 1 if unit is RateUnit.A else 230 * (phases or 3)
    most = 60 if purpose is ProfilePurpose.STATION_MAX else 40
    periods = tuple(
        SchedulePeriod(start, round(random.choice([0.0, random.uniform(0, most)]) * factor, 1), phases)
        for start in starts
    )

    def about(low: int, high: int) -> datetime:
        return now + timedelta(seconds=random.randint(low, high))

    start_at = None if kind is ProfileKind.RELATIVE else about(-100_000, 100)
    if kind is ProfileKind.ABSOLUTE:
        start_at = about(-60, 100)
    return PlacedProfile(
        evse_id,
        ChargingProfile(
            id=number,
            purpose=purpose,
            kind=kind,
            stack_level=random.randint(0, 4),
            schedules=(
                ChargingSchedule(unit, periods, start_at, random.choice([None, random.randint(50, 200), 86_400])),
            ),
            recurrency=random.choice(list(Recurrency)) if kind is ProfileKind.RECURRING else None,
            valid_from=random.choice([None, about(-50, 100)]),
            valid_to=random.choice([None, about(101, 300)]),
            transaction_id=keys[evse_id] if purpose is ProfilePurpose.TX else None,
        ),
    )


def wire(profile: ChargingProfile) -> Message:
    schedule = profile.schedules[0]
    made: dict[str, Any] = {
        "id": profile.id,
        "stackLevel": profile.stack_level,
        "chargingProfilePurpose": profile.purpose.value,
        "chargingProfileKind": profile.kind.value,
        "recurrencyKind": profile.recurrency and profile.recurrency.value,
        "validFrom": profile.valid_from and str(DateTime.of(profile.valid_from)),
        "validTo": profile.valid_to and str(DateTime.of(profile.valid_to)),
        "transactionId": profile.transaction_id,
        "chargingSchedule": [
            {
                "id": 1,
                "chargingRateUnit": schedule.unit.value,
                "startSchedule": schedule.start_at and str(DateTime.of(schedule.start_at)),
                "duration": schedule.duration_s,
                "chargingSchedulePeriod": [
                    {"startPeriod": each.start_s, "limit": each.limit, "numberPhases": each.number_phases}
                    for each in schedule.periods
                ],
            }
        ],
    }
    cleaned: Message = without_none(made)
    return cleaned


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_none(each) for key, each in value.items() if each is not None}
    return [without_none(each) for each in value] if isinstance(value, list) else value


async def told(central: CentralSystem, evse_id: int) -> CompositeSchedule:
    request = {"evseId": evse_id, "duration": SECONDS, "chargingRateUnit": "A"}
    response = await central.call("GetCompositeSchedule", request)
    assert response["status"] == "Accepted"
    schedule = response["schedule"]
    return CompositeSchedule(
        evse_id,
        datetime.fromisoformat(schedule["scheduleStart"]),
        schedule["duration"],
        RateUnit.A,
        tuple(
            Interval(each["startPeriod"], each["limit"], each.get("numberPhases"))
            for each in schedule["chargingSchedulePeriod"]
        ),
    )


@pytest.mark.parametrize("seed", range(16))
def test_no_car_ever_takes_more_than_it_may(seed: int) -> None:
    """K08.FR.02 to FR.04, K04.FR.05."""
    random = Random(seed)

    async def story(clock: VirtualClock) -> None:
        can = {"SmartChargingCtrlr.Phases3to1": "true"}
        async with charging(clock, random.choice([V201, V21]), evses=2, variables=can) as (central, station):
            running: dict[int, RunningTransaction] = {}
            for evse_id in (1, 2):
                await charge(station, evse_id)
                begun = next(
                    event
                    for event in reversed(central.of("TransactionEvent"))
                    if event["transactionInfo"].get("chargingState") == "Charging"
                )
                at = datetime.fromisoformat(begun["timestamp"]).replace(microsecond=0)
                running[evse_id] = RunningTransaction(begun["transactionInfo"]["transactionId"], at)
                await clock.sleep(random.randint(0, 50))
            await clock.sleep((1_500_000 - clock.now().microsecond) % 1_000_000 / 1_000_000)
            keys = {evse_id: each.transaction_id for evse_id, each in running.items()}
            placed: list[PlacedProfile] = []
            for number in range(1, 15):
                one = some_profile(random, number, clock.now().replace(microsecond=0), keys)
                if await put(central, central.versions[0], one.evse_id, wire(one.profile)) == "Accepted":
                    placed.append(one)
            assert placed
            schedules = {evse_id: await told(central, evse_id) for evse_id in (0, 1, 2)}
            start = schedules[0].start_at
            for evse_id in (1, 2):
                expected = composite_schedule(
                    placed,
                    evse_id=evse_id,
                    start_at=start,
                    duration_s=SECONDS,
                    unit=RateUnit.A,
                    transaction=running[evse_id],
                    supply=EVSE,
                )
                assert differences(expected, schedules[evse_id]) == (), "as the CSMS computes it"
            await clock.sleep((start + timedelta(seconds=1.5) - clock.now()).total_seconds())
            for offset in range(1, SECONDS):
                now = start + timedelta(seconds=offset)
                limits, taken, phases = {}, {}, {}
                for evse_id in (1, 2):
                    limit, phases[evse_id], _ = second(placed, evse_id, now, start, running[evse_id], EVSE)
                    assert limit is not None
                    limits[evse_id] = int(limit * 10 + Decimal("0.000001")) / 10
                    assert schedules[evse_id].at(offset).limit == limits[evse_id], offset
                    evse = hardware(station).evses[evse_id - 1]
                    taken[evse_id] = evse.power_w / (230 * phases[evse_id])
                    assert taken[evse_id] <= limits[evse_id] + 1e-6, offset
                most, _, _ = second(placed, 0, now, start, None, WHOLE)
                total = round(sum(limits.values()), 1)
                cap = float("inf") if most is None else int(most * 10 + Decimal("0.000001")) / 10
                assert schedules[0].at(offset).limit == min(total, cap), offset
                useful = {evse_id: limit if limit >= LEAST_A else 0.0 for evse_id, limit in limits.items()}
                assert sum(taken.values()) <= cap + 1e-6, offset
                if sum(useful.values()) <= cap:
                    assert taken == pytest.approx(useful), offset
                elif cap >= LEAST_A:
                    assert sum(taken.values()) > 0, "what there is is used"
                await clock.sleep((start + timedelta(seconds=offset + 1.5) - clock.now()).total_seconds())

    live(story)


askings = st.lists(
    st.builds(
        Asking,
        evse_id=st.integers(1, 1000),
        limit=st.floats(6, 100),
        least=st.just(6.0),
        priority=st.integers(-9, 9),
        began_at=st.integers(0, 50).map(lambda seconds: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=seconds)),
    ),
    max_size=6,
    unique_by=lambda each: each.evse_id,
)


@given(askings, st.floats(0, 300))
def test_a_limit_is_shared(asking: list[Asking], limit: float) -> None:
    """Nobody gets more than he may or less than is of use, and nothing is left that somebody could take."""
    parts = shared(limit, asking)
    served = [each for each in asking if each.evse_id in parts]
    assert sum(parts.values()) <= limit + 1e-6
    for each in served:
        assert each.least - 1e-6 <= parts[each.evse_id] <= each.limit + 1e-6
    left = limit - sum(parts.values())
    assert left < 1e-6 or all(parts[each.evse_id] >= each.limit - 1e-6 for each in served)
    for waiting in asking:
        if waiting.evse_id not in parts:
            assert all(each.priority >= waiting.priority for each in served)
            assert len(served) * 6 + 6 > limit - 1e-6


def test_the_station_s_own_supply_is_a_limit() -> None:
    """K04.FR.02: without any profile."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V201, evses=2, supply_max_current_a=40) as (central, station):
            await charge(station, 1)
            visit = station.plug_in(2, Car(capacity_wh=1_000_000, max_current_a=32))
            await visit.__aenter__()
            await visit.swipe("04A2B3C4D5E6F2")
            await visit.charging()
            for evse in hardware(station).evses:
                assert evse.power_w == pytest.approx(20 * 3 * 230)
            assert (await told(central, 0)).intervals[0].limit == 40

    live(story)


def test_schedules_that_are_more_than_a_message_holds() -> None:
    """Hundreds of changes a day in each of very many profiles: what can be told is told, and the station goes on."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V201, variables={"SmartChargingCtrlr.PeriodsPerSchedule": "200"}) as (
            central,
            station,
        ):
            now = clock.now().replace(microsecond=0)
            periods = tuple(SchedulePeriod(number * 60, 6.0 + number % 10) for number in range(200))
            for number in range(1, 40):
                schedule = ChargingSchedule(RateUnit.A, periods, now)
                profile = ChargingProfile(
                    number,
                    ProfilePurpose.TX_DEFAULT,
                    ProfileKind.RECURRING,
                    number % 11,
                    (schedule,),
                    Recurrency.DAILY,
                    valid_from=now + timedelta(days=number),
                    valid_to=now + timedelta(days=number + 1),
                )
                assert await put(central, V201, 1, wire(profile)) == "Accepted"
            response = await central.call("GetCompositeSchedule", {"evseId": 1, "duration": 2_000_000})
            schedule = response["schedule"]
            assert len(schedule["chargingSchedulePeriod"]) <= 200
            assert 60 < schedule["duration"] < 2_000_000
            await clock.sleep((now + timedelta(days=2, seconds=90) - clock.now()).total_seconds())
            await charge(station)
            assert hardware(station).evses[0].power_w == 7 * 3 * 230

    live(story)


def test_a_schedule_is_cut_off_where_it_gets_too_long() -> None:
    intervals = tuple(Interval(start * 10, float(start), 3) for start in range(5))
    made = CompositeSchedule(1, datetime(2026, 3, 1, tzinfo=UTC), 100, RateUnit.A, intervals)
    assert cut_off(made, 5) is made
    assert cut_off(made, 3) == replace(made, intervals=intervals[:3], duration_s=30)


mixed = st.tuples(supplies, supplies, supplies)


@settings(max_examples=100, deadline=None)
@given(placed_profiles(), st.integers(1, 60), st.sampled_from(RateUnit), transactions, mixed)
def test_a_station_s_own_schedule_is_that_of_the_csms_where_both_know_the_same(
    placed: list[PlacedProfile],
    duration_s: int,
    unit: RateUnit,
    tx: RunningTransaction | None,
    fed: tuple[Supply, Supply, Supply],
) -> None:
    """K08.FR.03: the station knows its hardware; the CSMS, which does not, sees no difference in what it tells."""
    station = StationConfiguration(
        "CP-1",
        "ws://localhost",
        supply_max_current_a=fed[0].max_current_a or 0.0,
        evses=tuple(
            EvseConfiguration(
                max_current_a=each.max_current_a or 80.0,
                phases=each.phases,
                voltage_v=each.voltage_v,
                direct_current=each.is_dc,
            )
            for each in fed[1:]
        ),
    )
    known = {
        number: Supply(one.voltage_v, one.phases, one.direct_current, one.max_current_a)
        for number, one in enumerate(station.evses, 1)
    }
    volts = max(one.voltage_v for one in station.evses)
    phases = max(1 if one.direct_current else one.phases for one in station.evses)
    all_dc = all(one.direct_current for one in station.evses)
    together = Supply(volts, phases, all_dc, station.supply_max_current_a or None)
    told = of_station(station, placed, {1: tx, 2: None}, NOON, duration_s, unit)
    for offset in range(duration_s):
        now = NOON + timedelta(seconds=offset)
        parts = [
            (second(placed, evse_id, now, NOON, one, known[evse_id]), known[evse_id])
            for evse_id, one in ((1, tx), (2, None))
        ]
        assert told.at(offset).limit == whole(placed, now, unit, together, parts), offset
    same = station_composite_schedule(
        placed, evses={1: tx, 2: None}, start_at=NOON, duration_s=duration_s, unit=unit, supply=together, supplies=known
    )
    assert differences(same, told) == differences(told, same) == ()
    for evse_id, one in ((1, tx), (2, None)):
        own = of_evse(station, placed, evse_id, one, NOON, duration_s, unit)
        beside = composite_schedule(
            placed,
            evse_id=evse_id,
            start_at=NOON,
            duration_s=duration_s,
            unit=unit,
            transaction=one,
            supply=known[evse_id],
        )
        assert own == beside
