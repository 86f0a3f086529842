"""Every case passes against a correct CSMS and fails when a single answer of it is missing or refused."""

from __future__ import annotations

import asyncio

import pytest
from tests.conformance.peers import Fault, Frame, ScriptedCsms, Sent

from voltbridge.conformance.configuration import Configuration
from voltbridge.conformance.csms.cases import CSMS_CASES
from voltbridge.conformance.run import Outcome, Verdict, run_case
from voltbridge.conformance.transcript import Way

pytestmark = pytest.mark.anyio

CONFIGURATION = Configuration(message_timeout_s=60, unanswered_s=0.05)


async def play(case_id: str, fault: Fault) -> Outcome:
    async with ScriptedCsms.serving(CONFIGURATION, fault) as csms:
        await csms.prepare(CONFIGURATION)
        return await run_case(CSMS_CASES[case_id], CONFIGURATION, csms, csms.clock)


def frames_received(outcome: Outcome) -> int:
    """How many frames came from the peer before the case was over."""
    assert outcome.transcript is not None
    count = 0
    for entry in outcome.transcript:
        if entry.text.startswith("what follows"):
            return count
        count += entry.way is Way.RECEIVED and entry.text.startswith("[")
    raise AssertionError("the transcript does not say where the case ends")


@pytest.mark.parametrize("case_id", CSMS_CASES)
async def test_passes_against_a_correct_csms(case_id: str) -> None:
    outcome = await play(case_id, Fault())
    assert outcome.verdict is Verdict.PASSED, outcome.reason


@pytest.mark.parametrize("case_id", CSMS_CASES)
async def test_fails_when_any_one_frame_is_left_out_or_refused(case_id: str) -> None:
    def left_out_at(position: int) -> Fault:
        return Fault(lambda sent: [] if sent.position == position else [sent.frame])

    def refused_at(position: int) -> Fault:
        def tamper(sent: Sent) -> list[Frame]:
            refused = [4, sent.frame[1], "InternalError", "planted", {}]
            return [refused if sent.position == position else sent.frame]

        return Fault(tamper)

    positions = range(frames_received(await play(case_id, Fault())))
    faults = [make(position) for position in positions for make in (left_out_at, refused_at)]
    outcomes = await asyncio.gather(*(play(case_id, fault) for fault in faults))
    for index, outcome in enumerate(outcomes):
        planted = f"frame {index // 2} {'refused' if index % 2 else 'left out'}"
        assert outcome.failure is not None, f"{planted}: {outcome.verdict} {outcome.reason}"
        assert outcome.failure.received.startswith(("CALLERROR", "nothing", "an answer to no")), (
            f"{planted}: {outcome.reason}"
        )
