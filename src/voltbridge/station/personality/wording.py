"""Quirks of fields and frames: what stands in a message beside its meaning, and how it leaves."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

import msgspec

from voltbridge.protocol.registry import actions
from voltbridge.protocol.versions import Version
from voltbridge.station.quirk import Quirk, Request, Situation

__all__ = [
    "EmptyFields",
    "FieldsLeftOut",
    "FloodsAfterReconnect",
    "FramePadding",
    "HeartbeatInsteadOfPing",
    "IgnoresPings",
    "MessageIds",
    "NumbersAsText",
    "UnknownFields",
]

_WITH_EMPTY_ANSWER = {"MeterValues", "StatusNotification", "StopTransaction", "TransactionEvent"}
_Field = Annotated[str, msgspec.Meta(min_length=1, max_length=50)]


class UnknownFields(Quirk, frozen=True, kw_only=True):
    """Each request has fields that the standard does not know."""

    breaks_schema: ClassVar[bool] = True
    fields: Mapping[_Field, str | int | float | bool] = msgspec.field(default_factory=lambda: {"vendorExtension": "1"})

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        request.payload |= self.fields
        return (request,)


class EmptyFields(Quirk, frozen=True, kw_only=True):
    """Optional fields that have nothing to tell are sent all the same, as an empty text or as null."""

    breaks_schema: ClassVar[bool] = True
    value: Literal["", "null"] = ""

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        for field in msgspec.structs.fields(actions(at.version)[request.action].request):
            wanted = self.value == "null" or _is_text(field.type)
            if not field.required and field.encode_name != "customData" and wanted:
                request.payload.setdefault(field.encode_name, None if self.value == "null" else "")
        return (request,)


def _is_text(kind: Any) -> bool:
    return kind is str or any(_is_text(part) for part in get_args(kind))


class FieldsLeftOut(Quirk, frozen=True, kw_only=True):
    """Fields are missing that the standard demands."""

    breaks_schema: ClassVar[bool] = True
    fields: Mapping[str, tuple[_Field, ...]] = msgspec.field(
        default_factory=lambda: {"StatusNotification": ("errorCode", "timestamp")}
    )
    """By the action."""

    def __post_init__(self) -> None:
        """Raises ValueError for an action there is not."""
        known = {name for version in Version for name in actions(version)}
        for action in self.fields:
            if action not in known:
                raise ValueError(f"no version of OCPP has the action {action}")

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        for field in self.fields.get(request.action, ()):
            request.payload.pop(field, None)
        return (request,)


class NumbersAsText(Quirk, frozen=True, kw_only=True):
    """Integers stand in quotes."""

    breaks_schema: ClassVar[bool] = True
    fields: tuple[_Field, ...] = ("connectorId", "evseId", "transactionId", "meterStart", "meterStop", "seqNo")

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        for field in self.fields:
            value = request.payload.get(field)
            if isinstance(value, int) and not isinstance(value, bool):
                request.payload[field] = str(value)
        return (request,)


class MessageIds(Quirk, frozen=True, kw_only=True):
    """Message ids are numbers instead of texts, count from 1 with each connection, or are too long."""

    breaks_schema: ClassVar[bool] = True
    form: Literal["numbers", "counted", "too long"] = "numbers"

    def connected(self, at: Situation) -> Iterable[Request]:
        at.memory["count"] = itertools.count(1)
        return ()

    def message_id(self, unique_id: Any, at: Situation) -> Any:
        if self.form == "too long":
            return f"{unique_id}-{unique_id}"
        number = next(at.memory["count"])
        return number if self.form == "numbers" else str(number)


class FramePadding(Quirk, frozen=True, kw_only=True):
    """Something stands before or behind the JSON of each frame: a line break, a NUL."""

    breaks_schema: ClassVar[bool] = True
    before: Annotated[str, msgspec.Meta(max_length=100)] = ""
    after: Annotated[str, msgspec.Meta(max_length=100)] = "\x00"

    def frame(self, data: bytes, at: Situation) -> bytes:
        return self.before.encode() + data + self.after.encode()


class FloodsAfterReconnect(Quirk, frozen=True, kw_only=True):
    """What has waited for a connection leaves at once, one request before the answer to the other, and is then
    forgotten.
    """

    seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 10.0
    """How long after connecting again that lasts."""

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        recent = at.clock.monotonic() - at.connected_at <= self.seconds
        waited = at.connections > 1 and recent and request.unique_id is not None
        if not waited or request.action not in _WITH_EMPTY_ANSWER:
            yield request
            return
        yield Request(request.action, request.payload)
        yield Request(request.action, {}, request.unique_id, answer={})


class HeartbeatInsteadOfPing(Quirk, frozen=True, kw_only=True):
    """Where a WebSocket ping is due, a Heartbeat comes."""

    def ping(self, at: Situation) -> Request | None:
        return Request("Heartbeat", {})


class IgnoresPings(Quirk, frozen=True, kw_only=True):
    """WebSocket pings of the CSMS are not answered."""

    answers_pings: ClassVar[bool] = False
