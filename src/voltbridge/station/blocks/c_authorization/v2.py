"""Authorization in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
from msgspec import UNSET

from voltbridge.protocol.codec import decode
from voltbridge.protocol.structs import Payload
from voltbridge.station.answers import Authorization
from voltbridge.station.blocks.e_transactions.v2 import authorization_of
from voltbridge.station.context import Handling
from voltbridge.station.facts import AuthorizeQuestion
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import given, messages, optional, words_of_token

__all__ = ["authorize_answer", "authorize_request", "clear_cache"]


def authorize_request(words: Any, fact: AuthorizeQuestion, speaker: Speaker) -> Payload:
    """C01, C07."""
    del speaker
    hashes = [decode(words.OCSPRequestDataType, msgspec.json.encode(each)) for each in fact.certificate_hashes]
    request: Payload = words.AuthorizeRequest(
        id_token=words_of_token(words, fact.id_token),
        certificate=optional(fact.certificate),
        iso15118_certificate_hash_data=hashes or UNSET,
    )
    return request


def authorize_answer(response: Any, fact: AuthorizeQuestion, speaker: Speaker) -> Authorization:
    """What the CSMS says of the token and of its certificate."""
    del fact, speaker
    certificate = given(response.certificate_status)
    authorization = authorization_of(response.id_token_info)
    return replace(authorization, certificate_status=certificate.value if certificate else None)


async def clear_cache(services: Services, handling: Handling, request: Any) -> Payload:
    """C11."""
    del request
    words = messages(handling.version)
    cleared = await services.authorizer.cache.clear()
    response: Payload = words.ClearCacheResponse(
        status=words.ClearCacheStatusEnumType("Accepted" if cleared else "Rejected")
    )
    return response
