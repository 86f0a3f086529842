"""Authorization in the words of 1.6: Authorize, and the idTagInfo of every answer that has one.

1.6 knows five statuses. A token that is known and not allowed becomes Blocked for whatever reason; one that is not
known becomes Invalid (1.6 7.2).
"""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from voltbridge.csms.blocks.c_authorization.requests import ClearCache
from voltbridge.csms.blocks.c_authorization.service import AuthorizationService
from voltbridge.csms.commands.kinds import Context, Prepared, answered
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.tokens import Authorization, AuthorizationStatus, IdToken
from voltbridge.protocol import v16
from voltbridge.protocol.datetimes import DateTime

__all__ = ["STATUSES", "authorize", "clear_cache", "id_tag_info"]

STATUSES: Final = {
    AuthorizationStatus.ACCEPTED: v16.AuthorizationStatus.ACCEPTED,
    AuthorizationStatus.BLOCKED: v16.AuthorizationStatus.BLOCKED,
    AuthorizationStatus.CONCURRENT_TX: v16.AuthorizationStatus.CONCURRENT_TX,
    AuthorizationStatus.EXPIRED: v16.AuthorizationStatus.EXPIRED,
    AuthorizationStatus.INVALID: v16.AuthorizationStatus.INVALID,
    AuthorizationStatus.NO_CREDIT: v16.AuthorizationStatus.BLOCKED,
    AuthorizationStatus.NOT_ALLOWED_TYPE_EVSE: v16.AuthorizationStatus.BLOCKED,
    AuthorizationStatus.NOT_AT_THIS_LOCATION: v16.AuthorizationStatus.BLOCKED,
    AuthorizationStatus.NOT_AT_THIS_TIME: v16.AuthorizationStatus.BLOCKED,
    AuthorizationStatus.UNKNOWN: v16.AuthorizationStatus.INVALID,
}
_LONGEST_ID_TAG: Final = 20


async def authorize(
    service: AuthorizationService, live: LiveStation, request: v16.AuthorizeRequest
) -> v16.AuthorizeResponse:
    """1.6 4.1."""
    return v16.AuthorizeResponse(id_tag_info=id_tag_info(await service.authorize(live, IdToken(request.id_tag))))


def clear_cache(wanted: ClearCache, context: Context) -> Prepared:
    """1.6 5.4."""
    return Prepared(v16.ClearCacheRequest(), answered)


def id_tag_info(authorization: Authorization) -> v16.IdTagInfo:
    """The answer about a token. A group whose identifier is too long for 1.6 is left out."""
    token, until = authorization.token, authorization.cache_expires_at
    parent = token.group_id_token if token else None
    return v16.IdTagInfo(
        expiry_date=DateTime.of(until) if until else UNSET,
        parent_id_tag=parent if parent and len(parent) <= _LONGEST_ID_TAG else UNSET,
        status=STATUSES[authorization.status],
    )
