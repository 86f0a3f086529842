"""The kit's own client: what it takes from a peer, and what it holds against it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import WSMsgType, web

from voltbridge.clock import SystemClock
from voltbridge.conformance.connection import Connection, Credentials, UpgradeRefused
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.transcript import Transcript, Way
from voltbridge.protocol.codec import Violation

pytestmark = pytest.mark.anyio

Answer = Callable[[web.WebSocketResponse, str], Awaitable[None]]
HEARTBEAT = '"currentTime":"2026-01-01T00:00:00Z"'


@asynccontextmanager
async def connected(answer: Answer, transcript: Transcript | None = None) -> AsyncIterator[Connection]:
    """A connection to a peer that does ``answer`` with every frame's message id."""

    async def accept(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["ocpp2.0.1"])
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await answer(socket, message.data.split('"')[1])
        return socket

    application = web.Application()
    application.router.add_get("/CP", accept)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"ws://127.0.0.1:{runner.addresses[0][1]}/CP"
    connection = await _open(url, [] if transcript is None else transcript)
    try:
        yield connection
    finally:
        await connection.close()
        await runner.cleanup()


async def _open(url: str, transcript: Transcript) -> Connection:
    return await Connection.open(
        url,
        subprotocols=["ocpp2.0.1"],
        credentials=Credentials("CP", "secret"),
        transcript=transcript,
        clock=SystemClock(),
        timeout_s=30,
    )


def says(*texts: str) -> Answer:
    async def answer(socket: web.WebSocketResponse, unique_id: str) -> None:
        for text in texts:
            await socket.send_str(text.replace("ID", unique_id))

    return answer


async def test_call() -> None:
    transcript: Transcript = []
    async with connected(says(f'[3,"ID",{{{HEARTBEAT}}}]'), transcript) as connection:
        received = await connection.call("2", "Heartbeat", {}, 30)
        assert received.payload == {"currentTime": "2026-01-01T00:00:00Z"}
        assert connection.headers["Sec-WebSocket-Protocol"] == "ocpp2.0.1"
    assert [entry.way for entry in transcript] == [Way.SENT, Way.RECEIVED, Way.SENT, Way.RECEIVED, Way.NOTE]
    assert "secret" not in " ".join(map(str, transcript))


@pytest.mark.parametrize(
    ("frames", "received"),
    [
        ((), "nothing within"),
        (('[4,"ID","InternalError","",{}]',), 'CALLERROR "InternalError"'),
        (('[3,"ID",{}]',), "currentTime"),
        (('[3,"ID",{"currentTime":"yesterday"}]',), "currentTime"),
        ((f'[3,"ID",{{{HEARTBEAT},"extra":1}}]',), "extra"),
        (('[3,"other",{}]',), "no outstanding call"),
        (("not JSON",), "no OCPP-J"),
        (("{}",), "no OCPP-J"),
        (("[]",), "no OCPP-J"),
        (('["3","ID",{}]',), "no OCPP-J"),
        (('[3,"ID"]',), "with 2 elements"),
        (('[3,"ID",{},{}]',), "with 4 elements"),
        (('[9,"ID",{}]',), "type 9"),
        (("[" * 10_000,), "no OCPP-J"),
    ],
)
async def test_what_is_no_proper_answer(frames: tuple[str, ...], received: str) -> None:
    async with connected(says(*frames)) as connection:
        with pytest.raises(StepFailed) as failure:
            await connection.call("2", "Heartbeat", {}, 30 if frames else 0.2)
        assert received in failure.value.received
        assert failure.value.step == "2"


async def test_a_second_answer_fails_the_next_step() -> None:
    answer = f'[3,"ID",{{{HEARTBEAT}}}]'
    async with connected(says(answer, answer)) as connection:
        with pytest.raises(StepFailed) as failure:
            for step in ("2", "4"):
                await connection.call(step, "Heartbeat", {}, 30)
        assert "answer" in failure.value.received


async def test_a_binary_frame_is_a_fault() -> None:
    async def answer(socket: web.WebSocketResponse, unique_id: str) -> None:
        await socket.send_bytes(b"[]")

    async with connected(answer) as connection:
        with pytest.raises(StepFailed, match="BINARY"):
            await connection.call("2", "Heartbeat", {}, 30)


async def test_a_closed_connection_is_a_fault() -> None:
    async def answer(socket: web.WebSocketResponse, unique_id: str) -> None:
        await socket.close(code=1011)

    async with connected(answer) as connection:
        with pytest.raises(StepFailed, match="1011"):
            await connection.call("2", "Heartbeat", {}, 30)
        with pytest.raises(StepFailed, match="1011"):
            connection.check("3")


async def test_a_call_nobody_waits_for_is_refused() -> None:
    transcript: Transcript = []
    unasked = '[2,"theirs","ClearCache",{}]'
    async with connected(says(unasked, f'[3,"ID",{{{HEARTBEAT}}}]'), transcript) as connection:
        await connection.call("2", "Heartbeat", {}, 30)
    sent = [entry.text for entry in transcript if entry.way is Way.SENT]
    assert sent[-1].startswith('[4,"theirs","NotSupported"')


async def test_a_call_that_is_awaited() -> None:
    async with connected(says(f'[3,"ID",{{{HEARTBEAT}}}]', '[2,"theirs","ClearCache",{}]')) as connection:
        came = connection.listen("ClearCache")
        await connection.call("2", "Heartbeat", {}, 30)
        unique_id, payload = await came
        assert unique_id == "theirs"
        assert connection.request("3", "ClearCache", payload).payload == {}


async def test_a_wrong_payload_of_the_case_itself_is_not_sent() -> None:
    transcript: Transcript = []
    async with connected(says(), transcript) as connection:
        with pytest.raises(Violation):
            await connection.call("2", "Heartbeat", {"unknown": 1}, 30)
        assert not any("Heartbeat" in entry.text for entry in transcript)


async def test_no_peer_at_all() -> None:
    with pytest.raises(OSError):
        await _open("ws://127.0.0.1:1/CP", [])


async def test_a_refused_upgrade() -> None:
    application = web.Application()
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with pytest.raises(UpgradeRefused) as refused:
        await _open(f"ws://127.0.0.1:{runner.addresses[0][1]}/CP", [])
    assert refused.value.status == 404
    await runner.cleanup()


async def test_a_peer_that_hangs_up() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        with pytest.raises(ConnectionError):
            await _open(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/CP", [])
