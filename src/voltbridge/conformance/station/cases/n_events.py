"""N: what monitors tell, when, and what they keep to themselves."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    energy_transfer_started,
    stop_authorized,
    tx_start_points,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.monitors import (
    SEVERITY,
    availability,
    event,
    get_report,
    monitored,
    monitors_variables,
    power,
    report,
    set_monitors,
    wanted,
)
from voltbridge.conformance.station.states import (
    booted,
)

__all__: list[str] = []

_UPPER_W = 100.0
_LOWER_W = 10.0


async def _level(csms: SimulatedCsms, severity: int = SEVERITY) -> None:
    response = await csms.call("level", "SetMonitoringLevel", {"severity": severity})
    response.expect("status", "Accepted")
    response.expect("statusInfo.reasonCode", ABSENT, "NoError")


async def _of(csms: SimulatedCsms, step: int, what: dict[str, Any], number: int) -> Received:
    """The next event of this monitor; it is about this variable."""
    found = await event(csms, step, variableMonitoringId=number)
    found.expect("component.name", what["component"]["name"])
    found.expect("component.evse.id", csms.evse_id)
    found.expect("variable.name", what["variable"]["name"])
    for name in ("eventId", "timestamp"):
        if found.at(name) is ABSENT:
            raise StepFailed(csms.step(step), name, "none")
    return found


def _beyond(csms: SimulatedCsms, step: int, found: Received, *, above: float | None = None) -> None:
    """The value is above the threshold; None: not above the upper one."""
    value = float(str(found.at("actualValue")))
    if value > above if above is not None else value <= _UPPER_W:
        return
    raise StepFailed(csms.step(step), "a value on the other side of the threshold", str(value))


@station_case("TC_N_16_CS")
async def less_severe(csms: SimulatedCsms) -> None:
    """What is less severe than the level is not told."""
    await monitors_variables(csms)
    await monitored(csms, wanted(availability(csms), "Delta"))
    await _level(csms, 7)
    await csms.station.plug_in(csms.evse_id, csms.connector_id)
    await csms.none(4, "NotifyEvent", {"eventData.0.component.name": "EVSE"}, seconds=csms.configuration.quiet_s)


@station_case("TC_N_20_CS")
async def thresholds(csms: SimulatedCsms) -> None:
    """A threshold is exceeded, and left again."""
    await monitors_variables(csms)
    (await csms.call("base", "SetMonitoringBase", {"monitoringBase": "All"})).expect("status", "Accepted")
    await _level(csms)
    (upper,) = await monitored(csms, wanted(power(csms), "UpperThreshold", _UPPER_W))
    await energy_transfer_started(csms)
    alert = await _of(csms, 2, power(csms), upper)
    transaction = csms.seen("TransactionEvent")[0].at("transactionInfo.transactionId")
    alert.expect("trigger", "Alerting")
    alert.expect("cleared", ABSENT, False)
    alert.expect("transactionId", transaction)
    _beyond(csms, 2, alert, above=_UPPER_W)
    (result,) = await set_monitors(csms, wanted(power(csms), "LowerThreshold", _LOWER_W), step=5)
    await stop_authorized(csms)
    ends = {upper: True, int(result.at("id")): False}
    seen: list[int] = []
    while ends:
        notice = await csms.take(7, "NotifyEvent")
        for data in notice.payload["eventData"]:
            number = data.get("variableMonitoringId")
            if number not in ends:
                continue
            found = Received(csms.step(7), "eventData", data)
            found.expect("cleared", *((True,) if ends.pop(number) else (ABSENT, False)))
            found.expect("trigger", "Alerting")
            found.expect("transactionId", transaction)
            found.expect("eventNotificationType", "CustomMonitor")
            found.expect("component.name", "EVSE")
            found.expect("component.evse.id", csms.evse_id)
            found.expect("variable.name", "Power")
            _beyond(csms, 7, found)
            seen.append(int(found.at("eventId")))
    if len({*seen, alert.at("eventId")}) != 3:
        raise StepFailed(csms.step(7), "three events", str(seen))


@station_case("TC_N_21_CS")
async def hard_wired(csms: SimulatedCsms) -> None:
    """What the firmware tells of by itself is told as such."""
    csms.needs("hard-wired notifications")
    await monitors_variables(csms)
    began = csms.clock.now()
    await csms.station.notify()
    notice = await csms.take(1, "NotifyEvent")
    notice.expect("seqNo", 0)
    if notice.at("generatedAt") is ABSENT:
        raise StepFailed(csms.step(1), "generatedAt", "none")
    off_s = (datetime.fromisoformat(str(notice.at("generatedAt"))) - began).total_seconds()
    slack_s = csms.configuration.time_deviation_s
    if not -slack_s <= off_s <= (csms.clock.now() - began).total_seconds() + slack_s:
        raise StepFailed(csms.step(1), "generatedAt of this moment", str(notice.at("generatedAt")))
    kinds = [data.get("eventNotificationType") for data in notice.payload["eventData"]]
    if "HardWiredNotification" not in kinds:
        raise StepFailed(csms.step(1), "an event with eventNotificationType HardWiredNotification", str(kinds))


@station_case("TC_N_22_CS")
async def kept_offline(csms: SimulatedCsms) -> None:
    """What is severe enough is kept while the station is offline."""
    await monitors_variables(csms)
    await csms.configured("MonitoringCtrlr", "OfflineQueuingSeverity", str(SEVERITY))
    await monitored(csms, wanted(availability(csms), "Delta"))
    before = csms.connections
    await csms.close(refuse=True)
    await csms.station.plug_in(csms.evse_id, csms.connector_id)
    await csms.transaction_duration()
    csms.accept()
    await csms.reconnected(3, after=before)
    found = await event(csms, 3, component__name="EVSE", variable__name="AvailabilityState")
    found.expect("trigger", "Delta")
    found.expect("actualValue", "Occupied")
    found.expect("component.evse.id", csms.evse_id)


@station_case("TC_N_23_CS")
async def not_kept_offline(csms: SimulatedCsms) -> None:
    """What is not severe enough is not kept while the station is offline."""
    await monitors_variables(csms)
    await csms.configured("MonitoringCtrlr", "OfflineQueuingSeverity", str(SEVERITY))
    at_connector = availability(csms, "Connector")
    here = ((at_connector, "Connector"), (availability(csms), "EVSE"))
    await monitored(csms, *(wanted(what, "Delta", severity=SEVERITY + 1) for what, _ in here))
    tells = bool({"EVConnected", "ParkingBayOccupancy"} & await tx_start_points(csms))
    plugged = {"triggerReason": "CablePluggedIn", "transactionInfo.chargingState": "EVConnected"}
    await csms.station.plug_in(csms.evse_id, csms.connector_id)
    for _, name in here:
        found = await _of_state(csms, name)
        found.expect("trigger", "Delta")
        found.expect("actualValue", "Occupied")
    if tells:
        await csms.take(3, "TransactionEvent", plugged)
    await csms.quiet()
    before = csms.connections
    await csms.close(refuse=True)
    await csms.quiet()
    await csms.station.unplug(csms.evse_id, csms.connector_id)
    await csms.quiet()
    await csms.station.plug_in(csms.evse_id, csms.connector_id)
    await csms.transaction_duration()
    csms.forget()
    csms.accept()
    await csms.reconnected(5, after=before)
    if tells:
        left = {"triggerReason": "EVCommunicationLost", "transactionInfo.chargingState": "Idle"}
        await csms.take(5, "TransactionEvent", left)
        await csms.take(7, "TransactionEvent", plugged)
    await csms.quiet()
    for notice in csms.inbox.arrivals:
        if notice.action == "NotifyEvent" and notice.connection > before:
            for data in notice.payload["eventData"]:
                if data["variable"]["name"] == "AvailabilityState" and data["component"]["name"] in (
                    "EVSE",
                    "Connector",
                ):
                    raise StepFailed(csms.step(7), "no event of AvailabilityState", str(data))


async def _of_state(csms: SimulatedCsms, component: str) -> Received:
    """The event about AvailabilityState of the configured EVSE, or of its configured connector."""
    while True:
        for notice in csms.seen("NotifyEvent"):
            for data in notice.payload["eventData"]:
                found = Received(csms.step(1), "eventData", data)
                place = {"component.name": (component,), "component.evse.id": (csms.evse_id,)}
                connector = {"component.evse.connectorId": (csms.connector_id,)} if component == "Connector" else {}
                if found.fits({**place, **connector, "variable.name": ("AvailabilityState",)}):
                    csms.needed(notice)
                    return found
        await csms.take(1, "NotifyEvent")


@station_case("TC_N_24_CS")
async def periodic(csms: SimulatedCsms) -> None:
    """A value is told in an interval."""
    await monitors_variables(csms)
    await _level(csms)
    interval_s = csms.configuration.aligned_interval_s
    (result,) = await set_monitors(csms, wanted(availability(csms), "Periodic", interval_s))
    number = int(result.at("id"))
    last = csms.clock.monotonic()
    for _ in range(3):
        found = await event(csms, 3, seconds=interval_s + csms.configuration.quiet_s, variableMonitoringId=number)
        found.expect("trigger", "Periodic")
        found.expect("component.name", "EVSE")
        found.expect("component.evse.id", csms.evse_id)
        found.expect("variable.name", "AvailabilityState")
        now = csms.clock.monotonic()
        if abs(now - last - interval_s) > csms.configuration.time_deviation_s:
            raise StepFailed(csms.step(3), f"an event every {interval_s:g} s", f"one after {now - last:g} s")
        last = now


@station_case("TC_N_45_CS")
async def numeric_delta(csms: SimulatedCsms) -> None:
    """A number that changes by more than the monitor allows is told."""
    await monitors_variables(csms)
    await _level(csms)
    (number,) = await monitored(csms, wanted(power(csms), "Delta", 100.0))
    await energy_transfer_started(csms)
    (await _of(csms, 2, power(csms), number)).expect("trigger", "Delta")


@station_case("TC_N_51_CS")
async def threshold_moved(csms: SimulatedCsms) -> None:
    """A threshold that is moved below the value alerts."""
    await monitors_variables(csms)
    await _level(csms)
    highest = 22_000.0
    (number,) = await monitored(csms, wanted(power(csms), "UpperThreshold", highest, severity=5))
    await energy_transfer_started(csms)
    await csms.quiet()
    csms.forget("NotifyEvent")
    moved = wanted(power(csms), "UpperThreshold", _UPPER_W, id=number, severity=5)
    await set_monitors(csms, moved, step=3)
    found = await _of(csms, 4, power(csms), number)
    found.expect("trigger", "Alerting")
    _beyond(csms, 4, found, above=_UPPER_W)


@station_case("TC_N_52_CS")
async def threshold_removed(csms: SimulatedCsms) -> None:
    """A monitor that is cleared while its threshold is exceeded tells nothing more."""
    await monitors_variables(csms)
    await _level(csms)
    (number,) = await monitored(csms, wanted(power(csms), "UpperThreshold", 0.0))
    await energy_transfer_started(csms)
    await csms.quiet()
    response = await csms.call(2, "ClearVariableMonitoring", {"id": [number]})
    response.expect("clearMonitoringResult.0.status", "Accepted")
    response.expect("clearMonitoringResult.0.id", number)
    await get_report(
        csms, 4, "EmptyResultSet", monitoringCriteria=["ThresholdMonitoring"], componentVariable=[power(csms)]
    )
    before = len(csms.seen("NotifyEvent"))
    await stop_authorized(csms)
    await csms.quiet()
    for place, notice in enumerate(csms.seen("NotifyEvent")):
        for data in notice.payload["eventData"]:
            if data.get("variableMonitoringId") == number and (place >= before or data.get("cleared")):
                raise StepFailed(csms.step(6), "no event of the cleared monitor", str(data))


@station_case("TC_N_53_CS")
async def persistent(csms: SimulatedCsms) -> None:
    """Monitors outlast a reboot."""
    await monitors_variables(csms)
    (number,) = await monitored(csms, wanted(power(csms), "UpperThreshold", _UPPER_W))
    await booted(csms)
    found = await report(csms, 2, monitoringCriteria=["ThresholdMonitoring"])
    ours = [one for one in found if one.at("variableMonitoring.id") == number]
    if not ours:
        raise StepFailed(csms.step(3), f"the monitor {number}", str([one.payload for one in found]))
    ours[0].expect("variableMonitoring.type", "UpperThreshold")


@station_case("TC_N_56_CS")
async def other_delta(csms: SimulatedCsms) -> None:
    """Any change of what is no number is told."""
    await monitors_variables(csms)
    await _level(csms)
    (number,) = await monitored(csms, wanted(availability(csms), "Delta", severity=5))
    await csms.station.plug_in(csms.evse_id, csms.connector_id)
    (await _of(csms, 1, availability(csms), number)).expect("trigger", "Delta")


@station_case("TC_N_48_CS")
async def secret(csms: SimulatedCsms) -> None:
    """Of what cannot be read the value is not told."""
    await monitors_variables(csms)
    if await csms.value("SecurityCtrlr", "SecurityProfile") not in ("1", "2"):
        raise NotApplicable("the station has no password")
    password = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    (result,) = await set_monitors(csms, wanted(password, "Delta", severity=5), statuses=())
    if result.at("status") != "Accepted":
        raise NotApplicable("the station cannot watch its password")
    number = int(result.at("id"))
    new = secrets.token_hex(len(csms.configuration.password))[: len(csms.configuration.password)]
    csms.changed["SecurityCtrlr", "BasicAuthPassword", "", None] = csms.configuration.password
    response = await csms.call(2, "SetVariables", {"setVariableData": [{**password, "attributeValue": new}]})
    response.expect("setVariableResult.0.attributeStatus", "Accepted", "RebootRequired")
    if response.at("setVariableResult.0.attributeStatus") == "RebootRequired":
        await booted(csms)
    wait_s = csms.configuration.message_timeout_s + csms.configuration.reconnect_s
    found = await event(csms, 4, seconds=wait_s, variableMonitoringId=number)
    found.expect("actualValue", "")
    await csms.quiet()
