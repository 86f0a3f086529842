"""Reservations of every version: made, listed, changed, cancelled, and followed to their end."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import ProblemError, responses
from voltbridge.api.shapes import NOT_TEXT, Id, Moment, PageOf, PageQuery, RequestBody, Shape, page_of
from voltbridge.api.stations import StationId
from voltbridge.api.tokens import TokenText, TokenType
from voltbridge.csms.blocks.c_authorization.service import shown_token
from voltbridge.csms.blocks.h_reservation.parameters import Reserve
from voltbridge.domain import reservations as domain
from voltbridge.domain.commands import Command, CommandState
from voltbridge.domain.reservations import (
    LARGEST_RESERVATION_ID,
    ReservationFilter,
    ReservationOver,
    ReservationState,
)
from voltbridge.domain.token_rules import GROUP_TYPE

__all__ = [
    "NewReservation",
    "PatienceQuery",
    "Reservation",
    "ReservationId",
    "ReservationPage",
    "ReservationQuery",
    "ReservationTerms",
    "StationReservationQuery",
    "router",
    "show",
]

router = APIRouter(tags=["reservations"])

ReservationId = Annotated[
    int,
    Path(ge=1, le=LARGEST_RESERVATION_ID, description="The reservation's id, which is the one on the wire."),
]
_LEFT_OPEN: Final = frozenset({"not_connected", "invalid_answer"})
"""Errors after which a station may have done what it was asked for, beside a time-out."""
_EvseId = Annotated[int, Field(ge=1, le=2**31 - 1, examples=[1])]


class Reservation(Shape):
    """A place that is kept for a token, or was."""

    id: int = Field(description="The id on the wire; transactions name it as `reservation_id`.", examples=[12])
    station_id: str = Field(examples=["CP-1"])
    state: ReservationState = Field(
        description="Requested: the station has not answered and may have it. Used, Expired, Removed (by the "
        "station), Cancelled and Rejected are its ends."
    )
    evse_id: int | None = Field(description="Null: any EVSE, or any with `connector_type`.", examples=[1])
    connector_type: str | None = Field(examples=[None])
    id_token: str | None = Field(description="Null for a key code, which is a secret.", examples=["04A1B2C3D4"])
    id_token_type: str | None = Field(examples=["ISO14443"])
    group_id_token: str | None = Field(description="Tokens of this group may use it too.")
    group_type: str | None
    expires_at: Moment
    created_at: Moment
    updated_at: Moment
    reserved_at: Moment | None = Field(description="When the station accepted it, or its last change.")
    ended_at: Moment | None
    reason: str | None = Field(
        description="Why it was rejected or removed. Of a use: `Presumed` when the transaction did not name it, "
        "`NoTransaction` when none came of it.",
        examples=["Occupied"],
    )
    problem: str | None = Field(description="What the station left unanswered.")
    transaction_id: Id | None = Field(description="Our own id of the transaction that used it.")
    command_id: Id | None = Field(description="The command that asked for it, or for its last change.")


class ReservationPage(PageOf[Reservation]):
    """One page of reservations, newest first."""


class StationReservationQuery(PageQuery):
    """Which reservations of a station."""

    state: ReservationState | None = None
    id_token: str | None = Field(default=None, max_length=255, description="Without regard to case.")
    evse_id: int | None = Field(default=None, ge=1, le=2**31 - 1)


class ReservationQuery(StationReservationQuery):
    """Which reservations."""

    station_id: str | None = None


class PatienceQuery(RequestBody):
    """How long to wait."""

    timeout_s: float | None = Field(
        default=None, gt=0, le=3600, description="Seconds the station has to answer; else the server's setting."
    )


class ReservationTerms(RequestBody):
    """What is reserved, for whom and for how long. Neither EVSE nor connector type: any EVSE of the station."""

    id_token: TokenText
    type: TokenType = "ISO14443"
    expires_at: Moment = Field(description="Later than now.", examples=["2040-05-01T12:00:00.000Z"])
    evse_id: Annotated[_EvseId, NOT_TEXT] | None = None
    connector_type: str | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        pattern="^[!-~]([ -~]*[!-~])?$",
        description="2.0.1 and 2.1: any EVSE with such a connector, in the words of ConnectorEnumType.",
        examples=[None],
    )
    group_id_token: TokenText | None = Field(default=None, description="Tokens of this group may use it too.")
    group_type: TokenType = GROUP_TYPE

    def command(self, id: int | None) -> Reserve:
        """The same as the command's parameters, for a new reservation or (with an id) a change."""
        return Reserve(
            id_token=self.id_token,
            type=self.type,
            expires_at=self.expires_at,
            evse_id=self.evse_id,
            connector_type=self.connector_type,
            group_id_token=self.group_id_token,
            group_type=self.group_type,
            reservation_id=id,
        )


class NewReservation(ReservationTerms):
    """A reservation to be made."""

    station_id: str = Field(min_length=1, max_length=255, examples=["CP-1"])


