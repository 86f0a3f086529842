"""Quirks of the answers to what the CSMS asks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from voltbridge.protocol.registry import actions
from voltbridge.protocol.versions import Version
from voltbridge.station.quirk import OF_16, Quirk, Reply, Situation

__all__ = [
    "AcceptsWithoutEffect",
    "AnswersNotAtAll",
    "AnswersSlowly",
    "AnswersTwice",
    "BooleansWritten",
    "ConfigurationKeys",
    "ErrorDetailsAsText",
    "ListsWithSpaces",
    "Refuses",
]

_CALLRESULT = 3
_ANSWERS_OF_VARIABLES = {"GetConfiguration", "GetVariables"}


def _check(names: Iterable[str]) -> None:
    """Raises ValueError for what no CSMS asks in any version."""
    known = {name for version in Version for name, action in actions(version).items() if action.from_csms}
    for name in names:
        if name not in known:
            raise ValueError(f"no CSMS asks {name}")


class AnswersSlowly(Quirk, frozen=True, kw_only=True):
    """Answers come late."""

    seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 20.0

    def reply(self, reply: Reply, at: Situation) -> Iterable[Reply]:
        reply.delay_s += self.seconds
        return (reply,)


class AnswersTwice(Quirk, frozen=True, kw_only=True):
    """Each answer comes twice."""

    def reply(self, reply: Reply, at: Situation) -> Iterable[Reply]:
        return (reply, reply)


class AnswersNotAtAll(Quirk, frozen=True, kw_only=True):
    """Some requests are done, but never answered."""

    actions: tuple[str, ...] = ("TriggerMessage",)

    def __post_init__(self) -> None:
        """Raises ValueError for an action that no CSMS asks."""
        _check(self.actions)

    def reply(self, reply: Reply, at: Situation) -> Iterable[Reply]:
        return () if reply.action in self.actions else (reply,)


class AcceptsWithoutEffect(Quirk, frozen=True, kw_only=True):
    """Some requests are answered Accepted, and nothing comes of them."""

    actions: tuple[str, ...] = ("RemoteStartTransaction", "RequestStartTransaction")

    def __post_init__(self) -> None:
        """Raises ValueError for an action that no CSMS asks."""
        _check(self.actions)

    def asked(self, action: str, payload: dict[str, Any], at: Situation) -> dict[str, Any] | None:
        return {"status": "Accepted"} if action in self.actions else None


class Refuses(Quirk, frozen=True, kw_only=True):
    """Some requests are always answered with this status, whatever the standard says of them."""

    breaks_schema: ClassVar[bool] = True
    statuses: Mapping[str, str] = msgspec.field(default_factory=lambda: {"TriggerMessage": "Rejected"})
    """By the action."""

    def __post_init__(self) -> None:
        """Raises ValueError for an action that no CSMS asks."""
        _check(self.statuses)

    def asked(self, action: str, payload: dict[str, Any], at: Situation) -> dict[str, Any] | None:
        return {"status": self.statuses[action]} if action in self.statuses else None


class ConfigurationKeys(Quirk, frozen=True, kw_only=True):
    """GetConfiguration tells its keys in other capitals."""

    versions: ClassVar[frozenset[Version]] = OF_16
    capitals: Literal["lower", "upper"] = "lower"

    def reply(self, reply: Reply, at: Situation) -> Iterable[Reply]:
        if reply.action == "GetConfiguration":
            for entry in reply.payload.get("configurationKey", ()):
                entry["key"] = entry["key"].lower() if self.capitals == "lower" else entry["key"].upper()
        return (reply,)


class BooleansWritten(Quirk, frozen=True, kw_only=True, rename={"form": "as"}):
    """Keys and variables that are true or false are told as 1 and 0, or in other capitals."""

    form: Literal["1", "True", "TRUE"] = "1"

    def reply(self, reply: Reply, at: Situation) -> Iterable[Reply]:
        words = {
            "1": {"true": "1", "false": "0"},
            "True": {"true": "True", "false": "False"},
            "TRUE": {"true": "TRUE", "false": "FALSE"},
        }[self.form]
        for entry, field in _values(reply):
            entry[field] = words.get(entry[field], entry[field])
        return (reply,)


class ListsWithSpaces(Quirk, frozen=True, kw_only=True):
    """Lists in keys and variables have a space after each comma."""

    def reply(self, reply: Reply, at: Situation) -> Iterable[Reply]:
        for entry, field in _values(reply):
            entry[field] = entry[field].replace(",", ", ")
        return (reply,)


def _values(reply: Reply) -> Iterable[tuple[dict[str, Any], str]]:
    """Where the values of keys and variables stand in an answer."""
    if reply.action in _ANSWERS_OF_VARIABLES:
        for entries, field in (("configurationKey", "value"), ("getVariableResult", "attributeValue")):
            for entry in reply.payload.get(entries, ()):
                if isinstance(entry.get(field), str):
                    yield entry, field


class ErrorDetailsAsText(Quirk, frozen=True, kw_only=True):
    """The details of a CALLERROR are a text instead of an object."""

    breaks_schema: ClassVar[bool] = True

    def reply(self, reply: Reply, at: Situation) -> Iterable[Reply]:
        if reply.message_type != _CALLRESULT:
            reply.content[-1] = json.dumps(reply.content[-1])
        return (reply,)
