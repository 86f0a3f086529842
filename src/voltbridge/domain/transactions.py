"""A charging transaction, and the update that every version's messages become.

StartTransaction, StopTransaction and MeterValues of 1.6 and TransactionEvent of 2.x become ``TransactionUpdate``.
Applying updates is idempotent and does not depend on their order; see ``voltbridge.domain.transaction_rules``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from voltbridge.domain.cost import Cost
from voltbridge.domain.metering import MeterValue
from voltbridge.domain.tariffs import Tariff
from voltbridge.domain.tokens import IdToken

__all__ = [
    "EnergyReading",
    "StopReason",
    "Transaction",
    "TransactionFilter",
    "TransactionPhase",
    "TransactionState",
    "TransactionUpdate",
]


class TransactionPhase(StrEnum):
    """Which part of the transaction's life an update reports (2.0.1 TransactionEventEnumType)."""

    STARTED = "Started"
    UPDATED = "Updated"
    ENDED = "Ended"


class TransactionState(StrEnum):
    """Where a transaction stands."""

    ACTIVE = "Active"
    ENDED = "Ended"
    CLOSED = "Closed"
    """Closed by the operator, because its end will never arrive."""


class StopReason(StrEnum):
    """Why a transaction stopped: the reasons of all versions in one list."""

    DE_AUTHORIZED = "DeAuthorized"
    EMERGENCY_STOP = "EmergencyStop"
    ENERGY_LIMIT_REACHED = "EnergyLimitReached"
    EV_DISCONNECTED = "EVDisconnected"
    GROUND_FAULT = "GroundFault"
    HARD_RESET = "HardReset"
    IMMEDIATE_RESET = "ImmediateReset"
    LOCAL = "Local"
    LOCAL_OUT_OF_CREDIT = "LocalOutOfCredit"
    MASTER_PASS = "MasterPass"
    OTHER = "Other"
    OVERCURRENT_FAULT = "OvercurrentFault"
    POWER_LOSS = "PowerLoss"
    POWER_QUALITY = "PowerQuality"
    REBOOT = "Reboot"
    REMOTE = "Remote"
    REQ_ENERGY_TRANSFER_REJECTED = "ReqEnergyTransferRejected"
    SOC_LIMIT_REACHED = "SOCLimitReached"
    SOFT_RESET = "SoftReset"
    STOPPED_BY_EV = "StoppedByEV"
    TIMEOUT = "Timeout"
    TIME_LIMIT_REACHED = "TimeLimitReached"
    UNLOCK_COMMAND = "UnlockCommand"


@dataclass(frozen=True, slots=True)
class EnergyReading:
    """A reading of the active import register: the moment and the energy in Wh."""

    at: datetime
    wh: float


class TransactionUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """What one message says of a transaction; fields the message does not carry are None or empty."""

    station_id: str
    transaction_id: str
    """The protocol's id, as text."""
    phase: TransactionPhase
    at: datetime
    sequence: int | None = None
    """seqNo of 2.x; None where the version numbers nothing."""
    trigger: str | None = None
    evse_id: int | None = None
    connector_id: int | None = None
    id_token: IdToken | None = None
    meter_values: tuple[MeterValue, ...] = ()
    meter_start_wh: float | None = None
    meter_stop_wh: float | None = None
    offline: bool = False
    charging_state: str | None = None
    stop_reason: str | None = None
    reservation_id: int | None = None
    remote_start_id: int | None = None
    time_spent_charging_s: int | None = None
    number_of_phases_used: int | None = None
    cable_max_current_a: int | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction as known so far. ``started_at`` is None while only later messages of it have arrived."""

    id: int
    transaction_id: str
    station_id: str
    state: TransactionState
    created_at: datetime
    """When we first heard of it."""
    updated_at: datetime
    evse_id: int | None = None
    connector_id: int | None = None
    id_token: IdToken | None = None
    """The token that started it."""
    stop_id_token: IdToken | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    stop_reason: str | None = None
    charging_state: str | None = None
    reservation_id: int | None = None
    remote_start_id: int | None = None
    time_spent_charging_s: int | None = None
    first_reading: EnergyReading | None = None
    last_reading: EnergyReading | None = None
    energy_wh: float | None = None
    energy_problems: tuple[str, ...] = ()
    """Why the energy should not be trusted, in plain words; empty when every check passed."""
    offline: bool = False
    """Whether any message of it was sent while the station was offline."""
    sequences: str = ""
    """Sequence numbers seen, as compact ranges: ``0-5,7``."""
    close_note: str | None = None
    """The operator's reason, when closed by hand."""
    superseded_by: int | None = None
    """Our id of the newer transaction on the same EVSE, while this one is active and its end has not arrived."""
    progress: str = ""
    """What later updates need to know of the earlier ones; only ``voltbridge.domain.transaction_rules`` reads it."""
    tariff: Tariff | None = None
    """As it was when the transaction started; None: it has none."""
    cost: Cost | None = None
    """By the tariff, as of the last message."""
    cost_facts: str = ""
    """What the cost rests on; only ``voltbridge.domain.transaction_cost`` reads it."""


@dataclass(frozen=True, slots=True)
class TransactionFilter:
    """Which transactions to list; what is None does not matter.

    A transaction's time is its start, or the moment we first heard of it while the start is unknown.
    """

    station_id: str | None = None
    id_token: str | None = None
    """The token that started it, without regard to case."""
    state: TransactionState | None = None
    since: datetime | None = None
    """Not before this moment."""
    until: datetime | None = None
    """Before this moment."""
