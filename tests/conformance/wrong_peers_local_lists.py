"""The planted faults of groups in local lists, of local lists, and of both in 1.6."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.conformance.peers import REMOVED, Fault, change, drop, early

__all__ = ["LOCAL_LISTS"]

_Row = tuple[str, str, Fault]
_STATUS, _GROUP = "idTokenInfo.status", "idTokenInfo.groupIdToken.idToken"
_SEND, _VERSION, _LIST = "SendLocalList", "GetLocalListVersion", "localAuthorizationList"
_TOKEN = {"idToken": "04A1B2C3D4E501", "type": "ISO14443"}
_INFO = {"status": "Accepted"}
_TAG = {"idTag": "ANOTHER", "idTagInfo": _INFO}
_UNSEEN = ("2", "", Fault(shows_nothing=True))
_BEAT = ("3", "", drop("Heartbeat"))


def _member(step: str, action: str, nth: int) -> Iterator[_Row]:
    for status in ("Invalid", "Unknown", "ConcurrentTx"):
        yield step, _STATUS, change(action, _STATUS, status, nth)
    yield step, _GROUP, change(action, _GROUP, "ANOTHER-GROUP", nth)
    yield step, _GROUP, change(action, "idTokenInfo.groupIdToken", REMOVED, nth)
    yield step, "", drop(action, nth)


def _sent(step: str, kind: str, *wrong: tuple[str, object], nth: int = 1) -> Iterator[_Row]:
    other = "Full" if kind == "Differential" else "Differential"
    for path, value in (("updateType", other), *wrong):
        yield step, path, change(_SEND, path, value, nth)
    yield step, "", drop(_SEND, nth)
    first = step if nth == 1 else "Memory state 1"
    yield first, "", early(_SEND, {"versionNumber": 2, "updateType": kind})
    if nth > 1:
        yield first, "updateType", change(_SEND, "updateType", "Differential")
        yield first, "versionNumber", change(_SEND, "versionNumber", 0)


def _tags(
    step: str = "1", nth: int = 1, *, kind: str = "Differential", entries: bool = True, version: int = 0
) -> Iterator[_Row]:
    """``kind`` is the wrong one, ``version`` that which was there before."""
    wrong: list[tuple[str, Any]] = [("listVersion", version), ("updateType", kind), (_LIST, [_TAG])]
    if entries:
        wrong += [(_LIST, []), (_LIST, REMOVED)]
    for path, value in wrong:
        yield step, path, change(_SEND, path, value, nth)
    yield step, "", drop(_SEND, nth)


def _asked(action: str, step: str = "1", nth: int = 1) -> tuple[_Row, ...]:
    return ((step, "", drop(action, nth)),)


_REFUSED = (
    *_tags("Memory state 1"),
    *_tags("1", 2, kind="Full", version=1),
    *_tags("3", 3, version=2),
    ("4", "", Fault(shows_nothing=True)),
)

LOCAL_LISTS: dict[str, tuple[_Row, ...]] = {
    "TC_C_40_CSMS": (*_member("2", "TransactionEvent", 2), *_member("6", "TransactionEvent", 4)),
    "TC_C_43_CSMS": (
        *_member("2", "TransactionEvent", 2),
        *_member("5", "Authorize", 1),
        *_member("7", "TransactionEvent", 4),
    ),
    "TC_D_01_CSMS": tuple(_sent("3", "Full", ("versionNumber", 0), ("versionNumber", -1), (_LIST, REMOVED))),
    "TC_D_02_CSMS": (
        *_asked(_VERSION),
        _UNSEEN,
        *_sent("3", "Differential", ("versionNumber", 1), ("versionNumber", 0), (_LIST, REMOVED), nth=2),
    ),
    "TC_D_03_CSMS": tuple(
        _sent(
            "1",
            "Differential",
            ("versionNumber", 1),
            (_LIST, REMOVED),
            (_LIST, [{"idToken": _TOKEN}, {"idToken": _TOKEN, "idTokenInfo": _INFO}]),
            nth=2,
        )
    ),
    "TC_D_04_CSMS": tuple(
        _sent("1", "Full", ("versionNumber", 0), (_LIST, [{"idToken": _TOKEN, "idTokenInfo": _INFO}]))
    ),
    "TC_D_08_CSMS": (*_asked(_VERSION), ("1", "", early(_VERSION, {})), _UNSEEN),
    "TC_D_09_CSMS": (*_asked(_VERSION), ("1", "", early(_VERSION, {})), _UNSEEN),
    "TC16_C_ClearCache_Accepted": (
        *_asked("ClearCache"),
        _UNSEEN,
        ("4", "idTagInfo.status", change("Authorize", "idTagInfo.status", "Accepted")),
        ("4", "", drop("Authorize")),
    ),
    "TC16_C_ClearCache_Rejected": (*_asked("ClearCache"), _UNSEEN),
    "TC16_C_ClearCache_TimedOut": (*_asked("ClearCache"), _BEAT, *_asked("ClearCache", "4", 2)),
    "TC16_D_Send_Full": (*_tags(), _UNSEEN),
    "TC16_D_Send_Differential": (*_tags(), *_tags("3", 2, kind="Full", version=1), _UNSEEN),
    "TC16_D_Send_Empty": (*_tags(entries=False), *_asked(_VERSION, "3"), _UNSEEN),
    "TC16_D_Send_Failed": _REFUSED,
    "TC16_D_Send_VersionMismatch": _REFUSED,
    "TC16_D_Send_NotSupported": (*_tags(), *_asked(_VERSION, "3"), _UNSEEN),
    "TC16_D_Send_TimedOut": (*_tags(), _BEAT, *_asked(_VERSION, "4"), *_tags("6", 2)),
    "TC16_D_GetVersion_Accepted": (*_asked(_VERSION), _UNSEEN),
    "TC16_D_GetVersion_NotSupported": (*_asked(_VERSION), _UNSEEN),
    "TC16_D_GetVersion_TimedOut": (*_asked(_VERSION), _BEAT, *_asked(_VERSION, "4", 2)),
}
