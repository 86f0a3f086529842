"""Our calls to charge points that nobody here wrote: each message there is, its answer, and what can go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Collection
from typing import Any

import pytest
from ocpp.exceptions import SecurityError
from tests.peers.charge_points import DEFECTS, Peer, answer_to, connected, from_csms, request_of
from tests.peers.conftest import Csms
from tests.peers.stories import boot
from tests.support.rest import Answer

from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

VERSIONS = pytest.mark.parametrize("version", list(Version), ids=lambda version: version.label)
HOW_MANY = {Version.V16: 26, Version.V201: 40, Version.V21: 55}


@contextlib.asynccontextmanager
async def accepted(
    csms: Csms, version: Version, identity: str, *, without: Collection[str] = ()
) -> AsyncIterator[Peer]:
    """A charge point that was expected and has booted."""
    await csms.rest.post("/stations", {"station_id": identity})
    async with connected(csms.port, identity, version, without=without) as peer:
        assert (await boot(peer))[0] == "Accepted"
        yield peer


async def through_the_door(csms: Csms, peer: Peer, action: str, body: bytes, timeout_s: float = 60) -> Answer:
    path = f"/stations/{peer.identity}/ocpp/{action}"
    return await csms.rest.ask("POST", path, data=body, timeout_s=timeout_s)


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def backwards(value: Any) -> Any:
    """The same JSON with its fields in the opposite order."""
    if isinstance(value, dict):
        return {key: backwards(value[key]) for key in reversed(value)}
    return [backwards(item) for item in value] if isinstance(value, list) else value


def problem(answer: Answer) -> tuple[int, str, Any]:
    assert answer.content_type == "application/problem+json", answer
    said = answer.json
    assert said["status"] == answer.status
    return answer.status, said["type"].rpartition(":")[2], said.get("ocpp_error")


@VERSIONS
async def test_every_message_arrives_compact_and_in_order_and_its_answer_comes_back_verbatim(
    csms: Csms, version: Version, identity: str
) -> None:
    names = from_csms(version)
    assert len(names) == HOW_MANY[version]
    async with accepted(csms, version, identity) as peer:
        for name in names:
            request = request_of(version, name)
            answer = await through_the_door(csms, peer, name, json.dumps(backwards(request), indent=2).encode())
            assert answer.status == 200, (name, answer)
            assert peer.called.get_nowait() == name
            _, unique_id, action, _ = json.loads(peer.received[-1])
            assert action == name
            assert peer.received[-1] == f'[2,"{unique_id}","{name}",{compact(request)}]'
            assert peer.sent[-1] == f'[3,"{unique_id}",{answer.body.decode()}]'
            assert answer.content_type == "application/json"
        assert peer.called.empty()


async def test_the_peer_misspells_fields_of_its_own_answer(csms: Csms, identity: str) -> None:
    """Its defect, not ours: it builds limitL2 from limit_L2, and its own validation then refuses its answer."""
    ((version, action),) = DEFECTS
    async with accepted(csms, version, identity) as peer:
        peer.answers[action] = answer_to(version, action)
        answer = await through_the_door(csms, peer, action, json.dumps(request_of(version, action)).encode())
    status, type, error = problem(answer)
    assert (status, type, error["code"]) == (502, "call-error", "FormatViolation")
    assert "limitL2" in error["details"]["cause"]


@VERSIONS
async def test_a_callerror_of_a_handler_is_passed_through(csms: Csms, version: Version, identity: str) -> None:
    async with accepted(csms, version, identity) as peer:
        peer.answers["ClearCache"] = SecurityError(description="not today", details={"why": ["because", 1]})
        answer = await through_the_door(csms, peer, "ClearCache", b"{}")
        assert problem(answer) == (
            502,
            "call-error",
            {"code": "SecurityError", "description": "not today", "details": {"why": ["because", 1]}},
        )
        # The connection is none the worse for it.
        del peer.answers["ClearCache"]
        assert (await through_the_door(csms, peer, "ClearCache", b"{}")).status == 200


@pytest.mark.parametrize("version", [Version.V16, Version.V201], ids=lambda version: version.label)
async def test_an_action_the_station_has_no_handler_for(csms: Csms, version: Version, identity: str) -> None:
    async with accepted(csms, version, identity, without=["ClearCache"]) as peer:
        status, type, error = problem(await through_the_door(csms, peer, "ClearCache", b"{}"))
        assert (status, type, error["code"]) == (502, "call-error", "NotImplemented")


async def test_the_peer_never_answers_an_action_without_a_handler_in_the_newest_version(
    csms: Csms, identity: str
) -> None:
    """Its defect, not ours: it knows what to say in 1.6 and 2.0.1 only. For us it is a station that is silent."""
    async with accepted(csms, Version.V21, identity, without=["ClearCache"]) as peer:
        assert problem(await through_the_door(csms, peer, "ClearCache", b"{}", timeout_s=0.3))[:2] == (504, "no-answer")


@VERSIONS
async def test_a_late_answer_is_nobodys(csms: Csms, version: Version, identity: str) -> None:
    async with accepted(csms, version, identity) as peer:
        held = asyncio.Event()
        peer.answers["ClearCache"] = held
        assert problem(await through_the_door(csms, peer, "ClearCache", b"{}", timeout_s=0.3))[:2] == (504, "no-answer")
        while await peer.called.get() != "ClearCache":
            pass
        # The next call has arrived, behind the one that is not answered yet; it gets its own answer.
        next_call = asyncio.create_task(through_the_door(csms, peer, "GetLocalListVersion", b"{}"))
        assert "GetLocalListVersion" in await peer.next_received()
        held.set()
        answer = await next_call
        assert (answer.status, answer.json) == (200, answer_to(version, "GetLocalListVersion"))


@VERSIONS
async def test_a_request_that_breaks_the_schema_never_reaches_the_station(
    csms: Csms, version: Version, identity: str
) -> None:
    async with accepted(csms, version, identity) as peer:
        answer = await through_the_door(csms, peer, "Reset", b'{"type":"Sideways"}')
        assert problem(answer)[:2] == (400, "invalid-request")
        assert [error["path"] for error in answer.json["errors"]] == ["$.type"]
        assert (await through_the_door(csms, peer, "SelfDestruct", b"{}")).status == 400
        assert (await through_the_door(csms, peer, "ClearCache", b"{}")).status == 200
        assert [peer.called.get_nowait(), peer.called.empty()] == ["ClearCache", True]


@VERSIONS
async def test_a_connector_that_no_station_has_reaches_the_wire(csms: Csms, version: Version, identity: str) -> None:
    """Held against the schema and nothing else."""
    body = b'{"connectorId":99}' if version is Version.V16 else b'{"evseId":99,"connectorId":99}'
    async with accepted(csms, version, identity) as peer:
        assert (await through_the_door(csms, peer, "UnlockConnector", body)).status == 200
        assert peer.received[-1].endswith(f'"UnlockConnector",{body.decode()}]')


async def test_stations_that_are_unknown_or_away(csms: Csms, identity: str) -> None:
    path = f"/stations/{identity}/ocpp/ClearCache"
    assert problem(await csms.rest.ask("POST", path, {}))[:2] == (404, "not-found")
    async with accepted(csms, Version.V16, identity):
        pass
    await csms.rest.event("station.disconnected", identity)
    assert problem(await csms.rest.ask("POST", path, {}))[:2] == (409, "not-connected")


@VERSIONS
async def test_a_station_that_leaves_while_it_is_asked(csms: Csms, version: Version, identity: str) -> None:
    async with accepted(csms, version, identity) as peer:
        peer.answers["ClearCache"] = asyncio.Event()
        asked = asyncio.create_task(through_the_door(csms, peer, "ClearCache", b"{}"))
        assert await peer.called.get() == "ClearCache"
        await peer.close()
        assert problem(await asked)[:2] == (409, "not-connected")
