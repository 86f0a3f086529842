"""Variables in the words of 2.0.1 and 2.1, which differ in how long a value may be (B05 to B08)."""

from __future__ import annotations

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
from voltbridge.csms.blocks.b_provisioning.device_model import DeviceModelService
from voltbridge.csms.blocks.b_provisioning.variable_parameters import Report, ReportKind
from voltbridge.csms.blocks.given import given, optional
from voltbridge.domain.configurations import DesiredValue
from voltbridge.domain.device_model import (
    Attribute,
    AttributeType,
    Characteristics,
    DataType,
    Mutability,
    ReadResult,
    ReadStatus,
    StationVariable,
    WriteResult,
    WriteStatus,
)
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.structs import Payload

__all__ = [
    "Words",
    "characteristics",
    "read_results",
    "reported",
    "take_report",
    "unknown",
    "write_results",
    "written",
]


class Words:
    """Makes requests of the message types of one version, which are those of a module of ``protocol``."""

    def __init__(self, messages: Any, *, longest: int) -> None:
        """``longest``: characters of a value that is set."""
        self._messages = messages
        self._longest = longest

    def refusal(self, value: DesiredValue) -> str | None:
        """A value that SetVariables cannot carry."""
        length = len(value.value)
        return f"has {length} characters, at most {self._longest} can be sent" if length > self._longest else None

    def read_request(self, attributes: Sequence[Attribute]) -> Payload:
        """B06."""
        request: Payload = self._messages.GetVariablesRequest(
            get_variable_data=[
                self._messages.GetVariableDataType(
                    component=component_type(self._messages, one.variable.component),
                    variable=variable_type(self._messages, one.variable),
                    attribute_type=self._type(one),
                )
                for one in attributes
            ]
        )
        return request

    def write_request(self, values: Sequence[DesiredValue]) -> Payload:
        """B05."""
        request: Payload = self._messages.SetVariablesRequest(
            set_variable_data=[
                self._messages.SetVariableDataType(
                    component=component_type(self._messages, one.attribute.variable.component),
                    variable=variable_type(self._messages, one.attribute.variable),
                    attribute_value=one.value,
                    attribute_type=self._type(one.attribute),
                )
                for one in values
            ]
        )
        return request

    def report_request(self, wanted: Report, request_id: int) -> Payload:
        """A base report (B07) or one of what is named (B08)."""
        messages = self._messages
        request: Payload
        if wanted.kind is ReportKind.CUSTOM:
            criteria = [messages.ComponentCriterionEnumType(one.value) for one in wanted.criteria]
            request = messages.GetReportRequest(
                request_id=request_id,
                component_variable=selected_types(messages, wanted.variables),
                component_criteria=optional(criteria or None),
            )
        else:
            base = messages.ReportBaseEnumType(wanted.kind.value)
            request = messages.GetBaseReportRequest(request_id=request_id, report_base=base)
        return request

    def _type(self, attribute: Attribute) -> Any:
        """Left out where it is Actual (B05.FR.12, B06.FR.11)."""
        actual = attribute.type is AttributeType.ACTUAL
        return optional(None if actual else self._messages.AttributeEnumType(attribute.type.value))


async def take_report(service: DeviceModelService, live: LiveStation, request: Any) -> None:
    """A part of a report (B07.FR.03 and following, B08)."""
    at = service.now()
    told = _told_in(request, live.station_id, at)
    await service.take_part(live, request.request_id, request.seq_no, given(request.tbc) is not True, told, at)


def unknown(attribute: Attribute) -> ReadStatus | None:
    """Anything can be asked for."""
    return None


def characteristics(attribute: Attribute) -> None:
    """Each station tells its own."""


def read_results(attributes: Sequence[Attribute], response: Any) -> list[ReadResult]:
    """Each in the order asked for, whatever the order of the answer."""
    told = {_attribute_of(one).key: one for one in response.get_variable_result}
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


def write_results(values: Sequence[DesiredValue], response: Any) -> list[WriteResult]:
    """Each in the order sent, whatever the order of the answer."""
    told = {_attribute_of(one).key: one for one in response.set_variable_result}
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
    return [DesiredValue(_attribute_of(one), one.attribute_value) for one in request.set_variable_data]


def reported(response: Payload, station_id: str, at: datetime) -> list[StationVariable]:
    """Nothing: what is reported comes in NotifyReport messages."""
    return []


def _told_in(request: Any, station_id: str, at: datetime) -> list[StationVariable]:
    """The attributes in a NotifyReport."""
    found = []
    for data in given(request.report_data) or ():
        variable = variable_of(data)
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


def _attribute_of(result: Any) -> Attribute:
    """The attribute that a result is about."""
    kind = given(result.attribute_type)
    return Attribute(variable_of(result), AttributeType.ACTUAL if kind is None else AttributeType(kind.value))


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
