"""Stations that come by TLS, those whose handshake fails or never ends, and certificates that change meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from aiohttp import web
from anyio.lowlevel import checkpoint
from tests.csms.fakes import FakeClock, World
from tests.csms.gateway.site import PATIENCE, RawStation, Site, site
from tests.support.pki import Authority, Issued

from voltbridge.clock import SystemClock
from voltbridge.csms.gateway.limits import Limits
from voltbridge.csms.gateway.server_tls import ServerTls
from voltbridge.csms.gateway.tls import CertificateFiles, server_context
from voltbridge.domain.events import Event

pytestmark = pytest.mark.anyio

CA: Final = Authority()
OTHERS: Final = Authority("Somebody else")
SERVER: Final = CA.issue()


@pytest.fixture
def context(tmp_path: Path) -> Callable[[], ssl.SSLContext]:
    made, _ = server_context([CertificateFiles(*SERVER.write(tmp_path))], SystemClock().now())
    return lambda: made


@pytest.fixture
async def place(context: Callable[[], ssl.SSLContext]) -> AsyncIterator[Site]:
    async with site(tls=context) as place:
        yield place


async def connected(place: Site, identity: str, tls: ssl.SSLContext | None = None) -> RawStation:
    """By TLS, with a connection that works."""
    station = await place.socket(tls or CA.trusted())
    await station.upgrade(f"/ocpp/{identity}", [("Sec-WebSocket-Protocol", "ocpp1.6")])
    assert station.status == 101, station.body
    return station


async def failed(place: Site, reason: str, count: int = 1) -> None:
    """Wait until so many handshakes have failed for this reason."""
    async with asyncio.timeout(PATIENCE):
        while place.gateway.counters.tls_failures[reason] < count:
            await checkpoint()


async def hung_up(port: int, first: bytes) -> bytes:
    """What a client gets that sends these bytes and waits."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)
    try:
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


async def test_both_ports_serve_the_same_stations(place: Site) -> None:
    plain, by_tls = await place.connect("CS1"), await connected(place, "CS2")
    for station in (plain, by_tls):
        assert (await station.ask("Heartbeat"))[0] == 3
    assert [request.secure for request in place.admission.asked] == [False, True]
    assert [place.desk.lives[identity].base_url for identity in ("CS1", "CS2")] == [
        "http://csms.example",
        "https://csms.example",
    ]
    assert place.gateway.counters.tls_handshakes == {"TLSv1.3": 1}
    newer = await connected(place, "CS1")
    assert (await plain.closing())[0] == 1000
    assert (await newer.ask("Heartbeat"))[0] == 3


async def test_a_port_that_is_taken(place: Site, context: Callable[[], ssl.SSLContext]) -> None:
    with pytest.raises(OSError, match="in use"):
        await place.gateway.start_tls("127.0.0.1", place.tls_port, context)


async def test_messages_of_many_records(place: Site) -> None:
    station = await connected(place, "CS1")
    large = json.dumps([2, "1", "DataTransfer", {"vendorId": "V", "data": "x" * 500_000}])
    station.text(large)
    answer = await station.message()
    assert answer[1] == "1"
    for number in range(200):
        station.call("Heartbeat", unique_id=f"h{number}")
    # Those beyond the limit of unanswered ones are refused before the others are answered.
    assert {(await station.message())[1] for _ in range(200)} == {f"h{number}" for number in range(200)}


async def test_a_station_that_does_not_trust_the_certificate_is_known_to_have_refused_it(place: Site) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.to_thread(shown, place.tls_port, OTHERS)
    await failed(place, "certificate refused")
    await connected(place, "CS1")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_old_versions_and_weak_suites_end_before_they_begin(place: Site) -> None:
    old = CA.trusted()
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    weak = CA.trusted()
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("ECDHE-ECDSA-AES128-SHA:AES128-SHA")
    for client, reason in ((old, "version"), (weak, "cipher")):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await place.socket(client)
        await failed(place, reason)
    await connected(place, "CS1")
    assert place.admission.asked[0].identity == "CS1"


async def test_plain_http_at_the_port_of_tls_is_hung_up_on(place: Site) -> None:
    station = await connected(place, "CS1")
    request = b"GET /ocpp/CS2 HTTP/1.1\r\nHost: x\r\n\r\n"
    assert await hung_up(place.tls_port, request) in (b"", ALERT)
    await failed(place, "no TLS")
    assert await hung_up(place.tls_port, os.urandom(50)) is not None
    assert (await station.ask("Heartbeat"))[0] == 3
    assert len(place.admission.asked) == 1


ALERT: Final = b"\x15\x03\x01\x00\x02\x02\x50"
"""Internal error, in a record of its own."""


