"""The tokens that may charge: RFID cards, app users, vehicles."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Moment, PageOf, PageQuery, RequestBody, Shape, page_of
from voltbridge.domain import tokens as domain
from voltbridge.domain.tokens import AuthorizationStatus, TokenFilter

__all__ = ["NewToken", "Token", "TokenChanges", "TokenPage", "router", "show"]

router = APIRouter(tags=["tokens"])

TokenType = Annotated[str, Path(description="The token's type.", examples=["ISO14443"])]
IdTokenText = Annotated[str, Path(description="The token, without regard to case.", examples=["04A1B2C3D4"])]


class Token(Shape):
    """A token and what the operator says of it."""

    id_token: str = Field(examples=["04A1B2C3D4"])
    type: str = Field(examples=["ISO14443"])
    status: AuthorizationStatus = Field(description="The operator's word; expiry and concurrency are judged apart.")
    group_id_token: str | None = Field(description="Tokens of a group may stop each other's transactions.")
    group_type: str | None
    expires_at: Moment | None
    allow_concurrent: bool = Field(description="Whether several transactions may run on it at a time.")
    language: str | None = Field(examples=["en"])
    personal_message: str | None
    note: str | None
    station_ids: list[str] = Field(description="Where it is valid; empty: everywhere.")
    created_at: Moment
    updated_at: Moment


class TokenPage(PageOf[Token]):
    """One page of tokens."""


class TokenBody(RequestBody):
    """What can be said of a token."""

    status: AuthorizationStatus = AuthorizationStatus.ACCEPTED
    group_id_token: str | None = Field(default=None, min_length=1, max_length=36)
    group_type: str | None = Field(default=None, min_length=1, max_length=20)
    expires_at: Moment | None = None
    allow_concurrent: bool = False
    language: str | None = Field(default=None, min_length=1, max_length=8, examples=["en"])
    personal_message: str | None = Field(default=None, min_length=1, max_length=512)
    note: str | None = Field(default=None, min_length=1, max_length=500)
    station_ids: list[str] = Field(default=[], max_length=1000)


class NewToken(TokenBody):
    """A token to be added."""

    id_token: str = Field(min_length=1, max_length=36, examples=["04A1B2C3D4"])
    type: str = Field(default="ISO14443", min_length=1, max_length=20, examples=["ISO14443"])


class TokenChanges(TokenBody):
    """What to change; a field that is left out stays."""


class TokenQuery(PageQuery):
    """Which tokens."""

    type: str | None = None
    status: AuthorizationStatus | None = None
    group_id_token: str | None = None


def show(token: domain.Token) -> Token:
    """A token of the domain as the API shows it."""
    return Token.model_validate(token)


@router.get("/tokens", response_model=TokenPage, responses=responses(400, 401))
async def list_tokens(services: UsesServices, query: Annotated[TokenQuery, Query()]) -> Any:
    """List the tokens."""
    wanted = TokenFilter(type=query.type, status=query.status, group_id_token=query.group_id_token)
    return page_of(await services.authorization.list(wanted, query.page), show)


@router.post("/tokens", status_code=201, response_model=Token, responses=responses(400, 401, 409))
async def add_token(services: UsesServices, new: NewToken, response: Response) -> Any:
    """Add a token."""
    token = await services.authorization.create(**new.model_dump())
    response.headers["Location"] = _address(token)
    return show(token)


@router.get("/tokens/{type}/{id_token:path}", response_model=Token, responses=responses(401, 404))
async def get_token(services: UsesServices, type: TokenType, id_token: IdTokenText) -> Any:
    """One token."""
    return show(await services.authorization.get(id_token, type))


@router.put("/tokens/{type}/{id_token:path}", response_model=Token, responses=responses(400, 401))
async def put_token(
    services: UsesServices, type: TokenType, id_token: IdTokenText, body: TokenBody, response: Response
) -> Any:
    """Add a token (201) or replace what is said of it (200)."""
    token, created = await services.authorization.put(id_token=id_token, type=type, **body.model_dump())
    if created:
        response.status_code = 201
        response.headers["Location"] = _address(token)
    return show(token)


@router.patch("/tokens/{type}/{id_token:path}", response_model=Token, responses=responses(400, 401, 404))
async def change_token(services: UsesServices, type: TokenType, id_token: IdTokenText, changes: TokenChanges) -> Any:
    """Change some of what is said of a token."""
    return show(await services.authorization.change(id_token, type, changes.model_dump(exclude_unset=True)))


@router.delete("/tokens/{type}/{id_token:path}", status_code=204, responses=responses(401, 404))
async def delete_token(services: UsesServices, type: TokenType, id_token: IdTokenText) -> None:
    """Forget a token. Transactions that run on it go on."""
    await services.authorization.delete(id_token, type)


def _address(token: domain.Token) -> str:
    return f"/api/v1/tokens/{quote(token.type, safe='')}/{quote(token.id_token, safe='')}"
