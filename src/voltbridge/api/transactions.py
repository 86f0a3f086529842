"""Charging transactions of every version, with their energy and their samples."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Id, Moment, PageOf, PageQuery, RequestBody, Shape, number_of, page_of
from voltbridge.api.signed_values import SignedValuePage, SignedValueQuery, signed_values
from voltbridge.domain import cost as domain_cost
from voltbridge.domain import transactions as domain
from voltbridge.domain.cost import CostElement
from voltbridge.domain.sequences import missing_sequences
from voltbridge.domain.transactions import TransactionFilter, TransactionState

__all__ = [
    "Closing",
    "Cost",
    "CostLine",
    "Sample",
    "SamplePage",
    "SampledValue",
    "Transaction",
    "TransactionId",
    "TransactionPage",
    "TransactionQuery",
    "router",
    "show",
    "show_cost",
]

router = APIRouter(tags=["transactions"])

TransactionId = Annotated[Id, Path(description="Our own id of the transaction (`id`).")]


class CostLine(Shape):
    """What one element of the tariff comes to."""

    element: CostElement
    quantity: str | None = Field(description="kWh or minutes, not rounded.", examples=["22.345"])
    excl_tax: str = Field(examples=["7.82"])
    tax: str = Field(examples=["1.64"])
    incl_tax: str = Field(examples=["9.46"])


class Cost(Shape):
    """What a transaction costs, by the tariff it started with. Amounts are texts, so that nothing rounds them."""

    tariff_id: str = Field(examples=["day"])
    currency: str = Field(examples=["EUR"])
    total: str | None = Field(description="With tax; null while it cannot be told, `problems` say why.")
    total_excl_tax: str | None
    lines: list[CostLine]
    as_of: Moment
    final: bool = Field(description="Whether the transaction is over.")
    problems: list[str] = Field(description="Why it is missing or should not be trusted; empty when all is well.")
    note: str | None = Field(description="What happened to it after the end.")


class Transaction(Shape):
    """A charging transaction."""

    id: Id = Field(description="Our own id.")
    transaction_id: str = Field(description="The protocol's id.", examples=["1", "8f1c2a5e-..."])
    station_id: str = Field(examples=["CP-1"])
    evse_id: int | None = Field(examples=[1])
    connector_id: int | None = Field(examples=[1])
    state: TransactionState
    id_token: str | None = Field(description="The token that started it.", examples=["04A1B2C3D4"])
    id_token_type: str | None = Field(description="Null where the station does not tell.", examples=["ISO14443"])
    stop_id_token: str | None = Field(description="The token that stopped it.")
    started_at: Moment | None = Field(description="Null while only later messages have arrived.")
    stopped_at: Moment | None
    stop_reason: str | None = Field(examples=["Local"])
    energy_wh: float | None = Field(description="Energy delivered so far, in Wh.", examples=[12345.0])
    energy_problems: list[str] = Field(description="Why the energy should not be trusted; empty when all is well.")
    meter_start_wh: float | None = Field(description="First reading of the register.")
    meter_last_wh: float | None = Field(description="Last reading of the register.")
    meter_last_at: Moment | None
    charging_state: str | None = Field(examples=["Charging"])
    time_spent_charging_s: int | None
    reservation_id: int | None
    remote_start_id: int | None
    offline: bool = Field(description="Whether any message of it was sent while the station was offline.")
    missing_sequences: list[str] = Field(
        description="Sequence numbers of messages that have not arrived, as ranges.", examples=[["3", "5-7"]]
    )
    superseded_by: Id | None = Field(description="The newer transaction on its EVSE, where its own end never arrived.")
    close_note: str | None = Field(description="Why it was closed by hand.")
    cost: Cost | None = Field(description="Null where it has no tariff.")
    created_at: Moment = Field(description="When we first heard of it.")
    updated_at: Moment


class TransactionPage(PageOf[Transaction]):
    """One page of transactions, newest first."""


class TransactionQuery(PageQuery):
    """Which transactions."""

    station_id: str | None = None
    id_token: str | None = Field(default=None, description="The token that started it, without regard to case.")
    state: TransactionState | None = None
    since: Moment | None = Field(default=None, description="Started at or after this moment.")
    until: Moment | None = Field(default=None, description="Started before this moment.")


class Closing(RequestBody):
    """Why a transaction is closed by hand."""

    reason: str = Field(min_length=1, max_length=500, examples=["The station was replaced"])


class SampledValue(Shape):
    """One reading."""

    measurand: str = Field(examples=["Energy.Active.Import.Register"])
    value: float | None = Field(description="In `unit`, normalised; null when it was no number.", examples=[12345.0])
    unit: str | None = Field(examples=["Wh"])
    phase: str | None = Field(examples=["L1"])
    context: str = Field(examples=["Sample.Periodic"])
    location: str = Field(examples=["Outlet"])
    raw: str | None = Field(description="The value as it came, where normalising changed it.")
    raw_unit: str | None
    signed: str | None = Field(description="Signed meter data as it came.")


class Sample(Shape):
    """Readings taken at one moment."""

    at: Moment
    values: list[SampledValue]


class SamplePage(PageOf[Sample]):
    """One page of samples, oldest first."""


def show_cost(cost: domain_cost.Cost) -> Cost:
    """A cost of the domain as the API shows it."""
    return Cost(
        tariff_id=cost.tariff_id,
        currency=cost.currency,
        total=None if cost.total is None else str(cost.total),
        total_excl_tax=None if cost.total_excl_tax is None else str(cost.total_excl_tax),
        lines=[
            CostLine(
                element=line.element,
                quantity=None if line.quantity is None else f"{line.quantity.normalize():f}",
                excl_tax=str(line.excl_tax),
                tax=str(line.tax),
                incl_tax=str(line.incl_tax),
            )
            for line in cost.lines
        ],
        as_of=cost.as_of,
        final=cost.final,
        problems=list(cost.problems),
        note=cost.note,
    )


def show(transaction: domain.Transaction) -> Transaction:
    """A transaction of the domain as the API shows it."""
    token, stop_token = transaction.id_token, transaction.stop_id_token
    first, last = transaction.first_reading, transaction.last_reading
    return Transaction(
        id=str(transaction.id),
        transaction_id=transaction.transaction_id,
        station_id=transaction.station_id,
        evse_id=transaction.evse_id,
        connector_id=transaction.connector_id,
        state=transaction.state,
        id_token=token.id_token if token else None,
        id_token_type=token.type if token else None,
        stop_id_token=stop_token.id_token if stop_token else None,
        started_at=transaction.started_at,
        stopped_at=transaction.stopped_at,
        stop_reason=transaction.stop_reason,
        energy_wh=transaction.energy_wh,
        energy_problems=list(transaction.energy_problems),
        meter_start_wh=first.wh if first else None,
        meter_last_wh=last.wh if last else None,
        meter_last_at=last.at if last else None,
        charging_state=transaction.charging_state,
        time_spent_charging_s=transaction.time_spent_charging_s,
        reservation_id=transaction.reservation_id,
        remote_start_id=transaction.remote_start_id,
        offline=transaction.offline,
        missing_sequences=[
            str(first) if first == last else f"{first}-{last}"
            for first, last in missing_sequences(transaction.sequences)
        ],
        superseded_by=str(transaction.superseded_by) if transaction.superseded_by else None,
        close_note=transaction.close_note,
        cost=None if transaction.cost is None else show_cost(transaction.cost),
        created_at=transaction.created_at,
        updated_at=transaction.updated_at,
    )


@router.get("/transactions", response_model=TransactionPage, responses=responses(400, 401, 422))
async def list_transactions(services: UsesServices, query: Annotated[TransactionQuery, Query()]) -> Any:
    """List transactions, newest first. Those that are running are as current as the station's last message."""
    wanted = TransactionFilter(
        station_id=query.station_id, id_token=query.id_token, state=query.state, since=query.since, until=query.until
    )
    return page_of(await services.transactions.list(wanted, query.page), show)


