"""The rules of ``rpc``: that each has a test, those on policies (26), and what every caller relies on."""

from __future__ import annotations

import re
from pathlib import Path

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
    receive,
    refused,
    rpc,
    start,
)

from voltbridge.protocol import rpc as rpc_module
from voltbridge.protocol import v16
from voltbridge.protocol.errors import OcppError, ViolationKind
from voltbridge.protocol.policy import Policy
from voltbridge.protocol.rpc import (
    CallAnswered,
    IncomingCall,
    Reply,
    Role,
)
from voltbridge.protocol.versions import Version


def test_each_rule_has_a_test() -> None:
    """Also of those in the files beside this one."""
    assert rpc_module.__doc__ is not None
    rules = {int(number) for number in re.findall(r"^ ?(\d+)\. ", rpc_module.__doc__, re.MULTILINE)}
    assert rules == set(range(1, 27))
    texts = [path.read_text("utf-8") for path in Path(__file__).parent.glob("test_rpc*.py")]
    tested = {int(number) for text in texts for number in re.findall(r"^def test_r(\d\d)_", text, re.MULTILINE)}
    assert tested == rules


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