def show(one: domain.Reservation) -> Reservation:
    """A reservation of the domain as the API shows it."""
    terms = one.terms
    group = terms.group_id_token
    return Reservation(
        id=one.id,
        station_id=one.station_id,
        state=one.state,
        evse_id=terms.evse_id,
        connector_type=terms.connector_type,
        id_token=shown_token(terms.id_token),
        id_token_type=terms.id_token.type,
        group_id_token=shown_token(group),
        group_type=group.type if group else None,
        expires_at=terms.expires_at,
        created_at=one.created_at,
        updated_at=one.updated_at,
        reserved_at=one.reserved_at,
        ended_at=one.ended_at,
        reason=one.reason,
        problem=one.problem,
        transaction_id=None if one.transaction_id is None else str(one.transaction_id),
        command_id=None if one.command_id is None else str(one.command_id),
    )


@router.get("/reservations", response_model=ReservationPage, responses=responses(400, 401, 422))
async def list_reservations(services: UsesServices, query: Annotated[ReservationQuery, Query()]) -> Any:
    """List reservations, newest first, those that are over too."""
    return page_of(await services.reservations.list(_filter(query, query.station_id), query.page), show)


@router.post(
    "/reservations",
    status_code=201,
    response_model=Reservation,
    responses={
        202: {"model": Reservation, "description": "The station did not answer; it may have the reservation."},
        **responses(400, 401, 404, 409, 422, 502),
    },
)
async def add_reservation(
    services: UsesServices, new: NewReservation, query: Annotated[PatienceQuery, Query()], response: Response
) -> Any:
    """Have a station reserve, and wait for its answer.

    201: it has. 202: it did not answer. 409: it refused, and the reservation is listed as Rejected.
    """
    command, made = await services.reservations.create(new.station_id, new.command(None), timeout_s=query.timeout_s)
    if made is None:
        raise _not_sent(command)
    response.headers["Location"] = f"/api/v1/reservations/{made.id}"
    if made.state is ReservationState.REJECTED:
        raise _refused(command, made.id, made.reason or "Rejected")
    if made.state is ReservationState.REQUESTED:
        response.status_code = 202
    return show(made)


@router.get("/reservations/{id}", response_model=Reservation, responses=responses(400, 401, 404))
async def get_reservation(services: UsesServices, id: ReservationId) -> Any:
    """One reservation."""
    return show(await services.reservations.get(id))


@router.put(
    "/reservations/{id}",
    response_model=Reservation,
    responses={
        202: {"model": Reservation, "description": "The station did not answer; the change may have taken effect."},
        **responses(400, 401, 404, 409, 422, 502),
    },
)
async def change_reservation(
    services: UsesServices,
    id: ReservationId,
    terms: ReservationTerms,
    query: Annotated[PatienceQuery, Query()],
    response: Response,
) -> Any:
    """Have the station change an open reservation. When it refuses (409) the reservation stays as it was."""
    command, changed = await services.reservations.replace(id, terms.command(id), timeout_s=query.timeout_s)
    if command.answer is not None and not command.answer.accepted:
        answer = command.answer
        raise _refused(command, id, answer.status if answer.reason is None else f"{answer.status}: {answer.reason}")
    if command.error is not None:
        if command.state is not CommandState.TIMED_OUT and command.error.code not in _LEFT_OPEN:
            raise _not_sent(command)
        response.status_code = 202
    return show(changed)


@router.delete("/reservations/{id}", response_model=Reservation, responses=responses(400, 401, 404, 409, 502, 504))
async def cancel_reservation(
    services: UsesServices, id: ReservationId, query: Annotated[PatienceQuery, Query()]
) -> Any:
    """Have the station cancel an open reservation; it stays listed, as Cancelled.

    One that the station turns out not to have is Removed.
    """
    command, after = await services.reservations.withdraw(id, timeout_s=query.timeout_s)
    if command.state is CommandState.TIMED_OUT:
        detail = f"Reservation {id} stays {after.state}: {command.error.detail if command.error else 'no answer'}."
        raise ProblemError(504, "no-answer", "The station did not answer", detail)
    if command.answer is None:
        raise _not_sent(command)
    if after.state not in (ReservationState.CANCELLED, ReservationState.REMOVED):
        raise ReservationOver(id, after.state)
    return show(after)


@router.get(
    "/stations/{station_id}/reservations", response_model=ReservationPage, responses=responses(400, 401, 404, 422)
)
async def list_station_reservations(
    services: UsesServices, station_id: StationId, query: Annotated[StationReservationQuery, Query()]
) -> Any:
    """List the reservations of a station, newest first, those that are over too."""
    wanted = _filter(query, station_id)
    return page_of(await services.reservations.of_station(station_id, wanted, query.page), show)


def _filter(query: StationReservationQuery, station_id: str | None) -> ReservationFilter:
    return ReservationFilter(station_id=station_id, id_token=query.id_token, state=query.state, evse_id=query.evse_id)


def _refused(command: Command, id: int, reason: str) -> ProblemError:
    """The station said no: by its status, or by an error."""
    detail = f"{command.station_id}: {reason} (reservation {id})"
    address = {"Location": f"/api/v1/reservations/{id}"}
    return ProblemError(409, "not-reserved", "The station did not reserve", detail, headers=address)


def _not_sent(command: Command) -> ProblemError:
    """The command ended without an answer for another reason than the station's silence."""
    why = "the station gave no answer" if command.error is None else f"{command.error.code}: {command.error.detail}"
    return ProblemError(502, "call-error", "The station could not be asked", f"{command.station_id}: {why}")
