"""Cases, and the decorator that registers one under its Part 6 id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from voltbridge.conformance.catalogue import CATALOGUE, Part6Case, Role
from voltbridge.conformance.csms.station import SimulatedStation

__all__ = ["REGISTERED", "CsmsCase", "Play", "Start", "csms_case"]

Play = Callable[[SimulatedStation], Awaitable[None]]
"""Plays the station's part and raises StepFailed when the CSMS does not play its own."""


class Start(Enum):
    """Where the simulated station stands when a case begins."""

    OFFLINE = "offline"
    CONNECTED = "connected"
    BOOTED = "booted"
    """Connected and accepted, its connectors reported available."""


@dataclass(frozen=True, slots=True)
class CsmsCase:
    """A case that tests a CSMS."""

    part6: Part6Case
    title: str
    start: Start
    play: Play


_registered: dict[str, CsmsCase] = {}
REGISTERED: Final[Mapping[str, CsmsCase]] = MappingProxyType(_registered)
"""The cases registered so far. Take ``CSMS_CASES`` of ``voltbridge.conformance.csms.cases`` for all."""


def csms_case(case_id: str, *, start: Start = Start.BOOTED) -> Callable[[Play], Play]:
    """Register the function as the case with this Part 6 id; the first line of its docstring is the title."""
    part6 = CATALOGUE[case_id]
    if part6.role is not Role.CSMS or case_id in _registered:
        raise ValueError(f"{case_id} is not a case for a CSMS, or is registered already")

    def register(play: Play) -> Play:
        title = (play.__doc__ or "").strip().split("\n")[0].removesuffix(".")
        _registered[case_id] = CsmsCase(part6, title, start, play)
        return play

    return register
