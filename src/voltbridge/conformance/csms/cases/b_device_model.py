"""Block B: several variables at once, reports, and resets of one EVSE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.states import energy_transfer_started
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_OFFLINE_THRESHOLD: Final = ("OCPPCommCtrlr", "OfflineThreshold")
_REMOTE_START: Final = ("AuthCtrlr", "AuthorizeRemoteStart")
_VALUES: Final = {_OFFLINE_THRESHOLD: "123", _REMOTE_START: "false"}


@csms_case("TC_B_07_CSMS")
async def get_two_variables(station: SimulatedStation) -> None:
    """The CSMS reads two variables in one message."""
    # No command for it: our own asks a station that has not told how many it takes in a message for that first
    # (B06.FR.16), and the document wants both at once.
    asked = await station.asked(
        1,
        "get OCPPCommCtrlr.OfflineThreshold and AuthCtrlr.AuthorizeRemoteStart in one message",
        "GetVariables",
        {"getVariableData": [_named(*name) for name in _VALUES]},
    )
    for name in _VALUES:
        asked.request.pick("getVariableData", {**_is(*name), "attributeType": (ABSENT, "Actual")})
    results = [
        {**data, "attributeStatus": "Accepted", "attributeValue": _VALUES.get(_name_of(data), "0")}
        for data in asked.request.payload["getVariableData"]
    ]
    await asked.answer({"getVariableResult": results}, seen="Does the CSMS show both values, 123 and false?")


@csms_case("TC_B_10_CSMS")
async def set_two_variables(station: SimulatedStation) -> None:
    """The CSMS sets two variables in one message."""
    asked = await station.asked(
        1,
        "set OCPPCommCtrlr.OfflineThreshold to 123 and AuthCtrlr.AuthorizeRemoteStart to false in one message",
        "SetVariables",
        {"setVariableData": [{"attributeValue": value, **_named(*name)} for name, value in _VALUES.items()]},
        command=("write_variables", {"variables": [{**_named(*name), "value": one} for name, one in _VALUES.items()]}),
    )
    for name, value in _VALUES.items():
        wanted = {**_is(*name), "attributeValue": (value,), "attributeType": (ABSENT, "Actual")}
        asked.request.pick("setVariableData", wanted)
    results = [
        {key: value for key, value in data.items() if key != "attributeValue"} | {"attributeStatus": "Accepted"}
        for data in asked.request.payload["setVariableData"]
    ]
    await asked.answer({"setVariableResult": results}, seen="Does the CSMS show that both were set?")


@csms_case("TC_B_12_CSMS")
async def configuration_inventory(station: SimulatedStation) -> None:
    """A report of what can be configured."""
    await _base_report(station, "ConfigurationInventory")


@csms_case("TC_B_13_CSMS")
async def full_inventory(station: SimulatedStation) -> None:
    """A report of everything."""
    await _base_report(station, "FullInventory")


@csms_case("TC_B_14_CSMS")
async def summary_inventory(station: SimulatedStation) -> None:
    """A report of what is available and what has a problem."""
    await _base_report(station, "SummaryInventory")


@csms_case("TC_B_18_CSMS")
async def custom_report(station: SimulatedStation) -> None:
    """A report of components that meet a criterion and are named too; first there are none."""
    asked = await _custom_report(station, 1, "Problem")
    await asked.answer({"status": "EmptyResultSet"})
    asked = await _custom_report(station, 3, "Available")
    await asked.answer({"status": "Accepted"})
    told = {
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "AvailabilityState"},
        "variableAttribute": [{"value": "Available", "mutability": "ReadOnly"}],
    }
    await _notify(station, 5, asked, 0, [told])


@csms_case("TC_B_25_CSMS")
async def reset_evse_without_transaction(station: SimulatedStation) -> None:
    """Reset of an EVSE when idle, no transaction open."""
    await (await _reset_evse(station, "OnIdle")).answer({"status": "Accepted"})


@csms_case("TC_B_26_CSMS")
async def reset_evse_on_idle(station: SimulatedStation) -> None:
    """Reset of an EVSE when idle while a transaction is open there: it waits for its end."""
    await energy_transfer_started(station)
    await (await _reset_evse(station, "OnIdle")).answer({"status": "Scheduled"})
    await station.transaction_event(
        3, "Updated", "StopAuthorized", token=station.session().token, chargingState="EVConnected"
    )
    await station.transaction_event(
        5, "Ended", "EVCommunicationLost", chargingState="Idle", stoppedReason="EVDisconnected"
    )


@csms_case("TC_B_27_CSMS")
async def reset_evse_at_once(station: SimulatedStation) -> None:
    """Reset of an EVSE at once while a transaction is open there: it ends the transaction."""
    await energy_transfer_started(station)
    await (await _reset_evse(station, "Immediate")).answer({"status": "Accepted"})
    await station.transaction_event(
        3, "Ended", "ResetCommand", chargingState="EVConnected", stoppedReason="ImmediateReset"
    )


async def _base_report(station: SimulatedStation, base: str) -> None:
    """The report comes in two parts, and the CSMS shows what both told."""
    asked = await station.asked(
        1,
        f"get a {base} report",
        "GetBaseReport",
        {"requestId": 1, "reportBase": base},
        command=("report", {"kind": base}),
    )
    asked.expect("reportBase", base)
    _check_number(asked)
    await asked.answer({"status": "Accepted"})
    for seq_no, (name, value) in enumerate(_VALUES.items()):
        told = {**_named(*name), "variableAttribute": [{"value": value}]}
        await _notify(station, 3 + 2 * seq_no, asked, seq_no, [told], tbc=seq_no < len(_VALUES) - 1)
    shown = [
        await station.csms.shows_variable(station.configuration.station_id, *name, value)
        for name, value in _VALUES.items()
    ]
    if not all(shown):
        raise StepFailed(station.step(6), "a CSMS that shows its operator what was reported", "something else")


async def _notify(
    station: SimulatedStation,
    step: int,
    asked: Asked,
    seq_no: int,
    told: Sequence[Mapping[str, Any]],
    *,
    tbc: bool = False,
) -> None:
    report = {"generatedAt": station.now(), "seqNo": seq_no, "tbc": tbc, "reportData": told}
    await station.call(step, "NotifyReport", {"requestId": asked.request.at("requestId"), **report})


async def _custom_report(station: SimulatedStation, step: int, criterion: str) -> Asked:
    component = {"name": "EVSE", "evse": {"id": 1}}
    asked = await station.asked(
        step,
        f"report AvailabilityState of EVSE 1 where it is among the components that are {criterion}",
        "GetReport",
        {
            "requestId": step,
            "componentCriteria": [criterion],
            "componentVariable": [{"component": component, "variable": {"name": "AvailabilityState"}}],
        },
        command=(
            "report",
            {
                "kind": "Custom",
                "criteria": [criterion],
                "variables": [{"component": {"name": "EVSE", "evse_id": 1}, "variable": {"name": "AvailabilityState"}}],
            },
        ),
    )
    asked.expect("componentCriteria", [criterion])
    wanted = {"component.name": ("EVSE",), "component.evse.id": (1,), "variable.name": ("AvailabilityState",)}
    asked.request.pick("componentVariable", wanted)
    _check_number(asked)
    return asked


async def _reset_evse(station: SimulatedStation, kind: str) -> Asked:
    asked = await station.asked(
        1,
        f"reset EVSE {station.evse_id}, type {kind}",
        "Reset",
        {"type": kind, "evseId": station.evse_id},
        command=("reset", {"type": kind, "evse_id": station.evse_id}),
    )
    asked.expect("type", kind)
    asked.expect("evseId", station.evse_id)
    return asked


def _check_number(asked: Asked) -> None:
    number = asked.request.at("requestId")
    if number < 0:
        raise StepFailed(asked.request.step, f"{asked.request.name}.requestId of 0 or more", str(number))


def _named(component: str, variable: str) -> dict[str, Any]:
    return {"component": {"name": component}, "variable": {"name": variable}}


def _is(component: str, variable: str) -> dict[str, tuple[object, ...]]:
    return {"component.name": (component,), "variable.name": (variable,)}


def _name_of(data: Mapping[str, Any]) -> tuple[str, str]:
    return (data["component"]["name"], data["variable"]["name"])
