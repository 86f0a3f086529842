"""The inbox: stations never seen before that wait for the operator's word (onboarding ``ask``)."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any

from fastapi import APIRouter, Query

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import ProblemError, responses
from voltbridge.api.shapes import PageQuery, page_of
from voltbridge.api.stations import Station, StationId, StationPage, show
from voltbridge.domain.errors import NotFound
from voltbridge.domain.stations import Station as StationRecord

__all__ = ["router"]

router = APIRouter(tags=["inbox"])


@router.get("/inbox", response_model=StationPage, responses=responses(400, 401, 422))
async def list_inbox(services: UsesServices, query: Annotated[PageQuery, Query()]) -> Any:
    """List the stations that wait to be adopted."""
    return page_of(await services.stations.inbox(query.page), show)


@router.post("/inbox/{station_id}/adopt", response_model=Station, responses=responses(401, 404))
async def adopt_station(services: UsesServices, station_id: StationId) -> Any:
    """Take the station in: its next boot is accepted."""
    return show(await _known(services.stations.adopt(station_id)))


@router.post("/inbox/{station_id}/reject", response_model=Station, responses=responses(401, 404))
async def reject_station(services: UsesServices, station_id: StationId) -> Any:
    """Turn the station away. It can be accepted later by changing its registration."""
    return show(await _known(services.stations.reject(station_id)))


async def _known(decided: Awaitable[StationRecord]) -> StationRecord:
    """The station that was decided on; whoever takes one that has not knocked yet is told where those are that have."""
    try:
        return await decided
    except NotFound as error:
        raise ProblemError(
            404,
            "not-found",
            "Not found",
            f"{error.key} is not in the inbox: GET /api/v1/inbox lists the stations that have connected and wait. One "
            "that has not yet connected is made known by POST /api/v1/stations.",
        ) from None
