"""Wrong values for the cases about the registration of charge points of 1.6."""

from __future__ import annotations

from tests.conformance.station.tamper import ADD, Wrong

__all__ = ["WRONG"]

BOOT, STATUS, BEAT = "BootNotificationRequest", "StatusNotificationRequest", "HeartbeatRequest"
FAULTED = Wrong(STATUS, "status", "Faulted")
UNASKED = Wrong(BOOT, ADD, ("Heartbeat", {}), nth=0)
REFUSED = Wrong("ResetResponse", "status", "Rejected")
FLOOD = Wrong(BOOT, ADD, ("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}), nth=0)

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC16_B_Boot_Accepted_CS": (FAULTED, REFUSED, Wrong(BOOT, "chargePointModel", "")),
    "TC16_B_Boot_PowerUp_CS": (FAULTED,),
    "TC16_B_Boot_Interval_CS": (
        Wrong(BEAT, "", None),
        Wrong("GetConfigurationResponse", "configurationKey.0.value", "300"),
    ),
    "TC16_B_Boot_Clock_CS": (Wrong("StartTransactionRequest", "timestamp", "2024-01-01T00:00:00Z"),),
    "TC16_B_Boot_Pending_CS": (UNASKED, FLOOD, FAULTED),
    "TC16_B_Boot_PendingRemote_CS": (
        Wrong("RemoteStartTransactionResponse", "status", "Accepted"),
        Wrong("RemoteStopTransactionResponse", "status", "Accepted"),
    ),
    "TC16_B_Boot_PendingTriggered_CS": (
        Wrong("TriggerMessageResponse", "status", "Rejected", nth=0),
        Wrong("TriggerMessageResponse", "status", "Rejected", nth=1),
    ),
    "TC16_B_Boot_Rejected_CS": (UNASKED, FLOOD, FAULTED),
    "TC16_B_Boot_IntervalZero_CS": (FLOOD,),
    "TC16_B_Boot_Refused_CS": (UNASKED, Wrong(STATUS, "connectorId", 7)),
    "TC16_G_Heartbeat_Interval_CS": (Wrong(BEAT, ADD, ("Heartbeat", {}), nth=0),),
    "TC16_G_Heartbeat_Clock_CS": (Wrong("StartTransactionRequest", "timestamp", "2024-01-01T00:00:00Z"),),
}
