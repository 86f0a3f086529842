"""Meter values in the words of 1.6."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from msgspec import UNSET

from voltbridge.protocol import v16
from voltbridge.protocol.datetimes import DateTime
from voltbridge.station.answers import Acknowledged
from voltbridge.station.blocks.j_meter_values.signed import signed_meter_value
from voltbridge.station.facts import MeterFact
from voltbridge.station.readings import MeterReading, Reading
from voltbridge.station.speaker import Speaker

__all__ = ["meter_answer", "meter_request", "meter_values"]

_MEASURANDS: Final = {each.value for each in v16.Measurand}
_UNITS: Final = {each.value for each in v16.UnitOfMeasure}
_PHASES: Final = {each.value for each in v16.Phase}
_LOCATIONS: Final = {each.value for each in v16.Location}
_UNIT_OF: Final = {"Hz": None, "Percent": "Percent"}
"""The schema of 1.6 has no unit for frequencies."""


def meter_values(meter: Iterable[MeterReading]) -> list[v16.MeterValue]:
    """3.16. Measurands that 1.6 does not have are left out."""
    values = []
    for each in meter:
        samples = [sample for reading in each.readings for sample in _samples(reading, each.context)]
        if samples:
            values.append(v16.MeterValue(timestamp=DateTime.of(each.at), sampled_value=samples))
    return values


def _samples(reading: Reading, context: str) -> list[v16.SampledValue]:
    if reading.measurand not in _MEASURANDS:
        return []
    unit = _UNIT_OF.get(reading.unit, reading.unit)
    texts = {v16.ValueFormat.RAW: _text(reading.value)}
    if reading.signed is not None:
        # The type of 2.x as a text (Signed Meter Values in OCPP, 3.2.1).
        texts[v16.ValueFormat.SIGNED_DATA] = json.dumps(signed_meter_value(reading.signed), separators=(",", ":"))
    return [
        v16.SampledValue(
            value=text,
            format=form,
            context=v16.ReadingContext(context),
            measurand=v16.Measurand(reading.measurand),
            phase=v16.Phase(reading.phase) if reading.phase in _PHASES else UNSET,
            location=v16.Location(reading.location) if reading.location in _LOCATIONS else UNSET,
            unit=v16.UnitOfMeasure(unit) if unit in _UNITS else UNSET,
        )
        for form, text in texts.items()
    ]


def _text(value: float) -> str:
    """As short as it can be said without losing anything."""
    return str(int(value)) if value == int(value) else repr(round(value, 6))


def meter_request(fact: MeterFact, speaker: Speaker) -> v16.MeterValuesRequest | None:
    """Readings outside transactions; connector 0 is the main meter."""
    values = meter_values(fact.meter)
    if not values:
        return None
    return v16.MeterValuesRequest(
        connector_id=speaker.configuration.number_of(fact.evse_id, fact.connector_id), meter_value=values
    )


def meter_answer(response: v16.MeterValuesResponse, fact: MeterFact, speaker: Speaker) -> Acknowledged:
    """Without content."""
    del response, fact, speaker
    return Acknowledged()
