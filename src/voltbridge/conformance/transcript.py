"""What was exchanged during a case, kept to show how a failure came about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

__all__ = ["AFTERWARDS", "Entry", "Transcript", "Way", "of_the_case"]


class Way(StrEnum):
    """Seen from the kit."""

    SENT = "->"
    RECEIVED = "<-"
    NOTE = "--"


@dataclass(frozen=True, slots=True)
class Entry:
    """A frame as it was on the wire, or a note such as a handshake or a close. As a string it tells no password."""

    at: datetime
    way: Way
    text: str

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S.%f} {self.way} {_without_secrets(self.text)}"


Transcript = list[Entry]
"""In the order of events."""

AFTERWARDS: Final = "what follows leaves the system under test as the next case wants it"
"""The note between a case and what puts everything back."""


def of_the_case(transcript: Transcript) -> Transcript:
    """What belongs to the case itself, up to where it ended or failed."""
    ends = (index for index, entry in enumerate(transcript) if entry.way is Way.NOTE and entry.text == AFTERWARDS)
    return transcript[: next(ends, len(transcript))]


_SECRET_FIELDS: Final = {"password", "basicAuthPassword", "apnPassword"}
_SECRET_NAMES: Final = {"basicauthpassword", "authorizationkey"}
_HIDDEN: Final = "***"


def _without_secrets(text: str) -> str:
    lowered = text.lower()
    if not text.startswith("[") or not any(one in lowered for one in ("password", "authorizationkey")):
        return text
    try:
        return json.dumps(_hidden(json.loads(text)), ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        return text  # no JSON, so no message that sets anything


def _hidden(value: Any) -> Any:
    """The value without the passwords in it: fields of that name, and what such variables and keys are set to."""
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    if not isinstance(value, dict):
        return value
    variable = value.get("variable")
    name = variable.get("name") if isinstance(variable, dict) else value.get("key")
    secret = isinstance(name, str) and name.lower() in _SECRET_NAMES
    return {
        key: _HIDDEN if key in _SECRET_FIELDS or (secret and key in ("attributeValue", "value")) else _hidden(one)
        for key, one in value.items()
    }
