"""A bad line on purpose: frames that come late, not at all, twice or in the wrong order, and connections that break.

The faults of a line are decided per frame by a source of random numbers, so a seed repeats them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from voltbridge.domain.clock import Clock

__all__ = ["LineFaults", "Wire"]


@dataclass(frozen=True, slots=True)
class LineFaults:
    """What goes wrong on a line. Shares are between 0 and 1 of the frames, in each direction; times are seconds."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    """Added to the latency at random; frames stay in their order."""
    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    """Frames that are held back until the next one has passed, or for ``reorder_s``."""
    reorder_s: float = 1.0
    cut: float = 0.0
    """Frames that break the connection instead of passing."""
    slow_reader_s: float = 0.0
    """The station pauses so long before it reads the next message; what the CSMS sends piles up on its side."""

    def __post_init__(self) -> None:
        """Raises ValueError for a share that is none, or a negative time."""
        for name in ("drop", "duplicate", "reorder", "cut"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be between 0 and 1")
        for name in ("latency_s", "jitter_s", "reorder_s", "slow_reader_s"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be a time in seconds")


class Wire:
    """One direction of a line with faults. ``deliver`` gets the frames that pass, ``cut`` breaks the connection."""

    __slots__ = ("_clock", "_closed", "_cut", "_deliver", "_faults", "_free_at", "_held", "_passing", "_random")

    def __init__(
        self,
        faults: LineFaults,
        clock: Clock,
        random: Random,
        deliver: Callable[[bytes], None],
        cut: Callable[[], None],
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._random = random
        self._deliver = deliver
        self._cut = cut
        self._free_at = 0.0
        """When the last frame will have passed; none overtakes another unless it is reordered."""
        self._passing: deque[bytes] = deque()
        self._held: bytes | None = None
        self._closed = False

    def pass_on(self, frame: bytes) -> None:
        """A frame enters the line."""
        faults = self._faults
        if self._chance(faults.cut):
            self._cut()
            return
        if self._chance(faults.drop):
            return
        if self._held is None and self._chance(faults.reorder):
            self._held = frame
            self._clock.call_later(faults.reorder_s, self._release)
            return
        self._schedule(frame)
        if self._chance(faults.duplicate):
            self._schedule(frame)
        self._release()

    def close(self) -> None:
        """The connection is over; what is still on the line is lost."""
        self._closed = True
        self._held = None

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._schedule(held)

    def _schedule(self, frame: bytes) -> None:
        faults = self._faults
        delay = faults.latency_s + self._random.random() * faults.jitter_s
        now = self._clock.monotonic()
        self._free_at = max(self._free_at, now + delay)
        self._passing.append(frame)
        if self._free_at <= now:
            self._arrive()
        else:
            # Timers due at about the same moment fire in any order, so each brings whatever has come first.
            self._clock.call_later(self._free_at - now, self._arrive)

    def _arrive(self) -> None:
        frame = self._passing.popleft()
        if not self._closed:
            self._deliver(frame)

    def _chance(self, share: float) -> bool:
        return share > 0 and self._random.random() < share
