"""The time a test may take, enforced on event loops too.

pytest-timeout raises an exception where the signal finds the program. Under uvloop that is a callback of the loop,
which reports exceptions and goes on: a test that waits for ever would hold up the whole run. So a coroutine that takes
too long is cancelled, be it a test's or a fixture's. What still goes on is ended by what would end the program, since
that ends the loop as well.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Generator
from types import FrameType
from typing import Any, Final

import pytest
from anyio._backends._asyncio import TestRunner

__all__ = ["pytest_timeout_set_timer"]

_AGAIN_S: Final = 30.0
"""For what goes on when it has been cancelled."""


class _Running:
    """The coroutine of a test or fixture that runs now."""

    task: asyncio.Task[Any] | None = None
    cancelled_for: str | None = None


_call = TestRunner._call_in_runner_task


async def _call_in_runner_task(
    runner: TestRunner, func: Callable[..., Awaitable[Any]], /, *args: Any, **more: Any
) -> Any:
    """As anyio has it, and what is cancelled for its time fails; the task goes on to the next test or fixture."""

    async def call() -> Any:
        _Running.task, _Running.cancelled_for = asyncio.current_task(), None
        try:
            return await func(*args, **more)
        except asyncio.CancelledError:
            if _Running.cancelled_for is None:
                raise
            pytest.fail(_Running.cancelled_for)
        finally:
            _Running.task = None

    return await _call(runner, call)


TestRunner._call_in_runner_task = _call_in_runner_task  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> Generator[None, Any, Any]:
    """Called by pytest-timeout."""
    done = yield
    if settings.method == "signal":
        fail = signal.getsignal(signal.SIGALRM)
        assert callable(fail)

        def end(number: int, frame: FrameType | None) -> None:
            __tracebackhide__ = True
            try:
                fail(number, frame)
            except pytest.fail.Exception as error:
                running = _Running.task
                if running is None or _Running.cancelled_for is not None:
                    raise SystemExit(str(error)) from None
                _Running.cancelled_for = str(error)
                running.get_loop().call_soon_threadsafe(running.cancel)

        signal.signal(signal.SIGALRM, end)
        signal.setitimer(signal.ITIMER_REAL, settings.timeout, _AGAIN_S)
    return done
