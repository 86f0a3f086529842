"""The planted faults of smart charging."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.conformance.peers import REMOVED, Fault, change, drop, early, refuse

__all__ = ["SMART_CHARGING", "Row"]

Row = tuple[str, str, Fault]
_P = "chargingProfile"
_S = f"{_P}.chargingSchedule"
_SET, _GET, _CLEAR = "SetChargingProfile", "GetChargingProfiles", "ClearChargingProfile"
_PERIOD = f"{_S}.0.chargingSchedulePeriod.0"
_TRANSACTION = ("TxDefaultProfile", "ChargingStationMaxProfile")


def _change(step: str, seen: str, action: str, path: str, value: object, nth: int) -> Row:
    return step, seen, change(action, path, value, nth)


def _schedule(step: str, nth: int = 1, action: str = _SET) -> Iterator[Row]:
    """Something wrong in the schedule."""
    yield _change(step, _S, action, f"{_S}.0.duration", 301, nth)
    yield _change(step, _S, action, f"{_S}.0.duration", REMOVED, nth)
    yield _change(step, "chargingRateUnit", action, f"{_S}.0.chargingRateUnit", "W", nth)
    for name, value in (("startPeriod", 1), ("limit", 7.0), ("numberPhases", 1)):
        yield _change(step, "chargingSchedulePeriod", action, f"{_PERIOD}.{name}", value, nth)
    yield _change(step, "startSchedule", action, f"{_S}.0.startSchedule", REMOVED, nth)


def _set(step: str = "1", nth: int = 1, *, evse: int = 2, purpose: str, kind: str = "Relative") -> Iterator[Row]:
    """A profile that is set for the wrong thing or the wrong way."""
    yield _change(step, "evseId", _SET, "evseId", evse, nth)
    yield _change(step, f"{_P}.stackLevel", _SET, f"{_P}.stackLevel", 1, nth)
    yield _change(step, f"{_P}.chargingProfilePurpose", _SET, f"{_P}.chargingProfilePurpose", purpose, nth)
    yield _change(step, f"{_P}.chargingProfileKind", _SET, f"{_P}.chargingProfileKind", kind, nth)
    yield from _schedule(step, nth)
    yield step, "", drop(_SET, nth)


def _sent_early(action: str, payload: Mapping[str, Any]) -> Row:
    return "1", "", early(action, payload)


def _default(*, evse: int = 2, valid: bool = True) -> tuple[Row, ...]:
    rows = [*_set(evse=evse, purpose="ChargingStationMaxProfile")]
    if valid:
        rows += [_change("1", f"{_P}.{name}", _SET, f"{_P}.{name}", REMOVED, 1) for name in ("validFrom", "validTo")]
    return tuple(rows)


_CRITERIA = {"evseId": 2, "chargingProfilePurpose": "TxProfile", "stackLevel": 1}


def _clear() -> Iterator[Row]:
    for name, value in _CRITERIA.items():
        path = f"chargingProfileCriteria.{name}"
        yield "1", path, change(_CLEAR, path, value)
        yield "1", path, change(_CLEAR, path, REMOVED)
    yield "1", "chargingProfileId", change(_CLEAR, "chargingProfileId", 1)
    yield "1", "", drop(_CLEAR)
    yield _sent_early(_CLEAR, {"chargingProfileId": 1})


_OTHERS: Mapping[str, object] = {
    "chargingProfilePurpose": "TxProfile",
    "stackLevel": 3,
    "chargingLimitSource": ["EMS"],
    "chargingProfileId": [9],
}


def _report(*given: str, evse: bool = True, reports: int = 1) -> tuple[Row, ...]:
    """Profiles are asked for by other criteria, and a report is not taken."""
    rows: list[Row] = [("1", "evseId", change(_GET, "evseId", 9))]
    if evse:
        rows.append(("1", "evseId", change(_GET, "evseId", REMOVED)))
    for name, value in _OTHERS.items():
        rows.append(("1", f"{_P}.{name}", change(_GET, f"{_P}.{name}", value)))
        if name in given:
            rows.append(("1", f"{_P}.{name}", change(_GET, f"{_P}.{name}", REMOVED)))
    rows.append(("1", "", drop(_GET)))
    for nth in range(1, reports + 1):
        rows += [("3", "", refuse("ReportChargingProfiles", nth)), ("3", "", drop("ReportChargingProfiles", nth))]
    # The answer to a report belongs to the step after it.
    return tuple(("4" if step == "3" else step, path, fault) for step, path, fault in rows)


def _transaction(action: str) -> Iterator[Row]:
    """The profile of a transaction is none."""
    path = f"{_P}.chargingProfilePurpose"
    for purpose in _TRANSACTION:
        yield "1", path, change(action, path, purpose)
    path = f"{_P}.chargingProfileKind"
    yield "1", path, change(action, path, "Recurring")
    yield "1", "startSchedule", change(action, path, "Absolute")
    yield "1", _S, change(action, f"{_S}.0.startSchedule", "2026-01-01T00:00:00Z")
    yield "1", "", drop(action)


def _composite(other: int) -> tuple[Row, ...]:
    action = "GetCompositeSchedule"
    wrong = (("evseId", other), ("duration", 299), ("chargingRateUnit", "W"), ("chargingRateUnit", REMOVED))
    return (
        *(("1", path, change(action, path, value)) for path, value in wrong),
        ("1", "", drop(action)),
        _sent_early(action, {"evseId": 1, "duration": 300}),
        ("2", "", Fault(shows_nothing=True)),
    )


def _several() -> Iterator[Row]:
    for step, nth, purpose, kind in (("1", 1, "TxProfile", "Relative"), ("3", 2, "TxProfile", "Recurring")):
        yield _change(step, f"{_P}.chargingProfilePurpose", _SET, f"{_P}.chargingProfilePurpose", purpose, nth)
        yield _change(step, f"{_P}.chargingProfileKind", _SET, f"{_P}.chargingProfileKind", kind, nth)
        yield _change(step, "startSchedule", _SET, f"{_S}.0.startSchedule", REMOVED, nth)
        yield step, "", drop(_SET, nth)
    yield _change("3", "chargingProfile.id", _SET, f"{_P}.id", 1, 2)


SMART_CHARGING: dict[str, tuple[Row, ...]] = {
    "TC_K_01_CSMS": _default(),
    "TC_K_03_CSMS": tuple(
        (step, path, fault)
        for step, path, fault in _set(evse=1, purpose="TxDefaultProfile")
        if path != "chargingSchedulePeriod"
    )
    + tuple(
        _change("1", "chargingSchedulePeriod", _SET, f"{_PERIOD}.{name}", value, 1)
        for name, value in (("startPeriod", 1), ("limit", 6.0), ("numberPhases", 2))
    ),
    "TC_K_04_CSMS": (
        *_set(purpose="TxProfile"),
        *_set("3", 2, purpose="TxProfile"),
        _change("3", f"{_P}.id", _SET, f"{_P}.id", 2, 2),
    ),
    "TC_K_05_CSMS": (
        ("Memory state 1", "", drop(_GET)),
        ("Memory state 4", "", refuse("ReportChargingProfiles")),
        ("1", "chargingProfileId", change(_CLEAR, "chargingProfileId", 2)),
        ("1", "chargingProfileId", change(_CLEAR, "chargingProfileId", REMOVED)),
        ("1", "chargingProfileCriteria", change(_CLEAR, "chargingProfileCriteria", {"stackLevel": 0})),
        ("1", "", drop(_CLEAR)),
    ),
    "TC_K_06_CSMS": tuple(_clear()),
    "TC_K_08_CSMS": (*_clear(), ("2", "", Fault(shows_nothing=True))),
    "TC_K_10_CSMS": _default(evse=1),
    "TC_K_15_CSMS": (*_default(valid=False), ("4", "", drop("Heartbeat")), ("4", "", refuse("Heartbeat"))),
    "TC_K_19_CSMS": (
        *_set(purpose="TxProfile", kind="Absolute"),
        *_set("3", 2, purpose="TxProfile", kind="Absolute"),
        _change("1", f"{_P}.recurrencyKind", _SET, f"{_P}.recurrencyKind", "Weekly", 1),
        _change("1", f"{_P}.recurrencyKind", _SET, f"{_P}.recurrencyKind", REMOVED, 1),
        _change("3", f"{_P}.recurrencyKind", _SET, f"{_P}.recurrencyKind", "Daily", 2),
    ),
    "TC_K_29_CSMS": _report("chargingProfilePurpose"),
    "TC_K_30_CSMS": _report("chargingProfilePurpose"),
    "TC_K_31_CSMS": _report("chargingProfilePurpose", evse=False, reports=2),
    "TC_K_32_CSMS": _report("chargingProfileId", evse=False),
    "TC_K_33_CSMS": _report("stackLevel"),
    "TC_K_34_CSMS": _report("chargingLimitSource"),
    "TC_K_35_CSMS": _report("chargingProfilePurpose"),
    "TC_K_36_CSMS": _report("chargingProfilePurpose", "stackLevel"),
    "TC_K_37_CSMS": (
        *_transaction("RequestStartTransaction"),
        ("1", "idToken.idToken", change("RequestStartTransaction", "idToken.idToken", "ANOTHER")),
        ("1", "idToken.type", change("RequestStartTransaction", "idToken.type", "Central")),
        ("1", "evseId", change("RequestStartTransaction", "evseId", 2)),
        ("1", f"{_P}.transactionId", change("RequestStartTransaction", f"{_P}.transactionId", "T-1")),
        ("4", "", drop("TransactionEvent")),
    ),
    "TC_K_43_CSMS": _composite(0),
    "TC_K_44_CSMS": _composite(1),
    "TC_K_60_CSMS": (
        *_transaction(_SET),
        ("1", "evseId", change(_SET, "evseId", 2)),
        ("1", f"{_P}.transactionId", change(_SET, f"{_P}.transactionId", "another")),
        ("1", f"{_P}.transactionId", change(_SET, f"{_P}.transactionId", REMOVED)),
    ),
    "TC_K_70_CSMS": tuple(_several()),
}
