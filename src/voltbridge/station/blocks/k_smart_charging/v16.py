"""Smart charging in the words of 1.6 (5.5, 5.7, 5.16): a connector's number stands for its EVSE."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from voltbridge.domain.charging_profiles import (
    ChargingProfile,
    ChargingSchedule,
    ProfileCriteria,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
    Recurrency,
    SchedulePeriod,
)
from voltbridge.domain.composite_schedule import Interval
from voltbridge.domain.tokens import IdToken
from voltbridge.protocol import v16
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.station.blocks.k_smart_charging.profiles import Refused
from voltbridge.station.context import Handling
from voltbridge.station.services import Services
from voltbridge.station.words import given, moment, optional

__all__ = ["clear_charging_profile", "get_composite_schedule", "set_charging_profile", "take_start_profile"]

_PURPOSES: Final = {
    v16.ChargingProfilePurposeType.CHARGE_POINT_MAX_PROFILE: ProfilePurpose.STATION_MAX,
    v16.ChargingProfilePurposeType.TX_DEFAULT_PROFILE: ProfilePurpose.TX_DEFAULT,
    v16.ChargingProfilePurposeType.TX_PROFILE: ProfilePurpose.TX,
}


async def set_charging_profile(
    services: Services, handling: Handling, request: v16.SetChargingProfileRequest
) -> v16.SetChargingProfileResponse:
    """5.16: a TxProfile that names no transaction is for the one that runs."""
    rejected = v16.SetChargingProfileResponse(status=v16.ChargingProfileStatus.REJECTED)
    if not services.smart_charging.enabled:
        return v16.SetChargingProfileResponse(status=v16.ChargingProfileStatus.NOT_SUPPORTED)
    place = services.context.configuration.connector_at(request.connector_id)
    if place is None:  # errata 3.39
        raise OcppError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, f"there is no connector {request.connector_id}")
    wire = request.cs_charging_profiles
    profile = _profile_of(wire, services.context.clock.now())
    if profile.purpose is ProfilePurpose.TX and place[0]:
        number = given(wire.transaction_id)
        running = services.transactions.session(place[0]).transaction
        key = services.speaker.key_of(number) if number is not None else None if running is None else running.key
        if key is None:
            return rejected
        profile = replace(profile, transaction_id=key)
    try:
        await services.smart_charging.install(place[0], profile, replaces=True)
    except Refused:
        return rejected
    handling.after_answer(services.smart_charging.apply())
    return v16.SetChargingProfileResponse(status=v16.ChargingProfileStatus.ACCEPTED)


async def clear_charging_profile(
    services: Services, handling: Handling, request: v16.ClearChargingProfileRequest
) -> v16.ClearChargingProfileResponse:
    """5.5: what all that is given means; with nothing given, all."""
    _needs_smart_charging(services)
    number, purpose = given(request.connector_id), given(request.charging_profile_purpose)
    place = None if number is None else services.context.configuration.connector_at(number)
    cleared = (number is None or place is not None) and await services.smart_charging.clear(
        ProfileCriteria(
            given(request.id),
            None if place is None else place[0],
            None if purpose is None else _PURPOSES[purpose],
            given(request.stack_level),
        )
    )
    handling.after_answer(services.smart_charging.apply())
    return v16.ClearChargingProfileResponse(
        status=v16.ClearChargingProfileStatus.ACCEPTED if cleared else v16.ClearChargingProfileStatus.UNKNOWN
    )


async def get_composite_schedule(
    services: Services, handling: Handling, request: v16.GetCompositeScheduleRequest
) -> v16.GetCompositeScheduleResponse:
    """5.7."""
    del handling
    _needs_smart_charging(services)
    rejected = v16.GetCompositeScheduleResponse(status=v16.GetCompositeScheduleStatus.REJECTED)
    place = services.context.configuration.connector_at(request.connector_id)
    if place is None:
        return rejected
    unit = given(request.charging_rate_unit)
    try:
        made = services.smart_charging.composite(
            place[0], request.duration, None if unit is None else RateUnit(unit.value)
        )
    except Refused:
        return rejected
    start = DateTime.of(made.start_at)
    return v16.GetCompositeScheduleResponse(
        status=v16.GetCompositeScheduleStatus.ACCEPTED,
        connector_id=request.connector_id,
        schedule_start=start,
        charging_schedule=v16.ChargingSchedule(
            duration=made.duration_s,
            charging_rate_unit=v16.ChargingRateUnitType(made.unit.value),
            charging_schedule_period=[_period_of(interval) for interval in made.intervals],
            min_charging_rate=optional(made.intervals[0].min_rate),
        ),
    )


def take_start_profile(services: Services, evse_id: int, wire: v16.ChargingProfile, token: IdToken) -> bool:
    """The profile of a RemoteStartTransaction (5.11). False: it is no good."""
    profile = None
    if given(wire.transaction_id) is None:
        profile = _profile_of(wire, services.context.clock.now())
    return services.smart_charging.take_start_profile(evse_id, profile, token)


def _needs_smart_charging(services: Services) -> None:
    if not services.smart_charging.enabled:
        raise OcppError(ErrorCode.NOT_SUPPORTED, "smart charging is switched off")


def _profile_of(wire: v16.ChargingProfile, now: datetime) -> ChargingProfile:
    """Without a start its times count from the beginning of charging (7.13); for the whole station, from now."""
    purpose = _PURPOSES[wire.charging_profile_purpose]
    kind = ProfileKind(wire.charging_profile_kind.value)
    recurrency = given(wire.recurrency_kind)
    schedule = wire.charging_schedule
    start = moment(schedule.start_schedule)
    if kind is ProfileKind.RELATIVE:
        start = None
    elif start is None and kind is ProfileKind.ABSOLUTE and purpose is not ProfilePurpose.STATION_MAX:
        kind = ProfileKind.RELATIVE
    elif start is None:
        start = now
    return ChargingProfile(
        id=wire.charging_profile_id,
        purpose=purpose,
        kind=kind,
        stack_level=wire.stack_level,
        schedules=(
            ChargingSchedule(
                unit=RateUnit(schedule.charging_rate_unit.value),
                periods=tuple(
                    SchedulePeriod(period.start_period, float(period.limit), given(period.number_phases))
                    for period in schedule.charging_schedule_period
                ),
                start_at=start,
                duration_s=given(schedule.duration),
                min_rate=None if (least := given(schedule.min_charging_rate)) is None else float(least),
            ),
        ),
        # 1.6 has the field for Recurring only, and nobody minds it elsewhere.
        recurrency=Recurrency(recurrency.value) if recurrency is not None and kind is ProfileKind.RECURRING else None,
        valid_from=moment(wire.valid_from),
        valid_to=moment(wire.valid_to),
    )


def _period_of(interval: Interval) -> v16.ChargingSchedulePeriod:
    return v16.ChargingSchedulePeriod(
        start_period=interval.start_s, limit=interval.limit or 0.0, number_phases=optional(interval.number_phases)
    )
