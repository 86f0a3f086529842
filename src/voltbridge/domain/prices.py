"""Prices that hold at some times of day and on some days of the week, and when which holds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from voltbridge.domain.errors import InvalidValue

__all__ = [
    "DAY_MS",
    "UNRESTRICTED",
    "Price",
    "PriceList",
    "Restrictions",
    "Weekday",
    "check_restrictions",
    "check_time_zone",
    "holds",
    "price_at",
]

DAY_MS: Final = 86_400_000
_DAY: Final = timedelta(days=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_MIDNIGHT: Final = time(0)


class Weekday(StrEnum):
    """In the order of ``datetime.weekday``."""

    MONDAY = "Monday"
    TUESDAY = "Tuesday"
    WEDNESDAY = "Wednesday"
    THURSDAY = "Thursday"
    FRIDAY = "Friday"
    SATURDAY = "Saturday"
    SUNDAY = "Sunday"


_WEEKDAYS: Final = tuple(Weekday)


@dataclass(frozen=True, slots=True)
class Restrictions:
    """When a price holds, by the clock of the tariff's time zone; what is left out does not restrict.

    An end at or before the start is on the next day; the weekday is that of the start.
    """

    weekdays: tuple[Weekday, ...] = ()
    start: time | None = None
    end: time | None = None
    """No longer within."""


UNRESTRICTED: Final = Restrictions()


@dataclass(frozen=True, slots=True)
class Price:
    """A price without tax: of a kWh, of a minute, or of the start."""

    amount: Decimal
    restrictions: Restrictions = UNRESTRICTED


def holds(restrictions: Restrictions, at: datetime, time_zone: str) -> bool:
    """Whether a moment is within the restrictions."""
    if restrictions == UNRESTRICTED:
        return True
    local = at.astimezone(_zone(time_zone))
    clock, day = local.time(), _WEEKDAYS[local.weekday()]
    before = _WEEKDAYS[local.weekday() - 1]
    start, end = restrictions.start or _MIDNIGHT, restrictions.end
    days = restrictions.weekdays or _WEEKDAYS
    if end is None or end == _MIDNIGHT:
        return clock >= start and day in days
    if start < end:
        return start <= clock < end and day in days
    return (clock >= start and day in days) or (clock < end and before in days)


def price_at(prices: Sequence[Price], at_ms: int, time_zone: str) -> Decimal:
    """The price that holds at a moment (milliseconds since 1970); 0 where none does."""
    for price in prices:
        if price.restrictions == UNRESTRICTED or holds(price.restrictions, _moment(at_ms), time_zone):
            return price.amount
    return Decimal(0)


class PriceList:
    """The prices of one element, ready to be asked often: when which holds is worked out once for each day of UTC."""

    __slots__ = ("_days", "_prices", "_time_zone", "is_restricted")

    def __init__(self, prices: Sequence[Price], time_zone: str) -> None:
        self._prices = prices
        self._time_zone = time_zone
        self._days: dict[int, tuple[list[int], list[Decimal]]] = {}
        self.is_restricted = any(price.restrictions != UNRESTRICTED for price in prices)
        """Whether any of the prices does not hold always."""

    def at(self, at_ms: int) -> Decimal:
        """The price that holds at a moment (milliseconds since 1970)."""
        if not self.is_restricted:
            return self._prices[0].amount if self._prices else Decimal(0)
        begins, amounts = self._day(at_ms // DAY_MS)
        return amounts[bisect_right(begins, at_ms) - 1]

    def piece_of(self, at_ms: int) -> tuple[int, int]:
        """Begin and end of the time around a moment, a day at most, in which the price stays the same."""
        day = at_ms // DAY_MS
        begins, _ = self._day(day)
        place = bisect_right(begins, at_ms)
        return begins[place - 1], begins[place] if place < len(begins) else (day + 1) * DAY_MS

    def pieces(self, begin_ms: int, end_ms: int) -> Iterator[tuple[int, int, Decimal]]:
        """A time cut where the price may change: begin, end and price of each part."""
        if not self.is_restricted:
            yield begin_ms, end_ms, self.at(begin_ms)
            return
        while begin_ms < end_ms:
            price = self.at(begin_ms)
            until = min(self.piece_of(begin_ms)[1], end_ms)
            yield begin_ms, until, price
            begin_ms = until

    def _day(self, day: int) -> tuple[list[int], list[Decimal]]:
        """The moments of a day of UTC from which on a price holds, the first its beginning, and those prices."""
        found = self._days.get(day)
        if found is None:
            begins = sorted({day * DAY_MS, *self._changes(day)})
            found = begins, [price_at(self._prices, at_ms, self._time_zone) for at_ms in begins]
            self._days[day] = found
        return found

    def _changes(self, day: int) -> Iterator[int]:
        """Moments of a day of UTC at which a price may change."""
        clocks = {_MIDNIGHT}
        for price in self._prices:
            clocks |= {each for each in (price.restrictions.start, price.restrictions.end) if each is not None}
        zone, midnight = _zone(self._time_zone), _moment(day * DAY_MS)
        moments = [_clock_change(midnight, zone)]
        for date in (midnight.date() - _DAY, midnight.date(), midnight.date() + _DAY):
            for clock in clocks:
                moments += [datetime.combine(date, clock.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)]
        for moment in moments:
            if moment is not None and midnight <= moment < midnight + _DAY:
                yield (moment - _EPOCH) // _MILLISECOND


def check_time_zone(name: str) -> None:
    """Raises InvalidValue for what is no time zone."""
    try:
        _zone(name)
    except (KeyError, ValueError, OSError):
        problem = f"is no time zone: {name!r}; give one such as Europe/Amsterdam"
        raise InvalidValue("time_zone", problem) from None


def check_restrictions(name: str, restrictions: Restrictions) -> None:
    """Raises InvalidValue for restrictions that say nothing, or something twice."""
    start, end = restrictions.start, restrictions.end
    if start is not None and start == end:
        raise InvalidValue(f"{name}.end", "is the same as the start; leave both out for the whole day")
    for which, clock in (("start", start), ("end", end)):
        if clock is not None and (clock.tzinfo is not None or clock.microsecond):
            raise InvalidValue(f"{name}.{which}", "must be a time of day in whole seconds, without an offset")
    if len(set(restrictions.weekdays)) < len(restrictions.weekdays):
        raise InvalidValue(f"{name}.weekdays", "names a day twice")


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _moment(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)


def _clock_change(midnight: datetime, zone: ZoneInfo) -> datetime | None:
    """When the zone's offset changes in the 24 hours that begin here, to the second."""
    low, high = midnight, midnight + _DAY
    before = low.astimezone(zone).utcoffset()
    if before == high.astimezone(zone).utcoffset():
        return None
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
