"""Wrong values for the cases about reservations."""

from __future__ import annotations

from tests.conformance.station.tamper import DROP, Wrong

__all__ = ["WRONG"]

RESERVE, CANCEL, STATUS = "ReserveNowResponse", "CancelReservationResponse", "StatusNotificationRequest"
UPDATE, EVENT = "ReservationStatusUpdateRequest", "TransactionEventRequest"
AVAILABILITY = "ChangeAvailabilityResponse"

REFUSED = Wrong(RESERVE, "status", "Rejected")
TAKEN = Wrong(RESERVE, "status", "Accepted")
NOT_SHOWN = Wrong(STATUS, "connectorStatus", "Faulted")
NOT_CHARGING = Wrong(EVENT, "transactionInfo.chargingState", "Idle")
UNNAMED = (Wrong(EVENT, "reservationId", DROP), Wrong(EVENT, "reservationId", 4711))

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_H_01_CS": (REFUSED, NOT_SHOWN, NOT_CHARGING, *UNNAMED),
    "TC_H_02_CS": (REFUSED, NOT_SHOWN),
    "TC_H_03_CS": (Wrong(RESERVE, "status", "Accepted", nth=1), Wrong(RESERVE, "status", "Rejected", nth=1)),
    "TC_H_04_CS": (REFUSED, TAKEN),
    "TC_H_06_CS": (REFUSED, TAKEN, Wrong(RESERVE, "status", "Occupied")),
    "TC_H_07_CS": (
        NOT_SHOWN,
        Wrong(UPDATE, "reservationId", 4711),
        Wrong(UPDATE, "reservationUpdateStatus", "Removed"),
        NOT_CHARGING,
    ),
    "TC_H_08_CS": (REFUSED, NOT_CHARGING, *UNNAMED),
    "TC_H_09_CS": (Wrong(RESERVE, "status", "Accepted", nth=2), Wrong(RESERVE, "status", "Rejected", nth=2)),
    "TC_H_10_CS": (REFUSED, TAKEN),
    "TC_H_12_CS": (REFUSED, TAKEN, Wrong(RESERVE, "status", "Occupied")),
    "TC_H_14_CS": (REFUSED, Wrong(RESERVE, "status", "Occupied", nth=1), Wrong(STATUS, "connectorStatus", "Available")),
    "TC_H_15_CS": (REFUSED, NOT_CHARGING, *UNNAMED),
    "TC_H_16_CS": (Wrong(RESERVE, "status", "Accepted", nth=2), Wrong(RESERVE, "status", "Rejected", nth=2)),
    "TC_H_17_CS": (Wrong(CANCEL, "status", "Rejected"), Wrong(STATUS, "connectorStatus", "Reserved")),
    "TC_H_18_CS": (Wrong(CANCEL, "status", "Accepted"),),
    "TC_H_19_CS": (REFUSED, NOT_SHOWN, NOT_CHARGING, *UNNAMED),
    "TC_H_21_CS": (
        Wrong(AVAILABILITY, "status", "Rejected", nth=0),
        Wrong(AVAILABILITY, "status", "Rejected", nth=1),
        Wrong(STATUS, "connectorStatus", "Reserved"),
        Wrong(UPDATE, "reservationId", 4711),
        Wrong(UPDATE, "reservationUpdateStatus", "Expired"),
        NOT_CHARGING,
    ),
    "TC_H_22_CS": (TAKEN, Wrong(RESERVE, "status", "Occupied")),
    "TC_H_23_CS": (Wrong(RESERVE, "status", "Occupied", nth=1), NOT_CHARGING, *UNNAMED),
    "TC_H_24_CS": (REFUSED, NOT_CHARGING, *UNNAMED),
}
