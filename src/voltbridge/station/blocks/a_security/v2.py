"""Security events in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload
from voltbridge.station.facts import SecurityEventFact
from voltbridge.station.speaker import Speaker

__all__ = ["security_event_request"]


def security_event_request(words: Any, fact: SecurityEventFact, speaker: Speaker) -> Payload:
    """A04."""
    del speaker
    request: Payload = words.SecurityEventNotificationRequest(
        type=fact.event[:50], timestamp=DateTime.of(fact.at), tech_info=fact.info[:255] or UNSET
    )
    return request
