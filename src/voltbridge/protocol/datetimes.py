"""Date-times as OCPP writes them: the text is kept as it came, the moment is computed from it.

The schemas say ``date-time``, which is RFC 3339: an offset is required and a fraction may have any number of digits.
Stations also send texts without an offset (meant as UTC), with a space for the T, or without seconds; the tolerant
policies take these, so ``DateTime.moment`` understands them as well.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

__all__ = ["DateTime", "parse_lenient", "parse_rfc3339"]

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:(\d\d)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII)
_LENIENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]+\d\d:\d\d(?::\d\d(?:[.,]\d+)?)? ?(?:[Zz]|[+-]\d\d(?::?\d\d)?)?", re.ASCII)
_SECONDS = slice(17, 19)


class DateTime(str):
    """A date-time of a message: the text exactly as it is on the wire.

    Comparing compares texts; compare ``moment`` to compare times.
    """

    __slots__ = ()

    @classmethod
    def of(cls, moment: datetime) -> DateTime:
        """The text for a moment: UTC, milliseconds (cut, not rounded), Z. Raises ValueError for a naive datetime."""
        if moment.tzinfo is None:
            raise ValueError(f"a naive datetime names no moment: {moment!r}")
        return cls(moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z")

    @property
    def moment(self) -> datetime:
        """The moment, in UTC and to the microsecond; a text without an offset counts as UTC.

        Raises ValueError for a text that is no date-time, which no decoded message contains.
        """
        try:
            moment: datetime | None = datetime.fromisoformat(self)
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is UTC:
            return moment  # which is what nearly every station sends
        moment = parse_rfc3339(self) or parse_lenient(self)
        if moment is None:
            raise ValueError(f"not a date-time: {str(self)!r}")
        return moment


def parse_rfc3339(text: str) -> datetime | None:
    """The moment in UTC of a date-time by RFC 3339, or None. Digits after the sixth of a fraction are cut.

    None as well for the few that ``datetime`` cannot hold (year 0, and the last hours of 9999 by an offset).
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    try:
        if match[1] == "60":
            return _leap_second(text)
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_lenient(text: str) -> datetime | None:
    """The moment in UTC of a text with a date and a time of day, offset or not (then UTC), or None."""
    text = text.strip()
    if _LENIENT.fullmatch(text) is None:
        return None
    date, rest = text[:10], text[10:].lstrip("Tt ").replace(" ", "")
    try:
        moment = datetime.fromisoformat(f"{date}T{rest.upper()}")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _leap_second(text: str) -> datetime | None:
    """A leap second is the last of its UTC day; ``datetime`` has none, so it becomes the first of the next day."""
    before = datetime.fromisoformat((text[: _SECONDS.start] + "59" + text[_SECONDS.stop :]).upper()).astimezone(UTC)
    return before + timedelta(seconds=1) if (before.hour, before.minute) == (23, 59) else None
