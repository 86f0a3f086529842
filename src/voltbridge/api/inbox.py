"""The inbox: stations never seen before that wait for the operator's word (onboarding ``ask``)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import PageQuery, page_of
from voltbridge.api.stations import Station, StationId, StationPage, show

__all__ = ["router"]

router = APIRouter(tags=["inbox"])


@router.get("/inbox", response_model=StationPage, responses=responses(400, 401, 422))
async def list_inbox(services: UsesServices, query: Annotated[PageQuery, Query()]) -> Any:
    """List the stations that wait to be adopted."""
    return page_of(await services.stations.inbox(query.page), show)


@router.post("/inbox/{station_id}/adopt", response_model=Station, responses=responses(401, 404))
async def adopt_station(services: UsesServices, station_id: StationId) -> Any:
    """Take the station in: its next boot is accepted."""
    return show(await services.stations.adopt(station_id))


@router.post("/inbox/{station_id}/reject", response_model=Station, responses=responses(401, 404))
async def reject_station(services: UsesServices, station_id: StationId) -> Any:
    """Turn the station away. It can be accepted later by changing its registration."""
    return show(await services.stations.reject(station_id))
