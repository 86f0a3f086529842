"""Two ends talk over a network that drops, doubles and reorders frames, while time passes and both sides ask.

What must hold whatever happens: every call started ends exactly once; no side ever has two CALLs on the wire; CALLs
leave in the order of their start; an answer reaches the call it was given for and no other.
"""

from __future__ import annotations

import json
import os
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from voltbridge.protocol import v16, v21, v201
from voltbridge.protocol.codec import encode
from voltbridge.protocol.errors import OcppError
from voltbridge.protocol.policy import Policy
from voltbridge.protocol.rpc import (
    CallAnswered,
    CallFailed,
    CallTimedOut,
    Event,
    Failure,
    Ignored,
    IncomingCall,
    IncomingSend,
    OutgoingCall,
    Reply,
    ResultRefused,
    Role,
    Rpc,
)
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

THOROUGH = os.environ.get("VOLTBRIDGE_HYPOTHESIS") == "thorough"
STREAM = b'{"id":1,"pending":0,"basetime":"2026-01-01T00:00:00Z","data":[{"t":0.5,"v":"1"}]}'
GARBAGE = [
    "",
    "[2]",
    '[2,"x","Heartbeat",{',
    '[3,"x",{"status":"Accepted"}]',
    '[4,"-1","RpcFrameworkError","",{}]',
    '[5,"x","GenericError","",{}]',
    '[6,"x","Nonsense",{}]',
    '[7,"x"]',
]


def accepted(version: Version, token: str) -> Payload:
    match version:
        case Version.V16:
            return v16.DataTransferResponse(status=v16.DataTransferStatus.ACCEPTED, data=token)
        case Version.V201:
            return v201.DataTransferResponse(status=v201.DataTransferStatusEnumType.ACCEPTED, data=token)
        case Version.V21:
            return v21.DataTransferResponse(status=v21.DataTransferStatusEnumType.ACCEPTED, data=token)


class Side:
    """One end with all that was started on it, kept a second time and more simply than ``Rpc`` does."""

    def __init__(self, version: Version, role: Role, policy: Policy) -> None:
        self.rpc = Rpc(version, role, policy, call_timeout=30, max_unanswered=4)
        self.inbox: list[bytes] = []
        self.tokens: dict[OutgoingCall, str] = {}
        self.running: list[OutgoingCall] = []
        self.on_the_wire: list[OutgoingCall] = []
        self.asked: dict[str, str] = {}
        """Requests of the other side that wait for an answer: id -> the token they carry."""

    def end(self, call: OutgoingCall) -> None:
        self.running.remove(call)
        if call in self.on_the_wire:
            self.on_the_wire.remove(call)


sides = st.sampled_from(Role)
picks = st.integers(0, 50)


