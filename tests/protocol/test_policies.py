"""What the tolerant and the salvage policies make of messages the schemas refuse."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.strategies.oracle import dump, faults, messages, parse, same, validator
from tests.strategies.payloads import mutated, valid

from voltbridge.protocol import v16, v21, v201
from voltbridge.protocol.codec import Deviation, Policy, Violation, decode, encode
from voltbridge.protocol.errors import ViolationKind
from voltbridge.protocol.registry import actions
from voltbridge.protocol.repair import MOST_DEVIATIONS
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

THOROUGH = os.environ.get("VOLTBRIDGE_HYPOTHESIS") == "thorough"
NOON = "2024-01-01T12:00:00Z"


def mended(kind: type[Payload], payload: Any, policy: Policy = Policy.TOLERANT) -> tuple[Any, list[Deviation]]:
    """What strict refuses and the policy takes: the JSON it becomes, and what was noted."""
    data = json.dumps(payload)
    with pytest.raises(Violation):
        decode(kind, data)
    noted: list[Deviation] = []
    message = decode(kind, data, policy=policy, deviations=noted)
    assert noted
    return json.loads(encode(message)), noted


def refused(kind: type[Payload], payload: Any, policy: Policy = Policy.TOLERANT) -> Violation:
    noted: list[Deviation] = []
    with pytest.raises(Violation) as violation:
        decode(kind, json.dumps(payload), policy=policy, deviations=noted)
    assert noted == [], "nothing is noted of a message that is refused"
    return violation.value


def status(**changes: Any) -> dict[str, Any]:
    return {"connectorId": 1, "errorCode": "NoError", "status": "Available"} | changes


@pytest.mark.parametrize(
    ("changes", "expected", "kind", "path"),
    [
        ({"connectorId": "1"}, {"connectorId": 1}, ViolationKind.TYPE, "$.connectorId"),
        ({"connectorId": " 1.0 "}, {"connectorId": 1}, ViolationKind.TYPE, "$.connectorId"),
        ({"connectorId": 1.0}, {"connectorId": 1}, ViolationKind.TYPE, "$.connectorId"),
        ({"vendorId": 12}, {"vendorId": "12"}, ViolationKind.TYPE, "$.vendorId"),
        ({"vendorId": 12.5}, {"vendorId": "12.5"}, ViolationKind.TYPE, "$.vendorId"),
        ({"vendorId": True}, {"vendorId": "true"}, ViolationKind.TYPE, "$.vendorId"),
        ({"vendorId": None}, {}, ViolationKind.TYPE, "$.vendorId"),
        ({"timestamp": None}, {}, ViolationKind.TYPE, "$.timestamp"),
        ({"timestamp": ""}, {}, ViolationKind.PROPERTY, "$.timestamp"),
        ({"status": "AVAILABLE"}, {"status": "Available"}, ViolationKind.PROPERTY, "$.status"),
        ({"status": " Available"}, {"status": "Available"}, ViolationKind.PROPERTY, "$.status"),
        ({"unheardOf": {"a": 1}}, {}, ViolationKind.FORMAT, "$.unheardOf"),
        ({"info": "i" * 51}, {"info": "i" * 50}, ViolationKind.PROPERTY, "$.info"),
    ],
)
def test_tolerant_takes_what_can_mean_one_thing(
    changes: dict[str, Any], expected: dict[str, Any], kind: ViolationKind, path: str
) -> None:
    read, noted = mended(v16.StatusNotificationRequest, status(**changes))
    assert read == status(**expected)
    assert [(deviation.kind, deviation.path) for deviation in noted] == [(kind, path)]


@pytest.mark.parametrize(
    "text", ["2024-01-01T12:00:00", "2024-01-01 12:00:00Z", "2024-01-01T12:00Z", "2024-01-01T13:00:00.0+0100"]
)
def test_tolerant_keeps_the_text_of_an_unusual_date_time(text: str) -> None:
    noted: list[Deviation] = []
    message = decode(v16.HeartbeatResponse, json.dumps({"currentTime": text}), policy=Policy.TOLERANT, deviations=noted)
    assert message.current_time == text
    assert message.current_time.moment.isoformat() == "2024-01-01T12:00:00+00:00"
    assert [(deviation.kind, deviation.path) for deviation in noted] == [(ViolationKind.PROPERTY, "$.currentTime")]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"connectorId": "one"}, ViolationKind.TYPE),
        ({"connectorId": 1.5}, ViolationKind.TYPE),
        ({"connectorId": "1.5"}, ViolationKind.TYPE),
        ({"connectorId": True}, ViolationKind.TYPE),
        ({"connectorId": None}, ViolationKind.TYPE),
        ({"connectorId": "9" * 101}, ViolationKind.TYPE),
        ({"vendorId": "v" * 256}, ViolationKind.PROPERTY),
        ({"vendorId": ["v"]}, ViolationKind.TYPE),
        ({"timestamp": "yesterday"}, ViolationKind.PROPERTY),
        ({"timestamp": 1704110400}, ViolationKind.TYPE),
        ({"status": "Broken"}, ViolationKind.PROPERTY),
        ({"status": ""}, ViolationKind.PROPERTY),
    ],
)
def test_tolerant_refuses_what_it_would_have_to_guess(changes: dict[str, Any], kind: ViolationKind) -> None:
    (name,) = changes
    violation = refused(v16.StatusNotificationRequest, status(**changes))
    assert (violation.kind, violation.path) == (kind, f"$.{name}")


def test_booleans() -> None:
    for text, meant in [("true", True), ("False", False), (1, True), (0, False), ("0", False)]:
        read, _ = mended(v16.KeyValue, {"key": "k", "readonly": text})
        assert read["readonly"] is meant
    for text in ("yes", 2, "", None, 1.0):
        assert refused(v16.KeyValue, {"key": "k", "readonly": text}).kind is ViolationKind.TYPE


def test_lists_and_objects_in_the_wrong_place() -> None:
    sample = {"value": "1"}
    read, _ = mended(
        v16.MeterValuesRequest, {"connectorId": 1, "meterValue": {"timestamp": NOON, "sampledValue": sample}}
    )
    assert read["meterValue"] == [{"timestamp": NOON, "sampledValue": [sample]}]
    assert mended(v16.HeartbeatRequest, [])[0] == {}
    assert mended(v16.HeartbeatRequest, None)[0] == {}
    token = {"idToken": "1", "type": "Central"}
    assert mended(v201.AuthorizeRequest, {"idToken": token | {"additionalInfo": []}})[0] == {"idToken": token}
    assert mended(v201.AuthorizeRequest, {"idToken": token, "customData": []})[0] == {"idToken": token}
    assert refused(v201.GetVariablesRequest, {"getVariableData": []}).kind is ViolationKind.OCCURRENCE
    assert refused(v201.AuthorizeRequest, {"idToken": []}).path == "$.idToken.idToken"


def test_a_limit_is_rounded_to_tenths() -> None:
    read, noted = mended(v16.ChargingSchedulePeriod, {"startPeriod": 0, "limit": 15.97})
    assert read["limit"] == 16.0
    assert noted[0].path == "$.limit"
    assert mended(v16.ChargingSchedulePeriod, {"startPeriod": 0, "limit": "16.1"})[0]["limit"] == 16.1


def test_a_repeated_key_counts_once() -> None:
    data = b'{"currentTime":7,"currentTime":"2024-01-01T12:00:00Z"}'
    noted: list[Deviation] = []
    message = decode(v16.HeartbeatResponse, data, policy=Policy.TOLERANT, deviations=noted)
    assert message.current_time == NOON
    assert [deviation.kind for deviation in noted] == [ViolationKind.FORMAT]


def test_deviations_of_one_message_are_limited() -> None:
    payload = status(**{f"x{number}": number for number in range(500)})
    read, noted = mended(v16.StatusNotificationRequest, payload)
    assert read == status()
    assert len(noted) == MOST_DEVIATIONS


def samples(*values: Any) -> list[dict[str, Any]]:
    return [{"value": value} if isinstance(value, str) else value for value in values]


BAD: dict[str, Any] = {"value": "1", "unit": "parsecs"}


def test_salvage_drops_only_the_bad_sampled_value() -> None:
    entry = {"timestamp": NOON, "sampledValue": samples("1", BAD, "3")}
    payload = {"connectorId": 1, "meterValue": [entry, {"timestamp": NOON, "sampledValue": samples("4")}]}
    assert refused(v16.MeterValuesRequest, payload).path == "$.meterValue[0].sampledValue[1].unit"
    read, noted = mended(v16.MeterValuesRequest, payload, Policy.SALVAGE)
    assert [entry["sampledValue"] for entry in read["meterValue"]] == [samples("1", "3"), samples("4")]
    assert [(deviation.kind, deviation.path) for deviation in noted] == [
        (ViolationKind.PROPERTY, "$.meterValue[0].sampledValue[1].unit")
    ]
    assert "$.meterValue[0].sampledValue[1] dropped" in noted[0].detail


def test_salvage_mends_before_it_drops() -> None:
    entry = {"timestamp": NOON, "sampledValue": samples({"value": 1}, {"value": "2", "unit": "wh"}, BAD)}
    read, noted = mended(v16.MeterValuesRequest, {"connectorId": 1, "meterValue": [entry]}, Policy.SALVAGE)
    assert read["meterValue"][0]["sampledValue"] == samples("1", {"value": "2", "unit": "Wh"})
    assert len(noted) == 3


def test_salvage_drops_a_meter_value_that_has_no_time_or_nothing_left() -> None:
    entries = [
        {"timestamp": "soon", "sampledValue": samples("1")},
        {"timestamp": NOON, "sampledValue": [BAD, BAD]},
        {"timestamp": NOON, "sampledValue": samples("3")},
        7,
    ]
    read, noted = mended(v16.MeterValuesRequest, {"connectorId": 1, "meterValue": entries}, Policy.SALVAGE)
    assert read["meterValue"] == [entries[2]]
    assert [deviation.path for deviation in noted] == [
        "$.meterValue[0].timestamp",
        "$.meterValue[1].sampledValue[0].unit",
        "$.meterValue[3]",
    ]


def test_salvage_of_everything_leaves_what_the_schema_allows() -> None:
    bad_16 = [{"timestamp": NOON, "sampledValue": [BAD]}]
    read, _ = mended(v16.MeterValuesRequest, {"connectorId": 1, "meterValue": bad_16}, Policy.SALVAGE)
    assert read == {"connectorId": 1, "meterValue": []}
    stop = {"meterStop": 9, "timestamp": NOON, "transactionId": 1}
    assert mended(v16.StopTransactionRequest, stop | {"transactionData": bad_16}, Policy.SALVAGE)[0] == stop
    bad_2 = [{"timestamp": NOON, "sampledValue": [{"value": "much"}]}]
    event = {
        "eventType": "Updated",
        "timestamp": NOON,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": 1,
        "transactionInfo": {"transactionId": "t"},
    }
    for package in (v201, v21):
        read, _ = mended(package.TransactionEventRequest, event | {"meterValue": bad_2}, Policy.SALVAGE)
        assert read == event
        violation = refused(package.MeterValuesRequest, {"evseId": 1, "meterValue": bad_2}, Policy.SALVAGE)
        assert (violation.kind, violation.path) == (ViolationKind.TYPE, "$.meterValue[0].sampledValue[0].value")


def test_salvage_drops_nothing_else() -> None:
    payload = {"connectorId": "x", "meterValue": [{"timestamp": NOON, "sampledValue": samples("1")}]}
    assert refused(v16.MeterValuesRequest, payload, Policy.SALVAGE).path == "$.connectorId"
    data = {
        "getVariableData": [{"component": {"name": "C"}, "variable": {}}, {"component": 1, "variable": {"name": "V"}}]
    }
    assert refused(v201.GetVariablesRequest, data, Policy.SALVAGE).path == "$.getVariableData[0].variable.name"


def without_index(path: str) -> str:
    """Dropped items move the later ones, so places are compared without their numbers."""
    return re.sub(r"\[\d+\]", "[]", path)


FROM_STATIONS = [
    (version, kind)
    for version in Version
    for action in actions(version).values()
    for kind in (action.request if action.from_station else None, action.response if action.from_csms else None)
    if kind is not None
]


@pytest.mark.parametrize(("version", "kind"), FROM_STATIONS)
def test_the_policies_only_ever_widen(version: Version, kind: type[Payload]) -> None:
    """Strict within tolerant within salvage; a mended message is one the schema accepts, except for its date-times."""
    schema = messages(version)[kind.__name__]
    judge = validator(schema)

    @settings(
        max_examples=200 if THOROUGH else 5,
        deadline=None,
        derandomize=not THOROUGH,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.data())
    def check(data: st.DataObject) -> None:
        payload = data.draw(mutated(schema, data.draw(mutated(schema, data.draw(valid(schema))))))
        wire = dump(payload)
        results: list[bytes | None] = []
        for policy in Policy:
            noted: list[Deviation] = []
            try:
                results.append(encode(decode(kind, wire, policy=policy, deviations=noted)))
            except Violation:
                results.append(None)
                continue
            assert bool(noted) == (results[0] is None)
            made = parse(results[-1] or b"")
            assert noted or same(made, payload)
            kept_as_sent = {without_index(deviation.path) for deviation in noted if "date-time" in deviation.detail}
            assert {without_index(path) for path in faults(judge, made)} <= kept_as_sent
        strict, tolerant, salvage = results
        assert strict is None or strict == tolerant
        assert tolerant is None or tolerant == salvage

    check()
