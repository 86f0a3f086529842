"""The reusable states of Part 6, 3.18: each brings the simulated station into a state and checks what it says there.

What a state says of "the state" is kept per EVSE in ``Session``. Whether the session is authorized and whether the EV
is connected are kept beside it, since both outlast the state that brought them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from voltbridge.conformance.csms.station import SimulatedStation, State
from voltbridge.conformance.received import ABSENT

__all__ = [
    "Meter",
    "authorized",
    "boot",
    "booted",
    "energy_transfer_started",
    "energy_transfer_suspended",
    "ev_connected_post_session",
    "ev_connected_pre_session",
    "ev_disconnected",
    "occupy",
    "stop_authorized",
    "unavailable",
]

Meter = Sequence[Mapping[str, Any]]


async def booted(station: SimulatedStation) -> None:
    """BootNotification after a power up, accepted; every connector available."""
    with station.stage("Booted"):
        await boot(station, 1, "PowerUp")
        await station.report(3, "Available")


async def boot(station: SimulatedStation, step: int, reason: str) -> None:
    """Send a BootNotificationRequest, which has to be accepted."""
    configuration = station.configuration
    made_by = {"model": configuration.model, "vendorName": configuration.vendor_name}
    response = await station.call(step, "BootNotification", {"reason": reason, "chargingStation": made_by})
    response.expect("status", "Accepted")


async def unavailable(station: SimulatedStation, *, evse_id: int | None) -> None:
    """The CSMS makes an EVSE (or the station, for None) inoperative."""
    with station.stage("Unavailable"):
        what = "the charging station" if evse_id is None else f"EVSE {evse_id}"
        evse = {} if evse_id is None else {"evse": {"id": evse_id}}
        payload = {"operationalStatus": "Inoperative", **evse}
        change = {"status": "Inoperative"} | ({} if evse_id is None else {"evse_id": evse_id})
        text = f"make {what} inoperative"
        asked = await station.asked(1, text, "ChangeAvailability", payload, command=("change_availability", change))
        asked.expect("operationalStatus", "Inoperative")
        if evse_id is None:
            asked.expect("evse", ABSENT)
        else:
            asked.expect("evse.id", evse_id)
            asked.expect("evse.connectorId", ABSENT)
        await asked.answer({"status": "Accepted"})
        await station.report(3, "Unavailable", None if evse_id is None else station.connectors_of(evse_id))


async def ev_connected_pre_session(
    station: SimulatedStation, *, evse_id: int | None = None, meter_value: Meter | None = None
) -> None:
    """The cable is plugged in; starts the transaction unless authorization did."""
    session = station.session(evse_id)
    with station.stage(State.EV_CONNECTED_PRE_SESSION):
        await occupy(station, 1, evse_id)
        await station.transaction_event(
            3,
            "Updated" if session.authorized else "Started",
            "CablePluggedIn",
            evse_id=evse_id,
            known_evse=True,
            meter_value=meter_value,
            chargingState="EVConnected",
        )
    session.ev_connected = True
    session.state = State.EV_CONNECTED_PRE_SESSION


async def authorized(station: SimulatedStation, *, evse_id: int | None = None) -> None:
    """The driver presents the idToken; starts the transaction unless the cable did."""
    session = station.session(evse_id)
    with station.stage(State.AUTHORIZED):
        response = await station.authorize(1, session.token)
        response.expect("idTokenInfo.status", "Accepted")
        response = await station.transaction_event(
            3,
            "Updated" if session.state is State.EV_CONNECTED_PRE_SESSION else "Started",
            "Authorized",
            evse_id=evse_id,
            token=session.token,
        )
        response.expect("idTokenInfo.status", "Accepted")
    session.authorized = True
    session.state = State.AUTHORIZED


async def energy_transfer_started(station: SimulatedStation, *, evse_id: int | None = None) -> None:
    """Energy flows."""
    session = station.session(evse_id)
    if not session.authorized:
        await authorized(station, evse_id=evse_id)
    with station.stage(State.ENERGY_TRANSFER_STARTED):
        if not session.ev_connected:
            await occupy(station, 1, evse_id)
            await station.transaction_event(
                3, "Updated", "CablePluggedIn", evse_id=evse_id, known_evse=True, chargingState="EVConnected"
            )
            session.ev_connected = True
        await station.transaction_event(5, "Updated", "ChargingStateChanged", evse_id=evse_id, chargingState="Charging")
    session.state = State.ENERGY_TRANSFER_STARTED


async def energy_transfer_suspended(station: SimulatedStation) -> None:
    """The EV takes no more energy."""
    session = station.session()
    if session.state is not State.ENERGY_TRANSFER_STARTED:
        await energy_transfer_started(station)
    with station.stage(State.ENERGY_TRANSFER_SUSPENDED):
        await station.transaction_duration()
        await station.transaction_event(1, "Updated", "ChargingStateChanged", chargingState="SuspendedEV")
    session.state = State.ENERGY_TRANSFER_SUSPENDED


async def stop_authorized(station: SimulatedStation) -> None:
    """The driver presents the idToken again."""
    session = station.session()
    if session.state is not State.ENERGY_TRANSFER_STARTED:
        await energy_transfer_started(station)
    with station.stage(State.STOP_AUTHORIZED):
        await station.transaction_duration()
        response = await station.transaction_event(1, "Updated", "StopAuthorized", token=session.token)
        response.expect("idTokenInfo.status", "Accepted")
    session.state = State.STOP_AUTHORIZED


async def ev_connected_post_session(station: SimulatedStation) -> None:
    """Energy no longer flows, the cable is still plugged in."""
    session = station.session()
    if session.state is not State.STOP_AUTHORIZED:
        await stop_authorized(station)
    with station.stage(State.EV_CONNECTED_POST_SESSION):
        await station.transaction_event(1, "Updated", "ChargingStateChanged", chargingState="EVConnected")
    session.state = State.EV_CONNECTED_POST_SESSION


async def ev_disconnected(
    station: SimulatedStation, *, event_type: str = "Ended", meter_value: Meter | None = None
) -> None:
    """The cable is unplugged, which ends the transaction."""
    session = station.session()
    if session.state is not State.EV_CONNECTED_POST_SESSION:
        await ev_connected_post_session(station)
    with station.stage(State.EV_DISCONNECTED):
        where = (station.evse_id, station.configuration.connector_id)
        await station.report(1, "Available", [where])
        ended: dict[str, Any] = {"stoppedReason": "EVDisconnected"} if event_type == "Ended" else {}
        await station.transaction_event(
            3, event_type, "EVCommunicationLost", meter_value=meter_value, chargingState="Idle", **ended
        )
    session.ev_connected = False
    session.state = State.EV_DISCONNECTED


async def occupy(station: SimulatedStation, step: int, evse_id: int | None = None) -> None:
    """Report the connector in use occupied."""
    where = (evse_id or station.evse_id, station.configuration.connector_id)
    await station.report(step, "Occupied", [where])
