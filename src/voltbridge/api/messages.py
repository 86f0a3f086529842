"""The log of OCPP messages, both directions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Id, Moment, PageOf, PageQuery, Shape, page_of
from voltbridge.api.stations import StationId
from voltbridge.domain.messages import MessageDirection, MessageFilter

__all__ = ["Message", "MessagePage", "MessageQuery", "router"]

router = APIRouter(tags=["stations"])


class Message(Shape):
    """A frame as it was on the wire, secrets replaced."""

    id: Id
    at: Moment
    direction: MessageDirection = Field(description="Seen from the server.")
    kind: int = Field(
        description="OCPP-J message type: 2 CALL, 3 CALLRESULT, 4 CALLERROR, 5 CALLRESULTERROR, 6 SEND; 0 unreadable.",
        examples=[2],
    )
    message_id: str | None
    action: str | None = Field(description="Of a reply: the action it answers.", examples=["BootNotification"])
    frame: str = Field(examples=['[2,"1","Heartbeat",{}]'])


class MessagePage(PageOf[Message]):
    """One page of messages, newest first."""


class MessageQuery(PageQuery):
    """Which messages."""

    action: str | None = Field(default=None, max_length=100, examples=["BootNotification"])
    direction: MessageDirection | None = None
    message_id: str | None = Field(default=None, max_length=100)
    since: Moment | None = Field(default=None, description="At or after this moment.")
    until: Moment | None = Field(default=None, description="Before this moment.")


@router.get(
    "/stations/{station_id}/messages",
    response_model=MessagePage,
    responses=responses(400, 401, 404, 422),
)
async def list_messages(services: UsesServices, station_id: StationId, query: Annotated[MessageQuery, Query()]) -> Any:
    """List the messages from and to a station, newest first. They are kept for a time the server is told."""
    await services.stations.get(station_id)
    wanted = MessageFilter(
        station_id=station_id,
        action=query.action,
        direction=query.direction,
        message_id=query.message_id,
        since=query.since,
        until=query.until,
    )
    return page_of(await services.messages.list(wanted, query.page), Message.model_validate)
