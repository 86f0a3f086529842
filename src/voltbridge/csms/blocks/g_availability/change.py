"""What a change of availability is asked for with, whatever the version (2.0.1 G03, G04; 1.6 5.2).

It lasts: a station keeps it over a restart (G03.FR.08; 1.6 5.2). While a transaction runs the station answers Scheduled
and changes at its end; either way the outcome is there once every connector that is meant shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from voltbridge.csms.commands.kinds import Answer, Context, Parameters, Settled
from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.evses import Connector, ConnectorStatus
from voltbridge.domain.stations import LiveStation

__all__ = ["ACCEPTED", "ChangeAvailability", "OperationalStatus", "changes_shown", "named", "settling"]

ACCEPTED: Final = frozenset({"Accepted", "Scheduled"})
_Number = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class OperationalStatus(StrEnum):
    """Whether something can be used."""

    OPERATIVE = "Operative"
    INOPERATIVE = "Inoperative"


class ChangeAvailability(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take the station, an EVSE or a connector out of use, or put it back."""

    status: OperationalStatus
    evse_id: _Number | None = None
    """None: the whole station."""
    connector_id: _Number | None = None
    """One connector of the EVSE; None: all of it."""

    def check(self) -> None:
        """Raises InvalidValue."""
        if self.connector_id is not None and self.evse_id is None:
            raise InvalidValue("connector_id", "needs the evse_id too")


def named(wanted: ChangeAvailability) -> str:
    """The name under which the outcome is awaited."""
    return f"{wanted.evse_id or 0}.{wanted.connector_id or 0}.{wanted.status}"


def settling(wanted: ChangeAvailability, context: Context) -> Settled:
    """What follows the answer: where all shows already what was asked for, no status will come (G03.FR.05)."""

    async def settle(answer: Answer) -> None:
        if answer.accepted and context.live is not None:
            context.service.conclude_changes(context.live, wanted.evse_id or 0, wanted.connector_id or 0)

    return settle


def changes_shown(live: LiveStation, evse_id: int, connector_id: int) -> Iterator[str]:
    """The names of the changes that are complete, now that this connector has told its status."""
    for scope in ((0, 0), (evse_id, 0), (evse_id, connector_id)):
        shown = {_shown(each) for each in live.connectors.values() if _within(each, scope)}
        if len(shown) == 1 and (status := shown.pop()) is not None:
            yield f"{scope[0]}.{scope[1]}.{status}"


def _within(connector: Connector, scope: tuple[int, int]) -> bool:
    evse_id, connector_id = scope
    if evse_id and connector.evse_id != evse_id:
        return False
    return not connector_id or connector.connector_id == connector_id


def _shown(connector: Connector) -> OperationalStatus | None:
    """What a status tells of the availability; a fault tells nothing of it."""
    if connector.status in (ConnectorStatus.FAULTED, ConnectorStatus.UNKNOWN):
        return None
    inoperative = connector.status is ConnectorStatus.UNAVAILABLE
    return OperationalStatus.INOPERATIVE if inoperative else OperationalStatus.OPERATIVE
