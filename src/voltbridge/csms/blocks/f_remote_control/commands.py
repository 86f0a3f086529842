"""The commands of remote control."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.f_remote_control import v16, v21, v201
from voltbridge.csms.blocks.f_remote_control.parameters import (
    StartTransaction,
    StopTransaction,
    TriggerMessage,
    UnlockConnector,
)
from voltbridge.csms.commands.kinds import CommandKind
from voltbridge.protocol.versions import Version

__all__ = ["COMMANDS", "START_WITHIN_S", "STOP_WITHIN_S"]

START_WITHIN_S: Final = 600.0
"""How long a driver may take to plug in before a start that was accepted counts as failed."""
STOP_WITHIN_S: Final = 600.0

COMMANDS: Final = (
    CommandKind(
        name="start_transaction",
        about="Start charging for a token; the outcome is the transaction, a failure where its token is then refused.",
        parameters=StartTransaction,
        builders={
            Version.V16: v16.start_transaction,
            Version.V201: v201.start_transaction,
            Version.V21: v21.start_transaction,
        },
        outcome="transaction_start",
        outcome_within_s=START_WITHIN_S,
    ),
    CommandKind(
        name="stop_transaction",
        about="Stop charging; the outcome is the transaction's end.",
        parameters=StopTransaction,
        builders={
            Version.V16: v16.stop_transaction,
            Version.V201: v201.stop_transaction,
            Version.V21: v21.stop_transaction,
        },
        outcome="transaction_stop",
        outcome_within_s=STOP_WITHIN_S,
    ),
    CommandKind(
        name="unlock_connector",
        about="Release the cable of a connector.",
        parameters=UnlockConnector,
        builders={
            Version.V16: v16.unlock_connector,
            Version.V201: v201.unlock_connector,
            Version.V21: v21.unlock_connector,
        },
    ),
    CommandKind(
        name="trigger_message",
        about="Have the station send a message.",
        parameters=TriggerMessage,
        builders={
            Version.V16: v16.trigger_message,
            Version.V201: v201.trigger_message,
            Version.V21: v21.trigger_message,
        },
    ),
)
