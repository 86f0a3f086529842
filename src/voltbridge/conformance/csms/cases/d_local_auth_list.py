"""Block D: local lists sent whole and by difference, emptied, and asked for their version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.configuration import Token
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_LIST: Final = "localAuthorizationList"
_VERSION: Final = 1
"""What the station says it has where it has a list."""
_SEEN: Final = "Does the CSMS show the version of the list that the station tells?"


@csms_case("TC_D_01_CSMS")
async def full(station: SimulatedStation) -> None:
    """A whole list is sent; asking for the version first is optional, and left out."""
    asked = await _send(station, 3, "Full", _tokens(station))
    _list_of(asked, "not empty", lambda entries: bool(entries))
    _version_above(asked, 0)
    await asked.answer({"status": "Accepted"})


@csms_case("TC_D_02_CSMS")
async def differential(station: SimulatedStation) -> None:
    """The version is asked for, and a list is sent by difference."""
    await (await _version(station, 1)).answer({"versionNumber": _VERSION}, seen=_SEEN)
    asked = await _send(station, 3, "Differential", _tokens(station))
    _list_of(asked, "not empty", lambda entries: bool(entries))
    _version_above(asked, _VERSION)
    await asked.answer({"status": "Accepted"})


@csms_case("TC_D_03_CSMS")
async def differential_removal(station: SimulatedStation) -> None:
    """A list is sent by difference that removes idTokens."""
    asked = await _send(station, 1, "Differential", [{"idToken": token.wire} for token in _both(station)])
    _list_of(
        asked,
        "entries without idTokenInfo",
        lambda entries: bool(entries) and all("idTokenInfo" not in entry for entry in entries),
    )
    _version_above(asked, _VERSION)
    await asked.answer({"status": "Accepted"})


@csms_case("TC_D_04_CSMS")
async def full_and_empty(station: SimulatedStation) -> None:
    """A whole list without idTokens is sent."""
    asked = await _send(station, 1, "Full", [])
    asked.expect(_LIST, ABSENT)
    _version_above(asked, 0)
    await asked.answer({"status": "Accepted"})


@csms_case("TC_D_08_CSMS")
async def version(station: SimulatedStation) -> None:
    """The version of the list is asked for."""
    await (await _version(station, 1)).answer({"versionNumber": _VERSION}, seen=_SEEN)


@csms_case("TC_D_09_CSMS")
async def version_of_none(station: SimulatedStation) -> None:
    """The version of the list is asked for, and there is no list."""
    await (await _version(station, 1)).answer({"versionNumber": 0}, seen=_SEEN)


async def _send(station: SimulatedStation, step: int, update_type: str, entries: list[dict[str, Any]]) -> Asked:
    payload: dict[str, Any] = {"versionNumber": _VERSION + 1, "updateType": update_type}
    if entries:
        payload[_LIST] = entries
    what = f"{len(entries)} idTokens" if entries else "no idTokens"
    text = f"send the station a local authorization list ({update_type}) with {what} and a version above {_VERSION}"
    asked = await station.asked(step, text, "SendLocalList", payload)
    asked.expect("updateType", update_type)
    return asked


async def _version(station: SimulatedStation, step: int) -> Asked:
    return await station.asked(step, "get the version of the station's local list", "GetLocalListVersion", {})


def _version_above(asked: Asked, least: int) -> None:
    """D01.FR.18, D01.FR.19."""
    told = asked.request.at("versionNumber")
    if told <= least:
        raise StepFailed(asked.request.step, f"{asked.request.name}.versionNumber above {least}", str(told))


def _list_of(asked: Asked, wanted: str, holds: Callable[[list[Mapping[str, Any]]], bool]) -> None:
    told = asked.request.at(_LIST)
    if told is ABSENT or not holds(told):
        shown = "no such field" if told is ABSENT else f"{len(told)} entries"
        raise StepFailed(asked.request.step, f"{asked.request.name}.{_LIST} {wanted}", shown)


def _tokens(station: SimulatedStation) -> list[dict[str, Any]]:
    group = station.configuration.tokens.group.wire
    return [
        {"idToken": token.wire, "idTokenInfo": {"status": "Accepted", "groupIdToken": group}}
        for token in _both(station)
    ]


def _both(station: SimulatedStation) -> list[Token]:
    tokens = station.configuration.tokens
    return [tokens.valid, tokens.valid2]
