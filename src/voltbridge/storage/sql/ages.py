"""From when the oldest record of each kind is, asked so that the answer costs the same however many there are."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Connection, Select, func, select

from voltbridge.domain.ids import ID_BITS
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.alerts import alerts
from voltbridge.storage.sql.commands import commands, operations
from voltbridge.storage.sql.customer_information import customer_reports
from voltbridge.storage.sql.deviations import deviation_counts
from voltbridge.storage.sql.events import events
from voltbridge.storage.sql.files import files
from voltbridge.storage.sql.firmware import firmware_updates
from voltbridge.storage.sql.messages import messages
from voltbridge.storage.sql.meter_values import meter_values
from voltbridge.storage.sql.reservations import reservations
from voltbridge.storage.sql.rollouts import rollouts
from voltbridge.storage.sql.station_logs import station_logs
from voltbridge.storage.sql.transactions import transactions
from voltbridge.storage.sql.webhooks import webhook_deliveries
from voltbridge.storage.times import optional_from_ms

__all__ = ["OLDEST", "Ages"]

_BY_ID: Final = frozenset({"firmware_updates", "rollouts", "station_logs"})
"""Kinds whose time is in their ids alone: the upper bits are milliseconds (adr/0005)."""

_KEPT_LONGER: Final = ("dead", "queued")
"""States of deliveries that count as dead letters."""


def _first(column: Column[Any], by: Column[Any]) -> Select[Any]:
    """Of the first row: those that are written like a log are old at its beginning."""
    return select(column).order_by(by).limit(1)


def _least(column: Column[Any]) -> Select[Any]:
    """The least value: for columns that begin an index, and for small tables."""
    return select(func.min(column))


OLDEST: Final[dict[str, Select[Any]]] = {
    "messages": _first(messages.c.at_ms, messages.c.id),
    "events": _first(events.c.at_ms, events.c.id),
    "commands": _first(commands.c.created_at_ms, commands.c.id),
    "operations": _first(operations.c.created_at_ms, operations.c.id),
    "transactions": _least(transactions.c.began_at_ms),
    "meter_values": _least(meter_values.c.at_ms),
    "reservations": _first(reservations.c.created_at_ms, reservations.c.id),
    "alerts": _least(alerts.c.last_at_ms),
    "deviations": _least(deviation_counts.c.last_seen_at_ms),
    "customer_information": _least(customer_reports.c.requested_at_ms),
    "webhook_deliveries": _first(webhook_deliveries.c.created_at_ms, webhook_deliveries.c.id).where(
        webhook_deliveries.c.state.not_in(_KEPT_LONGER)
    ),
    "dead_letters": _first(webhook_deliveries.c.created_at_ms, webhook_deliveries.c.id).where(
        webhook_deliveries.c.state.in_(_KEPT_LONGER)
    ),
    "firmware_updates": _least(firmware_updates.c.id),
    "rollouts": _least(rollouts.c.id),
    "station_logs": _least(station_logs.c.id),
    "files": _least(files.c.created_at_ms).where(files.c.station_id.is_not(None)),
}
"""By kind of record: in milliseconds; no row or null where there is none."""


class Ages:
    """The ages of what is stored."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def oldest(self, kind: str) -> datetime | None:
        """From when the oldest record of one of the kinds in ``OLDEST`` is, None when there is none."""

        def read(connection: Connection) -> datetime | None:
            found = connection.execute(OLDEST[kind]).scalar_one_or_none()
            if kind in _BY_ID and found is not None:
                found >>= ID_BITS
            return optional_from_ms(found)

        return await self._sessions.read(read)
