"""Wrong values for the cases about reservations and local lists of charge points of 1.6."""

from __future__ import annotations

from tests.conformance.station.tamper import DROP, Wrong

__all__ = ["WRONG"]

RESERVE, CANCEL, START, STATUS = (
    "ReserveNowResponse",
    "CancelReservationResponse",
    "StartTransactionRequest",
    "StatusNotificationRequest",
)
SEND, VERSION, AUTHORIZE = "SendLocalListResponse", "GetLocalListVersionResponse", "AuthorizeRequest"
REFUSED = Wrong(RESERVE, "status", "Rejected", nth=0)
NOT_TOLD = Wrong(STATUS, "status", "Available", nth=0)
OTHER_ID = (Wrong(START, "reservationId", 4711), Wrong(START, "reservationId", DROP))
ANOTHER = Wrong(START, "idTag", "OTHER")
FAILED = Wrong(SEND, "status", "Failed")
OTHER_VERSION = Wrong(VERSION, "listVersion", 4711)


def _instead(*statuses: str) -> tuple[Wrong, ...]:
    return tuple(Wrong(RESERVE, "status", status) for status in statuses)


WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC16_H_Reserve_Used_CS": (REFUSED, NOT_TOLD, *OTHER_ID, Wrong(CANCEL, "status", "Accepted")),
    "TC16_H_Reserve_Other_CS": (REFUSED, NOT_TOLD),
    "TC16_H_Reserve_Parent_CS": (REFUSED, *OTHER_ID, ANOTHER),
    "TC16_H_Reserve_Remote_CS": (
        REFUSED,
        *OTHER_ID,
        Wrong("RemoteStartTransactionResponse", "status", "Accepted", nth=0),
        Wrong("RemoteStartTransactionResponse", "status", "Rejected", nth=1),
    ),
    "TC16_H_Reserve_Expires_CS": (REFUSED, NOT_TOLD, ANOTHER, Wrong(STATUS, "status", "Reserved", nth=1)),
    "TC16_H_Reserve_Occupied_CS": _instead("Accepted", "Rejected"),
    "TC16_H_Reserve_Preparing_CS": _instead("Accepted", "Rejected"),
    "TC16_H_Reserve_Reserved_CS": (
        Wrong(RESERVE, "status", "Accepted", nth=1),
        Wrong(RESERVE, "status", "Rejected", nth=2),
    ),
    "TC16_H_Reserve_Faulted_CS": _instead("Accepted", "Occupied", "Unavailable"),
    "TC16_H_Reserve_Unavailable_CS": _instead("Accepted", "Occupied", "Faulted"),
    "TC16_H_Reserve_Replaced_CS": (REFUSED, Wrong(RESERVE, "status", "Occupied", nth=1), *OTHER_ID, ANOTHER),
    "TC16_H_Reserve_Zero_CS": (*_instead("Rejected"), *OTHER_ID, Wrong(START, "idTag", "OTHER", nth=1)),
    "TC16_H_Reserve_ZeroNot_CS": _instead("Accepted"),
    "TC16_H_Reserve_BecomesFaulted_CS": (REFUSED, NOT_TOLD, Wrong(CANCEL, "status", "Accepted")),
    "TC16_H_Reserve_Kept_CS": (REFUSED, Wrong(CANCEL, "status", "Rejected"), NOT_TOLD),
    "TC16_H_Cancel_Accepted_CS": (REFUSED, Wrong(CANCEL, "status", "Rejected"), ANOTHER),
    "TC16_H_Cancel_Unknown_CS": (REFUSED, Wrong(CANCEL, "status", "Accepted")),
    "TC16_D_List_Full_CS": (FAILED, OTHER_VERSION, Wrong(AUTHORIZE, "", None, nth=0)),
    "TC16_D_List_Differential_CS": (FAILED, OTHER_VERSION, Wrong(AUTHORIZE, "idTag", "OTHER")),
    "TC16_D_List_Changed_CS": (FAILED, ANOTHER),
    "TC16_D_List_Mismatch_CS": (
        OTHER_VERSION,
        Wrong(SEND, "status", "Accepted", nth=1),
        Wrong(SEND, "status", "Failed", nth=1),
    ),
    "TC16_D_List_Empty_CS": (FAILED, OTHER_VERSION),
    "TC16_D_List_Kept_CS": (FAILED, OTHER_VERSION, ANOTHER),
    "TC16_D_List_Disabled_CS": (Wrong(AUTHORIZE, "idTag", "OTHER"),),
    "TC16_D_List_TooLong_CS": (OTHER_VERSION,),
    "TC16_D_List_Priority_CS": (FAILED, Wrong(START, "idTag", "OTHER")),
    "TC16_D_List_NotCached_CS": (FAILED, Wrong(AUTHORIZE, "idTag", "OTHER")),
    "TC16_D_List_Conflict_CS": (Wrong(STATUS, "errorCode", "NoError"), Wrong(STATUS, "connectorId", 1)),
    "TC16_D_List_Expired_CS": (FAILED, Wrong(AUTHORIZE, "idTag", "OTHER")),
    "TC16_D_Version_Zero_CS": (OTHER_VERSION, FAILED),
}
