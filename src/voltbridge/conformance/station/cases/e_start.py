"""E01 to E05: when a transaction starts."""

from __future__ import annotations

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import Received
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    authorized,
    energy_transfer_started,
    ev_connected_pre_session,
    parking_bay_occupied,
    tx_start_points,
    tx_stop_points,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.session import State
from voltbridge.conformance.station.states import (
    connector_is,
)

__all__: list[str] = []


async def _starts_at(csms: SimulatedCsms, point: str) -> None:
    """Configuration State: TxStartPoint is this."""
    if await tx_start_points(csms) != {point}:
        await csms.configured("TxCtrlr", "TxStartPoint", point)


async def _asks_for_tokens(csms: SimulatedCsms) -> None:
    """Configuration State: authorization is needed, and the CSMS is asked."""
    await csms.configure("AuthCtrlr", "Enabled", "true")
    await csms.configure("AuthCtrlr", "DisableRemoteAuthorization", "false")


def _with_token(csms: SimulatedCsms, event: Received) -> None:
    token = csms.session().token
    event.expect("idToken.idToken", token.id_token)
    event.expect("idToken.type", token.type)


def _at_evse(csms: SimulatedCsms, event: Received) -> None:
    event.expect("evse.id", csms.evse_id)
    event.expect("evse.connectorId", csms.connector_id)


async def _plug_in(csms: SimulatedCsms) -> None:
    """Steps 1 and 2: the car is connected, and the station says so."""
    await csms.station.plug_in(csms.evse_id, csms.connector_id)
    csms.session().ev_connected = True
    await connector_is(csms, 1, "Occupied")


@station_case("TC_E_01_CS")
async def power_path_closed(csms: SimulatedCsms) -> None:
    """The transaction starts when the power path is closed."""
    await _starts_at(csms, "PowerPathClosed")
    await authorized(csms)
    await ev_connected_pre_session(csms)
    await energy_transfer_started(csms)


@station_case("TC_E_02_CS")
async def energy_transfer(csms: SimulatedCsms) -> None:
    """The transaction starts when energy flows."""
    await _starts_at(csms, "EnergyTransfer")
    await authorized(csms)
    await _plug_in(csms)
    event = await csms.take(3, "TransactionEvent")
    event.expect("eventType", "Started")
    remote = csms.configuration.remote_authorization
    event.expect("triggerReason", *(("RemoteStart",) if remote else ("ChargingStateChanged", "Authorized")))
    _with_token(csms, event)
    _at_evse(csms, event)
    event.expect("transactionInfo.chargingState", "Charging")


@station_case("TC_E_09_CS")
async def ev_connected(csms: SimulatedCsms) -> None:
    """The transaction starts when the car is connected."""
    await _starts_at(csms, "EVConnected")
    await parking_bay_occupied(csms)
    event = await ev_connected_pre_session(csms)
    assert event is not None
    event.expect("eventType", "Started")
    event.expect("triggerReason", "CablePluggedIn", "ChargingStateChanged")
    event.expect("transactionInfo.chargingState", "EVConnected")
    await authorized(csms)
    await energy_transfer_started(csms)


@station_case("TC_E_10_CS")
async def authorized_locally(csms: SimulatedCsms) -> None:
    """The transaction starts when the driver is authorized, by an idToken."""
    await _starts_at(csms, "Authorized")
    await _asks_for_tokens(csms)
    await authorized(csms, remote=False)
    await ev_connected_pre_session(csms)
    await energy_transfer_started(csms)


@station_case("TC_E_13_CS")
async def authorized_remotely(csms: SimulatedCsms) -> None:
    """The transaction starts when the driver is authorized, by the CSMS."""
    await _starts_at(csms, "Authorized")
    await _asks_for_tokens(csms)
    await authorized(csms, remote=True)
    await ev_connected_pre_session(csms)
    await energy_transfer_started(csms)


