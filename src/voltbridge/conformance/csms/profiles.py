"""Charging profiles as an operator's commands have them, whatever the version: made of what they are on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["limit_from", "parameters_of"]

_PROFILE: Final = {
    "id": "id",
    "chargingProfileId": "id",
    "stackLevel": "stack_level",
    "chargingProfilePurpose": "purpose",
    "chargingProfileKind": "kind",
    "recurrencyKind": "recurrency",
    "validFrom": "valid_from",
    "validTo": "valid_to",
}
_SCHEDULE: Final = {
    "chargingRateUnit": "unit",
    "duration": "duration_s",
    "startSchedule": "start_at",
    "minChargingRate": "min_rate",
}
_PERIOD: Final = {
    "startPeriod": "start_s",
    "limit": "limit",
    "numberPhases": "number_phases",
    "phaseToUse": "phase_to_use",
}
_PURPOSE_OF_16: Final = {"ChargePointMaxProfile": "ChargingStationMaxProfile"}


def parameters_of(profile: Mapping[str, Any]) -> dict[str, Any]:
    """The profile of a ``set_charging_profile``."""
    given = _named(profile, _PROFILE)
    given["purpose"] = _PURPOSE_OF_16.get(given["purpose"], given["purpose"])
    if "transactionId" in profile:
        given["transaction_id"] = str(profile["transactionId"])
    schedules = profile["chargingSchedule"]
    several = [schedules] if isinstance(schedules, Mapping) else schedules
    return {**given, "schedules": [_schedule(one) for one in several]}


def limit_from(profile: Mapping[str, Any]) -> dict[str, Any]:
    """The limit of a ``start_transaction``: it is relative to the start, and has no id of the operator's."""
    schedule = _schedule(profile["chargingSchedule"][0])
    return {**schedule, "stack_level": profile["stackLevel"]}


def _schedule(schedule: Mapping[str, Any]) -> dict[str, Any]:
    periods = [_named(period, _PERIOD) for period in schedule["chargingSchedulePeriod"]]
    return {**_named(schedule, _SCHEDULE), "periods": periods}


def _named(wire: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names[key]: value for key, value in wire.items() if key in names}
