"""Taking a customer's token out of what is kept, and putting a pseudonym in its place.

A token is only a text, and a short one is found everywhere: ``12`` is an energy, a second, half of a number. So it is
replaced where a token stands (by the names of fields and columns), and, if it is long enough to be nothing else, as a
word of any other text too. A reading that happens to have the digits of a card is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

__all__ = ["Anonymisation", "AnonymisationState", "Eraser", "TokenBusy"]

_FIELDS: Final = frozenset(
    {
        "additionalidtoken",
        "additionalinfo",
        "customeridentifier",
        "groupidtoken",
        "groupidtokens",
        "groupkey",
        "idtag",
        "idtoken",
        "idtokenkey",
        "idtokens",
        "parentidtag",
        "stopidtoken",
        "tokenkey",
        "withoutidtokens",
    }
)
"""Names of what holds tokens, on the wire and here, without capitals and underscores."""
_READINGS: Final = frozenset({"value", "readings", "wh", "energywh", "meterstart", "meterstop"})
"""Names of what holds numbers of a meter."""
_SHORTEST_WORD: Final = 6
"""Characters from which on a token is taken for itself wherever it is a word of its own."""
_BETWEEN: Final = r"(?:(?<![0-9A-Za-z])|(?<=\\[nrtbf]))", r"(?![0-9A-Za-z])"
_PADDING: Final = "".join(map(chr, range(0x21))) + "\x7f\ufeff"
_ESCAPED: Final = {'"': r"\\\"", "\\": r"\\\\", "/": r"\\?/"}


class AnonymisationState(StrEnum):
    """How far the work is."""

    RUNNING = "Running"
    COMPLETED = "Completed"


class TokenBusy(Exception):
    """The token cannot be taken out of what is kept while something still goes on with it; ``user`` says what."""

    def __init__(self, user: str) -> None:
        super().__init__(f"the token is in use by {user}")
        self.user = user


@dataclass(frozen=True, slots=True, kw_only=True)
class Anonymisation:
    """One token that is, or was, taken out of everything kept."""

    id: int
    state: AnonymisationState
    pseudonym: str
    """What stands in its place everywhere."""
    requested_at: datetime
    finished_at: datetime | None = None
    id_token: str | None = None
    """The token itself; forgotten with everything else once the work is done."""
    table: str | None = None
    """The kind of record that is gone through, and the key of the last one that was changed."""
    after: tuple[str | int, ...] = ()
    round: int = 0
    """How often everything was gone through: until nothing more is found, since records come meanwhile."""
    found: int = 0
    """Records changed in this round."""
    records: Mapping[str, int] = field(default_factory=dict)
    """Records changed or removed, by kind."""


class Eraser:
    """Replaces one token in texts."""

    def __init__(self, id_token: str, pseudonym: str) -> None:
        self._key = id_token.casefold()
        self._pseudonym = pseudonym
        self._is_number = id_token.isdigit()
        self.is_distinctive = len(id_token) >= _SHORTEST_WORD
        plain = "".join(_either(character) for character in id_token)
        self._word = re.compile(_BETWEEN[0] + re.escape(id_token) + _BETWEEN[1], re.IGNORECASE)
        self._written = re.compile(_BETWEEN[0] + plain + _BETWEEN[1], re.IGNORECASE)
        names = "|".join("_?".join(name) for name in sorted(_FIELDS))
        self._named = re.compile(rf'("(?:{names})"\s*:\s*"?){plain}(?=["\s,}}\]]|$)', re.IGNORECASE)
        runs = re.split(r'["\\/]', id_token.lower())
        self.needle = max(runs, key=len)
        """Every text that has the token, escapes apart, has this, without regard to case."""

    def cell(self, name: str, text: str) -> str:
        """The text of a column without the token; the same object when it does not have it."""
        field = _folded(name)
        if field in _FIELDS and text.casefold() == self._key:
            return self._pseudonym
        bare = text.strip(_PADDING)
        if bare[:1] in ("{", "["):
            try:
                content = msgspec.json.decode(bare)
            except (msgspec.DecodeError, RecursionError, UnicodeError):
                return self._broken(text)
            cleaned = self._tree(content, field)
            if cleaned is not content:
                text = msgspec.json.encode(cleaned).decode()
            # What is written twice under one key, or is a key, is in no tree.
            return self._broken(text) if self._named.search(text) or self._told_otherwise(text, cleaned) else text
        return self._text(text, field)

    def says(self, text: str) -> bool:
        """Whether a free text about customers has it."""
        return self._word.search(text) is not None

    def _told_otherwise(self, text: str, content: Any) -> bool:
        return self.is_distinctive and not self._is_number and self._written.search(text) is not None

    def _broken(self, text: str) -> str:
        """Text of no certain shape, such as the broken frames of the message log."""
        text = self._named.sub(lambda found: found[1] + self._pseudonym, text)
        return self._written.sub(self._pseudonym, text) if self.is_distinctive else text

    def _text(self, text: str, field: str) -> str:
        if field in _FIELDS and text.strip().casefold() == self._key:
            return self._pseudonym
        if not self.is_distinctive or (self._is_number and field in _READINGS):
            return text
        found = self._word.sub(self._pseudonym, text)
        return text if found == text else found

    def _tree(self, value: Any, name: str) -> Any:
        """The value of JSON without the token; the same object when it does not have it."""
        if isinstance(value, str):
            return self._text(value, name)
        if isinstance(value, dict):
            members = {key: self._tree(item, _folded(key)) for key, item in value.items()}
            return value if all(members[key] is item for key, item in value.items()) else members
        if isinstance(value, list):
            items = [self._tree(item, name) for item in value]
            return value if all(one is other for one, other in zip(items, value, strict=True)) else items
        if isinstance(value, int) and name in _FIELDS and str(value) == self._key:
            return self._pseudonym
        return value


def _folded(name: str) -> str:
    return name.casefold().replace("_", "")


def _either(character: str) -> str:
    """The character as it may be written within JSON."""
    codes = "|".join(rf"\\u{ord(one):04x}" for one in {character, character.lower(), character.upper()})
    plain = _ESCAPED.get(character, re.escape(character))
    return rf"(?:{plain}|{re.escape(character)}|{codes})"
