"""B01 to B04, B11 and B12: boots, resets, and what is told after a time offline."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    energy_transfer_started,
    ev_connected_post_session,
    ev_disconnected,
    parking_bay_unoccupied,
    stop_authorized,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.reports import report
from voltbridge.conformance.station.session import Session
from voltbridge.conformance.station.states import (
    booted,
    connector_is,
    connectors_are,
    reserved,
    unavailable,
)

__all__: list[str] = []


@station_case("TC_B_01_CS")
async def cold_boot(csms: SimulatedCsms) -> None:
    """A boot, accepted."""
    await booted(csms, reset=None)


def _registration(csms: SimulatedCsms, status: str) -> dict[str, Any]:
    """A BootNotificationResponse."""
    interval = csms.configuration.heartbeat_interval_s
    return {"currentTime": csms.now(), "interval": interval, "status": status}


@station_case("TC_B_02_CS")
async def pending(csms: SimulatedCsms) -> None:
    """A boot, pending: the station can be configured, starts nothing, and boots again when told to."""
    await csms.keep("OCPPCommCtrlr", "OfflineThreshold")
    csms.answers.once("BootNotification", lambda _: _registration(csms, "Pending"))
    before = csms.connections
    await csms.station.power_cycle()
    await csms.reconnected(1, after=before)
    await csms.take(1, "BootNotification", seconds=csms.configuration.reconnect_s)
    threshold = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "OfflineThreshold"}}
    response = await csms.call(4, "SetVariables", {"setVariableData": [threshold | {"attributeValue": "300"}]})
    response.expect("setVariableResult.0.attributeStatus", "Accepted")
    response = await csms.call(6, "GetVariables", {"getVariableData": [threshold]})
    response.expect("getVariableResult.0.attributeStatus", "Accepted")
    await report(csms, "FullInventory", step=8)
    start = {"idToken": csms.configuration.tokens.valid.wire, "remoteStartId": csms.next_id(), "evseId": csms.evse_id}
    (await csms.call(12, "RequestStartTransaction", start)).expect("status", "Rejected")
    response = await csms.call(14, "TriggerMessage", {"requestedMessage": "BootNotification"})
    response.expect("status", "Accepted", "NotImplemented")
    boot = await csms.take(15, "BootNotification", seconds=csms.configuration.heartbeat_interval_s + 10)
    if response.at("status") == "Accepted":
        boot.expect("reason", "Triggered")
    await connectors_are(csms, 17, "Available")


@station_case("TC_B_03_CS")
async def rejected(csms: SimulatedCsms) -> None:
    """A boot, rejected: the station is silent until the interval is over, then boots again."""
    csms.answers.once("BootNotification", lambda _: _registration(csms, "Rejected"))
    before = csms.connections
    await csms.station.power_cycle()
    await csms.reconnected(1, after=before)
    await csms.take(1, "BootNotification", seconds=csms.configuration.reconnect_s)
    first = csms.clock.now()
    interval_s = csms.configuration.heartbeat_interval_s
    await csms.take(3, "BootNotification", seconds=interval_s + csms.configuration.reconnect_s)
    if csms.clock.now() - first < timedelta(seconds=interval_s):
        raise StepFailed(csms.step(3), f"silence for {interval_s} s", f"a boot after {csms.clock.now() - first}")
    _nothing_before(csms, "BootNotification")
    await connectors_are(csms, 5, "Available")


def _nothing_before(csms: SimulatedCsms, action: str) -> None:
    """Raises StepFailed when something else came between the first two of this action."""
    actions = [one.action for one in csms.inbox.arrivals]
    first = actions.index(action)
    between = actions[first + 1 : actions.index(action, first + 1)]
    if between:
        raise StepFailed(csms.step(3), f"nothing before the next {action}Request", ", ".join(between))


@station_case("TC_B_30_CS")
async def rejected_asked(csms: SimulatedCsms) -> None:
    """A boot, rejected: whatever the CSMS asks meanwhile is refused."""
    csms.answers.once("BootNotification", lambda _: _registration(csms, "Rejected"))
    before = csms.connections
    await csms.station.power_cycle()
    await csms.reconnected(1, after=before)
    await csms.take(1, "BootNotification", seconds=csms.configuration.reconnect_s)
    if csms.online:
        request = {"requestId": csms.next_id(), "reportBase": "FullInventory"}
        await csms.refused(4, "GetBaseReport", request, "SecurityError")
    await csms.take("after", "BootNotification", seconds=csms.configuration.heartbeat_interval_s + 60)


async def _reset(csms: SimulatedCsms, kind: str, status: str, evse_id: int | None = None) -> int:
    """Reset the station or an EVSE; the number of the connection it had."""
    before = csms.connections
    evse = {} if evse_id is None else {"evseId": evse_id}
    (await csms.call(2, "Reset", {"type": kind, **evse})).expect("status", status)
    return before


async def _boots(csms: SimulatedCsms, step: int, before: int, *reasons: str) -> Received:
    await csms.reconnected(step, after=before)
    boot = await csms.take(step, "BootNotification", seconds=csms.configuration.reconnect_s)
    if reasons:
        boot.expect("reason", *reasons)
    return boot


@station_case("TC_B_20_CS")
async def reset_when_idle(csms: SimulatedCsms) -> None:
    """A reset when idle, of a station that is."""
    before = await _reset(csms, "OnIdle", "Accepted")
    await _boots(csms, 3, before)
    await connectors_are(csms, 5, "Available")


async def _finished(csms: SimulatedCsms, session: Session, number: int) -> bool:
    """End the transaction at an EVSE, through as many states as it takes; whether it was over as soon as stopped."""
    evse_id = session.evse_id
    await stop_authorized(csms, evse_id=evse_id)
    await ev_connected_post_session(csms, evse_id=evse_id)
    if not session.runs():
        return True
    await ev_disconnected(csms, evse_id=evse_id)
    if session.runs():
        await parking_bay_unoccupied(csms, evse_id=evse_id)
    if session.runs():
        raise StepFailed(csms.step(number), "an ended transaction", "one that still runs")
    return False


@station_case("TC_B_21_CS")
async def reset_after_transaction(csms: SimulatedCsms) -> None:
    """A reset when idle, scheduled while a transaction runs."""
    await energy_transfer_started(csms)
    session = csms.session()
    before = await _reset(csms, "OnIdle", "Scheduled")
    still_plugged = await _finished(csms, session, 6)
    await _boots(csms, 7, before, "ScheduledReset")
    for where in csms.configuration.connectors():
        here = still_plugged and where == (csms.evse_id, csms.connector_id)
        await connector_is(csms, 9, "Occupied" if here else "Available", *where)
    await csms.take(11, "SecurityEventNotification", {"type": ("StartupOfTheDevice", "ResetOrReboot")})


@station_case("TC_B_22_CS")
async def reset_in_transaction(csms: SimulatedCsms) -> None:
    """A reset at once ends the transaction that runs."""
    await energy_transfer_started(csms)
    csms.forget("StatusNotification")
    csms.forget("NotifyEvent")
    before = await _reset(csms, "Immediate", "Accepted")
    (await _ended_by_reset(csms)).expect("idToken", ABSENT)
    await _boots(csms, 5, before, "RemoteReset")
    for where in csms.configuration.connectors():
        here = where == (csms.evse_id, csms.connector_id)
        await connector_is(csms, 7, "Occupied" if here else "Available", *where)


async def _ended_by_reset(csms: SimulatedCsms) -> Received:
    """The TransactionEventRequest of a transaction that a reset ends."""
    event = await csms.take(3, "TransactionEvent", {"triggerReason": "ResetCommand"})
    event.expect("eventType", "Ended")
    event.expect("transactionInfo.chargingState", "EVConnected")
    event.expect("transactionInfo.stoppedReason", "ImmediateReset")
    return event


@station_case("TC_B_23_CS")
async def unavailable_persists(csms: SimulatedCsms) -> None:
    """What is unavailable stays so over a reset."""
    await unavailable(csms, evse_id=csms.evse_id, connector_id=csms.connector_id)
    csms.forget()
    before = await _reset(csms, "OnIdle", "Accepted")
    await _boots(csms, 3, before, "RemoteReset")
    for where in csms.configuration.connectors():
        here = where == (csms.evse_id, csms.connector_id)
        await connector_is(csms, 5, "Unavailable" if here else "Available", *where)


@station_case("TC_B_24_CS")
async def reservation_persists(csms: SimulatedCsms) -> None:
    """What is reserved stays so over a reset."""
    await reserved(csms)
    csms.forget()
    before = await _reset(csms, "Immediate", "Accepted")
    await _boots(csms, 3, before, "RemoteReset")
    for where in csms.configuration.connectors():
        await connector_is(csms, 5, "Reserved" if where[0] == csms.evse_id else "Available", *where)


@station_case("TC_B_41_CS")
async def reset_after_transactions(csms: SimulatedCsms) -> None:
    """A reset when idle, scheduled while transactions run at two EVSEs, waits for both."""
    if csms.configuration.evses < 2:
        raise NotApplicable("the station has one EVSE")
    await energy_transfer_started(csms, evse_id=1)
    await energy_transfer_started(csms, evse_id=2)
    before = await _reset(csms, "OnIdle", "Scheduled")
    plugged = {1: await _finished(csms, csms.session(1), 6)}
    await csms.none(7, "BootNotification")
    if plugged[1]:
        await ev_disconnected(csms, evse_id=1)
        plugged[1] = False
    plugged[2] = await _finished(csms, csms.session(2), 10)
    await _boots(csms, 11, before, "ScheduledReset")
    for where in csms.configuration.connectors():
        here = where[1] == csms.connector_id and plugged.get(where[0], False)
        await connector_is(csms, 13, "Occupied" if here else "Available", *where)


@station_case("TC_B_25_CS")
async def reset_of_evse(csms: SimulatedCsms) -> None:
    """A reset of one EVSE."""
    csms.needs("reset of an EVSE")
    await _reset(csms, "OnIdle", "Accepted", csms.evse_id)


@station_case("TC_B_26_CS")
async def reset_of_evse_after_transaction(csms: SimulatedCsms) -> None:
    """A reset of one EVSE when idle, scheduled while it has a transaction."""
    csms.needs("reset of an EVSE")
    await energy_transfer_started(csms)
    await _reset(csms, "OnIdle", "Scheduled", csms.evse_id)
    await parking_bay_unoccupied(csms)


@station_case("TC_B_27_CS")
async def reset_of_evse_in_transaction(csms: SimulatedCsms) -> None:
    """A reset of one EVSE at once ends its transaction."""
    csms.needs("reset of an EVSE")
    await energy_transfer_started(csms)
    await _reset(csms, "Immediate", "Accepted", csms.evse_id)
    await _ended_by_reset(csms)


@station_case("TC_B_28_CS")
async def reset_of_evse_unsupported(csms: SimulatedCsms) -> None:
    """A reset of one EVSE, of a station that cannot."""
    _cannot_reset_evse(csms)
    await _reset(csms, "OnIdle", "Rejected", csms.evse_id)


@station_case("TC_B_29_CS")
async def reset_of_busy_evse_unsupported(csms: SimulatedCsms) -> None:
    """A reset of one EVSE that has a transaction, of a station that cannot."""
    _cannot_reset_evse(csms)
    await energy_transfer_started(csms)
    await _reset(csms, "OnIdle", "Rejected", csms.evse_id)


def _cannot_reset_evse(csms: SimulatedCsms) -> None:
    if "reset of an EVSE" in csms.configuration.features:
        raise NotApplicable("the station can reset an EVSE")


async def _plugged_offline(csms: SimulatedCsms, offline_s: float) -> int:
    """A car is plugged in while the station is offline for so long; the number of the connection it had."""
    before = csms.connections
    await csms.close(refuse=True)
    await csms.station.plug_in(csms.evse_id, csms.connector_id)
    csms.session().ev_connected = True
    await csms.wait(offline_s)
    csms.forget()
    csms.accept()
    return before


@station_case("TC_B_51_CS")
async def offline_for_long(csms: SimulatedCsms) -> None:
    """After more than OfflineThreshold offline, the status of all connectors is told."""
    threshold_s = csms.configuration.offline_threshold_s
    await csms.configured("OCPPCommCtrlr", "OfflineThreshold", str(threshold_s))
    await csms.configured("OCPPCommCtrlr", "RetryBackOffWaitMinimum", str(threshold_s + 2))
    await csms.configured("OCPPCommCtrlr", "RetryBackOffRandomRange", "0")
    before = await _plugged_offline(csms, threshold_s + 1)
    await csms.reconnected(3, after=before, seconds=2 * threshold_s + csms.configuration.reconnect_s)
    for where in csms.configuration.connectors():
        here = where == (csms.evse_id, csms.connector_id)
        await connector_is(csms, 4, "Occupied" if here else "Available", *where)


@station_case("TC_B_52_CS")
async def offline_for_short(csms: SimulatedCsms) -> None:
    """After less than OfflineThreshold offline, the status of the connector that changed is told."""
    threshold_s = csms.configuration.offline_threshold_s
    await csms.configured("OCPPCommCtrlr", "OfflineThreshold", str(threshold_s))
    await csms.configured("OCPPCommCtrlr", "RetryBackOffWaitMinimum", str(threshold_s - 2))
    await csms.configured("OCPPCommCtrlr", "RetryBackOffRandomRange", "0")
    before = await _plugged_offline(csms, 1)
    await csms.reconnected(3, after=before, seconds=threshold_s + csms.configuration.reconnect_s)
    await connector_is(csms, 4, "Occupied")
    await csms.quiet()
    for evse_id, connector_id in csms.configuration.connectors():
        if (evse_id, connector_id) != (csms.evse_id, csms.connector_id):
            about = {"evseId": evse_id, "connectorId": connector_id}
            await csms.none(4, "StatusNotification", about)
