"""Units of measured values, and how a value comes into the unit that the rest of Voltbridge counts in.

Names are those of the standard's list (2.0.1 Part 2, Appendices: Standardized Units of Measure; 1.6 7.45). Factors are
powers of ten and are applied to the decimal digits, not to the binary number, so that 1.001 kWh is 1001 Wh exactly.
Units outside the table are the station's own affair and stay as they came.
"""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import Final, NamedTuple

__all__ = ["DEFAULT_UNITS", "Scale", "read_decimal", "scale_of"]


class Scale(NamedTuple):
    """How a value becomes one in ``unit``: first times ten to the ``exponent``, then, for temperatures, shifted."""

    unit: str | None
    exponent: int = 0
    degrees: float = 1.0
    """Size of one degree of the scale in degrees Celsius."""
    zero: float = 0.0
    """Where zero degrees Celsius lies on the scale."""


_SCALES: Final = {
    "Wh": Scale("Wh"),
    "kWh": Scale("Wh", 3),
    "varh": Scale("varh"),
    "kvarh": Scale("varh", 3),
    "VAh": Scale("VAh"),
    "kVAh": Scale("VAh", 3),
    "W": Scale("W"),
    "kW": Scale("W", 3),
    "var": Scale("var"),
    "kvar": Scale("var", 3),
    "VA": Scale("VA"),
    "kVA": Scale("VA", 3),
    "A": Scale("A"),
    "V": Scale("V"),
    "Hz": Scale("Hz"),
    "mHz": Scale("Hz", -3),
    "Celsius": Scale("Celsius"),
    "Celcius": Scale("Celsius"),
    "Fahrenheit": Scale("Celsius", degrees=5 / 9, zero=32.0),
    "K": Scale("Celsius", zero=273.15),
    "Percent": Scale("Percent"),
}

DEFAULT_UNITS: Final = {
    "Current.Export": "A",
    "Current.Export.Minimum": "A",
    "Current.Export.Offered": "A",
    "Current.Import": "A",
    "Current.Import.Minimum": "A",
    "Current.Import.Offered": "A",
    "Current.Offered": "A",
    "Energy.Active.Export.Interval": "Wh",
    "Energy.Active.Export.Register": "Wh",
    "Energy.Active.Import.CableLoss": "Wh",
    "Energy.Active.Import.Interval": "Wh",
    "Energy.Active.Import.LocalGeneration.Register": "Wh",
    "Energy.Active.Import.Register": "Wh",
    "Energy.Active.Net": "Wh",
    "Energy.Active.Setpoint.Interval": "Wh",
    "Energy.Apparent.Export": "VAh",
    "Energy.Apparent.Import": "VAh",
    "Energy.Apparent.Net": "VAh",
    "Energy.Reactive.Export.Interval": "varh",
    "Energy.Reactive.Export.Register": "varh",
    "Energy.Reactive.Import.Interval": "varh",
    "Energy.Reactive.Import.Register": "varh",
    "Energy.Reactive.Net": "varh",
    "EnergyRequest.Bulk": "Wh",
    "EnergyRequest.Maximum": "Wh",
    "EnergyRequest.Maximum.V2X": "Wh",
    "EnergyRequest.Minimum": "Wh",
    "EnergyRequest.Minimum.V2X": "Wh",
    "EnergyRequest.Target": "Wh",
    "Frequency": "Hz",
    "Power.Active.Export": "W",
    "Power.Active.Import": "W",
    "Power.Active.Residual": "W",
    "Power.Active.Setpoint": "W",
    "Power.Export.Minimum": "W",
    "Power.Export.Offered": "W",
    "Power.Import.Minimum": "W",
    "Power.Import.Offered": "W",
    "Power.Offered": "W",
    "Power.Reactive.Export": "var",
    "Power.Reactive.Import": "var",
    "RPM": "RPM",
    "SoC": "Percent",
    "Temperature": "Celsius",
    "Voltage": "V",
    "Voltage.Maximum": "V",
    "Voltage.Minimum": "V",
}
"""The unit of a value that names none, by measurand.

The standard's default is Wh for energies (SampledValueType); a volt or an ampere is meant where a voltage or a current
names no unit.
"""


def scale_of(unit: str | None, measurand: str, multiplier: int = 0) -> Scale:
    """The scale of a value given in ``unit`` (None: not said) times ten to the ``multiplier`` (2.x unitOfMeasure)."""
    if unit is None:
        unit = DEFAULT_UNITS.get(measurand)
        if unit is None:
            return Scale(None, multiplier)
    known = _SCALES.get(unit)
    if known is None:
        return Scale(unit, multiplier)
    return known._replace(exponent=known.exponent + multiplier) if multiplier else known


def read_decimal(text: str, scale: Scale) -> float | None:
    """The number in the scale's unit that a decimal text means; None for a text that is no finite number."""
    if "_" in text:  # which Python would allow between digits
        return None
    try:
        value = float(text) if scale.exponent == 0 else _shifted(text, scale.exponent)
    except (ValueError, ArithmeticError):
        return None
    if not isfinite(value):
        return None
    if scale.zero or scale.degrees != 1.0:
        value = round((value - scale.zero) * scale.degrees, 4)
    return value


def _shifted(text: str, exponent: int) -> float:
    """The text times ten to the exponent, rounded once. Raises ValueError or ArithmeticError where it is no number."""
    try:
        return float(f"{text}e{exponent}")
    except ValueError:
        # The text has an exponent of its own, or blanks around it.
        return float(Decimal(text.strip()).scaleb(exponent))
