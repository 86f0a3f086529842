"""1.6: charging profiles set and cleared, and composite schedules (5.5, 5.7, 5.16).

Every message is accepted, refused, and left without an answer; then the central system has to go on, and to send the
same message again when told to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.charge_point import start_transaction
from voltbridge.conformance.csms.profiles import parameters_of
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_SET: Final = "SetChargingProfile"
_CLEAR: Final = "ClearChargingProfile"
_COMPOSITE: Final = "GetCompositeSchedule"
_PROFILE: Final = "csChargingProfiles"
_SCHEDULE: Final = f"{_PROFILE}.chargingSchedule"
_ACCEPTED: Final = {"status": "Accepted"}
_SEEN: Final = "Does the CSMS show this answer of the charge point?"
_NOON: Final = "2026-01-01T12:00:00.000Z"
_COMMANDED: Final = {
    "id": "profile_id",
    "connectorId": "evse_id",
    "chargingProfilePurpose": "purpose",
    "stackLevel": "stack_level",
}
"""Criteria as the command has them."""
_Command = tuple[str, Mapping[str, Any]]


@csms_case("TC16_K_SetDefault_Accepted")
async def default_of_a_connector(station: SimulatedStation) -> None:
    """A default profile for one connector."""
    await (await _set(station, 1, station.evse_id, _profile("TxDefaultProfile"))).answer(_ACCEPTED)


@csms_case("TC16_K_SetMax_Accepted")
async def limit_of_the_charge_point(station: SimulatedStation) -> None:
    """A limit for the charge point as a whole."""
    await (await _set(station, 1, 0, _profile("ChargePointMaxProfile"))).answer(_ACCEPTED)


@csms_case("TC16_K_SetRecurring_Accepted")
async def recurring(station: SimulatedStation) -> None:
    """Profiles that recur every day, and every week."""
    for step, recurrency in ((1, "Daily"), (3, "Weekly")):
        profile = _profile("TxDefaultProfile", kind="Recurring", recurrencyKind=recurrency)
        await (await _set(station, step, station.evse_id, profile)).answer(_ACCEPTED)


@csms_case("TC16_K_SetTx_Accepted")
async def profile_of_a_transaction(station: SimulatedStation) -> None:
    """A profile for the transaction that runs."""
    number = await start_transaction(station, 1)
    profile = _profile("TxProfile", kind="Relative", transactionId=number)
    await (await _set(station, 3, station.evse_id, profile)).answer(_ACCEPTED)


@csms_case("TC16_K_Set_Rejected")
async def refused(station: SimulatedStation) -> None:
    """A profile is rejected."""
    asked = await _set(station, 1, station.evse_id, _profile("TxDefaultProfile"))
    await asked.answer({"status": "Rejected"}, seen=_SEEN)


@csms_case("TC16_K_Set_NotSupported")
async def not_supported(station: SimulatedStation) -> None:
    """The charge point does not support the profile."""
    asked = await _set(station, 1, station.evse_id, _profile("TxDefaultProfile"))
    await asked.answer({"status": "NotSupported"}, seen=_SEEN)


@csms_case("TC16_K_Set_TimedOut")
async def set_unanswered(station: SimulatedStation) -> None:
    """A profile is not answered."""
    profile = _profile("TxDefaultProfile")
    wanted = {"connectorId": station.evse_id, _PROFILE: profile}
    await _unanswered(station, _SET, wanted, _setting(station.evse_id, profile))


@csms_case("TC16_K_ClearId_Accepted")
async def cleared_by_id(station: SimulatedStation) -> None:
    """A profile is cleared by its id."""
    asked = await _clear(station, {"id": 1})
    for name in ("connectorId", "chargingProfilePurpose", "stackLevel"):
        asked.expect(name, ABSENT)
    await asked.answer(_ACCEPTED)


@csms_case("TC16_K_ClearCriteria_Accepted")
async def cleared_by_criteria(station: SimulatedStation) -> None:
    """Profiles are cleared by connector, purpose and stack level."""
    wanted = {"connectorId": station.evse_id, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0}
    asked = await _clear(station, wanted)
    asked.expect("id", ABSENT)
    await asked.answer(_ACCEPTED)


@csms_case("TC16_K_Clear_Unknown")
async def nothing_to_clear(station: SimulatedStation) -> None:
    """There is nothing to clear."""
    await (await _clear(station, {"id": 1})).answer({"status": "Unknown"}, seen=_SEEN)


@csms_case("TC16_K_Clear_TimedOut")
async def clear_unanswered(station: SimulatedStation) -> None:
    """A clearing is not answered."""
    await _unanswered(station, _CLEAR, {"id": 1}, _clearing({"id": 1}))


@csms_case("TC16_K_Composite_Accepted")
async def composite(station: SimulatedStation) -> None:
    """The composite schedules of a connector and of the charge point."""
    for step, connector_id in ((1, station.evse_id), (3, 0)):
        asked = await _composite(station, step, connector_id)
        period = {"startPeriod": 0, "limit": 10.0}
        schedule = {"duration": 300, "chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
        answer = {"connectorId": connector_id, "scheduleStart": _NOON, "chargingSchedule": schedule}
        await asked.answer({"status": "Accepted", **answer}, seen=_SEEN)


@csms_case("TC16_K_Composite_Rejected")
async def composite_refused(station: SimulatedStation) -> None:
    """A composite schedule is refused."""
    await (await _composite(station, 1, station.evse_id)).answer({"status": "Rejected"}, seen=_SEEN)


@csms_case("TC16_K_Composite_TimedOut")
async def composite_unanswered(station: SimulatedStation) -> None:
    """A question for the composite schedule is not answered."""
    wanted = {"connectorId": station.evse_id, "duration": 300, "chargingRateUnit": "A"}
    await _unanswered(station, _COMPOSITE, wanted, _composing(station.evse_id))


def _profile(purpose: str, *, kind: str = "Absolute", **more: object) -> dict[str, Any]:
    schedule: dict[str, Any] = {"duration": 300, "chargingRateUnit": "A"}
    if kind != "Relative":
        schedule["startSchedule"] = _NOON
    schedule["chargingSchedulePeriod"] = [{"startPeriod": 0, "limit": 8.0, "numberPhases": 3}]
    return {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        **more,
        "chargingSchedule": schedule,
    }


def _setting(connector_id: int, profile: Mapping[str, Any]) -> _Command:
    return "set_charging_profile", {"evse_id": connector_id, "profile": parameters_of(profile)}


def _clearing(wanted: Mapping[str, Any]) -> _Command:
    return "clear_charging_profile", {_COMMANDED[name]: value for name, value in wanted.items()}


def _composing(connector_id: int) -> _Command:
    return "get_composite_schedule", {"evse_id": connector_id, "duration_s": 300, "unit": "A"}


async def _set(station: SimulatedStation, step: int, connector_id: int, profile: Mapping[str, Any]) -> Asked:
    text = f"set a {profile['chargingProfilePurpose']} of 8 A on connector {connector_id}"
    payload = {"connectorId": connector_id, _PROFILE: profile}
    asked = await station.asked(step, text, _SET, payload, command=_setting(connector_id, profile))
    _expect_set(asked, connector_id, profile)
    return asked


def _expect_set(asked: Asked, connector_id: int, profile: Mapping[str, Any]) -> None:
    asked.expect("connectorId", connector_id)
    for name in ("stackLevel", "chargingProfilePurpose", "chargingProfileKind", "recurrencyKind", "transactionId"):
        asked.expect(f"{_PROFILE}.{name}", profile.get(name, ABSENT))
    for name in ("duration", "chargingRateUnit", "startSchedule"):
        asked.expect(f"{_SCHEDULE}.{name}", profile["chargingSchedule"].get(name, ABSENT))
    asked.request.pick(
        f"{_SCHEDULE}.chargingSchedulePeriod",
        {"startPeriod": (0,), "limit": (8.0, 8), "numberPhases": (3, ABSENT)},
    )


async def _clear(station: SimulatedStation, wanted: Mapping[str, Any]) -> Asked:
    what = ", ".join(f"{name} {value}" for name, value in wanted.items())
    asked = await station.asked(
        1, f"clear the charging profiles with {what}", _CLEAR, wanted, command=_clearing(wanted)
    )
    _expect_all(asked, wanted)
    return asked


async def _composite(station: SimulatedStation, step: int, connector_id: int) -> Asked:
    wanted = {"connectorId": connector_id, "duration": 300, "chargingRateUnit": "A"}
    text = f"get the composite schedule of connector {connector_id} for 300 s in A"
    asked = await station.asked(step, text, _COMPOSITE, wanted, command=_composing(connector_id))
    _expect_all(asked, wanted)
    return asked


async def _unanswered(station: SimulatedStation, action: str, wanted: Mapping[str, Any], command: _Command) -> None:
    """Nothing is answered; the central system goes on, and asks again when told to."""
    patience_s = station.configuration.unanswered_s
    text = f"{action}, and do not wait for an answer"
    asked = await station.asked(1, text, action, wanted, command=command, timeout_s=patience_s)
    _expect_all(asked, wanted)
    await station.call(2, "Heartbeat", {})
    await asked.ignore()
    again = await station.asked(4, f"{action} again", action, wanted, command=command)
    _expect_all(again, wanted)
    await again.answer({"status": "Rejected" if action != _CLEAR else "Unknown"})


def _expect_all(asked: Asked, wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        if not isinstance(value, Mapping):
            asked.expect(name, value)
