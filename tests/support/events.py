"""Holds every event that the code under test emits against the catalogue."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

import voltbridge
from voltbridge.csms.event_catalogue import EVENTS
from voltbridge.csms.event_schemas import closed, event_schema
from voltbridge.csms.events import EventLog

__all__ = ["held_to_the_catalogue", "problem_of"]

_SOURCE = str(Path(voltbridge.__file__).parent)


@cache
def _validator(type: str) -> Draft202012Validator:
    """Of the data alone, which takes no field that the schema does not name."""
    schema = event_schema(type)
    data = {"$schema": schema["$schema"], "$defs": schema.get("$defs", {}), "allOf": [schema["properties"]["data"]]}
    return Draft202012Validator(closed(data))


def problem_of(type: str, data: dict[str, Any]) -> str | None:
    """What is wrong with an event."""
    if type not in EVENTS:
        return f"{type} has no row in csms/event_catalogue.py"
    plain = msgspec.to_builtins(data)
    error = next(_validator(type).iter_errors(plain), None)
    if error is None:
        return None
    where = error.json_path
    inner = "; ".join(one.message for one in error.context or ())
    return f"the data of {type} breaks its schema at {where}: {error.message} {inner} (data: {plain})"


@contextlib.contextmanager
def held_to_the_catalogue() -> Iterator[list[str]]:
    """Have ``EventLog`` watched; the list fills with what is wrong. Events that tests emit themselves are free."""
    problems: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("emit", "emit_live"):
            patch.setattr(EventLog, name, _watched(getattr(EventLog, name), problems))
        yield problems


def _watched(emit: Any, problems: list[str]) -> Any:
    def watched(log: EventLog, type: str, station_id: str | None, /, **data: Any) -> Any:
        if sys._getframe(1).f_code.co_filename.startswith(_SOURCE):
            problem = problem_of(type, data)
            if problem is not None:
                problems.append(problem)
        return emit(log, type, station_id, **data)

    return watched
