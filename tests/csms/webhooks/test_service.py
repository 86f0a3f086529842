"""Webhooks as the operator sees them: what can be chosen, secrets, tests, rest, and what is refused."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from typing import Any

import pytest
from tests.csms.webhooks.world import World, eventually
from tests.support.receiver import Message, Receiver, receiving, verified

from voltbridge.csms.webhooks import service as module
from voltbridge.csms.webhooks.addresses import ForbiddenAddress, Resolver, is_public
from voltbridge.csms.webhooks.service import TooManyWebhooks
from voltbridge.csms.webhooks.signing import check_secret, new_secret, signature
from voltbridge.domain.errors import InvalidValue, NotFound, StorageUnavailable
from voltbridge.domain.events import Event
from voltbridge.domain.webhooks import (
    LONGEST_DELAY_S,
    SentResult,
    Webhook,
    WebhookAddresses,
    WebhookState,
    delay_s,
    result_of,
    wants,
)

pytestmark = pytest.mark.anyio


async def test_a_secret_is_exchanged_with_both_good_for_a_while(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url)
    first = hook.webhook.secret
    second = await world.service.rotate_secret(hook.webhook.id, 3600)
    assert second != first
    await world.happen("a")
    (message,) = await receiver.count(1)
    assert verified(message, first) and verified(message, second)
    await world.settled(hook, 1)
    world.clock.advance(3601)
    await world.happen("b")
    message = (await receiver.count(2))[1]
    assert verified(message, second) and not verified(message, first)
    third = await world.service.rotate_secret(hook.webhook.id, 0, new_secret())
    await world.restart()
    await world.happen("c")
    message = (await receiver.count(3))[2]
    assert verified(message, third) and not verified(message, second)
    assert [event.data["changed"] for event in await world.stored("webhook.changed")] == [["secret"], ["secret"]]


async def test_secrets_lie_sealed_in_the_database(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url)
    first = hook.webhook.secret
    second = await world.service.rotate_secret(hook.webhook.id, 3600)
    ((kept, _),) = await world.storage.webhooks.all()
    assert kept.former_secret is not None and first not in kept.former_secret and second not in kept.secret
    plain = (await world.known(hook)).webhook
    assert (plain.secret, plain.former_secret) == (second, first)
    # As a release kept it that did not seal: it is used, and sealed from then on.
    await world.storage.webhooks.save(plain)
    await world.restart()
    await world.happen("a")
    (message,) = await receiver.count(1)
    assert verified(message, first) and verified(message, second)
    ((kept, _),) = await world.storage.webhooks.all()
    assert second not in kept.secret and first not in str(kept.former_secret)


async def test_without_its_key_a_secret_waits_for_a_new_one(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url)
    world.key.unlink()
    await world.restart()
    now = await world.known(hook)
    assert now.state is WebhookState.PAUSED and "secrets.key" in str(now.progress.pause_reason)
    secret = await world.service.rotate_secret(hook.webhook.id, 0)
    await world.service.resume(hook.webhook.id)
    await world.happen("a")
    (message,) = await receiver.count(1)
    assert verified(message, secret) and not verified(message, hook.webhook.secret)


async def test_secrets_are_told_by_nothing(
    world: World, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    hook = await world.hook(receiver.url)
    secret = hook.webhook.secret

    async def broken(_message: Message) -> int:
        return 500

    receiver.answer = broken
    await world.happen("a")
    await world.failed(hook, 1)
    await world.service.rotate_secret(hook.webhook.id, 60)
    world.clock.advance(6)
    await world.failed(hook, 2)
    now = await world.known(hook)
    told = (
        repr(now) + repr([event.data for event in await world.storage.events.after(0, 100)]) + capsys.readouterr().out
    )
    assert now.webhook.former_secret == secret
    for hidden in (secret, now.webhook.secret):
        assert hidden not in told
    assert "sesame" not in repr([event.data for event in await world.storage.events.after(0, 100)])


async def test_a_test_is_sent_at_once_even_while_the_webhook_rests(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url, enabled=False)
    tried = await world.service.test(hook.webhook.id)
    assert tried is not None
    event, sent = tried
    assert (sent.result, sent.http_status, sent.problem) == (SentResult.DELIVERED, 204, None)
    (message,) = receiver.messages
    assert message.id == f"test_{event.id}" and verified(message, hook.webhook.secret)
    assert message.events[0]["type"] == "webhook.test"
    assert message.events[0]["data"] == {"webhook_id": str(hook.webhook.id)}
    assert await world.lines(hook) == []
    # One at a time.
    go_on = asyncio.Event()

    async def wait(_message: Message) -> int:
        await go_on.wait()
        return 404

    receiver.answer = wait
    first = asyncio.create_task(world.service.test(hook.webhook.id))
    await receiver.count(2)
    assert await world.service.test(hook.webhook.id) is None
    go_on.set()
    answered = await first
    assert answered is not None
    assert (answered[1].result, answered[1].problem) == (SentResult.REFUSED, "HTTP status 404")


async def test_while_it_is_disabled_events_wait(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url)
    await world.service.update(hook.webhook.id, {"enabled": False})
    await world.happen("a")
    await world.restart()
    await world.happen("b")
    assert (await world.known(hook)).state is WebhookState.DISABLED
    await world.service.update(hook.webhook.id, {"enabled": True})
    await receiver.count(2)
    assert [event["data"]["name"] for event in receiver.events] == ["a", "b"]


async def test_a_change_takes_effect_at_once(world: World, receiver: Receiver) -> None:
    async with receiving() as gone:
        url = gone.url
    hook = await world.hook(url)
    await world.happen("a")
    await world.failed(hook, 1)
    changed = await world.service.update(hook.webhook.id, {"url": receiver.url, "description": "mended"})
    assert (changed.webhook.url, changed.webhook.description) == (receiver.url, "mended")
    await receiver.count(1)
    (told,) = await world.stored("webhook.changed")
    assert told.data["changed"] == ["description", "url"]
    # Nothing is told of a change that is none.
    await world.service.update(hook.webhook.id, {"url": receiver.url})
    assert len(await world.stored("webhook.changed")) == 1


async def test_a_deleted_webhook_is_heard_of_no_more(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url)
    await world.happen("a")
    await world.settled(hook, 1)
    await world.service.delete(hook.webhook.id)
    await world.happen("b")
    for ask in (world.service.get, world.service.delete, world.service.resume, world.service.test):
        with pytest.raises(NotFound):
            await ask(hook.webhook.id)
    await world.restart()
    assert await world.service.list() == []
    assert len(receiver.messages) == 1


async def test_a_delete_that_an_outage_cuts_short_can_be_done_again(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = await world.hook(receiver.url)
    await world.happen("a")
    await world.settled(hook, 1)

    async def fail(*_: object) -> None:
        raise StorageUnavailable("locked")

    with monkeypatch.context() as outage:
        outage.setattr("voltbridge.storage.sql.webhooks._delete", fail)
        with pytest.raises(StorageUnavailable):
            await world.service.delete(hook.webhook.id)
    assert [kept.id for kept, _ in await world.storage.webhooks.all()] == [hook.webhook.id]
    await world.service.delete(hook.webhook.id)
    assert await world.service.list() == []
    assert await world.storage.webhooks.all() == []


async def test_a_delete_that_cannot_be_kept_changes_nothing(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = await world.hook(receiver.url)

    async def fail(_id: int) -> None:
        raise StorageUnavailable("locked")

    monkeypatch.setattr(world.storage.webhooks, "delete", fail)
    with pytest.raises(StorageUnavailable):
        await world.service.delete(hook.webhook.id)
    await world.happen("a")
    await receiver.count(1)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"url": "ftp://example.com/"}, "url must be an http or https URL"),
        ({"url": "http:///path"}, "url must be an http or https URL"),
        ({"url": "http://example.com:70000/"}, "url must be an http or https URL"),
        ({"url": "http://user:secret@example.com/"}, "url must not hold a user or password"),
        ({"url": "http://example.com/#part"}, "url must not have a fragment"),
        ({"types": ("transaction.strated",)}, "did you mean transaction.started"),
        ({"types": ("station.boot", "transactions.*")}, r"types\[1\] matches no event"),
        ({"types": ("meter_values",)}, "is an event that is not kept"),
        ({"types": ("webhook.test",)}, "is an event that is not kept"),
        ({"site_ids": ("yard",)}, r"site_ids\[0\] names no site \(yard\)"),
        ({"secret": "whsec_short"}, "secret must be whsec_"),
        ({"secret": "swordfish"}, "secret must be whsec_"),
        ({"secret": "whsec_é" + "A" * 40}, "secret must be whsec_"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_made(world: World, chosen: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidValue, match=words) as refused:
        await world.hook(**{"url": "http://example.com/", **chosen})
    assert "secret@" not in str(refused.value) and "swordfish" not in str(refused.value)
    assert await world.service.list() == []


async def test_their_number_is_bounded(world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WEBHOOKS", 2)
    await world.hook(receiver.url)
    await world.hook(receiver.url)
    with pytest.raises(TooManyWebhooks):
        await world.hook(receiver.url)


async def test_replays_of_what_there_is_not(world: World, receiver: Receiver) -> None:
    hook = await world.hook(receiver.url)
    with pytest.raises(NotFound, match="delivery"):
        await world.service.replay(hook.webhook.id, 5)
    (event,) = await world.happen("a")
    (line,) = await world.settled(hook, 1)
    with pytest.raises(InvalidValue, match="after_event_id must not lie ahead"):
        await world.service.replay_from(hook.webhook.id, after_event_id=event.id + 1)
    with pytest.raises(InvalidValue, match="since must not lie ahead"):
        await world.service.replay_from(hook.webhook.id, since=world.clock.now() + timedelta(days=1))
    await world.storage.events.prune(world.clock.now().replace(year=2100))
    with pytest.raises(NotFound, match="event"):
        await world.service.replay(hook.webhook.id, line.id)
    assert await world.service.replay_from(hook.webhook.id, after_event_id=0) >= event.id, (
        "from the oldest that is kept"
    )
    assert await world.service.replay_dead(hook.webhook.id) == 0
    await world.happen("b")
    await receiver.count(2)


async def test_dead_letters_go_back_when_nobody_is_there(world: World) -> None:
    async with receiving() as receiver:

        async def broken(_message: Message) -> int:
            return 500

        receiver.answer = broken
        hook = await world.hook(receiver.url, max_attempts=1)
        await world.happen("a", "b")
        await eventually(lambda: world.failures(hook) == 1)
        await world.waits()
        world.clock.advance(10)
        await world.settled(hook, 2)
    await world.service.replay_dead(hook.webhook.id)
    async with asyncio.timeout(60):
        while (known := await world.known(hook)).queued or known.dead != 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert [one.problem and one.problem.startswith("no connection") for one in await world.lines(hook)] == [True, False]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:5ef5:79fd::1", False),
    ],
)
def test_which_addresses_are_of_the_internet(address: str, public: bool) -> None:
    assert is_public(address) is public


async def test_where_only_the_internet_is_allowed_this_machine_is_not_reached(world: World, receiver: Receiver) -> None:
    by_name = await world.hook(f"http://localhost:{receiver.port}/hook")
    await world.hook(receiver.url)
    await world.restart(WebhookAddresses.PUBLIC)
    await world.happen("a")
    await eventually(lambda: all(state is WebhookState.FAILING for state, _ in world.service.states().values()))
    assert (await world.known(by_name)).progress.problem == "localhost has no public address"
    assert receiver.messages == []
    with pytest.raises(InvalidValue, match="url must be a public address"):
        await world.hook("http://[::1]:8080/")
    resolver = Resolver(WebhookAddresses.PUBLIC)
    with pytest.raises(ForbiddenAddress):
        await resolver.resolve("localhost", 80)
    await resolver.close()


async def test_a_name_that_does_not_exist(world: World) -> None:
    hook = await world.hook("http://nowhere.invalid/")
    await world.happen("a")
    await world.failed(hook, 1)
    assert (await world.known(hook)).progress.problem == "the name nowhere.invalid has no address"


def test_a_signature_as_others_make_it() -> None:
    """The example that Standard Webhooks' own libraries are tested with."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    made = signature([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    check_secret(secret)
    assert len(base64.b64decode(new_secret().removeprefix("whsec_"))) == 32


