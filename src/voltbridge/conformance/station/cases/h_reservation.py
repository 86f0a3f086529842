"""H: reservations of an EVSE, of a kind of connector, of any; used, cancelled and over."""

from __future__ import annotations

from typing import Any

from voltbridge.conformance.configuration import Token
from voltbridge.conformance.failure import NotApplicable
from voltbridge.conformance.received import Received
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    authorized,
    energy_transfer_started,
    ev_connected_pre_session,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.states import (
    connector_is,
    connectors_are,
    connectors_of,
    reserved,
    unavailable,
)

__all__: list[str] = []

_LONG_S = 300.0
_SHORT_S = 60.0


async def _takes_reservations(csms: SimulatedCsms, *, of_any: bool = False) -> None:
    """The prerequisites, and the configuration state: reservations are enabled."""
    if await csms.value("ReservationCtrlr", "Available") != "true":
        raise NotApplicable("the station takes no reservations")
    await csms.configure("ReservationCtrlr", "Enabled", "true")
    if of_any and await csms.value("ReservationCtrlr", "NonEvseSpecific") != "true":
        raise NotApplicable("the station takes no reservations of an unspecified EVSE")


async def _reserve(
    csms: SimulatedCsms, status: str, token: Token, *, number: int | None = None, **more: Any
) -> tuple[int, Received]:
    """Steps 1 and 2: ReserveNow with these fields by their wire names; the id of the reservation."""
    number = number or csms.next_id()
    request = {"id": number, "expiryDateTime": csms.in_a_while(_LONG_S), "idToken": token.wire, **more}
    response = await csms.call(2, "ReserveNow", request)
    response.expect("status", status)
    return number, response


async def _used(csms: SimulatedCsms, token: Token, number: int | None = None) -> None:
    """Authorized with this token, then EnergyTransferStarted, which names the reservation where there is one."""
    await authorized(csms, token=token, reserved=True)
    await energy_transfer_started(csms)
    if number is not None:
        named = csms.seen("TransactionEvent", {"reservationId": number})
        if not named:
            await csms.take(15, "TransactionEvent", {"reservationId": number}, seconds=csms.configuration.quiet_s)


@station_case("TC_H_01_CS")
async def used_by_token(csms: SimulatedCsms) -> None:
    """A reserved EVSE is used by the driver it is reserved for."""
    await _takes_reservations(csms)
    number = await reserved(csms)
    await authorized(csms, token=csms.configuration.tokens.valid, reserved=True)
    await connector_is(csms, 2, "Available")
    await energy_transfer_started(csms)
    if not csms.seen("TransactionEvent", {"reservationId": number}):
        await csms.take(3, "TransactionEvent", {"reservationId": number}, seconds=csms.configuration.quiet_s)


@station_case("TC_H_02_CS")
async def refused_to_others(csms: SimulatedCsms) -> None:
    """A reserved EVSE charges nobody else."""
    await _takes_reservations(csms)
    await reserved(csms)
    await ev_connected_pre_session(csms)
    other = csms.configuration.tokens.valid2
    if csms.configuration.remote_authorization:
        request = {"idToken": other.wire, "evseId": csms.evse_id, "remoteStartId": csms.next_id()}
        (await csms.call(2, "RequestStartTransaction", request)).expect("status", "Rejected")
        return
    await csms.station.present(other, csms.evse_id)
    wait_s = csms.configuration.message_timeout_s
    await csms.none(1, "TransactionEvent", {"transactionInfo.chargingState": "Charging"}, seconds=wait_s)


@station_case("TC_H_03_CS")
async def reserved_already(csms: SimulatedCsms) -> None:
    """An EVSE that is reserved is asked for."""
    await _takes_reservations(csms)
    await reserved(csms)
    await _reserve(csms, "Occupied", csms.configuration.tokens.valid2, evseId=csms.evse_id)


@station_case("TC_H_04_CS")
async def occupied(csms: SimulatedCsms) -> None:
    """An EVSE that charges is asked for."""
    await _takes_reservations(csms)
    await energy_transfer_started(csms)
    await _reserve(csms, "Occupied", csms.configuration.tokens.valid2, evseId=csms.evse_id)


