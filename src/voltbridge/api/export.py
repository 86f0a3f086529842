"""Whole lists and logs as files: streamed, in bounded memory, however much there is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
import structlog
from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.types import Message as AsgiMessage
from starlette.types import Receive, Scope, Send

from voltbridge.api import (
    alerts,
    commands,
    deviations,
    operations,
    reservations,
    stations,
    tokens,
    transactions,
    variables,
)
from voltbridge.api.context import UsesServices
from voltbridge.api.events import Event
from voltbridge.api.messages import Message
from voltbridge.api.problems import ProblemError, responses
from voltbridge.api.shapes import Id, Moment, RequestBody
from voltbridge.api.tables import Format, Lines, compressed, csv_lines, json_lines
from voltbridge.api.transactions import SampledValue
from voltbridge.api.variables import Variable
from voltbridge.csms.services import Services
from voltbridge.domain.alerts import AlertFilter
from voltbridge.domain.commands import CommandFilter
from voltbridge.domain.device_model import StationVariable, VariableFilter
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.domain.events import EventFilter
from voltbridge.domain.exports import ExportRange
from voltbridge.domain.ids import ID_BITS
from voltbridge.domain.messages import DeviationFilter
from voltbridge.domain.meter_records import milliseconds
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.reservations import ReservationFilter
from voltbridge.domain.stations import StationFilter
from voltbridge.domain.tokens import TokenFilter
from voltbridge.domain.transactions import TransactionFilter

__all__ = [
    "Compression",
    "ExportNoun",
    "ExportQuery",
    "ExportedMessage",
    "ExportedReading",
    "ExportedVariable",
    "router",
]

router = APIRouter(tags=["export"])

_log = structlog.stdlib.get_logger(__name__)

_PAGE: Final = 500
_PATIENCE_S: Final = 60.0
"""How long a client may take nothing of a file."""
_CLOCKS: Final = timedelta(hours=1)
"""How far the order of ids may be from that of moments, because a clock was set."""


class ExportNoun(StrEnum):
    """What can be exported."""

    ALERTS = "alerts"
    COMMANDS = "commands"
    DEVIATIONS = "deviations"
    EVENTS = "events"
    MESSAGES = "messages"
    METER_VALUES = "meter-values"
    OPERATIONS = "operations"
    RESERVATIONS = "reservations"
    STATIONS = "stations"
    TOKENS = "tokens"
    TRANSACTIONS = "transactions"
    VARIABLES = "variables"


class Compression(StrEnum):
    """How the file is packed."""

    GZIP = "gzip"


class ExportQuery(RequestBody):
    """Which records, and how they are written."""

    format: Format = Field(default=Format.CSV, description="`csv`, or `jsonl`: a JSON object a line.")
    station_id: str | None = Field(default=None, max_length=100, description="Only those of this station.")
    since: Moment | None = Field(default=None, description="At or after this moment, where records have a time.")
    until: Moment | None = Field(default=None, description="Before this moment, where records have a time.")
    compress: Compression | None = Field(default=None, description="`gzip` packs the file.")
    spreadsheet: bool = Field(
        default=True,
        description="In CSV, put an apostrophe before texts that a spreadsheet would run as a formula. "
        "Programs that read every value as it is say `false`.",
    )

    @property
    def range(self) -> ExportRange:
        """The same as the domain's value."""
        return ExportRange(self.station_id, self.since, self.until)


class ExportedMessage(Message):
    """A frame and whose it is."""

    station_id: str


class ExportedReading(SampledValue):
    """One reading, where and when it was taken."""

    at: Moment = Field(description="When it was taken.")
    station_id: str
    evse_id: int
    connector_id: int | None
    transaction_id: Id | None = Field(description="Our own id of the transaction; null outside transactions.")


class ExportedVariable(Variable):
    """A variable and whose it is."""

    station_id: str


_Parts = AsyncGenerator[Sequence[BaseModel]]


@dataclass(frozen=True, slots=True)
class _Noun:
    """How the records of a noun are found."""

    shape: type[BaseModel]
    parts: Callable[[Services, ExportRange], _Parts]
    of_station: bool = True
    """Whether those of one station can be asked for."""
    has_time: bool = True
    """Whether those of a time can be asked for."""
    outlives: bool = False
    """Whether they stay when their station is deleted, so that a station nobody knows may have some."""
    first: tuple[str, ...] = ()
    """Columns that come before the others."""


