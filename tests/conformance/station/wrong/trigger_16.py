"""Wrong values for the cases about resets and triggered messages of charge points of 1.6."""

from __future__ import annotations

from tests.conformance.station.tamper import Wrong

__all__ = ["WRONG"]

VALUES, STATUS, STOP = "MeterValuesRequest", "StatusNotificationRequest", "StopTransactionRequest"
SAMPLE = "meterValue.0.sampledValue.0"
RESET = Wrong("ResetResponse", "status", "Rejected")
OTHER_REASON = (Wrong(STOP, "reason", "Reboot"), Wrong(STOP, "transactionId", 4712))


def _of(answer: str) -> dict[str, tuple[Wrong, ...]]:
    """By what is triggered."""
    refused = (Wrong(answer, "status", "Rejected"), Wrong(answer, "status", "NotImplemented"))
    values = (
        Wrong(VALUES, "connectorId", 2),
        Wrong(VALUES, f"{SAMPLE}.context", "Sample.Periodic"),
        Wrong(VALUES, f"{SAMPLE}.measurand", "Frequency"),
    )
    return {
        "Heartbeat": refused,
        "MeterValues": (*refused, *values),
        "MeterValuesTransaction": (*refused, *values, Wrong(VALUES, "transactionId", 4712)),
        "MeterValuesAll": (*refused, Wrong(VALUES, "connectorId", 1), Wrong(VALUES, "connectorId", 2)),
        "Status": (
            *refused,
            Wrong(STATUS, "connectorId", 0),
            Wrong(STATUS, "status", "Available", nth=1),
            Wrong(STATUS, "errorCode", "GroundFailure", nth=1),
        ),
        "StatusAll": (*refused, Wrong(STATUS, "connectorId", 1), Wrong(STATUS, "status", "Unavailable")),
        "Boot": (Wrong(answer, "status", "NotImplemented"),),
        "Unknown": (Wrong(answer, "status", "Accepted"), Wrong(answer, "status", "NotImplemented")),
    }


def _idle(answer: str, message: str) -> tuple[Wrong, ...]:
    return (
        Wrong(f"{answer}Response", "status", "Rejected"),
        Wrong(f"{message}Request", "status", "Uploading" if "Firmware" not in message else "Downloading"),
    )


WRONG: dict[str, tuple[Wrong, ...]] = {
    **{f"TC16_F_Trigger_{what}_CS": wrong for what, wrong in _of("TriggerMessageResponse").items()},
    **{f"TC16_F_ExtendedTrigger_{what}_CS": wrong for what, wrong in _of("ExtendedTriggerMessageResponse").items()},
    "TC16_F_Trigger_Diagnostics_CS": _idle("TriggerMessage", "DiagnosticsStatusNotification"),
    "TC16_F_Trigger_Firmware_CS": _idle("TriggerMessage", "FirmwareStatusNotification"),
    "TC16_F_ExtendedTrigger_Log_CS": (
        *_idle("ExtendedTriggerMessage", "LogStatusNotification"),
        Wrong("LogStatusNotificationRequest", "requestId", 5),
    ),
    "TC16_F_ExtendedTrigger_Firmware_CS": _idle("ExtendedTriggerMessage", "SignedFirmwareStatusNotification"),
    "TC16_B_Reset_Soft_CS": (RESET, Wrong(STATUS, "status", "Unavailable")),
    "TC16_B_Reset_Hard_CS": (RESET, Wrong(STATUS, "status", "Unavailable")),
    "TC16_B_Reset_SoftTransaction_CS": (RESET, *OTHER_REASON),
    "TC16_B_Reset_HardTransaction_CS": (RESET, *OTHER_REASON),
    "TC16_B_Reset_Unanswered_CS": (RESET, *OTHER_REASON),
}
