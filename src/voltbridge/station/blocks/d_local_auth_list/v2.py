"""The local authorization list in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from typing import Any

from voltbridge.protocol.codec import encode
from voltbridge.protocol.structs import Payload
from voltbridge.station.blocks.d_local_auth_list.service import Entry, ListStatus
from voltbridge.station.blocks.e_transactions.v2 import authorization_of
from voltbridge.station.context import Handling
from voltbridge.station.services import Services
from voltbridge.station.words import given, id_token_of, messages, status_info

__all__ = ["get_local_list_version", "send_local_list"]


async def send_local_list(services: Services, handling: Handling, request: Any) -> Payload:
    """D01. 2.x has no word for a list that is switched off: Failed."""
    words = messages(handling.version)
    entries = [
        Entry(id_token_of(each.id_token), authorization_of(info) if (info := given(each.id_token_info)) else None)
        for each in given(request.local_authorization_list) or ()
    ]
    status = await services.local_list.update(
        request.version_number, entries, full=request.update_type.value == "Full", size=len(encode(request))
    )
    disabled = status is ListStatus.NOT_SUPPORTED
    response: Payload = words.SendLocalListResponse(
        status=words.SendLocalListStatusEnumType("Failed" if disabled else status.value),
        status_info=status_info(words, "NotEnabled" if disabled else ""),
    )
    return response


async def get_local_list_version(services: Services, handling: Handling, request: Any) -> Payload:
    """D02."""
    del request
    words = messages(handling.version)
    local_list = services.local_list
    response: Payload = words.GetLocalListVersionResponse(
        version_number=local_list.version if local_list.enabled else 0
    )
    return response
