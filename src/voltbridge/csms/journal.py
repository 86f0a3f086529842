"""The port through which handlers make things durable.

A handler puts what changed (whole frozen nouns of the domain) and returns; everything put by all stations in the
meantime is committed together. A reply that lets the station forget waits for ``committed()``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from voltbridge.domain.commands import Command
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.domain.events import Event
from voltbridge.domain.evses import Connector
from voltbridge.domain.messages import DeviationCount, MessageRecord
from voltbridge.domain.metering import MeterRecord
from voltbridge.domain.stations import StationReport
from voltbridge.domain.transactions import Transaction

__all__ = ["Fact", "Journal", "StorageUnavailable"]

Fact = StationReport | Connector | Transaction | MeterRecord | Event | MessageRecord | DeviationCount | Command


class Journal(Protocol):
    """Grouped, ordered, durable writes. One per process."""

    def put(self, fact: Fact) -> None:
        """Add a fact to the open batch. Facts of later batches never become durable before those of earlier ones.

        A Transaction, Connector, StationReport or Command replaces the stored one of the same key; a MeterRecord whose
        key is already stored is ignored; DeviationCounts add up. Raises StorageUnavailable when the storage has been
        out of reach for so long that nothing more can be taken in; a MessageRecord is then dropped and counted instead.
        """

    async def committed(self, station_id: str | None = None) -> None:
        """Return once everything put so far is durable; raises StorageUnavailable when it was given up.

        With a station id it raises only when facts of that station were given up, so that a fact which the database
        refuses for its content concerns nobody but the station that sent it. Without, any loss in the batch raises.
        """

    def on_lost(self, tell: Callable[[frozenset[str]], None]) -> None:
        """Have ``tell`` called with the ids of the stations whose facts were given up, before anyone waiting learns it.

        The owner then drops those stations' LiveStation, so that memory never says more than the storage.
        """

    def on_facts_lost(self, tell: Callable[[Sequence[Fact]], None]) -> None:
        """Have ``tell`` called with the facts themselves that were given up, before anyone waiting learns it."""
