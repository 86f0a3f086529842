"""Cases about GetConfiguration and ChangeConfiguration, whatever the key (5.3, 5.8)."""

from __future__ import annotations

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.cases_16.keys import KEYS
from voltbridge.conformance.station.central_system import CentralSystem

__all__: list[str] = []

_UNKNOWN = "VoltbridgeNoSuchKey"


@charge_point_case("TC16_B_GetConfiguration_All_CS")
async def get_all(cs: CentralSystem) -> None:
    """Without a list, every key comes: all that the profiles of the charge point require, each once."""
    response = await cs.call(1, "GetConfiguration", {})
    response.expect("unknownKey", ABSENT, [])
    told = {one["key"].casefold(): one for one in response.at("configurationKey") or ()}
    if len(told) != len(response.at("configurationKey")):
        raise StepFailed("1", "each key once", "one of them twice")
    profiles = told.get("supportedfeatureprofiles", {}).get("value", "")
    missing = [
        key.name
        for key in KEYS
        if key.required and (key.profile == "Core" or key.profile in profiles) and key.name.casefold() not in told
    ]
    if missing:
        raise StepFailed("1", "all required keys", f"all but {', '.join(missing)}")
    if "value" in told.get("authorizationkey", {}):
        raise StepFailed("1", "no value of AuthorizationKey, which is write-only", "one")
    empty = await cs.call(2, "GetConfiguration", {"key": []})
    names = {one["key"].casefold() for one in empty.at("configurationKey")}
    if names != set(told):
        raise StepFailed("2", "the same keys for an empty list", f"{len(names)} of {len(told)}")


@charge_point_case("TC16_B_GetConfiguration_Some_CS")
async def get_some(cs: CentralSystem) -> None:
    """Keys that are named come, and no others; those that there are not are told as unknown."""
    names = ["HeartbeatInterval", _UNKNOWN, "NumberOfConnectors"]
    response = await cs.call(1, "GetConfiguration", {"key": names})
    response.expect("unknownKey", [_UNKNOWN])
    if sorted(one["key"] for one in response.at("configurationKey")) != ["HeartbeatInterval", "NumberOfConnectors"]:
        raise StepFailed("1", "the two known keys", str(response.at("configurationKey")))
    known = response.pick("configurationKey", {"key": ("NumberOfConnectors",)})
    known.expect("value", str(len(cs.connectors)))


@charge_point_case("TC16_B_GetConfiguration_Unknown_CS")
async def get_unknown(cs: CentralSystem) -> None:
    """A key that there is not is told as unknown, and nothing else."""
    response = await cs.call(1, "GetConfiguration", {"key": [_UNKNOWN]})
    response.expect("unknownKey", [_UNKNOWN])
    response.expect("configurationKey", ABSENT, [])


@charge_point_case("TC16_B_GetConfiguration_AnyCase_CS")
async def get_any_case(cs: CentralSystem) -> None:
    """Names of keys are compared without regard to case."""
    if await cs.key("hEARTBEATiNTERVAL") is None:
        raise StepFailed("1", "the value of HeartbeatInterval", "no such key")
    await cs.needs_keys(HeartbeatInterval="700")
    await cs.answered(2, "ChangeConfiguration", {"key": "heartbeatINTERVAL", "value": "701"})
    if (value := await cs.key("HeartbeatInterval")) != "701":
        raise StepFailed("3", "HeartbeatInterval 701", str(value))


@charge_point_case("TC16_B_ChangeConfiguration_Unknown_CS")
async def change_unknown(cs: CentralSystem) -> None:
    """A key that there is not cannot be changed: NotSupported, and it is still not there."""
    await cs.answered(1, "ChangeConfiguration", {"key": _UNKNOWN, "value": "1"}, "NotSupported")
    if await cs.key(_UNKNOWN) is not None:
        raise StepFailed("2", "no such key", "a value of it")


@charge_point_case("TC16_B_ChangeConfiguration_ReadOnly_CS")
async def change_read_only(cs: CentralSystem) -> None:
    """A key that is read-only is not changed: Rejected."""
    before = await cs.key("NumberOfConnectors")
    change = {"key": "NumberOfConnectors", "value": str(len(cs.connectors) + 1)}
    await cs.answered(1, "ChangeConfiguration", change, "Rejected")
    if await cs.key("NumberOfConnectors") != before:
        raise StepFailed("2", f"NumberOfConnectors {before}", "another")


@charge_point_case("TC16_B_ChangeConfiguration_BadValue_CS")
async def change_to_nonsense(cs: CentralSystem) -> None:
    """A value that cannot be is not taken: Rejected, whether out of range or of another form."""
    before = await cs.key("HeartbeatInterval")
    for value in ("-1", "soon", "", "1.5"):
        await cs.answered(1, "ChangeConfiguration", {"key": "HeartbeatInterval", "value": value}, "Rejected")
    if (now := await cs.key("HeartbeatInterval")) != before:
        raise StepFailed("2", f"HeartbeatInterval {before}", str(now))
