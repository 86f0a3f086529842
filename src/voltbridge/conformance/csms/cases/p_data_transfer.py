"""Block P: DataTransfer nobody understands, and customData."""

from __future__ import annotations

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.station import SimulatedStation

__all__: list[str] = []


@csms_case("TC_P_02_CSMS")
async def unknown_data_transfer(station: SimulatedStation) -> None:
    """A DataTransferRequest of a vendor or with a message the CSMS does not know."""
    configuration = station.configuration
    response = await station.call(
        1,
        "DataTransfer",
        {"vendorId": configuration.data_transfer_vendor_id, "messageId": configuration.data_transfer_message_id},
    )
    response.expect("status", "UnknownVendorId", "UnknownMessageId", "Rejected")


@csms_case("TC_P_03_CSMS")
async def custom_data(station: SimulatedStation) -> None:
    """Requests that carry customData are answered."""
    custom = {"vendorId": station.configuration.vendor_name, "reading": 1.5, "labels": ["a", {"b": None}]}
    where = {"evseId": station.evse_id, "connectorId": station.configuration.connector_id}
    status = {"timestamp": station.now(), "connectorStatus": "Available", **where, "customData": custom}
    await station.call(1, "StatusNotification", status)
    await station.transaction_event(
        3, "Started", "CablePluggedIn", known_evse=True, custom_data=custom, chargingState="EVConnected"
    )
