"""E06, E07, E09, E10: when a transaction stops, and what unplugging the car's side does."""

from __future__ import annotations

from voltbridge.conformance.failure import NotApplicable
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    authorized,
    energy_transfer_started,
    energy_transfer_suspended,
    ev_connected_post_session,
    ev_disconnected,
    parking_bay_unoccupied,
    start_offline_transaction,
    stop_authorized,
    tx_start_points,
    tx_stop_points,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.high_level import connected_and_authorized, talking_cars
from voltbridge.conformance.station.memory import id_token_cached, id_tokens_in_local_list
from voltbridge.conformance.station.states import (
    connector_is,
)

__all__: list[str] = []


async def _stops_at(csms: SimulatedCsms, *points: str) -> None:
    """Configuration State: TxStopPoint is this."""
    if await tx_stop_points(csms) != set(points):
        await csms.configured("TxCtrlr", "TxStopPoint", ",".join(points))


async def _asks_for_tokens(csms: SimulatedCsms) -> None:
    await csms.configure("AuthCtrlr", "Enabled", "true")
    await csms.configure("AuthCtrlr", "DisableRemoteAuthorization", "false")


async def _car_side_unplugged(csms: SimulatedCsms, step: int = 1) -> Received:
    """The cable is taken out of the car; the TransactionEventRequest that says so."""
    await csms.station.unplug_at_ev(csms.evse_id)
    event = await csms.take(step, "TransactionEvent", {"triggerReason": "EVCommunicationLost"})
    event.expect("transactionInfo.chargingState", "Idle")
    return event


async def _cable_taken_out(csms: SimulatedCsms, *, with_token: bool) -> None:
    """The cable is taken out of the station, after its owner showed the idToken where it is held until then."""
    if "attached cable" not in csms.configuration.features:
        if with_token:
            await csms.station.present(csms.session().token, csms.evse_id)
            await csms.quiet()
        await csms.station.unplug(csms.evse_id, csms.connector_id)
    csms.session().ev_connected = False
    await connector_is(csms, 3, "Available")


