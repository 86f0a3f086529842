"""The reusable states of Part 6, 2.18, that a charging session goes through, after errata.

Each brings the station into a state and checks what it says. Which TransactionEventRequests a state sees depends on
TxStartPoint and TxStopPoint: whether the transaction runs is taken from what the station sent, and whether it should
begin or end here from the two variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from voltbridge.conformance.configuration import Token
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.session import Session, State
from voltbridge.conformance.station.states import connector_is, settled

__all__ = [
    "authorized",
    "deauthorized",
    "energy_transfer_started",
    "energy_transfer_suspended",
    "ev_connected_post_session",
    "ev_connected_pre_session",
    "ev_disconnected",
    "parking_bay_occupied",
    "parking_bay_unoccupied",
    "start_offline_transaction",
    "stop_authorized",
    "tx_start_points",
    "tx_stop_points",
]

_ENDS_WHEN_STOPPED: Final = {"Authorized", "PowerPathClosed", "EnergyTransfer"}


async def tx_start_points(csms: SimulatedCsms) -> frozenset[str]:
    """The values of TxStartPoint."""
    return _members(await csms.value("TxCtrlr", "TxStartPoint"))


async def tx_stop_points(csms: SimulatedCsms) -> frozenset[str]:
    """The values of TxStopPoint."""
    return _members(await csms.value("TxCtrlr", "TxStopPoint"))


async def parking_bay_occupied(csms: SimulatedCsms, *, evse_id: int | None = None) -> None:
    """A car is in the parking bay."""
    session = csms.session(evse_id)
    with csms.stage(State.PARKING_BAY_OCCUPIED):
        await csms.station.drive_in(session.evse_id)
        session.in_bay = True
        if "ParkingBayOccupancy" in await tx_start_points(csms):
            await csms.take(1, "TransactionEvent", {"triggerReason": "EVDetected"})
            session.begun = True
    session.state = State.PARKING_BAY_OCCUPIED


async def ev_connected_pre_session(csms: SimulatedCsms, *, evse_id: int | None = None) -> Received | None:
    """EV and EVSE are connected; the TransactionEventRequest about it, if the transaction runs by now."""
    session = csms.session(evse_id)
    if not session.in_bay:
        await parking_bay_occupied(csms, evse_id=evse_id)
    event = None
    with csms.stage(State.EV_CONNECTED_PRE_SESSION):
        running = session.runs()
        starts = await tx_start_points(csms)
        await settled(csms, session.evse_id)
        await csms.station.plug_in(session.evse_id, csms.connector_id)
        await connector_is(csms, 1, "Occupied", session.evse_id)
        begins = "EVConnected" in starts or (session.authorized and "PowerPathClosed" in starts)
        if begins or running:
            event = await csms.take(3, "TransactionEvent", {"eventType": ("Started", "Updated")})
            event.expect("eventType", "Updated" if running else "Started")
            session.begun = True
            event.expect("triggerReason", "CablePluggedIn", "ChargingStateChanged", "RemoteStart")
            states = ("EVConnected", "SuspendedEVSE", "Charging") if session.authorized else ("EVConnected",)
            event.expect("transactionInfo.chargingState", *states)
            event.expect("evse.id", session.evse_id)
            event.expect("evse.connectorId", csms.connector_id)
    session.ev_connected = True
    session.state = State.EV_CONNECTED_PRE_SESSION
    return event


async def authorized(
    csms: SimulatedCsms,
    *,
    evse_id: int | None = None,
    token: Token | None = None,
    cached: bool = False,
    reserved: bool = False,
    remote: bool | None = None,
    profile: Mapping[str, Any] | None = None,
) -> Received | None:
    """The session is authorized; the TransactionEventRequest about it, if the transaction runs by now.

    ``cached``: the station knows the token and need not ask. ``reserved``: the EVSE is reserved for it, so the station
    may ask. ``remote``: by RequestStartTransaction; by default as configured. ``profile``: a charging profile with it.
    """
    session = csms.session(evse_id)
    session.token = token or session.token
    remote = csms.configuration.remote_authorization if remote is None else remote
    if session.state not in (State.PARKING_BAY_OCCUPIED, State.EV_CONNECTED_PRE_SESSION):
        await parking_bay_occupied(csms, evse_id=evse_id)
    with csms.stage(State.AUTHORIZED):
        if remote:
            event = await _authorized_remotely(csms, session, asked=not (cached or reserved), profile=profile)
        else:
            event = await _authorized_here(csms, session, asked=not cached, must=not reserved)
    session.authorized = True
    session.remote = remote
    session.state = State.AUTHORIZED
    return event


async def _authorized_here(csms: SimulatedCsms, session: Session, *, asked: bool, must: bool) -> Received | None:
    running = session.runs()
    starts = await tx_start_points(csms)
    await csms.station.present(session.token, session.evse_id)
    if asked and await csms.value("AuthCtrlr", "Enabled") != "false":
        await _asks(csms, 1, session.token, must=must)
    begins = "Authorized" in starts or (session.ev_connected and "PowerPathClosed" in starts)
    if not (begins or running):
        return None
    event = await csms.take(3, "TransactionEvent", {"triggerReason": "Authorized"})
    event.expect("eventType", "Updated" if running else "Started")
    session.begun = True
    _names(event, session.token)
    return event


async def _authorized_remotely(
    csms: SimulatedCsms, session: Session, *, asked: bool, profile: Mapping[str, Any] | None
) -> Received | None:
    running = session.transaction_id
    starts = await tx_start_points(csms)
    number = csms.next_id()
    request = {"idToken": session.token.wire, "evseId": session.evse_id, "remoteStartId": number}
    if profile is not None:
        request["chargingProfile"] = profile
    response = await csms.call(2, "RequestStartTransaction", request)
    response.expect("status", "Accepted")
    if running is not None:
        response.expect("transactionId", running)
    if await csms.value("AuthCtrlr", "AuthorizeRemoteStart") == "true":
        await _asks(csms, 3, session.token, must=asked)
    begins = "Authorized" in starts or (session.ev_connected and "PowerPathClosed" in starts)
    if not (begins or running is not None):
        return None
    event = await csms.take(5, "TransactionEvent", {"triggerReason": "RemoteStart"})
    event.expect("eventType", "Started" if running is None else "Updated")
    session.begun = True
    event.expect("transactionInfo.remoteStartId", number)
    _names(event, session.token)
    return event


async def _asks(csms: SimulatedCsms, step: int, token: Token, *, must: bool) -> None:
    """The station asks the CSMS about the token, or may ask."""
    found = await csms.take(step, "Authorize") if must else await csms.maybe(step, "Authorize")
    if found is not None:
        found.expect("idToken.idToken", token.id_token)
        found.expect("idToken.type", token.type)


async def energy_transfer_started(csms: SimulatedCsms, *, evse_id: int | None = None) -> Received | None:
    """Energy flows; the TransactionEventRequest that says so."""
    session = csms.session(evse_id)
    if not session.authorized:
        await authorized(csms, evse_id=evse_id)
    with csms.stage(State.ENERGY_TRANSFER_STARTED):
        starts = await tx_start_points(csms)
        if not session.ev_connected:
            running = session.runs()
            await settled(csms, session.evse_id)
            await csms.station.plug_in(session.evse_id, csms.connector_id)
            await connector_is(csms, 1, "Occupied", session.evse_id)
            if running or "EVConnected" in starts:
                event = await csms.take(3, "TransactionEvent", {"triggerReason": "CablePluggedIn"})
                session.begun = True
                event.expect("transactionInfo.chargingState", "EVConnected")
                event.expect("evse.id", session.evse_id)
                event.expect("evse.connectorId", csms.connector_id)
            session.ev_connected = True
        if "DataSigned" in starts and not session.runs():
            await csms.take(5, "TransactionEvent", {"triggerReason": "SignedDataReceived"})
        charging = {"triggerReason": "ChargingStateChanged", "transactionInfo.chargingState": "Charging"}
        if "PowerPathClosed" in starts and not session.begun:
            # The same as in EVConnectedPreSession, where the power path may close as well.
            event = await csms.take(7, "TransactionEvent", {"eventType": "Started"})
            session.begun = True
            event.expect("triggerReason", "ChargingStateChanged", "CablePluggedIn", "RemoteStart", "Authorized")
            event.expect("transactionInfo.chargingState", "SuspendedEVSE", "EVConnected", "Charging")
        event_or_none = None
        if "EnergyTransfer" in starts or session.runs():
            # Where the transaction begins with the energy, its first message has said so.
            began_so = session.charging_state == "Charging" and "PowerPathClosed" in starts
            event_or_none = await (csms.maybe if began_so else csms.take)(9, "TransactionEvent", charging)
    session.state = State.ENERGY_TRANSFER_STARTED
    return event_or_none


async def energy_transfer_suspended(csms: SimulatedCsms, *, evse_id: int | None = None) -> Received | None:
    """The car takes no more energy; the TransactionEventRequest that says so."""
    session = csms.session(evse_id)
    if session.state is not State.ENERGY_TRANSFER_STARTED:
        await energy_transfer_started(csms, evse_id=evse_id)
    event = None
    with csms.stage(State.ENERGY_TRANSFER_SUSPENDED):
        await csms.transaction_duration()
        running = session.runs()
        await csms.station.suspend(session.evse_id)
        if running:
            event = await csms.take(1, "TransactionEvent", {"triggerReason": "ChargingStateChanged"})
            event.expect("transactionInfo.chargingState", "EVConnected", "SuspendedEV")
            if event.at("eventType") == "Ended":
                event.expect("transactionInfo.stoppedReason", "StoppedByEV")
    session.state = State.ENERGY_TRANSFER_SUSPENDED
    return event


async def stop_authorized(csms: SimulatedCsms, *, evse_id: int | None = None, remote: bool | None = None) -> Received:
    """The session is authorized to stop; the last TransactionEventRequest about it."""
    session = csms.session(evse_id)
    remote = csms.configuration.remote_authorization if remote is None else remote
    if session.state not in (State.ENERGY_TRANSFER_STARTED, State.ENERGY_TRANSFER_SUSPENDED):
        await energy_transfer_started(csms, evse_id=evse_id)
    with csms.stage(State.STOP_AUTHORIZED):
        ends = bool(await tx_stop_points(csms) & _ENDS_WHEN_STOPPED)
        await csms.transaction_duration()
        if remote:
            request = {"transactionId": session.transaction_id or ""}
            (await csms.call(2, "RequestStopTransaction", request)).expect("status", "Accepted")
            first = await csms.take(3, "TransactionEvent", {"triggerReason": "RemoteStop"})
        else:
            await csms.station.present(session.token, session.evse_id)
            first = await csms.take(1, "TransactionEvent", {"triggerReason": "StopAuthorized"})
            if first.at("idToken") is not ABSENT:
                _names(first, session.token)
        last = first
        if first.at("eventType") != "Ended":
            stopped = {"triggerReason": "ChargingStateChanged", "transactionInfo.chargingState": "EVConnected"}
            second = await (
                csms.take(3, "TransactionEvent", stopped) if ends else csms.maybe(3, "TransactionEvent", stopped)
            )
            last = second or first
        last.expect("eventType", "Ended" if ends else "Updated")
        if ends:
            last.expect("transactionInfo.stoppedReason", *(("Remote",) if remote else ("Local", ABSENT)))
    session.remote = remote
    session.state = State.STOP_AUTHORIZED
    return last


async def ev_connected_post_session(csms: SimulatedCsms, *, evse_id: int | None = None) -> None:
    """Energy transfer has stopped, and needs a new authorization to go on."""
    session = csms.session(evse_id)
    if session.state is not State.STOP_AUTHORIZED:
        await stop_authorized(csms, evse_id=evse_id)
    with csms.stage(State.EV_CONNECTED_POST_SESSION):
        # Where the transaction goes on, the step before may have told of it already.
        if session.runs() and session.charging_state != "EVConnected":
            stopped = {"triggerReason": "ChargingStateChanged", "transactionInfo.chargingState": "EVConnected"}
            await csms.take(1, "TransactionEvent", stopped)
        if session.runs() and "DataSigned" in await tx_stop_points(csms):
            await csms.take(3, "TransactionEvent", {"triggerReason": "SignedDataReceived"})
    session.state = State.EV_CONNECTED_POST_SESSION


async def ev_disconnected(csms: SimulatedCsms, *, evse_id: int | None = None) -> Received | None:
    """EV and EVSE are disconnected; the TransactionEventRequest about it, if the transaction ran until then."""
    session = csms.session(evse_id)
    if session.state is not State.EV_CONNECTED_POST_SESSION:
        await ev_connected_post_session(csms, evse_id=evse_id)
    event = None
    with csms.stage(State.EV_DISCONNECTED):
        running = session.runs()
        await settled(csms, session.evse_id)
        await csms.station.unplug(session.evse_id, csms.connector_id)
        await connector_is(csms, 1, "Available", session.evse_id)
        if running:
            event = await csms.take(3, "TransactionEvent", {"triggerReason": "EVCommunicationLost"})
            event.expect("transactionInfo.chargingState", "Idle")
    session.ev_connected = session.authorized = False
    session.state = State.EV_DISCONNECTED
    return event


async def parking_bay_unoccupied(
    csms: SimulatedCsms, *, evse_id: int | None = None, reasons: tuple[str, ...] | None = None
) -> None:
    """The car has left. ``reasons``: what may have stopped the transaction; None: whoever was told to stop it here."""
    session = csms.session(evse_id)
    if session.state is not State.EV_DISCONNECTED:
        await ev_disconnected(csms, evse_id=evse_id)
    with csms.stage(State.PARKING_BAY_UNOCCUPIED):
        running = session.runs()
        await csms.station.drive_out(session.evse_id)
        session.in_bay = False
        if running:
            event = await csms.take(1, "TransactionEvent", {"triggerReason": "EVDeparted"})
            event.expect("transactionInfo.stoppedReason", *(reasons or ("Remote" if session.remote else "Local",)))
            event.expect("eventType", "Ended")
    session.state = State.PARKING_BAY_UNOCCUPIED


async def deauthorized(csms: SimulatedCsms, *, evse_id: int | None = None) -> Received | None:
    """The CSMS answers the first TransactionEventRequest with Invalid; what the station tells of it, if it stops.

    To be called with the station in a state before its first TransactionEventRequest; ``csms.answers`` has to answer
    it so.
    """
    session = csms.session(evse_id)
    with csms.stage("Deauthorized"):
        first = await csms.take(1, "TransactionEvent", {"idToken.idToken": session.token.id_token})
        _names(first, session.token)
        if await csms.value("TxCtrlr", "StopTxOnInvalidId") != "true":
            return None
        event = await csms.take(3, "TransactionEvent", {"triggerReason": "Deauthorized"})
        event.expect("transactionInfo.chargingState", "EVConnected", "SuspendedEVSE")
        if await tx_stop_points(csms) & _ENDS_WHEN_STOPPED:
            event.expect("eventType", "Ended")
            event.expect("transactionInfo.stoppedReason", "DeAuthorized")
        else:
            event.expect("eventType", "Updated")
    session.authorized = False
    return event


async def start_offline_transaction(csms: SimulatedCsms, *, evse_id: int | None = None) -> int:
    """A transaction starts without a connection, which is refused until ``csms.accept``; the last one's number."""
    session = csms.session(evse_id)
    with csms.stage("StartOfflineTransaction"):
        before = csms.connections
        await csms.close(refuse=True)
        await csms.quiet()  # nobody drives in before the station has noticed
        await csms.station.drive_in(session.evse_id)
        await csms.station.present(session.token, session.evse_id)
        await csms.station.plug_in(session.evse_id, csms.connector_id)
    session.in_bay = session.authorized = session.ev_connected = True
    return before


def _names(event: Received, token: Token) -> None:
    event.expect("idToken.idToken", token.id_token)
    event.expect("idToken.type", token.type)


def _members(value: str | None) -> frozenset[str]:
    return frozenset(one.strip() for one in (value or "").split(",") if one.strip())
