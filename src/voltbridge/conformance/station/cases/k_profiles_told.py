"""K08, K09, K10: charging profiles are cleared and reported, and what they come to."""

from __future__ import annotations

from typing import Any

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    energy_transfer_started,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.memory import charging_profile_set
from voltbridge.conformance.station.profiles import charging_profile, composite, get_profiles, limit, periods_are

__all__: list[str] = []

_DURATION_S = 300
_PURPOSE = "TxDefaultProfile"


async def _clear(csms: SimulatedCsms, step: int, status: str, request: dict[str, Any]) -> None:
    (await csms.call(step, "ClearChargingProfile", request)).expect("status", status)


@station_case("TC_K_05_CS")
async def cleared(csms: SimulatedCsms) -> None:
    """A profile is cleared by its id."""
    profile = charging_profile(csms, duration=_DURATION_S)
    await charging_profile_set(csms, csms.evse_id, profile)
    await _clear(csms, 2, "Accepted", {"chargingProfileId": profile["id"]})
    await get_profiles(csms, 4, [], chargingProfileId=[profile["id"]])


async def _cleared_by_level(csms: SimulatedCsms) -> None:
    criteria: dict[str, Any] = {"chargingProfilePurpose": _PURPOSE, "stackLevel": 0}
    await _clear(csms, 2, "Accepted", {"chargingProfileCriteria": criteria})
    await get_profiles(csms, 4, [], **criteria)


@station_case("TC_K_06_CS")
async def cleared_by_level(csms: SimulatedCsms) -> None:
    """A profile is cleared by its purpose and stack level."""
    await charging_profile_set(csms, csms.evse_id, charging_profile(csms, duration=_DURATION_S))
    await energy_transfer_started(csms)
    await _cleared_by_level(csms)


@station_case("TC_K_07_CS")
async def cleared_other_level(csms: SimulatedCsms) -> None:
    """No profile has the purpose and stack level that is to be cleared."""
    await charging_profile_set(csms, csms.evse_id, charging_profile(csms, duration=_DURATION_S, level=1))
    criteria = {"chargingProfilePurpose": "ChargingStationMaxProfile", "stackLevel": 0}
    await _clear(csms, 2, "Unknown", {"chargingProfileCriteria": criteria})


@station_case("TC_K_08_CS")
async def cleared_nothing(csms: SimulatedCsms) -> None:
    """There is no profile to be cleared."""
    await _clear(csms, 2, "Unknown", {"chargingProfileId": csms.next_id()})


@station_case("TC_K_09_CS")
async def cleared_while_charging(csms: SimulatedCsms) -> None:
    """A TxDefaultProfile is cleared, and limits the transaction no more."""
    await csms.configure("SmartChargingCtrlr", "LimitChangeSignificance", "1.0")
    begins = csms.now()
    profile = charging_profile(csms, start=begins, duration=400 + csms.configuration.time_deviation_s)
    await charging_profile_set(csms, csms.evse_id, profile)
    await energy_transfer_started(csms)
    response, starts_at = await composite(csms, 2, csms.evse_id, 300)
    periods_are(csms, response, starts_at, begins, (0, 6.0))
    await _clear(csms, 4, "Accepted", {"chargingProfileCriteria": {"chargingProfilePurpose": _PURPOSE}})
    response, _ = await composite(csms, 5, csms.evse_id, 300)
    if response.at("schedule.chargingSchedulePeriod.0.limit") == limit(csms, 6.0):
        raise StepFailed(response.step, "the station's own limit", "that of the profile that was cleared")


@station_case("TC_K_24_CS")
async def cleared_several(csms: SimulatedCsms) -> None:
    """Profiles of two EVSEs are cleared by their purpose and stack level."""
    if csms.configuration.evses < 2:
        raise NotApplicable("the station has one EVSE")
    for evse_id in (1, 2):
        await charging_profile_set(csms, evse_id, charging_profile(csms, duration=_DURATION_S))
    await _cleared_by_level(csms)


_Both = tuple[tuple[int, dict[str, Any]], tuple[int, dict[str, Any]]]


async def _maximum_and_default(csms: SimulatedCsms, *, level: int = 0) -> _Both:
    """The memory state: one of the station, one of the EVSE, which has this stack level."""
    both = (
        (0, charging_profile(csms, (0, 10.0), purpose="ChargingStationMaxProfile", duration=_DURATION_S)),
        (csms.evse_id, charging_profile(csms, duration=_DURATION_S, level=level)),
    )
    for evse_id, profile in both:
        await charging_profile_set(csms, evse_id, profile)
    return both


@station_case("TC_K_29_CS")
async def reported_of_station(csms: SimulatedCsms) -> None:
    """Profiles of the station itself are reported."""
    maximum, _ = await _maximum_and_default(csms)
    await get_profiles(csms, 2, [maximum], evse_id=0)


@station_case("TC_K_30_CS")
async def reported_of_evse(csms: SimulatedCsms) -> None:
    """Profiles of an EVSE are reported."""
    _, default = await _maximum_and_default(csms)
    await get_profiles(csms, 2, [default], evse_id=csms.evse_id)


@station_case("TC_K_31_CS")
async def reported_all(csms: SimulatedCsms) -> None:
    """All profiles are reported."""
    await get_profiles(csms, 2, list(await _maximum_and_default(csms)))


@station_case("TC_K_32_CS")
async def reported_by_id(csms: SimulatedCsms) -> None:
    """A profile is reported by its id."""
    maximum, _ = await _maximum_and_default(csms)
    await get_profiles(csms, 2, [maximum], chargingProfileId=[maximum[1]["id"]])


