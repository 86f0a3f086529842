"""Rollouts as they are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from voltbridge.domain.paging import PageRequest
from voltbridge.domain.rollouts import MemberState, Rollout, RolloutMember, RolloutState
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def a_rollout(id: int, state: RolloutState = RolloutState.RUNNING) -> Rollout:
    return Rollout(
        id=id, name="reset", parameters={"a": [1]}, state=state, created_at=NOW, total=3, stages=(1, 2), hold_for_s=5.0
    )


def a_member(position: int, stage: int = 0, state: MemberState = MemberState.WAITING) -> RolloutMember:
    return RolloutMember(
        rollout_id=1, position=position, station_id=f"CS-{position}", stage=stage, state=state, updated_at=NOW
    )


async def test_rollouts(storage: Storage) -> None:
    book = storage.rollouts
    await book.save(a_rollout(1))
    await book.save(a_rollout(2, RolloutState.PAUSED))
    await book.add_members([a_member(0), a_member(1, 1), a_member(2, 1)])
    done = replace(a_member(0), state=MemberState.FAILED, command_id=2**60, problem="no")
    await book.put_members([done, replace(a_member(9), state=MemberState.FAILED)])
    counts = {MemberState.FAILED: 1, MemberState.WAITING: 2}
    assert await book.get(1) == replace(a_rollout(1), counts=counts)
    assert await book.get(9) is None
    page = await book.list(None, PageRequest(1))
    assert page.items == (a_rollout(2, RolloutState.PAUSED),)
    assert (await book.list(None, PageRequest(1, page.next))).items == (replace(a_rollout(1), counts=counts),)
    assert (await book.list(RolloutState.STOPPED, PageRequest())).items == ()
    assert list(await book.unfinished()) == [a_rollout(1), a_rollout(2, RolloutState.PAUSED)]
    assert (await book.members(1, PageRequest(), MemberState.FAILED)).items == (done,)
    first = await book.members(1, PageRequest(2))
    assert first.items == (done, a_member(1, 1))
    assert (await book.members(1, PageRequest(2, first.next))).items == (a_member(2, 1),)
    assert list(await book.next_waiting(1, 0, 5)) == []
    assert list(await book.next_waiting(1, 1, 1)) == [a_member(1, 1)]
    assert (await book.open_in(1, 0), await book.open_in(1, 1)) == (0, 2)
    assert await book.of_command("CS-0", 2**60) == done
    assert await book.of_command("CS-1", 2**60) is None


async def test_what_ended_long_ago_goes(storage: Storage) -> None:
    book = storage.rollouts
    await book.add_members([a_member(0)])
    await book.save(replace(a_rollout(1, RolloutState.COMPLETED), finished_at=NOW))
    await book.save(a_rollout(2))
    assert await book.prune(NOW) == 0
    assert await book.prune(NOW + timedelta(seconds=1)) == 1
    assert await book.get(1) is None and (await book.members(1, PageRequest())).items == ()
    assert list(await book.unfinished()) == [a_rollout(2)]