class Conversation(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.count = 0
        self.sides: dict[Role, Side] = {}

    @initialize(version=st.sampled_from(Version), policies=st.tuples(*[st.sampled_from(Policy)] * 2))
    def connect(self, version: Version, policies: tuple[Policy, Policy]) -> None:
        self.version = version
        self.policies = policies
        self.sides = {role: Side(version, role, policy) for role, policy in zip(Role, policies, strict=True)}

    def other(self, role: Role) -> Side:
        return self.sides[Role.STATION if role is Role.CSMS else Role.CSMS]

    def pump(self) -> None:
        """What a shell does after every step: let go what may leave."""
        for role, side in self.sides.items():
            for frame in side.rpc.to_send():
                kind, unique_id, *_ = json.loads(frame)
                if kind == 2:
                    waiting = [call for call in side.running if call not in side.on_the_wire]
                    assert waiting[0].unique_id == unique_id, "CALLs leave in order"
                    side.on_the_wire.append(waiting[0])
                self.other(role).inbox.append(frame)

    def heed(self, role: Role, events: list[Event]) -> None:
        side = self.sides[role]
        for event in events:
            match event:
                case IncomingCall():
                    assert event.unique_id not in side.asked
                    side.asked[event.unique_id] = json.loads(encode(event.request))["data"]
                case CallAnswered():
                    side.end(event.call)
                    assert json.loads(bytes(event.payload))["data"] == side.tokens[event.call]
                case CallFailed(reason=Failure.REFUSED):
                    side.end(event.call)
                    # Only a full house is refused without having seen the token.
                    assert event.error.code == "GenericError" or event.error.details["token"] == side.tokens[event.call]
                case CallFailed():
                    raise AssertionError(event)
                case CallTimedOut():
                    assert event.call.deadline is not None
                    assert self.now >= event.call.deadline
                    side.end(event.call)
                case Reply():
                    self.other(role).inbox.append(event.data)
                case ResultRefused() | IncomingSend() | Ignored():
                    pass
        self.pump()

    @rule(role=sides, timeout=st.sampled_from([None, 1.0, 100.0]))
    def ask(self, role: Role, timeout: float | None) -> None:
        side = self.sides[role]
        self.count += 1
        token = f"token-{self.count}"
        request = json.dumps({"vendorId": "x", "data": token}).encode()
        call = side.rpc.start_call("DataTransfer", request, self.now, timeout)
        side.tokens[call] = token
        side.running.append(call)
        self.pump()

    @rule(role=sides, pick=picks, front=st.booleans())
    def deliver(self, role: Role, pick: int, front: bool) -> None:
        inbox = self.sides[role].inbox
        if inbox:
            data = inbox.pop(0 if front else pick % len(inbox))
            self.heed(role, self.sides[role].rpc.receive(data, self.now))

    @rule(role=sides, pick=picks)
    def lose(self, role: Role, pick: int) -> None:
        inbox = self.sides[role].inbox
        if inbox:
            del inbox[pick % len(inbox)]

    @rule(role=sides, pick=picks)
    def double(self, role: Role, pick: int) -> None:
        inbox = self.sides[role].inbox
        if inbox:
            inbox.append(inbox[pick % len(inbox)])

    @rule(role=sides, pick=picks, refuse=st.booleans())
    def answer(self, role: Role, pick: int, refuse: bool) -> None:
        side = self.sides[role]
        if side.asked:
            unique_id = sorted(side.asked)[pick % len(side.asked)]
            token = side.asked.pop(unique_id)
            if refuse:
                data = side.rpc.error(unique_id, OcppError("NotSupported", "", {"token": token}))
            else:
                data = side.rpc.result(unique_id, accepted(self.version, token))
            self.other(role).inbox.append(data)

    @rule(seconds=st.sampled_from([0.5, 5.0, 29.0, 31.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for role, side in self.sides.items():
            self.heed(role, list(side.rpc.expire(self.now)))

    @rule(role=sides, pick=picks)
    def withdraw(self, role: Role, pick: int) -> None:
        side = self.sides[role]
        if side.running:
            call = side.running[pick % len(side.running)]
            withdrawn = side.rpc.cancel(call)
            assert withdrawn == (call not in side.on_the_wire)
            if withdrawn:
                side.end(call)

    @rule(role=sides, data=st.sampled_from(GARBAGE))
    def disturb(self, role: Role, data: str) -> None:
        self.heed(role, self.sides[role].rpc.receive(data, self.now))

    @precondition(lambda self: self.version is Version.V21)
    @rule()
    def stream(self) -> None:
        self.sides[Role.STATION].rpc.send("NotifyPeriodicEventStream", STREAM)
        self.pump()

    @rule(role=sides)
    def reconnect(self, role: Role) -> None:
        for side in self.sides.values():
            ended = [event.call for event in side.rpc.close()]
            assert ended == side.running
            assert side.rpc.to_send() == []
        self.connect(self.version, self.policies)

    @invariant()
    def one_call_on_the_wire(self) -> None:
        for side in self.sides.values():
            assert len(side.on_the_wire) <= 1
            assert side.rpc.queued == len(side.running) - len(side.on_the_wire)
            assert (side.rpc.next_deadline() is not None) == bool(side.on_the_wire)

    @invariant()
    def the_same_requests_wait(self) -> None:
        for side in self.sides.values():
            assert side.rpc.unanswered == len(side.asked) <= 4

    def teardown(self) -> None:
        """Left alone, every call still ends: by its time-out, one after the other."""
        for _ in range(1000):
            if not any(side.running for side in self.sides.values()):
                break
            self.wait(100.0)
        for side in self.sides.values():
            assert not side.running
            assert side.rpc.close() == []


TestConversation: Any = Conversation.TestCase
TestConversation.settings = settings(max_examples=5000 if THOROUGH else 150, stateful_step_count=60, deadline=None)
