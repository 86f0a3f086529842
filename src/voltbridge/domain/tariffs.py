"""Tariffs: what charging costs, who pays by which, and the text that drivers are shown (2.0.1 block I).

All amounts are decimal numbers in the tariff's currency, without tax. An element (energy, time that is charged, time
that is idle, start) has a list of prices; the first whose restrictions hold is the price of that moment, and where none
holds it is free. Which tariff a transaction has is settled once, by the assignment that means it most closely:

1. one that names the token, before one that names its group, before one for everybody;
2. then one that names a single station, before one that names several, before one for all stations;
3. then the one whose id sorts first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final
from unicodedata import category

from voltbridge.domain.display_messages import MessageFormat
from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.prices import UNRESTRICTED, Price, Restrictions, check_restrictions, check_time_zone, holds

__all__ = [
    "LARGEST_AMOUNT",
    "Tariff",
    "TariffAssignment",
    "TariffElement",
    "TariffText",
    "assignment_for",
    "check_assignment",
    "check_tariff",
    "decimal_places",
    "text_for",
    "texts_at",
]

LARGEST_AMOUNT: Final = Decimal(1_000_000)
_MOST_PLACES: Final = 6
_LONGEST_TEXT: Final = 512
"""What the message's field holds in every version (MessageContentType.content)."""
_MOST_TEXTS: Final = 5
_CURRENCY: Final = re.compile("[A-Z]{3}")
_LANGUAGE: Final = re.compile("[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")

# ISO 4217: currencies whose smallest unit is not a hundredth.
_WHOLE: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS: Final = "BHD IQD JOD KWD LYD OMR TND"
_PLACES: Final = dict.fromkeys(_WHOLE.split(), 0) | dict.fromkeys(_THOUSANDTHS.split(), 3) | {"CLF": 4, "UYW": 4}


@dataclass(frozen=True, slots=True)
class TariffElement:
    """What one part of the cost is made of."""

    prices: tuple[Price, ...] = ()
    tax_percent: Decimal | None = None
    """None: the tariff's."""


@dataclass(frozen=True, slots=True)
class TariffText:
    """What a driver is shown of the tariff, in one language."""

    content: str
    language: str | None = None
    """An RFC 5646 tag."""
    format: MessageFormat = MessageFormat.UTF8
    restrictions: Restrictions = UNRESTRICTED
    """When it is the text to show."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """A tariff as the operator keeps it, and as it is copied into a transaction when that starts."""

    id: str
    currency: str
    """ISO 4217."""
    time_zone: str = "UTC"
    tax_percent: Decimal = Decimal(0)
    energy: TariffElement = TariffElement()
    """Per kWh."""
    charging_time: TariffElement = TariffElement()
    """Per minute in which energy may flow."""
    idle_time: TariffElement = TariffElement()
    """Per minute in which the vehicle is connected and does not charge."""
    start_fee: TariffElement = TariffElement()
    idle_grace_minutes: int = 0
    """So much of every stretch of idle time is free."""
    idle_when_suspended_by_station: bool = False
    """Whether time in which the station withholds energy counts as idle (SuspendedEVSE)."""
    min_price: Decimal | None = None
    """With tax; what a transaction costs at least."""
    max_price: Decimal | None = None
    """With tax; what a transaction costs at most."""
    texts: tuple[TariffText, ...] = ()
    cost_in_responses: bool = True
    """Whether responses to transaction events tell the running cost (I02)."""
    cost_update_interval_s: int | None = None
    """How often CostUpdated tells the running cost where it has changed (I02); None: never."""

    @property
    def elements(self) -> tuple[TariffElement, ...]:
        """All four."""
        return self.energy, self.charging_time, self.idle_time, self.start_fee


@dataclass(frozen=True, slots=True)
class TariffAssignment:
    """For whom and where a tariff is; naming no driver means everybody, naming no station means everywhere."""

    id: str
    tariff_id: str
    station_ids: tuple[str, ...] = ()
    id_tokens: tuple[str, ...] = ()
    """Without regard to case, of any type."""
    group_id_tokens: tuple[str, ...] = ()
    note: str | None = field(default=None, compare=False)


def assignment_for(
    assignments: Iterable[TariffAssignment], *, station_id: str, id_token: str | None, group_id_token: str | None
) -> TariffAssignment | None:
    """The assignment that means this driver at this station most closely."""
    token = None if id_token is None else id_token.casefold()
    group = None if group_id_token is None else group_id_token.casefold()
    best: tuple[tuple[int, int, str], TariffAssignment] | None = None
    for one in assignments:
        who = _driver_rank(one, token, group)
        where = _station_rank(one, station_id)
        if who is None or where is None:
            continue
        rank = (who, where, one.id)
        if best is None or rank < best[0]:
            best = (rank, one)
    return None if best is None else best[1]


def _driver_rank(one: TariffAssignment, token: str | None, group: str | None) -> int | None:
    if not one.id_tokens and not one.group_id_tokens:
        return 2
    if token is not None and any(token == each.casefold() for each in one.id_tokens):
        return 0
    if group is not None and any(group == each.casefold() for each in one.group_id_tokens):
        return 1
    return None


def _station_rank(one: TariffAssignment, station_id: str) -> int | None:
    if not one.station_ids:
        return 2
    if station_id not in one.station_ids:
        return None
    return 0 if len(one.station_ids) == 1 else 1


def decimal_places(currency: str) -> int:
    """How many the smallest unit of the currency has (ISO 4217)."""
    return _PLACES.get(currency, 2)


def texts_at(tariff: Tariff, at: datetime) -> list[TariffText]:
    """The texts to show at a moment: of each language the first whose restrictions hold."""
    found: dict[str | None, TariffText] = {}
    for text in tariff.texts:
        if holds(text.restrictions, at, tariff.time_zone):
            found.setdefault(None if text.language is None else text.language.casefold(), text)
    return list(found.values())


def text_for(texts: Sequence[TariffText], language: str | None) -> TariffText | None:
    """The text in the driver's language: by the whole tag, else by its first part, else the first text there is."""
    if language is not None:
        wanted = language.casefold()
        for exact in (True, False):
            for text in texts:
                told = (text.language or "").casefold()
                if told == wanted if exact else told.split("-")[0] == wanted.split("-")[0]:
                    return text
    return texts[0] if texts else None


