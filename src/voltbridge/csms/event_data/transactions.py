"""Of reservations, transactions, their cost and what is shown of it."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from voltbridge.csms.event_data.fields import Moment, OwnId, Reason
from voltbridge.domain.display_messages import MessagePriority
from voltbridge.domain.reservations import ReservationState
from voltbridge.domain.tokens import AuthorizationStatus
from voltbridge.domain.transactions import TransactionState

__all__ = [
    "CostTold",
    "DisplayMessageAbout",
    "DisplayMessageTold",
    "MeterReading",
    "MeterReadings",
    "MeterValuesReceived",
    "ReservationAbout",
    "ReservationUnknown",
    "TariffAbout",
    "TariffAssigned",
    "TariffWithdrawn",
    "TransactionAbout",
    "TransactionClosed",
    "TransactionCostCorrected",
    "TransactionCosted",
    "TransactionTold",
]


class ReservationAbout(Struct):
    """A reservation as it is now."""

    id: Annotated[int, Meta(description="The id on the wire.")]
    state: ReservationState
    evse_id: int | None
    connector_type: str | None
    id_token: Annotated[str | None, Meta(description="The token that it is for; null for a secret one.")]
    group_id_token: str | None
    expires_at: Moment
    reason: Annotated[str | None, Meta(description="Why it was rejected or removed, or how its use is known.")]
    problem: Annotated[str | None, Meta(description="What the station left unanswered.")]
    transaction_id: Annotated[OwnId | None, Meta(description="Our id of the transaction that used it.")]
    command_id: OwnId | None


class ReservationUnknown(Struct):
    """A transaction ended a reservation that was not made here."""

    id: Annotated[int, Meta(description="The id that the station named.")]
    transaction_id: OwnId


class TransactionAbout(Struct):
    """A transaction as known so far."""

    id: OwnId
    transaction_id: Annotated[str, Meta(description="The protocol's id.")]
    evse_id: int | None
    connector_id: int | None
    state: TransactionState
    id_token: Annotated[str | None, Meta(description="The token that started it; null for a secret one.")]
    started_at: Moment | None
    stopped_at: Moment | None
    stop_reason: str | None
    charging_state: str | None
    energy_wh: float | None
    energy_problems: Annotated[list[str], Meta(description="Why the energy should not be trusted; empty: it can be.")]
    superseded_by: Annotated[OwnId | None, Meta(description="A newer transaction on the same EVSE.")]


class TransactionTold(TransactionAbout):
    """A transaction, and what the message that changed it said besides."""

    trigger: Annotated[str, Meta(description="What made the station tell it.")] | UnsetType = UNSET
    authorization: Annotated[AuthorizationStatus, Meta(description="What the station was answered.")] | UnsetType = (
        UNSET
    )
    number_of_phases_used: int | UnsetType = UNSET
    cable_max_current_a: float | UnsetType = UNSET


class TransactionClosed(TransactionAbout):
    """A transaction whose end will not arrive."""

    reason: Reason


class DisplayMessageAbout(Struct):
    """Which message on a display."""

    id: Annotated[int, Meta(description="On the wire.")]
    priority: MessagePriority
    transaction_id: Annotated[str | None, Meta(description="The protocol's id of the transaction it belongs to.")]


class DisplayMessageTold(DisplayMessageAbout):
    """A message on a display, and what became of it."""

    reason: Reason


class CostTold(Struct):
    """What a transaction costs; amounts are texts, so that nothing rounds them."""

    tariff_id: str
    currency: str
    total: Annotated[str | None, Meta(description="With tax; null: it cannot be told.")]
    total_excl_tax: str | None
    final: Annotated[bool, Meta(description="Whether the transaction is over.")]
    as_of: Moment
    problems: Annotated[list[str], Meta(description="Why it is missing or should not be trusted.")]
    note: Annotated[str | None, Meta(description="What happened to it after the end.")]


class TransactionCosted(Struct):
    """The cost of a transaction that is over."""

    id: OwnId
    transaction_id: Annotated[str, Meta(description="The protocol's id.")]
    cost: CostTold


class TransactionCostCorrected(TransactionCosted):
    """A cost that late messages have changed."""

    former_total: Annotated[str | None, Meta(description="What it was; null: not known.")]


class TariffAbout(Struct):
    """Which tariff."""

    tariff_id: str


class TariffWithdrawn(TariffAbout):
    """An assignment that is no more."""

    assignment_id: str


class TariffAssigned(TariffWithdrawn):
    """For whom and where a tariff is."""

    added: Annotated[bool, Meta(description="Whether the assignment is a new one.")]


class MeterReading(Struct):
    """One sampled value, in its unit."""

    value: Annotated[float, Meta(description="Missing where the reading was no number.")] | UnsetType = UNSET
    measurand: str | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    phase: str | UnsetType = UNSET
    context: str | UnsetType = UNSET
    location: str | UnsetType = UNSET


class MeterReadings(Struct):
    """The values of a moment."""

    at: Moment
    values: list[MeterReading]


class MeterValuesReceived(Struct):
    """What a station's meter read."""

    evse_id: int
    connector_id: int | None
    transaction_id: Annotated[OwnId | None, Meta(description="Our id of the transaction.")]
    meter_values: list[MeterReadings]
