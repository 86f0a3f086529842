"""Wrong values for the cases about display messages.

Each case but those about refusals begins with a GetDisplayMessagesRequest of its own, which finds nothing.
"""

from __future__ import annotations

from tests.conformance.station.tamper import DROP, Wrong

__all__ = ["WRONG"]

SET, GET, CLEAR = "SetDisplayMessageResponse", "GetDisplayMessagesResponse", "ClearDisplayMessageResponse"
TOLD = "NotifyDisplayMessagesRequest"
EVENT = "TransactionEventRequest"

REFUSED = (Wrong(SET, "status", "Rejected"),)
BOTH_REFUSED = (Wrong(SET, "status", "Rejected", nth=0), Wrong(SET, "status", "Rejected", nth=1))
NOT_FOUND = Wrong(GET, "status", "Unknown", nth=1)
OTHER_REQUEST, OTHER_ID = Wrong(TOLD, "requestId", 99), Wrong(TOLD, "messageInfo.0.id", 99)
FOUND = (NOT_FOUND, OTHER_REQUEST, OTHER_ID)
ALL = (*FOUND, Wrong(TOLD, "messageInfo", DROP), Wrong(TOLD, "tbc", True), Wrong(TOLD, "messageInfo.0", DROP))
STILL_FOUND = Wrong(GET, "status", "Accepted", nth=1)
OTHER_CONTENT = (
    Wrong(TOLD, "messageInfo.0.priority", "InFront"),
    Wrong(TOLD, "messageInfo.0.message.format", "ASCII"),
    Wrong(TOLD, "messageInfo.0.message.content", "Another notice."),
)
OTHER_STATE = (
    Wrong(TOLD, "messageInfo.0.state", "Faulted"),
    Wrong(TOLD, "messageInfo.0.state", DROP),
)
OF_A_TRANSACTION = (
    Wrong(TOLD, "messageInfo.0.transactionId", "other"),
    Wrong(TOLD, "messageInfo.0.transactionId", DROP),
    Wrong(TOLD, "messageInfo.0.priority", "NormalCycle"),
    Wrong(TOLD, "messageInfo.0.message.content", "Another notice."),
)
NOT_ENDED = Wrong(EVENT, "eventType", "Updated")


def _each_told(times: int) -> tuple[Wrong, ...]:
    """A number of messages asked for one by one: each of them not found, or told wrong."""
    return tuple(
        wrong
        for nth in range(times)
        for wrong in (
            Wrong(GET, "status", "Unknown", nth=nth + 1),
            Wrong(TOLD, "requestId", 99, nth=nth),
            Wrong(TOLD, "messageInfo.0.id", 99, nth=nth),
        )
    )


WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_O_01_CS": REFUSED + FOUND + OTHER_CONTENT,
    "TC_O_02_CS": (*ALL, Wrong(TOLD, "messageInfo.1", DROP), Wrong(TOLD, "messageInfo.1.id", 99)),
    "TC_O_03_CS": (Wrong(GET, "status", "Accepted", nth=1),),
    "TC_O_04_CS": (*REFUSED, Wrong(CLEAR, "status", "Unknown"), STILL_FOUND),
    "TC_O_05_CS": (Wrong(CLEAR, "status", "Accepted"),),
    "TC_O_06_CS": (*REFUSED, STILL_FOUND, NOT_ENDED),
    "TC_O_07_CS": REFUSED + ALL,
    "TC_O_08_CS": (*REFUSED, *ALL, Wrong(TOLD, "messageInfo.0.priority", "InFront")),
    "TC_O_09_CS": REFUSED + ALL + OTHER_STATE,
    "TC_O_10_CS": (Wrong(SET, "status", "Accepted"), Wrong(SET, "status", "Rejected")),
    "TC_O_11_CS": (*REFUSED, STILL_FOUND),
    "TC_O_12_CS": BOTH_REFUSED,
    "TC_O_13_CS": (*REFUSED, *FOUND, Wrong(TOLD, "messageInfo.0.startDateTime", DROP)),
    "TC_O_14_CS": (
        *REFUSED,
        *FOUND,
        Wrong(TOLD, "messageInfo.0.endDateTime", DROP),
        Wrong(GET, "status", "Accepted", nth=2),
    ),
    "TC_O_17_CS": (Wrong(SET, "status", "Accepted"), Wrong(SET, "status", "NotSupportedState")),
    "TC_O_18_CS": (Wrong(SET, "status", "Accepted"), Wrong(SET, "status", "NotSupportedPriority")),
    "TC_O_19_CS": (Wrong(SET, "status", "Accepted"), Wrong(SET, "status", "Rejected")),
    "TC_O_20_CS": REFUSED + FOUND + OTHER_CONTENT,
    "TC_O_22_CS": BOTH_REFUSED + _each_told(2),
    "TC_O_24_CS": (
        *BOTH_REFUSED,
        Wrong(GET, "status", "Accepted", nth=1),
        Wrong(GET, "status", "Unknown", nth=2),
        OTHER_REQUEST,
        OTHER_ID,
    ),
    "TC_O_27_CS": (*REFUSED, STILL_FOUND, NOT_ENDED),
    "TC_O_28_CS": (*REFUSED, STILL_FOUND),
    "TC_O_30_CS": (
        *BOTH_REFUSED,
        *_each_told(2),
        *OF_A_TRANSACTION,
        Wrong(GET, "status", "Accepted", nth=3),
        Wrong(GET, "status", "Accepted", nth=4),
        NOT_ENDED,
    ),
    "TC_O_32_CS": (
        *BOTH_REFUSED,
        Wrong(GET, "status", "Accepted", nth=1),
        Wrong(GET, "status", "Unknown", nth=2),
        OTHER_REQUEST,
        *OF_A_TRANSACTION,
        Wrong(GET, "status", "Accepted", nth=3),
        NOT_ENDED,
    ),
    "TC_O_33_CS": (Wrong(GET, "status", "Accepted", nth=1),),
    "TC_O_34_CS": (*REFUSED, STILL_FOUND),
    "TC_O_35_CS": (*REFUSED, STILL_FOUND),
    "TC_O_36_CS": REFUSED + FOUND + OTHER_STATE,
    "TC_O_37_CS": REFUSED + FOUND + OTHER_STATE,
    "TC_O_38_CS": (
        *REFUSED,
        *FOUND,
        *OTHER_STATE,
        Wrong("ChangeAvailabilityResponse", "status", "Rejected"),
        Wrong("ChangeAvailabilityResponse", "status", "Scheduled", nth=1),
        Wrong("StatusNotificationRequest", "connectorStatus", "Faulted"),
    ),
    "TC_O_39_CS": (
        *REFUSED,
        *FOUND,
        Wrong(TOLD, "messageInfo.0.state", "Idle"),
        Wrong(TOLD, "messageInfo.0.state", DROP),
        Wrong("StatusNotificationRequest", "connectorStatus", "Occupied", nth=0),
        Wrong("StatusNotificationRequest", "connectorStatus", "Occupied", nth=1),
        Wrong("StatusNotificationRequest", "evseId", 2),
    ),
}
