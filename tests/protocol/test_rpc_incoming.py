"""The rules of ``rpc`` on requests of the peer (7 to 15); each test's name begins with the number of its rule."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.protocol.ends import (
    CSMS,
    LENIENT,
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
    refused,
    rpc,
)

from voltbridge.protocol import rpc as rpc_module
from voltbridge.protocol.errors import OcppError, ViolationKind
from voltbridge.protocol.policy import Policy, Violation
from voltbridge.protocol.rpc import (
    Ignored,
    IgnoreReason,
    IncomingCall,
    IncomingSend,
    Role,
)
from voltbridge.protocol.versions import Version


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
    busy = rpc(version)
    receive(busy, IncomingCall, heartbeat())
    assert refused(busy, [2, "id2", name, {}])[2] == "NotImplemented"
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
    reply = refused(rpc(V21, CSMS, policy), [2, "id", "NotifyPeriodicEventStream", {}])
    assert reply[2] == "NotSupported"
    assert "SEND" in reply[3]
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


@every_version
def test_r14_a_refusal_fits_however_long_its_reason_is(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Violation(ViolationKind.TYPE, "$." + "é" * 300, "\ud800")

    monkeypatch.setattr(rpc_module, "decode_payload", refuse)
    assert len(refused(rpc(version), heartbeat())[3]) == 255


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
