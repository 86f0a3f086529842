"""Every test case of OCPP 2.0.1 Part 6 after the errata of 2025-09, and our own for 1.6: id, role, block, profiles.

The first table names all cases of both roles, written or not, so that a report can say what is missing. A case without
profiles is in the document but no longer part of certification.

1.6 has no public test cases. Those here follow from its text, each named ``TC16_<block>_<message>_<what comes of it>``
(for stations with ``_CS`` at its end) in ``cases_16.csv`` and ``cases_16_station.csv``, with its profile (whose names
begin with 1.6) and what it follows from: sections of 1.6, ``E`` and a section of its errata, ``J`` and one of its JSON
specification, ``W`` and one of the security whitepaper, or a requirement of that.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import Final

from voltbridge.protocol.versions import Version

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
    """Ids of Part 2, such as ``B01.FR.02``, or what a case of 1.6 follows from; empty where the document names none."""
    version: Version = Version.V201

    @property
    def follows_from(self) -> str:
        """What to read when it fails, such as ``OCPP 2.0.1 Part 6, TC_B_12_CS; B11.FR.01``."""
        if self.version is not Version.V16:
            return "; ".join(
                (f"OCPP 2.0.1 Part 6, {self.id}", *([", ".join(self.requirements)] * bool(self.requirements)))
            )
        return "; ".join(map(_place, self.requirements))


PROFILES: Final = (
    "Core",
    "Advanced Security",
    "Local Authorization List Management",
    "Smart Charging",
    "Advanced Device Management",
    "Reservation",
    "Advanced User Interface",
    "ISO 15118 Support",
    "1.6 Core",
    "1.6 Firmware Management",
    "1.6 Local Auth List Management",
    "1.6 Reservation",
    "1.6 Smart Charging",
    "1.6 Remote Trigger",
    "1.6 Security",
)
"""The certification profiles, in the order of Part 5; then the feature profiles of 1.6 and its security extension."""

_ROLES: Final = {"CS": Role.STATION, "CSMS": Role.CSMS}


_BOOKS: Final = {"E": "OCPP 1.6 errata", "J": "OCPP-J 1.6", "W": "OCPP 1.6 security whitepaper"}


def _place(found: str) -> str:
    """A section of 1.6 as a person would name it."""
    letter, section = found[0], found[1:]
    if letter in _BOOKS and section[:1].isdecimal() and ".FR." not in found:
        return f"{_BOOKS[letter]}, {section}"
    return f"{'OCPP 1.6 security whitepaper' if '.FR.' in found else 'OCPP 1.6'}, {found}"


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


def _row_16(row: Mapping[str, str]) -> Part6Case:
    _, block, _, _, *suffix = row["id"].split("_")
    return Part6Case(
        id=row["id"],
        role=Role.STATION if suffix else Role.CSMS,
        block=block,
        profiles=MappingProxyType({f"1.6 {row['profile']}": Need(row.get("need", "M"))}),
        requirements=tuple(row["sections"].split()),
        version=Version.V16,
    )


def _table() -> Mapping[str, Part6Case]:
    of_16 = (*_read("cases_16.csv"), *_read("cases_16_station.csv"))
    cases = [*map(_row, _read("part6_201.csv")), *map(_row_16, of_16)]
    return MappingProxyType({case.id: case for case in cases})


def _read(name: str) -> Iterator[dict[str, str]]:
    text = resources.files("voltbridge.conformance").joinpath(name).read_text("ascii")
    return csv.DictReader(text.splitlines())


CATALOGUE: Final = _table()
"""By id, ordered by role, block and number."""


def cases_of(role: Role) -> tuple[Part6Case, ...]:
    """The cases that test this role."""
    return tuple(case for case in CATALOGUE.values() if case.role is role)
