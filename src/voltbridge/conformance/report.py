"""The result of a run as a file, and the count of it by profile and block.

The file is JSON: ``{"profiles": {NAME: {"mandatory": n, "passed": n, "conditional": n, "conditional_passed": n}},
"cases": {ID: "passed" | "failed" | "not run: reason"}}``. ``cases`` names every case of the roles it is about, so
that nothing is missing silently; what did not run counts nowhere as passed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from voltbridge.conformance.catalogue import CATALOGUE, PROFILES, Need, Role, cases_of
from voltbridge.conformance.csms.cases import CSMS_CASES
from voltbridge.conformance.run import Outcome
from voltbridge.conformance.station.cases import STATION_CASES

__all__ = ["Count", "InvalidReport", "as_json", "count", "read_report", "results"]


class InvalidReport(Exception):
    """The file is no report; the text says why."""


_WRITTEN: Final = CSMS_CASES.keys() | STATION_CASES.keys()


@dataclass(frozen=True, slots=True)
class Count:
    """The cases of one profile, in one block or in all."""

    mandatory: int
    passed: int
    conditional: int
    conditional_passed: int
    failed: int
    not_run: int


def results(
    role: Role, outcomes: Iterable[Outcome], others: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """The result of every case of the role, by id; ``others`` of those that did not run now."""
    ran = {**others, **{outcome.case_id: outcome.result for outcome in outcomes}}
    return {
        case.id: ran.get(case.id, "not run: not selected" if case.id in _WRITTEN else "not run: no case written yet")
        for case in cases_of(role)
    }


def count(cases: Mapping[str, str], profile: str, block: str | None = None) -> Count:
    """Count the results of the cases that belong to the profile (and block)."""
    rows = [
        (CATALOGUE[case_id].profiles[profile], result)
        for case_id, result in cases.items()
        if profile in CATALOGUE[case_id].profiles and block in (None, CATALOGUE[case_id].block)
    ]
    return Count(
        mandatory=sum(need is Need.MANDATORY for need, _ in rows),
        passed=sum(need is Need.MANDATORY and result == "passed" for need, result in rows),
        conditional=sum(need is Need.CONDITIONAL for need, _ in rows),
        conditional_passed=sum(need is Need.CONDITIONAL and result == "passed" for need, result in rows),
        failed=sum(result == "failed" for _, result in rows),
        not_run=sum(result.startswith("not run") for _, result in rows),
    )


def as_json(cases: Mapping[str, str]) -> str:
    """The file's text."""
    profiles = {}
    for profile in _profiles_in(cases):
        counted = count(cases, profile)
        profiles[profile] = {
            "mandatory": counted.mandatory,
            "passed": counted.passed,
            "conditional": counted.conditional,
            "conditional_passed": counted.conditional_passed,
        }
    return json.dumps({"profiles": profiles, "cases": dict(cases)}, indent=2) + "\n"


def read_report(path: Path) -> dict[str, str]:
    """The results in a file; raises InvalidReport."""
    try:
        document: Any = json.loads(path.read_bytes())
        cases: dict[str, str] = document["cases"]
        unknown = [case_id for case_id in cases if case_id not in CATALOGUE]
        good = all(result in ("passed", "failed") or result.startswith("not run: ") for result in cases.values())
    except OSError as error:
        raise InvalidReport(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidReport(f"{path} was not written by a conformance run") from error
    if unknown or not good:
        raise InvalidReport(f"{path} was not written by a conformance run" + "".join(f": {one}" for one in unknown[:1]))
    return cases


def _profiles_in(cases: Mapping[str, str]) -> Iterator[str]:
    return (profile for profile in PROFILES if any(profile in CATALOGUE[case_id].profiles for case_id in cases))
