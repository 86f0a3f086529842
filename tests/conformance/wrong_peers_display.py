"""The planted faults of tariff and cost, and of messages on displays."""

from __future__ import annotations

from collections.abc import Iterator

from tests.conformance.peers import REMOVED, Fault, change, drop, early, refuse

__all__ = ["DISPLAY", "Row"]

Row = tuple[str, str, Fault]
_SET, _GET, _CLEAR, _NOTIFY = "SetDisplayMessage", "GetDisplayMessages", "ClearDisplayMessage", "NotifyDisplayMessages"
_STATUS = "idTokenInfo.status"
_MESSAGE = {"id": 1, "priority": "NormalCycle", "message": {"format": "UTF8", "content": "x"}}
_WRONG = {
    "id": 99,
    "priority": "AlwaysFront",
    "state": "Unavailable",
    "message.format": "ASCII",
    "transactionId": "another",
    "startDateTime": "2020-01-01T00:00:00Z",
    "endDateTime": "2020-01-01T00:00:00Z",
}
_MAY_BE_LEFT_OUT = ("state", "transactionId", "startDateTime", "endDateTime")


def _set(*given: str, absent: tuple[str, ...] = (), nth: int = 1) -> tuple[Row, ...]:
    """A message with something else in one of these fields or without it, not set, and set before its time."""

    def rows() -> Iterator[Row]:
        for name in given:
            yield "1", f"message.{name}", change(_SET, f"message.{name}", _WRONG[name], nth)
            if name in _MAY_BE_LEFT_OUT:
                yield "1", f"message.{name}", change(_SET, f"message.{name}", REMOVED, nth)
        for name in absent:
            yield "1", f"message.{name}", change(_SET, f"message.{name}", _WRONG[name], nth)
        yield "1", "", drop(_SET, nth)
        if nth == 1:
            yield "1", "", early(_SET, {"message": _MESSAGE})

    return tuple(rows())


_CRITERIA: dict[str, object] = {"id": [99], "priority": "AlwaysFront", "state": "Unavailable"}


def _reported(*given: str) -> tuple[Row, ...]:
    """Messages are asked for by other criteria, or the report is not taken."""
    rows: list[Row] = [("1", name, change(_GET, name, value)) for name, value in _CRITERIA.items()]
    rows += [("1", name, change(_GET, name, REMOVED)) for name in given]
    return (
        *rows,
        ("1", "", drop(_GET)),
        ("4", "", drop(_NOTIFY)),
        ("4", "", refuse(_NOTIFY)),
        ("Memory state 1", "", drop(_SET)),
    )


DISPLAY: dict[str, tuple[Row, ...]] = {
    "TC_I_01_CSMS": (
        *(("2", _STATUS, change("Authorize", _STATUS, status)) for status in ("Invalid", "Blocked")),
        *(("4", _STATUS, change("TransactionEvent", _STATUS, status)) for status in ("Invalid", "Blocked")),
        ("4", _STATUS, change("TransactionEvent", "idTokenInfo", REMOVED)),
        ("8", "", drop("TransactionEvent", 4)),
        *(("9", "", drop("CostUpdated", nth)) for nth in (1, 2)),
        *(("9", "transactionId", change("CostUpdated", "transactionId", "another", nth)) for nth in (1, 2)),
        ("9", "", change("CostUpdated", "totalCost", REMOVED)),
    ),
    "TC_I_02_CSMS": (
        ("9", "totalCost", change("TransactionEvent", "totalCost", REMOVED, 6)),
        ("9", "", drop("TransactionEvent", 6)),
        ("7", "", drop("StatusNotification", 4)),
    ),
    "TC_O_01_CSMS": _set("priority", "message.format", "state", absent=("transactionId",)),
    "TC_O_02_CSMS": _reported(),
    "TC_O_03_CSMS": (("1", "", drop(_GET)), ("1", "", early(_GET, {"requestId": 1}))),
    "TC_O_04_CSMS": (
        ("1", "id", change(_CLEAR, "id", 99)),
        ("1", "", drop(_CLEAR)),
        ("Memory state 1", "", drop(_SET)),
    ),
    "TC_O_05_CSMS": (("1", "", drop(_CLEAR)), ("1", "", early(_CLEAR, {"id": 7}))),
    "TC_O_06_CSMS": (
        *(row for row in _set("priority", "transactionId") if row[2].early is None),
        ("EVDisconnected 4", "", drop("TransactionEvent", 6)),
    ),
    "TC_O_07_CSMS": _reported("id"),
    "TC_O_08_CSMS": _reported("priority"),
    "TC_O_09_CSMS": _reported("state"),
    "TC_O_10_CSMS": (
        ("1", "message.transactionId", change(_SET, "message.transactionId", REMOVED)),
        ("1", "message.priority", change(_SET, "message.priority", "AlwaysFront")),
        ("1", "", drop(_SET)),
    ),
    "TC_O_11_CSMS": (
        ("1", "id", change(_GET, "id", [7])),
        ("1", "id", change(_GET, "id", REMOVED)),
        ("1", "", drop(_GET)),
        ("Memory state 1", "", drop(_SET)),
    ),
    "TC_O_12_CSMS": (*_set("id", "priority", nth=2), ("Memory state 1", "", drop(_SET))),
    "TC_O_13_CSMS": _set("startDateTime"),
    "TC_O_14_CSMS": _set("endDateTime"),
    "TC_O_17_CSMS": _set("priority"),
    "TC_O_18_CSMS": _set("state"),
    "TC_O_19_CSMS": _set(),
    "TC_O_25_CSMS": _set("id", "state"),
    "TC_O_26_CSMS": _set("priority"),
    "TC_O_27_CSMS": _set("startDateTime", "transactionId", absent=("endDateTime", "state")),
    "TC_O_28_CSMS": _set("priority", "endDateTime", "transactionId", absent=("startDateTime", "state")),
}
