"""Authorization in the words of 2.0.1: Authorize, and the idTokenInfo of every answer that has one."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, UnsetType

from voltbridge.csms.blocks.c_authorization.requests import ClearCache
from voltbridge.csms.blocks.c_authorization.service import AuthorizationService
from voltbridge.csms.blocks.given import given
from voltbridge.csms.blocks.i_tariff_and_cost.v201 import message_content
from voltbridge.csms.commands.kinds import Context, Prepared, answered
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.token_rules import GROUP_TYPE
from voltbridge.domain.tokens import Authorization, IdToken, Token
from voltbridge.protocol import v21, v201
from voltbridge.protocol.datetimes import DateTime

__all__ = ["authorize", "brings_certificate", "clear_cache", "id_token_info", "id_token_of"]

_LONGEST_ID_TOKEN: Final = 36
_TYPES: Final = frozenset(kind.value for kind in v201.IdTokenEnumType)


async def authorize(
    service: AuthorizationService, live: LiveStation, request: v201.AuthorizeRequest
) -> v201.AuthorizeResponse:
    """C01; with a contract certificate C07."""
    id_token = id_token_of(request.id_token)
    if brings_certificate(request):
        return v201.AuthorizeResponse(
            id_token_info=id_token_info(service.refuse_contract(live, id_token)),
            certificate_status=v201.AuthorizeCertificateStatusEnumType.CERT_CHAIN_ERROR,
        )
    return v201.AuthorizeResponse(id_token_info=id_token_info(await service.authorize(live, id_token)))


def clear_cache(wanted: ClearCache, context: Context) -> Prepared:
    """C11."""
    return Prepared(v201.ClearCacheRequest(), answered)


def brings_certificate(request: v201.AuthorizeRequest | v21.AuthorizeRequest) -> bool:
    """Whether the driver's contract certificate is to be judged as well."""
    return bool(given(request.certificate) or given(request.iso15118_certificate_hash_data))


def id_token_of(presented: v201.IdTokenType | v21.IdTokenType) -> IdToken:
    """A token as the domain knows it."""
    additional = () if isinstance(presented.additional_info, UnsetType) else presented.additional_info
    return IdToken(
        id_token=presented.id_token,
        type=str.__str__(presented.type),
        additional_info=tuple((info.additional_id_token, info.type) for info in additional),
    )


def id_token_info(authorization: Authorization) -> v201.IdTokenInfoType:
    """The answer about a token (C01.FR.06, C01.FR.07, C09.FR.09). No EVSEs are named: it holds for all (C01.FR.19)."""
    token, until = authorization.token, authorization.cache_expires_at
    return v201.IdTokenInfoType(
        status=v201.AuthorizationStatusEnumType(authorization.status.value),
        cache_expiry_date_time=DateTime.of(until) if until else UNSET,
        language1=(token and token.language) or UNSET,
        group_id_token=_group(token) if token else UNSET,
        personal_message=_message(authorization),
    )


def _group(token: Token) -> v201.IdTokenType | UnsetType:
    if not token.group_id_token or len(token.group_id_token) > _LONGEST_ID_TOKEN:
        return UNSET
    kind = token.group_type if token.group_type in _TYPES else GROUP_TYPE
    return v201.IdTokenType(id_token=token.group_id_token, type=v201.IdTokenEnumType(kind))


def _message(authorization: Authorization) -> v201.MessageContentType | UnsetType:
    """What the operator has to say to this driver, else what is shown of the tariff (I01.FR.01)."""
    token = authorization.token
    if token is not None and token.personal_message:
        return v201.MessageContentType(
            format=v201.MessageFormatEnumType.UTF8, language=token.language or UNSET, content=token.personal_message
        )
    return UNSET if authorization.tariff_text is None else message_content(authorization.tariff_text)
