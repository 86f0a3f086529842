"""Uploads of logs in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from voltbridge.domain.device_model import Variable
from voltbridge.domain.monitoring import CRITERION_TYPES, MonitoringBase, MonitoringCriterion
from voltbridge.protocol.codec import encode
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.protocol.structs import Payload
from voltbridge.station.blocks.b_provisioning.v2 import component_of, words_of_component, words_of_variable
from voltbridge.station.blocks.b_provisioning.variables import Selected
from voltbridge.station.blocks.n_diagnostics.logs import LogAnswer, LogRequest
from voltbridge.station.blocks.n_diagnostics.monitoring import WantedMonitor
from voltbridge.station.context import Handling
from voltbridge.station.facts import (
    CustomerInformationFact,
    EventsFact,
    LogStatusFact,
    MonitoringReportFact,
    ReportedMonitor,
)
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import given, id_token_of, messages, moment, optional, status_info

__all__ = [
    "clear_variable_monitoring",
    "customer_information",
    "customer_information_request",
    "events_request",
    "get_log",
    "get_monitoring_report",
    "log_status_request",
    "monitoring_report_request",
    "set_monitoring_base",
    "set_monitoring_level",
    "set_variable_monitoring",
]


def log_status_request(words: Any, fact: LogStatusFact, speaker: Speaker) -> Payload:
    """N01."""
    del speaker
    request: Payload = words.LogStatusNotificationRequest(
        status=words.UploadLogStatusEnumType(fact.status), request_id=optional(fact.request_id)
    )
    return request


async def get_log(services: Services, handling: Handling, request: Any) -> Payload:
    """N01. A kind of log that 2.1 adds and this station does not keep is rejected."""
    words = messages(handling.version)
    kind = request.log_type.value
    answer, name, code = LogAnswer.REJECTED, "", "UnsupportedParam"
    if kind in ("DiagnosticsLog", "SecurityLog"):
        answer, name = await services.log_uploads.request(
            LogRequest(
                location=request.log.remote_location,
                security=kind == "SecurityLog",
                request_id=request.request_id,
                oldest=moment(request.log.oldest_timestamp),
                latest=moment(request.log.latest_timestamp),
                retries=given(request.retries) or 0,
                retry_interval_s=given(request.retry_interval),
            )
        )
        code = "NotFound" if answer is LogAnswer.REJECTED else ""
    if answer is not LogAnswer.REJECTED:
        handling.after_answer(services.log_uploads.begin())
    response: Payload = words.GetLogResponse(
        status=words.LogStatusEnumType(answer.value),
        status_info=status_info(words, code),
        filename=optional(name or None),
    )
    return response


# Monitoring


async def set_variable_monitoring(services: Services, handling: Handling, request: Any) -> Payload:
    """N04: all that is wanted of one message, each for itself."""
    words = messages(handling.version)
    items = request.set_monitoring_data
    _check_size(services, "SetVariableMonitoring", len(items), len(encode(request)))
    results, ids = [], []
    for data in items:
        variable = Variable(component_of(data.component), data.variable.name, given(data.variable.instance) or None)
        wanted = WantedMonitor(
            variable=variable,
            type=data.type.value,
            value=data.value,
            severity=data.severity,
            transaction=bool(given(data.transaction)),
            id=given(data.id),
        )
        monitor_id, refusal = services.monitoring.set(wanted)
        if monitor_id is not None:
            ids.append(monitor_id)
        results.append(
            words.SetMonitoringResultType(
                id=optional(monitor_id),
                status=words.SetMonitoringStatusEnumType(refusal.status if refusal else "Accepted"),
                status_info=status_info(words, refusal.code if refusal else ""),
                type=data.type,
                severity=data.severity,
                component=data.component,
                variable=data.variable,
            )
        )
    await services.context.store.committed()
    handling.after_answer(services.monitoring.apply(ids))
    response: Payload = words.SetVariableMonitoringResponse(set_monitoring_result=results)
    return response


async def clear_variable_monitoring(services: Services, handling: Handling, request: Any) -> Payload:
    """N06."""
    words = messages(handling.version)
    _check_size(services, "ClearVariableMonitoring", len(request.id), len(encode(request)))
    codes = {"NotFound": "NotFound", "Rejected": "ReadOnly"}
    results = []
    for monitor_id in request.id:
        status = services.monitoring.clear(monitor_id)
        results.append(
            words.ClearMonitoringResultType(
                id=monitor_id,
                status=words.ClearMonitoringStatusEnumType(status),
                status_info=status_info(words, codes.get(status, "")),
            )
        )
    await services.context.store.committed()
    response: Payload = words.ClearVariableMonitoringResponse(clear_monitoring_result=results)
    return response


async def set_monitoring_base(services: Services, handling: Handling, request: Any) -> Payload:
    """N03."""
    words = messages(handling.version)
    enabled = services.monitoring.enabled
    if enabled:
        services.monitoring.set_base(MonitoringBase(request.monitoring_base.value))
        await services.context.store.committed()
    response: Payload = words.SetMonitoringBaseResponse(
        status=words.GenericDeviceModelStatusEnumType("Accepted" if enabled else "Rejected"),
        status_info=status_info(words, "" if enabled else "NotEnabled"),
    )
    return response


async def set_monitoring_level(services: Services, handling: Handling, request: Any) -> Payload:
    """N05."""
    words = messages(handling.version)
    known = services.monitoring.set_level(request.severity)
    await services.context.store.committed()
    response: Payload = words.SetMonitoringLevelResponse(
        status=words.GenericStatusEnumType("Accepted" if known else "Rejected"),
        status_info=status_info(words, "" if known else "ValueOutOfRange"),
    )
    return response


async def get_monitoring_report(services: Services, handling: Handling, request: Any) -> Payload:
    """N02: the parts follow the answer."""
    words = messages(handling.version)
    types = frozenset(
        kind
        for each in given(request.monitoring_criteria) or ()
        for kind in CRITERION_TYPES[MonitoringCriterion(each.value)]
    )
    found = services.monitoring.find(types, [_selected(each).names for each in given(request.component_variable) or ()])
    if found:
        handling.after_answer(services.monitoring.report(request.request_id, found))
    response: Payload = words.GetMonitoringReportResponse(
        status=words.GenericDeviceModelStatusEnumType("Accepted" if found else "EmptyResultSet"),
        status_info=status_info(words, "" if found else "NotFound"),
    )
    return response


def _selected(wanted: Any) -> Selected:
    variable = given(wanted.variable)
    return Selected(
        component_of(wanted.component),
        variable.name if variable else None,
        given(variable.instance) if variable else None,
    )


def _check_size(services: Services, message: str, items: int, size: int) -> None:
    """N04.FR.09, N06.FR.06, FR.07. Raises OcppError."""
    settings = services.context.settings
    most = settings.number(f"MonitoringCtrlr.ItemsPerMessage[{message}]")
    if items > most:
        raise OcppError(ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION, f"{items} items, at most {most} are taken")
    if size > settings.number(f"MonitoringCtrlr.BytesPerMessage[{message}]"):
        raise OcppError(ErrorCode.FORMAT_VIOLATION, f"{size} bytes are too many")


def monitoring_report_request(words: Any, fact: MonitoringReportFact, speaker: Speaker) -> Payload:
    """N02.FR.03: monitors of one variable together."""
    del speaker
    by_variable: dict[str, list[ReportedMonitor]] = {}
    for monitor in fact.monitors:
        by_variable.setdefault(monitor.variable.key, []).append(monitor)
    names_origin = "event_notification_type" in words.VariableMonitoringType.__struct_fields__

    def told(monitor: ReportedMonitor) -> Any:
        origin = {"event_notification_type": words.EventNotificationEnumType(monitor.origin.value)}
        return words.VariableMonitoringType(
            id=monitor.id,
            transaction=monitor.transaction,
            value=monitor.value,
            type=words.MonitorEnumType(monitor.type.value),
            severity=monitor.severity,
            **(origin if names_origin else {}),
        )

    request: Payload = words.NotifyMonitoringReportRequest(
        request_id=fact.request_id,
        generated_at=DateTime.of(fact.generated_at),
        seq_no=fact.sequence,
        tbc=fact.to_be_continued,
        monitor=[
            words.MonitoringDataType(
                component=words_of_component(words, monitors[0].variable.component),
                variable=words_of_variable(words, monitors[0].variable),
                variable_monitoring=[told(monitor) for monitor in monitors],
            )
            for monitors in by_variable.values()
        ],
    )
    return request


def events_request(words: Any, fact: EventsFact, speaker: Speaker) -> Payload:
    """N07, N08."""
    del speaker
    names_severity = "severity" in words.EventDataType.__struct_fields__
    request: Payload = words.NotifyEventRequest(
        generated_at=DateTime.of(fact.generated_at),
        seq_no=fact.sequence,
        tbc=fact.to_be_continued,
        event_data=[
            words.EventDataType(
                event_id=event.id,
                timestamp=DateTime.of(event.at),
                trigger=words.EventTriggerEnumType(event.trigger),
                actual_value=event.value,
                cleared=event.cleared or UNSET,
                transaction_id=optional(event.transaction),
                component=words_of_component(words, event.variable.component),
                variable=words_of_variable(words, event.variable),
                variable_monitoring_id=optional(event.monitor_id),
                event_notification_type=words.EventNotificationEnumType(event.origin.value),
                **({"severity": event.severity} if names_severity else {}),
            )
            for event in fact.events
        ],
    )
    return request


# Customers


async def customer_information(services: Services, handling: Handling, request: Any) -> Payload:
    """N09, N10."""
    words = messages(handling.version)
    names = [request.id_token, request.customer_certificate, request.customer_identifier]
    status = "Accepted"
    if len([each for each in names if given(each) is not None]) != 1:
        status = "Invalid"  # N09.FR.09
    elif not request.report and not request.clear:
        status = "Rejected"  # N09.FR.07
    else:
        token = id_token_of(request.id_token) if given(request.id_token) is not None else None
        handling.after_answer(
            services.customers.handle(
                request.request_id,
                token,
                given(request.customer_identifier),
                report=request.report,
                clear=request.clear,
            )
        )
    response: Payload = words.CustomerInformationResponse(
        status=words.CustomerInformationStatusEnumType(status),
        status_info=status_info(words, "" if status == "Accepted" else "InvalidValue"),
    )
    return response


def customer_information_request(words: Any, fact: CustomerInformationFact, speaker: Speaker) -> Payload:
    """N09.FR.05."""
    del speaker
    request: Payload = words.NotifyCustomerInformationRequest(
        request_id=fact.request_id,
        generated_at=DateTime.of(fact.generated_at),
        seq_no=fact.sequence,
        tbc=fact.to_be_continued,
        data=fact.data,
    )
    return request
