"""Smart charging in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import msgspec
from msgspec import UNSET

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
from voltbridge.domain.tokens import IdToken
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.protocol.structs import Payload
from voltbridge.station.answers import VehicleAnswer
from voltbridge.station.blocks.k_smart_charging.profiles import Refused
from voltbridge.station.blocks.k_smart_charging.service import ProfileQuery
from voltbridge.station.context import Handling
from voltbridge.station.facts import (
    ChargingLimitFact,
    ChargingProfilesFact,
    ClearedChargingLimitFact,
    VehicleNeedsFact,
    VehiclePlanFact,
)
from voltbridge.station.high_level import VehicleNeeds
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import given, messages, moment, optional, status_info

__all__ = [
    "charging_limit_request",
    "charging_profiles_request",
    "clear_charging_profile",
    "cleared_charging_limit_request",
    "get_charging_profiles",
    "get_composite_schedule",
    "set_charging_profile",
    "take_start_profile",
    "vehicle_answer",
    "vehicle_needs_request",
    "vehicle_plan_request",
]

_PROFILE_FIELDS: Final = frozenset(
    {
        "id",
        "stack_level",
        "charging_profile_purpose",
        "charging_profile_kind",
        "recurrency_kind",
        "valid_from",
        "valid_to",
        "charging_schedule",
        "transaction_id",
        "custom_data",
    }
)
_SCHEDULE_FIELDS: Final = frozenset(
    {
        "id",
        "start_schedule",
        "duration",
        "charging_rate_unit",
        "charging_schedule_period",
        "min_charging_rate",
        "sales_tariff",
        "custom_data",
    }
)
_PERIOD_FIELDS: Final = frozenset({"start_period", "limit", "number_phases", "phase_to_use", "custom_data"})


async def set_charging_profile(services: Services, handling: Handling, request: Any) -> Payload:
    """K01."""
    words = messages(handling.version)
    _needs_smart_charging(services)
    refused = None
    try:
        await services.smart_charging.install(request.evse_id, _profile_of(request.charging_profile))
    except Refused as error:
        refused = error
    handling.after_answer(services.smart_charging.apply())
    response: Payload = words.SetChargingProfileResponse(
        status=words.ChargingProfileStatusEnumType("Accepted" if refused is None else "Rejected"),
        status_info=_why(words, refused),
    )
    return response


async def clear_charging_profile(services: Services, handling: Handling, request: Any) -> Payload:
    """K10."""
    words = messages(handling.version)
    _needs_smart_charging(services)
    number, criteria = given(request.charging_profile_id), given(request.charging_profile_criteria)
    cleared = False
    if number is not None:
        cleared = await services.smart_charging.clear(ProfileCriteria(id=number))
    elif criteria is not None:
        purpose = given(criteria.charging_profile_purpose)
        cleared = await services.smart_charging.clear(
            ProfileCriteria(
                None,
                given(criteria.evse_id),
                None if purpose is None else ProfilePurpose(purpose.value),
                given(criteria.stack_level),
            )
        )
    handling.after_answer(services.smart_charging.apply())
    code = "MissingParam" if number is None and criteria is None else "NotFound"  # K10.FR.02
    response: Payload = words.ClearChargingProfileResponse(
        status=words.ClearChargingProfileStatusEnumType("Accepted" if cleared else "Unknown"),
        status_info=status_info(words, "" if cleared else code),
    )
    return response


async def get_charging_profiles(services: Services, handling: Handling, request: Any) -> Payload:
    """K09: what is found follows the answer."""
    words = messages(handling.version)
    _needs_smart_charging(services)
    wanted = request.charging_profile
    purpose = given(wanted.charging_profile_purpose)
    ids, sources = given(wanted.charging_profile_id), given(wanted.charging_limit_source)
    found = services.smart_charging.find(
        ProfileQuery(
            evse_id=given(request.evse_id),
            ids=None if ids is None else tuple(ids),
            purpose=None if purpose is None else ProfilePurpose(purpose.value),
            stack_level=given(wanted.stack_level),
            sources=None if sources is None else tuple(str(getattr(each, "value", each)) for each in sources),
        )
    )
    if found:
        handling.after_answer(services.smart_charging.report(request.request_id, found))
    response: Payload = words.GetChargingProfilesResponse(
        status=words.GetChargingProfileStatusEnumType("Accepted" if found else "NoProfiles")
    )
    return response


async def get_composite_schedule(services: Services, handling: Handling, request: Any) -> Payload:
    """K08."""
    words = messages(handling.version)
    _needs_smart_charging(services)
    unit = given(request.charging_rate_unit)
    try:
        made = services.smart_charging.composite(
            request.evse_id, request.duration, None if unit is None else RateUnit(unit.value)
        )
    except Refused as error:
        rejected: Payload = words.GetCompositeScheduleResponse(
            status=words.GenericStatusEnumType("Rejected"), status_info=_why(words, error)
        )
        return rejected
    response: Payload = words.GetCompositeScheduleResponse(
        status=words.GenericStatusEnumType("Accepted"),
        schedule=words.CompositeScheduleType(
            evse_id=made.evse_id,
            duration=made.duration_s,
            schedule_start=DateTime.of(made.start_at),
            charging_rate_unit=words.ChargingRateUnitEnumType(made.unit.value),
            charging_schedule_period=[
                words.ChargingSchedulePeriodType(
                    start_period=interval.start_s,
                    limit=interval.limit or 0.0,
                    number_phases=optional(interval.number_phases),
                    phase_to_use=optional(interval.phase_to_use),
                )
                for interval in made.intervals
            ],
        ),
    )
    return response


def take_start_profile(services: Services, evse_id: int, wire: Any, token: IdToken) -> bool:
    """The profile of a RequestStartTransaction (K05). False: it is no good."""
    try:
        profile = _profile_of(wire)
    except Refused:
        profile = None
    return services.smart_charging.take_start_profile(evse_id, profile, token)


def charging_profiles_request(words: Any, fact: ChargingProfilesFact, speaker: Speaker) -> Payload:
    """K09.FR.01, FR.02."""
    del speaker
    request: Payload = words.ReportChargingProfilesRequest(
        request_id=fact.request_id,
        charging_limit_source=_source(words, fact.source),
        evse_id=fact.evse_id,
        charging_profile=[_wire_profile(words, profile) for profile in fact.profiles],
        tbc=fact.to_be_continued,
    )
    return request


def charging_limit_request(words: Any, fact: ChargingLimitFact, speaker: Speaker) -> Payload:
    """K11.FR.02, FR.03, K12.FR.02, FR.03."""
    del speaker
    request: Payload = words.NotifyChargingLimitRequest(
        evse_id=optional(fact.evse_id or None),
        charging_limit=words.ChargingLimitType(
            charging_limit_source=_source(words, fact.source), is_grid_critical=optional(fact.grid_critical)
        ),
        charging_schedule=[_wire_schedule(words, schedule) for schedule in fact.schedules] or UNSET,
    )
    return request


def cleared_charging_limit_request(words: Any, fact: ClearedChargingLimitFact, speaker: Speaker) -> Payload:
    """K13.FR.02."""
    del speaker
    request: Payload = words.ClearedChargingLimitRequest(
        charging_limit_source=_source(words, fact.source), evse_id=optional(fact.evse_id or None)
    )
    return request


def vehicle_needs_request(words: Any, fact: VehicleNeedsFact, speaker: Speaker) -> Payload:
    """K15.FR.01, FR.06; when it is told late, 2.1 tells when it was so (FR.20)."""
    del speaker
    needs = fact.needs
    more: dict[str, Any] = {}
    if fact.late and "timestamp" in words.NotifyEVChargingNeedsRequest.__struct_fields__:
        more["timestamp"] = DateTime.of(fact.at)
    request: Payload = words.NotifyEVChargingNeedsRequest(
        evse_id=fact.evse_id,
        max_schedule_tuples=optional(needs.max_periods),
        charging_needs=words.ChargingNeedsType(
            requested_energy_transfer=words.EnergyTransferModeEnumType(needs.mode),
            departure_time=optional(needs.departure_at and DateTime.of(needs.departure_at)),
            **_parameters(words, needs),
        ),
        **more,
    )
    return request


def _parameters(words: Any, needs: VehicleNeeds) -> dict[str, Any]:
    """Of alternating or direct current; 2.1 has words of its own for what ISO 15118-20 tells (K17.FR.06)."""
    energy_wh = round(needs.energy_wh or 0.0)
    if needs.edition_20 and hasattr(words, "V2XChargingParametersType"):
        most_w = needs.max_power_w
        if most_w is None:
            most_w = needs.max_current_a * needs.max_voltage_v * (3**0.5 if needs.mode == "AC_three_phase" else 1.0)
        return {
            "v2x_charging_parameters": words.V2XChargingParametersType(
                max_charge_power=round(most_w, 1),
                max_charge_current=needs.max_current_a,
                max_voltage=needs.max_voltage_v,
                ev_target_energy_request=float(energy_wh),
                target_soc=optional(needs.full_soc),
            ),
            "control_mode": words.ControlModeEnumType("DynamicControl" if needs.dynamic else "ScheduledControl"),
            "mobility_needs_mode": words.MobilityNeedsModeEnumType("EVCC"),
        }
    if needs.is_dc:
        return {
            "dc_charging_parameters": words.DCChargingParametersType(
                ev_max_current=int(needs.max_current_a),
                ev_max_voltage=int(needs.max_voltage_v),
                energy_amount=energy_wh,
                ev_max_power=optional(None if needs.max_power_w is None else int(needs.max_power_w)),
                state_of_charge=optional(needs.state_of_charge),
                ev_energy_capacity=optional(None if needs.capacity_wh is None else round(needs.capacity_wh)),
                full_soc=optional(needs.full_soc),
                bulk_soc=optional(needs.bulk_soc),
            )
        }
    return {
        "ac_charging_parameters": words.ACChargingParametersType(
            energy_amount=energy_wh,
            ev_min_current=int(needs.min_current_a),
            ev_max_current=int(needs.max_current_a),
            ev_max_voltage=int(needs.max_voltage_v),
        )
    }


def vehicle_plan_request(words: Any, fact: VehiclePlanFact, speaker: Speaker) -> Payload:
    """K15.FR.10, FR.19; 2.1 tells which schedule was chosen (FR.21)."""
    del speaker
    more: dict[str, Any] = {}
    if fact.selected is not None and "selected_charging_schedule_id" in (
        words.NotifyEVChargingScheduleRequest.__struct_fields__
    ):
        more["selected_charging_schedule_id"] = fact.selected
    request: Payload = words.NotifyEVChargingScheduleRequest(
        time_base=DateTime.of(fact.time_base),
        evse_id=fact.evse_id,
        charging_schedule=_wire_schedule(words, replace(fact.schedule, start_at=None)),
        **more,
    )
    return request


def vehicle_answer(response: Any, fact: VehicleNeedsFact | VehiclePlanFact, speaker: Speaker) -> VehicleAnswer:
    """Whether a schedule will come; whether the plan is accepted."""
    del fact, speaker
    return VehicleAnswer(response.status.value)


def _needs_smart_charging(services: Services) -> None:
    if not services.smart_charging.enabled:
        raise OcppError(ErrorCode.NOT_SUPPORTED, "smart charging is switched off")  # K01.FR.29


def _why(words: Any, refused: Refused | None) -> Any:
    return UNSET if refused is None else status_info(words, refused.code, refused.info)


def _source(words: Any, name: str) -> Any:
    """2.0.1 has an enumeration, 2.1 an open list of texts."""
    names = getattr(words, "ChargingLimitSourceEnumType", None)
    if names is None:
        return name
    return names(name) if name in {each.value for each in names} else names("Other")


def _only(wire: Any, known: frozenset[str]) -> None:
    """Raises Refused where a message says more than this station can do."""
    for field in wire.__struct_fields__:
        if field not in known and given(getattr(wire, field)) is not None:
            raise Refused("UnsupportedParam", f"{field} has no effect here")


def _profile_of(wire: Any) -> ChargingProfile:
    """The profile the CSMS sets. Raises Refused."""
    _only(wire, _PROFILE_FIELDS)
    recurrency = given(wire.recurrency_kind)
    return ChargingProfile(
        id=wire.id,
        purpose=ProfilePurpose(wire.charging_profile_purpose.value),
        kind=ProfileKind(wire.charging_profile_kind.value),
        stack_level=wire.stack_level,
        schedules=tuple(_schedule_of(each) for each in wire.charging_schedule),
        recurrency=None if recurrency is None else Recurrency(recurrency.value),
        valid_from=moment(wire.valid_from),
        valid_to=moment(wire.valid_to),
        transaction_id=given(wire.transaction_id),
    )


def _schedule_of(wire: Any) -> ChargingSchedule:
    _only(wire, _SCHEDULE_FIELDS)
    for period in wire.charging_schedule_period:
        _only(period, _PERIOD_FIELDS)
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
        sales_tariff=None if given(wire.sales_tariff) is None else msgspec.to_builtins(wire.sales_tariff),
    )


def _wire_profile(words: Any, profile: ChargingProfile) -> Any:
    return words.ChargingProfileType(
        id=profile.id,
        stack_level=profile.stack_level,
        charging_profile_purpose=words.ChargingProfilePurposeEnumType(profile.purpose.value),
        charging_profile_kind=words.ChargingProfileKindEnumType(profile.kind.value),
        recurrency_kind=optional(profile.recurrency and words.RecurrencyKindEnumType(profile.recurrency.value)),
        valid_from=optional(profile.valid_from and DateTime.of(profile.valid_from)),
        valid_to=optional(profile.valid_to and DateTime.of(profile.valid_to)),
        transaction_id=optional(profile.transaction_id),
        charging_schedule=[_wire_schedule(words, schedule) for schedule in profile.schedules],
    )


def _wire_schedule(words: Any, schedule: ChargingSchedule) -> Any:
    return words.ChargingScheduleType(
        id=schedule.id,
        start_schedule=optional(schedule.start_at and DateTime.of(schedule.start_at)),
        duration=optional(schedule.duration_s),
        charging_rate_unit=words.ChargingRateUnitEnumType(schedule.unit.value),
        min_charging_rate=optional(schedule.min_rate),
        sales_tariff=UNSET
        if schedule.sales_tariff is None
        else msgspec.convert(schedule.sales_tariff, words.SalesTariffType),
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
