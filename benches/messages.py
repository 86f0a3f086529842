"""What the stations of the benchmarks say: OCPP 1.6 frames, no two alike.

The message that is measured is a MeterValues of a running transaction with four sampled values, about 700 bytes.
Message id, moment and values differ from call to call, so that each has to be stored as a row of its own.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

__all__ = ["SUBPROTOCOL", "VALUES_PER_MESSAGE", "boot_notification", "call", "meter_values", "start_transaction"]

SUBPROTOCOL = "ocpp1.6"
VALUES_PER_MESSAGE = 4

_METER_VALUES = (
    '[2,"%012d","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%sZ","sampledValue":['
    '{"value":"%d","context":"Sample.Periodic","format":"Raw","measurand":"Energy.Active.Import.Register",'
    '"location":"Outlet","unit":"Wh"},'
    '{"value":"%d.5","context":"Sample.Periodic","format":"Raw","measurand":"Power.Active.Import",'
    '"location":"Outlet","unit":"W"},'
    '{"value":"229.%d","context":"Sample.Periodic","format":"Raw","measurand":"Voltage","phase":"L1-N",'
    '"location":"Outlet","unit":"V"},'
    '{"value":"31.%d","context":"Sample.Periodic","format":"Raw","measurand":"Current.Import","phase":"L1",'
    '"location":"Outlet","unit":"A"}]}]}]'
)


def meter_values(number: int, transaction_id: int) -> bytes:
    """The CALL of this number; its id is the number in twelve digits."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")[:23]
    energy, power, fraction = 1_000_000 + number, 7_000 + number % 1_000, number % 10
    return (_METER_VALUES % (number, transaction_id, at, energy, power, fraction, fraction)).encode()


def boot_notification() -> bytes:
    """The CALL with which a station reports for service."""
    return call(
        "boot",
        "BootNotification",
        {
            "chargePointVendor": "Bench",
            "chargePointModel": "Bench-22",
            "chargePointSerialNumber": "B-0001",
            "firmwareVersion": "1.0.0",
        },
    )


def start_transaction() -> bytes:
    """The CALL that starts the transaction which the meter values belong to."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")[:23] + "Z"
    return call("start", "StartTransaction", {"connectorId": 1, "idTag": "BENCH", "meterStart": 0, "timestamp": at})


def call(unique_id: str, action: str, payload: dict[str, Any]) -> bytes:
    """Any CALL."""
    return json.dumps([2, unique_id, action, payload], separators=(",", ":")).encode()
