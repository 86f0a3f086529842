"""The rules of ``rpc`` on frames (1 to 6); each test's name begins with the number of its rule."""

from __future__ import annotations

import json

import pytest
from tests.protocol.ends import (
    CSMS,
    LENIENT,
    NOW,
    STATION,
    V16,
    V21,
    V201,
    every_policy,
    every_role,
    every_version,
    heartbeat,
    heartbeat_response,
    in_2,
    only,
    receive,
    refused,
    rpc,
    start,
)

from voltbridge.protocol.codec import encode
from voltbridge.protocol.errors import OcppError, ViolationKind
from voltbridge.protocol.policy import Policy
from voltbridge.protocol.rpc import (
    CallAnswered,
    CallFailed,
    Failure,
    Ignored,
    IgnoreReason,
    IncomingCall,
    Reply,
    Role,
)
from voltbridge.protocol.versions import Version


@every_version
@every_role
def test_r01_text_and_bytes_are_alike(version: Version, role: Role) -> None:
    frame = json.dumps([2, "idé", "DataTransfer", {"vendorId": "é"}], ensure_ascii=False)
    for data in (frame, frame.encode(), frame.replace("é", "\\u00e9")):
        event = receive(rpc(version, role), IncomingCall, data)
        assert event.unique_id == "idé"
        assert b"vendorId" in encode(event.request)
        assert "é" in encode(event.request).decode()


UNREADABLE: list[str | bytes] = [
    "",
    "hello",
    "{}",
    "[]",
    "null",
    "[2]",
    "[2,",
    '[2,null,"Heartbeat",{}]',
    '[2,["id"],"Heartbeat",{}]',
    b"\xff\xff",
    b'[2,"\xff","Heartbeat",{}]',
    "[" * 50_000,
    '[2,"\ud800","Heartbeat",{}]',
]


@in_2
@every_role
@every_policy
@pytest.mark.parametrize("data", UNREADABLE)
def test_r01_an_unreadable_id_is_answered_under_minus_1(
    version: Version, role: Role, policy: Policy, data: str | bytes
) -> None:
    end = rpc(version, role, policy)
    reply = refused(end, data)
    assert reply[1:3] == ["-1", "RpcFrameworkError"]
    assert reply[3]
    assert reply[4] == {}


@every_role
@every_policy
@pytest.mark.parametrize("data", UNREADABLE)
def test_r01_an_unreadable_id_is_met_with_silence_in_16(role: Role, policy: Policy, data: str | bytes) -> None:
    event = receive(rpc(V16, role, policy), Ignored, data)
    assert event.reason is IgnoreReason.UNREADABLE
    assert event.unique_id is None
    assert event.violation is not None
    assert event.violation.kind is ViolationKind.UNREADABLE


BROKEN = [
    '[2,"id","Heartbeat",{]',
    '[2,"id","Heartbeat",{}',
    '[2,"id","Heartbeat",{"a":NaN}]',
    '[2,"id","Heartbeat",' + "[" * 50_000,
    '[2,"id"]',
    '[2,"id",null,{}]',
    '[2,"id",7,{}]',
    '[2,"id",{},"Heartbeat"]',
    '["CALL","id","Heartbeat",{}]',
    '[null,"id","Heartbeat",{}]',
]


@every_version
@every_policy
@pytest.mark.parametrize("data", BROKEN)
def test_r02_a_broken_frame_is_refused_under_its_id(version: Version, policy: Policy, data: str) -> None:
    end = rpc(version, CSMS, policy)
    reply = refused(end, data)
    assert reply[1:3] == ["id", "FormationViolation" if version is V16 else "RpcFrameworkError"]
    assert end.unanswered == 0
    receive(end, IncomingCall, heartbeat())


UNUSUAL = ['[2,"id","Heartbeat"]', '[2,"id","Heartbeat",{},1]', '["2","id","Heartbeat",{}]']


@every_version
@pytest.mark.parametrize("data", UNUSUAL)
def test_r02_what_can_be_mended_is_refused_by_strict_only(version: Version, data: str) -> None:
    assert refused(rpc(version), data)[1:3] == ["id", "FormationViolation" if version is V16 else "RpcFrameworkError"]
    for policy in LENIENT:
        event = receive(rpc(version, CSMS, policy), IncomingCall, data)
        assert event.action.name == "Heartbeat"
        assert [deviation.kind for deviation in event.deviations] == [ViolationKind.FRAME]


PADDED = ["{}\x00", "{}\x00\x00\r\n", "\ufeff{}", "\x00{}", "\ufeff{}\x00"]