@station_case("TC_E_11_CS")
async def data_signed(csms: SimulatedCsms) -> None:
    """The transaction starts when the meter has signed its first value."""
    await _starts_at(csms, "DataSigned")
    await csms.configured("SampledDataCtrlr", "SignReadings", "true")
    await authorized(csms)
    await _plug_in(csms)
    event = await csms.take(3, "TransactionEvent")
    event.expect("eventType", "Started")
    remote = ("RemoteStart",) if csms.configuration.remote_authorization else ()
    event.expect("triggerReason", "SignedDataReceived", *remote)
    _with_token(csms, event)
    _at_evse(csms, event)
    value = event.pick("meterValue.0.sampledValue", {"context": ("Transaction.Begin",)})
    for name in ("encodingMethod", "publicKey", "signedMeterData", "signingMethod"):
        if not isinstance(value.at(f"signedMeterValue.{name}"), str):
            raise StepFailed(value.step, f"{value.name}.signedMeterValue.{name}", "no such field")
    event = await csms.take(5, "TransactionEvent", {"triggerReason": "ChargingStateChanged"})
    event.expect("eventType", "Updated")
    event.expect("transactionInfo.chargingState", "Charging")


@station_case("TC_E_12_CS")
async def parking_bay(csms: SimulatedCsms) -> None:
    """The transaction starts when a car drives into the parking bay."""
    await _starts_at(csms, "ParkingBayOccupancy")
    await csms.station.drive_in(csms.evse_id)
    csms.session().in_bay = True
    csms.session().state = State.PARKING_BAY_OCCUPIED
    event = await csms.take(1, "TransactionEvent")
    event.expect("eventType", "Started")
    event.expect("triggerReason", "EVDetected")
    await authorized(csms)
    await ev_connected_pre_session(csms)
    await energy_transfer_started(csms)


@station_case("TC_E_03_CS")
async def cable_first(csms: SimulatedCsms) -> None:
    """The cable first, then the idToken."""
    await _asks_for_tokens(csms)
    await ev_connected_pre_session(csms)
    await authorized(csms, remote=False)
    await energy_transfer_started(csms)


@station_case("TC_E_04_CS")
async def token_first(csms: SimulatedCsms) -> None:
    """The idToken first, then the cable."""
    await _asks_for_tokens(csms)
    await parking_bay_occupied(csms)
    await authorized(csms, remote=False)
    await energy_transfer_started(csms)


@station_case("TC_E_05_CS")
async def no_cable_in_time(csms: SimulatedCsms) -> None:
    """No cable follows the idToken in time; afterwards the EVSE is free for the next."""
    timeout_s = int(csms.configuration.ev_connection_timeout_s)
    await csms.configured("TxCtrlr", "EVConnectionTimeOut", str(timeout_s))
    await _asks_for_tokens(csms)
    await csms.configure("AuthCacheCtrlr", "Enabled", "false")
    await csms.configured("AuthCtrlr", "LocalPreAuthorize", "false")
    await authorized(csms, remote=False)
    session = csms.session()
    if await tx_start_points(csms) & {"ParkingBayOccupancy", "Authorized"}:
        event = await csms.take(1, "TransactionEvent", seconds=timeout_s + csms.configuration.message_timeout_s)
        event.expect("triggerReason", "EVConnectTimeout")
        if "Authorized" in await tx_stop_points(csms):
            event.expect("eventType", "Ended")
            event.expect("transactionInfo.stoppedReason", "Timeout")
        else:
            event.expect("eventType", "Updated")
    else:
        await csms.wait(timeout_s + 1)
    session.authorized = False
    session.state = State.PARKING_BAY_OCCUPIED
    await csms.quiet()
    await authorized(csms, remote=False)
    await energy_transfer_started(csms)


@station_case("TC_E_38_CS")
async def car_not_ready(csms: SimulatedCsms) -> None:
    """The car is connected and takes no energy."""
    if await tx_start_points(csms) == {"EnergyTransfer"}:
        raise NotApplicable("transactions of the station start with the energy transfer")
    await authorized(csms)
    await csms.station.suspend(csms.evse_id)
    await ev_connected_pre_session(csms)
    event = await csms.take(2, "TransactionEvent", {"triggerReason": "ChargingStateChanged"})
    event.expect("transactionInfo.chargingState", "SuspendedEV")


@station_case("TC_E_52_CS")
async def remote_authorization_disabled(csms: SimulatedCsms) -> None:
    """With remote authorization disabled the CSMS is not asked, and an unknown idToken charges nothing."""
    await csms.configure("AuthCtrlr", "Enabled", "true")
    await csms.configured("AuthCtrlr", "DisableRemoteAuthorization", "true")
    await parking_bay_occupied(csms)
    await csms.station.present(csms.session().token, csms.evse_id)
    await csms.none(1, "Authorize")
    await ev_connected_pre_session(csms)
    await csms.none(3, "TransactionEvent", {"transactionInfo.chargingState": "Charging"}, seconds=10)
