"""Wrong values for the cases about charging profiles of charge points of 1.6."""

from __future__ import annotations

from tests.conformance.station.tamper import Wrong

__all__ = ["WRONG"]

SET, CLEAR, COMPOSITE, VALUES = (
    "SetChargingProfileResponse",
    "ClearChargingProfileResponse",
    "GetCompositeScheduleResponse",
    "MeterValuesRequest",
)
FIRST = "chargingSchedule.chargingSchedulePeriod.0"
REFUSED = Wrong(SET, "status", "Rejected", nth=0)
NO_LIMIT = Wrong(COMPOSITE, f"{FIRST}.limit", 32.0)
IGNORED = Wrong(VALUES, "meterValue.0.sampledValue.0.value", "16")
STARVED = (Wrong(VALUES, "meterValue.0.sampledValue", [{"value": "0", "measurand": "Current.Import"}]),)
LIMITS = (REFUSED, NO_LIMIT)


def _late(nth: int) -> Wrong:
    return Wrong(COMPOSITE, f"{FIRST}.limit", 32.0, nth=nth)


WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC16_K_Set_Transaction_CS": (*LIMITS, IGNORED, *STARVED, Wrong(COMPOSITE, f"{FIRST}.limit", 8.0, nth=1)),
    "TC16_K_Set_NoTransaction_CS": (Wrong(SET, "status", "Accepted", nth=0), Wrong(SET, "status", "Accepted", nth=1)),
    "TC16_K_Set_Default_CS": (*LIMITS, IGNORED, _late(1)),
    "TC16_K_Set_DefaultForAll_CS": (*LIMITS, _late(1), Wrong(COMPOSITE, "connectorId", 1)),
    "TC16_K_Set_Over_CS": (*LIMITS, IGNORED),
    "TC16_K_Set_Maximum_CS": (*LIMITS, IGNORED, _late(1)),
    "TC16_K_Set_MaximumPlace_CS": (Wrong(SET, "status", "Accepted"), Wrong(SET, "status", "NotSupported")),
    "TC16_K_Set_Stack_CS": (*LIMITS, _late(1), Wrong(CLEAR, "status", "Unknown")),
    "TC16_K_Set_Replace_CS": (*LIMITS, _late(1), Wrong(CLEAR, "status", "Accepted")),
    "TC16_K_Set_Periods_CS": (
        *LIMITS,
        IGNORED,
        Wrong(COMPOSITE, "chargingSchedule.chargingSchedulePeriod.1.limit", 8.0),
        Wrong(COMPOSITE, f"{FIRST}.startPeriod", 5),
    ),
    "TC16_K_Set_Duration_CS": (*LIMITS, _late(2)),
    "TC16_K_Set_Valid_CS": (REFUSED, _late(0), _late(1), _late(2)),
    "TC16_K_Set_Daily_CS": (REFUSED, _late(0), _late(1)),
    "TC16_K_Set_Pause_CS": (REFUSED, Wrong("StatusNotificationRequest", "status", "Finishing", nth=2)),
    "TC16_K_Set_Kept_CS": LIMITS,
    "TC16_K_Set_Unknown_CS": (Wrong("SetChargingProfileError", "code", "GenericError"),),
    "TC16_K_Set_TooMuch_CS": (
        Wrong(SET, "status", "Accepted", nth=0),
        Wrong(SET, "status", "Accepted", nth=1),
        Wrong(CLEAR, "status", "Accepted"),
    ),
    "TC16_K_Set_Late_CS": (Wrong(SET, "status", "Accepted"),),
    "TC16_K_Start_Profile_CS": (
        REFUSED,
        _late(0),
        _late(1),
        IGNORED,
        Wrong("RemoteStartTransactionResponse", "status", "Rejected"),
    ),
    "TC16_K_Start_OtherPurpose_CS": (Wrong("RemoteStartTransactionResponse", "status", "Accepted"),),
    "TC16_K_Clear_Criteria_CS": (
        Wrong(CLEAR, "status", "Accepted", nth=0),
        Wrong(CLEAR, "status", "Unknown", nth=1),
        _late(0),
        _late(1),
    ),
    "TC16_K_Clear_All_CS": (
        Wrong(CLEAR, "status", "Unknown", nth=0),
        Wrong(CLEAR, "status", "Accepted", nth=1),
        Wrong(COMPOSITE, f"{FIRST}.limit", 8.0),
    ),
    "TC16_K_Composite_Unknown_CS": (
        Wrong(COMPOSITE, "status", "Accepted"),
        Wrong(
            COMPOSITE,
            "chargingSchedule",
            {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 1}]},
        ),
    ),
    "TC16_K_Composite_Units_CS": (
        Wrong(COMPOSITE, "chargingSchedule.chargingRateUnit", "A", nth=1),
        Wrong(COMPOSITE, "chargingSchedule.duration", 60),
        Wrong(COMPOSITE, "chargingSchedule.startSchedule", "2026-03-01T12:00:00Z"),
        Wrong(COMPOSITE, "scheduleStart", "2026-02-01T12:00:00Z"),
        NO_LIMIT,
    ),
}
