"""What a vehicle asks for over ISO 15118, what it is offered, and whether what it plans stays within (K15 to K17)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from voltbridge.domain.charging_profiles import ChargingSchedule, RateUnit, SchedulePeriod
from voltbridge.domain.composite_schedule import CompositeSchedule, Interval

__all__ = ["OFFER_S", "ChargingNeeds", "offer", "offered_unit", "stays_within"]

OFFER_S: Final = 86_400
"""How far an offer reaches when the vehicle does not say when it leaves."""


@dataclass(frozen=True, slots=True)
class ChargingNeeds:
    """The vehicle's words, of alternating or direct current."""

    is_dc: bool
    max_current_a: float
    max_voltage_v: float
    phases: int = 3
    """Of alternating current."""
    max_power_w: float | None = None
    min_current_a: float | None = None
    energy_wh: float | None = None
    departure_at: datetime | None = None
    max_periods: int | None = None
    """How many periods of a schedule it can take (maxScheduleTuples)."""


def offered_unit(needs: ChargingNeeds) -> RateUnit:
    """Amperes for alternating, watts for direct current."""
    return RateUnit.W if needs.is_dc else RateUnit.A


def offer(needs: ChargingNeeds, allowed: CompositeSchedule) -> ChargingSchedule:
    """All that is allowed and that the vehicle can take, in as many periods as it can hold (K15.FR.07).

    ``allowed`` is in ``offered_unit``. Where periods have to be joined the lower limit holds.
    """
    if needs.is_dc:
        most = needs.max_current_a * needs.max_voltage_v if needs.max_power_w is None else needs.max_power_w
    else:
        most = needs.max_current_a
    most = int(most * 10) / 10
    periods: list[SchedulePeriod] = []
    for interval in allowed.intervals:
        limit = most if interval.limit is None else min(most, interval.limit)
        phases = None if needs.is_dc else min(needs.phases, interval.number_phases or 3)
        if periods and (periods[-1].limit, periods[-1].number_phases) == (limit, phases):
            continue
        if needs.max_periods is not None and len(periods) == max(1, needs.max_periods):
            last = periods[-1]
            fewest = None if phases is None else min(phases, last.number_phases or 3)
            periods[-1] = SchedulePeriod(last.start_s, min(limit, last.limit or 0.0), fewest)
        else:
            periods.append(SchedulePeriod(interval.start_s, limit, phases))
    return ChargingSchedule(allowed.unit, tuple(periods), allowed.start_at, allowed.duration_s)


def stays_within(planned: CompositeSchedule, allowed: CompositeSchedule) -> bool:
    """Whether a plan never goes above what is allowed while both last (K15.FR.11). Both in one unit, by offset."""
    shift = int((planned.start_at - allowed.start_at).total_seconds())
    begin = max(0, shift)
    end = min(allowed.duration_s, planned.duration_s + shift)
    edges = {begin, *(one.start_s for one in allowed.intervals), *(one.start_s + shift for one in planned.intervals)}
    return all(_fits(planned.at(edge - shift), allowed.at(edge)) for edge in edges if begin <= edge < end)


def _fits(planned: Interval, allowed: Interval) -> bool:
    if allowed.limit is None or planned.limit is None:
        # A plan that says nothing of a time takes what it is offered.
        return True
    return planned.limit <= allowed.limit + 0.1
