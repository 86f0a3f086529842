"""Wrong values for the cases about the Local Authorization List."""

from __future__ import annotations

from tests.conformance.station.tamper import Wrong

__all__ = ["WRONG"]

SENT, ASKED = "SendLocalListResponse", "GetLocalListVersionResponse"
OTHER_VERSION = (Wrong(ASKED, "versionNumber", 3), Wrong(ASKED, "versionNumber", 0))
UPDATED = (
    *OTHER_VERSION,
    Wrong(SENT, "status", "Failed"),
    Wrong(SENT, "status", "VersionMismatch", nth=1),
    Wrong(ASKED, "versionNumber", 7),
)

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_D_01_CS": (*OTHER_VERSION, Wrong(SENT, "status", "Failed")),
    "TC_D_02_CS": UPDATED,
    "TC_D_03_CS": UPDATED,
    "TC_D_04_CS": (*OTHER_VERSION, Wrong(SENT, "status", "Failed", nth=1)),
    "TC_D_05_CS": UPDATED,
    "TC_D_06_CS": (
        *OTHER_VERSION,
        Wrong(ASKED, "versionNumber", 6),
        Wrong(SENT, "status", "Accepted", nth=1),
        Wrong(SENT, "status", "Failed", nth=1),
    ),
    "TC_D_07_CS": (*OTHER_VERSION, Wrong("BootNotificationRequest", "", None)),
    "TC_D_08_CS": OTHER_VERSION,
    "TC_D_10_CS": (Wrong(ASKED, "versionNumber", 7), Wrong(ASKED, "versionNumber", 1)),
}
