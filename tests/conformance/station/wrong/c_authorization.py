"""Wrong values for the cases about idTokens."""

from __future__ import annotations

from typing import Any

from tests.conformance.station.tamper import ADD, DROP, Wrong

from voltbridge.conformance.own_station import CONFIGURATION

__all__ = ["WRONG"]

EVENT, AUTHORIZE = "TransactionEventRequest", "AuthorizeRequest"
TYPE, TRIGGER = "eventType", "triggerReason"
TOKEN, TOKEN_TYPE = "idToken.idToken", "idToken.type"
REASON, CHARGING = "transactionInfo.stoppedReason", "transactionInfo.chargingState"

ASKED = (Wrong(AUTHORIZE, TOKEN, "OTHER"), Wrong(AUTHORIZE, TOKEN_TYPE, "Central"))
ASKED_AGAIN = (*ASKED, Wrong(AUTHORIZE, TOKEN, "OTHER", nth=1), Wrong(AUTHORIZE, TOKEN_TYPE, "Central", nth=1))
OTHER_TRIGGER = Wrong(EVENT, TRIGGER, "Trigger")
NAMED = (Wrong(EVENT, TOKEN, "OTHER"), Wrong(EVENT, TOKEN_TYPE, "Central"))
STARTED = (*NAMED, OTHER_TRIGGER, Wrong(EVENT, TYPE, "Updated"), Wrong(EVENT, "idToken", DROP))
CHARGES = Wrong(EVENT, CHARGING, "Idle")
NOT_LISTED = Wrong("SendLocalListResponse", "status", "Failed")
NOT_OFFLINE = Wrong(EVENT, "offline", DROP)
ENDED = Wrong(EVENT, TYPE, "Ended")
MASTER_PASS = (OTHER_TRIGGER, *NAMED, Wrong(EVENT, REASON, "Local"), Wrong(EVENT, REASON, DROP))
STOPPED = (OTHER_TRIGGER, Wrong(EVENT, TRIGGER, "Trigger", nth=2))
BAY = (NOT_OFFLINE, Wrong(EVENT, TRIGGER, "CablePluggedIn"), NOT_LISTED)


def _said(kind: str, **more: Any) -> Wrong:
    """A transaction of the second token, although it is not to have any."""
    event = {
        "eventType": kind,
        "timestamp": "2026-03-01T12:00:00Z",
        "triggerReason": "Authorized",
        "seqNo": 0,
        "transactionInfo": {"transactionId": "planted"},
        **more,
    }
    return Wrong(AUTHORIZE, ADD, ("TransactionEvent", event), nth=1)


STOPS = _said("Ended")
STARTS = _said("Started", idToken={"idToken": CONFIGURATION.tokens.valid2.id_token, "type": "ISO14443"})

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_C_02_CS": ASKED,
    "TC_C_04_CS": (*ASKED_AGAIN, ENDED, STOPS, STARTS),
    "TC_C_06_CS": ASKED,
    "TC_C_07_CS": ASKED,
    "TC_C_56_CS": ASKED,
    "TC_C_39_CS": (*ASKED_AGAIN, *STARTED, *STOPPED, CHARGES),
    "TC_C_42_CS": (*ASKED_AGAIN, *STARTED, CHARGES),
    "TC_C_45_CS": ASKED,
    "TC_C_49_CS": (
        *ASKED,
        Wrong(AUTHORIZE, TOKEN, "OTHER", nth=2),
        Wrong(AUTHORIZE, TOKEN_TYPE, "Central", nth=2),
        *(Wrong(EVENT, REASON, "Local", nth=nth) for nth in (4, 5)),
        *(Wrong(EVENT, TYPE, "Updated", nth=nth) for nth in (4, 5)),
        *(Wrong(EVENT, TOKEN, "OTHER", nth=nth) for nth in (4, 5)),
        *(Wrong(EVENT, TOKEN_TYPE, "Central", nth=nth) for nth in (4, 5)),
    ),
    "TC_C_08_CS": (*ASKED, *STARTED, CHARGES),
    "TC_C_09_CS": ASKED_AGAIN,
    "TC_C_10_CS": ASKED_AGAIN,
    "TC_C_11_CS": ASKED_AGAIN,
    "TC_C_12_CS": (*ASKED_AGAIN, CHARGES),
    "TC_C_13_CS": (*ASKED, OTHER_TRIGGER, CHARGES),
    "TC_C_14_CS": (*ASKED, *MASTER_PASS),
    "TC_C_15_CS": (*ASKED, *NAMED, NOT_OFFLINE, Wrong(EVENT, TRIGGER, "Trigger", nth=4)),
    "TC_C_16_CS": (*ASKED, *NAMED, NOT_OFFLINE, OTHER_TRIGGER, Wrong(EVENT, CHARGING, "Charging")),
    "TC_C_17_CS": (*ASKED, *NAMED, NOT_OFFLINE, Wrong(EVENT, CHARGING, "Charging")),
    "TC_C_18_CS": (*ASKED, *NAMED, NOT_OFFLINE, OTHER_TRIGGER, Wrong(EVENT, "offline", True)),
    "TC_C_57_CS": ASKED,
    "TC_C_32_CS": (*ASKED, OTHER_TRIGGER, Wrong("BootNotificationRequest", "", DROP)),
    "TC_C_33_CS": (*ASKED, *NAMED, OTHER_TRIGGER, Wrong(EVENT, TYPE, "Updated"), Wrong(EVENT, "idToken", DROP)),
    "TC_C_34_CS": (*ASKED_AGAIN, *NAMED, OTHER_TRIGGER),
    "TC_C_36_CS": ASKED_AGAIN,
    "TC_C_37_CS": (*ASKED_AGAIN, Wrong("ClearCacheResponse", "status", "Rejected")),
    "TC_C_38_CS": (*ASKED, Wrong("ClearCacheResponse", "status", "Accepted")),
    "TC_C_46_CS": ASKED_AGAIN,
    "TC_C_41_CS": (*ASKED_AGAIN, *STARTED, CHARGES),
    "TC_C_44_CS": (*ASKED_AGAIN, Wrong(AUTHORIZE, TOKEN, "OTHER", nth=2), *STARTED, CHARGES),
    "TC_C_27_CS": (NOT_LISTED, OTHER_TRIGGER, CHARGES),
    "TC_C_28_CS": (NOT_LISTED, *ASKED),
    "TC_C_29_CS": (NOT_LISTED, *ASKED),
    "TC_C_30_CS": (NOT_LISTED, *ASKED),
    "TC_C_31_CS": (NOT_LISTED, *ASKED, CHARGES),
    "TC_C_58_CS": (NOT_LISTED,),
    "TC_C_40_CS": (NOT_LISTED, *STARTED, *STOPPED, CHARGES),
    "TC_C_43_CS": (NOT_LISTED, *STARTED, *ASKED, CHARGES),
    "TC_C_21_CS": (NOT_LISTED, NOT_OFFLINE, OTHER_TRIGGER),
    "TC_C_22_CS": BAY,
    "TC_C_23_CS": BAY,
    "TC_C_24_CS": BAY,
    "TC_C_25_CS": (*ASKED, NOT_LISTED),
    "TC_C_26_CS": (
        NOT_OFFLINE,
        Wrong(EVENT, CHARGING, "Charging"),
        OTHER_TRIGGER,
        Wrong("StatusNotificationRequest", "connectorStatus", "Faulted"),
    ),
}
