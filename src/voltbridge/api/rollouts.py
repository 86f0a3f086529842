"""Rollouts: the same command to many stations, stage by stage."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.operations import Stations, with_parameters
from voltbridge.api.problems import responses
from voltbridge.api.shapes import (
    NOT_TEXT,
    Id,
    Moment,
    PageOf,
    PageQuery,
    RequestBody,
    Shape,
    number_of,
    page_of,
)
from voltbridge.csms.commands.operations import OperationPlan
from voltbridge.csms.commands.rollouts import RolloutPlan
from voltbridge.domain import rollouts as domain
from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.rollouts import MemberState, RolloutState
from voltbridge.domain.stations import StationFilter

__all__ = [
    "Member",
    "MemberPage",
    "MemberQuery",
    "NewRollout",
    "NewStage",
    "Rollout",
    "RolloutFilter",
    "RolloutId",
    "RolloutPage",
    "RolloutQuery",
    "router",
]

router = APIRouter(tags=["commands"])

RolloutId = Annotated[Id, Path(description="The rollout's id.")]


class NewStage(RequestBody):
    """Until how many stations have had it, in all: one of the two."""

    up_to_count: Annotated[int, Field(ge=1, le=1_000_000), NOT_TEXT] | None = None
    up_to_percent: Annotated[float, Field(gt=0, le=100), NOT_TEXT] | None = None


class RolloutFilter(Stations):
    """Which stations; what is left out does not matter."""

    firmware_version: str | None = Field(default=None, max_length=200, description="The version last booted with.")
    not_firmware_version: str | None = Field(
        default=None, max_length=200, description="Any version but this one, such as the one that is rolled out."
    )


class NewRollout(RequestBody):
    """A command to roll out to the stations named, in this order, or to those the filter takes, by their ids."""

    name: str = Field(description="The command.", examples=["update_firmware"])
    parameters: dict[str, Any] = Field(default={}, examples=[{"firmware_id": "1893456000000123456"}])
    station_ids: list[str] | None = Field(default=None, min_length=1, max_length=100_000, examples=[["CP-1", "CP-2"]])
    filter: RolloutFilter | None = None
    stages: list[NewStage] = Field(
        default=[],
        max_length=50,
        description="What they leave is the last stage.",
        examples=[[{"up_to_count": 1}, {"up_to_percent": 10}]],
    )
    concurrency: int = Field(default=10, ge=1, le=1000, description="How many stations are at work at once.")
    stop_at_failure_rate: float | None = Field(
        default=0.5, ge=0, le=1, description="The share of failures at which no further station is sent it."
    )
    stop_after: int = Field(default=1, ge=1, description="How many must have ended before the share counts.")
    advance_at: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="The share of the stations so far that must have ended before the next stage begins.",
    )
    hold_for_s: float | None = Field(
        default=604_800, gt=0, le=31_536_000, description="How long a station that is away is waited for."
    )
    timeout_s: float | None = Field(default=None, gt=0, le=3600)


class Rollout(Shape):
    """A rollout, and how far it is."""

    id: str = Field(examples=["1893456000000123456"])
    name: str = Field(examples=["update_firmware"])
    parameters: dict[str, Any]
    state: RolloutState
    reason: str | None = Field(description="Why it stopped.")
    stage: int = Field(description="The one that is at work, counted from 0.")
    stages: list[int] = Field(description="How many stations each has.")
    total: int
    ended: int = Field(description="How many stations have come to their end, in whatever way.")
    counts: dict[str, int] = Field(description="Stations by state; states without any are left out.")
    concurrency: int
    stop_at_failure_rate: float | None
    stop_after: int
    advance_at: float
    hold_for_s: float | None
    created_at: Moment
    finished_at: Moment | None


class RolloutPage(PageOf[Rollout]):
    """One page of rollouts, newest first."""


class RolloutQuery(PageQuery):
    """Which rollouts."""

    state: RolloutState | None = None


class Member(Shape):
    """A station of a rollout."""

    station_id: str
    stage: int
    state: MemberState
    command_id: str | None
    problem: str | None
    updated_at: Moment


class MemberPage(PageOf[Member]):
    """One page of a rollout's stations, in their order."""


class MemberQuery(PageQuery):
    """Which stations."""

    state: MemberState | None = None


