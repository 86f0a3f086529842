"""Deliveries to real receivers: in order, signed, tried again, given up, and never lost."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from sqlalchemy import func, update
from tests.csms.webhooks.world import World, eventually
from tests.support.receiver import Message, Receiver, receiving, verified

from voltbridge.csms.webhooks.worker import WebhookWorker
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.domain.webhooks import DeliveryState, WebhookState
from voltbridge.storage.sql.events import events

pytestmark = pytest.mark.anyio

DELIVERED, DEAD, QUEUED, MISSED = DeliveryState


def names(receiver: Receiver) -> list[str]:
    return [event["data"].get("name", event["type"]) for event in receiver.events]


def refusing(*bad: str, status: int = 500) -> Any:
    """Answers these events with an error."""

    async def answer(message: Message) -> int:
        return status if any(event["data"].get("name") in bad for event in message.events) else 200

    return answer


async def test_what_happens_arrives_in_order_signed_and_is_noted(world: World, receiver: Receiver) -> None:
    await world.happen("before")
    hook = await world.hook(receiver.url)
    events = await world.happen(*"abc")
    await receiver.count(3)
    assert [message.id for message in receiver.messages] == [f"evt_{event.id}" for event in events]
    first = receiver.messages[0]
    assert json.loads(first.body) == {
        "id": str(events[0].id),
        "type": "station.boot",
        "at": events[0].at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "station_id": "CS-1",
        "data": {"name": "a"},
    }
    assert first.headers["content-type"] == "application/json"
    assert first.headers["webhook-timestamp"] == str(world.clock.now_ms() // 1000)
    assert all(verified(message, hook.webhook.secret) for message in receiver.messages)
    assert not verified(first, "whsec_" + "A" * 44)
    assert not verified(Message(first.headers, first.body + b" "), hook.webhook.secret)
    lines = await world.settled(hook, 3)
    assert [(one.event_id, one.state, one.attempts, one.http_status) for one in lines] == [
        (event.id, DELIVERED, 1, 204) for event in events
    ]
    known = await world.known(hook)
    assert (known.state, known.progress.cursor, known.lag_s) == (WebhookState.ACTIVE, events[-1].id, 0)


async def test_only_what_is_wanted_is_delivered(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url, types=("transaction.*", "station.boot"), station_ids=("CS-1", "YARD*"))
    for station_id in ("CS-1", "CS-2", "YARD-7", None):
        await world.happen(f"boot {station_id}", station_id=station_id)
    await world.happen("other", type="station.connected")
    last = await world.happen("started", type="transaction.started")
    await receiver.until(lambda one: "started" in names(one))
    assert names(receiver) == ["boot CS-1", "boot YARD-7", "started"]
    await world.settled(hook, 3)
    assert (await world.known(hook)).progress.cursor == last[0].id


async def test_events_for_others_are_left_behind_too(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url, types=("transaction.*",))
    await world.happen("wanted", type="transaction.started")
    await world.settled(hook, 1)
    for _ in range(600):
        last = world.log.emit("station.boot", "CS-1")
    await world.log.told()
    async with asyncio.timeout(60):
        while (await world.known(hook)).progress.cursor < last.id:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    # With few of them it is the hour that moves it on.
    (one,) = await world.happen("one")
    await world.rests()
    world.clock.advance(3601)
    async with asyncio.timeout(60):
        while (await world.known(hook)).progress.cursor < one.id:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert names(receiver) == ["wanted"]


async def test_a_site_stands_for_its_stations(world: World, receiver: Receiver) -> None:
    await world.hook(receiver.url, types=("*",), site_ids=("depot",))
    await world.happen("elsewhere")
    await world.happen("of the depot", station_id="CS-9")
    world.log.emit("site.changed", None, site_id="depot")
    world.log.emit("site.changed", None, site_id="yard")
    await world.happen("last", station_id="CS-9")
    await receiver.until(lambda one: "last" in names(one))
    assert names(receiver) == ["of the depot", "site.changed", "last"]


async def test_an_error_is_tried_again_later_and_later_and_others_wait_their_turn(
    world: World, receiver: Receiver
) -> None:
    hook = await world.hook(receiver.url)
    receiver.answer = refusing("a")
    await world.happen("a", "b")
    for failures, delay_s in enumerate((5, 10, 20, 40), 1):
        await world.failed(hook, failures)
        known = await world.known(hook)
        assert (known.state, known.progress.attempts, known.progress.problem) == (
            WebhookState.FAILING,
            failures,
            "HTTP status 500",
        )
        assert known.progress.retry_at is not None
        assert (known.progress.retry_at - world.clock.now()).total_seconds() == delay_s
        ((_, kept),) = await world.storage.webhooks.all()
        assert kept == known.progress, "a kill would not make it forget"
        world.clock.advance(delay_s - 1)
        assert len(receiver.messages) == failures
        if failures == 4:
            receiver.answer = refusing()
        world.clock.advance(1.01)
        await receiver.count(failures + 1)
    await receiver.count(6)
    assert names(receiver) == ["a"] * 5 + ["b"]
    assert len({message.id for message in receiver.messages[:5]}) == 1
    stamps = [int(message.headers["webhook-timestamp"]) for message in receiver.messages[:5]]
    assert stamps == sorted(set(stamps)), "each attempt is signed anew"
    lines = await world.settled(hook, 2)
    assert [(one.state, one.attempts) for one in lines] == [(DELIVERED, 5), (DELIVERED, 1)]
    assert (await world.known(hook)).state is WebhookState.ACTIVE


async def test_what_was_changed_in_the_storage_meanwhile_goes_out_as_it_is_now(
    world: World, receiver: Receiver
) -> None:
    hook = await world.hook(receiver.url)
    receiver.answer = refusing("Kim")
    await world.happen("Kim")
    await world.failed(hook, 1)
    anonymous = update(events).values(data=func.replace(events.c.data, "Kim", "anon-1"))
    await world.storage.events._sessions.write(lambda connection: connection.execute(anonymous).rowcount)
    await world.service.read_again()
    await world.waits()
    world.clock.advance(10)
    await receiver.count(2)
    assert names(receiver) == ["Kim", "anon-1"]
    assert len({message.id for message in receiver.messages}) == 1
    await world.settled(hook, 1)


async def test_the_wait_is_spread(world: World, receiver: Receiver) -> None:
    world.luck = 0.0
    hook = await world.hook(receiver.url)
    receiver.answer = refusing("a")
    await world.happen("a")
    await world.failed(hook, 1)
    retry_at = (await world.known(hook)).progress.retry_at
    assert retry_at is not None and (retry_at - world.clock.now()).total_seconds() == 2.5


async def fail_until_dead(world: World, hook: Any, failures: int) -> None:
    """Let the clock run until so many attempts in a row have failed."""
    while world.failures(hook) < failures:
        before = world.failures(hook)
        await world.failed(hook, before or 1)
        if world.failures(hook) < failures:
            world.clock.advance(3601)
            await eventually(lambda before=before: world.failures(hook) > before)  # type: ignore[misc]


async def test_what_is_never_taken_becomes_a_dead_letter_and_can_be_replayed(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url, max_attempts=3)
    receiver.answer = refusing("bad")
    (bad, _) = await world.happen("bad", "good")
    await fail_until_dead(world, hook, 3)
    world.clock.advance(3601)
    await receiver.until(lambda one: "good" in names(one))
    assert names(receiver) == ["bad"] * 3 + ["good"]
    dead, delivered = await world.settled(hook, 2)
    assert (dead.state, dead.attempts, dead.http_status, dead.event) == (DEAD, 3, 500, bad)
    assert (delivered.state, delivered.event) == (DELIVERED, None)
    (told,) = await world.stored("webhook.delivery_dead")
    assert (told.station_id, told.data["event_id"], told.data["attempts"]) == ("CS-1", str(bad.id), 3)
    assert (await world.known(hook)).dead == 1
    # Tried again it fails again, once, and is dead as before.
    assert (await world.service.replay(hook.webhook.id, dead.id)).state is QUEUED
    await receiver.count(5)
    await eventually_line(world, hook, dead.id, DEAD)
    # Once the receiver has been mended it is taken.
    receiver.answer = refusing()
    assert await world.service.replay_dead(hook.webhook.id) == 1
    await receiver.count(6)
    await eventually_line(world, hook, dead.id, DELIVERED)
    assert names(receiver)[4:] == ["bad", "bad"]
    assert receiver.messages[5].id == receiver.messages[0].id
    assert (await world.known(hook)).dead == 0
    # What was delivered can be, too.
    await world.service.replay(hook.webhook.id, delivered.id)
    await receiver.count(7)
    assert names(receiver)[6] == "good"


async def eventually_line(world: World, hook: Any, id: int, state: DeliveryState) -> None:
    async with asyncio.timeout(60):
        while [one.state for one in await world.lines(hook) if one.id == id] != [state]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_webhook_does_not_hear_of_itself(world: World, receiver: Receiver) -> None:
    async with receiving() as other:
        await world.hook(other.url, types=("webhook.*",))
        hook = await world.hook(receiver.url, types=("*",), max_attempts=1)
        receiver.answer = refusing("bad")
        await world.happen("bad", "good")
        await world.failed(hook, 1)
        world.clock.advance(10)
        await receiver.until(lambda one: "good" in names(one))
        await world.settled(hook, 2)
        await world.happen("last")
        await receiver.until(lambda one: "last" in names(one))
        assert names(receiver) == ["bad", "good", "last"]
        await other.until(lambda one: "webhook.delivery_dead" in names(one))


async def test_replays_outlive_a_restart(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url)
    await world.happen("a")
    (line,) = await world.settled(hook, 1)
    await world.service.update(hook.webhook.id, {"enabled": False})
    await world.service.replay(hook.webhook.id, line.id)
    assert (await world.known(hook)).queued == 1
    await world.restart()
    await world.service.update(hook.webhook.id, {"enabled": True})
    await receiver.count(2)
    assert names(receiver) == ["a", "a"]
    await eventually_line(world, hook, line.id, DELIVERED)


async def test_replays_asked_for_while_one_is_under_way_follow_it(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url)
    await world.happen("a", "b")
    first, second = await world.settled(hook, 2)
    go_on = asyncio.Event()

    async def wait(_message: Message) -> int:
        await go_on.wait()
        return 200

    receiver.answer = wait
    await world.service.replay(hook.webhook.id, first.id)
    await receiver.count(3)
    await world.service.replay(hook.webhook.id, second.id)
    go_on.set()
    await receiver.count(4)
    assert names(receiver) == ["a", "b", "a", "b"]


async def test_a_receiver_that_hangs_is_given_its_time_and_holds_up_nobody(world: World, receiver: Receiver) -> None:
    forever = asyncio.Event()

    async def hang(_message: Message) -> int:
        await forever.wait()
        return 200

    async with receiving() as hanging:
        hanging.answer = hang
        slow = await world.hook(hanging.url, timeout_s=7, max_attempts=2)
        await world.hook(receiver.url)
        await world.happen("a")
        await hanging.count(1)
        await receiver.count(1)
        await world.happen("b")
        await receiver.count(2)
        assert names(hanging) == ["a"]
        world.clock.advance(6)
        assert world.failures(slow) == 0
        world.clock.advance(1.01)
        await world.failed(slow, 1)
        known = await world.known(slow)
        assert (known.progress.problem, known.progress.refusals) == ("no answer within 7 s", 1)
        forever.set()


async def test_while_nobody_listens_nothing_is_given_up(world: World, receiver: Receiver) -> None:
    async with receiving() as gone:
        port, url = gone.port, gone.url
    hook = await world.hook(url, max_attempts=1, pause_after_s=10_000_000)
    await world.happen("a", "b")
    await fail_until_dead(world, hook, 12)
    known = await world.known(hook)
    assert (known.state, known.progress.attempts, known.progress.refusals) == (WebhookState.FAILING, 12, 0)
    assert known.progress.problem is not None and known.progress.problem.startswith(
        f"no connection to 127.0.0.1 port {port}: "
    )
    assert "sesame" not in known.progress.problem and known.lag_s > 3600
    assert await world.lines(hook) == []
    async with receiving(port) as back:
        world.clock.advance(3601)
        await back.count(2)
        assert names(back) == ["a", "b"]


async def test_a_connection_that_does_not_come_about_is_nobody_too(world: World) -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for one in (first, second):  # more than wait for a server that accepts none
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        hook = await world.hook(f"http://127.0.0.1:{full.getsockname()[1]}/", timeout_s=9, max_attempts=1)
        await world.happen("a")
        await eventually(lambda: any(at - world.clock.monotonic() == 9 for at, _, _ in world.clock._timers))
        await asyncio.sleep(0.05)
        world.clock.advance(10)
        await world.failed(hook, 1)
        known = await world.known(hook)
        assert (known.progress.problem, known.progress.refusals) == ("no connection within 9 s", 0)
        assert await world.lines(hook) == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_proxy_without_a_receiver_is_nobody_either(world: World, receiver: Receiver, status: int) -> None:
    hook = await world.hook(receiver.url, max_attempts=1)

    async def later(_message: Message) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "300"})

    receiver.answer = later
    await world.happen("a")
    await world.failed(hook, 1)
    retry_at = (await world.known(hook)).progress.retry_at
    assert retry_at is not None and (retry_at - world.clock.now()).total_seconds() == 300
    receiver.answer = refusing()
    world.clock.advance(301)
    await receiver.count(2)
    assert [(one.state, one.attempts) for one in await world.settled(hook, 1)] == [(DELIVERED, 2)]


async def test_after_a_long_time_of_failure_it_pauses_and_nothing_is_lost(world: World, receiver: Receiver) -> None:
    other = await world.hook(receiver.url, types=("webhook.*",))
    async with receiving() as failing:
        failing.answer = refusing("a", status=503)
        hook = await world.hook(failing.url, pause_after_s=600)
        await world.happen("a", "b")

        def paused() -> bool:
            return world.service.states()[hook.webhook.id][0] is WebhookState.PAUSED

        while not paused():
            await eventually(lambda: paused() or world.clock.sleeping > 0)
            world.clock.advance(0 if paused() else 100)
            await asyncio.sleep(0.02)
        sent = len(failing.messages)
        known = await world.known(hook)
        assert known.progress.pause_reason == "no delivery succeeded for 600 s"
        # Others hear of it, and the paused one does not.
        await receiver.until(lambda one: "webhook.paused" in names(one))
        await world.settled(other, 2)
        world.clock.advance(100_000)
        await world.happen("c")
        assert len(failing.messages) == sent
        # It stays so over a restart.
        await world.restart()
        assert (await world.known(hook)).state is WebhookState.PAUSED
        failing.answer = refusing()
        assert (await world.service.resume(hook.webhook.id)).state is WebhookState.ACTIVE
        await failing.until(lambda one: "webhook.resumed" not in names(one) and "c" in names(one))
        told = [name for name in names(failing)[sent:] if not name.startswith("webhook")]
        assert told == ["a", "b", "c"]
    await receiver.until(lambda one: "webhook.resumed" in names(one))
    assert (await world.known(other)).state is WebhookState.ACTIVE


async def test_a_receiver_that_is_gone_is_left_alone(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url)
    receiver.answer = refusing("a", status=410)
    await world.happen("a", "b")
    await eventually(lambda: world.service.states()[hook.webhook.id][0] is WebhookState.PAUSED)
    assert names(receiver) == ["a"]
    receiver.answer = refusing()
    await world.service.resume(hook.webhook.id)
    await receiver.count(3)
    assert names(receiver) == ["a", "a", "b"]


async def test_redirects_are_not_followed(world: World, receiver: Receiver) -> None:
    async with receiving() as elsewhere:

        async def redirect(_message: Message) -> web.Response:
            return web.Response(status=307, headers={"Location": elsewhere.url})

        receiver.answer = redirect
        hook = await world.hook(receiver.url)
        await world.happen("a")
        await world.failed(hook, 1)
        assert (await world.known(hook)).progress.problem == "HTTP status 307; redirects are not followed"
        assert elsewhere.messages == []


async def test_an_answer_may_be_as_long_as_it_likes(world: World, receiver: Receiver) -> None:
    ended = asyncio.Event()

    class Endless(web.StreamResponse):
        async def write_eof(self, data: bytes = b"") -> None:
            try:
                while True:
                    await self.write(b"x" * 65536)
                    await asyncio.sleep(0)
            except ConnectionError:
                ended.set()

    async def talk(_message: Message) -> web.StreamResponse:
        return Endless()

    receiver.answer = talk
    hook = await world.hook(receiver.url)
    await world.happen("a", "b")
    await receiver.count(2)
    lines = await world.settled(hook, 2)
    assert [(one.state, one.http_status) for one in lines] == [(DELIVERED, 200), (DELIVERED, 200)]
    await asyncio.wait_for(ended.wait(), 30)


async def test_an_answer_that_is_no_http_is_no_answer(world: World) -> None:
    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        writer.close()

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    for behave, words in ((babble, "the answer is no HTTP"), (hang_up, "the receiver closed the connection")):
        server = await asyncio.start_server(behave, "127.0.0.1", 0)
        async with server:
            hook = await world.hook(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
            await world.happen("a")
            await world.failed(hook, 1)
            known = await world.known(hook)
            assert known.progress.problem is not None and known.progress.problem.startswith(words)
            await world.service.delete(hook.webhook.id)


async def test_a_certificate_that_nobody_vouches_for_is_refused(world: World, tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=own_tls(tmp_path))
    async with server:
        hook = await world.hook(f"https://localhost:{server.sockets[0].getsockname()[1]}/")
        await world.happen("a")
        await world.failed(hook, 1)
        known = await world.known(hook)
        assert known.progress.problem is not None
        assert known.progress.problem.startswith("the receiver's certificate is not trusted: ")
        assert known.progress.refusals == 0


def own_tls(directory: Path) -> ssl.SSLContext:
    """A server's side with a certificate of its own making."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = directory / "own.pem"
    path.write_bytes(
        certificate.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def test_a_restart_loses_nothing_and_goes_on_where_it_was(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url, max_attempts=4)
    receiver.answer = refusing("b")
    await world.happen("a", "b", "c")
    await world.failed(hook, 1)
    await world.service.close()
    await world.happen("d")  # nobody delivers now
    await world.restart()
    known = await world.known(hook)
    assert (known.state, known.progress.attempts) == (WebhookState.FAILING, 1)
    await world.waits()
    assert names(receiver) == ["a", "b"], "the wait goes on too"
    receiver.answer = refusing()
    world.clock.advance(5.1)
    await receiver.count(5)
    assert names(receiver) == ["a", "b", "b", "c", "d"]
    assert [one.attempts for one in await world.settled(hook, 4)] == [1, 2, 1, 1]


async def test_events_forgotten_before_they_were_delivered_leave_a_mark(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url, enabled=False)
    events = await world.happen("a", "b")
    world.clock.advance(3601)
    later = await world.happen("c")
    assert await world.storage.events.prune(later[0].at) >= 2
    await world.service.update(hook.webhook.id, {"enabled": True})
    await receiver.until(lambda one: "c" in names(one))
    assert names(receiver)[0] == "c"
    missed, *_ = await world.settled(hook, 2)
    assert (missed.state, missed.type) == (MISSED, None)
    assert missed.event_id >= events[-1].id
    assert missed.problem is not None and "removed as too old" in missed.problem
    (told,) = await world.stored("webhook.events_missed")
    assert told.data["until_event_id"] == str(missed.event_id)
    # A webhook that was made after that has missed nothing.
    await world.storage.events.prune(world.clock.now().replace(year=2100))
    late = await world.hook(receiver.url)
    await world.happen("d")
    await receiver.until(lambda one: names(one).count("d") == 2)
    assert all(one.state is DELIVERED for one in await world.settled(late, 1))


async def test_everything_since_a_moment_or_an_event_is_delivered_again(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url)
    events = await world.happen(*"abcd")
    await receiver.count(4)
    await world.settled(hook, 4)
    assert await world.service.replay_from(hook.webhook.id, after_event_id=events[1].id) == events[1].id
    await receiver.count(6)
    await world.service.replay_from(hook.webhook.id, since=events[3].at)
    await receiver.count(7)
    await world.happen("e")
    await receiver.count(8)
    assert names(receiver) == ["a", "b", "c", "d", "c", "d", "d", "e"]
    assert len(await world.settled(hook, 8)) == 8


async def test_several_events_share_a_message_and_stay_together_when_it_is_tried_again(
    world: World, receiver: Receiver
) -> None:
    hook = await world.hook(receiver.url, batch_size=3, enabled=False)
    receiver.answer = refusing("b")
    events = await world.happen("a", "b")
    await world.service.update(hook.webhook.id, {"enabled": True})
    await world.failed(hook, 1)
    await world.happen("c", "d", "e", "f")
    await world.restart()
    receiver.answer = refusing()
    await world.waits()
    world.clock.advance(5.1)
    await receiver.until(lambda one: "f" in names(one))
    told = [
        [event["data"]["name"] for event in message.events if "name" in event["data"]] for message in receiver.messages
    ]
    assert told[:2] == [["a", "b"], ["a", "b"]]
    assert [name for message in told[1:] for name in message] == list("abcdef")
    assert receiver.messages[0].id == receiver.messages[1].id == f"evt_{events[0].id}_{events[1].id}"
    assert all(verified(message, hook.webhook.secret) for message in receiver.messages)
    assert max(len(message.events) for message in receiver.messages) <= 3


async def test_a_restart_does_not_repeat_what_was_taken_before_a_failure(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url, batch_size=2, enabled=False)
    receiver.answer = refusing("c")
    await world.happen("a", "b", "c", "d")
    await world.service.update(hook.webhook.id, {"enabled": True})
    await world.failed(hook, 1)
    await world.restart()
    receiver.answer = refusing()
    await world.waits()
    world.clock.advance(5.1)
    await receiver.count(3)
    assert names(receiver) == ["a", "b", "c", "d", "c", "d"]


async def test_a_storage_that_fails_for_a_while_costs_no_event(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = await world.hook(receiver.url)
    await world.happen("before")
    await world.settled(hook, 1)
    receiver.messages.clear()
    note, failures = world.storage.webhooks.note, 0

    async def failing(*arguments: Any) -> None:
        nonlocal failures
        if failures < 2:
            failures += 1
            raise StorageUnavailable("locked")
        await note(*arguments)

    monkeypatch.setattr(world.storage.webhooks, "note", failing)
    await world.happen("a", "b")
    await receiver.count(1)
    for number in (1, 2):
        await eventually(lambda number=number: failures == number)  # type: ignore[misc]
        await world.waits()
        world.clock.advance(5.1)
    await world.happen("c")
    await receiver.until(lambda one: "c" in names(one))
    assert names(receiver) == ["a", "b", "c"]
    assert failures == 2
    assert [one.state for one in await world.settled(hook, 4)] == [DELIVERED] * 4


async def test_an_error_of_ours_stops_one_webhook_and_no_other(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = await world.hook(receiver.url)
    async with receiving() as fine:
        await world.hook(fine.url)
        deliver = WebhookWorker._deliver

        async def fail(worker: WebhookWorker, message: Sequence[Any]) -> None:
            if worker.webhook.id == broken.webhook.id:
                raise RuntimeError("a bug")
            await deliver(worker, message)

        monkeypatch.setattr(WebhookWorker, "_deliver", fail)
        await world.happen("a", "b")
        await fine.until(lambda one: "b" in names(one))
        assert receiver.messages == []
        await world.waits()
        known = await world.known(broken)
        assert known.state is WebhookState.FAILING
        assert known.progress.problem is not None and "on our side" in known.progress.problem
        monkeypatch.undo()
        world.clock.advance(3601)
        await receiver.until(lambda one: "b" in names(one))


async def test_a_burst_that_the_bus_cannot_hold_is_read_from_the_storage(world: World, receiver: Receiver) -> None:
    await world.hook(receiver.url, batch_size=100)
    for number in range(1500):
        world.log.emit("station.boot", "CS-1", name=number)
    await world.log.told()
    await receiver.until(lambda one: len(one.events) >= 1500)
    assert [event["data"]["name"] for event in receiver.events] == list(range(1500))


async def test_a_backlog_is_worked_off_in_bounded_memory(world: World, receiver: Receiver) -> None:
    total, padding = 10_000, "x" * 2000
    hook = await world.hook(receiver.url, batch_size=100, enabled=False)
    for _ in range(total // 500):
        for _ in range(500):
            world.log.emit("station.boot", "CS-1", name=padding)
        await world.log.told()
    seen, last = 0, 0
    done = asyncio.Event()

    async def count(message: Message) -> int:
        nonlocal seen, last
        ids = [int(event["id"]) for event in message.events]
        assert ids == sorted(ids) and ids[0] > last
        seen, last = seen + len(ids), ids[-1]
        receiver.messages.clear()
        if seen >= total:
            done.set()
        return 200

    receiver.answer = count
    tracemalloc.start()
    try:
        await world.service.update(hook.webhook.id, {"enabled": True})
        await asyncio.wait_for(done.wait(), 150)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000, "20 MB of events went through"
    await eventually(lambda: world.service.states()[hook.webhook.id][1] == 0)
