"""Wrong values for the cases about what charge points of 1.6 are made to do."""

from __future__ import annotations

from tests.conformance.station.tamper import ADD, Wrong

__all__ = ["WRONG"]

REMOTE, START, STOP, AUTHORIZE, STATUS = (
    "RemoteStartTransactionResponse",
    "StartTransactionRequest",
    "StopTransactionRequest",
    "AuthorizeRequest",
    "StatusNotificationRequest",
)
OLD = "2026-02-01T12:00:02.000Z"
UNWANTED = ("StartTransaction", {"connectorId": 1, "idTag": "X", "meterStart": 0, "timestamp": OLD})
REJECTED, ACCEPTED = Wrong(REMOTE, "status", "Rejected"), Wrong(REMOTE, "status", "Accepted")
OTHER_TAG, OTHER_PLACE = Wrong(START, "idTag", "OTHER"), Wrong(START, "connectorId", 2)
STARTS = Wrong(REMOTE, ADD, UNWANTED)
UNLOCKED = "UnlockConnectorResponse"

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC16_F_RemoteStart_Direct_CS": (
        REJECTED,
        OTHER_TAG,
        OTHER_PLACE,
        Wrong(REMOTE, ADD, ("Authorize", {"idTag": "04A1B2C3D4E501"})),
    ),
    "TC16_F_RemoteStart_Asked_CS": (REJECTED, OTHER_TAG, Wrong(AUTHORIZE, "idTag", "OTHER"), STARTS),
    "TC16_F_RemoteStart_AskedInvalid_CS": (REJECTED, STARTS),
    "TC16_F_RemoteStart_AskedCached_CS": (REJECTED, Wrong(START, "idTag", "OTHER", nth=1)),
    "TC16_F_RemoteStart_First_CS": (REJECTED, OTHER_TAG, OTHER_PLACE, Wrong(STATUS, "status", "Finishing", nth=0)),
    "TC16_F_RemoteStart_TimeOut_CS": (REJECTED, Wrong(STATUS, "status", "Finishing", nth=1), STARTS),
    "TC16_F_RemoteStart_Anywhere_CS": (REJECTED, OTHER_TAG, OTHER_PLACE),
    "TC16_F_RemoteStart_Occupied_CS": (ACCEPTED, STARTS),
    "TC16_F_RemoteStart_Faulted_CS": (ACCEPTED, Wrong(STATUS, "status", "Available", nth=0)),
    "TC16_F_RemoteStart_Unknown_CS": (ACCEPTED, STARTS),
    "TC16_F_RemoteStop_Unknown_CS": (
        Wrong("RemoteStopTransactionResponse", "status", "Accepted", nth=0),
        Wrong("RemoteStopTransactionResponse", "status", "Accepted", nth=1),
    ),
    "TC16_F_Unlock_Idle_CS": (Wrong(UNLOCKED, "status", "UnlockFailed"), Wrong(UNLOCKED, "status", "NotSupported")),
    "TC16_F_Unlock_Transaction_CS": (
        Wrong(UNLOCKED, "status", "UnlockFailed"),
        Wrong(STOP, "reason", "Remote"),
        Wrong(STOP, "transactionId", 4712),
    ),
    "TC16_F_Unlock_Failed_CS": (Wrong(UNLOCKED, "status", "Unlocked"), Wrong(UNLOCKED, "status", "NotSupported")),
    "TC16_F_Unlock_Unknown_CS": (Wrong(UNLOCKED, "status", "Unlocked"), Wrong(UNLOCKED, "status", "UnlockFailed")),
    "TC16_P_DataTransfer_Unknown_CS": (
        Wrong("DataTransferResponse", "status", "Accepted"),
        Wrong("DataTransferResponse", "status", "UnknownMessageId"),
        Wrong("DataTransferResponse", "data", "something"),
    ),
}
