"""Smart Charging in the words of 2.1: as 2.0.1 has it, with sources of any name, and priority charging as an event."""

from __future__ import annotations

from voltbridge.csms.blocks.given import given, optional
from voltbridge.csms.blocks.k_smart_charging.parameters import GetChargingProfiles
from voltbridge.csms.blocks.k_smart_charging.service import SmartChargingService
from voltbridge.csms.blocks.k_smart_charging.v2 import (
    clear_answer,
    clearing,
    composite_answer,
    composite_of,
    limit_of,
    prepared_report,
    profile_of,
    schedule_of,
    wired,
)
from voltbridge.csms.blocks.k_smart_charging.vehicles_v2 import needs_of, status_info
from voltbridge.csms.commands.kinds import Context, Prepared
from voltbridge.csms.events import message_data
from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.charging_profiles import ChargingProfile, ProfileCriteria, RateUnit
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21
from voltbridge.protocol.structs import Payload

__all__ = [
    "clear_answer",
    "clear_requests",
    "cleared_charging_limit",
    "composite_answer",
    "composite_of",
    "composite_request",
    "get_charging_profiles",
    "notify_charging_limit",
    "notify_ev_charging_needs",
    "notify_ev_charging_schedule",
    "notify_priority_charging",
    "report_charging_profiles",
    "set_request",
    "wire_profile",
]


async def notify_charging_limit(
    service: SmartChargingService, live: LiveStation, request: v21.NotifyChargingLimitRequest
) -> v21.NotifyChargingLimitResponse:
    """Somebody else limits the charging (K12)."""
    await service.limit_set(limit_of(live, request, service.now()), message_data(request))
    return v21.NotifyChargingLimitResponse()


async def cleared_charging_limit(
    service: SmartChargingService, live: LiveStation, request: v21.ClearedChargingLimitRequest
) -> v21.ClearedChargingLimitResponse:
    """A limit of somebody else is gone (K13)."""
    source, evse_id = request.charging_limit_source, given(request.evse_id)
    await service.limit_cleared(live.station_id, source, evse_id, message_data(request))
    return v21.ClearedChargingLimitResponse()


async def report_charging_profiles(
    service: SmartChargingService, live: LiveStation, request: v21.ReportChargingProfilesRequest
) -> v21.ReportChargingProfilesResponse:
    """A part of an answer to GetChargingProfiles (K09)."""
    await service.reported(
        live,
        request.request_id,
        request.evse_id,
        request.charging_limit_source,
        [profile_of(one) for one in request.charging_profile],
        more=given(request.tbc) or False,
        data=message_data(request),
    )
    return v21.ReportChargingProfilesResponse()


async def notify_ev_charging_needs(
    service: SmartChargingService, live: LiveStation, request: v21.NotifyEVChargingNeedsRequest
) -> v21.NotifyEVChargingNeedsResponse:
    """Accepted: the profile follows at once (K15.FR.03, K15.FR.07)."""
    answer = service.vehicles.needs(live, request.evse_id, needs_of(request), message_data(request))
    return v21.NotifyEVChargingNeedsResponse(
        status=v21.NotifyEVChargingNeedsStatusEnumType(answer.status), status_info=status_info(v21, answer)
    )


async def notify_ev_charging_schedule(
    service: SmartChargingService, live: LiveStation, request: v21.NotifyEVChargingScheduleRequest
) -> v21.NotifyEVChargingScheduleResponse:
    """Held against what was offered; what exceeds it is refused and offered anew (K15.FR.11 to FR.13)."""
    answer = await service.vehicles.planned(
        live,
        request.evse_id,
        schedule_of(request.charging_schedule),
        request.time_base.moment,
        message_data(request),
    )
    return v21.NotifyEVChargingScheduleResponse(
        status=v21.GenericStatusEnumType(answer.status), status_info=status_info(v21, answer)
    )


async def notify_priority_charging(
    service: NotificationService, live: LiveStation, request: v21.NotifyPriorityChargingRequest
) -> v21.NotifyPriorityChargingResponse:
    """Priority charging began or ended at the station (K21, K22)."""
    service.note(live, "priority_charging.changed", request)
    return v21.NotifyPriorityChargingResponse()


def set_request(evse_id: int, profile: ChargingProfile) -> Payload:
    """Set a profile; EVSE 0 is the whole station."""
    return v21.SetChargingProfileRequest(evse_id=evse_id, charging_profile=wire_profile(profile))


def wire_profile(profile: ChargingProfile) -> v21.ChargingProfileType:
    """The profile in the words of 2.1."""
    made: v21.ChargingProfileType = wired(v21, profile)
    return made


def clear_requests(criteria: ProfileCriteria) -> list[Payload]:
    """Either an id or criteria, never neither (K10.FR.02)."""
    return clearing(v21, criteria)


def composite_request(evse_id: int, duration_s: int, unit: RateUnit | None) -> Payload:
    """Ask for the schedule from now on."""
    return v21.GetCompositeScheduleRequest(
        evse_id=evse_id,
        duration=duration_s,
        charging_rate_unit=optional(None if unit is None else v21.ChargingRateUnitEnumType(unit.value)),
    )


def get_charging_profiles(wanted: GetChargingProfiles, context: Context) -> Prepared:
    """The profiles follow in ReportChargingProfiles (K09)."""
    return prepared_report(v21, wanted, context)
