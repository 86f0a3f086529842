"""What a variable of the device model is before any station has a value for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from voltbridge.domain.device_model import AttributeType, Characteristics, DataType, Mutability

__all__ = ["Definition", "Scope", "define"]


class Scope(StrEnum):
    """How often a component exists."""

    STATION = "station"
    EVSE = "EVSE"
    """Once for each EVSE."""
    CONNECTOR = "connector"
    """Once for each connector."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A variable. All stations of a process share these; a station keeps only the values that differ."""

    component: str
    name: str
    characteristics: Characteristics
    default: str = ""
    mutability: Mutability = Mutability.READ_ONLY
    instance: str | None = None
    component_instance: str | None = None
    scope: Scope = Scope.STATION
    attributes: tuple[AttributeType, ...] = (AttributeType.ACTUAL,)
    reboot: bool = False
    """A new value is in force from the next boot on."""
    unique: bool = False
    """A list in which nothing stands twice."""
    min_length: int = 0

    @property
    def constant(self) -> bool:
        """Never changes while the station runs."""
        return self.mutability is Mutability.READ_ONLY and self.component not in _LIVING


_LIVING: Final = frozenset(
    {
        "ChargingStation",
        "EVSE",
        "Connector",
        "FiscalMetering",
        "BackendCtrlr",
        "ClockCtrlr",
        "LocalAuthListCtrlr",
        "SmartChargingCtrlr",
        "AuthCacheCtrlr",
        "SecurityCtrlr",
    }
)
"""Components whose read-only variables tell what is now."""


def define(
    name: str,
    data_type: DataType,
    default: str = "",
    *,
    writable: bool = False,
    write_only: bool = False,
    unit: str | None = None,
    low: float | None = None,
    high: float | None = None,
    values: tuple[str, ...] = (),
    scope: Scope = Scope.STATION,
    reboot: bool = False,
    min_length: int = 0,
    max_elements: int | None = None,
    target: bool = False,
) -> Definition:
    """A definition from ``Component.Variable`` or ``Component.Variable[instance]``; ``target``: it has such a value."""
    component, _, variable = name.partition(".")
    variable, _, instance = variable.partition("[")
    mutability = Mutability.WRITE_ONLY if write_only else Mutability.READ_WRITE if writable else Mutability.READ_ONLY
    return Definition(
        component=component,
        name=variable,
        characteristics=Characteristics(
            data_type=data_type,
            unit=unit,
            min_limit=low,
            max_limit=high,
            values=values,
            max_elements=max_elements,
            supports_monitoring=True,
        ),
        default=default,
        mutability=mutability,
        instance=instance.removesuffix("]") or None,
        scope=scope,
        attributes=(AttributeType.ACTUAL, AttributeType.TARGET) if target else (AttributeType.ACTUAL,),
        reboot=reboot,
        unique=data_type in (DataType.MEMBER_LIST, DataType.SEQUENCE_LIST),
        min_length=min_length,
    )