@every_version
@pytest.mark.parametrize("form", PADDED)
def test_r26_padding_around_the_json_is_refused_by_strict_only(version: Version, form: str) -> None:
    data = form.replace("{}", json.dumps(heartbeat()))
    reply = only(Reply, rpc(version).receive(data, NOW))
    answered = json.loads(reply.data)
    # RFC 8259 8.1: whoever reads a byte order mark may look behind it, and the id is there.
    assert answered[1] == "id"
    assert answered[2] == ("FormationViolation" if version is V16 else "RpcFrameworkError")
    assert ("before" if form[0] != "{" else "behind") in reply.violation.detail
    for policy in LENIENT:
        for taken in (data, data.encode()):
            end = rpc(version, CSMS, policy)
            event = receive(end, IncomingCall, taken)
            assert event.action.name == "Heartbeat"
            assert [(deviation.kind, deviation.path) for deviation in event.deviations] == [(ViolationKind.FRAME, "$")]
            assert receive(end, Ignored, taken).reason is IgnoreReason.RETRY
            assert json.loads(end.result("id", heartbeat_response(version)))[:2] == [3, "id"]


@every_version
@pytest.mark.parametrize("form", PADDED)
def test_r26_padding_around_an_answer_is_overlooked_too(version: Version, form: str) -> None:
    for policy in LENIENT:
        end = rpc(version, CSMS, policy)
        call = start(end)
        answered = receive(end, CallAnswered, form.replace("{}", f'[3,"{call.unique_id}",{{"status":"Accepted"}}]'))
        assert (answered.call, bytes(answered.payload)) == (call, b'{"status":"Accepted"}')
        assert len(answered.deviations) == 1
        call = start(end)
        refusal = receive(end, CallFailed, form.replace("{}", f'[4,"{call.unique_id}","NotSupported","no",{{}}]'))
        assert (refusal.call, refusal.error.code) == (call, "NotSupported")
        assert len(refusal.deviations) == 1


@every_version
@pytest.mark.parametrize("form", PADDED)
def test_r26_padding_around_an_answer_ends_the_call_at_once_in_strict(version: Version, form: str) -> None:
    end = rpc(version)
    call = start(end)
    failed = end.receive(form.replace("{}", f'[3,"{call.unique_id}",{{"status":"Accepted"}}]'), NOW)[0]
    assert isinstance(failed, CallFailed)
    assert (failed.call, failed.reason) == (call, Failure.INVALID_RESPONSE)


@every_version
def test_r26_padding_hides_no_other_fault(version: Version) -> None:
    end = rpc(version, CSMS, Policy.TOLERANT)
    reply = refused(end, '\ufeff[2,"id","Heartbeat",{]\x00')
    assert reply[1:3] == ["id", "FormationViolation" if version is V16 else "RpcFrameworkError"]
    assert "malformed" in reply[3]
    assert refused(end, '[2,"id","Heartbeat",{}]\x00[2,"b","Heartbeat",{}]')[1] == "id"


@every_version
@every_policy
def test_r02_an_integral_float_is_a_message_type(version: Version, policy: Policy) -> None:
    assert not receive(rpc(version, CSMS, policy), IncomingCall, '[2.0,"id","Heartbeat",{}]').deviations


@every_version
@pytest.mark.parametrize("unique_id", ["", "x" * 37, "x" * 255])
def test_r03_an_id_of_the_wrong_length_is_refused_by_strict(version: Version, unique_id: str) -> None:
    code = "FormationViolation" if version is V16 else "RpcFrameworkError"
    assert refused(rpc(version), heartbeat(unique_id))[1:3] == [unique_id, code]
    for policy in LENIENT:
        end = rpc(version, CSMS, policy)
        event = receive(end, IncomingCall, heartbeat(unique_id))
        assert event.deviations[0].path == "$[1]"
        assert json.loads(end.result(unique_id, heartbeat_response(version)))[:2] == [3, unique_id]


@every_version
def test_r03_a_numeric_id_is_repeated_as_a_number(version: Version) -> None:
    code = "FormationViolation" if version is V16 else "RpcFrameworkError"
    assert refused(rpc(version), heartbeat(42))[1:3] == [42, code]
    end = rpc(version, CSMS, Policy.TOLERANT)
    assert receive(end, IncomingCall, heartbeat(42)).unique_id == "42"
    assert json.loads(end.result("42", heartbeat_response(version)))[:2] == [3, 42]
    receive(end, IncomingCall, heartbeat(42))
    assert json.loads(end.error("42", OcppError("InternalError")))[:3] == [4, 42, "InternalError"]
    assert refused(end, [2, 42, "Nonsense", {}])[1:3] == [42, "NotImplemented"]
    receive(end, IncomingCall, heartbeat("42"))
    assert json.loads(end.result("42", heartbeat_response(version)))[:2] == [3, "42"]


@every_version
@every_policy
def test_r03_an_endless_id_is_unreadable(version: Version, policy: Policy) -> None:
    events = rpc(version, CSMS, policy).receive(json.dumps(heartbeat("x" * 256)), NOW)
    if version is V16:
        assert only(Ignored, events).reason is IgnoreReason.UNREADABLE
    else:
        assert json.loads(only(Reply, events).data)[1] == "-1"


