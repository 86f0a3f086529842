"""A gateway on a real socket among stand-ins, and a station that can put any byte on the wire."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from tests.csms.fakes import START, FakeClock, FakeJournal

from voltbridge.bus.local import LocalBus
from voltbridge.csms.gateway.endpoint import Gateway
from voltbridge.csms.gateway.limits import Limits
from voltbridge.domain.admission import AdmissionRequest, Admitted, Arrival, Refused
from voltbridge.domain.messages import MessageDirection, MessageRecord
from voltbridge.domain.station_calls import StationCall
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings, Strictness
from voltbridge.protocol import v16, v21, v201
from voltbridge.protocol.actions import Action
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.protocol.policy import Deviation
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
PATIENCE = 30.0
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}


class Admission:
    """Admits everybody, unless told otherwise."""

    def __init__(self) -> None:
        self.asked: list[AdmissionRequest] = []
        self.answer: Admitted | Refused | Exception = Admitted(authenticated=True)
        self.gate = asyncio.Event()
        self.gate.set()

    async def admit(self, request: AdmissionRequest) -> Admitted | Refused:
        self.asked.append(request)
        await self.gate.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


Answer = Callable[[LiveStation, Payload], Awaitable[Payload | None]]


class Desk:
    """Remembers what happened, in order, and answers with ``answers`` by action, else with the time or nothing."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.log: list[str] = []
        """``open CS1``, ``Heartbeat CS1`` when begun, ``done Heartbeat CS1``, ``close CS1: reason``."""
        self.requests: list[Payload] = []
        self.deviations: list[Sequence[Deviation]] = []
        self.lives: dict[str, LiveStation] = {}
        self.arrivals: dict[str, Arrival] = {}
        self.answers: dict[str, Answer] = {}
        self.called: list[StationCall] = []
        self.strictness: Strictness | None = None
        self.failure: Exception | None = None
        self.changed = asyncio.Event()

    async def open(self, identity: str, version: Version, arrival: Arrival) -> LiveStation:
        if self.failure is not None:
            raise self.failure
        self._note(f"open {identity}")
        self.arrivals[identity] = arrival
        settings = StationSettings(identity, RegistrationStatus.ACCEPTED, START, strictness=self.strictness)
        report = StationReport(identity, protocol=version.value, vendor="V", model="M", firmware_version="1.0")
        live = self.lives[identity] = LiveStation(identity, settings, report, RegistrationStatus.ACCEPTED)
        return live

    async def handle(
        self, live: LiveStation, version: Version, action: Action, request: Payload, deviations: Sequence[Deviation]
    ) -> Payload | None:
        self._note(f"{action.name} {live.station_id}")
        self.requests.append(request)
        self.deviations.append(deviations)
        answer = self.answers.get(action.name)
        response = await (answer(live, request) if answer is not None else self._plain(version, action))
        self._note(f"done {action.name} {live.station_id}")
        return response

    async def _plain(self, version: Version, action: Action) -> Payload | None:
        if action.response is None:
            return None
        now = DateTime.of(self.clock.now())
        for messages in (v16, v201, v21):
            if action.response is messages.HeartbeatResponse:
                return messages.HeartbeatResponse(current_time=now)
        try:
            return action.response()
        except TypeError:
            raise OcppError(ErrorCode.GENERIC_ERROR, "the test says nothing about this action") from None

    def calling(self, live: LiveStation, version: Version, call: StationCall) -> None:
        self.called.append(call)

    async def close(self, live: LiveStation, reason: str) -> None:
        self._note(f"close {live.station_id}: {reason}")

    def _note(self, entry: str) -> None:
        self.log.append(entry)
        self.changed.set()

    async def logged(self, start: str, times: int = 1) -> None:
        """Wait until that many entries begin like this."""
        async with asyncio.timeout(PATIENCE):
            while sum(entry.startswith(start) for entry in self.log) < times:
                self.changed.clear()
                await self.changed.wait()


