"""What a vehicle that speaks ISO 15118 needs, and the most it can take, at an EVSE that can deliver so much."""

from __future__ import annotations

from typing import Final

from voltbridge.domain.charging_profiles import RateUnit
from voltbridge.station.configuration import EvseConfiguration
from voltbridge.station.high_level import VehicleNeeds
from voltbridge.station.simulation.car import Car

__all__ = ["max_direct_a", "max_rate", "needs_of"]

_AC_MODES: Final = {1: "AC_single_phase", 2: "AC_two_phase", 3: "AC_three_phase"}


def needs_of(car: Car, configuration: EvseConfiguration) -> VehicleNeeds:
    """What a vehicle that talks tells at this EVSE."""
    talk = car.talk
    assert talk is not None
    energy_wh = max(0.0, (car.wants_until - car.state_of_charge) * car.capacity_wh / car.efficiency)
    if not configuration.direct_current:
        phases = min(car.phases, configuration.phases)
        return VehicleNeeds(
            mode=_AC_MODES[phases],
            max_current_a=car.max_current_a,
            min_current_a=car.min_current_a,
            max_voltage_v=round(configuration.voltage_v * (3**0.5 if phases > 1 else 1.0)),
            energy_wh=energy_wh,
            departure_at=car.departs_at,
            max_periods=talk.max_periods,
            edition_20=talk.edition_20,
            dynamic=talk.dynamic,
        )
    high_v = car.battery_v[1] if car.battery_v is not None else configuration.voltage_v
    curve_w = max((power for _, power in car.dc_curve), default=car.max_current_a * high_v)
    return VehicleNeeds(
        mode="DC",
        max_current_a=max_direct_a(car, configuration),
        max_voltage_v=high_v,
        max_power_w=curve_w,
        energy_wh=energy_wh,
        state_of_charge=int(car.state_of_charge * 100),
        capacity_wh=car.capacity_wh,
        full_soc=int(car.wants_until * 100),
        bulk_soc=int(car.taper_from * 100),
        departure_at=car.departs_at,
        max_periods=talk.max_periods,
        edition_20=talk.edition_20,
        dynamic=talk.dynamic,
    )


def max_rate(car: Car, configuration: EvseConfiguration, unit: RateUnit) -> float:
    """The most it can take, in the unit of a schedule."""
    if not configuration.direct_current:
        phases = min(car.phases, configuration.phases)
        return car.max_current_a * (1.0 if unit is RateUnit.A else phases * configuration.voltage_v)
    power_w = max((power for _, power in car.dc_curve), default=car.max_current_a * configuration.voltage_v)
    return power_w if unit is RateUnit.W else power_w / configuration.voltage_v


def max_direct_a(car: Car, configuration: EvseConfiguration) -> float:
    """The current of a vehicle with a curve follows from its power and the voltage of its battery."""
    if not car.dc_curve:
        return car.max_current_a
    return round(max(power for _, power in car.dc_curve) / car.voltage_v(configuration.voltage_v), 1)
