"""1.6: configuration keys read and written (5.3, 5.8).

Every message is answered in each way there is, and left without an answer; then the central system has to go on, and to
send the same message again when told to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_GET: Final = "GetConfiguration"
_CHANGE: Final = "ChangeConfiguration"
_SEEN: Final = "Does the CSMS show this answer of the charge point?"
_ONE: Final = {"key": ["HeartbeatInterval"]}
_NEW: Final = {"key": "HeartbeatInterval", "value": "60"}
_HEARTBEAT: Final = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
_READ: Final = ("read_variables", {"variables": [_HEARTBEAT]})
_WRITE: Final = ("write_variables", {"variables": [{**_HEARTBEAT, "value": 60}]})
_TOLD: Final = {"key": "HeartbeatInterval", "readonly": False, "value": "300"}


@csms_case("TC16_B_GetConfiguration_All")
async def all_keys(station: SimulatedStation) -> None:
    """All configuration keys are read, a vendor's own among them."""
    asked = await station.asked(1, "get all configuration keys", _GET, {}, command=("report", {}))
    if asked.request.at("key") not in (ABSENT, []):
        raise StepFailed(asked.request.step, f"{asked.request.name}.key without entries", str(asked.request.at("key")))
    vendor = {"key": "AcmeLedColour", "readonly": True, "value": "green"}
    await asked.answer({"configurationKey": [_TOLD, vendor]})
    await _shown(station, 2, ("OCPPCommCtrlr", "HeartbeatInterval", "300"), ("VendorCtrlr", "AcmeLedColour", "green"))


@csms_case("TC16_B_GetConfiguration_One")
async def one_key(station: SimulatedStation) -> None:
    """One configuration key is read."""
    asked = await _asked(station, 1, _GET, _ONE, _READ)
    await asked.answer({"configurationKey": [_TOLD]})
    await _shown(station, 2, ("OCPPCommCtrlr", "HeartbeatInterval", "300"))


@csms_case("TC16_B_GetConfiguration_Unknown")
async def unknown_key(station: SimulatedStation) -> None:
    """The charge point does not know the key."""
    asked = await _asked(station, 1, _GET, _ONE, _READ)
    await asked.answer({"unknownKey": ["HeartbeatInterval"]}, seen=_SEEN)


@csms_case("TC16_B_GetConfiguration_TimedOut")
async def get_unanswered(station: SimulatedStation) -> None:
    """Reading is not answered."""
    await _unanswered(station, _GET, _ONE, _READ, {"configurationKey": [_TOLD]})


@csms_case("TC16_B_ChangeConfiguration_Accepted")
async def changed(station: SimulatedStation) -> None:
    """A configuration key is changed, and shows its new value."""
    asked = await _asked(station, 1, _CHANGE, _NEW, _WRITE)
    await asked.answer({"status": "Accepted"}, seen=_SEEN)
    await _shown(station, 2, ("OCPPCommCtrlr", "HeartbeatInterval", "60"))


@csms_case("TC16_B_ChangeConfiguration_RebootRequired")
async def changed_by_reboot(station: SimulatedStation) -> None:
    """A change comes into force with a reboot."""
    await (await _asked(station, 1, _CHANGE, _NEW, _WRITE)).answer({"status": "RebootRequired"}, seen=_SEEN)


@csms_case("TC16_B_ChangeConfiguration_Rejected")
async def rejected(station: SimulatedStation) -> None:
    """A change is rejected."""
    await (await _asked(station, 1, _CHANGE, _NEW, _WRITE)).answer({"status": "Rejected"}, seen=_SEEN)


@csms_case("TC16_B_ChangeConfiguration_NotSupported")
async def not_supported(station: SimulatedStation) -> None:
    """The charge point does not know the key that is changed."""
    await (await _asked(station, 1, _CHANGE, _NEW, _WRITE)).answer({"status": "NotSupported"}, seen=_SEEN)


@csms_case("TC16_B_ChangeConfiguration_TimedOut")
async def change_unanswered(station: SimulatedStation) -> None:
    """A change is not answered."""
    await _unanswered(station, _CHANGE, _NEW, _WRITE, {"status": "Rejected"})


async def _asked(
    station: SimulatedStation,
    step: int,
    action: str,
    wanted: Mapping[str, Any],
    command: tuple[str, Mapping[str, Any]] | None = None,
    timeout_s: float | None = None,
) -> Asked:
    text = "get HeartbeatInterval" if action == _GET else "change HeartbeatInterval to 60"
    asked = await station.asked(step, text, action, wanted, command=command, timeout_s=timeout_s)
    for name, value in wanted.items():
        asked.expect(name, value)
    return asked


async def _unanswered(
    station: SimulatedStation,
    action: str,
    wanted: Mapping[str, Any],
    command: tuple[str, Mapping[str, Any]],
    answer: Mapping[str, Any],
) -> None:
    """Nothing is answered; the central system goes on, and asks again when told to."""
    asked = await _asked(station, 1, action, wanted, command, station.configuration.unanswered_s)
    await station.call(2, "Heartbeat", {})
    await asked.ignore()
    await (await _asked(station, 4, action, wanted, command)).answer(answer)


async def _shown(station: SimulatedStation, step: int, *told: tuple[str, str, str]) -> None:
    for component, variable, value in told:
        if not await station.csms.shows_variable(station.configuration.station_id, component, variable, value):
            raise StepFailed(station.step(step), "a CSMS that shows its operator what was told", "something else")
