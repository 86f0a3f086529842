"""What charging profiles amount to: the limit that results for an EVSE, or the whole station, over a span of time.

At every second (2.0.1 K, 3.4 and 3.5; 1.6 3.13):

1. Of each purpose the leading period is that of the profile with the highest stack level among those valid then whose
   schedule has a period then. Of two on one level that of the EVSE goes before that of the station, then the larger id.
2. A TxProfile's leading period takes the place of TxDefaultProfile's.
3. The result is the lowest of what remains. Limits are compared as current per phase: one in watts is divided by the
   voltage and its own number of phases (K01.FR.50), three when it names none (K01.FR.49). The fewest phases count.

Moments count in whole seconds, as the periods on the wire do; fractions are cut off. Everything is pure, so the CSMS
and a station come to the same result.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from voltbridge.domain.charging_profiles import (
    ChargingProfile,
    ChargingSchedule,
    InstalledProfile,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
    SchedulePeriod,
)

__all__ = [
    "CompositeSchedule",
    "Difference",
    "Interval",
    "PlacedProfile",
    "RunningTransaction",
    "Supply",
    "composite_schedule",
    "differences",
    "station_composite_schedule",
]


@dataclass(frozen=True, slots=True)
class PlacedProfile:
    """A profile and the EVSE it is set on; 0: all of the station."""

    evse_id: int
    profile: ChargingProfile

    @classmethod
    def of(cls, installed: InstalledProfile) -> PlacedProfile:
        """Where a station has a profile."""
        return cls(installed.evse_id, installed.profile)


@dataclass(frozen=True, slots=True)
class RunningTransaction:
    """The transaction of an EVSE."""

    transaction_id: str
    began_at: datetime
    """When it was ready to deliver energy: relative schedules count from here (K01.FR.42)."""


@dataclass(frozen=True, slots=True)
class Supply:
    """How an EVSE, or a station, is fed."""

    voltage_v: float = 230.0
    """Of a phase against neutral, or of the direct current: what was set for the area, not measured."""
    phases: int = 3
    is_dc: bool = False
    """Numbers of phases then mean nothing (K01.FR.44)."""
    max_current_a: float | None = None
    """Of each phase: what the hardware takes; None: not known."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From ``start_s`` to the next interval, or to the end of the schedule."""

    start_s: int
    limit: float | None
    """In the schedule's unit, rounded down to a tenth; None: nothing limits."""
    number_phases: int | None
    """None: direct current."""
    phase_to_use: int | None = None
    min_rate: float | None = None
    """In the schedule's unit: the highest below which a schedule that counts calls charging inefficient."""
    exact: bool = True
    """False: a bound. Only what limits the whole station counts; the hardware, which is not known, may limit more."""


@dataclass(frozen=True, slots=True)
class CompositeSchedule:
    """The result for an EVSE (0: the station). No two intervals in a row are the same."""

    evse_id: int
    start_at: datetime
    duration_s: int
    unit: RateUnit
    intervals: tuple[Interval, ...]

    def at(self, offset_s: int) -> Interval:
        """The interval in force so many seconds after the start."""
        return self.intervals[bisect_right(self.intervals, offset_s, key=lambda interval: interval.start_s) - 1]


@dataclass(frozen=True, slots=True)
class Difference:
    """A stretch of time for which two composite schedules do not say the same."""

    start_s: int
    end_s: int
    expected: float | None
    told: float | None


@dataclass(frozen=True, slots=True)
class _Rate:
    """What counts at one moment, before it is put into a unit."""

    current_a: float | None
    phases: int
    phase_to_use: int | None
    min_current_a: float | None
    exact: bool


_STATION_WIDE: Final = frozenset({ProfilePurpose.STATION_MAX, ProfilePurpose.EXTERNAL})


