"""What a command answers, beside what the station said."""

from __future__ import annotations

from typing import Any

import pytest

from voltbridge.conformance.rest_answers import answers

SCHEDULE = {
    "chargingRateUnit": "A",
    "duration": 300,
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}],
    "scheduleStart": "2026-01-01T12:00:00.000Z",
    "evseId": 1,
}
SHOWN: dict[str, Any] = {
    "unit": "A",
    "duration_s": 300,
    "periods": [{"start_s": 0, "limit": 10.0, "number_phases": None}],
    "evse_id": 1,
}


def told(status: str, **info: Any) -> dict[str, Any]:
    return {"status": status, "info": info}


def read(status: str, value: str | None = None) -> dict[str, Any]:
    named = {"component": {"name": "C"}, "variable": {"name": "V"}, "attributeStatus": status}
    return named if value is None else {**named, "attributeValue": value}


def variable(status: str, **more: Any) -> dict[str, Any]:
    shown = {"component": {"name": "C", "evse_id": None}, "variable": {"name": "V"}, "status": status, **more}
    return told(status, results=[shown])


@pytest.mark.parametrize(
    ("action", "response", "answer", "same"),
    [
        ("ClearCache", {"status": "Rejected"}, told("Rejected"), True),
        ("ClearCache", {"status": "Rejected"}, told("Accepted"), False),
        ("GetLocalListVersion", {"versionNumber": 7}, told("Accepted", version=7), True),
        ("GetLocalListVersion", {"versionNumber": 7}, told("Accepted", version=6), False),
        ("GetLocalListVersion", {"listVersion": 7}, told("Accepted", version=7), True),
        ("GetLocalListVersion", {"listVersion": 7}, told("Accepted"), False),
        ("GetLocalListVersion", {"listVersion": -1}, told("NotSupported"), True),
        ("GetLocalListVersion", {"listVersion": -1}, told("Accepted", version=-1), False),
        ("GetVariables", {"getVariableResult": [read("Accepted", "60")]}, variable("Accepted", value="60"), True),
        ("GetVariables", {"getVariableResult": [read("Accepted", "60")]}, variable("Accepted", value="61"), False),
        ("GetVariables", {"getVariableResult": [read("Rejected")]}, variable("Rejected"), True),
        ("SetVariables", {"setVariableResult": [read("RebootRequired")]}, variable("RebootRequired"), True),
        ("SetVariables", {"setVariableResult": [read("Accepted"), read("Rejected")]}, variable("Rejected"), False),
        ("GetConfiguration", {"unknownKey": ["K"]}, told("UnknownVariable"), True),
        ("GetConfiguration", {"unknownKey": ["K"]}, told("Accepted"), False),
        ("ChangeConfiguration", {"status": "NotSupported"}, told("UnknownVariable"), True),
        ("ChangeConfiguration", {"status": "Rejected"}, told("Rejected"), True),
        ("GetCompositeSchedule", {"status": "Rejected"}, told("Rejected"), True),
        ("GetCompositeSchedule", {"status": "Accepted", "schedule": SCHEDULE}, told("Accepted", schedule=SHOWN), True),
        (
            "GetCompositeSchedule",
            {"status": "Accepted", "chargingSchedule": SCHEDULE},
            told("Accepted", schedule=SHOWN | {"duration_s": 60}),
            False,
        ),
        (
            "GetCompositeSchedule",
            {"status": "Accepted", "schedule": SCHEDULE},
            told("Accepted", schedule=SHOWN | {"periods": [{"start_s": 0, "limit": 9.0}]}),
            False,
        ),
        (
            "GetCompositeSchedule",
            {"status": "Accepted", "schedule": SCHEDULE},
            told("Accepted", schedule=SHOWN | {"periods": []}),
            False,
        ),
        ("GetCompositeSchedule", {"status": "Accepted", "schedule": SCHEDULE}, told("Accepted", schedule=None), False),
    ],
)
def test_an_operator_sees_what_the_station_said(
    action: str, response: dict[str, Any], answer: dict[str, Any], same: bool
) -> None:
    assert answers(answer, action, response) is same
