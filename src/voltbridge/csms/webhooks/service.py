"""Webhooks as the operator sees them: made, changed, tried, replayed; each has a worker while the program runs."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from voltbridge.csms.event_catalogue import EVENTS, Telling
from voltbridge.csms.journal import Journal, StorageUnavailable
from voltbridge.csms.vault import UnreadableSecret, Vault
from voltbridge.csms.webhooks.message import message_body
from voltbridge.csms.webhooks.ports import Happenings
from voltbridge.csms.webhooks.sender import check_url
from voltbridge.csms.webhooks.signing import check_secret, new_secret
from voltbridge.csms.webhooks.worker import Tally, WebhookWorker, Workshop
from voltbridge.domain.errors import InvalidValue, NotFound
from voltbridge.domain.events import Event, matches_pattern
from voltbridge.domain.ids import ID_BITS
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.webhooks import (
    Delivery,
    DeliveryFilter,
    DeliveryState,
    Sent,
    Webhook,
    WebhookAddresses,
    WebhookProgress,
    WebhookState,
)

__all__ = ["MOST_WEBHOOKS", "KnownWebhook", "TooManyWebhooks", "WebhookService"]

_log = structlog.stdlib.get_logger(__name__)

MOST_WEBHOOKS: Final = 100
"""Each has a task and a connection."""

_QUEUE: Final = 1000


class TooManyWebhooks(Exception):
    """There are as many as there may be."""


@dataclass(frozen=True, slots=True)
class KnownWebhook:
    """A webhook and how it is doing."""

    webhook: Webhook
    progress: WebhookProgress
    state: WebhookState
    dead: int
    queued: int
    lag_s: float
    """Age of the event that it is at; 0 when nothing waits."""


class WebhookService:
    """All webhooks. ``start`` takes up the stored ones, ``close`` lets go of them."""

    def __init__(
        self, workshop: Workshop, journal: Journal, bus: Happenings, allowed: WebhookAddresses, vault: Vault
    ) -> None:
        self._shop = workshop
        self._vault = vault
        self._journal = journal
        self._bus = bus
        self._allowed = allowed
        self._workers: dict[int, WebhookWorker] = {}
        self._listener: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()
        self._trying: set[int] = set()

    @property
    def tally(self) -> Tally:
        """What was delivered since the start."""
        return self._shop.tally

    async def start(self) -> None:
        """Go on with every stored webhook. Raises StorageUnavailable."""
        for stored, progress in await self._shop.book.all():
            try:
                webhook = self._opened(stored)
            except UnreadableSecret as error:
                _log.error("the secret of a webhook cannot be read", webhook=stored.id, why=str(error))
                webhook = replace(stored, secret=new_secret(), former_secret=None, former_secret_until=None)
                reason = f"its secret cannot be read: {error}, or give it a new secret; then resume it"
                progress = replace(progress, paused_at=self._shop.clock.now(), pause_reason=reason)
            else:
                if webhook == stored:  # kept by a release that did not seal
                    await self._shop.book.save(self._sealed(webhook))
            self._employ(webhook, progress)

    async def close(self) -> None:
        """Deliver nothing more; what is under way goes out again after the next start."""
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
            self._listener = None
        workers = list(self._workers.values())
        self._workers.clear()
        await asyncio.gather(*(worker.stop() for worker in workers))
        await self._shop.sender.close()

    async def read_again(self) -> None:
        """Events that wait for their next attempt are read from the storage again, where they may be others by now."""
        async with self._changing:
            for worker in self._workers.values():
                await worker.stop()
                worker.head = None
                worker.start()

    # What there is

    async def list(self) -> Sequence[KnownWebhook]:
        """Oldest first. Raises StorageUnavailable."""
        counts = await self._shop.book.counts(DeliveryState.DEAD, DeliveryState.QUEUED)
        return [_known(worker, counts, self._shop.clock.now()) for _, worker in sorted(self._workers.items())]

    async def get(self, id: int) -> KnownWebhook:
        """Raises NotFound and StorageUnavailable."""
        counts = await self._shop.book.counts(DeliveryState.DEAD, DeliveryState.QUEUED)
        return _known(self._worker(id), counts, self._shop.clock.now())

    def states(self) -> Mapping[int, tuple[WebhookState, float]]:
        """How each is doing, and how far behind it is in seconds."""
        now = self._shop.clock.now()
        return {id: (worker.state, _lag_s(worker, now)) for id, worker in self._workers.items()}

    # Changing

    async def create(self, url: str, *, secret: str | None = None, **chosen: Any) -> KnownWebhook:
        """Make a webhook that begins with what happens from now on. Raises InvalidValue and TooManyWebhooks."""
        now = self._shop.clock.now()
        webhook = Webhook(
            id=self._shop.ids.next(), url=url, created_at=now, updated_at=now, secret=secret or new_secret(), **chosen
        )
        self._check(webhook)
        async with self._changing:
            if len(self._workers) >= MOST_WEBHOOKS:
                raise TooManyWebhooks
            # Whatever has happened by now is committed first, so that it is certain what is before and what is after.
            await self._journal.committed()
            forgotten, _ = await self._shop.events.after_kept(0, 0)
            progress = WebhookProgress(cursor=max(forgotten, await self._shop.events.last_id()))
            await self._shop.book.add(self._sealed(webhook), progress)
            worker = self._employ(webhook, progress)
        self._tell("webhook.created", webhook)
        return await self.get(worker.webhook.id)

    async def update(self, id: int, changes: Mapping[str, Any]) -> KnownWebhook:
        """Change what was chosen. Raises NotFound and InvalidValue.

        A message under way is cut off and sent again; one that waits for its next attempt is sent at once.
        """
        async with self._changing:
            worker = self._worker(id)
            webhook = replace(worker.webhook, **changes)
            changed = sorted(name for name in changes if getattr(webhook, name) != getattr(worker.webhook, name))
            if not changed:
                return await self.get(worker.webhook.id)
            webhook = replace(webhook, updated_at=self._shop.clock.now())
            self._check(webhook)
            await self._shop.book.save(self._sealed(webhook))
            await worker.stop()
            worker.webhook = webhook
            # It may be another message now, or another receiver.
            worker.progress = replace(worker.progress, retry_at=None, attempts=0, refusals=0, message_until=None)
            worker.start()
        self._tell("webhook.changed", webhook, changed=changed)
        return await self.get(worker.webhook.id)

    async def rotate_secret(self, id: int, overlap_s: int, secret: str | None = None) -> str:
        """Sign with a new secret, and for so long with the former one too; returns the new one. Raises NotFound."""
        secret = secret or new_secret()
        check_secret(secret)
        async with self._changing:
            worker = self._worker(id)
            now = self._shop.clock.now()
            webhook = replace(
                worker.webhook,
                secret=secret,
                former_secret=worker.webhook.secret if overlap_s else None,
                former_secret_until=now + timedelta(seconds=overlap_s) if overlap_s else None,
                updated_at=now,
            )
            await self._shop.book.save(self._sealed(webhook))
            await worker.stop()
            worker.webhook = webhook
            worker.start()
        self._tell("webhook.changed", webhook, changed=["secret"])
        return secret

    async def resume(self, id: int) -> KnownWebhook:
        """End a pause, and where it is failing try again at once. Raises NotFound."""
        async with self._changing:
            worker = self._worker(id)
            paused = worker.progress.paused_at is not None
            await worker.stop()
            progress = replace(
                worker.progress, paused_at=None, pause_reason=None, failures=0, failing_since=None, retry_at=None
            )
            await self._move(worker, progress)
        if paused:
            self._tell("webhook.resumed", worker.webhook)
        return await self.get(worker.webhook.id)

    async def delete(self, id: int) -> None:
        """Forget a webhook and its log. Raises NotFound."""
        async with self._changing:
            worker = self._worker(id)
            await worker.stop()
            try:
                await self._shop.book.delete(id)
            except StorageUnavailable:
                worker.start()
                raise
            del self._workers[id]
        self._tell("webhook.deleted", worker.webhook)

    # Trying and replaying

    async def test(self, id: int) -> tuple[Event, Sent] | None:
        """Send a test event at once, even while the webhook rests; None while a test is under way. Raises NotFound."""
        webhook = self._worker(id).webhook
        if id in self._trying:
            return None
        self._trying.add(id)
        try:
            event = Event(
                self._shop.ids.next(), "webhook.test", self._shop.clock.now(), None, {"webhook_id": str(webhook.id)}
            )
            body = message_body([event], batched=webhook.batch_size > 1)
            return event, await self._shop.sender.send(webhook, f"test_{event.id}", body)
        finally:
            self._trying.discard(id)

    async def deliveries(self, wanted: DeliveryFilter, page: PageRequest) -> Page[Delivery]:
        """The log, newest first. Raises NotFound and InvalidCursor."""
        self._worker(wanted.webhook_id)
        return await self._shop.book.deliveries(wanted, page)

    async def replay(self, id: int, delivery_id: int) -> Delivery:
        """Send one event again, dead or delivered, before all that waits. Raises NotFound, also for a lost event."""
        worker = self._worker(id)
        line = await self._shop.book.delivery(id, delivery_id)
        if line is None:
            raise NotFound("delivery", str(delivery_id))
        event = line.event or await self._shop.events.get(line.event_id)
        if event is None or line.state is DeliveryState.MISSED:
            raise NotFound("event", str(line.event_id))
        queued = replace(line, state=DeliveryState.QUEUED, event=event)
        await self._shop.book.put(queued)
        worker.replay()
        return queued

    async def replay_dead(self, id: int) -> int:
        """Send every dead letter again, oldest first; how many there are. Raises NotFound."""
        worker = self._worker(id)
        moved = await self._shop.book.move(id, DeliveryState.DEAD, DeliveryState.QUEUED)
        worker.replay()
        return moved

    async def replay_from(self, id: int, *, after_event_id: int | None = None, since: datetime | None = None) -> int:
        """Deliver again whatever came after an event, or since a moment, in its order, and go on from there.

        Returns the id that it begins after: events that are no longer kept are left out. Raises NotFound, and
        InvalidValue for what lies ahead.
        """
        field, after = "after_event_id", after_event_id
        if since is not None:
            field, after = "since", max((int(since.timestamp() * 1000) << ID_BITS) - 1, 0)
        assert after is not None
        async with self._changing:
            worker = self._worker(id)
            forgotten, _ = await self._shop.events.after_kept(0, 0)
            await worker.stop()
            if after > worker.progress.cursor:
                worker.start()
                raise InvalidValue(field, f"must not lie ahead of what was delivered last ({worker.progress.cursor})")
            progress = replace(
                worker.progress,
                cursor=max(after, forgotten),
                attempts=0,
                refusals=0,
                message_until=None,
                retry_at=None,
            )
            await self._move(worker, progress)
        return progress.cursor

    async def _move(self, worker: WebhookWorker, progress: WebhookProgress) -> None:
        """Have a stopped worker go on from elsewhere; where that cannot be kept, from where it was."""
        try:
            await self._shop.book.note(worker.webhook.id, progress)
            worker.progress = progress
        finally:
            worker.start()

    def _check(self, webhook: Webhook) -> None:
        check_url(webhook.url, self._allowed)
        check_secret(webhook.secret)
        for place, pattern in enumerate(webhook.types):
            _check_pattern(f"types[{place}]", pattern)
        known = {site.id for site in self._shop.sites.list()}
        for place, site_id in enumerate(webhook.site_ids):
            if site_id not in known:
                raise InvalidValue(f"site_ids[{place}]", f"names no site ({site_id})")

    def _sealed(self, webhook: Webhook) -> Webhook:
        """As it is kept. Raises StorageUnavailable."""
        former = webhook.former_secret
        return replace(
            webhook,
            secret=self._vault.seal(webhook.secret),
            former_secret=None if former is None else self._vault.seal(former),
        )

    def _opened(self, stored: Webhook) -> Webhook:
        """As it is used. Raises UnreadableSecret."""
        former = stored.former_secret
        return replace(
            stored,
            secret=self._vault.open(stored.secret),
            former_secret=None if former is None else self._vault.open(former),
        )

    def _worker(self, id: int) -> WebhookWorker:
        worker = self._workers.get(id)
        if worker is None:
            raise NotFound("webhook", str(id))
        return worker

    def _employ(self, webhook: Webhook, progress: WebhookProgress) -> WebhookWorker:
        worker = self._workers[webhook.id] = WebhookWorker(webhook, progress, self._shop)
        worker.start()
        if self._listener is None:
            self._listener = asyncio.get_running_loop().create_task(self._listen())
        return worker

    def _tell(self, type: str, webhook: Webhook, **more: Any) -> None:
        self._shop.log.emit(type, None, webhook_id=str(webhook.id), description=webhook.description, **more)

    async def _listen(self) -> None:
        """Ring the workers that an event is for; they read it from the storage."""
        async with self._bus.subscribe(capacity=_QUEUE, live=False) as happenings:
            missed = 0
            async for event in happenings:
                for worker in self._workers.values():
                    if missed != happenings.missed:
                        worker.ring()
                    elif isinstance(event, Event):
                        worker.notice(event)
                missed = happenings.missed


def _known(worker: WebhookWorker, counts: Mapping[tuple[int, DeliveryState], int], now: datetime) -> KnownWebhook:
    id = worker.webhook.id
    dead, queued = (counts.get((id, state), 0) for state in (DeliveryState.DEAD, DeliveryState.QUEUED))
    return KnownWebhook(worker.webhook, worker.progress, worker.state, dead, queued, _lag_s(worker, now))


def _lag_s(worker: WebhookWorker, now: datetime) -> float:
    return 0.0 if worker.head is None else max((now - worker.head.at).total_seconds(), 0.0)


def _check_pattern(field: str, pattern: str) -> None:
    stored = [type for type, kind in EVENTS.items() if kind.telling is Telling.STORED]
    if any(matches_pattern(type, pattern) for type in stored):
        return
    if pattern in EVENTS:
        raise InvalidValue(field, f"is an event that is not kept ({pattern}); only the event stream tells it")
    nouns = {f"{type.partition('.')[0]}.*" for type in stored}
    near = difflib.get_close_matches(pattern, [*stored, *nouns], 1)
    hint = f"did you mean {near[0]}?" if near else "GET /event-schemas lists all events"
    raise InvalidValue(field, f"matches no event ({pattern}); {hint}")
