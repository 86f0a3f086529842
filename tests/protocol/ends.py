"""One end of a connection under test: short ways to make it, to give it frames, and to look at what comes of them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from voltbridge.protocol import v16, v21, v201
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.policy import Policy
from voltbridge.protocol.rpc import (
    OutgoingCall,
    Reply,
    Role,
    Rpc,
)
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = [
    "ACCEPTED",
    "CSMS",
    "LENIENT",
    "NOW",
    "STATION",
    "STREAM",
    "V16",
    "V21",
    "V201",
    "every_policy",
    "every_role",
    "every_version",
    "heartbeat",
    "heartbeat_response",
    "in_2",
    "only",
    "receive",
    "refused",
    "rpc",
    "sent",
    "start",
]

V16, V201, V21 = Version
CSMS, STATION = Role
ACCEPTED = {"status": "Accepted"}
STREAM = {
    "id": 1,
    "pending": 0,
    "basetime": "2026-01-01T00:00:00Z",
    "data": [{"t": 0.5, "v": "230.4"}],
}
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
