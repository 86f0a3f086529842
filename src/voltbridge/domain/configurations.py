"""Desired configurations: the values that stations should have, and how far they are from having them.

A configuration is for single stations, for a make of stations (vendor, model), or for all. Where several speak of one
variable, the higher priority wins, and of equal ones the name that comes later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from voltbridge.domain.device_model import Attribute, Characteristics, DataType, Mutability, StationVariable
from voltbridge.domain.stations import StationReport

__all__ = ["Configuration", "DesiredValue", "Drift", "DriftState", "desired_of", "drift_of", "same_value"]


@dataclass(frozen=True, slots=True)
class DesiredValue:
    """What an attribute should be."""

    attribute: Attribute
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Values for some stations. Without ``station_ids``, vendor and model it is for all."""

    name: str
    values: tuple[DesiredValue, ...]
    updated_at: datetime
    station_ids: tuple[str, ...] = ()
    vendor: str | None = None
    model: str | None = None
    priority: int = 0

    def is_for(self, report: StationReport) -> bool:
        """Whether a station should have these values."""
        return (
            (not self.station_ids or report.station_id in self.station_ids)
            and (self.vendor is None or self.vendor == report.vendor)
            and (self.model is None or self.model == report.model)
        )


class DriftState(StrEnum):
    """How a station's value stands to the one it should have."""

    IN_SYNC = "InSync"
    DRIFTED = "Drifted"
    UNKNOWN = "Unknown"
    """The station has not told its value, or it cannot be read."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One value that is desired of a station, beside the one it has."""

    attribute: Attribute
    desired: str
    actual: str | None
    configuration: str
    """Name of the configuration that wants it."""
    state: DriftState


def desired_of(configurations: Iterable[Configuration], report: StationReport) -> dict[str, tuple[DesiredValue, str]]:
    """By attribute key: what the station should have, and the name of the configuration that says so."""
    desired: dict[str, tuple[DesiredValue, str]] = {}
    for configuration in sorted(configurations, key=lambda one: (one.priority, one.name)):
        if configuration.is_for(report):
            for value in configuration.values:
                desired[value.attribute.key] = (value, configuration.name)
    return desired


def drift_of(desired: DesiredValue, configuration: str, known: StationVariable | None) -> Drift:
    """A desired value beside what is known."""
    actual = None if known is None else known.value
    if known is None or actual is None or known.mutability is Mutability.WRITE_ONLY:
        state = DriftState.UNKNOWN
    elif same_value(desired.value, actual, known.characteristics):
        state = DriftState.IN_SYNC
    else:
        state = DriftState.DRIFTED
    return Drift(desired.attribute, desired.value, actual, configuration, state)


def same_value(one: str, other: str, characteristics: Characteristics | None) -> bool:
    """Whether two texts are the same value: numbers by value, booleans without case, members in any order."""
    if one == other:
        return True
    match characteristics.data_type if characteristics else None:
        case DataType.BOOLEAN:
            return one.strip().lower() == other.strip().lower()
        case DataType.INTEGER | DataType.DECIMAL:
            try:
                return float(one) == float(other)
            except ValueError:
                return False
        case DataType.MEMBER_LIST:
            return sorted(_items(one)) == sorted(_items(other))
        case DataType.SEQUENCE_LIST:
            return _items(one) == _items(other)
    return False


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
