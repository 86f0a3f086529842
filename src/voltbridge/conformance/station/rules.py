"""What holds in every case about a charging station, whatever its steps (Part 6, 2.1, tool rules)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import Received

__all__ = ["check"]

_RULES = "general rules"


def check(told: Iterable[Received]) -> None:
    """Raises StepFailed when the TransactionEventRequests of a case break a rule.

    The TransactionEventRequests of a transaction are numbered in the order of their time without a gap, beginning with
    0 (E01.FR.07), the first is Started, and none follows Ended. Every FirmwareStatusNotificationRequest of an update
    names its request.
    """
    transactions: dict[str, dict[int, Received]] = defaultdict(dict)
    for event in told:
        events = transactions[event.at("transactionInfo.transactionId")]
        # A retry repeats its number and its content.
        known = events.setdefault(event.at("seqNo"), event)
        if known.at("eventType") != event.at("eventType"):
            raise StepFailed(_RULES, "one TransactionEventRequest of each seqNo", f"two of {event.at('seqNo')}")
    for events in transactions.values():
        _in_order([events[number] for number in sorted(events)])


def _in_order(events: list[Received]) -> None:
    numbers = [event.at("seqNo") for event in events]
    if numbers != list(range(len(numbers))):
        raise StepFailed(_RULES, "TransactionEventRequests numbered from 0 without a gap", str(numbers))
    types = [event.at("eventType") for event in events]
    if types[0] != "Started" or "Started" in types[1:]:
        raise StepFailed(_RULES, "one Started, first", ", ".join(types))
    if "Ended" in types[:-1]:
        raise StepFailed(_RULES, "nothing after Ended", ", ".join(types))
    moments = [datetime.fromisoformat(event.at("timestamp")) for event in events]
    if moments != sorted(moments):
        raise StepFailed(_RULES, "seqNo in the order of the timestamps", ", ".join(map(str, moments)))
