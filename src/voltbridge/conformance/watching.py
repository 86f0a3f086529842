"""What is said of a run while it goes on: a line for each case, and of a failure all one needs to look into it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from voltbridge.conformance.case import CsmsCase
from voltbridge.conformance.patience import Tell
from voltbridge.conformance.progress import Progress
from voltbridge.conformance.run import Outcome, Verdict
from voltbridge.conformance.station.case import StationCase
from voltbridge.conformance.transcript import of_the_case
from voltbridge.domain.clock import Clock

__all__ = ["Watch", "watching"]

_LAST: Final = 20
"""How many frames are shown of a failed case."""
_COLOURS: Final = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.NOT_RUN: "yellow"}


class Watch:
    """Of one run. Keeps the outcomes as they come, so that those of a run that is interrupted are not lost."""

    def __init__(self, console: Console, total: int, clock: Clock, bar: Bar, *, foreign: bool) -> None:
        self._console = console
        self._bar = bar
        self._task: TaskID = bar.add_task("", total=total)
        self._progress = Progress(total, clock)
        self._foreign = foreign
        self.outcomes: list[Outcome] = []

    @property
    def tell(self) -> Tell | None:
        """Says what is waited for, where that can be long."""
        return self._tell if self._foreign else None

    def before(self, case: CsmsCase | StationCase) -> None:
        """A case begins."""
        self._bar.update(self._task, description=case.part6.id)
        if self._foreign:
            said = f"{case.part6.id:13} {escape(case.title)}  [dim]({self._progress.begun()})[/]"
            self._console.print(f"running  {said}")

    def after(self, case: CsmsCase | StationCase, outcome: Outcome) -> None:
        """A case is over."""
        self.outcomes.append(outcome)
        self._progress.ended()
        self._bar.advance(self._task)
        for line in _lines(case, outcome):
            self._console.print(line)

    def _tell(self, what: str) -> None:
        self._console.print(f"         [dim]... {escape(what)}[/]")


@contextmanager
def watching(console: Console, total: int, clock: Clock, *, foreign: bool) -> Iterator[Watch]:
    """A bar on a terminal; for what is not ours and takes its time, words instead, and room for a person's answers."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=foreign or not console.is_terminal) as bar:
        yield Watch(console, total, clock, bar, foreign=foreign)


def _lines(case: CsmsCase | StationCase, outcome: Outcome) -> Iterable[str]:
    yield f"[{_COLOURS[outcome.verdict]}]{outcome.verdict:8}[/] {case.part6.id:13} {escape(case.title)}"
    if outcome.verdict is Verdict.NOT_RUN:
        yield f"         {escape(outcome.reason)}"
    if outcome.verdict is not Verdict.FAILED:
        return
    if outcome.failure is None:
        yield f"         {escape(outcome.reason)}"
    else:
        yield f"         step      {escape(outcome.failure.step)}"
        yield f"         expected  {escape(outcome.failure.expected)}"
        yield f"         received  {escape(outcome.failure.received)}"
    yield f"         see       {escape(case.part6.follows_from)}"
    frames = of_the_case(outcome.transcript or [])
    if len(frames) > _LAST:
        yield f"         [dim](the last {_LAST} of {len(frames)} frames and notes; all of them: --report FILE)[/]"
    for entry in frames[-_LAST:]:
        yield f"         [dim]{escape(str(entry))}[/]"
