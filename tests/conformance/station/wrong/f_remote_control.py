"""Wrong values for the cases about remote control."""

from __future__ import annotations

from tests.conformance.station.tamper import DROP, Wrong

__all__ = ["WRONG"]

EVENT, METER = "TransactionEventRequest", "MeterValuesRequest"
TYPE, TRIGGER = "eventType", "triggerReason"
REMOTE_ID, CHARGING = "transactionInfo.remoteStartId", "transactionInfo.chargingState"
CONTEXT = "meterValue.0.sampledValue.0.context"
STATUS = "StatusNotificationRequest"

NOT_STARTED = Wrong("RequestStartTransactionResponse", "status", "Rejected")
STARTS = (
    NOT_STARTED,
    Wrong(EVENT, TYPE, "Updated", nth=0),
    Wrong(EVENT, TRIGGER, "Trigger"),
    Wrong(EVENT, CHARGING, "Idle"),
)
REMOTE = (
    Wrong(EVENT, REMOTE_ID, 4711),
    Wrong(EVENT, REMOTE_ID, DROP),
    Wrong(EVENT, "idToken.idToken", "OTHER"),
    Wrong(EVENT, "idToken.type", "Central"),
)
ASKED = (Wrong("AuthorizeRequest", "idToken.idToken", "OTHER"), Wrong("AuthorizeRequest", "idToken.type", "Central"))
STOP_REFUSED = Wrong("RequestStopTransactionResponse", "status", "Rejected")
NOT_ACCEPTED = (
    Wrong("TriggerMessageResponse", "status", "Rejected"),
    Wrong("TriggerMessageResponse", "status", "NotImplemented"),
)
UPLOADED = (Wrong("LogStatusNotificationRequest", "status", "Uploaded"),)
INSTALLED = (Wrong("FirmwareStatusNotificationRequest", "status", "Installed"),)


def _unlock(status: str) -> tuple[Wrong, ...]:
    return (Wrong("UnlockConnectorResponse", "status", status),)


def _told(*numbers: int) -> tuple[Wrong, ...]:
    """What may be wrong in the triggered TransactionEventRequests, which have these numbers."""
    return tuple(
        wrong
        for nth in numbers
        for wrong in (
            Wrong(EVENT, TRIGGER, "MeterValuePeriodic", nth=nth),
            Wrong(EVENT, CHARGING, "SuspendedEV", nth=nth),
            Wrong(EVENT, CONTEXT, "Sample.Periodic", nth=nth),
            Wrong(EVENT, "meterValue", DROP, nth=nth),
            Wrong(EVENT, "evse.id", 9, nth=nth),
        )
    )


WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_F_01_CS": (*STARTS, *REMOTE),
    "TC_F_02_CS": (*STARTS, *ASKED),
    "TC_F_03_CS": STARTS,
    "TC_F_04_CS": (
        NOT_STARTED,
        Wrong("RequestStartTransactionResponse", "status", "Rejected", nth=1),
        *REMOTE,
        Wrong(EVENT, TRIGGER, "Trigger", nth=1),
        Wrong(EVENT, TYPE, "Updated", nth=1),
    ),
    "TC_F_05_CS": _unlock("Unlocked"),
    "TC_F_06_CS": _unlock("UnlockFailed"),
    "TC_F_07_CS": _unlock("UnlockFailed"),
    "TC_F_10_CS": _unlock("Unlocked"),
    "TC_F_08_CS": (
        STOP_REFUSED,
        Wrong(EVENT, TRIGGER, "Trigger", nth=2),
        Wrong(EVENT, TYPE, "Updated", nth=2),
        Wrong(EVENT, "transactionInfo.stoppedReason", "Local", nth=2),
    ),
    "TC_F_09_CS": (Wrong("RequestStopTransactionResponse", "status", "Accepted"),),
    "TC_F_11_CS": (*NOT_ACCEPTED, Wrong(METER, "evseId", 2), Wrong(METER, CONTEXT, "Sample.Clock")),
    "TC_F_12_CS": (
        *NOT_ACCEPTED,
        Wrong(METER, "evseId", 9),
        Wrong(METER, CONTEXT, "Sample.Clock", nth=1),
        Wrong(METER, CONTEXT, "Sample.Clock", nth=2),
    ),
    "TC_F_13_CS": (*NOT_ACCEPTED, *_told(2)),
    "TC_F_14_CS": (*NOT_ACCEPTED, *_told(4, 5)),
    "TC_F_15_CS": (*NOT_ACCEPTED, *UPLOADED),
    "TC_F_16_CS": (
        *NOT_ACCEPTED,
        *UPLOADED,
        Wrong("GetLogResponse", "status", "Rejected"),
        Wrong("LogStatusNotificationRequest", "status", "Idle", nth=1),
    ),
    "TC_F_17_CS": (*NOT_ACCEPTED, *INSTALLED),
    "TC_F_18_CS": (*NOT_ACCEPTED, *INSTALLED),
    "TC_F_19_CS": (
        *NOT_ACCEPTED,
        *INSTALLED,
        Wrong("UpdateFirmwareResponse", "status", "Rejected"),
        Wrong("FirmwareStatusNotificationRequest", "status", "Idle", nth=1),
    ),
    "TC_F_20_CS": (*NOT_ACCEPTED, Wrong("HeartbeatRequest", "", None)),
    "TC_F_23_CS": (*NOT_ACCEPTED, Wrong(STATUS, "connectorStatus", "Occupied"), Wrong(STATUS, "evseId", 2)),
    "TC_F_24_CS": (*NOT_ACCEPTED, Wrong(STATUS, "connectorStatus", "Available", nth=1)),
    "TC_F_26_CS": (
        Wrong("TriggerMessageResponse", "status", "Accepted"),
        Wrong("TriggerMessageResponse", "status", "NotImplemented"),
    ),
    "TC_F_27_CS": (
        Wrong("TriggerMessageResponse", "status", "Accepted"),
        Wrong("TriggerMessageResponse", "status", "Rejected"),
    ),
}