def test_delays_grow_to_an_hour_and_heed_the_receiver() -> None:
    assert [delay_s(failures, 1.0) for failures in (1, 2, 3, 10, 11, 1000)] == [5, 10, 20, 2560, 3600, 3600]
    assert delay_s(1, 0.0) == 2.5
    assert delay_s(1, 1.0, 90) == 90
    assert delay_s(3, 1.0, 1) == 20
    assert delay_s(1, 1.0, 1e9) == LONGEST_DELAY_S


def test_what_answers_mean() -> None:
    assert {status: result_of(status).value for status in (200, 204, 299, 302, 400, 410, 429, 500, 503)} == {
        200: "delivered",
        204: "delivered",
        299: "delivered",
        302: "refused",
        400: "refused",
        410: "gone",
        429: "out_of_reach",
        500: "refused",
        503: "out_of_reach",
    }


async def test_wildcards_stand_for_any_text_and_other_signs_for_themselves(world: World) -> None:
    at = world.clock.now()

    def wanted(station_id: str, *patterns: str) -> bool:
        hook = Webhook(id=1, url="http://x/", created_at=at, updated_at=at, secret="", station_ids=patterns)
        return wants(hook, Event(1, "station.boot", at, station_id, {}), ())

    assert wanted("CP.1", "CP.1") and not wanted("CPx1", "CP.1")
    assert wanted("DEPOT-1", "DEPOT-*") and wanted("DEPOT-", "DEPOT-*") and not wanted("DEPOT", "DEPOT-*")
    assert wanted("a+b", "*+*") and wanted("anything", "**") and not wanted("[x]", "[x]y")
