"""Domain events: what happened, for the event stream, webhooks and the console.

A stored event has an id that grows with time; a reader resumes after the last id it saw. Live-only events
(``LiveEvent``) are not stored and have no id: high-rate readings, which can be read back as meter values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

__all__ = ["Event", "EventFilter", "LiveEvent", "matches_pattern"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. ``type`` is dotted, noun first: ``transaction.started``, ``station.connected``."""

    id: int
    type: str
    at: datetime
    station_id: str | None
    data: Mapping[str, Any]
    """JSON values only, keys in snake_case with the unit in the name."""


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """Something that listeners may want now and nobody needs later."""

    type: str
    at: datetime
    station_id: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; what is None does not matter."""

    type: str | None = None
    """A type, or the noun that types begin with: ``transaction`` stands for ``transaction.started`` too."""
    station_id: str | None = None

    def takes(self, event: Event | LiveEvent) -> bool:
        """Whether the event is wanted."""
        if self.station_id is not None and event.station_id != self.station_id:
            return False
        return self.type is None or event.type == self.type or event.type.startswith(self.type + ".")


def matches_pattern(text: str, pattern: str) -> bool:
    """Whether a pattern stands for the text; ``*`` in it stands for any text."""
    return pattern == text or ("*" in pattern and _expression(pattern).fullmatch(text) is not None)


@lru_cache(maxsize=1000)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in re.split(r"\*+", pattern)), re.DOTALL)
