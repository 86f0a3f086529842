"""What flows between a virtual EVSE and a vehicle: what the battery takes of the offer and when, and how it is counted.

Energy, charge and temperatures are brought up to now whenever somebody looks, in steps in which nothing changes its
course; before anything is changed that decides about the flow, ``count`` has to be called.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf
from typing import Final

from voltbridge.domain.clock import Clock
from voltbridge.station.configuration import EvseConfiguration
from voltbridge.station.ports import Offer
from voltbridge.station.simulation.car import Car
from voltbridge.station.simulation.grid import Grid
from voltbridge.station.simulation.heat import Heat
from voltbridge.station.simulation.meter import Flow, Meter
from voltbridge.station.simulation.needs import max_direct_a

__all__ = ["Circuit"]

_LONGEST_STEP_S: Final = 60.0
_RAMP_STEP_S: Final = 0.5


class Circuit:
    """Of one EVSE, with its meter."""

    __slots__ = (
        "_amperes",
        "_clock",
        "_configuration",
        "_counted_at",
        "car",
        "closed",
        "grid",
        "heat",
        "meter",
        "offer",
        "ready_at",
    )

    def __init__(self, configuration: EvseConfiguration, clock: Clock, grid: Grid, register_wh: float) -> None:
        self._configuration = configuration
        self._clock = clock
        self._counted_at = clock.monotonic()
        self._amperes = 0.0
        """What the battery takes of each phase at the moment counted last."""
        self.car: Car | None = None
        self.closed = False
        self.offer = Offer(configuration.max_current_a, configuration.phases)
        self.ready_at = -inf
        """Since when a vehicle that was offered nothing is awake again."""
        self.meter = Meter(import_wh=register_wh)
        self.grid = grid
        self.heat = Heat(temperature_c=grid.ambient(clock.now()), rise_c=8.0)
        """Of the EVSE's electronics, which offer less when they get too hot."""

    @property
    def power_w(self) -> float:
        """What flows at this moment."""
        self.count()
        return self.flow(self._clock.now()).power_w

    def phases(self) -> int:
        """Of those that the EVSE has, so many are offered."""
        return min(self.offer.phases, self._configuration.phases)

    def offers_nothing(self) -> bool:
        """Less than the vehicle can charge with."""
        least = 0.0 if self._configuration.direct_current else (self.car.min_current_a if self.car else 0.0)
        return self.offer.current_a < least or self.offer.current_a <= 0

    def offered_a(self, now: datetime) -> float:
        """Per phase, after what the EVSE itself holds back when it is hot."""
        configuration, offer = self._configuration, self.offer
        offered = min(offer.current_a, configuration.max_current_a * self.heat.share)
        phases = self.phases()
        if offer.power_w is not None:
            used = max(1, min(phases, self.car.phases if self.car is not None else phases))
            offered = min(offered, offer.power_w / (configuration.voltage_v * used))
        return offered

    def _target_a(self, now: datetime, charge: float | None = None) -> float:
        """What the battery takes of each phase once it has followed; negative: it feeds back."""
        car, configuration = self.car, self._configuration
        if car is None or not self.closed or not car.asks(now) or self._clock_of(now) < self.ready_at:
            return 0.0
        volts = configuration.voltage_v
        phases = 1 if configuration.direct_current else max(1, min(self.phases(), car.phases))
        if self.offers_nothing():
            feeds_w = min(car.discharges_w, self.offer.discharge_power_w)
            return -feeds_w / (volts * phases) if feeds_w > 0 and car.state_of_charge > car.keeps else 0.0
        offered = self.offered_a(now)
        if car.talk is not None and (planned := car.talk.allows_a(now, volts, phases)) is not None:
            offered = min(offered, planned)
        if not configuration.direct_current:
            if charge is None:
                return car.current_a(offered)
            full = min(offered, car.max_current_a * car.heat.share)
            return full * car.share(charge) if offered >= car.min_current_a else 0.0
        battery_v = car.voltage_v(volts)
        most_a = min(configuration.max_current_a * self.heat.share, max_direct_a(car, configuration))
        return car.power_w(min(offered * volts, most_a * battery_v), charge) / battery_v

    def flow(self, now: datetime, amperes: float | None = None) -> Flow:
        """What flows while the battery takes so much; None: what it takes now."""
        car, configuration = self.car, self._configuration
        battery_a = self._amperes if amperes is None else amperes
        powered = car is not None and self.closed and not self.offers_nothing() and car.asks(now)
        other_w = car.other_w(now) if car is not None and powered else 0.0
        factor = car.power_factor if car is not None else 1.0
        if configuration.direct_current:
            volts = car.voltage_v(configuration.voltage_v) if car is not None else configuration.voltage_v
            most = max(battery_a, self.offered_a(now) * configuration.voltage_v / volts)
            return Flow((volts,), (min(battery_a + other_w / volts, most),), 1.0, direct=True)
        voltages = tuple(
            self.grid.voltage_v(configuration.voltage_v, phase, now) for phase in range(1, configuration.phases + 1)
        )
        used = 0 if car is None else min(self.phases(), car.phases)
        currents = []
        for phase in range(configuration.phases):
            current = battery_a * car.phase_shares[phase] if car is not None and phase < used else 0.0
            if phase == 0 and other_w:
                current = max(current, min(current + other_w / (voltages[0] * factor), self.offered_a(now)))
            currents.append(current)
        return Flow(voltages, tuple(currents), factor)

    def _clock_of(self, now: datetime) -> float:
        """The monotonic moment of a moment."""
        return self._clock.monotonic() - (self._clock.now() - now).total_seconds()

    def _follow(self, target: float, seconds: float) -> float:
        """Where the current is after so long on its way to the target."""
        car, before = self.car, self._amperes
        if car is None or not self.closed or target == before:
            return target
        step = (car.ramp_up_a_per_s if target > before else car.ramp_down_a_per_s) * seconds
        return target if step >= abs(target - before) else before + (step if target > before else -step)

    def _at_once(self, target: float) -> bool:
        """Whether there is no ramp on the way to this."""
        car = self.car
        if car is None or not self.closed:
            return True
        return (car.ramp_up_a_per_s if target > self._amperes else car.ramp_down_a_per_s) == inf

    def count(self) -> None:
        """Bring the registers, the battery and the temperatures up to now."""
        until, now = self._clock.monotonic(), self._clock.now()
        while True:
            left_s = until - self._counted_at
            at = now - timedelta(seconds=max(0.0, left_s))
            target = self._target_a(at)
            if self._at_once(target):
                self._amperes = target
            if left_s <= 0:
                break
            if self.car is None or not self.closed:
                self.heat.pass_time(left_s, self.grid.ambient(at), 0.0)
                self._counted_at = until
                continue
            step_s = min(left_s, self._step_s(at, target))
            after = self._follow(target, step_s)
            flow = self.flow(at, (self._amperes + after) / 2)
            self.meter.count(flow, step_s)
            other_wh = self.car.other_w(at) * step_s / 3600.0
            energy_wh = flow.power_w * step_s / 3600.0
            self.car.take(energy_wh if energy_wh < 0 else max(0.0, energy_wh - other_wh))
            load = min(1.0, abs(self._amperes) / self._configuration.max_current_a)
            self.heat.pass_time(step_s, self.grid.ambient(at), load)
            self.car.heat.pass_time(step_s, self.grid.ambient(at), load)
            self._amperes = after
            self._counted_at += step_s

    def _step_s(self, at: datetime, target: float) -> float:
        """For how long what flows can be taken as constant, or its change as even."""
        steps = [_LONGEST_STEP_S]
        if target != self._amperes:
            steps.append(_RAMP_STEP_S)
        moment = self._clock_of(at)
        if moment < self.ready_at:
            steps.append(self.ready_at - moment)
        if self.car is not None and self.car.talk is not None:
            change_s = self.car.talk.next_change_s(at)
            if change_s is not None:
                steps.append(change_s)
        return max(min(steps), 0.001)

    def power_at(self, now: datetime, charge: float) -> float:
        """What the battery would take at another state of charge, with the offer of now."""
        target = self._target_a(now, charge)
        return self.flow(now, target).power_w if target > 0 else 0.0
