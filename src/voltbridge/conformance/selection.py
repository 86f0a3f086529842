"""Which cases a run is about."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from voltbridge.conformance.catalogue import CATALOGUE, PROFILES, Part6Case, Role, cases_of

__all__ = ["WrongSelection", "selected"]


class WrongSelection(Exception):
    """There is no such thing; ``option`` is where it was asked for."""

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(problem)
        self.option = option


def selected(role: Role, cases: Sequence[str], blocks: Sequence[str], profiles: Sequence[str]) -> list[Part6Case]:
    """The cases of the role that are named, in one of the blocks and in one of the profiles, where these are given.

    Raises WrongSelection.
    """
    for case_id in cases:
        if case_id not in CATALOGUE:
            near = get_close_matches(case_id, CATALOGUE, n=5, cutoff=0.5)
            similar = (
                f"; there are {', '.join(near)}" if near else ": ids are like TC_B_01_CSMS or TC16_B_Boot_PowerUp_CS"
            )
            raise WrongSelection("--case", f"there is no case {case_id}{similar}")
        if CATALOGUE[case_id].role is not role:
            raise WrongSelection("--case", f"{case_id} tests the other role: give --role")
    for block in blocks:
        if block not in {one.block for one in CATALOGUE.values()}:
            raise WrongSelection("--block", f"there is no block {block}: give a letter from A to P")
    for profile in profiles:
        if profile not in PROFILES:
            raise WrongSelection("--profile", f"there is no profile {profile}: {', '.join(PROFILES)}")
    return [
        one
        for one in cases_of(role)
        if (not cases or one.id in cases)
        and (not blocks or one.block in blocks)
        and (not profiles or not one.profiles.keys().isdisjoint(profiles))
    ]
