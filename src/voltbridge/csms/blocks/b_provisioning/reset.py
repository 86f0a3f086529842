"""What a reset is asked for with, whatever the version (2.0.1 B11, B12; 1.6 5.14)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from voltbridge.csms.commands.kinds import Context, Parameters
from voltbridge.domain.transactions import TransactionState

__all__ = ["Reset", "ResetKind", "is_charging"]


class ResetKind(StrEnum):
    """When and how to restart."""

    IMMEDIATE = "Immediate"
    """At once, whatever runs; 1.6: the hardware too (Hard)."""
    SOFT = "Soft"
    """End transactions in good order, then restart the programs; in 2.x every immediate reset ends them so."""
    ON_IDLE = "OnIdle"
    """As soon as no transaction runs."""
    IMMEDIATE_AND_RESUME = "ImmediateAndResume"
    """At once, and go on with the transactions after."""


class Reset(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Restart the station, or one EVSE."""

    type: ResetKind = ResetKind.ON_IDLE
    evse_id: Annotated[int, Meta(ge=1)] | None = None
    """Only this EVSE; None: the whole station."""


def is_charging(context: Context) -> bool:
    """Whether a transaction runs, as far as is known."""
    live = context.live
    return live is not None and any(one.state is TransactionState.ACTIVE for one in live.transactions.values())
