"""Provisioning in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET

from voltbridge.domain.device_model import Attribute, AttributeType, Component, ReadStatus, Variable
from voltbridge.protocol.codec import encode
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Acknowledged, Registered, Registration
from voltbridge.station.blocks.b_provisioning.network import RefusedProfile
from voltbridge.station.blocks.b_provisioning.reset import Reset, ResetKind, ResetStatus
from voltbridge.station.blocks.b_provisioning.variables import Criterion, ReportBase, ReportStatus, Selected
from voltbridge.station.context import Handling
from voltbridge.station.device_model import Read, Written
from voltbridge.station.facts import BootFact, HeartbeatFact, ReportedVariable, ReportFact
from voltbridge.station.network_profiles import NetworkProfile
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import given, messages, optional, status_info

__all__ = [
    "boot_answer",
    "boot_request",
    "component_of",
    "get_base_report",
    "get_report",
    "get_variables",
    "heartbeat_answer",
    "heartbeat_request",
    "report_request",
    "reset",
    "set_network_profile",
    "set_variables",
    "words_of_component",
    "words_of_variable",
]

_VERSIONS: Final[dict[str, tuple[Version, ...]]] = {
    "OCPP16": (Version.V16,),
    # 2.0.1's enumeration ends with OCPP20, which stands for 2.0.1 as well (errata to NetworkConnectionProfileType).
    "OCPP20": (Version.V201,),
    "OCPP201": (Version.V201,),
    "OCPP21": (Version.V21,),
}


def boot_request(words: Any, fact: BootFact, speaker: Speaker) -> Payload:
    """B01.FR.01, FR.09."""
    station = speaker.configuration
    modem = UNSET
    if station.iccid or station.imsi:
        modem = words.ModemType(iccid=station.iccid[:20] or UNSET, imsi=station.imsi[:20] or UNSET)
    request: Payload = words.BootNotificationRequest(
        charging_station=words.ChargingStationType(
            serial_number=station.serial_number[:25] or UNSET,
            model=station.model[:20],
            modem=modem,
            vendor_name=station.vendor[:50],
            firmware_version=station.firmware_version[:50] or UNSET,
        ),
        reason=words.BootReasonEnumType(fact.reason),
    )
    return request


def boot_answer(response: Any, fact: BootFact, speaker: Speaker) -> Registered:
    """B01.FR.02."""
    del fact, speaker
    return Registered(Registration(response.status.value), response.current_time.moment, response.interval)


def heartbeat_request(words: Any, fact: HeartbeatFact, speaker: Speaker) -> Payload:
    """Without content."""
    del fact, speaker
    request: Payload = words.HeartbeatRequest()
    return request


def heartbeat_answer(response: Any, fact: HeartbeatFact, speaker: Speaker) -> Acknowledged:
    """The CSMS's clock."""
    del fact, speaker
    return Acknowledged(response.current_time.moment)


# Variables


def component_of(component: Any) -> Component:
    """The component a message names; an empty instance is none (B06.FR.15)."""
    evse = given(component.evse)
    return Component(
        component.name,
        given(component.instance) or None,
        evse.id if evse else None,
        given(evse.connector_id) if evse else None,
    )


def words_of_component(words: Any, component: Component) -> Any:
    """ComponentType of a version."""
    evse = UNSET
    if component.evse_id is not None:
        evse = words.EVSEType(id=component.evse_id, connector_id=optional(component.connector_id))
    return words.ComponentType(name=component.name, instance=optional(component.instance), evse=evse)


def words_of_variable(words: Any, variable: Variable) -> Any:
    """VariableType of a version."""
    return words.VariableType(name=variable.name, instance=optional(variable.instance))


def _attribute(data: Any) -> Attribute:
    variable = Variable(component_of(data.component), data.variable.name, given(data.variable.instance) or None)
    kind = given(data.attribute_type)
    return Attribute(variable, AttributeType(kind.value) if kind else AttributeType.ACTUAL)


async def get_variables(services: Services, handling: Handling, request: Any) -> Payload:
    """B06."""
    words = messages(handling.version)
    attributes = [_attribute(data) for data in request.get_variable_data]
    results = services.variables.read(attributes, len(encode(request)))
    response: Payload = words.GetVariablesResponse(
        get_variable_result=[
            _read_result(words, data, attribute, result)
            for data, attribute, result in zip(request.get_variable_data, attributes, results, strict=True)
        ]
    )
    return response


def _read_result(words: Any, data: Any, attribute: Attribute, result: Read) -> Any:
    info = UNSET
    if result.status is ReadStatus.REJECTED:
        info = status_info(words, "WriteOnly")
    return words.GetVariableResultType(
        attribute_status=words.GetVariableStatusEnumType(result.status.value),
        attribute_status_info=info,
        attribute_type=words.AttributeEnumType(attribute.type.value),
        attribute_value=UNSET if result.value is None else result.value[:2500],
        component=data.component,
        variable=data.variable,
    )


async def set_variables(services: Services, handling: Handling, request: Any) -> Payload:
    """B05."""
    words = messages(handling.version)
    values = [(_attribute(data), data.attribute_value) for data in request.set_variable_data]
    written = await services.variables.write(values, len(encode(request)))
    response: Payload = words.SetVariablesResponse(
        set_variable_result=[
            _write_result(words, data, attribute, result)
            for data, (attribute, _), result in zip(request.set_variable_data, values, written, strict=True)
        ]
    )
    return response


