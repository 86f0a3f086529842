"""The strict codec and the official schemas agree on what is a message, and nothing is lost on the way through.

The oracle is jsonschema over the schemas the messages were generated from, read independently, numbers as Decimal.

They disagree on purpose in these cases, each shown by a test below:

- a number with more digits than a double holds: rounded (the raw message is what the log keeps);
- a number beyond the range of a double, or an integer of thousands of digits: refused, no field can mean one;
- a date-time ``datetime`` cannot hold (the year 0, or an offset that leads out of the years 1 to 9999): refused;
- a key that comes twice, first with a bad value: refused, while JSON libraries only ever see the last one;
- half of a surrogate pair: refused, it is no Unicode text and could never be sent on as UTF-8;
- thousands of nested lists in ``customData`` or ``data``: refused.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.strategies.oracle import definitions, dump, faults, messages, parse, same, validator
from tests.strategies.payloads import least, mutated, put, valid, variants

from voltbridge.protocol import v16, v21, v201
from voltbridge.protocol.codec import Violation, decode, encode, encode_checked
from voltbridge.protocol.errors import ViolationKind
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

PACKAGES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
THOROUGH = os.environ.get("VOLTBRIDGE_HYPOTHESIS") == "thorough"
MESSAGES = [(version, name) for version in Version for name in messages(version)]
TYPES = [(version, name) for version in Version for name in definitions(version)]

budget = settings(
    max_examples=500 if THOROUGH else 20,
    deadline=None,
    derandomize=not THOROUGH,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def message_type(version: Version, name: str) -> type[Payload]:
    found: type[Payload] = getattr(PACKAGES[version], name)
    return found


def agrees(kind: type[Payload], judge: Any, payload: Any) -> bool:
    """Both accept (and the message comes back out as it went in) or both refuse, for the same reason at the same place.

    True when both accept.
    """
    data = dump(payload)
    accepted = judge.is_valid(payload)
    try:
        message = decode(kind, data)
    except Violation as violation:
        assert not accepted, f"refused, though the schema accepts it: {violation}\n{data.decode()}"
        assert (violation.path, violation.kind) in faults(judge, payload).items(), data.decode()
        return False
    assert accepted, f"accepted, though the schema refuses it\n{data.decode()}"
    assert same(parse(encode_checked(message)), parse(data)), f"changed on the way: {data.decode()}"
    return True


@pytest.mark.parametrize(("version", "name"), MESSAGES)
def test_messages(version: Version, name: str) -> None:
    """Hypothesis makes valid messages and changes them in one place."""
    schema, kind = messages(version)[name], message_type(version, name)
    judge = validator(schema)

    @budget
    @given(st.data())
    def check(data: st.DataObject) -> None:
        payload = data.draw(valid(schema))
        assert agrees(kind, judge, payload), "the payload was meant to be valid"
        for _ in range(3):
            agrees(kind, judge, data.draw(mutated(schema, payload)))

    check()


@pytest.mark.parametrize(("version", "name"), MESSAGES + TYPES)
def test_every_rule_of_every_field(version: Version, name: str) -> None:
    """Each field of each message and class, one after the other, with values on both sides of each of its rules."""
    schema = {**messages(version), **definitions(version)}[name]
    kind, judge = message_type(version, name), validator(schema)
    base = least(schema, schema)
    assert agrees(kind, judge, base)
    for value in variants(schema, schema, base):
        agrees(kind, judge, value)
    for field, inner in schema.get("properties", {}).items():
        ordinary = least(inner, schema)
        payload = base | {field: ordinary}
        assert agrees(kind, judge, payload)
        for value in variants(inner, schema, ordinary):
            agrees(kind, judge, put(payload, (field,), value))


def heartbeat(interval: str) -> str:
    return f'{{"status": "Accepted", "currentTime": "2024-01-01T00:00:00Z", "interval": {interval}}}'


def cost(amount: str) -> str:
    return f'{{"totalCost": {amount}, "transactionId": "1"}}'


def test_exception_digits_beyond_a_double() -> None:
    exact = "0.1234567890123456789"
    message = decode(v201.CostUpdatedRequest, cost(exact))
    assert message.total_cost == float(exact)
    assert exact not in encode(message).decode()


@pytest.mark.parametrize("amount", ["1e400", "-1e400", f"1{'0' * 400}"])
def test_exception_numbers_beyond_a_double(amount: str) -> None:
    assert validator(messages(Version.V201)["CostUpdatedRequest"]).is_valid(parse(cost(amount).encode()))
    with pytest.raises(Violation) as refused:
        decode(v201.CostUpdatedRequest, cost(amount))
    assert (refused.value.kind, refused.value.path) == (ViolationKind.PROPERTY, "$.totalCost")


@pytest.mark.parametrize(
    ("interval", "path"), [("1e5000", "$.interval"), ("1e99999999999999999999", "$.interval"), ("1" * 5000, "$")]
)
def test_exception_integers_of_thousands_of_digits(interval: str, path: str) -> None:
    with pytest.raises(Violation) as refused:
        decode(v201.BootNotificationResponse, heartbeat(interval))
    assert (refused.value.kind, refused.value.path) == (ViolationKind.PROPERTY, path)


@pytest.mark.parametrize("text", ["0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_exception_date_times_out_of_range(text: str) -> None:
    payload = {"currentTime": text}
    assert validator(messages(Version.V201)["HeartbeatResponse"]).is_valid(payload)
    with pytest.raises(Violation) as refused:
        decode(v201.HeartbeatResponse, dump(payload))
    assert (refused.value.kind, refused.value.path) == (ViolationKind.PROPERTY, "$.currentTime")


def test_exception_repeated_key() -> None:
    data = b'{"currentTime": 1, "currentTime": "2024-01-01T00:00:00Z"}'
    assert validator(messages(Version.V201)["HeartbeatResponse"]).is_valid(parse(data))
    with pytest.raises(Violation, match="comes twice") as refused:
        decode(v201.HeartbeatResponse, data)
    assert refused.value.kind is ViolationKind.FORMAT


def test_exception_half_a_surrogate_pair() -> None:
    data = b'{"idToken": {"idToken": "\\ud83d", "type": "Central"}}'
    assert validator(messages(Version.V201)["AuthorizeRequest"]).is_valid(parse(data))
    with pytest.raises(Violation) as refused:
        decode(v201.AuthorizeRequest, data)
    assert refused.value.kind is ViolationKind.FORMAT


@pytest.mark.parametrize("field", ["data", "customData"])
def test_exception_nesting(field: str) -> None:
    deep = "[" * 5000 + "]" * 5000
    inner = f'{{"vendorId": "v", "x": {deep}}}' if field == "customData" else deep
    with pytest.raises(Violation, match="deep") as refused:
        decode(v201.DataTransferRequest, f'{{"vendorId": "v", "{field}": {inner}}}')
    assert refused.value.kind is ViolationKind.FORMAT
