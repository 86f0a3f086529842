"""Block D: local lists sent whole and by difference, emptied, and asked for their version.

A difference is due only where the CSMS has sent a list before (D01.FR.03), so it has sent one in the cases about them.
Asking for the version is left to the CSMS wherever it sends a list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.configuration import Token
from voltbridge.conformance.csms.local_list import HeldList
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_LIST: Final = "localAuthorizationList"
_VERSION: Final = 1
"""What the station says it has where it has a list that nobody has sent."""
_SEEN: Final = "Does the CSMS show the version of the list that the station tells?"


@csms_case("TC_D_01_CSMS")
async def full(station: SimulatedStation) -> None:
    """A whole list is sent; asking for the version first is optional."""
    held = HeldList(station, _VERSION)
    asked = await _sent(held, 3, "Full", _both(station))
    _list_of(asked, "not empty", lambda entries: bool(entries))
    await held.accept(asked)


@csms_case("TC_D_02_CSMS")
async def differential(station: SimulatedStation) -> None:
    """The version is asked for, and a list is sent by difference."""
    held = await _list_with(station, [station.configuration.tokens.valid])
    await (await _version(held, 1)).answer({"versionNumber": held.version}, seen=_SEEN)
    asked = await _sent(held, 3, "Differential", [station.configuration.tokens.valid2])
    _list_of(asked, "not empty", lambda entries: bool(entries))
    await held.accept(asked)


@csms_case("TC_D_03_CSMS")
async def differential_removal(station: SimulatedStation) -> None:
    """A list is sent by difference that removes idTokens."""
    held = await _list_with(station, _both(station))
    asked = await _sent(held, 1, "Differential", _both(station), removed=True)
    _list_of(
        asked,
        "entries without idTokenInfo",
        lambda entries: bool(entries) and all("idTokenInfo" not in entry for entry in entries),
    )
    await held.accept(asked)


@csms_case("TC_D_04_CSMS")
async def full_and_empty(station: SimulatedStation) -> None:
    """A whole list without idTokens is sent."""
    held = HeldList(station)
    asked = await _sent(held, 1, "Full", [])
    asked.expect(_LIST, ABSENT)
    await held.accept(asked)


@csms_case("TC_D_08_CSMS")
async def version(station: SimulatedStation) -> None:
    """The version of the list is asked for."""
    await (await _version(HeldList(station), 1)).answer({"versionNumber": _VERSION}, seen=_SEEN)


@csms_case("TC_D_09_CSMS")
async def version_of_none(station: SimulatedStation) -> None:
    """The version of the list is asked for, and there is no list."""
    await (await _version(HeldList(station), 1)).answer({"versionNumber": 0}, seen=_SEEN)


async def _list_with(station: SimulatedStation, tokens: Sequence[Token]) -> HeldList:
    """A station that has been sent these."""
    held = HeldList(station)
    with station.stage("Memory state"):
        await held.accept(await _sent(held, 1, "Full", tokens))
    return held


async def _sent(
    held: HeldList, step: int, update_type: str, tokens: Sequence[Token], *, removed: bool = False
) -> Asked:
    group = held.station.configuration.tokens.group.wire
    info = {} if removed else {"idTokenInfo": {"status": "Accepted", "groupIdToken": group}}
    what = ", ".join(token.id_token for token in tokens) or "no idTokens"
    text = (
        f"send the station a local authorization list ({update_type}) "
        f"{'that removes' if removed else 'with'} {what}, with a version above {held.version}"
    )
    return await held.sent(step, text, update_type, [{"idToken": token.wire, **info} for token in tokens])


async def _version(held: HeldList, step: int) -> Asked:
    return await held.asked_for(step, "get the version of the station's local list")


def _list_of(asked: Asked, wanted: str, holds: Callable[[list[Mapping[str, Any]]], bool]) -> None:
    told = asked.request.at(_LIST)
    if told is ABSENT or not holds(told):
        shown = "no such field" if told is ABSENT else f"{len(told)} entries"
        raise StepFailed(asked.request.step, f"{asked.request.name}.{_LIST} {wanted}", shown)


def _both(station: SimulatedStation) -> list[Token]:
    tokens = station.configuration.tokens
    return [tokens.valid, tokens.valid2]
