"""No case passes a CSMS that is wrong in what the case is about."""

from __future__ import annotations

import pytest
from tests.conformance.peers import Fault
from tests.conformance.test_cases import play
from tests.conformance.wrong_peers import WRONG_PEERS, WrongPeer

from voltbridge.conformance.csms.cases import CSMS_CASES
from voltbridge.conformance.received import Received

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "peer", WRONG_PEERS, ids=[f"{peer.case_id}-{peer.step}-{peer.path}".replace(" ", "_") for peer in WRONG_PEERS]
)
async def test_fails_where_the_csms_is_wrong(peer: WrongPeer) -> None:
    outcome = await play(peer.case_id, peer.fault)
    assert outcome.failure is not None, outcome
    assert outcome.failure.step == peer.step, outcome.reason
    assert peer.path in outcome.failure.expected, outcome.reason


def test_every_case_has_a_wrong_peer() -> None:
    assert {peer.case_id for peer in WRONG_PEERS} == set(CSMS_CASES)


async def test_every_validation_has_a_wrong_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every field a case looks at is wrong in some row: of that case, or for a reusable state of any case."""
    expect, pick = Received.expect, Received.pick
    looked_at: set[tuple[str, str]] = set()

    def noted_expect(self: Received, path: str, *allowed: object) -> None:
        looked_at.add((self.step, path))
        expect(self, path, *allowed)

    def noted_pick(self: Received, path: str, wanted: dict[str, tuple[object, ...]]) -> Received:
        looked_at.add((self.step, path))
        return pick(self, path, wanted)

    monkeypatch.setattr(Received, "expect", noted_expect)
    monkeypatch.setattr(Received, "pick", noted_pick)
    anywhere = {(peer.step, peer.path) for peer in WRONG_PEERS}
    missing = []
    for case_id in CSMS_CASES:
        looked_at.clear()
        await play(case_id, Fault())
        own = {(peer.step, peer.path) for peer in WRONG_PEERS if peer.case_id == case_id}
        for step, path in looked_at:
            if (step, path) not in (own if step.isdigit() else anywhere):
                missing.append((case_id, step, path))
    assert not missing
