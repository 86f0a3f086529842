"""1.6: firmware updated, plainly (5.19) and signed (whitepaper L01); diagnostics and logs delivered (5.9, N01).

Every message is answered in each way there is, and left without an answer; then the central system has to go on, and to
send the same message again when told to.
"""

from __future__ import annotations

from typing import Any, Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.charge_point import charge_point_boots, connector_status
from voltbridge.conformance.csms.station import Asked, SimulatedStation

__all__: list[str] = []

_SEEN: Final = "Does the CSMS show this answer of the charge point?"
_ACCEPTED: Final = {"status": "Accepted"}
_FETCHED: Final = ("Downloading", "Downloaded", "SignatureVerified")


@csms_case("TC16_L_Update_Installed")
async def installed(station: SimulatedStation) -> None:
    """Firmware is fetched and installed; the charge point boots with it."""
    await (await _update(station, 1)).answer({})
    step = await _tell(station, 3, "Downloading", "Downloaded", "Installing")
    await station.reconnect(step)
    await charge_point_boots(station, step + 2)
    await connector_status(station, step + 4, "Available")
    await _tell(station, step + 6, "Installed")


@csms_case("TC16_L_Update_DownloadFailed")
async def download_failed(station: SimulatedStation) -> None:
    """Firmware cannot be fetched."""
    await (await _update(station, 1)).answer({})
    await _tell(station, 3, "Downloading", "DownloadFailed")


@csms_case("TC16_L_Update_InstallationFailed")
async def installation_failed(station: SimulatedStation) -> None:
    """Firmware cannot be installed."""
    await (await _update(station, 1)).answer({})
    await _tell(station, 3, "Downloading", "Downloaded", "Installing", "InstallationFailed")


@csms_case("TC16_L_Update_TimedOut")
async def update_unanswered(station: SimulatedStation) -> None:
    """An update is not answered."""
    asked = await _update(station, 1, timeout_s=station.configuration.unanswered_s)
    await station.call(2, "Heartbeat", {})
    await asked.ignore()
    await (await _update(station, 4)).answer({})


@csms_case("TC16_L_SignedUpdate_Installed")
async def signed_installed(station: SimulatedStation) -> None:
    """Signed firmware is fetched, verified and installed; the charge point boots with it."""
    asked = await _signed(station, 1)
    await asked.answer(_ACCEPTED)
    step = await _tell(station, 3, *_FETCHED, "Installing", "InstallRebooting", of=asked)
    await station.reconnect(step)
    await charge_point_boots(station, step + 2)
    await connector_status(station, step + 4, "Available")
    await _tell(station, step + 6, "Installed", of=asked)


@csms_case("TC16_L_SignedUpdate_InvalidSignature")
async def signed_invalid_signature(station: SimulatedStation) -> None:
    """The signature turns out to be invalid."""
    asked = await _signed(station, 1)
    await asked.answer(_ACCEPTED)
    step = await _tell(station, 3, "Downloading", "Downloaded", "InvalidSignature", of=asked)
    await _security_event(station, step, "InvalidFirmwareSignature")


@csms_case("TC16_L_SignedUpdate_DownloadFailed")
async def signed_download_failed(station: SimulatedStation) -> None:
    """Signed firmware cannot be fetched."""
    asked = await _signed(station, 1)
    await asked.answer(_ACCEPTED)
    await _tell(station, 3, "Downloading", "DownloadFailed", of=asked)


@csms_case("TC16_L_SignedUpdate_InstallationFailed")
async def signed_installation_failed(station: SimulatedStation) -> None:
    """Signed firmware cannot be installed."""
    asked = await _signed(station, 1)
    await asked.answer(_ACCEPTED)
    await _tell(station, 3, *_FETCHED, "Installing", "InstallationFailed", of=asked)


@csms_case("TC16_L_SignedUpdate_InvalidCertificate")
async def signed_invalid_certificate(station: SimulatedStation) -> None:
    """The charge point says that the signing certificate is invalid."""
    await (await _signed(station, 1)).answer({"status": "InvalidCertificate"}, seen=_SEEN)
    await _security_event(station, 3, "InvalidFirmwareSigningCertificate")


