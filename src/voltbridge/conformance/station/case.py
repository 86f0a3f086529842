"""Cases that test a charging station, and the decorator that registers one under its Part 6 id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from voltbridge.conformance.catalogue import CATALOGUE, Part6Case, Role
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.csms import SimulatedCsms

__all__ = ["REGISTERED", "Play", "Play16", "StationCase", "charge_point_case", "station_case"]

Play = Callable[[SimulatedCsms], Awaitable[None]]
"""Plays the CSMS's part and raises StepFailed when the station does not play its own.

When it begins the station is connected, accepted, idle, and has nothing more to say.
"""

Play16 = Callable[[CentralSystem], Awaitable[None]]
"""The same for the cases of 1.6."""


@dataclass(frozen=True, slots=True)
class StationCase:
    """A case that tests a charging station."""

    part6: Part6Case
    title: str
    play: Play
    secure: bool = False
    """It is about TLS: the station is connected to an endpoint with it, whose certificate is by the old root."""


_registered: dict[str, StationCase] = {}
REGISTERED: Final[Mapping[str, StationCase]] = MappingProxyType(_registered)
"""The cases registered so far. Take ``STATION_CASES`` of ``voltbridge.conformance.station.cases`` for all."""


def station_case(case_id: str, *, secure: bool = False) -> Callable[[Play], Play]:
    """Register the function as the case with this Part 6 id; the first line of its docstring is the title.

    ``secure``: see ``StationCase``.
    """
    part6 = CATALOGUE[case_id]
    if part6.role is not Role.STATION or case_id in _registered:
        raise ValueError(f"{case_id} is not a case for a charging station, or is registered already")

    def register(play: Play) -> Play:
        title = (play.__doc__ or "").strip().split("\n")[0].removesuffix(".")
        _registered[case_id] = StationCase(part6, title, play, secure)
        return play

    return register


def charge_point_case(case_id: str) -> Callable[[Play16], Play16]:
    """As ``station_case``, for a case of 1.6."""

    def register(play: Play16) -> Play16:
        async def with_central_system(csms: SimulatedCsms) -> None:
            assert isinstance(csms, CentralSystem)
            await play(csms)

        with_central_system.__doc__ = play.__doc__
        station_case(case_id)(with_central_system)
        return play

    return register
