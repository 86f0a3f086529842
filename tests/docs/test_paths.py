"""Files, folders and pages that the pages for people name are there; the map shows every room."""

from __future__ import annotations

import re
from functools import cache

import pytest
from tests.docs.pages import ROOT

PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
DOCS = tuple(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))
ADRS = tuple(f"adr/{path.name}" for path in sorted((ROOT / "adr").glob("*.md")))
ROOMS = ("src/voltbridge", "src/voltbridge/csms", "src/voltbridge/station")

_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_FENCED = re.compile(r"^ *```\w+\n.*?^ *```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"(?<![\w/.>|*$-])(?P<path>[a-z][\w/]*\.(?:py|md|csv|toml))\b(?!\|)")
_FOLDER = re.compile(r"`(?P<path>[a-z]\w*(?:/\w+)*/)`")
_MODULE = re.compile(r"\b(?:voltbridge|benches)(?:\.[a-z]\w*)+\b(?!\.\w)")

READERS = {"kit.toml", "voltbridge.toml", "receiver.py", "my_csms.py", "my_bench.py"}
"""Files that a reader has, or makes."""


@cache
def _tree() -> str:
    """Every path of the product, each on a line between slashes; folders end with one."""
    folders = ("src", "tests", "docs", "adr", "tools", "benches")
    found = [path for folder in folders for path in (ROOT / folder, *(ROOT / folder).rglob("*"))]
    found += ROOT.glob("*.*")
    shown = (f"/{path.relative_to(ROOT)}{'/' if path.is_dir() else ''}\n" for path in found)
    return "".join(each for each in shown if "__pycache__" not in each)


def _missing(text: str) -> set[str]:
    """What a text names that is not there: paths may begin anywhere below the root."""
    named = {match["path"] for pattern in (_FILE, _FOLDER) for match in pattern.finditer(text)}
    missing = {path for path in named if f"/{path}\n" not in _tree()}
    for module in _MODULE.findall(text):
        path = module.replace(".", "/")
        if not any(f"/{way}\n" in _tree() for way in (f"{path}.py", f"{path}/")):
            missing.add(module)
    return missing - READERS


@pytest.mark.parametrize("page", [*PAGES, *DOCS])
def test_what_a_page_names_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    if page != "ARCHITECTURE.md":
        text = _FENCED.sub("", text)  # commands and files of a reader's own
    assert not _missing(text)


@pytest.mark.parametrize("page", [*PAGES, *DOCS, *ADRS])
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in _LINK.finditer(text):
        target, _, heading = link["target"].partition("#")
        if "://" in target:
            continue
        led = (ROOT / page).parent / target if target else ROOT / page
        assert led.exists(), f"{page}: {target}"
        if heading:
            titles = re.findall(r"^#+ (.*)$", led.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, link[0]


def test_the_front_page_leads_to_every_page() -> None:
    led = {link["target"].partition("#")[0] for link in _LINK.finditer((ROOT / "README.md").read_text("utf-8"))}
    assert led >= {*DOCS, "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "LICENSE"}


def test_every_room_is_on_the_map() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = [
        path.relative_to(ROOT / "src/voltbridge").as_posix()
        for above in ROOMS
        for path in (ROOT / above).iterdir()
        if (path / "__init__.py").exists()
    ]
    assert len(rooms) > 15
    assert not [room for room in rooms if f"{room.removeprefix('station/')}/" not in text]


def test_a_map_can_be_wrong() -> None:
    assert _missing("`csms/gone.py` and `nowhere/`, voltbridge.lost.module; `csms/desk.py` and `adr/`") == {
        "csms/gone.py",
        "nowhere/",
        "voltbridge.lost.module",
    }
