"""What a reset is asked for with, whatever the version (2.0.1 B11, B12; 1.6 5.14)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Protocol

from msgspec import Meta

from voltbridge.csms.commands.kinds import Context, Parameters
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.transactions import TransactionState

__all__ = ["WHOLE_STATION", "BootOutcomes", "Reset", "ResetKind", "concluded_by_boot", "is_charging", "of_boot"]

WHOLE_STATION: Final = "station"
"""The name under which the boot that ends a reset is awaited."""


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


class BootOutcomes(Protocol):
    """Commands whose outcome is a boot."""

    def conclude(
        self, station_id: str, kind: str, correlation: str | None, completed: bool, data: Mapping[str, Any]
    ) -> int | None:
        """The outcome is there; None when nobody awaits it."""


def of_boot(wanted: Reset) -> str | None:
    """The name of the boot to come; an EVSE alone does not boot."""
    return WHOLE_STATION if wanted.evse_id is None else None


def concluded_by_boot(commands: BootOutcomes) -> Callable[[LiveStation], Awaitable[None]]:
    """What tells resets, after each boot, that the station has restarted."""

    async def booted(live: LiveStation) -> None:
        told = {"boot_reason": live.report.boot_reason, "registration": live.registered.value}
        commands.conclude(live.station_id, "boot", WHOLE_STATION, True, told)

    return booted


def is_charging(context: Context) -> bool:
    """Whether a transaction runs, as far as is known."""
    live = context.live
    return live is not None and any(one.state is TransactionState.ACTIVE for one in live.transactions.values())
