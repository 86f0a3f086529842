"""A vehicle's side of ISO 15118: which schedule it chooses, and what it plans to take of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from voltbridge.domain.charging_profiles import ChargingSchedule, RateUnit, SchedulePeriod
from voltbridge.station.high_level import OfferedSchedule

__all__ = ["Talk"]

_DEAREST: Final = 10**6


@dataclass(slots=True)
class Talk:
    """How a vehicle talks. Its ``agreed`` schedule is what it goes by; without one it takes no energy."""

    max_periods: int | None = 12
    """Of a schedule (maxScheduleTuples); None: it does not tell."""
    returns_plan: bool = True
    exceeds: int = 0
    """So many of its next plans go above what it was offered."""
    edition_20: bool = False
    """By ISO 15118-20."""
    dynamic: bool = False
    """It leaves all to the station (ISO 15118-20)."""
    emaid: str | None = None
    """The contract it shows when it is plugged in (Plug & Charge)."""
    agreed: bool = False
    plan: ChargingSchedule | None = None
    """What it takes at most; None: all it is offered."""

    def choose(self, offered: Sequence[OfferedSchedule], max_rate: float) -> tuple[int, ChargingSchedule | None]:
        """The id of the schedule it likes best and its plan: the cheapest by its tariff, of equal ones the first.

        ``max_rate``: what it can take, in the unit of the schedules.
        """
        best = min(offered, key=_price)
        if self.dynamic or not self.returns_plan:
            self.plan = None
            return best.id, None
        factor = 1.0
        if self.exceeds > 0:
            self.exceeds -= 1
            factor = 1.5
        most = max_rate * factor
        periods = tuple(
            SchedulePeriod(
                each.start_s,
                round(most if each.limit is None else min(most, each.limit * factor), 1),
                each.number_phases,
                each.phase_to_use,
            )
            for each in best.periods
        )
        plan = ChargingSchedule(best.unit, periods, best.start_at, best.duration_s, id=best.id)
        self.plan = plan
        return best.id, plan

    def allows_a(self, now: datetime, volts: float, phases: int) -> float | None:
        """The current of each phase by its plan; None: the plan says nothing of this moment."""
        plan = self.plan
        if plan is None or plan.start_at is None:
            return None
        since = (now - plan.start_at).total_seconds()
        if since < 0 or (plan.duration_s is not None and since >= plan.duration_s):
            return None
        limit = next((each.limit for each in reversed(plan.periods) if each.start_s <= since), None)
        if limit is None or plan.unit is RateUnit.A:
            return limit
        return limit / (volts * max(1, phases))

    def next_change_s(self, now: datetime) -> float | None:
        """How long its plan says the same; None: for ever."""
        plan = self.plan
        if plan is None or plan.start_at is None:
            return None
        since = (now - plan.start_at).total_seconds()
        moments = [float(each.start_s) for each in plan.periods]
        if plan.duration_s is not None:
            moments.append(float(plan.duration_s))
        return min((each - since for each in moments if each > since), default=None)


def _price(offered: OfferedSchedule) -> float:
    """The mean price level of its sales tariff, by time; the lowest level is the cheapest."""
    tariff = offered.sales_tariff
    if tariff is None:
        return _DEAREST
    entries = sorted(tariff["salesTariffEntry"], key=lambda entry: entry["relativeTimeInterval"]["start"])
    total = 0.0
    for index, entry in enumerate(entries):
        begin = entry["relativeTimeInterval"]["start"]
        end = entries[index + 1]["relativeTimeInterval"]["start"] if index + 1 < len(entries) else offered.duration_s
        total += max(0, min(end, offered.duration_s) - begin) * entry.get("ePriceLevel", 1)
    return total / max(1, offered.duration_s)
