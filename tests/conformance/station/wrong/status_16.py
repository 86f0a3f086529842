"""Wrong values for the cases about the statuses of charge points of 1.6."""

from __future__ import annotations

from tests.conformance.station.tamper import ADD, Wrong

__all__ = ["WRONG"]

STATUS, CHANGE, STOP = "StatusNotificationRequest", "ChangeAvailabilityResponse", "StopTransactionRequest"
OLD = "2026-02-01T12:00:02.000Z"
START = ("StartTransaction", {"connectorId": 1, "idTag": "X", "meterStart": 0, "timestamp": OLD})
TOLD = ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"})
REFUSED = Wrong(CHANGE, "status", "Rejected", nth=0)
OTHER = Wrong(STATUS, "status", "Faulted")
REMOTE = Wrong("RemoteStartTransactionResponse", "status", "Accepted")

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC16_G_Status_Whole_CS": (
        OTHER,
        Wrong(STATUS, ADD, TOLD, nth=1),
        Wrong(STATUS, "errorCode", "GroundFailure"),
        Wrong(STATUS, "connectorId", 9, nth=3),
    ),
    "TC16_G_Status_Unplugged_CS": (OTHER, Wrong(STATUS, "status", "Finishing", nth=1)),
    "TC16_G_Status_Fault_CS": (REMOTE, Wrong(STATUS, "errorCode", "NoError"), Wrong(STATUS, "status", "Faulted")),
    "TC16_G_Status_MinimumDuration_CS": (
        Wrong("ChangeConfigurationResponse", ADD, TOLD, nth=0),
        Wrong(STATUS, "status", "Charging", nth=0),
    ),
    "TC16_G_Availability_Connector_CS": (
        REFUSED,
        Wrong(CHANGE, "status", "Rejected", nth=1),
        REMOTE,
        OTHER,
        Wrong("RemoteStartTransactionResponse", ADD, START),
    ),
    "TC16_G_Availability_Others_CS": (REFUSED, OTHER),
    "TC16_G_Availability_Station_CS": (REFUSED, OTHER, Wrong(CHANGE, "status", "Scheduled", nth=1)),
    "TC16_G_Availability_Same_CS": (REFUSED, Wrong(CHANGE, "status", "Rejected", nth=2)),
    "TC16_G_Availability_Scheduled_CS": (
        REFUSED,
        Wrong(CHANGE, "status", "Accepted", nth=0),
        Wrong(CHANGE, ADD, TOLD),
        Wrong(STATUS, "status", "Available", nth=2),
    ),
    "TC16_G_Availability_ScheduledStation_CS": (
        REFUSED,
        Wrong(CHANGE, "status", "Accepted", nth=0),
        Wrong(STATUS, "status", "Available"),
    ),
    "TC16_G_Availability_Kept_CS": (
        REFUSED,
        Wrong(STATUS, "status", "Available"),
        Wrong("ResetResponse", "status", "Rejected"),
    ),
    "TC16_G_Availability_Unknown_CS": (
        Wrong(CHANGE, "status", "Accepted"),
        Wrong(CHANGE, "status", "Scheduled"),
        Wrong(CHANGE, ADD, TOLD),
    ),
}
