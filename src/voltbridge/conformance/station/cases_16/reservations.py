"""Cases about reservations of 1.6: ReserveNow, CancelReservation, and who may charge then (5.1, 5.13)."""

from __future__ import annotations

from typing import Any

from voltbridge.conformance.configuration import Token
from voltbridge.conformance.failure import NotApplicable
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.charging_16 import (
    authorizes,
    booted,
    charging,
    plugged_in,
    started,
    status_is,
    stopped_here,
    unavailable,
)

__all__: list[str] = []

_ID = 47


def _request(cs: CentralSystem, number: int | None = None, **more: Any) -> dict[str, Any]:
    return {
        "connectorId": cs.connector if number is None else number,
        "expiryDate": cs.in_a_while(600),
        "idTag": cs.configuration.tokens.valid.id_token,
        "reservationId": _ID,
        **more,
    }


async def _reserved(cs: CentralSystem, **more: Any) -> None:
    await cs.needs_profile("Reservation")
    with cs.stage("reserved"):
        cs.undoing.append(lambda: cs.call("afterwards", "CancelReservation", {"reservationId": _ID}))
        await cs.answered(1, "ReserveNow", _request(cs, **more))
        await status_is(cs, 2, "Reserved")


async def _refused(cs: CentralSystem, step: int, token: Token) -> None:
    """The idTag starts nothing at the connector."""
    await cs.present(token)
    await cs.plug_in()
    await cs.none(step, "StartTransaction", seconds=cs.configuration.message_timeout_s)


@charge_point_case("TC16_H_Reserve_Used_CS")
async def used(cs: CentralSystem) -> None:
    """The idTag of the reservation charges, and the transaction tells the reservation, which is over then."""
    await _reserved(cs)
    await authorizes(cs)
    await cs.plug_in()
    transaction = await started(cs)
    transaction.start.expect("reservationId", _ID)
    await cs.answered(1, "CancelReservation", {"reservationId": _ID}, "Rejected")
    await stopped_here(cs, transaction)


@charge_point_case("TC16_H_Reserve_Other_CS")
async def other(cs: CentralSystem) -> None:
    """Another idTag does not charge at a reserved connector."""
    await _reserved(cs)
    await _refused(cs, 1, cs.configuration.tokens.valid2)


@charge_point_case("TC16_H_Reserve_Parent_CS")
async def parent(cs: CentralSystem) -> None:
    """Another idTag with the parentIdTag of the reservation charges."""
    tokens = cs.configuration.tokens
    cs.answers.groups[tokens.valid2.id_token] = tokens.group
    await _reserved(cs, parentIdTag=tokens.group.id_token)
    await authorizes(cs, tokens.valid2)
    await cs.plug_in()
    transaction = await started(cs, tokens.valid2)
    transaction.start.expect("reservationId", _ID)


@charge_point_case("TC16_H_Reserve_Remote_CS")
async def remote(cs: CentralSystem) -> None:
    """A remote start for the idTag of the reservation charges, one for another does not."""
    await cs.needs_keys(AuthorizeRemoteTxRequests="false")
    tokens = cs.configuration.tokens
    await _reserved(cs)
    start = {"connectorId": cs.connector, "idTag": tokens.valid2.id_token}
    await cs.answered(1, "RemoteStartTransaction", start, "Rejected")
    await cs.answered(2, "RemoteStartTransaction", {**start, "idTag": tokens.valid.id_token})
    await cs.plug_in()
    transaction = await started(cs)
    transaction.start.expect("reservationId", _ID)


@charge_point_case("TC16_H_Reserve_Expires_CS")
async def expires(cs: CentralSystem) -> None:
    """A reservation that expires leaves the connector Available, for anybody."""
    await _reserved(cs, expiryDate=cs.in_a_while(60))
    await cs.none(1, "StatusNotification", {"connectorId": cs.connector}, seconds=40)
    await status_is(cs, 2, "Available", seconds=20 + cs.configuration.message_timeout_s)
    tokens = cs.configuration.tokens
    transaction = await charging(cs, tokens.valid2)
    transaction.start.expect("idTag", tokens.valid2.id_token)


@charge_point_case("TC16_H_Reserve_Occupied_CS")
async def occupied(cs: CentralSystem) -> None:
    """A connector in use cannot be reserved."""
    await cs.needs_profile("Reservation")
    transaction = await charging(cs)
    await cs.answered(1, "ReserveNow", _request(cs), "Occupied")
    await stopped_here(cs, transaction)


@charge_point_case("TC16_H_Reserve_Preparing_CS")
async def preparing(cs: CentralSystem) -> None:
    """A connector with a car cannot be reserved."""
    await cs.needs_profile("Reservation")
    await plugged_in(cs)
    await cs.answered(1, "ReserveNow", _request(cs), "Occupied")


