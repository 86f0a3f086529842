"""Remote control in the words of 2.1; they are those of ``v2``, with triggers of the station's own."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.f_remote_control import v2
from voltbridge.csms.blocks.f_remote_control.parameters import TriggeredMessage, TriggerMessage
from voltbridge.csms.blocks.given import optional
from voltbridge.csms.commands.kinds import Context, Prepared
from voltbridge.domain.errors import InvalidValue
from voltbridge.protocol import v21

__all__ = ["start_transaction", "stop_transaction", "trigger_message", "unlock_connector"]

_WORDS: Final = v2.Words(v21, "OCPP 2.1")

start_transaction = _WORDS.start_transaction
stop_transaction = _WORDS.stop_transaction
unlock_connector = _WORDS.unlock_connector


def trigger_message(wanted: TriggerMessage, context: Context) -> Prepared:
    """F06."""
    if (wanted.custom_trigger is not None) != (wanted.message is TriggeredMessage.CUSTOM_TRIGGER):
        raise InvalidValue("custom_trigger", "belongs to the message CustomTrigger, and is needed there")
    return _WORDS.trigger_message(wanted, custom_trigger=optional(wanted.custom_trigger))
