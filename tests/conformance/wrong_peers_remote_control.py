"""The planted faults of remote control and of questions about transactions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.conformance.peers import REMOVED, Fault, change, drop, early, refuse

__all__ = ["REMOTE_CONTROL", "Row"]

Row = tuple[str, str, Fault]
_STATUS = "GetTransactionStatus"


def _asked(
    action: str,
    *wrong: tuple[str, object],
    step: str = "1",
    ahead: Mapping[str, Any] | None = None,
) -> Iterator[Row]:
    """A request with each of these wrong values, not sent, and (``ahead``) sent before its time."""
    for path, value in wrong:
        yield step, path, change(action, path, value)
    yield step, "", drop(action)
    if ahead is not None:
        yield step, "", early(action, ahead)


def _start(*follow: Row) -> tuple[Row, ...]:
    wrong = ("idToken.idToken", "ANOTHER"), ("idToken.type", "Central")
    return (*_asked("RequestStartTransaction", *wrong), *follow)


def _trigger(message: str, *follow: Row, evse: bool = False, step: str = "1", ahead: bool = True) -> tuple[Row, ...]:
    other = "MeterValues" if message == "Heartbeat" else "Heartbeat"
    wrong: list[tuple[str, object]] = [("requestedMessage", other)]
    if evse:
        wrong += [("evse.id", 2), ("evse", REMOVED)]
    rows = _asked("TriggerMessage", *wrong, step=step, ahead={"requestedMessage": message} if ahead else None)
    return (*((row[0], "evse.id" if row[1] == "evse" else row[1], row[2]) for row in rows), *follow)


REMOTE_CONTROL: dict[str, tuple[Row, ...]] = {
    "TC_E_29_CSMS": (
        *_asked(_STATUS, ("transactionId", "another"), ("transactionId", REMOVED), step="3"),
        ("2", "", Fault(selects=lambda nth, offered: "ocpp2.0.1" if nth == 1 else "refused")),
        ("6", "", drop("TransactionEvent", 4)),
    ),
    "TC_E_30_CSMS": tuple(_asked(_STATUS, ("transactionId", "another"), ("transactionId", REMOVED))),
    "TC_E_31_CSMS": (
        ("2", "", Fault(selects=lambda nth, offered: "ocpp2.0.1" if nth == 1 else "refused")),
        ("4", "", drop("StatusNotification", 4)),
        ("6", "", drop("TransactionEvent", 4)),
        *_asked(_STATUS, ("transactionId", "another"), ("transactionId", REMOVED), step="7"),
        ("10", "", refuse("TransactionEvent", 5)),
        ("12", "", refuse("TransactionEvent", 6)),
    ),
    "TC_E_33_CSMS": (
        *_asked(_STATUS, ("transactionId", "t-1"), step="3"),
        ("6", "", drop("TransactionEvent", 4)),
    ),
    "TC_E_34_CSMS": tuple(_asked(_STATUS, ("transactionId", "t-1"), ahead={})),
    "TC_F_01_CSMS": _start(("4", "", drop("TransactionEvent", 2))),
    "TC_F_02_CSMS": _start(
        *(
            ("4", "idTokenInfo.status", change("Authorize", "idTokenInfo.status", status))
            for status in ("Invalid", "Blocked", "Unknown")
        ),
        ("6", "", drop("TransactionEvent")),
    ),
    "TC_F_03_CSMS": _start(("4", "", drop("TransactionEvent"))),
    "TC_F_04_CSMS": _start(("4", "", drop("TransactionEvent")), ("6", "", refuse("TransactionEvent", 2))),
    "TC_F_06_CSMS": tuple(
        _asked("UnlockConnector", ("evseId", 2), ("connectorId", 2), ahead={"evseId": 1, "connectorId": 1})
    ),
    "TC_F_11_CSMS": _trigger("MeterValues", ("4", "", drop("MeterValues")), evse=True),
    "TC_F_12_CSMS": _trigger("MeterValues", ("4", "", drop("MeterValues", 2))),
    "TC_F_13_CSMS": _trigger("TransactionEvent", ("4", "", drop("TransactionEvent", 4)), evse=True, ahead=False),
    "TC_F_14_CSMS": _trigger("TransactionEvent", ("4", "", drop("TransactionEvent", 4)), ahead=False),
    "TC_F_15_CSMS": _trigger("LogStatusNotification", ("4", "", refuse("LogStatusNotification"))),
    "TC_F_18_CSMS": _trigger("FirmwareStatusNotification", ("4", "", refuse("FirmwareStatusNotification"))),
    "TC_F_20_CSMS": _trigger("Heartbeat", ("4", "", change("Heartbeat", "currentTime", "today"))),
    "TC_F_23_CSMS": _trigger("StatusNotification", ("4", "", drop("NotifyEvent", 3)), evse=True),
    "TC_F_24_CSMS": _trigger(
        "StatusNotification",
        ("2", "", drop("StatusNotification", 3)),
        ("6", "", refuse("NotifyEvent", 4)),
        evse=True,
        step="3",
        ahead=False,
    ),
    "TC_F_27_CSMS": (
        ("1", "", drop("TriggerMessage")),
        ("1", "", early("TriggerMessage", {"requestedMessage": "SignCombinedCertificate"})),
        ("2", "", Fault(shows_nothing=True)),
    ),
}
