"""The planted faults: for every validation of every case a CSMS that breaks just that one.

A row names the case, the step it has to fail at, the field that is wrong there (empty for what is no field) and the
fault. ``nth`` counts the messages of an action from the beginning of the run, where every case but those of block A
begins with a boot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.conformance.peers import REFUSED, REMOVED, Fault, change, drop, early, refuse, twice
from tests.conformance.wrong_peers_16 import REMOTE_CONTROL_16
from tests.conformance.wrong_peers_device_model import DEVICE_MODEL
from tests.conformance.wrong_peers_display import DISPLAY
from tests.conformance.wrong_peers_firmware import FIRMWARE, FIRMWARE_16
from tests.conformance.wrong_peers_local_lists import LOCAL_LISTS
from tests.conformance.wrong_peers_monitoring import MONITORING
from tests.conformance.wrong_peers_remote_control import REMOTE_CONTROL
from tests.conformance.wrong_peers_reservation import RESERVATION, RESERVATION_16
from tests.conformance.wrong_peers_smart_charging import SMART_CHARGING
from tests.conformance.wrong_peers_smart_charging_16 import SMART_CHARGING_16

__all__ = ["WRONG_PEERS", "WrongPeer"]

_Row = tuple[str, str, Fault]
_STATUS = "idTokenInfo.status"
_GROUP = "idTokenInfo.groupIdToken.idToken"


@dataclass(frozen=True, slots=True)
class WrongPeer:
    """A CSMS a case must not pass."""

    case_id: str
    step: str
    path: str
    fault: Fault


def _token(step: str, action: str, nth: int, *wrong: str, group: bool = False) -> Iterator[_Row]:
    """An answer about an idToken with each wrong status, or (``group``) with another group or none."""
    for status in wrong:
        yield step, _STATUS, change(action, _STATUS, status, nth)
    if action == "TransactionEvent":
        yield step, _STATUS, change(action, "idTokenInfo", REMOVED, nth)
    if group:
        yield step, _GROUP, change(action, _GROUP, "ANOTHER-GROUP", nth)
        yield step, _GROUP, change(action, "idTokenInfo.groupIdToken", REMOVED, nth)


def _boot(step: str, nth: int = 1) -> Iterator[_Row]:
    for status in ("Pending", "Rejected"):
        yield step, "status", change("BootNotification", "status", status, nth)


def _request(action: str, payload: Mapping[str, Any], *wrong: tuple[str, object]) -> Iterator[_Row]:
    """A request at step 1 with each of these wrong values, sent before its time, and not sent."""
    for path, value in wrong:
        yield "1", path, change(action, path, value)
    yield "1", "", early(action, payload)
    yield "1", "", drop(action)


def _availability(
    right: str, step: str = "1", nth: int = 1, *, evse: bool = True, connector: bool = False
) -> Iterator[_Row]:
    """A ChangeAvailabilityRequest for the wrong thing or the wrong way."""
    action = "ChangeAvailability"
    yield step, "operationalStatus", change(action, "operationalStatus", _other(right), nth)
    yield step, "", drop(action, nth)
    if not evse:
        yield step, "evse", change(action, "evse", {"id": 1}, nth)
        return
    yield step, "evse.id", change(action, "evse.id", 2, nth)
    yield step, "evse.id", change(action, "evse", REMOVED, nth)
    yield step, "evse.connectorId", change(action, "evse.connectorId", 2 if connector else 1, nth)
    if connector:
        yield step, "evse.connectorId", change(action, "evse.connectorId", REMOVED, nth)


def _other(operational_status: str) -> str:
    return "Operative" if operational_status == "Inoperative" else "Inoperative"


_FREE = "Invalid", "Blocked", "Unknown"
_MASTER_PASS = (
    *_token("2", "Authorize", 3, "Invalid", group=True),
    *_token("4", "TransactionEvent", 7, "Invalid", group=True),
)
_SESSION = (
    *_token("Authorized 2", "Authorize", 1, *_FREE),
    *_token("Authorized 4", "TransactionEvent", 1, *_FREE),
)
_OFFLINE_THRESHOLD = (("component.name", "AuthCtrlr"), ("variable.name", "MessageTimeout"))
_PROFILE = "connectionData"

_TABLE: dict[str, tuple[_Row, ...]] = {
    "TC_A_01_CSMS": (("2", "", Fault(lets_in=lambda right: False)), *_boot("Booted 2")),
    "TC_A_02_CSMS": (
        ("2", "", Fault(lets_in=lambda right: True)),
        ("2", "", Fault(refusal=500)),
    ),
    "TC_A_03_CSMS": (
        ("2", "", Fault(lets_in=lambda right: True)),
        ("2", "", Fault(refusal=500)),
    ),
    "TC_B_01_CSMS": (*_boot("Booted 2"), ("Booted 4", "", refuse("NotifyEvent"))),
    "TC_B_06_CSMS": (
        *_request("GetVariables", {"getVariableData": []}),
        *(
            ("1", "getVariableData", change("GetVariables", f"getVariableData.0.{path}", value))
            for path, value in _OFFLINE_THRESHOLD
        ),
        ("1", "getVariableData", change("GetVariables", "getVariableData.0.attributeType", "Target")),
        ("2", "", Fault(shows_nothing=True)),
    ),
    "TC_B_09_CSMS": (
        *_request("SetVariables", {"setVariableData": []}),
        *(
            ("1", "setVariableData", change("SetVariables", f"setVariableData.0.{path}", value))
            for path, value in _OFFLINE_THRESHOLD
        ),
        ("1", "attributeValue", change("SetVariables", "setVariableData.0.attributeValue", "124")),
        ("1", "attributeType", change("SetVariables", "setVariableData.0.attributeType", "Target")),
        ("2", "", Fault(shows_nothing=True)),
    ),
    "TC_B_20_CSMS": (*_request("Reset", {"type": "OnIdle"}), *_boot("4", 2)),
    "TC_B_21_CSMS": (*_request("Reset", {"type": "OnIdle"}, ("type", "Immediate")), *_boot("8", 2)),
    "TC_B_22_CSMS": (*_request("Reset", {"type": "Immediate"}, ("type", "OnIdle")), *_boot("6", 2)),
    "TC_B_42_CSMS": tuple(
        _request(
            "SetNetworkProfile",
            {},
            ("configurationSlot", 9),
            (f"{_PROFILE}.messageTimeout", 31),
            (f"{_PROFILE}.ocppCsmsUrl", "wss://elsewhere.example.com"),
            (f"{_PROFILE}.ocppInterface", "Wireless0"),
            (f"{_PROFILE}.ocppTransport", "SOAP"),
            (f"{_PROFILE}.ocppVersion", "OCPP16"),
            (f"{_PROFILE}.securityProfile", 1),
        )
    ),
    "TC_B_44_CSMS": tuple(_request("SetNetworkProfile", {})),
    "TC_B_58_CSMS": (
        ("2", "", Fault(selects=lambda nth, offered: "ocpp0.1" if nth == 2 else "ocpp2.0.1")),
        ("2", "", Fault(selects=lambda nth, offered: None if nth == 2 else "ocpp2.0.1")),
        ("2", "", Fault(selects=lambda nth, offered: REFUSED if nth == 2 else "ocpp2.0.1", refusal=500)),
        ("4", "", Fault(selects=lambda nth, offered: "ocpp2.0.1" if nth == 1 else REFUSED)),
        ("4", "", Fault(selects=lambda nth, offered: ("ocpp2.0.1", REFUSED, "ocpp0.1")[nth - 1])),
        ("4", "", Fault(selects=lambda nth, offered: ("ocpp2.0.1", REFUSED, None)[nth - 1])),
    ),
    "TC_C_02_CSMS": tuple(_token("2", "Authorize", 1, "Accepted", "Blocked")),
    "TC_C_06_CSMS": tuple(_token("2", "Authorize", 1, "Accepted", "Unknown")),
    "TC_C_07_CSMS": tuple(_token("2", "Authorize", 1, "Accepted", "Blocked")),
    "TC_C_08_CSMS": tuple(_token("2", "TransactionEvent", 2, *_FREE)),
    "TC_C_20_CSMS": tuple(_token("2", "TransactionEvent", 2, "Accepted", "Blocked")),
    "TC_C_37_CSMS": tuple(_request("ClearCache", {})),
    "TC_C_38_CSMS": tuple(_request("ClearCache", {})),
    "TC_C_39_CSMS": (
        *_token("2", "Authorize", 1, "ConcurrentTx", group=True),
        *_token("4", "TransactionEvent", 2, "Invalid", group=True),
        *_token("7", "Authorize", 2, "ConcurrentTx", group=True),
        *_token("9", "TransactionEvent", 4, "Invalid", group=True),
    ),
    "TC_C_47_CSMS": (*_MASTER_PASS, *_token("4", "TransactionEvent", 8, "Invalid", group=True)),
    "TC_C_48_CSMS": _MASTER_PASS,
    "TC_C_49_CSMS": (*_MASTER_PASS, *_token("4", "TransactionEvent", 8, "Invalid", group=True)),
    "TC_E_01_CSMS": (
        *_token("2", "Authorize", 1, *_FREE),
        *_token("6", "TransactionEvent", 1, *_FREE),
        ("8", "", drop("TransactionEvent", 2)),
    ),
    "TC_E_02_CSMS": (*_token("2", "Authorize", 1, *_FREE), *_token("6", "TransactionEvent", 1, *_FREE)),
    "TC_E_03_CSMS": (
        *_token("Authorized 2", "Authorize", 1, *_FREE),
        *_token("Authorized 4", "TransactionEvent", 2, *_FREE),
    ),
    "TC_E_04_CSMS": _SESSION,
    "TC_E_39_CSMS": (*_SESSION, ("2", "", refuse("TransactionEvent", 2))),
    "TC_E_14_CSMS": (
        *_token("StopAuthorized 2", "TransactionEvent", 4, *_FREE),
        ("EVDisconnected 4", "", drop("TransactionEvent", 6)),
    ),
    "TC_E_20_CSMS": (
        *_token("StopAuthorized 2", "TransactionEvent", 6, *_FREE),
        ("EVDisconnected 4", "", drop("TransactionEvent", 8)),
    ),
    "TC_E_15_CSMS": (*_SESSION, ("2", "", drop("TransactionEvent", 4))),
    "TC_E_21_CSMS": (
        *_request("RequestStopTransaction", {"transactionId": "another"}, ("transactionId", "another")),
        ("4", "", drop("TransactionEvent", 4)),
    ),
    "TC_E_09_CSMS": (("2", "", drop("StatusNotification", 3)), ("4", "", drop("TransactionEvent"))),
    "TC_E_10_CSMS": (*_token("2", "Authorize", 1, *_FREE), *_token("4", "TransactionEvent", 1, *_FREE)),
    "TC_E_11_CSMS": (*_token("2", "Authorize", 1, *_FREE), *_token("6", "TransactionEvent", 1, *_FREE)),
    "TC_E_12_CSMS": (
        ("2", "", drop("TransactionEvent")),
        ("2", "", change("TransactionEvent", "unknown", 1)),
        ("2", "", change("TransactionEvent", "chargingPriority", "1")),
    ),
    "TC_E_38_CSMS": (*_SESSION, ("3", "", drop("TransactionEvent", 3))),
    "TC_E_07_CSMS": (*_SESSION, ("2", "", refuse("TransactionEvent", 4))),
    "TC_E_08_CSMS": (
        *_token("StopAuthorized 2", "TransactionEvent", 4, *_FREE),
        ("2", "", drop("TransactionEvent", 5)),
    ),
    "TC_E_16_CSMS": (
        *_token("2", "TransactionEvent", 1, "Accepted", "Blocked"),
        ("4", "", drop("TransactionEvent", 2)),
    ),
    "TC_E_17_CSMS": (*_SESSION, ("2", "", drop("TransactionEvent", 5))),
    "TC_E_22_CSMS": (*_SESSION, ("2", "", drop("TransactionEvent", 4))),
    "TC_E_19_CSMS": (*_SESSION, ("2", "", drop("TransactionEvent", 7))),
    "TC_E_26_CSMS": (
        ("2", "", drop("TransactionEvent", 5)),
        ("4", "", drop("NotifyEvent", 4)),
        ("6", "", drop("TransactionEvent", 6)),
        ("8", "", drop("TransactionEvent", 7)),
    ),
    "TC_E_53_CSMS": (
        ("Authorized 4", "", drop("TransactionEvent", 7)),
        *_token("Authorized 4", "TransactionEvent", 7, *_FREE),
    ),
    "TC_G_03_CSMS": tuple(_availability("Inoperative", "Unavailable 1")),
    "TC_G_04_CSMS": tuple(_availability("Operative", nth=2)),
    "TC_G_05_CSMS": tuple(_availability("Inoperative", evse=False)),
    "TC_G_06_CSMS": (
        *_availability("Inoperative", "Unavailable 1", evse=False),
        *_availability("Operative", nth=2, evse=False),
    ),
    "TC_G_07_CSMS": tuple(_availability("Inoperative", connector=True)),
    "TC_G_08_CSMS": (
        *_availability("Inoperative", "Memory state 1", connector=True),
        *_availability("Operative", nth=2, connector=True),
    ),
    "TC_G_11_CSMS": (*_availability("Inoperative"), ("7", "", drop("NotifyEvent", 5))),
    "TC_G_14_CSMS": (
        *_availability("Inoperative", evse=False),
        ("4", "", drop("StatusNotification", 4)),
        ("9", "", drop("StatusNotification", 6)),
    ),
    "TC_G_17_CSMS": (*_availability("Inoperative", connector=True), ("7", "", drop("StatusNotification", 5))),
    "TC_G_20_CSMS": (("2", "", drop("NotifyEvent", 3)), ("2", "", change("NotifyEvent", "status", "Accepted", 3))),
    "TC_J_01_CSMS": (
        ("2", "", drop("MeterValues", 9)),
        ("2", "", refuse("MeterValues")),
        ("2", "", drop("NotifyEvent", 11)),
    ),
    "TC_J_02_CSMS": (("2", "", drop("MeterValues", 4)), ("4", "", drop("TransactionEvent", 5))),
    "TC_J_03_CSMS": (("EVDisconnected 4", "", drop("TransactionEvent", 6)),),
    "TC_J_04_CSMS": (("EVDisconnected 4", "", refuse("TransactionEvent", 6)),),
    "TC_J_07_CSMS": (("EVConnectedPreSession 4", "", drop("TransactionEvent")),),
    "TC_J_08_CSMS": (*_SESSION, ("EVConnectedPreSession 4", "", drop("TransactionEvent", 2))),
    "TC_J_09_CSMS": (("2", "", drop("TransactionEvent", 4)), ("2", "", twice("TransactionEvent", 5))),
    "TC_J_10_CSMS": (("EVDisconnected 4", "", drop("TransactionEvent", 6)),),
    "TC_J_11_CSMS": (("EVDisconnected 4", "", refuse("TransactionEvent", 6)),),
    "TC_P_02_CSMS": (("2", "status", change("DataTransfer", "status", "Accepted")), ("2", "", drop("DataTransfer"))),
    "TC_P_03_CSMS": (
        ("2", "", refuse("StatusNotification", 3)),
        ("2", "", change("StatusNotification", "status", "Accepted", 3)),
        ("4", "", refuse("TransactionEvent")),
    ),
}

_ALL: Mapping[str, tuple[_Row, ...]] = (
    _TABLE
    | DEVICE_MODEL
    | FIRMWARE
    | FIRMWARE_16
    | DISPLAY
    | LOCAL_LISTS
    | MONITORING
    | REMOTE_CONTROL
    | REMOTE_CONTROL_16
    | RESERVATION
    | RESERVATION_16
    | SMART_CHARGING
    | SMART_CHARGING_16
)

WRONG_PEERS = tuple(WrongPeer(case_id, *row) for case_id, rows in _ALL.items() for row in rows)
