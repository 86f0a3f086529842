"""Cases about firmware of 1.6: UpdateFirmware (4.5, 5.19), and signed updates of the security whitepaper (L01)."""

from __future__ import annotations

import base64
from typing import Any

from voltbridge.conformance.firmware import strange_certificate
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.cases_16.reset import serves
from voltbridge.conformance.station.central_system import UNSIGNED, CentralSystem
from voltbridge.conformance.station.charging_16 import charging, ended

__all__: list[str] = []

_MISSING = "_does.not.exist"
_FIRMWARE, _SIGNED = "FirmwareStatusNotification", "SignedFirmwareStatusNotification"


async def _told(cs: CentralSystem, step: int, action: str, *statuses: str, **more: Any) -> Received:
    wait_s = cs.configuration.message_timeout_s + cs.configuration.reconnect_s
    told = await cs.take(step, action, seconds=wait_s)
    told.expect("status", *statuses)
    for name, value in more.items():
        told.expect(name, value)
    return told


async def _plain(cs: CentralSystem, **more: Any) -> None:
    """UpdateFirmware."""
    cs.needs(UNSIGNED)
    await cs.needs_profile("FirmwareManagement")
    firmware = cs.configuration.firmware
    request = {"location": firmware.location, "retrieveDate": cs.now(), **more}
    response = await cs.call("update", "UpdateFirmware", request)
    response.expect("status", ABSENT)


async def _signed(cs: CentralSystem, step: int, *statuses: str, **more: Any) -> int:
    """SignedUpdateFirmware; its requestId."""
    firmware, number = cs.configuration.firmware, cs.next_id()
    content = {
        "location": firmware.location,
        "retrieveDateTime": cs.now(),
        "signingCertificate": firmware.signing_certificate,
        "signature": firmware.signature,
        **more,
    }
    request = {"requestId": number, "retries": 0, "firmware": content}
    await cs.answered(step, "SignedUpdateFirmware", request, *statuses)
    return number


async def _installed(cs: CentralSystem, step: int, action: str, **more: Any) -> None:
    """Installing, with a reboot or without, and Installed."""
    await _told(cs, step, action, "Installing", **more)
    wait_s = cs.configuration.message_timeout_s + cs.configuration.reconnect_s
    told = await cs.maybe(step + 1, action, {"status": ("InstallRebooting", "Installed")}, seconds=wait_s)
    if told is not None and told.at("status") == "Installed":
        cs.needed(told)
        for name, value in more.items():
            told.expect(name, value)
    else:
        await _told(cs, step + 2, action, "Installed", **more)


@charge_point_case("TC16_L_Update_Installed_CS")
async def installed(cs: CentralSystem) -> None:
    """Firmware is downloaded and installed, and each step is told."""
    await _plain(cs)
    await _told(cs, 1, _FIRMWARE, "Downloading")
    await _told(cs, 2, _FIRMWARE, "Downloaded")
    await _installed(cs, 3, _FIRMWARE)
    await cs.quiet()
    cs.forget()
    await serves(cs)


@charge_point_case("TC16_L_Update_Later_CS")
async def later(cs: CentralSystem) -> None:
    """Firmware is not fetched before its retrieveDate."""
    await _plain(cs, retrieveDate=cs.in_a_while(60))
    await cs.none(1, _FIRMWARE, {"status": "Downloading"}, seconds=55)
    await _told(cs, 2, _FIRMWARE, "Downloading")


@charge_point_case("TC16_L_Update_Failed_CS")
async def failed(cs: CentralSystem) -> None:
    """Firmware that is not there is tried for again as often as told, and then DownloadFailed."""
    location = cs.configuration.firmware.location + _MISSING
    await _plain(cs, location=location, retries=1, retryInterval=20)
    await _told(cs, 1, _FIRMWARE, "Downloading")
    await _told(cs, 2, _FIRMWARE, "DownloadFailed", "Downloading")
    if not cs.seen(_FIRMWARE, {"status": "DownloadFailed"}):
        await _told(cs, 3, _FIRMWARE, "DownloadFailed")
    await cs.none(4, _FIRMWARE, {"status": ("Downloaded", "Installing", "Installed")})


@charge_point_case("TC16_L_Update_Transaction_CS")
async def during_transaction(cs: CentralSystem) -> None:
    """A transaction is not cut off: the installation waits for its end."""
    transaction = await charging(cs)
    await _plain(cs)
    await _told(cs, 1, _FIRMWARE, "Downloading")
    await _told(cs, 2, _FIRMWARE, "Downloaded")
    await cs.none(3, _FIRMWARE, {"status": "Installing"}, seconds=cs.configuration.message_timeout_s)
    await cs.present()
    await ended(cs, transaction)
    await cs.unplug()
    await _installed(cs, 4, _FIRMWARE)


