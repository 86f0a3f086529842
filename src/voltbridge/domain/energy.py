"""The energy of a transaction, from whatever its meter said, in whatever order that arrived.

The standard's rule is short: a register's reading at the end less its reading at the start. Meters and networks make it
longer. Readings come late, twice or not at all; registers restart at zero when a charger reboots, jump when a bit
flips, are given per phase, or for an interval. So the readings are kept in the order of the transaction, not of their
arrival, and the energy is computed from all of them together; what makes the result doubtful is said in words:

1. Readings marked as the start's come first and those marked as the end's last, whatever their clock says; those in
   between go by their time. The start and stop messages' own meter values come before and after readings of the same
   mark, so they win. The same reading twice counts once.
2. Negative and impossible readings are left out.
3. While the register never falls, the energy is the last reading less the first.
4. When it falls but every reading lies between the first and the last, only the order is doubtful (a clock was set
   back): still last less first. Otherwise single readings that stand out from both neighbours are left out, and if the
   register falls even so (it restarted), only its rises are added up: never too much, never below zero.
5. Registers at the outlet count before those elsewhere, an overall register before the sum of the phases, and any
   register before interval values, which are added up only where there is no register.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from itertools import pairwise
from typing import Final

import msgspec

from voltbridge.domain.metering import SampledValue
from voltbridge.domain.transactions import EnergyReading

__all__ = [
    "FASTEST_CHARGER_W",
    "LARGEST_REGISTER_WH",
    "Edge",
    "Energy",
    "KeptReadings",
    "Problem",
    "Readings",
]

FASTEST_CHARGER_W: Final = 4_000_000
"""The Megawatt Charging System ends at 3.75 MW."""
LARGEST_REGISTER_WH: Final = 1e12
"""No meter of a charger has counted a terawatt-hour."""

_REGISTER: Final = "Energy.Active.Import.Register"
_INTERVAL: Final = "Energy.Active.Import.Interval"
_OUTLET: Final = "Outlet"
_LOCATIONS: Final = (_OUTLET, "Cable", "Inlet", "Upstream", "Body", "EV")
_PHASES: Final = frozenset({"L1", "L2", "L3", "L1-N", "L2-N", "L3-N"})
_SLACK_WH: Final = 1000.0
"""Clocks that count whole seconds, and samples taken a little late, are no reason to doubt a meter."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EDGE_BITS: Final = 50
_BEFORE_EPOCH_MS: Final = 1 << 47
_MOST_READINGS: Final = 4096
_MOST_KEPT: Final = 64
_MOST_INTERVALS: Final = 200


class Edge(IntEnum):
    """Where in the transaction a reading belongs; the order of the values is the order of the readings."""

    METER_START = 0
    """The start message's own meter value (1.6 meterStart)."""
    BEGIN = 1
    """Marked Transaction.Begin."""
    DURING = 2
    END = 3
    """Marked Transaction.End."""
    METER_STOP = 4
    """The stop message's own meter value (1.6 meterStop)."""


_EDGES: Final = {"Transaction.Begin": Edge.BEGIN, "Transaction.End": Edge.END}


class Problem:
    """Why an energy should not be trusted, in the words the operator reads."""

    NO_READING = "no reading of the energy register"
    NO_START = "no reading from the start of the transaction"
    NO_END = "no reading from the end of the transaction"
    LEFT_OUT = "negative or impossible readings were left out"
    OUTLIER = "readings that stand out from those before and after were left out"
    DISORDER = "readings between the first and the last are out of order"
    FELL = "the register fell; only its rises are counted"
    BACKWARDS = "the end is earlier than the start"
    TOO_FAST = "more energy than any charger can deliver in the time"
    INTERVALS = "added up from interval values; there is no register"

    @staticmethod
    def elsewhere(location: str) -> str:
        return f"read at {location}; there is no register at the outlet"


@dataclass(frozen=True, slots=True)
class Energy:
    """What the readings so far come to."""

    first: EnergyReading | None
    last: EnergyReading | None
    wh: float | None
    problems: tuple[str, ...]


class KeptReadings(msgspec.Struct, omit_defaults=True):
    """What has to be kept of the readings so that later ones can be added: few of them, whatever their number was."""

    registers: dict[str, list[tuple[int, int, float]]] = {}
    """By location: (edge, milliseconds since 1970, Wh)."""
    intervals: dict[int, float] = {}
    clock_intervals: dict[int, float] = {}
    left_out: bool = False


