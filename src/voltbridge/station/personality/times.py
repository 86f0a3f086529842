"""Quirks of clocks and of how moments are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from voltbridge.protocol.datetimes import DateTime
from voltbridge.station.quirk import Quirk, Request, Situation

__all__ = ["ClockDrifts", "ClockSkewed", "ClockWrongAfterBoot", "Timestamps"]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
_DAY_S = 86_400.0
_LOCAL = timezone(timedelta(hours=2))
_Skew = Annotated[float, msgspec.Meta(ge=-31_536_000, le=31_536_000)]


def _each_moment(node: Any, change: Callable[[str], str]) -> Any:
    """The same with each moment changed."""
    if isinstance(node, dict):
        return {key: _each_moment(value, change) for key, value in node.items()}
    if isinstance(node, list):
        return [_each_moment(value, change) for value in node]
    return change(node) if isinstance(node, str) and _MOMENT.fullmatch(node) else node


def _shifted(text: str, seconds: float) -> str:
    return str(DateTime.of(datetime.fromisoformat(text) + timedelta(seconds=seconds)))


class ClockSkewed(Quirk, frozen=True, kw_only=True):
    """The clock is wrong by so many seconds, and nobody can set it."""

    seconds: _Skew = -3600.0

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        request.payload = _each_moment(request.payload, lambda text: _shifted(text, self.seconds))
        return (request,)


class ClockDrifts(Quirk, frozen=True, kw_only=True):
    """The clock runs away after each connection, so many seconds a day."""

    seconds_a_day: _Skew = 600.0

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        away = self.seconds_a_day * (at.clock.monotonic() - at.connected_at) / _DAY_S
        request.payload = _each_moment(request.payload, lambda text: _shifted(text, away))
        return (request,)


class ClockWrongAfterBoot(Quirk, frozen=True, kw_only=True):
    """The first states after a boot have the time from before it: local time that is called UTC."""

    seconds: _Skew = 7200.0
    messages: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if request.action == "BootNotification":
            at.memory["left"] = self.messages
        elif request.action == "StatusNotification" and at.memory.get("left"):
            at.memory["left"] -= 1
            request.payload = _each_moment(request.payload, lambda text: _shifted(text, self.seconds))
        return (request,)


_WRITTEN: dict[str, Callable[[str], str]] = {
    "without zone": lambda text: text.removesuffix("Z"),
    "with offset": lambda text: datetime.fromisoformat(text).astimezone(_LOCAL).isoformat(timespec="seconds"),
    "short offset": lambda text: _WRITTEN["with offset"](text).removesuffix(":00"),
    "space": lambda text: text.replace("T", " ").removesuffix("Z"),
    "microseconds": lambda text: datetime.fromisoformat(text).isoformat(timespec="microseconds")[:-6] + "Z",
}


class Timestamps(Quirk, frozen=True, kw_only=True):
    """Moments are written otherwise. An offset, and microseconds in 1.6, are as the standard allows."""

    breaks_schema: ClassVar[bool] = True
    form: Literal["without zone", "with offset", "short offset", "space", "microseconds"] = "without zone"

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        request.payload = _each_moment(request.payload, _WRITTEN[self.form])
        return (request,)
