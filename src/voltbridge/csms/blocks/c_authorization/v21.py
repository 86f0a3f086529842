"""Authorization in the words of 2.1: as 2.0.1, with longer tokens and types of the station's own."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from voltbridge.csms.blocks.c_authorization.requests import ClearCache
from voltbridge.csms.blocks.c_authorization.service import AuthorizationService
from voltbridge.csms.blocks.c_authorization.v201 import brings_certificate, id_token_of
from voltbridge.csms.blocks.i_tariff_and_cost.v21 import message_content
from voltbridge.csms.commands.kinds import Context, Prepared, answered
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.token_rules import GROUP_TYPE
from voltbridge.domain.tokens import Authorization, Token
from voltbridge.protocol import v21
from voltbridge.protocol.datetimes import DateTime

__all__ = ["authorize", "clear_cache", "id_token_info"]


async def authorize(
    service: AuthorizationService, live: LiveStation, request: v21.AuthorizeRequest
) -> v21.AuthorizeResponse:
    """C01; with a contract certificate C07."""
    id_token = id_token_of(request.id_token)
    if brings_certificate(request):
        return v21.AuthorizeResponse(
            id_token_info=id_token_info(service.refuse_contract(live, id_token)),
            certificate_status=v21.AuthorizeCertificateStatusEnumType.CERT_CHAIN_ERROR,
        )
    return v21.AuthorizeResponse(id_token_info=id_token_info(await service.authorize(live, id_token)))


def clear_cache(wanted: ClearCache, context: Context) -> Prepared:
    """C11."""
    return Prepared(v21.ClearCacheRequest(), answered)


def id_token_info(authorization: Authorization) -> v21.IdTokenInfoType:
    """The answer about a token (C01.FR.06, C01.FR.07, C09.FR.09). No EVSEs are named: it holds for all (C01.FR.19)."""
    token, until = authorization.token, authorization.cache_expires_at
    return v21.IdTokenInfoType(
        status=v21.AuthorizationStatusEnumType(authorization.status.value),
        cache_expiry_date_time=DateTime.of(until) if until else UNSET,
        language1=(token and token.language) or UNSET,
        group_id_token=_group(token) if token else UNSET,
        personal_message=_message(authorization),
    )


def _group(token: Token) -> v21.IdTokenType | UnsetType:
    if not token.group_id_token:
        return UNSET
    return v21.IdTokenType(id_token=token.group_id_token, type=token.group_type or GROUP_TYPE)


def _message(authorization: Authorization) -> v21.MessageContentType | UnsetType:
    """What the operator has to say to this driver, else what is shown of the tariff (I01.FR.01)."""
    token = authorization.token
    if token is not None and token.personal_message:
        return v21.MessageContentType(
            format=v21.MessageFormatEnumType.UTF8, language=token.language or UNSET, content=token.personal_message
        )
    return UNSET if authorization.tariff_text is None else message_content(authorization.tariff_text)
