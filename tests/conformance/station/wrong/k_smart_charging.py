"""Wrong values for the cases about smart charging."""

from __future__ import annotations

from tests.conformance.station.tamper import DROP, Wrong

__all__ = ["WRONG"]

SET, CLEAR, GET = "SetChargingProfileResponse", "ClearChargingProfileResponse", "GetChargingProfilesResponse"
REPORT, COMPOSITE = "ReportChargingProfilesRequest", "GetCompositeScheduleResponse"
EVENT, START = "TransactionEventRequest", "RequestStartTransactionResponse"

REFUSED, TAKEN = Wrong(SET, "status", "Rejected"), Wrong(SET, "status", "Accepted")
PERIOD = "schedule.chargingSchedulePeriod"
TOLD_WRONG = (
    Wrong(GET, "status", "NoProfiles"),
    Wrong(REPORT, "requestId", 4711),
    Wrong(REPORT, "evseId", 7),
    Wrong(REPORT, "chargingProfile.0.id", 4711),
    Wrong(REPORT, "chargingProfile.0.stackLevel", 9),
    Wrong(REPORT, "chargingProfile.0.chargingProfilePurpose", "ChargingStationExternalConstraints"),
    Wrong(REPORT, "chargingProfile.0.chargingSchedule.0.chargingSchedulePeriod.0.limit", 31.0),
    Wrong(REPORT, "chargingProfile.0.chargingSchedule.0.chargingSchedulePeriod.0.numberPhases", DROP),
    Wrong(REPORT, "chargingProfile.0.validTo", "2030-01-01T00:00:00Z"),
    Wrong(REPORT, "tbc", True),
)
COMPOSED_WRONG = (
    Wrong(COMPOSITE, "status", "Rejected"),
    Wrong(COMPOSITE, "schedule.evseId", 7),
    Wrong(COMPOSITE, "schedule.duration", 7),
    Wrong(COMPOSITE, "schedule.chargingRateUnit", "W"),
    Wrong(COMPOSITE, "schedule.scheduleStart", "2020-01-01T00:00:00Z"),
    Wrong(COMPOSITE, f"{PERIOD}.0.startPeriod", 5),
)
NEEDS, PLAN = "NotifyEVChargingNeedsRequest", "NotifyEVChargingScheduleRequest"
NEEDED_WRONG = (
    Wrong(NEEDS, "evseId", 7),
    Wrong(NEEDS, "chargingNeeds.acChargingParameters", DROP),
    Wrong(NEEDS, "chargingNeeds.requestedEnergyTransfer", "DC"),
)
PLANNED_WRONG = Wrong(PLAN, "evseId", 7)
BEYOND = Wrong(PLAN, "chargingSchedule.chargingSchedulePeriod.0.limit", 31.0)
NOT_CHARGING = Wrong(EVENT, "transactionInfo.chargingState", "Idle")


def _limits(*places: int) -> tuple[Wrong, ...]:
    return tuple(Wrong(COMPOSITE, f"{PERIOD}.{place}.limit", 31.0) for place in places)


def _starts(*places: int) -> tuple[Wrong, ...]:
    return tuple(Wrong(COMPOSITE, f"{PERIOD}.{place}.startPeriod", 333) for place in places)


