"""What has to be known of a transaction, beyond its energy, to say what it costs. The same in any order of messages."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Final

import msgspec

from voltbridge.domain.metering import SampledValue
from voltbridge.domain.prices import DAY_MS, PriceList
from voltbridge.domain.tariffs import Tariff

__all__ = ["EARLIEST_MS", "LATEST_MS", "CostFacts", "KeptFacts"]

EARLIEST_MS: Final = 366 * DAY_MS
LATEST_MS: Final = 2_900_000 * DAY_MS
"""Between these two, clocks of every time zone can be read."""
_MOST_RUNS: Final = 1000
_MOST_STATUSES: Final = 2000
_MOST_POINTS: Final = 4000
_REGISTER: Final = "Energy.Active.Import.Register"
_LOCATIONS: Final = ("Outlet", "Cable", "Inlet", "Upstream", "Body", "EV")
_AWAY: Final = "Idle"


class _Run(msgspec.Struct, array_like=True):
    """Messages without a gap between their sequence numbers that all tell the same charging state."""

    first: int
    last: int
    at_ms: int
    """When the first of them was."""
    state: str | None
    """None: told by none of them."""


class KeptFacts(msgspec.Struct, omit_defaults=True):
    """Facts as they are stored."""

    runs: list[_Run] = []
    statuses: list[tuple[int, str]] = []
    points: dict[str, list[tuple[int, float]]] = {}
    earliest_ms: int | None = None
    latest_ms: int | None = None
    language: str | None = None


class CostFacts:
    """What has to be known of a transaction beyond its energy. Mutable; equal sets of messages give equal facts."""

    __slots__ = (
        "_points",
        "_runs",
        "_statuses",
        "charging_prices",
        "earliest_ms",
        "energy_prices",
        "idle_prices",
        "language",
        "latest_ms",
        "tariff",
    )

    def __init__(self, tariff: Tariff, kept: KeptFacts | None = None) -> None:
        kept = kept or KeptFacts()
        self.tariff = tariff
        self.energy_prices = PriceList(tariff.energy.prices, tariff.time_zone)
        self.charging_prices = PriceList(tariff.charging_time.prices, tariff.time_zone)
        self.idle_prices = PriceList(tariff.idle_time.prices, tariff.time_zone)
        self._runs = list(kept.runs)
        self._statuses = list(kept.statuses)
        self._points = {location: list(points) for location, points in kept.points.items()}
        self.earliest_ms = kept.earliest_ms
        """The earliest moment that a message was about."""
        self.latest_ms = kept.latest_ms
        """The latest moment that a message was about."""
        self.language = kept.language
        """The driver's, where it is known."""

    def keep(self) -> KeptFacts:
        """What has to be stored."""
        return KeptFacts(
            runs=list(self._runs),
            statuses=list(self._statuses),
            points={location: list(points) for location, points in sorted(self._points.items())},
            earliest_ms=self.earliest_ms,
            latest_ms=self.latest_ms,
            language=self.language,
        )

    def take_message(self, at_ms: int, sequence: int | None, state: str | None) -> None:
        """A message of the transaction, and the charging state that it tells."""
        if not EARLIEST_MS <= at_ms <= LATEST_MS:
            return
        self._heard(at_ms)
        if sequence is not None:
            self._take_run(_Run(sequence, sequence, at_ms, state))
        elif state is not None:
            self.take_status(at_ms, state)

    def take_status(self, at_ms: int, state: str) -> None:
        """A charging state that was told outside of numbered messages."""
        place = bisect_left(self._statuses, (at_ms, state))
        known = self._statuses[place : place + 1] == [(at_ms, state)]
        if not known and EARLIEST_MS <= at_ms <= LATEST_MS and len(self._statuses) < _MOST_STATUSES:
            self._statuses.insert(place, (at_ms, state))

    def take_values(self, at_ms: int, values: Iterable[SampledValue]) -> None:
        """Readings of one moment; only those of the register matter, and only where the price of energy changes."""
        if not EARLIEST_MS <= at_ms <= LATEST_MS:
            return
        self._heard(at_ms)
        if not self.energy_prices.is_restricted:
            return
        for value in values:
            if value.measurand == _REGISTER and value.phase is None and value.unit == "Wh" and value.value is not None:
                self.take_reading(at_ms, value.value, value.location)

    def take_reading(self, at_ms: int, wh: float, location: str = _LOCATIONS[0]) -> None:
        """A reading of the register. Between two changes of the price only the first and the last are kept."""
        if not self.energy_prices.is_restricted or not EARLIEST_MS <= at_ms <= LATEST_MS or not 0 <= wh < 1e12:
            return
        points = self._points.setdefault(location, [])
        place = bisect_left(points, (at_ms, wh))
        if points[place : place + 1] == [(at_ms, wh)]:
            return
        low, high = self.energy_prices.piece_of(at_ms)
        first, last = bisect_left(points, (low, -1.0)), bisect_left(points, (high, -1.0))
        if last - first < 2:
            if len(points) < _MOST_POINTS:
                points.insert(place, (at_ms, wh))
        elif place == first:
            points[first] = (at_ms, wh)
        elif place == last:
            points[last - 1] = (at_ms, wh)

    def stretches(self, begin_ms: int, end_ms: int) -> list[tuple[int, int, str]] | None:
        """From, until and state, in order and without overlap; None where no state is told at all."""
        if any(run.state is not None for run in self._runs):
            told = [(run.at_ms, run.state) for run in self._runs if run.state is not None]
        else:
            # A connector that only ever failed says nothing of the rest of the time.
            told = list(self._statuses) if any(state != _AWAY for _, state in self._statuses) else []
        if not told:
            return None
        found: list[tuple[int, int, str]] = []
        at_ms, state = told[0]
        for next_ms, next_state in (*told[1:], (end_ms, "")):
            # Sequence numbers go before clocks: a message that is dated before its predecessor is of the same moment.
            next_ms = max(next_ms, at_ms)
            low, high = max(at_ms, begin_ms), min(next_ms, end_ms)
            if low < high:
                if found and found[-1][2] == state and found[-1][1] == low:
                    found[-1] = (found[-1][0], high, state)
                else:
                    found.append((low, high, state))
            at_ms, state = next_ms, next_state
        return found

    def points(self) -> list[tuple[int, float]]:
        """Readings of the best register there is, in order of time."""
        for location in _LOCATIONS:
            if len(self._points.get(location, ())) > 1:
                return self._points[location]
        return []

    def _heard(self, at_ms: int) -> None:
        self.earliest_ms = at_ms if self.earliest_ms is None else min(at_ms, self.earliest_ms)
        self.latest_ms = at_ms if self.latest_ms is None else max(at_ms, self.latest_ms)

    def _take_run(self, run: _Run) -> None:
        runs = self._runs
        place = bisect_right(runs, run.first, key=lambda each: each.first)
        if place and runs[place - 1].last >= run.first:
            return
        runs.insert(place, run)
        for each in (place, place - 1):
            # What joins a run may let that join the next one.
            while 0 <= each < len(runs) - 1 and self._join(each):
                pass
        if len(runs) > _MOST_RUNS:
            self._thin()

    def _join(self, place: int) -> bool:
        """Make one of a run and the next if nothing can come between them that would tell them apart."""
        run, following = self._runs[place : place + 2]
        if run.last + 1 != following.first or following.state not in (None, run.state):
            return False
        self._runs[place : place + 2] = [_Run(run.first, following.last, run.at_ms, run.state)]
        return True

    def _thin(self) -> None:
        """With very many gaps, those are forgotten across which the state stayed the same."""
        thinned = [self._runs[0]]
        for run in self._runs[1:]:
            if run.state in (None, thinned[-1].state):
                thinned[-1] = _Run(thinned[-1].first, run.last, thinned[-1].at_ms, thinned[-1].state)
            else:
                thinned.append(run)
        self._runs = thinned[-_MOST_RUNS:]