@router.get("/transactions/{id}", response_model=Transaction, responses=responses(400, 401, 404))
async def get_transaction(services: UsesServices, id: TransactionId) -> Any:
    """One transaction."""
    return show(await services.transactions.get(number_of(id)))


@router.get("/transactions/{id}/samples", response_model=SamplePage, responses=responses(400, 401, 404, 422))
async def list_samples(services: UsesServices, id: TransactionId, query: Annotated[PageQuery, Query()]) -> Any:
    """The meter values of a transaction."""
    return page_of(await services.transactions.samples(number_of(id), query.page), Sample.model_validate)


@router.get("/transactions/{id}/signed-values", response_model=SignedValuePage, responses=responses(400, 401, 404, 422))
async def list_signed_values(
    services: UsesServices, id: TransactionId, query: Annotated[SignedValueQuery, Query()]
) -> Any:
    """The signed meter values of a transaction, each held against the meter's key.

    The key is the one given, as it is printed on the meter, or else one that the station told on the same page; that
    proves only that nothing was changed since.
    """
    return await signed_values(services.transactions, number_of(id), query)


@router.post("/transactions/{id}/close", response_model=Transaction, responses=responses(400, 401, 404))
async def close_transaction(services: UsesServices, id: TransactionId, closing: Closing) -> Any:
    """Close a transaction whose end will never arrive; one that is over stays as it is."""
    return show(await services.transactions.close(number_of(id), closing.reason))
