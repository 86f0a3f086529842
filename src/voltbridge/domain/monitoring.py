"""Monitors: what a station watches of its variables and tells about by events (2.0.1 block N, Part 1 chapter 4).

A monitor belongs to one variable and has a number that the station gave it. Monitors come from the factory or were set
from here; how much of them is in force depends on the monitoring base and level, and the numbers may change whenever
the station boots (N04.FR.19).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from voltbridge.domain.device_model import Variable
from voltbridge.domain.sequences import all_parts, missing_parts

__all__ = [
    "CRITERION_TYPES",
    "LEAST_SEVERE",
    "ClearStatus",
    "EventNotificationType",
    "Monitor",
    "MonitorCleared",
    "MonitorFilter",
    "MonitorSet",
    "MonitorType",
    "MonitoringBase",
    "MonitoringCriterion",
    "MonitoringReport",
    "MonitoringState",
    "SetStatus",
    "WantedMonitor",
    "monitor_problem",
]

LEAST_SEVERE: Final = 9
"""Severities go from 0, danger, to this, debugging."""


class MonitorType(StrEnum):
    """What a monitor watches for."""

    UPPER_THRESHOLD = "UpperThreshold"
    LOWER_THRESHOLD = "LowerThreshold"
    DELTA = "Delta"
    """A change by more than the value; of what is no number, any change."""
    PERIODIC = "Periodic"
    """Every so many seconds."""
    PERIODIC_CLOCK_ALIGNED = "PeriodicClockAligned"
    TARGET_DELTA = "TargetDelta"
    """2.1: the actual value is further from the target than the value."""
    TARGET_DELTA_RELATIVE = "TargetDeltaRelative"
    """2.1: the same, the value being a share of the target."""

    @property
    def is_periodic(self) -> bool:
        """Whether the value is a number of seconds."""
        return self in (MonitorType.PERIODIC, MonitorType.PERIODIC_CLOCK_ALIGNED)


class EventNotificationType(StrEnum):
    """Where an event, or the monitor behind it, comes from."""

    HARD_WIRED_NOTIFICATION = "HardWiredNotification"
    """No monitor: the station tells of it by itself."""
    HARD_WIRED_MONITOR = "HardWiredMonitor"
    PRECONFIGURED_MONITOR = "PreconfiguredMonitor"
    CUSTOM_MONITOR = "CustomMonitor"
    """Set from here."""


class MonitoringCriterion(StrEnum):
    """Kinds of monitors that a report can be limited to."""

    THRESHOLD_MONITORING = "ThresholdMonitoring"
    DELTA_MONITORING = "DeltaMonitoring"
    PERIODIC_MONITORING = "PeriodicMonitoring"


CRITERION_TYPES: Final = {
    MonitoringCriterion.THRESHOLD_MONITORING: (MonitorType.UPPER_THRESHOLD, MonitorType.LOWER_THRESHOLD),
    MonitoringCriterion.DELTA_MONITORING: (
        MonitorType.DELTA,
        MonitorType.TARGET_DELTA,
        MonitorType.TARGET_DELTA_RELATIVE,
    ),
    MonitoringCriterion.PERIODIC_MONITORING: (MonitorType.PERIODIC, MonitorType.PERIODIC_CLOCK_ALIGNED),
}
"""N02.FR.12 to N02.FR.14, with 2.1's erratum 2.42."""


class MonitoringBase(StrEnum):
    """Which monitors are in force (N03)."""

    ALL = "All"
    FACTORY_DEFAULT = "FactoryDefault"
    HARD_WIRED_ONLY = "HardWiredOnly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """A monitor as the station has it, from what it accepted or reported."""

    station_id: str
    id: int
    variable: Variable
    type: MonitorType
    value: float
    severity: int
    transaction: bool = False
    """Whether it watches only while there is a transaction on its EVSE."""
    notification_type: EventNotificationType | None = None
    """None: nobody told; 2.0.1 reports leave it out."""
    noted_at: datetime


@dataclass(frozen=True, slots=True)
class MonitorFilter:
    """Which monitors of a station to list; what is None does not matter."""

    station_id: str
    component: str | None = None
    """Name, whatever its case."""
    variable: str | None = None
    evse_id: int | None = None
    type: MonitorType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedMonitor:
    """A monitor to be set: a new one, or (with ``id``) in the place of another on the same variable."""

    variable: Variable
    type: MonitorType
    value: float
    severity: int
    transaction: bool = False
    id: int | None = None


class SetStatus(StrEnum):
    """What became of setting one monitor."""

    ACCEPTED = "Accepted"
    UNKNOWN_COMPONENT = "UnknownComponent"
    UNKNOWN_VARIABLE = "UnknownVariable"
    UNSUPPORTED_MONITOR_TYPE = "UnsupportedMonitorType"
    REJECTED = "Rejected"
    DUPLICATE = "Duplicate"
    """The variable has a monitor of this type and severity under another number."""
    NOT_ANSWERED = "NotAnswered"
    """The station sent no answer, or one without this monitor."""


class ClearStatus(StrEnum):
    """What became of clearing one monitor."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    NOT_FOUND = "NotFound"
    NOT_ANSWERED = "NotAnswered"


@dataclass(frozen=True, slots=True)
class MonitorSet:
    """What became of one monitor that was to be set."""

    wanted: WantedMonitor
    status: SetStatus
    reason: str | None = None
    id: int | None = None
    """The number that the station gave it; None unless accepted."""


@dataclass(frozen=True, slots=True)
class MonitorCleared:
    """What became of one monitor that was to be cleared."""

    id: int
    status: ClearStatus
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringReport:
    """A report of monitors, which comes in parts, in any order, some twice."""

    station_id: str
    request_id: int
    requested_at: datetime
    types: tuple[MonitorType, ...] | None = None
    """The types asked for; None: all of them."""
    selected: bool = True
    """Whether only some variables were asked for, or nobody asked: then it does not tell what there is not."""
    last_part_at: datetime | None = None
    parts: str = ""
    """Sequence numbers that have come (see ``voltbridge.domain.sequences``)."""
    last_seq_no: int | None = None
    """The number of the last part, once it has come."""
    monitors: int = 0
    """Reported so far, those of repeated parts counted once more."""

    @property
    def is_complete(self) -> bool:
        """Whether every part from 0 to the last has come."""
        return all_parts(self.parts, self.last_seq_no)

    @property
    def missing(self) -> list[int]:
        """At most 100 of the parts that have not come though a later one has."""
        return missing_parts(self.parts, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringState:
    """How a station's monitoring is set, as far as that is known."""

    station_id: str
    base: MonitoringBase | None = None
    """The one it accepted last."""
    level: int | None = None
    """The least severe severity it tells of; the one it accepted last."""
    reported_at: datetime | None = None
    """When it last reported all its monitors."""
    outdated: bool = False
    """Whether something happened since that may have changed monitors or their numbers: a boot, another base."""


def monitor_problem(type: MonitorType, value: float) -> str | None:
    """Why no station can take this value (N04.FR.14, N08); None when one can."""
    if type.is_periodic and value < 1:
        return "must be a number of seconds, at least 1"
    if type in (MonitorType.DELTA, MonitorType.TARGET_DELTA, MonitorType.TARGET_DELTA_RELATIVE) and value < 0:
        return f"must not be negative for the type {type}"
    return None
