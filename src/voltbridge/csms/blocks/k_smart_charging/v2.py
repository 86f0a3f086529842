"""Charging profiles in the words of 2.0.1 and 2.1; ``words`` are the message types of one of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import UnsetType

from voltbridge.csms.blocks.given import given, moment, optional
from voltbridge.csms.blocks.k_smart_charging.parameters import GetChargingProfiles
from voltbridge.csms.blocks.k_smart_charging.service import SmartChargingService
from voltbridge.csms.commands.kinds import Answer, Context, Prepared, answered
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
    "clearing",
    "composite_answer",
    "composite_of",
    "limit_of",
    "prepared_report",
    "profile_of",
    "schedule_of",
    "wired",
]


def clear_answer(response: Any) -> Answer:
    """Unknown: nothing matched (K10.FR.01)."""
    return answered(response)


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
