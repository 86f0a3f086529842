"""The simulated station as a charge point of 1.6: what it says in its words. Connector n is EVSE n."""

from __future__ import annotations

from typing import Any

from voltbridge.conformance.csms.station import SimulatedStation

__all__ = [
    "charge_point_booted",
    "charge_point_boots",
    "connector_status",
    "meter_values",
    "start_transaction",
    "stop_transaction",
]


async def charge_point_booted(station: SimulatedStation) -> None:
    """BootNotification, accepted; every connector available."""
    with station.stage("Booted"):
        await charge_point_boots(station, 1)
        for connector_id in range(station.configuration.evses + 1):
            await connector_status(station, 3, "Available", connector_id)


async def charge_point_boots(station: SimulatedStation, step: int) -> None:
    """Send a BootNotification, which has to be accepted (4.2)."""
    configuration = station.configuration
    made_by = {"chargePointModel": configuration.model, "chargePointVendor": configuration.vendor_name}
    response = await station.call(step, "BootNotification", made_by)
    response.expect("status", "Accepted")


async def connector_status(station: SimulatedStation, step: int, status: str, connector_id: int | None = None) -> None:
    """Tell a connector's status; connector 0 is the charge point (4.9)."""
    connector_id = station.evse_id if connector_id is None else connector_id
    said = {"connectorId": connector_id, "errorCode": "NoError", "status": status, "timestamp": station.now()}
    await station.call(step, "StatusNotification", said)
    where = (connector_id, 1)
    if status == "Available":
        station.not_available.discard(where)
    else:
        station.not_available.add(where)


async def start_transaction(station: SimulatedStation, step: int, *, reservation_id: int | None = None) -> int:
    """Start a transaction with the valid idToken, which has to be accepted (4.8); its number."""
    said: dict[str, Any] = {
        "connectorId": station.evse_id,
        "idTag": station.session().token.id_token,
        "meterStart": 0,
        "timestamp": station.now(),
    }
    if reservation_id is not None:
        said["reservationId"] = reservation_id
    response = await station.call(step, "StartTransaction", said)
    response.expect("idTagInfo.status", "Accepted")
    number: int = response.at("transactionId")
    station.running[station.evse_id] = number
    return number


async def stop_transaction(station: SimulatedStation, step: int, reason: str) -> None:
    """Stop the transaction that runs (4.10)."""
    number = station.running.pop(station.evse_id)
    said = {"transactionId": number, "meterStop": 100, "timestamp": station.now(), "reason": reason}
    await station.call(step, "StopTransaction", said)


async def meter_values(station: SimulatedStation, step: int, context: str) -> None:
    """Tell the energy register of the connector (4.7)."""
    sampled = {"value": "100", "context": context, "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
    said = {
        "connectorId": station.evse_id,
        "meterValue": [{"timestamp": station.now(), "sampledValue": [sampled]}],
    }
    await station.call(step, "MeterValues", said)
