"""The link against a CSMS that does what it likes, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.station.authorities import Authority
from tests.station.plain_csms import PlainCsms, Visit

from voltbridge.protocol import v16, v21, v201
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.protocol.rpc import IncomingCall, IncomingSend
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Refused, TimedOut, Unreachable
from voltbridge.station.clocks import PacedClock
from voltbridge.station.connectivity_terms import ConnectFailure
from voltbridge.station.endpoints import CipherStrictness, Endpoint, Tls, basic_authorization, connection_url, proxy_url
from voltbridge.station.faults import LineFaults
from voltbridge.station.link import Link
from voltbridge.station.network import ConnectFailed, Network
from voltbridge.station.scrutiny import Suspicion
from voltbridge.station.virtual_clock import VirtualClock, run

pytestmark = pytest.mark.anyio


class Ear:
    """A receiver that keeps what it was told."""

    def __init__(self) -> None:
        self.asked_: asyncio.Queue[IncomingCall] = asyncio.Queue()
        self.sent_: asyncio.Queue[IncomingSend] = asyncio.Queue()
        self.end: asyncio.Queue[str] = asyncio.Queue()
        self.suspicions: list[Suspicion] = []

    def asked(self, link: Link, call: IncomingCall) -> None:
        self.asked_.put_nowait(call)

    def sent(self, link: Link, send: IncomingSend) -> None:
        self.sent_.put_nowait(send)

    def suspected(self, link: Link, suspicion: Suspicion) -> None:
        self.suspicions.append(suspicion)

    def ended(self, link: Link, reason: str) -> None:
        assert not link.is_open
        self.end.put_nowait(reason)


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    async with Network(PacedClock()) as network:
        yield network


@pytest.fixture
async def csms() -> AsyncIterator[PlainCsms]:
    async with PlainCsms() as csms:
        yield csms


def endpoint(csms: PlainCsms, **changes: Any) -> Endpoint:
    plain = Endpoint(url=csms.url, identity="CP-1", versions=(Version.V201,), message_timeout_s=20)
    return replace(plain, **changes)


async def opened(
    csms: PlainCsms, network: Network, *, faults: LineFaults | None = None, **changes: Any
) -> tuple[Link, Visit, Ear]:
    ear = Ear()
    link = await Link.open(endpoint(csms, **changes), network, ear, faults)
    return link, await csms.visits.get(), ear


async def failure(csms: PlainCsms, network: Network, **changes: Any) -> ConnectFailed:
    with pytest.raises(ConnectFailed) as caught:
        await Link.open(endpoint(csms, **changes), network, Ear())
    return caught.value


HEARTBEAT = v201.HeartbeatRequest()
CLEARED = v201.ClearCacheResponse(status=v201.ClearCacheStatusEnumType.ACCEPTED)


@pytest.mark.parametrize("version", list(Version))
async def test_the_csms_chooses_among_the_versions_offered(csms: PlainCsms, network: Network, version: Version) -> None:
    csms.versions = (version,)
    link, visit, _ = await opened(csms, network, versions=(Version.V21, Version.V201, Version.V16))
    assert link.version is version
    assert visit.request.headers["Sec-WebSocket-Protocol"].replace(" ", "") == "ocpp2.1,ocpp2.0.1,ocpp1.6"
    assert "Sec-WebSocket-Extensions" not in visit.request.headers
    assert "Authorization" not in visit.request.headers
    link.close()
    await link.closed()


async def test_no_common_version_is_no_connection(csms: PlainCsms, network: Network) -> None:
    csms.versions = (Version.V16,)
    error = await failure(csms, network)
    assert error.failure is ConnectFailure.SUBPROTOCOL
    visit = await csms.visits.get()
    await visit.ended.wait()
    assert visit.frames.empty()


async def test_the_identity_is_encoded_in_the_address(csms: PlainCsms, network: Network) -> None:
    link, visit, _ = await opened(csms, network, identity="RDAM|123 /ä")
    assert visit.request.rel_url.raw_path == "/ocpp/RDAM%7C123%20%2F%C3%A4"
    assert visit.identity == "RDAM|123 /ä"
    link.close()
    await link.closed()


def test_addresses_and_proxies() -> None:
    plain = Endpoint(url="ws://host/ocpp/", identity="CP 1", versions=(Version.V16,))
    assert connection_url(plain) == "http://host/ocpp/CP%201"
    assert connection_url(replace(plain, url="WS://host/ocpp?key=1")) == "http://host/ocpp/CP%201?key=1"
    assert [proxy_url(text) for text in ("", "proxy", "proxy:3128", "http://proxy:1")] == [
        None,
        "http://proxy",
        "http://proxy:3128",
        "http://proxy:1",
    ]


def test_passwords_as_text_and_as_the_key_of_1_6() -> None:
    """J-1.6 6.2's example: user AL1000, key 0001020304050607 and twelve times FF."""
    key = "0001020304050607" + "FF" * 12
    only_16 = Endpoint(url="ws://host", identity="AL1000", versions=(Version.V16,), password=key)
    assert basic_authorization(only_16) == "Basic QUwxMDAwOgABAgMEBQYH////////////////"
    text = base64.b64encode(f"AL1000:{key}".encode()).decode()
    assert basic_authorization(replace(only_16, versions=(Version.V201, Version.V16))) == f"Basic {text}"
    spoken = replace(only_16, password="correct horse battery")
    assert basic_authorization(spoken) == "Basic " + base64.b64encode(b"AL1000:correct horse battery").decode()
    assert basic_authorization(replace(only_16, password=None)) is None
    assert key not in repr(only_16)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, ConnectFailure.UNAUTHORIZED),
        (403, ConnectFailure.UNAUTHORIZED),
        (404, ConnectFailure.UNKNOWN_STATION),
        (500, ConnectFailure.REFUSED),
        (200, ConnectFailure.REFUSED),
        (503, ConnectFailure.REFUSED),
    ],
)
async def test_a_refused_handshake_says_why(
    csms: PlainCsms, network: Network, status: int, expected: ConnectFailure
) -> None:
    csms.refuse_with = status
    error = await failure(csms, network, password="very secret password")
    assert error.failure is expected
    assert "secret" not in str(error)


