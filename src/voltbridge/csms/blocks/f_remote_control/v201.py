"""Remote control in the words of 2.0.1; they are those of ``v2``, with fewer tokens and triggers."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.f_remote_control import v2
from voltbridge.csms.blocks.f_remote_control.parameters import TriggerMessage
from voltbridge.csms.blocks.given import among
from voltbridge.csms.commands.kinds import Context, Prepared, Unsupported
from voltbridge.protocol import v201

__all__ = ["start_transaction", "stop_transaction", "trigger_message", "unlock_connector"]

_WORDS: Final = v2.Words(
    v201, "OCPP 2.0.1", type_of=lambda name: among(v201.IdTokenEnumType, name, "OCPP 2.0.1 has no tokens of type")
)

start_transaction = _WORDS.start_transaction
stop_transaction = _WORDS.stop_transaction
unlock_connector = _WORDS.unlock_connector


def trigger_message(wanted: TriggerMessage, context: Context) -> Prepared:
    """F06."""
    if wanted.custom_trigger is not None:
        raise Unsupported("OCPP 2.0.1 has no triggers of its station's own; leave custom_trigger out")
    return _WORDS.trigger_message(wanted)
