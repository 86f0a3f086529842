"""Messages on displays in the words of 2.0.1 (O01 to O06)."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.given import given
from voltbridge.csms.blocks.o_display_message.parameters import ClearDisplayMessage, GetDisplayMessages
from voltbridge.csms.blocks.o_display_message.service import DisplayMessageService
from voltbridge.csms.blocks.o_display_message.v2 import clearing, message_of, reading, wired
from voltbridge.csms.commands.kinds import Context, Prepared, Unsupported
from voltbridge.csms.events import message_data
from voltbridge.domain.display_messages import DisplayMessage
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v201

__all__ = ["clear_display_message", "get_display_messages", "notify_display_messages", "set_request"]

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