@router.get(
    "/export/{noun}",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The file. Moments are UTC; ids and units are those of the lists.",
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "application/jsonl": {"schema": {"type": "string"}},
                "application/gzip": {"schema": {"type": "string", "format": "binary"}},
            },
        },
        **responses(400, 401, 404, 422, 429, 503),
    },
)
async def export(
    services: UsesServices,
    noun: Annotated[ExportNoun, Path(description="What to export.")],
    query: Annotated[ExportQuery, Query()],
) -> StreamingResponse:
    """Download all records of a kind as one file, however many there are.

    Logs (events, messages, meter values) begin with the oldest record, the rest is ordered as its list is. What changes
    while the file is written may be in it as it was or as it is; nothing is in it twice. A file that breaks off was not
    completed: the connection then ends before its time.
    """
    source = _NOUNS[noun]
    _check(noun, source, query)
    if query.station_id is not None and not source.outlives:
        await services.stations.get(query.station_id)
    with contextlib.ExitStack() as place:
        place.enter_context(services.exports.place())
        parts = source.parts(services, query.range)
        first = await anext(parts, None) or ()  # here, so that a failure is answered as one
        lines = _lines(source, query)
        finish: Callable[[], bytes] = bytes
        name = f"{noun}.{query.format}"
        media_type = "text/csv; charset=utf-8" if query.format is Format.CSV else "application/jsonl"
        if query.compress is Compression.GZIP:
            lines, finish = compressed(lines)
            name, media_type = f"{name}.gz", "application/gzip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return _File(_content(first, parts, lines, finish), place.pop_all(), media_type=media_type, headers=headers)


class _File(StreamingResponse):
    """Gives its place back when it ends in any way: complete, because the client went away, or broken off."""

    def __init__(self, content: AsyncGenerator[bytes], place: contextlib.ExitStack, **more: Any) -> None:
        super().__init__(content, **more)
        self._content = content
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: AsgiMessage) -> None:
            async with asyncio.timeout(_PATIENCE_S):
                await send(message)
                # Sending does not wait once the client is gone; that it is gone must come to be known.
                await asyncio.sleep(0)

        try:
            async with contextlib.aclosing(self._content):
                await super().__call__(scope, receive, send_in_time)
        except (StorageUnavailable, TimeoutError) as error:
            # Without an end, the server cuts the connection and the client knows that the file is not complete.
            _log.warning("an export broke off", path=scope["path"], error=str(error) or "the client takes nothing")
        finally:
            self._place.close()


async def _content(
    first: Sequence[BaseModel], parts: _Parts, lines: Lines, finish: Callable[[], bytes]
) -> AsyncGenerator[bytes]:
    async with contextlib.aclosing(parts):
        if begin := lines([]):
            yield begin
        if first and (text := lines(_plain(first))):
            yield text
        async for part in parts:
            if text := lines(_plain(part)):
                yield text
        if end := finish():
            yield end


def _plain(records: Sequence[BaseModel]) -> list[Mapping[str, Any]]:
    return [record.model_dump(mode="json") for record in records]


def _lines(source: _Noun, query: ExportQuery) -> Lines:
    if query.format is Format.JSONL:
        return json_lines
    others = [name for name in source.shape.model_fields if name not in source.first]
    return csv_lines([*source.first, *others], for_spreadsheets=query.spreadsheet)


def _check(noun: ExportNoun, source: _Noun, query: ExportQuery) -> None:
    """What a noun has not cannot be asked for: leaving it out in silence would be a file with too much in it."""
    problems = []
    if query.station_id is not None and not source.of_station:
        problems.append(("query.station_id", f"{noun} belong to no station"))
    for name in ("since", "until"):
        if getattr(query, name) is not None and not source.has_time:
            problems.append((f"query.{name}", f"{noun} are exported as they are now"))
    if problems:
        path, text = problems[0]
        raise ProblemError(422, "unusable-value", "A value cannot be used", f"{path}: {text}", errors=problems)


_Listing = Callable[[PageRequest], Awaitable[Page[Any]]]


async def _pages(listed: _Listing, show: Callable[[Any], BaseModel]) -> _Parts:
    """All pages of a list."""
    cursor: str | None = None
    while True:
        page = await listed(PageRequest(limit=_PAGE, cursor=cursor))
        yield [show(item) for item in page.items]
        if page.next is None:
            return
        cursor = page.next


def _alerts(services: Services, wanted: ExportRange) -> _Parts:
    return _pages(lambda page: services.alerts.list(AlertFilter(wanted.station_id), page), alerts.show)


def _commands(services: Services, wanted: ExportRange) -> _Parts:
    found = CommandFilter(station_id=wanted.station_id)
    return _of_time(_pages(lambda page: services.commands.list(found, page), commands.show), wanted)


def _deviations(services: Services, wanted: ExportRange) -> _Parts:
    return _pages(lambda page: services.deviations.list(DeviationFilter(), page), deviations.Deviation.model_validate)


