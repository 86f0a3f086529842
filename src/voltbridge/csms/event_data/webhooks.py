"""Of webhooks."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from voltbridge.csms.event_data.fields import OwnId, Reason

__all__ = [
    "WebhookAbout",
    "WebhookChanged",
    "WebhookDeliveryDead",
    "WebhookEventsMissed",
    "WebhookPaused",
    "WebhookTest",
]


class WebhookAbout(Struct):
    """A webhook; its URL may be a secret and is not told."""

    webhook_id: OwnId
    description: str | None


class WebhookChanged(WebhookAbout):
    """A webhook, and what is another now."""

    changed: list[str]


class WebhookPaused(Struct):
    """A webhook that delivers nothing more until it is resumed."""

    webhook_id: OwnId
    reason: Reason
    problem: Annotated[str | None, Meta(description="Of the last attempt.")]


class WebhookDeliveryDead(Struct):
    """An event that a receiver did not take, whatever was tried."""

    webhook_id: OwnId
    event_id: OwnId
    event_type: str
    attempts: int
    problem: Annotated[str | None, Meta(description="Of the last attempt.")]


class WebhookEventsMissed(Struct):
    """Events that were removed, as too old, before they could be delivered."""

    webhook_id: OwnId
    after_event_id: Annotated[OwnId, Meta(description="The last one that was dealt with.")]
    until_event_id: Annotated[OwnId, Meta(description="The last one that was removed.")]


class WebhookTest(Struct):
    """Nothing has happened; somebody wants to see whether messages arrive."""

    webhook_id: OwnId
