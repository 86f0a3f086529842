"""N: monitors are set, changed, reported and cleared."""

from __future__ import annotations

from typing import Any

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.monitors import (
    SEVERITY,
    availability,
    get_report,
    monitored,
    monitors_variables,
    power,
    report,
    report_parts,
    set_monitors,
    wanted,
)

__all__: list[str] = []

_LEAST_SEVERE = 9
_NOBODYS = 123_456


def _holds(csms: SimulatedCsms, found: list[Received], what: dict[str, Any], **values: object) -> None:
    """Among what was reported is a monitor of this variable with these values."""
    for one in found:
        same = one.at("component.name") == what["component"]["name"] and one.at("component.evse.id") in (
            what["component"].get("evse", {}).get("id", ABSENT),
        )
        if same and one.at("variable.name") == what["variable"]["name"]:
            monitor = one.payload["variableMonitoring"]
            if all(monitor.get(name) == value for name, value in values.items()):
                return
    raise StepFailed(csms.step("end"), f"a monitor of {what} with {values}", str([one.payload for one in found]))


async def _both(csms: SimulatedCsms) -> list[int]:
    return await monitored(
        csms, wanted(availability(csms, "ChargingStation"), "Delta"), wanted(availability(csms), "Delta")
    )


@station_case("TC_N_01_CS")
async def report_by_criteria(csms: SimulatedCsms) -> None:
    """Monitors are reported by what they watch for."""
    await monitors_variables(csms)
    await monitored(
        csms,
        wanted(power(csms), "LowerThreshold", 1.0),
        wanted(power(csms), "UpperThreshold", 22_000.0),
        wanted(availability(csms), "Delta"),
        wanted(availability(csms), "Periodic", 3600.0),
        wanted(availability(csms), "PeriodicClockAligned", 3600.0),
    )
    kinds = {
        "ThresholdMonitoring": {"UpperThreshold", "LowerThreshold"},
        "DeltaMonitoring": {"Delta"},
        "PeriodicMonitoring": {"Periodic", "PeriodicClockAligned"},
    }
    for step, criteria in (
        (2, ("ThresholdMonitoring",)),
        (6, ("ThresholdMonitoring", "DeltaMonitoring")),
        (10, ("DeltaMonitoring", "PeriodicMonitoring")),
    ):
        found = await report(csms, step, monitoringCriteria=list(criteria))
        allowed = set().union(*(kinds[each] for each in criteria))
        for one in found:
            one.expect("variableMonitoring.type", *sorted(allowed))
        if {one.at("variableMonitoring.type") for one in found} != allowed:
            raise StepFailed(csms.step(step), f"monitors of {sorted(allowed)}", str([one.payload for one in found]))


@station_case("TC_N_02_CS")
async def report_of_variables(csms: SimulatedCsms) -> None:
    """Monitors of a variable and of all variables of a component are reported."""
    await monitors_variables(csms)
    await _both(csms)
    station, evse = availability(csms, "ChargingStation"), {"component": availability(csms)["component"]}
    found = await report(csms, 2, componentVariable=[station, evse])
    for one in found:
        one.expect("component.name", "ChargingStation", "EVSE")
        if one.at("variable.name") == "AvailabilityState":
            one.expect("variableMonitoring.type", "Delta")
    _holds(csms, found, station, type="Delta")
    _holds(csms, found, availability(csms), type="Delta")


@station_case("TC_N_03_CS")
async def report_of_variables_by_criteria(csms: SimulatedCsms) -> None:
    """Of the monitors of variables those of a kind are reported."""
    await monitors_variables(csms)
    await _both(csms)
    station, evse = availability(csms, "ChargingStation"), availability(csms)
    await get_report(
        csms, 2, "EmptyResultSet", monitoringCriteria=["ThresholdMonitoring"], componentVariable=[station, evse]
    )
    await csms.none(2, "NotifyMonitoringReport")
    found = await report(csms, 4, monitoringCriteria=["DeltaMonitoring"], componentVariable=[station, evse])
    for one in found:
        one.expect("variableMonitoring.type", "Delta")
    _holds(csms, found, station, type="Delta")
    _holds(csms, found, evse, type="Delta")


