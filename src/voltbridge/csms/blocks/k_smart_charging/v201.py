"""Smart Charging in the words of 2.0.1: profiles, limits from outside, and what vehicles need and plan."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import UnsetType

from voltbridge.csms.blocks.given import given, moment, optional
from voltbridge.csms.blocks.k_smart_charging.parameters import GetChargingProfiles
from voltbridge.csms.blocks.k_smart_charging.service import SmartChargingService
from voltbridge.csms.blocks.k_smart_charging.vehicles import EvAnswer
from voltbridge.csms.commands.kinds import Answer, Context, Prepared, Unsupported, answered
from voltbridge.csms.events import message_data
from voltbridge.domain.charging_needs import ChargingNeeds
from voltbridge.domain.charging_profiles import (
    CSMS_PURPOSES,
    ChargingLimit,
    ChargingProfile,
    ChargingSchedule,
    LimitSource,
    ProfileCriteria,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
    Recurrency,
    SchedulePeriod,
)
from voltbridge.domain.composite_schedule import CompositeSchedule, Interval
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21, v201
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload

__all__ = [
    "clear_answer",
    "clear_requests",
    "cleared_charging_limit",
    "clearing",
    "composite_answer",
    "composite_of",
    "composite_request",
    "get_charging_profiles",
    "limit_of",
    "needs_of",
    "notify_charging_limit",
    "notify_ev_charging_needs",
    "notify_ev_charging_schedule",
    "prepared_report",
    "profile_of",
    "report_charging_profiles",
    "schedule_of",
    "set_request",
    "status_info",
    "wire_profile",
    "wired",
]


async def notify_charging_limit(
    service: SmartChargingService, live: LiveStation, request: v201.NotifyChargingLimitRequest
) -> v201.NotifyChargingLimitResponse:
    """Somebody else limits the charging (K12)."""
    await service.limit_set(limit_of(live, request, service.now()), message_data(request))
    return v201.NotifyChargingLimitResponse()


async def cleared_charging_limit(
    service: SmartChargingService, live: LiveStation, request: v201.ClearedChargingLimitRequest
) -> v201.ClearedChargingLimitResponse:
    """A limit of somebody else is gone (K13)."""
    source, evse_id = request.charging_limit_source.value, given(request.evse_id)
    await service.limit_cleared(live.station_id, source, evse_id, message_data(request))
    return v201.ClearedChargingLimitResponse()


async def report_charging_profiles(
    service: SmartChargingService, live: LiveStation, request: v201.ReportChargingProfilesRequest
) -> v201.ReportChargingProfilesResponse:
    """A part of an answer to GetChargingProfiles (K09)."""
    await service.reported(
        live,
        request.request_id,
        request.evse_id,
        request.charging_limit_source.value,
        [profile_of(one) for one in request.charging_profile],
        more=given(request.tbc) or False,
        data=message_data(request),
    )
    return v201.ReportChargingProfilesResponse()


async def notify_ev_charging_needs(
    service: SmartChargingService, live: LiveStation, request: v201.NotifyEVChargingNeedsRequest
) -> v201.NotifyEVChargingNeedsResponse:
    """Accepted: the profile follows at once (K15.FR.03, K15.FR.07)."""
    answer = service.vehicles.needs(live, request.evse_id, needs_of(request), message_data(request))
    return v201.NotifyEVChargingNeedsResponse(
        status=v201.NotifyEVChargingNeedsStatusEnumType(answer.status), status_info=status_info(v201, answer)
    )


async def notify_ev_charging_schedule(
    service: SmartChargingService, live: LiveStation, request: v201.NotifyEVChargingScheduleRequest
) -> v201.NotifyEVChargingScheduleResponse:
    """Held against what was offered; what exceeds it is refused and offered anew (K15.FR.11 to FR.13)."""
    answer = await service.vehicles.planned(
        live,
        request.evse_id,
        schedule_of(request.charging_schedule),
        request.time_base.moment,
        message_data(request),
    )
    return v201.NotifyEVChargingScheduleResponse(
        status=v201.GenericStatusEnumType(answer.status), status_info=status_info(v201, answer)
    )


def set_request(evse_id: int, profile: ChargingProfile) -> Payload:
    """Set a profile; EVSE 0 is the whole station."""
    return v201.SetChargingProfileRequest(evse_id=evse_id, charging_profile=wire_profile(profile))


def clear_requests(criteria: ProfileCriteria) -> list[Payload]:
    """Either an id or criteria, never neither (K10.FR.02)."""
    if criteria.purpose in (ProfilePurpose.PRIORITY, ProfilePurpose.LOCAL_GENERATION):
        raise Unsupported(f"OCPP 2.0.1 has no purpose {criteria.purpose}")
    return clearing(v201, criteria)


def clear_answer(response: Any) -> Answer:
    """Unknown: nothing matched (K10.FR.01)."""
    return answered(response)


def composite_request(evse_id: int, duration_s: int, unit: RateUnit | None) -> Payload:
    """Ask for the schedule from now on."""
    return v201.GetCompositeScheduleRequest(
        evse_id=evse_id,
        duration=duration_s,
        charging_rate_unit=optional(None if unit is None else v201.ChargingRateUnitEnumType(unit.value)),
    )


def composite_answer(response: Any) -> Answer:
    """What the station says, without the schedule."""
    read = answered(response)
    return Answer(read.accepted, read.status, read.reason)


def composite_of(
    response: v201.GetCompositeScheduleResponse | v21.GetCompositeScheduleResponse, duration_s: int
) -> CompositeSchedule | None:
    """The schedule in the answer, if it has one."""
    schedule = response.schedule
    if isinstance(schedule, UnsetType):
        return None
    intervals = tuple(
        Interval(period.start_period, given(period.limit), given(period.number_phases), given(period.phase_to_use))
        for period in schedule.charging_schedule_period
    )
    return CompositeSchedule(
        schedule.evse_id,
        schedule.schedule_start.moment,
        schedule.duration or duration_s,
        RateUnit(schedule.charging_rate_unit.value),
        intervals,
    )


def get_charging_profiles(wanted: GetChargingProfiles, context: Context) -> Prepared:
    """The profiles follow in ReportChargingProfiles (K09)."""
    known = {source.value for source in LimitSource}
    unknown = [source for source in wanted.sources or () if source not in known]
    if unknown:
        raise Unsupported(f"OCPP 2.0.1 knows no source {unknown[0]}; its sources are {', '.join(sorted(known))}")
    return prepared_report(v201, wanted, context)


def prepared_report(words: Any, wanted: GetChargingProfiles, context: Context) -> Prepared:
    """The request in the words of a version of 2.x."""
    service: SmartChargingService = context.service
    request_id = context.next_id()
    if not (wanted.profile_ids or wanted.sources or wanted.purpose or wanted.stack_level is not None):
        # The standard wants a criterion (K09.FR.03); every source together is everything.
        sources: tuple[str, ...] | None = tuple(source.value for source in LimitSource)
    else:
        sources = wanted.sources
    source_type = getattr(words, "ChargingLimitSourceEnumType", str)
    criterion = words.ChargingProfileCriterionType(
        charging_profile_purpose=optional(
            wanted.purpose and words.ChargingProfilePurposeEnumType(wanted.purpose.value)
        ),
        stack_level=optional(wanted.stack_level),
        charging_profile_id=optional(list(wanted.profile_ids) if wanted.profile_ids else None),
        charging_limit_source=optional([source_type(source) for source in sources] if sources else None),
    )
    request = words.GetChargingProfilesRequest(
        request_id=request_id, evse_id=optional(wanted.evse_id), charging_profile=criterion
    )

    async def settled(answer: Answer) -> None:
        await service.report_answered(context.station_id, request_id, answer.accepted)

    if context.live is not None:
        service.report_expected(context.station_id, request_id, wanted)
    return Prepared(request, answered, str(request_id), settled)


def clearing(words: Any, criteria: ProfileCriteria) -> list[Payload]:
    """The requests in the words of a version of 2.x: without criteria one for each purpose."""
    if criteria.id is not None:
        return [words.ClearChargingProfileRequest(charging_profile_id=criteria.id)]
    purposes: tuple[ProfilePurpose | None, ...] = (criteria.purpose,)
    if criteria == ProfileCriteria():
        purposes = CSMS_PURPOSES
    return [
        words.ClearChargingProfileRequest(
            charging_profile_criteria=words.ClearChargingProfileType(
                evse_id=optional(criteria.evse_id),
                charging_profile_purpose=optional(purpose and words.ChargingProfilePurposeEnumType(purpose.value)),
                stack_level=optional(criteria.stack_level),
            )
        )
        for purpose in purposes
    ]


def wire_profile(profile: ChargingProfile) -> v201.ChargingProfileType:
    """The profile in the words of 2.0.1."""
    if profile.purpose in (ProfilePurpose.PRIORITY, ProfilePurpose.LOCAL_GENERATION):
        raise Unsupported(f"OCPP 2.0.1 has no purpose {profile.purpose}")
    made: v201.ChargingProfileType = wired(v201, profile)
    return made


def wired(words: Any, profile: ChargingProfile) -> Any:
    """The profile in the words of a version of 2.x."""
    return words.ChargingProfileType(
        id=profile.id,
        stack_level=profile.stack_level,
        charging_profile_purpose=words.ChargingProfilePurposeEnumType(profile.purpose.value),
        charging_profile_kind=words.ChargingProfileKindEnumType(profile.kind.value),
        recurrency_kind=optional(profile.recurrency and words.RecurrencyKindEnumType(profile.recurrency.value)),
        valid_from=optional(profile.valid_from and DateTime.of(profile.valid_from)),
        valid_to=optional(profile.valid_to and DateTime.of(profile.valid_to)),
        transaction_id=optional(profile.transaction_id),
        charging_schedule=[
            words.ChargingScheduleType(
                id=schedule.id,
                start_schedule=optional(schedule.start_at and DateTime.of(schedule.start_at)),
                duration=optional(schedule.duration_s),
                charging_rate_unit=words.ChargingRateUnitEnumType(schedule.unit.value),
                min_charging_rate=optional(schedule.min_rate),
                charging_schedule_period=[
                    words.ChargingSchedulePeriodType(
                        start_period=period.start_s,
                        limit=optional(period.limit),
                        number_phases=optional(period.number_phases),
                        phase_to_use=optional(period.phase_to_use),
                    )
                    for period in schedule.periods
                ],
            )
            for schedule in profile.schedules
        ],
    )


def profile_of(wire: v201.ChargingProfileType | v21.ChargingProfileType) -> ChargingProfile:
    """The profile a station reports. What only 2.1 can say of a schedule besides limits stays in the event."""
    recurrency = given(wire.recurrency_kind)
    return ChargingProfile(
        id=wire.id,
        purpose=ProfilePurpose(wire.charging_profile_purpose.value),
        kind=ProfileKind(wire.charging_profile_kind.value),
        stack_level=wire.stack_level,
        schedules=tuple(schedule_of(one) for one in wire.charging_schedule),
        recurrency=None if recurrency is None else Recurrency(recurrency.value),
        valid_from=moment(wire.valid_from),
        valid_to=moment(wire.valid_to),
        transaction_id=given(wire.transaction_id),
    )


def schedule_of(wire: v201.ChargingScheduleType | v21.ChargingScheduleType) -> ChargingSchedule:
    """A schedule that a station or vehicle tells."""
    return ChargingSchedule(
        unit=RateUnit(wire.charging_rate_unit.value),
        periods=tuple(
            SchedulePeriod(
                period.start_period, given(period.limit), given(period.number_phases), given(period.phase_to_use)
            )
            for period in wire.charging_schedule_period
        ),
        start_at=moment(wire.start_schedule),
        duration_s=given(wire.duration),
        min_rate=given(wire.min_charging_rate),
        id=wire.id,
    )


def limit_of(
    live: LiveStation, request: v201.NotifyChargingLimitRequest | v21.NotifyChargingLimitRequest, now: datetime
) -> ChargingLimit:
    """Without an EVSE it concerns the whole station."""
    limit, schedules = request.charging_limit, request.charging_schedule
    return ChargingLimit(
        station_id=live.station_id,
        evse_id=given(request.evse_id) or 0,
        source=str(getattr(limit.charging_limit_source, "value", limit.charging_limit_source)),
        is_grid_critical=given(limit.is_grid_critical),
        schedules=() if isinstance(schedules, UnsetType) else tuple(schedule_of(one) for one in schedules),
        noted_at=now,
    )


_PHASES = {"AC_single_phase": 1, "AC_two_phase": 2}


def needs_of(request: v201.NotifyEVChargingNeedsRequest | v21.NotifyEVChargingNeedsRequest) -> ChargingNeeds | None:
    """None where neither alternating nor direct current is described (K15.FR.06)."""
    needs = request.charging_needs
    ac, dc = needs.ac_charging_parameters, needs.dc_charging_parameters
    departure_at, max_periods = moment(needs.departure_time), given(request.max_schedule_tuples)
    if not isinstance(ac, UnsetType):
        return ChargingNeeds(
            is_dc=False,
            max_current_a=ac.ev_max_current,
            min_current_a=ac.ev_min_current,
            max_voltage_v=ac.ev_max_voltage,
            phases=_PHASES.get(needs.requested_energy_transfer.value, 3),
            energy_wh=ac.energy_amount,
            departure_at=departure_at,
            max_periods=max_periods,
        )
    if not isinstance(dc, UnsetType):
        return ChargingNeeds(
            is_dc=True,
            max_current_a=dc.ev_max_current,
            max_voltage_v=dc.ev_max_voltage,
            max_power_w=given(dc.ev_max_power),
            energy_wh=given(dc.energy_amount),
            departure_at=departure_at,
            max_periods=max_periods,
        )
    if isinstance(needs, v21.ChargingNeedsType) and not isinstance(needs.v2x_charging_parameters, UnsetType):
        return _needs_of_20(needs, needs.v2x_charging_parameters, departure_at, max_periods)
    return None


def _needs_of_20(
    needs: v21.ChargingNeedsType,
    told: v21.V2XChargingParametersType,
    departure_at: datetime | None,
    max_periods: int | None,
) -> ChargingNeeds | None:
    """What ISO 15118-20 tells (2.1 K17.FR.06). None where it can be no limit: neither a current nor a power is told."""
    mode = needs.requested_energy_transfer.value
    is_dc = mode.startswith("DC")
    phases = 1 if is_dc else _PHASES.get(mode, 3)
    power_w, current_a = given(told.max_charge_power), given(told.max_charge_current)
    voltage_v = given(told.max_voltage) or 230.0
    if current_a is None and power_w is not None:
        current_a = power_w / (voltage_v if is_dc else 230.0 * phases)
    if current_a is None:
        return None
    return ChargingNeeds(
        is_dc=is_dc,
        max_current_a=current_a,
        max_voltage_v=voltage_v,
        phases=phases,
        max_power_w=power_w,
        min_current_a=given(told.min_charge_current),
        energy_wh=given(told.ev_target_energy_request),
        departure_at=departure_at,
        max_periods=max_periods,
    )


def status_info(words: Any, answer: EvAnswer) -> Any:
    """Why a plan or a need was refused."""
    return optional(None if answer.reason is None else words.StatusInfoType(reason_code=answer.reason))
