"""Cases about charging profiles of 1.6: set, stacked, in force, and gone (3.13, 5.5, 5.7, 5.16)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.charging_16 import (
    booted,
    charging,
    ended,
    plugged_in,
    started,
    status_is,
    stopped_here,
)

__all__: list[str] = []

_VOLTAGE_V = 230.0
_DEFAULT, _TX, _MAX = "TxDefaultProfile", "TxProfile", "ChargePointMaxProfile"


def _limit(cs: CentralSystem, amperes: float) -> float:
    """A limit in the unit of the configuration."""
    return amperes if cs.configuration.charging_rate_unit == "A" else amperes * _VOLTAGE_V * _phases(cs)


def _phases(cs: CentralSystem) -> int:
    return cs.configuration.number_phases


def _profile(
    cs: CentralSystem, *limits_a: float, purpose: str = _DEFAULT, stack: int = 0, number: int = 1, **more: Any
) -> dict[str, Any]:
    """A CsChargingProfiles with these limits, one after the other every minute.

    ``more``: further fields of it, or (``duration``, ``chargingSchedulePeriod``) of its schedule.
    """
    schedule: dict[str, Any] = {
        "startSchedule": cs.now(),
        "chargingRateUnit": cs.configuration.charging_rate_unit,
        "chargingSchedulePeriod": [
            {"startPeriod": 60 * place, "limit": _limit(cs, limit), "numberPhases": _phases(cs)}
            for place, limit in enumerate(limits_a)
        ],
    }
    schedule |= {
        name: more.pop(name) for name in ("duration", "chargingSchedulePeriod", "startSchedule") if name in more
    }
    return {
        "chargingProfileId": number,
        "stackLevel": stack,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
        **more,
    }


async def _set(cs: CentralSystem, step: int, number: int, profile: dict[str, Any], *statuses: str) -> None:
    cs.afterwards("ClearChargingProfile", {})
    payload = {"connectorId": number, "csChargingProfiles": profile}
    await cs.answered(step, "SetChargingProfile", payload, *statuses)


async def _composite(cs: CentralSystem, step: int, number: int, seconds: int = 300, **more: Any) -> Received:
    request = {"connectorId": number, "duration": seconds, "chargingRateUnit": cs.configuration.charging_rate_unit}
    composite = await cs.answered(step, "GetCompositeSchedule", {**request, **more})
    composite.expect("connectorId", number)
    composite.expect("chargingSchedule.chargingRateUnit", more.get("chargingRateUnit", request["chargingRateUnit"]))
    composite.expect("chargingSchedule.chargingSchedulePeriod.0.startPeriod", 0)
    off_s = (cs.clock.now() - datetime.fromisoformat(composite.at("scheduleStart"))).total_seconds()
    if abs(off_s) > cs.configuration.time_deviation_s:
        raise StepFailed(composite.step, "scheduleStart now", str(composite.at("scheduleStart")))
    return composite


def _at(composite: Received, second: float) -> float:
    """The limit in force so many seconds after its start."""
    periods = composite.at("chargingSchedule.chargingSchedulePeriod")
    return float([one for one in periods if one["startPeriod"] <= second][-1]["limit"])


async def _in_force(
    cs: CentralSystem, step: int, amperes: float, number: int | None = None, after_s: float = 0
) -> None:
    """Raises StepFailed unless this limit counts now (or in a while) at the connector."""
    composite = await _composite(cs, step, number or cs.connector)
    told, wanted = _at(composite, after_s), _limit(cs, amperes)
    if abs(told - wanted) > 0.11:
        raise StepFailed(composite.step, f"the limit {wanted:g}", f"{told:g}")


async def _below(cs: CentralSystem, step: int, *limits_a: float) -> None:
    """The car takes something, and no more than these limits in each phase: by the meter, which is what counts."""
    await cs.needs_profile("RemoteTrigger")
    await cs.needs_keys(MeterValuesSampledData="Current.Import")
    await cs.wait(2)
    cs.forget("MeterValues")
    await cs.answered(step, "TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": cs.connector})
    values = await cs.take(step, "MeterValues", {"connectorId": cs.connector})
    samples = [float(one["value"]) for one in values.at("meterValue.0.sampledValue") if one.get("phase") != "N"]
    if max(samples) > max(limits_a) + 0.5 or (max(limits_a) > 0 and max(samples) <= 0):
        raise StepFailed(values.step, f"up to {max(limits_a):g} A in each phase", ", ".join(map(str, samples)))


async def _smart(cs: CentralSystem) -> None:
    await cs.needs_profile("SmartCharging")
    unit = {"A": "Current", "W": "Power"}[cs.configuration.charging_rate_unit]
    if unit not in (await cs.key("ChargingScheduleAllowedChargingRateUnit") or ""):
        raise NotApplicable(f"the charge point takes no limits in {cs.configuration.charging_rate_unit}")


@charge_point_case("TC16_K_Set_Transaction_CS")
async def of_a_transaction(cs: CentralSystem) -> None:
    """A TxProfile limits its transaction, and ends with it."""
    await _smart(cs)
    transaction = await charging(cs)
    await _set(cs, 1, cs.connector, _profile(cs, 8, purpose=_TX, transactionId=transaction.number))
    await _in_force(cs, 2, 8)
    await _below(cs, 3, 8)
    await stopped_here(cs, transaction)
    await charging(cs)
    composite = await _composite(cs, 4, cs.connector)
    if _at(composite, 0) <= _limit(cs, 8):
        raise StepFailed("4", "a limit above that of the transaction that has ended", f"{_at(composite, 0):g}")


@charge_point_case("TC16_K_Set_NoTransaction_CS")
async def without_transaction(cs: CentralSystem) -> None:
    """A TxProfile without a transaction, or of another one, is rejected."""
    await _smart(cs)
    await _set(cs, 1, cs.connector, _profile(cs, 8, purpose=_TX), "Rejected")
    transaction = await charging(cs)
    other = _profile(cs, 8, purpose=_TX, transactionId=transaction.number + 4711)
    await _set(cs, 2, cs.connector, other, "Rejected")


@charge_point_case("TC16_K_Set_Default_CS")
async def default(cs: CentralSystem) -> None:
    """A TxDefaultProfile of a connector limits each transaction there."""
    await _smart(cs)
    await _set(cs, 1, cs.connector, _profile(cs, 9))
    transaction = await charging(cs)
    await _in_force(cs, 2, 9)
    await _below(cs, 3, 9)
    await stopped_here(cs, transaction)
    await charging(cs)
    await _in_force(cs, 4, 9)


@charge_point_case("TC16_K_Set_DefaultForAll_CS")
async def default_for_all(cs: CentralSystem) -> None:
    """A TxDefaultProfile of connector 0 limits transactions at every connector."""
    await _smart(cs)
    await _set(cs, 1, 0, _profile(cs, 9))
    await charging(cs)
    await charging(cs, cs.configuration.tokens.valid2, cs.other_connector)
    await _in_force(cs, 2, 9)
    await _in_force(cs, 3, 9, cs.other_connector)


@charge_point_case("TC16_K_Set_Over_CS")
async def over_default(cs: CentralSystem) -> None:
    """A TxProfile counts in place of the TxDefaultProfile."""
    await _smart(cs)
    await _set(cs, 1, cs.connector, _profile(cs, 9))
    transaction = await charging(cs)
    wider = _profile(cs, 12, purpose=_TX, number=2, transactionId=transaction.number)
    await _set(cs, 2, cs.connector, wider)
    await _in_force(cs, 3, 12)
    await _below(cs, 4, 12)


@charge_point_case("TC16_K_Set_Maximum_CS")
async def maximum(cs: CentralSystem) -> None:
    """A ChargePointMaxProfile limits the charge point, whatever its transactions may."""
    await _smart(cs)
    await _set(cs, 1, 0, _profile(cs, 10, purpose=_MAX))
    transaction = await charging(cs)
    wider = _profile(cs, 14, purpose=_TX, number=2, transactionId=transaction.number)
    await _set(cs, 2, cs.connector, wider)
    await _in_force(cs, 3, 10)
    await _below(cs, 4, 10)
    composite = await _composite(cs, 5, 0)
    if _at(composite, 0) > _limit(cs, 10) + 0.11:
        raise StepFailed("5", f"at most {_limit(cs, 10):g} for the charge point", f"{_at(composite, 0):g}")


@charge_point_case("TC16_K_Set_MaximumPlace_CS")
async def maximum_of_a_connector(cs: CentralSystem) -> None:
    """A ChargePointMaxProfile is of the charge point, not of a connector."""
    await _smart(cs)
    payload = {"connectorId": cs.connector, "csChargingProfiles": _profile(cs, 10, purpose=_MAX)}
    await cs.turned_down(1, "SetChargingProfile", payload, "Rejected")


@charge_point_case("TC16_K_Set_Stack_CS")
async def stacked(cs: CentralSystem) -> None:
    """Of the same purpose the highest stackLevel counts, and the next one when it is gone."""
    await _smart(cs)
    await _set(cs, 1, cs.connector, _profile(cs, 14, number=1, stack=0))
    await _set(cs, 2, cs.connector, _profile(cs, 8, number=2, stack=1))
    await charging(cs)
    await _in_force(cs, 3, 8)
    await cs.answered(4, "ClearChargingProfile", {"id": 2})
    await _in_force(cs, 5, 14)


@charge_point_case("TC16_K_Set_Replace_CS")
async def replaced(cs: CentralSystem) -> None:
    """The same stackLevel and purpose replaces a profile, and so does the same chargingProfileId."""
    await _smart(cs)
    await charging(cs)
    await _set(cs, 1, cs.connector, _profile(cs, 8, number=1))
    await _set(cs, 2, cs.connector, _profile(cs, 10, number=2))
    await _in_force(cs, 3, 10)
    await cs.answered(4, "ClearChargingProfile", {"id": 1}, "Unknown")
    await _set(cs, 5, cs.connector, _profile(cs, 12, number=2))
    await _in_force(cs, 6, 12)


@charge_point_case("TC16_K_Set_Periods_CS")
async def periods(cs: CentralSystem) -> None:
    """The limits of a schedule follow each other, and the composite schedule says when."""
    await _smart(cs)
    await charging(cs)
    await _set(cs, 1, cs.connector, _profile(cs, 8, 14))
    await _in_force(cs, 2, 8)
    await _in_force(cs, 3, 14, after_s=61)
    await _below(cs, 4, 8)
    await cs.wait(62)
    await _in_force(cs, 5, 14)
    await _below(cs, 6, 14)


@charge_point_case("TC16_K_Set_Duration_CS")
async def duration(cs: CentralSystem) -> None:
    """After its duration a schedule limits nothing, and a profile below it counts."""
    await _smart(cs)
    await charging(cs)
    await _set(cs, 1, cs.connector, _profile(cs, 13, number=1, stack=0))
    await _set(cs, 2, cs.connector, _profile(cs, 8, number=2, stack=1, duration=60))
    await _in_force(cs, 3, 8)
    await _in_force(cs, 4, 13, after_s=61)
    await cs.wait(62)
    await _in_force(cs, 5, 13)


@charge_point_case("TC16_K_Set_Valid_CS")
async def valid(cs: CentralSystem) -> None:
    """A profile counts from validFrom to validTo."""
    await _smart(cs)
    await charging(cs)
    await _set(cs, 1, cs.connector, _profile(cs, 13, number=1, stack=0))
    since, until = cs.in_a_while(60), cs.in_a_while(120)
    await _set(cs, 2, cs.connector, _profile(cs, 8, number=2, stack=1, validFrom=since, validTo=until))
    await _in_force(cs, 3, 13)
    await cs.wait(62)
    await _in_force(cs, 4, 8)
    await cs.wait(62)
    await _in_force(cs, 5, 13)


@charge_point_case("TC16_K_Set_Daily_CS")
async def daily(cs: CentralSystem) -> None:
    """A daily schedule begins anew every 24 hours after its start, and counts for no longer than its duration."""
    await _smart(cs)
    await charging(cs)
    recurring: dict[str, Any] = {"chargingProfileKind": "Recurring", "recurrencyKind": "Daily"}
    recurring |= {"startSchedule": cs.in_a_while(-86_400), "duration": 60}
    await _set(cs, 1, cs.connector, _profile(cs, 13, number=1, stack=0))
    await _set(cs, 2, cs.connector, _profile(cs, 8, number=2, stack=1, **recurring))
    await _in_force(cs, 3, 8)
    await cs.wait(62)
    await _in_force(cs, 4, 13)


@charge_point_case("TC16_K_Set_Pause_CS")
async def pause(cs: CentralSystem) -> None:
    """A limit of 0 suspends the transaction, and a higher one resumes it."""
    await _smart(cs)
    transaction = await charging(cs)
    await _set(cs, 1, cs.connector, _profile(cs, 0, purpose=_TX, transactionId=transaction.number))
    await status_is(cs, 2, "SuspendedEVSE", past=("SuspendedEV",))
    await _set(cs, 3, cs.connector, _profile(cs, 10, purpose=_TX, transactionId=transaction.number))
    await status_is(cs, 4, "Charging")
    await cs.present()
    await ended(cs, transaction)


@charge_point_case("TC16_K_Set_Kept_CS")
async def kept(cs: CentralSystem) -> None:
    """Profiles outlast a reset."""
    await _smart(cs)
    await _set(cs, 1, cs.connector, _profile(cs, 9))
    await booted(cs, "Hard")
    await cs.quiet()
    await charging(cs)
    await _in_force(cs, 2, 9)


@charge_point_case("TC16_K_Set_Unknown_CS")
async def unknown_connector(cs: CentralSystem) -> None:
    """A connector that there is not: PropertyConstraintViolation."""
    await _smart(cs)
    payload = {"connectorId": cs.unknown_connector, "csChargingProfiles": _profile(cs, 8)}
    await cs.refused(1, "SetChargingProfile", payload, "PropertyConstraintViolation")


@charge_point_case("TC16_K_Set_TooMuch_CS")
async def too_much(cs: CentralSystem) -> None:
    """A stackLevel or a number of periods above what the keys say is turned down, and nothing changes."""
    await _smart(cs)
    highest = int(await cs.key("ChargeProfileMaxStackLevel") or 0)
    payload = {"connectorId": cs.connector, "csChargingProfiles": _profile(cs, 8, stack=highest + 1)}
    await cs.turned_down(1, "SetChargingProfile", payload, "Rejected")
    most = int(await cs.key("ChargingScheduleMaxPeriods") or 0)
    if most <= 2000:
        periods = [{"startPeriod": place, "limit": _limit(cs, 8)} for place in range(most + 1)]
        many = _profile(cs, chargingSchedulePeriod=periods)
        await cs.turned_down(
            2, "SetChargingProfile", {"connectorId": cs.connector, "csChargingProfiles": many}, "Rejected"
        )
    await cs.answered(3, "ClearChargingProfile", {"id": 1}, "Unknown")


@charge_point_case("TC16_K_Set_Late_CS")
async def late_first_period(cs: CentralSystem) -> None:
    """A schedule whose first period does not begin with it is turned down."""
    await _smart(cs)
    periods = [{"startPeriod": 10, "limit": _limit(cs, 8)}]
    payload = {"connectorId": cs.connector, "csChargingProfiles": _profile(cs, chargingSchedulePeriod=periods)}
    await cs.turned_down(1, "SetChargingProfile", payload, "Rejected")


@charge_point_case("TC16_K_Start_Profile_CS")
async def with_remote_start(cs: CentralSystem) -> None:
    """The profile of a remote start limits the transaction, and one for it with the same stackLevel replaces it."""
    await _smart(cs)
    await cs.needs_keys(AuthorizeRemoteTxRequests="false")
    await plugged_in(cs)
    start = {"connectorId": cs.connector, "idTag": cs.configuration.tokens.valid.id_token}
    profile = _profile(cs, 8, purpose=_TX)
    await cs.answered(1, "RemoteStartTransaction", {**start, "chargingProfile": profile})
    transaction = await started(cs)
    await _in_force(cs, 2, 8)
    await _below(cs, 3, 8)
    wider = _profile(cs, 12, purpose=_TX, number=2, transactionId=transaction.number)
    await _set(cs, 4, cs.connector, wider)
    await _in_force(cs, 5, 12)


@charge_point_case("TC16_K_Start_OtherPurpose_CS")
async def remote_start_with_default(cs: CentralSystem) -> None:
    """A remote start with a profile that is no TxProfile is turned down."""
    await _smart(cs)
    await plugged_in(cs)
    start = {"connectorId": cs.connector, "idTag": cs.configuration.tokens.valid.id_token}
    await cs.turned_down(1, "RemoteStartTransaction", {**start, "chargingProfile": _profile(cs, 8)}, "Rejected")
    await cs.none(2, "StartTransaction")


@charge_point_case("TC16_K_Clear_Criteria_CS")
async def clear_some(cs: CentralSystem) -> None:
    """Just the profiles that fit all criteria are cleared."""
    await _smart(cs)
    await charging(cs)
    await _set(cs, 1, cs.connector, _profile(cs, 14, number=1, stack=0))
    await _set(cs, 2, cs.connector, _profile(cs, 8, number=2, stack=1))
    criteria = {"connectorId": cs.connector, "chargingProfilePurpose": _DEFAULT}
    await cs.answered(3, "ClearChargingProfile", {**criteria, "stackLevel": 5}, "Unknown")
    await _in_force(cs, 4, 8)
    await cs.answered(5, "ClearChargingProfile", {**criteria, "stackLevel": 1})
    await _in_force(cs, 6, 14)


@charge_point_case("TC16_K_Clear_All_CS")
async def clear_all(cs: CentralSystem) -> None:
    """Without criteria all profiles are cleared; when there are none it is Unknown."""
    await _smart(cs)
    await charging(cs)
    await _set(cs, 1, cs.connector, _profile(cs, 8))
    await _set(cs, 2, 0, _profile(cs, 9, number=2, purpose=_MAX))
    await cs.answered(3, "ClearChargingProfile", {})
    composite = await _composite(cs, 4, cs.connector)
    if _at(composite, 0) <= _limit(cs, 9):
        raise StepFailed("4", "no limit of a profile", f"{_at(composite, 0):g}")
    await cs.answered(5, "ClearChargingProfile", {}, "Unknown")


@charge_point_case("TC16_K_Composite_Unknown_CS")
async def composite_unknown(cs: CentralSystem) -> None:
    """Of a connector that there is not there is no composite schedule."""
    await _smart(cs)
    request = {"connectorId": cs.unknown_connector, "duration": 60}
    response = await cs.answered(1, "GetCompositeSchedule", request, "Rejected")
    response.expect("chargingSchedule", ABSENT)


@charge_point_case("TC16_K_Composite_Units_CS")
async def composite_units(cs: CentralSystem) -> None:
    """A composite schedule comes in the unit that is asked for, for the time that is asked for."""
    await _smart(cs)
    allowed = await cs.key("ChargingScheduleAllowedChargingRateUnit") or ""
    if "Current" not in allowed or "Power" not in allowed:
        raise NotApplicable("the charge point has one unit only")
    await charging(cs)
    await _set(cs, 1, cs.connector, _profile(cs, 8))
    amperes = await _composite(cs, 2, cs.connector, 120, chargingRateUnit="A")
    watts = await _composite(cs, 3, cs.connector, 120, chargingRateUnit="W")
    for composite in (amperes, watts):
        composite.expect("chargingSchedule.duration", 120)
        composite.expect("chargingSchedule.startSchedule", ABSENT)
    if abs(_at(amperes, 0) - 8) > 0.11 or abs(_at(watts, 0) - 8 * _VOLTAGE_V * _phases(cs)) > 1:
        raise StepFailed("3", "8 A, and as much in W", f"{_at(amperes, 0):g} A, {_at(watts, 0):g} W")
