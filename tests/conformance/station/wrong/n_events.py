"""Wrong values for the cases about events."""

from __future__ import annotations

from tests.conformance.station.tamper import ADD, DELAY, DROP, Wrong

__all__ = ["WRONG"]

SET, GET, CLEAR = "SetVariableMonitoringResponse", "GetMonitoringReportResponse", "ClearVariableMonitoringResponse"
LEVEL, REPORT, EVENT = "SetMonitoringLevelResponse", "NotifyMonitoringReportRequest", "NotifyEventRequest"
FIRST = "eventData.0"

NO_LEVEL = (Wrong(LEVEL, "status", "Rejected"), Wrong(LEVEL, "statusInfo", {"reasonCode": "InvalidValue"}))
NOT_SET = Wrong(SET, "setMonitoringResult.0.status", "Rejected")
NOT_ABOUT = (
    Wrong(EVENT, f"{FIRST}.component.name", "Connector"),
    Wrong(EVENT, f"{FIRST}.component.evse.id", 2),
    Wrong(EVENT, f"{FIRST}.variable.name", "Problem"),
)
NOT_THIS = (
    *NOT_ABOUT,
    Wrong(EVENT, f"{FIRST}.variableMonitoringId", 4711),
    Wrong(EVENT, f"{FIRST}.eventId", DROP),
    Wrong(EVENT, f"{FIRST}.timestamp", DROP),
    Wrong(EVENT, "seqNo", 3),
    Wrong(EVENT, "generatedAt", DROP),
)
NO_DELTA = Wrong(EVENT, f"{FIRST}.trigger", "Alerting")


def late(component: str, evse: dict[str, int]) -> Wrong:
    """An event about AvailabilityState after the station has told what happened offline."""
    data = {
        "eventId": 4711,
        "timestamp": "2026-03-01T12:00:00Z",
        "trigger": "Delta",
        "actualValue": "Available",
        "eventNotificationType": "CustomMonitor",
        "component": {"name": component, "evse": evse},
        "variable": {"name": "AvailabilityState"},
    }
    told = {"generatedAt": "2026-03-01T12:00:00Z", "seqNo": 0, "eventData": [data]}
    return Wrong("TransactionEventRequest", ADD, ("NotifyEvent", told), nth=2)


TX = "TransactionEventRequest"

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_N_16_CS": (*NO_LEVEL, NOT_SET),
    "TC_N_20_CS": (
        NOT_SET,
        *NOT_THIS,
        Wrong(EVENT, f"{FIRST}.trigger", "Delta"),
        Wrong(EVENT, f"{FIRST}.actualValue", "99.0", nth=0),
        Wrong(EVENT, f"{FIRST}.cleared", True, nth=0),
        Wrong(EVENT, f"{FIRST}.transactionId", DROP, nth=0),
        Wrong(EVENT, f"{FIRST}.actualValue", "101.0", nth=1),
        Wrong(EVENT, f"{FIRST}.cleared", DROP, nth=1),
        Wrong(EVENT, f"{FIRST}.transactionId", DROP, nth=1),
        Wrong(EVENT, f"{FIRST}.eventNotificationType", "HardWiredMonitor", nth=1),
        Wrong(SET, "setMonitoringResult.0.status", "Rejected", nth=1),
    ),
    "TC_N_21_CS": (
        Wrong(EVENT, f"{FIRST}.eventNotificationType", "HardWiredMonitor"),
        Wrong(EVENT, f"{FIRST}.eventNotificationType", "PreconfiguredMonitor"),
        Wrong(EVENT, "seqNo", 1),
        Wrong(EVENT, "generatedAt", DROP),
        Wrong(EVENT, "generatedAt", "2020-01-01T00:00:00Z"),
    ),
    "TC_N_22_CS": (*NOT_ABOUT, NO_DELTA, Wrong(EVENT, f"{FIRST}.actualValue", "Available")),
    "TC_N_23_CS": (
        NOT_SET,
        Wrong(SET, "setMonitoringResult.1.status", "Rejected"),
        Wrong(EVENT, f"{FIRST}.component.name", "Cable"),
        Wrong(EVENT, "eventData.1.component.name", "Cable"),
        *NOT_ABOUT[1:],
        Wrong(EVENT, f"{FIRST}.component.evse.connectorId", 2),
        NO_DELTA,
        Wrong(EVENT, f"{FIRST}.actualValue", "Available"),
        *(Wrong(TX, "triggerReason", "EVDeparted", nth=number) for number in range(3)),
        *(Wrong(TX, "transactionInfo.chargingState", "SuspendedEV", nth=number) for number in range(3)),
        late("EVSE", {"id": 1}),
        late("Connector", {"id": 1, "connectorId": 1}),
    ),
    "TC_N_24_CS": (*NO_LEVEL, NOT_SET, *NOT_ABOUT, NO_DELTA, Wrong(EVENT, "", None, nth=1)),
    "TC_N_45_CS": (*NOT_THIS, NO_DELTA),
    "TC_N_51_CS": (
        *NOT_THIS,
        Wrong(SET, "setMonitoringResult.0.status", "Rejected", nth=1),
        Wrong(SET, "setMonitoringResult.0.type", "Delta", nth=1),
        Wrong(SET, "setMonitoringResult.0.severity", 6, nth=1),
        Wrong(SET, "setMonitoringResult.0.variable.name", "Problem", nth=1),
        Wrong(EVENT, f"{FIRST}.trigger", "Delta"),
        Wrong(EVENT, f"{FIRST}.actualValue", "99.0"),
    ),
    "TC_N_52_CS": (
        Wrong(CLEAR, "clearMonitoringResult.0.status", "NotFound"),
        Wrong(CLEAR, "clearMonitoringResult.0.id", 4711),
        Wrong(GET, "status", "Accepted"),
        Wrong(EVENT, DELAY, 5.0, nth=0),
    ),
    "TC_N_48_CS": (
        Wrong("SetVariablesResponse", "setVariableResult.0.attributeStatus", "Rejected"),
        Wrong(EVENT, f"{FIRST}.actualValue", "a secret that nobody should see"),
        Wrong(EVENT, f"{FIRST}.actualValue", DROP),
        Wrong(EVENT, f"{FIRST}.variableMonitoringId", 4711),
    ),
    "TC_N_53_CS": (
        Wrong(REPORT, "requestId", 4711),
        Wrong(REPORT, "monitor.0.variableMonitoring.0.id", 4711),
        Wrong(REPORT, "monitor.0.variableMonitoring.0.type", "Delta"),
        Wrong(GET, "status", "EmptyResultSet"),
    ),
    "TC_N_56_CS": (*NOT_THIS, NO_DELTA),
}
