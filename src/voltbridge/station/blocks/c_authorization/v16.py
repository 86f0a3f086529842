"""Authorization in the words of 1.6."""

from __future__ import annotations

from voltbridge.protocol import v16
from voltbridge.station.answers import Authorization
from voltbridge.station.blocks.e_transactions.v16 import authorization_of
from voltbridge.station.context import Handling
from voltbridge.station.facts import AuthorizeQuestion
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker

__all__ = ["authorize_answer", "authorize_request", "clear_cache"]


def authorize_request(fact: AuthorizeQuestion, speaker: Speaker) -> v16.AuthorizeRequest:
    """4.1. Tokens of 1.6 have at most 20 characters."""
    del speaker
    return v16.AuthorizeRequest(id_tag=fact.id_token.id_token[:20])


def authorize_answer(response: v16.AuthorizeResponse, fact: AuthorizeQuestion, speaker: Speaker) -> Authorization:
    """What the CSMS says of the token."""
    del fact, speaker
    return authorization_of(response.id_tag_info)


async def clear_cache(services: Services, handling: Handling, request: v16.ClearCacheRequest) -> v16.ClearCacheResponse:
    """5.4."""
    del handling, request
    cleared = await services.authorizer.cache.clear()
    return v16.ClearCacheResponse(status=v16.ClearCacheStatus("Accepted" if cleared else "Rejected"))