@station_case("TC_H_06_CS")
async def inoperative(csms: SimulatedCsms) -> None:
    """An EVSE that is unavailable is asked for."""
    await _takes_reservations(csms)
    await unavailable(csms, evse_id=csms.evse_id)
    await _reserve(csms, "Unavailable", csms.configuration.tokens.valid2, evseId=csms.evse_id)


@station_case("TC_H_07_CS")
async def expired(csms: SimulatedCsms) -> None:
    """A reservation that nobody uses is over in time, and the EVSE is free for all."""
    await _takes_reservations(csms)
    number = await reserved(csms, seconds=_SHORT_S)
    await connector_is(csms, 1, "Available", seconds=_SHORT_S + csms.configuration.message_timeout_s)
    update = await csms.take(3, "ReservationStatusUpdate", seconds=_SHORT_S)
    update.expect("reservationId", number)
    update.expect("reservationUpdateStatus", "Expired")
    await _used(csms, csms.configuration.tokens.valid2)


@station_case("TC_H_08_CS")
async def of_any(csms: SimulatedCsms) -> None:
    """An EVSE is reserved, whichever; the driver gets one."""
    await _takes_reservations(csms, of_any=True)
    number, _ = await _reserve(csms, "Accepted", csms.configuration.tokens.valid)
    if csms.configuration.evses == 1:
        await connectors_are(csms, 3, "Reserved")
    await _used(csms, csms.configuration.tokens.valid, number)


@station_case("TC_H_09_CS")
async def of_any_reserved_already(csms: SimulatedCsms) -> None:
    """Any EVSE is asked for where all are reserved."""
    await _takes_reservations(csms, of_any=True)
    for evse_id in range(1, csms.configuration.evses + 1):
        await reserved(csms, evse_id=evse_id, token=csms.configuration.tokens.valid2)
    await _reserve(csms, "Occupied", csms.configuration.tokens.valid)


@station_case("TC_H_10_CS")
async def of_any_occupied(csms: SimulatedCsms) -> None:
    """Any EVSE is asked for where all charge."""
    await _takes_reservations(csms, of_any=True)
    for evse_id in range(1, csms.configuration.evses + 1):
        await energy_transfer_started(csms, evse_id=evse_id)
    await _reserve(csms, "Occupied", csms.configuration.tokens.valid)


@station_case("TC_H_12_CS")
async def of_any_inoperative(csms: SimulatedCsms) -> None:
    """Any EVSE is asked for where the station is unavailable."""
    await _takes_reservations(csms, of_any=True)
    await unavailable(csms)
    await _reserve(csms, "Unavailable", csms.configuration.tokens.valid)


@station_case("TC_H_13_CS")
async def of_any_unsupported(csms: SimulatedCsms) -> None:
    """Any EVSE is asked for, of a station that wants to know which."""
    await _takes_reservations(csms)
    if await csms.value("ReservationCtrlr", "NonEvseSpecific") == "true":
        raise NotApplicable("the station takes reservations of an unspecified EVSE")
    await _reserve(csms, "Rejected", csms.configuration.tokens.valid)


@station_case("TC_H_14_CS")
async def as_many_as_free(csms: SimulatedCsms) -> None:
    """As many EVSEs are reserved as there are: all of them show it."""
    await _takes_reservations(csms, of_any=True)
    for number in range(csms.configuration.evses):
        await _reserve(csms, "Accepted", Token(id_token=f"04A1B2C3D4E6{number:02X}"))
    await connectors_are(csms, 3, "Reserved")


@station_case("TC_H_15_CS")
async def of_a_type(csms: SimulatedCsms) -> None:
    """A connector of a type is reserved; the driver gets one."""
    await _takes_reservations(csms, of_any=True)
    kind = csms.configuration.connector_type
    number, _ = await _reserve(csms, "Accepted", csms.configuration.tokens.valid, connectorType=kind)
    if csms.configuration.evses == 1:
        await connectors_are(csms, 3, "Reserved")
    await _used(csms, csms.configuration.tokens.valid, number)


