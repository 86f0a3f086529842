"""The planted faults of reservations, in 2.0.1 and in 1.6."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.conformance.peers import REMOVED, Fault, change, drop, early, refuse

__all__ = ["RESERVATION", "RESERVATION_16"]

_Row = tuple[str, str, Fault]
_RESERVE, _CANCEL = "ReserveNow", "CancelReservation"
_UNSEEN = ("2", "", Fault(shows_nothing=True))
_FAR = "2099-01-01T00:00:00Z"
_EARLY: dict[str, Any] = {
    "id": 1,
    "expiryDateTime": _FAR,
    "idToken": {"idToken": "04A1B2C3D4E501", "type": "ISO14443"},
    "evseId": 1,
}


def _reserve(
    step: str = "1", nth: int = 1, *, evse: bool = True, kind: str | None = None, ahead: bool = True
) -> Iterator[_Row]:
    """A ReserveNowRequest for another EVSE or type than meant, for another idToken, too early, or not at all."""
    wrong: list[tuple[str, object]] = [
        ("evseId", 2),
        ("connectorType", "sType2" if kind is None else "sType3"),
        ("idToken.idToken", "ANOTHER"),
        ("idToken.type", "Central"),
    ]
    if evse:
        wrong.append(("evseId", REMOVED))
    if kind is not None:
        wrong.append(("connectorType", REMOVED))
    for path, value in wrong:
        yield step, path, change(_RESERVE, path, value, nth)
    yield step, "", drop(_RESERVE, nth)
    if ahead:
        yield step, "", early(_RESERVE, _EARLY)


def _tags(
    step: str = "1", nth: int = 1, *, connector: int = 2, parent: bool = False, same: bool = False
) -> Iterator[_Row]:
    """The same in 1.6; ``connector`` is the wrong one."""
    wrong: list[tuple[str, object]] = [
        ("connectorId", connector),
        ("idTag", "ANOTHER"),
        ("parentIdTag", "ANOTHER"),
    ]
    if parent:
        wrong.append(("parentIdTag", REMOVED))
    if same:
        wrong.append(("reservationId", 9999))
    for path, value in wrong:
        yield step, path, change(_RESERVE, path, value, nth)
    yield step, "", drop(_RESERVE, nth)


def _cancel(step: str, nth: int = 1) -> Iterator[_Row]:
    yield step, "reservationId", change(_CANCEL, "reservationId", 9999, nth)
    yield step, "", drop(_CANCEL, nth)


_BEAT = "Heartbeat"

RESERVATION: dict[str, tuple[_Row, ...]] = {
    "TC_H_01_CSMS": (
        *_reserve("Reserved 1"),
        ("Reserved 4", "", drop("StatusNotification", 3)),
        ("Reserved 4", "", refuse("NotifyEvent", 3)),
    ),
    "TC_H_07_CSMS": (
        *_reserve(),
        ("1", "expiryDateTime", change(_RESERVE, "expiryDateTime", _FAR)),
        ("4", "", drop("StatusNotification", 3)),
        ("6", "", drop("NotifyEvent", 4)),
        ("8", "", drop("ReservationStatusUpdate")),
        ("8", "", refuse("ReservationStatusUpdate")),
        ("8", "", change("ReservationStatusUpdate", "status", "Accepted")),
    ),
    "TC_H_08_CSMS": tuple(_reserve(evse=False)),
    "TC_H_14_CSMS": (
        *_reserve(evse=False),
        *_reserve(nth=2, evse=False, ahead=False),
        ("4", "", drop("StatusNotification", 4)),
    ),
    "TC_H_15_CSMS": (*_reserve(evse=False, kind="cCCS2"), ("4", "", drop("StatusNotification", 3))),
    "TC_H_17_CSMS": (
        *_reserve(),
        *_cancel("5"),
        ("4", "", drop("NotifyEvent", 3)),
        ("8", "", drop("StatusNotification", 4)),
    ),
    "TC_H_19_CSMS": (
        *_reserve(),
        ("1", "groupIdToken", change(_RESERVE, "groupIdToken", REMOVED)),
        ("4", "", drop("StatusNotification", 3)),
    ),
    "TC_H_20_CSMS": (
        *_reserve(),
        ("6", "", drop("StatusNotification", 4)),
        ("8", "", drop("ReservationStatusUpdate")),
        ("8", "", refuse("ReservationStatusUpdate")),
    ),
    "TC_H_22_CSMS": (*_reserve(), _UNSEEN),
}

RESERVATION_16: dict[str, tuple[_Row, ...]] = {
    "TC16_H_Reserve_Accepted": (*_tags(), _UNSEEN, ("4", "", drop("StatusNotification", 4))),
    "TC16_H_Reserve_Parent": (*_tags(parent=True), _UNSEEN),
    "TC16_H_Reserve_ConnectorZero": (*_tags(connector=1), _UNSEEN),
    "TC16_H_Reserve_Replaced": (*_tags(), *_tags("5", 2, connector=1, same=True), _UNSEEN),
    **{
        f"TC16_H_Reserve_{status}": (*_tags(), _UNSEEN) for status in ("Faulted", "Occupied", "Unavailable", "Rejected")
    },
    "TC16_H_Reserve_TimedOut": (*_tags(), ("3", "", drop(_BEAT)), *_tags("4", 2)),
    "TC16_H_Reserve_Used": (
        *_tags(),
        _UNSEEN,
        ("8", "", drop("StartTransaction")),
        ("8", "idTagInfo.status", change("StartTransaction", "idTagInfo.status", "Invalid")),
        ("12", "", drop("StopTransaction")),
    ),
    "TC16_H_Reserve_Expired": (
        *_tags(),
        *_tags("7", 2),
        ("7", "reservationId", change(_RESERVE, "reservationId", 101, 2)),
        _UNSEEN,
    ),
    "TC16_H_Cancel_Accepted": (*_tags(), *_cancel("5"), _UNSEEN, ("8", "", drop("StatusNotification", 5))),
    "TC16_H_Cancel_Rejected": (*_tags(), *_cancel("5"), _UNSEEN),
    "TC16_H_Cancel_TimedOut": (*_tags(), *_cancel("5"), ("7", "", drop(_BEAT)), *_cancel("8", 2)),
}