async def test_who_never_ends_the_handshake_is_cut_and_disturbs_nobody(context: Callable[[], ssl.SSLContext]) -> None:
    async with site(Limits(ping_interval_s=0, handshake_s=3.0), context) as place:
        silent = [await asyncio.open_connection("127.0.0.1", place.tls_port) for _ in range(30)]
        for number, (_, writer) in enumerate(silent):
            writer.write(b"\x16\x03\x01\x02\x00\x01\x00"[: number % 8])
        station = await connected(place, "CS1")  # while they hang
        assert (await station.ask("Heartbeat"))[0] == 3
        async with asyncio.timeout(PATIENCE):
            for reader, writer in silent:
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() in (b"", ALERT)
                writer.transport.abort()
        await failed(place, "time", 30)
        assert (await station.ask("Heartbeat"))[0] == 3


async def test_who_never_asks_after_the_handshake_is_cut(context: Callable[[], ssl.SSLContext]) -> None:
    async with site(Limits(ping_interval_s=0, handshake_s=3.0), context) as place:
        station = await place.socket(CA.trusted())
        await asyncio.wait_for(station.end(), PATIENCE)


async def test_so_many_at_a_time_and_no_more(context: Callable[[], ssl.SSLContext]) -> None:
    async with site(Limits(ping_interval_s=0, connections_per_address=1), context) as place:
        silent = [await asyncio.open_connection("127.0.0.1", place.tls_port) for _ in range(300)]
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                assert await silent[-1][0].read() == b""  # cut unheard
        for _, writer in silent:
            writer.transport.abort()
        await failed(place, "gone", 257)
        await connected(place, "CS1")


async def test_a_stop_ends_handshakes_under_way(context: Callable[[], ssl.SSLContext]) -> None:
    async with site(tls=context) as place:
        reader, writer = await asyncio.open_connection("127.0.0.1", place.tls_port)
        station = await connected(place, "CS1")
        stopping = asyncio.ensure_future(place.stop())
        assert (await station.closing())[0] == 1012
        async with asyncio.timeout(PATIENCE):
            while not stopping.done():
                place.clock.advance(1)
                await checkpoint()
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        writer.transport.abort()
        assert not place.gateway.listening


async def test_a_station_that_vanishes_or_says_goodbye(place: Site) -> None:
    for identity in ("CS1", "CS2"):
        station = await connected(place, identity)
        if identity == "CS1":
            station.drop()
        else:
            station.frame(0x8, b"\x03\xe8")
            await station.end()
        await place.desk.logged(f"close {identity}")
    await connected(place, "CS1")


async def test_a_station_that_does_not_read_is_cut(context: Callable[[], ssl.SSLContext]) -> None:
    async with site(Limits(ping_interval_s=0, unsent_bytes=1 << 20), context) as place:
        station = await connected(place, "CS1")
        station.stop_reading()
        connection = place.gateway._latest["CS1"]
        websocket = connection._websocket
        assert websocket is not None
        async with asyncio.timeout(PATIENCE):
            while not connection.finished.done():
                websocket.send(b"x" * 100_000)
                await checkpoint()
        await place.desk.logged("close CS1: the station does not read what is sent to it")


class Large:
    """Answers with more than any buffer holds."""

    def takes(self, raw_path: str) -> bool:
        return raw_path.startswith("/files/")

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.secure
        received = await request.read()
        return web.Response(body=received or bytes(5_000_000))


async def test_files_ride_the_same_port(place: Site) -> None:
    place.gateway._others = Large()
    url = f"https://localhost:{place.tls_port}/files/a"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=CA.trusted())) as session:
        async with session.get(url) as response:
            assert len(await response.read()) == 5_000_000
        sent = os.urandom(1_000_000)
        async with session.put(url, data=sent) as response:
            assert await response.read() == sent


# Certificates that change


class Clock(SystemClock):
    """The machine's moments and a hand's seconds."""

    def __init__(self) -> None:
        self._hand = FakeClock()

    def monotonic(self) -> float:
        return self._hand.monotonic()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        return self._hand.call_later(seconds, callback)

    def advance(self, seconds: float) -> None:
        self._hand.advance(seconds)


