"""The EVSEs of a station and the status of their connectors, for every version in one shape."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Moment, PageOf, Shape
from voltbridge.api.stations import StationId
from voltbridge.domain.evses import ConnectorStatus

__all__ = ["Connector", "Evse", "EvsePage", "router"]

router = APIRouter(tags=["stations"])


class Connector(Shape):
    """A connector's last known status."""

    connector_id: int = Field(examples=[1])
    status: ConnectorStatus
    status_at: Moment = Field(description="The station's own time, or when we heard of it.")
    error_code: str | None = Field(examples=["NoError"])
    error_info: str | None
    vendor_id: str | None
    vendor_error_code: str | None


class Evse(Shape):
    """An EVSE. Number 0 with connector 0 stands for the station as a whole."""

    evse_id: int = Field(examples=[1])
    connectors: list[Connector]
    reservation_ids: list[int] = Field(description="Open reservations of this EVSE; those of any EVSE are not here.")


class EvsePage(PageOf[Evse]):
    """All EVSEs of a station."""


@router.get("/stations/{station_id}/evses", response_model=EvsePage, responses=responses(401, 404))
async def list_evses(services: UsesServices, station_id: StationId) -> Any:
    """List a station's EVSEs. A connector of a version without EVSEs appears as an EVSE of the same number."""
    connectors = sorted(
        await services.availability.evses(station_id), key=lambda each: (each.evse_id, each.connector_id)
    )
    reserved: defaultdict[int | None, list[int]] = defaultdict(list)
    for one in await services.reservations.open_at(station_id):
        reserved[one.terms.evse_id].append(one.id)
    return {
        "items": [
            Evse(
                evse_id=evse_id,
                connectors=[Connector.model_validate(each) for each in group],
                reservation_ids=reserved[evse_id],
            )
            for evse_id, group in groupby(connectors, key=lambda each: each.evse_id)
        ],
        "next": None,
    }
