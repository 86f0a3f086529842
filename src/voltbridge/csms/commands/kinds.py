"""What a command is made of: one row per command, which a block writes and ``table.py`` lists.

The usual command is one message: for each version a builder makes the request from the parameters and says how the
response is read. A command of several messages gives ``run`` instead. Both raise ``Unsupported`` for what the
station's version cannot do; a builder is therefore also called for a station that is away, before anything is stored,
and must have no effect.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct, UnsetType

from voltbridge.csms.events import message_data
from voltbridge.domain.clock import Clock
from voltbridge.domain.commands import Command, CommandAnswer, Unsupported
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = [
    "Answer",
    "Builder",
    "CommandKind",
    "CommandRun",
    "Context",
    "Parameters",
    "Prepared",
    "Read",
    "RequestIds",
    "Runner",
    "Settled",
    "Unsupported",
    "answered",
]

Answer = CommandAnswer


class Parameters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters of a command: version-free, snake_case with the unit in the name, optional is None."""


class RequestIds:
    """Numbers for requests whose outcome comes later: positive, 31 bits, growing over restarts too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        """A number that no request to any station has had."""
        # Seconds since 2024, so that a restart goes on where no station has seen a number yet.
        second = (self._clock.now_ms() // 1000 - 1_704_067_200) & 0x7FFFFFFF
        self._last = max(1, second, self._last + 1)
        return self._last


@dataclass(frozen=True, slots=True)
class Context:
    """What a builder is told besides the parameters."""

    station_id: str
    version: Version
    live: LiveStation | None
    """None while the station is away and it is only asked whether the command could be sent."""
    service: Any
    """The service that the row names."""
    request_ids: RequestIds
    now: datetime

    def next_id(self) -> int:
        """A number for the request (``request_id``, ``remote_start_id`` ...): positive, 31 bits, not used before."""
        return self.request_ids.next()


Read = Callable[[Any], Answer]
Settled = Callable[[Answer], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request ready to be sent."""

    request: Payload
    read: Read
    correlation: str | None = None
    """What the station will name when it tells the outcome; None: no outcome will come of this one."""
    settled: Settled | None = None
    """Called with the answer, before the command is shown as answered: where a block takes note of the effect."""


@dataclass(frozen=True, slots=True)
class CommandRun:
    """A command of several messages while it runs."""

    command: Command
    parameters: Any
    context: Context
    call: Callable[[Payload], Awaitable[Any]]
    """``call(request)`` of the station's version; its response. Raises InvalidCall or a CallFailed."""
    expect: Callable[[str], None]
    """``expect(correlation)``, called before the request is sent whose outcome the station tells later."""


Builder = Callable[[Any, Context], Prepared]
Runner = Callable[[CommandRun], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandKind:
    """One command. A version without a builder cannot do it."""

    name: str
    """In snake_case, as the API's address has it."""
    about: str
    """One sentence for the API's description."""
    parameters: type[Parameters]
    builders: Mapping[Version, Builder] = field(default_factory=lambda: MappingProxyType({}))
    versions: tuple[Version, ...] = ()
    """With ``run``: the versions that can do it; none named: all."""
    run: Runner | None = None
    check: Callable[[Any, Context], None] | None = None
    """With ``run``: refuses, as a builder does, what the station's version cannot do."""
    service: str | None = None
    """The attribute of ``Services`` that builders find in their context."""
    outcome: str | None = None
    """The kind under which the outcome is concluded (``commands.conclude``); None: the answer is all there is."""
    outcome_within_s: float | None = None
    """After how long a pending outcome counts as failed; None: never."""
    instead: str = ""
    """What to do where a version has no builder; ends the sentence that says so."""

    def unsupported(self, version: Version) -> Unsupported:
        """The refusal for a version without a builder."""
        sentence = f"OCPP {version.label} has no {self.name.replace('_', ' ')}"
        return Unsupported(f"{sentence}; {self.instead}" if self.instead else sentence)


_ACCEPTED: Final = frozenset({"Accepted"})
_READ_APART: Final = frozenset({"status", "status_info", "custom_data"})


def answered(response: Any, accepted: frozenset[str] = _ACCEPTED) -> Answer:
    """The answer of a response with a ``status``, and in 2.x a ``status_info``; its other fields become ``info``.

    ``accepted`` are the statuses that count as accepted.
    """
    status = str(response.status.value)
    told = getattr(response, "status_info", None)
    reason = None
    if told is not None and not isinstance(told, UnsetType):
        more = told.additional_info
        reason = told.reason_code if isinstance(more, UnsetType) or not more else f"{told.reason_code}: {more}"
    info = {name: value for name, value in message_data(response).items() if name not in _READ_APART}
    return Answer(status in accepted, status, reason, info)
