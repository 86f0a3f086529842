"""What stations are asked about transactions, whatever the version (2.0.1 E05, E14)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from voltbridge.csms.commands.kinds import Parameters

__all__ = ["GetTransactionStatus", "SetMaxEnergyOnInvalidId"]


class GetTransactionStatus(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a transaction goes on, and whether messages of it still wait at the station."""

    transaction_id: Annotated[str, Meta(min_length=1, max_length=36)] | None = None
    """As the protocol has it; None: whether any message of a transaction waits."""


class SetMaxEnergyOnInvalidId(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much a transaction may still take whose token turns out to be refused."""

    energy_wh: Annotated[int, Meta(ge=0, le=2**31 - 1)]