@router.post("/rollouts", status_code=202, response_model=Rollout, responses=responses(400, 401, 404, 422))
async def start_rollout(services: UsesServices, new: NewRollout) -> Any:
    """Begin a rollout; read its progress from it. Stations that are away get the command when they return."""
    if (new.station_ids is None) == (new.filter is None):
        raise InvalidValue("filter", "is needed, or station_ids in its place; not both")
    chosen = new.filter or RolloutFilter()
    wanted = StationFilter(
        registration=chosen.registration,
        protocol=chosen.protocol.value if chosen.protocol else None,
        vendor=chosen.vendor,
        model=chosen.model,
        firmware_version=chosen.firmware_version,
        not_firmware_version=chosen.not_firmware_version,
    )
    plan = RolloutPlan(
        targets=OperationPlan(station_ids=new.station_ids, stations=wanted, connected=chosen.connected),
        stages=[domain.Stage(one.up_to_count, one.up_to_percent) for one in new.stages],
        concurrency=new.concurrency,
        stop_at_failure_rate=new.stop_at_failure_rate,
        stop_after=new.stop_after,
        advance_at=new.advance_at,
        hold_for_s=new.hold_for_s,
        timeout_s=new.timeout_s,
    )
    return _show(await with_parameters(services.rollouts.submit(new.name, new.parameters, plan)))


@router.get("/rollouts", response_model=RolloutPage, responses=responses(400, 401, 422))
async def list_rollouts(services: UsesServices, query: Annotated[RolloutQuery, Query()]) -> Any:
    """List rollouts, newest first."""
    return page_of(await services.rollouts.list(query.state, query.page), _show)


@router.get("/rollouts/{id}", response_model=Rollout, responses=responses(400, 401, 404))
async def get_rollout(services: UsesServices, id: RolloutId) -> Any:
    """One rollout and how far it is."""
    return _show(await services.rollouts.get(number_of(id)))


@router.get("/rollouts/{id}/stations", response_model=MemberPage, responses=responses(400, 401, 404, 422))
async def list_rollout_stations(services: UsesServices, id: RolloutId, query: Annotated[MemberQuery, Query()]) -> Any:
    """List a rollout's stations in their order."""
    return page_of(await services.rollouts.members(number_of(id), query.page, query.state), _member)


@router.post("/rollouts/{id}/pause", response_model=Rollout, responses=responses(400, 401, 404, 409))
async def pause_rollout(services: UsesServices, id: RolloutId) -> Any:
    """Send nothing further for now; what is with a station already runs to its end."""
    return _show(await services.rollouts.pause(number_of(id)))


@router.post("/rollouts/{id}/resume", response_model=Rollout, responses=responses(400, 401, 404, 409))
async def resume_rollout(services: UsesServices, id: RolloutId) -> Any:
    """Go on with a rollout that was paused, or that stopped for its failures: those count no more."""
    return _show(await services.rollouts.resume(number_of(id)))


@router.post("/rollouts/{id}/cancel", response_model=Rollout, responses=responses(400, 401, 404, 409))
async def cancel_rollout(services: UsesServices, id: RolloutId) -> Any:
    """Send nothing further, ever; what is with a station already runs to its end."""
    return _show(await services.rollouts.cancel(number_of(id)))


def _show(rollout: domain.Rollout) -> Rollout:
    return Rollout(
        id=str(rollout.id),
        name=rollout.name,
        parameters=dict(rollout.parameters),
        state=rollout.state,
        reason=rollout.reason,
        stage=rollout.stage,
        stages=list(rollout.stages),
        total=rollout.total,
        ended=rollout.ended,
        counts={state.value: count for state, count in rollout.counts.items()},
        concurrency=rollout.concurrency,
        stop_at_failure_rate=rollout.stop_at_failure_rate,
        stop_after=rollout.stop_after,
        advance_at=rollout.advance_at,
        hold_for_s=rollout.hold_for_s,
        created_at=rollout.created_at,
        finished_at=rollout.finished_at,
    )


def _member(one: domain.RolloutMember) -> Member:
    return Member(
        station_id=one.station_id,
        stage=one.stage,
        state=one.state,
        command_id=None if one.command_id is None else str(one.command_id),
        problem=one.problem,
        updated_at=one.updated_at,
    )
