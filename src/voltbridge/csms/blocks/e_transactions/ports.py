"""What transactions ask of the storage, of authorization and of the connected stations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from voltbridge.domain.metering import MeterValue
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveMeter, LiveStation
from voltbridge.domain.tariffs import TariffText
from voltbridge.domain.tokens import Authorization, IdToken
from voltbridge.domain.transactions import Transaction, TransactionFilter, TransactionUpdate

__all__ = ["Authorizer", "CommandOutcomes", "Connected", "CostAnswer", "Costs", "TransactionBook"]


class TransactionBook(Protocol):
    """The stored transactions. All raise StorageUnavailable."""

    async def get(self, id: int) -> Transaction | None:
        """By our own id."""

    async def find(self, station_id: str, transaction_id: str) -> Transaction | None:
        """By the protocol's id; the newest where a station used one twice."""

    async def find_start(
        self, station_id: str, evse_id: int, started_at: datetime, token_key: str | None, meter_start_wh: float | None
    ) -> Transaction | None:
        """The transaction that a start with exactly this content made."""

    async def list(self, wanted: TransactionFilter, page: PageRequest) -> Page[Transaction]:
        """Newest first. Raises InvalidCursor."""

    async def samples(self, id: int, page: PageRequest) -> Page[MeterValue]:
        """Meter values of the transaction of our own id, oldest first. Raises InvalidCursor."""

    async def newest_samples(self) -> Mapping[int, Sequence[MeterValue]]:
        """Of every active transaction, by our own id, the meter values stored last; some seconds' worth at least."""

    async def next_transaction_numbers(self, count: int) -> range:
        """Numbers from 1 to 2**31 - 1 that were never given before."""


class Authorizer(Protocol):
    """Who judges tokens."""

    async def for_transaction(
        self, live: LiveStation, id_token: IdToken, *, own_id: int, evse_id: int | None, starting: bool
    ) -> Authorization:
        """Whether the token may charge in, or stop, the transaction with our id ``own_id``."""


class Connected(Protocol):
    """The stations this node is connected to."""

    def get(self, station_id: str) -> LiveStation | None: ...

    def changed(self, station_id: str) -> None:
        """Something of a station was put into the journal by another than its worker."""


class CommandOutcomes(Protocol):
    """Commands whose outcome is a transaction's start or end."""

    def conclude(
        self, station_id: str, kind: str, correlation: str | None, completed: bool, data: Mapping[str, Any]
    ) -> int | None:
        """The outcome is there; None when nobody awaits it."""


@dataclass(frozen=True, slots=True)
class CostAnswer:
    """What the answer to a message of a transaction tells of its cost."""

    total: Decimal | None = None
    """Total cost, running or final; None: not told."""
    texts: Sequence[TariffText] = ()
    """What the driver is to be shown of the tariff from now on, the first in his language; empty: as before."""


class Costs(Protocol):
    """Who prices transactions. Nothing here waits."""

    def take(
        self,
        live: LiveStation,
        before: Transaction | None,
        after: Transaction,
        meter: LiveMeter,
        update: TransactionUpdate,
        authorization: Authorization | None,
    ) -> Transaction:
        """``after`` with its tariff and its cost, an update having made it of ``before``."""

    def read(
        self, live: LiveStation, transaction: Transaction, meter: LiveMeter, at_ms: int, meter_value: MeterValue
    ) -> None:
        """Readings of a transaction came outside of its own messages."""

    def answer(
        self, live: LiveStation, transaction: Transaction, meter: LiveMeter, update: TransactionUpdate
    ) -> CostAnswer | None:
        """What the answer to an update tells; None without a tariff."""

    def tell(self, before: Transaction | None, after: Transaction) -> None:
        """Tell whoever listens of a cost that is final now, or was corrected."""

    def as_now(self, transaction: Transaction, meter: LiveMeter) -> Transaction:
        """A running transaction with its cost until now."""
