"""Meter values in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import UNSET

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload
from voltbridge.station.answers import Acknowledged
from voltbridge.station.blocks.j_meter_values.signed import signed_meter_value
from voltbridge.station.facts import MeterFact
from voltbridge.station.readings import MeterReading, Reading
from voltbridge.station.speaker import Speaker

__all__ = ["meter_answer", "meter_request", "meter_values"]


def meter_values(words: Any, meter: Iterable[MeterReading]) -> list[Any]:
    """MeterValueType of a version. Measurands that it does not have (temperatures, revolutions) are left out."""
    known = {measurand.value for measurand in words.MeasurandEnumType}
    values = []
    for each in meter:
        samples = [_sample(words, one, each.context) for one in each.readings if one.measurand in known]
        if samples:
            values.append(words.MeterValueType(timestamp=DateTime.of(each.at), sampled_value=samples))
    return values


def _sample(words: Any, reading: Reading, context: str) -> Any:
    signed = UNSET
    if reading.signed is not None:
        told = signed_meter_value(reading.signed)
        signed = words.SignedMeterValueType(
            signed_meter_data=told["signedMeterData"],
            signing_method=told["signingMethod"],
            encoding_method=told["encodingMethod"],
            public_key=told["publicKey"],
        )
    return words.SampledValueType(
        value=reading.value,
        context=_one_of(words, "ReadingContextEnumType", context),
        measurand=_one_of(words, "MeasurandEnumType", reading.measurand),
        phase=_one_of(words, "PhaseEnumType", reading.phase) if reading.phase else UNSET,
        location=_one_of(words, "LocationEnumType", reading.location),
        signed_meter_value=signed,
        unit_of_measure=words.UnitOfMeasureType(unit=reading.unit) if reading.unit else UNSET,
    )


def _one_of(words: Any, name: str, text: str) -> Any:
    """A member of an enumeration, where the version has it as one."""
    names = getattr(words, name, None)
    return text if names is None else names(text)


def meter_request(words: Any, fact: MeterFact, speaker: Speaker) -> Payload | None:
    """J01."""
    del speaker
    values = meter_values(words, fact.meter)
    return words.MeterValuesRequest(evse_id=fact.evse_id, meter_value=values) if values else None


def meter_answer(response: Any, fact: MeterFact, speaker: Speaker) -> Acknowledged:
    """Without content."""
    del response, fact, speaker
    return Acknowledged()
