"""Which tariff holds for whom, what drivers are shown of it, and which tariffs are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from voltbridge.domain.display_messages import MessageFormat
from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.prices import Price, Restrictions, Weekday
from voltbridge.domain.tariffs import (
    Tariff,
    TariffAssignment,
    TariffElement,
    TariffText,
    assignment_for,
    check_assignment,
    check_tariff,
    decimal_places,
    text_for,
    texts_at,
)

AMSTERDAM = "Europe/Amsterdam"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


EVERYBODY = TariffAssignment("everybody", "a")
HERE = TariffAssignment("here", "b", station_ids=("CP-1",))
AROUND = TariffAssignment("around", "c", station_ids=("CP-1", "CP-2"))
GROUP = TariffAssignment("group", "d", group_id_tokens=("Fleet",))
TOKEN = TariffAssignment("token", "e", id_tokens=("04AB",))
TOKEN_HERE = TariffAssignment("token-here", "f", station_ids=("CP-1",), id_tokens=("04AB",))


@pytest.mark.parametrize(
    ("station_id", "token", "group", "expected"),
    [
        ("CP-1", "04ab", "fleet", "token-here"),
        ("CP-2", "04ab", "fleet", "token"),
        ("CP-2", "other", "FLEET", "group"),
        ("CP-1", "other", None, "here"),
        ("CP-1", None, None, "here"),
        ("CP-2", "other", None, "around"),
        ("CP-3", "other", None, "everybody"),
    ],
)
def test_the_closest_assignment_wins(station_id: str, token: str | None, group: str | None, expected: str) -> None:
    assignments = [EVERYBODY, AROUND, HERE, GROUP, TOKEN, TOKEN_HERE]
    for order in (assignments, assignments[::-1]):
        found = assignment_for(order, station_id=station_id, id_token=token, group_id_token=group)
        assert found is not None and found.id == expected


def test_no_assignment_means_nobody() -> None:
    assert assignment_for([HERE, TOKEN], station_id="CP-9", id_token="x", group_id_token=None) is None


def test_equal_assignments_go_by_their_ids() -> None:
    first, second = TariffAssignment("a", "x"), TariffAssignment("b", "y")
    assert assignment_for([second, first], station_id="CP", id_token=None, group_id_token=None) is first


def test_the_text_in_the_drivers_language() -> None:
    texts = [TariffText("Hello", "en"), TariffText("Hallo", "de"), TariffText("Grüezi", "de-CH")]
    assert [text_for(texts, language) for language in ("de-CH", "de", "de-AT", "EN-us", "fr", None)] == [
        texts[2],
        texts[1],
        texts[1],
        texts[0],
        texts[0],
        texts[0],
    ]
    assert text_for([], "en") is None


def test_texts_by_the_time_of_day() -> None:
    night = Restrictions(start=time(22), end=time(6))
    texts = (TariffText("cheap", "en", restrictions=night), TariffText("dear", "en"), TariffText("teuer", "de"))
    tariff = Tariff("t", "EUR", AMSTERDAM, texts=texts)
    assert [text.content for text in texts_at(tariff, at("2026-03-06T23:00"))] == ["cheap", "teuer"]
    assert [text.content for text in texts_at(tariff, at("2026-03-06T12:00"))] == ["dear", "teuer"]


GOOD = Tariff("t", "EUR")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"currency": "eur"}, "currency"),
        ({"currency": "EURO"}, "currency"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"time_zone": "Europe"}, "time_zone"),
        ({"tax_percent": Decimal("100.01")}, "tax_percent"),
        ({"energy": TariffElement((Price(Decimal(-1)),))}, "energy.prices[0].amount"),
        ({"energy": TariffElement((Price(Decimal("NaN")),))}, "energy.prices[0].amount"),
        ({"energy": TariffElement((Price(Decimal("0.0000001")),))}, "energy.prices[0].amount"),
        ({"idle_time": TariffElement((), Decimal(-1))}, "idle_time.tax_percent"),
        ({"start_fee": TariffElement((Price(Decimal(1), Restrictions((), time(8), time(8))),))}, ".restrictions.end"),
        ({"energy": TariffElement((Price(Decimal(1), Restrictions((Weekday.MONDAY,) * 2)),))}, "weekdays"),
        ({"min_price": Decimal(2), "max_price": Decimal(1)}, "min_price"),
        ({"texts": (TariffText(" "),)}, "texts[0].content"),
        ({"texts": (TariffText("a\0b"),)}, "texts[0].content"),
        ({"texts": (TariffText("a\ud800b"),)}, "texts[0].content"),
        ({"texts": (TariffText("x" * 513),)}, "texts[0].content"),
        ({"texts": (TariffText("€", format=MessageFormat.ASCII),)}, "texts[0].content"),
        ({"texts": (TariffText("x", format=MessageFormat.QR_CODE),)}, "texts[0].format"),
        ({"texts": (TariffText("x", "english!"),)}, "texts[0].language"),
        ({"texts": (TariffText("x", "de-CH-1996"),)}, "texts[0].language"),
        ({"texts": tuple(TariffText("x", tag) for tag in ("en", "de", "fr", "nl", "it", "es"))}, "texts"),
    ],
)
def test_tariffs_that_cannot_be_applied(changes: dict[str, Any], field: str) -> None:
    check_tariff(replace(GOOD, texts=(TariffText("0,60\u00a0€\nje kWh \U0001f50c"),)))
    with pytest.raises(InvalidValue) as refused:
        check_tariff(replace(GOOD, **changes))
    assert refused.value.field.endswith(field)


@pytest.mark.parametrize("name", ["station_ids", "id_tokens", "group_id_tokens"])
def test_an_assignment_that_names_something_twice(name: str) -> None:
    changes: dict[str, Any] = {name: ("one", "one" if name == "station_ids" else "ONE")}
    with pytest.raises(InvalidValue) as refused:
        check_assignment(replace(EVERYBODY, **changes))
    assert refused.value.field == name


def test_smallest_units() -> None:
    assert [decimal_places(code) for code in ("EUR", "JPY", "KWD", "CLF")] == [2, 0, 3, 4]
