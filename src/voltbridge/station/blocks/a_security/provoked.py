"""Security events that a peer can make happen as often as it likes: told at once, then counted.

While it goes on they are told again after a pause, with their number, and each pause is twice as long as the one
before; after a quiet one the next is told at once again. So a peer that sends nothing but rubbish fills neither the
security log nor the queue, and hides in neither what else has happened.

What was counted in a pause is lost with a power cut: the first was told, and writing each down is what a flood must not
make the station do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from voltbridge.domain.clock import Cancel, Clock

__all__ = ["PROVOKED", "Provoked"]

PROVOKED: Final = frozenset({"AttemptedReplayAttacks", "InvalidMessages"})
"""Those events."""

_PAUSE_S: Final = 600.0
_LONGEST_PAUSE_S: Final = 86_400.0


@dataclass(slots=True)
class _Pause:
    seconds: float
    cancel: Cancel
    counted: int = 0
    last: str = ""


class Provoked:
    """Counts them. ``tell(event, info)`` is how one is told."""

    __slots__ = ("_clock", "_pauses", "_tell")

    def __init__(self, clock: Clock, tell: Callable[[str, str], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._pauses: dict[str, _Pause] = {}

    def happened(self, event: str, info: str) -> None:
        """Once more."""
        pause = self._pauses.get(event)
        if pause is not None:
            pause.counted += 1
            pause.last = info
            return
        self._pause(event, _PAUSE_S)
        self._tell(event, info)

    def stop(self, *, silently: bool) -> None:
        """Count no more; unless silently, tell what was counted."""
        pauses, self._pauses = self._pauses, {}
        for event, pause in pauses.items():
            pause.cancel()
            if not silently:
                self._tell_counted(event, pause)

    def _pause(self, event: str, seconds: float) -> None:
        self._pauses[event] = _Pause(seconds, self._clock.call_later(seconds, partial(self._over, event)))

    def _over(self, event: str) -> None:
        pause = self._pauses.pop(event)
        if pause.counted:
            self._pause(event, min(2 * pause.seconds, _LONGEST_PAUSE_S))
            self._tell_counted(event, pause)

    def _tell_counted(self, event: str, pause: _Pause) -> None:
        if pause.counted:
            self._tell(event, f"{pause.counted} more, the last: {pause.last}")
