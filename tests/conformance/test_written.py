"""A run as JUnit XML and as a page: what is in them, whatever a peer has sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt

from voltbridge.conformance.catalogue import CATALOGUE, Role
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.junit import as_junit
from voltbridge.conformance.pages import About, as_page
from voltbridge.conformance.report import results
from voltbridge.conformance.run import Outcome, Verdict
from voltbridge.conformance.transcript import AFTERWARDS, Entry, Way

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NASTY = '[3,"1",{"a":"```|<script>\x00\ud800]]>&"}]'
FAILURE = StepFailed("Authorized 2", 'idTokenInfo.status "Accepted"', "no such field | <b>")
OUTCOMES = (
    Outcome("TC_B_01_CSMS", Verdict.PASSED, took_s=1.25),
    Outcome("TC_C_47_CSMS", Verdict.NOT_RUN, "it needs a station with two EVSEs (evses)"),
    Outcome(
        "TC_C_02_CSMS",
        Verdict.FAILED,
        str(FAILURE),
        FAILURE,
        [Entry(NOON, Way.RECEIVED, NASTY), Entry(NOON, Way.NOTE, AFTERWARDS), Entry(NOON, Way.SENT, "later")],
        2.5,
    ),
    Outcome("TC_B_06_CSMS", Verdict.FAILED, "the CSMS could not be told to act: HTTP 500", None, [], 0.25),
)
TITLES = {one.case_id: f"title of {one.case_id}" for one in OUTCOMES}


def test_junit_has_every_outcome_with_what_led_to_it() -> None:
    suite = ElementTree.fromstring(as_junit(Role.CSMS, OUTCOMES, TITLES).encode()).find("testsuite")
    assert suite is not None
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped", "time")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
        "time": "4.000",
    }
    passed, skipped, failed, broken = suite.findall("testcase")
    assert passed.get("name") == "TC_B_01_CSMS title of TC_B_01_CSMS" and len(passed) == 0
    assert passed.get("classname") == "csms.B"
    assert skipped[0].tag == "skipped" and "two EVSEs" in str(skipped[0].get("message"))
    assert failed[0].tag == "failure" and "no such field" in str(failed[0].get("message"))
    assert "OCPP 2.0.1 Part 6, TC_C_02_CSMS" in str(failed[0].text)
    assert "<script>\ufffd\ufffd]]>&" in str(failed[0].text) and "later" not in str(failed[0].text)
    assert broken[0].tag == "error" and "HTTP 500" in str(broken[0].get("message"))


def page(name: str) -> str:
    about = About(Role.CSMS, "the CSMS at ws://host/<x>", NOON)
    return as_page(Path(name), about, OUTCOMES, TITLES, results(Role.CSMS, OUTCOMES))


@pytest.mark.parametrize("name", ["run.md", "run.html", "RUN.HTM"])
def test_a_page_tells_what_failed_and_why(name: str) -> None:
    text = page(name)
    shown = text if not name.endswith("md") else MarkdownIt().enable("table").render(text)
    for told in (
        "2026-03-01 12:00",
        "1 passed, 2 failed, 1 did not run",
        "<h3>TC_C_02_CSMS: title of TC_C_02_CSMS</h3>",
        "<td>Authorized 2</td>",
        "<td>no such field | &lt;b&gt;</td>",
        "OCPP 2.0.1 Part 6, TC_C_02_CSMS",
        "&lt;script&gt;",
        "HTTP 500",
        "it needs a station with two EVSEs (evses)",
        "title of TC_B_01_CSMS",
        "<td>1 of 105</td>",
    ):
        assert told in shown, told
    assert "<script>" not in shown and "<b>" not in shown and "later" not in shown


def test_where_to_read_about_a_case() -> None:
    assert CATALOGUE["TC_B_41_CS"].follows_from == "OCPP 2.0.1 Part 6, TC_B_41_CS; B12.FR.01, B12.FR.03, E07.FR.03"
    assert CATALOGUE["TC16_B_Boot_Accepted_CS"].follows_from == "OCPP 1.6, 4.2; OCPP 1.6 errata, 3.22"
    assert all(case.follows_from for case in CATALOGUE.values())


@pytest.mark.parametrize(
    "payload",
    [
        {
            "setVariableData": [
                {
                    "component": {"name": "SecurityCtrlr"},
                    "variable": {"name": "BasicAuthPassword"},
                    "attributeValue": "s3cret",
                },
                {"component": {"name": "A"}, "variable": {"name": "B"}, "attributeValue": "shown"},
            ]
        },
        {"key": "AuthorizationKey", "value": "s3cret", "also": "shown"},
        {"connectionData": {"basicAuthPassword": "s3cret", "apn": {"apnPassword": "s3cret"}, "also": "shown"}},
        {"connectionData": {"vpn": {"password": "s3cret", "also": "shown"}}},
    ],
)
def test_frames_are_shown_without_the_passwords_in_them(payload: dict[str, Any]) -> None:
    text = json.dumps([2, "1", "Any", payload])
    shown = str(Entry(NOON, Way.SENT, text))
    assert "s3cret" not in shown and "***" in shown and "shown" in shown
