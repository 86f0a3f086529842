"""What a quirk is: one deviation seen in the field, with its few arguments, and the moments at which it can act.

A quirk is data (it comes from a file) with functions of messages: it gets what the station is about to say and gives
what is said instead. It never reaches into the station. What it has to remember is in its ``Situation``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from voltbridge.domain.clock import Clock
from voltbridge.protocol.versions import Version

if TYPE_CHECKING:
    from voltbridge.station.configuration import StationConfiguration

__all__ = ["ALL_VERSIONS", "OF_2", "OF_16", "Quirk", "Reply", "Request", "Situation", "is_end", "is_start"]

ALL_VERSIONS = frozenset(Version)
OF_16 = frozenset({Version.V16})
OF_2 = ALL_VERSIONS - OF_16


@dataclass(slots=True)
class Request:
    """A request of the station on its way out. Without an id it is one that nobody waits for."""

    action: str
    payload: dict[str, Any]
    unique_id: Any = None
    delay_s: float = 0.0
    answer: dict[str, Any] | None = None
    """Nothing is sent, and the station takes this for the answer."""


@dataclass(slots=True)
class Reply:
    """An answer of the station on its way out: what stands behind the message type and the id."""

    action: str
    """Of the request that is answered."""
    message_type: int
    """3: CALLRESULT; 4: CALLERROR."""
    content: list[Any]
    delay_s: float = 0.0

    @property
    def payload(self) -> dict[str, Any]:
        """Of a CALLRESULT; empty for a CALLERROR."""
        return self.content[0] if self.message_type == 3 and isinstance(self.content[0], dict) else {}


@dataclass(slots=True)
class Situation:
    """Where a quirk acts. ``memory`` is its own, and lasts as long as the station does, over its restarts."""

    version: Version
    clock: Clock
    configuration: StationConfiguration
    say: Callable[[Request], None]
    """Say something more, at any time."""
    connections: int = 1
    """How many there have been since the station started last."""
    starts: int = 1
    """How often the station has started."""
    connected_at: float = 0.0
    """The monotonic second."""
    memory: dict[Any, Any] = field(default_factory=dict)


class Quirk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One deviation. The first line of each docstring is what people read in the table of quirks."""

    versions: ClassVar[frozenset[Version]] = ALL_VERSIONS
    """Where it can be seen."""
    breaks_schema: ClassVar[bool] = False
    """A CSMS that judges messages by the schema refuses what comes of it."""
    answers_pings: ClassVar[bool] = True

    def connected(self, at: Situation) -> Iterable[Request]:
        """There is a connection; what is said first."""
        return ()

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        """What is said in place of a request."""
        return (request,)

    def answered(self, request: Request, answer: dict[str, Any], at: Situation) -> dict[str, Any]:
        """What the station makes of the answer to its request."""
        return answer

    def asked(self, action: str, payload: dict[str, Any], at: Situation) -> dict[str, Any] | None:
        """An answer in place of the station's own; None: the station is asked."""
        return None

    def reply(self, reply: Reply, at: Situation) -> Iterable[Reply]:
        """What is answered in place of a reply."""
        return (reply,)

    def message_id(self, unique_id: Any, at: Situation) -> Any:
        """The id that a request has on the wire."""
        return unique_id

    def frame(self, data: bytes, at: Situation) -> bytes:
        """The bytes that leave."""
        return data

    def ping(self, at: Situation) -> Request | None:
        """What is said in place of a WebSocket ping; None: the ping."""
        return None


def is_start(request: Request) -> bool:
    """A transaction starts by it."""
    return request.action == "StartTransaction" or request.payload.get("eventType") == "Started"


def is_end(request: Request) -> bool:
    """A transaction ends by it."""
    return request.action == "StopTransaction" or request.payload.get("eventType") == "Ended"
