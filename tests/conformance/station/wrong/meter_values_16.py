"""Wrong values for the cases about meter values of charge points of 1.6."""

from __future__ import annotations

from typing import Any

from tests.conformance.station.tamper import ADD, DROP, Wrong

__all__ = ["WRONG"]

VALUES, STOP, STATUS = "MeterValuesRequest", "StopTransactionRequest", "StatusNotificationRequest"
FIRST = "meterValue.0.sampledValue.0"
OLD = "2026-02-01T12:00:17.000Z"
DATA = "transactionData.0.sampledValue.0"
OTHER_CONTEXT = Wrong(VALUES, f"{FIRST}.context", "Trigger")
OTHER_MEASURAND = Wrong(VALUES, f"{FIRST}.measurand", "Frequency")
OTHER_NUMBER = Wrong(VALUES, "transactionId", 4712)


def _more(transaction: int | None = None) -> tuple[str, dict[str, Any]]:
    number = {} if transaction is None else {"transactionId": transaction}
    return "MeterValues", {
        "connectorId": 1,
        "meterValue": [{"timestamp": OLD, "sampledValue": [{"value": "1"}]}],
        **number,
    }


WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC16_J_Sampled_Interval_CS": (
        OTHER_CONTEXT,
        OTHER_MEASURAND,
        OTHER_NUMBER,
        Wrong(VALUES, f"{FIRST}.value", "0"),
        Wrong(VALUES, "connectorId", 2),
        Wrong(VALUES, "meterValue.0.timestamp", OLD, nth=1),
        Wrong(STOP, ADD, _more(1)),
    ),
    "TC16_J_Sampled_Off_CS": (Wrong(STATUS, ADD, _more(), nth=1),),
    "TC16_J_Sampled_Measurands_CS": (
        Wrong(VALUES, f"{FIRST}.measurand", "Frequency"),
        Wrong(VALUES, f"{FIRST}.context", "Sample.Clock"),
        *(Wrong(VALUES, f"meterValue.0.sampledValue.{place}", DROP) for place in range(3)),
    ),
    "TC16_J_Sampled_Unsupported_CS": (
        *(Wrong("ChangeConfigurationResponse", "status", "Accepted", nth=number) for number in range(4)),
        Wrong("GetConfigurationResponse", "configurationKey.0.value", "Power.Active.Import", nth=7),
    ),
    "TC16_J_Aligned_Interval_CS": (
        OTHER_CONTEXT,
        OTHER_MEASURAND,
        Wrong(VALUES, "meterValue.0.timestamp", OLD),
        Wrong(VALUES, "transactionId", 1),
    ),
    "TC16_J_Aligned_Off_CS": (Wrong("GetConfigurationResponse", ADD, _more(), nth=0),),
    "TC16_J_Aligned_Measurands_CS": (OTHER_CONTEXT, OTHER_MEASURAND),
    "TC16_J_Stop_Sampled_CS": (
        Wrong(STOP, "transactionData.0", DROP),
        Wrong(STOP, "transactionData.1", DROP),
        Wrong(STOP, "transactionData.3", DROP),
        Wrong(STOP, "transactionData", DROP),
        Wrong(STOP, f"{DATA}.value", "9999"),
        Wrong(STOP, f"{DATA}.measurand", "Frequency"),
        Wrong(STOP, "transactionData.0.timestamp", "2026-03-02T12:00:00Z"),
    ),
    "TC16_J_Stop_SampledMeasurands_CS": (
        Wrong(STOP, f"{DATA}.measurand", "Energy.Active.Import.Register"),
        Wrong(STOP, "transactionData", DROP),
    ),
    "TC16_J_Stop_Aligned_CS": (
        Wrong(STOP, f"{DATA}.measurand", "Frequency"),
        Wrong(STOP, "transactionData", DROP),
    ),
    "TC16_J_Stop_None_CS": (Wrong(STOP, "transactionData", [{"timestamp": OLD, "sampledValue": [{"value": "1"}]}]),),
}
