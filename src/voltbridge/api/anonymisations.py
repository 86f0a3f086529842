"""Customers' tokens taken out of what is kept."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Id, Moment, PageOf, PageQuery, RequestBody, Shape, number_of, page_of
from voltbridge.api.tokens import TokenText
from voltbridge.csms.services import Services
from voltbridge.domain import anonymisation as domain
from voltbridge.domain.anonymisation import AnonymisationState

__all__ = ["Anonymisation", "AnonymisationId", "AnonymisationPage", "NewAnonymisation", "router", "show"]

router = APIRouter(tags=["tokens"])

AnonymisationId = Annotated[Id, Path(description="The anonymisation's id.")]


class Anonymisation(Shape):
    """A token that is, or was, taken out of everything kept; the token itself is not shown."""

    id: str = Field(examples=["1893456000000123456"])
    state: AnonymisationState
    pseudonym: str = Field(description="What stands in its place.", examples=["anon-5f1c0a9be2d4"])
    requested_at: Moment
    finished_at: Moment | None
    kinds: int = Field(description="How many kinds of record are gone through.")
    kinds_done: int = Field(description="How many of them are done, in this round.")
    round: int = Field(description="Everything is gone through until nothing more is found; counted from 0.")
    records: dict[str, int] = Field(description="Records changed or removed, by kind.", examples=[{"transactions": 2}])


class AnonymisationPage(PageOf[Anonymisation]):
    """One page of anonymisations, newest first."""


class NewAnonymisation(RequestBody):
    """The token to take out, of whatever type."""

    id_token: TokenText


def show(services: Services, one: domain.Anonymisation) -> Anonymisation:
    """One of the domain as the API shows it."""
    done, kinds = services.anonymisation.progress(one)
    return Anonymisation(
        id=str(one.id),
        state=one.state,
        pseudonym=one.pseudonym,
        requested_at=one.requested_at,
        finished_at=one.finished_at,
        kinds=kinds,
        kinds_done=done,
        round=one.round,
        records=dict(one.records),
    )


@router.post("/anonymisations", status_code=202, response_model=Anonymisation, responses=responses(400, 401, 409, 422))
async def anonymise(services: UsesServices, new: NewAnonymisation) -> Any:
    """Take a customer's token out of everything kept, without regard to case, and forget the token itself.

    A pseudonym takes its place in transactions, reservations, messages, events and all other records; reports about the
    customer are removed. What is begun with the token while the work goes on, such as a transaction, has it wait until
    that is over. It cannot be undone. Backups, delivered webhooks, files and stations keep what they have; the
    local lists of stations are sent anew.
    """
    return show(services, await services.anonymisation.submit(new.id_token))


@router.get("/anonymisations", response_model=AnonymisationPage, responses=responses(400, 401, 422))
async def list_anonymisations(services: UsesServices, query: Annotated[PageQuery, Query()]) -> Any:
    """List what was taken out, newest first."""
    return page_of(await services.anonymisation.list(query.page), lambda one: show(services, one))


@router.get("/anonymisations/{id}", response_model=Anonymisation, responses=responses(400, 401, 404))
async def get_anonymisation(services: UsesServices, id: AnonymisationId) -> Any:
    """One of them and how far it is."""
    return show(services, await services.anonymisation.get(number_of(id)))
