"""The commands of smart charging."""

from __future__ import annotations

from typing import Any, Final

from voltbridge.csms.blocks.k_smart_charging import v21, v201
from voltbridge.csms.blocks.k_smart_charging.parameters import (
    ClearChargingProfile,
    GetChargingProfiles,
    GetCompositeSchedule,
    SetChargingProfile,
)
from voltbridge.csms.blocks.k_smart_charging.service import REPORT, SmartChargingService
from voltbridge.csms.commands.kinds import Answer, CommandKind, CommandRun, Context, Unsupported
from voltbridge.domain.charging_profiles import ProfileCriteria, ProfilePurpose, check_profile
from voltbridge.domain.composite_schedule import CompositeSchedule, Supply, differences
from voltbridge.domain.errors import InvalidValue
from voltbridge.protocol.versions import Version

__all__ = ["COMMANDS", "shown"]

_REPORT_WITHIN_S: Final = 600.0


def _check_set(wanted: SetChargingProfile, context: Context) -> None:
    """A profile given here is held against the rules and the station's version before anything is stored."""
    if wanted.profile is None:
        return
    service: SmartChargingService = context.service
    profile = wanted.profile.numbered(wanted.profile.id or 1)
    try:
        check_profile(profile, wanted.evse_id)
    except InvalidValue as error:
        raise InvalidValue(
            error.field if error.field == "evse_id" else f"profile.{error.field}", error.problem
        ) from None
    service.words[context.version].set_request(wanted.evse_id, profile)


async def _set(run: CommandRun) -> Answer:
    wanted: SetChargingProfile = run.parameters
    context = run.context
    service: SmartChargingService = context.service
    if wanted.profile is not None:
        profile = wanted.profile.numbered(wanted.profile.id or 0)
    else:
        assert wanted.profile_id is not None, "one of the two is given"
        profile = (await service.get(wanted.profile_id)).profile
    return await service.install(context.station_id, context.version, wanted.evse_id, profile, run.call)


def _check_clear(wanted: ClearChargingProfile, context: Context) -> None:
    if wanted.purpose is ProfilePurpose.EXTERNAL:
        raise Unsupported("limits that others have set cannot be cleared from here (K10.FR.06)")
    service: SmartChargingService = context.service
    service.words[context.version].clear_requests(_criteria(wanted))


def _criteria(wanted: ClearChargingProfile) -> ProfileCriteria:
    return ProfileCriteria(wanted.profile_id, wanted.evse_id, wanted.purpose, wanted.stack_level)


async def _clear(run: CommandRun) -> Answer:
    wanted: ClearChargingProfile = run.parameters
    context = run.context
    service: SmartChargingService = context.service
    return await service.clear(context.station_id, context.version, _criteria(wanted), run.call)


async def _composite(run: CommandRun) -> Answer:
    """The station's schedule beside ours, and where they differ."""
    wanted: GetCompositeSchedule = run.parameters
    context = run.context
    service: SmartChargingService = context.service
    words = service.words[context.version]
    response = await run.call(words.composite_request(wanted.evse_id, wanted.duration_s, wanted.unit))
    answer = words.composite_answer(response)
    told = words.composite_of(response, wanted.duration_s) if answer.accepted else None
    if told is None:
        return answer
    expected = await service.composite(
        context.station_id,
        wanted.evse_id,
        start_at=told.start_at,
        duration_s=told.duration_s,
        unit=told.unit,
        supply=Supply(wanted.voltage_v, wanted.phases, wanted.is_dc),
    )
    found = [
        {"start_s": one.start_s, "end_s": one.end_s, "expected": one.expected, "told": one.told}
        for one in differences(expected, told)
    ]
    info = {"schedule": shown(told), "expected": shown(expected), "differences": found}
    return Answer(answer.accepted, answer.status, answer.reason, info)


def shown(schedule: CompositeSchedule) -> dict[str, Any]:
    """A composite schedule as JSON values."""
    return {
        "evse_id": schedule.evse_id,
        "start_at": schedule.start_at.isoformat().replace("+00:00", "Z"),
        "duration_s": schedule.duration_s,
        "unit": schedule.unit.value,
        "periods": [
            {
                "start_s": one.start_s,
                "limit": one.limit,
                "number_phases": one.number_phases,
                "phase_to_use": one.phase_to_use,
                "min_rate": one.min_rate,
            }
            for one in schedule.intervals
        ],
    }


COMMANDS: Final = (
    CommandKind(
        name="set_charging_profile",
        about="Limit an EVSE or the whole station by a charging profile, a named one or one given here.",
        parameters=SetChargingProfile,
        run=_set,
        check=_check_set,
        service="smart_charging",
    ),
    CommandKind(
        name="clear_charging_profile",
        about="Take charging profiles off the station: one by its id, those that criteria mean, or all.",
        parameters=ClearChargingProfile,
        run=_clear,
        check=_check_clear,
        service="smart_charging",
    ),
    CommandKind(
        name="get_charging_profiles",
        about="Have the station report its charging profiles; what we know of them is put right.",
        parameters=GetChargingProfiles,
        builders={Version.V201: v201.get_charging_profiles, Version.V21: v21.get_charging_profiles},
        service="smart_charging",
        outcome=REPORT,
        outcome_within_s=_REPORT_WITHIN_S,
        instead="what was set on it is listed at its charging-profiles, get_composite_schedule tells what holds",
    ),
    CommandKind(
        name="get_composite_schedule",
        about="Ask which limits will hold, and see where that differs from what the profiles amount to.",
        parameters=GetCompositeSchedule,
        run=_composite,
        service="smart_charging",
    ),
)
