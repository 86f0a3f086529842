"""Wrong values for the cases about firmware, uploads and security of charge points of 1.6."""

from __future__ import annotations

from tests.conformance.station.tamper import DROP, Wrong

__all__ = ["WRONG"]

PLAIN, SIGNED = "FirmwareStatusNotificationRequest", "SignedFirmwareStatusNotificationRequest"
DIAGNOSTICS, LOG, EVENT = (
    "DiagnosticsStatusNotificationRequest",
    "LogStatusNotificationRequest",
    "SecurityEventNotificationRequest",
)
CHANGE, GET, UPDATE = "ChangeConfigurationResponse", "GetConfigurationResponse", "SignedUpdateFirmwareResponse"
IDLE, OTHER_ID = Wrong(SIGNED, "status", "Idle"), Wrong(SIGNED, "requestId", 4711)
REJECTED = Wrong(UPDATE, "status", "Rejected", nth=0)
OTHER_EVENT = Wrong(EVENT, "type", "MemoryExhaustion")
LOG_ID, NO_FILE = Wrong(LOG, "requestId", 4711), Wrong("GetLogResponse", "filename", DROP, nth=0)
NO_LOG = Wrong("GetLogResponse", "status", "Rejected", nth=0)

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC16_L_Update_Installed_CS": (
        Wrong(PLAIN, "status", "DownloadFailed", nth=1),
        Wrong(PLAIN, "status", "InstallationFailed", nth=2),
    ),
    "TC16_L_Update_Later_CS": (Wrong(PLAIN, "status", "Downloaded", nth=0),),
    "TC16_L_Update_Failed_CS": (
        Wrong(PLAIN, "status", "Downloaded"),
        Wrong(PLAIN, "status", "InstallationFailed", nth=1),
    ),
    "TC16_L_Update_Transaction_CS": (
        Wrong(PLAIN, "status", "Installing", nth=1),
        Wrong(PLAIN, "status", "InstallationFailed", nth=2),
    ),
    "TC16_L_Update_NotSigned_CS": (Wrong("UpdateFirmwareError", "code", "SecurityError"),),
    "TC16_L_Signed_Installed_CS": (
        REJECTED,
        IDLE,
        OTHER_ID,
        Wrong(SIGNED, "status", "InvalidSignature", nth=2),
        Wrong(SIGNED, "requestId", DROP, nth=3),
    ),
    "TC16_L_Signed_Scheduled_CS": (REJECTED, OTHER_ID, Wrong(SIGNED, "status", "Installing", nth=4)),
    "TC16_L_Signed_Signature_CS": (REJECTED, OTHER_EVENT, Wrong(SIGNED, "status", "SignatureVerified", nth=2)),
    "TC16_L_Signed_Certificate_CS": (Wrong(UPDATE, "status", "Accepted"), OTHER_EVENT),
    "TC16_L_Signed_Failed_CS": (REJECTED, OTHER_ID, Wrong(SIGNED, "status", "Downloaded", nth=1)),
    "TC16_L_Signed_Another_CS": (
        REJECTED,
        OTHER_ID,
        Wrong(UPDATE, "status", "Accepted", nth=1),
        Wrong(SIGNED, "status", "DownloadScheduled", nth=1),
    ),
    "TC16_L_Signed_Triggered_CS": (REJECTED, OTHER_ID, Wrong(SIGNED, "status", "Idle", nth=1)),
    "TC16_N_Diagnostics_Uploaded_CS": (
        Wrong("GetDiagnosticsResponse", "fileName", DROP),
        Wrong("GetDiagnosticsResponse", "fileName", ""),
        Wrong(DIAGNOSTICS, "status", "UploadFailed", nth=1),
    ),
    "TC16_N_Diagnostics_Failed_CS": (
        Wrong(DIAGNOSTICS, "status", "Uploaded"),
        Wrong(DIAGNOSTICS, "status", "Idle", nth=1),
    ),
    "TC16_N_Log_Diagnostics_CS": (NO_LOG, NO_FILE, LOG_ID, Wrong(LOG, "status", "Idle", nth=1)),
    "TC16_N_Log_Security_CS": (NO_LOG, NO_FILE, LOG_ID, Wrong(LOG, "status", "UploadFailure", nth=1)),
    "TC16_N_Log_Failed_CS": (NO_LOG, LOG_ID, Wrong(LOG, "status", "Uploaded", nth=1)),
    "TC16_N_Log_Another_CS": (
        NO_LOG,
        Wrong("GetLogResponse", "status", "Accepted", nth=1),
        Wrong(LOG, "requestId", 1),
    ),
    "TC16_N_Log_Triggered_CS": (
        NO_LOG,
        Wrong(LOG, "status", "Idle", nth=1),
        Wrong("ExtendedTriggerMessageResponse", "status", "Rejected"),
    ),
    "TC16_A_Password_Changed_CS": (
        Wrong(CHANGE, "status", "Rejected", nth=0),
        Wrong(CHANGE, "status", "Rejected", nth=1),
    ),
    "TC16_A_Password_Hidden_CS": (
        Wrong(GET, "configurationKey.0.value", "0011"),
        Wrong(GET, "configurationKey.0.readonly", True),
    ),
    "TC16_A_Password_Refused_CS": tuple(Wrong(CHANGE, "status", "Accepted", nth=number) for number in range(3)),
    "TC16_A_Profile_NotLower_CS": (
        Wrong(CHANGE, "status", "Accepted", nth=0),
        Wrong(CHANGE, "status", "Accepted", nth=1),
        Wrong(GET, "configurationKey.0.value", "0", nth=1),
    ),
    "TC16_A_Profile_NoCertificate_CS": (
        Wrong(CHANGE, "status", "Accepted", nth=0),
        Wrong(CHANGE, "status", "Accepted", nth=1),
        Wrong(GET, "configurationKey.0.value", "3", nth=1),
    ),
    "TC16_A_Event_Reset_CS": (OTHER_EVENT,),
    "TC16_A_Event_Queued_CS": (OTHER_EVENT,),
    "TC16_A_Event_Clock_CS": (OTHER_EVENT,),
}
