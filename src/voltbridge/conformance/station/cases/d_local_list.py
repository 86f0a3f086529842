"""D01, D02: the Local Authorization List, sent, changed, kept and asked for its version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from voltbridge.conformance.failure import NotApplicable
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.memory import id_tokens_in_local_list
from voltbridge.conformance.station.states import (
    booted,
)

__all__: list[str] = []

_VERSION: Final = 7


async def _has_list(csms: SimulatedCsms, *, filled: bool = True) -> None:
    """The station has the feature, switched on, and (Memory State) a list with the valid token."""
    if await csms.value("LocalAuthListCtrlr", "Available") != "true":
        raise NotApplicable("the station has no Local Authorization List")
    await csms.configure("LocalAuthListCtrlr", "Enabled", "true")
    if filled:
        await id_tokens_in_local_list(csms, version=_VERSION)


async def _send(
    csms: SimulatedCsms, update: str, version: int, *entries: Mapping[str, Any], status: str = "Accepted"
) -> None:
    """Steps 1 and 2."""
    request: dict[str, Any] = {"updateType": update, "versionNumber": version}
    if entries:  # an empty list is none (the schema)
        request["localAuthorizationList"] = list(entries)
    (await csms.call(2, "SendLocalList", request)).expect("status", status)


async def _version_is(csms: SimulatedCsms, version: int, *, step: int = 4) -> None:
    (await csms.call(step, "GetLocalListVersion", {})).expect("versionNumber", version)


@station_case("TC_D_01_CS")
async def full(csms: SimulatedCsms) -> None:
    """A full update."""
    await _has_list(csms, filled=False)
    entry = {"idToken": csms.configuration.tokens.valid.wire, "idTokenInfo": {"status": "Accepted"}}
    await _send(csms, "Full", _VERSION, entry)
    await _version_is(csms, _VERSION)


@station_case("TC_D_02_CS")
async def differential(csms: SimulatedCsms) -> None:
    """A differential update that adds."""
    await _has_list(csms)
    entry = {"idToken": csms.configuration.tokens.valid2.wire, "idTokenInfo": {"status": "Accepted"}}
    await _send(csms, "Differential", _VERSION + 1, entry)
    await _version_is(csms, _VERSION + 1)


@station_case("TC_D_03_CS")
async def removed(csms: SimulatedCsms) -> None:
    """A differential update that removes."""
    await _has_list(csms)
    await _send(csms, "Differential", _VERSION + 1, {"idToken": csms.configuration.tokens.valid.wire})
    await _version_is(csms, _VERSION + 1)


@station_case("TC_D_04_CS")
async def full_empty(csms: SimulatedCsms) -> None:
    """A full update without a token."""
    await _has_list(csms)
    await _send(csms, "Full", _VERSION)
    await _version_is(csms, _VERSION)


@station_case("TC_D_05_CS")
async def differential_empty(csms: SimulatedCsms) -> None:
    """A differential update without a token."""
    await _has_list(csms)
    await _send(csms, "Differential", _VERSION + 1)
    await _version_is(csms, _VERSION + 1)


@station_case("TC_D_06_CS")
async def older(csms: SimulatedCsms) -> None:
    """A differential update of an older version."""
    await _has_list(csms)
    entry = {"idToken": csms.configuration.tokens.valid2.wire, "idTokenInfo": {"status": "Accepted"}}
    await _send(csms, "Differential", _VERSION - 1, entry, status="VersionMismatch")
    await _version_is(csms, _VERSION)


@station_case("TC_D_07_CS")
async def persistent(csms: SimulatedCsms) -> None:
    """The list survives a reboot."""
    await _has_list(csms)
    await booted(csms)
    await _version_is(csms, _VERSION, step=2)


@station_case("TC_D_08_CS")
async def version(csms: SimulatedCsms) -> None:
    """The version of the list."""
    await _has_list(csms)
    await _version_is(csms, _VERSION, step=2)


@station_case("TC_D_10_CS")
async def version_disabled(csms: SimulatedCsms) -> None:
    """The version of a list that is switched off."""
    await _has_list(csms, filled=False)
    await csms.configure("LocalAuthListCtrlr", "Enabled", "false")
    await _version_is(csms, 0, step=2)
