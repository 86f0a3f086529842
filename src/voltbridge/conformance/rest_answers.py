"""What a command of the REST API answers where a station's response says something: the same in other words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

__all__ = ["answers"]


def answers(answer: Mapping[str, Any], action: str, response: Mapping[str, Any]) -> bool:
    """Whether the answer of a command shows what the station's response to this action says."""
    status, info = _MEANINGS.get(action, _status)(response)
    told = answer.get("info") or {}
    return bool(answer["status"] == status) and all(_same(told.get(name), value) for name, value in info.items())


_Meaning = tuple[str, Mapping[str, Any]]


def _status(response: Mapping[str, Any]) -> _Meaning:
    return response["status"], {}


def _version(response: Mapping[str, Any]) -> _Meaning:
    version = response.get("versionNumber", response.get("listVersion"))
    # In 1.6 a charge point without local lists says so by its version (5.10).
    return ("NotSupported", {}) if version == -1 else ("Accepted", {"version": version})


def _composite(response: Mapping[str, Any]) -> _Meaning:
    schedule = response.get("schedule", response.get("chargingSchedule"))
    if schedule is None:
        return _status(response)
    periods = [
        {"start_s": period["startPeriod"], "limit": period["limit"]} for period in schedule["chargingSchedulePeriod"]
    ]
    shown = {"unit": schedule["chargingRateUnit"], "duration_s": schedule["duration"], "periods": periods}
    return response["status"], {"schedule": shown}


def _variables(response: Mapping[str, Any]) -> _Meaning:
    several = response.get("getVariableResult", response.get("setVariableResult", ()))
    results = [
        {
            "component": {"name": one["component"]["name"]},
            "variable": {"name": one["variable"]["name"]},
            "status": one["attributeStatus"],
            **({"value": one["attributeValue"]} if "attributeValue" in one else {}),
        }
        for one in several
    ]
    refused = [one["status"] for one in results if one["status"] not in _TAKEN]
    return refused[0] if refused else results[0]["status"], {"results": results}


def _keys(response: Mapping[str, Any]) -> _Meaning:
    # As a variable that the station does not know: 1.6 has a list of its own for those (5.8).
    return ("UnknownVariable", {}) if response.get("unknownKey") else ("Accepted", {})


def _change(response: Mapping[str, Any]) -> _Meaning:
    return {"NotSupported": "UnknownVariable"}.get(response["status"], response["status"]), {}


_TAKEN: Final = ("Accepted", "RebootRequired")
_MEANINGS: Final[Mapping[str, Callable[[Mapping[str, Any]], _Meaning]]] = MappingProxyType(
    {
        "GetLocalListVersion": _version,
        "GetCompositeSchedule": _composite,
        "GetVariables": _variables,
        "SetVariables": _variables,
        "GetConfiguration": _keys,
        "ChangeConfiguration": _change,
    }
)


def _same(told: Any, wanted: Any) -> bool:
    """Whether all of what is wanted is told; more may be."""
    if isinstance(wanted, Mapping):
        return isinstance(told, Mapping) and all(_same(told.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(told, list) and len(told) == len(wanted) and all(map(_same, told, wanted))
    return bool(told == wanted)
