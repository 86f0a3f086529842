"""Block F: remote start, unlocking, and messages that the CSMS asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.meter import meter_value
from voltbridge.conformance.csms.states import energy_transfer_started, ev_connected_pre_session
from voltbridge.conformance.csms.station import Asked, SimulatedStation, State

__all__: list[str] = []

_PARAMETERS = {"id": "evse_id", "connectorId": "connector_id"}


@csms_case("TC_F_01_CSMS")
async def cable_first(station: SimulatedStation) -> None:
    """A remote start after the cable was plugged in."""
    await ev_connected_pre_session(station)
    session = station.session()
    asked = await _remote_start(station)
    await asked.answer({"status": "Accepted", "transactionId": session.transaction_id})
    await _started_remotely(station, 3, asked, "Updated")
    await energy_transfer_started(station)


@csms_case("TC_F_02_CSMS")
async def remote_start_authorized(station: SimulatedStation) -> None:
    """A remote start before the cable is plugged in; the station asks for authorization first."""
    asked = await _remote_start(station)
    await asked.answer({"status": "Accepted"})
    response = await station.authorize(3, station.session().token)
    response.expect("idTokenInfo.status", "Accepted")
    await _started_remotely(station, 5, asked, "Started")
    await energy_transfer_started(station)


@csms_case("TC_F_03_CSMS")
async def remote_start_unasked(station: SimulatedStation) -> None:
    """A remote start before the cable is plugged in; the station starts without asking."""
    asked = await _remote_start(station)
    await asked.answer({"status": "Accepted"})
    await _started_remotely(station, 3, asked, "Started")
    await energy_transfer_started(station)


@csms_case("TC_F_04_CSMS")
async def remote_start_in_vain(station: SimulatedStation) -> None:
    """A remote start, and nobody plugs in."""
    asked = await _remote_start(station)
    await asked.answer({"status": "Accepted"})
    await _started_remotely(station, 3, asked, "Started")
    await station.transaction_duration()
    await station.transaction_event(5, "Updated", "EVConnectTimeout")


@csms_case("TC_F_06_CSMS")
async def unlock(station: SimulatedStation) -> None:
    """A connector without a transaction is unlocked."""
    where = {"evseId": station.evse_id, "connectorId": station.configuration.connector_id}
    text = f"unlock EVSE {where['evseId']} connector {where['connectorId']}"
    command = "unlock_connector", {"evse_id": where["evseId"], "connector_id": where["connectorId"]}
    asked = await station.asked(1, text, "UnlockConnector", where, command=command)
    for name, number in where.items():
        asked.expect(name, number)
    await asked.answer({"status": "Unlocked"})


@csms_case("TC_F_11_CSMS")
async def meter_values_of_one(station: SimulatedStation) -> None:
    """Meter values of one EVSE are asked for."""
    await _trigger(station, "MeterValues", _evse(station))
    await _meter_values(station, station.evse_id)


@csms_case("TC_F_12_CSMS")
async def meter_values_of_all(station: SimulatedStation) -> None:
    """Meter values of all EVSEs are asked for."""
    await _trigger(station, "MeterValues")
    for evse_id in range(1, station.configuration.evses + 1):
        await _meter_values(station, evse_id)


@csms_case("TC_F_13_CSMS")
async def transaction_event_of_one(station: SimulatedStation) -> None:
    """A transaction event of one EVSE is asked for."""
    await energy_transfer_started(station)
    await _trigger(station, "TransactionEvent", _evse(station))
    await _transaction_event(station)


@csms_case("TC_F_14_CSMS")
async def transaction_event_of_all(station: SimulatedStation) -> None:
    """Transaction events of all EVSEs are asked for; one has a transaction."""
    await energy_transfer_started(station)
    await _trigger(station, "TransactionEvent")
    await _transaction_event(station)


@csms_case("TC_F_15_CSMS")
async def log_status(station: SimulatedStation) -> None:
    """The status of a log upload is asked for."""
    await _trigger(station, "LogStatusNotification")
    await station.call(3, "LogStatusNotification", {"status": "Idle"})


@csms_case("TC_F_18_CSMS")
async def firmware_status(station: SimulatedStation) -> None:
    """The status of a firmware update is asked for."""
    await _trigger(station, "FirmwareStatusNotification")
    await station.call(3, "FirmwareStatusNotification", {"status": "Idle"})


@csms_case("TC_F_20_CSMS")
async def heartbeat(station: SimulatedStation) -> None:
    """A heartbeat is asked for."""
    await _trigger(station, "Heartbeat")
    await station.call(3, "Heartbeat", {})


@csms_case("TC_F_23_CSMS")
async def status_available(station: SimulatedStation) -> None:
    """The status of a free connector is asked for."""
    await _trigger(station, "StatusNotification", _connector(station))
    await station.report(3, "Available", [_in_use(station)])


@csms_case("TC_F_24_CSMS")
async def status_occupied(station: SimulatedStation) -> None:
    """The status of an occupied connector is asked for."""
    await station.report(1, "Occupied", [_in_use(station)])
    await _trigger(station, "StatusNotification", _connector(station), step=3)
    await station.report(5, "Occupied", [_in_use(station)])


@csms_case("TC_F_27_CSMS")
async def not_implemented(station: SimulatedStation) -> None:
    """A message is asked for that the station does not know."""
    payload = {"requestedMessage": "SignCombinedCertificate"}
    command = "trigger_message", {"message": "SignCombinedCertificate"}
    text = "ask the station for a SignCertificate (combined)"
    asked = await station.asked(1, text, "TriggerMessage", payload, command=command)
    await asked.answer({"status": "NotImplemented"}, seen="Does the CSMS show that the station knows no such message?")


async def _remote_start(station: SimulatedStation) -> Asked:
    """Step 1: the CSMS asks for a start with the valid idToken."""
    token = station.session().token
    payload = {"evseId": station.evse_id, "idToken": token.wire, "remoteStartId": 1}
    text = f"start a transaction at EVSE {station.evse_id} for idToken {token.id_token} ({token.type})"
    start = {"evse_id": station.evse_id, "id_token": token.id_token, "type": token.type}
    asked = await station.asked(1, text, "RequestStartTransaction", payload, command=("start_transaction", start))
    asked.expect("idToken.idToken", token.id_token)
    asked.expect("idToken.type", token.type)
    return asked


async def _started_remotely(station: SimulatedStation, step: int, asked: Asked, event_type: str) -> None:
    """Tell of the start by the id that the CSMS gave it."""
    session = station.session()
    await station.transaction_event(
        step, event_type, "RemoteStart", known_evse=True, remoteStartId=asked.request.at("remoteStartId")
    )
    session.authorized = True
    session.state = State.AUTHORIZED


async def _trigger(
    station: SimulatedStation, message: str, evse: Mapping[str, int] | None = None, *, step: int = 1
) -> None:
    """The CSMS asks for the message, of an EVSE or (None) of all."""
    payload: dict[str, Any] = {"requestedMessage": message}
    text = f"ask the station for a {message}"
    trigger: dict[str, Any] = {"message": message}
    if evse is not None:
        payload["evse"] = evse
        text += f" of EVSE {evse['id']}"
        trigger |= {_PARAMETERS[name]: number for name, number in evse.items()}
    asked = await station.asked(step, text, "TriggerMessage", payload, command=("trigger_message", trigger))
    asked.expect("requestedMessage", message)
    if evse is not None:
        asked.expect("evse.id", evse["id"])
    await asked.answer({"status": "Accepted"})


async def _meter_values(station: SimulatedStation, evse_id: int) -> None:
    reading = meter_value(station.clock.now(), "Trigger", 100.0)
    await station.call(3, "MeterValues", {"evseId": evse_id, "meterValue": [reading]})


async def _transaction_event(station: SimulatedStation) -> None:
    reading = meter_value(station.clock.now(), "Trigger", 100.0)
    await station.transaction_event(
        3, "Updated", "Trigger", known_evse=True, meter_value=[reading], chargingState="Charging"
    )


def _evse(station: SimulatedStation) -> dict[str, int]:
    return {"id": station.evse_id}


def _connector(station: SimulatedStation) -> dict[str, int]:
    return {"id": station.evse_id, "connectorId": station.configuration.connector_id}


def _in_use(station: SimulatedStation) -> tuple[int, int]:
    return station.evse_id, station.configuration.connector_id
