"""The planted faults of firmware and logs, of 2.0.1 and of 1.6."""

from __future__ import annotations

from collections.abc import Iterator

from tests.conformance.peers import REMOVED, Fault, change, drop, refuse

__all__ = ["FIRMWARE", "FIRMWARE_16"]

_Row = tuple[str, str, Fault]
_UPDATE, _PUBLISH, _LOG = "UpdateFirmware", "PublishFirmware", "GetLog"
_STATUS, _SIGNED = "FirmwareStatusNotification", "SignedFirmwareStatusNotification"
_CERTIFICATE, _SIGNATURE = "firmware.signingCertificate", "firmware.signature"
_BACK = Fault(selects=lambda nth, offered: "ocpp1.6" if nth == 1 else "refused")


def _asked(action: str, step: int = 1, nth: int = 1, **wrong: object) -> Iterator[_Row]:
    """A request with each of these wrong values (``a__b`` is a path), and not sent."""
    for name, value in wrong.items():
        path = name.replace("__", ".")
        yield str(step), path, change(action, path, value, nth)
    yield str(step), "", drop(action, nth)


def _unsigned(action: str = _UPDATE, step: int = 1, nth: int = 1) -> Iterator[_Row]:
    for path in (_CERTIFICATE, _SIGNATURE):
        yield str(step), path, change(action, path, "another", nth)
    if action == _UPDATE:
        # 2.0.1 may leave them out, 1.6 has the signed message for them.
        yield str(step), _CERTIFICATE, change(action, _CERTIFICATE, REMOVED, nth)


def _unseen(step: int) -> _Row:
    return str(step), "", Fault(shows_nothing=True)


def _told(action: str, *steps: int, first: int = 1) -> Iterator[_Row]:
    """The answers at these steps to the first, second ... message of an action."""
    for nth, step in enumerate(steps, first):
        yield str(step), "", (drop if nth % 2 else refuse)(action, nth)


def _ended(*steps: int, boot: int, version: str = "2.0.1") -> tuple[_Row, ...]:
    """Statuses with these answers, and the boot before the last."""
    wrong = [
        (str(boot), "status", change("BootNotification", "status", status, 2)) for status in ("Pending", "Rejected")
    ]
    report = [(str(boot + 2), "", drop("StatusNotification", 3))] if version == "2.0.1" else []
    return (*_told(_STATUS, *steps), *wrong, *report)


def _late(path: str) -> tuple[_Row, ...]:
    return (("1", path, change(_UPDATE, path, "2020-01-01T00:00:00Z")), ("1", "", drop(_UPDATE)))


def _published(*steps: int) -> tuple[_Row, ...]:
    told = _told("PublishFirmwareStatusNotification", *steps)
    return (*_asked(_PUBLISH, location="https://elsewhere.example.com/x"), *told)


_UNPUBLISHED = (*_asked("UnpublishFirmware"), _unseen(2))

FIRMWARE: dict[str, tuple[_Row, ...]] = {
    "TC_L_01_CSMS": (*_asked(_UPDATE), *_unsigned(), *_ended(4, 6, 8, 10, 12, 18, boot=14)),
    "TC_L_02_CSMS": (
        *_late("firmware.installDateTime"),
        ("1", "firmware.installDateTime", change(_UPDATE, "firmware.installDateTime", REMOVED)),
        *_ended(4, 6, 8, 10, 12, 14, 20, boot=16),
    ),
    "TC_L_04_CSMS": (*_asked(_UPDATE), _unseen(2)),
    "TC_L_05_CSMS": (*_asked(_UPDATE), _unseen(2), ("4", "", drop("SecurityEventNotification"))),
    "TC_L_06_CSMS": (
        *_asked(_UPDATE),
        *_told(_STATUS, 4, 6, 8),
        ("10", "", refuse("SecurityEventNotification")),
    ),
    "TC_L_07_CSMS": (*_asked(_UPDATE), *_told(_STATUS, 4, 6)),
    "TC_L_08_CSMS": (*_asked(_UPDATE), *_told(_STATUS, 4, 6, 8, 10, 12)),
    "TC_L_09_CSMS": (*_asked(_UPDATE), *_ended(4, 6, 8, 10, 12, 18, boot=14)),
    "TC_L_10_CSMS": (
        *_asked(_UPDATE),
        *_asked(_UPDATE, 5, 2),
        _unseen(6),
        *_ended(4, 8, 10, 12, 14, 16, 22, boot=18),
    ),
    "TC_L_11_CSMS": (
        *_asked(_UPDATE),
        *_asked(_UPDATE, 5, 2),
        _unseen(6),
        *_ended(4, 8, 10, 12, 14, 20, boot=16),
    ),
    "TC_L_13_CSMS": (
        *_asked(_UPDATE, firmware__signingCertificate="another"),
        *_told(_STATUS, 4, 11, 13, 15, 17, 19, 25),
        ("6", "", drop("StatusNotification", 4)),
        *(("21", "status", change("BootNotification", "status", wrong, 2)) for wrong in ("Pending", "Rejected")),
    ),
    "TC_L_17_CSMS": _published(4, 6, 8, 10),
    "TC_L_24_CSMS": _published(4, 6),
    "TC_L_19_CSMS": _published(4, 6, 8),
    "TC_L_20_CSMS": _published(4, 6, 8, 10),
    "TC_L_21_CSMS": _UNPUBLISHED,
    "TC_L_22_CSMS": _UNPUBLISHED,
    "TC_L_23_CSMS": _UNPUBLISHED,
    "TC_N_25_CSMS": (*_asked(_LOG, logType="SecurityLog"), *_told("LogStatusNotification", 4, 6)),
    "TC_N_34_CSMS": (*_asked(_LOG), _unseen(2)),
    "TC_N_35_CSMS": (*_asked(_LOG, logType="DiagnosticsLog"), *_told("LogStatusNotification", 4, 6)),
    "TC_N_36_CSMS": (
        *_asked(_LOG),
        *_asked(_LOG, 5, 2),
        _unseen(6),
        *_told("LogStatusNotification", 4, 8, 10, 12),
    ),
}
FIRMWARE["TC_L_03_CSMS"] = (*_late("firmware.retrieveDateTime"), *_ended(4, 6, 8, 10, 12, 14, 20, boot=16))


