"""What one monitor watches for, apart from who asks and where events go (2.0.1 N07, N08). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from voltbridge.domain.device_model import AttributeType, DataType, Variable
from voltbridge.domain.monitoring import LEAST_SEVERE, EventNotificationType, MonitorType
from voltbridge.station.definitions import Definition

__all__ = ["Monitor", "Refusal", "Watched", "refusal_of", "seconds_to_next"]

_NUMBERS: Final = (DataType.INTEGER, DataType.DECIMAL)
_THRESHOLDS: Final = (MonitorType.UPPER_THRESHOLD, MonitorType.LOWER_THRESHOLD)
_TARGETS: Final = (MonitorType.TARGET_DELTA, MonitorType.TARGET_DELTA_RELATIVE)
_KNOWN: Final = (*_THRESHOLDS, *_TARGETS, MonitorType.DELTA, MonitorType.PERIODIC, MonitorType.PERIODIC_CLOCK_ALIGNED)
_DAY_S: Final = 86_400


class Monitor(msgspec.Struct, frozen=True, kw_only=True):
    """One monitor of one variable."""

    id: int
    variable: Variable
    type: MonitorType
    value: float
    severity: int
    transaction: bool = False
    """Only while there is a transaction."""
    origin: EventNotificationType = EventNotificationType.CUSTOM_MONITOR
    alerting: bool = False
    """The threshold is exceeded, and that was told."""

    @property
    def is_threshold(self) -> bool:
        """Alerts, and clears."""
        return self.type in _THRESHOLDS or self.has_target

    @property
    def has_target(self) -> bool:
        """Compares with the Target attribute (2.1)."""
        return self.type in _TARGETS

    def exceeded(self, value: float, target: float = 0.0) -> bool:
        """Beyond the threshold, not on it (N07.FR.16, FR.17), or too far from the target (2.1 N07.FR.22, FR.23)."""
        if self.has_target:
            relative = self.type is MonitorType.TARGET_DELTA_RELATIVE
            return abs(value - target) > self.value * (abs(target) if relative else 1.0)
        return value > self.value if self.type is MonitorType.UPPER_THRESHOLD else value < self.value


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a monitor is not taken: SetMonitoringStatusEnumType and a reason code."""

    status: str
    code: str


def refusal_of(kind: str, value: float, severity: int, definition: Definition, upper: float | None) -> Refusal | None:
    """Whether a variable can be watched like that (N04.FR.05 to FR.14). ``upper``: its limit at this station."""
    characteristics = definition.characteristics
    if kind not in _KNOWN:
        return Refusal("UnsupportedMonitorType", "UnsupportedParam")
    monitor_type = MonitorType(kind)
    if monitor_type in (*_THRESHOLDS, *_TARGETS) and characteristics.data_type not in _NUMBERS:
        return Refusal("UnsupportedMonitorType", "UnsupportedParam")
    if monitor_type in _TARGETS and AttributeType.TARGET not in definition.attributes:
        return Refusal("UnsupportedMonitorType", "UnsupportedParam")
    if not 0 <= severity <= LEAST_SEVERE:
        return Refusal("Rejected", "ValueOutOfRange")
    if monitor_type in _THRESHOLDS:
        lower = characteristics.min_limit
        if (upper is not None and value > upper) or (lower is not None and value < lower):
            return Refusal("Rejected", "ValueOutOfRange")
    elif value < 0 or (monitor_type.is_periodic and value < 1):
        return Refusal("Rejected", "ValueOutOfRange")
    if monitor_type is MonitorType.PERIODIC_CLOCK_ALIGNED and (value != int(value) or value > _DAY_S):
        return Refusal("Rejected", "ValueOutOfRange")
    return None


class Watched:
    """What has to be remembered of a variable to see that a monitor is triggered."""

    __slots__ = ("reference", "running", "transaction")

    def __init__(self, reference: str) -> None:
        self.reference = reference
        """The value when the monitor was set, or last told."""
        self.running: str | None = None
        """The transaction at the last look: what has changed since began to change in it."""
        self.transaction: str | None = None
        """In which the threshold was exceeded."""

    def changed(self, monitor: Monitor, value: str, *, numeric: bool) -> bool:
        """Whether the value has changed by more than the monitor allows (N07.FR.18, FR.19)."""
        if not numeric:
            return value != self.reference
        try:
            return abs(float(value) - float(self.reference)) > monitor.value
        except ValueError:
            return value != self.reference


def seconds_to_next(monitor: Monitor, now: datetime) -> float:
    """Until a periodic monitor is due: in its interval, or at the next moment of the clock that is a multiple of it."""
    if monitor.type is MonitorType.PERIODIC:
        return monitor.value
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = (now - midnight).total_seconds()
    rest = monitor.value - passed % monitor.value
    return min(rest, _DAY_S - passed)
