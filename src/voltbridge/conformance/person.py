"""A person at a terminal: is told what to do, answers questions, and may skip a case."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

from voltbridge.conformance.failure import DriverFailed, NotApplicable

__all__ = ["Person"]

_SKIP = "skip"


class Person:
    """``say`` prints a line; ``ask`` prints a question and waits for the answer, and raises EOFError without anybody.

    ``operates`` names what the person operates, for the complaint that nobody does.
    """

    def __init__(self, say: Callable[[str], None], ask: Callable[[str], str], operates: str) -> None:
        self.say = say
        self._ask = ask
        self._operates = operates

    async def do(self, what: str) -> None:
        """Say what to do, such as ``Unplug the cable``, and wait until it is done.

        Raises NotApplicable when the person cannot, and says so by the word ``skip``.
        """
        if await self.answer(f"{what}, then press Enter (or type skip): ") == _SKIP:
            raise NotApplicable(f"the tester skipped: {what}")

    async def done(self) -> None:
        """Wait until what was said is done."""
        await self.answer("Press Enter when this is done. ")

    async def says(self, question: str) -> bool:
        """Ask until the answer is clear. Raises NotApplicable for ``skip``."""
        while True:
            answer = await self.answer(f"{question} [y/n/skip] ")
            if answer == _SKIP:
                raise NotApplicable(f"the tester skipped: {question}")
            if answer in ("y", "yes", "n", "no"):
                return answer.startswith("y")

    async def answer(self, question: str) -> str:
        """What is typed, in small letters. Raises DriverFailed when the input has ended."""
        # On a thread of its own, so that the peer is served meanwhile, and one that ends with the process: a person
        # who interrupts a run has not pressed Enter.
        loop = asyncio.get_running_loop()
        typed: asyncio.Future[str] = loop.create_future()

        def settle(text: str | None, error: BaseException | None) -> None:
            if typed.done():
                return
            if error is not None:
                typed.set_exception(error)
            else:
                typed.set_result(text or "")

        def wait() -> None:
            text: str | None = None
            failed: BaseException | None = None
            try:
                text = self._ask(question)
            except EOFError:
                failed = DriverFailed(f"there is nobody to operate {self._operates}: the input has ended")
            except BaseException as error:
                failed = error
            with contextlib.suppress(RuntimeError):  # the run is over: nobody waits for it any more
                loop.call_soon_threadsafe(settle, text, failed)

        threading.Thread(target=wait, name="conformance-person", daemon=True).start()
        return (await typed).strip().lower()
