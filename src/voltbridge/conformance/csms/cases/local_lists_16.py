"""1.6: the cache cleared (5.4), local lists sent (5.15) and asked for their version (5.10).

Every message is answered in each way there is, and left without an answer; then the central system has to go on, and to
send the same message again when told to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_ACCEPTED: Final = {"status": "Accepted"}
_SEEN: Final = "Does the CSMS show this answer of the charge point?"
_LIST: Final = "localAuthorizationList"
_CLEAR: Final = "ClearCache"
_VERSION: Final = "GetLocalListVersion"


@csms_case("TC16_C_ClearCache_Accepted")
async def cleared(station: SimulatedStation) -> None:
    """The cache is cleared; a token that was cached is judged by the central system again."""
    await (await _clear(station, 1)).answer(_ACCEPTED, seen=_SEEN)
    response = await station.call(3, "Authorize", {"idTag": station.configuration.tokens.blocked.id_token})
    response.expect("idTagInfo.status", "Blocked")


@csms_case("TC16_C_ClearCache_Rejected")
async def not_cleared(station: SimulatedStation) -> None:
    """The charge point refuses to clear its cache."""
    await (await _clear(station, 1)).answer({"status": "Rejected"}, seen=_SEEN)


@csms_case("TC16_C_ClearCache_TimedOut")
async def clear_unanswered(station: SimulatedStation) -> None:
    """Clearing the cache is not answered."""
    asked = await _clear(station, 1, station.configuration.unanswered_s)
    await station.call(2, "Heartbeat", {})
    await asked.ignore()
    await (await _clear(station, 4)).answer(_ACCEPTED, seen=_SEEN)


@csms_case("TC16_D_Send_Full")
async def full(station: SimulatedStation) -> None:
    """A whole list is sent."""
    await (await _send(station, 1, 1, "Full", _tokens(station))).answer(_ACCEPTED, seen=_SEEN)


@csms_case("TC16_D_Send_Differential")
async def differential(station: SimulatedStation) -> None:
    """A whole list, then a difference that adds one token and removes another."""
    added, removed = _tokens(station)
    await (await _send(station, 1, 1, "Full", [removed])).answer(_ACCEPTED, seen=_SEEN)
    change = [added, {"idTag": removed["idTag"]}]
    await (await _send(station, 3, 2, "Differential", change)).answer(_ACCEPTED, seen=_SEEN)


@csms_case("TC16_D_Send_Empty")
async def empty(station: SimulatedStation) -> None:
    """A whole list without tokens is sent; the charge point then tells version 0."""
    await (await _send(station, 1, 1, "Full", [])).answer(_ACCEPTED, seen=_SEEN)
    await (await _version(station, 3)).answer({"listVersion": 0}, seen=_SEEN)


@csms_case("TC16_D_Send_Failed")
async def failed(station: SimulatedStation) -> None:
    """A difference fails; the whole list follows."""
    await _refused(station, "Failed")


@csms_case("TC16_D_Send_VersionMismatch")
async def version_mismatch(station: SimulatedStation) -> None:
    """A difference is of the wrong version; the whole list follows."""
    await _refused(station, "VersionMismatch")


@csms_case("TC16_D_Send_NotSupported")
async def not_supported(station: SimulatedStation) -> None:
    """The charge point has no local lists, and says so again when asked for the version."""
    await (await _send(station, 1, 1, "Full", _tokens(station))).answer({"status": "NotSupported"}, seen=_SEEN)
    await (await _version(station, 3)).answer({"listVersion": -1}, seen=_SEEN)


@csms_case("TC16_D_Send_TimedOut")
async def send_unanswered(station: SimulatedStation) -> None:
    """A list is not answered; the central system asks for the version, and sends it again."""
    asked = await _send(station, 1, 1, "Full", _tokens(station), station.configuration.unanswered_s)
    await station.call(2, "Heartbeat", {})
    await asked.ignore()
    await (await _version(station, 4)).answer({"listVersion": 0}, seen=_SEEN)
    await (await _send(station, 6, 1, "Full", _tokens(station))).answer(_ACCEPTED, seen=_SEEN)


@csms_case("TC16_D_GetVersion_Accepted")
async def version(station: SimulatedStation) -> None:
    """The version of the list is asked for."""
    await (await _version(station, 1)).answer({"listVersion": 7}, seen=_SEEN)


@csms_case("TC16_D_GetVersion_NotSupported")
async def version_not_supported(station: SimulatedStation) -> None:
    """The version of the list is asked for, and the charge point has no local lists."""
    await (await _version(station, 1)).answer({"listVersion": -1}, seen=_SEEN)


@csms_case("TC16_D_GetVersion_TimedOut")
async def version_unanswered(station: SimulatedStation) -> None:
    """Asking for the version is not answered."""
    asked = await _version(station, 1, station.configuration.unanswered_s)
    await station.call(2, "Heartbeat", {})
    await asked.ignore()
    await (await _version(station, 4)).answer({"listVersion": 7}, seen=_SEEN)


async def _refused(station: SimulatedStation, status: str) -> None:
    entries = _tokens(station)
    await (await _send(station, 1, 2, "Differential", entries)).answer({"status": status}, seen=_SEEN)
    await (await _send(station, 3, 3, "Full", entries)).answer(_ACCEPTED, seen=_SEEN)


async def _clear(station: SimulatedStation, step: int, timeout_s: float | None = None) -> Asked:
    return await station.asked(step, "clear the charge point's cache", _CLEAR, {}, timeout_s=timeout_s)


async def _version(station: SimulatedStation, step: int, timeout_s: float | None = None) -> Asked:
    text = "get the version of the charge point's local list"
    return await station.asked(step, text, _VERSION, {}, timeout_s=timeout_s)


async def _send(
    station: SimulatedStation,
    step: int,
    version: int,
    update_type: str,
    entries: list[Mapping[str, Any]],
    timeout_s: float | None = None,
) -> Asked:
    payload: dict[str, Any] = {"listVersion": version, "updateType": update_type}
    if entries:
        payload[_LIST] = entries
    text = f"send a local list ({update_type}, version {version}) with {len(entries)} tokens: {entries}"
    asked = await station.asked(step, text, "SendLocalList", payload, timeout_s=timeout_s)
    asked.expect("listVersion", version)
    asked.expect("updateType", update_type)
    asked.expect(_LIST, *([entries] if entries else [ABSENT, []]))
    return asked


def _tokens(station: SimulatedStation) -> list[Mapping[str, Any]]:
    tokens = station.configuration.tokens
    return [
        {"idTag": token.id_token, "idTagInfo": {"status": status}}
        for token, status in ((tokens.valid, "Accepted"), (tokens.blocked, "Blocked"))
    ]