@station_case("TC_K_33_CS")
async def reported_by_level(csms: SimulatedCsms) -> None:
    """Profiles of an EVSE are reported by their stack level."""
    _, default = await _maximum_and_default(csms, level=1)
    await get_profiles(csms, 2, [default], evse_id=csms.evse_id, stackLevel=1)


@station_case("TC_K_34_CS")
async def reported_by_source(csms: SimulatedCsms) -> None:
    """Profiles of an EVSE are reported by who has set them."""
    profile = charging_profile(csms, duration=_DURATION_S, level=1)
    await charging_profile_set(csms, csms.evse_id, profile)
    await get_profiles(csms, 2, [(csms.evse_id, profile)], evse_id=csms.evse_id, chargingLimitSource=["CSO"])
    await get_profiles(csms, 6, [], evse_id=csms.evse_id, chargingLimitSource=["SO"])


@station_case("TC_K_35_CS")
async def reported_by_purpose(csms: SimulatedCsms) -> None:
    """Profiles of an EVSE are reported by their purpose."""
    _, default = await _maximum_and_default(csms)
    await energy_transfer_started(csms)
    await get_profiles(csms, 2, [default], evse_id=csms.evse_id, chargingProfilePurpose=_PURPOSE)


@station_case("TC_K_36_CS")
async def reported_by_purpose_and_level(csms: SimulatedCsms) -> None:
    """Profiles of an EVSE are reported by their purpose and stack level."""
    _, default = await _maximum_and_default(csms)
    await get_profiles(csms, 2, [default], evse_id=csms.evse_id, chargingProfilePurpose=_PURPOSE, stackLevel=0)


@station_case("TC_K_39_CS")
async def composite_of_nothing(csms: SimulatedCsms) -> None:
    """What the station takes where no profile limits it."""
    await composite(csms, 2, 0, 300)


@station_case("TC_K_40_CS")
async def composite_of_stack(csms: SimulatedCsms) -> None:
    """The higher stack level counts as long as it lasts."""
    deviation_s = csms.configuration.time_deviation_s
    begins, ends = csms.in_a_while(-deviation_s), csms.in_a_while(deviation_s + 401)
    valid: dict[str, Any] = {"start": begins, "validFrom": begins, "validTo": ends}
    lower = charging_profile(csms, (0, 6.0), (100, 8.0), (200, 10.0), duration=400 + deviation_s, **valid)
    upper = charging_profile(csms, (0, 7.0), (100, 9.0), duration=150 + deviation_s, level=1, **valid)
    for profile in (lower, upper):
        await charging_profile_set(csms, csms.evse_id, profile)
    response, starts_at = await composite(csms, 2, csms.evse_id, 350)
    expected = ((0, 7.0), (100, 9.0), (150 + deviation_s, 8.0), (200, 10.0))
    periods_are(csms, response, starts_at, begins, *expected)


@station_case("TC_K_41_CS")
async def composite_of_purposes(csms: SimulatedCsms) -> None:
    """A TxProfile counts for the default, and the maximum of the station above all."""
    deviation_s = csms.configuration.time_deviation_s
    await energy_transfer_started(csms)
    begins, ends = csms.in_a_while(-deviation_s), csms.in_a_while(deviation_s + 401)
    valid: dict[str, Any] = {"start": begins, "validFrom": begins, "validTo": ends}
    maximum = charging_profile(csms, (0, 10.0), purpose="ChargingStationMaxProfile", start=begins, duration=86_400)
    await charging_profile_set(csms, 0, maximum)
    steps = ((0, 6.0), (60, 10.0), (120, 8.0), (180, 15.0), (260, 8.0))
    await charging_profile_set(csms, csms.evse_id, charging_profile(csms, *steps, duration=300, **valid))
    steps = ((0, 8.0), (50, 11.0), (140, 16.0), (200, 6.0), (240, 12.0))
    more: dict[str, Any] = {"purpose": "TxProfile", "transactionId": csms.session().transaction_id, **valid}
    await charging_profile_set(csms, csms.evse_id, charging_profile(csms, *steps, duration=260, **more))
    response, starts_at = await composite(csms, 2, csms.evse_id, 400)
    expected = ((0, 8.0), (50, 10.0), (200, 6.0), (240, 10.0), (260, 8.0), (300, 10.0))
    periods_are(csms, response, starts_at, begins, *expected)


@station_case("TC_K_42_CS")
async def composite_in_other_unit(csms: SimulatedCsms) -> None:
    """A schedule in a unit the station does not take is refused."""
    units = (await csms.value("SmartChargingCtrlr", "RateUnit") or "").split(",")
    if {"A", "W"} <= set(units):
        raise NotApplicable("the station tells limits in amperes and in watts")
    await _no_composite(csms, {"evseId": 0, "duration": 300, "chargingRateUnit": "W" if "A" in units else "A"})


@station_case("TC_K_47_CS")
async def composite_of_unknown_evse(csms: SimulatedCsms) -> None:
    """A schedule of an EVSE that there is not is refused."""
    unit = csms.configuration.charging_rate_unit
    await _no_composite(csms, {"evseId": csms.configuration.evses + 1, "duration": 300, "chargingRateUnit": unit})


async def _no_composite(csms: SimulatedCsms, request: dict[str, Any]) -> None:
    response = await csms.call(2, "GetCompositeSchedule", request)
    response.expect("status", "Rejected")
    response.expect("schedule", ABSENT)
