"""Security events: every one goes into the security log, those that somebody should know of at once to the CSMS (A04).

The log is what GetLog uploads as SecurityLog. What is told waits on disk until the CSMS confirms it (``outbox``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from voltbridge.domain.clock import Clock
from voltbridge.station.blocks.a_security.provoked import PROVOKED, Provoked
from voltbridge.station.context import Outbox
from voltbridge.station.facts import SecurityEventFact
from voltbridge.station.log_book import LogBook

__all__ = ["SecurityEvents"]

_LOGGED_ONLY: Final = frozenset({"ReconfigurationOfSecurityParameters"})
"""Not critical by the standard's list, and the CSMS's own doing. Others that are not critical are told all the same:
failed authentications say why a station was silent, and what a peer has provoked may be another's work than the
CSMS's."""


class SecurityEvents:
    """What happens at one station that concerns security."""

    __slots__ = ("_book", "_clock", "_outbox", "_provoked")

    def __init__(self, book: LogBook, outbox: Outbox, clock: Clock) -> None:
        self._book = book
        self._outbox = outbox
        self._clock = clock
        self._provoked = Provoked(clock, self._take)

    def happened(self, event: str, info: str = "", at: datetime | None = None) -> None:
        """One of the standard's list, or a vendor's own."""
        if event in PROVOKED:
            self._provoked.happened(event, info)
        else:
            self._take(event, info, at)

    def stop(self, *, abruptly: bool) -> None:
        """The station stops; in order, what was counted is not forgotten."""
        self._provoked.stop(silently=abruptly)

    def _take(self, event: str, info: str, at: datetime | None = None) -> None:
        self._book.note_security(f"{event} {info}".strip())
        if event not in _LOGGED_ONLY:
            self._outbox.tell(SecurityEventFact(event=event, at=at or self._clock.now(), info=info))
