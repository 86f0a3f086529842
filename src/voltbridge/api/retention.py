"""How long records are kept, and from when the oldest are."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import Moment, PageOf, Shape
from voltbridge.csms.retention import Kept as DomainKept

__all__ = ["Kept", "KeptPage", "router"]

router = APIRouter(tags=["retention"])


class Kept(Shape):
    """A kind of record and how long it is kept."""

    kind: str = Field(examples=["messages"])
    description: str = Field(
        description="What it is, and from when its time counts.",
        examples=["OCPP messages from and to stations, from when they came or went."],
    )
    setting: str = Field(
        description="The option of the server that says for how long.", examples=["log_retention_days"]
    )
    days: int | None = Field(description="For how many days it is kept; null for ever.", examples=[30])
    oldest_at: Moment | None = Field(description="From when the oldest record is; null when there is none.")
    last_run_at: Moment | None = Field(
        description="When old records were looked for last, once an hour; null until the first time."
    )
    last_removed: int = Field(description="How many records went then.", examples=[1250])
    problem: str | None = Field(description="Why the last run failed; null when it did not.", examples=[None])


class KeptPage(PageOf[Kept]):
    """Every kind of record that is not kept for as long as the server is."""


@router.get("/retention", response_model=KeptPage, responses=responses(401, 503))
async def list_retention(services: UsesServices) -> Any:
    """List how long what is kept. What is not listed stays until somebody deletes it."""
    return {"items": [_show(each) for each in await services.retention.list()], "next": None}


def _show(kept: DomainKept) -> Kept:
    return Kept(
        kind=kept.kind.name,
        description=kept.kind.text,
        setting=kept.kind.setting,
        days=kept.days,
        oldest_at=kept.oldest_at,
        last_run_at=kept.last_run_at,
        last_removed=kept.last_removed,
        problem=kept.problem,
    )
