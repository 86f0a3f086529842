"""Rollouts: the same command to many stations, stage by stage, each stage on what came of the one before."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from voltbridge.domain.errors import InvalidValue

__all__ = ["MemberState", "Rollout", "RolloutMember", "RolloutState", "Stage", "stage_sizes"]


class RolloutState(StrEnum):
    """How far a rollout is."""

    RUNNING = "Running"
    PAUSED = "Paused"
    STOPPED = "Stopped"
    """Too many stations failed. It can be resumed, and then counts anew."""
    CANCELLED = "Cancelled"
    COMPLETED = "Completed"
    """Every station has come to its end."""

    @property
    def is_final(self) -> bool:
        """Whether it stays."""
        return self in (RolloutState.CANCELLED, RolloutState.COMPLETED)


class MemberState(StrEnum):
    """How far a station of a rollout is."""

    WAITING = "Waiting"
    HELD = "Held"
    """It is away; the command waits for its return."""
    UNDER_WAY = "UnderWay"
    """It has the command, and its outcome is not told yet."""
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    """It did not return in time."""

    @property
    def is_final(self) -> bool:
        """Whether it stays."""
        return self in (MemberState.SUCCEEDED, MemberState.FAILED, MemberState.SKIPPED)


@dataclass(frozen=True, slots=True)
class Stage:
    """Until how many stations have had it, in all: one of the two."""

    up_to_count: int | None = None
    up_to_percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One rollout."""

    id: int
    name: str
    """Of the command."""
    parameters: Mapping[str, Any]
    state: RolloutState
    created_at: datetime
    total: int
    stages: tuple[int, ...]
    """How many stations each has."""
    stage: int = 0
    """The one that is at work, counted from 0."""
    concurrency: int = 10
    stop_at_failure_rate: float | None = None
    stop_after: int = 1
    advance_at: float = 1.0
    """The share of a stage's stations that must have ended before the next begins."""
    hold_for_s: float | None = None
    """How long the command waits for a station that is away; None: for ever."""
    timeout_s: float | None = None
    forgiven: int = 0
    """Failures from before it was resumed, which stop it no more; ``ended_before`` are all that had ended then."""
    ended_before: int = 0
    reason: str | None = None
    finished_at: datetime | None = None
    counts: Mapping[MemberState, int] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        """Stations that have come to their end."""
        return sum(count for state, count in self.counts.items() if state.is_final)


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutMember:
    """One station of a rollout."""

    rollout_id: int
    position: int
    station_id: str
    stage: int
    state: MemberState
    updated_at: datetime
    command_id: int | None = None
    problem: str | None = None


def stage_sizes(stages: Sequence[Stage], total: int) -> tuple[int, ...]:
    """How many stations each stage has; what the stages leave is one more. Raises InvalidValue."""
    sizes: list[int] = []
    had = 0
    for number, stage in enumerate(stages):
        if (stage.up_to_count is None) is (stage.up_to_percent is None):
            raise InvalidValue(f"stages[{number}]", "needs exactly one of up_to_count and up_to_percent")
        wanted = stage.up_to_count
        if wanted is None:
            wanted = math.ceil(total * (stage.up_to_percent or 0) / 100)
        upto = min(total, wanted)
        if upto > had:
            sizes.append(upto - had)
            had = upto
    if had < total or not sizes:
        sizes.append(total - had)
    return tuple(sizes)
