"""What webhooks need of the storage and of the rest of the CSMS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from voltbridge.bus.ports import Subscription
from voltbridge.domain.events import Event
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.site_load import Site
from voltbridge.domain.webhooks import Delivery, DeliveryFilter, DeliveryState, Sent, Webhook, WebhookProgress

__all__ = ["Happenings", "KeptEvents", "Sender", "Sites", "WebhookBook"]


class WebhookBook(Protocol):
    """Webhooks and their logs as stored. Everything raises StorageUnavailable."""

    async def all(self) -> Sequence[tuple[Webhook, WebhookProgress]]: ...

    async def add(self, webhook: Webhook, progress: WebhookProgress) -> None: ...

    async def save(self, webhook: Webhook) -> None:
        """Raises NotFound."""

    async def note(self, webhook_id: int, progress: WebhookProgress, deliveries: Sequence[Delivery] = ()) -> None:
        """Keep how far it has come and lines of its log, in one."""

    async def delete(self, webhook_id: int) -> None:
        """Raises NotFound."""

    async def deliveries(self, wanted: DeliveryFilter, page: PageRequest) -> Page[Delivery]:
        """Newest first. Raises InvalidCursor."""

    async def delivery(self, webhook_id: int, id: int) -> Delivery | None: ...

    async def put(self, delivery: Delivery) -> None: ...

    async def queued(self, webhook_id: int, limit: int) -> Sequence[Delivery]:
        """The oldest lines to be replayed."""

    async def move(self, webhook_id: int, before: DeliveryState, after: DeliveryState) -> int:
        """Give all lines in one state another; how many there were."""

    async def counts(self, *states: DeliveryState) -> Mapping[tuple[int, DeliveryState], int]:
        """How many lines are in each of these states, by webhook."""


class KeptEvents(Protocol):
    """The stored events."""

    async def after_kept(self, id: int, limit: int) -> tuple[int, Sequence[Event]]:
        """The id of the newest event that was forgotten, and events with larger ids than ``id`` in their order."""

    async def get(self, id: int) -> Event | None: ...

    async def last_id(self) -> int: ...


class Happenings(Protocol):
    """The bus, as far as it is read here."""

    def subscribe(self, *, capacity: int = 1000, live: bool = True) -> Subscription: ...


class Sites(Protocol):
    """The operator's sites."""

    def list(self) -> Sequence[Site]: ...


class Sender(Protocol):
    """Makes attempts."""

    async def send(self, webhook: Webhook, message_id: str, body: bytes) -> Sent:
        """Make one attempt, which takes no longer than the webhook's time."""

    async def close(self) -> None:
        """End the connections."""
