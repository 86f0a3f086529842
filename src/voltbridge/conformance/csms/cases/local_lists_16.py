"""1.6: the cache cleared (5.4), local lists sent (5.15) and asked for their version (5.10).

Every message is answered in each way there is, and left without an answer; then the central system has to go on, and to
send the same message again when told to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.local_list import HeldList
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_ACCEPTED: Final = {"status": "Accepted"}
_SEEN: Final = "Does the CSMS show this answer of the charge point?"
_LIST: Final = "localAuthorizationList"
_CLEAR: Final = "ClearCache"


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
    held = HeldList(station)
    await held.accept(await _send(held, 1, "Full", _tokens(station)), seen=_SEEN)


@csms_case("TC16_D_Send_Differential")
async def differential(station: SimulatedStation) -> None:
    """A whole list, then a difference that adds one token and removes another."""
    added, removed = _tokens(station)
    held = HeldList(station)
    await held.accept(await _send(held, 1, "Full", [removed]), seen=_SEEN)
    change = [added, {"idTag": removed["idTag"]}]
    await held.accept(await _send(held, 3, "Differential", change), seen=_SEEN)


@csms_case("TC16_D_Send_Empty")
async def empty(station: SimulatedStation) -> None:
    """A whole list without tokens is sent; the charge point then tells version 0."""
    held = HeldList(station)
    await held.accept(await _send(held, 1, "Full", []), seen=_SEEN)
    await (await _version(held, 3)).answer({"listVersion": 0}, seen=_SEEN)


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
    held = HeldList(station)
    await (await _send(held, 1, "Full", _tokens(station))).answer({"status": "NotSupported"}, seen=_SEEN)
    await (await _version(held, 3)).answer({"listVersion": -1}, seen=_SEEN)


@csms_case("TC16_D_Send_TimedOut")
async def send_unanswered(station: SimulatedStation) -> None:
    """A list is not answered; the central system asks for the version, and sends it again."""
    held = HeldList(station)
    asked = await _send(held, 1, "Full", _tokens(station), station.configuration.unanswered_s)
    await station.call(2, "Heartbeat", {})
    await asked.ignore()
    await (await _version(held, 4)).answer({"listVersion": 0}, seen=_SEEN)
    await held.accept(await _send(held, 6, "Full", _tokens(station)), seen=_SEEN)


@csms_case("TC16_D_GetVersion_Accepted")
async def version(station: SimulatedStation) -> None:
    """The version of the list is asked for."""
    await (await _version(HeldList(station), 1)).answer({"listVersion": 7}, seen=_SEEN)


@csms_case("TC16_D_GetVersion_NotSupported")
async def version_not_supported(station: SimulatedStation) -> None:
    """The version of the list is asked for, and the charge point has no local lists."""
    await (await _version(HeldList(station), 1)).answer({"listVersion": -1}, seen=_SEEN)


@csms_case("TC16_D_GetVersion_TimedOut")
async def version_unanswered(station: SimulatedStation) -> None:
    """Asking for the version is not answered."""
    held = HeldList(station)
    asked = await _version(held, 1, station.configuration.unanswered_s)
    await station.call(2, "Heartbeat", {})
    await asked.ignore()
    await (await _version(held, 4)).answer({"listVersion": 7}, seen=_SEEN)


async def _refused(station: SimulatedStation, status: str) -> None:
    """A difference is refused, and the whole list follows: by itself, as is recommended (5.15), or when told to."""
    listed, added = _tokens(station)
    held = HeldList(station)
    with station.stage("Memory state"):
        await held.accept(await _send(held, 1, "Full", [listed]))
    asked = await _send(held, 1, "Differential", [added])
    held.version = asked.request.at(held.field)
    whole = [listed, added]
    again = await asked.answer_one_of_several(
        {"status": status}, step=3, otherwise=lambda: _send(held, 3, "Full", whole, unless=True)
    )
    held.check(again, "Full")
    _expect_list(again, whole)
    await held.accept(again, seen=_SEEN)


async def _clear(station: SimulatedStation, step: int, timeout_s: float | None = None) -> Asked:
    command: tuple[str, Mapping[str, Any]] = ("clear_cache", {})
    return await station.asked(step, "clear the charge point's cache", _CLEAR, {}, command=command, timeout_s=timeout_s)


async def _version(held: HeldList, step: int, timeout_s: float | None = None) -> Asked:
    return await held.asked_for(step, "get the version of the charge point's local list", timeout_s)


async def _send(
    held: HeldList,
    step: int,
    update_type: str,
    entries: list[Mapping[str, Any]],
    timeout_s: float | None = None,
    *,
    unless: bool = False,
) -> Asked:
    text = (
        f"send a local list ({update_type}, with a version above {held.version}) with {len(entries)} tokens: {entries}"
    )
    if unless:
        text = f"unless the CSMS does so by itself: {text}"
    asked = await held.sent(step, text, update_type, entries, timeout_s)
    _expect_list(asked, entries)
    return asked


def _expect_list(asked: Asked, entries: list[Mapping[str, Any]]) -> None:
    """These tokens with these statuses, in any order; groups and times may be there as well."""
    told = asked.request.at(_LIST)
    if _statuses([] if told is ABSENT else told) != _statuses(entries):
        shown = "no such field" if told is ABSENT else str(told)
        raise StepFailed(asked.request.step, f"{asked.request.name}.{_LIST} {entries}", shown)


def _statuses(entries: list[Mapping[str, Any]]) -> list[tuple[str, str | None]]:
    """What is said of each token; None: it is removed."""
    return sorted(((entry["idTag"], entry.get("idTagInfo", {}).get("status")) for entry in entries), key=str)


def _tokens(station: SimulatedStation) -> list[Mapping[str, Any]]:
    tokens = station.configuration.tokens
    return [
        {"idTag": token.id_token, "idTagInfo": {"status": status}}
        for token, status in ((tokens.valid, "Accepted"), (tokens.blocked, "Blocked"))
    ]
