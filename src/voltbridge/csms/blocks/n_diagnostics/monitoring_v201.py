"""Variable monitoring in the words of 2.0.1 (N02 to N06)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from voltbridge.csms.blocks.b_provisioning.variables_v201 import reason_of
from voltbridge.csms.blocks.given import given, optional
from voltbridge.csms.blocks.n_diagnostics.monitoring import MonitoringService
from voltbridge.csms.blocks.n_diagnostics.monitoring_parameters import GetMonitoringReport
from voltbridge.csms.commands.kinds import Unsupported
from voltbridge.domain.device_model import Component, Variable
from voltbridge.domain.monitoring import (
    ClearStatus,
    EventNotificationType,
    Monitor,
    MonitorCleared,
    MonitoringBase,
    MonitorSet,
    MonitorType,
    SetStatus,
    WantedMonitor,
)
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v201

__all__ = [
    "base_request",
    "clear_request",
    "clear_results",
    "level_request",
    "notify_monitoring_report",
    "report_request",
    "set_request",
    "set_results",
    "told_in",
    "variable_of",
]

_TYPES = frozenset(type.value for type in v201.MonitorEnumType)


async def notify_monitoring_report(
    service: MonitoringService, live: LiveStation, request: v201.NotifyMonitoringReportRequest
) -> v201.NotifyMonitoringReportResponse:
    """A part of a report of monitors (N02.FR.03)."""
    at = service.now()
    told = told_in(request, live.station_id, at)
    await service.take_part(live, request.request_id, request.seq_no, given(request.tbc) is not True, told, at)
    return v201.NotifyMonitoringReportResponse()


def base_request(base: MonitoringBase) -> v201.SetMonitoringBaseRequest:
    """N03."""
    return v201.SetMonitoringBaseRequest(monitoring_base=v201.MonitoringBaseEnumType(base.value))


def level_request(severity: int) -> v201.SetMonitoringLevelRequest:
    """N05."""
    return v201.SetMonitoringLevelRequest(severity=severity)


def set_request(monitors: Sequence[WantedMonitor]) -> v201.SetVariableMonitoringRequest:
    """N04. Raises Unsupported for types that came with 2.1."""
    for one in monitors:
        if one.type.value not in _TYPES:
            raise Unsupported(f"OCPP 2.0.1 has no monitors of type {one.type}; it has {', '.join(sorted(_TYPES))}")
    return v201.SetVariableMonitoringRequest(
        set_monitoring_data=[
            v201.SetMonitoringDataType(
                id=optional(one.id),
                transaction=optional(one.transaction or None),
                value=one.value,
                type=v201.MonitorEnumType(one.type.value),
                severity=one.severity,
                component=_component(one.variable.component),
                variable=_variable(one.variable),
            )
            for one in monitors
        ]
    )


def set_results(monitors: Sequence[WantedMonitor], response: Any) -> list[MonitorSet]:
    """Each in the order sent, whatever the order of the answer (N04.FR.02).

    A number is what the station says; where it leaves out that of a replaced monitor it is the one given.
    """
    told: defaultdict[Any, list[Any]] = defaultdict(list)
    for one in response.set_monitoring_result:
        told[variable_of(one).key, one.type.value, one.severity].append(one)
    results = []
    for wanted in monitors:
        same = told[wanted.variable.key, wanted.type.value, wanted.severity]
        if not same:
            results.append(MonitorSet(wanted, SetStatus.NOT_ANSWERED, "the answer leaves it out"))
            continue
        found = same.pop(0)
        status, reason = SetStatus(found.status.value), reason_of(found.status_info)
        id = given(found.id)
        if status is not SetStatus.ACCEPTED:
            id = None
        elif id is None:
            id = wanted.id
            reason = reason or (None if id is not None else "the answer leaves its number out")
        results.append(MonitorSet(wanted, status, reason, id))
    return results


def clear_request(ids: Sequence[int]) -> v201.ClearVariableMonitoringRequest:
    """N06."""
    return v201.ClearVariableMonitoringRequest(id=list(ids))


def clear_results(ids: Sequence[int], response: Any) -> list[MonitorCleared]:
    """Each in the order sent, whatever the order of the answer (N06.FR.05)."""
    told = {one.id: one for one in response.clear_monitoring_result}
    results = []
    for id in ids:
        found = told.get(id)
        if found is None:
            results.append(MonitorCleared(id, ClearStatus.NOT_ANSWERED, "the answer leaves it out"))
        else:
            results.append(MonitorCleared(id, ClearStatus(found.status.value), reason_of(found.status_info)))
    return results


def report_request(wanted: GetMonitoringReport, request_id: int) -> v201.GetMonitoringReportRequest:
    """N02; what nothing is asked of is left out."""
    selected = [
        v201.ComponentVariableType(
            component=_component(one.component.value),
            variable=optional(
                None
                if one.variable is None
                else v201.VariableType(name=one.variable.name, instance=optional(one.variable.instance))
            ),
        )
        for one in wanted.variables
    ]
    criteria = [v201.MonitoringCriterionEnumType(one.value) for one in wanted.criteria]
    return v201.GetMonitoringReportRequest(
        request_id=request_id,
        component_variable=optional(selected or None),
        monitoring_criteria=optional(criteria or None),
    )


def told_in(request: Any, station_id: str, at: datetime) -> list[Monitor]:
    """The monitors in a NotifyMonitoringReport of 2.x; where they come from is told in 2.1 only (N02.FR.22)."""
    found = []
    for data in given(request.monitor) or ():
        variable = variable_of(data)
        for one in data.variable_monitoring:
            kind = getattr(one, "event_notification_type", None)
            found.append(
                Monitor(
                    station_id=station_id,
                    id=one.id,
                    variable=variable,
                    type=MonitorType(one.type.value),
                    value=one.value,
                    severity=one.severity,
                    transaction=one.transaction,
                    notification_type=None if kind is None else EventNotificationType(kind.value),
                    noted_at=at,
                )
            )
    return found


def variable_of(told: Any) -> Variable:
    """The variable that something of 2.x is about."""
    component = told.component
    evse = given(component.evse)
    if evse is None:
        named = Component(component.name, given(component.instance))
    else:
        named = Component(component.name, given(component.instance), evse.id, given(evse.connector_id))
    return Variable(named, told.variable.name, given(told.variable.instance))


def _component(component: Component) -> v201.ComponentType:
    evse = None
    if component.evse_id is not None:
        evse = v201.EVSEType(id=component.evse_id, connector_id=optional(component.connector_id))
    return v201.ComponentType(name=component.name, instance=optional(component.instance), evse=optional(evse))


def _variable(variable: Variable) -> v201.VariableType:
    return v201.VariableType(name=variable.name, instance=optional(variable.instance))
