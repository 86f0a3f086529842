"""Webhooks: where an operator wants stored events delivered, and the rules of delivery; pure.

Events are delivered in the order of their ids, one message at a time for each webhook: the next one waits until the one
before was taken or given up. A message that the receiver answers with an error, or not in time, is sent again, less and
less often, and given up after ``max_attempts`` such answers: it is a dead letter then, which is kept and can be
replayed. While the receiver is out of reach nothing is given up. After ``pause_after_s`` without success the webhook
pauses; what it has not delivered by then waits until it is resumed. A message may arrive twice (its id is the same),
never not at all, unless its events were older than events are kept: such a gap is noted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from voltbridge.domain.events import Event, matches_pattern

__all__ = [
    "FIRST_DELAY_S",
    "LONGEST_DELAY_S",
    "Delivery",
    "DeliveryFilter",
    "DeliveryState",
    "Sent",
    "SentResult",
    "Webhook",
    "WebhookAddresses",
    "WebhookProgress",
    "WebhookState",
    "delay_s",
    "result_of",
    "state_of",
    "wants",
]

FIRST_DELAY_S = 5.0
LONGEST_DELAY_S = 3600.0

_NOT_NOW = frozenset({429, 502, 503, 504})
"""Said by a proxy that does not reach the receiver, or by a receiver that is overloaded."""
_GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """What the operator chose."""

    id: int
    url: str
    created_at: datetime
    updated_at: datetime
    secret: str = field(repr=False)
    """``whsec_`` and base64."""
    former_secret: str | None = field(default=None, repr=False)
    """Messages are signed with it too until ``former_secret_until``."""
    former_secret_until: datetime | None = None
    description: str | None = None
    enabled: bool = True
    types: tuple[str, ...] = ("*",)
    """Types of events, ``*`` standing for any text: ``transaction.*``."""
    station_ids: tuple[str, ...] = ()
    """Stations, ``*`` standing for any text. With neither these nor sites: all, and what concerns no station."""
    site_ids: tuple[str, ...] = ()
    """Stations of these sites, and what concerns the sites themselves."""
    batch_size: int = 1
    """How many events a message may hold."""
    timeout_s: float = 15.0
    max_attempts: int = 12
    pause_after_s: int = 3 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookProgress:
    """How far deliveries have come."""

    cursor: int
    """Id of the last event that is dealt with."""
    attempts: int = 0
    """At the message that is next, whose last event is ``message_until``."""
    refusals: int = 0
    """Of these attempts: those that the receiver answered, or let run out of time."""
    message_until: int | None = None
    failures: int = 0
    """In a row, of whichever message."""
    failing_since: datetime | None = None
    retry_at: datetime | None = None
    problem: str | None = None
    """Of the last attempt, if it failed."""
    delivered_at: datetime | None = None
    """When an attempt last succeeded."""
    paused_at: datetime | None = None
    pause_reason: str | None = None


class WebhookState(StrEnum):
    """How a webhook is doing."""

    ACTIVE = "active"
    FAILING = "failing"
    """The last attempt failed; the next one follows at ``retry_at``."""
    PAUSED = "paused"
    """Nothing is sent, because it failed for too long or the receiver is gone, until it is resumed."""
    DISABLED = "disabled"
    """Nothing is sent, by the operator's wish."""


class WebhookAddresses(StrEnum):
    """Where webhooks may be sent."""

    ANY = "any"
    PUBLIC = "public"
    """Only to addresses of the internet: not to this machine, and not to its networks."""


class DeliveryState(StrEnum):
    """What became of an event."""

    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up after the last attempt; kept, and can be replayed."""
    QUEUED = "queued"
    """To be replayed."""
    MISSED = "missed"
    """Events up to this one were removed, as too old, before they could be delivered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A line of a webhook's log."""

    id: int
    webhook_id: int
    state: DeliveryState
    created_at: datetime
    finished_at: datetime
    """When the last attempt ended."""
    event_id: int
    type: str | None = None
    attempts: int = 0
    http_status: int | None = None
    problem: str | None = None
    duration_ms: int | None = None
    """Of the last attempt."""
    event: Event | None = None
    """Kept with what is dead or queued."""


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which lines; what is None does not matter."""

    webhook_id: int
    state: DeliveryState | None = None
    type: str | None = None
    event_id: int | None = None


class SentResult(StrEnum):
    """What an attempt came to."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """The receiver was there and did not take the message."""
    OUT_OF_REACH = "out_of_reach"
    """Nobody can tell what the receiver thinks of the message."""
    GONE = "gone"
    """The receiver wants no further message."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An attempt."""

    result: SentResult
    duration_ms: int
    http_status: int | None = None
    problem: str | None = None
    retry_after_s: float | None = None
    """How long the receiver asks to be left alone."""


def result_of(http_status: int) -> SentResult:
    """What an answer means."""
    if 200 <= http_status < 300:
        return SentResult.DELIVERED
    if http_status in _NOT_NOW:
        return SentResult.OUT_OF_REACH
    return SentResult.GONE if http_status == _GONE else SentResult.REFUSED


def delay_s(failures: int, luck: float, retry_after_s: float | None = None) -> float:
    """How long to wait after so many failures in a row; ``luck`` from 0 to 1 spreads it over its second half."""
    full = min(FIRST_DELAY_S * 2.0 ** min(failures - 1, 20), LONGEST_DELAY_S)
    return max(full * (1 + luck) / 2, min(retry_after_s or 0.0, LONGEST_DELAY_S))


def state_of(webhook: Webhook, progress: WebhookProgress) -> WebhookState:
    """How it is doing."""
    if not webhook.enabled:
        return WebhookState.DISABLED
    if progress.paused_at is not None:
        return WebhookState.PAUSED
    return WebhookState.FAILING if progress.failures else WebhookState.ACTIVE


def wants(webhook: Webhook, event: Event, at_sites: Collection[str]) -> bool:
    """Whether the event is for this webhook; ``at_sites`` are the stations of its sites now.

    What is told of a webhook is not told to itself: a message about a failure would be the next to fail.
    """
    if event.type.startswith("webhook.") and event.data.get("webhook_id") == str(webhook.id):
        return False
    if not _matches(event.type, webhook.types):
        return False
    if not webhook.station_ids and not webhook.site_ids:
        return True
    if event.data.get("site_id") in webhook.site_ids:
        return True
    if event.station_id is None:
        return False
    return event.station_id in at_sites or _matches(event.station_id, webhook.station_ids)


def _matches(text: str, patterns: Sequence[str]) -> bool:
    return any(matches_pattern(text, pattern) for pattern in patterns)
