"""Variables in the words of 2.1, which are those of 2.0.1 with longer values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from voltbridge.csms.blocks.b_provisioning.device_model import DeviceModelService
from voltbridge.csms.blocks.b_provisioning.variable_parameters import Report, ReportKind
from voltbridge.csms.blocks.b_provisioning.variables_v201 import (
    characteristics,
    read_results,
    reported,
    told_in,
    unknown,
    write_results,
    written,
)
from voltbridge.csms.blocks.given import given, optional
from voltbridge.domain.configurations import DesiredValue
from voltbridge.domain.device_model import Attribute, AttributeType, Component, Variable
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21
from voltbridge.protocol.structs import Payload

__all__ = [
    "ANSWERS_WITH_REPORT",
    "MOST_WRITTEN",
    "characteristics",
    "notify_report",
    "read_request",
    "read_results",
    "refusal",
    "report_request",
    "reported",
    "unknown",
    "write_request",
    "write_results",
    "written",
]

ANSWERS_WITH_REPORT: Final = False
MOST_WRITTEN: Final = None


async def notify_report(
    service: DeviceModelService, live: LiveStation, request: v21.NotifyReportRequest
) -> v21.NotifyReportResponse:
    """A part of a report (B07.FR.03 and following, B08)."""
    at = service.now()
    told = told_in(request, live.station_id, at)
    await service.take_part(live, request.request_id, request.seq_no, given(request.tbc) is not True, told, at)
    return v21.NotifyReportResponse()


def refusal(value: DesiredValue) -> str | None:
    """SetVariables carries values of 2500 characters."""
    length = len(value.value)
    return f"has {length} characters, at most 2500 can be sent" if length > 2500 else None


def read_request(attributes: Sequence[Attribute]) -> Payload:
    """The attribute type is left out where it is Actual (B06.FR.11)."""
    return v21.GetVariablesRequest(
        get_variable_data=[
            v21.GetVariableDataType(
                component=_component(one.variable.component),
                variable=_variable(one.variable),
                attribute_type=optional(_type(one)),
            )
            for one in attributes
        ]
    )


def write_request(values: Sequence[DesiredValue]) -> Payload:
    """The attribute type is left out where it is Actual (B05.FR.12)."""
    return v21.SetVariablesRequest(
        set_variable_data=[
            v21.SetVariableDataType(
                component=_component(one.attribute.variable.component),
                variable=_variable(one.attribute.variable),
                attribute_value=one.value,
                attribute_type=optional(_type(one.attribute)),
            )
            for one in values
        ]
    )


def report_request(wanted: Report, request_id: int) -> Payload:
    """A base report (B07) or one of what is named (B08)."""
    if wanted.kind is not ReportKind.CUSTOM:
        return v21.GetBaseReportRequest(request_id=request_id, report_base=v21.ReportBaseEnumType(wanted.kind.value))
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
    criteria = [v21.ComponentCriterionEnumType(one.value) for one in wanted.criteria]
    return v21.GetReportRequest(
        request_id=request_id,
        component_variable=optional(selected or None),
        component_criteria=optional(criteria or None),
    )


def _type(attribute: Attribute) -> v21.AttributeEnumType | None:
    return None if attribute.type is AttributeType.ACTUAL else v21.AttributeEnumType(attribute.type.value)


def _component(component: Component) -> v21.ComponentType:
    evse = None
    if component.evse_id is not None:
        evse = v21.EVSEType(id=component.evse_id, connector_id=optional(component.connector_id))
    return v21.ComponentType(name=component.name, instance=optional(component.instance), evse=optional(evse))


def _variable(variable: Variable) -> v21.VariableType:
    return v21.VariableType(name=variable.name, instance=optional(variable.instance))
