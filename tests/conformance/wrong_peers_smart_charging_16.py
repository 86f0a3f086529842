"""The planted faults of smart charging in 1.6."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.conformance.peers import REMOVED, Fault, change, drop

__all__ = ["SMART_CHARGING_16"]

_Row = tuple[str, str, Fault]
_SET, _CLEAR, _COMPOSITE = "SetChargingProfile", "ClearChargingProfile", "GetCompositeSchedule"
_P = "csChargingProfiles"
_S = f"{_P}.chargingSchedule"


def _set(step: str = "1", nth: int = 1, *, connector: int = 2, purpose: str, kind: str) -> Iterator[_Row]:
    wrong: list[tuple[str, object]] = [
        ("connectorId", connector),
        (f"{_P}.stackLevel", 1),
        (f"{_P}.chargingProfilePurpose", purpose),
        (f"{_P}.chargingProfileKind", kind),
        (f"{_P}.recurrencyKind", "Weekly" if nth == 1 else "Daily"),
        (f"{_P}.transactionId", 4711),
        (f"{_S}.duration", 301),
        (f"{_S}.chargingRateUnit", "W"),
        (f"{_S}.startSchedule", "2026-02-02T00:00:00Z"),
    ]
    for path, value in wrong:
        yield step, path, change(_SET, path, value, nth)
    periods = f"{_S}.chargingSchedulePeriod"
    for name, value in (("startPeriod", 1), ("limit", 9.0), ("numberPhases", 1)):
        yield step, periods, change(_SET, f"{periods}.0.{name}", value, nth)
    yield step, "", drop(_SET, nth)


def _other(action: str, step: str = "1", nth: int = 1, **wrong: Any) -> Iterator[_Row]:
    for path, value in wrong.items():
        yield step, path, change(action, path, value, nth)
    yield step, "", drop(action, nth)


def _again(action: str, **wrong: Any) -> tuple[_Row, ...]:
    return (*_other(action, **wrong), *_other(action, "4", 2, **wrong), ("3", "", drop("Heartbeat")))


_UNSEEN = ("2", "", Fault(shows_nothing=True))
_DEFAULT: dict[str, Any] = {"purpose": "TxProfile", "kind": "Relative"}
_CRITERIA: dict[str, Any] = {"connectorId": 2, "chargingProfilePurpose": "TxProfile", "stackLevel": 1}
_SCHEDULE: dict[str, Any] = {"duration": 299, "chargingRateUnit": "W"}

SMART_CHARGING_16: dict[str, tuple[_Row, ...]] = {
    "TC16_K_SetDefault_Accepted": tuple(_set(**_DEFAULT)),
    "TC16_K_SetMax_Accepted": tuple(_set(connector=1, **_DEFAULT)),
    "TC16_K_SetRecurring_Accepted": (
        *_set(**_DEFAULT),
        *_set("3", 2, **_DEFAULT),
        ("1", f"{_P}.recurrencyKind", change(_SET, f"{_P}.recurrencyKind", REMOVED)),
    ),
    "TC16_K_SetTx_Accepted": (
        *_set("3", purpose="TxDefaultProfile", kind="Absolute"),
        ("2", "idTagInfo.status", change("StartTransaction", "idTagInfo.status", "Invalid")),
    ),
    "TC16_K_Set_Rejected": (*_set(**_DEFAULT), _UNSEEN),
    "TC16_K_Set_NotSupported": (*_set(**_DEFAULT), _UNSEEN),
    "TC16_K_Set_TimedOut": _again(_SET, connectorId=2),
    "TC16_K_ClearId_Accepted": tuple(_other(_CLEAR, id=2, **_CRITERIA)),
    "TC16_K_ClearCriteria_Accepted": tuple(_other(_CLEAR, id=2, **_CRITERIA)),
    "TC16_K_Clear_Unknown": (*_other(_CLEAR, id=2), _UNSEEN),
    "TC16_K_Clear_TimedOut": _again(_CLEAR, id=2),
    "TC16_K_Composite_Accepted": (
        *_other(_COMPOSITE, connectorId=2, **_SCHEDULE),
        *_other(_COMPOSITE, "3", 2, connectorId=2, **_SCHEDULE),
        _UNSEEN,
    ),
    "TC16_K_Composite_Rejected": (*_other(_COMPOSITE, connectorId=2, **_SCHEDULE), _UNSEEN),
    "TC16_K_Composite_TimedOut": _again(_COMPOSITE, connectorId=2, **_SCHEDULE),
}
