"""Wrong values for the cases about firmware."""

from __future__ import annotations

from tests.conformance.station.tamper import DROP, Wrong

__all__ = ["WRONG"]

UPDATE, STATUS = "UpdateFirmwareResponse", "FirmwareStatusNotificationRequest"
BOOT, EVENT = "BootNotificationRequest", "SecurityEventNotificationRequest"

REFUSED = Wrong(UPDATE, "status", "Rejected")


def each(count: int) -> tuple[Wrong, ...]:
    """Each of so many statuses is another, or of another update."""
    return tuple(
        Wrong(STATUS, path, value, nth=number)
        for number in range(count)
        for path, value in (("status", "DownloadPaused"), ("requestId", 4711), ("requestId", DROP))
    )


RUNS = (Wrong(BOOT, "reason", "PowerUp"), Wrong(EVENT, "type", "FirmwareLost"))

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_L_01_CS": (REFUSED, *each(6), *RUNS, Wrong("StatusNotificationRequest", "connectorStatus", "Unavailable")),
    "TC_L_02_CS": (REFUSED, *each(7), *RUNS),
    "TC_L_03_CS": (REFUSED, *each(7), *RUNS),
    "TC_L_05_CS": (
        Wrong(UPDATE, "status", "Accepted"),
        REFUSED,
        Wrong(EVENT, "type", "InvalidFirmwareSignature"),
    ),
    "TC_L_06_CS": (REFUSED, *each(3), Wrong(EVENT, "type", "InvalidFirmwareSigningCertificate")),
    "TC_L_07_CS": (REFUSED, *each(2)),
    "TC_L_08_CS": (
        REFUSED,
        *each(5),
        Wrong(STATUS, "status", "Installed", nth=4),
        Wrong("StatusNotificationRequest", "connectorStatus", "Faulted"),
    ),
    "TC_L_10_CS": (REFUSED, Wrong(UPDATE, "status", "Accepted", nth=1), *each(7), *RUNS),
    "TC_L_11_CS": (
        REFUSED,
        Wrong(UPDATE, "status", "Accepted", nth=1),
        Wrong(UPDATE, "status", "AcceptedCanceled", nth=1),
        *each(6),
        *RUNS,
    ),
    "TC_L_12_CS": (REFUSED, *each(7), *RUNS),
    "TC_L_13_CS": (REFUSED, *each(7), *RUNS, Wrong("StatusNotificationRequest", "connectorStatus", "Available")),
    "TC_L_14_CS": (REFUSED, *each(7), *RUNS),
    "TC_L_15_CS": (REFUSED, *each(7), *RUNS, Wrong("StatusNotificationRequest", "connectorStatus", "Available")),
    "TC_L_16_CS": (REFUSED, *each(5), Wrong(EVENT, "type", "FirmwareLost")),
    "TC_L_18_CS": (Wrong(UPDATE, "status", "Accepted"),),
}
