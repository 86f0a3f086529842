"""Variable monitoring in the words of 2.1, which has more types and tells where monitors come from."""

from __future__ import annotations

from collections.abc import Sequence

from voltbridge.csms.blocks.given import given, optional
from voltbridge.csms.blocks.n_diagnostics.monitoring import MonitoringService
from voltbridge.csms.blocks.n_diagnostics.monitoring_parameters import GetMonitoringReport
from voltbridge.csms.blocks.n_diagnostics.monitoring_v201 import clear_results, set_results, told_in
from voltbridge.domain.device_model import Component, Variable
from voltbridge.domain.monitoring import MonitoringBase, WantedMonitor
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = [
    "base_request",
    "clear_request",
    "clear_results",
    "level_request",
    "notify_monitoring_report",
    "report_request",
    "set_request",
    "set_results",
]


async def notify_monitoring_report(
    service: MonitoringService, live: LiveStation, request: v21.NotifyMonitoringReportRequest
) -> v21.NotifyMonitoringReportResponse:
    """A part of a report of monitors (N02.FR.03)."""
    at = service.now()
    told = told_in(request, live.station_id, at)
    await service.take_part(live, request.request_id, request.seq_no, given(request.tbc) is not True, told, at)
    return v21.NotifyMonitoringReportResponse()


def base_request(base: MonitoringBase) -> v21.SetMonitoringBaseRequest:
    """N03."""
    return v21.SetMonitoringBaseRequest(monitoring_base=v21.MonitoringBaseEnumType(base.value))


def level_request(severity: int) -> v21.SetMonitoringLevelRequest:
    """N05."""
    return v21.SetMonitoringLevelRequest(severity=severity)


def set_request(monitors: Sequence[WantedMonitor]) -> v21.SetVariableMonitoringRequest:
    """N04."""
    return v21.SetVariableMonitoringRequest(
        set_monitoring_data=[
            v21.SetMonitoringDataType(
                id=optional(one.id),
                transaction=optional(one.transaction or None),
                value=one.value,
                type=v21.MonitorEnumType(one.type.value),
                severity=one.severity,
                component=_component(one.variable.component),
                variable=_variable(one.variable),
            )
            for one in monitors
        ]
    )


def clear_request(ids: Sequence[int]) -> v21.ClearVariableMonitoringRequest:
    """N06."""
    return v21.ClearVariableMonitoringRequest(id=list(ids))


def report_request(wanted: GetMonitoringReport, request_id: int) -> v21.GetMonitoringReportRequest:
    """N02; what nothing is asked of is left out."""
    selected = [
        v21.ComponentVariableType(
            component=_component(one.component.value),
            variable=optional(
                None
                if one.variable is None
                else v21.VariableType(name=one.variable.name, instance=optional(one.variable.instance))
            ),
        )
        for one in wanted.variables
    ]
    criteria = [v21.MonitoringCriterionEnumType(one.value) for one in wanted.criteria]
    return v21.GetMonitoringReportRequest(
        request_id=request_id,
        component_variable=optional(selected or None),
        monitoring_criteria=optional(criteria or None),
    )


def _component(component: Component) -> v21.ComponentType:
    evse = None
    if component.evse_id is not None:
        evse = v21.EVSEType(id=component.evse_id, connector_id=optional(component.connector_id))
    return v21.ComponentType(name=component.name, instance=optional(component.instance), evse=optional(evse))


def _variable(variable: Variable) -> v21.VariableType:
    return v21.VariableType(name=variable.name, instance=optional(variable.instance))
