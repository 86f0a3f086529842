"""permessage-deflate: what is answered to which offer, and that nothing is kept that need not be."""

from __future__ import annotations

import json
import os
import zlib

import aiohttp
import pytest
from tests.csms.gateway.site import site
from websockets.asyncio.client import connect as websockets_client
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.typing import Subprotocol

from voltbridge.csms.gateway.deflate import Deflate, InflateError, Inflater, MessageTooBig, compress, negotiate
from voltbridge.domain.stations import Strictness

TAIL = b"\x00\x00\xff\xff"
SERVER_BITS = "server_max_window_bits"
PLAIN = "permessage-deflate; server_no_context_takeover"
ASKED = "; client_no_context_takeover"
"""Of clients that would keep their window otherwise."""


@pytest.mark.parametrize(
    ("offers", "header"),
    [
        ("permessage-deflate", PLAIN + ASKED),
        ("Permessage-Deflate", PLAIN + ASKED),
        ("permessage-deflate; server_no_context_takeover", PLAIN + ASKED),
        ("permessage-deflate; client_no_context_takeover", f"{PLAIN}; client_no_context_takeover"),
        ("permessage-deflate; client_max_window_bits", f"{PLAIN}; client_max_window_bits=12"),
        ("permessage-deflate; client_max_window_bits=15", f"{PLAIN}; client_max_window_bits=12"),
        ('permessage-deflate; client_max_window_bits="10"', f"{PLAIN}; client_max_window_bits=10"),
        ("permessage-deflate;client_max_window_bits=8", f"{PLAIN}; client_max_window_bits=8"),
        ("permessage-deflate; server_max_window_bits=10", f"{PLAIN}; server_max_window_bits=10{ASKED}"),
        ("permessage-deflate; server_max_window_bits=8", f"{PLAIN}; server_max_window_bits=8{ASKED}"),
        ("x-webkit-deflate-frame, permessage-deflate", PLAIN + ASKED),
        (
            "permessage-deflate; unknown, permessage-deflate; server_max_window_bits=9",
            f"{PLAIN}; server_max_window_bits=9{ASKED}",
        ),
        (
            "permessage-deflate; server_max_window_bits=10, permessage-deflate",
            f"{PLAIN}; server_max_window_bits=10{ASKED}",
        ),
    ],
)
def test_the_first_acceptable_offer_is_answered_and_a_window_is_kept_for_nobody_who_does_not_limit_it(
    offers: str, header: str
) -> None:
    agreed = negotiate(offers)
    assert agreed is not None
    assert agreed.header == header


@pytest.mark.parametrize(
    "offers",
    [
        "",
        "deflate",
        "permessage-deflate; unknown",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; client_max_window_bits=x",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        'permessage-deflate; client_max_window_bits="10',
        "permessage-deflate=1",
        ";;;",
        "permessage-deflate; =1",
    ],
)
def test_an_offer_that_is_not_understood_whole_is_declined(offers: str) -> None:
    assert negotiate(offers) is None


def inflate(payload: bytes, bits: int = 15) -> bytes:
    return zlib.decompressobj(-bits).decompress(payload + TAIL)