@station_case("TC_H_16_CS")
async def of_a_type_reserved_already(csms: SimulatedCsms) -> None:
    """A connector of a type is asked for where all are reserved."""
    await _takes_reservations(csms, of_any=True)
    for evse_id in range(1, csms.configuration.evses + 1):
        await reserved(csms, evse_id=evse_id, token=csms.configuration.tokens.valid2)
    kind = csms.configuration.connector_type
    await _reserve(csms, "Occupied", csms.configuration.tokens.valid, connectorType=kind)


@station_case("TC_H_17_CS")
async def cancelled(csms: SimulatedCsms) -> None:
    """A reservation is cancelled, and the EVSE is free again."""
    await _takes_reservations(csms)
    number = await reserved(csms)
    (await csms.call(2, "CancelReservation", {"reservationId": number})).expect("status", "Accepted")
    await connectors_are(csms, 3, "Available", connectors_of(csms, csms.evse_id))


@station_case("TC_H_18_CS")
async def cancelled_unknown(csms: SimulatedCsms) -> None:
    """A reservation is cancelled that there is not."""
    await _takes_reservations(csms)
    (await csms.call(2, "CancelReservation", {"reservationId": 1})).expect("status", "Rejected")


@station_case("TC_H_19_CS")
async def used_by_group(csms: SimulatedCsms) -> None:
    """A reserved EVSE is used by another token of the same group."""
    await _takes_reservations(csms)
    tokens = csms.configuration.tokens
    number, _ = await _reserve(csms, "Accepted", tokens.valid, evseId=csms.evse_id, groupIdToken=tokens.group.wire)
    await connectors_are(csms, 3, "Reserved", connectors_of(csms, csms.evse_id))
    csms.answers.groups[tokens.valid2.id_token] = tokens.group
    await _used(csms, tokens.valid2, number)


async def _availability(csms: SimulatedCsms, step: int, status: str) -> None:
    request = {"operationalStatus": status, "evse": {"id": csms.evse_id}}
    (await csms.call(step, "ChangeAvailability", request)).expect("status", "Accepted")
    shown = "Unavailable" if status == "Inoperative" else "Available"
    await connectors_are(csms, step + 1, shown, connectors_of(csms, csms.evse_id))


@station_case("TC_H_21_CS")
async def removed(csms: SimulatedCsms) -> None:
    """A reserved EVSE becomes unavailable, which ends the reservation."""
    await _takes_reservations(csms)
    number = await reserved(csms)
    await _availability(csms, 2, "Inoperative")
    update = await csms.take(5, "ReservationStatusUpdate")
    update.expect("reservationId", number)
    update.expect("reservationUpdateStatus", "Removed")
    await _availability(csms, 8, "Operative")
    await _used(csms, csms.configuration.tokens.valid2)


@station_case("TC_H_22_CS")
async def disabled(csms: SimulatedCsms) -> None:
    """A station that is configured to take none refuses a reservation."""
    if not await csms.configure("ReservationCtrlr", "Enabled", "false"):
        raise NotApplicable("reservations of the station cannot be disabled")
    await _reserve(csms, "Rejected", csms.configuration.tokens.valid, evseId=csms.evse_id)


@station_case("TC_H_23_CS")
async def replaced(csms: SimulatedCsms) -> None:
    """A reservation takes the place of the one with the same id."""
    await _takes_reservations(csms)
    tokens = csms.configuration.tokens
    number = await reserved(csms, token=tokens.valid)
    await _reserve(csms, "Accepted", tokens.valid2, number=number, evseId=csms.evse_id)
    await _used(csms, tokens.valid2, number)


@station_case("TC_H_24_CS")
async def of_any_used_by_group(csms: SimulatedCsms) -> None:
    """An EVSE is reserved, whichever; another token of the same group gets one."""
    await _takes_reservations(csms, of_any=True)
    tokens = csms.configuration.tokens
    number, _ = await _reserve(csms, "Accepted", tokens.valid, groupIdToken=tokens.group.wire)
    if csms.configuration.evses == 1:
        await connectors_are(csms, 3, "Reserved")
    csms.answers.groups[tokens.valid2.id_token] = tokens.group
    await _used(csms, tokens.valid2, number)
