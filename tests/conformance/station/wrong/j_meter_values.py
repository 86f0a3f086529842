"""Wrong values for the cases about meter values."""

from __future__ import annotations

from tests.conformance.station.tamper import ADD, DROP, Wrong

__all__ = ["WRONG"]

METER, EVENT = "MeterValuesRequest", "TransactionEventRequest"
SAMPLE = "meterValue.0.sampledValue.0"
CONTEXT, MEASURAND = f"{SAMPLE}.context", f"{SAMPLE}.measurand"
LATER = "2026-03-01T12:00:42.000Z"


def _wrong(message: str, context: str = "Trigger", nth: int | None = None) -> tuple[Wrong, ...]:
    return (
        Wrong(message, CONTEXT, context, nth=nth),
        Wrong(message, MEASURAND, "Frequency", nth=nth),
        Wrong(message, f"{SAMPLE}.location", "EV", nth=nth),
    )


ALIGNED = (*_wrong(METER), Wrong(METER, "meterValue.0.timestamp", LATER, nth=4))
UNSIGNED = tuple(Wrong(EVENT, f"meterValue.{number}.sampledValue.0.signedMeterValue", DROP) for number in (0, 1))
_VALUE = {"timestamp": LATER, "sampledValue": [{"value": 1.0, "context": "Sample.Clock"}]}
BY_THE_CLOCK = Wrong(EVENT, ADD, ("MeterValues", {"evseId": 1, "meterValue": [_VALUE]}), nth=2)
NO_VALUES = Wrong(EVENT, "meterValue", DROP)
AT_END = (
    NO_VALUES,
    Wrong(EVENT, "meterValue.1.sampledValue.0.context", "Trigger"),
    Wrong(EVENT, "meterValue.1.sampledValue.0.measurand", "Frequency"),
    Wrong(EVENT, "meterValue.1.sampledValue.0.location", "EV"),
    Wrong(EVENT, "meterValue.1.timestamp", "2026-03-01T12:00:22.000Z"),
)

WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_J_01_CS": ALIGNED,
    "TC_J_02_CS": (*_wrong(METER), *_wrong(EVENT), Wrong(EVENT, "meterValue.0.timestamp", LATER, nth=4)),
    "TC_J_03_CS": AT_END,
    "TC_J_04_CS": (*AT_END, *UNSIGNED),
    "TC_J_06_CS": (*ALIGNED, BY_THE_CLOCK, Wrong(EVENT, CONTEXT, "Sample.Clock")),
    "TC_J_07_CS": (*_wrong(EVENT, "Transaction.End"), NO_VALUES),
    "TC_J_08_CS": (*_wrong(EVENT, "Transaction.End"), NO_VALUES),
    "TC_J_09_CS": (
        *_wrong(EVENT, nth=2),
        NO_VALUES,
        Wrong(EVENT, "triggerReason", "MeterValueClock", nth=2),
        Wrong(EVENT, "meterValue.0.timestamp", LATER, nth=3),
    ),
    "TC_J_10_CS": (*AT_END, Wrong(EVENT, "meterValue.4.sampledValue.0.context", "Sample.Periodic")),
    "TC_J_11_CS": (*AT_END, *UNSIGNED),
}
