"""The local authorization list in the words of 1.6."""

from __future__ import annotations

from voltbridge.domain.tokens import IdToken
from voltbridge.protocol import v16
from voltbridge.station.blocks.d_local_auth_list.service import Entry
from voltbridge.station.blocks.e_transactions.v16 import authorization_of
from voltbridge.station.context import Handling
from voltbridge.station.services import Services
from voltbridge.station.words import given

__all__ = ["get_local_list_version", "send_local_list"]


async def send_local_list(
    services: Services, handling: Handling, request: v16.SendLocalListRequest
) -> v16.SendLocalListResponse:
    """5.15. An entry without information removes the token; in a full list it cannot be meant."""
    del handling
    entries = [
        Entry(IdToken(each.id_tag, "ISO14443"), authorization_of(info) if (info := given(each.id_tag_info)) else None)
        for each in given(request.local_authorization_list) or ()
    ]
    full = request.update_type is v16.UpdateType.FULL
    status = await services.local_list.update(request.list_version, entries, full=full)
    return v16.SendLocalListResponse(status=v16.UpdateStatus(status.value))


async def get_local_list_version(
    services: Services, handling: Handling, request: v16.GetLocalListVersionRequest
) -> v16.GetLocalListVersionResponse:
    """5.10: -1 while the list is switched off, 0 while it is empty."""
    del handling, request
    local_list = services.local_list
    version = 0 if local_list.empty else local_list.version
    return v16.GetLocalListVersionResponse(list_version=version if local_list.enabled else -1)
