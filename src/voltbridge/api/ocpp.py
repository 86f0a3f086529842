"""The door to the stations: any message a CSMS may send, in the station's own version, as it is on the wire.

The body is held against the schema and nothing else, so whatever the standard can express can be sent. The answer is
the station's own JSON, byte for byte.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import ProblemError, not_json, responses, unsupported_media_type
from voltbridge.api.shapes import RequestBody
from voltbridge.api.stations import StationId
from voltbridge.csms.station_calls import InvalidCall
from voltbridge.domain.station_calls import CallRefused, CallTimedOut, StationNotConnected, TooManyCalls
from voltbridge.protocol.errors import ViolationKind

__all__ = ["DoorQuery", "router"]

router = APIRouter(tags=["stations"])

_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "description": "The request as it is on the wire.",
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "title": "OcppRequest"},
                "examples": {
                    "1.6": {"summary": "Reset (1.6)", "value": {"type": "Soft"}},
                    "2.x": {"summary": "Reset (2.0.1, 2.1)", "value": {"type": "OnIdle"}},
                },
            }
        },
    }
}


class DoorQuery(RequestBody):
    """How long to wait."""

    timeout_s: float | None = Field(
        default=None, gt=0, le=3600, description="Seconds the station has to answer; else the server's setting."
    )


@router.post(
    "/stations/{station_id}/ocpp/{action}",
    responses={
        200: {
            "description": "The station's answer as it is on the wire.",
            "content": {"application/json": {"schema": {"type": "object", "title": "OcppResponse"}}},
        },
        **responses(400, 401, 404, 409, 422, 429, 502, 504),
    },
    openapi_extra=_BODY,
)
async def send_ocpp(
    services: UsesServices,
    station_id: StationId,
    action: Annotated[str, Path(description="The action as the standard spells it.", examples=["Reset"])],
    query: Annotated[DoorQuery, Query()],
    request: Request,
) -> Response:
    """Send a message to a station and answer with what it says."""
    if not_json(request):
        raise unsupported_media_type()
    try:
        answer = await services.calls.call_raw(station_id, action, await request.body(), query.timeout_s)
    except InvalidCall as error:
        path = "path.action" if error.kind is ViolationKind.UNKNOWN_ACTION else error.path
        raise ProblemError(
            400,
            "invalid-request",
            "The request is not valid",
            f"{path}: {error.detail}",
            errors=[(path, error.detail)],
        ) from None
    except StationNotConnected:
        await services.stations.get(station_id)  # raises NotFound for a station nobody knows
        raise
    except CallTimedOut as error:
        raise ProblemError(504, "no-answer", "The station did not answer", str(error)) from None
    except TooManyCalls as error:
        raise ProblemError(429, "too-many-calls", "Too many calls to this station", str(error)) from None
    except CallRefused as error:
        raise _refused(error) from None
    return Response(answer, media_type="application/json")


def _refused(error: CallRefused) -> ProblemError:
    if error.local:
        return ProblemError(
            502, "invalid-answer", "The station's answer breaks the standard", f"{error.description} ({error.code})"
        )
    said = {"code": error.code, "description": error.description, "details": dict(error.details)}
    return ProblemError(502, "call-error", "The station answered with an error", str(error), ocpp_error=said)