class Readings:
    """All readings of one transaction. Mutable, because thousands are added each second; equal sets give equal results.

    Some 16 bytes a reading; beyond 4096 those that tell nothing (within a steady rise) are dropped.
    """

    __slots__ = ("_clock_intervals", "_intervals", "_left_out", "_registers")

    def __init__(self) -> None:
        self._registers: dict[str, _Register] = {}
        self._intervals: dict[int, float] = {}
        self._clock_intervals: dict[int, float] = {}
        self._left_out = False

    def add(self, edge: Edge, at_ms: int, wh: float, location: str = _OUTLET) -> None:
        """A reading of the active import register."""
        if not 0.0 <= wh <= LARGEST_REGISTER_WH:
            self._left_out = True
            return
        register = self._registers.get(location)
        if register is None:
            register = self._registers[location] = _Register()
        register.add((edge << _EDGE_BITS) + at_ms + _BEFORE_EPOCH_MS, wh)

    def take(self, at_ms: int, values: Sequence[SampledValue], unmarked: Edge = Edge.DURING) -> None:
        """The energy readings among values of one moment; others are ignored.

        ``unmarked`` is where readings belong that are marked neither as the start's nor as the end's.
        """
        for value in values:
            measurand = value.measurand
            if measurand == _REGISTER:
                wh = value.value
                if value.phase is not None:
                    self._take_phases(at_ms, values, unmarked)
                elif wh is not None and value.unit == "Wh":
                    self.add(_EDGES.get(value.context, unmarked), at_ms, wh, value.location)
            elif measurand == _INTERVAL:
                self._take_interval(at_ms, value)

    def result(self, *, finished: bool) -> Energy:
        """The energy. ``finished`` says that the transaction is over, so that what is missing now is missing."""
        location = self._best_location()
        problems = [Problem.LEFT_OUT] if self._left_out else []
        if location is None:
            return self._from_intervals(finished, problems)
        if location != _OUTLET:
            problems.append(Problem.elsewhere(location))
        return self._registers[location].energy(finished, problems)

    def keep(self) -> KeptReadings:
        """What has to be stored."""
        return KeptReadings(
            registers={location: register.keep() for location, register in sorted(self._registers.items())},
            intervals=_fewer(self._intervals),
            clock_intervals=_fewer(self._clock_intervals),
            left_out=self._left_out,
        )

    @classmethod
    def of(cls, kept: KeptReadings) -> Readings:
        """Go on from what was stored."""
        readings = cls()
        for location, points in kept.registers.items():
            for edge, at_ms, wh in points:
                readings.add(Edge(edge), at_ms, wh, location)
        readings._intervals = dict(kept.intervals)
        readings._clock_intervals = dict(kept.clock_intervals)
        readings._left_out = kept.left_out
        return readings

    def _take_phases(self, at_ms: int, values: Sequence[SampledValue], unmarked: Edge) -> None:
        """Sum the phases where there is no overall value. It is called for each phase, and the same sum counts once."""
        sums: dict[tuple[str, str], float] = {}
        overall = set()
        for value in values:
            if value.measurand != _REGISTER or value.value is None or value.unit != "Wh":
                continue
            place = (value.context, value.location)
            if value.phase is None:
                overall.add(place)
            elif value.phase in _PHASES:
                sums[place] = sums.get(place, 0.0) + value.value
        for (context, location), wh in sums.items():
            if (context, location) not in overall:
                self.add(_EDGES.get(context, unmarked), at_ms, round(wh, 6), location)

    def _take_interval(self, at_ms: int, value: SampledValue) -> None:
        wh = value.value
        if wh is None or value.unit != "Wh" or value.phase is not None:
            return
        if not 0.0 <= wh <= LARGEST_REGISTER_WH:
            self._left_out = True
            return
        # A charger that reports periods both by its own rhythm and by the clock reports the same energy twice.
        intervals = self._clock_intervals if value.context == "Sample.Clock" else self._intervals
        intervals[at_ms] = max(wh, intervals.get(at_ms, 0.0))

    def _best_location(self) -> str | None:
        for location in _LOCATIONS:
            register = self._registers.get(location)
            if register is not None and len(register) > 1:
                return location
        for location in _LOCATIONS:
            if location in self._registers:
                return location
        return None

    def _from_intervals(self, finished: bool, problems: list[str]) -> Energy:
        intervals = self._intervals or self._clock_intervals
        if intervals:
            problems.append(Problem.INTERVALS)
            return Energy(None, None, round(sum(sorted(intervals.values())), 3), tuple(problems))
        if finished:
            problems.append(Problem.NO_READING)
        return Energy(None, None, None, tuple(problems))


