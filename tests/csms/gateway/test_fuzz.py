"""Whatever comes over the socket: the right error or close, other stations unaffected, memory flat."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import tracemalloc
from typing import Any

import pytest
from tests.csms.gateway.site import CLOSE, PING, PONG, TEXT, RawStation, Site, frame, site

from voltbridge.csms.gateway.limits import Limits
from voltbridge.domain.messages import MessageRecord
from voltbridge.protocol.errors import ErrorCode
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

CODES = {code.value for code in ErrorCode}
ROUNDS = 150

VALID = [
    '[2,"%s","Heartbeat",{}]',
    '[2,"%s","Authorize",{"idTag":"T"}]',
    '[2,"%s","Authorize",{"idToken":{"idToken":"T","type":"ISO14443"}}]',
    '[2,"%s","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]',
    '[3,"%s",{"status":"Accepted"}]',
    '[4,"%s","GenericError","",{}]',
    '[5,"%s","GenericError","",{}]',
    '[6,"%s","NotifyPeriodicEventStream",{}]',
]
ODD_JSON: list[Any] = [
    None,
    True,
    0,
    -1,
    1e400,
    10**40,
    "",
    "\x00",
    "\ud800",
    "x" * 300,
    [],
    {},
    [[[[[[]]]]]],
    {"a": {"a": {"a": {}}}},
]


def mutated(randomness: random.Random) -> bytes:
    """A message that once was valid, or never was."""
    text = randomness.choice(VALID) % randomness.choice(["a", "b", "", "x" * 36, "x" * 37, "x" * 5000, "é"])
    match randomness.randrange(7):
        case 0:
            return text[: randomness.randrange(len(text))].encode()
        case 1:
            data = bytearray(text.encode())
            for _ in range(randomness.randrange(1, 6)):
                data[randomness.randrange(len(data))] = randomness.randrange(256)
            return bytes(data)
        case 2:
            elements = json.loads(text)
            elements[randomness.randrange(len(elements))] = randomness.choice(ODD_JSON)
            return json.dumps(elements).encode()
        case 3:
            elements = json.loads(text)
            elements[randomness.randrange(len(elements)) :] = randomness.choices(ODD_JSON, k=randomness.randrange(4))
            return json.dumps(elements).encode()
        case 4:
            depth = randomness.choice([50, 2000, 200_000])
            return b"[" * depth + b"]" * randomness.choice([0, depth])
        case 5:
            return randomness.randbytes(randomness.randrange(200))
        case _:
            return text.encode()


async def replies(station: RawStation) -> list[Any] | int:
    """Everything the station was told until its heartbeat was answered, or the code of the close that came first."""
    station.call("Heartbeat", {}, "last")
    told: list[Any] = []
    while True:
        first, payload = await station.receive()
        if first == 0x80 | CLOSE:
            return int.from_bytes(payload[:2])
        if first == 0x80 | PONG:
            continue
        assert first == 0x80 | TEXT
        message = json.loads(payload)
        if message[:2] == [3, "last"]:
            return told
        told.append(message)


@pytest.mark.parametrize("version", Version)
async def test_messages_of_every_kind_are_answered_in_the_protocols_own_words(version: Version) -> None:
    randomness = random.Random(version.value)
    async with site() as place:
        witness = await place.connect("WITNESS")
        station = await place.connect("CS1", version.value)
        for _ in range(ROUNDS):
            data = mutated(randomness)
            station.text(data)
            told = await replies(station)
            if isinstance(told, int):
                assert told == 1007, data[:100]
                with pytest.raises(UnicodeDecodeError):
                    data.decode()
                station = await place.connect("CS1", version.value)
                continue
            assert len(told) <= 1, data[:100]
            for message in told:
                assert message[0] in (3, 4, 5), data[:100]
                if message[0] == 4:
                    assert message[2] in CODES
                    assert len(message) == 5
                    assert len(message[3]) <= 255
        assert (await witness.ask("Heartbeat"))[0] == 3


async def test_bytes_of_every_kind_end_in_a_close_or_not_at_all() -> None:
    randomness = random.Random(1)
    async with site(Limits(message_bytes=2000, ping_interval_s=0)) as place:
        witness = await place.connect("WITNESS")
        for round_ in range(60):
            extensions = [("Sec-WebSocket-Extensions", "permessage-deflate")] if round_ % 2 else []
            station = await place.connect("CS1", headers=extensions)
            for _ in range(20):
                opcode = randomness.choice([0, TEXT, 2, 3, CLOSE, PING, PONG, 11])
                payload = randomness.randbytes(randomness.choice([0, 1, 2, 5, 125, 126, 500]))
                fin, rsv1 = randomness.random() < 0.8, randomness.random() < 0.2
                data = frame(opcode, payload, fin=fin, rsv1=rsv1)
                if randomness.random() < 0.1:
                    data = randomness.randbytes(len(data))
                station.write(data)
            ended = asyncio.ensure_future(station.closing())
            await asyncio.wait([ended], timeout=0.02)
            if ended.done():
                if ended.exception() is None:
                    assert ended.result()[0] in (1002, 1003, 1007, 1009) or ended.result()[0] not in range(1012, 1016)
            else:
                ended.cancel()
                await asyncio.wait([ended])
            station.drop()
        assert (await witness.ask("Heartbeat"))[0] == 3


async def test_requests_of_every_kind_before_the_upgrade_are_answered_or_ended() -> None:
    randomness = random.Random(2)
    head = (
        b"GET /ocpp/CS1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
    )
    async with site(Limits(handshake_s=5.0, ping_interval_s=0)) as place:
        witness = await place.connect("WITNESS")
        for _ in range(80):
            data = bytearray(head)
            for _ in range(randomness.randrange(1, 8)):
                data[randomness.randrange(len(data))] = randomness.randrange(256)
            station = await place.socket()
            station.write(bytes(data))
            ended = asyncio.ensure_future(station.end())
            await asyncio.wait([ended], timeout=0.01)
            ended.cancel()
            await asyncio.wait([ended])
            station.drop()
        oversized = await place.socket()
        oversized.write(b"GET /ocpp/" + b"x" * 100_000)
        await oversized.end()
        assert (await witness.ask("Heartbeat"))[0] == 3


async def test_ten_megabytes_are_refused_before_they_are_read_and_leave_nothing_behind() -> None:
    async with site() as place:
        witness = await place.connect("WITNESS")
        big = frame(TEXT, b'[2,"1","DataTransfer",{"vendorId":"' + b"x" * 10_000_000 + b'"}]')
        await _send_big(place, big)
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(5):
                await _send_big(place, big)
            gc.collect()
            assert tracemalloc.get_traced_memory()[0] - before < 500_000
        finally:
            tracemalloc.stop()
        assert (await witness.ask("Heartbeat"))[0] == 3


async def _send_big(place: Site, big: bytes) -> None:
    station = await place.connect("CS1")
    station.write(big)
    assert (await station.closing())[0] == 1009
    station.drop()
    await asyncio.sleep(0.01)


async def test_memory_stays_flat_under_a_long_flood_of_garbage() -> None:
    randomness = random.Random(3)
    pieces = [frame(TEXT, mutated(randomness)[:3000]) for _ in range(300)]
    pieces = [piece for piece in pieces if _is_text(piece)]
    async with site(Limits(message_burst=1_000_000, ping_interval_s=0)) as place:
        station = await place.connect("CS1", "ocpp2.0.1")

        async def flood() -> None:
            for piece in pieces:
                station.write(piece)
            assert not isinstance(await replies(station), int)
            place.journal.facts.clear()
            place.desk.log.clear()
            place.desk.requests.clear()
            place.desk.deviations.clear()

        for _ in range(3):
            await flood()
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(10):
                await flood()
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert grown < 300_000
        assert place.journal.of(MessageRecord) == []


def _is_text(piece: bytes) -> bool:
    size = piece[1] & 0x7F
    start = 6 if size < 126 else 8
    mask = piece[start - 4 : start]
    payload = bytes(byte ^ mask[index % 4] for index, byte in enumerate(piece[start:]))
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