async def test_a_station_is_not_sent_somewhere_else(csms: PlainCsms, network: Network) -> None:
    async with PlainCsms() as other:
        csms.refuse_with = 302
        csms.headers = {"Location": f"http://127.0.0.1:{other.port}/ocpp/CP-1"}
        error = await failure(csms, network, password="very secret password")
        assert error.failure is ConnectFailure.REFUSED
        assert "redirection" in error.detail
        assert other.attempts == []


async def test_nobody_there(csms: PlainCsms, network: Network) -> None:
    await csms.stop()
    assert (await failure(csms, network)).failure is ConnectFailure.UNREACHABLE
    for url in ("ws://nowhere.invalid/ocpp", "ws://[::1", "http//nonsense", "ws://host:99999"):
        assert (await failure(csms, network, url=url)).failure is ConnectFailure.UNREACHABLE


async def test_a_csms_that_says_nothing_is_given_up_in_time(network: Network) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        hasty = Endpoint(f"ws://127.0.0.1:{port}/ocpp", "CP-1", (Version.V16,), connect_timeout_s=0.2)
        with pytest.raises(ConnectFailed, match=r"timed out: not connected within 0\.2 s"):
            await Link.open(hasty, network, Ear())


async def test_connecting_can_be_broken_off(network: Network) -> None:
    connected = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        patient = Endpoint(f"ws://127.0.0.1:{port}/ocpp", "CP-1", (Version.V16,))
        opening = asyncio.create_task(Link.open(patient, network, Ear()))
        await connected.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening


# TLS


