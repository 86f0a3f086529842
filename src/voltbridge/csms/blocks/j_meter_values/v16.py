"""Meter values in the words of 1.6: MeterValues, and the transactionData of a stop.

Values are texts (1.6 7.43): numbers, or signed data as hexadecimal digits. Everything a value leaves out has a default.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite, nan
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from voltbridge.csms.blocks.j_meter_values.service import MeterValueService
from voltbridge.domain.metering import MeterValue, SampledValue
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.units import Scale, read_decimal, scale_of
from voltbridge.protocol import v16

__all__ = ["CONNECTOR_ID", "meter_values", "meter_values_of", "transaction_name"]

CONNECTOR_ID: Final = 1
"""Connector n of a version without EVSEs appears as the only connector of EVSE n."""

_RESPONSE: Final = v16.MeterValuesResponse()
_DEFAULT_MEASURAND: Final = "Energy.Active.Import.Register"
_DIGITS_OF_A_FLOAT: Final = 15


class _Kind(NamedTuple):
    """What a value says of itself, its number apart."""

    measurand: str
    phase: str | None
    context: str
    location: str
    unit: str | None
    """As it came."""
    scale: Scale
    signed: bool
    plain: bool
    """Whether it is a number in the right unit as it came."""


_kinds: Final[dict[tuple[Any, ...], _Kind]] = {}
"""Stations send few kinds again and again."""
_MOST_KINDS: Final = 1000


async def meter_values(
    service: MeterValueService, live: LiveStation, request: v16.MeterValuesRequest
) -> v16.MeterValuesResponse:
    """1.6 4.7. Connector 0 is the station's own meter."""
    evse_id, transaction_id = request.connector_id, request.transaction_id
    connector_id = CONNECTOR_ID if evse_id else None
    read = meter_values_of(request.meter_value)
    if transaction_id is UNSET:
        service.record(live, evse_id, connector_id, read)
    else:
        name, numbered = transaction_name(transaction_id)
        await service.record_in_transaction(live, evse_id, connector_id, name, read, numbered=numbered)
    return _RESPONSE


def transaction_name(transaction_id: int | Any) -> tuple[str, bool]:
    """The domain's transaction id, and whether it is one: a station sends -1 for a number it never got (errata 3.18).

    The numbers we give begin at 1.
    """
    return str(transaction_id), transaction_id > 0


def meter_values_of(meter_values: Iterable[v16.MeterValue]) -> tuple[MeterValue, ...]:
    """Meter values as the domain knows them. One loop without calls, because no message is more frequent."""
    found = []
    for meter_value in meter_values:
        values = []
        for value in meter_value.sampled_value:
            said = (value.measurand, value.unit, value.phase, value.context, value.location, value.format)
            kind = _kinds.get(said)
            if kind is None:
                kind = _kind(value)
            measurand, phase, context, location, unit, scale, signed, plain = kind
            text = value.value
            if plain and len(text) <= _DIGITS_OF_A_FLOAT and "_" not in text:
                try:
                    number = float(text)
                except ValueError:
                    number = nan
                if isfinite(number):
                    values.append(SampledValue(measurand, number, scale.unit, phase, context, location))
                    continue
            if signed:
                values.append(SampledValue(measurand, None, scale.unit, phase, context, location, signed=text))
            else:
                read = read_decimal(text, scale)
                values.append(SampledValue(measurand, read, scale.unit, phase, context, location, text, unit))
        found.append(MeterValue(meter_value.timestamp.moment, tuple(values)))
    return tuple(found)


def _kind(value: v16.SampledValue) -> _Kind:
    """What the value says of itself, remembered for the next one that says the same."""
    measurand = _text(value.measurand) or _DEFAULT_MEASURAND
    unit = _text(value.unit)
    scale = scale_of(unit, measurand)
    signed = value.format is v16.ValueFormat.SIGNED_DATA
    kind = _Kind(
        measurand=measurand,
        phase=_text(value.phase),
        context=_text(value.context) or "Sample.Periodic",
        location=_text(value.location) or "Outlet",
        unit=unit,
        scale=scale,
        signed=signed,
        plain=not signed and scale == Scale(scale.unit) and unit in (None, scale.unit),
    )
    if len(_kinds) >= _MOST_KINDS:
        _kinds.clear()
    _kinds[value.measurand, value.unit, value.phase, value.context, value.location, value.format] = kind
    return kind


def _text(value: Any) -> str | None:
    return None if value is UNSET else str.__str__(value)
