"""The planted faults of 1.6: what a central system asks of a charge point that acts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.conformance.peers import REMOVED, Fault, change, drop, refuse

__all__ = ["REMOTE_CONTROL_16"]

_Row = tuple[str, str, Fault]
_BACK = Fault(selects=lambda nth, offered: "ocpp1.6" if nth == 1 else "refused")


def _asked(step: int, action: str, nth: Any = 1, **wrong: object) -> Iterator[_Row]:
    """A request with each of these wrong values, and not sent."""
    for path, value in wrong.items():
        yield str(step), path, change(action, path, value, nth)
    yield str(step), "", drop(action, nth)


def _unseen(step: int) -> _Row:
    return str(step), "", Fault(shows_nothing=True)


def _starts(step: int) -> Iterator[_Row]:
    for status in ("Invalid", "Blocked"):
        yield str(step), "idTagInfo.status", change("StartTransaction", "idTagInfo.status", status)


def _boots(step: int) -> Iterator[_Row]:
    for status in ("Pending", "Rejected"):
        yield str(step), "status", change("BootNotification", "status", status, 2)


def _reset(step: int, right: str) -> Iterator[_Row]:
    return _asked(step, "Reset", type="Hard" if right == "Soft" else "Soft")


def _remote_start() -> Iterator[_Row]:
    return _asked(1, "RemoteStartTransaction", connectorId=2, idTag="ANOTHER")


def _trigger(action: str, message: str, *follow: _Row, connector: bool = False) -> tuple[_Row, ...]:
    wrong: dict[str, object] = {"requestedMessage": "MeterValues" if message == "Heartbeat" else "Heartbeat"}
    if connector:
        wrong["connectorId"] = 2
    return (*_asked(1, action, **wrong), *follow)


def _availability(step: int, to: str, nth: int = 1, connector_id: int = 2) -> Iterator[_Row]:
    other = "Operative" if to == "Inoperative" else "Inoperative"
    return _asked(step, "ChangeAvailability", nth=nth, connectorId=connector_id, type=other)


def _unanswered(action: str, **wrong: object) -> tuple[_Row, ...]:
    return (
        *_asked(1, action, **wrong),
        ("3", "", drop("Heartbeat")),
        ("3", "", refuse("Heartbeat")),
        *_asked(4, action, nth=2, **wrong),
    )


_PURPOSE = "chargingProfile.chargingProfilePurpose"
_PLAIN, _EXTENDED = "TriggerMessage", "ExtendedTriggerMessage"

REMOTE_CONTROL_16: dict[str, tuple[_Row, ...]] = {
    "TC16_B_Reset_Soft": (
        *_starts(2),
        *_reset(3, "Soft"),
        ("6", "", drop("StopTransaction")),
        ("8", "", _BACK),
        *_boots(10),
        ("12", "", drop("StatusNotification", 4)),
    ),
    "TC16_B_Reset_Hard": (
        *_starts(2),
        *_reset(3, "Hard"),
        ("6", "", _BACK),
        *_boots(8),
        ("10", "", refuse("StopTransaction")),
    ),
    "TC16_B_Reset_Rejected": (*_reset(1, "Soft"), _unseen(2)),
    "TC16_B_Reset_TimedOut": _unanswered("Reset", type="Hard"),
    "TC16_F_RemoteStart_Accepted": (
        *_remote_start(),
        ("4", "", drop("StatusNotification", 4)),
        *_starts(6),
        ("6", "", change("StartTransaction", "transactionId", REMOVED)),
        ("8", "", drop("StatusNotification", 5)),
    ),
    "TC16_F_RemoteStart_Authorized": (
        *_remote_start(),
        ("4", "idTagInfo.status", change("Authorize", "idTagInfo.status", "Blocked")),
        *_starts(6),
    ),
    "TC16_F_RemoteStart_Profile": (
        *_remote_start(),
        ("1", _PURPOSE, change("RemoteStartTransaction", _PURPOSE, "TxDefaultProfile")),
        ("1", _PURPOSE, change("RemoteStartTransaction", "chargingProfile", REMOVED)),
        (
            "1",
            "chargingProfile.transactionId",
            change("RemoteStartTransaction", "chargingProfile.transactionId", 1),
        ),
        *_starts(4),
    ),
    "TC16_F_RemoteStart_Timeout": (
        *_remote_start(),
        ("4", "", drop("StatusNotification", 4)),
        ("6", "", refuse("StatusNotification", 5)),
    ),
    "TC16_F_RemoteStart_Rejected": (*_remote_start(), _unseen(2)),
    "TC16_F_RemoteStart_TimedOut": _unanswered("RemoteStartTransaction", idTag="ANOTHER"),
    "TC16_F_RemoteStop_Accepted": (
        *_starts(2),
        *_asked(3, "RemoteStopTransaction", transactionId=-7),
        ("6", "", refuse("StopTransaction")),
        ("8", "", drop("StatusNotification", 4)),
        ("10", "", drop("StatusNotification", 5)),
    ),
    "TC16_F_RemoteStop_Rejected": (
        *_starts(2),
        *_asked(3, "RemoteStopTransaction", transactionId=-7),
        _unseen(4),
        ("6", "", drop("MeterValues")),
    ),
    "TC16_F_RemoteStop_TimedOut": _unanswered("RemoteStopTransaction", transactionId=-7),
    "TC16_F_Unlock_Unlocked": tuple(_asked(1, "UnlockConnector", connectorId=2)),
    "TC16_F_Unlock_Transaction": (
        *_starts(2),
        *_asked(3, "UnlockConnector", connectorId=2),
        ("6", "", drop("StopTransaction")),
    ),
    "TC16_F_Unlock_Failed": (*_asked(1, "UnlockConnector", connectorId=2), _unseen(2)),
    "TC16_F_Unlock_NotSupported": (*_asked(1, "UnlockConnector", connectorId=2), _unseen(2)),
    "TC16_F_Unlock_TimedOut": _unanswered("UnlockConnector", connectorId=2),
    "TC16_F_Trigger_Boot": _trigger(_PLAIN, "BootNotification", *_boots(4)),
    "TC16_F_Trigger_Heartbeat": _trigger(_PLAIN, "Heartbeat", ("4", "", refuse("Heartbeat"))),
    "TC16_F_Trigger_MeterValues": _trigger(_PLAIN, "MeterValues", ("4", "", drop("MeterValues")), connector=True),
    "TC16_F_Trigger_Status": _trigger(
        _PLAIN, "StatusNotification", ("4", "", drop("StatusNotification", 4)), connector=True
    ),
    "TC16_F_Trigger_Firmware": _trigger(
        _PLAIN, "FirmwareStatusNotification", ("4", "", refuse("FirmwareStatusNotification"))
    ),
    "TC16_F_Trigger_Diagnostics": _trigger(
        _PLAIN, "DiagnosticsStatusNotification", ("4", "", refuse("DiagnosticsStatusNotification"))
    ),
    "TC16_F_Trigger_Rejected": _trigger(_PLAIN, "MeterValues", _unseen(2), connector=True),
    "TC16_F_Trigger_NotImplemented": _trigger(_PLAIN, "DiagnosticsStatusNotification", _unseen(2)),
    "TC16_F_Trigger_TimedOut": _unanswered(_PLAIN, requestedMessage="MeterValues"),
    "TC16_F_ExtendedTrigger_Heartbeat": _trigger(_EXTENDED, "Heartbeat", ("4", "", refuse("Heartbeat"))),
    "TC16_F_ExtendedTrigger_MeterValues": _trigger(
        _EXTENDED, "MeterValues", ("4", "", drop("MeterValues")), connector=True
    ),
    "TC16_F_ExtendedTrigger_Status": _trigger(
        _EXTENDED, "StatusNotification", ("4", "", drop("StatusNotification", 4)), connector=True
    ),
    "TC16_F_ExtendedTrigger_Log": _trigger(
        _EXTENDED, "LogStatusNotification", ("4", "", refuse("LogStatusNotification"))
    ),
    "TC16_F_ExtendedTrigger_Firmware": _trigger(
        _EXTENDED, "FirmwareStatusNotification", ("4", "", refuse("SignedFirmwareStatusNotification"))
    ),
    "TC16_F_ExtendedTrigger_Rejected": _trigger(_EXTENDED, "LogStatusNotification", _unseen(2)),
    "TC16_F_ExtendedTrigger_NotImplemented": _trigger(_EXTENDED, "SignChargePointCertificate", _unseen(2)),
    "TC16_F_ExtendedTrigger_TimedOut": _unanswered(_EXTENDED, requestedMessage="MeterValues"),
    "TC16_G_Availability_Inoperative": (
        *_availability(1, "Inoperative"),
        ("4", "", drop("StatusNotification", 4)),
        *_availability(5, "Operative", 2),
        ("8", "", drop("StatusNotification", 5)),
    ),
    "TC16_G_Availability_Persistent": (
        *_availability(1, "Inoperative"),
        ("4", "", drop("StatusNotification", 4)),
        ("6", "", _BACK),
        *_boots(8),
        ("10", "", refuse("StatusNotification", 5)),
    ),
    "TC16_G_Availability_Station": (
        *_availability(1, "Inoperative", connector_id=1),
        ("4", "", drop("StatusNotification", 6)),
    ),
    "TC16_G_Availability_Scheduled": (
        *_starts(2),
        *_availability(3, "Inoperative"),
        ("6", "", refuse("StopTransaction")),
        ("8", "", drop("StatusNotification", 4)),
    ),
    "TC16_G_Availability_Rejected": (*_availability(1, "Inoperative"), _unseen(2)),
    "TC16_G_Availability_TimedOut": _unanswered("ChangeAvailability", connectorId=2, type="Operative"),
}
