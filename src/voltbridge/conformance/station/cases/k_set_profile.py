"""K01, K05: charging profiles are set, refused, and kept."""

from __future__ import annotations

from typing import Any

from voltbridge.conformance.failure import NotApplicable
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    authorized,
    energy_transfer_started,
    ev_connected_pre_session,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.memory import charging_profile_set
from voltbridge.conformance.station.profiles import (
    charging_profile,
    composite,
    get_profiles,
    periods_are,
    set_profile,
)
from voltbridge.conformance.station.states import (
    booted,
)

__all__: list[str] = []

_DURATION_S = 300


async def _set_and_reported(csms: SimulatedCsms, evse_id: int, profile: dict[str, Any]) -> None:
    """Steps 1 to 6: set, and reported as it was set."""
    await set_profile(csms, 2, evse_id, profile)
    await get_profiles(csms, 4, [(evse_id, profile)], chargingProfileId=[profile["id"]])


@station_case("TC_K_01_CS")
async def default_of_evse(csms: SimulatedCsms) -> None:
    """A TxDefaultProfile is set on an EVSE."""
    await _set_and_reported(csms, csms.evse_id, charging_profile(csms, duration=_DURATION_S))


@station_case("TC_K_02_CS")
async def without_transaction(csms: SimulatedCsms) -> None:
    """A TxProfile is refused where no transaction runs."""
    profile = charging_profile(csms, purpose="TxProfile", kind="Relative", transactionId="UNKNOWN-TRANSACTION-ID")
    await set_profile(csms, 2, csms.evse_id, profile, "Rejected")


@station_case("TC_K_03_CS")
async def maximum(csms: SimulatedCsms) -> None:
    """A ChargingStationMaxProfile is set."""
    profile = charging_profile(csms, purpose="ChargingStationMaxProfile", duration=_DURATION_S)
    await _set_and_reported(csms, 0, profile)


@station_case("TC_K_04_CS")
async def replaced(csms: SimulatedCsms) -> None:
    """A profile takes the place of the one with the same id."""
    first = charging_profile(csms, duration=_DURATION_S)
    await charging_profile_set(csms, csms.evse_id, first)
    second = charging_profile(csms, (0, 10.0), duration=_DURATION_S, number=first["id"])
    await _set_and_reported(csms, csms.evse_id, second)


@station_case("TC_K_10_CS")
async def default_of_all(csms: SimulatedCsms) -> None:
    """A TxDefaultProfile is set on all EVSEs."""
    await _set_and_reported(csms, 0, charging_profile(csms, duration=_DURATION_S))


@station_case("TC_K_11_CS")
async def transaction_of_all(csms: SimulatedCsms) -> None:
    """A TxProfile is refused for all EVSEs at once."""
    await set_profile(csms, 2, 0, charging_profile(csms, purpose="TxProfile", kind="Relative"), "Rejected")


async def _unsupported_unit(csms: SimulatedCsms) -> str:
    """The unit the station does not take; raises NotApplicable where it takes both."""
    units = (await csms.value("SmartChargingCtrlr", "RateUnit") or "").split(",")
    if {"A", "W"} <= set(units):
        raise NotApplicable("the station takes limits in amperes and in watts")
    return "W" if "A" in units else "A"


@station_case("TC_K_12_CS")
async def other_unit(csms: SimulatedCsms) -> None:
    """A profile in a unit the station does not take is refused."""
    unit = await _unsupported_unit(csms)
    await set_profile(csms, 2, csms.evse_id, charging_profile(csms, unit=unit), "Rejected")


@station_case("TC_K_13_CS")
async def kept(csms: SimulatedCsms) -> None:
    """A profile outlasts a reboot."""
    profile = charging_profile(csms, duration=_DURATION_S)
    await set_profile(csms, 2, csms.evse_id, profile)
    await booted(csms)
    await get_profiles(csms, 5, [(csms.evse_id, profile)], chargingProfileId=[profile["id"]])


@station_case("TC_K_14_CS")
async def unknown_evse(csms: SimulatedCsms) -> None:
    """A profile for an EVSE that there is not is refused."""
    await set_profile(csms, 2, csms.configuration.evses + 1, charging_profile(csms), "Rejected")


async def _without_smart_charging(csms: SimulatedCsms) -> None:
    """The prerequisite: the station does no smart charging, or it is switched off."""
    if await csms.value("SmartChargingCtrlr", "Available") == "true":
        await csms.configured("SmartChargingCtrlr", "Enabled", "false")


