"""Wrong values for the cases about setting and reporting monitors."""

from __future__ import annotations

from tests.conformance.station.tamper import DROP, Wrong

__all__ = ["WRONG"]

SET, GET, CLEAR = "SetVariableMonitoringResponse", "GetMonitoringReportResponse", "ClearVariableMonitoringResponse"
BASE, LEVEL, REPORT = "SetMonitoringBaseResponse", "SetMonitoringLevelResponse", "NotifyMonitoringReportRequest"
RESULT, FIRST = "setMonitoringResult.0", "monitor.0.variableMonitoring.0"

NOT_SET = (
    Wrong(SET, f"{RESULT}.status", "Rejected"),
    Wrong(SET, f"{RESULT}.type", "UpperThreshold"),
    Wrong(SET, f"{RESULT}.severity", 2),
    Wrong(SET, f"{RESULT}.component.name", "Connector"),
    Wrong(SET, f"{RESULT}.variable.name", "Problem"),
    Wrong(SET, f"{RESULT}.id", DROP),
    Wrong(SET, f"{RESULT}.statusInfo", {"reasonCode": "InvalidValue"}),
)
NOT_REPORTED = (
    Wrong(GET, "status", "Rejected"),
    Wrong(GET, "statusInfo", {"reasonCode": "NotFound"}),
    Wrong(REPORT, "requestId", 4711),
    Wrong(REPORT, "seqNo", 5),
    Wrong(REPORT, "generatedAt", DROP),
    Wrong(REPORT, "monitor", DROP),
)
NOT_THIS = (
    Wrong(REPORT, f"{FIRST}.type", "Periodic"),
    Wrong(REPORT, "monitor.0.component.name", "Connector"),
    Wrong(REPORT, "monitor.0.variable.name", "Problem"),
)
TAKEN = Wrong(SET, f"{RESULT}.status", "Accepted")
NOT_EMPTY = Wrong(GET, "status", "Accepted")


def refused(code: str = "ReadOnly") -> tuple[Wrong, ...]:
    """A refusal that is none, is of another, or has another reason."""
    return (
        TAKEN,
        Wrong(SET, f"{RESULT}.type", "Periodic"),
        Wrong(SET, f"{RESULT}.severity", 2),
        Wrong(SET, f"{RESULT}.component.name", "Connector"),
        Wrong(SET, f"{RESULT}.variable.name", "Problem"),
        Wrong(SET, f"{RESULT}.id", 7),
        Wrong(SET, f"{RESULT}.statusInfo", {"reasonCode": code}),
    )


WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_N_01_CS": (*NOT_REPORTED, Wrong(REPORT, f"{FIRST}.type", "Periodic", nth=0)),
    "TC_N_02_CS": (*NOT_REPORTED, *NOT_THIS),
    "TC_N_03_CS": (
        *NOT_REPORTED[2:],
        *NOT_THIS,
        Wrong(GET, "status", "Accepted", nth=0),
        Wrong(GET, "statusInfo", {"reasonCode": "InvalidValue"}, nth=0),
        Wrong(GET, "status", "Rejected", nth=1),
    ),
    "TC_N_05_CS": (
        *(Wrong(BASE, "status", "Rejected", nth=number) for number in range(3)),
        *(Wrong(BASE, "statusInfo", {"reasonCode": "InvalidValue"}, nth=number) for number in range(3)),
    ),
    "TC_N_06_CS": (
        Wrong(GET, "status", "EmptyResultSet", nth=0),
        *NOT_REPORTED[2:],
        *NOT_THIS,
        Wrong(BASE, "status", "NotSupported"),
        Wrong(BASE, "statusInfo", {"reasonCode": "InvalidValue"}),
        Wrong(GET, "status", "Accepted", nth=1),
    ),
    "TC_N_08_CS": (*NOT_SET, *NOT_REPORTED, *NOT_THIS),
    "TC_N_09_CS": (*NOT_SET, *NOT_REPORTED, *NOT_THIS, Wrong(SET, "setMonitoringResult.1", DROP)),
    "TC_N_10_CS": (*NOT_SET, Wrong(SET, "setMonitoringResult.1.id", 1), Wrong(SET, "setMonitoringResult.1", DROP)),
    "TC_N_11_CS": (
        *refused(),
        Wrong(SET, "setMonitoringResult.1.status", "Rejected"),
        Wrong(SET, "setMonitoringResult.1.statusInfo", {"reasonCode": "InvalidValue"}),
    ),
    "TC_N_12_CS": refused(),
    "TC_N_13_CS": refused(),
    "TC_N_15_CS": (
        *NOT_SET,
        Wrong(SET, "setMonitoringResult.1.status", "Accepted"),
        Wrong(SET, "setMonitoringResult.1.statusInfo", {"reasonCode": "NotFound"}),
    ),
    "TC_N_17_CS": (
        *(Wrong(LEVEL, "status", "Accepted", nth=number) for number in range(2)),
        *(Wrong(LEVEL, "statusInfo", {"reasonCode": "NotFound"}, nth=number) for number in range(2)),
    ),
    "TC_N_18_CS": (
        Wrong(CLEAR, "clearMonitoringResult.0.status", "NotFound"),
        Wrong(CLEAR, "clearMonitoringResult.1.status", "Rejected"),
        Wrong(CLEAR, "clearMonitoringResult.0.id", 4711),
        Wrong(CLEAR, "clearMonitoringResult.0.statusInfo", {"reasonCode": "NotFound"}),
        NOT_EMPTY,
        Wrong(GET, "statusInfo", {"reasonCode": "InvalidValue"}),
    ),
    "TC_N_19_CS": (
        Wrong(CLEAR, "clearMonitoringResult.0.status", "Accepted"),
        Wrong(CLEAR, "clearMonitoringResult.0.id", 4711),
        Wrong(CLEAR, "clearMonitoringResult.0.statusInfo", {"reasonCode": "ReadOnly"}),
    ),
    "TC_N_37_CS": refused()[:-1],
    "TC_N_39_CS": (Wrong(SET, f"{RESULT}.status", "Accepted", nth=1), *NOT_REPORTED, *NOT_THIS[1:]),
    "TC_N_40_CS": (*NOT_SET[:1], *NOT_REPORTED, *NOT_THIS[1:], Wrong(REPORT, f"{FIRST}.severity", 5)),
    "TC_N_41_CS": (
        *NOT_SET[:1],
        Wrong(SET, f"{RESULT}.severity", 9),
        Wrong(SET, f"{RESULT}.variable.name", "Problem"),
        Wrong(BASE, "status", "Rejected", nth=0),
        Wrong(BASE, "status", "Rejected", nth=1),
        *(Wrong(GET, "status", "EmptyResultSet", nth=number) for number in range(3)),
        *(Wrong(REPORT, f"{FIRST}.severity", 5, nth=number) for number in (1, 2)),
        Wrong(REPORT, f"{FIRST}.severity", 7, nth=2),
        *(Wrong(REPORT, f"{FIRST}.id", 4711, nth=number) for number in (1, 2)),
        *(Wrong(REPORT, "monitor.0.component.name", "Connector", nth=number) for number in (1, 2)),
        *(Wrong(REPORT, "monitor.0.variable.name", "Problem", nth=number) for number in (1, 2)),
    ),
    "TC_N_44_CS": (
        Wrong(CLEAR, "clearMonitoringResult.0.status", "Accepted"),
        Wrong(CLEAR, "clearMonitoringResult.0.status", "NotFound"),
        Wrong(GET, "status", "EmptyResultSet"),
    ),
    "TC_N_43_CS": (
        Wrong(SET, "setMonitoringResult.0.status", "Rejected"),
        Wrong(SET, "setMonitoringResult.1.status", "Accepted"),
        Wrong(SET, "setMonitoringResult.2.status", "Rejected"),
        Wrong(SET, "setMonitoringResult.2", DROP),
    ),
    "TC_N_47_CS": (*NOT_REPORTED, *NOT_THIS),
}
