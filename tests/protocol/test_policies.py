"""What the tolerant and the salvage policies make of messages the schemas refuse."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
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
from voltbridge.protocol.repair import MOST_DEVIATIONS, TAKEN_AS
from voltbridge.protocol.shapes import Choice, Field, Many, Record, Shape, record
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


def fields_of(shape: Shape) -> Iterator[tuple[tuple[str, str], tuple[Field, Choice]]]:
    """(class, field) of the enumerations in a message."""
    match shape:
        case Many():
            yield from fields_of(shape.item)
        case Record():
            for name, field in shape.fields.items():
                if isinstance(field.shape, Choice):
                    yield (shape.cls.__name__, name), (field, field.shape)
                yield from fields_of(field.shape)


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
        ({"status": "SUSPENDED_EV"}, {"status": "SuspendedEV"}, ViolationKind.PROPERTY, "$.status"),
        ({"errorCode": "ground-failure"}, {"errorCode": "GroundFailure"}, ViolationKind.PROPERTY, "$.errorCode"),
        ({"errorCode": "No Error"}, {"errorCode": "NoError"}, ViolationKind.PROPERTY, "$.errorCode"),
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
        ({"status": "-"}, ViolationKind.PROPERTY),
        ({"status": "Available" + 100 * "-" + "s"}, ViolationKind.PROPERTY),
        ({"errorCode": "E17"}, ViolationKind.PROPERTY),
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


STOP = {"meterStop": 9, "timestamp": NOON, "transactionId": 1}
BOOT = {"chargingStation": {"model": "m", "vendorName": "v"}}


def ended(**info: Any) -> dict[str, Any]:
    return {
        "eventType": "Ended",
        "timestamp": NOON,
        "triggerReason": "StopAuthorized",
        "seqNo": 3,
        "transactionInfo": {"transactionId": "t"} | info,
    }


@pytest.mark.parametrize("written", ["ev-disconnected", "evdisconnected", "EV Disconnected", "EV_DISCONNECTED"])
def test_a_reason_to_stop_written_otherwise_is_taken_by_both(written: str) -> None:
    for policy in (Policy.TOLERANT, Policy.SALVAGE):
        read, noted = mended(v16.StopTransactionRequest, STOP | {"reason": written}, policy)
        assert read == STOP | {"reason": "EVDisconnected"}
        assert [(each.kind, each.path) for each in noted] == [(ViolationKind.PROPERTY, "$.reason")]
        for package in (v201, v21):
            read, noted = mended(package.TransactionEventRequest, ended(stoppedReason=written), policy)
            assert read == ended(stoppedReason="EVDisconnected")
            assert f'"{written}"' in noted[0].detail


@pytest.mark.parametrize(
    ("word", "kind"),
    [("Unknown", ViolationKind.PROPERTY), ("Relais öffnet", ViolationKind.PROPERTY), (7, ViolationKind.TYPE)],
)
def test_salvage_takes_a_word_of_the_vendor_as_the_standards_word_for_others(word: Any, kind: ViolationKind) -> None:
    shown = json.dumps(word, ensure_ascii=False)
    cases: list[tuple[type[Payload], Any, Any, str]] = [
        (v16.StopTransactionRequest, STOP | {"reason": word}, STOP | {"reason": "Other"}, "$.reason"),
        (v16.StatusNotificationRequest, status(errorCode=word), status(errorCode="OtherError"), "$.errorCode"),
    ]
    for package in (v201, v21):
        event, info = package.TransactionEventRequest, "$.transactionInfo"
        cases += [
            (event, ended(stoppedReason=word), ended(stoppedReason="Other"), f"{info}.stoppedReason"),
            (event, ended(chargingState=word), ended(), f"{info}.chargingState"),
            (
                event,
                ended() | {"triggerReason": word},
                ended() | {"triggerReason": "AbnormalCondition"},
                "$.triggerReason",
            ),
            (event, ended() | {"eventType": word}, ended() | {"eventType": "Updated"}, "$.eventType"),
            # A reason to stop makes it the end, also one that nobody knows.
            (event, ended(stoppedReason="Local") | {"eventType": word}, ended(stoppedReason="Local"), "$.eventType"),
        ]
        if word != "Unknown":
            boot = package.BootNotificationRequest
            cases.append((boot, BOOT | {"reason": word}, BOOT | {"reason": "Unknown"}, "$.reason"))
    for message, payload, expected, path in cases:
        violation = refused(message, payload)
        assert (violation.kind, violation.path) == (kind, path)
        read, noted = mended(message, payload, Policy.SALVAGE)
        assert read == expected
        assert [(each.kind, each.path) for each in noted] == [(kind, path)]
        assert shown in noted[0].detail


@pytest.mark.parametrize("nothing", ["", " ", None, {}, []])
def test_salvage_does_not_make_a_word_of_nothing(nothing: Any) -> None:
    assert refused(v16.StatusNotificationRequest, status(errorCode=nothing), Policy.SALVAGE).path == "$.errorCode"
    assert refused(v201.BootNotificationRequest, BOOT | {"reason": nothing}, Policy.SALVAGE).path == "$.reason"


def test_salvage_guesses_no_other_word() -> None:
    """Where the standard has no word for anything else, or the word is a decision."""
    assert refused(v16.StatusNotificationRequest, status(status="Odd"), Policy.SALVAGE).path == "$.status"
    event = {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "Odd"}}
    violation = refused(v201.NotifyEVChargingNeedsRequest, event, Policy.SALVAGE)
    assert violation.path == "$.chargingNeeds.requestedEnergyTransfer"


@pytest.mark.parametrize("name", ["eventType", "triggerReason"])
def test_only_salvage_takes_words_that_no_standard_has(name: str) -> None:
    for package in (v201, v21):
        event = package.TransactionEventRequest
        assert refused(event, ended() | {name: "Odd"}, Policy.TOLERANT).path == f"$.{name}"
        assert refused(event, ended() | {name: " "}, Policy.SALVAGE).path == f"$.{name}"


def test_a_token_of_an_unknown_kind_is_the_stations_own() -> None:
    def presented(kind: str) -> dict[str, Any]:
        return ended() | {"idToken": {"idToken": "04A1", "type": kind}}

    read, noted = mended(v201.TransactionEventRequest, presented("Mifare"), Policy.SALVAGE)
    assert read == presented("Local")
    assert [each.path for each in noted] == ["$.idToken.type"]
    assert '"Mifare"' in noted[0].detail
    assert refused(v201.TransactionEventRequest, presented("Mifare")).path == "$.idToken.type"
    # 2.1 has any text for it, and none of it is changed.
    decode(v21.TransactionEventRequest, json.dumps(presented("Mifare")))


def test_words_of_2_1_that_no_cost_depends_on_are_left_out() -> None:
    total = {"currency": "EUR", "typeOfCost": "Guess", "total": {"inclTax": 1.5}}
    costs = {"totalCost": total, "totalUsage": {"energy": 1.0, "chargingTime": "2", "idleTime": 3}}
    for odd, path in (
        ({"costDetails": costs}, "$.costDetails.totalCost.typeOfCost"),
        ({"preconditioningStatus": "Steaming"}, "$.preconditioningStatus"),
    ):
        assert refused(v21.TransactionEventRequest, ended() | odd).path == path
        read, noted = mended(v21.TransactionEventRequest, ended() | odd, Policy.SALVAGE)
        assert read == ended()
        assert [each.path for each in noted] == [path]
    read, _ = mended(v21.TransactionEventRequest, ended(operationMode="Dreaming"), Policy.SALVAGE)
    assert read == ended()


def test_a_reading_of_an_unknown_context_is_still_a_reading() -> None:
    def reading(value: Any, context: str) -> dict[str, Any]:
        return {"meterValue": [{"timestamp": NOON, "sampledValue": [{"value": value, "context": context}]}]}

    cases: list[tuple[type[Payload], dict[str, Any], Any]] = [
        (v16.MeterValuesRequest, {"connectorId": 1}, "1"),
        (v16.StopTransactionRequest, STOP, "1"),
        (v201.TransactionEventRequest, ended(), 1.0),
        (v201.MeterValuesRequest, {"evseId": 1}, 1.0),
        (v21.TransactionEventRequest, ended(), 1.0),
        (v21.MeterValuesRequest, {"evseId": 1}, 1.0),
    ]
    for message, rest, value in cases:
        odd, plain = reading(value, "Sometimes"), reading(value, "Other")
        if message is v16.StopTransactionRequest:
            odd, plain = {"transactionData": odd["meterValue"]}, {"transactionData": plain["meterValue"]}
        path = f"$.{next(iter(odd))}[0].sampledValue[0].context"
        assert refused(message, rest | odd).path == path
        read, noted = mended(message, rest | odd, Policy.SALVAGE)
        assert read == rest | plain
        assert [each.path for each in noted] == [path]


def test_every_word_that_salvage_falls_back_on_is_in_the_standard() -> None:
    places: dict[tuple[str, str], tuple[Field, Choice]] = {}
    for version in Version:
        for action in actions(version).values():
            of_message = fields_of(record(action.request))
            places.update({place: shape for place, shape in of_message if place in TAKEN_AS})
    assert places.keys() == TAKEN_AS.keys()
    for place, (field, shape) in places.items():
        word = TAKEN_AS[place]
        assert not field.required if word is None else word in shape.values


@pytest.mark.parametrize(
    ("name", "odd", "alike", "meant"),
    [
        ("measurand", "Vendor.Relay.Cycles", "energy_active_import_register", "Energy.Active.Import.Register"),
        ("location", "Garage", "outlet", "Outlet"),
        ("phase", "L4", "L1_N", "L1-N"),
        ("unit", "parsecs", "kwh", "kWh"),
    ],
)
def test_one_odd_word_costs_one_sampled_value(name: str, odd: str, alike: str, meant: str) -> None:
    def meter_values(value: Any, *words: str) -> dict[str, Any]:
        sampled = [{"value": value}, *({"value": value, name: word} for word in words)]
        return {"meterValue": [{"timestamp": NOON, "sampledValue": sampled}]}

    of_versions: list[tuple[type[Payload], dict[str, Any], Any]] = [
        (v16.MeterValuesRequest, {"connectorId": 1}, "1"),
        (v201.TransactionEventRequest, ended(), 1.0),
        (v21.TransactionEventRequest, ended(), 1.0),
    ]
    for message, rest, value in of_versions[: 1 if name == "unit" else 3]:  # 2.x units are any text
        path = f"$.meterValue[0].sampledValue[1].{name}"
        assert refused(message, rest | meter_values(value, odd, meant)).path == path
        read, noted = mended(message, rest | meter_values(value, odd, meant), Policy.SALVAGE)
        assert read == rest | meter_values(value, meant)
        assert [each.path for each in noted] == [path]
        assert odd in noted[0].detail
        assert mended(message, rest | meter_values(value, alike))[0] == rest | meter_values(value, meant)


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
