"""The planted faults of reports, several variables at once, resets of an EVSE, and configuration keys of 1.6."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.conformance.peers import REMOVED, Fault, Frame, Sent, change, drop, early, refuse

__all__ = ["DEVICE_MODEL"]

_Row = tuple[str, str, Fault]
_UNSEEN = Fault(shows_nothing=True)


def _asked(step: int, action: str, *wrong: tuple[str, str, object], nth: Any = 1) -> Iterator[_Row]:
    """A request with each of these wrong values (path looked at, path changed, value), and not sent."""
    for path, changed, value in wrong:
        yield str(step), path, change(action, changed, value, nth)
    yield str(step), "", drop(action, nth)


def _several(action: str, data: str) -> tuple[_Row, ...]:
    wrong = [
        (data, f"{data}.{index}.{path}", value)
        for index in (0, 1)
        for path, value in (("component.name", "TxCtrlr"), ("variable.name", "Other"), ("attributeType", "Target"))
    ]
    if action == "SetVariables":
        wrong += [(data, f"{data}.{index}.attributeValue", "124") for index in (0, 1)]
    return (*_asked(1, action, *wrong), ("1", "", early(action, {data: []})), ("2", "", _UNSEEN))


def _base(right: str) -> tuple[_Row, ...]:
    other = "FullInventory" if right != "FullInventory" else "SummaryInventory"
    return (
        *_asked(1, "GetBaseReport", ("reportBase", "reportBase", other), ("requestId", "requestId", -1)),
        ("4", "", refuse("NotifyReport")),
        ("6", "", drop("NotifyReport", 2)),
        ("6", "", _UNSEEN),
    )


def _custom(step: int, nth: int, other: str) -> Iterator[_Row]:
    part = "componentVariable.0"
    return _asked(
        step,
        "GetReport",
        ("componentCriteria", "componentCriteria", [other]),
        ("componentCriteria", "componentCriteria", REMOVED),
        ("componentVariable", f"{part}.component.name", "Connector"),
        ("componentVariable", f"{part}.component.evse.id", 2),
        ("componentVariable", f"{part}.variable", REMOVED),
        ("requestId", "requestId", -1),
        nth=nth,
    )


def _reset(right: str) -> Iterator[_Row]:
    other = "Immediate" if right == "OnIdle" else "OnIdle"
    return _asked(1, "Reset", ("type", "type", other), ("evseId", "evseId", 2), ("evseId", "evseId", REMOVED))


def _key(step: int, nth: int = 1) -> Iterator[_Row]:
    return _asked(step, "GetConfiguration", ("key", "key", ["Other"]), ("key", "key", REMOVED), nth=nth)


def _changed(step: int, nth: int = 1) -> Iterator[_Row]:
    return _asked(step, "ChangeConfiguration", ("key", "key", "Other"), ("value", "value", "61"), nth=nth)


_GOES_ON = (("3", "", drop("Heartbeat")), ("3", "", refuse("Heartbeat")))


def _boots(step: int, nth: int, *wrong: str) -> Iterator[_Row]:
    for status in wrong:
        yield str(step), "status", change("BootNotification", "status", status, nth)


def _lets_pass(action: str, nth: int = 1) -> Fault:
    """Answers what should be refused."""

    def tamper(sent: Sent) -> list[Frame]:
        if (sent.action, sent.nth) == (action, nth):
            return [[3, sent.frame[1], {}]]
        return [sent.frame]

    return Fault(tamper)


DEVICE_MODEL: dict[str, tuple[_Row, ...]] = {
    "TC_B_02_CSMS": (
        *_boots(2, 1, "Accepted", "Rejected"),
        *_boots(4, 2, "Pending", "Rejected"),
        ("6", "", drop("StatusNotification")),
    ),
    "TC_B_30_CSMS": (
        *_boots(2, 1, "Accepted"),
        ("4", "SecurityError", refuse("StatusNotification")),
        ("4", "SecurityError", _lets_pass("StatusNotification")),
        ("4", "SecurityError", _lets_pass("NotifyEvent", 2)),
    ),
    "TC_B_31_CSMS": (
        *_boots(2, 1, "Accepted"),
        *_asked(3, "TriggerMessage", ("requestedMessage", "requestedMessage", "Heartbeat")),
        *_boots(6, 2, "Pending", "Rejected"),
        ("8", "", drop("NotifyEvent")),
    ),
    "TC_B_07_CSMS": _several("GetVariables", "getVariableData"),
    "TC_B_10_CSMS": _several("SetVariables", "setVariableData"),
    "TC_B_12_CSMS": _base("ConfigurationInventory"),
    "TC_B_13_CSMS": _base("FullInventory"),
    "TC_B_14_CSMS": _base("SummaryInventory"),
    "TC_B_18_CSMS": (*_custom(1, 1, "Available"), *_custom(3, 2, "Problem"), ("6", "", drop("NotifyReport"))),
    "TC_B_25_CSMS": tuple(_reset("OnIdle")),
    "TC_B_26_CSMS": (
        *_reset("OnIdle"),
        ("4", "", drop("TransactionEvent", 4)),
        ("6", "", refuse("TransactionEvent", 5)),
    ),
    "TC_B_27_CSMS": (*_reset("Immediate"), ("4", "", drop("TransactionEvent", 4))),
    "TC16_B_GetConfiguration_All": (*_asked(1, "GetConfiguration", ("key", "key", ["Other"])), ("2", "", _UNSEEN)),
    "TC16_B_GetConfiguration_One": (*_key(1), ("2", "", _UNSEEN)),
    "TC16_B_GetConfiguration_Unknown": (*_key(1), ("2", "", _UNSEEN)),
    "TC16_B_GetConfiguration_TimedOut": (*_key(1), *_GOES_ON, *_key(4, 2)),
    "TC16_B_ChangeConfiguration_Accepted": (*_changed(1), ("2", "", _UNSEEN)),
    "TC16_B_ChangeConfiguration_RebootRequired": (*_changed(1), ("2", "", _UNSEEN)),
    "TC16_B_ChangeConfiguration_Rejected": (*_changed(1), ("2", "", _UNSEEN)),
    "TC16_B_ChangeConfiguration_NotSupported": (*_changed(1), ("2", "", _UNSEEN)),
    "TC16_B_ChangeConfiguration_TimedOut": (*_changed(1), *_GOES_ON, *_changed(4, 2)),
}
