"""Wrong values for the cases about costs."""

from __future__ import annotations

from tests.conformance.station.tamper import DROP, Wrong

__all__ = ["WRONG"]

AUTHORIZE, EVENT = "AuthorizeRequest", "TransactionEventRequest"

RUNNING = (
    Wrong(AUTHORIZE, "idToken.idToken", "OTHER"),
    Wrong(AUTHORIZE, "idToken.type", "Central"),
    Wrong(EVENT, "triggerReason", "Trigger", nth=0),
    Wrong(EVENT, "eventType", "Updated", nth=0),
    Wrong(EVENT, "idToken", DROP, nth=0),
    Wrong(EVENT, "idToken.idToken", "OTHER", nth=0),
    Wrong(EVENT, "idToken.type", "Central", nth=0),
    Wrong(EVENT, "eventType", "Ended", nth=2),
)

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_I_01_CS": RUNNING,
    "TC_I_07_CS": RUNNING,
    "TC_I_02_CS": (
        Wrong(EVENT, "eventType", "Updated"),
        Wrong(EVENT, "triggerReason", "Trigger"),
        Wrong(EVENT, "transactionInfo.stoppedReason", "EmergencyStop"),
    ),
}
