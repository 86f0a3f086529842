"""Monitors as the cases set them, ask for them and see what they tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.csms import SimulatedCsms

__all__ = [
    "SEVERITY",
    "availability",
    "event",
    "get_report",
    "monitored",
    "monitors_variables",
    "power",
    "report",
    "report_parts",
    "set_monitors",
    "wanted",
]

SEVERITY: Final = 8
"""Configured severity."""


async def monitors_variables(csms: SimulatedCsms) -> None:
    """The prerequisite: device model monitoring is there and enabled."""
    if await csms.value("MonitoringCtrlr", "Available") == "false":
        raise NotApplicable("the station monitors no variables")
    await csms.configured("MonitoringCtrlr", "Enabled", "true")


def availability(csms: SimulatedCsms, component: str = "EVSE") -> dict[str, Any]:
    """AvailabilityState of the configured EVSE, of its configured Connector, or of the ChargingStation."""
    connector = {"connectorId": csms.connector_id} if component == "Connector" else {}
    evse = {"evse": {"id": csms.evse_id, **connector}} if component != "ChargingStation" else {}
    return {"component": {"name": component, **evse}, "variable": {"name": "AvailabilityState"}}


def power(csms: SimulatedCsms) -> dict[str, Any]:
    """The configured variable for thresholds."""
    return {"component": {"name": "EVSE", "evse": {"id": csms.evse_id}}, "variable": {"name": "Power"}}


def wanted(what: Mapping[str, Any], kind: str, value: float = 1.0, **more: Any) -> dict[str, Any]:
    """A SetMonitoringData."""
    return {**what, "type": kind, "value": value, "severity": SEVERITY, **more}


async def set_monitors(
    csms: SimulatedCsms, *data: Mapping[str, Any], step: int | str = 2, statuses: tuple[str, ...] = ("Accepted",)
) -> list[Received]:
    """SetVariableMonitoring, and the results in the order of what was asked, each about what it was asked about."""
    response = await csms.call(step, "SetVariableMonitoring", {"setMonitoringData": list(data)})
    response.expect(f"setMonitoringResult.{len(data)}", ABSENT)
    results = []
    left = list(response.at("setMonitoringResult") or [])
    for asked in data:
        index = next((i for i, each in enumerate(left) if _is_about(each, asked)), None)
        if index is None:
            raise StepFailed(csms.step(step), f"a result for {asked}", str(left))
        result = Received(csms.step(step), "setMonitoringResult", left.pop(index))
        if statuses:
            result.expect("status", *statuses)
        if result.at("status") == "Accepted":
            result.expect("statusInfo.reasonCode", ABSENT, "NoError")
            if result.at("id") is ABSENT:
                raise StepFailed(csms.step(step), "the id of the new monitor", "none")
        else:
            result.expect("id", ABSENT)
        results.append(result)
    return results


def _is_about(result: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    return all(result.get(name) == asked[name] for name in ("type", "severity", "component", "variable"))


async def monitored(csms: SimulatedCsms, *data: Mapping[str, Any]) -> list[int]:
    """Memory state: these monitors are set. Their ids."""
    with csms.stage("monitors set"):
        results = await set_monitors(csms, *data)
    return [int(result.at("id")) for result in results]


async def get_report(csms: SimulatedCsms, step: int | str, status: str, **more: Any) -> int:
    """GetMonitoringReport; its requestId."""
    number = csms.next_id()
    response = await csms.call(step, "GetMonitoringReport", {"requestId": number, **more})
    response.expect("status", status)
    response.expect("statusInfo.reasonCode", ABSENT, "NoError" if status == "Accepted" else "NotFound")
    return number


async def report(csms: SimulatedCsms, step: int | str, **more: Any) -> list[Received]:
    """GetMonitoringReport, and all its parts: a MonitoringData for each monitor, with the one monitor in it."""
    return await report_parts(csms, step, await get_report(csms, step, "Accepted", **more))


async def report_parts(csms: SimulatedCsms, step: int | str, number: int) -> list[Received]:
    """The parts of the report with this requestId."""
    found: list[Received] = []
    sequence = 0
    while True:
        part = await csms.take(f"{step} report", "NotifyMonitoringReport")
        part.expect("requestId", number)
        part.expect("seqNo", sequence)
        if part.at("generatedAt") is ABSENT:
            raise StepFailed(csms.step(step), "generatedAt", "none")
        for data in part.payload.get("monitor", ()):
            for monitor in data["variableMonitoring"]:
                found.append(Received(csms.step(step), "monitor", {**data, "variableMonitoring": monitor}))
        sequence += 1
        if part.at("tbc") is not True:
            return found


async def event(csms: SimulatedCsms, step: int | str, *, seconds: float | None = None, **values: object) -> Received:
    """The next event with these values (``__`` for a dot), wherever it stands in a NotifyEventRequest."""
    allowed = {
        path.replace("__", "."): value if isinstance(value, tuple) else (value,) for path, value in values.items()
    }
    while True:
        notice = await csms.take(step, "NotifyEvent", seconds=seconds)
        if notice.at("generatedAt") is ABSENT:
            raise StepFailed(csms.step(step), "generatedAt", "none")
        for data in notice.payload.get("eventData", ()):
            found = Received(csms.step(step), "eventData", data)
            if found.fits(allowed):
                if notice.at("tbc") is not True:
                    notice.expect("seqNo", 0)
                return found