async def _events(services: Services, wanted: ExportRange) -> _Parts:
    # An id is made before the moment is read, and a clock that was set back leaves ids ahead of it.
    last = 0 if wanted.since is None else max(0, (milliseconds(wanted.since) - 1000) << ID_BITS)
    while found := await services.events.after(last, EventFilter(station_id=wanted.station_id), _PAGE):
        last = found[-1].id
        yield [Event.model_validate(event) for event in found if _is_within(event.at, wanted)]


async def _messages(services: Services, wanted: ExportRange) -> _Parts:
    async for part in services.exports.messages(wanted):
        yield [ExportedMessage.model_validate(message) for message in part]


async def _meter_values(services: Services, wanted: ExportRange) -> _Parts:
    async for part in services.exports.meter_values(wanted):
        yield [
            ExportedReading(
                at=found.at,
                station_id=found.station_id,
                evse_id=found.evse_id,
                connector_id=found.connector_id,
                transaction_id=None if found.transaction_id is None else str(found.transaction_id),
                **msgspec.structs.asdict(value),
            )
            for found in part
            for value in found.values
        ]


def _operations(services: Services, wanted: ExportRange) -> _Parts:
    return _of_time(_pages(lambda page: services.operations.list(None, page), operations.show), wanted)


def _reservations(services: Services, wanted: ExportRange) -> _Parts:
    found = ReservationFilter(station_id=wanted.station_id)
    return _of_time(_pages(lambda page: services.reservations.list(found, page), reservations.show), wanted)


def _stations(services: Services, wanted: ExportRange) -> _Parts:
    among = None if wanted.station_id is None else frozenset({wanted.station_id})
    return _pages(lambda page: services.stations.list(StationFilter(among=among), page), stations.show)


def _tokens(services: Services, wanted: ExportRange) -> _Parts:
    return _pages(lambda page: services.authorization.list(TokenFilter(), page), tokens.show)


def _transactions(services: Services, wanted: ExportRange) -> _Parts:
    found = TransactionFilter(station_id=wanted.station_id, since=wanted.since, until=wanted.until)
    return _pages(lambda page: services.transactions.list(found, page), transactions.show)


async def _variables(services: Services, wanted: ExportRange) -> _Parts:
    async for part in _stations(services, wanted):
        for station in part:
            station_id: str = station.station_id  # type: ignore[attr-defined]

            def show(variable: StationVariable, station_id: str = station_id) -> BaseModel:
                return ExportedVariable(station_id=station_id, **dict(variables.show(variable)))

            def listed(page: PageRequest, station_id: str = station_id) -> Awaitable[Page[Any]]:
                return services.variables.list(VariableFilter(station_id), page)

            async for found in _pages(listed, show):
                yield found


async def _of_time(parts: _Parts, wanted: ExportRange) -> _Parts:
    """Those that were made in the time wanted; lists are newest first, so what is older is not read."""
    async for part in parts:
        made = [record.created_at for record in part]  # type: ignore[attr-defined]
        yield [record for record, at in zip(part, made, strict=True) if _is_within(at, wanted)]
        if made and wanted.since is not None and made[-1] < wanted.since - _CLOCKS:
            return


def _is_within(at: datetime, wanted: ExportRange) -> bool:
    return (wanted.since is None or at >= wanted.since) and (wanted.until is None or at < wanted.until)


_WHERE: Final = ("at", "station_id", "evse_id", "connector_id", "transaction_id")

_NOUNS: Final[Mapping[ExportNoun, _Noun]] = {
    ExportNoun.ALERTS: _Noun(alerts.Alert, _alerts, has_time=False),
    ExportNoun.COMMANDS: _Noun(commands.Command, _commands),
    ExportNoun.DEVIATIONS: _Noun(deviations.Deviation, _deviations, of_station=False, has_time=False),
    ExportNoun.EVENTS: _Noun(Event, _events, outlives=True),
    ExportNoun.MESSAGES: _Noun(ExportedMessage, _messages, first=("id", "at", "station_id")),
    ExportNoun.METER_VALUES: _Noun(ExportedReading, _meter_values, outlives=True, first=_WHERE),
    ExportNoun.OPERATIONS: _Noun(operations.Operation, _operations, of_station=False),
    ExportNoun.RESERVATIONS: _Noun(reservations.Reservation, _reservations),
    ExportNoun.STATIONS: _Noun(stations.Station, _stations, has_time=False),
    ExportNoun.TOKENS: _Noun(tokens.Token, _tokens, of_station=False, has_time=False),
    ExportNoun.TRANSACTIONS: _Noun(transactions.Transaction, _transactions, outlives=True),
    ExportNoun.VARIABLES: _Noun(ExportedVariable, _variables, has_time=False, first=("station_id",)),
}
