"""Messages on displays in the words of 2.0.1 and 2.1; ``words`` are the message types of one of them."""

from __future__ import annotations

from typing import Any

from msgspec import UnsetType

from voltbridge.csms.blocks.b_provisioning.components_v2 import component_type
from voltbridge.csms.blocks.given import given, moment, optional
from voltbridge.csms.blocks.o_display_message.parameters import ClearDisplayMessage, GetDisplayMessages
from voltbridge.csms.blocks.o_display_message.service import DisplayMessageService
from voltbridge.csms.commands.kinds import Answer, Context, Prepared, answered
from voltbridge.domain.device_model import Component
from voltbridge.domain.display_messages import (
    DisplayMessage,
    MessageContent,
    MessageFormat,
    MessagePriority,
    MessageState,
)
from voltbridge.protocol.datetimes import DateTime

__all__ = ["clearing", "content", "content_of", "message_of", "reading", "wired"]


def wired(words: Any, message: DisplayMessage) -> dict[str, Any]:
    """The fields of a MessageInfoType in the words of a version."""
    return {
        "id": message.id,
        "priority": words.MessagePriorityEnumType(message.priority.value),
        "state": optional(message.state and words.MessageStateEnumType(message.state.value)),
        "start_date_time": optional(message.start_at and DateTime.of(message.start_at)),
        "end_date_time": optional(message.end_at and DateTime.of(message.end_at)),
        # Left out where it belongs to no transaction (O01.FR.04).
        "transaction_id": optional(message.transaction_id),
        "message": content(words, message.message),
        "display": optional(None if message.display is None else component_type(words, message.display)),
    }


def content(words: Any, text: MessageContent) -> Any:
    """A text in the words of a version."""
    return words.MessageContentType(
        format=words.MessageFormatEnumType(text.format.value), language=optional(text.language), content=text.content
    )


def reading(words: Any, wanted: GetDisplayMessages, context: Context) -> Prepared:
    """The request in the words of a version."""
    service: DisplayMessageService = context.service
    request_id = context.next_id()
    request = words.GetDisplayMessagesRequest(
        request_id=request_id,
        id=optional(list(wanted.ids) if wanted.ids else None),
        priority=optional(wanted.priority and words.MessagePriorityEnumType(wanted.priority.value)),
        state=optional(wanted.state and words.MessageStateEnumType(wanted.state.value)),
    )

    async def settled(answer: Answer) -> None:
        await service.report_answered(context.station_id, request_id, answer)

    if context.live is not None:
        service.report_expected(context.station_id, request_id, wanted.criteria)
    return Prepared(request, answered, str(request_id), settled)


def clearing(words: Any, wanted: ClearDisplayMessage, context: Context) -> Prepared:
    """The request in the words of a version."""
    service: DisplayMessageService = context.service

    async def settled(answer: Answer) -> None:
        await service.cleared(context.station_id, wanted.id, answer)

    return Prepared(words.ClearDisplayMessageRequest(id=wanted.id), answered, settled=settled)


def message_of(station_id: str, told: Any) -> DisplayMessage:
    """A message that a station reports."""
    state = given(told.state)
    return DisplayMessage(
        station_id=station_id,
        id=told.id,
        priority=MessagePriority(told.priority.value),
        message=content_of(told.message),
        state=None if state is None else MessageState(state.value),
        start_at=moment(told.start_date_time),
        end_at=moment(told.end_date_time),
        transaction_id=given(told.transaction_id),
        display=_display_of(told.display),
    )


def content_of(told: Any) -> MessageContent:
    """A text that a station reports."""
    return MessageContent(told.content, MessageFormat(told.format.value), given(told.language))


def _display_of(told: Any) -> Component | None:
    if isinstance(told, UnsetType):
        return None
    evse = given(told.evse)
    if evse is None:
        return Component(told.name, given(told.instance))
    return Component(told.name, given(told.instance), evse.id, given(evse.connector_id))
