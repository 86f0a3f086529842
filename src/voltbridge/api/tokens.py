"""The tokens that may charge: RFID cards, app users, vehicles."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Response
from pydantic import AfterValidator, Field, WithJsonSchema

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Flag, Moment, PageOf, PageQuery, Printable, RequestBody, Shape, left_out, page_of
from voltbridge.domain import tokens as domain
from voltbridge.domain.token_rules import TOKEN_TYPES
from voltbridge.domain.tokens import AuthorizationStatus, TokenFilter

__all__ = [
    "Language",
    "Message",
    "NewToken",
    "Note",
    "PathText",
    "PathType",
    "StationIds",
    "Token",
    "TokenBody",
    "TokenChanges",
    "TokenPage",
    "TokenQuery",
    "TokenStatus",
    "TokenText",
    "TokenType",
    "router",
    "show",
]

router = APIRouter(tags=["tokens"])

_TYPES: Final = sorted(TOKEN_TYPES - {"NoAuthorization"}, key=str.casefold)
_STATUSES: Final = [status.value for status in AuthorizationStatus if status is not AuthorizationStatus.CONCURRENT_TX]


def _known_type(type: str) -> str:
    if type not in _TYPES:
        raise ValueError(f"must be one of {', '.join(_TYPES)}")
    return type


def _operators_word(status: AuthorizationStatus) -> AuthorizationStatus:
    if status.value not in _STATUSES:
        raise ValueError("cannot be ConcurrentTx: that is found out when a transaction starts")
    return status


TokenType = Annotated[
    str, AfterValidator(_known_type), Field(json_schema_extra={"enum": _TYPES}, examples=["ISO14443"])
]
TokenStatus = Annotated[
    AuthorizationStatus,
    AfterValidator(_operators_word),
    WithJsonSchema({"type": "string", "enum": _STATUSES, "examples": ["Accepted"]}),
]
TokenText = Annotated[
    Printable, Field(min_length=1, max_length=255, examples=["04A1B2C3D4"], description="Printable ASCII.")
]
PathType = Annotated[TokenType, Path(description="The token's type.")]
PathText = Annotated[TokenText, Path(description="The token, without regard to case.")]


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
    warnings: list[str] = Field(description="Why it may not do what you mean, such as being too long for old stations.")
    created_at: Moment
    updated_at: Moment


class TokenPage(PageOf[Token]):
    """One page of tokens."""


_GROUP: Final = "Tokens of one group may stop each other's transactions."
_CONCURRENT: Final = "Whether several transactions may run on it at a time."
_STATIONS: Final = "Where it is valid; empty: everywhere."
Language = Annotated[Printable, Field(min_length=1, max_length=8, examples=["en"])]
Message = Annotated[str, Field(min_length=1, max_length=512, description="Shown to the driver by stations that can.")]
Note = Annotated[str, Field(min_length=1, max_length=500, description="For yourself.")]
StationIds = Annotated[list[str], Field(max_length=1000, description=_STATIONS)]


class TokenBody(RequestBody):
    """What can be said of a token."""

    status: TokenStatus = AuthorizationStatus.ACCEPTED
    group_id_token: TokenText | None = Field(default=None, description=_GROUP)
    group_type: TokenType | None = None
    expires_at: Moment | None = None
    allow_concurrent: Flag = Field(default=False, description=_CONCURRENT)
    language: Language | None = None
    personal_message: Message | None = None
    note: Note | None = None
    station_ids: StationIds = Field(default_factory=list)


class NewToken(TokenBody):
    """A token to be added."""

    id_token: TokenText
    type: TokenType = "ISO14443"


class TokenChanges(RequestBody):
    """What to change; a field that is left out stays, null removes what was said."""

    status: TokenStatus = left_out()
    group_id_token: TokenText | None = left_out(description=_GROUP)
    group_type: TokenType | None = left_out()
    expires_at: Moment | None = left_out()
    allow_concurrent: Flag = left_out(description=_CONCURRENT)
    language: Language | None = left_out()
    personal_message: Message | None = left_out()
    note: Note | None = left_out()
    station_ids: StationIds = left_out()


class TokenQuery(PageQuery):
    """Which tokens."""

    type: TokenType | None = None
    status: AuthorizationStatus | None = None
    group_id_token: str | None = Field(default=None, max_length=255, description="Without regard to case.")


def show(token: domain.Token) -> Token:
    """A token of the domain as the API shows it."""
    return Token.model_validate(token)


@router.get("/tokens", response_model=TokenPage, responses=responses(400, 401, 422))
async def list_tokens(services: UsesServices, query: Annotated[TokenQuery, Query()]) -> Any:
    """List the tokens."""
    wanted = TokenFilter(type=query.type, status=query.status, group_id_token=query.group_id_token)
    return page_of(await services.authorization.list(wanted, query.page), show)


@router.post("/tokens", status_code=201, response_model=Token, responses=responses(400, 401, 409, 422))
async def add_token(services: UsesServices, new: NewToken, response: Response) -> Any:
    """Add a token."""
    token = await services.authorization.create(**new.model_dump())
    response.headers["Location"] = _address(token)
    return show(token)


@router.get("/tokens/{type}/{id_token:path}", response_model=Token, responses=responses(400, 401, 404))
async def get_token(services: UsesServices, type: PathType, id_token: PathText) -> Any:
    """One token."""
    return show(await services.authorization.get(id_token, type))


@router.put(
    "/tokens/{type}/{id_token:path}",
    response_model=Token,
    responses={201: {"model": Token, "description": "The token was added."}, **responses(400, 401, 422)},
)
async def put_token(
    services: UsesServices, type: PathType, id_token: PathText, body: TokenBody, response: Response
) -> Any:
    """Add a token (201) or replace what is said of it (200)."""
    token, created = await services.authorization.put(id_token=id_token, type=type, **body.model_dump())
    if created:
        response.status_code = 201
        response.headers["Location"] = _address(token)
    return show(token)


@router.patch("/tokens/{type}/{id_token:path}", response_model=Token, responses=responses(400, 401, 404, 422))
async def change_token(services: UsesServices, type: PathType, id_token: PathText, changes: TokenChanges) -> Any:
    """Change some of what is said of a token."""
    return show(await services.authorization.change(id_token, type, changes.model_dump(exclude_unset=True)))


@router.delete(
    "/tokens/{type}/{id_token:path}", status_code=204, response_class=Response, responses=responses(400, 401, 404)
)
async def delete_token(services: UsesServices, type: PathType, id_token: PathText) -> None:
    """Forget a token. Transactions that run on it go on."""
    await services.authorization.delete(id_token, type)


def _address(token: domain.Token) -> str:
    return f"/api/v1/tokens/{quote(token.type, safe='')}/{quote(token.id_token, safe='')}"