async def _base(csms: SimulatedCsms, step: int, base: str) -> None:
    response = await csms.call(step, "SetMonitoringBase", {"monitoringBase": base})
    response.expect("status", "Accepted")
    response.expect("statusInfo.reasonCode", ABSENT, "NoError")


@station_case("TC_N_05_CS")
async def base_accepted(csms: SimulatedCsms) -> None:
    """Each monitoring base is accepted."""
    await monitors_variables(csms)
    for step, base in ((2, "All"), (4, "FactoryDefault"), (6, "HardWiredOnly")):
        await _base(csms, step, base)


@station_case("TC_N_06_CS")
async def base_removes(csms: SimulatedCsms) -> None:
    """With the base HardWiredOnly monitors that were set are gone."""
    await monitors_variables(csms)
    station = availability(csms, "ChargingStation")
    await monitored(csms, wanted(station, "Delta"))
    found = await report(csms, 2, componentVariable=[station])
    _holds(csms, found, station, type="Delta")
    for one in found:
        one.expect("variableMonitoring.type", "Delta")
        one.expect("component.name", "ChargingStation")
        one.expect("variable.name", "AvailabilityState")
    await _base(csms, 6, "HardWiredOnly")
    await get_report(csms, 8, "EmptyResultSet", componentVariable=[station])


@station_case("TC_N_08_CS")
async def set_one(csms: SimulatedCsms) -> None:
    """A monitor is set, and reported."""
    await monitors_variables(csms)
    await set_monitors(csms, wanted(availability(csms), "Delta"))
    found = await report(csms, 4, componentVariable=[availability(csms)])
    _holds(csms, found, availability(csms), type="Delta")
    for one in found:
        one.expect("component.name", "EVSE")
        one.expect("component.evse.id", csms.evse_id)
        one.expect("variable.name", "AvailabilityState")


@station_case("TC_N_09_CS")
async def set_two_variables(csms: SimulatedCsms) -> None:
    """Monitors of two variables are set by one message."""
    await monitors_variables(csms)
    evse, station = availability(csms), availability(csms, "ChargingStation")
    await set_monitors(csms, wanted(evse, "Delta"), wanted(station, "Delta"))
    found = await report(csms, 4, componentVariable=[evse, station])
    _holds(csms, found, evse, type="Delta")
    _holds(csms, found, station, type="Delta")


@station_case("TC_N_10_CS")
async def set_two_of_one(csms: SimulatedCsms) -> None:
    """Two monitors of one variable are set by one message."""
    await monitors_variables(csms)
    evse = availability(csms)
    first, second = await set_monitors(csms, wanted(evse, "Delta"), wanted(evse, "Delta", severity=7))
    if first.at("id") == second.at("id"):
        raise StepFailed(csms.step(2), "two ids", str(first.at("id")))


@station_case("TC_N_11_CS")
async def unknown_component(csms: SimulatedCsms) -> None:
    """What is not there cannot be monitored."""
    await monitors_variables(csms)
    evse = {"component": {"name": "EVSE", "evse": {"id": 99}}, "variable": {"name": "AvailabilityState"}}
    nothing = {"component": {"name": "NonExistent"}, "variable": {"name": "Power"}}
    first, second = await set_monitors(
        csms, wanted(evse, "Delta"), wanted(nothing, "UpperThreshold", 1234.0), statuses=()
    )
    first.expect("status", "UnknownComponent", "Rejected")
    first.expect("statusInfo.reasonCode", ABSENT, "UnknownEvse", "UnknownEVSE", "NotFound")
    second.expect("status", "UnknownComponent", "UnknownVariable")
    second.expect("statusInfo.reasonCode", ABSENT, "NotFound")


