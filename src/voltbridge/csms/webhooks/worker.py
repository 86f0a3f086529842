"""One webhook at work: a task of its own that reads the stored events in order and delivers them one message at a time.

How far it has come is kept with the lines of its log, in one write: at every failure, when nothing is left to be done,
and under load now and then. After a kill it goes on from there, so the last few messages may go out a second time.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import structlog

from voltbridge.csms.events import EventLog
from voltbridge.csms.webhooks.message import message_body, message_id
from voltbridge.csms.webhooks.ports import KeptEvents, Sender, Sites, WebhookBook
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.domain.events import Event
from voltbridge.domain.ids import IdSource
from voltbridge.domain.webhooks import (
    Delivery,
    DeliveryState,
    Sent,
    SentResult,
    Webhook,
    WebhookProgress,
    WebhookState,
    delay_s,
    state_of,
    wants,
)

__all__ = ["Tally", "WebhookWorker", "Workshop"]

_log = structlog.stdlib.get_logger(__name__)

_READ: Final = 200
"""Events read at a time; more than the largest message holds."""
_REPLAYS: Final = 20
_LINES: Final = 50
"""Lines of the log that may wait to be kept."""
_LINES_S: Final = 0.25
"""How long they may wait while messages go out."""
_LOOK_S: Final = 3600.0
"""How often to go on past events that are for others, with nothing to deliver."""
_SKIPPED: Final = 500
_STORAGE_S: Final = 5.0


@dataclass(slots=True)
class Tally:
    """What all webhooks together did since the start."""

    attempts: Counter[str] = field(default_factory=Counter)
    """By result."""
    events: Counter[str] = field(default_factory=Counter)
    """By the state they ended in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What every worker works with."""

    book: WebhookBook
    events: KeptEvents
    sender: Sender
    sites: Sites
    log: EventLog
    ids: IdSource
    clock: Clock
    tally: Tally = field(default_factory=Tally)
    luck: Callable[[], float] = random.random


class _Held(Exception):
    """Nothing more is to be sent for now."""


class WebhookWorker:
    """Delivers from ``start`` to ``stop``."""

    def __init__(self, webhook: Webhook, progress: WebhookProgress, workshop: Workshop) -> None:
        self.webhook = webhook
        self.progress = progress
        """As it is; what is kept may be a little behind."""
        self.head: Event | None = None
        """The oldest event that was tried and not yet delivered or given up."""
        self._shop = workshop
        self._bell = asyncio.Event()
        self._replays = True
        self._skipped = 0
        self._lines: list[Delivery] = []
        self._lines_since = 0.0
        self._unkept = False
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> WebhookState:
        """How the webhook is doing."""
        return state_of(self.webhook, self.progress)

    def start(self) -> None:
        """Begin, or begin again."""
        assert self._task is None
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"webhook {self.webhook.id}")

    async def stop(self) -> None:
        """Send nothing more; a message under way is cut off and will be sent again."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        with contextlib.suppress(StorageUnavailable):
            await self._keep()

    def notice(self, event: Event) -> None:
        """An event was stored."""
        if wants(self.webhook, event, self._at_sites()):
            self.ring()
            return
        self._skipped += 1
        if self._skipped >= _SKIPPED:
            self.ring()

    def ring(self) -> None:
        """There may be something to do."""
        self._bell.set()

    def replay(self) -> None:
        """Lines of the log are queued."""
        self._replays = True
        self.ring()

    async def _run(self) -> None:
        while True:
            try:
                self._bell.clear()
                if self.state in (WebhookState.PAUSED, WebhookState.DISABLED):
                    await self._keep()
                    await self._bell.wait()
                elif not await self._round():
                    await self._keep()
                    await self._rung()
            except _Held:
                continue
            except StorageUnavailable as error:
                _log.warning("a webhook waits for the storage", webhook=self.webhook.id, error=str(error))
                await self._shop.clock.sleep(_STORAGE_S)
            except Exception:
                # Whatever it is, the other webhooks and the stations have nothing to do with it.
                _log.exception("a webhook failed", webhook=self.webhook.id)
                self._failed_here()
                await self._shop.clock.sleep(_LOOK_S)

    def _failed_here(self) -> None:
        now = self._shop.clock.now()
        self.progress = replace(
            self.progress,
            failures=self.progress.failures + 1,
            failing_since=self.progress.failing_since or now,
            retry_at=now + timedelta(seconds=_LOOK_S),
            problem="something went wrong on our side; the server's log says more",
        )

    async def _rung(self) -> None:
        cancel = self._shop.clock.call_later(_LOOK_S, self._bell.set)
        try:
            await self._bell.wait()
        finally:
            cancel()

    async def _round(self) -> bool:
        """Deliver what was read at once; whether there was anything."""
        if self._replays:
            # First, so that what is queued from here on is looked for in the next round.
            self._replays = False
            try:
                more = await self._replay()
            except BaseException:
                self._replays = True
                raise
            self._replays = self._replays or more
        forgotten, found = await self._shop.events.after_kept(self.progress.cursor, _READ)
        if forgotten > self.progress.cursor:
            await self._miss(forgotten)
        at_sites = self._at_sites()
        message: list[Event] = []
        for event in found:
            if not wants(self.webhook, event, at_sites):
                continue
            message.append(event)
            # A message that failed goes out again as it was, under the same id.
            if len(message) == self.webhook.batch_size or event.id == self.progress.message_until:
                await self._deliver(message)
                message = []
        if message:
            await self._deliver(message)
        if found and found[-1].id > self.progress.cursor:
            self.progress = replace(self.progress, cursor=found[-1].id)
            self._unkept = True
        self._skipped = 0
        return bool(found) or self._replays

    async def _deliver(self, message: Sequence[Event]) -> None:
        """Send until it is taken or given up. Raises _Held when the webhook was paused meanwhile."""
        shop, webhook = self._shop, self.webhook
        id, body = message_id(message), message_body(message, batched=webhook.batch_size > 1)
        self.head = message[0]
        while True:
            retry_at = self.progress.retry_at
            if retry_at is not None and (wait_s := (retry_at - shop.clock.now()).total_seconds()) > 0:
                await shop.clock.sleep(wait_s)
            if self._lines and shop.clock.monotonic() - self._lines_since >= _LINES_S:
                await self._keep()
            sent = await shop.sender.send(webhook, id, body)
            shop.tally.attempts[sent.result.value] += 1
            now = shop.clock.now()
            attempts = self.progress.attempts + 1
            if sent.result is SentResult.DELIVERED:
                self._settle(message, DeliveryState.DELIVERED, sent, attempts)
                self.progress = WebhookProgress(cursor=message[-1].id, delivered_at=now)
                break
            failed = self.progress = replace(
                self.progress,
                attempts=attempts,
                refusals=self.progress.refusals + (sent.result is SentResult.REFUSED),
                message_until=message[-1].id,
                failures=self.progress.failures + 1,
                failing_since=self.progress.failing_since or now,
                problem=sent.problem,
            )
            wait_s = delay_s(failed.failures, shop.luck(), sent.retry_after_s)
            self.progress = replace(failed, retry_at=now + timedelta(seconds=wait_s))
            self._unkept = True
            _log.info("a webhook was not delivered", webhook=webhook.id, problem=sent.problem, failures=failed.failures)
            dead = failed.refusals >= webhook.max_attempts
            if dead:
                self._settle(message, DeliveryState.DEAD, sent, attempts)
                self._tell_dead(message, sent, attempts)
                # The delay stays: what comes next meets the same receiver.
                self.progress = replace(
                    self.progress, cursor=message[-1].id, attempts=0, refusals=0, message_until=None
                )
            self._pause_if_hopeless(sent)
            await self._keep()
            if self.progress.paused_at is not None:
                raise _Held
            if dead:
                break
        self.head = None
        if len(self._lines) >= _LINES:
            await self._keep()

    def _pause_if_hopeless(self, sent: Sent) -> None:
        now, since = self._shop.clock.now(), self.progress.failing_since
        if sent.result is SentResult.GONE:
            reason = "the receiver answered that it is gone (HTTP status 410)"
        elif since is not None and (now - since).total_seconds() >= self.webhook.pause_after_s:
            reason = f"no delivery succeeded for {self.webhook.pause_after_s} s"
        else:
            return
        self.progress = replace(self.progress, paused_at=now, pause_reason=reason)
        _log.warning("a webhook is paused", webhook=self.webhook.id, reason=reason)
        self._shop.log.emit(
            "webhook.paused", None, webhook_id=str(self.webhook.id), reason=reason, problem=sent.problem
        )

    def _tell_dead(self, message: Sequence[Event], sent: Sent, attempts: int) -> None:
        for event in message:
            self._shop.log.emit(
                "webhook.delivery_dead",
                event.station_id,
                webhook_id=str(self.webhook.id),
                event_id=str(event.id),
                event_type=event.type,
                attempts=attempts,
                problem=sent.problem,
            )

    async def _replay(self) -> bool:
        """Send some of what is queued, each once; whether there may be more."""
        shop = self._shop
        queued = await shop.book.queued(self.webhook.id, _REPLAYS)
        for line in queued:
            assert line.event is not None
            body = message_body([line.event], batched=self.webhook.batch_size > 1)
            sent = await shop.sender.send(self.webhook, message_id([line.event]), body)
            shop.tally.attempts[sent.result.value] += 1
            taken = sent.result is SentResult.DELIVERED
            await shop.book.put(
                replace(
                    line,
                    state=DeliveryState.DELIVERED if taken else DeliveryState.DEAD,
                    finished_at=shop.clock.now(),
                    attempts=line.attempts + 1,
                    http_status=sent.http_status,
                    problem=sent.problem,
                    duration_ms=sent.duration_ms,
                    event=None if taken else line.event,
                )
            )
            if not taken and sent.result is not SentResult.REFUSED:
                # The others would fare no better.
                await shop.book.move(self.webhook.id, DeliveryState.QUEUED, DeliveryState.DEAD)
                return False
        return len(queued) == _REPLAYS

    async def _miss(self, forgotten: int) -> None:
        """Events were removed, as too old, before they were delivered: say so and go on behind them."""
        now, after = self._shop.clock.now(), self.progress.cursor
        self._lines.append(
            Delivery(
                id=self._shop.ids.next(),
                webhook_id=self.webhook.id,
                state=DeliveryState.MISSED,
                created_at=now,
                finished_at=now,
                event_id=forgotten,
                problem=f"events after {after} were removed as too old before they could be delivered",
            )
        )
        self.progress = replace(self.progress, cursor=forgotten, attempts=0, refusals=0, message_until=None)
        self._shop.tally.events[DeliveryState.MISSED.value] += 1
        self._unkept = True
        await self._keep()
        _log.warning("events were removed before a webhook could deliver them", webhook=self.webhook.id)
        self._shop.log.emit(
            "webhook.events_missed",
            None,
            webhook_id=str(self.webhook.id),
            after_event_id=str(after),
            until_event_id=str(forgotten),
        )

    def _settle(self, message: Sequence[Event], state: DeliveryState, sent: Sent, attempts: int) -> None:
        """Write a line for each event of a message."""
        now = self._shop.clock.now()
        self._shop.tally.events[state.value] += len(message)
        if not self._lines:
            self._lines_since = self._shop.clock.monotonic()
        self._unkept = True
        self._lines += [
            Delivery(
                id=self._shop.ids.next(),
                webhook_id=self.webhook.id,
                state=state,
                created_at=event.at,
                finished_at=now,
                event_id=event.id,
                type=event.type,
                attempts=attempts,
                http_status=sent.http_status,
                problem=sent.problem,
                duration_ms=sent.duration_ms,
                event=event if state is DeliveryState.DEAD else None,
            )
            for event in message
        ]

    async def _keep(self) -> None:
        """Write down how far it has come."""
        if self._unkept:
            lines = self._lines
            await self._shop.book.note(self.webhook.id, self.progress, lines)
            self._lines, self._unkept = [], False

    def _at_sites(self) -> set[str]:
        """The stations of the webhook's sites."""
        wanted = self.webhook.site_ids
        if not wanted:
            return set()
        return {outlet.station_id for site in self._shop.sites.list() if site.id in wanted for outlet in site.outlets}