@charge_point_case("TC16_H_Reserve_Reserved_CS")
async def reserved_already(cs: CentralSystem) -> None:
    """A connector that is reserved cannot be reserved once more, not even for the same idTag."""
    await _reserved(cs)
    await cs.answered(1, "ReserveNow", _request(cs, reservationId=_ID + 1), "Occupied")
    other_tag = cs.configuration.tokens.valid2.id_token
    await cs.answered(2, "ReserveNow", _request(cs, reservationId=_ID + 2, idTag=other_tag), "Occupied")


@charge_point_case("TC16_H_Reserve_Faulted_CS")
async def faulted(cs: CentralSystem) -> None:
    """A connector that is broken cannot be reserved."""
    await cs.needs_profile("Reservation")
    await cs.station.fault(*cs.place(cs.connector))
    await status_is(cs, 1, "Faulted")
    await cs.answered(2, "ReserveNow", _request(cs), "Faulted")
    await cs.station.mend(*cs.place(cs.connector))


@charge_point_case("TC16_H_Reserve_Unavailable_CS")
async def inoperative(cs: CentralSystem) -> None:
    """A connector that is Unavailable cannot be reserved."""
    await cs.needs_profile("Reservation")
    await unavailable(cs, cs.connector)
    await cs.answered(1, "ReserveNow", _request(cs), "Unavailable")


@charge_point_case("TC16_H_Reserve_Replaced_CS")
async def replaced(cs: CentralSystem) -> None:
    """The same reservationId replaces the reservation: the connector is for the new idTag."""
    tokens = cs.configuration.tokens
    await _reserved(cs)
    await cs.answered(1, "ReserveNow", _request(cs, idTag=tokens.valid2.id_token))
    await authorizes(cs, tokens.valid2)
    await cs.plug_in()
    transaction = await started(cs, tokens.valid2)
    transaction.start.expect("reservationId", _ID)


@charge_point_case("TC16_H_Reserve_Zero_CS")
async def any_connector(cs: CentralSystem) -> None:
    """A reservation of connector 0 keeps one connector for its idTag, whichever it is."""
    await cs.needs_profile("Reservation")
    if (await cs.key("ReserveConnectorZeroSupported") or "false").casefold() != "true":
        raise NotApplicable("the charge point takes no reservations of connector 0")
    tokens, last = cs.configuration.tokens, cs.other_connector
    await cs.answered(1, "ReserveNow", _request(cs, 0))
    # All but the last are taken by others.
    for number in cs.connectors:
        if number != last:
            await charging(cs, tokens.valid2, number)
    await cs.present(tokens.master_pass, last)
    await cs.plug_in(last)
    await cs.none(2, "StartTransaction", seconds=cs.configuration.message_timeout_s)
    await cs.present(tokens.valid, last)
    start = await cs.take(3, "StartTransaction", {"connectorId": last})
    start.expect("idTag", tokens.valid.id_token)
    start.expect("reservationId", _ID)


@charge_point_case("TC16_H_Reserve_ZeroNot_CS")
async def no_connector_zero(cs: CentralSystem) -> None:
    """A charge point that reserves single connectors only rejects connector 0."""
    await cs.needs_profile("Reservation")
    if (await cs.key("ReserveConnectorZeroSupported") or "false").casefold() == "true":
        raise NotApplicable("the charge point takes reservations of connector 0")
    await cs.answered(1, "ReserveNow", _request(cs, 0), "Rejected")


@charge_point_case("TC16_H_Reserve_BecomesFaulted_CS")
async def becomes_faulted(cs: CentralSystem) -> None:
    """A fault ends the reservation."""
    await _reserved(cs)
    await cs.station.fault(*cs.place(cs.connector))
    await status_is(cs, 1, "Faulted")
    await cs.station.mend(*cs.place(cs.connector))
    await status_is(cs, 2, "Available")
    await cs.answered(3, "CancelReservation", {"reservationId": _ID}, "Rejected")


@charge_point_case("TC16_H_Reserve_Kept_CS")
async def kept(cs: CentralSystem) -> None:
    """A reservation outlasts a reset."""
    await _reserved(cs)
    await booted(cs, "Hard", **{f"connector_{cs.connector}": "Reserved"})
    await cs.answered(1, "CancelReservation", {"reservationId": _ID})


@charge_point_case("TC16_H_Cancel_Accepted_CS")
async def cancelled(cs: CentralSystem) -> None:
    """A reservation that is cancelled leaves the connector Available, for anybody."""
    await _reserved(cs)
    await cs.answered(1, "CancelReservation", {"reservationId": _ID})
    await status_is(cs, 2, "Available")
    await charging(cs, cs.configuration.tokens.valid2)


@charge_point_case("TC16_H_Cancel_Unknown_CS")
async def cancel_unknown(cs: CentralSystem) -> None:
    """A reservation that there is not cannot be cancelled, and the one that there is stays."""
    await _reserved(cs)
    await cs.answered(1, "CancelReservation", {"reservationId": _ID + 1}, "Rejected")
    await _refused(cs, 2, cs.configuration.tokens.valid2)
