"""Vehicles by name, as data: of the kinds that come to stations, not of any make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from voltbridge.station.simulation.car import Car
from voltbridge.station.simulation.heat import Heat

__all__ = ["CARS", "make_car"]

_REAL: Final[dict[str, Any]] = {
    "efficiency": 0.92,
    "power_factor": 0.985,
    "ramp_up_a_per_s": 4.0,
    "ramp_down_a_per_s": 20.0,
    "taper_from": 0.95,
    "standby_w": 120.0,
    "wake_up_s": 3.0,
}

CARS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "hybrid": _REAL
        | {
            "capacity_wh": 11_000.0,
            "max_current_a": 16.0,
            "phases": 1,
            "sleeps_after_s": 3600.0,
            "refuses_phase_switch": True,
        },
        "city": _REAL
        | {
            "capacity_wh": 37_000.0,
            "max_current_a": 32.0,
            "phases": 1,
            "preconditioning_w": 1_500.0,
            "preconditioning_s": 900.0,
            "dc_curve": ((0.0, 42_000.0), (0.6, 46_000.0), (0.8, 28_000.0), (1.0, 4_000.0)),
            "battery_v": (320.0, 400.0),
        },
        "compact": _REAL
        | {
            "capacity_wh": 58_000.0,
            "max_current_a": 16.0,
            "phases": 3,
            "phase_shares": (1.0, 0.99, 0.985),
            "preconditioning_w": 2_500.0,
            "preconditioning_s": 1_200.0,
            "dc_curve": ((0.0, 95_000.0), (0.3, 100_000.0), (0.55, 72_000.0), (0.8, 45_000.0), (1.0, 6_000.0)),
            "battery_v": (330.0, 410.0),
        },
        "two-phase": _REAL
        | {
            "capacity_wh": 42_000.0,
            "max_current_a": 16.0,
            "phases": 2,
            "phase_shares": (1.0, 0.97, 1.0),
            "refuses_phase_switch": True,
            "dc_curve": ((0.0, 38_000.0), (0.7, 40_000.0), (0.9, 18_000.0), (1.0, 4_000.0)),
            "battery_v": (330.0, 400.0),
        },
        "saloon": _REAL
        | {
            "capacity_wh": 77_000.0,
            "max_current_a": 16.0,
            "phases": 3,
            "sleeps_after_s": 8 * 3600.0,
            "dc_curve": ((0.0, 210_000.0), (0.1, 233_000.0), (0.5, 220_000.0), (0.8, 120_000.0), (1.0, 8_000.0)),
            "battery_v": (620.0, 780.0),
        },
        "van": _REAL
        | {
            "capacity_wh": 89_000.0,
            "max_current_a": 32.0,
            "phases": 3,
            "standby_w": 250.0,
            "preconditioning_w": 5_000.0,
            "preconditioning_s": 1_800.0,
            "dc_curve": ((0.0, 110_000.0), (0.5, 115_000.0), (0.8, 60_000.0), (1.0, 7_000.0)),
            "battery_v": (340.0, 430.0),
        },
    }
)
"""What tells a vehicle from an ideal one, by name."""


def make_car(model: str, **other: Any) -> Car:
    """A vehicle of this name; ``other``: fields of ``Car`` of its own. Raises KeyError for a name there is not."""
    made = Car(
        **CARS[model], heat=Heat(rise_c=18.0, derates_from_c=48.0, derates_to_c=60.0, cold_from_c=8.0, cold_to_c=-20.0)
    )
    return replace(made, **other) if other else made
