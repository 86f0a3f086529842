"""Webhooks and the log of their deliveries through the store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.storage.nouns import NOON, at, event

from voltbridge.domain.errors import NotFound
from voltbridge.domain.paging import InvalidCursor, PageRequest
from voltbridge.domain.webhooks import Delivery, DeliveryFilter, DeliveryState, Webhook, WebhookProgress
from voltbridge.storage import Storage
from voltbridge.storage.times import to_ms

pytestmark = pytest.mark.anyio

DELIVERED, DEAD, QUEUED, MISSED = DeliveryState


def webhook(id: int = 1, **changes: Any) -> Webhook:
    return replace(
        Webhook(
            id=id,
            url="https://example.com/hook",
            created_at=NOON,
            updated_at=at(1),
            secret="whsec_c2VjcmV0",
            former_secret="whsec_Zm9ybWVy",
            former_secret_until=at(99),
            description="Billing",
            enabled=False,
            types=("transaction.*",),
            station_ids=("CS-1", "DEPOT-*"),
            site_ids=("depot",),
            batch_size=7,
            timeout_s=2.5,
            max_attempts=3,
            pause_after_s=60,
        ),
        **changes,
    )


PROGRESS = WebhookProgress(
    cursor=2**62,
    attempts=2,
    message_until=5,
    failures=3,
    failing_since=at(1),
    retry_at=at(2),
    problem="HTTP status 500",
    delivered_at=at(3),
    paused_at=at(4),
    pause_reason="the receiver is gone",
)


def delivery(id: int, state: DeliveryState = DELIVERED, webhook_id: int = 1, **changes: Any) -> Delivery:
    return replace(
        Delivery(
            id=id,
            webhook_id=webhook_id,
            state=state,
            created_at=NOON,
            finished_at=at(1),
            event_id=id + 1000,
            type="station.boot",
            attempts=2,
            http_status=204,
            problem="slow",
            duration_ms=12,
            event=event(id + 1000) if state in (DEAD, QUEUED) else None,
        ),
        **changes,
    )


async def ids(storage: Storage, **wanted: Any) -> list[int]:
    page = await storage.webhooks.deliveries(DeliveryFilter(1, **wanted), PageRequest(2))
    found = [one.id for one in page.items]
    while page.next:
        page = await storage.webhooks.deliveries(DeliveryFilter(1, **wanted), PageRequest(2, page.next))
        found += [one.id for one in page.items]
    return found


async def test_what_was_chosen_and_how_far_it_has_come_are_kept_apart(storage: Storage) -> None:
    book = storage.webhooks
    assert await book.all() == []
    await book.add(webhook(2), WebhookProgress(cursor=0))
    await book.add(webhook(1), PROGRESS)
    assert await book.all() == [(webhook(1), PROGRESS), (webhook(2), WebhookProgress(cursor=0))]
    await book.save(webhook(2, url="http://other"))
    await book.note(2, PROGRESS)
    assert (await book.all())[1] == (webhook(2, url="http://other"), PROGRESS)
    with pytest.raises(NotFound):
        await book.save(webhook(3))


async def test_the_log_is_written_with_the_progress_and_read_in_pages(storage: Storage) -> None:
    book = storage.webhooks
    await book.add(webhook(), WebhookProgress(cursor=0))
    lines = [delivery(number) for number in range(1, 5)] + [delivery(5, DEAD), delivery(6, MISSED, type=None)]
    await book.note(1, PROGRESS, lines)
    await book.note(1, PROGRESS, lines)  # as after an answer that got lost
    page = await book.deliveries(DeliveryFilter(1), PageRequest(50))
    assert list(page.items) == lines[::-1]
    assert await ids(storage) == [6, 5, 4, 3, 2, 1]
    assert await ids(storage, state=DEAD) == [5]
    assert await ids(storage, type="station.boot") == [5, 4, 3, 2, 1]
    assert await ids(storage, event_id=1003) == [3]
    assert await ids(storage, type="no\0text") == []
    assert await book.delivery(1, 5) == delivery(5, DEAD)
    assert await book.delivery(2, 5) is None
    assert await book.counts(DEAD, QUEUED) == {(1, DEAD): 1}
    with pytest.raises(InvalidCursor):
        await book.deliveries(DeliveryFilter(1), PageRequest(50, "nonsense"))


async def test_dead_letters_are_queued_and_put_back(storage: Storage) -> None:
    book = storage.webhooks
    await book.add(webhook(), WebhookProgress(cursor=0))
    await book.note(1, PROGRESS, [delivery(number, DEAD) for number in range(1, 4)] + [delivery(4)])
    assert await book.move(1, DEAD, QUEUED) == 3
    assert await book.queued(1, 2) == [delivery(1, QUEUED), delivery(2, QUEUED)]
    await book.put(delivery(1))
    assert await book.move(1, QUEUED, DEAD) == 2
    assert await ids(storage, state=DEAD) == [3, 2]


async def test_a_deleted_webhook_leaves_nothing(storage: Storage) -> None:
    book = storage.webhooks
    await book.add(webhook(1), PROGRESS)
    await book.add(webhook(2), PROGRESS)
    await book.note(1, PROGRESS, [delivery(number) for number in range(1, 4)])
    await book.note(2, PROGRESS, [delivery(4, webhook_id=2)])
    await book.delete(1)
    assert await ids(storage) == []
    assert (await book.delivery(2, 4)) is not None
    await book.note(1, PROGRESS, [delivery(5)])  # its last attempt ends now
    assert [one.id for one, _ in await book.all()] == [2] and await ids(storage) == []
    with pytest.raises(NotFound):
        await book.delete(1)


async def test_the_log_is_pruned_and_dead_letters_are_kept_longer(storage: Storage) -> None:
    book = storage.webhooks
    await book.add(webhook(), WebhookProgress(cursor=0))

    def id_at(seconds: float) -> int:
        return to_ms(at(seconds)) << 20

    lines = [
        delivery(id_at(second), state) for second, state in enumerate((DELIVERED, DEAD, QUEUED, MISSED, DELIVERED))
    ]
    await book.note(1, PROGRESS, lines)
    assert await book.prune(at(4)) == 2
    assert await ids(storage) == [id_at(4), id_at(2), id_at(1)]
    assert await storage.dead_letters.prune(at(2)) == 1
    assert await ids(storage) == [id_at(4), id_at(2)]


async def test_a_reader_learns_that_events_were_forgotten(storage: Storage) -> None:
    for number in range(1, 6):
        storage.journal.put(event(number, at=at(number)))
    await storage.journal.committed()
    assert await storage.events.after_kept(3, 1) == (0, [event(4, at=at(4))])
    assert await storage.events.get(4) == event(4, at=at(4))
    assert await storage.events.get(9) is None
    assert await storage.events.prune(at(3)) == 2
    assert await storage.events.after_kept(0, 1) == (2, [event(3, at=at(3))])
    assert await storage.events.prune(at(1)) == 0
    assert (await storage.events.after_kept(0, 0))[0] == 2
