"""Variable monitoring in the words of 2.0.1 and 2.1 (N02 to N06); the latter tells where monitors come from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from voltbridge.csms.blocks.b_provisioning.components_v2 import (
    component_type,
    reason_of,
    selected_types,
    variable_of,
    variable_type,
)
from voltbridge.csms.blocks.given import given, optional
from voltbridge.csms.blocks.n_diagnostics.monitoring import MonitoringService
from voltbridge.csms.blocks.n_diagnostics.monitoring_parameters import GetMonitoringReport
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
from voltbridge.protocol.structs import Payload

__all__ = ["Words", "clear_results", "set_results", "take_report"]


class Words:
    """Makes requests of the message types of one version, which are those of a module of ``protocol``."""

    def __init__(self, messages: Any) -> None:
        self._messages = messages

    def base_request(self, base: MonitoringBase) -> Payload:
        """N03."""
        kind = self._messages.MonitoringBaseEnumType(base.value)
        request: Payload = self._messages.SetMonitoringBaseRequest(monitoring_base=kind)
        return request

    def level_request(self, severity: int) -> Payload:
        """N05."""
        request: Payload = self._messages.SetMonitoringLevelRequest(severity=severity)
        return request

    def set_request(self, monitors: Sequence[WantedMonitor]) -> Payload:
        """N04."""
        request: Payload = self._messages.SetVariableMonitoringRequest(
            set_monitoring_data=[
                self._messages.SetMonitoringDataType(
                    id=optional(one.id),
                    transaction=optional(one.transaction or None),
                    value=one.value,
                    type=self._messages.MonitorEnumType(one.type.value),
                    severity=one.severity,
                    component=component_type(self._messages, one.variable.component),
                    variable=variable_type(self._messages, one.variable),
                )
                for one in monitors
            ]
        )
        return request

    def clear_request(self, ids: Sequence[int]) -> Payload:
        """N06."""
        request: Payload = self._messages.ClearVariableMonitoringRequest(id=list(ids))
        return request

    def report_request(self, wanted: GetMonitoringReport, request_id: int) -> Payload:
        """N02; what nothing is asked of is left out."""
        criteria = [self._messages.MonitoringCriterionEnumType(one.value) for one in wanted.criteria]
        request: Payload = self._messages.GetMonitoringReportRequest(
            request_id=request_id,
            component_variable=selected_types(self._messages, wanted.variables),
            monitoring_criteria=optional(criteria or None),
        )
        return request


async def take_report(service: MonitoringService, live: LiveStation, request: Any) -> None:
    """A part of a report of monitors (N02.FR.03)."""
    at = service.now()
    told = _told_in(request, live.station_id, at)
    await service.take_part(live, request.request_id, request.seq_no, given(request.tbc) is not True, told, at)


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


def _told_in(request: Any, station_id: str, at: datetime) -> list[Monitor]:
    """The monitors in a NotifyMonitoringReport; where they come from is told in 2.1 only (N02.FR.22)."""
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
