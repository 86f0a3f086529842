"""What the shapes of all nouns have in common: moments, ids, pages, and the strictness towards unknown fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from voltbridge.domain.paging import Page, PageRequest

__all__ = [
    "NOT_TEXT",
    "PATTERN_WORDS",
    "Flag",
    "Id",
    "Moment",
    "PageOf",
    "PageQuery",
    "Printable",
    "RequestBody",
    "Shape",
    "left_out",
    "number_of",
    "page_of",
    "rfc3339",
]

Item = TypeVar("Item")
Found = TypeVar("Found")

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


_PRINTABLE: Final = "^[!-~]([ -~]*[!-~])?$"

Printable = Annotated[str, Field(pattern=_PRINTABLE)]
"""What identifiers of every version are made of."""

PATTERN_WORDS: Final = {_PRINTABLE: "must be printable ASCII without a space at either end"}
"""What a pattern asks, for people; modules add those of their own patterns."""


def rfc3339(moment: datetime) -> str:
    """The moment in UTC with milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    # A "+" that was not encoded arrives in a query as a space: that is refused, not guessed.
    if isinstance(value, str) and _RFC3339.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value.upper())
        except ValueError:
            pass
        else:
            try:
                return moment.astimezone(UTC)
            except OverflowError:  # within a day of the calendar's ends
                return moment.replace(tzinfo=UTC)
    raise ValueError("must be a moment with an offset, such as 2026-05-01T12:00:00Z")


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    PlainSerializer(rfc3339, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-05-01T12:00:00.000Z"]}),
]
"""A moment: RFC 3339 with an offset when it comes in, UTC with milliseconds and Z when it goes out."""

_ID: Final = "^[0-9]{1,19}$"
PATTERN_WORDS[_ID] = "must be an id: 1 to 19 digits"

Id = Annotated[
    str,
    Field(pattern=_ID, examples=["1893456000000123456"]),
    BeforeValidator(lambda value: str(value) if isinstance(value, int) else value),
]
"""One of our own ids: digits, as text because they exceed what a JavaScript number holds."""


Flag = Annotated[bool, Field(strict=True)]
"""True or false in a body; 0, 1 and "yes" are not taken for one. Not for a query, where all values are texts."""


def _no_text(value: object) -> object:
    if isinstance(value, str | bool):
        raise ValueError("must be a number")
    return value


NOT_TEXT: Final = BeforeValidator(_no_text)
"""Put behind a number of a body and its limits: a text is not taken for one. (In front, it would hide the limits.)"""


def number_of(identifier: str) -> int:
    """An id's number; 0, which no id has, when it is larger than any id can be."""
    number = int(identifier)
    return number if number < 2**63 else 0


class Shape(BaseModel):
    """Something the API answers with."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class RequestBody(BaseModel):
    """Something the API is sent: a field it does not know is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def left_out(**more: Any) -> Any:
    """A field of a PATCH that may be left out but not be null: there is nothing it could return to."""

    def without_default(schema: dict[str, Any]) -> None:
        schema.pop("default", None)

    return Field(default=None, json_schema_extra=without_default, **more)


class PageOf(Shape, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(
        description="Give this as `cursor` to get the next page; null on the last page.", examples=[None]
    )


class PageQuery(RequestBody):
    """Which page of a list. Nouns add their filters."""

    cursor: str | None = Field(
        default=None, max_length=1000, description="`next` of the page before; without it the list begins."
    )
    limit: int = Field(default=50, ge=1, le=500, description="How many items at most.")

    @property
    def page(self) -> PageRequest:
        """The same as the domain's value."""
        return PageRequest(limit=self.limit, cursor=self.cursor)


def page_of(found: Page[Found], show: Callable[[Found], Any]) -> dict[str, Any]:
    """A page of the domain in the API's shape."""
    return {"items": [show(item) for item in found.items], "next": found.next}
