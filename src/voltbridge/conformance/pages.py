"""The outcomes of a run as a page to read: Markdown, or HTML where the file is called so.

First what was tested and how much of it passed, by profile; then every failed case with the step, what was expected,
what came instead, where that is written, and all frames; then what did not run, with the reasons, and what passed.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from voltbridge.conformance.catalogue import CATALOGUE, PROFILES, Role
from voltbridge.conformance.progress import span
from voltbridge.conformance.report import count
from voltbridge.conformance.run import Outcome, Verdict
from voltbridge.conformance.transcript import of_the_case

__all__ = ["SUFFIXES", "About", "as_page"]

SUFFIXES = (".md", ".html", ".htm")
"""Of files that a page can be written to."""


@dataclass(frozen=True, slots=True)
class About:
    """What a page is about."""

    role: Role
    target: str
    """The system under test, in words."""
    at: datetime


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class _Paragraph:
    text: str


@dataclass(frozen=True, slots=True)
class _Rows:
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Frames:
    lines: Sequence[str]


_Block = _Heading | _Paragraph | _Rows | _Frames


def as_page(
    file: Path, about: About, outcomes: Sequence[Outcome], titles: Mapping[str, str], results: Mapping[str, str]
) -> str:
    """The text of the file, in the language its name ends with; ``results`` of all cases of the role, by id."""
    blocks = list(_blocks(about, outcomes, titles, results))
    return _as_html(blocks) if file.suffix.lower() in (".html", ".htm") else _as_markdown(blocks)


def _blocks(
    about: About, outcomes: Sequence[Outcome], titles: Mapping[str, str], results: Mapping[str, str]
) -> Iterable[_Block]:
    of = {verdict: [one for one in outcomes if one.verdict is verdict] for verdict in Verdict}
    yield _Heading(1, f"OCPP conformance: {about.target}")
    yield _Paragraph(
        f"Role {about.role}, {about.at:%Y-%m-%d %H:%M} UTC. {len(of[Verdict.PASSED])} passed, "
        f"{len(of[Verdict.FAILED])} failed, {len(of[Verdict.NOT_RUN])} did not run; "
        f"{span(sum(one.took_s for one in outcomes))} by the clock of the run."
    )
    counted = [(profile, count(results, profile)) for profile in PROFILES]
    head = ("Profile", "Mandatory passed", "Conditional passed", "Failed", "Not run")
    rows = [
        (
            name,
            f"{one.passed} of {one.mandatory}",
            f"{one.conditional_passed} of {one.conditional}",
            str(one.failed),
            str(one.not_run),
        )
        for name, one in counted
        if one.mandatory or one.conditional
    ]
    yield _Rows(head, rows)
    if of[Verdict.FAILED]:
        yield _Heading(2, "Failed")
        for outcome in of[Verdict.FAILED]:
            yield from _failed(outcome, titles)
    lists: list[tuple[Verdict, tuple[str, ...]]] = [
        (Verdict.NOT_RUN, ("Case", "", "Why not")),
        (Verdict.PASSED, ("Case", "")),
    ]
    for verdict, columns in lists:
        if of[verdict]:
            yield _Heading(2, verdict.value.capitalize())
            yield _Rows(
                columns, [(one.case_id, titles.get(one.case_id, ""), one.reason)[: len(columns)] for one in of[verdict]]
            )


def _failed(outcome: Outcome, titles: Mapping[str, str]) -> Iterable[_Block]:
    yield _Heading(3, f"{outcome.case_id}: {titles.get(outcome.case_id, '')}")
    rows = [("Follows from", CATALOGUE[outcome.case_id].follows_from)]
    if outcome.failure is None:
        rows.append(("Reason", outcome.reason))
    else:
        failure = outcome.failure
        rows += [("Step", failure.step), ("Expected", failure.expected), ("Received", failure.received)]
    yield _Rows(("", ""), rows)
    yield _Frames([str(entry) for entry in of_the_case(outcome.transcript or [])])


def _as_markdown(blocks: Iterable[_Block]) -> str:
    parts = []
    for block in blocks:
        match block:
            case _Heading(level, text):
                parts.append(f"{'#' * level} {_plain(text)}")
            case _Paragraph(text):
                parts.append(_plain(text))
            case _Rows(head, rows):
                table = [head, ["---"] * len(head), *([_plain(cell) for cell in row] for row in rows)]
                parts.append("\n".join("| " + " | ".join(row) + " |" for row in table))
            case _Frames(lines):
                # A fence longer than any that a frame may hold.
                fence = "`" * max(3, *(_longest_fence(line) + 1 for line in lines), 3)
                parts.append("\n".join((f"{fence}text", *lines, fence)))
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """As text, whatever Markdown means by some of its characters."""
    one_line = " ".join(text.split())
    return "".join(f"\\{one}" if one in "\\`*_[]<>|" else one for one in one_line)


def _longest_fence(line: str) -> int:
    longest = run = 0
    for one in line:
        run = run + 1 if one == "`" else 0
        longest = max(longest, run)
    return longest


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}"
    "td,th{border:1px solid #8888;padding:.25rem .6rem;text-align:left;vertical-align:top}"
    "pre{overflow:auto;border:1px solid #8888;padding:.6rem;font-size:.85rem}"
)


def _as_html(blocks: Sequence[_Block]) -> str:
    title = next(block.text for block in blocks if isinstance(block, _Heading))
    body = []
    for block in blocks:
        match block:
            case _Heading(level, text):
                body.append(f"<h{level}>{html.escape(text)}</h{level}>")
            case _Paragraph(text):
                body.append(f"<p>{html.escape(text)}</p>")
            case _Rows(head, rows):
                cells = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
                first = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
                named = [f"<thead><tr>{first}</tr></thead>"] if any(head) else []
                body.append("<table>" + "".join([*named, *(f"<tr>{row}</tr>" for row in cells)]) + "</table>")
            case _Frames(lines):
                shown = html.escape("\n".join(lines))
                body.append(f"<details><summary>{len(lines)} frames and notes</summary><pre>{shown}</pre></details>")
    head_of_page = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{_STYLE}</style>'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head_of_page}</head>\n<body>\n'
        + "\n".join(body)
        + "\n</body></html>\n"
    )
