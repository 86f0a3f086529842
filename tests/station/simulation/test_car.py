"""Cars and meters that are not there: they add up whatever happens, and behave as real ones do."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltbridge.station.configuration import EvseConfiguration
from voltbridge.station.ports import CarState, CarStateChanged, HardwareEvent, Offer
from voltbridge.station.readings import Reading
from voltbridge.station.simulation import CARS, Car, Grid, Heat, VirtualEvse, make_car

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
VOLTS = 230.0
DIRECT = EvseConfiguration(max_current_a=500, phases=1, voltage_v=400, direct_current=True)
_STEP_S = 2.0


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._cancelled: set[int] = set()

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def now_ms(self) -> int:
        return int(self.now().timestamp() * 1000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        number = next(self._numbers)
        heapq.heappush(self._timers, (self.seconds + seconds, number, callback))
        return lambda: self._cancelled.add(number)

    def move(self, seconds: float) -> None:
        until = self.seconds + seconds
        while self._timers and self._timers[0][0] <= until:
            at, number, callback = heapq.heappop(self._timers)
            if number not in self._cancelled:
                self.seconds = max(self.seconds, at)
                callback()
        self.seconds = until


class Place:
    """An EVSE with its clock, and what its listener hears."""

    def __init__(self, configuration: EvseConfiguration | None = None, grid: Grid | None = None) -> None:
        self.clock = HandClock()
        self.evse = VirtualEvse(1, configuration or EvseConfiguration(), self.clock, grid=grid)
        self.heard: list[HardwareEvent] = []
        self.evse.attach(self.heard.append)

    @property
    def states(self) -> list[CarState]:
        return [each.state for each in self.heard if isinstance(each, CarStateChanged)]

    def close(self, closed: bool = True) -> None:
        asyncio.run(_switch(self.evse, closed))

    def offer(self, amperes: float, phases: int = 3, power_w: float | None = None) -> None:
        self.evse.offer(Offer(amperes, phases, power_w))

    def after(self, seconds: float) -> float:
        """What flows after so long."""
        self.clock.move(seconds)
        return self.evse.power_w

    def value(self, measurand: str, phase: str | None = None) -> float:
        return next(r.value for r in self.evse.read() if (r.measurand, r.phase) == (measurand, phase))


async def _switch(evse: VirtualEvse, closed: bool) -> None:
    await (evse.close_contactor() if closed else evse.open_contactor())


def charging(car: Car, configuration: EvseConfiguration | None = None, grid: Grid | None = None) -> Place:
    place = Place(configuration, grid)
    place.evse.plug_in(car)
    place.close()
    return place


# Anything may happen for hours, and it adds up.

events = st.one_of(
    st.tuples(
        st.just("offer"), st.sampled_from([0.0, 5.9, 6.0, 8.5, 10.0, 13.0, 16.0, 25.0, 32.0]), st.sampled_from([1, 3])
    ),
    st.tuples(st.just("close"), st.booleans()),
    st.tuples(st.just("pause"), st.booleans()),
    st.tuples(st.just("change"), st.just(0)),
    st.tuples(st.just("wait"), st.just(0)),
)
days = st.lists(st.tuples(st.floats(1.0, 300.0), events), min_size=1, max_size=8)
models = st.one_of(st.none(), st.sampled_from(sorted(CARS)))


def some_car(model: str | None, charge: float, departs_s: float) -> Car:
    departs_at = NOON + timedelta(seconds=departs_s)
    if model is None:
        return Car(state_of_charge=charge)
    return make_car(model, state_of_charge=charge, departs_at=departs_at)


def of(readings: tuple[Reading, ...], measurand: str, *phases: str | None) -> list[float]:
    return [r.value for r in readings if r.measurand == measurand and r.phase in phases]


def adds_up(readings: tuple[Reading, ...], car: Car | None, *, direct: bool) -> None:
    """What is told at one moment is consistent in itself."""
    lines = (None,) if direct else ("L1", "L2", "L3")
    power = of(readings, "Power.Active.Import", None)[0] - of(readings, "Power.Active.Export", None)[0]
    assert min(of(readings, "Power.Active.Import", None)[0], of(readings, "Power.Active.Export", None)[0]) == 0
    factor = 1.0 if car is None or direct else car.power_factor
    volts = of(readings, "Voltage", *((None,) if direct else ("L1-N", "L2-N", "L3-N")))
    inwards, outwards = of(readings, "Current.Import", *lines), of(readings, "Current.Export", *lines)
    parts = [v * (i - o) * factor for v, i, o in zip(volts, inwards, outwards, strict=True)]
    rounding = sum(0.06 * abs(i - o) + 0.006 * v for v, i, o in zip(volts, inwards, outwards, strict=True))
    assert power == pytest.approx(sum(parts), abs=rounding + 0.2)
    if not direct:
        each = of(readings, "Power.Active.Import", *lines)
        assert sum(each) - sum(of(readings, "Power.Active.Export", *lines)) == pytest.approx(power, abs=0.05)
    reactive = of(readings, "Power.Reactive.Import", None)[0] - of(readings, "Power.Reactive.Export", None)[0]
    assert reactive == pytest.approx(power * math.tan(math.acos(factor)), abs=0.3)
    assert of(readings, "Power.Factor", None) == [pytest.approx(factor if power else 0.0)]
    net = (
        of(readings, "Energy.Active.Import.Register", None)[0] - of(readings, "Energy.Active.Export.Register", None)[0]
    )
    assert of(readings, "Energy.Active.Net", None) == [net]
    assert all(math.isfinite(r.value) for r in readings)


def play(
    model: str | None, charge: float, seed: int, day: list[tuple[float, tuple[Any, ...]]]
) -> list[tuple[Reading, ...]]:
    """One day; every few seconds what the meter tells. It is held to the rules on the way."""
    place = Place(EvseConfiguration(phase_meter=True), Grid.lively(seed) if seed else None)
    evse, clock = place.evse, place.clock
    car = some_car(model, charge, 1800.0)
    evse.plug_in(car)
    place.close()
    told = [evse.read()]
    energy_wh, lowered_at, ceiling = 0.0, -math.inf, 32.0
    for wait_s, (kind, *rest) in day:
        left_s = wait_s
        while left_s > 0:
            step_s = min(_STEP_S, left_s)
            before_w, soc = evse.power_w, car.state_of_charge
            clock.move(step_s)
            after_w = evse.power_w
            energy_wh += (before_w + after_w) / 2 * step_s / 3600
            told.append(evse.read())
            adds_up(told[-1], evse.car, direct=False)
            assert car.state_of_charge >= soc or evse.car is not car
            if clock.seconds - lowered_at > 10:
                assert max(of(told[-1], "Current.Import", "L1", "L2", "L3")) <= ceiling + 0.01
            left_s -= step_s
        if kind == "offer":
            evse.offer(Offer(float(rest[0]), int(rest[1])))
            ceiling = 0.0 if float(rest[0]) < 6 else float(rest[0])
            lowered_at = clock.seconds
        elif kind == "close":
            place.close(bool(rest[0]))
        elif kind == "pause":
            evse.pause(bool(rest[0]))
        elif kind == "change":
            if evse.car is not None:
                evse.unplug()
            car = some_car(model, charge, clock.seconds + 900.0)
            evse.plug_in(car)
    registers = [of(readings, "Energy.Active.Import.Register", None)[0] for readings in told]
    assert registers == sorted(registers)
    assert evse.register_wh == pytest.approx(energy_wh, rel=0.01, abs=3.0), "energy is the integral of the power"
    parts = of(evse.read(), "Energy.Active.Import.Register", "L1", "L2", "L3")
    assert sum(parts) == pytest.approx(registers[-1], abs=3.0)
    varh = of(evse.read(), "Energy.Reactive.Import.Register", None)[0]
    factor = car.power_factor
    assert varh == pytest.approx(registers[-1] * math.tan(math.acos(factor)), abs=2.0)
    assert registers[-1] - registers[0] <= energy_wh * 1.01 + 4
    return told


@settings(max_examples=20, deadline=None)
@given(models, st.floats(0.05, 0.99), st.integers(0, 3), days)
def test_whatever_happens_it_adds_up(
    model: str | None, charge: float, seed: int, day: list[tuple[float, tuple[Any, ...]]]
) -> None:
    play(model, charge, seed, day)


@settings(max_examples=3, deadline=None)
@given(models, st.integers(1, 9), days)
def test_the_same_seed_makes_the_same_day(
    model: str | None, seed: int, day: list[tuple[float, tuple[Any, ...]]]
) -> None:
    assert play(model, 0.5, seed, day) == play(model, 0.5, seed, day)


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from(["city", "compact", "saloon", "van"]),
    st.floats(0.05, 0.95),
    st.lists(st.floats(1_000, 300_000), min_size=1, max_size=4),
)
def test_direct_current_adds_up(model: str, charge: float, limits: list[float]) -> None:
    car = make_car(model, state_of_charge=charge)
    place = charging(car, DIRECT)
    energy_wh = 0.0
    for limit_w in limits:
        place.offer(limit_w / 400, 1, limit_w)
        for _ in range(150):
            before_w = place.evse.power_w
            energy_wh += (before_w + place.after(_STEP_S)) / 2 * _STEP_S / 3600
            adds_up(place.evse.read(), car, direct=True)
        curve_w = max(power for _, power in car.dc_curve)
        assert place.evse.power_w <= min(limit_w, curve_w + car.standby_w) * 1.001
    assert place.evse.register_wh == pytest.approx(energy_wh, rel=0.01, abs=3.0)


# What cars do


def test_the_meter_counts_what_reaches_the_battery_and_what_is_lost() -> None:
    car = Car(capacity_wh=50_000, state_of_charge=0.2, efficiency=0.9, max_current_a=16)
    place = charging(car)
    place.clock.move(3600)
    place.evse.read()
    assert place.evse.register_wh == pytest.approx(11_040)
    assert car.state_of_charge == pytest.approx(0.2 + 11_040 * 0.9 / 50_000)


def test_less_than_six_amperes_is_a_pause() -> None:
    place = charging(Car())
    assert place.after(1) == 16 * 690
    place.offer(5.9)
    assert place.after(1) == 0
    place.offer(6.0)
    assert place.after(1) == 6 * 690


def test_ramps() -> None:
    place = charging(Car(ramp_up_a_per_s=2.0, ramp_down_a_per_s=8.0))
    assert place.after(4) == pytest.approx(8 * 690)
    assert place.after(4) == pytest.approx(16 * 690)
    place.offer(8.0)
    assert place.after(0.5) == pytest.approx(12 * 690)
    assert place.after(0.5) == pytest.approx(8 * 690)
    assert place.after(60) == pytest.approx(8 * 690)


def test_it_tapers_near_the_end_and_then_has_enough() -> None:
    place = charging(Car(capacity_wh=20_000, state_of_charge=0.9, taper_from=0.95, least_share=0.25))
    assert place.after(1) == 16 * 690
    powers = [place.after(60) for _ in range(40)]
    assert powers[0] == 16 * 690
    assert min(power for power in powers if power) < 16 * 690 * 0.4
    assert powers[-1] == 0
    assert place.states == [CarState.C, CarState.B]


@pytest.mark.parametrize(("car", "phases"), [("hybrid", 1), ("two-phase", 2), ("compact", 3)])
def test_phases_of_the_charger_on_board(car: str, phases: int) -> None:
    place = charging(make_car(car))
    place.after(60)
    used = [place.value("Current.Import", f"L{number}") > 5 for number in (1, 2, 3)]
    assert used == [number <= phases for number in (1, 2, 3)]


def test_phases_need_not_be_even() -> None:
    place = charging(Car(phase_shares=(1.0, 0.9, 0.8)))
    place.after(1)
    assert [place.value("Current.Import", f"L{number}") for number in (1, 2, 3)] == [16, 14.4, 12.8]
    assert place.value("Power.Active.Import") == pytest.approx(VOLTS * (16 + 14.4 + 12.8), abs=0.1)


def test_it_takes_a_moment_to_wake_up_after_a_pause() -> None:
    place = charging(Car(wake_up_s=5.0))
    place.offer(0.0)
    assert place.after(60) == 0
    place.offer(10.0)
    assert place.after(4) == 0
    assert place.after(2) == 6900
    assert place.states == [CarState.C]


def test_a_car_that_falls_asleep_in_a_long_pause_is_woken_by_its_driver() -> None:
    place = charging(Car(sleeps_after_s=600.0))
    place.offer(0.0)
    place.clock.move(500)
    place.offer(10.0)
    assert place.after(1) == 6900, "it was not long enough"
    place.offer(0.0)
    place.clock.move(700)
    assert place.states == [CarState.C, CarState.B]
    place.offer(10.0)
    assert place.after(60) == 0
    place.evse.pause(False)
    assert place.states == [CarState.C, CarState.B, CarState.C]
    assert place.after(1) == 6900


def test_a_car_that_refuses_to_switch_phases_under_load() -> None:
    place = charging(Car(refuses_phase_switch=True))
    place.offer(16.0, 3)
    place.after(10)
    place.offer(16.0, 1)
    assert place.after(60) == 0
    place.offer(0.0, 1)
    place.after(10)
    place.offer(16.0, 1)
    assert place.after(10) == 16 * VOLTS
    other = charging(Car())
    other.offer(16.0, 3)
    other.after(10)
    other.offer(16.0, 1)
    assert other.after(10) == 16 * VOLTS, "others do not mind"


def test_a_car_that_is_hot_takes_less() -> None:
    place = charging(
        Car(heat=Heat(temperature_c=55.0, rise_c=0.0, derates_from_c=50.0, derates_to_c=60.0, least_share=0.2))
    )
    assert place.evse.power_w == pytest.approx(16 * 0.6 * 690)
    assert place.after(7200) == 16 * 690, "it has cooled down"


def test_a_station_that_is_hot_offers_less() -> None:
    place = charging(Car(max_current_a=32), grid=Grid(ambient_c=52.0))
    place.after(7200)
    assert 53 < place.value("Temperature") < 60, "it heats up, until it offers so much less that it stays there"
    assert place.value("RPM") > 0
    assert 32 * 0.6 < place.value("Current.Offered") < 32 * 0.9
    assert place.value("Current.Import", "L1") <= place.value("Current.Offered")


def test_the_day_has_a_warm_and_a_cold_hour() -> None:
    grid = Grid(ambient_c=10.0, ambient_swing_c=8.0)
    assert grid.ambient(NOON.replace(hour=15)) == pytest.approx(18)
    assert grid.ambient(NOON.replace(hour=3)) == pytest.approx(2)


def test_a_full_car_wants_power_again_before_it_leaves() -> None:
    leaves = NOON + timedelta(hours=2)
    car = Car(state_of_charge=1.0, preconditioning_w=2_000.0, preconditioning_s=900.0, departs_at=leaves)
    place = charging(car)
    assert place.after(6000) == 0
    assert place.states == []
    assert place.after(600) == pytest.approx(2_000)
    assert place.states == [CarState.C]
    assert place.after(900) == 0
    assert place.states == [CarState.C, CarState.B]
    assert car.state_of_charge == 1.0


def test_standby_is_metered_and_does_not_reach_the_battery() -> None:
    car = Car(capacity_wh=50_000, state_of_charge=0.2, standby_w=200.0, max_current_a=10)
    place = charging(car)
    place.clock.move(3600)
    assert place.value("Energy.Active.Import.Register") == pytest.approx(6900 + 200, abs=1)
    assert car.state_of_charge == pytest.approx(0.2 + 6900 / 50_000)


def test_the_curve_of_direct_current() -> None:
    curve = ((0.0, 50_000.0), (0.5, 100_000.0), (1.0, 20_000.0))
    for charge, power in ((0.25, 75_000.0), (0.5, 100_000.0), (0.75, 60_000.0)):
        place = charging(Car(capacity_wh=10**9, state_of_charge=charge, dc_curve=curve, battery_v=(300, 420)), DIRECT)
        assert place.after(1) == pytest.approx(power)
        assert place.value("Voltage") == pytest.approx(300 + 120 * charge, abs=0.1)
    place.offer(100.0, 1, 40_000.0)
    assert place.after(1) == pytest.approx(40_000)


def test_voltage_and_frequency_wander_a_little() -> None:
    place = charging(Car(capacity_wh=10**9), grid=Grid.lively(7))
    volts, hertz = set(), set()
    for _ in range(60):
        place.clock.move(60)
        volts.add(place.value("Voltage", "L2-N"))
        hertz.add(place.value("Frequency"))
    assert len(volts) > 10
    assert all(VOLTS * 0.98 <= each <= VOLTS * 1.02 for each in volts)
    assert len(hertz) > 2
    assert all(49.97 <= each <= 50.03 for each in hertz)


def test_what_is_fed_back_is_counted_apart() -> None:
    car = Car(capacity_wh=50_000, state_of_charge=0.8, discharges_w=5_000.0, keeps=0.75)
    place = charging(car)
    place.evse.offer(Offer(0.0, 3, discharge_power_w=4_000.0))
    assert place.after(900) == pytest.approx(-4_000)
    assert place.value("Power.Active.Export") == pytest.approx(4_000, abs=0.2)
    assert place.value("Power.Active.Import") == 0
    assert place.value("Energy.Active.Import.Register") == 0
    assert place.value("Energy.Active.Export.Register") == pytest.approx(1_000, abs=1)
    assert place.value("Energy.Active.Net") == pytest.approx(-1_000, abs=1)
    assert place.after(7200) == 0
    assert car.state_of_charge == pytest.approx(0.75, abs=0.01)


def test_every_model_charges() -> None:
    for model in CARS:
        place = charging(make_car(model, state_of_charge=0.4))
        assert place.after(120) > 1_000, model
        with pytest.raises(KeyError):
            make_car("none")