def composite_schedule(
    profiles: Iterable[PlacedProfile],
    *,
    evse_id: int,
    start_at: datetime,
    duration_s: int,
    unit: RateUnit,
    transaction: RunningTransaction | None = None,
    supply: Supply | None = None,
) -> CompositeSchedule:
    """The limit of an EVSE; without a transaction as if one began now on the default profile (K08.FR.06).

    ``duration_s`` must be more than 0. Of a profile with several schedules the first counts. With ``evse_id`` 0 only
    what holds for the whole station counts; see ``station_composite_schedule`` for what the station will consume.
    """
    supply = supply or Supply()
    lanes, edges = _lanes(profiles, evse_id, start_at, duration_s, transaction)
    made = ((edge, _rate(lanes, edge, supply)) for edge in edges)
    return _composite(evse_id, start_at, duration_s, unit, supply, made)


def station_composite_schedule(
    profiles: Iterable[PlacedProfile],
    *,
    evses: Mapping[int, RunningTransaction | None],
    start_at: datetime,
    duration_s: int,
    unit: RateUnit,
    supply: Supply | None = None,
    supplies: Mapping[int, Supply] | None = None,
) -> CompositeSchedule:
    """What the station takes from the grid at most (K08.FR.03): the sum of its EVSEs under the limit of the whole.

    ``evses`` are all EVSEs with their transactions, ``supplies`` how they are fed where that is known and not as the
    station is. What is summed is what ``composite_schedule`` says of each in this unit: power of all phases, or the
    current of the phase that carries most. Where an EVSE has no limit only that of the whole is known, and the station,
    which knows what its hardware takes, may say less.
    """
    profiles = tuple(profiles)

    def of(evse_id: int, transaction: RunningTransaction | None, fed: Supply | None) -> CompositeSchedule:
        return composite_schedule(
            profiles,
            evse_id=evse_id,
            start_at=start_at,
            duration_s=duration_s,
            unit=unit,
            transaction=transaction,
            supply=fed,
        )

    whole = of(0, None, supply)
    parts = [of(evse_id, one, (supplies or {}).get(evse_id, supply)) for evse_id, one in evses.items()]
    intervals: list[Interval] = []
    for edge in sorted({interval.start_s for each in (whole, *parts) for interval in each.intervals}):
        interval = _sum(edge, whole.at(edge), [part.at(edge) for part in parts])
        if not intervals or _content(intervals[-1]) != _content(interval):
            intervals.append(interval)
    return CompositeSchedule(0, whole.start_at, duration_s, unit, tuple(intervals))


def differences(
    expected: CompositeSchedule, told: CompositeSchedule, *, tolerance: float = 0.01
) -> tuple[Difference, ...]:
    """Where the limits of two schedules of one unit differ by more than this share, and by more than a tenth.

    What a station tells where nothing limits is its own maximum and no difference, nor is less than a bound
    (``Interval.exact``). Only the time that both cover is compared; offsets count from ``expected.start_at``.
    """
    shift = _epoch(told.start_at) - _epoch(expected.start_at)
    begin, end = max(0, shift), min(expected.duration_s, told.duration_s + shift)
    edges = {interval.start_s for interval in expected.intervals}
    edges |= {interval.start_s + shift for interval in told.intervals}
    cuts = sorted({begin, *(edge for edge in edges if begin < edge < end)})
    found: list[Difference] = []
    for index, edge in enumerate(cuts):
        if edge >= end:
            break
        until = cuts[index + 1] if index + 1 < len(cuts) else end
        mine, theirs = expected.at(edge), told.at(edge - shift).limit
        ours = mine.limit
        if ours is None:
            continue
        off = None if theirs is None else theirs - ours if not mine.exact else abs(theirs - ours)
        if off is not None and off <= max(0.1 + 1e-9, tolerance * ours):
            continue
        last = found[-1] if found else None
        if last is not None and (last.end_s, last.expected, last.told) == (edge, ours, theirs):
            found[-1] = Difference(last.start_s, until, ours, theirs)
        else:
            found.append(Difference(edge, until, ours, theirs))
    return tuple(found)


