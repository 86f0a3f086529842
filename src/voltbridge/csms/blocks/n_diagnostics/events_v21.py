"""Events of monitors in the words of 2.1 (N07, N08)."""

from __future__ import annotations

from voltbridge.csms.blocks.given import given
from voltbridge.csms.blocks.n_diagnostics.events import EventService
from voltbridge.csms.blocks.n_diagnostics.events_v201 import events_in
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = ["notify_event"]


async def notify_event(
    service: EventService, live: LiveStation, request: v21.NotifyEventRequest
) -> v21.NotifyEventResponse:
    """N07.FR.03, N08.FR.02: whatever it tells, the answer is empty."""
    is_last = given(request.tbc) is not True
    await service.take(live, request.seq_no, is_last, request.generated_at.moment, events_in(request), request)
    return v21.NotifyEventResponse()
