"""Wrong values for the cases about availability."""

from __future__ import annotations

from tests.conformance.station.tamper import Wrong

__all__ = ["WRONG"]

STATUS = "StatusNotificationRequest"
CHANGE = "ChangeAvailabilityResponse"

REFUSED = (Wrong(CHANGE, "status", "Rejected"),)
OTHER_STATUS = (Wrong(STATUS, "connectorStatus", "Faulted"), Wrong(STATUS, "evseId", 2, nth=0))
NOT_SCHEDULED = (Wrong(CHANGE, "status", "Accepted"), Wrong(CHANGE, "status", "Rejected"))
AFTER_BOOT = (
    Wrong(STATUS, "connectorStatus", "Available"),
    Wrong("SecurityEventNotificationRequest", "type", "SettingSystemTime"),
)

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_G_01_CS": OTHER_STATUS,
    "TC_G_02_CS": (Wrong(STATUS, "connectorStatus", "Occupied"), Wrong(STATUS, "connectorId", 2)),
    "TC_G_03_CS": REFUSED + OTHER_STATUS,
    "TC_G_04_CS": (Wrong(CHANGE, "status", "Rejected", nth=1), Wrong(STATUS, "connectorStatus", "Unavailable")),
    "TC_G_05_CS": (*REFUSED, Wrong(STATUS, "connectorStatus", "Faulted")),
    "TC_G_06_CS": (Wrong(CHANGE, "status", "Rejected", nth=1), Wrong(STATUS, "connectorStatus", "Unavailable")),
    "TC_G_07_CS": REFUSED + OTHER_STATUS,
    "TC_G_08_CS": (Wrong(CHANGE, "status", "Scheduled", nth=1), Wrong(STATUS, "connectorStatus", "Unavailable")),
    "TC_G_09_CS": (*REFUSED, Wrong(CHANGE, "status", "Scheduled")),
    "TC_G_10_CS": (Wrong(CHANGE, "status", "Rejected", nth=1), Wrong(CHANGE, "status", "Scheduled", nth=1)),
    "TC_G_12_CS": (*REFUSED, Wrong(CHANGE, "status", "Scheduled")),
    "TC_G_13_CS": (Wrong(CHANGE, "status", "Rejected", nth=1), Wrong(CHANGE, "status", "Scheduled", nth=1)),
    "TC_G_15_CS": (*REFUSED, Wrong(CHANGE, "status", "Scheduled")),
    "TC_G_16_CS": (Wrong(CHANGE, "status", "Rejected", nth=1), Wrong(CHANGE, "status", "Scheduled", nth=1)),
    "TC_G_11_CS": (*NOT_SCHEDULED, Wrong(STATUS, "connectorStatus", "Available")),
    "TC_G_14_CS": (*NOT_SCHEDULED, Wrong(STATUS, "connectorStatus", "Available")),
    "TC_G_17_CS": (*NOT_SCHEDULED, Wrong(STATUS, "connectorStatus", "Available")),
    "TC_G_18_CS": (*REFUSED, *AFTER_BOOT),
    "TC_G_19_CS": (*REFUSED, *AFTER_BOOT),
    "TC_G_21_CS": (*REFUSED, *AFTER_BOOT),
}
