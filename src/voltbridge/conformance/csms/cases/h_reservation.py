"""Block H: reservations of an EVSE, of any EVSE and of a type of connector; used up by nobody, cancelled, removed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_ACCEPTED: Final = {"status": "Accepted"}
_LONG_S: Final = 3600.0
_TOLERANCE: Final = timedelta(minutes=5)
"""By how much a CSMS may miss the moment it was told for the end of a reservation."""
_FIRST_ID: Final = 101
"""For a CSMS that is given whole messages; one that has a command for it takes ids of its own."""


@csms_case("TC_H_01_CSMS")
async def evse_reserved(station: SimulatedStation) -> None:
    """An EVSE is reserved for an idToken."""
    with station.stage("Reserved"):
        asked = await _reserve(station, 1, evse_id=station.evse_id)
        await asked.answer(_ACCEPTED)
        await _report(station, 3, "Reserved")


@csms_case("TC_H_07_CSMS")
async def evse_reserved_and_expired(station: SimulatedStation) -> None:
    """The reservation of an EVSE ends with its time; nobody came."""
    seconds = max(station.configuration.transaction_duration_s, 1.0)
    asked = await _reserve(station, 1, evse_id=station.evse_id, seconds=seconds)
    ends = datetime.fromisoformat(asked.request.at("expiryDateTime"))
    latest = station.clock.now() + timedelta(seconds=seconds) + _TOLERANCE
    if ends > latest:
        wanted = f"{asked.request.name}.expiryDateTime not after {latest.isoformat()}"
        raise StepFailed(asked.request.step, wanted, str(asked.request.at("expiryDateTime")))
    await asked.answer(_ACCEPTED)
    await _report(station, 3, "Reserved")
    await station.clock.sleep(max(0.0, (ends - station.clock.now()).total_seconds()))
    await _report(station, 5, "Available")
    await _tell_end(station, 7, asked, "Expired")


@csms_case("TC_H_08_CSMS")
async def any_evse_reserved(station: SimulatedStation) -> None:
    """Any EVSE is reserved; a station with one EVSE only reports that reserved."""
    asked = await _reserve(station, 1)
    await asked.answer(_ACCEPTED)
    if station.configuration.evses == 1:
        await _report(station, 3, "Reserved")


@csms_case("TC_H_14_CSMS")
async def every_evse_reserved(station: SimulatedStation) -> None:
    """As many reservations of any EVSE as there are EVSEs: then all are reported reserved."""
    for number in range(station.configuration.evses):
        await (await _reserve(station, 1, id=_FIRST_ID + number)).answer(_ACCEPTED)
    await station.report(3, "Reserved")


@csms_case("TC_H_15_CSMS")
async def connector_type_reserved(station: SimulatedStation) -> None:
    """A type of connector is reserved."""
    asked = await _reserve(station, 1, connector_type=station.configuration.connector_type)
    await asked.answer(_ACCEPTED)
    await station.report(3, "Reserved", [(station.evse_id, station.configuration.connector_id)])


@csms_case("TC_H_17_CSMS")
async def reservation_cancelled(station: SimulatedStation) -> None:
    """The reservation of an EVSE is cancelled."""
    reserved = await _reserve(station, 1, evse_id=station.evse_id)
    await reserved.answer(_ACCEPTED)
    await _report(station, 3, "Reserved")
    id = reserved.request.at("id")
    asked = await station.asked(
        5,
        f"cancel the reservation {id}",
        "CancelReservation",
        {"reservationId": id},
        command=("cancel_reservation", {"reservation_id": id}),
    )
    asked.expect("reservationId", id)
    await asked.answer(_ACCEPTED)
    await _report(station, 7, "Available")


@csms_case("TC_H_19_CSMS")
async def evse_reserved_for_a_group(station: SimulatedStation) -> None:
    """An EVSE is reserved for an idToken and its group."""
    asked = await _reserve(station, 1, evse_id=station.evse_id, group=True)
    if asked.request.at("groupIdToken") is ABSENT:
        raise StepFailed(asked.request.step, f"{asked.request.name}.groupIdToken", "no such field")
    await asked.answer(_ACCEPTED)
    await _report(station, 3, "Reserved")


@csms_case("TC_H_20_CSMS")
async def reserved_evse_fails(station: SimulatedStation) -> None:
    """The station gives a reservation up, because its EVSE has failed."""
    asked = await _reserve(station, 1, evse_id=station.evse_id)
    await asked.answer(_ACCEPTED)
    await _report(station, 3, "Reserved")
    await _report(station, 5, "Faulted")
    await _tell_end(station, 7, asked, "Removed")


@csms_case("TC_H_22_CSMS")
async def reservations_not_accepted(station: SimulatedStation) -> None:
    """The station is configured to accept no reservations."""
    asked = await _reserve(station, 1, evse_id=station.evse_id)
    await asked.answer({"status": "Rejected"}, seen="Does the CSMS show that the station has rejected the reservation?")


async def _reserve(
    station: SimulatedStation,
    step: int,
    *,
    evse_id: int | None = None,
    connector_type: str | None = None,
    group: bool = False,
    seconds: float = _LONG_S,
    id: int = _FIRST_ID,
) -> Asked:
    """Have the CSMS ask for a reservation for the valid idToken."""
    tokens = station.configuration.tokens
    token = tokens.valid
    ends = station.in_a_while(seconds)
    payload: dict[str, Any] = {"id": id, "expiryDateTime": ends, "idToken": token.wire}
    parameters: dict[str, Any] = {"id_token": token.id_token, "type": token.type, "expires_at": ends}
    what = "any EVSE"
    if evse_id is not None:
        payload["evseId"] = parameters["evse_id"] = evse_id
        what = f"EVSE {evse_id}"
    if connector_type is not None:
        payload["connectorType"] = parameters["connector_type"] = connector_type
        what = f"any connector of type {connector_type}"
    whom = f"{token.id_token} ({token.type})"
    if group:
        payload["groupIdToken"] = tokens.group.wire
        parameters |= {"group_id_token": tokens.group.id_token, "group_type": tokens.group.type}
        whom += f" and the group {tokens.group.id_token}"
    text = f"reserve {what} for {whom} until {ends}"
    asked = await station.asked(step, text, "ReserveNow", payload, command=("reserve", parameters))
    asked.expect("evseId", ABSENT if evse_id is None else evse_id)
    asked.expect("connectorType", ABSENT if connector_type is None else connector_type)
    asked.expect("idToken.idToken", token.id_token)
    asked.expect("idToken.type", token.type)
    return asked


async def _report(station: SimulatedStation, step: int, status: str) -> None:
    """The connectors of the configured EVSE."""
    await station.report(step, status, station.connectors_of(station.evse_id))


async def _tell_end(station: SimulatedStation, step: int, reserved: Asked, status: str) -> None:
    message: Mapping[str, Any] = {
        "reservationId": reserved.request.at("id"),
        "reservationUpdateStatus": status,
    }
    await station.call(step, "ReservationStatusUpdate", message)