async def test_tls_with_a_file_of_authorities(network: Network, tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    async with PlainCsms(tls=authority.server()) as csms:
        for tls in (Tls(ca_file=str(authority.ca_file)), Tls(ca_pem=authority.ca_file.read_text())):
            link, visit, _ = await opened(csms, network, tls=tls)
            transport = visit.request.transport
            assert transport is not None
            cipher = transport.get_extra_info("cipher")
            assert cipher[1] in ("TLSv1.2", "TLSv1.3")
            assert transport.get_extra_info("compression") is None
            assert isinstance(await link.call("Heartbeat", HEARTBEAT), v201.HeartbeatResponse)
            link.close()
            await link.closed()


async def test_certificates_that_cannot_be_trusted(network: Network, tmp_path: Path) -> None:
    authority, other = Authority.make(tmp_path), Authority.make(tmp_path, "Other Root")
    trusted = Tls(ca_file=str(authority.ca_file))
    for context in (other.server(), authority.server(host="127.0.0.2"), authority.server(expired=True)):
        async with PlainCsms(tls=context) as csms:
            assert (await failure(csms, network, tls=trusted)).failure is ConnectFailure.CERTIFICATE
            assert csms.attempts == []
    async with PlainCsms(tls=authority.server(host="127.0.0.2")) as csms:
        link, _, _ = await opened(csms, network, tls=replace(trusted, check_host=False))
        link.close()
        await link.closed()
        everybody = Tls(ca_file=str(other.ca_file), check_host=False)
        assert (await failure(csms, network, tls=everybody)).failure is ConnectFailure.CERTIFICATE


@contextlib.contextmanager
def alerting(context: ssl.SSLContext) -> Iterator[str]:
    """A TLS server that says with an alert why the handshake fails, which asyncio's do not; its URL."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection, contextlib.suppress(OSError):
                    context.wrap_socket(connection, server_side=True).close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"wss://127.0.0.1:{listening.getsockname()[1]}/ocpp"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


async def test_no_tls_below_1_2_and_no_weak_suites(network: Network, tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    trusted = Tls(ca_file=str(authority.ca_file))
    old = authority.server()
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    weak = authority.server()
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
    for context, expected in ((old, ConnectFailure.TLS_VERSION), (weak, ConnectFailure.TLS_CIPHERS)):
        with alerting(context) as url, pytest.raises(ConnectFailed) as caught:
            await network.connect(Endpoint(url, "CP-1", (Version.V16,), tls=trusted))
        assert caught.value.failure is expected
    async with PlainCsms(tls=weak) as csms:
        assert (await failure(csms, network, tls=trusted)).failure is ConnectFailure.UNREACHABLE
        link, _, _ = await opened(csms, network, tls=replace(trusted, ciphers=CipherStrictness.ALL))
        link.close()
        await link.closed()


async def test_files_that_cannot_be_used_fail_the_attempt_only(network: Network, tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no certificate")
    async with PlainCsms(tls=authority.server()) as csms:
        for file in (tmp_path / "absent.pem", nonsense):
            error = await failure(csms, network, tls=Tls(ca_file=str(file)))
            assert error.failure in (ConnectFailure.UNREACHABLE, ConnectFailure.CERTIFICATE)


# Calls


async def test_calls_and_their_answers(csms: PlainCsms, network: Network) -> None:
    link, visit, _ = await opened(csms, network)
    answer = await link.call("Heartbeat", HEARTBEAT)
    assert isinstance(answer, v201.HeartbeatResponse)
    csms.answering = lambda action, payload: [4, "InternalError", "no time", {"x": 1}]
    with pytest.raises(Refused, match="InternalError: no time") as refused:
        await link.call("Heartbeat", HEARTBEAT)
    assert refused.value.code == "InternalError"
    csms.answering = lambda action, payload: {"currentTime": 5}
    with pytest.raises(Refused, match="TypeConstraintViolation"):
        await link.call("Heartbeat", HEARTBEAT)
    csms.answering = lambda action, payload: {"currentTime": "2026-03-01T12:00:00Z", "unknownField": 1}
    assert await link.call("Heartbeat", HEARTBEAT), "an answer is taken where its meaning is beyond doubt"
    with pytest.raises(TypeError):
        await link.call("Heartbeat", v201.ClearCacheRequest())
    with pytest.raises(LookupError):
        await link.call("Reset", HEARTBEAT)
    assert visit.frames.qsize() == 4
    link.close()
    await link.closed()
    with pytest.raises(Unreachable):
        await link.call("Heartbeat", HEARTBEAT)


async def test_one_call_at_a_time_in_the_order_of_their_start(csms: PlainCsms, network: Network) -> None:
    csms.answering = lambda action, payload: None
    link, visit, _ = await opened(csms, network)
    calls = [asyncio.create_task(link.call("Heartbeat", HEARTBEAT)) for _ in range(3)]
    for _ in calls:
        frame = await visit.frames.get()
        assert visit.frames.empty()
        await visit.send([3, "an unknown id", {"currentTime": "2026-03-01T12:00:00Z"}])
        await visit.send([3, frame[1], {"currentTime": "2026-03-01T12:00:00Z"}])
        await visit.send([3, frame[1], {"currentTime": "2026-03-01T12:00:00Z"}])
    await asyncio.gather(*calls)
    link.close()
    await link.closed()


async def test_an_unanswered_call_times_out_and_the_connection_stays(csms: PlainCsms, network: Network) -> None:
    csms.answering = lambda action, payload: None
    link, visit, ear = await opened(csms, network)
    with pytest.raises(TimedOut):
        await link.call("Heartbeat", HEARTBEAT, 0.1)
    await visit.pings.get()
    late = await visit.frames.get()
    await visit.send([3, late[1], {"currentTime": "2026-03-01T12:00:00Z"}])
    csms.answering = lambda action, payload: {"currentTime": "2026-03-01T12:00:00Z"}
    assert await link.call("Heartbeat", HEARTBEAT)
    assert ear.end.empty()
    link.close()
    await link.closed()


async def test_a_dead_connection_is_noticed_by_an_unanswered_call(csms: PlainCsms, network: Network) -> None:
    csms.answering, csms.answers_pings = (lambda action, payload: None), False
    link, _, ear = await opened(csms, network, message_timeout_s=1)
    with pytest.raises(TimedOut):
        await link.call("Heartbeat", HEARTBEAT)
    assert await ear.end.get() == "the CSMS answered no ping"


async def test_pings_in_their_interval(csms: PlainCsms, network: Network) -> None:
    link, visit, ear = await opened(csms, network, ping_interval_s=0.05)
    for _ in range(4):
        await visit.pings.get()
    link.set_ping_interval(0)
    while not visit.pings.empty():
        visit.pings.get_nowait()
    link.set_ping_interval(0.05)
    csms.answers_pings = False
    assert await ear.end.get() == "the CSMS answered no ping"


async def test_pings_of_the_csms_are_answered(csms: PlainCsms, network: Network) -> None:
    link, visit, _ = await opened(csms, network)
    await visit.websocket.ping(b"are you there")
    assert await link.call("Heartbeat", HEARTBEAT)
    link.close()
    await link.closed()


def test_a_virtual_clock_waits_for_a_pong_from_outside() -> None:
    """A CSMS in another process needs real time to answer; a clock that jumped on would take it for dead."""

    async def live(clock: VirtualClock) -> None:
        async with PlainCsms() as csms, Network(clock) as network:
            csms.answers_pings = False
            link, visit, ear = await opened(csms, network, ping_interval_s=60)
            await visit.pings.get()
            assert clock.monotonic() == 60
            assert clock.is_held
            await visit.websocket.pong()
            await visit.pings.get()
            assert clock.monotonic() == pytest.approx(120, abs=10)
            assert ear.end.empty()
            link.cut()
            await link.closed()
            assert not clock.is_held

    run(live)


@pytest.mark.parametrize("how", ["cut", "closed", "cut by us"])
async def test_the_end_of_the_link_ends_what_waits(csms: PlainCsms, network: Network, how: str) -> None:
    csms.answering = lambda action, payload: None
    link, visit, ear = await opened(csms, network)
    calls = [asyncio.create_task(link.call("Heartbeat", HEARTBEAT)) for _ in range(3)]
    await visit.frames.get()
    if how == "cut":
        visit.cut()
    elif how == "closed":
        await visit.websocket.close(code=1012)
    else:
        link.cut()
    for call in calls:
        with pytest.raises(Unreachable):
            await call
    reason = await ear.end.get()
    assert reason == {"cut": "the connection was lost", "closed": "closed by the CSMS (1012)", "cut by us": "cut"}[how]
    await visit.ended.wait()
    assert ear.end.empty()


async def test_closing_in_order_sends_what_was_written(csms: PlainCsms, network: Network) -> None:
    link, visit, ear = await opened(csms, network)
    call = asyncio.create_task(link.call("Heartbeat", HEARTBEAT))
    await asyncio.sleep(0)
    link.close(1001, "reset")
    link.close()
    assert await ear.end.get() == "reset"
    await visit.ended.wait()
    assert visit.close_code == 1001
    assert (await visit.frames.get())[2] == "Heartbeat"
    await asyncio.gather(call, return_exceptions=True)


# What the CSMS sends


async def test_requests_are_handed_up_and_answered_once(csms: PlainCsms, network: Network) -> None:
    link, visit, ear = await opened(csms, network)
    await visit.send([2, "a", "ClearCache", {}])
    call = await ear.asked_.get()
    assert isinstance(call.request, v201.ClearCacheRequest)
    link.answer(call, CLEARED)
    link.answer(call, v201.ClearCacheResponse(status=v201.ClearCacheStatusEnumType.REJECTED))
    assert await visit.replies.get() == [3, "a", {"status": "Accepted"}]
    await visit.send([2, "b", "ClearCache", {}])
    link.refuse(await ear.asked_.get(), OcppError(ErrorCode.NOT_SUPPORTED, "no cache"))
    assert await visit.replies.get() == [4, "b", "NotSupported", "no cache", {}]
    link.close()
    await link.closed()


@pytest.mark.parametrize(
    ("frame", "code", "suspicion"),
    [
        ([2, "a", "NoSuchAction", {}], "NotImplemented", None),
        ([2, "a", "BootNotification", {}], "NotSupported", None),
        ([2, "a", "ClearCache", {"x": 1}], "FormatViolation", "ClearCache: format at $.x"),
        ([2, "a", "Reset", {}], "OccurrenceConstraintViolation", "Reset: occurrence at $.type"),
        ([2, "a", "Reset", {"type": "Now"}], "PropertyConstraintViolation", "Reset: property at $.type"),
        ([2, "a", "Reset", {"type": 5}], "TypeConstraintViolation", "Reset: type at $.type"),
        ('[2, "a", "Reset"', "RpcFrameworkError", "a frame: "),
        ("no JSON", "RpcFrameworkError", "a frame: unreadable at $"),
        ([9, "a", "Reset", {}], "MessageTypeNotSupported", None),
    ],
)
async def test_bad_requests_are_refused_and_handed_to_nobody(
    csms: PlainCsms, network: Network, frame: Any, code: str, suspicion: str | None
) -> None:
    link, visit, ear = await opened(csms, network)
    await visit.send(frame)
    assert (await visit.replies.get())[2] == code
    assert ear.asked_.empty()
    assert [each.event for each in ear.suspicions] == ["InvalidMessages"] * (suspicion is not None)
    assert all(each.info.startswith(suspicion or "") for each in ear.suspicions)
    assert await link.call("Heartbeat", HEARTBEAT)
    link.close()
    await link.closed()


async def test_a_request_under_a_used_id_is_handled_and_suspicious_unless_it_is_a_retry(
    csms: PlainCsms, network: Network
) -> None:
    link, visit, ear = await opened(csms, network)
    await visit.send([2, "a", "ClearCache", {}])
    call = await ear.asked_.get()
    await visit.send([2, "a", "ClearCache", {}])
    await visit.send([2, "b", "ClearCache", {}])  # so that the retry has come
    link.answer(await ear.asked_.get(), CLEARED)
    link.answer(call, CLEARED)
    assert ear.suspicions == []
    await visit.send([2, "a", "ClearCache", {}])
    link.answer(await ear.asked_.get(), CLEARED)
    assert [await visit.replies.get() for _ in range(3)] == [[3, each, {"status": "Accepted"}] for each in "baa"]
    assert [each.event for each in ear.suspicions] == ["AttemptedReplayAttacks"]
    link.close()
    await link.closed()
    link, visit, ear = await opened(csms, network)
    await visit.send([2, "a", "ClearCache", {}])
    await ear.asked_.get()
    assert ear.suspicions == [], "each connection for itself"
    link.close()
    await link.closed()


@pytest.mark.parametrize("how", ["too big", "binary", "invalid UTF-8", "reserved bits"])
async def test_what_is_no_message_hurts_nobody(csms: PlainCsms, network: Network, how: str) -> None:
    link, visit, ear = await opened(csms, network)
    transport: Any = visit.request.transport
    match how:
        case "too big":
            with contextlib.suppress(ConnectionError):
                await visit.send("x" * (16 * 1024 * 1024 + 1))
            assert "WebSocket" in await ear.end.get()
        case "binary":
            await visit.websocket.send_bytes(json.dumps([2, "a", "ClearCache", {}]).encode())
            link.answer(await ear.asked_.get(), CLEARED)
            assert await visit.replies.get() == [3, "a", {"status": "Accepted"}]
            link.close()
        case "invalid UTF-8":
            transport.write(b'\x81\x0b[2,"\xff","A"]')
            assert (await visit.replies.get())[2] == "RpcFrameworkError"
            link.close()
        case _:
            transport.write(b"\xf1\x02[]")
            assert "WebSocket" in await ear.end.get()
    await link.closed()
    assert [each.event for each in ear.suspicions] == ["InvalidMessages"] * (how != "binary")


async def test_a_csms_that_reads_no_answers_is_not_read_on(csms: PlainCsms, network: Network) -> None:
    link, visit, _ = await opened(csms, network)
    ours: Any = link._websocket._response.connection.transport  # type: ignore[union-attr]
    theirs: Any = visit.request.transport
    for transport in (ours, theirs):  # so that little fills them
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, option, 65_536)
    theirs.pause_reading()
    number = 8_000

    async def ask() -> None:
        for each in range(number):
            await visit.send([2, f"{each}", "NoSuchAction", {"filler": 300 * "x"}])

    asking = asyncio.create_task(ask())
    for _ in range(20_000):  # turns of the event loop, far more than it takes to read all of that
        assert len(link._unsent) <= 200, "answers pile up"
        await asyncio.sleep(0)
    theirs.resume_reading()
    for each in range(number):
        assert (await visit.replies.get())[1] == f"{each}"
    await asking
    link.close()
    await link.closed()


async def test_messages_without_an_answer_in_2_1(csms: PlainCsms, network: Network) -> None:
    link, visit, _ = await opened(csms, network, versions=(Version.V21,))
    stream = v21.NotifyPeriodicEventStreamRequest(
        id=1, pending=0, basetime=DateTime("2026-03-01T12:00:00Z"), data=[v21.StreamDataElementType(t=0, v="1")]
    )
    link.send("NotifyPeriodicEventStream", stream)
    assert (await visit.frames.get())[0] == 6
    link.close()
    await link.closed()
    with pytest.raises(Unreachable):
        link.send("NotifyPeriodicEventStream", stream)


async def test_1_6_speaks_its_own_codes(csms: PlainCsms, network: Network) -> None:
    link, visit, ear = await opened(csms, network, versions=(Version.V16,))
    assert (await visit.ask("Reset", {}))[2] == "OccurenceConstraintViolation"
    assert (await visit.ask("Reset", {"type": "Hard", "x": 1}))[2] == "FormationViolation"
    await visit.send([2, "a", "Reset", {"type": "Hard"}])
    assert isinstance((await ear.asked_.get()).request, v16.ResetRequest)
    link.close()
    await link.closed()


# Proxy


async def test_through_a_proxy(csms: PlainCsms, network: Network) -> None:
    asked: list[str] = []
    tasks: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)
        writer.close()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b"\r\n")[0].decode())
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", csms.port)
        path = head.split(b" ")[1].split(str(csms.port).encode(), 1)[1]
        onward_writer.write(head.replace(head.split(b" ")[1], path, 1))
        tasks.add(asyncio.create_task(pump(onward_reader, writer)))
        await pump(reader, onward_writer)

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        link, _, _ = await opened(csms, network, proxy=f"127.0.0.1:{port}")
        assert await link.call("Heartbeat", HEARTBEAT)
        link.close()
        await link.closed()
        await asyncio.gather(*tasks)
    assert asked == [f"GET http://127.0.0.1:{csms.port}/ocpp/CP-1 HTTP/1.1"]


# Faults


async def test_a_line_that_drops_everything(csms: PlainCsms, network: Network) -> None:
    link, visit, _ = await opened(csms, network, faults=LineFaults(drop=1.0))
    with pytest.raises(TimedOut):
        await link.call("Heartbeat", HEARTBEAT, 0.1)
    assert visit.frames.empty()
    link.close()
    await link.closed()


async def test_a_line_that_says_everything_twice(csms: PlainCsms, network: Network) -> None:
    link, visit, ear = await opened(csms, network, faults=LineFaults(duplicate=1.0))
    assert await link.call("Heartbeat", HEARTBEAT)
    first, second = await visit.frames.get(), await visit.frames.get()
    assert first == second
    await visit.send([2, "a", "ClearCache", {}])
    link.answer(await ear.asked_.get(), CLEARED)
    assert await visit.replies.get() == await visit.replies.get()
    link.close()
    await link.closed()


async def test_a_late_line_keeps_the_order(csms: PlainCsms, network: Network) -> None:
    link, visit, ear = await opened(csms, network, faults=LineFaults(latency_s=0.05, jitter_s=0.1))
    for number in range(10):
        await visit.send([2, str(number), "ClearCache", {}])
    assert [(await ear.asked_.get()).unique_id for _ in range(10)] == [str(number) for number in range(10)]
    link.close()
    await link.closed()


async def test_a_line_that_changes_the_order(csms: PlainCsms, network: Network) -> None:
    link, visit, ear = await opened(csms, network, faults=LineFaults(reorder=0.5, reorder_s=0.05))
    for number in range(40):
        await visit.send([2, str(number), "ClearCache", {}])
    came = [int((await ear.asked_.get()).unique_id) for _ in range(20)]
    assert came != sorted(came)
    link.close()
    await link.closed()


async def test_a_line_that_breaks(csms: PlainCsms, network: Network) -> None:
    link, visit, ear = await opened(csms, network, faults=LineFaults(cut=1.0))
    with pytest.raises(Unreachable):
        await link.call("Heartbeat", HEARTBEAT)
    assert await ear.end.get() == "cut"
    await visit.ended.wait()


async def test_a_slow_reader_reads_everything_in_the_end(csms: PlainCsms, network: Network) -> None:
    link, visit, ear = await opened(csms, network, faults=LineFaults(slow_reader_s=0.02))
    for number in range(10):
        await visit.send([2, str(number), "ClearCache", {}])
    assert [(await ear.asked_.get()).unique_id for _ in range(10)] == [str(number) for number in range(10)]
    link.close()
    await link.closed()


@pytest.mark.parametrize(
    "faults", [{"drop": 1.1}, {"cut": -0.1}, {"latency_s": -1}, {"reorder_s": float("inf")}, {"jitter_s": float("nan")}]
)
def test_faults_that_cannot_be_are_refused(faults: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        LineFaults(**faults)