class Renewals:
    """A gateway whose certificate is watched."""

    def __init__(self, folder: Path, *issued: Issued) -> None:
        self.folder = folder
        self.world = World()
        self.clock = Clock()
        pairs = [CertificateFiles(*each.write(folder, f"server{n}")) for n, each in enumerate(issued)]
        self.tls = ServerTls(pairs, self.clock)
        self.watching = asyncio.ensure_future(self.tls.watch(self.world.events))

    def events(self, type: str) -> list[Event]:
        return [event for event in self.world.journal.of(Event) if event.type == type]

    async def told(self, type: str, count: int = 1) -> Event:
        """Wait for an event while time passes."""
        async with asyncio.timeout(PATIENCE):
            while len(self.events(type)) < count:
                self.clock.advance(5)
                await checkpoint()
        return self.events(type)[-1]

    async def looked(self, times: int = 4) -> None:
        """Let it look at the files some times."""
        for _ in range(times):
            before = self.tls.looks
            async with asyncio.timeout(PATIENCE):
                while self.tls.looks == before:
                    self.clock.advance(5)
                    await checkpoint()


@contextlib.asynccontextmanager
async def renewals(folder: Path, *issued: Issued) -> AsyncIterator[Renewals]:
    found = Renewals(folder, *issued)
    try:
        yield found
    finally:
        found.watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await found.watching


def shown(port: int, trusted: Authority = CA) -> str:
    """The digest of the certificate that a newcomer is shown. Blocks."""
    with (
        socket.create_connection(("127.0.0.1", port), 20) as raw,
        trusted.trusted().wrap_socket(raw, server_hostname="localhost") as said,
    ):
        return hashlib.sha256(said.getpeercert(binary_form=True) or b"").hexdigest()


async def test_newcomers_see_the_new_certificate_and_nobody_is_dropped(tmp_path: Path) -> None:
    first, second, third = CA.issue(), CA.issue(), CA.issue()
    async with renewals(tmp_path, first) as renewal, site(tls=renewal.tls.context) as place:
        station = await connected(place, "CS1")
        assert await asyncio.to_thread(shown, place.tls_port) == first.sha256
        second.write(tmp_path, "server0")
        event = await renewal.told("server_certificate.renewed")
        assert event.data["sha256"] == second.sha256
        assert await asyncio.to_thread(shown, place.tls_port) == second.sha256
        assert (await station.ask("Heartbeat"))[0] == 3
        third.write(tmp_path, "server0")
        renewal.tls.read_anew()  # as SIGHUP does, without a look in between
        async with asyncio.timeout(PATIENCE):
            while renewal.tls.certificates[0].sha256 != third.sha256:
                await checkpoint()
        assert await asyncio.to_thread(shown, place.tls_port) == third.sha256
        assert (await station.ask("Heartbeat"))[0] == 3
        assert place.desk.log.count("open CS1") == 1


async def test_files_that_cannot_be_used_change_nothing(tmp_path: Path) -> None:
    first, second = CA.issue(), CA.issue()
    async with renewals(tmp_path, first) as renewal, site(tls=renewal.tls.context) as place:
        certificate, key = second.write(tmp_path, "server0")
        key.write_bytes(first.key_pem())
        event = await renewal.told("server_certificate.refused")
        assert "is not that of the first certificate" in event.data["problem"]
        assert await asyncio.to_thread(shown, place.tls_port) == first.sha256
        await renewal.looked()
        assert len(renewal.events("server_certificate.refused")) == 1  # told once, not at every look
        certificate.unlink()
        await renewal.told("server_certificate.refused", 2)
        assert await asyncio.to_thread(shown, place.tls_port) == first.sha256
        second.write(tmp_path, "server0")
        await renewal.told("server_certificate.renewed")
        assert await asyncio.to_thread(shown, place.tls_port) == second.sha256


async def test_a_key_that_follows_its_certificate_is_waited_for(tmp_path: Path) -> None:
    first, second = CA.issue(), CA.issue()
    async with renewals(tmp_path, first) as renewal:
        await renewal.looked()
        (tmp_path / "server0.pem").write_bytes(second.pem)
        await renewal.looked(1)
        (tmp_path / "server0.key").write_bytes(second.key_pem())
        await renewal.told("server_certificate.renewed")
        assert renewal.events("server_certificate.refused") == []


async def test_little_time_left_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with renewals(tmp_path, CA.issue(days=29.5), CA.issue(kind="RSA", days=90)) as renewal:
        event = await renewal.told("server_certificate.expiring")
        assert (event.data["days_left"], event.data["kind"]) == (29, "EC")
        assert "the TLS certificate expires in 29 days; renew it" in capsys.readouterr().out
        left = renewal.tls.seconds_left()
        assert left.keys() == {"EC", "RSA"}
        assert 29 * 86_400 < left["EC"] < 29.5 * 86_400 < 89 * 86_400 < left["RSA"] < 90 * 86_400
        await renewal.looked()
        assert len(renewal.events("server_certificate.expiring")) == 1  # again only after a day
        CA.issue(days=60).write(tmp_path, "server0")
        await renewal.told("server_certificate.renewed")
        await renewal.looked()
        assert len(renewal.events("server_certificate.expiring")) == 1
