"""Block N: monitors reported, set, cleared and limited, and the events that they tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_Place = tuple[str, int | None, str]
"""Component, EVSE id, variable."""
_POWER: Final = ("ChargingStation", None, "Power")
_STATE: Final = ("ChargingStation", None, "AvailabilityState")
_MOST: Final = 2
"""Numbers that the station takes in one ClearVariableMonitoringRequest."""
_LEVEL: Final = 4
_NONE_SEEN: Final = "Does the CSMS show that the station has no such monitors?"


@csms_case("TC_N_01_CSMS")
async def report_by_criteria(station: SimulatedStation) -> None:
    """Monitors of one kind are reported; there are none of another."""
    asked = await _report(station, 1, criteria=["DeltaMonitoring"])
    await asked.answer({"status": "EmptyResultSet"}, seen=_NONE_SEEN)
    asked = await _report(station, 3, criteria=["ThresholdMonitoring"])
    await asked.answer({"status": "Accepted"})
    await _tell(station, 5, asked, [(_POWER, "UpperThreshold"), (_POWER, "LowerThreshold")])


@csms_case("TC_N_02_CSMS")
async def report_by_variable(station: SimulatedStation) -> None:
    """The monitors of one variable are reported; another has none."""
    asked = await _report(station, 1, places=[_POWER])
    await asked.answer({"status": "EmptyResultSet"}, seen=_NONE_SEEN)
    asked = await _report(station, 3, places=[_of_evse(station)])
    await asked.answer({"status": "Accepted"})
    await _tell(station, 5, asked, [(_of_evse(station), "Delta")])


@csms_case("TC_N_03_CSMS")
async def report_by_both(station: SimulatedStation) -> None:
    """Monitors of one kind are reported for one variable."""
    asked = await _report(station, 1, criteria=["DeltaMonitoring"], places=[_of_evse(station)])
    await asked.answer({"status": "EmptyResultSet"}, seen=_NONE_SEEN)
    asked = await _report(station, 3, criteria=["ThresholdMonitoring"], places=[_POWER])
    await asked.answer({"status": "Accepted"})
    await _tell(station, 5, asked, [(_POWER, "UpperThreshold"), (_POWER, "LowerThreshold")])


@csms_case("TC_N_60_CSMS")
async def report_of_several_variables(station: SimulatedStation) -> None:
    """Monitors of one kind are reported for two variables.

    The validations of the document contradict its scenario; its last one, that Delta monitors of AvailabilityState are
    shown, goes with the scenario, and so does this case.
    """
    evse_id = station.evse_id
    both = [_POWER, ("EVSE", evse_id, "Power")]
    asked = await _report(station, 1, criteria=["ThresholdMonitoring"], places=both)
    await asked.answer({"status": "EmptyResultSet"}, seen=_NONE_SEEN)
    both = [_STATE, _of_evse(station)]
    asked = await _report(station, 3, criteria=["DeltaMonitoring"], places=both)
    await asked.answer({"status": "Accepted"})
    await _tell(station, 5, asked, [(place, "Delta") for place in both])


@csms_case("TC_N_47_CSMS")
async def report_of_all(station: SimulatedStation) -> None:
    """All monitors are reported."""
    asked = await _report(station, 1)
    await asked.answer({"status": "Accepted"})
    await _tell(station, 3, asked, [(_POWER, "UpperThreshold"), (_of_evse(station), "Delta")], shown=False)


@csms_case("TC_N_05_CSMS")
async def bases(station: SimulatedStation) -> None:
    """Every monitoring base is set."""
    for step, base in ((1, "All"), (3, "FactoryDefault"), (5, "HardWiredOnly")):
        text = f"set the monitoring base of the station to {base}"
        command = ("set_monitoring_base", {"base": base})
        asked = await station.asked(step, text, "SetMonitoringBase", {"monitoringBase": base}, command=command)
        asked.expect("monitoringBase", base)
        await asked.answer({"status": "Accepted"})


@csms_case("TC_N_08_CSMS")
async def set_one(station: SimulatedStation) -> None:
    """One monitor is set."""
    await _set(station, [_of_evse(station)])


@csms_case("TC_N_09_CSMS")
async def set_two(station: SimulatedStation) -> None:
    """Monitors on two components are set in one message."""
    await _set(station, [_of_evse(station), _STATE])


@csms_case("TC_N_16_CSMS")
async def level(station: SimulatedStation) -> None:
    """A monitoring level is set."""
    await (await _level(station)).answer({"status": "Accepted"})


@csms_case("TC_N_17_CSMS")
async def level_rejected(station: SimulatedStation) -> None:
    """A monitoring level is rejected."""
    answer = {"status": "Rejected"}
    await (await _level(station)).answer(answer, seen="Does the CSMS show that the station rejected the level?")


@csms_case("TC_N_18_CSMS")
async def clear_many(station: SimulatedStation) -> None:
    """More monitors are cleared than the station takes in one message."""
    named = {
        "component": {"name": "MonitoringCtrlr"},
        "variable": {"name": "ItemsPerMessage", "instance": "ClearVariableMonitoring"},
    }
    asked = await station.asked(
        1,
        "get the variable ItemsPerMessage (instance ClearVariableMonitoring) of the component MonitoringCtrlr",
        "GetVariables",
        {"getVariableData": [named]},
        command=("read_variables", {"variables": [named]}),
    )
    wanted = asked.request.pick(
        "getVariableData",
        {
            "component.name": ("MonitoringCtrlr",),
            "variable.name": ("ItemsPerMessage",),
            "variable.instance": ("ClearVariableMonitoring",),
            "attributeType": (ABSENT, "Actual"),
        },
    )
    told = {name: value for name, value in wanted.payload.items() if name in ("component", "variable")}
    result = {**told, "attributeStatus": "Accepted", "attributeValue": str(_MOST)}
    await asked.answer({"getVariableResult": [result]})
    ids = list(range(1, _MOST + 2))
    text = f"clear the monitors {', '.join(map(str, ids))} of the station, which need not exist"
    asked = await station.asked(
        3, text, "ClearVariableMonitoring", {"id": ids}, command=("clear_variable_monitoring", {"ids": ids})
    )
    cleared = _few(asked)
    while set(cleared) < set(ids):
        asked = await asked.answer_one_of_several(_not_found(asked))
        cleared += _few(asked)
    await asked.answer(_not_found(asked))


@csms_case("TC_N_44_CSMS")
async def clear_rejected(station: SimulatedStation) -> None:
    """A monitor is not to be cleared."""
    text = "clear the monitor 1 of the station"
    asked = await station.asked(
        1, text, "ClearVariableMonitoring", {"id": [1]}, command=("clear_variable_monitoring", {"ids": [1]})
    )
    results = [{"id": id, "status": "Rejected"} for id in asked.request.payload["id"]]
    await asked.answer({"clearMonitoringResult": results})


@csms_case("TC_N_21_CSMS")
async def hard_wired_event(station: SimulatedStation) -> None:
    """Events of hard-wired monitors are taken; Part 6 says of TC_N_24 that this is the same."""
    for number in (1, 2):
        await _event(station, 1, number, trigger="Alerting", eventNotificationType="HardWiredMonitor")


@csms_case("TC_N_24_CSMS")
async def periodic_events(station: SimulatedStation) -> None:
    """Events of a periodic monitor are taken, each by itself."""
    for number in (1, 2):
        await _event(station, 1, number, trigger="Periodic")


@csms_case("TC_N_48_CSMS")
async def event_without_value(station: SimulatedStation) -> None:
    """An event of a variable that cannot be read has no value."""
    await _event(station, 1, 1, trigger="Delta", actualValue="")


@csms_case("TC_N_49_CSMS")
async def event_cleared(station: SimulatedStation) -> None:
    """After a reboot a value is within its thresholds again."""
    await _event(station, 1, 1, trigger="Alerting", cleared=True)


@csms_case("TC_N_50_CSMS")
async def periodic_event(station: SimulatedStation) -> None:
    """An event of a periodic monitor is taken."""
    await _event(station, 1, 1, trigger="Periodic")


def _of_evse(station: SimulatedStation) -> _Place:
    return "EVSE", station.evse_id, "AvailabilityState"


def _component(place: _Place) -> dict[str, Any]:
    name, evse_id, _ = place
    return {"name": name} if evse_id is None else {"name": name, "evse": {"id": evse_id}}


def _wire(place: _Place) -> dict[str, Any]:
    return {"component": _component(place), "variable": {"name": place[2]}}


def _command(place: _Place) -> dict[str, Any]:
    name, evse_id, variable = place
    component = {"name": name} if evse_id is None else {"name": name, "evse_id": evse_id}
    return {"component": component, "variable": {"name": variable}}


def _is(place: _Place) -> dict[str, tuple[object, ...]]:
    name, evse_id, variable = place
    return {
        "component.name": (name,),
        "component.instance": (ABSENT,),
        "component.evse.id": (ABSENT if evse_id is None else evse_id,),
        "variable.name": (variable,),
        "variable.instance": (ABSENT,),
    }


def _words(place: _Place) -> str:
    name, evse_id, variable = place
    return f"{variable} of {name}" if evse_id is None else f"{variable} of {name} {evse_id}"


async def _report(
    station: SimulatedStation, step: int, *, criteria: Sequence[str] = (), places: Sequence[_Place] = ()
) -> Asked:
    """Have a report asked for, of what is named and of nothing else."""
    payload: dict[str, Any] = {"requestId": step}
    parameters: dict[str, Any] = {}
    words = ["get a report of"]
    if criteria:
        payload["monitoringCriteria"] = parameters["criteria"] = list(criteria)
        words.append(f"all monitors of the kind {', '.join(criteria)}")
    else:
        words.append("all monitors")
    if places:
        payload["componentVariable"] = [_wire(place) for place in places]
        parameters["variables"] = [_command(place) for place in places]
        words.append(f"for {' and '.join(map(_words, places))}")
    asked = await station.asked(
        step, " ".join(words), "GetMonitoringReport", payload, command=("get_monitoring_report", parameters)
    )
    asked.expect("monitoringCriteria", list(criteria) if criteria else ABSENT)
    if not places:
        asked.expect("componentVariable", ABSENT)
    for place in places:
        asked.request.pick("componentVariable", _is(place))
    return asked


async def _tell(
    station: SimulatedStation,
    step: int,
    asked: Asked,
    monitors: Sequence[tuple[_Place, str]],
    *,
    shown: bool = True,
) -> None:
    """Report monitors, one in each part, and see that the CSMS shows them."""
    for seq_no, (place, type) in enumerate(monitors):
        monitor = {"id": seq_no + 1, "transaction": False, "value": 1, "type": type, "severity": 8}
        part = {
            "requestId": asked.request.at("requestId"),
            "generatedAt": station.now(),
            "seqNo": seq_no,
            "tbc": seq_no < len(monitors) - 1,
            "monitor": [{**_wire(place), "variableMonitoring": [monitor]}],
        }
        await station.call(step, "NotifyMonitoringReport", part)
    for (name, evse_id, variable), type in monitors if shown else ():
        station_id = station.configuration.station_id
        if not await station.csms.shows_monitor(station_id, name, evse_id, variable, type):
            what = f"{type} monitor of {_words((name, evse_id, variable))}"
            raise StepFailed(station.step(step + 1), f"a CSMS that shows the {what}", "none")


async def _set(station: SimulatedStation, places: Sequence[_Place]) -> None:
    wanted = {"type": "Delta", "value": 1, "severity": 8}
    asked = await station.asked(
        1,
        f"set a Delta monitor of value 1 and severity 8 on {' and '.join(map(_words, places))}, in one message",
        "SetVariableMonitoring",
        {"setMonitoringData": [{**_wire(place), **wanted} for place in places]},
        command=("set_variable_monitoring", {"monitors": [{**_command(place), **wanted} for place in places]}),
    )
    for place in places:
        is_wanted: Mapping[str, tuple[object, ...]] = {"type": ("Delta",), "value": (1, 1.0), "severity": (8,)}
        asked.request.pick("setMonitoringData", {**_is(place), **is_wanted})
    results = [
        {
            **{name: data[name] for name in ("component", "variable", "type", "severity")},
            "id": number,
            "status": "Accepted",
        }
        for number, data in enumerate(asked.request.payload["setMonitoringData"], 1)
    ]
    await asked.answer({"setMonitoringResult": results})


async def _level(station: SimulatedStation) -> Asked:
    text = f"set the monitoring level of the station to {_LEVEL}"
    command = ("set_monitoring_level", {"severity": _LEVEL})
    asked = await station.asked(1, text, "SetMonitoringLevel", {"severity": _LEVEL}, command=command)
    asked.expect("severity", _LEVEL)
    return asked


def _few(asked: Asked) -> list[int]:
    """The numbers in a request, which must not be too many (N06.FR.04)."""
    ids = list(asked.request.payload["id"])
    if len(ids) > _MOST:
        raise StepFailed(asked.request.step, f"{asked.request.name}.id with at most {_MOST} numbers", str(ids))
    return ids


def _not_found(asked: Asked) -> dict[str, Any]:
    return {"clearMonitoringResult": [{"id": id, "status": "NotFound"} for id in asked.request.payload["id"]]}


async def _event(station: SimulatedStation, step: int, number: int, **fields: Any) -> None:
    """Send an event, to be answered with nothing but the receipt."""
    place = ("EVSE", station.evse_id, "Temperature")
    event = {
        "eventId": number,
        "timestamp": station.now(),
        "actualValue": str(50 + number),
        "eventNotificationType": "CustomMonitor",
        "variableMonitoringId": 1,
        **_wire(place),
        **fields,
    }
    await station.call(step, "NotifyEvent", {"generatedAt": station.now(), "seqNo": 0, "eventData": [event]})
