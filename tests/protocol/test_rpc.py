"""The rules at the top of ``rpc``, one by one: each test's name begins with the number of its rule."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from voltbridge.protocol import rpc as rpc_module
from voltbridge.protocol import v16, v21, v201
from voltbridge.protocol.codec import encode
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.errors import OcppError, ViolationKind
from voltbridge.protocol.policy import Policy
from voltbridge.protocol.rpc import (
    CallAnswered,
    CallFailed,
    CallTimedOut,
    Failure,
    Ignored,
    IgnoreReason,
    IncomingCall,
    IncomingSend,
    OutgoingCall,
    Reply,
    ResultRefused,
    Role,
    Rpc,
    random_id,
)
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

V16, V201, V21 = Version
CSMS, STATION = Role
NOW = 1000.0
LENIENT = (Policy.TOLERANT, Policy.SALVAGE)

every_version = pytest.mark.parametrize("version", list(Version))
every_role = pytest.mark.parametrize("role", list(Role))
every_policy = pytest.mark.parametrize("policy", list(Policy))
in_2 = pytest.mark.parametrize("version", [V201, V21])

E = TypeVar("E")


def counting() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"our-{next(numbers)}"


def rpc(version: Version = V201, role: Role = CSMS, policy: Policy = Policy.STRICT, **options: Any) -> Rpc:
    options.setdefault("next_id", counting())
    return Rpc(version, role, policy, **options)


def only(kind: type[E], events: list[Any]) -> E:
    assert [type(event) for event in events] == [kind], events
    event = events[0]
    assert isinstance(event, kind)
    return event


def receive(end: Rpc, kind: type[E], frame: object, now: float = NOW) -> E:
    data = frame if isinstance(frame, str | bytes) else json.dumps(frame)
    return only(kind, end.receive(data, now))


def refused(end: Rpc, frame: object) -> list[Any]:
    """The CALLERROR with which a frame is refused."""
    reply: list[Any] = json.loads(receive(end, Reply, frame).data)
    assert len(reply) == 5
    assert reply[0] == 4
    return reply


def heartbeat(unique_id: object = "id") -> list[object]:
    return [2, unique_id, "Heartbeat", {}]


def boot(unique_id: object = "boot") -> list[object]:
    return [2, unique_id, "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}]


def heartbeat_response(version: Version) -> Payload:
    now = DateTime("2026-01-01T00:00:00.000Z")
    match version:
        case Version.V16:
            return v16.HeartbeatResponse(current_time=now)
        case Version.V201:
            return v201.HeartbeatResponse(current_time=now)
        case Version.V21:
            return v21.HeartbeatResponse(current_time=now)


def start(end: Rpc, now: float = NOW, **options: Any) -> OutgoingCall:
    """A CALL both roles can make in every version, with a response that has one required field."""
    return end.start_call("DataTransfer", b'{"vendorId":"x"}', now, **options)


def sent(end: Rpc) -> list[Any]:
    return [json.loads(data) for data in end.to_send()]


ACCEPTED = {"status": "Accepted"}


def test_each_rule_has_a_test() -> None:
    assert rpc_module.__doc__ is not None
    rules = {int(number) for number in re.findall(r"^ ?(\d+)\. ", rpc_module.__doc__, re.MULTILINE)}
    assert rules == set(range(1, 27))
    tested = {int(name[6:8]) for name in globals() if re.match(r"test_r\d\d_", name)}
    assert tested == rules


# Frames


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


# Requests of the peer


@every_version
@every_role
@every_policy
@pytest.mark.parametrize("name", ["Nonsense", "", "boot notification", "DataTransferResponse", "X" * 10_000])
def test_r07_an_unknown_action_is_not_implemented(version: Version, role: Role, policy: Policy, name: str) -> None:
    reply = refused(rpc(version, role, policy), [2, "id", name, {}])
    assert reply[1:3] == ["id", "NotImplemented"]
    assert len(reply[3]) <= 255


def test_r07_an_action_of_another_version_is_unknown() -> None:
    assert refused(rpc(V16), [2, "id", "TransactionEvent", {}])[2] == "NotImplemented"
    assert refused(rpc(V201), [2, "id", "StartTransaction", {}])[2] == "NotImplemented"
    assert refused(rpc(V201), [2, "id", "NotifyPriorityCharging", {}])[2] == "NotImplemented"


@every_version
@pytest.mark.parametrize("name", ["heartbeat", "HEARTBEAT", "HeartbeatRequest", " Heartbeat"])
def test_r07_names_are_case_sensitive_for_strict_only(version: Version, name: str) -> None:
    assert refused(rpc(version), [2, "id", name, {}])[2] == "NotImplemented"
    for policy in LENIENT:
        event = receive(rpc(version, CSMS, policy), IncomingCall, [2, "id", name, {}])
        assert event.action.name == "Heartbeat"
        assert [deviation.path for deviation in event.deviations] == ["$[2]"]


@every_version
@every_policy
def test_r08_an_action_of_the_other_side_is_not_supported(version: Version, policy: Policy) -> None:
    assert refused(rpc(version, CSMS, policy), [2, "id", "Reset", {"type": "Hard"}])[1:3] == ["id", "NotSupported"]
    assert refused(rpc(version, STATION, policy), heartbeat())[1:3] == ["id", "NotSupported"]


@every_policy
def test_r08_a_send_is_no_call(policy: Policy) -> None:
    assert refused(rpc(V21, CSMS, policy), [2, "id", "NotifyPeriodicEventStream", {}])[2] == "NotSupported"
    assert refused(rpc(V21, STATION, policy), [2, "id", "NotifyPeriodicEventStream", {}])[2] == "NotSupported"


@pytest.mark.parametrize(
    ("version", "payload", "code"),
    [
        (V16, {}, "OccurenceConstraintViolation"),
        (V16, {"idTag": 7}, "TypeConstraintViolation"),
        (V16, {"idTag": "x" * 21}, "PropertyConstraintViolation"),
        (V16, {"idTag": "x", "more": 1}, "FormationViolation"),
        (V201, {}, "OccurrenceConstraintViolation"),
        (V201, {"idToken": 7}, "TypeConstraintViolation"),
        (V201, {"idToken": {"idToken": "x", "type": "Telepathy"}}, "PropertyConstraintViolation"),
        (V201, {"idToken": {"idToken": "x", "type": "Central"}, "more": 1}, "FormatViolation"),
        (V21, {}, "OccurrenceConstraintViolation"),
        (V21, {"idToken": {"idToken": "x", "type": "Central"}, "more": 1}, "FormatViolation"),
    ],
)
def test_r09_a_payload_that_breaks_the_schema_is_refused(version: Version, payload: object, code: str) -> None:
    end = rpc(version)
    reply = refused(end, [2, "id", "Authorize", payload])
    assert reply[1:3] == ["id", code]
    assert end.unanswered == 0
    with pytest.raises(LookupError):
        end.error("id", OcppError("InternalError"))


@every_version
@every_policy
def test_r10_the_same_frame_again_is_a_retry(version: Version, policy: Policy) -> None:
    end = rpc(version, CSMS, policy)
    receive(end, IncomingCall, heartbeat())
    event = receive(end, Ignored, heartbeat())
    assert (event.reason, event.unique_id, event.action) == (IgnoreReason.RETRY, "id", "Heartbeat")
    end.result("id", heartbeat_response(version))
    with pytest.raises(LookupError):
        end.result("id", heartbeat_response(version))


@every_version
@every_policy
def test_r10_another_request_under_an_id_in_use_is_refused(version: Version, policy: Policy) -> None:
    end = rpc(version, CSMS, policy)
    receive(end, IncomingCall, heartbeat())
    reply = refused(end, [2, "id", "DataTransfer", {"vendorId": "x"}])
    assert reply[1:3] == ["id", "FormationViolation" if version is V16 else "RpcFrameworkError"]
    assert json.loads(end.result("id", heartbeat_response(version)))[:2] == [3, "id"]


@every_version
@every_policy
def test_r11_an_id_used_before_is_handled_afresh(version: Version, policy: Policy) -> None:
    end = rpc(version, CSMS, policy)
    for _ in range(3):
        event = receive(end, IncomingCall, heartbeat())
        assert event.deviations == ()
        end.result("id", heartbeat_response(version))


@every_version
@every_policy
def test_r12_a_second_call_is_handled_and_counted(version: Version, policy: Policy) -> None:
    end = rpc(version, CSMS, policy)
    assert not receive(end, IncomingCall, heartbeat("a")).deviations
    event = receive(end, IncomingCall, [2, "b", "DataTransfer", {"vendorId": "x"}])
    assert [deviation.kind for deviation in event.deviations] == [ViolationKind.PROTOCOL]
    assert end.unanswered == 2
    assert json.loads(end.error("b", OcppError("GenericError")))[1] == "b"
    assert json.loads(end.result("a", heartbeat_response(version)))[1] == "a"
    assert not receive(end, IncomingCall, heartbeat("c")).deviations


@every_version
@every_policy
def test_r12_too_many_calls_are_refused(version: Version, policy: Policy) -> None:
    end = rpc(version, CSMS, policy, max_unanswered=3)
    for number in range(3):
        receive(end, IncomingCall, heartbeat(f"a{number}"))
    assert refused(end, heartbeat("b"))[1:3] == ["b", "GenericError"]
    assert receive(end, Ignored, heartbeat("a1")).reason is IgnoreReason.RETRY
    end.result("a1", heartbeat_response(version))
    receive(end, IncomingCall, heartbeat("b"))


@every_version
def test_r13_a_request_is_answered_once(version: Version) -> None:
    end = rpc(version)
    with pytest.raises(LookupError):
        end.result("id", heartbeat_response(version))
    receive(end, IncomingCall, heartbeat())
    end.error("id", OcppError("InternalError"))
    with pytest.raises(LookupError):
        end.result("id", heartbeat_response(version))
    with pytest.raises(LookupError):
        end.error("id", OcppError("InternalError"))


@every_version
def test_r13_a_wrong_response_leaves_the_request_waiting(version: Version) -> None:
    end = rpc(version)
    receive(end, IncomingCall, [2, "id", "DataTransfer", {"vendorId": "x"}])
    with pytest.raises(TypeError, match="no response to DataTransfer"):
        end.result("id", heartbeat_response(version))
    assert json.loads(end.error("id", OcppError("InternalError")))[:3] == [4, "id", "InternalError"]


def answered_with(version: Version, error: OcppError) -> list[Any]:
    end = rpc(version)
    receive(end, IncomingCall, heartbeat())
    reply: list[Any] = json.loads(end.error("id", error))
    return reply


def test_r14_a_code_is_spelled_as_the_version_spells_it() -> None:
    for code in ("OccurrenceConstraintViolation", "OccurenceConstraintViolation"):
        assert answered_with(V16, OcppError(code))[2] == "OccurenceConstraintViolation"
        assert answered_with(V21, OcppError(code))[2] == "OccurrenceConstraintViolation"
    assert answered_with(V16, OcppError("FormatViolation"))[2] == "FormationViolation"
    assert answered_with(V201, OcppError("SecurityError", "not accepted yet")) == [
        4,
        "id",
        "SecurityError",
        "not accepted yet",
        {},
    ]
    assert answered_with(V201, OcppError("MyOwnError"))[2] == "GenericError"


@every_version
def test_r14_description_and_details_fit(version: Version) -> None:
    assert answered_with(version, OcppError("InternalError", "é" * 1000, {"a": 1}))[3:] == ["é" * 255, {"a": 1}]
    assert answered_with(version, OcppError("InternalError", "a", {"a": object()}))[3:] == ["a", {}]
    assert answered_with(version, OcppError("InternalError", "\ud800"))[3:] == ["?", {}]


@every_version
def test_r14_a_refusal_of_ours_fits_too(version: Version) -> None:
    for frame in ([2, "id", "Heartbeat", {"k" * 5000: 1}], [2, "id", "N" * 5000, {}], [2, "id", "DataTransfer", {}]):
        reply = refused(rpc(version), frame)
        assert 0 < len(reply[3]) <= 255
        assert reply[4] == {}


STREAM = {
    "id": 1,
    "pending": 0,
    "basetime": "2026-01-01T00:00:00Z",
    "data": [{"t": 0.5, "v": "230.4"}],
}


@every_policy
def test_r15_a_send_is_handed_up_and_not_answered(policy: Policy) -> None:
    end = rpc(V21, CSMS, policy)
    event = receive(end, IncomingSend, [6, "id", "NotifyPeriodicEventStream", STREAM])
    assert event.unique_id == "id"
    assert event.action.response is None
    assert type(event.request) is event.action.request
    assert end.unanswered == 0
    with pytest.raises(LookupError):
        end.error("id", OcppError("InternalError"))


@every_policy
@pytest.mark.parametrize(
    "data",
    [
        '[6,"id","NotifyPeriodicEventStream",{}]',
        '[6,"id","Heartbeat",{}]',
        '[6,"id","Nonsense",{}]',
        '[6,"id",7,{}]',
        '[6,"id"]',
        "[6]",
        '[6,"id","NotifyPeriodicEventStream",{',
        '[6,"id","NotifyPeriodicEventStream",[1]]',
    ],
)
def test_r15_a_broken_send_is_dropped(policy: Policy, data: str) -> None:
    event = receive(rpc(V21, CSMS, policy), Ignored, data)
    assert event.reason is IgnoreReason.INVALID_SEND
    assert event.violation is not None


def test_r15_a_station_takes_no_stream() -> None:
    event = receive(rpc(V21, STATION), Ignored, [6, "id", "NotifyPeriodicEventStream", STREAM])
    assert event.reason is IgnoreReason.INVALID_SEND


# Requests of ours


@every_version
@every_role
def test_r16_one_call_at_a_time(version: Version, role: Role) -> None:
    end = rpc(version, role)
    calls = [start(end, context=number) for number in range(4)]
    assert end.queued == 3
    assert sent(end) == [[2, "our-1", "DataTransfer", {"vendorId": "x"}]]
    assert sent(end) == []
    for number, call in enumerate(calls):
        assert call.unique_id == f"our-{number + 1}"
        event = receive(end, CallAnswered, [3, call.unique_id, ACCEPTED])
        assert event.call is call
        assert event.call.context == number
        assert [frame[1] for frame in sent(end)] == ([f"our-{number + 2}"] if number < 3 else [])
    assert end.next_deadline() is None


@every_version
def test_r16_a_queued_call_can_be_withdrawn(version: Version) -> None:
    end = rpc(version)
    first, second, third = start(end), start(end), start(end)
    assert end.cancel(second)
    assert not end.cancel(second)
    assert not end.cancel(first)
    end.to_send()
    receive(end, CallAnswered, [3, first.unique_id, ACCEPTED])
    assert [frame[1] for frame in sent(end)] == [third.unique_id]
    assert [event.call for event in end.close()] == [third]


@every_version
@every_role
def test_r17_calls_cross(version: Version, role: Role) -> None:
    end = rpc(version, role)
    call = start(end)
    assert len(end.to_send()) == 1
    theirs = [2, call.unique_id, "DataTransfer", {"vendorId": "y"}]  # the peer may well use the same id
    assert not receive(end, IncomingCall, theirs).deviations
    assert receive(end, CallAnswered, [3, call.unique_id, ACCEPTED]).call is call
    assert json.loads(end.error(call.unique_id, OcppError("NotSupported")))[:3] == [4, call.unique_id, "NotSupported"]


@every_version
def test_r18_the_timeout_counts_from_sending(version: Version) -> None:
    end = rpc(version, call_timeout=30)
    first = start(end, now=100.0, timeout=10)
    second = start(end, now=100.0)
    assert end.next_deadline() == first.deadline == 110.0
    assert second.deadline is None
    assert end.expire(109.9) == []
    assert end.expire(112.0) == [CallTimedOut(first)]
    assert end.next_deadline() == 142.0
    assert second.deadline == end.next_deadline()
    assert [frame[1] for frame in sent(end)] == ["our-1", "our-2"]
    assert end.expire(141.0) == []
    assert end.expire(142.0) == [CallTimedOut(second)]
    assert end.next_deadline() is None
    assert end.expire(1e9) == []


@every_version
@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_r18_a_timeout_is_a_positive_time(version: Version, timeout: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        start(rpc(version), timeout=timeout)


@every_version
@every_policy
@pytest.mark.parametrize("answer", [[3, ACCEPTED], [4, "GenericError", "", {}], [3], [4], [3, [1]]])
def test_r19_a_late_answer_is_ignored(version: Version, policy: Policy, answer: list[Any]) -> None:
    end = rpc(version, CSMS, policy)
    late, next_one = start(end, now=0, timeout=1), start(end, now=0)
    end.expire(1.0)
    event = receive(end, Ignored, [answer[0], late.unique_id, *answer[1:]], now=2.0)
    assert (event.reason, event.unique_id, event.action) == (IgnoreReason.LATE_REPLY, late.unique_id, "DataTransfer")
    assert receive(end, CallAnswered, [3, next_one.unique_id, ACCEPTED]).call is next_one


@every_version
@every_policy
@pytest.mark.parametrize("unique_id", ["other", "our-2", "-1", "OUR-1", "our-1 ", "x" * 100])
def test_r19_an_unknown_answer_is_ignored(version: Version, policy: Policy, unique_id: str) -> None:
    end = rpc(version, CSMS, policy)
    call, queued = start(end), start(end)
    for answer in ([3, unique_id, ACCEPTED], [4, unique_id, "GenericError", "", {}]):
        assert receive(end, Ignored, answer).reason is IgnoreReason.UNKNOWN_REPLY
    assert end.queued == 1
    assert receive(end, CallAnswered, [3, call.unique_id, ACCEPTED]).call is call
    assert receive(end, CallAnswered, [3, queued.unique_id, ACCEPTED]).call is queued


@every_version
def test_r19_an_answer_counts_once(version: Version) -> None:
    end = rpc(version)
    call = start(end)
    receive(end, CallAnswered, [3, call.unique_id, ACCEPTED])
    assert receive(end, Ignored, [3, call.unique_id, ACCEPTED]).reason is IgnoreReason.UNKNOWN_REPLY


INVALID_ANSWERS: list[list[Any]] = [[{}], [{"status": "Maybe"}], [{"status": 7}], [ACCEPTED, {}, 1], [[1]], ["x"]]


@pytest.mark.parametrize("version", [V16, V201])
@pytest.mark.parametrize("rest", INVALID_ANSWERS)
def test_r20_an_invalid_response_fails_the_call(version: Version, rest: list[Any]) -> None:
    end = rpc(version)
    call, following = start(end), start(end)
    event = receive(end, CallFailed, [3, call.unique_id, *rest])
    assert event.call is call
    assert event.reason is Failure.INVALID_RESPONSE
    assert event.error.kind is not None
    assert event.error.description
    assert following.deadline is not None


@pytest.mark.parametrize("rest", INVALID_ANSWERS)
def test_r20_the_peer_is_told_in_21(rest: list[Any]) -> None:
    end = rpc(V21)
    call = start(end)
    failed, reply = end.receive(json.dumps([3, call.unique_id, *rest]), NOW)
    assert isinstance(failed, CallFailed)
    assert isinstance(reply, Reply)
    assert failed.call is call
    assert json.loads(reply.data)[:3] == [5, call.unique_id, failed.error.code]
    assert (reply.message_type, reply.action) == (3, "DataTransfer")


def test_r20_truncated_answers_end_the_call() -> None:
    end = rpc(V201)
    call = start(end)
    event = receive(end, CallFailed, f'[3,"{call.unique_id}",{{"status":')
    assert (event.call, event.reason, event.error.code) == (call, Failure.INVALID_RESPONSE, "RpcFrameworkError")


@every_version
@pytest.mark.parametrize("rest", [[], [ACCEPTED, 1], ["DataTransfer", ACCEPTED]])
def test_r20_a_mended_response_is_taken_by_lenient_policies(version: Version, rest: list[Any]) -> None:
    for policy in LENIENT:
        end = rpc(version, STATION, policy)
        call = end.start_call("DataTransfer" if rest else "StatusNotification", b"{}", NOW)
        event = receive(end, CallAnswered, [3, call.unique_id, *rest])
        assert event.call is call
        assert event.deviations


@every_version
def test_r20_a_response_is_handed_up_as_it_came_too(version: Version) -> None:
    end = rpc(version)
    call = start(end)
    event = receive(end, CallAnswered, f'[3, "{call.unique_id}", {{ "status" : "Accepted" }} ]')
    assert bytes(event.payload) == b'{ "status" : "Accepted" }'
    assert event.call.action.response is type(event.response)


@every_version
@every_role
@every_policy
@pytest.mark.parametrize(
    ("rest", "code", "description", "details"),
    [
        (["NotSupported", "no", {"why": [1]}], "NotSupported", "no", {"why": [1]}),
        (["OccurenceConstraintViolation", "", {}], "OccurenceConstraintViolation", "", {}),
        (["OccurrenceConstraintViolation", "", {}], "OccurrenceConstraintViolation", "", {}),
        (["ChargerOnFire", "x" * 5000, {}], "ChargerOnFire", "x" * 5000, {}),
        (["", "", {}], "", "", {}),
        (["NotSupported", "no"], "NotSupported", "no", {}),
        (["NotSupported", None, None], "NotSupported", "", {}),
        (["NotSupported"], "NotSupported", "", {}),
        ([], "GenericError", "", {}),
        ([{}, 7, []], "GenericError", "", {}),
        (["NotSupported", "no", {}, "more"], "NotSupported", "no", {}),
    ],
)
def test_r21_a_callerror_ends_the_call(
    version: Version, role: Role, policy: Policy, rest: list[Any], code: str, description: str, details: object
) -> None:
    end = rpc(version, role, policy)
    call = start(end)
    event = receive(end, CallFailed, [4, call.unique_id, *rest])
    assert (event.call, event.reason) == (call, Failure.REFUSED)
    assert (event.error.code, event.error.description, event.error.details) == (code, description, details)
    assert bool(event.deviations) == (len(rest) != 3 or rest[1] is None or rest == [{}, 7, []])


def test_r22_a_refused_result_is_handed_up() -> None:
    end = rpc(V21)
    receive(end, IncomingCall, heartbeat())
    end.result("id", heartbeat_response(V21))
    receive(end, IncomingCall, heartbeat("later"))
    end.result("later", heartbeat_response(V21))
    event = receive(end, ResultRefused, [5, "id", "TypeConstraintViolation", "bad time", {}])
    assert (event.unique_id, event.action.name, event.error.code) == ("id", "Heartbeat", "TypeConstraintViolation")
    assert receive(end, Ignored, [5, "id", "GenericError", "", {}]).reason is IgnoreReason.UNKNOWN_REPLY
    assert receive(end, ResultRefused, '[5,"later","Odd"]').error.code == "Odd"


def test_r22_only_the_latest_answers_are_remembered() -> None:
    end = rpc(V21)
    for number in range(50):
        receive(end, IncomingCall, heartbeat(str(number)))
        end.result(str(number), heartbeat_response(V21))
    assert receive(end, Ignored, [5, "0", "GenericError", "", {}]).reason is IgnoreReason.UNKNOWN_REPLY
    receive(end, ResultRefused, [5, "49", "GenericError", "", {}])


def test_r23_ids_are_random_and_short() -> None:
    ids = {random_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch("[0-9a-f]{32}", unique_id) for unique_id in ids)
    end = Rpc(V16, CSMS)
    assert start(end).unique_id != start(end).unique_id


def test_r23_an_id_still_known_is_not_used_again() -> None:
    ids = iter(["a", "a", "b", "b", "a", "", "x" * 37, "c", "a"])
    end = rpc(V21, CSMS, next_id=lambda: next(ids))
    assert [start(end, now=0, timeout=1).unique_id for _ in range(3)] == ["a", "b", "c"]
    end.expire(1)
    with pytest.raises(StopIteration):
        start(end)
    stuck = rpc(V21, CSMS, next_id=lambda: "same")
    start(stuck)
    with pytest.raises(RuntimeError, match="no fresh message id"):
        start(stuck)


def test_r24_a_send_leaves_while_a_call_is_unanswered() -> None:
    end = rpc(V21, STATION)
    start(end)
    start(end)
    stream = json.dumps(STREAM).encode()
    assert end.send("NotifyPeriodicEventStream", stream) == "our-3"
    assert [frame[:3] for frame in sent(end)] == [
        [2, "our-1", "DataTransfer"],
        [6, "our-3", "NotifyPeriodicEventStream"],
    ]
    assert end.next_deadline() is not None
    assert receive(end, Ignored, [3, "our-3", {}]).reason is IgnoreReason.UNKNOWN_REPLY


@pytest.mark.parametrize(("version", "role"), [(V16, STATION), (V201, STATION), (V21, CSMS)])
def test_r24_a_send_needs_an_action_that_is_sent(version: Version, role: Role) -> None:
    end = rpc(version, role)
    for name in ("NotifyPeriodicEventStream", "Heartbeat", "DataTransfer"):
        with pytest.raises(LookupError):
            end.send(name, b"{}")
    with pytest.raises(LookupError):
        rpc(V21, STATION).start_call("NotifyPeriodicEventStream", b"{}", NOW)


@every_version
@every_role
def test_r25_closing_ends_every_call(version: Version, role: Role) -> None:
    end = rpc(version, role)
    calls = [start(end) for _ in range(3)]
    receive(end, IncomingCall, [2, "theirs", "DataTransfer", {"vendorId": "x"}])
    events = end.close()
    assert [event.call for event in events] == calls
    assert {event.reason for event in events} == {Failure.DISCONNECTED}
    assert end.close() == []
    assert (end.to_send(), end.next_deadline(), end.queued, end.unanswered) == ([], None, 0, 0)
    assert receive(end, Ignored, [3, calls[0].unique_id, ACCEPTED]).reason is IgnoreReason.CLOSED
    assert end.expire(1e9) == []
    with pytest.raises(ConnectionError):
        start(end)
    with pytest.raises(LookupError):
        end.error("theirs", OcppError("InternalError"))
    if version is V21 and role is STATION:
        with pytest.raises(ConnectionError):
            end.send("NotifyPeriodicEventStream", b"{}")


def test_r26_each_policy_reads_a_payload_its_way() -> None:
    frame = [2, "id", "Authorize", {"idTag": "x", "more": 1}]
    end = rpc(V16, CSMS, Policy.STRICT)
    reply = receive(end, Reply, frame)
    assert (reply.message_type, reply.unique_id, reply.action) == (2, "id", "Authorize")
    assert reply.violation.kind is ViolationKind.FORMAT
    for policy in LENIENT:
        end.policy = policy
        event = receive(end, IncomingCall, [2, policy.value, *frame[2:]])
        assert [deviation.kind for deviation in event.deviations][-1:] == [ViolationKind.FORMAT]
        end.error(policy.value, OcppError("GenericError"))


def test_r26_salvage_keeps_the_good_values() -> None:
    good = {"value": "1"}
    values = {"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [good, {"value": "2", "unit": "Parsec"}, good]}
    frame = [2, "id", "MeterValues", {"connectorId": 1, "meterValue": [values]}]
    assert refused(rpc(V16, CSMS, Policy.STRICT), frame)[2] == "PropertyConstraintViolation"
    assert refused(rpc(V16, CSMS, Policy.TOLERANT), frame)[2] == "PropertyConstraintViolation"
    event = receive(rpc(V16, CSMS, Policy.SALVAGE), IncomingCall, frame)
    assert isinstance(event.request, v16.MeterValuesRequest)
    assert len(event.request.meter_value[0].sampled_value) == 2
    assert len(event.deviations) == 1


@pytest.mark.parametrize("policy", LENIENT)
def test_r26_a_deviation_in_a_response_is_handed_up(policy: Policy) -> None:
    end = rpc(V201, CSMS, policy)
    call = start(end)
    event = receive(end, CallAnswered, [3, call.unique_id, {"status": "accepted"}])
    assert [deviation.path for deviation in event.deviations] == ["$.status"]


@every_version
@every_policy
def test_r26_a_sound_message_has_no_deviations(version: Version, policy: Policy) -> None:
    assert not receive(rpc(version, CSMS, policy), IncomingCall, heartbeat()).deviations


# What every caller relies on


@every_version
@every_role
def test_what_we_cannot_call_is_refused_at_once(version: Version, role: Role) -> None:
    end = rpc(version, role)
    wrong = {CSMS: ["Heartbeat", "Nonsense", "datatransfer"], STATION: ["Reset", "Nonsense", "datatransfer"]}[role]
    for name in wrong:
        with pytest.raises(LookupError, match=name):
            end.start_call(name, b"{}", NOW)
    with pytest.raises(TypeError, match="no request of DataTransfer"):
        end.start_call("DataTransfer", heartbeat_response(version), NOW)
    assert end.to_send() == []


def test_a_request_is_written_in_the_order_of_its_schema() -> None:
    end = rpc(V16, STATION)
    end.start_call(
        "BootNotification", v16.BootNotificationRequest(charge_point_model="M", charge_point_vendor="V"), NOW
    )
    assert end.to_send() == [
        b'[2,"our-1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]',
    ]


@every_version
def test_two_ends_talk(version: Version) -> None:
    csms, station = rpc(version, CSMS), rpc(version, STATION)
    call = station.start_call("Heartbeat", b"{}", NOW)
    (frame,) = station.to_send()
    event = receive(csms, IncomingCall, frame)
    answer = csms.result(event.unique_id, heartbeat_response(version))
    assert receive(station, CallAnswered, answer).call is call


def test_properties_tell_what_the_end_is() -> None:
    end = rpc(V21, STATION, Policy.SALVAGE)
    assert (end.version, end.role, end.policy) == (V21, STATION, Policy.SALVAGE)
    assert "DataTransfer" in repr(start(end))
