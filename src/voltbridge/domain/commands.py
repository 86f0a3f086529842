"""A command to a station, whatever version it speaks, and the same command to many.

A command is sent once. Its ``state`` follows the request and its answer; where the protocol tells later what became of
it (a report arrives, firmware is installed), ``outcome_state`` follows that.

    Queued ─┬─> Sent ─┬─> Accepted ──> outcome: Pending ─┬─> Completed
            │         ├─> Rejected                       └─> Failed
            │         ├─> Failed      (an error, or no answer to be had)
            │         └─> TimedOut
            ├─> Cancelled
            └─> Expired
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

__all__ = [
    "FINAL_STATES",
    "Command",
    "CommandAnswer",
    "CommandError",
    "CommandFilter",
    "CommandState",
    "NotCancellable",
    "Operation",
    "OperationState",
    "OutcomeState",
    "Unsupported",
]


class CommandState(StrEnum):
    """How far a command has come."""

    QUEUED = "Queued"
    """Stored and not sent: the station is away, or it is not yet its turn."""
    SENT = "Sent"
    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"
    CANCELLED = "Cancelled"
    EXPIRED = "Expired"

    @property
    def is_final(self) -> bool:
        """Whether the state stays."""
        return self in FINAL_STATES


FINAL_STATES: Final = frozenset(CommandState) - {CommandState.QUEUED, CommandState.SENT}


class OutcomeState(StrEnum):
    """What became of an accepted command that the station tells about later."""

    PENDING = "Pending"
    COMPLETED = "Completed"
    FAILED = "Failed"


class Unsupported(Exception):
    """The station's version cannot do it; the message says what and what to do instead. Nothing was sent."""


class NotCancellable(Exception):
    """A command was sent already, or an operation is over."""

    def __init__(self, noun: str, key: str, state: str) -> None:
        super().__init__(f"{noun} {key} is {state}")
        self.noun = noun
        self.key = key
        self.state = state


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """The station's answer."""

    accepted: bool
    status: str
    """As the station said it: ``Accepted``, ``Scheduled``, ``NotSupported`` ..."""
    reason: str | None = None
    """The reason code and additional info, where it gave them."""
    info: Mapping[str, Any] = field(default_factory=dict)
    """What else it said, as JSON values in snake_case."""


@dataclass(frozen=True, slots=True)
class CommandError:
    """Why a command got no answer."""

    code: str
    """The code of the station's CALLERROR, or ours in snake_case: ``timeout``, ``unsupported`` ..."""
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command to one station."""

    id: int
    station_id: str
    name: str
    parameters: Mapping[str, Any]
    """As given, without secrets once it was sent."""
    state: CommandState
    created_at: datetime
    timeout_s: float | None = None
    """How long the station may take to answer; None: the server's setting."""
    expires_at: datetime | None = None
    """From when on it is no longer sent."""
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    finished_at: datetime | None = None
    """When the last of the states above or of the outcome was reached."""
    answer: CommandAnswer | None = None
    error: CommandError | None = None
    correlation: str | None = None
    """What the station will name when it tells the outcome, such as the id of a request."""
    outcome_state: OutcomeState | None = None
    outcome: Mapping[str, Any] | None = None
    operation_id: int | None = None


@dataclass(frozen=True, slots=True)
class CommandFilter:
    """Which commands to list; what is None does not matter."""

    station_id: str | None = None
    name: str | None = None
    state: CommandState | None = None
    operation_id: int | None = None


class OperationState(StrEnum):
    """How far an operation has come."""

    RUNNING = "Running"
    COMPLETED = "Completed"
    """Every command has reached its end."""
    STOPPED = "Stopped"
    """Too many commands failed; those not sent were cancelled."""
    CANCELLED = "Cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The same command to many stations."""

    id: int
    name: str
    parameters: Mapping[str, Any]
    state: OperationState
    created_at: datetime
    total: int
    concurrency: int
    """How many stations work on it at once."""
    stop_at_failure_rate: float | None = None
    """From 0 to 1: the share of commands not accepted at which no further one is sent."""
    stop_after: int = 10
    """How many must have ended before the share counts."""
    hold: bool = False
    """Whether stations that are away get it when they are back; otherwise it fails for them."""
    finished_at: datetime | None = None
    counts: Mapping[CommandState, int] = field(default_factory=dict)
    """Commands by state; states without any are left out."""
