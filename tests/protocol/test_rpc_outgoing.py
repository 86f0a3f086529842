"""The rules of ``rpc`` on requests of ours (16 to 25); each test's name begins with the number of its rule."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.protocol.ends import (
    ACCEPTED,
    CSMS,
    LENIENT,
    NOW,
    STATION,
    STREAM,
    V16,
    V21,
    V201,
    every_policy,
    every_role,
    every_version,
    heartbeat,
    heartbeat_response,
    receive,
    rpc,
    sent,
    start,
)

from voltbridge.protocol.errors import OcppError
from voltbridge.protocol.policy import Policy
from voltbridge.protocol.rpc import (
    CallAnswered,
    CallFailed,
    CallTimedOut,
    Failure,
    Ignored,
    IgnoreReason,
    IncomingCall,
    Reply,
    ResultRefused,
    Role,
    Rpc,
    random_id,
)
from voltbridge.protocol.versions import Version


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
def test_r19_only_the_latest_timeouts_are_remembered(version: Version) -> None:
    end = rpc(version)
    calls = []
    for second in range(100):
        calls.append(start(end, now=second, timeout=1))
        end.expire(second + 1)
    assert receive(end, Ignored, [3, calls[-1].unique_id, ACCEPTED]).reason is IgnoreReason.LATE_REPLY
    assert receive(end, Ignored, [3, calls[0].unique_id, ACCEPTED]).reason is IgnoreReason.UNKNOWN_REPLY


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
