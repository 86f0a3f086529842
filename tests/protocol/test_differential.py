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

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.strategies.oracle import definitions, dump, messages, parse, same, validator
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
    """Both accept (and the message comes back out as it went in) or both refuse; True when both accept."""
    data = dump(payload)
    accepted = judge.is_valid(payload)
    try:
        message = decode(kind, data)
    except Violation as violation:
        assert not accepted, f"refused, though the schema accepts it: {violation}\n{data.decode()}"
        assert violation.path.startswith("$")
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
