"""Somebody at a terminal, who does things, answers, cannot do one, or has gone."""

from __future__ import annotations

import asyncio
import threading

import pytest

from voltbridge.conformance.failure import DriverFailed, NotApplicable
from voltbridge.conformance.person import Person

pytestmark = pytest.mark.anyio


class Terminal:
    """What is typed into it, in turn."""

    def __init__(self, *typed: str) -> None:
        self.typed = list(typed)
        self.asked: list[str] = []

    def ask(self, question: str) -> str:
        self.asked.append(question)
        if not self.typed:
            raise EOFError
        return self.typed.pop(0)

    @property
    def person(self) -> Person:
        return Person(self.asked.append, self.ask, "the station")


async def test_a_person_does_what_is_asked_and_answers() -> None:
    terminal = Terminal("", "perhaps", " YES ", "n")
    await terminal.person.do("Unplug the cable")
    assert terminal.asked == ["Unplug the cable, then press Enter (or type skip): "]
    assert await terminal.person.says("Is it locked?") is True
    assert await terminal.person.says("Is it locked?") is False


async def test_what_a_person_skips_does_not_run() -> None:
    terminal = Terminal("skip", "Skip")
    with pytest.raises(NotApplicable, match="the tester skipped: Unplug the cable"):
        await terminal.person.do("Unplug the cable")
    with pytest.raises(NotApplicable, match=r"the tester skipped: Is it locked\?"):
        await terminal.person.says("Is it locked?")


async def test_nobody_there_and_a_broken_terminal_are_told() -> None:
    with pytest.raises(DriverFailed, match="nobody to operate the station"):
        await Terminal().person.do("Unplug the cable")

    def broken(_: str) -> str:
        raise OSError("no such device")

    with pytest.raises(OSError, match="no such device"):
        await Person(print, broken, "the station").done()


async def test_others_are_served_while_a_person_thinks_and_nobody_waits_for_one_who_is_not_needed_any_more() -> None:
    asked, thinking = threading.Event(), threading.Event()

    def slow(_: str) -> str:
        asked.set()
        thinking.wait(60)
        return "y"

    answer = asyncio.create_task(Person(print, slow, "the station").says("Is it locked?"))
    await asyncio.to_thread(asked.wait, 30)
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    thinking.set()
