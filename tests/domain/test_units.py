"""Units: every value in one unit of its kind, exact to the decimal digit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltbridge.domain.units import DEFAULT_UNITS, read_decimal, scale_of

ENERGY = "Energy.Active.Import.Register"


@pytest.mark.parametrize(
    ("text", "unit", "value", "normal"),
    [
        ("1500", "Wh", 1500.0, "Wh"),
        ("1.001", "kWh", 1001.0, "Wh"),
        ("0.1", "kWh", 100.0, "Wh"),
        ("1.5e2", "kWh", 150000.0, "Wh"),
        (" 12 ", "kWh", 12000.0, "Wh"),
        ("3.3", "kvarh", 3300.0, "varh"),
        ("3.3", "kVAh", 3300.0, "VAh"),
        ("7.36", "kW", 7360.0, "W"),
        ("7.36", "kvar", 7360.0, "var"),
        ("7.36", "kVA", 7360.0, "VA"),
        ("50012", "mHz", 50.012, "Hz"),
        ("212", "Fahrenheit", 100.0, "Celsius"),
        ("-40", "Fahrenheit", -40.0, "Celsius"),
        ("300", "K", 26.85, "Celsius"),
        ("21.5", "Celcius", 21.5, "Celsius"),
        ("80", "Percent", 80.0, "Percent"),
        ("4", "ASU", 4.0, "ASU"),
    ],
)
def test_a_value_comes_into_the_unit_of_its_kind(text: str, unit: str, value: float, normal: str) -> None:
    scale = scale_of(unit, ENERGY)
    assert (read_decimal(text, scale), scale.unit) == (value, normal)


@pytest.mark.parametrize(
    "text", ["", "abc", "NaN", "sNaN", "inf", "-Infinity", "1e999", "12,5", "0x10", "1_000", "1e5e5"]
)
@pytest.mark.parametrize("unit", ["Wh", "kWh"])
def test_what_is_no_finite_number_is_no_value(text: str, unit: str) -> None:
    assert read_decimal(text, scale_of(unit, ENERGY)) is None


def test_a_multiplier_moves_the_decimal_point_once() -> None:
    assert read_decimal("1.001", scale_of("Wh", ENERGY, 3)) == 1001.0
    assert read_decimal("1.001", scale_of("kWh", ENERGY, -3)) == 1.001
    assert read_decimal("5", scale_of(None, "Power.Factor", -1)) == 0.5
    assert read_decimal("5", scale_of("furlong", ENERGY, 2)) == 500.0


def test_an_absurd_multiplier_is_no_value() -> None:
    assert read_decimal("1", scale_of("Wh", ENERGY, 10**9)) is None
    assert read_decimal("1e5", scale_of("Wh", ENERGY, 10**9)) is None


def test_a_value_without_a_unit_has_the_unit_of_its_measurand() -> None:
    assert scale_of(None, ENERGY).unit == "Wh"
    assert scale_of(None, "Voltage").unit == "V"
    assert scale_of(None, "Power.Factor").unit is None
    assert set(DEFAULT_UNITS.values()) == {"A", "Wh", "VAh", "varh", "Hz", "W", "var", "RPM", "Percent", "Celsius", "V"}


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=6), st.integers(-9, 9))
def test_scaling_is_decimal_not_binary(value: Decimal, multiplier: int) -> None:
    assert read_decimal(str(value), scale_of("Wh", ENERGY, multiplier)) == float(value.scaleb(multiplier))
