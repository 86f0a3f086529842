"""Webhooks: where events are delivered by HTTP POST, how that goes, and what was not taken."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.events import Event
from voltbridge.api.problems import ProblemError, responses
from voltbridge.api.shapes import (
    NOT_TEXT,
    PATTERN_WORDS,
    Flag,
    Id,
    Moment,
    PageOf,
    PageQuery,
    RequestBody,
    Shape,
    left_out,
    number_of,
    page_of,
)
from voltbridge.csms.webhooks.service import KnownWebhook
from voltbridge.domain import webhooks as domain
from voltbridge.domain.webhooks import DeliveryFilter, DeliveryState, SentResult, WebhookState

__all__ = [
    "Attempt",
    "Delivery",
    "DeliveryId",
    "DeliveryPage",
    "DeliveryQuery",
    "MadeWebhook",
    "NewReplay",
    "NewSecret",
    "NewWebhook",
    "Replayed",
    "Secret",
    "Webhook",
    "WebhookChanges",
    "WebhookId",
    "WebhookPage",
    "router",
]

router = APIRouter(tags=["webhooks"])

_URL: Final = r"^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$"
PATTERN_WORDS[_URL] = "must be an http or https URL in printable ASCII"
_STAR_ALONE: Final = "`*` stands for any text."

_Url = Annotated[str, Field(pattern=_URL, max_length=2000, examples=["https://example.com/hooks/voltbridge"])]
_Types = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=100)]],
    Field(
        min_length=1,
        max_length=100,
        description=f"Types of events; {_STAR_ALONE} `GET /event-schemas` lists them. Events that are not kept cannot "
        "be delivered.",
        examples=[["transaction.*", "station.disconnected"]],
    ),
]
_StationIds = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=255)]],
    Field(
        max_length=1000,
        description=f"Only events of these stations; {_STAR_ALONE} Without stations and sites: all events.",
        examples=[["DEPOT-*"]],
    ),
]
_SiteIds = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=64)]],
    Field(
        max_length=100, description="Events of the stations of these sites, and of the sites themselves.", examples=[[]]
    ),
]
_BatchSize = Annotated[
    int,
    Field(
        ge=1,
        le=100,
        description='How many events a message may hold. With 1 its body is the event, with more `{"events": [...]}`.',
    ),
    NOT_TEXT,
]
_TimeoutS = Annotated[float, Field(ge=0.5, le=60, description="How long the receiver may take to answer."), NOT_TEXT]
_MaxAttempts = Annotated[
    int,
    Field(
        ge=1,
        le=50,
        description="How often a message is sent that the receiver answers with an error, or not in time, before it "
        "is given up and the next one is taken. Not counted while nobody is there (no connection, or 429, 502, 503 "
        "or 504).",
    ),
    NOT_TEXT,
]
_PauseAfterS = Annotated[
    int, Field(ge=60, le=2_592_000, description="After so long without any success it pauses."), NOT_TEXT
]
_Secret = Annotated[
    str, Field(max_length=200, description="`whsec_` and the base64 of 24 to 64 bytes; left out, one is made.")
]
_Description = Annotated[str | None, Field(max_length=500, examples=["Billing"])]

WebhookId = Annotated[
    str, Path(pattern="^[0-9]{1,19}$", description="The webhook's id.", examples=["1893456000000123456"])
]
DeliveryId = Annotated[
    str, Path(pattern="^[0-9]{1,19}$", description="The id in the log.", examples=["1893456000000123456"])
]


class NewWebhook(RequestBody):
    """A webhook to be made. It begins with what happens from now on."""

    url: _Url
    description: _Description = None
    types: _Types = Field(default=["*"])
    station_ids: _StationIds = Field(default=[])
    site_ids: _SiteIds = Field(default=[])
    enabled: Flag = True
    batch_size: _BatchSize = 1
    timeout_s: _TimeoutS = 15.0
    max_attempts: _MaxAttempts = 12
    pause_after_s: _PauseAfterS = 259_200
    secret: _Secret | None = None


class WebhookChanges(RequestBody):
    """What is to be another; what is left out stays."""

    url: _Url = left_out()
    description: _Description = None
    types: _Types = left_out()
    station_ids: _StationIds = left_out()
    site_ids: _SiteIds = left_out()
    enabled: Flag = left_out(description="While false nothing is sent; what happens meanwhile is sent afterwards.")
    batch_size: _BatchSize = left_out()
    timeout_s: _TimeoutS = left_out()
    max_attempts: _MaxAttempts = left_out()
    pause_after_s: _PauseAfterS = left_out()


class Webhook(Shape):
    """A webhook and how it is doing. Its secret is never shown again."""

    id: Id
    url: str
    description: str | None
    types: list[str]
    station_ids: list[str]
    site_ids: list[str]
    enabled: bool
    batch_size: int
    timeout_s: float
    max_attempts: int
    pause_after_s: int
    former_secret_until: Moment | None = Field(description="Until when messages are signed with two secrets.")
    created_at: Moment
    updated_at: Moment
    state: WebhookState
    last_event_id: Id = Field(description="The last event that is dealt with: delivered, given up, or not wanted.")
    delivered_at: Moment | None = Field(description="When an attempt last succeeded.")
    attempts: int = Field(description="So far, at the message that is next.")
    failures: int = Field(description="In a row, of whichever message.")
    failing_since: Moment | None
    retry_at: Moment | None = Field(description="When the next attempt is made.")
    problem: str | None = Field(description="Of the last attempt.", examples=["HTTP status 500"])
    paused_at: Moment | None
    pause_reason: str | None
    dead: int = Field(description="Dead letters in the log.")
    queued: int = Field(description="Events that wait to be replayed.")
    lag_s: float = Field(description="Age of the event that it is at; 0 when nothing waits.")


class MadeWebhook(Webhook):
    """A webhook, and its secret for this once."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class WebhookPage(PageOf[Webhook]):
    """All webhooks, on one page."""


