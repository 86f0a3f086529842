"""Commands to stations by name, the same for every version: sent, held, looked up, cancelled."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Body, Path, Query, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Id, Moment, PageOf, PageQuery, RequestBody, Shape, number_of, page_of
from voltbridge.api.stations import StationId
from voltbridge.csms.commands.execution import hidden
from voltbridge.csms.commands.kinds import CommandKind
from voltbridge.domain import commands as domain
from voltbridge.domain.commands import CommandFilter, CommandState, OutcomeState
from voltbridge.protocol.versions import Version

__all__ = [
    "Answer",
    "Command",
    "CommandId",
    "CommandPage",
    "CommandQuery",
    "Envelope",
    "Error",
    "Kind",
    "KindPage",
    "router",
    "show",
    "split",
]

router = APIRouter(tags=["commands"])

CommandId = Annotated[Id, Path(description="The command's id.")]


class Answer(Shape):
    """What the station answered."""

    accepted: bool
    status: str = Field(description="As the station said it.", examples=["Accepted"])
    reason: str | None = Field(description="Its reason code and what it added.", examples=[None])
    info: dict[str, Any] = Field(description="What else the answer held.")


class Error(Shape):
    """Why there is no answer."""

    code: str = Field(
        description="The code of the station's CALLERROR, or `timeout`, `not_connected`, `too_many_calls`, "
        "`invalid_answer`, `unsupported`, `invalid`, `interrupted`, `storage`, `internal`.",
        examples=["NotImplemented"],
    )
    detail: str


class Command(Shape):
    """A command to a station."""

    id: str = Field(examples=["1893456000000123456"])
    station_id: str = Field(examples=["CP-1"])
    name: str = Field(examples=["reset"])
    parameters: dict[str, Any]
    state: CommandState
    created_at: Moment
    expires_at: Moment | None
    sent_at: Moment | None
    answered_at: Moment | None
    finished_at: Moment | None
    answer: Answer | None
    error: Error | None
    outcome_state: OutcomeState | None = Field(
        description="What became of it, where the station tells that later; null where the answer is all there is."
    )
    outcome: dict[str, Any] | None
    operation_id: str | None


class CommandPage(PageOf[Command]):
    """One page of commands, newest first."""


class CommandQuery(PageQuery):
    """Which commands."""

    name: str | None = None
    state: CommandState | None = None


class Envelope(RequestBody):
    """How a command is sent; these fields stand beside its parameters."""

    hold: bool = Field(default=False, description="Keep it for a station that is away, until it is back.")
    expires_in_s: float | None = Field(
        default=None, gt=0, le=31_536_000, description="With `hold`: seconds after which it is no longer sent."
    )
    timeout_s: float | None = Field(
        default=None, gt=0, le=3600, description="Seconds the station has to answer; else the server's setting."
    )


class Kind(Shape):
    """A command that can be sent."""

    name: str = Field(examples=["reset"])
    about: str
    versions: list[Version] = Field(description="Versions that have it; each may still refuse some parameters.")
    parameters: dict[str, Any] = Field(description="JSON Schema of its parameters.")


class KindPage(PageOf[Kind]):
    """Every command there is, on one page."""


_ENVELOPE: Final = frozenset(Envelope.model_fields)
_EXAMPLES: Final[dict[str, Any]] = {
    "reset": {"summary": "reset", "value": {"type": "OnIdle"}},
    "held": {"summary": "reset, held for a day", "value": {"type": "Soft", "hold": True, "expires_in_s": 86400}},
}
_BODY: Final = Body(
    description="The command's parameters (see `/command-kinds`), and beside them `hold`, `expires_in_s`, `timeout_s`.",
    openapi_examples=_EXAMPLES,
)


def show(command: domain.Command) -> Command:
    """A command of the domain as the API shows it."""
    answer, error = command.answer, command.error
    return Command(
        id=str(command.id),
        station_id=command.station_id,
        name=command.name,
        parameters=hidden(command.parameters),
        state=command.state,
        created_at=command.created_at,
        expires_at=command.expires_at,
        sent_at=command.sent_at,
        answered_at=command.answered_at,
        finished_at=command.finished_at,
        answer=None
        if answer is None
        else Answer(accepted=answer.accepted, status=answer.status, reason=answer.reason, info=dict(answer.info)),
        error=None if error is None else Error(code=error.code, detail=error.detail),
        outcome_state=command.outcome_state,
        outcome=None if command.outcome is None else dict(command.outcome),
        operation_id=None if command.operation_id is None else str(command.operation_id),
    )


def split(body: dict[str, Any]) -> tuple[Envelope, dict[str, Any]]:
    """The envelope and the parameters of a command's body."""
    try:
        envelope = Envelope.model_validate({name: body[name] for name in body if name in _ENVELOPE})
    except ValidationError as error:
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in error.errors()]) from None
    return envelope, {name: value for name, value in body.items() if name not in _ENVELOPE}


@router.get("/command-kinds", response_model=KindPage, responses=responses(401))
async def list_command_kinds(services: UsesServices) -> Any:
    """Every command, with the schema of its parameters."""
    return {"items": [_kind(kind) for kind in services.commands.kinds.values()], "next": None}


@router.post(
    "/stations/{station_id}/commands/{name}",
    response_model=Command,
    responses={202: {"model": Command, "description": "Held for the station"}, **responses(400, 401, 404, 409, 422)},
)
async def send_command(
    services: UsesServices,
    response: Response,
    station_id: StationId,
    name: Annotated[str, Path(description="The command.", examples=["reset"])],
    body: Annotated[dict[str, Any], _BODY],
) -> Any:
    """Send a command and wait for the station's answer.

    The answer's state says how it ended: a station that refuses or does not answer is no error of this request.
    """
    services.commands.kind(name)
    envelope, parameters = split(body)
    command = await services.commands.submit(
        station_id,
        name,
        parameters,
        hold=envelope.hold,
        expires_in_s=envelope.expires_in_s,
        timeout_s=envelope.timeout_s,
    )
    if command.state is CommandState.QUEUED:
        response.status_code = 202
    return show(command)


@router.get("/stations/{station_id}/commands", response_model=CommandPage, responses=responses(400, 401, 404, 422))
async def list_commands(services: UsesServices, station_id: StationId, query: Annotated[CommandQuery, Query()]) -> Any:
    """List a station's commands, newest first."""
    await services.stations.get(station_id)
    wanted = CommandFilter(station_id=station_id, name=query.name, state=query.state)
    return page_of(await services.commands.list(wanted, query.page), show)


@router.get("/commands/{id}", response_model=Command, responses=responses(400, 401, 404))
async def get_command(services: UsesServices, id: CommandId) -> Any:
    """One command."""
    return show(await services.commands.get(number_of(id)))


@router.post("/commands/{id}/cancel", response_model=Command, responses=responses(400, 401, 404, 409))
async def cancel_command(services: UsesServices, id: CommandId) -> Any:
    """Take back a command that is held."""
    return show(await services.commands.cancel(number_of(id)))


def _kind(kind: CommandKind) -> Kind:
    versions = list(kind.builders) or list(kind.versions or Version)
    schema = msgspec.json.schema(kind.parameters)
    definitions = schema.pop("$defs")
    own = definitions.pop(schema["$ref"].rpartition("/")[2])
    for name in ("title", "description"):  # those of the code
        own.pop(name, None)
    parameters = {**own, "$defs": definitions} if definitions else own
    return Kind(name=kind.name, about=kind.about, versions=versions, parameters=parameters)