@station_case("TC_N_12_CS")
async def negative_delta(csms: SimulatedCsms) -> None:
    """A change cannot be negative."""
    await monitors_variables(csms)
    (result,) = await set_monitors(csms, wanted(availability(csms), "Delta", -1.0), statuses=("Rejected",))
    result.expect("statusInfo.reasonCode", ABSENT, "ValueOutOfRange", "ValuePositiveOnly")


@station_case("TC_N_13_CS")
async def threshold_out_of_range(csms: SimulatedCsms) -> None:
    """A threshold cannot be more than the variable can ever be."""
    await monitors_variables(csms)
    (result,) = await set_monitors(csms, wanted(power(csms), "UpperThreshold", 1e9), statuses=("Rejected",))
    result.expect("statusInfo.reasonCode", ABSENT, "ValueOutOfRange")


@station_case("TC_N_15_CS")
async def duplicate(csms: SimulatedCsms) -> None:
    """Of two alike one is set."""
    await monitors_variables(csms)
    results = await set_monitors(
        csms, wanted(availability(csms), "Delta"), wanted(availability(csms), "Delta"), statuses=()
    )
    statuses = sorted(str(result.at("status")) for result in results)
    if statuses != ["Accepted", "Duplicate"]:
        raise StepFailed(csms.step(2), "Accepted and Duplicate", ", ".join(statuses))
    for result in results:
        if result.at("status") == "Duplicate":
            result.expect("statusInfo.reasonCode", ABSENT, "InvalidValue")


@station_case("TC_N_17_CS")
async def level_out_of_range(csms: SimulatedCsms) -> None:
    """There is no severity beyond nine or below zero."""
    await monitors_variables(csms)
    for step, severity, word in ((2, 10, "ValueTooHigh"), (4, -1, "ValueTooLow")):
        response = await csms.call(step, "SetMonitoringLevel", {"severity": severity})
        response.expect("status", "Rejected")
        response.expect("statusInfo.reasonCode", ABSENT, "ValueOutOfRange", word)


@station_case("TC_N_18_CS")
async def cleared(csms: SimulatedCsms) -> None:
    """Monitors are cleared."""
    await monitors_variables(csms)
    ids = await _both(csms)
    response = await csms.call(2, "ClearVariableMonitoring", {"id": ids})
    response.expect("clearMonitoringResult.2", ABSENT)
    for number in ids:
        result = response.pick("clearMonitoringResult", {"id": (number,)})
        result.expect("status", "Accepted")
        result.expect("statusInfo.reasonCode", ABSENT, "NoError")
    both = [availability(csms, "ChargingStation"), availability(csms)]
    await get_report(csms, 4, "EmptyResultSet", componentVariable=both)


@station_case("TC_N_19_CS")
async def clearing_nothing(csms: SimulatedCsms) -> None:
    """A monitor that is not there cannot be cleared."""
    await monitors_variables(csms)
    number = _NOBODYS
    with csms.stage("preparation"):
        asked = csms.next_id()
        response = await csms.call(2, "GetMonitoringReport", {"requestId": asked})
        if response.at("status") == "Accepted":
            number = 1 + max(one.at("variableMonitoring.id") for one in await report_parts(csms, 3, asked))
    response = await csms.call(2, "ClearVariableMonitoring", {"id": [number]})
    response.expect("clearMonitoringResult.0.status", "NotFound")
    response.expect("clearMonitoringResult.0.id", number)
    response.expect("clearMonitoringResult.0.statusInfo.reasonCode", ABSENT, "NotFound")


@station_case("TC_N_37_CS")
async def unknown_variable(csms: SimulatedCsms) -> None:
    """A variable that is not there cannot be monitored."""
    await monitors_variables(csms)
    what = {**availability(csms), "variable": {"name": "unknownVariable"}}
    await set_monitors(csms, wanted(what, "Delta"), statuses=("UnknownVariable",))


