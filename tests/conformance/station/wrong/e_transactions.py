"""Wrong values for the cases about transactions."""

from __future__ import annotations

from tests.conformance.station.tamper import DROP, Wrong

__all__ = ["WRONG"]

EVENT, AUTHORIZE, STATUS = "TransactionEventRequest", "AuthorizeRequest", "StatusNotificationRequest"
TYPE, TRIGGER = "eventType", "triggerReason"
REASON, CHARGING = "transactionInfo.stoppedReason", "transactionInfo.chargingState"

OTHER_TOKEN = (Wrong(AUTHORIZE, "idToken.idToken", "OTHER"), Wrong(AUTHORIZE, "idToken.type", "Central"))
OTHER_TRIGGER = Wrong(EVENT, TRIGGER, "Trigger")
OTHER_STATE = Wrong(EVENT, CHARGING, "Idle")
FAULTED = Wrong(STATUS, "connectorStatus", "Faulted")
GAP = Wrong(EVENT, "seqNo", 7, nth=0)
NOT_STARTED = Wrong(EVENT, TYPE, "Updated", nth=0)
STARTS = (*OTHER_TOKEN, OTHER_TRIGGER, OTHER_STATE, FAULTED, GAP, NOT_STARTED)
NOT_ENDED = Wrong(EVENT, TYPE, "Updated")
OTHER_REASON = Wrong(EVENT, REASON, "EmergencyStop")
ENDS = (NOT_ENDED, OTHER_REASON, OTHER_TRIGGER)
STOP_REFUSED = Wrong("RequestStopTransactionResponse", "status", "Rejected")
LOST = (Wrong(EVENT, TRIGGER, "Trigger"), Wrong(EVENT, CHARGING, "Charging"))
GONE = Wrong(STATUS, "connectorStatus", "Occupied")
TOLD = "GetTransactionStatusResponse"
ONGOING, QUEUED = "ongoingIndicator", "messagesInQueue"
NOT_OFFLINE = Wrong(EVENT, "offline", DROP)
AGAIN = (Wrong(EVENT, CHARGING, "Idle"), Wrong(EVENT, TRIGGER, "Trigger"))

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_E_01_CS": STARTS,
    "TC_E_02_CS": (
        *OTHER_TOKEN,
        OTHER_TRIGGER,
        OTHER_STATE,
        FAULTED,
        NOT_STARTED,
        Wrong(EVENT, "idToken", DROP),
        Wrong(EVENT, "idToken.idToken", "OTHER"),
        Wrong(EVENT, "evse", DROP),
        Wrong(EVENT, "evse.connectorId", DROP),
    ),
    "TC_E_03_CS": STARTS,
    "TC_E_04_CS": STARTS,
    "TC_E_05_CS": (
        *OTHER_TOKEN,
        FAULTED,
        OTHER_STATE,
        Wrong(EVENT, TYPE, "Updated", nth=1),
        Wrong(EVENT, REASON, "EmergencyStop", nth=1),
        Wrong(EVENT, TRIGGER, "Trigger", nth=1),
    ),
    "TC_E_09_CS": (*STARTS, Wrong(EVENT, "evse.connectorId", DROP)),
    "TC_E_10_CS": (*STARTS, Wrong(EVENT, "idToken", DROP)),
    "TC_E_12_CS": STARTS,
    "TC_E_13_CS": (
        OTHER_TRIGGER,
        OTHER_STATE,
        FAULTED,
        NOT_STARTED,
        Wrong("RequestStartTransactionResponse", "status", "Rejected"),
        Wrong(EVENT, "idToken", DROP),
        Wrong(EVENT, "transactionInfo.remoteStartId", 4711),
        Wrong(EVENT, "transactionInfo.remoteStartId", DROP),
    ),
    "TC_E_38_CS": (Wrong(EVENT, CHARGING, "Charging"), OTHER_TRIGGER),
    "TC_E_52_CS": (FAULTED,),
    "TC_E_06_CS": (OTHER_TRIGGER, NOT_ENDED, OTHER_REASON, GONE),
    "TC_E_07_CS": ENDS,
    "TC_E_08_CS": ENDS,
    "TC_E_14_CS": (*ENDS, GONE),
    "TC_E_15_CS": (*ENDS, Wrong(EVENT, REASON, DROP)),
    "TC_E_16_CS": (*ENDS, NOT_OFFLINE),
    "TC_E_17_CS": (*ENDS, *LOST, GONE),
    "TC_E_19_CS": (*ENDS, GONE),
    "TC_E_20_CS": (*ENDS, *LOST),
    "TC_E_21_CS": (*ENDS, STOP_REFUSED),
    "TC_E_22_CS": (*ENDS, Wrong(EVENT, CHARGING, "Charging")),
    "TC_E_24_CS": (*LOST, GONE),
    "TC_E_25_CS": (*LOST, GONE),
    "TC_E_26_CS": (*LOST, Wrong(EVENT, TYPE, "Ended")),
    "TC_E_35_CS": (*ENDS, STOP_REFUSED),
    "TC_E_37_CS": (*ENDS, *LOST),
    "TC_E_39_CS": (
        Wrong(EVENT, TYPE, "Updated", nth=1),
        Wrong(EVENT, REASON, "EmergencyStop", nth=1),
        Wrong(EVENT, TRIGGER, "Trigger", nth=1),
        FAULTED,
    ),
    "TC_E_28_CS": (Wrong(TOLD, ONGOING, True), Wrong(TOLD, ONGOING, DROP), Wrong(TOLD, QUEUED, True)),
    "TC_E_29_CS": (
        Wrong(TOLD, ONGOING, False),
        Wrong(TOLD, QUEUED, False),
        NOT_OFFLINE,
        Wrong(EVENT, "meterValue", DROP),
        Wrong(EVENT, TYPE, "Ended"),
    ),
    "TC_E_30_CS": (Wrong(TOLD, ONGOING, False), Wrong(TOLD, QUEUED, True)),
    "TC_E_31_CS": (
        Wrong(TOLD, ONGOING, True),
        Wrong(TOLD, QUEUED, False),
        NOT_OFFLINE,
        Wrong(EVENT, TRIGGER, "Trigger"),
        NOT_ENDED,
    ),
    "TC_E_32_CS": (Wrong(TOLD, ONGOING, True), Wrong(TOLD, QUEUED, True)),
    "TC_E_33_CS": (
        Wrong(TOLD, ONGOING, True),
        Wrong(TOLD, QUEUED, False),
        NOT_OFFLINE,
        Wrong(EVENT, "meterValue", DROP),
    ),
    "TC_E_34_CS": (Wrong(TOLD, ONGOING, False), Wrong(TOLD, QUEUED, True)),
    "TC_E_40_CS": (NOT_OFFLINE, Wrong(EVENT, "meterValue", DROP), Wrong(EVENT, TYPE, "Ended")),
    "TC_E_41_CS": AGAIN,
    "TC_E_42_CS": AGAIN,
    "TC_E_50_CS": AGAIN,
    "TC_E_51_CS": AGAIN,
    "TC_E_43_CS": (NOT_OFFLINE, Wrong(EVENT, TYPE, "Updated")),
    "TC_E_44_CS": (NOT_OFFLINE, NOT_ENDED),
    "TC_E_45_CS": (NOT_OFFLINE, NOT_ENDED),
    "TC_E_46_CS": (*ENDS, Wrong(EVENT, REASON, "Local"), Wrong(EVENT, CHARGING, "Charging")),
    "TC_E_54_CS": (*ENDS, Wrong(EVENT, REASON, "Local")),
}
