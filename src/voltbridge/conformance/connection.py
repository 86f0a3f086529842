"""The kit's end of a WebSocket: a small RPC layer of its own, strict where the product's may be lenient.

It plays the charging station. Every frame that comes in has to be a well-formed OCPP-J frame, an answer to the
call that is outstanding or a call; anything else is a fault that fails the case at its next step. A call that the case
does not wait for is answered with NotSupported, which any CSMS has to live with.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple, Self

import aiohttp
import msgspec

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.patience import within
from voltbridge.conformance.received import Received
from voltbridge.conformance.transcript import Entry, Transcript, Way
from voltbridge.domain.clock import Clock
from voltbridge.protocol.codec import Violation, decode
from voltbridge.protocol.registry import actions
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["Connection", "Credentials", "UpgradeRefused"]

_CALL, _CALL_RESULT, _CALL_ERROR = 2, 3, 4


class Credentials(NamedTuple):
    """For Basic authentication."""

    username: str
    password: str

    def header(self) -> dict[str, str]:
        """The header that carries them."""
        joined = f"{self.username}:{self.password}".encode()
        return {"Authorization": f"Basic {base64.b64encode(joined).decode()}"}


class UpgradeRefused(Exception):
    """The peer answered the upgrade request with a plain HTTP response."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


@dataclass(slots=True)
class _Outstanding:
    """The call that waits for its answer."""

    unique_id: str
    answer: asyncio.Future[tuple[int, list[msgspec.Raw]]]


@dataclass(slots=True)
class _Awaited:
    """The call from the peer that a case waits for."""

    action: str
    came: asyncio.Future[tuple[str, msgspec.Raw]]


