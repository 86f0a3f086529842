"""F01 to F03, F05: starting, stopping and unlocking for the CSMS."""

from __future__ import annotations

from voltbridge.conformance.station.authorization import authorization_enabled
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    authorized,
    energy_transfer_started,
    ev_connected_pre_session,
    parking_bay_occupied,
    stop_authorized,
    tx_stop_points,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.session import State

__all__: list[str] = []


@station_case("TC_F_01_CS")
async def cable_first(csms: SimulatedCsms) -> None:
    """The CSMS starts where an EV is connected."""
    if "lock that keeps cables out until authorization" in csms.configuration.features:
        csms.needs("cable that is connected before authorization")
    await authorization_enabled(csms)
    await ev_connected_pre_session(csms)
    await authorized(csms, remote=True)
    await energy_transfer_started(csms)


@station_case("TC_F_02_CS")
async def asked_first(csms: SimulatedCsms) -> None:
    """The CSMS starts before an EV is connected, and is asked about the token (AuthorizeRemoteStart)."""
    await authorization_enabled(csms)
    await csms.configured("AuthCtrlr", "AuthorizeRemoteStart", "true")
    await parking_bay_occupied(csms)
    await authorized(csms, remote=True)
    await energy_transfer_started(csms)


@station_case("TC_F_03_CS")
async def not_asked(csms: SimulatedCsms) -> None:
    """The CSMS starts before an EV is connected, and is not asked about the token."""
    await authorization_enabled(csms)
    await csms.configured("AuthCtrlr", "AuthorizeRemoteStart", "false")
    await parking_bay_occupied(csms)
    await authorized(csms, remote=True)
    await csms.none(1, "Authorize")
    await energy_transfer_started(csms)


@station_case("TC_F_04_CS")
async def nobody_came(csms: SimulatedCsms) -> None:
    """The CSMS starts, no EV is connected in time, and the EVSE is free again."""
    timeout_s = csms.configuration.ev_connection_timeout_s
    await csms.configured("TxCtrlr", "EVConnectionTimeOut", str(round(timeout_s)))
    await authorization_enabled(csms)
    if not await csms.configure("TxCtrlr", "TxStartPoint", "Authorized"):
        await csms.configure("TxCtrlr", "TxStartPoint", "ParkingBayOccupancy")
    await authorized(csms, remote=True)
    session = csms.session()
    if session.runs():
        wait_s = timeout_s + csms.configuration.message_timeout_s
        timed_out = {"triggerReason": "EVConnectTimeout"}
        event = await csms.take(1, "TransactionEvent", timed_out, seconds=wait_s)
        # Where the bay has to be empty for an end, it is deauthorized only (E03.FR.15).
        goes_on = "ParkingBayOccupancy" in await tx_stop_points(csms)
        event.expect("eventType", *(("Updated", "Ended") if goes_on else ("Ended",)))
    else:
        await csms.wait(timeout_s)
    await csms.quiet()
    csms.forget()
    session.state, session.authorized = State.PARKING_BAY_OCCUPIED, False
    with csms.stage("again"):
        await authorized(csms, remote=True)


async def _unlock(csms: SimulatedCsms, status: str, connector_id: int | None = None) -> None:
    place = {"evseId": csms.evse_id, "connectorId": connector_id or csms.connector_id}
    (await csms.call(2, "UnlockConnector", place)).expect("status", status)


@station_case("TC_F_05_CS")
async def unlock_with_transaction(csms: SimulatedCsms) -> None:
    """A connector is not unlocked while its driver charges."""
    csms.needs("cable lock")
    await energy_transfer_started(csms)
    await _unlock(csms, "OngoingAuthorizedTransaction")


@station_case("TC_F_06_CS")
async def unlock(csms: SimulatedCsms) -> None:
    """A connector is unlocked."""
    csms.needs("cable lock")
    await _unlock(csms, "Unlocked")


@station_case("TC_F_07_CS")
async def unlock_without_cable(csms: SimulatedCsms) -> None:
    """A connector without a cable is unlocked."""
    csms.needs("cable lock")
    await _unlock(csms, "Unlocked")


@station_case("TC_F_10_CS")
async def unlock_unknown(csms: SimulatedCsms) -> None:
    """A connector that there is not cannot be unlocked."""
    csms.needs("cable lock")
    await _unlock(csms, "UnknownConnector", 999)


@station_case("TC_F_08_CS")
async def stopped(csms: SimulatedCsms) -> None:
    """The CSMS stops a transaction."""
    await energy_transfer_started(csms)
    await stop_authorized(csms, remote=True)


@station_case("TC_F_09_CS")
async def stop_unknown(csms: SimulatedCsms) -> None:
    """The CSMS cannot stop a transaction that there is not."""
    await energy_transfer_started(csms)
    request = {"transactionId": "kit-no-such-transaction"}
    (await csms.call(2, "RequestStopTransaction", request)).expect("status", "Rejected")
