"""Wrong values for the cases about configuration keys of charge points of 1.6."""

from __future__ import annotations

from tests.conformance.station.tamper import DROP, Wrong

from voltbridge.conformance.station.cases_16.keys import KEYS, Access, Key

__all__ = ["WRONG"]

GET, CHANGE = "GetConfigurationResponse", "ChangeConfigurationResponse"
VALUE, READ_ONLY = "configurationKey.0.value", "configurationKey.0.readonly"


def _of(key: Key) -> tuple[Wrong, ...]:
    first = 0 if key.profile == "Core" else 1  # the profiles are asked for before
    faults = [
        Wrong(GET, VALUE, "No such value!" if key.name != "CpoName" else DROP, nth=first),
        Wrong(GET, VALUE, "4711", nth=first + 1),
    ]
    if key.access is Access.READ:
        return (*faults, Wrong(GET, READ_ONLY, False), Wrong(CHANGE, "status", "Accepted"))
    last = first + len(key.bad) + 2
    faults += [Wrong(GET, VALUE, "4712", nth=last)] if key.kept else []
    faults += [Wrong(CHANGE, "status", "Accepted", nth=0)] if key.bad else []
    if key.access is Access.BOTH:
        faults.append(Wrong(GET, READ_ONLY, True))
    return (*faults, Wrong(CHANGE, "status", "NotSupported", nth=len(key.bad)))


ONE = "configurationKey.0"
WRONG: dict[str, tuple[Wrong, ...]] = {f"TC16_B_Key_{key.name}_CS": _of(key) for key in KEYS} | {
    "TC16_B_GetConfiguration_All_CS": (
        Wrong(GET, ONE, DROP, nth=1),
        Wrong(GET, "configurationKey.2", DROP, nth=0),
        Wrong(GET, "configurationKey.0.key", "HeartbeatInterval", nth=0),
        Wrong(GET, "unknownKey", ["One"], nth=0),
    ),
    "TC16_B_GetConfiguration_Some_CS": (
        Wrong(GET, "unknownKey", DROP),
        Wrong(GET, ONE, DROP),
        Wrong(GET, "configurationKey.1.value", "9"),
    ),
    "TC16_B_GetConfiguration_Unknown_CS": (
        Wrong(GET, "unknownKey", DROP),
        Wrong(GET, "configurationKey", [{"key": "VoltbridgeNoSuchKey", "readonly": False}]),
    ),
    "TC16_B_GetConfiguration_AnyCase_CS": (
        Wrong(CHANGE, "status", "NotSupported", nth=1),
        Wrong(GET, VALUE, "700"),
    ),
    "TC16_B_ChangeConfiguration_Unknown_CS": (
        Wrong(CHANGE, "status", "Rejected"),
        Wrong(GET, "configurationKey", [{"key": "VoltbridgeNoSuchKey", "readonly": False, "value": "1"}]),
    ),
    "TC16_B_ChangeConfiguration_ReadOnly_CS": (
        Wrong(CHANGE, "status", "Accepted"),
        Wrong(CHANGE, "status", "NotSupported"),
        Wrong(GET, VALUE, "3", nth=1),
    ),
    "TC16_B_ChangeConfiguration_BadValue_CS": (
        *(Wrong(CHANGE, "status", "Accepted", nth=number) for number in range(4)),
        Wrong(GET, VALUE, "1", nth=1),
    ),
}