class Connection:
    """An open WebSocket, to be closed by ``close``."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        socket: aiohttp.ClientWebSocketResponse,
        headers: Mapping[str, str],
        transcript: Transcript,
        clock: Clock,
        version: Version,
    ) -> None:
        self._version = version
        self._actions = actions(version)
        self._session = session
        self._socket = socket
        self._transcript = transcript
        self._clock = clock
        self._fault: str | None = None
        self._outstanding: _Outstanding | None = None
        self._awaited: _Awaited | None = None
        self._taken: dict[
            str, tuple[Mapping[str, Any] | Callable[[], Mapping[str, Any]], asyncio.Queue[msgspec.Raw]]
        ] = {}
        self._reader = asyncio.create_task(self._read())
        self.headers = headers
        """Of the response that upgraded the connection."""

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        subprotocols: Sequence[str],
        credentials: Credentials | None,
        transcript: Transcript,
        clock: Clock,
        timeout_s: float,
        version: Version = Version.V201,
    ) -> Self:
        """Connect and upgrade.

        Raises UpgradeRefused when the peer answers but does not upgrade, OSError when there is no such peer, when it
        hangs up or does not answer in time.
        """
        headers: dict[str, str] = {}

        async def keep(_: object, __: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
            headers.update(params.response.headers)

        tracing = aiohttp.TraceConfig()
        tracing.on_request_end.append(keep)
        session = aiohttp.ClientSession(headers=credentials.header() if credentials else None, trace_configs=[tracing])
        offered = ",".join(subprotocols)
        note = f"upgrade {url} Sec-WebSocket-Protocol: {offered}"
        transcript.append(Entry(clock.now(), Way.SENT, f"{note} as {credentials.username}" if credentials else note))
        try:
            async with within(timeout_s, clock):
                socket = await session.ws_connect(url, protocols=subprotocols, max_msg_size=0)
        except aiohttp.WSServerHandshakeError as error:
            await session.close()
            transcript.append(Entry(clock.now(), Way.RECEIVED, f"HTTP {error.status}"))
            raise UpgradeRefused(error.status) from error
        except aiohttp.ClientError as error:
            await session.close()
            raise ConnectionError(str(error)) from error
        except BaseException:
            await session.close()
            raise
        selected = headers.get("Sec-WebSocket-Protocol")
        transcript.append(Entry(clock.now(), Way.RECEIVED, f"HTTP 101 Sec-WebSocket-Protocol: {selected}"))
        return cls(session, socket, headers, transcript, clock, version)

    async def call(self, step: str, action: str, payload: Mapping[str, Any], timeout_s: float) -> Received:
        """Send a CALL; the CALLRESULT's payload. ``step`` is where the answer belongs.

        Raises StepFailed when the answer does not come in time, is an error or breaks the schema.
        """
        message_type, rest = await self._exchange(step, action, payload, timeout_s, f"{action}Response")
        if message_type == _CALL_ERROR:
            raise StepFailed(step, f"{action}Response", _shown_error(rest))
        response = self._actions[action].response
        assert response is not None
        return self._checked(step, f"{action}Response", response, rest[0])

    async def refused(self, step: str, action: str, payload: Mapping[str, Any], timeout_s: float, code: str) -> None:
        """Send a CALL that has to be answered with a CALLERROR of this code. Raises StepFailed when it is not."""
        wanted = f"CALLERROR {code}"
        message_type, rest = await self._exchange(step, action, payload, timeout_s, wanted)
        if message_type != _CALL_ERROR:
            raise StepFailed(step, wanted, f"{action}Response")
        if msgspec.json.decode(rest[0]) != code:
            raise StepFailed(step, wanted, _shown_error(rest))

    async def _exchange(
        self, step: str, action: str, payload: Mapping[str, Any], timeout_s: float, wanted: str
    ) -> tuple[int, list[msgspec.Raw]]:
        """Send a CALL; the type of the answer and what follows its id. Raises StepFailed when there is none in time."""
        kind = self._actions[action]
        request = msgspec.json.encode(payload)
        decode(kind.request, request)
        unique_id = str(uuid.uuid4())
        self.check(step)
        outstanding = _Outstanding(unique_id, asyncio.get_running_loop().create_future())
        self._outstanding = outstanding
        try:
            async with within(timeout_s, self._clock):
                await self._send([_CALL, unique_id, action, payload])
                message_type, rest = await outstanding.answer
        except TimeoutError:
            raise StepFailed(step, wanted, f"nothing within {timeout_s:g} s") from None
        finally:
            self._outstanding = None
        self.check(step)
        return message_type, rest

    def listen(self, action: str) -> asyncio.Future[tuple[str, msgspec.Raw]]:
        """From now on wait for the peer's CALL of this action; the future gets its unique id and payload."""
        came: asyncio.Future[tuple[str, msgspec.Raw]] = asyncio.get_running_loop().create_future()
        self._awaited = _Awaited(action, came)
        return came

    def take(
        self, action: str, answer: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    ) -> asyncio.Queue[msgspec.Raw]:
        """From now on answer the peer's CALLs of an action so, whenever they come; the queue gets their payloads."""
        came: asyncio.Queue[msgspec.Raw] = asyncio.Queue()
        self._taken[action] = (answer, came)
        return came

    def release(self, action: str) -> None:
        """Take them no more."""
        self._taken.pop(action, None)

    def request(self, step: str, action: str, payload: msgspec.Raw) -> Received:
        """The payload of a CALL that came. Raises StepFailed when it breaks the schema."""
        self.check(step)
        return self._checked(step, f"{action}Request", self._actions[action].request, payload)

    async def answer(self, step: str, action: str, unique_id: str, payload: Mapping[str, Any]) -> None:
        """Send the CALLRESULT."""
        kind = self._actions[action].response
        assert kind is not None
        decode(kind, msgspec.json.encode(payload))
        await self._send([_CALL_RESULT, unique_id, payload])
        self.check(step)

    async def refuse(self, step: str, unique_id: str, code: str) -> None:
        """Send a CALLERROR with this code."""
        await self._send([_CALL_ERROR, unique_id, code, "", {}])
        self.check(step)

    def check(self, step: str) -> None:
        """Raises StepFailed when the peer broke the protocol since the connection was opened."""
        if self._fault is not None:
            raise StepFailed(step, "a peer that keeps to the protocol", self._fault)

    async def close(self) -> None:
        """Close the WebSocket the regular way."""
        self._reader.cancel()
        await asyncio.wait([self._reader])
        if not self._socket.closed:
            self._note("close")
            await self._socket.close()
        await self._session.close()

    async def _send(self, frame: list[Any]) -> None:
        text = msgspec.json.encode(frame).decode()
        self._transcript.append(Entry(self._clock.now(), Way.SENT, text))
        try:
            await self._socket.send_str(text)
        except (OSError, aiohttp.ClientError) as error:
            self._break(f"the connection was lost: {error}")

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                self._break(f"a {message.type.name} frame")
                return
            self._transcript.append(Entry(self._clock.now(), Way.RECEIVED, message.data))
            try:
                parts = msgspec.json.decode(message.data, type=list[msgspec.Raw])
                await self._take(parts)
            except (msgspec.MsgspecError, IndexError, RecursionError):
                self._break(f"a frame that is no OCPP-J: {message.data}")
        self._note(f"closed by the peer: {self._socket.close_code}")
        self._break(f"the connection was closed by the peer (code {self._socket.close_code})")

    async def _take(self, parts: list[msgspec.Raw]) -> None:
        message_type = msgspec.json.decode(parts[0], type=int)
        unique_id = msgspec.json.decode(parts[1], type=str)
        lengths = {_CALL: 4, _CALL_RESULT: 3, _CALL_ERROR: 5}
        if len(parts) != lengths.get(message_type):
            self._break(f"a frame of type {message_type} with {len(parts)} elements")
        elif message_type == _CALL:
            await self._take_call(unique_id, msgspec.json.decode(parts[2], type=str), parts[3])
        elif self._outstanding is None or self._outstanding.unique_id != unique_id:
            self._break(f"an answer to no outstanding call: {unique_id}")
        elif self._outstanding.answer.done():
            self._break(f"a second answer to {unique_id}")
        else:
            self._outstanding.answer.set_result((message_type, parts[2:]))

    async def _take_call(self, unique_id: str, action: str, payload: msgspec.Raw) -> None:
        awaited = self._awaited
        if action in self._taken:
            answer, came = self._taken[action]
            came.put_nowait(payload)
            await self._send([_CALL_RESULT, unique_id, answer() if callable(answer) else answer])
        elif awaited is not None and awaited.action == action and not awaited.came.done():
            awaited.came.set_result((unique_id, payload))
        else:
            await self._send([_CALL_ERROR, unique_id, "NotSupported", "Not part of this test case", {}])

    def _break(self, fault: str) -> None:
        self._fault = self._fault or fault
        # Whoever waits learns of it at once: check() follows every wait.
        if self._outstanding is not None and not self._outstanding.answer.done():
            self._outstanding.answer.set_result((_CALL_RESULT, []))
        if self._awaited is not None and not self._awaited.came.done():
            self._awaited.came.set_result(("", msgspec.Raw(b"{}")))
        for _, came in self._taken.values():
            came.put_nowait(msgspec.Raw(b"{}"))

    def _note(self, text: str) -> None:
        self._transcript.append(Entry(self._clock.now(), Way.NOTE, text))

    def _checked(self, step: str, name: str, kind: type[Payload], payload: msgspec.Raw) -> Received:
        """The payload when the schema accepts it; raises StepFailed otherwise."""
        try:
            decode(kind, payload)
        except Violation as violation:
            wrong = f"{violation} ({violation.kind})"
            raise StepFailed(step, f"{name} as the schema wants it", wrong) from None
        return Received(step, name, msgspec.json.decode(payload))


def _shown_error(rest: list[msgspec.Raw]) -> str:
    return "CALLERROR " + " ".join(bytes(part).decode() for part in rest)
