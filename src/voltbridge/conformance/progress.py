"""How far a run has come: which case of how many, how long it has taken, and how long it may take yet."""

from __future__ import annotations

from voltbridge.domain.clock import Clock

__all__ = ["Progress", "span"]


class Progress:
    """Of a run over ``total`` cases, by the clock of whoever watches it."""

    def __init__(self, total: int, clock: Clock) -> None:
        self._total = total
        self._clock = clock
        self._began = clock.monotonic()
        self._over = 0

    def begun(self) -> str:
        """A case begins: ``case 12 of 240, 3 min 10 s so far, about 40 min to go``."""
        passed_s = self._clock.monotonic() - self._began
        said = f"case {self._over + 1} of {self._total}"
        if not self._over:
            return said
        left_s = passed_s / self._over * (self._total - self._over)
        return f"{said}, {span(passed_s)} so far, about {span(left_s)} to go"

    def ended(self) -> None:
        """A case is over."""
        self._over += 1


def span(seconds: float) -> str:
    """So much time in words of two units at most."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes < 10 and rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
