"""A message from the system under test, and what a case may say about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

from voltbridge.conformance.failure import StepFailed

__all__ = ["ABSENT", "Absent", "Received"]


class Absent(Enum):
    """The type of ``ABSENT``."""

    ABSENT = "absent"


ABSENT: Final[Literal[Absent.ABSENT]] = Absent.ABSENT
"""Stands for a field that is not there."""


@dataclass(frozen=True, slots=True)
class Received:
    """A payload (or an object within one) that the schema accepts, and the step it came at."""

    step: str
    name: str
    """The message, such as ``AuthorizeResponse``, and where in it this object is."""
    payload: Mapping[str, Any]

    def at(self, path: str) -> Any:
        """The value at a path of field names, and places in lists, joined by dots; or ``ABSENT``."""
        value: Any = self.payload
        for key in path.split("."):
            if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            elif isinstance(value, Mapping) and key in value:
                value = value[key]
            else:
                return ABSENT
        return value

    def expect(self, path: str, *allowed: object) -> None:
        """Raises StepFailed unless the value at the path is one of those allowed (``ABSENT`` among them)."""
        if not self._is(path, allowed):
            raise StepFailed(self.step, f"{self.name}.{path} {_any_of(allowed)}", _shown(self.at(path)))

    def pick(self, path: str, wanted: Mapping[str, tuple[object, ...]]) -> Received:
        """The first object of a list that has one of these values at each of these paths.

        Raises StepFailed when there is none.
        """
        value = self.at(path)
        for index, item in enumerate(value if isinstance(value, list) else []):
            found = Received(self.step, f"{self.name}.{path}[{index}]", item)
            if found.fits(wanted):
                return found
        conditions = ", ".join(f"{key} {_any_of(allowed)}" for key, allowed in wanted.items())
        raise StepFailed(self.step, f"an entry of {self.name}.{path} with {conditions}", _shown(value))

    def fits(self, wanted: Mapping[str, tuple[object, ...]]) -> bool:
        """Whether it has one of these values at each of these paths."""
        return all(self._is(key, allowed) for key, allowed in wanted.items())

    def _is(self, path: str, allowed: tuple[object, ...]) -> bool:
        value = self.at(path)
        return any(value == one and type(value) is type(one) for one in allowed)


def _any_of(allowed: tuple[object, ...]) -> str:
    return " or ".join(_shown(one) for one in allowed)


def _shown(value: object) -> str:
    if value is ABSENT:
        return "no such field"
    return json.dumps(value, ensure_ascii=False)
