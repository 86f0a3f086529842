"""Events of monitors in the words of 2.0.1 (N07, N08)."""

from __future__ import annotations

from typing import Any

from voltbridge.csms.blocks.b_provisioning.components_v2 import variable_of
from voltbridge.csms.blocks.given import given
from voltbridge.csms.blocks.n_diagnostics.events import EventService, EventTrigger, MonitoredEvent
from voltbridge.domain.monitoring import EventNotificationType
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v201

__all__ = ["events_in", "notify_event"]


async def notify_event(
    service: EventService, live: LiveStation, request: v201.NotifyEventRequest
) -> v201.NotifyEventResponse:
    """N07.FR.03, N08.FR.02: whatever it tells, the answer is empty."""
    is_last = given(request.tbc) is not True
    await service.take(live, request.seq_no, is_last, request.generated_at.moment, events_in(request), request)
    return v201.NotifyEventResponse()


def events_in(request: Any) -> list[MonitoredEvent]:
    """The events in a NotifyEvent of 2.x; 2.1 tells severities too."""
    return [
        MonitoredEvent(
            event_id=one.event_id,
            at=one.timestamp.moment,
            trigger=EventTrigger(one.trigger.value),
            variable=variable_of(one),
            value=one.actual_value,
            notification_type=EventNotificationType(one.event_notification_type.value),
            cleared=given(one.cleared) is True,
            monitor_id=given(one.variable_monitoring_id),
            severity=given(getattr(one, "severity", None)),
            cause_event_id=given(one.cause),
            tech_code=given(one.tech_code),
            tech_info=given(one.tech_info),
            transaction_id=given(one.transaction_id),
        )
        for one in request.event_data
    ]
