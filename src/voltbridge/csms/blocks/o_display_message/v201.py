"""Messages on displays in the words of 2.0.1 (O01 to O06)."""

from __future__ import annotations

from typing import Any, Final

from msgspec import UnsetType

from voltbridge.csms.blocks.given import given, moment, optional
from voltbridge.csms.blocks.o_display_message.parameters import ClearDisplayMessage, GetDisplayMessages
from voltbridge.csms.blocks.o_display_message.service import DisplayMessageService
from voltbridge.csms.commands.kinds import Answer, Context, Prepared, Unsupported, answered
from voltbridge.csms.events import message_data
from voltbridge.domain.device_model import Component
from voltbridge.domain.display_messages import (
    DisplayMessage,
    MessageContent,
    MessageFormat,
    MessagePriority,
    MessageState,
)
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21, v201
from voltbridge.protocol.datetimes import DateTime

__all__ = [
    "clear_display_message",
    "clearing",
    "content",
    "content_of",
    "get_display_messages",
    "message_of",
    "notify_display_messages",
    "reading",
    "set_request",
    "wired",
]

_LONGEST: Final = 512
_STATES: Final = frozenset(state.value for state in v201.MessageStateEnumType)
_FORMATS: Final = frozenset(kind.value for kind in v201.MessageFormatEnumType)


async def notify_display_messages(
    service: DisplayMessageService, live: LiveStation, request: v201.NotifyDisplayMessagesRequest
) -> v201.NotifyDisplayMessagesResponse:
    """A part of an answer to GetDisplayMessages (O03, O04)."""
    await service.reported(
        live.station_id,
        request.request_id,
        [message_of(live.station_id, one) for one in given(request.message_info) or ()],
        more=given(request.tbc) or False,
        data=message_data(request),
    )
    return v201.NotifyDisplayMessagesResponse()


def set_request(message: DisplayMessage) -> v201.SetDisplayMessageRequest:
    """O01, O02, O06."""
    if message.extra:
        raise Unsupported("OCPP 2.0.1 shows a message in one language: leave extra out, or set a message for each")
    if message.state is not None and message.state.value not in _STATES:
        raise Unsupported(f"OCPP 2.0.1 has no state {message.state}; its states are {', '.join(sorted(_STATES))}")
    text = message.message
    if text.format.value not in _FORMATS:
        raise Unsupported(f"OCPP 2.0.1 has no format {text.format}; its formats are {', '.join(sorted(_FORMATS))}")
    if len(text.content) > _LONGEST:
        raise Unsupported(f"OCPP 2.0.1 shows at most {_LONGEST} characters")
    return v201.SetDisplayMessageRequest(message=v201.MessageInfoType(**wired(v201, message)))


def get_display_messages(wanted: GetDisplayMessages, context: Context) -> Prepared:
    """O03, O04; the messages follow in NotifyDisplayMessages."""
    if wanted.state is not None and wanted.state.value not in _STATES:
        raise Unsupported(f"OCPP 2.0.1 has no state {wanted.state}; its states are {', '.join(sorted(_STATES))}")
    return reading(v201, wanted, context)


def clear_display_message(wanted: ClearDisplayMessage, context: Context) -> Prepared:
    """O05."""
    return clearing(v201, wanted, context)


def wired(words: Any, message: DisplayMessage) -> dict[str, Any]:
    """The fields of a MessageInfoType in the words of a version of 2.x."""
    at = message.display
    evse: Any = None
    if at is not None and at.evse_id is not None:
        evse = words.EVSEType(id=at.evse_id, connector_id=optional(at.connector_id))
    return {
        "id": message.id,
        "priority": words.MessagePriorityEnumType(message.priority.value),
        "state": optional(message.state and words.MessageStateEnumType(message.state.value)),
        "start_date_time": optional(message.start_at and DateTime.of(message.start_at)),
        "end_date_time": optional(message.end_at and DateTime.of(message.end_at)),
        # Left out where it belongs to no transaction (O01.FR.04).
        "transaction_id": optional(message.transaction_id),
        "message": content(words, message.message),
        "display": optional(
            None
            if at is None
            else words.ComponentType(name=at.name, instance=optional(at.instance), evse=optional(evse))
        ),
    }


def content(words: Any, text: MessageContent) -> Any:
    """A text in the words of a version of 2.x."""
    return words.MessageContentType(
        format=words.MessageFormatEnumType(text.format.value), language=optional(text.language), content=text.content
    )


def reading(words: Any, wanted: GetDisplayMessages, context: Context) -> Prepared:
    """The request in the words of a version of 2.x."""
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
    """The request in the words of a version of 2.x."""
    service: DisplayMessageService = context.service

    async def settled(answer: Answer) -> None:
        await service.cleared(context.station_id, wanted.id, answer)

    return Prepared(words.ClearDisplayMessageRequest(id=wanted.id), answered, settled=settled)


def message_of(station_id: str, told: v201.MessageInfoType | v21.MessageInfoType) -> DisplayMessage:
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


def content_of(told: v201.MessageContentType | v21.MessageContentType) -> MessageContent:
    """A text that a station reports."""
    return MessageContent(told.content, MessageFormat(told.format.value), given(told.language))


def _display_of(told: v201.ComponentType | v21.ComponentType | UnsetType) -> Component | None:
    if isinstance(told, UnsetType):
        return None
    evse = told.evse
    if isinstance(evse, UnsetType):
        return Component(told.name, given(told.instance))
    return Component(told.name, given(told.instance), evse.id, given(evse.connector_id))
