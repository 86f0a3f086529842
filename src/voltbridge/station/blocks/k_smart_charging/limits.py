"""What the installed profiles let each EVSE offer: now, over time, and all together (2.0.1 K04, K08).

An EVSE never offers more than its own profiles leave it. Where the station as a whole is limited, those EVSEs whose
vehicles ask for energy share the limit: each gets as much of an equal share as it may use, and where a share would be
too little to charge with, transactions with a higher charging priority go first, then those that began earlier.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Final

from voltbridge.domain.charging_profiles import RateUnit
from voltbridge.domain.composite_schedule import (
    CompositeSchedule,
    PlacedProfile,
    RunningTransaction,
    Supply,
    composite_schedule,
    station_composite_schedule,
)
from voltbridge.station.configuration import EvseConfiguration, StationConfiguration
from voltbridge.station.ports import Offer

__all__ = ["LEAST_A", "Asking", "affordable", "cut_off", "of_evse", "of_station", "offer_of", "shared", "station_limit"]

LEAST_A: Final = 6.0
"""Alternating current below this is a pause (IEC 61851-1)."""


_MOST_STEPS: Final = 200_000
_SHORTEST_S: Final = 60


@dataclass(frozen=True, slots=True)
class Asking:
    """An EVSE whose vehicle asks for energy. ``limit`` is in the unit that is shared."""

    evse_id: int
    limit: float
    least: float
    """Less than this is of no use."""
    priority: int
    began_at: datetime


def _supply(evse: EvseConfiguration) -> Supply:
    return Supply(evse.voltage_v, evse.phases, is_dc=evse.direct_current, max_current_a=evse.max_current_a)


def affordable(profiles: Sequence[PlacedProfile], duration_s: int) -> int:
    """So much of a duration that schedules of very many periods, which recur, do not stop everything else."""

    def steps(each: PlacedProfile) -> int:
        recurs, periods = each.profile.recurrency, each.profile.schedules[0].periods
        closest_s = min((after.start_s - before.start_s for before, after in pairwise(periods)), default=duration_s)
        turns = 1 if recurs is None else duration_s // recurs.seconds + 1
        return turns * min(len(periods) + 1, duration_s // closest_s + 2)

    while duration_s > _SHORTEST_S and len(profiles) * sum(map(steps, profiles)) > _MOST_STEPS:
        duration_s //= 2
    return duration_s


def cut_off(made: CompositeSchedule, most: int) -> CompositeSchedule:
    """As much of it as has no more than so many periods."""
    if len(made.intervals) <= most:
        return made
    return replace(made, intervals=made.intervals[:most], duration_s=made.intervals[most].start_s)


def of_evse(
    configuration: StationConfiguration,
    profiles: Iterable[PlacedProfile],
    evse_id: int,
    transaction: RunningTransaction | None,
    start_at: datetime,
    duration_s: int,
    unit: RateUnit,
) -> CompositeSchedule:
    """The composite schedule of an EVSE, which its hardware limits where nothing else does (K08.FR.02)."""
    return composite_schedule(
        profiles,
        evse_id=evse_id,
        start_at=start_at,
        duration_s=duration_s,
        unit=unit,
        transaction=transaction,
        supply=_supply(configuration.evses[evse_id - 1]),
    )


def of_station(
    configuration: StationConfiguration,
    profiles: Iterable[PlacedProfile],
    transactions: Mapping[int, RunningTransaction | None],
    start_at: datetime,
    duration_s: int,
    unit: RateUnit,
) -> CompositeSchedule:
    """What the station takes from the grid at most: its EVSEs together, under the limit of the whole (K08.FR.03)."""
    return station_composite_schedule(
        profiles,
        evses=transactions,
        start_at=start_at,
        duration_s=duration_s,
        unit=unit,
        supply=_supply_of_all(configuration),
        supplies={evse_id: _supply(evse) for evse_id, evse in enumerate(configuration.evses, 1)},
    )


def station_limit(
    configuration: StationConfiguration, profiles: Iterable[PlacedProfile], start_at: datetime, duration_s: int
) -> CompositeSchedule:
    """The limit of the whole, in amperes of each phase; None: there is none."""
    return composite_schedule(
        profiles,
        evse_id=0,
        start_at=start_at,
        duration_s=duration_s,
        unit=RateUnit.A,
        supply=_supply_of_all(configuration),
    )


def _supply_of_all(configuration: StationConfiguration) -> Supply:
    evses = configuration.evses
    return Supply(
        max((evse.voltage_v for evse in evses), default=230.0),
        max((1 if evse.direct_current else evse.phases for evse in evses), default=3),
        is_dc=all(evse.direct_current for evse in evses),
        max_current_a=configuration.supply_max_current_a or None,
    )


def offer_of(evse: EvseConfiguration, current_a: float, phases: int | None, cable_max_a: float | None = None) -> Offer:
    """What the vehicle may take: whole tenths of an ampere, and nothing instead of too little.

    ``cable_max_a``: what its cable carries of alternating current.
    """
    if cable_max_a is not None and not evse.direct_current:
        current_a = min(current_a, cable_max_a)
    current_a = math.floor(current_a * 10 + 1e-6) / 10
    if evse.direct_current:
        return Offer(current_a, evse.phases, current_a * evse.voltage_v if current_a < evse.max_current_a else None)
    return Offer(current_a if current_a >= LEAST_A else 0.0, min(phases or evse.phases, evse.phases))


def shared(limit: float, asking: Iterable[Asking]) -> dict[int, float]:
    """The part of each of those who ask; 0 for whoever has to wait."""
    waiting = sorted(asking, key=lambda each: (-each.priority, each.began_at, each.evse_id))
    while sum(each.least for each in waiting) > limit + 1e-9:
        waiting.pop()
    parts: dict[int, float] = {}
    left = limit
    for index, each in enumerate(sorted(waiting, key=lambda each: each.limit)):
        # The smallest first, so that what they cannot use is for the others.
        parts[each.evse_id] = min(each.limit, left / (len(waiting) - index))
        left -= parts[each.evse_id]
    return parts
