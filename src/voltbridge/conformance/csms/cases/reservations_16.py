"""1.6: reservations made (5.13) and cancelled (5.1), with each answer there is and with none; used, and over.

Where nothing is answered the central system has to go on, and to send the same message again when told to.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.charge_point import connector_status, start_transaction, stop_transaction
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_ACCEPTED: Final = {"status": "Accepted"}
_SEEN: Final = "Does the CSMS show this answer of the charge point?"
_LONG_S: Final = 3600.0
_FIRST_ID: Final = 101
"""For a CSMS that is given whole messages; one that has a command for it takes ids of its own."""


@csms_case("TC16_H_Reserve_Accepted")
async def reserved(station: SimulatedStation) -> None:
    """A connector is reserved for a token."""
    await _reserved(station)


@csms_case("TC16_H_Reserve_Parent")
async def reserved_for_a_group(station: SimulatedStation) -> None:
    """A connector is reserved for a token and its group."""
    asked = await _reserve(station, 1, parent=station.configuration.tokens.group.id_token)
    await asked.answer(_ACCEPTED, seen=_SEEN)


@csms_case("TC16_H_Reserve_ConnectorZero")
async def any_connector(station: SimulatedStation) -> None:
    """Any connector is reserved."""
    await (await _reserve(station, 1, connector_id=0)).answer(_ACCEPTED, seen=_SEEN)


@csms_case("TC16_H_Reserve_Replaced")
async def replaced(station: SimulatedStation) -> None:
    """A reservation is changed: another one with the same id takes its place."""
    id = await _reserved(station)
    asked = await _reserve(station, 5, connector_id=0, replaces=id)
    asked.expect("reservationId", id)
    await asked.answer(_ACCEPTED, seen=_SEEN)
    await connector_status(station, 7, "Available")


@csms_case("TC16_H_Reserve_Faulted")
async def faulted(station: SimulatedStation) -> None:
    """The connector has failed."""
    await _refused(station, "Faulted")


@csms_case("TC16_H_Reserve_Occupied")
async def occupied(station: SimulatedStation) -> None:
    """The connector is in use, or reserved."""
    await _refused(station, "Occupied")


@csms_case("TC16_H_Reserve_Unavailable")
async def unavailable(station: SimulatedStation) -> None:
    """The connector is unavailable."""
    await _refused(station, "Unavailable")


@csms_case("TC16_H_Reserve_Rejected")
async def rejected(station: SimulatedStation) -> None:
    """The charge point accepts no reservations."""
    await _refused(station, "Rejected")


@csms_case("TC16_H_Reserve_TimedOut")
async def reserve_unanswered(station: SimulatedStation) -> None:
    """A reservation is not answered."""
    asked = await _reserve(station, 1, timeout_s=station.configuration.unanswered_s)
    await station.call(2, "Heartbeat", {})
    await asked.ignore()
    await (await _reserve(station, 4, id=_FIRST_ID + 1)).answer(_ACCEPTED, seen=_SEEN)


@csms_case("TC16_H_Reserve_Used")
async def used(station: SimulatedStation) -> None:
    """The reservation ends with the transaction that it was made for."""
    id = await _reserved(station)
    await connector_status(station, 5, "Preparing")
    await start_transaction(station, 7, reservation_id=id)
    await connector_status(station, 9, "Charging")
    await stop_transaction(station, 11, "Local")


@csms_case("TC16_H_Reserve_Expired")
async def expired(station: SimulatedStation) -> None:
    """The reservation ends with its time; the next one has an id of its own."""
    asked = await _reserve(station, 1, seconds=max(station.configuration.transaction_duration_s, 1.0))
    await asked.answer(_ACCEPTED, seen=_SEEN)
    await connector_status(station, 3, "Reserved")
    ends = datetime.fromisoformat(asked.request.at("expiryDate"))
    await station.clock.sleep(max(0.0, (ends - station.clock.now()).total_seconds()))
    await connector_status(station, 5, "Available")
    again = await _reserve(station, 7, id=_FIRST_ID + 1)
    if again.request.at("reservationId") == asked.request.at("reservationId"):
        wanted = f"another {again.request.name}.reservationId than before"
        raise StepFailed(again.request.step, wanted, str(again.request.at("reservationId")))
    await again.answer(_ACCEPTED, seen=_SEEN)


@csms_case("TC16_H_Cancel_Accepted")
async def cancelled(station: SimulatedStation) -> None:
    """A reservation is cancelled."""
    id = await _reserved(station)
    await (await _cancel(station, 5, id)).answer(_ACCEPTED, seen=_SEEN)
    await connector_status(station, 7, "Available")


@csms_case("TC16_H_Cancel_Rejected")
async def not_cancelled(station: SimulatedStation) -> None:
    """The charge point has no such reservation any more."""
    id = await _reserved(station)
    await (await _cancel(station, 5, id)).answer({"status": "Rejected"}, seen=_SEEN)


@csms_case("TC16_H_Cancel_TimedOut")
async def cancel_unanswered(station: SimulatedStation) -> None:
    """A cancellation is not answered."""
    id = await _reserved(station)
    asked = await _cancel(station, 5, id, station.configuration.unanswered_s)
    await station.call(6, "Heartbeat", {})
    await asked.ignore()
    await (await _cancel(station, 8, id)).answer(_ACCEPTED, seen=_SEEN)


async def _reserved(station: SimulatedStation) -> int:
    """Steps 1 to 4: the connector is reserved, and says so; the id."""
    asked = await _reserve(station, 1)
    await asked.answer(_ACCEPTED, seen=_SEEN)
    await connector_status(station, 3, "Reserved")
    id: int = asked.request.at("reservationId")
    return id


async def _refused(station: SimulatedStation, status: str) -> None:
    await (await _reserve(station, 1)).answer({"status": status}, seen=_SEEN)


async def _reserve(
    station: SimulatedStation,
    step: int,
    *,
    connector_id: int | None = None,
    parent: str | None = None,
    seconds: float = _LONG_S,
    id: int = _FIRST_ID,
    replaces: int | None = None,
    timeout_s: float | None = None,
) -> Asked:
    """Have the central system ask for a reservation for the valid token, by default of the configured connector."""
    connector_id = station.evse_id if connector_id is None else connector_id
    token = station.configuration.tokens.valid
    ends = station.in_a_while(seconds)
    payload: dict[str, Any] = {
        "connectorId": connector_id,
        "expiryDate": ends,
        "idTag": token.id_token,
        "reservationId": id if replaces is None else replaces,
    }
    parameters: dict[str, Any] = {"id_token": token.id_token, "expires_at": ends}
    text = f"reserve {f'connector {connector_id}' if connector_id else 'any connector'} for {token.id_token}"
    if connector_id:
        parameters["evse_id"] = connector_id
    if parent is not None:
        payload["parentIdTag"] = parameters["group_id_token"] = parent
        text += f" and the group {parent}"
    if replaces is not None:
        parameters["reservation_id"] = replaces
        text += f", under the id {replaces} as before"
    asked = await station.asked(
        step, f"{text}, until {ends}", "ReserveNow", payload, command=("reserve", parameters), timeout_s=timeout_s
    )
    asked.expect("connectorId", connector_id)
    asked.expect("idTag", token.id_token)
    asked.expect("parentIdTag", ABSENT if parent is None else parent)
    return asked


async def _cancel(station: SimulatedStation, step: int, id: int, timeout_s: float | None = None) -> Asked:
    asked = await station.asked(
        step,
        f"cancel the reservation {id}",
        "CancelReservation",
        {"reservationId": id},
        command=("cancel_reservation", {"reservation_id": id}),
        timeout_s=timeout_s,
    )
    asked.expect("reservationId", id)
    return asked