@pytest.mark.parametrize("bits", [9, 10, 12, 15])
@pytest.mark.parametrize("size", [100, 600, 5000, 200_000])
def test_what_is_compressed_opens_with_the_agreed_window(bits: int, size: int) -> None:
    message = (b'{"key":"value","more":[1,2,3]},' * (size // 31 + 1))[:size]
    data = compress(Deflate(server_bits=bits), message)
    assert data is not None
    assert len(data) < len(message)
    assert inflate(data, bits) == message


def test_what_does_not_get_smaller_or_has_no_window_stays_as_it_is() -> None:
    assert compress(Deflate(), os.urandom(2000)) is None
    assert compress(Deflate(server_bits=8), b"a" * 2000) is None


def compressed(messages: list[bytes], takeover: bool, bits: int = 15) -> list[bytes]:
    """What a client sends for these messages."""
    compressor = zlib.compressobj(wbits=-bits)
    sent = []
    for message in messages:
        if not takeover:
            compressor = zlib.compressobj(wbits=-bits)
        sent.append((compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL))
    return sent


@pytest.mark.parametrize(
    ("offer", "takeover", "bits"),
    [
        ("permessage-deflate", False, 15),
        ("permessage-deflate; client_max_window_bits", True, 12),
        ("permessage-deflate; client_max_window_bits=9", True, 9),
        ("permessage-deflate; server_max_window_bits=10", False, 15),
        ("permessage-deflate; client_no_context_takeover", False, 15),
    ],
)
def test_messages_of_a_client_are_opened_one_after_the_other(offer: str, takeover: bool, bits: int) -> None:
    agreed = negotiate(offer)
    assert agreed is not None
    inflater = Inflater(agreed)
    messages = [b'[2,"%d","Heartbeat",{}]' % number * 20 for number in range(5)] + [b"", b"{}"]
    for message, payload in zip(messages, compressed(messages, takeover, bits), strict=True):
        assert inflater.inflate(payload, 100_000) == message


def test_no_window_is_kept_for_a_client_without_takeover() -> None:
    agreed = negotiate("permessage-deflate; client_no_context_takeover")
    assert agreed is not None
    inflater = Inflater(agreed)
    first, second = compressed([b"abcabcabc" * 50, b"abcabcabc" * 50], takeover=True)
    assert inflater.inflate(first, 1000) == b"abcabcabc" * 50
    with pytest.raises(InflateError):
        inflater.inflate(second, 1000)  # it refers to the message before, which is forgotten


def test_the_limit_holds_for_what_is_inflated() -> None:
    (bomb,) = compressed([b"\x00" * 10_000_000], takeover=False)
    assert len(bomb) < 20_000
    with pytest.raises(MessageTooBig):
        Inflater(Deflate()).inflate(bomb, 1_000_000)
    (exact,) = compressed([b"\x00" * 1000], takeover=False)
    assert len(Inflater(Deflate()).inflate(exact, 1000)) == 1000
    with pytest.raises(MessageTooBig):
        Inflater(Deflate()).inflate(exact, 999)


def test_final_blocks_are_read_and_the_next_message_begins_afresh() -> None:
    inflater = Inflater(Deflate())

    def final(message: bytes) -> bytes:
        compressor = zlib.compressobj(wbits=-15)
        return compressor.compress(message) + compressor.flush(zlib.Z_FINISH)

    assert inflater.inflate(final(b"one") + b"\x00", 100) == b"one"
    assert inflater.inflate(final(b"two"), 100) == b"two"
    assert inflater.inflate(final(b"one") + final(b"two") + b"\x00", 100) == b"onetwo"
    (plain,) = compressed([b"three"], takeover=False)
    assert inflater.inflate(plain, 100) == b"three"
    with pytest.raises(InflateError):
        inflater.inflate(final(b"") * 1000, 100)


@pytest.mark.parametrize("payload", [b"\xff\xff\xff", b"\x07", b"abc" + b"\xff" * 50])
def test_garbage_is_no_deflate_stream(payload: bytes) -> None:
    with pytest.raises((InflateError, MessageTooBig)):
        Inflater(Deflate()).inflate(payload, 100)


BARE = ClientPerMessageDeflateFactory(client_max_window_bits=None)
LIMITED = ClientPerMessageDeflateFactory(client_max_window_bits=True)
CALLS = [json.dumps([2, str(number), "Heartbeat", {"more": "v" * 300}]) for number in range(20)]


@pytest.mark.anyio
@pytest.mark.parametrize(("offer", "answer"), [(BARE, PLAIN + ASKED), (LIMITED, f"{PLAIN}; client_max_window_bits=12")])
async def test_a_client_of_websockets_keeps_to_it(offer: ClientPerMessageDeflateFactory, answer: str) -> None:
    async with site() as place:
        place.desk.strictness = Strictness.TOLERANT
        url = f"ws://127.0.0.1:{place.gateway.port}/ocpp/CS1"
        protocols = [Subprotocol("ocpp1.6")]
        async with websockets_client(url, subprotocols=protocols, extensions=[offer], proxy=None) as socket:
            assert socket.response is not None
            assert socket.response.headers["Sec-WebSocket-Extensions"] == answer
            for number, call in enumerate(CALLS):
                await socket.send(call)
                assert json.loads(await socket.recv())[:2] == [3, str(number)]


@pytest.mark.anyio
@pytest.mark.parametrize("bare", [True, False])
async def test_a_client_of_aiohttp_keeps_to_it(bare: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if bare:  # of itself it lets its window be limited
        monkeypatch.setattr(aiohttp.client, "ws_ext_gen", lambda **more: "permessage-deflate")
    async with site() as place, aiohttp.ClientSession() as session:
        place.desk.strictness = Strictness.TOLERANT
        url = f"http://127.0.0.1:{place.gateway.port}/ocpp/CS1"
        async with session.ws_connect(url, protocols=["ocpp1.6"], compress=15) as socket:
            assert socket.client_notakeover is bare
            for number, call in enumerate(CALLS):
                await socket.send_str(call)
                assert json.loads((await socket.receive()).data)[:2] == [3, str(number)]
