"""Operations: the same command to many stations."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query
from pydantic import Field

from voltbridge.api.commands import CommandPage
from voltbridge.api.commands import show as show_command
from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Id, Moment, PageOf, PageQuery, RequestBody, Shape, number_of, page_of
from voltbridge.csms.commands.execution import InvalidParameters
from voltbridge.csms.commands.operations import OperationPlan
from voltbridge.domain import commands as domain
from voltbridge.domain.commands import CommandFilter, CommandState, OperationState
from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.stations import RegistrationStatus, StationFilter
from voltbridge.protocol.versions import Version

__all__ = [
    "NewOperation",
    "Operation",
    "OperationCommandQuery",
    "OperationId",
    "OperationPage",
    "OperationQuery",
    "Stations",
    "router",
    "show",
    "with_parameters",
]

T = TypeVar("T")

router = APIRouter(tags=["commands"])

OperationId = Annotated[Id, Path(description="The operation's id.")]


class Operation(Shape):
    """One command to many stations, and how far it is."""

    id: str = Field(examples=["1893456000000123456"])
    name: str = Field(examples=["reset"])
    parameters: dict[str, Any]
    state: OperationState
    created_at: Moment
    finished_at: Moment | None = Field(description="When the last of its commands ended.")
    total: int = Field(description="How many stations.")
    ended: int = Field(description="How many commands have ended, in whatever way.")
    counts: dict[str, int] = Field(description="Commands by state; states without any are left out.")
    concurrency: int
    stop_at_failure_rate: float | None
    stop_after: int
    hold: bool


class OperationPage(PageOf[Operation]):
    """One page of operations, newest first."""


class Stations(RequestBody):
    """Which stations; what is left out does not matter."""

    connected: bool | None = None
    registration: RegistrationStatus | None = None
    protocol: Version | None = Field(default=None, description="The version last spoken.")
    vendor: str | None = Field(default=None, max_length=200)
    model: str | None = Field(default=None, max_length=200)


class NewOperation(RequestBody):
    """A command to send to many stations: those named, or those the filter takes."""

    name: str = Field(description="The command.", examples=["reset"])
    parameters: dict[str, Any] = Field(default={}, examples=[{"type": "OnIdle"}])
    station_ids: list[str] | None = Field(default=None, min_length=1, max_length=100_000, examples=[["CP-1", "CP-2"]])
    filter: Stations | None = None
    concurrency: int = Field(default=100, ge=1, le=1000, description="How many stations work on it at once.")
    stop_at_failure_rate: float | None = Field(
        default=None, ge=0, le=1, description="The share of commands not accepted at which no further one is sent."
    )
    stop_after: int = Field(default=10, ge=1, description="How many must have ended before the share counts.")
    hold: bool = Field(default=False, description="Keep it for stations that are away; otherwise it fails for them.")
    expires_in_s: float | None = Field(default=None, gt=0, le=31_536_000)
    timeout_s: float | None = Field(default=None, gt=0, le=3600)


class OperationCommandQuery(PageQuery):
    """Which commands of an operation."""

    state: CommandState | None = None


class OperationQuery(PageQuery):
    """Which operations."""

    state: OperationState | None = None


def show(operation: domain.Operation) -> Operation:
    """An operation of the domain as the API shows it."""
    return Operation(
        id=str(operation.id),
        name=operation.name,
        parameters=dict(operation.parameters),
        state=operation.state,
        created_at=operation.created_at,
        finished_at=operation.finished_at,
        total=operation.total,
        ended=sum(count for state, count in operation.counts.items() if state.is_final),
        counts={state.value: count for state, count in operation.counts.items()},
        concurrency=operation.concurrency,
        stop_at_failure_rate=operation.stop_at_failure_rate,
        stop_after=operation.stop_after,
        hold=operation.hold,
    )


@router.post("/operations", status_code=202, response_model=Operation, responses=responses(400, 401, 404, 422))
async def start_operation(services: UsesServices, new: NewOperation) -> Any:
    """Begin to send a command to many stations; read its progress from the operation."""
    if (new.station_ids is None) == (new.filter is None):
        raise InvalidValue("filter", "is needed, or station_ids in its place; not both")
    chosen = new.filter or Stations()
    plan = OperationPlan(
        station_ids=new.station_ids,
        stations=StationFilter(
            registration=chosen.registration,
            protocol=chosen.protocol.value if chosen.protocol else None,
            vendor=chosen.vendor,
            model=chosen.model,
        ),
        connected=chosen.connected,
        concurrency=new.concurrency,
        stop_at_failure_rate=new.stop_at_failure_rate,
        stop_after=new.stop_after,
        hold=new.hold,
        expires_in_s=new.expires_in_s,
        timeout_s=new.timeout_s,
    )
    return show(await with_parameters(services.operations.submit(new.name, new.parameters, plan)))


async def with_parameters(begun: Awaitable[T]) -> T:
    """What is begun with parameters that stand within the body, so that what is wrong with them is sought there."""
    try:
        return await begun
    except InvalidParameters as error:
        raise InvalidParameters(f"$.parameters{error.path.removeprefix('$')}", error.detail) from None


@router.get("/operations", response_model=OperationPage, responses=responses(400, 401, 422))
async def list_operations(services: UsesServices, query: Annotated[OperationQuery, Query()]) -> Any:
    """List operations, newest first."""
    return page_of(await services.operations.list(query.state, query.page), show)


@router.get("/operations/{id}", response_model=Operation, responses=responses(400, 401, 404))
async def get_operation(services: UsesServices, id: OperationId) -> Any:
    """One operation and how far it is."""
    return show(await services.operations.get(number_of(id)))


@router.get("/operations/{id}/commands", response_model=CommandPage, responses=responses(400, 401, 404, 422))
async def list_operation_commands(
    services: UsesServices, id: OperationId, query: Annotated[OperationCommandQuery, Query()]
) -> Any:
    """List an operation's commands, newest first."""
    operation = await services.operations.get(number_of(id))
    wanted = CommandFilter(operation_id=operation.id, state=query.state)
    return page_of(await services.commands.list(wanted, query.page), show_command)


@router.post("/operations/{id}/cancel", response_model=Operation, responses=responses(400, 401, 404, 409))
async def cancel_operation(services: UsesServices, id: OperationId) -> Any:
    """Send nothing further; what is with a station already runs to its end."""
    return show(await services.operations.cancel(number_of(id)))