@csms_case("TC16_L_SignedUpdate_RevokedCertificate")
async def signed_revoked_certificate(station: SimulatedStation) -> None:
    """The charge point says that the signing certificate is revoked."""
    await (await _signed(station, 1)).answer({"status": "RevokedCertificate"}, seen=_SEEN)


@csms_case("TC16_L_SignedUpdate_Rejected")
async def signed_rejected(station: SimulatedStation) -> None:
    """A signed update is rejected."""
    await (await _signed(station, 1)).answer({"status": "Rejected"}, seen=_SEEN)


@csms_case("TC16_L_SignedUpdate_AcceptedCanceled")
async def signed_cancelled_for_another(station: SimulatedStation) -> None:
    """A second signed update takes the place of the first."""
    first = await _signed(station, 1)
    await first.answer(_ACCEPTED)
    await _tell(station, 3, "Downloading", of=first)
    second = await _signed(station, 5, 2)
    await second.answer({"status": "AcceptedCanceled"}, seen=_SEEN)
    await _tell(station, 7, *_FETCHED, "Installing", "Installed", of=second)


@csms_case("TC16_L_SignedUpdate_TimedOut")
async def signed_unanswered(station: SimulatedStation) -> None:
    """A signed update is not answered."""
    asked = await _signed(station, 1, timeout_s=station.configuration.unanswered_s)
    await station.call(2, "Heartbeat", {})
    await asked.ignore()
    await (await _signed(station, 4, 2)).answer(_ACCEPTED)


@csms_case("TC16_N_Diagnostics_Uploaded")
async def diagnostics(station: SimulatedStation) -> None:
    """Diagnostics are delivered."""
    await (await _diagnostics(station, 1)).answer({"fileName": "diagnostics.log"})
    for step, status in ((3, "Uploading"), (5, "Uploaded")):
        await station.call(step, "DiagnosticsStatusNotification", {"status": status})


@csms_case("TC16_N_Diagnostics_None")
async def no_diagnostics(station: SimulatedStation) -> None:
    """The charge point has no diagnostics."""
    await (await _diagnostics(station, 1)).answer({})
    await station.call(3, "Heartbeat", {})


@csms_case("TC16_N_Diagnostics_UploadFailed")
async def diagnostics_failed(station: SimulatedStation) -> None:
    """Diagnostics cannot be delivered."""
    await (await _diagnostics(station, 1)).answer({"fileName": "diagnostics.log"})
    for step, status in ((3, "Uploading"), (5, "UploadFailed")):
        await station.call(step, "DiagnosticsStatusNotification", {"status": status})


@csms_case("TC16_N_Diagnostics_TimedOut")
async def diagnostics_unanswered(station: SimulatedStation) -> None:
    """Asking for diagnostics is not answered."""
    asked = await _diagnostics(station, 1, station.configuration.unanswered_s)
    await station.call(2, "Heartbeat", {})
    await asked.ignore()
    await (await _diagnostics(station, 4)).answer({"fileName": "diagnostics.log"})


@csms_case("TC16_N_GetLog_Diagnostics")
async def diagnostics_log(station: SimulatedStation) -> None:
    """The diagnostics log is delivered."""
    await _delivered(station, "DiagnosticsLog")


@csms_case("TC16_N_GetLog_Security")
async def security_log(station: SimulatedStation) -> None:
    """The security log is delivered."""
    await _delivered(station, "SecurityLog")


@csms_case("TC16_N_GetLog_Rejected")
async def log_rejected(station: SimulatedStation) -> None:
    """The charge point has no log."""
    await (await _get_log(station, 1)).answer({"status": "Rejected"}, seen=_SEEN)


@csms_case("TC16_N_GetLog_UploadFailure")
async def log_failed(station: SimulatedStation) -> None:
    """A log cannot be delivered."""
    asked = await _get_log(station, 1)
    await asked.answer(_ACCEPTED)
    await _tell_log(station, 3, asked, "Uploading", "UploadFailure")


@csms_case("TC16_N_GetLog_AcceptedCanceled")
async def log_cancelled_for_another(station: SimulatedStation) -> None:
    """A second log takes the place of the first."""
    first = await _get_log(station, 1)
    await first.answer(_ACCEPTED)
    await _tell_log(station, 3, first, "Uploading")
    second = await _get_log(station, 5, request_id=2)
    await second.answer({"status": "AcceptedCanceled"}, seen=_SEEN)
    await _tell_log(station, 7, second, "Uploading", "Uploaded")


