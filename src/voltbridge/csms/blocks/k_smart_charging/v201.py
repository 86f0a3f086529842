"""Smart Charging in the words of 2.0.1: what is only told becomes an event."""

from __future__ import annotations

from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v201

__all__ = ["cleared_charging_limit", "notify_charging_limit", "report_charging_profiles"]


async def notify_charging_limit(
    service: NotificationService, live: LiveStation, request: v201.NotifyChargingLimitRequest
) -> v201.NotifyChargingLimitResponse:
    """Somebody else limits the charging (K12)."""
    service.note(live, "charging_limit.set", request)
    return v201.NotifyChargingLimitResponse()


async def cleared_charging_limit(
    service: NotificationService, live: LiveStation, request: v201.ClearedChargingLimitRequest
) -> v201.ClearedChargingLimitResponse:
    """A limit of somebody else is gone (K13)."""
    service.note(live, "charging_limit.cleared", request)
    return v201.ClearedChargingLimitResponse()


async def report_charging_profiles(
    service: NotificationService, live: LiveStation, request: v201.ReportChargingProfilesRequest
) -> v201.ReportChargingProfilesResponse:
    """A part of an answer to GetChargingProfiles (K09)."""
    service.note(live, "charging_profiles.reported", request)
    return v201.ReportChargingProfilesResponse()
