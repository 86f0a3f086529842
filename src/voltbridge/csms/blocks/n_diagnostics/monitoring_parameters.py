"""What monitoring is asked for with, whatever the version (2.0.1 N02 to N06)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from voltbridge.csms.blocks.b_provisioning.variable_parameters import ComponentName, ReportedPart, VariableName
from voltbridge.csms.commands.kinds import Parameters
from voltbridge.domain.device_model import Variable
from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.monitoring import (
    LEAST_SEVERE,
    MonitoringBase,
    MonitoringCriterion,
    MonitorType,
    WantedMonitor,
    monitor_problem,
)

__all__ = [
    "MOST_MONITORS",
    "ClearVariableMonitoring",
    "GetMonitoringReport",
    "NewMonitor",
    "SetMonitoringBase",
    "SetMonitoringLevel",
    "SetVariableMonitoring",
    "wanted_monitor",
]

MOST_MONITORS = 1000
"""In one command; it becomes as many messages as the station needs."""

_Severity = Annotated[int, Meta(ge=0, le=LEAST_SEVERE)]
_Id = Annotated[int, Meta(ge=0, le=2_147_483_647)]


class SetMonitoringBase(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Choose which monitors are in force."""

    base: MonitoringBase


class SetMonitoringLevel(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Have the station tell only of what is this severe, or more (a smaller number)."""

    severity: _Severity


class NewMonitor(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A monitor to set."""

    component: ComponentName
    variable: VariableName
    type: MonitorType
    value: float | None = None
    """A threshold, a difference, or for periodic monitors seconds; left out for Delta it is 1 (N04.FR.17)."""
    severity: _Severity
    """0, danger, to 9, debugging."""
    transaction: bool = False
    """Watch only while there is a transaction."""
    id: _Id | None = None
    """Replace this one of the same variable."""

    def wanted(self, at: str) -> WantedMonitor:
        """As the domain's value; ``at`` is where this stands. Raises InvalidValue."""
        component = self.component.value
        return wanted_monitor(
            Variable(component, self.variable.name, self.variable.instance),
            self.type,
            self.value,
            self.severity,
            transaction=self.transaction,
            id=self.id,
            at=f"{at}.",
        )


class SetVariableMonitoring(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Set these monitors, in as many messages as the station's limits ask for."""

    monitors: Annotated[list[NewMonitor], Meta(min_length=1, max_length=MOST_MONITORS)]


class ClearVariableMonitoring(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Clear the monitors of these numbers, in as many messages as the station's limits ask for."""

    ids: Annotated[list[_Id], Meta(min_length=1, max_length=MOST_MONITORS)]


class GetMonitoringReport(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Have the station report its monitors: all, or those that criteria and variables both mean."""

    criteria: Annotated[list[MonitoringCriterion], Meta(max_length=3)] = field(default_factory=list)
    variables: Annotated[list[ReportedPart], Meta(max_length=1000)] = field(default_factory=list)


def wanted_monitor(
    variable: Variable,
    type: MonitorType,
    value: float | None,
    severity: int,
    *,
    transaction: bool,
    id: int | None,
    at: str = "",
) -> WantedMonitor:
    """The monitor; ``at`` goes before the names of fields. Raises InvalidValue."""
    if value is None:
        if type is not MonitorType.DELTA:
            raise InvalidValue(f"{at}value", "is needed for this type")
        value = 1.0
    problem = monitor_problem(type, value)
    if problem is not None:
        raise InvalidValue(f"{at}value", problem)
    return WantedMonitor(variable=variable, type=type, value=value, severity=severity, transaction=transaction, id=id)