class NewSecret(RequestBody):
    """How a secret is to be exchanged."""

    overlap_s: Annotated[int, Field(ge=0, le=2_592_000), NOT_TEXT] = Field(
        default=86_400, description="How long messages are signed with the former secret too."
    )
    secret: _Secret | None = None


class Secret(Shape):
    """The new secret, shown this once."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    former_secret_until: Moment | None


class Attempt(Shape):
    """What came of a test."""

    result: SentResult
    http_status: int | None
    problem: str | None
    duration_ms: int
    message_id: str = Field(description="The message's `webhook-id`.")


class Delivery(Shape):
    """A line of the log: what became of an event."""

    id: Id
    state: DeliveryState
    event_id: Id = Field(description="Of what was missed: the last such event.")
    type: str | None
    created_at: Moment = Field(description="When the event happened.")
    finished_at: Moment = Field(description="When the last attempt ended.")
    attempts: int
    http_status: int | None
    problem: str | None
    duration_ms: int | None = Field(description="Of the last attempt.")
    event: Event | None = Field(description="The whole event, of dead letters and of what is queued.")


class DeliveryPage(PageOf[Delivery]):
    """One page of the log."""


class DeliveryQuery(PageQuery):
    """Which lines."""

    state: DeliveryState | None = None
    type: str | None = Field(default=None, max_length=100)
    event_id: Id | None = None


class NewReplay(RequestBody):
    """What is to be delivered again: exactly one of these."""

    dead: Flag = Field(default=False, description="Every dead letter, oldest first, each tried once.")
    after_event_id: Id | None = Field(
        default=None, description="Everything wanted after this event, in its order; then it goes on from there."
    )
    since: Moment | None = Field(default=None, description="The same since a moment.")


class Replayed(Shape):
    """What was queued, or from where it goes on."""

    queued: int = Field(description="Dead letters that are sent again.")
    after_event_id: Id = Field(description="What comes after this event is delivered next.")


@router.get("/webhooks", response_model=WebhookPage, responses=responses(401))
async def list_webhooks(services: UsesServices) -> Any:
    """List the webhooks, oldest first."""
    return {"items": [_shown(known) for known in await services.webhooks.list()], "next": None}


@router.post("/webhooks", status_code=201, response_model=MadeWebhook, responses=responses(400, 401, 409, 422))
async def create_webhook(services: UsesServices, new: NewWebhook, response: Response) -> Any:
    """Have events delivered to a URL from now on. The answer is the only one that shows the secret.

    Messages are signed as Standard Webhooks has it: the header `webhook-signature` is `v1,` and the base64 of an
    HMAC-SHA256, keyed with the secret (base64 behind `whsec_`), over `webhook-id`, `webhook-timestamp` and the body
    with dots between them. A message may come twice, then with the same `webhook-id`. Any answer of 200 to 299 takes
    it; redirects are not followed; 410 pauses the webhook.
    """
    chosen: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in new.model_dump().items()
    }
    known = await services.webhooks.create(**chosen)
    response.headers["Location"] = f"/api/v1/webhooks/{known.webhook.id}"
    return {**_shown(known), "secret": known.webhook.secret}


@router.get("/webhooks/{webhook_id}", response_model=Webhook, responses=responses(400, 401, 404))
async def get_webhook(services: UsesServices, webhook_id: WebhookId) -> Any:
    """A webhook and how it is doing."""
    return _shown(await services.webhooks.get(number_of(webhook_id)))


@router.patch("/webhooks/{webhook_id}", response_model=Webhook, responses=responses(400, 401, 404, 422))
async def change_webhook(services: UsesServices, webhook_id: WebhookId, changes: WebhookChanges) -> Any:
    """Change a webhook. A message that waits for its next attempt is sent at once."""
    given = changes.model_dump(exclude_unset=True)
    changed = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return _shown(await services.webhooks.update(number_of(webhook_id), changed))


@router.delete("/webhooks/{webhook_id}", status_code=204, response_class=Response, responses=responses(400, 401, 404))
async def delete_webhook(services: UsesServices, webhook_id: WebhookId) -> None:
    """Deliver nothing more, and forget the webhook and its log."""
    await services.webhooks.delete(number_of(webhook_id))


@router.post("/webhooks/{webhook_id}/secret", response_model=Secret, responses=responses(400, 401, 404, 422))
async def rotate_webhook_secret(services: UsesServices, webhook_id: WebhookId, new: NewSecret) -> Any:
    """Sign with a new secret; for a while messages carry the signatures of both."""
    id = number_of(webhook_id)
    secret = await services.webhooks.rotate_secret(id, new.overlap_s, new.secret)
    return {"secret": secret, "former_secret_until": (await services.webhooks.get(id)).webhook.former_secret_until}


@router.post("/webhooks/{webhook_id}/test", response_model=Attempt, responses=responses(400, 401, 404, 409))
async def try_webhook(services: UsesServices, webhook_id: WebhookId) -> Any:
    """Send an event of type `webhook.test` now, even while it rests, and tell what came of it. Not in the log."""
    tried = await services.webhooks.test(number_of(webhook_id))
    if tried is None:
        detail = "A test of this webhook is under way; wait for its end."
        raise ProblemError(409, "test-under-way", "A test is under way", detail)
    event, sent = tried
    return {
        "result": sent.result,
        "http_status": sent.http_status,
        "problem": sent.problem,
        "duration_ms": sent.duration_ms,
        "message_id": f"test_{event.id}",
    }


@router.post("/webhooks/{webhook_id}/resume", response_model=Webhook, responses=responses(400, 401, 404))
async def resume_webhook(services: UsesServices, webhook_id: WebhookId) -> Any:
    """End a pause, and where it is failing try again at once. What waits is delivered in its order."""
    return _shown(await services.webhooks.resume(number_of(webhook_id)))


@router.post(
    "/webhooks/{webhook_id}/replay", status_code=202, response_model=Replayed, responses=responses(400, 401, 404, 422)
)
async def replay_webhook(services: UsesServices, webhook_id: WebhookId, replay: NewReplay) -> Any:
    """Deliver again: the dead letters, or everything from somewhere on. While it rests, that waits."""
    id = number_of(webhook_id)
    if [replay.dead, replay.after_event_id is not None, replay.since is not None].count(True) != 1:
        detail = "Give exactly one of dead (true), after_event_id and since."
        raise ProblemError(422, "unusable-value", "A value cannot be used", detail, errors=[("$", detail)])
    if replay.dead:
        queued = await services.webhooks.replay_dead(id)
        return {"queued": queued, "after_event_id": str((await services.webhooks.get(id)).progress.cursor)}
    after = None if replay.after_event_id is None else int(replay.after_event_id)
    begins = await services.webhooks.replay_from(id, after_event_id=after, since=replay.since)
    return {"queued": 0, "after_event_id": str(begins)}


@router.get("/webhooks/{webhook_id}/deliveries", response_model=DeliveryPage, responses=responses(400, 401, 404, 422))
async def list_webhook_deliveries(
    services: UsesServices, webhook_id: WebhookId, query: Annotated[DeliveryQuery, Query()]
) -> Any:
    """The log, newest first: delivered, dead, queued for replay, and missed."""
    event_id = None if query.event_id is None else number_of(query.event_id)
    wanted = DeliveryFilter(number_of(webhook_id), query.state, query.type, event_id)
    return page_of(await services.webhooks.deliveries(wanted, query.page), _line)


@router.post(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    response_model=Delivery,
    responses=responses(400, 401, 404),
)
async def replay_webhook_delivery(services: UsesServices, webhook_id: WebhookId, delivery_id: DeliveryId) -> Any:
    """Send one event again, whether it was delivered or is dead, before what waits."""
    return _line(await services.webhooks.replay(number_of(webhook_id), number_of(delivery_id)))


def _shown(known: KnownWebhook) -> dict[str, Any]:
    webhook, progress = known.webhook, known.progress
    return {
        "id": str(webhook.id),
        "url": webhook.url,
        "description": webhook.description,
        "types": webhook.types,
        "station_ids": webhook.station_ids,
        "site_ids": webhook.site_ids,
        "enabled": webhook.enabled,
        "batch_size": webhook.batch_size,
        "timeout_s": webhook.timeout_s,
        "max_attempts": webhook.max_attempts,
        "pause_after_s": webhook.pause_after_s,
        "former_secret_until": webhook.former_secret_until,
        "created_at": webhook.created_at,
        "updated_at": webhook.updated_at,
        "state": known.state,
        "last_event_id": str(progress.cursor),
        "delivered_at": progress.delivered_at,
        "attempts": progress.attempts,
        "failures": progress.failures,
        "failing_since": progress.failing_since,
        "retry_at": progress.retry_at,
        "problem": progress.problem,
        "paused_at": progress.paused_at,
        "pause_reason": progress.pause_reason,
        "dead": known.dead,
        "queued": known.queued,
        "lag_s": known.lag_s,
    }


def _line(one: domain.Delivery) -> Delivery:
    return Delivery.model_validate(one)
