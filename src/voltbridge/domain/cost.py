"""What a transaction costs by its tariff. Pure, in decimal numbers; the same facts give the same cost in any order.

1. The energy is the transaction's (``voltbridge.domain.energy``). Where its price changes with the time of day, it is
   spread by the readings of the register, evenly between two of them, and in their absence evenly over the time in
   which the vehicle charged.
2. Time is charging time while the state is Charging; it is idle time while the vehicle is connected and the state is
   another one, from the end of the grace of each uninterrupted stretch on. Time before the first state that was told
   costs nothing. Where no state is told at all, all time counts as charging.
3. The fee for the start has the price of the moment of the start.
4. Quantities are not rounded. The amount of each element without tax, and its tax (a percentage of the amount before
   that was rounded), are each rounded to the currency's smallest unit, halves up. Totals are sums of rounded amounts,
   so that what is shown always adds up.
5. The least and the highest price hold for the total with tax. What makes up the difference is an element of its own,
   taxed as the tariff says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Final

from voltbridge.domain.cost_facts import EARLIEST_MS, LATEST_MS, CostFacts
from voltbridge.domain.meter_records import milliseconds
from voltbridge.domain.prices import DAY_MS, PriceList
from voltbridge.domain.tariffs import Tariff, TariffElement, decimal_places

__all__ = [
    "LONGEST_MS",
    "Cost",
    "CostElement",
    "CostLine",
    "CostProblem",
    "cost_of",
]

LONGEST_MS: Final = 366 * DAY_MS
"""What lasts longer has a broken clock or was never ended; no cost is made of that."""
_CHARGING: Final = "Charging"
_BY_STATION: Final = "SuspendedEVSE"
_IDLE: Final = frozenset({"EVConnected", "SuspendedEV"})
_MS_A_MINUTE: Final = Decimal(60_000)
_WH_A_KWH: Final = Decimal(1000)


class CostElement(StrEnum):
    """The parts of a cost."""

    ENERGY = "Energy"
    CHARGING_TIME = "ChargingTime"
    IDLE_TIME = "IdleTime"
    START_FEE = "StartFee"
    MIN_PRICE = "MinPrice"
    """What is missing to the least price."""
    MAX_PRICE = "MaxPrice"
    """What is above the highest price; negative."""


class CostProblem:
    """Why a cost is missing or should not be trusted, in the words the operator reads."""

    NO_START = "the start is not known; time counts from the first message"
    NO_ENERGY = "no energy is known, so there is no total"
    NO_STATES = "no charging state was told; all the time counts as charging"
    NO_READINGS = "no readings tell when the energy flowed; it is spread evenly"
    TOO_LONG = "the transaction lasts longer than a year, so there is no total"
    NO_CLOCK = "the times of the transaction cannot be true, so there is no total"


@dataclass(frozen=True, slots=True)
class CostLine:
    """What one element comes to."""

    element: CostElement
    excl_tax: Decimal
    tax: Decimal
    quantity: Decimal | None = None
    """kWh or minutes; None where nothing is measured."""

    @property
    def incl_tax(self) -> Decimal:
        """Both together."""
        return self.excl_tax + self.tax


@dataclass(frozen=True, slots=True)
class Cost:
    """What a transaction costs."""

    tariff_id: str
    currency: str
    total: Decimal | None
    """With tax; None while it cannot be told."""
    total_excl_tax: Decimal | None
    lines: tuple[CostLine, ...]
    as_of: datetime
    final: bool
    """Whether the transaction is over."""
    problems: tuple[str, ...] = ()
    note: str | None = None
    """What happened to it after the end."""


def cost_of(
    facts: CostFacts,
    *,
    started_at: datetime | None,
    until: datetime,
    energy_wh: float | None,
    final: bool,
) -> Cost:
    """The cost of a transaction from its start until a moment, with that much energy, by the tariff of its facts."""
    tariff = facts.tariff
    problems: list[str] = []
    begin_ms, end_ms = facts.earliest_ms, milliseconds(until)
    if started_at is not None:
        begin_ms = milliseconds(started_at)
    else:
        problems.append(CostProblem.NO_START)
    begin_ms = end_ms if begin_ms is None else min(begin_ms, end_ms)
    if end_ms - begin_ms > LONGEST_MS:
        return _unknown(tariff, until, final, (*problems, CostProblem.TOO_LONG))
    if begin_ms < EARLIEST_MS or end_ms > LATEST_MS:
        return _unknown(tariff, until, final, (*problems, CostProblem.NO_CLOCK))
    charging, idle = _times(tariff, facts, begin_ms, end_ms, problems)
    lines = []
    if tariff.energy.prices:
        if energy_wh is None:
            return _unknown(tariff, until, final, (*problems, CostProblem.NO_ENERGY))
        wh = Decimal(str(energy_wh))
        pieces = _energy_pieces(facts, wh, charging or [(begin_ms, end_ms)], problems)
        net = sum((piece_wh * price for piece_wh, price in pieces), Decimal(0)) / _WH_A_KWH
        lines.append(_line(tariff, CostElement.ENERGY, tariff.energy, net, wh / _WH_A_KWH))
    for element, by, prices, spans in (
        (CostElement.CHARGING_TIME, tariff.charging_time, facts.charging_prices, charging),
        (CostElement.IDLE_TIME, tariff.idle_time, facts.idle_prices, idle),
    ):
        if by.prices:
            lines.append(_line(tariff, element, by, _price_of_time(prices, spans), _minutes(_total(spans))))
    if tariff.start_fee.prices:
        fee = PriceList(tariff.start_fee.prices, tariff.time_zone).at(begin_ms)
        lines.append(_line(tariff, CostElement.START_FEE, tariff.start_fee, fee, None))
    lines += _limited(tariff, sum((line.incl_tax for line in lines), Decimal(0)))
    zero = Decimal(0).quantize(_unit(tariff))
    return Cost(
        tariff_id=tariff.id,
        currency=tariff.currency,
        total=sum((line.incl_tax for line in lines), zero),
        total_excl_tax=sum((line.excl_tax for line in lines), zero),
        lines=tuple(lines),
        as_of=until,
        final=final,
        problems=tuple(problems),
    )


def _unknown(tariff: Tariff, until: datetime, final: bool, problems: tuple[str, ...]) -> Cost:
    return Cost(tariff.id, tariff.currency, None, None, (), until, final, problems)


_Span = tuple[int, int]


def _times(
    tariff: Tariff, facts: CostFacts, begin_ms: int, end_ms: int, problems: list[str]
) -> tuple[list[_Span], list[_Span]]:
    """The time charged and the time idle."""
    stretches = facts.stretches(begin_ms, end_ms)
    if stretches is None:
        if tariff.charging_time.prices or tariff.idle_time.prices:
            problems.append(CostProblem.NO_STATES)
        return [(begin_ms, end_ms)], []
    counts_as_idle = _IDLE | {_BY_STATION} if tariff.idle_when_suspended_by_station else _IDLE
    charging = [(low, high) for low, high, state in stretches if state == _CHARGING]
    waiting: list[_Span] = []
    for low, high, state in stretches:
        if state in counts_as_idle:
            if waiting and waiting[-1][1] == low:
                waiting[-1] = (waiting[-1][0], high)
            else:
                waiting.append((low, high))
    grace_ms = tariff.idle_grace_minutes * 60_000
    return charging, [(low + grace_ms, high) for low, high in waiting if high - low > grace_ms]


def _total(spans: Iterable[_Span]) -> int:
    return sum(high - low for low, high in spans)


def _minutes(ms: int) -> Decimal:
    return Decimal(ms) / _MS_A_MINUTE


def _price_of_time(prices: PriceList, spans: Sequence[_Span]) -> Decimal:
    """What time costs by the minute. Times of one price are added up first: numbers are quicker than decimals."""
    if not prices.is_restricted:
        return prices.at(0) * _total(spans) / _MS_A_MINUTE
    ms: dict[Decimal, int] = {}
    for low, high in spans:
        for begin, end, price in prices.pieces(low, high):
            ms[price] = ms.get(price, 0) + end - begin
    return sum((price * each for price, each in ms.items()), Decimal(0)) / _MS_A_MINUTE


def _energy_pieces(
    facts: CostFacts, wh: Decimal, charging: Sequence[_Span], problems: list[str]
) -> list[tuple[Decimal, Decimal]]:
    """Parts of the energy, each with its price. Together they are all of it."""
    prices = facts.energy_prices
    if not prices.is_restricted:
        return [(wh, prices.at(0))]
    shares = _shares_by_readings(prices, facts.points())
    if not shares:
        if wh:
            problems.append(CostProblem.NO_READINGS)
        for low, high in charging:
            for begin, end, price in prices.pieces(low, high):
                shares[price] = shares.get(price, Decimal(0)) + (end - begin)
    whole = sum(shares.values(), Decimal(0))
    if not whole:
        return [(wh, prices.at(charging[-1][0]))]
    *others, last = shares
    pieces = [(wh * shares[price] / whole, price) for price in others]
    return [*pieces, (wh - sum((piece for piece, _ in pieces), Decimal(0)), last)]


def _shares_by_readings(prices: PriceList, points: Sequence[tuple[int, float]]) -> dict[Decimal, Decimal]:
    """What the register rose by at each price; falls count as nothing."""
    shares: dict[Decimal, Decimal] = {}
    for (low, before), (high, after) in pairwise(points):
        if after <= before:
            continue
        rise = Decimal(str(after)) - Decimal(str(before))
        if low == high:
            price = prices.at(low)
            shares[price] = shares.get(price, Decimal(0)) + rise
            continue
        for begin, end, price in prices.pieces(low, high):
            shares[price] = shares.get(price, Decimal(0)) + rise * (end - begin) / (high - low)
    return shares


def _line(tariff: Tariff, element: CostElement, by: TariffElement, net: Decimal, quantity: Decimal | None) -> CostLine:
    percent = tariff.tax_percent if by.tax_percent is None else by.tax_percent
    unit = _unit(tariff)
    return CostLine(element, _rounded(net, unit), _rounded(net * percent / 100, unit), quantity)


def _limited(tariff: Tariff, total: Decimal) -> list[CostLine]:
    """What the least or the highest price adds to the total or takes off it."""
    unit = _unit(tariff)
    if tariff.min_price is not None and total < (least := _rounded(tariff.min_price, unit)):
        element, more = CostElement.MIN_PRICE, least - total
    elif tariff.max_price is not None and total > (most := _rounded(tariff.max_price, unit)):
        element, more = CostElement.MAX_PRICE, most - total
    else:
        return []
    tax = _rounded(more * tariff.tax_percent / (100 + tariff.tax_percent), unit)
    return [CostLine(element, more - tax, tax)]


def _unit(tariff: Tariff) -> Decimal:
    return Decimal(1).scaleb(-decimal_places(tariff.currency))


def _rounded(amount: Decimal, unit: Decimal) -> Decimal:
    return amount.quantize(unit, ROUND_HALF_UP)