STRANGERS = [
    '[7,"id","Heartbeat",{}]',
    '[0,"id"]',
    '[1,"id",{}]',
    '[-1,"id",{}]',
    '[22,"id","Heartbeat",{}]',
    '[7,"id",{',
]
NEW_IN_21 = ['[5,"id","GenericError","",{}]', '[6,"id","NotifyPeriodicEventStream",{"id":1}]', '[6,"id"]']


@every_role
@every_policy
@pytest.mark.parametrize(
    ("version", "data"),
    [(V16, data) for data in STRANGERS + NEW_IN_21] + [(V21, data) for data in STRANGERS],
)
def test_r04_an_unknown_message_type_is_ignored(version: Version, role: Role, policy: Policy, data: str) -> None:
    event = receive(rpc(version, role, policy), Ignored, data)
    assert event.reason is IgnoreReason.MESSAGE_TYPE
    assert event.unique_id == "id"


@every_role
@every_policy
@pytest.mark.parametrize("data", STRANGERS + NEW_IN_21)
def test_r04_an_unknown_message_type_is_answered_by_201(role: Role, policy: Policy, data: str) -> None:
    assert refused(rpc(V201, role, policy), data)[1:3] == ["id", "MessageTypeNotSupported"]


def test_r04_an_unknown_message_type_without_an_id() -> None:
    assert refused(rpc(V201), "[7]")[1:3] == ["-1", "MessageTypeNotSupported"]
    assert receive(rpc(V16), Ignored, "[7]").reason is IgnoreReason.MESSAGE_TYPE
    assert receive(rpc(V21), Ignored, "[7]").reason is IgnoreReason.MESSAGE_TYPE


@every_version
@every_role
@every_policy
@pytest.mark.parametrize(
    "data",
    [
        '[3,"id",{}]',
        '[3,"id"]',
        '[3,"id",{',
        "[3]",
        "[3,null,{}]",
        '[4,"id","GenericError","",{}]',
        '[4,"-1","RpcFrameworkError","",{}]',
        '[4,"id"]',
        '[4,"id",{',
        "[4]",
        "[4,null]",
        '[4,"',
    ],
)
def test_r05_an_answer_is_never_answered(version: Version, role: Role, policy: Policy, data: str) -> None:
    receive(rpc(version, role, policy), Ignored, data)


@every_version
@pytest.mark.parametrize("rest", ["", ",", ',"GenericError"', ',"GenericError","",{"a":['])
def test_r05_a_broken_callerror_only_ends_the_call(version: Version, rest: str) -> None:
    end = rpc(version)
    call = start(end)
    event = receive(end, CallFailed, f'[4,"{call.unique_id}"{rest}')
    assert (event.call, event.error.kind) == (call, ViolationKind.FORMAT if version is V16 else ViolationKind.FRAME)


@every_role
@every_policy
@pytest.mark.parametrize("data", ["[5]", "[5,null]", '[5,"id",{', '[5,"id","GenericError","",{}]', '[5,"id"]'])
def test_r05_nor_is_the_refusal_of_an_answer(role: Role, policy: Policy, data: str) -> None:
    receive(rpc(V21, role, policy), Ignored, data)


@every_version
@every_policy
def test_r06_null_is_the_empty_object(version: Version, policy: Policy) -> None:
    event = receive(rpc(version, CSMS, policy), IncomingCall, '[2,"id","Heartbeat",null]')
    assert type(event.request).__name__ == "HeartbeatRequest"
    reply = refused(rpc(version, CSMS, policy), '[2,"id","BootNotification",null]')
    assert reply[2].endswith("ConstraintViolation")
    assert reply[2].startswith("Occur")


@every_version
def test_r06_null_is_the_empty_object_in_a_response_too(version: Version) -> None:
    end = rpc(version, STATION)
    call = end.start_call("StatusNotification", b"{}", NOW)
    assert receive(end, CallAnswered, f'[3,"{call.unique_id}",null]').call is call


@every_version
@every_policy
@pytest.mark.parametrize("payload", ["[1]", '"x"', "1", "true", "[{}]"])
def test_r06_a_payload_that_is_no_object_is_refused(version: Version, policy: Policy, payload: str) -> None:
    reply = refused(rpc(version, CSMS, policy), f'[2,"id","Heartbeat",{payload}]')
    assert reply[1:3] == ["id", "FormationViolation" if version is V16 else "FormatViolation"]


@every_version
def test_r06_an_empty_array_is_an_empty_object_for_lenient_policies(version: Version) -> None:
    data = '[2,"id","Heartbeat",[]]'
    assert refused(rpc(version), data)[2] == ("FormationViolation" if version is V16 else "FormatViolation")
    for policy in LENIENT:
        assert len(receive(rpc(version, CSMS, policy), IncomingCall, data).deviations) == 1
