"""Block K: charging profiles set, replaced, cleared and reported, and composite schedules.

Where the document leaves a value to the configuration, the CSMS is told it and held to it. Every message is one that
the operator has a command for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.profiles import limit_from, parameters_of
from voltbridge.conformance.csms.states import energy_transfer_started
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT, Received

__all__: list[str] = []

_ACCEPTED: Final = {"status": "Accepted"}
_DEFAULT: Final = "TxDefaultProfile"
_WHOLE: Final = "ChargingStationMaxProfile"
_PROFILE: Final = "chargingProfile"
_CRITERIA: Final = "chargingProfileCriteria"
_UNIT: Final = "A"
_DURATION_S: Final = 300
_LEVEL: Final = 0
_ID: Final = 1


@csms_case("TC_K_01_CSMS")
async def default_of_an_evse(station: SimulatedStation) -> None:
    """A default profile for one EVSE."""
    asked = await _set(station, 1, station.evse_id, _made(station, 6.0, valid=True))
    _check(asked, station.evse_id, _DEFAULT)
    _given(asked, "validFrom", "validTo")
    _check_schedule(asked, 6.0)
    await asked.answer(_ACCEPTED)


@csms_case("TC_K_03_CSMS")
async def limit_of_the_station(station: SimulatedStation) -> None:
    """A limit for the station as a whole."""
    asked = await _set(station, 1, 0, _made(station, 8.0, purpose=_WHOLE))
    _check(asked, 0, _WHOLE)
    _check_schedule(asked, 8.0)
    await asked.answer(_ACCEPTED)


@csms_case("TC_K_04_CSMS")
async def replaced(station: SimulatedStation) -> None:
    """A profile is replaced by one with the same id."""
    first = await _set(station, 1, station.evse_id, _made(station, 8.0))
    _check(first, station.evse_id, _DEFAULT)
    _check_schedule(first, 8.0)
    await first.answer(_ACCEPTED)
    second = await _set(station, 3, station.evse_id, _made(station, 6.0))
    second.expect(f"{_PROFILE}.id", first.request.at(f"{_PROFILE}.id"))
    _check(second, station.evse_id, _DEFAULT)
    _check_schedule(second, 6.0)
    await second.answer(_ACCEPTED)


@csms_case("TC_K_05_CSMS")
async def cleared_by_id(station: SimulatedStation) -> None:
    """A profile is cleared by its id."""
    with station.stage("Memory state"):
        asked = await _get(station, {"evseId": station.evse_id, _PROFILE: {"chargingProfilePurpose": "TxProfile"}})
        await asked.answer(_ACCEPTED)
        await _report(station, 3, asked, station.evse_id)
    cleared = await station.asked(
        1,
        f"clear the charging profile {_ID}",
        _CLEAR,
        {"chargingProfileId": _ID},
        command=("clear_charging_profile", {"profile_id": _ID}),
    )
    cleared.expect("chargingProfileId", _ID)
    cleared.expect(_CRITERIA, ABSENT)
    await cleared.answer(_ACCEPTED)


@csms_case("TC_K_06_CSMS")
async def cleared_by_criteria(station: SimulatedStation) -> None:
    """A profile is cleared by its EVSE, purpose and stack level."""
    await (await _clear(station)).answer(_ACCEPTED)


@csms_case("TC_K_08_CSMS")
async def nothing_to_clear(station: SimulatedStation) -> None:
    """Profiles that are not there are cleared."""
    await (await _clear(station)).answer({"status": "Unknown"}, seen=_SEEN)


@csms_case("TC_K_10_CSMS")
async def default_of_all_evses(station: SimulatedStation) -> None:
    """A default profile for every EVSE."""
    asked = await _set(station, 1, 0, _made(station, 6.0, valid=True))
    _check(asked, 0, _DEFAULT)
    _given(asked, "validFrom", "validTo")
    _check_schedule(asked, 6.0)
    await asked.answer(_ACCEPTED)


@csms_case("TC_K_15_CSMS")
async def not_supported(station: SimulatedStation) -> None:
    """The station does not support charging profiles, and the CSMS lives with it."""
    asked = await _set(station, 1, station.evse_id, _made(station, 6.0))
    _check(asked, station.evse_id, _DEFAULT)
    _check_schedule(asked, 6.0)
    await asked.refuse("NotSupported")
    await station.call(3, "Heartbeat", {})


@csms_case("TC_K_19_CSMS")
async def recurring(station: SimulatedStation) -> None:
    """Profiles that recur every day, and every week."""
    for step, recurrency in ((1, "Daily"), (3, "Weekly")):
        profile = _made(station, 6.0, kind="Recurring", recurrency=recurrency)
        asked = await _set(station, step, station.evse_id, profile)
        _check(asked, station.evse_id, _DEFAULT, kind="Recurring")
        asked.expect(f"{_PROFILE}.recurrencyKind", recurrency)
        _check_schedule(asked, 6.0)
        await asked.answer(_ACCEPTED)


@csms_case("TC_K_29_CSMS")
async def profiles_of_the_station(station: SimulatedStation) -> None:
    """Profiles of the station itself are asked for while energy flows."""
    await energy_transfer_started(station)
    await _reported(station, {"chargingProfilePurpose": _WHOLE}, 0)


@csms_case("TC_K_30_CSMS")
async def profiles_of_an_evse(station: SimulatedStation) -> None:
    """Profiles of one EVSE are asked for."""
    await _reported(station, {"chargingProfilePurpose": _DEFAULT}, station.evse_id)


@csms_case("TC_K_31_CSMS")
async def profiles_of_everything(station: SimulatedStation) -> None:
    """All profiles are asked for; each EVSE reports its own."""
    asked = await _get(station, {_PROFILE: {"chargingProfilePurpose": _DEFAULT}})
    _expect_criteria(asked, {"chargingProfilePurpose": _DEFAULT}, None)
    await asked.answer(_ACCEPTED)
    last = station.configuration.evses
    for evse_id in range(1, last + 1):
        await _report(station, 3, asked, evse_id, more=evse_id < last, id=evse_id)


@csms_case("TC_K_32_CSMS")
async def profile_of_an_id(station: SimulatedStation) -> None:
    """One profile is asked for by its id."""
    await _reported(station, {"chargingProfileId": [_ID]}, None)


@csms_case("TC_K_33_CSMS")
async def profiles_of_a_level(station: SimulatedStation) -> None:
    """Profiles of an EVSE and a stack level are asked for."""
    await _reported(station, {"stackLevel": _LEVEL}, station.evse_id)


@csms_case("TC_K_34_CSMS")
async def profiles_of_a_source(station: SimulatedStation) -> None:
    """Profiles of an EVSE that somebody has set are asked for."""
    await _reported(station, {"chargingLimitSource": ["CSO"]}, station.evse_id)


@csms_case("TC_K_35_CSMS")
async def profiles_of_a_purpose(station: SimulatedStation) -> None:
    """Profiles of an EVSE and a purpose are asked for."""
    await _reported(station, {"chargingProfilePurpose": _DEFAULT}, station.evse_id)


@csms_case("TC_K_36_CSMS")
async def profiles_of_a_purpose_and_level(station: SimulatedStation) -> None:
    """Profiles of an EVSE, a purpose and a stack level are asked for."""
    await _reported(station, {"chargingProfilePurpose": _DEFAULT, "stackLevel": _LEVEL}, station.evse_id)


@csms_case("TC_K_37_CSMS")
async def remote_start_with_profile(station: SimulatedStation) -> None:
    """A remote start with a profile for the transaction."""
    token = station.session().token
    profile = _made(station, 6.0, purpose="TxProfile", kind="Relative")
    payload = {"evseId": station.evse_id, "idToken": token.wire, "remoteStartId": 1, _PROFILE: profile}
    text = f"start a transaction at EVSE {station.evse_id} for idToken {token.id_token} with a charging profile"
    start = {"evse_id": station.evse_id, "id_token": token.id_token, "type": token.type, "limit": limit_from(profile)}
    asked = await station.asked(1, text, "RequestStartTransaction", payload, command=("start_transaction", start))
    asked.expect("idToken.idToken", token.id_token)
    asked.expect("idToken.type", token.type)
    asked.expect("evseId", station.evse_id)
    asked.expect(f"{_PROFILE}.transactionId", ABSENT)
    _check_transaction_profile(asked)
    await asked.answer(_ACCEPTED)
    started = asked.request.at("remoteStartId")
    await station.transaction_event(3, "Started", "RemoteStart", known_evse=True, remoteStartId=started)


@csms_case("TC_K_43_CSMS")
async def composite_of_an_evse(station: SimulatedStation) -> None:
    """The composite schedule of an EVSE is asked for."""
    await _composite(station, station.evse_id)


@csms_case("TC_K_44_CSMS")
async def composite_of_the_station(station: SimulatedStation) -> None:
    """The composite schedule of the station is asked for."""
    await _composite(station, 0)


@csms_case("TC_K_60_CSMS")
async def profile_of_a_transaction(station: SimulatedStation) -> None:
    """A profile for the transaction that runs."""
    await energy_transfer_started(station)
    running = station.session().transaction_id
    profile = {**_made(station, 6.0, purpose="TxProfile", kind="Relative"), "transactionId": running}
    asked = await _set(station, 1, station.evse_id, profile)
    asked.expect("evseId", station.evse_id)
    asked.expect(f"{_PROFILE}.transactionId", running)
    _check_transaction_profile(asked)
    await asked.answer(_ACCEPTED)


@csms_case("TC_K_70_CSMS")
async def several(station: SimulatedStation) -> None:
    """A default profile, and a limit for the station beside it."""
    first = await _set(station, 1, station.evse_id, _made(station, 6.0))
    first.expect(f"{_PROFILE}.chargingProfilePurpose", _DEFAULT)
    first.expect(f"{_PROFILE}.chargingProfileKind", "Absolute", "Recurring")
    _given_start(first)
    await first.answer(_ACCEPTED)
    second = await _set(station, 3, 0, {**_made(station, 6.0, purpose=_WHOLE, level=1), "id": _ID + 1})
    second.expect(f"{_PROFILE}.chargingProfilePurpose", _WHOLE)
    second.expect(f"{_PROFILE}.chargingProfileKind", "Absolute")
    if second.request.at(f"{_PROFILE}.id") == first.request.at(f"{_PROFILE}.id"):
        raise StepFailed(second.request.step, "another chargingProfile.id than at step 1", "the same")
    _given_start(second)
    await second.answer(_ACCEPTED)


_SEEN: Final = "Does the CSMS show this answer of the charging station?"
_CLEAR: Final = "ClearChargingProfile"
_COMMANDED: Final = {
    "chargingProfilePurpose": "purpose",
    "stackLevel": "stack_level",
    "chargingLimitSource": "sources",
    "chargingProfileId": "profile_ids",
}
"""Criteria as the command has them."""


def _made(
    station: SimulatedStation,
    limit: float,
    *,
    purpose: str = _DEFAULT,
    kind: str = "Absolute",
    recurrency: str | None = None,
    level: int = _LEVEL,
    valid: bool = False,
) -> dict[str, Any]:
    """The profile that the CSMS is told to set."""
    now = station.now()
    schedule: dict[str, Any] = {
        "id": 1,
        "chargingRateUnit": _UNIT,
        "duration": _DURATION_S,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit, "numberPhases": 3}],
    }
    if kind != "Relative":
        schedule["startSchedule"] = now
    profile: dict[str, Any] = {
        "id": _ID,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [schedule],
    }
    if recurrency is not None:
        profile["recurrencyKind"] = recurrency
    if valid:
        profile |= {"validFrom": now, "validTo": station.in_a_while(_DURATION_S)}
    return profile


async def _set(station: SimulatedStation, step: int, evse_id: int, profile: Mapping[str, Any]) -> Asked:
    period = profile["chargingSchedule"][0]["chargingSchedulePeriod"][0]
    text = (
        f"set a {profile['chargingProfileKind']} {profile['chargingProfilePurpose']} on EVSE {evse_id}: "
        f"id {profile['id']}, stack level {profile['stackLevel']}, {period['limit']:g} {_UNIT} on three phases"
    )
    payload = {"evseId": evse_id, _PROFILE: profile}
    command = ("set_charging_profile", {"evse_id": evse_id, "profile": parameters_of(profile)})
    return await station.asked(step, text, "SetChargingProfile", payload, command=command)


def _check(asked: Asked, evse_id: int, purpose: str, *, kind: str = "Absolute") -> None:
    asked.expect("evseId", evse_id)
    asked.expect(f"{_PROFILE}.stackLevel", _LEVEL)
    asked.expect(f"{_PROFILE}.chargingProfilePurpose", purpose)
    asked.expect(f"{_PROFILE}.chargingProfileKind", kind)


def _check_schedule(asked: Asked, limit: float) -> None:
    """One schedule with the limit from its beginning on, and a start; watts are the same times a thousand."""
    schedule = asked.request.pick(f"{_PROFILE}.chargingSchedule", {"duration": (_DURATION_S,)})
    schedule.expect("chargingRateUnit", _UNIT)
    limits = (limit, int(limit))
    schedule.pick("chargingSchedulePeriod", {"startPeriod": (0,), "limit": limits, "numberPhases": (3, ABSENT)})
    _given_start(asked)


def _check_transaction_profile(asked: Asked) -> None:
    """Relative without a start, or Absolute with one."""
    asked.expect(f"{_PROFILE}.chargingProfilePurpose", "TxProfile")
    asked.expect(f"{_PROFILE}.chargingProfileKind", "Relative", "Absolute")
    if asked.request.at(f"{_PROFILE}.chargingProfileKind") == "Absolute":
        _given_start(asked)
    else:
        asked.request.pick(f"{_PROFILE}.chargingSchedule", {"startSchedule": (ABSENT,)})


def _given(asked: Asked, *names: str) -> None:
    for name in names:
        if asked.request.at(f"{_PROFILE}.{name}") is ABSENT:
            raise StepFailed(asked.request.step, f"{asked.request.name}.{_PROFILE}.{name}", "no such field")


def _given_start(asked: Asked) -> None:
    for schedule in asked.request.at(f"{_PROFILE}.chargingSchedule"):
        if "startSchedule" not in schedule:
            raise StepFailed(asked.request.step, f"{asked.request.name}.{_PROFILE} with a startSchedule", "none")


async def _clear(station: SimulatedStation) -> Asked:
    criteria = {"evseId": station.evse_id, "chargingProfilePurpose": _DEFAULT, "stackLevel": _LEVEL}
    text = f"clear the {_DEFAULT} of stack level {_LEVEL} on EVSE {station.evse_id}"
    parameters = {"evse_id": station.evse_id, "purpose": _DEFAULT, "stack_level": _LEVEL}
    command = ("clear_charging_profile", parameters)
    asked = await station.asked(1, text, _CLEAR, {_CRITERIA: criteria}, command=command)
    for name, value in criteria.items():
        asked.expect(f"{_CRITERIA}.{name}", value)
    asked.expect("chargingProfileId", ABSENT)
    return asked


async def _get(station: SimulatedStation, wanted: Mapping[str, Any]) -> Asked:
    where = f"EVSE {wanted['evseId']}" if "evseId" in wanted else "the whole station"
    what = ", ".join(f"{name} {value}" for name, value in wanted[_PROFILE].items())
    text = f"get the charging profiles of {where} with {what}"
    where_asked = {"evse_id": wanted["evseId"]} if "evseId" in wanted else {}
    parameters = {_COMMANDED[name]: value for name, value in wanted[_PROFILE].items()}
    command = ("get_charging_profiles", {**where_asked, **parameters})
    return await station.asked(1, text, "GetChargingProfiles", {"requestId": 1, **wanted}, command=command)


async def _reported(station: SimulatedStation, criteria: Mapping[str, Any], evse_id: int | None) -> None:
    """Profiles are asked for by these criteria alone, and reported."""
    where = {} if evse_id is None else {"evseId": evse_id}
    asked = await _get(station, {**where, _PROFILE: criteria})
    _expect_criteria(asked, criteria, evse_id)
    await asked.answer(_ACCEPTED)
    await _report(station, 3, asked, station.evse_id if evse_id is None else evse_id)


def _expect_criteria(asked: Asked, criteria: Mapping[str, Any], evse_id: int | None) -> None:
    asked.expect("evseId", ABSENT if evse_id is None else evse_id)
    for name in ("chargingProfilePurpose", "stackLevel", "chargingLimitSource", "chargingProfileId"):
        asked.expect(f"{_PROFILE}.{name}", criteria.get(name, ABSENT))


async def _report(
    station: SimulatedStation, step: int, asked: Asked, evse_id: int, *, more: bool = False, id: int = _ID
) -> Received:
    """A part of the report that was asked for."""
    purpose = asked.request.at(f"{_PROFILE}.chargingProfilePurpose")
    profile = {**_made(station, 6.0, purpose=_DEFAULT if purpose is ABSENT else purpose), "id": id}
    report = {
        "requestId": asked.request.at("requestId"),
        "chargingLimitSource": "CSO",
        "evseId": evse_id,
        _PROFILE: [profile],
        "tbc": more,
    }
    return await station.call(step, "ReportChargingProfiles", report)


async def _composite(station: SimulatedStation, evse_id: int) -> None:
    wanted = {"evseId": evse_id, "duration": _DURATION_S, "chargingRateUnit": _UNIT}
    text = f"get the composite schedule of EVSE {evse_id} for {_DURATION_S} s in {_UNIT}"
    parameters = {"evse_id": evse_id, "duration_s": _DURATION_S, "unit": _UNIT}
    command = ("get_composite_schedule", parameters)
    asked = await station.asked(1, text, "GetCompositeSchedule", wanted, command=command)
    for name, value in wanted.items():
        asked.expect(name, value)
    schedule = {**wanted, "scheduleStart": station.now(), "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}]}
    await asked.answer({"status": "Accepted", "schedule": schedule}, seen=_SEEN)
