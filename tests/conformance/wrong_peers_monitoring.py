"""The planted faults of monitoring and of customer information."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tests.conformance.peers import REMOVED, Fault, change, drop, early

__all__ = ["MONITORING"]

_Row = tuple[str, str, Fault]
_REPORT, _TOLD = "GetMonitoringReport", "NotifyMonitoringReport"
_CRITERIA, _VARIABLES = "monitoringCriteria", "componentVariable"
_SET, _CLEAR, _LEVEL = "SetVariableMonitoring", "ClearVariableMonitoring", "SetMonitoringLevel"
_CUSTOMER, _KNOWN, _LIST = "CustomerInformation", "NotifyCustomerInformation", "SendLocalList"
_EVENTS = 2
"""NotifyEvent messages of the boot before a case."""
_UNSEEN = ("2", "", Fault(shows_nothing=True))
_OTHER: dict[str, Any] = {"component": {"name": "Another"}}
_TOKEN = {"idToken": "04A1B2C3D4E501", "type": "ISO14443"}


def _asked(step: str, nth: int, criteria: Sequence[str], *places: str) -> Iterator[_Row]:
    """A report that is asked for with something wrong, or not at all; ``places`` are paths of what is named."""
    if criteria:
        for wrong in (REMOVED, ["PeriodicMonitoring"], [*criteria, "PeriodicMonitoring"]):
            yield step, _CRITERIA, change(_REPORT, _CRITERIA, wrong, nth)
    else:
        yield step, _CRITERIA, change(_REPORT, _CRITERIA, ["DeltaMonitoring"], nth)
    if places:
        yield step, _VARIABLES, change(_REPORT, _VARIABLES, REMOVED, nth)
        for path in places:
            yield step, _VARIABLES, change(_REPORT, f"{_VARIABLES}.{path}", "Another", nth)
            instance = f"{path.rpartition('.')[0]}.instance"
            yield step, _VARIABLES, change(_REPORT, f"{_VARIABLES}.{instance}", "main", nth)
    else:
        yield step, _VARIABLES, change(_REPORT, _VARIABLES, [_OTHER], nth)
    yield step, "", drop(_REPORT, nth)


_FIRST = ("0.component.name", "0.variable.name")
_SECOND = ("1.component.name", "1.variable.name")


def _at_evse(step: str, nth: int, index: int = 0) -> Iterator[_Row]:
    for wrong in ({"id": 2}, REMOVED):
        yield step, _VARIABLES, change(_REPORT, f"{_VARIABLES}.{index}.component.evse", wrong, nth)


def _reported(step: str, parts: int) -> Iterator[_Row]:
    for nth in range(1, parts + 1):
        yield step, "", drop(_TOLD, nth)
    yield step, "a CSMS that shows", Fault(shows_no_monitors=True)


def _set(index: int = 0, evse: bool = True) -> Iterator[_Row]:
    path = "setMonitoringData"
    for field, wrong in (
        ("type", "Periodic"),
        ("value", 2),
        ("severity", 7),
        ("component.name", "Another"),
        ("variable.name", "Another"),
        ("variable.instance", "main"),
    ):
        yield "1", path, change(_SET, f"{path}.{index}.{field}", wrong)
    if evse:
        yield "1", path, change(_SET, f"{path}.{index}.component.evse.id", 2)
    yield "1", "", drop(_SET)


def _event(*nths: int) -> tuple[_Row, ...]:
    action = "NotifyEvent"
    return tuple(
        row
        for nth in nths
        for row in (
            ("2", "", drop(action, _EVENTS + nth)),
            ("2", "", change(action, "status", "Accepted", _EVENTS + nth)),
        )
    )


def _customer(*, report: bool = True, clear: bool = False, told: bool = True, first: bool = True) -> Iterator[_Row]:
    yield "1", "report", change(_CUSTOMER, "report", not report)
    if clear:
        yield "1", "clear", change(_CUSTOMER, "clear", False)
    yield "1", "", drop(_CUSTOMER)
    if first:
        yield "1", "", early(_CUSTOMER, {"requestId": 1, "report": report, "clear": clear})
    if told:
        yield "4", "", drop(_KNOWN)


def _token() -> Iterator[_Row]:
    yield "1", "idToken.idToken", change(_CUSTOMER, "idToken.idToken", "ANOTHER")
    yield "1", "idToken.idToken", change(_CUSTOMER, "idToken", REMOVED)
    yield "1", "idToken.type", change(_CUSTOMER, "idToken.type", "Central")


MONITORING: dict[str, tuple[_Row, ...]] = {
    "TC_N_01_CSMS": (
        *_asked("1", 1, ["DeltaMonitoring"]),
        _UNSEEN,
        *_asked("3", 2, ["ThresholdMonitoring"]),
        *_reported("6", 2),
    ),
    "TC_N_02_CSMS": (
        *_asked("1", 1, [], *_FIRST),
        _UNSEEN,
        *_asked("3", 2, [], *_FIRST),
        *_at_evse("3", 2),
        *_reported("6", 1),
    ),
    "TC_N_03_CSMS": (
        *_asked("1", 1, ["DeltaMonitoring"], *_FIRST),
        *_at_evse("1", 1),
        _UNSEEN,
        *_asked("3", 2, ["ThresholdMonitoring"], *_FIRST),
        *_reported("6", 2),
    ),
    "TC_N_60_CSMS": (
        *_asked("1", 1, ["ThresholdMonitoring"], *_FIRST, *_SECOND),
        *_at_evse("1", 1, 1),
        _UNSEEN,
        *_asked("3", 2, ["DeltaMonitoring"], *_FIRST, *_SECOND),
        *_at_evse("3", 2, 1),
        *_reported("6", 2),
    ),
    "TC_N_47_CSMS": (*_asked("1", 1, []), *((("4", "", drop(_TOLD, nth))) for nth in (1, 2))),
    "TC_N_05_CSMS": tuple(
        row
        for nth, base in enumerate(("HardWiredOnly", "All", "FactoryDefault"), 1)
        for row in (
            (str(2 * nth - 1), "monitoringBase", change("SetMonitoringBase", "monitoringBase", base, nth)),
            (str(2 * nth - 1), "", drop("SetMonitoringBase", nth)),
        )
    ),
    "TC_N_08_CSMS": tuple(_set()),
    "TC_N_09_CSMS": (*_set(), *_set(1, evse=False)),
    "TC_N_16_CSMS": (
        ("1", "severity", change(_LEVEL, "severity", 5)),
        ("1", "", drop(_LEVEL)),
        ("1", "", early(_LEVEL, {"severity": 4})),
    ),
    "TC_N_17_CSMS": (
        ("1", "severity", change(_LEVEL, "severity", 3)),
        ("1", "", drop(_LEVEL)),
        _UNSEEN,
    ),
    "TC_N_18_CSMS": (
        *(
            ("1", "getVariableData", change("GetVariables", f"getVariableData.0.{path}", wrong))
            for path, wrong in (
                ("component.name", "DeviceDataCtrlr"),
                ("variable.name", "BytesPerMessage"),
                ("variable.instance", "SetVariableMonitoring"),
                ("variable.instance", REMOVED),
                ("attributeType", "Target"),
            )
        ),
        ("1", "", drop("GetVariables")),
        ("3", "id", change(_CLEAR, "id", [1, 2, 3])),
        ("3", "", drop(_CLEAR)),
        ("3", "", drop(_CLEAR, 2)),
        ("3", "id", change(_CLEAR, "id", [3, 4, 5], 2)),
    ),
    "TC_N_44_CSMS": (("1", "", drop(_CLEAR)), ("1", "", early(_CLEAR, {"id": [1]}))),
    "TC_N_21_CSMS": _event(1, 2),
    "TC_N_24_CSMS": _event(1, 2),
    "TC_N_48_CSMS": _event(1),
    "TC_N_49_CSMS": _event(1),
    "TC_N_50_CSMS": _event(1),
    "TC_N_27_CSMS": (*_customer(), *_token()),
    "TC_N_28_CSMS": (*_customer(), *_token()),
    "TC_N_29_CSMS": (*_customer(told=False), *_token(), _UNSEEN),
    "TC_N_30_CSMS": (*_customer(clear=True), *_token()),
    "TC_N_31_CSMS": (*_customer(clear=True), *_token()),
    "TC_N_32_CSMS": (*_customer(report=False, clear=True), *_token()),
    "TC_N_62_CSMS": (
        *_customer(clear=True),
        ("1", "customerIdentifier", change(_CUSTOMER, "customerIdentifier", "Another")),
        ("1", "customerIdentifier", change(_CUSTOMER, "customerIdentifier", REMOVED)),
        ("1", "idToken", change(_CUSTOMER, "idToken", _TOKEN)),
        (
            "1",
            "customerCertificate",
            change(
                _CUSTOMER,
                "customerCertificate",
                {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "c"},
            ),
        ),
    ),
    "TC_N_63_CSMS": (
        *_customer(clear=True),
        *(
            ("1", "customerCertificate", change(_CUSTOMER, f"customerCertificate.{field}", wrong))
            for field, wrong in (
                ("hashAlgorithm", "SHA512"),
                ("issuerNameHash", "00"),
                ("issuerKeyHash", "00"),
                ("serialNumber", "00"),
            )
        ),
        ("1", "customerCertificate", change(_CUSTOMER, "customerCertificate", REMOVED)),
    ),
    "TC_N_46_CSMS": (
        ("Memory state 1", "", drop(_LIST)),
        *_customer(clear=True, first=False),
        *_token(),
        ("5", "", drop(_LIST, 2)),
        *(
            ("5", "localAuthorizationList", change(_LIST, "localAuthorizationList", wrong, 2))
            for wrong in (
                REMOVED,
                [{"idToken": {**_TOKEN, "idToken": "ANOTHER"}}],
                [{"idToken": _TOKEN}, {"idToken": {**_TOKEN, "idToken": "ANOTHER"}}],
                [{"idToken": _TOKEN, "idTokenInfo": {"status": "Blocked"}}],
            )
        ),
        ("5", "localAuthorizationList", change(_LIST, "updateType", "Full", 2)),
        ("5", "versionNumber", change(_LIST, "versionNumber", 1, 2)),
    ),
}
