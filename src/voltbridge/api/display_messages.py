"""What stations show on their displays, as far as known. It is changed by the commands of the same names."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Moment, PageOf, Shape
from voltbridge.api.stations import StationId
from voltbridge.domain.display_messages import (
    LARGEST_ID,
    MessageFormat,
    MessagePriority,
    MessageState,
    MessageStatus,
)

__all__ = [
    "Display",
    "DisplayMessage",
    "DisplayMessageId",
    "DisplayMessagePage",
    "MessageText",
    "router",
]

router = APIRouter(tags=["display messages"])

DisplayMessageId = Annotated[int, Path(ge=0, le=LARGEST_ID, description="The message's id on the wire.")]


class MessageText(Shape):
    """A text to show."""

    content: str = Field(examples=["Charging is free today"])
    format: MessageFormat
    language: str | None = Field(examples=["en"])


class Display(Shape):
    """A display as a component of the station's device model."""

    name: str = Field(examples=["Display"])
    instance: str | None
    evse_id: int | None
    connector_id: int | None


class DisplayMessage(Shape):
    """A message of a station, and what is known of it."""

    id: int = Field(description="On the wire; the station's own.", examples=[91000001])
    status: MessageStatus = Field(description="What is known of it; `Reported`: it was not set from here.")
    reason: str | None = Field(description="Why, where there is more to say.")
    priority: MessagePriority
    state: MessageState | None = Field(description="In which state of the station it is shown; null: in every one.")
    message: MessageText
    extra: list[MessageText] = Field(description="The same in other languages.")
    start_at: Moment | None
    end_at: Moment | None
    transaction_id: str | None = Field(description="The protocol's id; shown as long as that runs.")
    display: Display | None = Field(description="Null: the main one.")
    requested_at: Moment | None = Field(description="When it was set from here.")
    noted_at: Moment | None = Field(description="When the status was last learnt.")


class DisplayMessagePage(PageOf[DisplayMessage]):
    """All messages of a station, on one page, in the order of their ids."""


@router.get(
    "/stations/{station_id}/display-messages",
    response_model=DisplayMessagePage,
    responses=responses(400, 401, 404),
)
async def list_display_messages(
    services: UsesServices, station_id: StationId, status: Annotated[MessageStatus | None, Query()] = None
) -> Any:
    """List a station's messages, also those that are over. `get_display_messages` has the station tell what it has."""
    found = await services.display_messages.list(station_id)
    return {
        "items": [DisplayMessage.model_validate(one) for one in found if status is None or one.status is status],
        "next": None,
    }


@router.get(
    "/stations/{station_id}/display-messages/{message_id}",
    response_model=DisplayMessage,
    responses=responses(400, 401, 404),
)
async def get_display_message(services: UsesServices, station_id: StationId, message_id: DisplayMessageId) -> Any:
    """One message."""
    return DisplayMessage.model_validate(await services.display_messages.get(station_id, message_id))
