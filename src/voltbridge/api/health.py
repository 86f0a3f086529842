"""Whether the process lives, whether it can do its work, and its figures; without a key."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from voltbridge.api.shapes import Shape
from voltbridge.csms.readiness import Readiness
from voltbridge.metrics import CONTENT_TYPE, Metrics

__all__ = ["Health", "Ready", "router"]

router = APIRouter(tags=["health"])


class Health(Shape):
    """The process lives."""

    status: str = Field(examples=["ok"])


class Ready(Shape):
    """Whether everything that is needed is there."""

    ready: bool
    checks: dict[str, str] = Field(
        description="`ok`, or what is wrong, per part.", examples=[{"storage": "ok", "gateway": "ok"}]
    )


def _readiness(request: Request) -> Readiness:
    found = request.app.state.readiness
    assert isinstance(found, Readiness)
    return found


def _metrics(request: Request) -> Metrics:
    found = request.app.state.metrics
    assert isinstance(found, Metrics)
    return found


@router.get("/healthz", response_model=Health)
async def healthz() -> Health:
    """The process lives and answers."""
    return Health(status="ok")


@router.get(
    "/readyz",
    response_model=Ready,
    responses={503: {"model": Ready, "description": "Something that is needed is missing."}},
)
async def readyz(readiness: Annotated[Readiness, Depends(_readiness)], response: Response) -> Ready:
    """Whether stations can connect and their messages can be kept."""
    checks = await readiness.check()
    ready = all(finding == "ok" for finding in checks.values())
    if not ready:
        response.status_code = 503
    return Ready(ready=ready, checks=checks)


@router.get(
    "/metrics",
    responses={200: {"description": "For Prometheus.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
    response_class=Response,
)
async def metrics(metrics: Annotated[Metrics, Depends(_metrics)]) -> Response:
    """Figures in the text format of Prometheus."""
    return Response(metrics.text(), media_type=CONTENT_TYPE)
