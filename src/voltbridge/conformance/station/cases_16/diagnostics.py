"""Cases about what charge points of 1.6 upload: diagnostics (4.4, 5.9), and logs of the security whitepaper (N01)."""

from __future__ import annotations

from typing import Any

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem

__all__: list[str] = []

_MISSING = "_does.not.exist"
_DIAGNOSTICS, _LOG = "DiagnosticsStatusNotification", "LogStatusNotification"
_FAILURES = ("UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation")


async def _told(cs: CentralSystem, step: int, action: str, *statuses: str, **more: Any) -> None:
    told = await cs.take(step, action, seconds=cs.configuration.message_timeout_s + cs.configuration.reconnect_s)
    told.expect("status", *statuses)
    for name, value in more.items():
        told.expect(name, value)


async def _log(cs: CentralSystem, step: int, kind: str, *statuses: str, location: str | None = None) -> int:
    number = cs.next_id()
    request = {
        "logType": kind,
        "requestId": number,
        "retries": 0,
        "log": {"remoteLocation": location or cs.configuration.log_location},
    }
    response = await cs.answered(step, "GetLog", request, *statuses)
    if not isinstance(response.at("filename"), str) or not response.at("filename"):
        raise StepFailed(response.step, "the name of the file", str(response.at("filename")))
    return number


@charge_point_case("TC16_N_Diagnostics_Uploaded_CS")
async def diagnostics(cs: CentralSystem) -> None:
    """Diagnostics are uploaded as the file that the answer names, and the upload is told."""
    await cs.needs_profile("FirmwareManagement")
    response = await cs.call(1, "GetDiagnostics", {"location": cs.configuration.log_location})
    if not isinstance(response.at("fileName"), str) or not response.at("fileName"):
        raise StepFailed("1", "the name of the file", str(response.at("fileName")))
    await _told(cs, 2, _DIAGNOSTICS, "Uploading")
    await _told(cs, 3, _DIAGNOSTICS, "Uploaded")


@charge_point_case("TC16_N_Diagnostics_Failed_CS")
async def diagnostics_failed(cs: CentralSystem) -> None:
    """An upload that fails for good is told as UploadFailed."""
    await cs.needs_profile("FirmwareManagement")
    request = {"location": cs.configuration.log_location + _MISSING, "retries": 1, "retryInterval": 10}
    await cs.call(1, "GetDiagnostics", request)
    await _told(cs, 2, _DIAGNOSTICS, "Uploading")
    for step in (3, 4):
        await _told(cs, step, _DIAGNOSTICS, "Uploading", "UploadFailed")
        if cs.seen(_DIAGNOSTICS, {"status": "UploadFailed"}):
            break
    else:
        raise StepFailed("4", "UploadFailed after one retry", "none")
    await cs.none(5, _DIAGNOSTICS, {"status": "Uploaded"}, seconds=30)


@charge_point_case("TC16_N_Log_Diagnostics_CS")
async def diagnostics_log(cs: CentralSystem) -> None:
    """The diagnostics log is uploaded, and each step is told for the request."""
    number = await _log(cs, 1, "DiagnosticsLog")
    await _told(cs, 2, _LOG, "Uploading", requestId=number)
    await _told(cs, 3, _LOG, "Uploaded", requestId=number)


@charge_point_case("TC16_N_Log_Security_CS")
async def security_log(cs: CentralSystem) -> None:
    """The security log is uploaded, and each step is told for the request."""
    number = await _log(cs, 1, "SecurityLog")
    await _told(cs, 2, _LOG, "Uploading", requestId=number)
    await _told(cs, 3, _LOG, "Uploaded", requestId=number)


@charge_point_case("TC16_N_Log_Failed_CS")
async def log_failed(cs: CentralSystem) -> None:
    """A log that cannot be uploaded is told as failed."""
    number = await _log(cs, 1, "DiagnosticsLog", location=cs.configuration.log_location + _MISSING)
    await _told(cs, 2, _LOG, "Uploading", requestId=number)
    await _told(cs, 3, _LOG, *_FAILURES, requestId=number)


@charge_point_case("TC16_N_Log_Another_CS")
async def another_log(cs: CentralSystem) -> None:
    """A second request takes the place of an upload that goes on."""
    first = await _log(cs, 1, "DiagnosticsLog")
    await _told(cs, 2, _LOG, "Uploading", requestId=first)
    second = await _log(cs, 3, "DiagnosticsLog", "AcceptedCanceled")
    await _told(cs, 4, _LOG, "Uploading", requestId=second)
    await _told(cs, 5, _LOG, "Uploaded", requestId=second)
    if cs.seen(_LOG, {"status": "Uploaded", "requestId": first}):
        raise StepFailed("5", "no end of the first upload", "Uploaded")


@charge_point_case("TC16_N_Log_Triggered_CS")
async def triggered(cs: CentralSystem) -> None:
    """ExtendedTriggerMessage during an upload tells that it goes on."""
    number = await _log(cs, 1, "DiagnosticsLog")
    await _told(cs, 2, _LOG, "Uploading", requestId=number)
    await cs.answered(3, "ExtendedTriggerMessage", {"requestedMessage": "LogStatusNotification"})
    await _told(cs, 4, _LOG, "Uploading", requestId=number)
    await _told(cs, 5, _LOG, "Uploaded", requestId=number)