class _Register:
    """Readings of one register in the order of the transaction."""

    __slots__ = ("_falls", "_keys", "_whs")

    def __init__(self) -> None:
        self._keys = array("q")
        """Edge in the upper bits, the moment in the lower."""
        self._whs = array("d")
        self._falls = False

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: int, wh: float) -> None:
        keys, whs = self._keys, self._whs
        if keys and key <= keys[-1]:
            self._insert(key, wh)
            return
        if keys and wh < whs[-1]:
            self._falls = True
        keys.append(key)
        whs.append(wh)
        if len(keys) > _MOST_READINGS:
            self._thin()

    def _insert(self, key: int, wh: float) -> None:
        keys, whs = self._keys, self._whs
        place = bisect_left(keys, key)
        while place < len(keys) and keys[place] == key and whs[place] < wh:
            place += 1
        if place < len(keys) and keys[place] == key and whs[place] == wh:
            return
        keys.insert(place, key)
        whs.insert(place, wh)
        around = whs[max(0, place - 1) : place + 2]
        self._falls = self._falls or any(later < earlier for earlier, later in pairwise(around))

    def energy(self, finished: bool, problems: list[str]) -> Energy:
        first, last = self._reading(0), self._reading(-1)
        first_edge, last_edge = self._keys[0] >> _EDGE_BITS, self._keys[-1] >> _EDGE_BITS
        started, ended = first_edge <= Edge.BEGIN, last_edge >= Edge.END
        if not started:
            problems.append(Problem.NO_START)
        if finished and not ended:
            problems.append(Problem.NO_END)
        wh: float | None
        if len(self) == 1 or first_edge >= Edge.END or last_edge <= Edge.BEGIN:
            # One end only. While the transaction runs, that is the beginning, and nothing is known to have flowed.
            wh = 0.0 if started and not finished else None
        elif self._falls:
            wh = _untangled(self._whs, problems)
        else:
            wh = round(last.wh - first.wh, 3)
        if wh is not None:
            seconds = (last.at - first.at).total_seconds()
            if seconds < 0 and started and ended:
                problems.append(Problem.BACKWARDS)
            elif wh > _SLACK_WH + FASTEST_CHARGER_W * abs(seconds) / 3600:
                problems.append(Problem.TOO_FAST)
        return Energy(first, last, wh, tuple(problems))

    def keep(self) -> list[tuple[int, int, float]]:
        places = self._telling()
        if len(places) > _MOST_KEPT:
            half = _MOST_KEPT // 2
            places = places[:half] + places[-half:]
        return [
            (self._keys[i] >> _EDGE_BITS, (self._keys[i] & ((1 << _EDGE_BITS) - 1)) - _BEFORE_EPOCH_MS, self._whs[i])
            for i in places
        ]

    def _telling(self) -> list[int]:
        """The readings that the result rests on, now and when the next one comes: the ends, both sides of every fall
        with their neighbours, by which it is judged who stands out, and the first and last of each edge."""
        edges = [key >> _EDGE_BITS for key in self._keys]
        end = len(edges) - 1
        telling = {0, max(0, end - 1), end}
        for i, (edge, following) in enumerate(pairwise(edges)):
            if self._whs[i + 1] < self._whs[i]:
                telling.update(range(max(0, i - 1), min(end, i + 2) + 1))
            elif edge != following:
                telling |= {i, i + 1}
        return sorted(telling)

    def _thin(self) -> None:
        places = self._telling()
        if len(places) > _MOST_READINGS // 2:
            places = places[:: len(places) // (_MOST_READINGS // 4)] + places[-1:]
        self._keys = array("q", [self._keys[i] for i in places])
        self._whs = array("d", [self._whs[i] for i in places])

    def _reading(self, place: int) -> EnergyReading:
        at_ms = (self._keys[place] & ((1 << _EDGE_BITS) - 1)) - _BEFORE_EPOCH_MS
        return EnergyReading(_EPOCH + timedelta(milliseconds=at_ms), self._whs[place])


def _untangled(whs: Sequence[float], problems: list[str]) -> float:
    """The energy of a register that fell at least once, by rule 4."""
    if _within(whs):
        problems.append(Problem.DISORDER)
        return round(whs[-1] - whs[0], 3)
    fitting = [whs[0]]
    for before, wh, after in zip(whs, whs[1:], whs[2:], strict=False):
        if not (before <= after and (wh > after or wh < before)):
            fitting.append(wh)
    fitting.append(whs[-1])
    if len(fitting) < len(whs):
        problems.append(Problem.OUTLIER)
    if all(earlier <= later for earlier, later in pairwise(fitting)):
        return round(fitting[-1] - fitting[0], 3)
    if _within(fitting):
        problems.append(Problem.DISORDER)
        return round(fitting[-1] - fitting[0], 3)
    problems.append(Problem.FELL)
    return round(sum(later - earlier for earlier, later in pairwise(fitting) if later > earlier), 3)


def _within(whs: Sequence[float]) -> bool:
    return min(whs) >= whs[0] and max(whs) <= whs[-1]


def _fewer(intervals: dict[int, float]) -> dict[int, float]:
    """The intervals, the oldest of many added into one."""
    moments = sorted(intervals)
    old, kept = moments[:-_MOST_INTERVALS], moments[-_MOST_INTERVALS:]
    fewer = {moment: intervals[moment] for moment in kept}
    if old:
        fewer[old[-1]] = sum(intervals[moment] for moment in old)
    return fewer
