"""What a run leaves behind, and what is counted of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from voltbridge.conformance.catalogue import Role, cases_of
from voltbridge.conformance.report import InvalidReport, as_json, count, read_report, results
from voltbridge.conformance.run import Outcome, Verdict

OUTCOMES = (
    Outcome("TC_B_01_CSMS", Verdict.PASSED),
    Outcome("TC_B_06_CSMS", Verdict.FAILED, "step 1"),
    Outcome("TC_C_47_CSMS", Verdict.NOT_RUN, "no second EVSE"),
)


def test_every_case_of_the_role_has_a_result() -> None:
    cases = results(Role.CSMS, OUTCOMES)
    assert len(cases) == len(cases_of(Role.CSMS))
    assert cases["TC_B_01_CSMS"] == "passed"
    assert cases["TC_B_06_CSMS"] == "failed"
    assert cases["TC_C_47_CSMS"] == "not run: no second EVSE"
    assert cases["TC_B_09_CSMS"] == "not run: not selected"
    assert cases["TC_M_01_CSMS"] == "not run: no case written yet"


def test_only_what_passed_is_counted() -> None:
    counted = count(results(Role.CSMS, OUTCOMES), "Core", "B")
    assert (counted.mandatory, counted.passed) == (9, 1)
    assert (counted.conditional, counted.conditional_passed) == (10, 0)
    assert (counted.failed, counted.not_run) == (1, 17)
    assert count(results(Role.CSMS, OUTCOMES), "Core").passed == 1


def test_a_case_counts_in_each_of_its_profiles() -> None:
    cases = results(Role.CSMS, [Outcome("TC_B_12_CSMS", Verdict.PASSED)])
    assert count(cases, "Core").conditional_passed == 1
    assert count(cases, "Core").passed == 0
    assert count(cases, "Advanced Device Management").passed == 1


def test_the_file_reads_back(tmp_path: Path) -> None:
    cases = results(Role.CSMS, OUTCOMES)
    file = tmp_path / "results.json"
    file.write_text(as_json(cases))
    assert read_report(file) == cases
    document = json.loads(file.read_text())
    assert set(document) == {"profiles", "cases"}
    assert document["profiles"]["Core"] == {
        "mandatory": 105,
        "passed": 1,
        "conditional": 27,
        "conditional_passed": 0,
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"cases": []}',
        '{"cases": {"TC_B_01_CSMS": 1}}',
        '{"cases": {"TC_B_01_CSMS": "great"}}',
        '{"cases": {"TC_X_01_CSMS": "passed"}}',
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)
    with pytest.raises(InvalidReport, match=r"other\.json"):
        read_report(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidReport, match="No such file"):
        read_report(tmp_path / "none.json")
