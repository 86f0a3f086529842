"""Every test case of OCPP 2.0.1 Part 6 after the errata of 2025-09: id, role, block, profiles, requirements.

The table names all cases of both roles, written or not, so that a report can say what is missing. A case without
profiles is in the document but no longer part of certification.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import Final

__all__ = ["CATALOGUE", "PROFILES", "Need", "Part6Case", "Role", "cases_of"]


class Role(StrEnum):
    """The system under test."""

    CSMS = "csms"
    STATION = "station"


class Need(StrEnum):
    """What a certification profile says of a case (Part 5)."""

    MANDATORY = "M"
    CONDITIONAL = "C"


@dataclass(frozen=True, slots=True)
class Part6Case:
    """One row of the table."""

    id: str
    role: Role
    block: str
    """The letter of the functional block."""
    profiles: Mapping[str, Need]
    requirements: tuple[str, ...]
    """Ids of Part 2, such as ``B01.FR.02``; empty where the document names none."""


PROFILES: Final = (
    "Core",
    "Advanced Security",
    "Local Authorization List Management",
    "Smart Charging",
    "Advanced Device Management",
    "Reservation",
    "Advanced User Interface",
    "ISO 15118 Support",
)
"""The certification profiles, in the order of Part 5."""

_ROLES: Final = {"CS": Role.STATION, "CSMS": Role.CSMS}


def _row(row: Mapping[str, str]) -> Part6Case:
    _, block, _, suffix = row["id"].split("_")
    needs = (entry.rsplit(":", 1) for entry in row["profiles"].split(";") if entry)
    return Part6Case(
        id=row["id"],
        role=_ROLES[suffix],
        block=block,
        profiles=MappingProxyType({profile: Need(need) for profile, need in needs}),
        requirements=tuple(row["requirements"].split()),
    )


def _table() -> Mapping[str, Part6Case]:
    text = resources.files("voltbridge.conformance").joinpath("part6_201.csv").read_text("ascii")
    cases = map(_row, csv.DictReader(text.splitlines()))
    return MappingProxyType({case.id: case for case in cases})


CATALOGUE: Final = _table()
"""By id, ordered by role, block and number."""


def cases_of(role: Role) -> tuple[Part6Case, ...]:
    """The cases that test this role."""
    return tuple(case for case in CATALOGUE.values() if case.role is role)
