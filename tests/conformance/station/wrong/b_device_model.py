"""Wrong values for the cases about variables."""

from __future__ import annotations

from tests.conformance.station.tamper import DROP, Wrong

__all__ = ["WRONG"]

GET, SET = "GetVariablesResponse", "SetVariablesResponse"
GOT, WAS_SET = "getVariableResult.0", "setVariableResult.0"
REPORT = "NotifyReportRequest"

PART = (
    Wrong(REPORT, "requestId", 4711),
    Wrong(REPORT, "seqNo", 7, nth=0),
    Wrong(REPORT, "tbc", False, nth=0),
)


def _refused(message: str, path: str) -> tuple[Wrong, ...]:
    return (
        Wrong(message, f"{path}.attributeStatus", "Accepted"),
        Wrong(message, f"{path}.component.name", "OtherComponent"),
        Wrong(message, f"{path}.variable.name", "OtherVariable"),
    )


WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_B_06_CS": (
        Wrong(GET, f"{GOT}.attributeStatus", "Rejected"),
        Wrong(GET, f"{GOT}.attributeType", "Target"),
        Wrong(GET, f"{GOT}.attributeValue", "301"),
        Wrong(GET, f"{GOT}.component.name", "AuthCtrlr"),
        Wrong(GET, f"{GOT}.variable.name", "Interval"),
        Wrong(GET, f"{GOT}.attributeStatusInfo", {"reasonCode": "InternalError"}),
    ),
    "TC_B_07_CS": (
        Wrong(GET, f"{GOT}.attributeValue", "301"),
        Wrong(GET, "getVariableResult.1.attributeValue", "false"),
        Wrong(GET, "getVariableResult.1", DROP),
        Wrong(GET, "getVariableResult.1.attributeStatusInfo", {"reasonCode": "InternalError"}),
    ),
    "TC_B_32_CS": _refused(GET, GOT),
    "TC_B_33_CS": _refused(GET, GOT),
    "TC_B_34_CS": (*_refused(GET, GOT), Wrong(GET, f"{GOT}.attributeType", "Actual")),
    "TC_B_09_CS": (
        Wrong(SET, f"{WAS_SET}.attributeStatus", "Rejected"),
        Wrong(SET, f"{WAS_SET}.attributeType", "Target"),
        Wrong(SET, f"{WAS_SET}.component.name", "AuthCtrlr"),
        Wrong(SET, f"{WAS_SET}.variable.name", "Interval"),
        Wrong(SET, f"{WAS_SET}.attributeStatusInfo", {"reasonCode": "InternalError"}),
    ),
    "TC_B_10_CS": (
        Wrong(SET, f"{WAS_SET}.attributeStatus", "Rejected"),
        Wrong(SET, "setVariableResult.1.attributeStatus", "Rejected"),
        Wrong(SET, "setVariableResult.1", DROP),
    ),
    "TC_B_35_CS": _refused(SET, WAS_SET),
    "TC_B_36_CS": _refused(SET, WAS_SET),
    "TC_B_37_CS": (*_refused(SET, WAS_SET), Wrong(SET, f"{WAS_SET}.attributeType", "Actual")),
    "TC_B_11_CS": (
        Wrong(SET, f"{WAS_SET}.attributeStatus", "Accepted"),
        Wrong(SET, f"{WAS_SET}.attributeStatus", "Rejected"),
        Wrong(SET, f"{WAS_SET}.component.name", "OtherComponent"),
        Wrong(SET, f"{WAS_SET}.attributeType", "Target"),
        Wrong(SET, f"{WAS_SET}.attributeType", DROP),
    ),
    "TC_B_39_CS": (
        *_refused(SET, WAS_SET),
        Wrong(SET, f"{WAS_SET}.variable.instance", DROP),
    ),
    "TC_B_12_CS": (
        *PART,
        Wrong("GetBaseReportResponse", "status", "Rejected"),
        Wrong("GetBaseReportResponse", "statusInfo", {"reasonCode": "InternalError"}),
        Wrong(REPORT, "reportData.0.variableAttribute.0.mutability", "ReadOnly", nth=0),
        Wrong(REPORT, "reportData.0.variableCharacteristics", DROP, nth=0),
        Wrong(REPORT, "reportData", [], nth=0),
    ),
    "TC_B_13_CS": (
        *PART,
        Wrong("GetBaseReportResponse", "status", "NotSupported"),
        Wrong(REPORT, "reportData.0.variableCharacteristics", DROP, nth=0),
    ),
    "TC_B_53_CS": (
        *PART,
        Wrong("GetBaseReportResponse", "status", "NotSupported"),
        Wrong(REPORT, "reportData.0.variableCharacteristics", DROP, nth=0),
    ),
    "TC_B_14_CS": (
        Wrong("GetBaseReportResponse", "status", "NotSupported"),
        Wrong(REPORT, "requestId", 4711),
        Wrong(REPORT, "seqNo", 7, nth=0),
        Wrong(REPORT, "reportData.0.variableCharacteristics", DROP, nth=0),
        Wrong(REPORT, "reportData.0.variable.name", "Other", nth=0),
    ),
    "TC_B_16_CS": (
        Wrong("GetReportResponse", "status", "Rejected"),
        Wrong(REPORT, "reportData.0.variable.name", "Other"),
        Wrong(REPORT, "reportData.0.component.name", "Other"),
        Wrong(GET, f"{GOT}.attributeValue", "false"),
    ),
    "TC_B_17_CS": (
        Wrong("GetReportResponse", "status", "Rejected"),
        Wrong(REPORT, "requestId", 4711),
        Wrong(REPORT, "reportData.0.component.evse.id", 2),
        Wrong(REPORT, "reportData.0.variableCharacteristics.dataType", "string"),
        Wrong(REPORT, "reportData.0.variableCharacteristics.valuesList", "Available,Occupied"),
        Wrong(REPORT, "reportData.0.variableAttribute.0.mutability", "ReadWrite"),
        Wrong(REPORT, "reportData.0.variableAttribute.0.type", "MaxSet"),
    ),
    "TC_B_18_CS": (
        Wrong("GetReportResponse", "status", "Rejected", nth=0),
        Wrong("GetReportResponse", "status", "Accepted", nth=1),
        Wrong("GetReportResponse", "statusInfo", {"reasonCode": "InternalError"}, nth=1),
        Wrong(REPORT, "reportData.0.component.evse.id", 2),
    ),
    "TC_B_54_CS": (
        Wrong("GetReportResponse", "status", "Rejected"),
        Wrong(REPORT, "reportData.0", DROP),
        Wrong(REPORT, "reportData.0.variable.name", "BytesPerMessage"),
    ),
    "TC_B_55_CS": (
        Wrong("GetReportResponse", "status", "Rejected"),
        Wrong(REPORT, "reportData.0.variable.instance", "GetVariables"),
    ),
    "TC_B_56_CS": (
        Wrong("GetReportResponse", "status", "Rejected"),
        Wrong(REPORT, "reportData.0", DROP),
        Wrong(REPORT, "reportData.0.component.name", "Connector"),
    ),
}
