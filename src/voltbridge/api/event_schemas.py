"""What events there are and what they carry, for programs that read them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field

from voltbridge.api.problems import responses
from voltbridge.api.shapes import PageOf, Shape
from voltbridge.csms.asyncapi import asyncapi_document
from voltbridge.csms.event_catalogue import EVENTS, Telling
from voltbridge.csms.event_schemas import event_schema
from voltbridge.domain.errors import NotFound

__all__ = ["EventSchema", "EventSchemaPage", "EventType", "router", "shown_kinds"]

router = APIRouter(tags=["events"])

EventType = Annotated[str, Path(max_length=100, description="The event's type.", examples=["transaction.started"])]


class EventSchema(Shape):
    """One type of event."""

    type: str = Field(examples=["transaction.started"])
    description: str
    telling: Telling = Field(
        description="`stored`: kept, on the stream and in webhooks; `live`: only on the stream, not kept; `test`: only "
        "in webhooks, on demand."
    )
    json_schema: dict[str, Any] = Field(description="JSON Schema (2020-12) of the whole event, complete in itself.")


class EventSchemaPage(PageOf[EventSchema]):
    """All events, on one page."""


def shown_kinds() -> list[dict[str, Any]]:
    """Every event of the catalogue."""
    return [
        {"type": type, "description": kind.text, "telling": kind.telling, "json_schema": event_schema(type)}
        for type, kind in sorted(EVENTS.items())
    ]


@router.get("/event-schemas", response_model=EventSchemaPage, responses=responses(401))
async def list_event_schemas() -> Any:
    """List every event there is with its schema."""
    return {"items": shown_kinds(), "next": None}


@router.get("/event-schemas/{type}", response_model=EventSchema, responses=responses(400, 401, 404))
async def get_event_schema(type: EventType) -> Any:
    """One event and its schema."""
    kind = EVENTS.get(type)
    if kind is None:
        raise NotFound("event type", type)
    return {"type": type, "description": kind.text, "telling": kind.telling, "json_schema": event_schema(type)}


@router.get("/asyncapi.json", response_model=dict[str, Any], responses=responses(401))
async def get_asyncapi() -> Any:
    """The event stream and webhooks as an AsyncAPI 3.0 document."""
    return asyncapi_document()
