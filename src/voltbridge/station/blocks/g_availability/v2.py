"""Availability in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from typing import Any

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload
from voltbridge.station.answers import Acknowledged
from voltbridge.station.context import Handling
from voltbridge.station.facts import StatusFact
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import given, messages, status_info

__all__ = ["change_availability", "status_answer", "status_request"]


def status_request(words: Any, fact: StatusFact, speaker: Speaker) -> Payload | None:
    """G01. Nothing is said where 1.6 alone sees a change, and of the station as a whole."""
    del speaker
    if fact.evse_id == 0 or fact.previous_status == fact.status:
        return None
    request: Payload = words.StatusNotificationRequest(
        timestamp=DateTime.of(fact.at),
        connector_status=words.ConnectorStatusEnumType(fact.status),
        evse_id=fact.evse_id,
        connector_id=fact.connector_id,
    )
    return request


def status_answer(response: Any, fact: StatusFact, speaker: Speaker) -> Acknowledged:
    """Without content."""
    del response, fact, speaker
    return Acknowledged()


async def change_availability(services: Services, handling: Handling, request: Any) -> Payload:
    """G03, G04."""
    words = messages(handling.version)
    evse = given(request.evse)
    place = (evse.id, given(evse.connector_id) or 0) if evse else (0, 0)
    operative = request.operational_status.value == "Operative"
    status = await services.availability.change([place], operative)
    handling.after_answer(_apply(services))
    code = "UnknownEvse" if status.value == "Rejected" else "TxInProgress" if status.value == "Scheduled" else ""
    response: Payload = words.ChangeAvailabilityResponse(
        status=words.ChangeAvailabilityStatusEnumType(status.value), status_info=status_info(words, code)
    )
    return response


async def _apply(services: Services) -> None:
    services.availability.apply()
