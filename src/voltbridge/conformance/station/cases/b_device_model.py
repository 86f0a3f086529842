"""B05 to B08: variables read, set and reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.reports import actual, listed, report, required_variables

__all__: list[str] = []

_OFFLINE: Final = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "OfflineThreshold"}}
_LOCAL: Final = {"component": {"name": "AuthCtrlr"}, "variable": {"name": "LocalAuthorizeOffline"}}
_AVAILABILITY: Final = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")


def _no_trouble(result: Received, path: str) -> None:
    """attributeStatusInfo (or statusInfo) is absent, or its reason is NoError."""
    if result.at(path) is not ABSENT:
        result.expect(f"{path}.reasonCode", "NoError")


def _result(response: Received, what: str, about: Mapping[str, Any]) -> Received:
    """The entry about this component and variable."""
    wanted = {
        "component.name": (about["component"]["name"],),
        "variable.name": (about["variable"]["name"],),
    }
    return response.pick(what, wanted)


async def _get(csms: SimulatedCsms, *entries: Mapping[str, Any]) -> Received:
    return await csms.call(2, "GetVariables", {"getVariableData": list(entries)})


async def _set(csms: SimulatedCsms, *entries: Mapping[str, Any], step: int = 2) -> Received:
    return await csms.call(step, "SetVariables", {"setVariableData": list(entries)})


def _got(response: Received, about: Mapping[str, Any], value: str) -> None:
    result = _result(response, "getVariableResult", about)
    result.expect("attributeStatus", "Accepted")
    result.expect("attributeType", "Actual")
    result.expect("attributeValue", value)
    _no_trouble(result, "attributeStatusInfo")


def _was_set(response: Received, about: Mapping[str, Any]) -> None:
    result = _result(response, "setVariableResult", about)
    result.expect("attributeStatus", "Accepted")
    result.expect("attributeType", "Actual")
    _no_trouble(result, "attributeStatusInfo")


@station_case("TC_B_06_CS")
async def get_one(csms: SimulatedCsms) -> None:
    """One variable is read."""
    await csms.configured("OCPPCommCtrlr", "OfflineThreshold", "300")
    _got(await _get(csms, _OFFLINE | {"attributeType": "Actual"}), _OFFLINE, "300")


@station_case("TC_B_07_CS")
async def get_several(csms: SimulatedCsms) -> None:
    """Two variables are read in one message."""
    await csms.configured("OCPPCommCtrlr", "OfflineThreshold", "300")
    await csms.configured("AuthCtrlr", "LocalAuthorizeOffline", "true")
    response = await _get(csms, _OFFLINE | {"attributeType": "Actual"}, _LOCAL | {"attributeType": "Actual"})
    _got(response, _OFFLINE, "300")
    _got(response, _LOCAL, "true")


@station_case("TC_B_32_CS")
async def get_of_unknown_component(csms: SimulatedCsms) -> None:
    """A variable of an unknown component is asked for."""
    about = {"component": {"name": "UnknownComponent"}, "variable": {"name": "OfflineThreshold"}}
    result = _result(await _get(csms, about), "getVariableResult", about)
    result.expect("attributeStatus", "UnknownComponent")


@station_case("TC_B_33_CS")
async def get_unknown_variable(csms: SimulatedCsms) -> None:
    """An unknown variable is asked for."""
    about = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "UnknownVariable"}}
    result = _result(await _get(csms, about), "getVariableResult", about)
    result.expect("attributeStatus", "UnknownVariable")


@station_case("TC_B_34_CS")
async def get_unsupported_attribute(csms: SimulatedCsms) -> None:
    """A kind of attribute is asked for that the variable does not have."""
    response = await _get(csms, _OFFLINE | {"attributeType": "Target"})
    result = _result(response, "getVariableResult", _OFFLINE)
    result.expect("attributeStatus", "NotSupportedAttributeType")
    result.expect("attributeType", "Target")


@station_case("TC_B_09_CS")
async def set_one(csms: SimulatedCsms) -> None:
    """One variable is set."""
    await csms.keep("OCPPCommCtrlr", "OfflineThreshold")
    _was_set(await _set(csms, _OFFLINE | {"attributeValue": "300", "attributeType": "Actual"}), _OFFLINE)


@station_case("TC_B_10_CS")
async def set_several(csms: SimulatedCsms) -> None:
    """Two variables are set in one message."""
    await csms.keep("OCPPCommCtrlr", "OfflineThreshold")
    await csms.keep("AuthCtrlr", "LocalAuthorizeOffline")
    response = await _set(
        csms,
        _OFFLINE | {"attributeValue": "300", "attributeType": "Actual"},
        _LOCAL | {"attributeValue": "true", "attributeType": "Actual"},
    )
    _was_set(response, _OFFLINE)
    _was_set(response, _LOCAL)


@station_case("TC_B_35_CS")
async def set_of_unknown_component(csms: SimulatedCsms) -> None:
    """A variable of an unknown component is set."""
    about = {"component": {"name": "UnknownComponent"}, "variable": {"name": "OfflineThreshold"}}
    result = _result(await _set(csms, about | {"attributeValue": "300"}), "setVariableResult", about)
    result.expect("attributeStatus", "UnknownComponent")


@station_case("TC_B_36_CS")
async def set_unknown_variable(csms: SimulatedCsms) -> None:
    """An unknown variable is set."""
    about = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "UnknownVariable"}}
    result = _result(await _set(csms, about | {"attributeValue": "300"}), "setVariableResult", about)
    result.expect("attributeStatus", "UnknownVariable")


@station_case("TC_B_37_CS")
async def set_unsupported_attribute(csms: SimulatedCsms) -> None:
    """A kind of attribute is set that the variable does not have."""
    response = await _set(csms, _OFFLINE | {"attributeValue": "300", "attributeType": "Target"})
    result = _result(response, "setVariableResult", _OFFLINE)
    result.expect("attributeStatus", "NotSupportedAttributeType")
    result.expect("attributeType", "Target")


@station_case("TC_B_11_CS")
async def set_badly_formatted(csms: SimulatedCsms) -> None:
    """Values of every type are set to variables of four types; each takes those of its own."""
    threshold = await csms.value("OCPPCommCtrlr", "OfflineThreshold") or "300"
    values = {
        "integer": threshold,
        "decimal": f"{threshold}.1",
        "boolean": "true",
        "dateTime": csms.now(),
        "text": "abc",
    }
    fitting = (
        (2, "OCPPCommCtrlr", "OfflineThreshold", {"integer"}),
        (4, "SmartChargingCtrlr", "LimitChangeSignificance", {"integer", "decimal"}),
        (6, "AuthCtrlr", "AuthorizeRemoteStart", {"boolean"}),
        (8, "ClockCtrlr", "NextTimeOffsetTransitionDateTime", {"dateTime"}),
    )
    for step, component, variable, types in fitting:
        before = await csms.value(component, variable)
        about = {"component": {"name": component}, "variable": {"name": variable}}
        if before is None or not await _takes(csms, about, before):
            if step == 2:
                raise StepFailed(csms.step(2), "a writable OfflineThreshold", "none")
            continue
        await csms.keep(component, variable)
        for kind, value in values.items():
            response = await _set(csms, {**about, "attributeValue": value}, step=step)
            result = _result(response, "setVariableResult", about)
            result.expect("attributeStatus", "Accepted" if kind in types else "Rejected")
            result.expect("attributeType", "Actual")  # B05.FR.12, although it was not asked for
            if result.at("attributeStatusInfo") is not ABSENT and kind not in types:
                result.expect("attributeStatusInfo.reasonCode", "InvalidValue")


async def _takes(csms: SimulatedCsms, about: Mapping[str, Any], value: str) -> bool:
    """Whether the variable is one that can be set: it takes the value it has."""
    response = await _set(csms, {**about, "attributeValue": value})
    return bool(response.at("setVariableResult.0.attributeStatus") == "Accepted")


@station_case("TC_B_39_CS")
async def set_read_only(csms: SimulatedCsms) -> None:
    """A variable is set that can only be read."""
    about = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "MessageTimeout", "instance": "Default"}}
    result = _result(await _set(csms, about | {"attributeValue": "30"}), "setVariableResult", about)
    result.expect("attributeStatus", "Rejected")
    result.expect("variable.instance", "Default")


@station_case("TC_B_12_CS")
async def configuration_inventory(csms: SimulatedCsms) -> None:
    """All variables that can be set are reported."""
    entries = await report(csms, "ConfigurationInventory")
    for entry in entries:
        entry.expect("variableAttribute.0.mutability", "ReadWrite", "WriteOnly")
        listed(entry)
    required_variables(csms, entries, writable=True)


@station_case("TC_B_13_CS")
async def full_inventory(csms: SimulatedCsms) -> None:
    """All variables are reported."""
    entries = await report(csms, "FullInventory")
    for entry in entries:
        listed(entry)
    required_variables(csms, entries, writable=False)


@station_case("TC_B_53_CS")
async def required_by_the_standard(csms: SimulatedCsms) -> None:
    """All variables that the standard requires are there, with values that are allowed."""
    entries = await report(csms, "FullInventory")
    required_variables(csms, entries, writable=False)
    for entry in entries:
        listed(entry)
        allowed = entry.at("variableCharacteristics.valuesList")
        value = actual(entry)
        if entry.at("variableCharacteristics.dataType") in ("OptionList", "MemberList", "SequenceList") and value:
            members = [value] if entry.at("variableCharacteristics.dataType") == "OptionList" else value.split(",")
            unknown = {one.strip() for one in members} - {one.strip() for one in str(allowed).split(",")}
            if unknown:
                raise StepFailed(entry.step, f"{entry.name}: values of {allowed}", ", ".join(sorted(unknown)))
        for attribute in entry.at("variableAttribute"):
            if attribute.get("mutability") == "WriteOnly" and "value" in attribute:
                raise StepFailed(entry.step, f"{entry.name}: no value of a write-only variable", "a value")
        unvalued = (entry.at("component.name"), entry.at("variable.name")) == ("EVSE", "Power")
        if value is None and entry.at("variableAttribute.0.mutability") != "WriteOnly" and not unvalued:
            raise StepFailed(entry.step, f"{entry.name}: a value", "no such field")


@station_case("TC_B_14_CS")
async def summary_inventory(csms: SimulatedCsms) -> None:
    """The availability of everything is reported."""
    csms.needs("summary inventory")
    entries = await report(csms, "SummaryInventory")
    for entry in entries:
        listed(entry)
    names = {
        (one.at("component.name"), one.at("component.evse.id"))
        for one in entries
        if one.at("variable.name") == "AvailabilityState"
    }
    wanted = {("ChargingStation", ABSENT), *(("EVSE", evse_id) for evse_id, _ in csms.configuration.connectors())}
    if wanted - names:
        raise StepFailed(csms.step(3), f"AvailabilityState of {wanted}", f"that of {names}")


@station_case("TC_B_15_CS")
async def summary_inventory_unsupported(csms: SimulatedCsms) -> None:
    """A station without summary inventory says so."""
    if "summary inventory" in csms.configuration.features:
        raise NotApplicable("the station has the summary inventory")
    request = {"requestId": csms.next_id(), "reportBase": "SummaryInventory"}
    response = await csms.call(2, "GetBaseReport", request)
    response.expect("status", "NotSupported")
    if response.at("statusInfo") is not ABSENT:
        response.expect("statusInfo.reasonCode", "UnsupportedParam")
    await csms.none(3, "NotifyReport")


@station_case("TC_B_16_CS")
async def report_by_criterion(csms: SimulatedCsms) -> None:
    """A report of the components that are enabled, compared with what they tell when asked."""
    with csms.stage("FullInventory"):
        inventory = await report(csms, "FullInventory")
    enabled = {_place(one) for one in inventory if one.at("variable.name") == "Enabled" and actual(one) == "true"}
    entries = await _custom(csms, {"componentCriteria": ["Enabled"]})
    for entry in entries:
        entry.expect("variable.name", "Enabled")
        if entry.at("variableAttribute.0.mutability") != "WriteOnly":
            entry.expect("variableAttribute.0.value", "true")
        request = {"component": entry.at("component"), "variable": entry.at("variable")}
        response = await csms.call(6, "GetVariables", {"getVariableData": [request]})
        if entry.at("variableAttribute.0.mutability") == "WriteOnly":
            response.expect("getVariableResult.0.attributeStatus", "Rejected")
            response.expect("getVariableResult.0.attributeValue", ABSENT)
        else:
            response.expect("getVariableResult.0.attributeStatus", "Accepted")
            response.expect("getVariableResult.0.attributeValue", "true")
    missing = enabled - {_place(one) for one in entries}
    if missing:
        raise StepFailed(csms.step(3), f"Enabled of {missing}", "a report without")


@station_case("TC_B_17_CS")
async def report_by_variable(csms: SimulatedCsms) -> None:
    """A report of one variable of one EVSE."""
    asked = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}
    for entry in await _custom(csms, {"componentVariable": [asked]}):
        _availability_state(entry)


@station_case("TC_B_18_CS")
async def report_by_criterion_and_variable(csms: SimulatedCsms) -> None:
    """A criterion narrows a report of one variable, down to nothing."""
    asked = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}
    for entry in await _custom(csms, {"componentCriteria": ["Available"], "componentVariable": [asked]}):
        _availability_state(entry)
    request = {"requestId": csms.next_id(), "componentCriteria": ["Problem"], "componentVariable": [asked]}
    response = await csms.call(6, "GetReport", request)
    response.expect("status", "EmptyResultSet")
    if response.at("statusInfo") is not ABSENT:
        response.expect("statusInfo.reasonCode", "NotFound")


@station_case("TC_B_54_CS")
async def report_of_all_instances(csms: SimulatedCsms) -> None:
    """A variable asked for without an instance is reported with each."""
    asked = {"component": {"name": "DeviceDataCtrlr"}, "variable": {"name": "ItemsPerMessage"}}
    entries = await _custom(csms, {"componentVariable": [asked]})
    for entry in entries:
        entry.expect("component.name", "DeviceDataCtrlr")
        entry.expect("variable.name", "ItemsPerMessage")
    instances = {str(entry.at("variable.instance")) for entry in entries}
    if not {"GetReport", "GetVariables"} <= instances:
        raise StepFailed(csms.step(3), "the instances GetReport and GetVariables", ", ".join(sorted(instances)))


@station_case("TC_B_55_CS")
async def report_of_one_instance(csms: SimulatedCsms) -> None:
    """A variable asked for with an instance is reported with that alone."""
    asked = {"component": {"name": "DeviceDataCtrlr"}, "variable": {"name": "ItemsPerMessage", "instance": "GetReport"}}
    entries = await _custom(csms, {"componentVariable": [asked]})
    for entry in entries:
        entry.expect("component.name", "DeviceDataCtrlr")
        entry.expect("variable.name", "ItemsPerMessage")
        entry.expect("variable.instance", "GetReport")
    if len(entries) != 1:
        raise StepFailed(csms.step(3), "one variable", f"{len(entries)}")


@station_case("TC_B_56_CS")
async def report_of_all_evses(csms: SimulatedCsms) -> None:
    """A variable asked for without an EVSE is reported for each."""
    asked = {"component": {"name": "EVSE"}, "variable": {"name": "AvailabilityState"}}
    entries = await _custom(csms, {"componentVariable": [asked]})
    for entry in entries:
        entry.expect("component.name", "EVSE")
        entry.expect("variable.name", "AvailabilityState")
    evses = {entry.at("component.evse.id") for entry in entries if entry.at("component.evse.id") is not ABSENT}
    if len(evses) != csms.configuration.evses:
        raise StepFailed(csms.step(3), f"{csms.configuration.evses} EVSEs", f"{len(evses)}")


async def _custom(csms: SimulatedCsms, criteria: Mapping[str, Sequence[Any]]) -> list[Received]:
    """What a GetReportRequest with these criteria reports."""
    return await report(csms, None, criteria)


def _place(entry: Received) -> tuple[object, ...]:
    paths = ("component.name", "component.instance", "component.evse.id", "component.evse.connectorId")
    return tuple(entry.at(path) for path in paths)


def _availability_state(entry: Received) -> None:
    entry.expect("component.name", "EVSE")
    entry.expect("component.evse.id", 1)
    entry.expect("variable.name", "AvailabilityState")
    entry.expect("variableCharacteristics.dataType", "OptionList")
    values = {one.strip() for one in str(entry.at("variableCharacteristics.valuesList")).split(",")}
    if values != set(_AVAILABILITY):
        raise StepFailed(entry.step, f"valuesList {', '.join(_AVAILABILITY)}", ", ".join(sorted(values)))
    entry.expect("variableAttribute.0.mutability", "ReadOnly")
    if entry.at("variableAttribute.0.type") is not ABSENT:
        entry.expect("variableAttribute.0.type", "Actual")
