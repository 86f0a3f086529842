"""Wrong values for the cases about boots and resets, and about the connection."""

from __future__ import annotations

from tests.conformance.station.tamper import ADD, DROP, Wrong

__all__ = ["WRONG"]

BOOT, RESET, STATUS = "BootNotificationRequest", "ResetResponse", "StatusNotificationRequest"
EVENT = "TransactionEventRequest"
STARTUP = Wrong("SecurityEventNotificationRequest", "type", "SettingSystemTime")
FAULTED = Wrong(STATUS, "connectorStatus", "Faulted")
NO_RESET = Wrong(RESET, "status", "Rejected")
NOT_SCHEDULED = (NO_RESET, Wrong(RESET, "status", "Accepted"))
BY_RESET = (
    NO_RESET,
    Wrong(RESET, "status", "Scheduled"),
    Wrong(EVENT, "eventType", "Updated"),
    Wrong(EVENT, "triggerReason", "StopAuthorized"),
    Wrong(EVENT, "transactionInfo.stoppedReason", "Local"),
    Wrong(EVENT, "transactionInfo.chargingState", "Idle"),
)
PROFILE = "SetNetworkProfileResponse"
AT = "2026-03-01T12:00:00Z"
IDS = "GetInstalledCertificateIdsResponse"
PRIORITY = "setVariableResult.0.attributeStatus"

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_B_01_CS": (FAULTED, STARTUP),
    "TC_B_02_CS": (
        Wrong("SetVariablesResponse", PRIORITY, "Rejected"),
        Wrong("GetVariablesResponse", "getVariableResult.0.attributeStatus", "Rejected"),
        Wrong("GetBaseReportResponse", "status", "Rejected"),
        Wrong("NotifyReportRequest", "seqNo", 9, nth=0),
        Wrong("RequestStartTransactionResponse", "status", "Accepted"),
        Wrong("TriggerMessageResponse", "status", "Rejected"),
        Wrong(BOOT, "reason", "PowerUp", nth=1),
        FAULTED,
    ),
    "TC_B_03_CS": (
        FAULTED,
        Wrong(BOOT, ADD, ("Heartbeat", {}), nth=0),
        Wrong(BOOT, ADD, ("SecurityEventNotification", {"type": "StartupOfTheDevice", "timestamp": AT}), nth=0),
    ),
    "TC_B_30_CS": (Wrong(BOOT, "", DROP, nth=0),),
    "TC_B_20_CS": (NO_RESET, Wrong(RESET, "status", "Scheduled"), FAULTED),
    "TC_B_21_CS": (*NOT_SCHEDULED, Wrong(BOOT, "reason", "RemoteReset"), FAULTED, STARTUP),
    "TC_B_22_CS": (
        *BY_RESET,
        Wrong(EVENT, "idToken", {"idToken": "04A1B2C3D4E501", "type": "ISO14443"}),
        Wrong(BOOT, "reason", "ScheduledReset"),
        Wrong(STATUS, "connectorStatus", "Available"),
    ),
    "TC_B_23_CS": (
        NO_RESET,
        Wrong(BOOT, "reason", "PowerUp"),
        Wrong(STATUS, "connectorStatus", "Available"),
        Wrong("ChangeAvailabilityResponse", "status", "Rejected"),
    ),
    "TC_B_24_CS": (
        NO_RESET,
        Wrong(BOOT, "reason", "PowerUp"),
        Wrong(STATUS, "connectorStatus", "Available"),
        Wrong("ReserveNowResponse", "status", "Occupied"),
    ),
    "TC_B_41_CS": (*NOT_SCHEDULED, Wrong(BOOT, "reason", "RemoteReset"), FAULTED),
    "TC_B_25_CS": (NO_RESET, Wrong(RESET, "status", "Scheduled")),
    "TC_B_26_CS": NOT_SCHEDULED,
    "TC_B_27_CS": BY_RESET,
    "TC_B_51_CS": (
        Wrong(STATUS, "connectorStatus", "Available"),
        FAULTED,
    ),
    "TC_B_52_CS": (Wrong(STATUS, "connectorStatus", "Available"), Wrong(STATUS, "connectorId", 2)),
    "TC_B_43_CS": (Wrong(PROFILE, "status", "Accepted"), Wrong(PROFILE, "status", "Failed")),
    "TC_B_45_CS": (
        Wrong(PROFILE, "status", "Rejected"),
        Wrong("SetVariablesResponse", PRIORITY, "Rejected"),
        Wrong(RESET, "status", "Scheduled"),
        FAULTED,
        STARTUP,
    ),
    "TC_B_46_CS": (
        Wrong(PROFILE, "status", "Rejected"),
        Wrong("SetVariablesResponse", PRIORITY, "Rejected", nth=1),
        NO_RESET,
        FAULTED,
        STARTUP,
    ),
    "TC_B_47_CS": (
        Wrong("InstallCertificateResponse", "status", "Rejected"),
        Wrong(PROFILE, "status", "Rejected"),
        Wrong("SetVariablesResponse", PRIORITY, "Rejected", nth=1),
        NO_RESET,
        Wrong(RESET, "status", "Scheduled"),
        FAULTED,
        STARTUP,
        Wrong(IDS, "status", "NotFound"),
        Wrong(IDS, "certificateHashDataChain", DROP),
        Wrong(IDS, "certificateHashDataChain.0.certificateType", "ManufacturerRootCertificate"),
        *(
            Wrong(IDS, f"certificateHashDataChain.0.certificateHashData.{name}", value)
            for name, value in (
                ("issuerNameHash", "00"),
                ("issuerKeyHash", "00"),
                ("serialNumber", "1"),
                ("hashAlgorithm", "SHA384"),
            )
        ),
    ),
    "TC_B_50_CS": (
        Wrong("InstallCertificateResponse", "status", "Rejected"),
        Wrong("InstallCertificateResponse", "status", "Failed"),
        Wrong(PROFILE, "status", "Rejected"),
        Wrong("SetVariablesResponse", PRIORITY, "Rejected"),
        NO_RESET,
        Wrong(RESET, "status", "Scheduled"),
        FAULTED,
        STARTUP,
    ),
    "TC_B_49_CS": (NO_RESET, FAULTED, STARTUP),
    "TC_B_57_CS": (Wrong("GetVariablesResponse", "getVariableResult", DROP, nth=2),),
}