class Refusing:
    """An answer that refuses."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def __call__(self, live: LiveStation, request: Payload) -> Payload | None:
        raise self.error


class Holding:
    """An answer that waits until it is released."""

    def __init__(self, response: Payload | None) -> None:
        self.response = response
        self.begun = asyncio.Event()
        self.release = asyncio.Event()

    async def __call__(self, live: LiveStation, request: Payload) -> Payload | None:
        self.begun.set()
        await self.release.wait()
        return self.response


@dataclass
class Site:
    """Everything around one gateway."""

    clock: FakeClock = field(default_factory=FakeClock)
    journal: FakeJournal = field(default_factory=FakeJournal)
    bus: LocalBus = field(default_factory=LocalBus)
    admission: Admission = field(default_factory=Admission)
    desk: Desk = field(init=False)
    gateway: Gateway = field(init=False)
    stations: list[RawStation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = Desk(self.clock)

    async def connect(
        self,
        identity: str = "CS1",
        *protocols: str,
        headers: Sequence[tuple[str, str]] = (),
        target: str | None = None,
    ) -> RawStation:
        """A station whose upgrade must succeed."""
        station = await self.ask(identity, *protocols, headers=headers, target=target)
        assert station.status == 101, (station.status, station.body)
        return station

    async def ask(
        self,
        identity: str = "CS1",
        *protocols: str,
        headers: Sequence[tuple[str, str]] = (),
        target: str | None = None,
        plain: bool = False,
    ) -> RawStation:
        """A station that asks for the upgrade; its ``status`` says what became of it."""
        station = await self.socket()
        offered = [] if plain else [("Sec-WebSocket-Protocol", ", ".join(protocols or ("ocpp1.6",)))]
        await station.upgrade(target or f"/ocpp/{identity}", [*offered, *headers])
        return station

    async def socket(self, tls: ssl.SSLContext | None = None) -> RawStation:
        """A station that has not said anything yet; with ``tls`` on the port for that, after the handshake."""
        station = RawStation()
        port = self.gateway.port if tls is None else self.tls_port
        await station.connect(port, tls)
        self.stations.append(station)
        return station

    @property
    def tls_port(self) -> int:
        port = self.gateway.tls_port
        assert port is not None
        return port

    def records(self, direction: MessageDirection | None = None) -> list[MessageRecord]:
        """The message log."""
        return [one for one in self.journal.of(MessageRecord) if direction in (None, one.direction)]

    async def stop(self, timeout_s: float = 5.0) -> None:
        """Stop the gateway; its clock has to be moved for the time-outs of a stop to pass."""
        await self.gateway.stop(timeout_s)


@contextlib.asynccontextmanager
async def site(limits: Limits | None = None, tls: Callable[[], ssl.SSLContext] | None = None) -> AsyncIterator[Site]:
    """A running gateway, by TLS too with ``tls``; at the end nothing of it may be left."""
    place = Site()
    place.gateway = Gateway(
        admission=place.admission,
        desk=place.desk,
        bus=place.bus,
        journal=place.journal,
        clock=place.clock,
        limits=limits or Limits(ping_interval_s=0),
    )
    await place.gateway.start("127.0.0.1", 0)
    if tls is not None:
        await place.gateway.start_tls("127.0.0.1", 0, tls)
    try:
        yield place
    finally:
        for station in place.stations:
            station.drop()
        async with asyncio.timeout(PATIENCE):
            stopping = asyncio.ensure_future(place.stop())
            while not stopping.done():
                await asyncio.wait([stopping], timeout=0.05)
                place.clock.advance(1)
            await stopping
            await place.bus.close()


class RawStation:
    """The station's end of a socket: it can be correct, and it can be anything else."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._last_id = 0

    async def connect(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)

    async def upgrade(self, target: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        """Send a request and read the head of the answer, and its body when it is no 101."""
        lines = [
            f"GET {target} HTTP/1.1",
            "Host: csms.example",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            *(f"{name}: {value}" for name, value in headers),
        ]
        await self.request("\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n")

    async def request(self, head: bytes) -> None:
        self._writer.write(head)
        async with asyncio.timeout(PATIENCE):
            lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            self.status = int(lines[0].split()[1])
            self.headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
            }
            if self.status != 101:
                self.body = await self._reader.readexactly(int(self.headers.get("content-length", "0")))

    # Out

    def write(self, data: bytes) -> None:
        """Raw bytes."""
        self._writer.write(data)

    def frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv1: bool = False) -> None:
        """One masked frame."""
        self.write(frame(opcode, payload, fin=fin, rsv1=rsv1))

    def text(self, message: str | bytes) -> None:
        self.frame(TEXT, message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message)

    def call(self, action: str, payload: Any = None, unique_id: str | None = None) -> str:
        """A CALL; gives its id."""
        self._last_id += 1
        unique_id = unique_id or f"s{self._last_id}"
        self.text(json.dumps([2, unique_id, action, {} if payload is None else payload]))
        return unique_id

    def result(self, unique_id: str, payload: Any = None) -> None:
        self.text(json.dumps([3, unique_id, {} if payload is None else payload]))

    def drop(self) -> None:
        """Cut the connection without a word."""
        self._writer.transport.abort()

    # In

    async def receive(self) -> tuple[int, bytes]:
        """The next frame: first byte and payload. Raises EOFError at the end of the connection."""
        try:
            async with asyncio.timeout(PATIENCE):
                first, size = await self._reader.readexactly(2)
                if size == 126:
                    (size,) = struct.unpack("!H", await self._reader.readexactly(2))
                elif size == 127:
                    (size,) = struct.unpack("!Q", await self._reader.readexactly(8))
                return first, await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise EOFError from None

    async def message(self) -> Any:
        """The next message's JSON; it must come in one uncompressed text frame."""
        first, payload = await self.receive()
        assert first == 0x80 | TEXT, (first, payload)
        return json.loads(payload)

    async def ask(self, action: str, payload: Any = None) -> Any:
        """What a call is answered with: the whole frame."""
        unique_id = self.call(action, payload)
        answer = await self.message()
        assert answer[1] == unique_id
        return answer

    async def closing(self) -> tuple[int, str]:
        """Code and reason of the close that comes next; whatever comes before is skipped. The close is answered."""
        while True:
            first, payload = await self.receive()
            if first == 0x80 | CLOSE:
                with contextlib.suppress(ConnectionError):
                    self.frame(CLOSE, payload[:2])
                return (int.from_bytes(payload[:2]), payload[2:].decode()) if payload else (0, "")

    async def end(self) -> None:
        """Wait for the end of the connection."""
        with contextlib.suppress(EOFError):
            while True:
                await self.receive()

    def stop_reading(self) -> None:
        """Let what comes pile up in the socket."""
        cast(asyncio.Transport, self._writer.transport).pause_reading()


def frame(
    opcode: int, payload: bytes, *, fin: bool = True, rsv1: bool = False, mask: bytes = b"\x11\x22\x33\x44"
) -> bytes:
    """A frame as a client sends it."""
    first = (0x80 if fin else 0) | (0x40 if rsv1 else 0) | opcode
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    repeated = mask * (size // 4 + 1)
    masked = int.from_bytes(payload) ^ int.from_bytes(repeated[:size])
    return head + mask + masked.to_bytes(size)


def refusal(code: str, description: str = "") -> Refusing:
    return Refusing(OcppError(code, description))
