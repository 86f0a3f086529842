"""What stations told of customers: personal, kept for a short time, read and deleted here alone."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Moment, PageOf, Shape
from voltbridge.api.stations import StationId
from voltbridge.domain.customer_information import CustomerReport

__all__ = ["CustomerInformation", "CustomerInformationContent", "CustomerInformationPage", "RequestId", "router"]

router = APIRouter(tags=["customer information"])

RequestId = Annotated[
    int,
    Path(
        ge=-(2**63) + 1,
        le=2**63 - 1,
        description="The number of the request, as the command's answer tells it.",
        examples=[89000000],
    ),
]


class CustomerInformation(Shape):
    """A report about a customer that came, or comes, in parts."""

    request_id: int
    asked: bool = Field(description="Whether a command asked for it.")
    report: bool = Field(description="Whether the data was to be told.")
    clear: bool = Field(description="Whether the station was to forget the customer.")
    requested_at: Moment
    last_part_at: Moment | None
    parts: str = Field(description="Numbers of the parts that have come.", examples=["0-4,6"])
    missing_parts: list[int] = Field(description="At most 100 of those that have not come though a later one has.")
    complete: bool
    characters: int


class CustomerInformationPage(PageOf[CustomerInformation]):
    """A station's latest reports about customers, newest first, on one page; without what they say."""


class CustomerInformationContent(CustomerInformation):
    """A report about a customer with what the station says."""

    data: str = Field(description="The parts that have come, in their order, as one text.")


@router.get(
    "/stations/{station_id}/customer-information",
    response_model=CustomerInformationPage,
    responses=responses(401, 404),
)
async def list_customer_information(services: UsesServices, station_id: StationId) -> Any:
    """The reports about customers that are kept. Ask for one with the command `customer_information`."""
    found = await services.customer_information.list(station_id)
    return {"items": [CustomerInformation(**_about(one)) for one in found], "next": None}


@router.get(
    "/stations/{station_id}/customer-information/{request_id}",
    response_model=CustomerInformationContent,
    responses=responses(400, 401, 404),
)
async def get_customer_information(services: UsesServices, station_id: StationId, request_id: RequestId) -> Any:
    """What a station told of a customer."""
    report, data = await services.customer_information.get(station_id, request_id)
    return CustomerInformationContent(**_about(report), data=data)


@router.delete(
    "/stations/{station_id}/customer-information/{request_id}",
    status_code=204,
    response_class=Response,
    responses=responses(400, 401, 404),
)
async def delete_customer_information(services: UsesServices, station_id: StationId, request_id: RequestId) -> None:
    """Delete what a station told of a customer, before its time is over."""
    await services.customer_information.forget(station_id, request_id)


def _about(report: CustomerReport) -> dict[str, Any]:
    return {
        "request_id": report.request_id,
        "asked": report.asked,
        "report": report.report,
        "clear": report.clear,
        "requested_at": report.requested_at,
        "last_part_at": report.last_part_at,
        "parts": report.parts,
        "missing_parts": report.missing,
        "complete": report.is_complete,
        "characters": report.characters,
    }
