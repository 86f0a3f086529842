"""Of commands and operations."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from voltbridge.csms.event_data.fields import OwnId
from voltbridge.domain.commands import CommandState, OperationState, OutcomeState

__all__ = [
    "CommandAbout",
    "CommandAnswered",
    "CommandErred",
    "CommandOutcome",
    "OperationAbout",
]


class CommandAnswered(Struct):
    """A station's answer."""

    accepted: bool
    status: str
    reason: str | None
    info: dict[str, Any]


class CommandErred(Struct):
    """Why there is no answer."""

    code: str
    detail: str


class CommandAbout(Struct):
    """A command; its parameters are read from the command itself."""

    id: OwnId
    name: str
    state: CommandState
    answer: CommandAnswered | UnsetType = UNSET
    error: CommandErred | UnsetType = UNSET
    outcome: dict[str, Any] | UnsetType = UNSET
    outcome_state: OutcomeState | UnsetType = UNSET
    operation_id: OwnId | UnsetType = UNSET


class CommandOutcome(Struct):
    """What a station tells later of a command it has accepted."""

    id: OwnId
    name: str
    outcome_state: OutcomeState | None
    outcome: dict[str, Any]
    operation_id: OwnId | None


class OperationAbout(Struct):
    """A command to many stations."""

    id: OwnId
    name: str
    state: OperationState
    total: int
    counts: Annotated[dict[str, int], Meta(description="Commands by state.")]
