"""A clock that jumps to the next timer as soon as nothing is left to do: a week in seconds, and the same every time.

It needs an event loop of its own (``run``, or ``VirtualLoop`` as a loop factory), because only the loop knows that
nothing is runnable: it asks its selector to wait, and that is the moment to jump. Work on threads of the loop's
executor, and whatever else is declared by ``held``, is not over while the loop is idle; then the clock runs at the
pace of the wall instead, so that an answer can come and a time-out still ends.

Sockets to a peer in the same loop need no hold, since the loopback interface delivers before ``send`` returns.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import Any, Final, TypeVar, TypeVarTuple

from voltbridge.domain.clock import Cancel, Clock

__all__ = ["EPOCH", "VirtualClock", "VirtualLoop", "held", "run"]

T = TypeVar("T")
_Ts = TypeVarTuple("_Ts")

EPOCH: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""Where virtual time begins unless told otherwise: a Sunday at noon, four weeks before summer time."""

_MANY_CANCELLED: Final = 1000


class _Timer:
    __slots__ = ("callback", "due", "number")

    def __init__(self, due: float, number: int, callback: Callable[[], None]) -> None:
        self.due = due
        self.number = number
        self.callback: Callable[[], None] | None = callback

    def __lt__(self, other: _Timer) -> bool:
        return (self.due, self.number) < (other.due, other.number)


class VirtualClock:
    """Time that passes by itself when nobody has anything to do.

    Timers of one moment fire in the order of their start.
    """

    __slots__ = ("_cancelled", "_elapsed", "_holds", "_made", "_start", "_timers")

    def __init__(self, start: datetime = EPOCH) -> None:
        self._start = start
        self._elapsed = 0.0
        self._timers: list[_Timer] = []
        self._made = 0
        self._cancelled = 0
        self._holds = 0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def now_ms(self) -> int:
        return int(self.now().timestamp() * 1000)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        over = asyncio.Event()
        cancel = self.call_later(seconds, over.set)
        try:
            await over.wait()
        finally:
            cancel()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Cancel:
        self._made += 1
        timer = _Timer(self._elapsed + max(0.0, seconds), self._made, callback)
        heappush(self._timers, timer)

        def cancel() -> None:
            if timer.callback is not None:
                timer.callback = None
                self._cancelled += 1
                self._tidy()

        return cancel

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Run at the pace of the wall for that long: something outside the event loop is awaited."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1

    @property
    def is_held(self) -> bool:
        return self._holds > 0

    @property
    def next_due(self) -> float | None:
        """The monotonic second of the next timer."""
        while self._timers and self._timers[0].callback is None:
            heappop(self._timers)
            self._cancelled -= 1
        return self._timers[0].due if self._timers else None

    def pass_to(self, moment: float) -> list[Callable[[], None]]:
        """Let time pass up to a monotonic second, or to the first timer due by then; what is due at that moment."""
        due = self.next_due
        if due is None or due > moment:
            self._elapsed = max(self._elapsed, moment)
            return []
        self._elapsed = max(self._elapsed, due)
        callbacks = []
        while (due := self.next_due) is not None and due <= self._elapsed:
            timer = heappop(self._timers)
            if timer.callback is not None:
                callbacks.append(timer.callback)
                timer.callback = None
        return callbacks

    def _tidy(self) -> None:
        if self._cancelled > _MANY_CANCELLED and self._cancelled > len(self._timers) // 2:
            self._timers = [timer for timer in self._timers if timer.callback is not None]
            heapify(self._timers)
            self._cancelled = 0


class _IdleSelector(selectors.DefaultSelector):
    """Sees when the event loop is about to sleep, and has time pass instead."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        clock = self._clock
        due = clock.next_due
        if clock.is_held:
            limits = [
                limit for limit in (timeout, None if due is None else due - clock.monotonic()) if limit is not None
            ]
            began = time.monotonic()
            events = super().select(max(0.0, min(limits)) if limits else None)
            self._fire(clock.pass_to(clock.monotonic() + time.monotonic() - began))
            return events
        if due is None:
            return super().select(timeout)
        self._fire(clock.pass_to(due))
        return []

    @staticmethod
    def _fire(callbacks: list[Callable[[], None]]) -> None:
        if callbacks:
            loop = asyncio.get_running_loop()
            for callback in callbacks:
                loop.call_soon(callback)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with a virtual clock, ``clock``. Its own ``call_later`` stays with the time of the machine."""

    def __init__(self, clock: VirtualClock | None = None) -> None:
        self.clock = VirtualClock() if clock is None else clock
        super().__init__(_IdleSelector(self.clock))

    def run_in_executor(self, executor: Any, func: Callable[[*_Ts], T], *args: *_Ts) -> asyncio.Future[T]:
        """As ever; the clock is held until the thread has done its work."""
        hold = self.clock.hold()
        hold.__enter__()
        try:
            future: asyncio.Future[T] = super().run_in_executor(executor, func, *args)
        except BaseException:
            hold.__exit__(None, None, None)
            raise
        future.add_done_callback(lambda _: hold.__exit__(None, None, None))
        return future


def held(clock: Clock) -> AbstractContextManager[None]:
    """Hold the clock if it is a virtual one, while a peer outside the event loop is awaited."""
    return clock.hold() if isinstance(clock, VirtualClock) else nullcontext()


def run(main: Callable[[VirtualClock], Coroutine[Any, Any, T]], start: datetime = EPOCH) -> T:
    """Run a coroutine function in virtual time; it is handed the clock."""
    clock = VirtualClock(start)
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        return runner.run(main(clock))
