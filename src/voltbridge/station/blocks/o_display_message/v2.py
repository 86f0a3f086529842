"""Display messages in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from voltbridge.protocol.codec import decode, encode
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version
from voltbridge.station.context import Handling
from voltbridge.station.display_messages import DisplayMessage, MessageContent
from voltbridge.station.facts import DisplayMessagesFact
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import given, messages, moment, optional, status_info

__all__ = ["clear_display_message", "display_messages_request", "get_display_messages", "set_display_message"]

_LONGEST_201 = 512


async def set_display_message(services: Services, handling: Handling, request: Any) -> Payload:
    """O01, O02, O06."""
    words = messages(handling.version)
    info = request.message
    state, display = given(info.state), given(info.display)
    message = DisplayMessage(
        id=info.id,
        priority=info.priority.value,
        contents=tuple(
            MessageContent(each.content, each.format.value, given(each.language))
            for each in (info.message, *(given(getattr(info, "message_extra", UNSET)) or ()))
        ),
        state=None if state is None else state.value,
        starts_at=moment(info.start_date_time),
        ends_at=moment(info.end_date_time),
        transaction=given(info.transaction_id),
        display=None if display is None else msgspec.json.decode(encode(display)),
    )
    status, why = await services.display_messages.put(message)
    response: Payload = words.SetDisplayMessageResponse(
        status=words.DisplayMessageStatusEnumType(status.value),
        status_info=status_info(words, "InvalidValue" if why else "", why),
    )
    return response


async def get_display_messages(services: Services, handling: Handling, request: Any) -> Payload:
    """O03, O04."""
    words = messages(handling.version)
    priority, state = given(request.priority), given(request.state)
    found = services.display_messages.find(
        given(request.id), None if priority is None else priority.value, None if state is None else state.value
    )
    if found:
        handling.after_answer(services.display_messages.report(request.request_id, found))
    response: Payload = words.GetDisplayMessagesResponse(
        status=words.GetDisplayMessagesStatusEnumType("Accepted" if found else "Unknown")
    )
    return response


async def clear_display_message(services: Services, handling: Handling, request: Any) -> Payload:
    """O05."""
    words = messages(handling.version)
    known = await services.display_messages.clear(request.id)
    enum = words.ClearMessageStatusEnumType
    response: Payload = words.ClearDisplayMessageResponse(status=enum("Accepted" if known else "Unknown"))
    return response


def display_messages_request(words: Any, fact: DisplayMessagesFact, speaker: Speaker) -> Payload:
    """O03.FR.02."""
    del speaker
    request: Payload = words.NotifyDisplayMessagesRequest(
        request_id=fact.request_id,
        tbc=fact.to_be_continued,
        message_info=[_info(words, each) for each in fact.messages],
    )
    return request


def _info(words: Any, message: DisplayMessage) -> Any:
    is_201 = words is messages(Version.V201)
    contents = [
        words.MessageContentType(
            format=words.MessageFormatEnumType(each.format),
            language=optional(each.language),
            # A text that was set in 2.1 may be longer than 2.0.1 can say.
            content=each.content[:_LONGEST_201] if is_201 else each.content,
        )
        for each in message.contents
    ]
    info: dict[str, Any] = {
        "id": message.id,
        "priority": words.MessagePriorityEnumType(message.priority),
        "state": _state(words, message.state),
        "start_date_time": UNSET if message.starts_at is None else DateTime.of(message.starts_at),
        "end_date_time": UNSET if message.ends_at is None else DateTime.of(message.ends_at),
        "transaction_id": optional(message.transaction),
        "message": contents[0],
    }
    if message.display is not None:
        info["display"] = decode(words.ComponentType, msgspec.json.encode(message.display))
    if not is_201 and len(contents) > 1:
        info["message_extra"] = contents[1:]
    return words.MessageInfoType(**info)


def _state(words: Any, state: str | None) -> Any:
    """2.0.1 does not know every state of 2.1."""
    return words.MessageStateEnumType(state) if state in {*words.MessageStateEnumType} else UNSET
