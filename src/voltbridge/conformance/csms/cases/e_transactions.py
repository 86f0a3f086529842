"""Block E: every way a transaction starts and stops, and the restart of its sequence numbers."""

from __future__ import annotations

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.meter import meter_value
from voltbridge.conformance.csms.states import (
    authorized,
    energy_transfer_started,
    energy_transfer_suspended,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    occupy,
    stop_authorized,
)
from voltbridge.conformance.csms.station import SimulatedStation

__all__: list[str] = []


@csms_case("TC_E_01_CSMS")
async def starts_with_power_path(station: SimulatedStation) -> None:
    """A transaction starts when the power path closes."""
    await _authorize_and_occupy(station)
    response = await station.transaction_event(
        5,
        "Started",
        "ChargingStateChanged",
        token=station.configuration.tokens.valid,
        known_evse=True,
        chargingState="SuspendedEVSE",
    )
    response.expect("idTokenInfo.status", "Accepted")
    await station.transaction_event(7, "Updated", "ChargingStateChanged", chargingState="Charging")


@csms_case("TC_E_02_CSMS")
async def starts_with_energy(station: SimulatedStation) -> None:
    """A transaction starts when energy flows."""
    await _authorize_and_occupy(station)
    response = await station.transaction_event(
        5,
        "Started",
        "ChargingStateChanged",
        token=station.configuration.tokens.valid,
        known_evse=True,
        chargingState="Charging",
    )
    response.expect("idTokenInfo.status", "Accepted")


@csms_case("TC_E_03_CSMS")
async def cable_first(station: SimulatedStation) -> None:
    """The cable is plugged in, then the idToken is presented."""
    await ev_connected_pre_session(station)
    await authorized(station)
    await energy_transfer_started(station)


@csms_case("TC_E_04_CSMS")
async def token_first(station: SimulatedStation) -> None:
    """The idToken is presented, then the cable is plugged in."""
    await authorized(station)
    await energy_transfer_started(station)


@csms_case("TC_E_09_CSMS")
async def starts_with_cable(station: SimulatedStation) -> None:
    """A transaction starts when EV and EVSE are connected."""
    await occupy(station, 1)
    await station.transaction_event(3, "Started", "CablePluggedIn", known_evse=True, chargingState="EVConnected")


@csms_case("TC_E_10_CSMS")
async def starts_with_authorization(station: SimulatedStation) -> None:
    """A transaction starts when the driver is authorized."""
    token = station.configuration.tokens.valid
    response = await station.authorize(1, token)
    response.expect("idTokenInfo.status", "Accepted")
    response = await station.transaction_event(3, "Started", "Authorized", token=token)
    response.expect("idTokenInfo.status", "Accepted")


@csms_case("TC_E_11_CSMS")
async def starts_with_signed_data(station: SimulatedStation) -> None:
    """A transaction starts when the meter delivers signed data."""
    await _authorize_and_occupy(station)
    response = await station.transaction_event(
        5,
        "Started",
        "SignedDataReceived",
        token=station.configuration.tokens.valid,
        known_evse=True,
        meter_value=[meter_value(station.clock.now(), "Transaction.Begin", 0.0, signed=True)],
    )
    response.expect("idTokenInfo.status", "Accepted")
    await station.transaction_event(7, "Updated", "ChargingStateChanged", chargingState="Charging")


@csms_case("TC_E_12_CSMS")
async def starts_with_parking_bay(station: SimulatedStation) -> None:
    """A transaction starts when a car drives in."""
    await station.transaction_event(1, "Started", "EVDetected")


@csms_case("TC_E_38_CSMS")
async def ev_not_ready(station: SimulatedStation) -> None:
    """The EV does not take energy yet."""
    await authorized(station)
    await ev_connected_pre_session(station)
    await station.transaction_event(2, "Updated", "ChargingStateChanged", chargingState="SuspendedEV")


@csms_case("TC_E_39_CSMS")
async def no_cable_in_time(station: SimulatedStation) -> None:
    """A transaction stops because no cable was plugged in."""
    await authorized(station)
    await station.clock.sleep(station.configuration.ev_connection_timeout_s)
    await station.transaction_event(1, "Ended", "EVConnectTimeout", stoppedReason="Timeout")


@csms_case("TC_E_14_CSMS")
async def stops_when_unplugged(station: SimulatedStation) -> None:
    """A transaction stops when the cable is unplugged at the station."""
    await ev_connected_post_session(station)
    await ev_disconnected(station)


