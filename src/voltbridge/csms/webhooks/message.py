"""Events as they go out: the same JSON on the stream and in webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from voltbridge.domain.events import Event, LiveEvent

__all__ = ["message_body", "message_id", "shown_event"]


def shown_event(event: Event | LiveEvent) -> dict[str, Any]:
    """An event as readers see it; those that are not kept have no id."""
    return {
        **({"id": str(event.id)} if isinstance(event, Event) else {}),
        "type": event.type,
        "at": _text(event.at),
        "station_id": event.station_id,
        "data": event.data,
    }


def message_id(events: Sequence[Event]) -> str:
    """Of the message with these events; the same whenever they are sent."""
    first, last = events[0].id, events[-1].id
    return f"evt_{first}" if first == last else f"evt_{first}_{last}"


def message_body(events: Sequence[Event], *, batched: bool) -> bytes:
    """The event, or where a message may hold several ``{"events": [...]}``."""
    shown = [shown_event(event) for event in events]
    return msgspec.json.encode({"events": shown} if batched else shown[0])


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
