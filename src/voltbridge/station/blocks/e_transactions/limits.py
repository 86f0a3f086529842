"""Limits of one transaction in energy, cost, time and state of charge, set by the CSMS (2.1 E16).

Costs are those that the CSMS tells, since the station calculates none of its own (E16.FR.11, FR.15).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from voltbridge.station.readings import Reading

__all__ = ["REASONS", "TransactionLimits", "limits_of", "reached", "told"]

REASONS: Final = {
    "EnergyLimitReached": "EnergyLimitReached",
    "CostLimitReached": "LocalOutOfCredit",
    "TimeLimitReached": "TimeLimitReached",
    "SoCLimitReached": "SOCLimitReached",
}
"""Trigger -> why a transaction that ends by it has stopped."""


class TransactionLimits(msgspec.Struct, frozen=True, omit_defaults=True):
    """None: no such limit. Once set, a limit can only be changed (E16.FR.17)."""

    max_energy_wh: float | None = None
    max_cost: float | None = None
    max_time_s: int | None = None
    """Since the start of the transaction (E16.FR.09)."""
    max_soc: float | None = None
    """In percent."""


def limits_of(before: TransactionLimits | None, wanted: Mapping[str, Any]) -> TransactionLimits:
    """The limits after some were set, from a TransactionLimitType as JSON."""
    old = before or TransactionLimits()
    seconds = wanted.get("maxTime", old.max_time_s)
    return TransactionLimits(
        max_energy_wh=wanted.get("maxEnergy", old.max_energy_wh),
        max_cost=wanted.get("maxCost", old.max_cost),
        max_time_s=None if seconds is None else int(seconds),
        max_soc=wanted.get("maxSoC", old.max_soc),
    )


def told(limits: TransactionLimits) -> dict[str, Any]:
    """The limits as a TransactionLimitType in JSON: what the station confirms (E16.FR.03)."""
    values = {
        "maxEnergy": limits.max_energy_wh,
        "maxCost": limits.max_cost,
        "maxTime": limits.max_time_s,
        "maxSoC": limits.max_soc,
    }
    return {name: value for name, value in values.items() if value is not None}


def reached(
    limits: TransactionLimits,
    *,
    energy_wh: float | None,
    cost: float | None,
    seconds: float,
    readings: Iterable[Reading],
) -> str | None:
    """The trigger of the first limit that is reached; None: none is."""
    if limits.max_energy_wh is not None and energy_wh is not None and energy_wh >= limits.max_energy_wh:
        return "EnergyLimitReached"
    if limits.max_cost is not None and (cost or 0.0) >= limits.max_cost:
        return "CostLimitReached"
    if limits.max_time_s is not None and seconds >= limits.max_time_s:
        return "TimeLimitReached"
    soc = next((reading.value for reading in readings if reading.measurand == "SoC"), None)
    if limits.max_soc is not None and soc is not None and soc >= limits.max_soc:
        return "SoCLimitReached"
    return None
