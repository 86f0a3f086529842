"""A station that says what it must not: in each wait for silence of a case it sends just what is forbidden there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from tests.conformance.station.tamper import put

from voltbridge.conformance.station.csms import SimulatedCsms, Wanted
from voltbridge.protocol.versions import Version

__all__ = ["Silence", "Silences", "watched"]

_AT: Final = "2026-03-01T12:00:00Z"
_TOKEN: Final = {"idToken": "04A2", "type": "ISO14443"}
_EVENT: Final = {
    "eventId": 4711,
    "timestamp": _AT,
    "trigger": "Delta",
    "actualValue": "1",
    "eventNotificationType": "CustomMonitor",
    "component": {"name": "EVSE", "evse": {"id": 1}},
    "variable": {"name": "Power"},
}
_TRANSACTION: Final = {
    "eventType": "Started",
    "timestamp": _AT,
    "triggerReason": "CablePluggedIn",
    "seqNo": 0,
    "transactionInfo": {"transactionId": "planted"},
    "evse": {"id": 1, "connectorId": 1},
}
_OF_2: Final[Mapping[str, Mapping[str, Any]]] = {
    "Authorize": {"idToken": _TOKEN},
    "BootNotification": {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}},
    "FirmwareStatusNotification": {"status": "Downloading", "requestId": 1},
    "Heartbeat": {},
    "LogStatusNotification": {"status": "Uploading", "requestId": 1},
    "MeterValues": {
        "evseId": 1,
        "meterValue": [{"timestamp": _AT, "sampledValue": [{"value": 1.0}]}],
    },
    "NotifyEvent": {"generatedAt": _AT, "seqNo": 0, "eventData": [_EVENT]},
    "NotifyMonitoringReport": {"requestId": 1, "seqNo": 0, "generatedAt": _AT},
    "NotifyReport": {"requestId": 1, "generatedAt": _AT, "seqNo": 0},
    "ReservationStatusUpdate": {"reservationId": 1, "reservationUpdateStatus": "Expired"},
    "SecurityEventNotification": {"type": "StartupOfTheDevice", "timestamp": _AT},
    "StatusNotification": {"timestamp": _AT, "connectorStatus": "Available", "evseId": 1, "connectorId": 1},
    "TransactionEvent": _TRANSACTION,
}
_OF_16: Final[Mapping[str, Mapping[str, Any]]] = {
    "Authorize": {"idTag": "04A2"},
    "BootNotification": {"chargePointModel": "M", "chargePointVendor": "V"},
    "DiagnosticsStatusNotification": {"status": "Uploading"},
    "FirmwareStatusNotification": {"status": "Downloading"},
    "Heartbeat": {},
    "LogStatusNotification": {"status": "Uploading", "requestId": 1},
    "MeterValues": {
        "connectorId": 1,
        "transactionId": 1,
        "meterValue": [{"timestamp": _AT, "sampledValue": [{"value": "1"}]}],
    },
    "SecurityEventNotification": {"type": "StartupOfTheDevice", "timestamp": _AT},
    "SignedFirmwareStatusNotification": {"status": "Downloading", "requestId": 1},
    "StartTransaction": {"connectorId": 1, "idTag": "04A2", "meterStart": 0, "timestamp": _AT},
    "StatusNotification": {"connectorId": 1, "errorCode": "NoError", "status": "Available"},
    "StopTransaction": {"meterStop": 1, "timestamp": _AT, "transactionId": 1},
}


@dataclass(frozen=True)
class Silence:
    """A wait for silence: that of this number in its case forbids this action."""

    number: int
    step: str
    action: str

    def __str__(self) -> str:
        return f"{self.action}Request at {self.step}"


@dataclass
class Silences:
    """Those of one run, and the one that is broken."""

    broken: Silence | None = None
    found: list[Silence] = field(default_factory=list)


def watched(monkeypatch: pytest.MonkeyPatch, silences: Silences) -> None:
    """From now on each wait for silence is noted, and the one that is to be broken is."""
    none = SimulatedCsms.none

    async def noting(
        csms: SimulatedCsms, step: int | str, action: str, wanted: Wanted | None = None, *, seconds: float | None = None
    ) -> None:
        silence = Silence(len(silences.found), csms.step(step), action)
        silences.found.append(silence)
        if silences.broken is not None and silences.broken.number == silence.number:
            frame = [2, "planted", action, _message(csms, action, wanted or {})]
            await csms.line.take(json.dumps(frame))
        await none(csms, step, action, wanted, seconds=seconds)

    monkeypatch.setattr(SimulatedCsms, "none", noting)


def _message(csms: SimulatedCsms, action: str, wanted: Wanted) -> dict[str, Any]:
    """One of this action with these values; of a transaction that runs, the next."""
    sample = (_OF_16 if csms.version is Version.V16 else _OF_2).get(action)
    assert sample is not None, f"there is no sample of a {action}Request to plant"
    message: dict[str, Any] = json.loads(json.dumps(sample))
    told = csms.seen("TransactionEvent") if action == "TransactionEvent" else []
    if told and told[-1].at("eventType") != "Ended":
        message["transactionInfo"]["transactionId"] = told[-1].at("transactionInfo.transactionId")
        message |= {"eventType": "Updated", "seqNo": told[-1].at("seqNo") + 1}
    for path, value in wanted.items():
        put(message, path.split("."), value[0] if isinstance(value, tuple) else value)
    return message
