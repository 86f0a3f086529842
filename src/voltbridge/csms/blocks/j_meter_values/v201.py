"""Meter values in the words of 2.0.1: MeterValues, and the meterValue of a transaction event.

Values are JSON numbers; units come with a power of ten (UnitOfMeasureType). A signed value stands beside the number.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UnsetType

from voltbridge.csms.blocks.j_meter_values.service import MeterValueService
from voltbridge.domain.metering import MeterValue, SampledValue
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.units import Scale, read_decimal, scale_of
from voltbridge.protocol import v21, v201
from voltbridge.protocol.codec import encode

__all__ = ["meter_values", "meter_values_of"]

_DEFAULT_MEASURAND = "Energy.Active.Import.Register"


async def meter_values(
    service: MeterValueService, live: LiveStation, request: v201.MeterValuesRequest
) -> v201.MeterValuesResponse:
    """J01. EVSE 0 is the station's own meter (J01.FR.03)."""
    service.record(live, request.evse_id, None, meter_values_of(request.meter_value))
    return v201.MeterValuesResponse()


def meter_values_of(
    meter_values: Sequence[v201.MeterValueType] | Sequence[v21.MeterValueType],
) -> tuple[MeterValue, ...]:
    """Meter values as the domain knows them."""
    return tuple(
        [
            MeterValue(each.timestamp.moment, tuple([_sampled_value(value) for value in each.sampled_value]))
            for each in meter_values
        ]
    )


def _sampled_value(value: v201.SampledValueType | v21.SampledValueType) -> SampledValue:
    measurand = _DEFAULT_MEASURAND if isinstance(value.measurand, UnsetType) else str.__str__(value.measurand)
    unit, multiplier = None, 0
    if not isinstance(value.unit_of_measure, UnsetType):
        unit = None if isinstance(value.unit_of_measure.unit, UnsetType) else value.unit_of_measure.unit
        multiplier = 0 if isinstance(value.unit_of_measure.multiplier, UnsetType) else value.unit_of_measure.multiplier
    scale = scale_of(unit, measurand, multiplier)
    number: float | None = value.value
    raw, raw_unit = None, None
    if scale != Scale(unit if unit is not None else scale.unit):
        raw = repr(value.value)
        raw_unit = f"{unit or ''}*10^{multiplier}" if multiplier else unit
        number = read_decimal(raw, scale)
    signed = value.signed_meter_value
    return SampledValue(
        measurand=measurand,
        value=number,
        unit=scale.unit,
        phase=None if isinstance(value.phase, UnsetType) else str.__str__(value.phase),
        context="Sample.Periodic" if isinstance(value.context, UnsetType) else str.__str__(value.context),
        location="Outlet" if isinstance(value.location, UnsetType) else str.__str__(value.location),
        raw=raw,
        raw_unit=raw_unit,
        signed=None if isinstance(signed, UnsetType) else encode(signed).decode(),
    )
