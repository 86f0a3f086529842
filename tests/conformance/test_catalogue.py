"""The table of Part 6 is whole, and every written case is in it."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.catalogue import CATALOGUE, PROFILES, Need, Role, cases_of
from voltbridge.conformance.csms.cases import CSMS_CASES
from voltbridge.conformance.csms.station import SimulatedStation
from voltbridge.conformance.station.cases import STATION_CASES
from voltbridge.conformance.station.cases_16 import NOT_WRITTEN
from voltbridge.protocol.versions import Version


def test_counts_of_the_document() -> None:
    part6 = [case for case in CATALOGUE.values() if case.version is Version.V201]
    assert Counter(case.role for case in part6) == {Role.STATION: 424, Role.CSMS: 252}
    mandatory = Counter(
        profile for case in cases_of(Role.CSMS) for profile, need in case.profiles.items() if need is Need.MANDATORY
    )
    assert mandatory["Core"] == 105
    assert {profile for case in CATALOGUE.values() for profile in case.profiles} <= set(PROFILES)


def test_ids_and_requirements_are_well_formed() -> None:
    for case in CATALOGUE.values():
        if case.version is Version.V16:
            suffix = "_CS" if case.role is Role.STATION else ""
            assert re.fullmatch(rf"TC16_{case.block}_[A-Za-z]+_[A-Za-z0-9]+{suffix}", case.id), case.id
            of_16 = r"[EJW]?\d+(\.\d+)+|[A-Z]\d\d\.FR\.\d+"
            assert case.requirements and all(re.fullmatch(of_16, one) for one in case.requirements), case.id
            assert all(profile.startswith("1.6 ") for profile in case.profiles), case.id
            continue
        assert re.fullmatch(rf"TC_{case.block}_\d\d+_CS(MS)?", case.id), case.id
        assert all(re.fullmatch(r"[A-P]\d\d\.FR\.\d+", one) for one in case.requirements), case.id


def test_every_case_of_our_own_is_written() -> None:
    ours = {case.id for case in CATALOGUE.values() if case.version is Version.V16}
    written = CSMS_CASES.keys() | STATION_CASES.keys()
    assert ours - written == NOT_WRITTEN.keys()


def test_the_first_cases_are_those_mandatory_in_core() -> None:
    first = {
        case.id
        for case in cases_of(Role.CSMS)
        if case.profiles.get("Core") is Need.MANDATORY
        and (case.block in "BCEGJP" or case.id in ("TC_A_01_CSMS", "TC_A_02_CSMS", "TC_A_03_CSMS"))
    }
    assert len(first) == 66
    assert first <= set(CSMS_CASES)


def test_every_written_case_has_a_title() -> None:
    assert all(case.title for case in CSMS_CASES.values())
    assert all(case.title for case in STATION_CASES.values())


@pytest.mark.parametrize("case_id", ["TC_B_01_CSMS", "TC_B_01_CS"])
def test_a_case_is_registered_once_and_for_its_role(case_id: str) -> None:
    with pytest.raises(ValueError, match=case_id):
        csms_case(case_id)


def test_an_id_must_be_in_the_table() -> None:
    with pytest.raises(KeyError):

        @csms_case("TC_Z_99_CSMS")
        async def unheard_of(station: SimulatedStation) -> None:
            """A case nobody knows."""
