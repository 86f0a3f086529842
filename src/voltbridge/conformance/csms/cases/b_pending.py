"""Block B: boots that are answered Pending or Rejected first (B02, B03)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voltbridge.conformance.case import Start, csms_case
from voltbridge.conformance.csms.states import boot
from voltbridge.conformance.csms.station import SimulatedStation
from voltbridge.conformance.received import Received

__all__: list[str] = []


@csms_case("TC_B_02_CSMS", start=Start.CONNECTED)
async def pending_then_accepted(station: SimulatedStation) -> None:
    """The first boot is answered Pending, the next one accepted."""
    async with _held_back(station):
        response = await _boots(station, 1)
        response.expect("status", "Pending")
        # 0 leaves it to the station (B02.FR.04).
        await station.clock.sleep(response.at("interval") or station.configuration.heartbeat_interval_s)
        await station.csms.decide(station.configuration.station_id, "Accepted")
        await boot(station, 3, "PowerUp")
        await station.report(5, "Available")


@csms_case("TC_B_30_CSMS", start=Start.CONNECTED)
async def nothing_else_before_acceptance(station: SimulatedStation) -> None:
    """Until a boot is accepted, other messages are refused with a SecurityError."""
    async with _held_back(station):
        response = await _boots(station, 1)
        response.expect("status", "Pending", "Rejected")
        for evse_id, connector_id in station.configuration.connectors():
            where = {"evseId": evse_id, "connectorId": connector_id}
            said = {"timestamp": station.now(), "connectorStatus": "Available", **where}
            await station.refused(3, "StatusNotification", said, "SecurityError")
            event = {
                "eventId": connector_id,
                "timestamp": station.now(),
                "trigger": "Delta",
                "actualValue": "Available",
                "eventNotificationType": "HardWiredNotification",
                "component": {"name": "Connector", "evse": {"id": evse_id, "connectorId": connector_id}},
                "variable": {"name": "AvailabilityState"},
            }
            told = {"generatedAt": station.now(), "seqNo": 0, "eventData": [event]}
            await station.refused(3, "NotifyEvent", told, "SecurityError")


@csms_case("TC_B_31_CSMS", start=Start.CONNECTED)
async def boot_triggered(station: SimulatedStation) -> None:
    """The CSMS asks a station that waits to boot, and accepts it then."""
    async with _held_back(station):
        response = await _boots(station, 1)
        response.expect("status", "Pending", "Rejected")
        asked = await station.asked(
            3,
            "trigger a BootNotification",
            "TriggerMessage",
            {"requestedMessage": "BootNotification"},
            command=("trigger_message", {"message": "BootNotification"}),
        )
        asked.expect("requestedMessage", "BootNotification")
        await asked.answer({"status": "Accepted"})
        await station.csms.decide(station.configuration.station_id, "Accepted")
        await boot(station, 5, "Triggered")
        await station.report(7, "Available")


@asynccontextmanager
async def _held_back(station: SimulatedStation) -> AsyncIterator[None]:
    """The CSMS answers the station's boots Pending; afterwards it accepts them again."""
    station_id = station.configuration.station_id
    await station.csms.decide(station_id, "Pending")
    try:
        yield
    finally:
        await station.csms.decide(station_id, "Accepted")


async def _boots(station: SimulatedStation, step: int) -> Received:
    configuration = station.configuration
    made_by = {"model": configuration.model, "vendorName": configuration.vendor_name}
    return await station.call(step, "BootNotification", {"reason": "PowerUp", "chargingStation": made_by})
