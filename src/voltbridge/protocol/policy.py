"""How strictly a message is read, and what is noted when it is not as the schema says.

``STRICT`` refuses whatever the schema refuses.

``TOLERANT`` also takes what can mean only one thing, and notes each as a deviation:

- a number or boolean written as a string, and the reverse (``"12"`` for 12, 12 for ``"12"``, ``"true"``, 1 for true);
- 5.0 for an integer where draft-04 wants 5;
- an enumeration value in other capitals, or with other or no separators (``ev-disconnected``, ``Transaction End``);
- a date-time without an offset (UTC), without seconds, or with a space for the T;
- null, or for anything but free text an empty string, for an optional field: the field is absent;
- an empty list for an optional list that may not be empty, or for an optional object: the field is absent;
- one object where a list of objects belongs, and an empty list where a required object belongs;
- a number that should be a multiple of 0.1 and is not: rounded;
- a field the schema does not know, which is dropped, and a key that comes twice, of which the last counts;
- a text for human eyes that is too long, which is cut (see ``repair.HARMLESS_TO_CUT``). Every other text that is too
  long is still refused: cutting an identifier would make it another one.

Around the JSON of a frame it overlooks what is part of no JSON: NULs and other control characters, a byte order mark.

``SALVAGE`` does all that and drops what is still wrong inside a list of meter values: the sampled value if the fault
is in one, else (a bad timestamp) the meter value. A meter value without sampled values is dropped as well, an optional
list without meter values becomes absent, and a required one stays, empty, where the schema allows that (1.6
MeterValues). Where it does not (2.x MeterValues) the message is refused: nothing of it was left to keep. A reason to
stop, an error code, a reason to boot or the context of a reading that the standard does not have becomes the standard's
own word for anything else, and an unknown charging state is left out. No word that a station makes up costs a
transaction: an event of an unknown kind is an update, or the end if it says why the transaction stopped, an unknown
trigger an abnormal condition, an unknown type of token ``Local`` (see ``repair.TAKEN_AS``). What was said stands in the
deviation. Phases, places, units and measurands are not guessed: energy taken for another would be worse than none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from voltbridge.protocol.errors import ViolationKind

__all__ = ["Deviation", "Policy", "Violation"]


class Policy(StrEnum):
    """How strictly a peer's messages are read."""

    STRICT = "strict"
    TOLERANT = "tolerant"
    SALVAGE = "salvage"


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something that was not as the schema says, and was let pass or dropped."""

    kind: ViolationKind
    path: str
    """Where, such as ``$.meterValue[0].timestamp``."""
    detail: str
    """What was found and what was made of it."""


class Violation(Exception):
    """A message is refused: the kind of the first fault, where it is, and what it is."""

    def __init__(self, kind: ViolationKind, path: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.kind = kind
        self.path = path
        self.detail = detail
