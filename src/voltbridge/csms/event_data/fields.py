"""What the data of events have in common."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["Moment", "Nothing", "OwnId", "Reason"]

OwnId = Annotated[str, Meta(pattern="^[0-9]{1,19}$", description="One of our own ids.")]
Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Reason = Annotated[str, Meta(description="Why, in words.")]


class Nothing(Struct):
    """The type and the station say it all."""
