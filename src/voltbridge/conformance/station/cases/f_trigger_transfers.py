"""F06: messages that the CSMS asks for, while files go to and fro."""

from __future__ import annotations

import base64
from typing import Final

from voltbridge.conformance.features import UNKNOWN_TRIGGER
from voltbridge.conformance.station.authorization import without
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.csms import SimulatedCsms

__all__: list[str] = []

_INVALID_SIGNATURE: Final = base64.b64encode(b"no signature at all").decode()
"""So that nothing is installed, which would take long (errata)."""


@station_case("TC_F_16_CS")
async def log_status_uploading(csms: SimulatedCsms) -> None:
    """LogStatusNotificationRequest, while a log is uploaded."""
    request = {
        "logType": "DiagnosticsLog",
        "requestId": csms.next_id(),
        "log": {"remoteLocation": csms.configuration.log_location},
    }
    (await csms.call(2, "GetLog", request)).expect("status", "Accepted")
    (await csms.take(3, "LogStatusNotification")).expect("status", "Uploading")
    await _triggered_at_once(csms, "LogStatusNotification", "Uploading")


@station_case("TC_F_19_CS")
async def firmware_status_downloading(csms: SimulatedCsms) -> None:
    """FirmwareStatusNotificationRequest, while firmware is downloaded."""
    firmware = csms.configuration.firmware
    request = {
        "requestId": csms.next_id(),
        "firmware": {
            "location": firmware.location,
            "retrieveDateTime": csms.in_a_while(-7200),
            "signingCertificate": firmware.signing_certificate,
            "signature": _INVALID_SIGNATURE,
        },
    }
    (await csms.call(2, "UpdateFirmware", request)).expect("status", "Accepted")
    (await csms.take(3, "FirmwareStatusNotification")).expect("status", "Downloading")
    await _triggered_at_once(csms, "FirmwareStatusNotification", "Downloading")
    # What follows is no part of the case, and may not go on in the next.
    wait_s = csms.configuration.message_timeout_s
    await csms.maybe(9, "FirmwareStatusNotification", {"status": "Downloaded"}, seconds=wait_s)
    await csms.maybe(11, "FirmwareStatusNotification", {"status": "InvalidSignature"}, seconds=wait_s)
    await csms.maybe(13, "SecurityEventNotification", {"type": "InvalidFirmwareSignature"}, seconds=wait_s)


async def _triggered_at_once(csms: SimulatedCsms, message: str, status: str) -> None:
    """Steps 5 to 7: the same is told again while it goes on."""
    without(csms, UNKNOWN_TRIGGER + message)
    (await csms.call(6, "TriggerMessage", {"requestedMessage": message})).expect("status", "Accepted")
    (await csms.take(7, message)).expect("status", status)
