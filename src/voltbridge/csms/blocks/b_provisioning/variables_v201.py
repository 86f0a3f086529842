"""Variables in the words of 2.0.1: GetVariables, SetVariables, and the reports (B05 to B08)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from voltbridge.csms.blocks.b_provisioning.device_model import DeviceModelService
from voltbridge.csms.blocks.b_provisioning.variable_parameters import Report, ReportKind
from voltbridge.csms.blocks.given import given, optional
from voltbridge.domain.configurations import DesiredValue
from voltbridge.domain.device_model import (
    Attribute,
    AttributeType,
    Characteristics,
    Component,
    DataType,
    Mutability,
    ReadResult,
    ReadStatus,
    StationVariable,
    Variable,
    WriteResult,
    WriteStatus,
)
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v201
from voltbridge.protocol.structs import Payload

__all__ = [
    "ANSWERS_WITH_REPORT",
    "MOST_WRITTEN",
    "attribute_of",
    "characteristics",
    "notify_report",
    "read_request",
    "read_results",
    "reason_of",
    "refusal",
    "report_request",
    "reported",
    "told_in",
    "unknown",
    "write_request",
    "write_results",
    "written",
]

ANSWERS_WITH_REPORT: Final = False
MOST_WRITTEN: Final = None
"""As many as the station takes."""


async def notify_report(
    service: DeviceModelService, live: LiveStation, request: v201.NotifyReportRequest
) -> v201.NotifyReportResponse:
    """A part of a report (B07.FR.03 and following, B08)."""
    at = service.now()
    told = told_in(request, live.station_id, at)
    await service.take_part(live, request.request_id, request.seq_no, given(request.tbc) is not True, told, at)
    return v201.NotifyReportResponse()


def unknown(attribute: Attribute) -> ReadStatus | None:
    """Anything can be asked for."""
    return None


def characteristics(attribute: Attribute) -> None:
    """Each station tells its own."""


def refusal(value: DesiredValue) -> str | None:
    """SetVariables carries values of 1000 characters."""
    return _too_long(value, 1000)


def read_request(attributes: Sequence[Attribute]) -> Payload:
    """The attribute type is left out where it is Actual (B06.FR.11)."""
    return v201.GetVariablesRequest(
        get_variable_data=[
            v201.GetVariableDataType(
                component=_component(one.variable.component),
                variable=_variable(one.variable),
                attribute_type=optional(
                    None if one.type is AttributeType.ACTUAL else v201.AttributeEnumType(one.type.value)
                ),
            )
            for one in attributes
        ]
    )


def read_results(attributes: Sequence[Attribute], response: Any) -> list[ReadResult]:
    """Each in the order asked for, whatever the order of the answer."""
    told = {attribute_of(one).key: one for one in response.get_variable_result}
    results = []
    for attribute in attributes:
        found = told.get(attribute.key)
        if found is None:
            results.append(ReadResult(attribute, ReadStatus.NOT_ANSWERED, reason="the answer leaves it out"))
            continue
        status = ReadStatus(found.attribute_status.value)
        value = given(found.attribute_value)
        if status is ReadStatus.ACCEPTED and value is None:
            value = ""  # an empty value may be left out
        results.append(ReadResult(attribute, status, value, reason_of(found.attribute_status_info)))
    return results


def write_request(values: Sequence[DesiredValue]) -> Payload:
    """The attribute type is left out where it is Actual (B05.FR.12)."""
    return v201.SetVariablesRequest(
        set_variable_data=[
            v201.SetVariableDataType(
                component=_component(one.attribute.variable.component),
                variable=_variable(one.attribute.variable),
                attribute_value=one.value,
                attribute_type=optional(
                    None
                    if one.attribute.type is AttributeType.ACTUAL
                    else v201.AttributeEnumType(one.attribute.type.value)
                ),
            )
            for one in values
        ]
    )


def write_results(values: Sequence[DesiredValue], response: Any) -> list[WriteResult]:
    """Each in the order sent, whatever the order of the answer."""
    told = {attribute_of(one).key: one for one in response.set_variable_result}
    results = []
    for value in values:
        found = told.get(value.attribute.key)
        if found is None:
            results.append(WriteResult(value.attribute, WriteStatus.NOT_ANSWERED, "the answer leaves it out"))
        else:
            status = WriteStatus(found.attribute_status.value)
            results.append(WriteResult(value.attribute, status, reason_of(found.attribute_status_info)))
    return results


def written(request: Any) -> list[DesiredValue]:
    """The values in their order."""
    return [DesiredValue(attribute_of(one), one.attribute_value) for one in request.set_variable_data]


def report_request(wanted: Report, request_id: int) -> Payload:
    """A base report (B07) or one of what is named (B08)."""
    if wanted.kind is not ReportKind.CUSTOM:
        return v201.GetBaseReportRequest(request_id=request_id, report_base=v201.ReportBaseEnumType(wanted.kind.value))
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
    criteria = [v201.ComponentCriterionEnumType(one.value) for one in wanted.criteria]
    return v201.GetReportRequest(
        request_id=request_id,
        component_variable=optional(selected or None),
        component_criteria=optional(criteria or None),
    )


def reported(response: Payload, station_id: str, at: datetime) -> list[StationVariable]:
    """Nothing: what is reported comes in NotifyReport messages."""
    return []


def told_in(request: Any, station_id: str, at: datetime) -> list[StationVariable]:
    """The attributes in a NotifyReport of 2.x."""
    found = []
    for data in given(request.report_data) or ():
        variable = Variable(_told_component(data.component), data.variable.name, given(data.variable.instance))
        characteristics = _characteristics(given(data.variable_characteristics))
        for attribute in data.variable_attribute:
            kind = given(attribute.type)
            mutability = given(attribute.mutability)
            found.append(
                StationVariable(
                    station_id=station_id,
                    attribute=Attribute(variable, AttributeType.ACTUAL if kind is None else AttributeType(kind.value)),
                    updated_at=at,
                    value=given(attribute.value),
                    # What is left out is the schema's default.
                    mutability=Mutability.READ_WRITE if mutability is None else Mutability(mutability.value),
                    persistent=given(attribute.persistent) or False,
                    constant=given(attribute.constant) or False,
                    characteristics=characteristics,
                )
            )
    return found


def attribute_of(result: Any) -> Attribute:
    """The attribute that a result of 2.x is about."""
    variable = Variable(_told_component(result.component), result.variable.name, given(result.variable.instance))
    kind = given(result.attribute_type)
    return Attribute(variable, AttributeType.ACTUAL if kind is None else AttributeType(kind.value))


def reason_of(told: Any) -> str | None:
    """A status info of 2.x as one text."""
    info = given(told)
    if info is None:
        return None
    more = given(info.additional_info)
    return str(info.reason_code) if not more else f"{info.reason_code}: {more}"


def _characteristics(told: Any) -> Characteristics | None:
    if told is None:
        return None
    values = given(told.values_list)
    return Characteristics(
        data_type=DataType(told.data_type.value),
        unit=given(told.unit),
        min_limit=given(told.min_limit),
        max_limit=given(told.max_limit),
        values=tuple(item.strip() for item in values.split(",")) if values else (),
        max_elements=given(getattr(told, "max_elements", None)),
        supports_monitoring=told.supports_monitoring,
    )


def _told_component(told: Any) -> Component:
    evse = given(told.evse)
    if evse is None:
        return Component(told.name, given(told.instance))
    return Component(told.name, given(told.instance), evse.id, given(evse.connector_id))


def _component(component: Component) -> v201.ComponentType:
    evse = None
    if component.evse_id is not None:
        evse = v201.EVSEType(id=component.evse_id, connector_id=optional(component.connector_id))
    return v201.ComponentType(name=component.name, instance=optional(component.instance), evse=optional(evse))


def _variable(variable: Variable) -> v201.VariableType:
    return v201.VariableType(name=variable.name, instance=optional(variable.instance))


def _too_long(value: DesiredValue, most: int) -> str | None:
    length = len(value.value)
    return f"has {length} characters, at most {most} can be sent" if length > most else None