@csms_case("TC_E_20_CSMS")
async def stops_when_unplugged_at_ev(station: SimulatedStation) -> None:
    """A transaction stops when the cable is unplugged at the EV."""
    await energy_transfer_suspended(station)
    await ev_disconnected(station)


@csms_case("TC_E_15_CSMS")
async def stops_by_token(station: SimulatedStation) -> None:
    """A transaction stops when the driver presents the idToken."""
    await energy_transfer_started(station)
    await station.transaction_event(1, "Ended", "StopAuthorized", stoppedReason="Local")


@csms_case("TC_E_21_CSMS")
async def stops_by_request(station: SimulatedStation) -> None:
    """A transaction stops at the CSMS's request."""
    await energy_transfer_started(station)
    transaction_id = station.session().transaction_id
    asked = await station.asked(
        1,
        f"stop the transaction {transaction_id}",
        "RequestStopTransaction",
        {"transactionId": transaction_id},
        command=("stop_transaction", {"transaction_id": transaction_id}),
    )
    asked.expect("transactionId", transaction_id)
    await asked.answer({"status": "Accepted"})
    await station.transaction_event(3, "Ended", "RemoteStop", stoppedReason="Remote")


@csms_case("TC_E_07_CSMS")
async def stops_with_power_path(station: SimulatedStation) -> None:
    """A transaction stops when the driver's idToken opens the power path."""
    await energy_transfer_started(station)
    await station.transaction_event(1, "Ended", "StopAuthorized", stoppedReason="Local")


@csms_case("TC_E_08_CSMS")
async def stops_with_energy(station: SimulatedStation) -> None:
    """A transaction stops when energy no longer flows after the driver stopped it."""
    await stop_authorized(station)
    await station.transaction_event(
        1, "Ended", "ChargingStateChanged", chargingState="EVConnected", stoppedReason="Local"
    )


@csms_case("TC_E_16_CSMS")
async def stops_deauthorized(station: SimulatedStation) -> None:
    """A transaction stops because the CSMS refuses the idToken that started it."""
    response = await station.transaction_event(1, "Started", "Authorized", token=station.configuration.tokens.invalid)
    response.expect("idTokenInfo.status", "Invalid", "Unknown")
    await station.transaction_event(3, "Ended", "Deauthorized", stoppedReason="DeAuthorized")


@csms_case("TC_E_17_CSMS")
async def stops_when_ev_is_lost(station: SimulatedStation) -> None:
    """A transaction stops because the cable is unplugged at the EV."""
    await energy_transfer_suspended(station)
    await station.transaction_event(
        1, "Ended", "EVCommunicationLost", chargingState="Idle", stoppedReason="EVDisconnected"
    )


@csms_case("TC_E_22_CSMS")
async def stops_by_ev(station: SimulatedStation) -> None:
    """A transaction stops when the EV takes no more energy."""
    await energy_transfer_started(station)
    await station.transaction_event(
        1, "Ended", "ChargingStateChanged", chargingState="SuspendedEV", stoppedReason="StoppedByEV"
    )


@csms_case("TC_E_19_CSMS")
async def stops_when_parking_bay_is_left(station: SimulatedStation) -> None:
    """A transaction stops when the car drives away."""
    # The state before ends the transaction as printed; here it has to leave the end to this case.
    await ev_disconnected(station, event_type="Updated")
    await station.transaction_event(1, "Ended", "EVDeparted", stoppedReason="Local")


@csms_case("TC_E_26_CSMS")
async def goes_on_when_plugged_in_again(station: SimulatedStation) -> None:
    """The cable is unplugged at the EV and plugged in again; the transaction goes on."""
    await energy_transfer_suspended(station)
    await station.transaction_event(1, "Updated", "EVCommunicationLost", chargingState="Idle")
    await station.report(3, "Available", [(station.evse_id, station.configuration.connector_id)])
    await station.transaction_event(5, "Updated", "CablePluggedIn", chargingState="EVConnected")
    await station.transaction_event(7, "Updated", "ChargingStateChanged", chargingState="Charging")


@csms_case("TC_E_53_CSMS")
async def sequence_starts_again(station: SimulatedStation) -> None:
    """Every transaction begins with sequence number 0."""
    for _ in range(2):
        await energy_transfer_started(station)
        await ev_disconnected(station)


async def _authorize_and_occupy(station: SimulatedStation) -> None:
    """Steps 1 to 4 of the cases that authorize before the transaction starts."""
    response = await station.authorize(1, station.configuration.tokens.valid)
    response.expect("idTokenInfo.status", "Accepted")
    await occupy(station, 3)
