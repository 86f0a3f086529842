"""What is kept of running transactions, so that they outlive the engine: one document each, and one per sample."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from voltbridge.domain.tokens import IdToken
from voltbridge.station.blocks.e_transactions.limits import TransactionLimits
from voltbridge.station.blocks.j_meter_values.sampling import thinned
from voltbridge.station.ports import Store
from voltbridge.station.readings import MeterReading

__all__ = ["Records", "RunningTransaction"]

_TRANSACTIONS: Final = "transactions"
_SAMPLES: Final = "samples"
_ALIVE: Final = "alive"


class RunningTransaction(msgspec.Struct, kw_only=True):
    """A transaction that has started and not ended."""

    key: str
    evse_id: int
    connector_id: int
    started_at: datetime
    updated_at: datetime
    sequence: int = 0
    """The number of the next message."""
    id_token: IdToken | None = None
    group: IdToken | None = None
    authorized: bool = False
    """The driver has been authorized at some time."""
    authorization_ended: bool = False
    charging_state: str = "Idle"
    token_told: bool = False
    remote_start_id: int | None = None
    remote_told: bool = False
    reservation_id: int | None = None
    charging_s: float = 0.0
    """Before ``charging_since``."""
    charging_since: datetime | None = None
    met: frozenset[str] = frozenset()
    """Stop points that were reached."""
    reason: str | None = None
    """Why it will have stopped: the first thing that happened counts (F04.FR.03)."""
    begin_wh: float | None = None
    """The register at its start."""
    last_wh: float | None = None
    """The register when something was last told: what is told of a meter that cannot be read any more."""
    limits: TransactionLimits | None = None
    limits_of_csms: TransactionLimits | None = None
    """Those of them that the CSMS has set, or set lower or higher than the driver did."""
    cost: float | None = None
    """What it has cost so far, as the CSMS said last."""
    energy_limit_wh: float | None = None
    """The register at which an invalid token's energy is used up (E05.FR.03)."""
    suspended: bool = False
    """Its energy is: the token turned out invalid, or nothing is to flow after an interruption."""
    public_key_told: bool = False
    """The key of the meter's signatures was told (PublicKeyWithSignedMeterValue)."""
    priority: int | None = None
    """Of charging, as the CSMS says."""


class Records:
    """The documents of one station's transactions."""

    __slots__ = ("_store",)

    def __init__(self, store: Store) -> None:
        self._store = store

    def running(self) -> Iterator[RunningTransaction]:
        """What was running when the engine stopped."""
        for kept in self._store.all(_TRANSACTIONS).values():
            yield msgspec.json.decode(kept, type=RunningTransaction)

    def alive(self, now: datetime) -> None:
        """The station lives at this moment: what interrupts it does so later (2.1 E17.FR.02)."""
        self._store.put(_ALIVE, "at", now.isoformat().encode())

    def interrupted_at(self) -> datetime | None:
        """When it was last known to live before this start; None: that was never noted."""
        kept = self._store.all(_ALIVE).get("at")
        return datetime.fromisoformat(kept.decode()) if kept else None

    def keep(self, transaction: RunningTransaction) -> None:
        """Remember how it stands."""
        self._store.put(_TRANSACTIONS, transaction.key, msgspec.json.encode(transaction))

    def forget(self, key: str) -> None:
        """It has ended."""
        self._store.delete(_TRANSACTIONS, key)
        for name in self._names(key):
            self._store.delete(_SAMPLES, name)

    def add_sample(self, key: str, number: int, reading: MeterReading) -> None:
        """Keep a sample for the end of the transaction."""
        self._store.put(_SAMPLES, f"{key}/{number:06d}", msgspec.json.encode(reading))

    def samples(self, key: str) -> list[MeterReading]:
        """All samples of a transaction, oldest first."""
        kept = self._store.all(_SAMPLES)
        return [msgspec.json.decode(kept[name], type=MeterReading) for name in self._names(key)]

    def thin_out(self, key: str, most: int) -> int:
        """Leave out every second sample until there are no more than that. How many are left."""
        kept = thinned(self.samples(key), most)
        for name in self._names(key):
            self._store.delete(_SAMPLES, name)
        for number, reading in enumerate(kept):
            self.add_sample(key, number, reading)
        return len(kept)

    def _names(self, key: str) -> list[str]:
        return sorted(name for name in self._store.all(_SAMPLES) if name.startswith(f"{key}/"))
