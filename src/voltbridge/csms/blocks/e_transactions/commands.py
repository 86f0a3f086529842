"""The commands about transactions that run already."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.e_transactions import v16, v21, v201
from voltbridge.csms.blocks.e_transactions.requests import GetTransactionStatus, SetMaxEnergyOnInvalidId
from voltbridge.csms.commands.kinds import CommandKind
from voltbridge.protocol.versions import Version

__all__ = ["COMMANDS"]

COMMANDS: Final = (
    CommandKind(
        name="get_transaction_status",
        about="Ask whether a transaction goes on, and whether messages of it still wait at the station.",
        parameters=GetTransactionStatus,
        builders={Version.V201: v201.get_transaction_status, Version.V21: v21.get_transaction_status},
        instead="trigger a MeterValues message instead: it comes with the transaction while that goes on",
    ),
    CommandKind(
        name="set_max_energy_on_invalid_id",
        about="Set how much a transaction may still take whose token turns out to be refused.",
        parameters=SetMaxEnergyOnInvalidId,
        builders={
            Version.V16: v16.set_max_energy_on_invalid_id,
            Version.V201: v201.set_max_energy_on_invalid_id,
            Version.V21: v21.set_max_energy_on_invalid_id,
        },
    ),
)
