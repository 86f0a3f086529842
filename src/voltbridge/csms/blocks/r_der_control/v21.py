"""DER Control in the words of 2.1: what is only told becomes an event."""

from __future__ import annotations

from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = ["notify_der_alarm", "notify_der_start_stop", "report_der_control"]


async def notify_der_alarm(
    service: NotificationService, live: LiveStation, request: v21.NotifyDERAlarmRequest
) -> v21.NotifyDERAlarmResponse:
    """The grid left its limits, or came back (R05)."""
    service.note(live, "der.alarm", request)
    return v21.NotifyDERAlarmResponse()


async def notify_der_start_stop(
    service: NotificationService, live: LiveStation, request: v21.NotifyDERStartStopRequest
) -> v21.NotifyDERStartStopResponse:
    """A control began or ended at the station (R04)."""
    service.note(live, "der.control_changed", request)
    return v21.NotifyDERStartStopResponse()


async def report_der_control(
    service: NotificationService, live: LiveStation, request: v21.ReportDERControlRequest
) -> v21.ReportDERControlResponse:
    """A part of an answer to GetDERControl (R04)."""
    service.note(live, "der.controls_reported", request)
    return v21.ReportDERControlResponse()
