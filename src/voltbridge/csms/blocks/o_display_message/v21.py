"""Messages on displays in the words of 2.1: as 2.0.1, with texts in several languages, more states and QR codes."""

from __future__ import annotations

from dataclasses import replace

from voltbridge.csms.blocks.given import given, optional
from voltbridge.csms.blocks.o_display_message.parameters import ClearDisplayMessage, GetDisplayMessages
from voltbridge.csms.blocks.o_display_message.service import DisplayMessageService
from voltbridge.csms.blocks.o_display_message.v2 import clearing, content, content_of, message_of, reading, wired
from voltbridge.csms.commands.kinds import Context, Prepared
from voltbridge.csms.events import message_data
from voltbridge.domain.display_messages import DisplayMessage
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = ["clear_display_message", "get_display_messages", "notify_display_messages", "set_request"]


async def notify_display_messages(
    service: DisplayMessageService, live: LiveStation, request: v21.NotifyDisplayMessagesRequest
) -> v21.NotifyDisplayMessagesResponse:
    """A part of an answer to GetDisplayMessages (O03, O04)."""
    await service.reported(
        live.station_id,
        request.request_id,
        [_message_of(live.station_id, one) for one in given(request.message_info) or ()],
        more=given(request.tbc) or False,
        data=message_data(request),
    )
    return v21.NotifyDisplayMessagesResponse()


def set_request(message: DisplayMessage) -> v21.SetDisplayMessageRequest:
    """O01, O02, O06."""
    extra = [content(v21, one) for one in message.extra]
    return v21.SetDisplayMessageRequest(
        message=v21.MessageInfoType(message_extra=optional(extra or None), **wired(v21, message))
    )


def get_display_messages(wanted: GetDisplayMessages, context: Context) -> Prepared:
    """O03, O04; the messages follow in NotifyDisplayMessages."""
    return reading(v21, wanted, context)


def clear_display_message(wanted: ClearDisplayMessage, context: Context) -> Prepared:
    """O05."""
    return clearing(v21, wanted, context)


def _message_of(station_id: str, told: v21.MessageInfoType) -> DisplayMessage:
    extra = given(told.message_extra) or ()
    return replace(message_of(station_id, told), extra=tuple(content_of(one) for one in extra))
