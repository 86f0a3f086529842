"""What a station has told of a customer on request (2.0.1 N09, N10): personal, in parts, kept for a short time only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from voltbridge.domain.sequences import all_parts, missing_parts

__all__ = ["LONGEST_PART", "MOST_PARTS", "CustomerReport"]

MOST_PARTS: Final = 4096
"""Of one report; 2 MiB of text."""
LONGEST_PART: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReport:
    """One report about a customer; its text is read apart."""

    station_id: str
    request_id: int
    requested_at: datetime
    asked: bool = False
    """Whether it was asked for by a command."""
    report: bool = True
    """Whether the data was to be told."""
    clear: bool = False
    """Whether the station was to forget the customer."""
    last_part_at: datetime | None = None
    parts: str = ""
    """Sequence numbers that have come (see ``voltbridge.domain.sequences``)."""
    last_seq_no: int | None = None
    """The number of the last part, once it has come."""
    characters: int = 0
    """Of all parts that have come."""

    @property
    def is_complete(self) -> bool:
        """Whether every part from 0 to the last has come."""
        return all_parts(self.parts, self.last_seq_no)

    @property
    def missing(self) -> list[int]:
        """At most 100 of the parts that have not come though a later one has."""
        return missing_parts(self.parts, 100)
