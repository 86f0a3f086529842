"""Messages that the CSMS put on a station's display, free of versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

__all__ = ["DisplayMessage", "MessageContent"]


class MessageContent(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text in one language (RFC 5646); ``format`` is a MessageFormatEnumType."""

    content: str
    format: str = "UTF8"
    language: str | None = None


class DisplayMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message as it was set (MessageInfoType)."""

    id: int
    priority: str
    """MessagePriorityEnumType."""
    contents: tuple[MessageContent, ...]
    """The message itself first, then its other languages (2.1)."""
    state: str | None = None
    """MessageStateEnumType; None: in every state."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    transaction: str | None = None
    """The transaction it belongs to, by its name in 2.x; it goes with it."""
    display: dict[str, Any] | None = None
    """The component that shows it, as JSON."""
