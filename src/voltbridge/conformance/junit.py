"""The outcomes of a run as JUnit XML, which continuous integration servers show.

A case that did not run is ``skipped``; one whose system under test did the wrong thing is a ``failure``, and one that
could not be played to its end, such as for a driver that fails, an ``error``. Each carries the frames that led to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from xml.etree import ElementTree

from voltbridge.conformance.catalogue import CATALOGUE, Role
from voltbridge.conformance.run import Outcome, Verdict
from voltbridge.conformance.transcript import of_the_case

__all__ = ["as_junit"]

_UNSPEAKABLE: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(role: Role, outcomes: Iterable[Outcome], titles: Mapping[str, str]) -> str:
    """The file's text; ``titles`` by the id of the case."""
    suite = ElementTree.Element("testsuite", name=f"voltbridge conformance {role}")
    counted = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    took_s = 0.0
    for outcome in outcomes:
        counted["tests"] += 1
        took_s += outcome.took_s
        block = f"{role}.{CATALOGUE[outcome.case_id].block}"
        name = f"{outcome.case_id} {titles.get(outcome.case_id, '')}".strip()
        case = ElementTree.SubElement(suite, "testcase", classname=block, name=name, time=f"{outcome.took_s:.3f}")
        if outcome.verdict is Verdict.NOT_RUN:
            counted["skipped"] += 1
            ElementTree.SubElement(case, "skipped", message=_written(outcome.reason))
        elif outcome.verdict is Verdict.FAILED:
            kind = "error" if outcome.failure is None else "failure"
            counted[f"{kind}s"] += 1
            told = ElementTree.SubElement(case, kind, message=_written(outcome.reason))
            frames = "\n".join(map(str, of_the_case(outcome.transcript or [])))
            told.text = _written(f"follows from {CATALOGUE[outcome.case_id].follows_from}\n{frames}\n")
    suite.attrib |= {name: str(number) for name, number in counted.items()} | {"time": f"{took_s:.3f}"}
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _written(text: str) -> str:
    """Without the characters that XML cannot say, which a peer may well have sent."""
    return _UNSPEAKABLE.sub("\ufffd", text)