@charge_point_case("TC16_L_Update_NotSigned_CS")
async def not_signed(cs: CentralSystem) -> None:
    """A charge point that wants signed firmware refuses UpdateFirmware: NotSupported, and nothing begins."""
    cs.needs("signed firmware")
    request = {"location": cs.configuration.firmware.location, "retrieveDate": cs.now()}
    await cs.refused(1, "UpdateFirmware", request, "NotSupported")
    await cs.none(2, _FIRMWARE)


@charge_point_case("TC16_L_Signed_Installed_CS")
async def signed_installed(cs: CentralSystem) -> None:
    """Signed firmware is downloaded, its signature verified, and installed, each step told for the request."""
    cs.needs("signed firmware")
    number = await _signed(cs, 1)
    for step, status in enumerate(("Downloading", "Downloaded", "SignatureVerified"), 2):
        await _told(cs, step, _SIGNED, status, requestId=number)
    await _installed(cs, 5, _SIGNED, requestId=number)


@charge_point_case("TC16_L_Signed_Scheduled_CS")
async def signed_scheduled(cs: CentralSystem) -> None:
    """Download and installation wait for their times, and it is told that they do."""
    cs.needs("signed firmware")
    times = {"retrieveDateTime": cs.in_a_while(60), "installDateTime": cs.in_a_while(180)}
    number = await _signed(cs, 1, **times)
    await _told(cs, 2, _SIGNED, "DownloadScheduled", requestId=number)
    await cs.none(3, _SIGNED, seconds=50)
    for step, status in enumerate(("Downloading", "Downloaded", "SignatureVerified", "InstallScheduled"), 4):
        await _told(cs, step, _SIGNED, status, requestId=number)
    await cs.none(8, _SIGNED, seconds=50)
    await _installed(cs, 9, _SIGNED, requestId=number)


@charge_point_case("TC16_L_Signed_Signature_CS")
async def bad_signature(cs: CentralSystem) -> None:
    """Firmware that somebody else has signed is not installed, and the security event tells of it."""
    cs.needs("signed firmware")
    number = await _signed(cs, 1, signature=base64.b64encode(b"the signature of somebody else").decode())
    for step, status in enumerate(("Downloading", "Downloaded", "InvalidSignature"), 2):
        await _told(cs, step, _SIGNED, status, requestId=number)
    await cs.take(5, "SecurityEventNotification", {"type": "InvalidFirmwareSignature"})
    await cs.none(6, _SIGNED)


@charge_point_case("TC16_L_Signed_Certificate_CS")
async def bad_certificate(cs: CentralSystem) -> None:
    """A signing certificate that nobody vouches for is refused, and the security event tells of it."""
    cs.needs("signed firmware")
    await _signed(cs, 1, "InvalidCertificate", signingCertificate=strange_certificate())
    await cs.take(2, "SecurityEventNotification", {"type": "InvalidFirmwareSigningCertificate"})
    await cs.none(3, _SIGNED, {"status": "Downloading"})


@charge_point_case("TC16_L_Signed_Failed_CS")
async def signed_failed(cs: CentralSystem) -> None:
    """Signed firmware that is not there: DownloadFailed."""
    cs.needs("signed firmware")
    number = await _signed(cs, 1, location=cs.configuration.firmware.location + _MISSING)
    await _told(cs, 2, _SIGNED, "Downloading", requestId=number)
    await _told(cs, 3, _SIGNED, "DownloadFailed", requestId=number)


@charge_point_case("TC16_L_Signed_Another_CS")
async def another(cs: CentralSystem) -> None:
    """A second update takes the place of one that waits: AcceptedCanceled, or it is rejected."""
    cs.needs("signed firmware")
    first = await _signed(cs, 1, retrieveDateTime=cs.in_a_while(600))
    await _told(cs, 2, _SIGNED, "DownloadScheduled", requestId=first)
    number = await _signed(cs, 3, "AcceptedCanceled")
    await _told(cs, 4, _SIGNED, "Downloading", requestId=number)


@charge_point_case("TC16_L_Signed_Triggered_CS")
async def triggered(cs: CentralSystem) -> None:
    """ExtendedTriggerMessage during an update tells the status told last."""
    cs.needs("signed firmware")
    number = await _signed(cs, 1, retrieveDateTime=cs.in_a_while(600))
    await _told(cs, 2, _SIGNED, "DownloadScheduled", requestId=number)
    await cs.answered(3, "ExtendedTriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
    await _told(cs, 4, _SIGNED, "DownloadScheduled", requestId=number)
