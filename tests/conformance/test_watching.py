"""What somebody who waits at a terminal is told of a run."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from voltbridge.conformance.csms.cases import CSMS_CASES
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.own_station import CONFIGURATION, own_station
from voltbridge.conformance.patience import saying
from voltbridge.conformance.progress import Progress, span
from voltbridge.conformance.run import Outcome, Verdict
from voltbridge.conformance.station.cases import STATION_CASES
from voltbridge.conformance.station.door import open_door
from voltbridge.conformance.station.run import run_case
from voltbridge.conformance.transcript import AFTERWARDS, Entry, Way
from voltbridge.conformance.watching import watching
from voltbridge.station.virtual_clock import VirtualClock, run

BOOT = CSMS_CASES["TC_B_01_CSMS"]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"),
        (59.6, "1 min"),
        (59, "59 s"),
        (190, "3 min 10 s"),
        (2400.4, "40 min"),
        (3600, "1 h"),
        (7400, "2 h 3 min"),
    ],
)
def test_spans_in_words(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_a_case_is_counted_and_the_rest_estimated_by_those_before_it() -> None:
    async def main(clock: VirtualClock) -> list[str]:
        progress = Progress(240, clock)
        said = [progress.begun()]
        for _ in range(11):
            await clock.sleep(10)
            progress.ended()
        return [*said, progress.begun()]

    first, twelfth = run(main)
    assert first == "case 1 of 240"
    assert twelfth == "case 12 of 240, 1 min 50 s so far, about 38 min to go"


def watched(*outcomes: Outcome, foreign: bool = True) -> str:
    async def main(clock: VirtualClock) -> str:
        out = io.StringIO()
        console = Console(file=out, width=200, highlight=False)
        with watching(console, 2, clock, foreign=foreign) as watch:
            for outcome in outcomes:
                watch.before(BOOT)
                watch.after(BOOT, outcome)
            assert watch.outcomes == list(outcomes)
            if watch.tell is not None:
                watch.tell("waiting for [BootNotification]")
        return out.getvalue()

    return run(main)


def test_a_failure_is_told_with_its_clause_and_the_last_frames() -> None:
    frames = [Entry(NOON, Way.SENT, f'[2,"{number}","Heartbeat",{{}}]') for number in range(30)]
    transcript = [*frames, Entry(NOON, Way.NOTE, AFTERWARDS), Entry(NOON, Way.SENT, '[2,"99","Heartbeat",{}]')]
    failure = StepFailed("Authorized 2", "AuthorizeResponse", "nothing within 30 s")
    told = watched(Outcome("TC_B_01_CSMS", Verdict.FAILED, str(failure), failure, transcript))
    assert "running  TC_B_01_CSMS" in told
    assert "(case 1 of 2)" in told
    for line in (
        "step      Authorized 2",
        "expected  AuthorizeResponse",
        "received  nothing within 30 s",
        "see       OCPP 2.0.1 Part 6, TC_B_01_CSMS",
        "the last 20 of 30 frames",
        '12:00:00.000000 -> [2,"29",',
        "... waiting for [BootNotification]",
    ):
        assert line in told
    assert '[2,"9",' not in told and '[2,"99"' not in told


def test_our_own_peers_are_not_talked_about() -> None:
    told = watched(Outcome("TC_B_01_CSMS", Verdict.PASSED), foreign=False)
    assert told.split() == ["passed", "TC_B_01_CSMS", *BOOT.title.split()]


def test_only_waits_that_last_are_worth_a_word() -> None:
    async def main(clock: VirtualClock) -> list[str]:
        said: list[str] = []
        for wait_s in (0.5, 2.0):
            with saying(said.append, f"waiting for {wait_s}", 60, clock):
                await clock.sleep(wait_s)
        with saying(said.append, "not so long that one wonders", 0.9, clock):
            await clock.sleep(5)
        with saying(None, "nobody watches", 60, clock):
            await clock.sleep(5)
        await clock.sleep(60)
        return said

    assert run(main) == ["waiting for 2.0 (up to 60 s)"]


def test_a_tester_learns_what_a_case_waits_for() -> None:
    class Nobody:
        """A station that never comes."""

        async def begin(self, *_: object) -> None: ...

        async def end(self) -> None: ...

    async def main(clock: VirtualClock) -> list[str]:
        said: list[str] = []
        case = STATION_CASES["TC_C_06_CS"]
        async with open_door() as door:
            async with own_station(clock) as station:
                outcome = await run_case(case, CONFIGURATION, station, door, clock, tell=said.append)
                assert outcome.verdict is Verdict.PASSED, outcome.reason
            nobody: Any = Nobody()
            outcome = await run_case(case, CONFIGURATION, nobody, door, clock, tell=said.append)
            assert outcome.verdict is Verdict.FAILED
        return said

    said = run(main)
    assert said[-1].startswith("waiting for the station to connect to ws://127.0.0.1:")
    assert said[-1].endswith("/ocpp/VOLTBRIDGE-STATION (up to 200 s)")
