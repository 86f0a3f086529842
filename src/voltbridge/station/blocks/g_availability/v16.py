"""Availability in the words of 1.6."""

from __future__ import annotations

from msgspec import UNSET

from voltbridge.protocol import v16
from voltbridge.protocol.datetimes import DateTime
from voltbridge.station.answers import Acknowledged
from voltbridge.station.context import Handling
from voltbridge.station.facts import StatusFact
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker

__all__ = ["change_availability", "status_answer", "status_request"]


def status_request(fact: StatusFact, speaker: Speaker) -> v16.StatusNotificationRequest | None:
    """4.7. The station as a whole tells only Available, Unavailable and Faulted, which is all it is."""
    return v16.StatusNotificationRequest(
        connector_id=speaker.configuration.number_of(fact.evse_id, fact.connector_id),
        error_code=v16.ChargePointErrorCode(fact.error_code),
        status=v16.ChargePointStatus(fact.state.value),
        info=fact.info[:50] or UNSET,
        timestamp=DateTime.of(fact.at),
        vendor_id=fact.vendor_id[:255] or UNSET,
        vendor_error_code=fact.vendor_error_code[:50] or UNSET,
    )


def status_answer(response: v16.StatusNotificationResponse, fact: StatusFact, speaker: Speaker) -> Acknowledged:
    """Without content."""
    del response, fact, speaker
    return Acknowledged()


async def change_availability(
    services: Services, handling: Handling, request: v16.ChangeAvailabilityRequest
) -> v16.ChangeAvailabilityResponse:
    """5.2: connector 0 means the station and all its connectors."""
    configuration = services.context.configuration
    place = configuration.connector_at(request.connector_id)
    if place is None:
        return v16.ChangeAvailabilityResponse(status=v16.AvailabilityStatus.REJECTED)
    places = [place] if place != (0, 0) else [place, *configuration.connectors]
    operative = request.type is v16.AvailabilityType.OPERATIVE
    status = await services.availability.change(places, operative)
    handling.after_answer(_apply(services))
    return v16.ChangeAvailabilityResponse(status=v16.AvailabilityStatus(status.value))


async def _apply(services: Services) -> None:
    services.availability.apply()
