"""Smart Charging in the words of 1.6 (5.5, 5.7, 5.16): connectors are EVSEs, one schedule a profile."""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET, UnsetType

from voltbridge.csms.blocks.given import given, moment, optional
from voltbridge.csms.commands.kinds import Answer, Unsupported, answered
from voltbridge.domain.charging_profiles import (
    ChargingProfile,
    ChargingSchedule,
    ProfileCriteria,
    ProfilePurpose,
    RateUnit,
    SchedulePeriod,
)
from voltbridge.domain.composite_schedule import CompositeSchedule, Interval
from voltbridge.protocol import v16
from voltbridge.protocol.datetimes import DateTime

__all__ = [
    "clear_answer",
    "clear_requests",
    "composite_answer",
    "composite_of",
    "composite_request",
    "set_request",
    "wire_profile",
]

_PURPOSES = {
    ProfilePurpose.STATION_MAX: v16.ChargingProfilePurposeType.CHARGE_POINT_MAX_PROFILE,
    ProfilePurpose.TX_DEFAULT: v16.ChargingProfilePurposeType.TX_DEFAULT_PROFILE,
    ProfilePurpose.TX: v16.ChargingProfilePurposeType.TX_PROFILE,
}


def wire_profile(profile: ChargingProfile) -> v16.ChargingProfile:
    """Raises Unsupported for what 1.6 has no word for."""
    if profile.purpose not in _PURPOSES:
        raise Unsupported(f"OCPP 1.6 has no purpose {profile.purpose}")
    if len(profile.schedules) > 1:
        raise Unsupported("a profile of OCPP 1.6 has one schedule; leave the others out")
    transaction_id, recurrency = profile.transaction_id, profile.recurrency
    if transaction_id is not None and not transaction_id.lstrip("-").isdigit():
        raise Unsupported("a transaction_id of OCPP 1.6 is a number")
    return v16.ChargingProfile(
        charging_profile_id=profile.id,
        transaction_id=optional(None if transaction_id is None else int(transaction_id)),
        stack_level=profile.stack_level,
        charging_profile_purpose=_PURPOSES[profile.purpose],
        charging_profile_kind=v16.ChargingProfileKindType(profile.kind.value),
        recurrency_kind=optional(None if recurrency is None else v16.RecurrencyKindType(recurrency.value)),
        valid_from=_wire_moment(profile.valid_from),
        valid_to=_wire_moment(profile.valid_to),
        charging_schedule=_wire_schedule(profile.schedules[0]),
    )


def set_request(evse_id: int, profile: ChargingProfile) -> v16.SetChargingProfileRequest:
    """Set a profile; connector 0 is the whole station."""
    return v16.SetChargingProfileRequest(connector_id=evse_id, cs_charging_profiles=wire_profile(profile))


def clear_requests(criteria: ProfileCriteria) -> list[v16.ClearChargingProfileRequest]:
    """Clear what all the criteria mean; with none, everything."""
    purpose = criteria.purpose
    if purpose is not None and purpose not in _PURPOSES:
        raise Unsupported(f"OCPP 1.6 has no purpose {purpose}")
    return [
        v16.ClearChargingProfileRequest(
            id=optional(criteria.id),
            connector_id=optional(criteria.evse_id),
            charging_profile_purpose=optional(None if purpose is None else _PURPOSES[purpose]),
            stack_level=optional(criteria.stack_level),
        )
    ]


def clear_answer(response: v16.ClearChargingProfileResponse) -> Answer:
    """Unknown: nothing matched."""
    return answered(response)


def composite_request(evse_id: int, duration_s: int, unit: RateUnit | None) -> v16.GetCompositeScheduleRequest:
    """Ask for the schedule from now on."""
    return v16.GetCompositeScheduleRequest(
        connector_id=evse_id,
        duration=duration_s,
        charging_rate_unit=optional(None if unit is None else v16.ChargingRateUnitType(unit.value)),
    )


def composite_answer(response: v16.GetCompositeScheduleResponse) -> Answer:
    """What the station says, without the schedule."""
    return Answer(response.status is v16.GetCompositeScheduleStatus.ACCEPTED, response.status.value)


def composite_of(response: v16.GetCompositeScheduleResponse, duration_s: int) -> CompositeSchedule | None:
    """The schedule in the answer; None when it has none, or does not say when it starts."""
    schedule, start = given(response.charging_schedule), moment(response.schedule_start)
    if schedule is None:
        return None
    start = start or moment(schedule.start_schedule)
    if start is None or not schedule.charging_schedule_period:
        return None
    intervals = tuple(
        Interval(period.start_period, float(period.limit), given(period.number_phases))
        for period in schedule.charging_schedule_period
    )
    return CompositeSchedule(
        given(response.connector_id) or 0,
        start,
        given(schedule.duration) or duration_s,
        RateUnit(schedule.charging_rate_unit.value),
        intervals,
    )


def _wire_moment(moment: datetime | None) -> DateTime | UnsetType:
    return UNSET if moment is None else DateTime.of(moment)


def _wire_schedule(schedule: ChargingSchedule) -> v16.ChargingSchedule:
    return v16.ChargingSchedule(
        duration=optional(schedule.duration_s),
        start_schedule=_wire_moment(schedule.start_at),
        charging_rate_unit=v16.ChargingRateUnitType(schedule.unit.value),
        charging_schedule_period=[_wire_period(period) for period in schedule.periods],
        min_charging_rate=optional(schedule.min_rate),
    )


def _wire_period(period: SchedulePeriod) -> v16.ChargingSchedulePeriod:
    if period.phase_to_use is not None:
        raise Unsupported("OCPP 1.6 cannot say which phase to use; leave out phase_to_use")
    if period.limit is None:
        raise Unsupported("every period of OCPP 1.6 has a limit")
    return v16.ChargingSchedulePeriod(
        start_period=period.start_s, limit=period.limit, number_phases=optional(period.number_phases)
    )
