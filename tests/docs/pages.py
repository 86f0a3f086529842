"""Pages for people, as tests read them: the commands of their console blocks, and what is said to come back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Step", "blocks", "matches", "steps"]

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Step:
    """A command, and what the page shows of its answer; ``...`` is anything."""

    command: str
    shown: str


def blocks(page: str, language: str) -> list[str]:
    """The page's blocks in a language, without their indentation."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))
        for indent, named, body in _BLOCK.findall(text)
        if named == language
    ]


def steps(page: str) -> list[Step]:
    """The commands of a page in their order, each with the lines after it."""
    return [step for block in blocks(page, "console") for step in _steps(block)]


def _steps(block: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        taken = 1
        while lines[taken - 1].endswith("\\") or "\n".join(lines[:taken]).count("'") % 2:
            taken += 1
        yield Step("\n".join(lines[:taken]), "\n".join(lines[taken:]).strip())


def matches(shown: str, said: str) -> bool:
    """Whether an answer is what the page shows of it; spaces and line ends do not count."""
    pattern = ".*".join(re.escape(_dense(part)) for part in shown.split("..."))
    return re.fullmatch(pattern, _dense(said), re.DOTALL) is not None


def _dense(text: str) -> str:
    return re.sub(r"\s+", "", text)
