"""What vehicle and station say to each other over ISO 15118, free of versions of OCPP (2.0.1 K15 to K17).

A vehicle tells its *needs*, is *offered* up to three schedules, chooses one of them and may return a *plan*: what it
will really take. Plans are ``ChargingSchedule`` of the domain, as everything on the wire is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from voltbridge.domain.charging_profiles import RateUnit, SchedulePeriod

__all__ = ["OfferedSchedule", "VehicleNeeds"]


class VehicleNeeds(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a vehicle asks for. What it does not tell is None."""

    mode: str
    """EnergyTransferModeEnumType, such as ``AC_three_phase`` or ``DC``."""
    max_current_a: float
    max_voltage_v: float
    min_current_a: float = 0.0
    """Of alternating current."""
    max_power_w: float | None = None
    energy_wh: float | None = None
    """Until it leaves."""
    state_of_charge: int | None = None
    """In percent; with alternating current vehicles do not tell it."""
    capacity_wh: float | None = None
    full_soc: int | None = None
    bulk_soc: int | None = None
    departure_at: datetime | None = None
    max_periods: int | None = None
    """How many periods of a schedule it takes (maxScheduleTuples)."""
    edition_20: bool = False
    """By ISO 15118-20, which tells the limits in another way (2.1 K17.FR.06)."""
    dynamic: bool = False
    """It leaves the control to the station and returns no plan (2.1, DynamicControl)."""

    @property
    def is_dc(self) -> bool:
        """Direct current."""
        return self.mode.startswith("DC")


class OfferedSchedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the schedules a vehicle may choose from (SAScheduleTuple)."""

    id: int
    """That of the CSMS's chargingSchedule; 0 where the station made it (no profile of the CSMS is behind it)."""
    start_at: datetime
    duration_s: int
    unit: RateUnit
    periods: tuple[SchedulePeriod, ...]
    sales_tariff: dict[str, Any] | None = None
    """SalesTariffType as JSON."""

    def limit_at(self, seconds: float) -> float | None:
        """The limit so many seconds after the start."""
        limit = None
        for period in self.periods:
            if period.start_s <= seconds:
                limit = period.limit
        return limit