def _plain(*follow: _Row) -> tuple[_Row, ...]:
    return (*_asked(_UPDATE, location="https://elsewhere.example.com/x"), *follow)


def _signed(*follow: _Row, step: int = 1, nth: int = 1) -> tuple[_Row, ...]:
    action = "SignedUpdateFirmware"
    wrong = _asked(action, step, nth, firmware__location="https://elsewhere.example.com/x")
    return (*wrong, *_unsigned(action, step, nth), *follow)


def _log(*follow: _Row, right: str = "DiagnosticsLog", step: int = 1, nth: int = 1) -> tuple[_Row, ...]:
    other = "SecurityLog" if right == "DiagnosticsLog" else "DiagnosticsLog"
    return (*_asked(_LOG, step, nth, logType=other), *follow)


def _boots(step: int) -> tuple[_Row, ...]:
    wrong = [change("BootNotification", "status", status, 2) for status in ("Pending", "Rejected")]
    return (
        (str(step - 1), "", _BACK),
        *((str(step + 1), "status", fault) for fault in wrong),
        (str(step + 3), "", drop("StatusNotification", 4)),
    )


_BEAT = ("3", "", drop("Heartbeat"))

FIRMWARE_16: dict[str, tuple[_Row, ...]] = {
    "TC16_L_Update_Installed": _plain(*_told(_STATUS, 4, 6, 8, 16), *_boots(11)),
    "TC16_L_Update_DownloadFailed": _plain(*_told(_STATUS, 4, 6)),
    "TC16_L_Update_InstallationFailed": _plain(*_told(_STATUS, 4, 6, 8, 10)),
    "TC16_L_Update_TimedOut": _plain(_BEAT, *_asked(_UPDATE, 4, 2, location="https://elsewhere.example.com/x")),
    "TC16_L_SignedUpdate_Installed": _signed(*_told(_SIGNED, 4, 6, 8, 10, 12, 20), *_boots(15)),
    "TC16_L_SignedUpdate_InvalidSignature": _signed(
        *_told(_SIGNED, 4, 6, 8), ("10", "", drop("SecurityEventNotification"))
    ),
    "TC16_L_SignedUpdate_DownloadFailed": _signed(*_told(_SIGNED, 4, 6)),
    "TC16_L_SignedUpdate_InstallationFailed": _signed(*_told(_SIGNED, 4, 6, 8, 10, 12)),
    "TC16_L_SignedUpdate_InvalidCertificate": _signed(_unseen(2), ("4", "", refuse("SecurityEventNotification"))),
    "TC16_L_SignedUpdate_RevokedCertificate": _signed(_unseen(2)),
    "TC16_L_SignedUpdate_Rejected": _signed(_unseen(2)),
    "TC16_L_SignedUpdate_AcceptedCanceled": (
        *_signed(),
        *_signed(step=5, nth=2),
        _unseen(6),
        *_told(_SIGNED, 4, 8, 10, 12, 14, 16),
    ),
    "TC16_L_SignedUpdate_TimedOut": (*_signed(_BEAT), *_signed(step=4, nth=2)),
    "TC16_N_Diagnostics_Uploaded": (*_asked("GetDiagnostics"), *_told("DiagnosticsStatusNotification", 4, 6)),
    "TC16_N_Diagnostics_None": (*_asked("GetDiagnostics"), ("4", "", refuse("Heartbeat"))),
    "TC16_N_Diagnostics_UploadFailed": (*_asked("GetDiagnostics"), *_told("DiagnosticsStatusNotification", 4, 6)),
    "TC16_N_Diagnostics_TimedOut": (*_asked("GetDiagnostics"), _BEAT, *_asked("GetDiagnostics", 4, 2)),
    "TC16_N_GetLog_Diagnostics": _log(*_told("LogStatusNotification", 4, 6)),
    "TC16_N_GetLog_Security": _log(*_told("LogStatusNotification", 4, 6), right="SecurityLog"),
    "TC16_N_GetLog_Rejected": _log(_unseen(2)),
    "TC16_N_GetLog_UploadFailure": _log(*_told("LogStatusNotification", 4, 6)),
    "TC16_N_GetLog_AcceptedCanceled": (
        *_log(),
        *_log(step=5, nth=2),
        _unseen(6),
        *_told("LogStatusNotification", 4, 8, 10),
    ),
    "TC16_N_GetLog_TimedOut": (*_log(_BEAT), *_log(step=4, nth=2)),
}
