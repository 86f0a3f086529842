"""Charging profiles as the cases of block K set them, and what a station tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.csms import SimulatedCsms

__all__ = [
    "Period",
    "charging_profile",
    "composite",
    "get_profiles",
    "limit",
    "periods_are",
    "reported",
    "set_profile",
]

Period = tuple[int, float]
"""Start in seconds, limit before it is multiplied."""
_VOLTS: Final = 230.0
_MOMENTS: Final = {"validFrom", "validTo", "startSchedule"}


def limit(csms: SimulatedCsms, amperes: float) -> float:
    """A limit in the configured unit (errata 6.2.69)."""
    configuration = csms.configuration
    return amperes * (_VOLTS * configuration.number_phases if configuration.charging_rate_unit == "W" else 1.0)


def charging_profile(
    csms: SimulatedCsms,
    *periods: Period,
    purpose: str = "TxDefaultProfile",
    kind: str = "Absolute",
    start: str | None = None,
    duration: int | None = None,
    level: int = 0,
    number: int | None = None,
    unit: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A ChargingProfileType. ``start`` is startSchedule, by default now for kinds that have one."""
    schedule: dict[str, Any] = {
        "id": 1,
        "chargingRateUnit": unit or csms.configuration.charging_rate_unit,
        "chargingSchedulePeriod": [
            {"startPeriod": begin, "limit": limit(csms, amperes), "numberPhases": csms.configuration.number_phases}
            for begin, amperes in periods or ((0, 6.0),)
        ],
    }
    if kind != "Relative":
        schedule["startSchedule"] = start or csms.now()
    if duration is not None:
        schedule["duration"] = duration
    return {
        "id": number or csms.next_id(),
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [schedule],
        **more,
    }


async def set_profile(
    csms: SimulatedCsms, step: int | str, evse_id: int, profile: Mapping[str, Any], status: str = "Accepted"
) -> None:
    """SetChargingProfile is answered with this status."""
    response = await csms.call(step, "SetChargingProfile", {"evseId": evse_id, "chargingProfile": profile})
    response.expect("status", status)


async def get_profiles(
    csms: SimulatedCsms,
    step: int,
    expected: list[tuple[int, Mapping[str, Any]]],
    *,
    evse_id: int | None = None,
    **by: Any,
) -> None:
    """GetChargingProfiles by these criteria: exactly these (EVSE, profile) are reported; for none: NoProfiles."""
    request: dict[str, Any] = {"requestId": csms.next_id(), "chargingProfile": by}
    if evse_id is not None:
        request["evseId"] = evse_id
    response = await csms.call(step, "GetChargingProfiles", request)
    response.expect("status", "Accepted" if expected else "NoProfiles")
    if expected:
        await reported(csms, step + 1, request["requestId"], expected)


async def reported(
    csms: SimulatedCsms, step: int, request_id: int, expected: list[tuple[int, Mapping[str, Any]]]
) -> None:
    """All parts of a report come, and together they have exactly these profiles as they were set."""
    left = {profile["id"]: (evse_id, profile) for evse_id, profile in expected}
    while True:
        report = await csms.take(step, "ReportChargingProfiles")
        report.expect("requestId", request_id)
        for index, told in enumerate(report.at("chargingProfile")):
            where = Received(report.step, f"{report.name}.chargingProfile[{index}]", told)
            evse_id, profile = left.pop(told.get("id"), (None, None))
            if profile is None:
                raise StepFailed(csms.step(step), f"profiles {sorted(left)}", f"profile {told.get('id')}")
            report.expect("evseId", evse_id)
            _is_same(where, profile)
        if report.at("tbc") in (False, ABSENT):
            break
    if left:
        raise StepFailed(csms.step(step), f"profiles {sorted(left)}", "the last report, without them")


def _is_same(told: Received, sent: Mapping[str, Any]) -> None:
    """What is told is what was sent, no more and no less; a transaction may be named that was not."""
    mine, theirs = _plain(sent), _plain(told.payload)
    if "transactionId" not in sent:
        theirs.pop("transactionId", None)
    if mine != theirs:
        fields = sorted(key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key))
        expected = ", ".join(f"{field} {mine.get(field)}" for field in fields)
        raise StepFailed(told.step, f"{told.name} with {expected}", str({key: theirs.get(key) for key in fields}))


def _plain(value: Any) -> Any:
    """Moments and numbers by their value, not by how they are written."""
    if isinstance(value, Mapping):
        return {
            key: datetime.fromisoformat(each) if key in _MOMENTS else _plain(each)
            for key, each in value.items()
            if key != "customData"
        }
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


async def composite(csms: SimulatedCsms, step: int | str, evse_id: int, duration: int) -> tuple[Received, datetime]:
    """GetCompositeSchedule in the configured unit is accepted; the response, and when its schedule starts."""
    unit = csms.configuration.charging_rate_unit
    asked_at = csms.clock.now()
    request = {"evseId": evse_id, "duration": duration, "chargingRateUnit": unit}
    response = await csms.call(step, "GetCompositeSchedule", request)
    response.expect("status", "Accepted")
    response.expect("schedule.evseId", evse_id)
    response.expect("schedule.duration", duration)
    response.expect("schedule.chargingRateUnit", unit)
    told = response.at("schedule.scheduleStart")
    starts_at = asked_at if told is ABSENT else datetime.fromisoformat(told)
    if told is ABSENT or abs((starts_at - asked_at).total_seconds()) > csms.configuration.time_deviation_s:
        raise StepFailed(response.step, f"scheduleStart about {asked_at.isoformat()}", str(told))
    response.expect("schedule.chargingSchedulePeriod.0.startPeriod", 0)
    return response, starts_at


def periods_are(
    csms: SimulatedCsms, response: Received, starts_at: datetime, since: str, *expected: tuple[int, float | None]
) -> None:
    """The schedule has exactly these periods; starts count from ``since``, the first is in force now.

    A limit of None is the station's own.
    """
    path = "schedule.chargingSchedulePeriod"
    passed_s = (starts_at - datetime.fromisoformat(since)).total_seconds()
    periods = response.at(path)
    wanted = ", ".join(f"{start:g} s: {amperes}" for start, amperes in expected)
    if len(periods) != len(expected):
        raise StepFailed(response.step, f"{path} {wanted}", str(periods))
    for index, (start, amperes) in enumerate(expected):
        told = periods[index]
        begins = 0.0 if index == 0 else start - passed_s
        if abs(told.get("startPeriod", -1) - begins) > (0 if index == 0 else 1.0):
            raise StepFailed(response.step, f"{path}[{index}].startPeriod {begins:g}", str(told.get("startPeriod")))
        if amperes is not None and abs(told.get("limit", -1) - limit(csms, amperes)) > 0.1:
            raise StepFailed(response.step, f"{path}[{index}].limit {limit(csms, amperes):g}", str(told.get("limit")))
