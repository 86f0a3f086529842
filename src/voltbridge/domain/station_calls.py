"""A call from the CSMS to a station as it crosses the bus, and every way it can end.

Payloads are the wire's JSON as bytes, so that a call can cross process borders unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "CallFailed",
    "CallRefused",
    "CallTimedOut",
    "StationCall",
    "StationNotConnected",
    "TooManyCalls",
]


@dataclass(frozen=True, slots=True)
class StationCall:
    """A CALL for the station, already validated."""

    action: str
    payload: bytes
    timeout_s: float
    """Counted from the moment the frame is sent."""


class CallFailed(Exception):
    """A call to a station did not bring a response. The subclasses say why."""


class StationNotConnected(CallFailed):
    """No node holds a connection of this station, or the connection ended before the reply came."""

    def __init__(
        self, station_id: str, detail: str = "the station is not connected", *, may_have_been_sent: bool = False
    ) -> None:
        super().__init__(f"{station_id}: {detail}")
        self.station_id = station_id
        self.detail = detail
        self.may_have_been_sent = may_have_been_sent


class CallTimedOut(CallFailed):
    """The station did not answer in time."""

    def __init__(self, station_id: str, action: str, timeout_s: float) -> None:
        super().__init__(f"{station_id}: no answer to {action} within {timeout_s:g} s")
        self.station_id = station_id
        self.action = action
        self.timeout_s = timeout_s


class TooManyCalls(CallFailed):
    """Too many calls to the station wait behind one that it has not answered yet."""

    def __init__(self, station_id: str) -> None:
        super().__init__(f"{station_id}: too many calls are waiting for the station's answers")
        self.station_id = station_id


@dataclass(eq=False)
class CallRefused(CallFailed):
    """The station answered with a CALLERROR, or with a reply that breaks the schema (then ``local`` is true)."""

    code: str
    description: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    local: bool = False

    def __str__(self) -> str:
        return f"{self.code}: {self.description}" if self.description else self.code