@csms_case("TC16_N_GetLog_TimedOut")
async def log_unanswered(station: SimulatedStation) -> None:
    """Asking for a log is not answered."""
    asked = await _get_log(station, 1, timeout_s=station.configuration.unanswered_s)
    await station.call(2, "Heartbeat", {})
    await asked.ignore()
    await (await _get_log(station, 4, request_id=2)).answer(_ACCEPTED)


async def _delivered(station: SimulatedStation, log_type: str) -> None:
    asked = await _get_log(station, 1, log_type=log_type)
    await asked.answer(_ACCEPTED)
    await _tell_log(station, 3, asked, "Uploading", "Uploaded")


async def _update(station: SimulatedStation, step: int, *, timeout_s: float | None = None) -> Asked:
    location = station.configuration.firmware.location
    payload = {"location": location, "retrieveDate": station.now()}
    command = ("update_firmware", {"location": location})
    text = f"update the charge point's firmware from {location}, without a signature"
    asked = await station.asked(step, text, "UpdateFirmware", payload, command=command, timeout_s=timeout_s)
    asked.expect("location", location)
    return asked


async def _signed(
    station: SimulatedStation, step: int, request_id: int = 1, *, timeout_s: float | None = None
) -> Asked:
    firmware = station.configuration.firmware
    signed = {"signingCertificate": firmware.signing_certificate, "signature": firmware.signature}
    content = {"location": firmware.location, "retrieveDateTime": station.now(), **signed}
    parameters = {
        "location": firmware.location,
        "signing_certificate": firmware.signing_certificate,
        "signature": firmware.signature,
    }
    text = f"update the charge point's firmware from {firmware.location}, signed as configured"
    asked = await station.asked(
        step,
        text,
        "SignedUpdateFirmware",
        {"requestId": request_id, "firmware": content},
        command=("update_firmware", parameters),
        timeout_s=timeout_s,
    )
    asked.expect("firmware.location", firmware.location)
    asked.expect("firmware.signingCertificate", firmware.signing_certificate)
    asked.expect("firmware.signature", firmware.signature)
    return asked


async def _tell(station: SimulatedStation, step: int, *statuses: str, of: Asked | None = None) -> int:
    """Tell statuses one after the other, of a signed update or of the plain one; the step that follows."""
    action = "FirmwareStatusNotification" if of is None else "SignedFirmwareStatusNotification"
    number: dict[str, Any] = {} if of is None else {"requestId": of.request.at("requestId")}
    for status in statuses:
        await station.call(step, action, {"status": status, **number})
        step += 2
    return step


async def _security_event(station: SimulatedStation, step: int, type: str) -> None:
    await station.call(step, "SecurityEventNotification", {"type": type, "timestamp": station.now()})


async def _diagnostics(station: SimulatedStation, step: int, timeout_s: float | None = None) -> Asked:
    payload = {"location": station.configuration.log_location}
    text = "get the charge point's diagnostics"
    command: tuple[str, dict[str, Any]] = ("get_diagnostics", {})
    return await station.asked(step, text, "GetDiagnostics", payload, command=command, timeout_s=timeout_s)


async def _get_log(
    station: SimulatedStation,
    step: int,
    *,
    request_id: int = 1,
    log_type: str = "DiagnosticsLog",
    timeout_s: float | None = None,
) -> Asked:
    payload = {
        "log": {"remoteLocation": station.configuration.log_location},
        "logType": log_type,
        "requestId": request_id,
    }
    text = f"get the {log_type} of the charge point"
    command = ("get_log", {"log_type": log_type})
    asked = await station.asked(step, text, "GetLog", payload, command=command, timeout_s=timeout_s)
    asked.expect("logType", log_type)
    return asked


async def _tell_log(station: SimulatedStation, step: int, asked: Asked, *statuses: str) -> None:
    for number, status in enumerate(statuses):
        said = {"status": status, "requestId": asked.request.at("requestId")}
        await station.call(step + 2 * number, "LogStatusNotification", said)
