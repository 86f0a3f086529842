"""1.6: what a central system asks of a charge point that acts, and what the charge point tells of it afterwards.

Every message is sent and accepted, refused, and left without an answer: then the central system has to go on working,
and to send the same message again when told to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voltbridge.conformance.case import Play, csms_case
from voltbridge.conformance.csms.charge_point import (
    charge_point_boots,
    connector_status,
    meter_values,
    start_transaction,
    stop_transaction,
)
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_ACCEPTED = {"status": "Accepted"}
_SEEN = "Does the CSMS show this answer of the charge point?"
_EXTENDED = "ExtendedTriggerMessage"
_PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.0}],
    },
}
_LIMIT = {"unit": "A", "periods": [{"limit": 8.0}]}


# B. Reset (5.14)


@csms_case("TC16_B_Reset_Soft")
async def reset_soft(station: SimulatedStation) -> None:
    """A soft reset ends the transaction, then the charge point boots."""
    await start_transaction(station, 1)
    await (await _reset(station, 3, "Soft")).answer(_ACCEPTED)
    await stop_transaction(station, 5, "SoftReset")
    await station.reconnect(7)
    await charge_point_boots(station, 9)
    await connector_status(station, 11, "Available")


@csms_case("TC16_B_Reset_Hard")
async def reset_hard(station: SimulatedStation) -> None:
    """After a hard reset the charge point boots, and then tells the end of its transaction."""
    await start_transaction(station, 1)
    await (await _reset(station, 3, "Hard")).answer(_ACCEPTED)
    await station.reconnect(5)
    await charge_point_boots(station, 7)
    await stop_transaction(station, 9, "HardReset")


@csms_case("TC16_B_Reset_Rejected")
async def reset_rejected(station: SimulatedStation) -> None:
    """A reset is rejected."""
    await (await _reset(station, 1, "Soft")).answer({"status": "Rejected"}, seen=_SEEN)


# F. Remote start and stop (5.11, 5.12)


@csms_case("TC16_F_RemoteStart_Accepted")
async def remote_start(station: SimulatedStation) -> None:
    """A remote start on a connector; the charge point starts the transaction."""
    await (await _remote_start(station, 1)).answer(_ACCEPTED)
    await connector_status(station, 3, "Preparing")
    await start_transaction(station, 5)
    await connector_status(station, 7, "Charging")


@csms_case("TC16_F_RemoteStart_Authorized")
async def remote_start_authorized(station: SimulatedStation) -> None:
    """A remote start where the charge point asks for authorization first (AuthorizeRemoteTxRequests)."""
    await (await _remote_start(station, 1)).answer(_ACCEPTED)
    response = await station.call(3, "Authorize", {"idTag": station.session().token.id_token})
    response.expect("idTagInfo.status", "Accepted")
    await start_transaction(station, 5)


@csms_case("TC16_F_RemoteStart_Profile")
async def remote_start_with_profile(station: SimulatedStation) -> None:
    """A remote start with a charging profile for the transaction."""
    asked = await _remote_start(station, 1, chargingProfile=_PROFILE)
    asked.expect("chargingProfile.chargingProfilePurpose", "TxProfile")
    asked.expect("chargingProfile.transactionId", ABSENT)
    await asked.answer(_ACCEPTED)
    await start_transaction(station, 3)


@csms_case("TC16_F_RemoteStart_Timeout")
async def remote_start_in_vain(station: SimulatedStation) -> None:
    """A remote start, and nobody plugs in."""
    await (await _remote_start(station, 1)).answer(_ACCEPTED)
    await connector_status(station, 3, "Preparing")
    await station.transaction_duration()
    await connector_status(station, 5, "Available")


@csms_case("TC16_F_RemoteStart_Rejected")
async def remote_start_rejected(station: SimulatedStation) -> None:
    """A remote start is rejected."""
    await (await _remote_start(station, 1)).answer({"status": "Rejected"}, seen=_SEEN)


@csms_case("TC16_F_RemoteStop_Accepted")
async def remote_stop(station: SimulatedStation) -> None:
    """A remote stop; the charge point ends the transaction."""
    number = await start_transaction(station, 1)
    await (await _remote_stop(station, 3, number)).answer(_ACCEPTED)
    await stop_transaction(station, 5, "Remote")
    await connector_status(station, 7, "Finishing")
    await connector_status(station, 9, "Available")


@csms_case("TC16_F_RemoteStop_Rejected")
async def remote_stop_rejected(station: SimulatedStation) -> None:
    """A remote stop is rejected, and the transaction goes on."""
    number = await start_transaction(station, 1)
    await (await _remote_stop(station, 3, number)).answer({"status": "Rejected"}, seen=_SEEN)
    await meter_values(station, 5, "Sample.Periodic")


# F. Unlock connector (5.18)


@csms_case("TC16_F_Unlock_Unlocked")
async def unlock(station: SimulatedStation) -> None:
    """A connector is unlocked."""
    await (await _unlock(station, 1)).answer({"status": "Unlocked"})


@csms_case("TC16_F_Unlock_Transaction")
async def unlock_in_transaction(station: SimulatedStation) -> None:
    """A connector is unlocked during a transaction, which ends by it."""
    await start_transaction(station, 1)
    await (await _unlock(station, 3)).answer({"status": "Unlocked"})
    await stop_transaction(station, 5, "UnlockCommand")


@csms_case("TC16_F_Unlock_Failed")
async def unlock_failed(station: SimulatedStation) -> None:
    """A connector stays locked."""
    await (await _unlock(station, 1)).answer({"status": "UnlockFailed"}, seen=_SEEN)


@csms_case("TC16_F_Unlock_NotSupported")
async def unlock_not_supported(station: SimulatedStation) -> None:
    """A connector that has no lock."""
    await (await _unlock(station, 1)).answer({"status": "NotSupported"}, seen=_SEEN)


# F. Trigger message (5.17) and its extension (security whitepaper 4.5)


@csms_case("TC16_F_Trigger_Boot")
async def trigger_boot(station: SimulatedStation) -> None:
    """A BootNotification is asked for."""
    await (await _trigger(station, "BootNotification")).answer(_ACCEPTED)
    await charge_point_boots(station, 3)


@csms_case("TC16_F_Trigger_Heartbeat")
async def trigger_heartbeat(station: SimulatedStation) -> None:
    """A Heartbeat is asked for."""
    await (await _trigger(station, "Heartbeat")).answer(_ACCEPTED)
    await station.call(3, "Heartbeat", {})


@csms_case("TC16_F_Trigger_MeterValues")
async def trigger_meter_values(station: SimulatedStation) -> None:
    """MeterValues of a connector are asked for."""
    await (await _trigger(station, "MeterValues", connector=True)).answer(_ACCEPTED)
    await meter_values(station, 3, "Trigger")


@csms_case("TC16_F_Trigger_Status")
async def trigger_status(station: SimulatedStation) -> None:
    """The status of a connector is asked for."""
    await (await _trigger(station, "StatusNotification", connector=True)).answer(_ACCEPTED)
    await connector_status(station, 3, "Available")


@csms_case("TC16_F_Trigger_Firmware")
async def trigger_firmware(station: SimulatedStation) -> None:
    """The status of a firmware update is asked for."""
    await (await _trigger(station, "FirmwareStatusNotification")).answer(_ACCEPTED)
    await station.call(3, "FirmwareStatusNotification", {"status": "Idle"})


@csms_case("TC16_F_Trigger_Diagnostics")
async def trigger_diagnostics(station: SimulatedStation) -> None:
    """The status of an upload of diagnostics is asked for."""
    await (await _trigger(station, "DiagnosticsStatusNotification")).answer(_ACCEPTED)
    await station.call(3, "DiagnosticsStatusNotification", {"status": "Idle"})


@csms_case("TC16_F_Trigger_Rejected")
async def trigger_rejected(station: SimulatedStation) -> None:
    """A trigger is rejected."""
    await (await _trigger(station, "MeterValues", connector=True)).answer({"status": "Rejected"}, seen=_SEEN)


@csms_case("TC16_F_Trigger_NotImplemented")
async def trigger_not_implemented(station: SimulatedStation) -> None:
    """A message is asked for that the charge point does not know."""
    await (await _trigger(station, "DiagnosticsStatusNotification")).answer({"status": "NotImplemented"}, seen=_SEEN)


@csms_case("TC16_F_ExtendedTrigger_Heartbeat")
async def extended_heartbeat(station: SimulatedStation) -> None:
    """A Heartbeat is asked for by the extended trigger."""
    await (await _trigger(station, "Heartbeat", _EXTENDED)).answer(_ACCEPTED)
    await station.call(3, "Heartbeat", {})


@csms_case("TC16_F_ExtendedTrigger_MeterValues")
async def extended_meter_values(station: SimulatedStation) -> None:
    """MeterValues of a connector are asked for by the extended trigger."""
    await (await _trigger(station, "MeterValues", _EXTENDED, connector=True)).answer(_ACCEPTED)
    await meter_values(station, 3, "Trigger")


@csms_case("TC16_F_ExtendedTrigger_Status")
async def extended_status(station: SimulatedStation) -> None:
    """The status of a connector is asked for by the extended trigger."""
    await (await _trigger(station, "StatusNotification", _EXTENDED, connector=True)).answer(_ACCEPTED)
    await connector_status(station, 3, "Available")


@csms_case("TC16_F_ExtendedTrigger_Log")
async def extended_log(station: SimulatedStation) -> None:
    """The status of a log upload is asked for."""
    await (await _trigger(station, "LogStatusNotification", _EXTENDED)).answer(_ACCEPTED)
    await station.call(3, "LogStatusNotification", {"status": "Idle"})


@csms_case("TC16_F_ExtendedTrigger_Firmware")
async def extended_firmware(station: SimulatedStation) -> None:
    """The status of a signed firmware update is asked for."""
    await (await _trigger(station, "FirmwareStatusNotification", _EXTENDED)).answer(_ACCEPTED)
    await station.call(3, "SignedFirmwareStatusNotification", {"status": "Idle"})


@csms_case("TC16_F_ExtendedTrigger_Rejected")
async def extended_rejected(station: SimulatedStation) -> None:
    """An extended trigger is rejected."""
    await (await _trigger(station, "LogStatusNotification", _EXTENDED)).answer({"status": "Rejected"}, seen=_SEEN)


@csms_case("TC16_F_ExtendedTrigger_NotImplemented")
async def extended_not_implemented(station: SimulatedStation) -> None:
    """A message is asked for by the extended trigger that the charge point does not know."""
    asked = await _trigger(station, "SignChargePointCertificate", _EXTENDED)
    await asked.answer({"status": "NotImplemented"}, seen=_SEEN)


# G. Change availability (5.2)


@csms_case("TC16_G_Availability_Inoperative")
async def inoperative(station: SimulatedStation) -> None:
    """A connector is made inoperative, and operative again."""
    await (await _availability(station, 1, "Inoperative")).answer(_ACCEPTED)
    await connector_status(station, 3, "Unavailable")
    await (await _availability(station, 5, "Operative")).answer(_ACCEPTED)
    await connector_status(station, 7, "Available")


@csms_case("TC16_G_Availability_Persistent")
async def inoperative_after_boot(station: SimulatedStation) -> None:
    """A connector that was made inoperative is so after a boot."""
    await (await _availability(station, 1, "Inoperative")).answer(_ACCEPTED)
    await connector_status(station, 3, "Unavailable")
    await station.reconnect(5)
    await charge_point_boots(station, 7)
    await connector_status(station, 9, "Unavailable")


@csms_case("TC16_G_Availability_Station")
async def station_inoperative(station: SimulatedStation) -> None:
    """The charge point is made inoperative."""
    await (await _availability(station, 1, "Inoperative", 0)).answer(_ACCEPTED)
    for connector_id in range(station.configuration.evses + 1):
        await connector_status(station, 3, "Unavailable", connector_id)


@csms_case("TC16_G_Availability_Scheduled")
async def inoperative_after_transaction(station: SimulatedStation) -> None:
    """A connector with a transaction becomes inoperative once that has ended."""
    await start_transaction(station, 1)
    await (await _availability(station, 3, "Inoperative")).answer({"status": "Scheduled"})
    await stop_transaction(station, 5, "Local")
    await connector_status(station, 7, "Unavailable")


@csms_case("TC16_G_Availability_Rejected")
async def availability_rejected(station: SimulatedStation) -> None:
    """A change of availability is rejected."""
    await (await _availability(station, 1, "Inoperative")).answer({"status": "Rejected"}, seen=_SEEN)


# Each of them without an answer


def _unanswered(case_id: str, title: str, action: str, command: tuple[str, Mapping[str, Any]], **payload: Any) -> None:
    """Register the case in which the first such message gets no answer, and the second one does."""

    async def play(station: SimulatedStation) -> None:
        text, configuration = f"send a {action}", station.configuration
        timeout_s = configuration.unanswered_s
        asked = await station.asked(1, text, action, payload, command=command, timeout_s=timeout_s)
        _expect_all(asked, payload)
        await station.call(2, "Heartbeat", {})
        await asked.ignore()
        again = await station.asked(4, text, action, payload, command=command)
        _expect_all(again, payload)
        await again.answer({"status": "Unlocked" if action == "UnlockConnector" else "Accepted"})

    play.__doc__ = title
    register: Play = csms_case(case_id)(play)
    assert register is play


_unanswered("TC16_B_Reset_TimedOut", "A reset is not answered", "Reset", ("reset", {"type": "Soft"}), type="Soft")
_unanswered(
    "TC16_F_RemoteStart_TimedOut",
    "A remote start is not answered",
    "RemoteStartTransaction",
    ("start_transaction", {"id_token": "NOBODY"}),
    idTag="NOBODY",
)
_unanswered(
    "TC16_F_RemoteStop_TimedOut",
    "A remote stop is not answered",
    "RemoteStopTransaction",
    ("stop_transaction", {"transaction_id": "1"}),
    transactionId=1,
)
_unanswered(
    "TC16_F_Unlock_TimedOut",
    "An unlock is not answered",
    "UnlockConnector",
    ("unlock_connector", {"evse_id": 1}),
    connectorId=1,
)
_unanswered(
    "TC16_F_Trigger_TimedOut",
    "A trigger is not answered",
    "TriggerMessage",
    ("trigger_message", {"message": "Heartbeat"}),
    requestedMessage="Heartbeat",
)
_unanswered(
    "TC16_F_ExtendedTrigger_TimedOut",
    "An extended trigger is not answered",
    "ExtendedTriggerMessage",
    ("trigger_message", {"message": "Heartbeat", "extended": True}),
    requestedMessage="Heartbeat",
)
_unanswered(
    "TC16_G_Availability_TimedOut",
    "A change of availability is not answered",
    "ChangeAvailability",
    ("change_availability", {"status": "Inoperative", "evse_id": 1}),
    connectorId=1,
    type="Inoperative",
)


async def _ask(
    station: SimulatedStation,
    step: int,
    text: str,
    action: str,
    payload: Mapping[str, Any],
    command: tuple[str, Mapping[str, Any]],
) -> Asked:
    asked = await station.asked(step, text, action, payload, command=command)
    _expect_all(asked, {name: value for name, value in payload.items() if not isinstance(value, Mapping)})
    return asked


def _expect_all(asked: Asked, payload: Mapping[str, Any]) -> None:
    for name, value in payload.items():
        asked.expect(name, value)


def _reset_command(kind: str) -> tuple[str, Mapping[str, Any]]:
    return "reset", {"type": "Immediate" if kind == "Hard" else kind}


async def _reset(station: SimulatedStation, step: int, kind: str) -> Asked:
    return await _ask(station, step, f"reset the charge point ({kind})", "Reset", {"type": kind}, _reset_command(kind))


async def _remote_start(station: SimulatedStation, step: int, **more: Any) -> Asked:
    token = station.session().token.id_token
    with_profile = " with a charging profile of 8 A" if more else ""
    text = f"start a transaction at connector {station.evse_id} for idTag {token}{with_profile}"
    payload = {"connectorId": station.evse_id, "idTag": token, **more}
    start = {"evse_id": station.evse_id, "id_token": token} | ({"limit": _LIMIT} if more else {})
    return await _ask(station, step, text, "RemoteStartTransaction", payload, ("start_transaction", start))


async def _remote_stop(station: SimulatedStation, step: int, number: int) -> Asked:
    text, payload = f"stop transaction {number}", {"transactionId": number}
    stop = "stop_transaction", {"transaction_id": str(number)}
    return await _ask(station, step, text, "RemoteStopTransaction", payload, stop)


async def _unlock(station: SimulatedStation, step: int) -> Asked:
    number = station.evse_id
    text, payload = f"unlock connector {number}", {"connectorId": number}
    return await _ask(station, step, text, "UnlockConnector", payload, ("unlock_connector", {"evse_id": number}))


async def _trigger(
    station: SimulatedStation, message: str, action: str = "TriggerMessage", *, connector: bool = False
) -> Asked:
    """Step 1."""
    payload: dict[str, Any] = {"requestedMessage": message}
    text = f"ask the charge point for a {message}"
    # What other versions call by another name, the command does too.
    named = "SignChargingStationCertificate" if message == "SignChargePointCertificate" else message
    trigger: dict[str, Any] = {"message": named, "extended": action == _EXTENDED}
    if connector:
        payload["connectorId"] = trigger["evse_id"] = station.evse_id
        text += f" of connector {station.evse_id}"
    return await _ask(station, 1, f"{text}, by {action}", action, payload, ("trigger_message", trigger))


async def _availability(station: SimulatedStation, step: int, to: str, connector_id: int | None = None) -> Asked:
    number = station.evse_id if connector_id is None else connector_id
    text = f"make {f'connector {number}' if number else 'the charge point'} {to.lower()}"
    change = {"status": to} | ({"evse_id": number} if number else {})
    payload = {"connectorId": number, "type": to}
    return await _ask(station, step, text, "ChangeAvailability", payload, ("change_availability", change))