SET_AND_TOLD = (REFUSED, *TOLD_WRONG)
GONE = (Wrong(CLEAR, "status", "Unknown"), Wrong(GET, "status", "Accepted"))

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_K_01_CS": SET_AND_TOLD,
    "TC_K_02_CS": (TAKEN,),
    "TC_K_03_CS": SET_AND_TOLD,
    "TC_K_04_CS": (Wrong(SET, "status", "Rejected", nth=0), Wrong(SET, "status", "Rejected", nth=1), *TOLD_WRONG),
    "TC_K_05_CS": (REFUSED, *GONE),
    "TC_K_06_CS": (REFUSED, NOT_CHARGING, *GONE),
    "TC_K_07_CS": (REFUSED, Wrong(CLEAR, "status", "Accepted")),
    "TC_K_08_CS": (Wrong(CLEAR, "status", "Accepted"),),
    "TC_K_09_CS": (
        REFUSED,
        NOT_CHARGING,
        *COMPOSED_WRONG,
        *_limits(0),
        Wrong(CLEAR, "status", "Unknown"),
        Wrong(COMPOSITE, "status", "Rejected", nth=1),
        Wrong(COMPOSITE, f"{PERIOD}.0.limit", 6.0, nth=1),
    ),
    "TC_K_10_CS": SET_AND_TOLD,
    "TC_K_11_CS": (TAKEN,),
    "TC_K_12_CS": (TAKEN,),
    "TC_K_13_CS": SET_AND_TOLD,
    "TC_K_14_CS": (TAKEN,),
    "TC_K_15_CS": (Wrong("SetVariablesResponse", "setVariableResult.0.attributeStatus", "UnknownVariable"),),
    "TC_K_16_CS": (NOT_CHARGING, TAKEN),
    "TC_K_19_CS": (REFUSED,),
    "TC_K_21_CS": (REFUSED, *COMPOSED_WRONG, *_limits(1), *_starts(1)),
    "TC_K_22_CS": (REFUSED, *COMPOSED_WRONG, *_limits(0), *_starts(1)),
    "TC_K_23_CS": (REFUSED, *COMPOSED_WRONG, *_limits(1), *_starts(1)),
    "TC_K_24_CS": (REFUSED, *GONE),
    "TC_K_28_CS": (REFUSED, NOT_CHARGING, *COMPOSED_WRONG, *_limits(0)),
    "TC_K_29_CS": SET_AND_TOLD,
    "TC_K_30_CS": SET_AND_TOLD,
    "TC_K_31_CS": (
        REFUSED,
        *(fault for fault in TOLD_WRONG if fault.path != "tbc"),
        Wrong(REPORT, "tbc", False, nth=0),
        Wrong(REPORT, "tbc", True, nth=1),
    ),
    "TC_K_32_CS": SET_AND_TOLD,
    "TC_K_33_CS": SET_AND_TOLD,
    "TC_K_34_CS": (*SET_AND_TOLD, Wrong(GET, "status", "Accepted", nth=1)),
    "TC_K_35_CS": (NOT_CHARGING, *SET_AND_TOLD),
    "TC_K_36_CS": SET_AND_TOLD,
    "TC_K_37_CS": (Wrong(START, "status", "Rejected"), NOT_CHARGING, *TOLD_WRONG),
    "TC_K_38_CS": (
        Wrong(START, "status", "Rejected"),
        Wrong(EVENT, "transactionInfo.remoteStartId", DROP),
        NOT_CHARGING,
    ),
    "TC_K_39_CS": COMPOSED_WRONG,
    "TC_K_40_CS": (REFUSED, *COMPOSED_WRONG, *_limits(0, 1, 2, 3), *_starts(1, 2, 3)),
    "TC_K_41_CS": (REFUSED, NOT_CHARGING, *COMPOSED_WRONG, *_limits(0, 1, 2, 3, 4, 5), *_starts(1, 2, 3, 4, 5)),
    "TC_K_42_CS": (Wrong(COMPOSITE, "status", "Accepted"),),
    "TC_K_47_CS": (Wrong(COMPOSITE, "status", "Accepted"), Wrong(COMPOSITE, "schedule", {})),
    "TC_K_52_CS": (
        Wrong(GET, "status", "NoProfiles"),
        Wrong(REPORT, "requestId", 4711),
        Wrong(REPORT, "chargingProfile.0.chargingProfilePurpose", "TxProfile"),
        Wrong(REPORT, "tbc", True),
    ),
    "TC_K_53_CS": (*NEEDED_WRONG, REFUSED, PLANNED_WRONG, BEYOND, NOT_CHARGING),
    "TC_K_54_CS": (*NEEDED_WRONG, PLANNED_WRONG, NOT_CHARGING),
    "TC_K_56_CS": (
        REFUSED,
        PLANNED_WRONG,
        BEYOND,
        NOT_CHARGING,
        Wrong(PLAN, "chargingSchedule.chargingRateUnit", "W"),
        Wrong(PLAN, "chargingSchedule.chargingSchedulePeriod.0.startPeriod", 5),
        Wrong(EVENT, "offline", DROP),
    ),
    "TC_K_57_CS": (
        *NEEDED_WRONG,
        Wrong(NEEDS, "evseId", 7, nth=1),
        Wrong(SET, "status", "Rejected", nth=0),
        Wrong(SET, "status", "Rejected", nth=1),
        PLANNED_WRONG,
        Wrong(PLAN, "evseId", 7, nth=1),
        NOT_CHARGING,
        Wrong(EVENT, "triggerReason", "ChargingStateChanged", nth=3),
    ),
    "TC_K_58_CS": (
        *NEEDED_WRONG,
        Wrong(SET, "status", "Rejected", nth=0),
        Wrong(SET, "status", "Rejected", nth=1),
        PLANNED_WRONG,
        Wrong(PLAN, "evseId", 7, nth=1),
        NOT_CHARGING,
        Wrong(EVENT, "triggerReason", "ChargingStateChanged", nth=3),
    ),
    "TC_K_60_CS": (NOT_CHARGING, *SET_AND_TOLD),
}
