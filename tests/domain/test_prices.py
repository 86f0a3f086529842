"""When which price holds, also where the clock is put forward."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal

import pytest

from voltbridge.domain.prices import Price, PriceList, Restrictions, Weekday, holds

AMSTERDAM = "Europe/Amsterdam"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ms(text: str) -> int:
    return round(at(text).timestamp() * 1000)


FRIDAY_NIGHT = Restrictions((Weekday.FRIDAY,), time(22), time(6))


@pytest.mark.parametrize(
    ("restrictions", "moment", "held"),
    [
        (Restrictions(), "2026-03-06T21:00", True),
        (Restrictions(start=time(8), end=time(20)), "2026-03-06T07:00", True),  # 08:00 in Amsterdam
        (Restrictions(start=time(8), end=time(20)), "2026-03-06T06:59:59", False),
        (Restrictions(start=time(8), end=time(20)), "2026-03-06T19:00", False),
        (Restrictions(start=time(8), end=time(0)), "2026-03-06T22:59", True),
        (Restrictions(start=time(8), end=time(0)), "2026-03-06T23:00", False),
        (Restrictions(end=time(8)), "2026-03-06T23:30", True),
        (FRIDAY_NIGHT, "2026-03-06T21:00", True),
        (FRIDAY_NIGHT, "2026-03-06T20:59", False),
        (FRIDAY_NIGHT, "2026-03-07T04:59", True),  # Saturday, in the night that began on Friday
        (FRIDAY_NIGHT, "2026-03-07T05:00", False),
        (FRIDAY_NIGHT, "2026-03-06T04:00", False),  # in the night that began on Thursday
        (FRIDAY_NIGHT, "2026-03-07T21:30", False),
        (Restrictions((Weekday.SATURDAY,)), "2026-03-06T23:00", True),
        (Restrictions((Weekday.SATURDAY,)), "2026-03-06T22:59", False),
    ],
)
def test_when_a_price_holds(restrictions: Restrictions, moment: str, held: bool) -> None:
    assert holds(restrictions, at(moment), AMSTERDAM) is held


def test_prices_change_with_the_local_clock_also_when_that_is_put_forward() -> None:
    """On 2026-03-29 it is 02:00 and then 03:00: a window until 02:30 ends with the change, at 01:00 of UTC."""
    prices = (Price(Decimal(1), Restrictions(start=time(1, 30), end=time(2, 30))), Price(Decimal(2)))
    listed = PriceList(prices, AMSTERDAM)
    pieces = listed.pieces(ms("2026-03-28T22:00"), ms("2026-03-29T22:00"))
    assert [(begin, end) for begin, end, price in pieces if price == 1] == [
        (ms("2026-03-29T00:30"), ms("2026-03-29T01:00"))
    ]
    assert listed.at(ms("2026-03-29T00:30")) == 1
    assert listed.at(ms("2026-03-29T01:00")) == 2


def test_nothing_changes_without_restrictions() -> None:
    assert list(PriceList((Price(Decimal(1)),), AMSTERDAM).pieces(0, 10**12)) == [(0, 10**12, Decimal(1))]
    assert list(PriceList((), AMSTERDAM).pieces(0, 5)) == [(0, 5, Decimal(0))]
