"""Cases about the statuses of a charge point of 1.6 and who changes them (4.9, 5.2, 9.1.20)."""

from __future__ import annotations

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import Received
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.charging_16 import (
    booted,
    charging,
    ended,
    plugged_in,
    status_is,
    stopped_here,
    unavailable,
)

__all__: list[str] = []

_DURATION_S = 20


async def _change(cs: CentralSystem, step: int, number: int, kind: str, *statuses: str) -> Received:
    return await cs.answered(step, "ChangeAvailability", {"connectorId": number, "type": kind}, *statuses)


async def _serves_nobody(cs: CentralSystem, step: int) -> None:
    """Neither the Central System nor a driver can start a transaction at the connector."""
    start = {"connectorId": cs.connector, "idTag": cs.configuration.tokens.valid2.id_token}
    response = await cs.call(step, "RemoteStartTransaction", start)
    await cs.plug_in()
    await cs.present()
    await cs.none(step, "StartTransaction")
    response.expect("status", "Rejected")


@charge_point_case("TC16_G_Status_Whole_CS")
async def whole_session(cs: CentralSystem) -> None:
    """A connector is Preparing, Charging, Finishing and Available again, as driver and car do."""
    transaction = await charging(cs)
    await stopped_here(cs, transaction)
    told = [one.at("status") for one in cs.seen("StatusNotification", {"connectorId": cs.connector})]
    for status in ("Preparing", "Charging", "Finishing", "Available"):
        if told.count(status) != 1:
            raise StepFailed("1", f"{status} once", ", ".join(told))


@charge_point_case("TC16_G_Status_Unplugged_CS")
async def unplugged(cs: CentralSystem) -> None:
    """A car that leaves before anybody was authorized leaves the connector Available."""
    await plugged_in(cs)
    await cs.unplug()
    await status_is(cs, 1, "Available")


@charge_point_case("TC16_G_Status_Fault_CS")
async def fault(cs: CentralSystem) -> None:
    """A fault is told with an error, its end with the status of before."""
    await cs.station.fault(*cs.place(cs.connector))
    told = await status_is(cs, 1, "Faulted")
    if told.at("errorCode") == "NoError":
        raise StepFailed("1", "an errorCode", "NoError")
    await _serves_nobody(cs, 2)
    await cs.unplug()
    cs.forget()
    await cs.station.mend(*cs.place(cs.connector))
    await status_is(cs, 3, "Available", past=("Preparing",))


@charge_point_case("TC16_G_Status_MinimumDuration_CS")
async def minimum_duration(cs: CentralSystem) -> None:
    """What lasts shorter than MinimumStatusDuration is not told; what lasts is, after that time."""
    await cs.needs_keys(MinimumStatusDuration=str(_DURATION_S))
    await cs.plug_in()
    await cs.wait(_DURATION_S / 4)
    await cs.unplug()
    await cs.none(1, "StatusNotification", seconds=2 * _DURATION_S)
    await cs.plug_in()
    await cs.none(2, "StatusNotification", seconds=_DURATION_S / 2)
    await status_is(cs, 3, "Preparing", seconds=_DURATION_S)


@charge_point_case("TC16_G_Availability_Connector_CS")
async def of_a_connector(cs: CentralSystem) -> None:
    """A connector that is made inoperative is Unavailable and serves nobody; operative it does again."""
    await unavailable(cs, cs.connector)
    await _serves_nobody(cs, 1)
    await cs.unplug()
    cs.forget()
    await _change(cs, 2, cs.connector, "Operative")
    await status_is(cs, 3, "Available", past=("Preparing",))
    await stopped_here(cs, await charging(cs))


@charge_point_case("TC16_G_Availability_Others_CS")
async def of_others(cs: CentralSystem) -> None:
    """While one connector is Unavailable another one serves."""
    tokens, other = cs.configuration.tokens, cs.other_connector
    await unavailable(cs, cs.connector)
    await stopped_here(cs, await charging(cs, tokens.valid2, other), tokens.valid2)


@charge_point_case("TC16_G_Availability_Station_CS")
async def of_the_charge_point(cs: CentralSystem) -> None:
    """Connector 0 means the charge point and all its connectors."""
    await unavailable(cs, 0)
    await _change(cs, 1, 0, "Operative")
    for number in (0, *cs.connectors):
        await status_is(cs, 2, "Available", number)


@charge_point_case("TC16_G_Availability_Same_CS")
async def same_as_before(cs: CentralSystem) -> None:
    """What it is already it may be made again."""
    await _change(cs, 1, cs.connector, "Operative")
    await unavailable(cs, cs.connector)
    await _change(cs, 2, cs.connector, "Inoperative")


@charge_point_case("TC16_G_Availability_Scheduled_CS")
async def scheduled(cs: CentralSystem) -> None:
    """A connector that charges becomes Unavailable when its transaction has ended."""
    cs.afterwards("ChangeAvailability", {"connectorId": cs.connector, "type": "Operative"})
    transaction = await charging(cs)
    await _change(cs, 1, cs.connector, "Inoperative", "Scheduled")
    await cs.none(2, "StatusNotification", {"connectorId": cs.connector})
    await cs.present()
    await ended(cs, transaction, status=None)
    await cs.unplug()
    await status_is(cs, 3, "Unavailable", past=("Finishing",))


@charge_point_case("TC16_G_Availability_ScheduledStation_CS")
async def scheduled_for_all(cs: CentralSystem) -> None:
    """Connectors where nobody charges become Unavailable at once, the one in use later."""
    cs.afterwards("ChangeAvailability", {"connectorId": 0, "type": "Operative"})
    other = cs.other_connector
    transaction = await charging(cs)
    await _change(cs, 1, 0, "Inoperative", "Scheduled")
    await status_is(cs, 2, "Unavailable", other)
    await cs.present()
    await ended(cs, transaction, status=None)
    await cs.unplug()
    await status_is(cs, 3, "Unavailable", past=("Finishing",))


@charge_point_case("TC16_G_Availability_Kept_CS")
async def kept(cs: CentralSystem) -> None:
    """Unavailable outlasts a reset."""
    await unavailable(cs, cs.connector)
    await booted(cs, "Hard", **{f"connector_{cs.connector}": "Unavailable"})


@charge_point_case("TC16_G_Availability_Unknown_CS")
async def unknown_connector(cs: CentralSystem) -> None:
    """A connector that there is not cannot be changed."""
    await _change(cs, 1, cs.unknown_connector, "Inoperative", "Rejected")
    await cs.none(2, "StatusNotification")
