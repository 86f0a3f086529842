"""Cases about TriggerMessage of 1.6 (5.17) and ExtendedTriggerMessage of the security whitepaper (5.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.case import Play16, charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.charging_16 import charging, plugged_in

__all__: list[str] = []

_REGISTER = "Energy.Active.Import.Register"
_BOTH = {"TriggerMessage": "Trigger", "ExtendedTriggerMessage": "ExtendedTrigger"}


async def _triggered(
    cs: CentralSystem, step: int, by: str, message: str, expected: str | None = None, **more: Any
) -> Received:
    """The message comes after the answer has said so."""
    await cs.answered(step, by, {"requestedMessage": message, **more})
    return await cs.take(step + 1, expected or message)


def _by_both(what: str) -> Callable[[Callable[[CentralSystem, str], Any]], object]:
    """Register the play for both messages."""

    def register(play: Callable[[CentralSystem, str], Any]) -> object:
        for action, name in _BOTH.items():
            _one(action, f"TC16_F_{name}_{what}_CS", play)
        return play

    return register


def _one(action: str, case_id: str, play: Callable[[CentralSystem, str], Any]) -> None:
    async def with_action(cs: CentralSystem) -> None:
        if action == "TriggerMessage":
            await cs.needs_profile("RemoteTrigger")
        cs.forget()
        await play(cs, action)

    with_action.__doc__ = f"{action}: {play.__doc__}"
    registered: Play16 = with_action
    charge_point_case(case_id)(registered)


@_by_both("Heartbeat")
async def heartbeat(cs: CentralSystem, by: str) -> None:
    """A heartbeat comes when it is asked for."""
    await _triggered(cs, 1, by, "Heartbeat")


@_by_both("MeterValues")
async def meter_values(cs: CentralSystem, by: str) -> None:
    """The measurands of MeterValuesSampledData come for the connector, with the context Trigger."""
    await cs.needs_keys(MeterValuesSampledData=_REGISTER)
    values = await _triggered(cs, 1, by, "MeterValues", connectorId=cs.connector)
    values.expect("connectorId", cs.connector)
    _trigger_only(values)


@_by_both("MeterValuesTransaction")
async def meter_values_of_a_transaction(cs: CentralSystem, by: str) -> None:
    """While a transaction runs, the values are of that transaction."""
    await cs.needs_keys(MeterValuesSampledData=_REGISTER)
    transaction = await charging(cs)
    cs.forget("MeterValues")
    values = await _triggered(cs, 1, by, "MeterValues", connectorId=cs.connector)
    values.expect("connectorId", cs.connector)
    values.expect("transactionId", transaction.number)
    _trigger_only(values)


@_by_both("MeterValuesAll")
async def meter_values_of_all(cs: CentralSystem, by: str) -> None:
    """Without a connectorId the values of every connector come."""
    await cs.answered(1, by, {"requestedMessage": "MeterValues"})
    for number in cs.connectors:
        await cs.take(2, "MeterValues", {"connectorId": number})


def _trigger_only(values: Received) -> None:
    for sample in values.at("meterValue.0.sampledValue"):
        if sample.get("context") != "Trigger" or sample.get("measurand", _REGISTER) != _REGISTER:
            raise StepFailed(values.step, f"{_REGISTER} with the context Trigger", str(sample))


@_by_both("Status")
async def status(cs: CentralSystem, by: str) -> None:
    """The status of the connector comes as it is."""
    await plugged_in(cs)
    told = await _triggered(cs, 1, by, "StatusNotification", connectorId=cs.connector)
    told.expect("connectorId", cs.connector)
    told.expect("status", "Preparing")
    told.expect("errorCode", "NoError")


@_by_both("StatusAll")
async def status_of_all(cs: CentralSystem, by: str) -> None:
    """Without a connectorId the status of the charge point and of every connector comes."""
    await cs.answered(1, by, {"requestedMessage": "StatusNotification"})
    for number in (0, *cs.connectors):
        told = await cs.take(2, "StatusNotification", {"connectorId": number})
        told.expect("status", "Available")


@_by_both("Boot")
async def boot(cs: CentralSystem, by: str) -> None:
    """A boot once accepted may be rejected; when it is not, it comes."""
    response = await cs.answered(1, by, {"requestedMessage": "BootNotification"}, "Accepted", "Rejected")
    if response.at("status") == "Accepted":
        await cs.take(2, "BootNotification")
    else:
        await cs.none(2, "BootNotification")


@_by_both("Unknown")
async def unknown_connector(cs: CentralSystem, by: str) -> None:
    """The status of a connector that there is not cannot be told."""
    request = {"requestedMessage": "StatusNotification", "connectorId": cs.unknown_connector}
    await cs.answered(1, by, request, "Rejected")
    await cs.none(2, "StatusNotification")


@charge_point_case("TC16_F_Trigger_Diagnostics_CS")
async def diagnostics_idle(cs: CentralSystem) -> None:
    """Asked for while nothing is uploaded, the status of diagnostics is Idle."""
    await cs.needs_profile("RemoteTrigger")
    told = await _triggered(cs, 1, "TriggerMessage", "DiagnosticsStatusNotification")
    told.expect("status", "Idle")


@charge_point_case("TC16_F_Trigger_Firmware_CS")
async def firmware_idle(cs: CentralSystem) -> None:
    """Asked for while nothing is installed, the status of firmware is Idle."""
    await cs.needs_profile("RemoteTrigger")
    told = await _triggered(cs, 1, "TriggerMessage", "FirmwareStatusNotification")
    told.expect("status", "Idle")


@charge_point_case("TC16_F_ExtendedTrigger_Log_CS")
async def log_idle(cs: CentralSystem) -> None:
    """Asked for while nothing is uploaded, the status of logs is Idle, and of no request."""
    told = await _triggered(cs, 1, "ExtendedTriggerMessage", "LogStatusNotification")
    told.expect("status", "Idle")
    told.expect("requestId", ABSENT)


@charge_point_case("TC16_F_ExtendedTrigger_Firmware_CS")
async def signed_firmware_idle(cs: CentralSystem) -> None:
    """Asked for while nothing is installed, the status of signed firmware is Idle."""
    told = await _triggered(
        cs, 1, "ExtendedTriggerMessage", "FirmwareStatusNotification", "SignedFirmwareStatusNotification"
    )
    told.expect("status", "Idle")
