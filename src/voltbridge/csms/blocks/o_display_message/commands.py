"""The commands of messages on displays."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.o_display_message import v21, v201
from voltbridge.csms.blocks.o_display_message.parameters import (
    ClearDisplayMessage,
    GetDisplayMessages,
    SetDisplayMessage,
)
from voltbridge.csms.blocks.o_display_message.service import REPORT, DisplayMessageService
from voltbridge.csms.commands.kinds import Answer, CommandKind, CommandRun, Context
from voltbridge.domain.display_messages import check_message
from voltbridge.protocol.versions import Version

__all__ = ["COMMANDS"]

_REPORT_WITHIN_S: Final = 600.0
_INSTEAD: Final = "what the vendor's own configuration or data transfer offers for its display can be used"


def _check_set(wanted: SetDisplayMessage, context: Context) -> None:
    """Held against the rules and the station's version before anything is stored."""
    service: DisplayMessageService = context.service
    message = wanted.of(context.station_id, wanted.id or 0)
    check_message(message, context.now)
    service.words[context.version].set_request(message)


async def _set(run: CommandRun) -> Answer:
    wanted: SetDisplayMessage = run.parameters
    context = run.context
    service: DisplayMessageService = context.service
    id = context.next_id() if wanted.id is None else wanted.id
    return await service.set(context.version, wanted.of(context.station_id, id), run.call)


COMMANDS: Final = (
    CommandKind(
        name="set_display_message",
        about="Show a message on the station's display, or replace the one of its id.",
        parameters=SetDisplayMessage,
        versions=(Version.V201, Version.V21),
        run=_set,
        check=_check_set,
        service="display_messages",
        instead=_INSTEAD,
    ),
    CommandKind(
        name="get_display_messages",
        about="Have the station report the messages on its display; what we know of them is put right.",
        parameters=GetDisplayMessages,
        builders={Version.V201: v201.get_display_messages, Version.V21: v21.get_display_messages},
        service="display_messages",
        outcome=REPORT,
        outcome_within_s=_REPORT_WITHIN_S,
        instead=_INSTEAD,
    ),
    CommandKind(
        name="clear_display_message",
        about="Take a message off the station's display.",
        parameters=ClearDisplayMessage,
        builders={Version.V201: v201.clear_display_message, Version.V21: v21.clear_display_message},
        service="display_messages",
        instead=_INSTEAD,
    ),
)
