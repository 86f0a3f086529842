"""What happens, as a stream (Server-Sent Events) that resumes where the reader left off, or as pages.

A stored event has an ``id``, an ``event`` (its type) and ``data`` (all of it as JSON). A live-only event has no ``id``,
so the id that a reader resumes from stays that of the last stored one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Id, Moment, PageOf, PageQuery, Shape, number_of, page_of
from voltbridge.csms.event_stream import EventStream, Mark
from voltbridge.csms.webhooks.message import shown_event
from voltbridge.domain import events as domain
from voltbridge.domain.events import EventFilter, LiveEvent

__all__ = ["Event", "EventPage", "EventQuery", "router"]

router = APIRouter(tags=["events"])

_STREAM: Final = "text/event-stream"
_RETRY: Final = b"retry: 2000\n\n"


_STREAM_SCHEMA: Final[dict[str, Any]] = {
    "title": "SentEvent",
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "id": {"type": "string", "description": "Resume from here; live-only events have none."},
        "event": {"type": "string", "description": "The event's type."},
        "data": {"type": "string", "contentMediaType": "application/json", "description": "The event as JSON."},
    },
}


class Event(Shape):
    """Something that happened."""

    id: Id
    type: str = Field(description="Dotted, noun first.", examples=["transaction.started"])
    at: Moment
    station_id: str | None = Field(examples=["CP-1"])
    data: dict[str, Any]


class EventPage(PageOf[Event]):
    """One page of events."""


class EventQuery(PageQuery):
    """Which events, and from where on. `cursor` and `limit` are for pages only."""

    after: Id | None = Field(
        default=None,
        description="Begin after the event of this id. The stream then sends what was missed first; a page then lists "
        "oldest first what came after, at most `limit` events: ask again with the last id you got.",
    )
    type: str | None = Field(
        default=None,
        max_length=100,
        description="Only this type; a noun stands for all its types.",
        examples=["transaction"],
    )
    station_id: str | None = Field(default=None, max_length=100)


@router.get(
    "/events",
    responses={
        200: {
            "model": EventPage,
            "description": "Pages for those who ask for `application/json`, else the stream.",
            "content": {_STREAM: {"schema": _STREAM_SCHEMA}},
        },
        **responses(400, 401, 422),
    },
)
async def list_events(
    services: UsesServices,
    query: Annotated[EventQuery, Query()],
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
    last_event_id: Annotated[Id | None, Header(description="As `after`; browsers send it by themselves.")] = None,
) -> Response:
    """Follow what happens, or list what happened (newest first) with `Accept: application/json`."""
    wanted = EventFilter(type=query.type, station_id=query.station_id)
    resume = last_event_id or query.after
    after = None if resume is None else number_of(resume)
    if "application/json" in accept and _STREAM not in accept:
        if after is not None:
            found: dict[str, Any] = {"items": await services.events.after(after, wanted, query.limit), "next": None}
        else:
            found = page_of(await services.events.page(wanted, query.page), Event.model_validate)
        return Response(EventPage.model_validate(found).model_dump_json(), media_type="application/json")
    return StreamingResponse(
        _lines(services.events, after, wanted),
        media_type=_STREAM,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _lines(stream: EventStream, after: int | None, wanted: EventFilter) -> AsyncIterator[bytes]:
    yield _RETRY
    async for event in stream.follow(after, wanted):
        yield f": {event.value}\n\n".encode() if isinstance(event, Mark) else _sse(event)


def _sse(event: domain.Event | LiveEvent) -> bytes:
    told = msgspec.json.encode(shown_event(event))
    if isinstance(event, LiveEvent):
        return b"event: %b\ndata: %b\n\n" % (event.type.encode(), told)
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (event.id, event.type.encode(), told)