def _write_result(words: Any, data: Any, attribute: Attribute, result: Written) -> Any:
    code = "" if not result.reason else "ReadOnly" if result.reason == "read-only" else "InvalidValue"
    return words.SetVariableResultType(
        attribute_status=words.SetVariableStatusEnumType(result.status.value),
        attribute_status_info=status_info(words, code, result.reason),
        attribute_type=words.AttributeEnumType(attribute.type.value),
        component=data.component,
        variable=data.variable,
    )


# Reports


async def get_base_report(services: Services, handling: Handling, request: Any) -> Payload:
    """B07: the parts follow the answer."""
    words = messages(handling.version)
    status, send = services.variables.base_report(ReportBase(request.report_base.value), request.request_id)
    if status is ReportStatus.ACCEPTED:
        handling.after_answer(_sent(send))
    response: Payload = words.GetBaseReportResponse(status=words.GenericDeviceModelStatusEnumType(status.value))
    return response


async def get_report(services: Services, handling: Handling, request: Any) -> Payload:
    """B08: the parts follow the answer."""
    words = messages(handling.version)
    criteria = frozenset(Criterion(each.value) for each in given(request.component_criteria) or ())
    selected = [_selected(each) for each in given(request.component_variable) or ()]
    status, send = services.variables.report(criteria, selected, request.request_id, len(encode(request)))
    if status is ReportStatus.ACCEPTED:
        handling.after_answer(_sent(send))
    response: Payload = words.GetReportResponse(status=words.GenericDeviceModelStatusEnumType(status.value))
    return response


async def _sent(send: Any) -> None:
    send()


def _selected(wanted: Any) -> Selected:
    variable = given(wanted.variable)
    return Selected(
        component_of(wanted.component),
        variable.name if variable else None,
        given(variable.instance) if variable else None,
    )


def report_request(words: Any, fact: ReportFact, speaker: Speaker) -> Payload:
    """One part of a report."""
    del speaker
    request: Payload = words.NotifyReportRequest(
        request_id=fact.request_id,
        generated_at=DateTime.of(fact.generated_at),
        seq_no=fact.sequence,
        tbc=fact.to_be_continued,
        report_data=[_report_data(words, reported) for reported in fact.variables],
    )
    return request


def _report_data(words: Any, reported: ReportedVariable) -> Any:
    characteristics: Any = UNSET
    if (told := reported.characteristics) is not None:
        characteristics = words.VariableCharacteristicsType(
            data_type=words.DataEnumType(told.data_type.value),
            unit=optional(told.unit),
            min_limit=optional(told.min_limit),
            max_limit=optional(told.max_limit),
            values_list=",".join(told.values)[:1000] or UNSET,
            supports_monitoring=bool(told.supports_monitoring),
        )
    return words.ReportDataType(
        component=words_of_component(words, reported.variable.component),
        variable=words_of_variable(words, reported.variable),
        variable_attribute=[
            words.VariableAttributeType(
                type=words.AttributeEnumType(attribute.type.value),
                value=UNSET if attribute.value is None else attribute.value[:2500],
                mutability=words.MutabilityEnumType(attribute.mutability.value),
                persistent=attribute.persistent,
                constant=attribute.constant,
            )
            for attribute in reported.attributes
        ],
        variable_characteristics=characteristics,
    )


# Restarts and network profiles


async def reset(services: Services, handling: Handling, request: Any) -> Payload:
    """B11, B12: the restart begins once the answer has left."""
    words = messages(handling.version)
    wanted = Reset(ResetKind(request.type.value), given(request.evse_id) or 0)
    status = services.resets.decide(wanted)
    if status is not ResetStatus.REJECTED:
        handling.after_answer(services.resets.perform(wanted))
    response: Payload = words.ResetResponse(status=words.ResetStatusEnumType(status.value))
    return response


async def set_network_profile(services: Services, handling: Handling, request: Any) -> Payload:
    """B09."""
    words = messages(handling.version)
    data = request.connection_data
    version = given(data.ocpp_version)
    versions = _VERSIONS.get(version.value, ()) if version else ()
    if version and not versions:
        problem: RefusedProfile | None = RefusedProfile(
            "InvalidNetworkConf", "this station does not speak that version"
        )
    else:
        profile = NetworkProfile(
            csms_url=data.ocpp_csms_url,
            versions=versions,
            security_profile=data.security_profile,
            message_timeout_s=data.message_timeout,
            interface=str(data.ocpp_interface),
            identity=given(getattr(data, "identity", UNSET)),
            password=given(getattr(data, "basic_auth_password", UNSET)),
        )
        problem = await services.networks.set_profile(
            request.configuration_slot, profile, transport=str(data.ocpp_transport)
        )
    status = words.SetNetworkProfileStatusEnumType("Rejected" if problem else "Accepted")
    response: Payload = words.SetNetworkProfileResponse(
        status=status,
        status_info=status_info(words, problem.reason if problem else "", problem.text if problem else ""),
    )
    return response
