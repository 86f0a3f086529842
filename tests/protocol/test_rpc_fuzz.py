"""Whatever a peer sends: no exception, a bounded answer in the version's own terms, and the connection still works.

``VOLTBRIDGE_HYPOTHESIS=thorough`` runs fifty times the examples.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voltbridge.protocol.errors import CODES, OcppError
from voltbridge.protocol.policy import Policy
from voltbridge.protocol.registry import actions
from voltbridge.protocol.rpc import (
    CallAnswered,
    CallFailed,
    Ignored,
    IncomingCall,
    IncomingSend,
    OutgoingCall,
    Reply,
    Role,
    Rpc,
)
from voltbridge.protocol.versions import Version

FACTOR = 50 if os.environ.get("VOLTBRIDGE_HYPOTHESIS") == "thorough" else 1
PROOF = "proof-of-life"

ends = st.builds(Rpc, st.sampled_from(Version), st.sampled_from(Role), st.sampled_from(Policy))


def fuzz(examples: int) -> settings:
    return settings(
        max_examples=examples * FACTOR,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def take(end: Rpc, data: str | bytes, call: OutgoingCall) -> bool:
    """Give a frame to an end and check what comes of it; returns whether it ended the call."""
    ended = False
    events = end.receive(data, 0.0)
    assert events
    for event in events:
        match event:
            case Reply(data=reply, message_type=message_type, action=name):
                assert len(reply) < 4096
                assert name is None or len(name) <= 64
                kind, _, code, description, details = json.loads(reply)
                assert kind == (5 if message_type == 3 else 4)
                assert code in CODES[end.version]
                assert len(description) <= 255
                assert details == {}
            case IncomingCall(unique_id=unique_id, action=action, request=request):
                assert type(request) is action.request
                end.error(unique_id, OcppError("InternalError"))
            case IncomingSend(action=action, request=request):
                assert end.version is Version.V21
                assert type(request) is action.request
            case CallAnswered(call=answered, response=response):
                assert answered is call
                assert type(response) is call.action.response
                ended = True
            case CallFailed(call=failed):
                assert failed is call
                ended = True
            case Ignored(action=name, unique_id=ignored_id):
                assert name is None or len(name) <= 64
                assert ignored_id is None or len(ignored_id) <= 255
            case _:
                raise AssertionError(f"cannot come of this: {event}")
    assert end.unanswered == 0
    return ended


def survives(end: Rpc, data: str | bytes) -> None:
    """The end takes the frame and then still does all it should."""
    call = end.start_call("DataTransfer", b'{"vendorId":"x"}', 0.0)
    ended = take(end, data, call)
    event = end.receive(f'[2,"{PROOF}","DataTransfer",{{"vendorId":"x"}}]', 1.0)[0]
    assert isinstance(event, IncomingCall)
    end.error(PROOF, OcppError("InternalError"))
    if not ended:
        assert take(end, f'[3,"{call.unique_id}",{{"status":"Accepted"}}]', call)


# Frames made of plausible parts

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
names = sorted({name for version in Version for name in actions(version)})
elements = st.one_of(
    st.integers(-1, 9),
    st.sampled_from(["2", "3", "id", "", PROOF, "-1", "x" * 37, "x" * 300, "NotSupported"]),
    st.sampled_from(names),
    st.just({}),
    json_values,
)
plausible_frames = st.one_of(
    st.tuples(st.sampled_from([2, 6]), st.text(max_size=40), st.sampled_from(names), json_values),
    st.tuples(st.just(3), st.text(max_size=40), json_values),
    st.tuples(st.sampled_from([4, 5]), st.text(max_size=40), st.text(max_size=10), st.text(max_size=300), json_values),
    st.lists(elements, max_size=7),
)


@given(ends, st.binary(max_size=200))
@fuzz(300)
def test_random_bytes(end: Rpc, data: bytes) -> None:
    survives(end, data)


@given(ends, st.text(st.characters(), max_size=200))
@fuzz(100)
def test_random_text_even_with_lone_surrogates(end: Rpc, text: str) -> None:
    survives(end, text)
    survives(end, '[2,"id","DataTransfer",{"vendorId":"x","data":"' + text + '"}]')
    survives(end, '[2,"' + text + '","DataTransfer",{"vendorId":"x"}]')


@given(ends, json_values)
@fuzz(200)
def test_random_json(end: Rpc, value: Any) -> None:
    survives(end, json.dumps(value))


@given(ends, plausible_frames, st.booleans())
@fuzz(600)
def test_plausible_frames(end: Rpc, frame: Any, ascii_only: bool) -> None:
    data = json.dumps(frame, ensure_ascii=ascii_only)
    survives(end, data)


VALID = [
    '[2,"id","DataTransfer",{"vendorId":"x","data":"é\\n"}]',
    '[2,"id","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-01-01T00:00:00Z",'
    '"sampledValue":[{"value":"1.5","unit":"Wh"}]}]}]',
    '[2,"id","MeterValues",{"evseId":1,"meterValue":[{"timestamp":"2026-01-01T00:00:00Z",'
    '"sampledValue":[{"value":1.5,"unitOfMeasure":{"unit":"Wh","multiplier":0}}]}]}]',
    '[2,"id","Heartbeat",{}]',
    '[3,"id",{"status":"Accepted"}]',
    '[4,"id","NotSupported","no",{"a":[1]}]',
    '[5,"id","NotSupported","no",{"a":[1]}]',
    '[6,"id","NotifyPeriodicEventStream",{"id":1,"pending":0,"basetime":"2026-01-01T00:00:00Z",'
    '"data":[{"t":0.5,"v":"1"}]}]',
]
positions = st.floats(0, 1, exclude_max=True)
mutations = st.lists(
    st.one_of(
        st.tuples(st.just("cut"), positions, positions),
        st.tuples(st.just("double"), positions, positions),
        st.tuples(st.just("put"), positions, st.binary(min_size=1, max_size=3)),
        st.tuples(st.just("put"), positions, st.sampled_from([b"[", b"{", b'"', b",", b"]", b"}", b"null", b"1e999"])),
        st.tuples(st.just("over"), positions, st.binary(min_size=1, max_size=3)),
        st.tuples(st.just("end"), positions, positions),
    ),
    min_size=1,
    max_size=3,
)


def mutate(data: bytes, steps: list[tuple[str, float, Any]]) -> bytes:
    for what, where, more in steps:
        at = int(where * len(data))
        match what:
            case "cut":
                data = data[:at] + data[at + 1 + int(more * 8) :]
            case "double":
                data = data[:at] + data[at : at + 1 + int(more * 20)] * 2 + data[at:]
            case "put":
                data = data[:at] + more + data[at:]
            case "over":
                data = data[:at] + more + data[at + len(more) :]
            case "end":
                data = data[:at]
    return data


@given(ends, st.sampled_from(VALID), mutations)
@fuzz(800)
def test_mutated_frames(end: Rpc, frame: str, steps: list[tuple[str, float, Any]]) -> None:
    survives(end, mutate(frame.encode(), steps))


@given(ends, st.sampled_from(VALID), mutations)
@fuzz(300)
def test_mutated_answers_to_our_own_call(end: Rpc, frame: str, steps: list[tuple[str, float, Any]]) -> None:
    call = end.start_call("DataTransfer", b'{"vendorId":"x"}', 0.0)
    data = mutate(frame.replace('"id"', f'"{call.unique_id}"').encode(), steps)
    if not take(end, data, call):
        assert take(end, f'[3,"{call.unique_id}",{{"status":"Accepted"}}]', call)


@given(ends, st.lists(st.sampled_from(VALID) | st.builds(json.dumps, plausible_frames), max_size=20))
@fuzz(100)
def test_many_frames_without_an_answer_of_ours(end: Rpc, frames: list[str]) -> None:
    """Nobody answers: the requests pile up to the limit, no further, and closing lets go of them."""
    for number, frame in enumerate(frames * 5):
        end.receive(frame.replace('"id"', f'"{number}"'), 0.0)
        assert end.unanswered <= 32
    end.close()
    assert end.unanswered == 0


# Depth and size

DEPTHS = [50, 900, 1000, 1100, 5000, 200_000]


def nested(shape: str, depth: int) -> str:
    return "[" * depth + "]" * depth if shape == "arrays" else '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("shape", ["arrays", "objects"])
@pytest.mark.parametrize("depth", DEPTHS)
def test_deep_nesting(version: Version, policy: Policy, shape: str, depth: int) -> None:
    deep = nested(shape, depth)
    for frame in (
        deep,
        f'[2,"id","Heartbeat",{deep}]',
        f'[2,"id","DataTransfer",{{"vendorId":"x","data":{deep}}}]',
        f'[2,"id","DataTransfer",{{"vendorId":"x","customData":{{"vendorId":"x","a":{deep}}}}}]',
        f'[2,{deep},"Heartbeat",{{}}]',
        f'[{deep},"id","Heartbeat",{{}}]',
        f'[4,"id","GenericError","",{{"a":{deep}}}]',
        f'[2,"id","Heartbeat",{{}},{deep}]',
        deep[: len(deep) // 2],
    ):
        survives(Rpc(version, Role.CSMS, policy), frame)


@pytest.mark.parametrize("version", Version)
def test_a_deep_answer_ends_our_call(version: Version) -> None:
    for depth in DEPTHS:
        for answer in ('[3,"%s",{"status":"Accepted","data":%s}]', '[4,"%s","GenericError","",{"a":%s}]'):
            end = Rpc(version, Role.CSMS)
            call = end.start_call("DataTransfer", b'{"vendorId":"x"}', 0.0)
            assert take(end, answer % (call.unique_id, nested("arrays", depth)), call)


TEN_MB = 10_000_000
HUGE = {
    "white space": b" " * TEN_MB,
    "white space before": b" " * TEN_MB + b'[2,"id","Heartbeat",{}]',
    "zeros": b"\x00" * TEN_MB,
    "brackets": b"[" * TEN_MB,
    "one string": b'"' + b"x" * TEN_MB + b'"',
    "elements": b"[2" + b",1" * (TEN_MB // 2) + b"]",
    "more elements": b'[2,"id","Heartbeat",{}' + b",1" * (TEN_MB // 2) + b"]",
    "id": b'[2,"' + b"x" * TEN_MB + b'","Heartbeat",{}]',
    "id without end": b'[2,"' + b"\\\\" * (TEN_MB // 2),
    "numeric id": b"[2," + b"9" * TEN_MB + b',"Heartbeat",{}]',
    "type": b"[" + b"2" * TEN_MB + b',"id","Heartbeat",{}]',
    "action": b'[2,"id","' + b"x" * TEN_MB + b'",{}]',
    "unknown field": b'[2,"id","Heartbeat",{"a":"' + b"x" * TEN_MB + b'"}]',
    "field name": b'[2,"id","Heartbeat",{"' + b"x" * TEN_MB + b'":1}]',
    "known field": b'[2,"id","DataTransfer",{"vendorId":"' + b"x" * TEN_MB + b'"}]',
    "number": b'[2,"id","DataTransfer",{"vendorId":"x","data":' + b"9" * TEN_MB + b"}]",
    "list": b'[2,"id","Heartbeat",[' + b"1," * (TEN_MB // 2) + b"1]]",
    "truncated": b'[2,"id","DataTransfer",{"vendorId":"x","data":"' + b"x" * TEN_MB,
    "answer": b'[3,"id","' + b"x" * TEN_MB + b'"]',
    "error text": b'[4,"id","GenericError","' + b"x" * TEN_MB + b'",{}]',
    "error code": b'[4,"id","' + b"x" * TEN_MB + b'","",{}]',
    "error details": b'[4,"id","GenericError","",{"a":[' + b"1," * (TEN_MB // 2) + b"1]}]",
}


@pytest.mark.parametrize("name", HUGE)
def test_frames_of_10_mb(name: str) -> None:
    for version in Version:
        for policy in (Policy.STRICT, Policy.SALVAGE):
            begun = time.perf_counter()
            survives(Rpc(version, Role.CSMS, policy), HUGE[name])
            assert time.perf_counter() - begun < 5
