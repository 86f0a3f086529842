"""Wrong values for the cases about charge points of 1.6 that were offline, or not understood."""

from __future__ import annotations

from tests.conformance.station.tamper import ADD, Wrong

__all__ = ["WRONG"]

START, STOP, VALUES, STATUS, BOOT = (
    f"{action}Request"
    for action in ("StartTransaction", "StopTransaction", "MeterValues", "StatusNotification", "BootNotification")
)
OLD = "2026-02-01T12:00:02.000Z"
UNWANTED = ("StartTransaction", {"connectorId": 1, "idTag": "X", "meterStart": 0, "timestamp": OLD})
LATE = (Wrong(START, "timestamp", OLD), Wrong(START, "idTag", "OTHER"))
LATE_SECOND = (Wrong(START, "timestamp", OLD, nth=1), Wrong(START, "idTag", "OTHER", nth=1))
OTHER_NUMBER = Wrong(STOP, "transactionId", 4712)
MORE_STATUS = Wrong(
    STATUS, ADD, ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
)
STARTS_ANYWAY = Wrong(STATUS, ADD, UNWANTED)

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC16_C_Offline_Cached_CS": LATE_SECOND,
    "TC16_C_Offline_CachedNot_CS": (STARTS_ANYWAY,),
    "TC16_C_Offline_Listed_CS": LATE,
    "TC16_C_Offline_Unknown_CS": LATE,
    "TC16_C_Offline_UnknownNot_CS": (STARTS_ANYWAY,),
    "TC16_C_Offline_ListedInvalid_CS": (STARTS_ANYWAY, Wrong("SendLocalListResponse", "status", "Failed")),
    "TC16_C_Offline_TurnsInvalid_CS": (*LATE, Wrong(STOP, "reason", "Local"), OTHER_NUMBER),
    "TC16_E_Offline_Whole_CS": (*LATE_SECOND, Wrong(STOP, "timestamp", OLD, nth=1), Wrong(STOP, "reason", "Remote")),
    "TC16_E_Offline_EndOnly_CS": (Wrong(STOP, "timestamp", OLD), OTHER_NUMBER),
    "TC16_J_Offline_MeterValues_CS": (
        Wrong(VALUES, "meterValue.0.timestamp", OLD),
        Wrong(VALUES, "meterValue.0.timestamp", "2026-03-01T13:00:00Z"),
        Wrong(VALUES, "transactionId", 4712),
    ),
    "TC16_G_Offline_Status_CS": (MORE_STATUS, Wrong(STATUS, "status", "Available")),
    "TC16_E_Offline_PowerLoss_CS": (*LATE_SECOND, Wrong(BOOT, ADD, UNWANTED, nth=0), OTHER_NUMBER),
    "TC16_E_Stop_PowerLoss_CS": (OTHER_NUMBER, Wrong(STOP, "reason", "Local"), Wrong(STOP, "meterStop", -1)),
    "TC16_E_Retry_Interval_CS": (
        Wrong(STOP, "meterStop", 4711, nth=1),
        Wrong(STOP, ADD, ("StopTransaction", {"transactionId": 7, "meterStop": 1, "timestamp": OLD}), nth=2),
    ),
    "TC16_E_Retry_GivenUp_CS": (Wrong(STOP, "meterStop", 4711, nth=1), OTHER_NUMBER),
    "TC16_E_Retry_NoNumber_CS": (Wrong(STOP, "transactionId", 1), Wrong(START, "meterStart", 4711, nth=1)),
    "TC16_E_Retry_Order_CS": (
        OTHER_NUMBER,
        Wrong("AuthorizeRequest", "idTag", "OTHER", nth=1),
        Wrong(START, ADD, ("StopTransaction", {"transactionId": 1, "meterStop": 1, "timestamp": OLD}), nth=0),
    ),
    "TC16_E_Retry_Unanswered_CS": (OTHER_NUMBER, Wrong(START, "meterStart", 4711, nth=1)),
    "TC16_E_Retry_Others_CS": (Wrong(STATUS, "status", "Charging", nth=2), Wrong(STOP, "meterStop", 4711, nth=1)),
    "TC16_E_Retry_NextTransaction_CS": (
        Wrong(STOP, ADD, UNWANTED, nth=0),
        Wrong(START, "idTag", "OTHER", nth=1),
        Wrong(STOP, "transactionId", 4712, nth=2),
    ),
    "TC16_E_Retry_Attempts_CS": (
        Wrong(STOP, ADD, ("StopTransaction", {"transactionId": 7, "meterStop": 1, "timestamp": OLD}), nth=0),
    ),
}