class _Lane:
    """One profile on a time line whose zero is the start of the composite schedule."""

    __slots__ = ("_end", "_period_starts", "_recurs", "_schedule", "_starts_at", "_valid_from", "_valid_to", "rank")

    def __init__(self, placed: PlacedProfile, start_at: datetime, relative_to: datetime) -> None:
        profile = placed.profile
        schedule = profile.schedules[0]
        zero = _epoch(start_at)
        # A schedule of 1.6 without a start counts from the beginning of charging whatever its kind (1.6 7.13).
        absolute = profile.kind is not ProfileKind.RELATIVE and schedule.start_at is not None
        start = schedule.start_at if absolute and schedule.start_at is not None else relative_to
        self._schedule: ChargingSchedule = schedule
        self._period_starts = [period.start_s for period in schedule.periods]
        self._starts_at = _epoch(start) - zero
        self._recurs = profile.recurrency.seconds if profile.recurrency is not None else None
        if profile.kind is not ProfileKind.RECURRING:
            self._recurs = None
        self._end = schedule.duration_s
        self._valid_from = None if profile.valid_from is None else _epoch(profile.valid_from) - zero
        self._valid_to = None if profile.valid_to is None else _epoch(profile.valid_to) - zero
        self.rank = (profile.stack_level, placed.evse_id > 0, profile.id)

    def period(self, moment: int) -> SchedulePeriod | None:
        """The period in force, if the profile is valid and its schedule has one."""
        if self._valid_from is not None and moment < self._valid_from:
            return None  # K01.FR.36
        if self._valid_to is not None and moment >= self._valid_to:
            return None  # K01.FR.37
        since = moment - self._starts_at
        if since < 0:
            return None  # K01.FR.30
        if self._recurs is not None:
            since %= self._recurs
        if self._end is not None and since >= self._end:
            return None  # K01.FR.11, K01.FR.13
        index = bisect_right(self._period_starts, since) - 1
        return self._schedule.periods[index] if index >= 0 else None

    def edges(self, duration_s: int) -> set[int]:
        """Every moment from 0 on at which ``period`` may change."""
        found = {edge for edge in (self._valid_from, self._valid_to) if edge is not None and 0 < edge < duration_s}
        steps = [start for start in self._period_starts if self._recurs is None or start < self._recurs]
        if self._end is not None:
            steps.append(self._end)
        if self._recurs is None:
            turns: Iterable[int] = (self._starts_at,)
        else:
            # From the turn that is under way at 0, or from the first one.
            first = self._starts_at + max(0, -self._starts_at // self._recurs) * self._recurs
            turns = range(first, duration_s, self._recurs)
        for turn in turns:
            found.update(turn + step for step in (0, *steps) if 0 < turn + step < duration_s)
        return found

    @property
    def schedule(self) -> ChargingSchedule:
        return self._schedule


_Lanes = dict[ProfilePurpose, list[_Lane]]


def _lanes(
    profiles: Iterable[PlacedProfile],
    evse_id: int,
    start_at: datetime,
    duration_s: int,
    transaction: RunningTransaction | None,
) -> tuple[_Lanes, list[int]]:
    """The profiles that concern the EVSE by purpose, best first, and the moments at which something may change."""
    began_at = start_at if transaction is None else transaction.began_at
    lanes: _Lanes = {}
    edges = {0}
    for placed in profiles:
        if _concerns(placed, evse_id, transaction):
            lane = _Lane(placed, start_at, began_at)
            lanes.setdefault(placed.profile.purpose, []).append(lane)
            edges |= lane.edges(duration_s)
    for same in lanes.values():
        same.sort(key=lambda lane: lane.rank, reverse=True)
    return lanes, sorted(edges)


def _concerns(placed: PlacedProfile, evse_id: int, transaction: RunningTransaction | None) -> bool:
    profile = placed.profile
    if evse_id == 0:
        return placed.evse_id == 0 and profile.purpose in _STATION_WIDE
    if placed.evse_id not in (0, evse_id):
        return False
    if profile.purpose is ProfilePurpose.TX:
        # 1.6 allows a TxProfile that names no transaction: it is for the one that runs (1.6 7.8).
        return transaction is not None and profile.transaction_id in (None, transaction.transaction_id)
    return profile.purpose in _STATION_WIDE or profile.purpose is ProfilePurpose.TX_DEFAULT


def _leading(lanes: _Lanes, moment: int) -> dict[ProfilePurpose, tuple[_Lane, SchedulePeriod]]:
    leading = {}
    for purpose, same in lanes.items():
        for lane in same:
            period = lane.period(moment)
            if period is not None:
                leading[purpose] = (lane, period)
                break
    if ProfilePurpose.TX in leading:
        leading.pop(ProfilePurpose.TX_DEFAULT, None)
    return leading


def _rate(lanes: _Lanes, moment: int, supply: Supply) -> _Rate:
    """What the leading periods amount to."""
    current, phases = supply.max_current_a, 1 if supply.is_dc else supply.phases
    lowest: float | None = None
    wanted: set[int] = set()
    leading = _leading(lanes, moment)
    exact = supply.max_current_a is not None or not leading or not leading.keys() <= _STATION_WIDE
    for lane, period in leading.values():
        # A limit is shared among the phases it names, even where fewer are there to be used (K01.FR.45, FR.50).
        own = 1 if supply.is_dc else period.number_phases or 3
        phases = min(phases, own)
        per_phase = _per_phase(period.limit, lane.schedule.unit, own, supply)
        if per_phase is not None:
            current = per_phase if current is None else min(current, per_phase)
        least = _per_phase(lane.schedule.min_rate, lane.schedule.unit, own, supply)
        if least is not None:
            lowest = least if lowest is None else max(lowest, least)
        if period.number_phases == 1 and period.phase_to_use is not None:
            wanted.add(period.phase_to_use)
    # Two profiles that want different phases are a mistake of whoever set them; the choice is then the station's.
    phase = wanted.pop() if len(wanted) == 1 and not supply.is_dc else None
    return _Rate(current, phases, phase, lowest, exact)


def _sum(edge: int, cap: Interval, parts: Sequence[Interval]) -> Interval:
    limits = [part.limit for part in parts]
    if not parts or None in limits:
        return replace(cap, start_s=edge, phase_to_use=None, exact=not parts)
    # One phase each may be the same phase: the sum is what the most loaded phase can carry.
    total = round(sum(limit for limit in limits if limit is not None), 1)
    limit = total if cap.limit is None else min(total, cap.limit)
    phases = [part.number_phases for part in parts if part.number_phases is not None]
    most = max(phases) if phases else None
    if most is not None and cap.number_phases is not None:
        most = min(most, cap.number_phases)
    return Interval(edge, limit, most, None, cap.min_rate, all(part.exact for part in parts))


def _per_phase(rate: float | None, unit: RateUnit, phases: int, supply: Supply) -> float | None:
    if rate is None or unit is RateUnit.A:
        return rate
    return rate / (supply.voltage_v * phases)


def _composite(
    evse_id: int,
    start_at: datetime,
    duration_s: int,
    unit: RateUnit,
    supply: Supply,
    rates: Iterable[tuple[int, _Rate]],
) -> CompositeSchedule:
    intervals: list[Interval] = []
    for edge, rate in rates:
        factor = 1.0 if unit is RateUnit.A else supply.voltage_v * rate.phases
        interval = Interval(
            edge,
            _tenths(rate.current_a, factor),
            None if supply.is_dc else rate.phases,
            rate.phase_to_use if rate.phases == 1 else None,
            _tenths(rate.min_current_a, factor),
            rate.exact,
        )
        if not intervals or _content(intervals[-1]) != _content(interval):
            intervals.append(interval)
    return CompositeSchedule(evse_id, _whole(start_at), duration_s, unit, tuple(intervals))


def _content(interval: Interval) -> tuple[object, ...]:
    return interval.limit, interval.number_phases, interval.phase_to_use, interval.min_rate, interval.exact


def _tenths(rate: float | None, factor: float) -> float | None:
    """Rounded down, so that no limit is exceeded; what division and multiplication lose does not count."""
    return None if rate is None else math.floor(rate * factor * 10 + 1e-6) / 10


def _epoch(moment: datetime) -> int:
    return math.floor(moment.timestamp())


def _whole(moment: datetime) -> datetime:
    return datetime.fromtimestamp(_epoch(moment), UTC)
