"""A bad line between stations and a CSMS: it breaks connections at random, and remembers what transactions it saw.

Connections break without a word, every other one in the middle of what is just being sent. What stations say of
transactions is read as it passes, so that neither side's own books have to be trusted for how many there were.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, Self, cast

__all__ = ["Line"]

_HEAD: Final = b"\r\n\r\n"
_PATH: Final = re.compile(rb"^GET \S*/([^/\s?]+)[? ]")
_MASKED: Final = 0x80


@dataclass(slots=True)
class Line:
    """A TCP relay to one port of this machine, on a port of its own."""

    target_port: int
    random: Random
    port: int = 0
    cuts: int = 0
    """How many connections were broken."""
    began: dict[str, set[str]] = field(default_factory=dict)
    """By station: the transactions that it told of, as the CSMS names them too."""
    _open: dict[_StationSide, None] = field(default_factory=dict)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _StationSide(self), "127.0.0.1", 0, backlog=4096)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for side in list(self._open):
            side.end()
        for task in self._tasks:
            task.cancel()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    async def cut_at_random(self, each_s: float) -> None:
        """For ever break one connection every so many seconds, on average."""
        due = asyncio.get_running_loop().time()
        while True:
            due += self.random.expovariate(1 / each_s)
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            if self._open:
                self.cuts += 1
                self.random.choice(list(self._open)).cut(within_a_message=self.random.random() < 0.5)

    def spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _StationSide(asyncio.Protocol):
    """The connection a station made, and ours to the CSMS behind it."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._near: asyncio.Transport | None = None
        self._far: asyncio.Transport | None = None
        self._early: list[bytes] = []
        self._torn = False
        self._said = _Said(line.began)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._near = cast(asyncio.Transport, transport)  # which uvloop's is not by inheritance
        self._line._open[self] = None
        self._line.spawn(self._reach())

    async def _reach(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            far, _ = await loop.create_connection(lambda: _CsmsSide(self), "127.0.0.1", self._line.target_port)
        except OSError:
            self.end()
            return
        self._far = far
        if self._near is None or self._near.is_closing():
            far.abort()
        for data in self._early:
            far.write(data)

    def data_received(self, data: bytes) -> None:
        if self._torn:
            self._tear(self._far, data)
        elif self._far is None:
            self._early.append(data)
        else:
            self._far.write(data)
        self._said.by_station(data)

    def answered(self, data: bytes) -> None:
        """The CSMS has sent something."""
        if self._torn:
            self._tear(self._near, data)
        elif self._near is not None:
            self._near.write(data)
        self._said.by_csms(data)

    def cut(self, *, within_a_message: bool) -> None:
        if within_a_message:
            self._torn = True
        else:
            self.end()

    def _tear(self, transport: asyncio.Transport | None, data: bytes) -> None:
        if transport is not None and not transport.is_closing():
            with contextlib.suppress(OSError):
                transport.write(data[: len(data) // 2])
        asyncio.get_running_loop().call_soon(self.end)

    def connection_lost(self, error: Exception | None) -> None:
        self.end()

    def end(self) -> None:
        self._line._open.pop(self, None)
        for transport in (self._near, self._far):
            if transport is not None and not transport.is_closing():
                transport.abort()


class _CsmsSide(asyncio.Protocol):
    def __init__(self, other: _StationSide) -> None:
        self._other = other

    def data_received(self, data: bytes) -> None:
        self._other.answered(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._other.end()


class _Said:
    """What passes on one connection, as far as transactions begin by it."""

    def __init__(self, began: dict[str, set[str]]) -> None:
        self._began = began
        self._up = b""
        self._down = b""
        self._identity: str | None = None
        self._answers_head = True
        self._asked: set[str] = set()
        """Of StartTransaction: the answer brings the name."""

    def by_station(self, data: bytes) -> None:
        self._up += data
        if self._identity is None:
            head, there, rest = self._up.partition(_HEAD)
            if not there:
                return
            path = _PATH.match(head)
            self._identity = path[1].decode() if path else "?"
            self._up = rest
        self._up, texts = _messages(self._up)
        for text in texts:
            if b'"StartTransaction"' in text:
                self._asked.add(json.loads(text)[1])
            elif b'"TransactionEvent"' in text:
                self._note(json.loads(text)[3]["transactionInfo"]["transactionId"])

    def by_csms(self, data: bytes) -> None:
        self._down += data
        if self._answers_head:
            _, there, rest = self._down.partition(_HEAD)
            if not there:
                return
            self._answers_head = False
            self._down = rest
        self._down, texts = _messages(self._down)
        for text in texts if self._asked else ():
            frame = json.loads(text)
            if frame[0] == 3 and frame[1] in self._asked:
                self._asked.discard(frame[1])
                self._note(str(frame[2]["transactionId"]))

    def _note(self, transaction_id: str) -> None:
        assert self._identity is not None
        self._began.setdefault(self._identity, set()).add(transaction_id)


def _messages(buffer: bytes) -> tuple[bytes, list[bytes]]:
    """The rest, and the text messages that are complete. No station or CSMS of ours sends fragments or compresses."""
    texts = []
    while len(buffer) >= 2:
        size, at = buffer[1] & 0x7F, 2
        if size == 126:
            size, at = int.from_bytes(buffer[2:4]), 4
        elif size == 127:
            size, at = int.from_bytes(buffer[2:10]), 10
        mask = b""
        if buffer[1] & _MASKED:
            mask, at = buffer[at : at + 4], at + 4
        if len(buffer) < at + size:
            break
        if buffer[0] & 0x0F == 1:
            text = buffer[at : at + size]
            if mask:
                repeated = (mask * (size // 4 + 1))[:size]
                text = (int.from_bytes(text) ^ int.from_bytes(repeated)).to_bytes(size)
            texts.append(text)
        buffer = buffer[at + size :]
    return buffer, texts