def check_tariff(tariff: Tariff) -> None:
    """Raises InvalidValue for a tariff that cannot be applied."""
    if not _CURRENCY.fullmatch(tariff.currency):
        raise InvalidValue("currency", "must be a code of ISO 4217, such as EUR")
    check_time_zone(tariff.time_zone)
    _check_percent("tax_percent", tariff.tax_percent)
    named = zip(("energy", "charging_time", "idle_time", "start_fee"), tariff.elements, strict=True)
    for name, element in named:
        if element.tax_percent is not None:
            _check_percent(f"{name}.tax_percent", element.tax_percent)
        for index, price in enumerate(element.prices):
            _check_amount(f"{name}.prices[{index}].amount", price.amount)
            check_restrictions(f"{name}.prices[{index}].restrictions", price.restrictions)
    for name, amount in (("min_price", tariff.min_price), ("max_price", tariff.max_price)):
        if amount is not None:
            _check_amount(name, amount)
    if tariff.min_price is not None and tariff.max_price is not None and tariff.min_price > tariff.max_price:
        raise InvalidValue("min_price", "is more than max_price")
    if len(tariff.texts) > _MOST_TEXTS * 10:
        raise InvalidValue("texts", f"are more than {_MOST_TEXTS * 10}")
    if len({(text.language or "").casefold() for text in tariff.texts}) > _MOST_TEXTS:
        raise InvalidValue("texts", f"are in more than {_MOST_TEXTS} languages")
    for index, text in enumerate(tariff.texts):
        _check_text(f"texts[{index}]", text)


def check_assignment(assignment: TariffAssignment) -> None:
    """Raises InvalidValue for one that names something twice, or what nobody can be called."""
    for name, texts in (
        ("station_ids", assignment.station_ids),
        ("id_tokens", tuple(each.casefold() for each in assignment.id_tokens)),
        ("group_id_tokens", tuple(each.casefold() for each in assignment.group_id_tokens)),
    ):
        if len(set(texts)) < len(texts):
            raise InvalidValue(name, "names something twice")
        for index, text in enumerate(texts):
            if not text.isprintable() or text != text.strip():
                raise InvalidValue(f"{name}[{index}]", "must be printable, without a space at either end")
    if assignment.note is not None and not _is_text(assignment.note):
        raise InvalidValue("note", "contains a character that cannot be shown")


def _check_text(name: str, text: TariffText) -> None:
    if not text.content.strip():
        raise InvalidValue(f"{name}.content", "is empty")
    if len(text.content) > _LONGEST_TEXT:
        raise InvalidValue(f"{name}.content", f"is longer than {_LONGEST_TEXT} characters")
    if not _is_text(text.content):
        raise InvalidValue(f"{name}.content", "contains a character that cannot be shown")
    if text.format is MessageFormat.QR_CODE:
        raise InvalidValue(f"{name}.format", "cannot be QRCODE, which not every version knows; give a URI")
    if text.format is MessageFormat.ASCII and not text.content.isascii():
        raise InvalidValue(f"{name}.content", "is not ASCII, which its format says")
    if text.language is not None and (len(text.language) > 8 or not _LANGUAGE.fullmatch(text.language)):
        raise InvalidValue(f"{name}.language", "must be a tag of RFC 5646 of at most 8 characters, such as en-US")
    check_restrictions(f"{name}.restrictions", text.restrictions)


def _is_text(text: str) -> bool:
    return all(character in "\n\r\t" or category(character) not in ("Cc", "Cs") for character in text)


def _check_percent(name: str, percent: Decimal) -> None:
    if not (percent.is_finite() and 0 <= percent <= 100):
        raise InvalidValue(name, "must be from 0 to 100")


def _check_amount(name: str, amount: Decimal) -> None:
    if not (amount.is_finite() and 0 <= amount <= LARGEST_AMOUNT):
        raise InvalidValue(name, f"must be from 0 to {LARGEST_AMOUNT}")
    places = amount.as_tuple().exponent
    if isinstance(places, int) and -places > _MOST_PLACES:
        raise InvalidValue(name, f"has more than {_MOST_PLACES} decimal places")
