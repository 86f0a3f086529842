"""What stations are asked about the messages on their displays, whatever the version (O01 to O06)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from unicodedata import category

from msgspec import Meta, Struct

from voltbridge.csms.commands.kinds import Parameters
from voltbridge.domain.device_model import Component
from voltbridge.domain.display_messages import (
    LARGEST_ID,
    DisplayMessage,
    MessageContent,
    MessageCriteria,
    MessageFormat,
    MessagePriority,
    MessageState,
)

__all__ = ["ClearDisplayMessage", "Content", "Display", "GetDisplayMessages", "SetDisplayMessage"]

_Id = Annotated[int, Meta(ge=0, le=LARGEST_ID)]
_Moment = Annotated[datetime, Meta(tz=True)]
_Name = Annotated[str, Meta(min_length=1, max_length=50)]


class Content(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text to show."""

    content: Annotated[str, Meta(min_length=1, max_length=1024)]
    """In 2.0.1 at most 512 characters."""
    format: MessageFormat = MessageFormat.UTF8
    language: Annotated[str, Meta(min_length=2, max_length=8, pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")] | None = (
        None
    )

    def __post_init__(self) -> None:
        if any(character not in "\n\r\t" and category(character) in ("Cc", "Cs") for character in self.content):
            raise ValueError("content must be text without control characters")

    @property
    def text(self) -> MessageContent:
        """The same of the domain."""
        return MessageContent(self.content, self.format, self.language)


class Display(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which display: a component of the station's device model."""

    name: _Name = "Display"
    instance: _Name | None = None
    evse_id: _Id | None = None
    connector_id: _Id | None = None

    def __post_init__(self) -> None:
        if self.connector_id is not None and self.evse_id is None:
            raise ValueError("connector_id needs an evse_id")


class SetDisplayMessage(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Show a message. Without an id it gets one that the station does not use; with that of another it replaces it."""

    message: Content
    id: _Id | None = None
    priority: MessagePriority = MessagePriority.NORMAL_CYCLE
    state: MessageState | None = None
    """None: in every state."""
    start_at: _Moment | None = None
    end_at: _Moment | None = None
    transaction_id: Annotated[str, Meta(min_length=1, max_length=36)] | None = None
    """The protocol's id: shown as long as that transaction runs."""
    display: Display | None = None
    """None: the main one."""
    extra: Annotated[tuple[Content, ...], Meta(max_length=4)] = ()
    """The same in other languages (2.1)."""

    def of(self, station_id: str, id: int) -> DisplayMessage:
        """The message of the domain under this id."""
        at = self.display
        return DisplayMessage(
            station_id=station_id,
            id=id,
            priority=self.priority,
            message=self.message.text,
            extra=tuple(one.text for one in self.extra),
            state=self.state,
            start_at=self.start_at,
            end_at=self.end_at,
            transaction_id=self.transaction_id,
            display=None if at is None else Component(at.name, at.instance, at.evse_id, at.connector_id),
        )


class GetDisplayMessages(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Have the station report its messages: those that everything given means, without anything all."""

    ids: Annotated[tuple[_Id, ...], Meta(min_length=1, max_length=1024)] | None = None
    priority: MessagePriority | None = None
    state: MessageState | None = None

    @property
    def criteria(self) -> MessageCriteria:
        """The same of the domain."""
        return MessageCriteria(self.ids or (), self.priority, self.state)


class ClearDisplayMessage(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take a message off the display."""

    id: _Id
