"""Wrong values for the cases about who may charge, and how transactions of 1.6 begin and end."""

from __future__ import annotations

from tests.conformance.station.tamper import ADD, DROP, Wrong

__all__ = ["WRONG"]

AUTHORIZE, START, STOP, STATUS = (
    f"{action}Request" for action in ("Authorize", "StartTransaction", "StopTransaction", "StatusNotification")
)
T0 = "2026-03-01T12:00:02.000Z"
OTHER_TAG = Wrong(AUTHORIZE, "idTag", "OTHER")
OTHER_START = (Wrong(START, "idTag", "OTHER"), Wrong(START, "timestamp", "2024-01-01T00:00:00Z"))
STARTS = Wrong(
    AUTHORIZE, ADD, ("StartTransaction", {"connectorId": 1, "idTag": "X", "meterStart": 0, "timestamp": T0}), nth=0
)
STARTS_SECOND = Wrong(AUTHORIZE, ADD, STARTS.value, nth=1)
STOPS = Wrong(AUTHORIZE, ADD, ("StopTransaction", {"transactionId": 1, "meterStop": 9, "timestamp": T0}), nth=1)
OTHER_REASON = Wrong(STOP, "reason", "EmergencyStop")
OTHER_NUMBER = Wrong(STOP, "transactionId", 4712)
FAULTED = Wrong(STATUS, "status", "Faulted")
BACKWARDS = Wrong(STOP, "meterStop", -1)
ASKS = Wrong("StatusNotificationRequest", ADD, ("Authorize", {"idTag": "X"}))
NO_CAR = Wrong(STATUS, "status", "Available", nth=0)

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC16_C_Authorize_Accepted_CS": (OTHER_TAG, *OTHER_START, OTHER_NUMBER, OTHER_REASON, FAULTED, BACKWARDS),
    "TC16_C_Authorize_First_CS": (OTHER_TAG, *OTHER_START, STARTS),
    "TC16_C_Authorize_Invalid_CS": (OTHER_TAG, STARTS),
    "TC16_C_Authorize_Blocked_CS": (OTHER_TAG, STARTS),
    "TC16_C_Authorize_Expired_CS": (OTHER_TAG, STARTS),
    "TC16_C_Authorize_Concurrent_CS": (OTHER_TAG, STARTS),
    "TC16_C_Authorize_SameStops_CS": (Wrong(STOP, ADD, ("Authorize", {"idTag": "X"})), Wrong(STOP, "idTag", "OTHER")),
    "TC16_C_Authorize_OtherStopsNot_CS": (STOPS, OTHER_TAG),
    "TC16_C_Authorize_ParentStops_CS": (Wrong(STOP, "idTag", "OTHER"), Wrong(STOP, "idTag", DROP), OTHER_REASON),
    "TC16_C_Authorize_OtherParent_CS": (STOPS, OTHER_TAG),
    "TC16_C_Authorize_Unanswered_CS": (STARTS,),
    "TC16_C_Cache_PreAuthorize_CS": (Wrong(START, "", None, nth=1), Wrong(START, "idTag", "OTHER", nth=1)),
    "TC16_C_Cache_NoPreAuthorize_CS": (Wrong(AUTHORIZE, "", None, nth=1),),
    "TC16_C_Cache_Disabled_CS": (Wrong(AUTHORIZE, "", None, nth=1),),
    "TC16_C_Cache_Kept_CS": (Wrong(START, "", None, nth=1), Wrong(START, "idTag", "OTHER", nth=1)),
    "TC16_C_Cache_Expires_CS": (Wrong(AUTHORIZE, "", None, nth=1),),
    "TC16_C_Cache_ByAuthorize_CS": (STARTS, Wrong(AUTHORIZE, "", None, nth=1)),
    "TC16_C_Cache_ByStart_CS": (OTHER_REASON, STARTS_SECOND),
    "TC16_C_Cache_ByStop_CS": (Wrong(AUTHORIZE, "", None, nth=1), STARTS_SECOND),
    "TC16_C_ClearCache_Accepted_CS": (
        Wrong("ClearCacheResponse", "status", "Rejected"),
        Wrong(AUTHORIZE, "", None, nth=1),
    ),
    "TC16_E_Start_Content_CS": (
        *OTHER_START,
        Wrong(START, "reservationId", 3),
        Wrong(START, "meterStart", 0, nth=1),
        Wrong(STOP, "meterStop", 0),
    ),
    "TC16_E_Start_TwoAtOnce_CS": (Wrong(START, "connectorId", 1), Wrong(START, "connectorId", 9), OTHER_NUMBER),
    "TC16_E_Start_TimeOut_CS": (Wrong(STATUS, "status", "Finishing", nth=1), NO_CAR, STARTS),
    "TC16_E_Start_SecondCard_CS": (Wrong(STATUS, "status", "Finishing", nth=1), NO_CAR),
    "TC16_E_Start_InvalidStops_CS": (OTHER_REASON, OTHER_NUMBER, Wrong(STOP, "reason", DROP)),
    "TC16_E_Start_InvalidSuspends_CS": (
        Wrong(STATUS, "status", "Charging"),
        Wrong(STOP, "meterStop", 90),
        Wrong(START, ADD, ("StopTransaction", {"transactionId": 4711, "meterStop": 0, "timestamp": T0})),
    ),
    "TC16_E_Start_InvalidEnergy_CS": (
        Wrong(STOP, "meterStop", 90),
        Wrong(STOP, "meterStop", 900),
        Wrong(STATUS, "status", "SuspendedEVSE", nth=1),
    ),
    "TC16_E_Stop_Local_CS": (OTHER_REASON, OTHER_NUMBER, BACKWARDS, Wrong(STATUS, "status", "Charging", nth=2)),
    "TC16_E_Stop_Remote_CS": (
        OTHER_REASON,
        Wrong(STOP, "reason", DROP),
        Wrong("RemoteStopTransactionResponse", "status", "Rejected"),
    ),
    "TC16_E_Stop_Fault_CS": (Wrong(STOP, "reason", "Local"), Wrong(STATUS, "errorCode", "NoError")),
    "TC16_E_Stop_Disconnect_CS": (OTHER_REASON, Wrong(STATUS, "status", "Charging")),
    "TC16_E_Stop_DisconnectLocked_CS": (OTHER_REASON, Wrong(STOP, "reason", DROP)),
    "TC16_E_Stop_DisconnectGoesOn_CS": (
        Wrong(STATUS, "info", "Something else"),
        Wrong(STATUS, "status", "Finishing", nth=2),
        Wrong(STATUS, ADD, ("StopTransaction", {"transactionId": 1, "meterStop": 9, "timestamp": T0}), nth=2),
    ),
    "TC16_E_Stop_SuspendedEV_CS": (
        Wrong(STATUS, "status", "Finishing", nth=2),
        Wrong(STATUS, "status", "SuspendedEVSE", nth=2),
    ),
}
