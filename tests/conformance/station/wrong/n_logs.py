"""Wrong values for the cases about logs and customers."""

from __future__ import annotations

from tests.conformance.station.tamper import DROP, Wrong

__all__ = ["WRONG"]

LOG, STATUS = "GetLogResponse", "LogStatusNotificationRequest"
CUSTOMER, TOLD = "CustomerInformationResponse", "NotifyCustomerInformationRequest"

UPLOADED = (
    Wrong(LOG, "status", "Rejected"),
    Wrong(LOG, "filename", DROP),
    Wrong(LOG, "filename", ""),
    *(Wrong(STATUS, "status", "UploadFailure", nth=number) for number in range(2)),
    *(Wrong(STATUS, "requestId", 4711, nth=number) for number in range(2)),
)
ANSWERED = (
    Wrong(CUSTOMER, "status", "Rejected"),
    Wrong(TOLD, "requestId", 4711),
    Wrong(TOLD, "tbc", True),
    Wrong(TOLD, "seqNo", 7),
)
NOTHING = Wrong(TOLD, "data", "", nth=0)

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_N_25_CS": UPLOADED,
    "TC_N_26_CS": (
        Wrong(LOG, "status", "Rejected"),
        Wrong(STATUS, "status", "Uploaded", nth=1),
        Wrong(STATUS, "status", "UploadFailure", nth=0),
        Wrong(STATUS, "requestId", 4711, nth=1),
        Wrong(STATUS, "", None, nth=7),
    ),
    "TC_N_27_CS": (*ANSWERED, NOTHING),
    "TC_N_28_CS": ANSWERED,
    "TC_N_30_CS": (*ANSWERED, NOTHING),
    "TC_N_31_CS": ANSWERED,
    "TC_N_32_CS": ANSWERED,
    "TC_N_62_CS": (
        Wrong(CUSTOMER, "status", "Rejected", nth=0),
        Wrong(CUSTOMER, "status", "Rejected", nth=1),
        *ANSWERED[1:],
        NOTHING,
        Wrong(TOLD, "data", "signed up", nth=1),
    ),
    "TC_N_35_CS": UPLOADED,
    "TC_N_36_CS": (
        Wrong(LOG, "status", "Rejected", nth=0),
        Wrong(LOG, "status", "Accepted", nth=1),
        Wrong(STATUS, "status", "UploadFailure", nth=1),
        *(Wrong(STATUS, "status", "UploadFailure", nth=number) for number in (0, 2, 3)),
        *(Wrong(STATUS, "requestId", 4711, nth=number) for number in (0, 2, 3)),
    ),
}
