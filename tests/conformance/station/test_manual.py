"""A person drives a charging station for the kit: what is said, what is asked, and what becomes of the answers."""

from __future__ import annotations

import pytest

from voltbridge.conformance.configuration import Configuration
from voltbridge.conformance.failure import DriverFailed
from voltbridge.conformance.manual_station import ManualStation
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio


class Person:
    """Answers what it is told to, in turn."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.told: list[str] = []

    def say(self, text: str) -> None:
        self.told.append(text)

    def ask(self, question: str) -> str:
        self.told.append(question)
        if not self.answers:
            raise EOFError
        return self.answers.pop(0)


async def test_the_set_up_is_said_once_for_each_version() -> None:
    person = Person("", "")
    station = ManualStation(person.say, person.ask)
    for version in (Version.V16, Version.V16, Version.V201):
        await station.begin("ws://kit/ocpp", Configuration(station_id="CP1"), version)
    addressed = [line for line in person.told if "ws://kit/ocpp/CP1" in line]
    assert [line.split("OCPP ")[1] for line in addressed] == ["1.6", "2.0.1"]


async def test_a_lock_is_looked_at_until_the_answer_is_clear() -> None:
    person = Person("maybe", "Y", "no")
    station = ManualStation(person.say, person.ask)
    assert await station.locked(1, 1) is True
    assert await station.locked(1, 1) is False
    assert person.answers == []


async def test_without_anybody_the_driver_has_failed() -> None:
    person = Person()
    station = ManualStation(person.say, person.ask)
    with pytest.raises(DriverFailed, match="nobody"):
        await station.plug_in(1, 1)
    assert "Plug the cable into EVSE 1" in person.told[0]
