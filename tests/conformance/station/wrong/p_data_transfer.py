"""Wrong values for the cases about other vendors' data."""

from __future__ import annotations

from tests.conformance.station.tamper import DROP, Wrong

__all__ = ["WRONG"]

GOT, SET = "GetVariablesResponse", "SetVariablesResponse"

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_P_01_CS": (Wrong("DataTransferResponse", "status", "Accepted"),),
    "TC_P_03_CS": (
        Wrong(SET, "setVariableResult.0.attributeStatus", "Rejected"),
        Wrong(GOT, "getVariableResult.0.attributeStatus", "UnknownVariable"),
        Wrong(GOT, "getVariableResult.0.attributeType", "Target"),
        Wrong(GOT, "getVariableResult.0.attributeValue", "60"),
        Wrong(GOT, "getVariableResult.0.attributeValue", DROP),
    ),
    "TC_P_04_CS": (Wrong("SetChargingProfileResponse", "status", "Rejected"),),
}