@station_case("TC_N_39_CS")
async def another_variable(csms: SimulatedCsms) -> None:
    """A monitor cannot be moved to another variable."""
    await monitors_variables(csms)
    (number,) = await monitored(csms, wanted(availability(csms), "Delta"))
    moved = wanted(power(csms), "UpperThreshold", 100.0, id=number)
    await set_monitors(csms, moved, statuses=("Rejected",))
    found = await report(csms, 4)
    _holds(csms, found, availability(csms), id=number)


@station_case("TC_N_40_CS")
async def replaced(csms: SimulatedCsms) -> None:
    """A monitor is replaced by one of another severity."""
    await monitors_variables(csms)
    (number,) = await monitored(csms, wanted(availability(csms), "Delta", severity=5))
    await set_monitors(csms, wanted(availability(csms), "Delta", severity=4, id=number))
    found = await report(csms, 4, componentVariable=[availability(csms)], monitoringCriteria=["DeltaMonitoring"])
    _holds(csms, found, availability(csms), severity=4)


@station_case("TC_N_43_CS")
async def one_of_three(csms: SimulatedCsms) -> None:
    """Of three monitors the one out of range is refused."""
    await monitors_variables(csms)
    first, second, third = await set_monitors(
        csms,
        wanted(power(csms), "UpperThreshold", 100.0),
        wanted(power(csms), "Delta", -1.0),
        wanted(power(csms), "LowerThreshold", 10.0),
        statuses=(),
    )
    first.expect("status", "Accepted")
    second.expect("status", "Rejected")
    third.expect("status", "Accepted")


@station_case("TC_N_47_CS")
async def report_all(csms: SimulatedCsms) -> None:
    """All monitors are reported."""
    await monitors_variables(csms)
    await _both(csms)
    found = await report(csms, 2)
    _holds(csms, found, availability(csms), type="Delta", severity=SEVERITY)
    _holds(csms, found, availability(csms, "ChargingStation"), type="Delta", severity=SEVERITY)


@station_case("TC_N_41_CS")
async def factory_default(csms: SimulatedCsms) -> None:
    """A monitor of the factory that was changed is as it was again."""
    csms.needs("preconfigured monitors")
    await monitors_variables(csms)
    factory = {"monitoringBase": "FactoryDefault"}
    (await csms.call("base", "SetMonitoringBase", factory)).expect("status", "Accepted")
    before = (await report(csms, 2))[0]
    severity = int(before.at("variableMonitoring.severity"))
    what = {name: before.payload[name] for name in ("component", "variable")}
    same = {name: before.payload["variableMonitoring"][name] for name in ("id", "transaction", "value", "type")}
    other = severity + 1 if severity < _LEAST_SEVERE else 5
    await set_monitors(csms, {**what, **same, "severity": other}, step=6)
    _has(csms, 9, await report(csms, 8, componentVariable=[what]), before, other)
    (await csms.call(12, "SetMonitoringBase", factory)).expect("status", "Accepted")
    _has(csms, 15, await report(csms, 14, componentVariable=[what]), before, severity)


def _has(csms: SimulatedCsms, step: int, found: list[Received], monitor: Received, severity: int) -> None:
    """The monitor is among what was reported, with this severity."""
    for one in found:
        same = all(one.at(name) == monitor.at(name) for name in ("component", "variable", "variableMonitoring.id"))
        if same and one.at("variableMonitoring.severity") == severity:
            return
    shown = f"monitor {monitor.at('variableMonitoring.id')} with severity {severity}"
    raise StepFailed(csms.step(step), shown, str([one.payload for one in found]))


@station_case("TC_N_44_CS")
async def hard_wired_stays(csms: SimulatedCsms) -> None:
    """A hard-wired monitor cannot be cleared."""
    csms.needs("hard-wired monitors")
    await monitors_variables(csms)
    with csms.stage("preparation"):
        number = (await report(csms, 2))[0].at("variableMonitoring.id")
    response = await csms.call(2, "ClearVariableMonitoring", {"id": [number]})
    response.expect("clearMonitoringResult.0.status", "Rejected")