@station_case("TC_K_15_CS")
async def unsupported(csms: SimulatedCsms) -> None:
    """A station without smart charging says so by a CALLERROR."""
    await _without_smart_charging(csms)
    request = {"evseId": csms.evse_id, "chargingProfile": charging_profile(csms)}
    await csms.refused(2, "SetChargingProfile", request, "NotSupported", "NotImplemented")


@station_case("TC_K_16_CS")
async def unknown_transaction(csms: SimulatedCsms) -> None:
    """A TxProfile for another transaction than the one that runs is refused."""
    await energy_transfer_started(csms)
    profile = charging_profile(csms, purpose="TxProfile", kind="Relative", transactionId="UNKNOWN-TRANSACTION-ID")
    await set_profile(csms, 2, csms.evse_id, profile, "Rejected")


@station_case("TC_K_19_CS")
async def recurring(csms: SimulatedCsms) -> None:
    """A profile that recurs is set."""
    kind = csms.configuration.recurrency_kind
    profile = charging_profile(csms, kind="Recurring", duration=_DURATION_S, recurrencyKind=kind)
    await set_profile(csms, 2, csms.evse_id, profile)


@station_case("TC_K_21_CS")
async def valid_from(csms: SimulatedCsms) -> None:
    """A profile counts from the moment on from which it is valid."""
    begins = csms.in_a_while(300)
    await set_profile(csms, 2, csms.evse_id, charging_profile(csms, kind="Relative", validFrom=begins))
    response, starts_at = await composite(csms, 4, csms.evse_id, 400)
    periods_are(csms, response, starts_at, begins, (0, None), (0, 6.0))


@station_case("TC_K_22_CS")
async def valid_to(csms: SimulatedCsms) -> None:
    """A profile counts until the moment to which it is valid: on each EVSE, and on all together."""
    deviation_s, ends = csms.configuration.time_deviation_s, csms.in_a_while(300)
    profile = charging_profile(csms, validFrom=csms.in_a_while(-deviation_s), validTo=ends)
    await set_profile(csms, 2, 0, profile)
    for evse_id in range(csms.configuration.evses + 1):
        amperes = 6.0 * (csms.configuration.evses if evse_id == 0 else 1)
        response, starts_at = await composite(csms, 4, evse_id, 400)
        periods_are(csms, response, starts_at, ends, (0, amperes), (0, None))


@station_case("TC_K_23_CS")
async def start_schedule(csms: SimulatedCsms) -> None:
    """A profile counts from the moment on at which its schedule starts."""
    begins = csms.in_a_while(60)
    await set_profile(csms, 2, csms.evse_id, charging_profile(csms, start=begins))
    response, starts_at = await composite(csms, 4, csms.evse_id, 300)
    periods_are(csms, response, starts_at, begins, (0, None), (0, 6.0))


@station_case("TC_K_28_CS")
async def default_while_charging(csms: SimulatedCsms) -> None:
    """A TxDefaultProfile counts for the transaction that runs."""
    await csms.configure("SmartChargingCtrlr", "LimitChangeSignificance", "1.0")
    await energy_transfer_started(csms)
    begins = csms.in_a_while(-csms.configuration.time_deviation_s)
    profile = charging_profile(csms, start=begins, duration=400 + csms.configuration.time_deviation_s)
    await set_profile(csms, 2, csms.evse_id, profile)
    response, starts_at = await composite(csms, 4, csms.evse_id, 300)
    periods_are(csms, response, starts_at, begins, (0, 6.0))


@station_case("TC_K_60_CS")
async def of_transaction(csms: SimulatedCsms) -> None:
    """A TxProfile is set for the transaction that runs."""
    await energy_transfer_started(csms)
    key = csms.session().transaction_id
    profile = charging_profile(csms, purpose="TxProfile", kind="Relative", transactionId=key)
    await _set_and_reported(csms, csms.evse_id, profile)


async def _started_remotely(csms: SimulatedCsms) -> dict[str, Any]:
    await ev_connected_pre_session(csms)
    profile = charging_profile(csms, purpose="TxProfile", kind="Relative")
    await authorized(csms, remote=True, profile=profile)
    await energy_transfer_started(csms)
    return profile


@station_case("TC_K_37_CS")
async def of_remote_start(csms: SimulatedCsms) -> None:
    """A TxProfile comes with RequestStartTransaction."""
    profile = await _started_remotely(csms)
    await get_profiles(csms, 9, [(csms.evse_id, profile)], chargingProfileId=[profile["id"]])


@station_case("TC_K_38_CS")
async def of_remote_start_ignored(csms: SimulatedCsms) -> None:
    """A station without smart charging starts the transaction and takes no notice of the TxProfile."""
    await _without_smart_charging(csms)
    await _started_remotely(csms)
