"""The mistakes that stations were forgiven, by kind of charger, so that an operator sees which one breaks what."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Moment, PageOf, PageQuery, Shape, page_of
from voltbridge.domain.messages import DeviationFilter

__all__ = ["Deviation", "DeviationPage", "DeviationQuery", "router"]

router = APIRouter(tags=["deviations"])


class Deviation(Shape):
    """How often one kind of charger broke the standard in one way and was forgiven."""

    vendor: str
    model: str
    firmware_version: str
    action: str = Field(examples=["MeterValues"])
    path: str = Field(examples=["$.meterValue[*].timestamp"])
    kind: str
    count: int
    first_seen_at: Moment
    last_seen_at: Moment
    last_station_id: str
    example: str


class DeviationPage(PageOf[Deviation]):
    """One page of deviations."""


class DeviationQuery(PageQuery):
    """Which deviations."""

    vendor: str | None = None
    model: str | None = None


@router.get("/deviations", response_model=DeviationPage, responses=responses(400, 401, 422))
async def list_deviations(services: UsesServices, query: Annotated[DeviationQuery, Query()]) -> Any:
    """List what stations did wrong and were forgiven, by vendor, model and firmware."""
    wanted = DeviationFilter(vendor=query.vendor, model=query.model)
    return page_of(await services.deviations.list(wanted, query.page), Deviation.model_validate)
