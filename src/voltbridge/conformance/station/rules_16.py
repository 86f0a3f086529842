"""What holds in every case about a charge point of 1.6, whatever its steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import Received

__all__ = ["check"]

_RULES: Final = "general rules"
_OF_STATION: Final = ("Available", "Unavailable", "Faulted")
_WARNS: Final = ("Preparing", "SuspendedEV", "SuspendedEVSE", "Finishing")


def check(seen: Callable[[str], list[Received]], connectors: int) -> None:
    """Raises StepFailed when what the charge point sent since the case began breaks a rule.

    ``seen``: every request of an action. Connectors are numbered without a gap (3.8); connector 0 has three statuses
    only, and EVCommunicationError is a warning (4.9); a transaction stops once, and nothing of it is told after that
    (3.7); the meter of one never runs backwards (E3.78).
    """
    for one in seen("StatusNotification"):
        if one.at("connectorId") not in range(connectors + 1):
            raise StepFailed(_RULES, f"a connectorId up to {connectors}", str(one.at("connectorId")))
        if one.at("connectorId") == 0 and one.at("status") not in _OF_STATION:
            raise StepFailed(_RULES, f"for connector 0 one of {', '.join(_OF_STATION)}", str(one.at("status")))
        if one.at("errorCode") == "EVCommunicationError" and one.at("status") not in _WARNS:
            raise StepFailed(_RULES, f"EVCommunicationError with one of {', '.join(_WARNS)}", str(one.at("status")))
    starts = seen("StartTransaction")
    for one in starts:
        if one.at("connectorId") not in range(1, connectors + 1):
            raise StepFailed(_RULES, f"transactions at connectors 1 to {connectors}", str(one.at("connectorId")))
    _stops(seen("StopTransaction"))
    _in_order(seen("MeterValues"), seen("StopTransaction"))


def _stops(stops: list[Received]) -> None:
    told: dict[int, Received] = {}
    for one in stops:
        number = one.at("transactionId")
        # A retry repeats its content; several transactions that never got a number are all -1 (E3.18).
        if number >= 0 and told.setdefault(number, one).payload != one.payload:
            raise StepFailed(_RULES, "one StopTransactionRequest of each transaction", f"two of {number}")


def _in_order(values: list[Received], stops: list[Received]) -> None:
    ended = {one.at("transactionId"): datetime.fromisoformat(one.at("timestamp")) for one in stops}
    last: dict[int, datetime] = {}
    for one in values:
        number = one.at("transactionId")
        if not isinstance(number, int) or number < 0:
            continue
        for meter_value in one.at("meterValue"):
            at = datetime.fromisoformat(meter_value["timestamp"])
            if at < last.get(number, at) or at > ended.get(number, at):
                raise StepFailed(_RULES, f"the meter values of transaction {number} in the order of time", str(at))
            last[number] = at
