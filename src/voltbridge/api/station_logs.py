"""Logs that stations were asked for; the content is read at ``/files/{id}/content``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.firmware import Status
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Moment, PageOf, PageQuery, Shape, page_of
from voltbridge.api.stations import StationId
from voltbridge.domain import station_logs as domain
from voltbridge.domain.station_logs import LogState, LogType

__all__ = ["Log", "LogPage", "router"]

router = APIRouter(tags=["files"])


class Log(Shape):
    """A log of a station."""

    id: str = Field(description="That of the command that asked for it.")
    station_id: str
    request_id: int
    log_type: LogType
    state: LogState
    status: str | None = Field(description="The last that the station told.", examples=["Uploaded"])
    statuses: list[Status]
    filename: str | None = Field(description="What the station said it would be called.")
    file_id: str | None = Field(description="The file, once it was delivered here.")
    elsewhere: bool = Field(description="Whether it is delivered to another server than this one.")
    oldest_at: Moment | None
    latest_at: Moment | None
    problem: str | None
    requested_at: Moment
    deadline_at: Moment
    finished_at: Moment | None


class LogPage(PageOf[Log]):
    """One page of a station's logs, newest first."""


@router.get("/stations/{station_id}/logs", response_model=LogPage, responses=responses(400, 401, 404, 422))
async def list_station_logs(services: UsesServices, station_id: StationId, query: Annotated[PageQuery, Query()]) -> Any:
    """List the logs a station was asked for, newest first. The command `get_log` asks for one."""
    return page_of(await services.logs.list(station_id, query.page), _log)


def _log(log: domain.LogUpload) -> Log:
    return Log(
        id=str(log.id),
        station_id=log.station_id,
        request_id=log.request_id,
        log_type=log.log_type,
        state=log.state,
        status=log.status,
        statuses=[Status.model_validate(one) for one in log.statuses],
        filename=log.filename,
        file_id=None if log.file_id is None else str(log.file_id),
        elsewhere=log.elsewhere,
        oldest_at=log.oldest_at,
        latest_at=log.latest_at,
        problem=log.problem,
        requested_at=log.requested_at,
        deadline_at=log.deadline_at,
        finished_at=log.finished_at,
    )