@station_case("TC_E_16_CS")
async def deauthorized_after_offline(csms: SimulatedCsms) -> None:
    """A transaction begun offline with an idToken that turns out invalid is stopped."""
    await _stops_at(csms, "PowerPathClosed", "Authorized")
    await _asks_for_tokens(csms)
    await csms.configure("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    await csms.configured("TxCtrlr", "StopTxOnInvalidId", "true")
    if await csms.value("AuthCacheCtrlr", "Enabled") == "true":
        await id_token_cached(csms)
    if await csms.value("LocalAuthListCtrlr", "Enabled") == "true":
        await id_tokens_in_local_list(csms)
    before = await start_offline_transaction(csms)
    csms.forget()
    csms.answers.statuses[csms.session().token.id_token] = "Invalid"
    csms.accept()
    await csms.reconnected(1, after=before, seconds=10 * csms.configuration.reconnect_s)
    (await csms.take(1, "TransactionEvent")).expect("offline", True)
    event = await csms.take(3, "TransactionEvent", {"triggerReason": "Deauthorized"})
    event.expect("eventType", "Ended")
    event.expect("transactionInfo.stoppedReason", "DeAuthorized")


@station_case("TC_E_17_CS")
async def deauthorized_by_car_side(csms: SimulatedCsms) -> None:
    """Unplugging the car's side ends the authorization, and with it the transaction."""
    await _stops_at(csms, "Authorized")
    await csms.configured("TxCtrlr", "StopTxOnEVSideDisconnect", "true")
    await csms.configured("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "false")
    await _asks_for_tokens(csms)
    await energy_transfer_suspended(csms)
    event = await _car_side_unplugged(csms)
    event.expect("transactionInfo.stoppedReason", "EVDisconnected")
    event.expect("eventType", "Ended")
    await _cable_taken_out(csms, with_token=True)


@station_case("TC_E_39_CS")
async def deauthorized_by_time(csms: SimulatedCsms) -> None:
    """No cable in time ends the authorization; a cable that comes later does not charge."""
    timeout_s = int(csms.configuration.ev_connection_timeout_s)
    await _stops_at(csms, "Authorized")
    await csms.configured("TxCtrlr", "EVConnectionTimeOut", str(timeout_s))
    await _asks_for_tokens(csms)
    await authorized(csms)
    starts = await tx_start_points(csms)
    # The document wants Updated where it began in the bay, E03.FR.05 its end, as TxStopPoint has no bay.
    ends = ("Updated", "Ended") if "ParkingBayOccupancy" in starts else ("Ended",)
    if starts & {"ParkingBayOccupancy", "Authorized"}:
        wait_s = timeout_s + csms.configuration.message_timeout_s
        event = await csms.take(1, "TransactionEvent", {"triggerReason": "EVConnectTimeout"}, seconds=wait_s)
        event.expect("eventType", *ends)
        event.expect("transactionInfo.stoppedReason", "Timeout")
    else:
        await csms.wait(timeout_s + 1)
    await csms.quiet()
    csms.forget()
    await csms.station.plug_in(csms.evse_id, csms.connector_id)
    csms.session().ev_connected = True
    await connector_is(csms, 3, "Occupied")
    event_or_none = await csms.maybe(5, "TransactionEvent", seconds=10)
    if event_or_none is not None:
        event_or_none.expect("triggerReason", "CablePluggedIn")
    await csms.none(5, "TransactionEvent", {"transactionInfo.chargingState": "Charging"})


@station_case("TC_E_06_CS")
async def stopped_by_token(csms: SimulatedCsms) -> None:
    """The driver stops the transaction with the idToken."""
    await _asks_for_tokens(csms)
    await energy_transfer_started(csms)
    await stop_authorized(csms, remote=False)
    await ev_connected_post_session(csms)
    await ev_disconnected(csms)
    await parking_bay_unoccupied(csms)


@station_case("TC_E_07_CS")
async def power_path_opened(csms: SimulatedCsms) -> None:
    """The transaction stops when the power path opens, by the driver."""
    await _stops_at(csms, "PowerPathClosed")
    await energy_transfer_started(csms)
    await stop_authorized(csms, remote=False)


async def _stopped_by_csms(csms: SimulatedCsms) -> None:
    request = {"transactionId": csms.session().transaction_id}
    (await csms.call(2, "RequestStopTransaction", request)).expect("status", "Accepted")
    event = await csms.take(3, "TransactionEvent", {"triggerReason": "RemoteStop"})
    if event.at("eventType") != "Ended":
        event = await csms.take(3, "TransactionEvent")
    event.expect("transactionInfo.stoppedReason", "Remote")
    event.expect("eventType", "Ended")


@station_case("TC_E_35_CS")
async def power_path_opened_by_csms(csms: SimulatedCsms) -> None:
    """The transaction stops when the power path opens, by the CSMS."""
    await _stops_at(csms, "PowerPathClosed")
    await energy_transfer_started(csms)
    await _stopped_by_csms(csms)


@station_case("TC_E_37_CS")
async def power_path_opened_by_car(csms: SimulatedCsms) -> None:
    """The transaction stops when the power path opens, since the cable left the car."""
    await _stops_at(csms, "PowerPathClosed")
    await csms.configure("TxCtrlr", "StopTxOnEVSideDisconnect", "false")
    await energy_transfer_suspended(csms)
    event = await _car_side_unplugged(csms)
    event.expect("transactionInfo.stoppedReason", "EVDisconnected", "StoppedByEV")
    event.expect("eventType", "Ended")


@station_case("TC_E_08_CS")
async def energy_transfer_stopped(csms: SimulatedCsms) -> None:
    """The transaction stops when the energy does, by the driver."""
    await _stops_at(csms, "EnergyTransfer")
    await energy_transfer_started(csms)
    await stop_authorized(csms)


@station_case("TC_E_22_CS")
async def energy_transfer_suspended_by_car(csms: SimulatedCsms) -> None:
    """The transaction stops when the energy does, by the car."""
    await _stops_at(csms, "EnergyTransfer")
    await energy_transfer_started(csms)
    await csms.station.suspend(csms.evse_id)
    event = await csms.take(1, "TransactionEvent", {"triggerReason": "ChargingStateChanged"})
    event.expect("transactionInfo.chargingState", "EVConnected", "SuspendedEV")
    event.expect("transactionInfo.stoppedReason", "StoppedByEV")
    event.expect("eventType", "Ended")


@station_case("TC_E_14_CS")
async def ev_disconnected_at_station(csms: SimulatedCsms) -> None:
    """The transaction stops when the cable leaves the station."""
    await _stops_at(csms, "EVConnected")
    await ev_connected_post_session(csms)
    event = await ev_disconnected(csms)
    assert event is not None
    remote = ("Remote", "EVDisconnected")
    local = ("Local", "EVDisconnected", ABSENT)
    event.expect("transactionInfo.stoppedReason", *(remote if csms.session().remote else local))
    event.expect("eventType", "Ended")


@station_case("TC_E_20_CS")
async def ev_disconnected_at_car(csms: SimulatedCsms) -> None:
    """The transaction stops when the cable leaves the car (IEC 61851-1)."""
    await _stops_at(csms, "EVConnected")
    await csms.configure("TxCtrlr", "StopTxOnEVSideDisconnect", "false")
    await energy_transfer_suspended(csms)
    event = await _car_side_unplugged(csms)
    event.expect("transactionInfo.stoppedReason", "EVDisconnected")
    event.expect("eventType", "Ended")


@station_case("TC_E_54_CS")
async def ev_disconnected_at_talking_car(csms: SimulatedCsms) -> None:
    """The transaction stops when the cable leaves the car (ISO 15118)."""
    await talking_cars(csms, schedules=False)
    await _stops_at(csms, "EVConnected")
    await csms.configure("TxCtrlr", "StopTxOnEVSideDisconnect", "false")
    await energy_transfer_suspended(csms)
    event = await _car_side_unplugged(csms)
    event.expect("transactionInfo.stoppedReason", "StoppedByEV", "EVDisconnected")
    event.expect("eventType", "Ended")


@station_case("TC_E_46_CS")
async def session_stopped_by_talking_car(csms: SimulatedCsms) -> None:
    """The car ends its session (ISO 15118)."""
    await talking_cars(csms, schedules=False)
    await connected_and_authorized(csms)
    await energy_transfer_started(csms)
    ends = bool(await tx_stop_points(csms) & {"Authorized", "PowerPathClosed", "EnergyTransfer"})
    await csms.station.stop_session(csms.evse_id)
    event = await csms.take(1, "TransactionEvent", {"triggerReason": "StopAuthorized"})
    event.expect("eventType", "Ended" if ends else "Updated")
    event.expect("transactionInfo.chargingState", "EVConnected")
    if ends:
        event.expect("transactionInfo.stoppedReason", "StoppedByEV")


@station_case("TC_E_15_CS")
async def authorization_ended(csms: SimulatedCsms) -> None:
    """The transaction stops with its authorization, by the driver."""
    await _stops_at(csms, "Authorized")
    await energy_transfer_started(csms)
    await csms.transaction_duration()
    await csms.station.present(csms.session().token, csms.evse_id)
    event = await csms.take(1, "TransactionEvent", {"triggerReason": "StopAuthorized"})
    event.expect("transactionInfo.stoppedReason", "Local")
    event.expect("eventType", "Ended")


@station_case("TC_E_21_CS")
async def authorization_ended_by_csms(csms: SimulatedCsms) -> None:
    """The transaction stops with its authorization, by the CSMS."""
    await _stops_at(csms, "Authorized")
    await energy_transfer_started(csms)
    request = {"transactionId": csms.session().transaction_id}
    (await csms.call(2, "RequestStopTransaction", request)).expect("status", "Accepted")
    event = await csms.take(3, "TransactionEvent", {"triggerReason": "RemoteStop"})
    event.expect("transactionInfo.stoppedReason", "Remote")
    event.expect("eventType", "Ended")


@station_case("TC_E_19_CS")
async def parking_bay_left(csms: SimulatedCsms) -> None:
    """The transaction stops when the car leaves the parking bay."""
    await _stops_at(csms, "ParkingBayOccupancy")
    await ev_disconnected(csms)
    await parking_bay_unoccupied(csms)


@station_case("TC_E_24_CS")
async def unlocked_by_car_side(csms: SimulatedCsms) -> None:
    """Unplugging the car's side unlocks the station's."""
    if "attached cable" in csms.configuration.features:
        raise NotApplicable("the station has an attached cable")
    await csms.configured("TxCtrlr", "StopTxOnEVSideDisconnect", "true")
    await csms.configured("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "true")
    await energy_transfer_suspended(csms)
    await _car_side_unplugged(csms)
    await _cable_taken_out(csms, with_token=False)


@station_case("TC_E_25_CS")
async def held_after_car_side(csms: SimulatedCsms) -> None:
    """Unplugging the car's side leaves the cable held for its owner."""
    await csms.configured("TxCtrlr", "StopTxOnEVSideDisconnect", "true")
    await csms.configured("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "false")
    await energy_transfer_suspended(csms)
    await _car_side_unplugged(csms)
    await _cable_taken_out(csms, with_token=True)


async def _suspended_by_car_side(csms: SimulatedCsms) -> None:
    """The transaction goes on without its car (E10)."""
    points = [one for one in ("Authorized", "ParkingBayOccupancy") if one in csms.configuration.stop_points]
    await _stops_at(csms, *points)
    await csms.configured("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "false")
    await csms.configured("TxCtrlr", "StopTxOnEVSideDisconnect", "false")
    await energy_transfer_suspended(csms)
    event = await _car_side_unplugged(csms)
    event.expect("eventType", "Updated")
    if "attached cable" in csms.configuration.features:
        await connector_is(csms, 3, "Available")


@station_case("TC_E_26_CS")
async def car_back(csms: SimulatedCsms) -> None:
    """A transaction goes on when its car is plugged in again."""
    await _suspended_by_car_side(csms)
    await csms.station.plug_at_ev(csms.evse_id)
    event = await csms.take(5, "TransactionEvent", {"triggerReason": "CablePluggedIn"})
    event.expect("transactionInfo.chargingState", "EVConnected")
    event.expect("eventType", "Updated")
    event = await csms.take(7, "TransactionEvent", {"triggerReason": "ChargingStateChanged"})
    event.expect("transactionInfo.chargingState", "Charging")
    event.expect("eventType", "Updated")


@station_case("TC_E_27_CS")
async def car_gone(csms: SimulatedCsms) -> None:
    """A transaction ends when its car does not come back in time."""
    csms.needs("attached cable")
    timeout_s = int(csms.configuration.ev_connection_timeout_s)
    await csms.configured("TxCtrlr", "EVConnectionTimeOut", str(timeout_s))
    await _suspended_by_car_side(csms)
    wait_s = timeout_s + csms.configuration.message_timeout_s
    event = await csms.take(5, "TransactionEvent", seconds=wait_s)
    event.expect("triggerReason", "EVConnectTimeout")
    if "Authorized" in await tx_stop_points(csms):
        event.expect("eventType", "Ended")
        event.expect("transactionInfo.stoppedReason", "Timeout")
    else:
        event.expect("eventType", "Updated")
