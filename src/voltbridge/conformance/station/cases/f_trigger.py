"""F06: messages that the CSMS asks for."""

from __future__ import annotations

from typing import Any, Final

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.features import UNKNOWN_TRIGGER
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.authorization import without
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    energy_transfer_started,
    ev_connected_pre_session,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.states import (
    connector_is,
)

__all__: list[str] = []

_CONTEXT: Final = "meterValue.0.sampledValue.0.context"


async def _trigger(
    csms: SimulatedCsms, message: str, evse: dict[str, Any] | None = None, *, step: int = 2, status: str = "Accepted"
) -> None:
    """The CSMS asks for a message."""
    if status == "Accepted":
        without(csms, UNKNOWN_TRIGGER + message)
    await csms.quiet()
    csms.forget()
    request = {"requestedMessage": message} | ({} if evse is None else {"evse": evse})
    (await csms.call(step, "TriggerMessage", request)).expect("status", status)


@station_case("TC_F_11_CS")
async def meter_values_of_evse(csms: SimulatedCsms) -> None:
    """MeterValuesRequest, of an EVSE."""
    await _trigger(csms, "MeterValues", {"id": csms.evse_id})
    request = await csms.take(3, "MeterValues")
    request.expect("evseId", csms.evse_id)
    request.expect(_CONTEXT, "Trigger")


@station_case("TC_F_12_CS")
async def meter_values(csms: SimulatedCsms) -> None:
    """MeterValuesRequest, of every EVSE."""
    await _trigger(csms, "MeterValues")
    for evse_id in range(1, csms.configuration.evses + 1):
        (await csms.take(3, "MeterValues", {"evseId": evse_id})).expect(_CONTEXT, "Trigger")


def _says_charging(event: Received) -> None:
    event.expect("triggerReason", "Trigger")
    event.expect("transactionInfo.chargingState", "Charging")
    if event.at("meterValue") is ABSENT:
        raise StepFailed(event.step, "TransactionEventRequest.meterValue", "no such field")
    event.expect(_CONTEXT, "Trigger")


@station_case("TC_F_13_CS")
async def transaction_event_of_evse(csms: SimulatedCsms) -> None:
    """TransactionEventRequest, of an EVSE."""
    await energy_transfer_started(csms)
    await _trigger(csms, "TransactionEvent", {"id": csms.evse_id})
    event = await csms.take(3, "TransactionEvent")
    event.expect("evse.id", csms.evse_id, ABSENT)
    _says_charging(event)


@station_case("TC_F_14_CS")
async def transaction_event(csms: SimulatedCsms) -> None:
    """TransactionEventRequest, of every EVSE."""
    evse_ids = range(1, csms.configuration.evses + 1)
    for evse_id in evse_ids:
        await energy_transfer_started(csms, evse_id=evse_id)
    await _trigger(csms, "TransactionEvent")
    for evse_id in evse_ids:
        _says_charging(await csms.take(3, "TransactionEvent", {"evse.id": evse_id}))


@station_case("TC_F_15_CS")
async def log_status_idle(csms: SimulatedCsms) -> None:
    """LogStatusNotificationRequest, with no log under way."""
    await _trigger(csms, "LogStatusNotification")
    (await csms.take(3, "LogStatusNotification")).expect("status", "Idle")


@station_case("TC_F_17_CS")
async def firmware_status_of_evse(csms: SimulatedCsms) -> None:
    """FirmwareStatusNotificationRequest, with an EVSE that does not matter."""
    await _trigger(csms, "FirmwareStatusNotification", {"id": csms.evse_id})
    (await csms.take(3, "FirmwareStatusNotification")).expect("status", "Idle")


@station_case("TC_F_18_CS")
async def firmware_status_idle(csms: SimulatedCsms) -> None:
    """FirmwareStatusNotificationRequest, with no update under way."""
    await _trigger(csms, "FirmwareStatusNotification")
    (await csms.take(3, "FirmwareStatusNotification")).expect("status", "Idle")


@station_case("TC_F_20_CS")
async def heartbeat(csms: SimulatedCsms) -> None:
    """HeartbeatRequest."""
    await _trigger(csms, "Heartbeat")
    await csms.take(3, "Heartbeat")


def _connector(csms: SimulatedCsms) -> dict[str, Any]:
    return {"id": csms.evse_id, "connectorId": csms.connector_id}


@station_case("TC_F_23_CS")
async def status_available(csms: SimulatedCsms) -> None:
    """The status of a connector that is available."""
    await _trigger(csms, "StatusNotification", _connector(csms))
    await connector_is(csms, 3, "Available")


@station_case("TC_F_24_CS")
async def status_occupied(csms: SimulatedCsms) -> None:
    """The status of a connector that is occupied."""
    await ev_connected_pre_session(csms)
    await _trigger(csms, "StatusNotification", _connector(csms))
    await connector_is(csms, 3, "Occupied")


@station_case("TC_F_26_CS")
async def boot_notification(csms: SimulatedCsms) -> None:
    """No BootNotificationRequest, once the station is accepted."""
    await _trigger(csms, "BootNotification", status="Rejected")


@station_case("TC_F_27_CS")
async def not_implemented(csms: SimulatedCsms) -> None:
    """A message that the station cannot be made to send."""
    without(csms, "SignCombinedCertificate that can be triggered")
    await _trigger(csms, "SignCombinedCertificate", status="NotImplemented")
