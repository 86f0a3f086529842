"""The local lists of stations: the tokens they judge by themselves."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Flag, Moment, PageOf, PageQuery, RequestBody, Shape, page_of
from voltbridge.api.stations import StationId
from voltbridge.api.tokens import TokenText, TokenType
from voltbridge.domain import local_lists as domain
from voltbridge.domain.local_lists import LocalListState
from voltbridge.domain.tokens import AuthorizationStatus

__all__ = [
    "ListedToken",
    "ListedTokenPage",
    "LocalList",
    "LocalListPage",
    "LocalListQuery",
    "NewLocalList",
    "NewSelection",
    "Selection",
    "router",
]

router = APIRouter(tags=["local lists"])

_REFUSED = "Also tokens that are not accepted at the station, so that it refuses them while it is offline."
_WITHOUT = "Left out whatever else names them; customers whom the station was to forget are added here."


class NewSelection(RequestBody):
    """Which tokens: those that any of these names. Nothing named is an empty list."""

    all_tokens: Flag = False
    types: list[TokenType] = Field(default=[], max_length=20)
    group_id_tokens: list[TokenText] = Field(default=[], max_length=500)
    id_tokens: list[TokenText] = Field(
        default=[], max_length=1000, description="Single tokens; to select many, give them a group."
    )
    include_refused: Flag = Field(default=False, description=_REFUSED)
    without_id_tokens: list[TokenText] = Field(default=[], max_length=1000, description=_WITHOUT)


class NewLocalList(RequestBody):
    """What a station's list is to have."""

    selection: NewSelection
    automatic: Flag = Field(
        default=True, description="Bring the station up to date whenever tokens change and it is connected."
    )


class Selection(Shape):
    """Which tokens: those that any of these names."""

    all_tokens: bool
    types: list[str]
    group_id_tokens: list[str]
    id_tokens: list[str]
    include_refused: bool
    without_id_tokens: list[str] = Field(description=_WITHOUT)


class LocalList(Shape):
    """A station's list: what it is to have, and what came of it."""

    station_id: str
    selection: Selection
    automatic: bool
    state: LocalListState
    problem: str | None = Field(description="Why it is not as it should be.")
    version: int = Field(description="The last one that the station accepted; 0: none.")
    protocol: str | None = Field(description="The WebSocket subprotocol in which it did.")
    entries: int = Field(description="How many tokens the station has.")
    updated_at: Moment = Field(description="When the selection was last changed.")
    sent_at: Moment | None
    verified_at: Moment | None = Field(description="When the station last told this version.")


class LocalListPage(PageOf[LocalList]):
    """One page of local lists."""


class LocalListQuery(PageQuery):
    """Which lists."""

    state: LocalListState | None = None


class ListedToken(Shape):
    """A token as a station has it."""

    id_token: str
    type: str
    status: AuthorizationStatus
    group_id_token: str | None
    expires_at: Moment | None


class ListedTokenPage(PageOf[ListedToken]):
    """All tokens of a list, on one page."""


@router.get("/local-lists", response_model=LocalListPage, responses=responses(400, 401, 422))
async def list_local_lists(services: UsesServices, query: Annotated[LocalListQuery, Query()]) -> Any:
    """List the stations' lists, by station."""
    return page_of(await services.local_lists.list(query.state, query.page), LocalList.model_validate)


@router.get("/stations/{station_id}/local-list", response_model=LocalList, responses=responses(401, 404))
async def get_local_list(services: UsesServices, station_id: StationId) -> Any:
    """A station's list."""
    return LocalList.model_validate(await services.local_lists.get(station_id))


@router.put(
    "/stations/{station_id}/local-list",
    response_model=LocalList,
    responses={201: {"model": LocalList, "description": "It had none."}, **responses(400, 401, 404, 422)},
)
async def put_local_list(services: UsesServices, station_id: StationId, new: NewLocalList, response: Response) -> Any:
    """Say which tokens a station is to have. The command `sync_local_list` sends them at once."""
    chosen = new.selection
    selection = domain.TokenSelection(
        all_tokens=chosen.all_tokens,
        types=tuple(chosen.types),
        group_id_tokens=tuple(chosen.group_id_tokens),
        id_tokens=tuple(chosen.id_tokens),
        include_refused=chosen.include_refused,
        without_id_tokens=tuple(chosen.without_id_tokens),
    )
    one, added = await services.local_lists.put(station_id, selection, automatic=new.automatic)
    response.status_code = 201 if added else 200
    return LocalList.model_validate(one)


@router.get("/stations/{station_id}/local-list/tokens", response_model=ListedTokenPage, responses=responses(401, 404))
async def list_local_list_tokens(services: UsesServices, station_id: StationId) -> Any:
    """The tokens that the station has, as it was last told of them."""
    return {
        "items": [ListedToken.model_validate(token) for token in await services.local_lists.entries(station_id)],
        "next": None,
    }


@router.delete(
    "/stations/{station_id}/local-list", status_code=204, response_class=Response, responses=responses(401, 404)
)
async def delete_local_list(services: UsesServices, station_id: StationId) -> None:
    """Look after the list no longer. The station keeps what it has; to empty it, select nothing first."""
    await services.local_lists.delete(station_id)
