"""A vehicle: its battery, what it takes of what it is offered, and when it has enough.

``Car()`` is an ideal one: it follows every offer at once and wastes nothing. What real ones do besides (ramps, standby,
sleep, temperature, a curve of direct current) are fields; ``cars.make_car`` makes vehicles that have them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from math import inf
from typing import Final

from voltbridge.station.simulation.heat import Heat
from voltbridge.station.simulation.talk import Talk

__all__ = ["Car"]

_STEP: Final = 0.01
_ENOUGH: Final = 1e-9


@dataclass(slots=True)
class Car:
    """A vehicle with a battery. ``state_of_charge`` and other shares are from 0 to 1.

    It takes all it can get up to ``taper_from``, then less and less, down to ``least_share`` when it is full.
    """

    capacity_wh: float = 60_000.0
    state_of_charge: float = 0.3
    max_current_a: float = 16.0
    phases: int = 3
    wants_until: float = 1.0
    """It asks for no more above this share."""
    paused: bool = False
    """The driver, or a timer in the vehicle, does not want to charge now."""
    min_current_a: float = 6.0
    """Below this it takes nothing (IEC 61851-1)."""
    taper_from: float = 0.8
    least_share: float = 0.1
    efficiency: float = 1.0
    """How much of what the meter counts reaches the battery."""
    power_factor: float = 1.0
    """Of the charger on board."""
    phase_shares: tuple[float, ...] = (1.0, 1.0, 1.0)
    """What it takes of each phase, as a share of what it could."""
    ramp_up_a_per_s: float = inf
    ramp_down_a_per_s: float = inf
    """How fast the current of each phase follows a new limit."""
    dc_curve: tuple[tuple[float, float], ...] = ()
    """(state of charge, W) of direct current, straight lines between; empty: as it takes alternating current."""
    battery_v: tuple[float, float] | None = None
    """When empty and when full; None: whatever the EVSE has."""
    standby_w: float = 0.0
    """What its electronics take while there is power, besides the battery."""
    preconditioning_w: float = 0.0
    preconditioning_s: float = 0.0
    """It heats or cools so much for so long before it leaves, and asks for energy for that even when it is full."""
    departs_at: datetime | None = None
    wake_up_s: float = 0.0
    """How long it takes to begin after it was offered nothing."""
    sleeps_after_s: float = inf
    """Offered nothing for so long it falls asleep: only a new connection, or its driver, wakes it."""
    refuses_phase_switch: bool = False
    """Other phases under load make it stop until it has been offered nothing in between."""
    discharges_w: float = 0.0
    """What it feeds back where it may, down to ``keeps``."""
    keeps: float = 0.2
    heat: Heat = field(default_factory=Heat)
    talk: Talk | None = None
    """It speaks ISO 15118; None: it knows the control pilot only."""
    asleep: bool = False
    _phases_used: int | None = None
    _balks: bool = False

    @property
    def wants_energy(self) -> bool:
        """For its battery."""
        return not self.paused and not self.asleep and self.state_of_charge < self.wants_until - _ENOUGH

    def preconditions(self, now: datetime) -> bool:
        """It heats or cools because it is about to leave."""
        if self.departs_at is None or not self.preconditioning_w or self.paused or self.asleep:
            return False
        return self.departs_at - timedelta(seconds=self.preconditioning_s) <= now < self.departs_at

    def asks(self, now: datetime) -> bool:
        """Whether it wants power now, for whatever."""
        ready = self.talk is None or self.talk.agreed
        return ready and not self._balks and (self.wants_energy or self.preconditions(now))

    def connected(self) -> None:
        """Plugged in anew, which wakes it."""
        self.asleep = self._balks = False
        self._phases_used = None

    def offered(self, current_a: float, phases: int) -> None:
        """The station offers this from now on."""
        if current_a < self.min_current_a:
            self._balks = False
            self._phases_used = None
        elif self._phases_used not in (None, phases) and self.refuses_phase_switch:
            self._balks = True
        else:
            self._phases_used = phases

    def current_a(self, offered_a: float) -> float:
        """What its battery takes per phase of alternating current, of what is offered, once it has followed."""
        if not self.wants_energy or self._balks or offered_a < self.min_current_a:
            return 0.0
        return min(offered_a, self.max_current_a * self.heat.share) * self.share(self.state_of_charge)

    def power_w(self, offered_w: float, at_charge: float | None = None) -> float:
        """What its battery takes of direct current, of what is offered, once it has followed."""
        if not self.wants_energy:
            return 0.0
        charge = self.state_of_charge if at_charge is None else at_charge
        if not self.dc_curve:
            return offered_w * self.share(charge)
        return min(offered_w, _at(self.dc_curve, charge) * self.heat.share)

    def voltage_v(self, nominal_v: float) -> float:
        """Of its battery."""
        if self.battery_v is None:
            return nominal_v
        low, high = self.battery_v
        return low + (high - low) * self.state_of_charge

    def other_w(self, now: datetime) -> float:
        """What it takes besides charging, while the contactor is closed."""
        return self.standby_w + (self.preconditioning_w if self.preconditions(now) else 0.0)

    def take(self, energy_wh: float) -> None:
        """Some energy has arrived for the battery, or (negative) left it."""
        into = energy_wh * self.efficiency if energy_wh > 0 else energy_wh / self.efficiency
        self.state_of_charge = max(0.0, min(1.0, self.state_of_charge + into / self.capacity_wh))

    def seconds_until_full(self, power_at: Callable[[float], float]) -> float | None:
        """How long until it wants no more, where it takes ``power_at(state of charge)``; None: for ever."""
        if not self.wants_energy:
            return None
        seconds, charge = 0.0, self.state_of_charge
        while charge < self.wants_until - _ENOUGH:
            step = min(_STEP, self.wants_until - charge)
            power_w = power_at(charge) * self.efficiency
            if power_w <= 0:
                return None
            seconds += step * self.capacity_wh / power_w * 3600.0
            charge += step
        return seconds

    def share(self, charge: float) -> float:
        """How much of what it could take it takes at this state of charge."""
        if charge <= self.taper_from:
            return 1.0
        return max(
            self.least_share, 1.0 - (charge - self.taper_from) / (1.0 - self.taper_from) * (1.0 - self.least_share)
        )


def _at(curve: tuple[tuple[float, float], ...], charge: float) -> float:
    if charge <= curve[0][0]:
        return curve[0][1]
    for (x0, y0), (x1, y1) in pairwise(curve):
        if charge <= x1:
            return y0 + (y1 - y0) * (charge - x0) / (x1 - x0)
    return curve[-1][1]
