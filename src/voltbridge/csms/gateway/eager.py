"""Run a coroutine at once up to its first wait, and let a task do the rest only if there is a rest.

Waking a task costs a turn of the event loop, which is more than most messages need in all. Python 3.12 has eager tasks
for this; here it is done with what asyncio offers to other implementations of tasks. The coroutine believes to run in
the task that will finish it, so time-outs and cancellation work in it as ever.
"""

from __future__ import annotations

import asyncio
import types
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Coroutine, Generator
from dataclasses import dataclass
from typing import Any

__all__ = ["Begun", "begin", "finish"]


@dataclass(frozen=True, slots=True)
class Begun:
    """A coroutine that waits for something; ``finish`` it."""

    coroutine: Coroutine[Any, Any, None]
    waits_for: Any
    """What it yielded to its task, a future as a rule."""


def begin(coroutine: Coroutine[Any, Any, None], task: asyncio.Task[Any]) -> Begun | None:
    """Run the coroutine until it waits for something; None when it is done. Not to be called from within a task.

    ``task`` is the one that will ``finish`` it. Raises what the coroutine raises.
    """
    loop = task.get_loop()
    _enter_task(loop, task)
    try:
        waits_for = coroutine.send(None)
    except StopIteration:
        return None
    finally:
        _leave_task(loop, task)
    return Begun(coroutine, waits_for)


@types.coroutine
def finish(begun: Begun) -> Generator[Any, Any, None]:
    """Await the rest of the coroutine."""
    coroutine, waits_for = begun.coroutine, begun.waits_for
    try:
        yield waits_for
    except BaseException as error:
        # The task was cancelled before it could go on: that is the coroutine's to know.
        try:
            waits_for = coroutine.throw(error)
        except StopIteration:
            return
        yield from finish(Begun(coroutine, waits_for))
    else:
        yield from coroutine.__await__()
