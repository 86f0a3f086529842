"""Messages on the displays of stations, and what is known of each (2.0.1 block O).

Requested ─┬─> Accepted ─┬─> Cleared      (the station cleared it when asked)
           │             ├─> Expired      (its end has come, or its transaction's)
           │             ├─> Replaced     (by another message that is always in front)
           │             └─> NotReported  (absent from a report that should have had it)
           └─> Rejected
Reported: the station has it, and it was not set from here
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from voltbridge.domain.device_model import Component
from voltbridge.domain.errors import InvalidValue

__all__ = [
    "LARGEST_ID",
    "PRESENT",
    "DisplayMessage",
    "MessageContent",
    "MessageCriteria",
    "MessageFormat",
    "MessagePriority",
    "MessageState",
    "MessageStatus",
    "check_message",
    "expired",
    "matches",
    "replaces",
]

LARGEST_ID: Final = 2**31 - 1


class MessagePriority(StrEnum):
    """When a message is shown among others (MessagePriorityEnumType)."""

    ALWAYS_FRONT = "AlwaysFront"
    IN_FRONT = "InFront"
    NORMAL_CYCLE = "NormalCycle"


class MessageState(StrEnum):
    """In which state of the station it is shown: those of all versions (MessageStateEnumType)."""

    CHARGING = "Charging"
    FAULTED = "Faulted"
    IDLE = "Idle"
    UNAVAILABLE = "Unavailable"
    SUSPENDED = "Suspended"
    DISCHARGING = "Discharging"


class MessageFormat(StrEnum):
    """How its text is to be read: those of all versions (MessageFormatEnumType)."""

    ASCII = "ASCII"
    HTML = "HTML"
    URI = "URI"
    UTF8 = "UTF8"
    QR_CODE = "QRCODE"


class MessageStatus(StrEnum):
    """What is known of a message."""

    REQUESTED = "Requested"
    """The station was asked to show it and has not answered."""
    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    CLEARED = "Cleared"
    EXPIRED = "Expired"
    REPLACED = "Replaced"
    NOT_REPORTED = "NotReported"
    REPORTED = "Reported"


PRESENT: Final = frozenset({MessageStatus.REQUESTED, MessageStatus.ACCEPTED, MessageStatus.REPORTED})
"""The station has such a message, or may have it."""


@dataclass(frozen=True, slots=True)
class MessageContent:
    """A text to show."""

    content: str
    format: MessageFormat = MessageFormat.UTF8
    language: str | None = None
    """An RFC 5646 tag."""


@dataclass(frozen=True, slots=True)
class DisplayMessage:
    """A message of a station. ``id`` is the one on the wire."""

    station_id: str
    id: int
    priority: MessagePriority
    message: MessageContent
    extra: tuple[MessageContent, ...] = ()
    """The same in other languages."""
    state: MessageState | None = None
    """None: in every state."""
    start_at: datetime | None = None
    end_at: datetime | None = None
    transaction_id: str | None = None
    """The protocol's; it is shown as long as that runs."""
    display: Component | None = None
    """None: the main display."""
    status: MessageStatus = MessageStatus.REQUESTED
    reason: str | None = None
    """Why the status is what it is, where there is more to say."""
    requested_at: datetime | None = None
    """When it was set from here."""
    noted_at: datetime | None = None
    """When the status was last learnt."""

    def noted(self, status: MessageStatus, at: datetime, reason: str | None = None) -> DisplayMessage:
        """The same with another status."""
        return replace(self, status=status, noted_at=at, reason=reason)


@dataclass(frozen=True, slots=True)
class MessageCriteria:
    """Which messages are meant; what is None or empty does not matter."""

    ids: tuple[int, ...] = ()
    priority: MessagePriority | None = None
    state: MessageState | None = None


def matches(message: DisplayMessage, criteria: MessageCriteria) -> bool:
    """Whether the criteria mean the message (O04.FR.01)."""
    if criteria.ids and message.id not in criteria.ids:
        return False
    if criteria.priority is not None and message.priority is not criteria.priority:
        return False
    return criteria.state is None or message.state is criteria.state


def expired(message: DisplayMessage, now: datetime) -> bool:
    """Whether its end has come, so that the station has removed it (O01.FR.07)."""
    return message.status in PRESENT and message.end_at is not None and message.end_at <= now


def replaces(new: DisplayMessage, old: DisplayMessage) -> bool:
    """Whether the station shows the one instead of the other from now on (O01.FR.16, O01.FR.23)."""
    front = MessagePriority.ALWAYS_FRONT
    return (
        new.priority is front
        and old.priority is front
        and new.id != old.id
        and new.display == old.display
        and old.status in PRESENT
    )


def check_message(message: DisplayMessage, now: datetime) -> None:
    """Raises InvalidValue for a message that could never be shown."""
    for index, content in enumerate((message.message, *message.extra)):
        name = "message" if index == 0 else f"extra[{index - 1}]"
        if content.format is MessageFormat.ASCII and not content.content.isascii():
            raise InvalidValue(f"{name}.content", "is not ASCII, which its format says")
        if index and content.language is None:
            raise InvalidValue(f"{name}.language", "is missing: it tells this text from the first")
    languages = [(content.language or "").casefold() for content in (message.message, *message.extra)]
    if len(set(languages)) < len(languages):
        raise InvalidValue("extra", "has two texts in one language")
    if message.end_at is not None and message.end_at <= now:
        raise InvalidValue("end_at", "is over already")
    if message.start_at is not None and message.end_at is not None and message.end_at <= message.start_at:
        raise InvalidValue("end_at", "is not after start_at")
