"""Smart Charging in the words of 2.1: what is only told becomes an event."""

from __future__ import annotations

from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = ["cleared_charging_limit", "notify_charging_limit", "notify_priority_charging", "report_charging_profiles"]


async def notify_charging_limit(
    service: NotificationService, live: LiveStation, request: v21.NotifyChargingLimitRequest
) -> v21.NotifyChargingLimitResponse:
    """Somebody else limits the charging (K12)."""
    service.note(live, "charging_limit.set", request)
    return v21.NotifyChargingLimitResponse()


async def cleared_charging_limit(
    service: NotificationService, live: LiveStation, request: v21.ClearedChargingLimitRequest
) -> v21.ClearedChargingLimitResponse:
    """A limit of somebody else is gone (K13)."""
    service.note(live, "charging_limit.cleared", request)
    return v21.ClearedChargingLimitResponse()


async def report_charging_profiles(
    service: NotificationService, live: LiveStation, request: v21.ReportChargingProfilesRequest
) -> v21.ReportChargingProfilesResponse:
    """A part of an answer to GetChargingProfiles (K09)."""
    service.note(live, "charging_profiles.reported", request)
    return v21.ReportChargingProfilesResponse()


async def notify_priority_charging(
    service: NotificationService, live: LiveStation, request: v21.NotifyPriorityChargingRequest
) -> v21.NotifyPriorityChargingResponse:
    """Priority charging began or ended at the station (K21, K22)."""
    service.note(live, "priority_charging.changed", request)
    return v21.NotifyPriorityChargingResponse()
