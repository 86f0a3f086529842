"""Stations that keep books: each sends one message at a time, and sends it again until it was answered.

That is what the standard asks of a station for transaction messages (1.6 3.7.1; 2.0.1 E12, E13), and here for all
meter values. What was answered stands in ``acknowledged``, what was sent and not answered in ``pending``; what the
database holds is compared with both.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.support.charger import Charger, Lost
from tests.support.databases import rows
from websockets.exceptions import WebSocketException

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version

__all__ = ["BOOTS", "Fleet", "Message", "Station", "energy_of", "stored_as_told"]

BOOTS: Final[dict[Version, Any]] = {
    Version.V16: {"chargePointVendor": "Faults", "chargePointModel": "Old"},
    Version.V201: {"reason": "PowerUp", "chargingStation": {"vendorName": "Faults", "model": "New"}},
    Version.V21: {"reason": "PowerUp", "chargingStation": {"vendorName": "Faults", "model": "Newer"}},
}
_BEGAN: Final = datetime(2026, 2, 1, tzinfo=UTC)
_WH_PER_READING: Final = 7
_ENERGY: Final = "Energy.Active.Import.Register"


@dataclass(frozen=True, slots=True)
class Message:
    """A message and what it must leave behind: at most one row of meter values, taken at ``reading_ms``."""

    action: str
    payload: dict[str, Any]
    reading_ms: int | None = None
    wh: int | None = None
    """The register of the transaction, where the message tells it."""
    unique_id: str | None = None


Script = Generator[Message, Any, None]


def _at(second: int) -> tuple[str, int]:
    moment = _BEGAN + timedelta(seconds=second)
    return str(DateTime.of(moment)), int(moment.timestamp() * 1000)


def _numbered_by_csms(start_wh: int, finished: Callable[[], bool]) -> Script:
    """A transaction of 1.6."""
    text, _ = _at(0)
    start = {"connectorId": 1, "idTag": "FAULTY", "meterStart": start_wh, "timestamp": text}
    answer = yield Message("StartTransaction", start, wh=start_wh)
    number, second, wh = answer["transactionId"], 0, start_wh
    while not finished():
        second, wh = second + 1, wh + _WH_PER_READING
        text, ms = _at(second)
        value = {"value": str(wh), "unit": "Wh", "measurand": _ENERGY}
        meter_values = {"meterValue": [{"timestamp": text, "sampledValue": [value]}]}
        yield Message("MeterValues", {"connectorId": 1, "transactionId": number, **meter_values}, ms, wh)
        if second % 5 == 0:
            text, ms = _at(-second)
            meter_values = {"meterValue": [{"timestamp": text, "sampledValue": [{"value": "16.5", "unit": "A"}]}]}
            yield Message("MeterValues", {"connectorId": 0, **meter_values}, ms)
    text, _ = _at(second + 1)
    wh += _WH_PER_READING
    yield Message("StopTransaction", {"transactionId": number, "meterStop": wh, "timestamp": text}, wh=wh)


def _numbered_by_station(start_wh: int, finished: Callable[[], bool]) -> Script:
    """A transaction of 2.x."""
    yield _event("Started", "CablePluggedIn", 0, start_wh)
    second, wh = 0, start_wh
    while not finished():
        second, wh = second + 1, wh + _WH_PER_READING
        yield _event("Updated", "MeterValuePeriodic", second, wh)
        if second % 5 == 0:
            text, ms = _at(-second)
            value = {"value": 16.5, "measurand": "Current.Import"}
            yield Message(
                "MeterValues", {"evseId": 2, "meterValue": [{"timestamp": text, "sampledValue": [value]}]}, ms
            )
    yield _event("Ended", "EVDeparted", second + 1, wh + _WH_PER_READING)


def _event(type: str, trigger: str, number: int, wh: int) -> Message:
    text, ms = _at(number)
    payload = {
        "eventType": type,
        "timestamp": text,
        "triggerReason": trigger,
        "seqNo": number,
        "transactionInfo": {"transactionId": "the-transaction"},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": text, "sampledValue": [{"value": wh, "measurand": _ENERGY}]}],
    }
    return Message("TransactionEvent", payload, ms, wh)


@dataclass(eq=False)
class Station:
    """One station, one transaction, and its books. ``finished`` tells when to end the transaction."""

    number: int
    version: Version
    finished: Callable[[], bool]
    heard: Callable[[], None] = lambda: None
    """Called for each answer."""
    acknowledged: list[Message] = field(default_factory=list)
    pending: Message | None = None
    done: bool = False
    _script: Script = field(init=False)
    _sent: int = 0

    def __post_init__(self) -> None:
        script = _numbered_by_csms if self.version is Version.V16 else _numbered_by_station
        self._script = script(1000 * self.number, self.finished)

    @property
    def identity(self) -> str:
        return f"FAULT-{self.number}"

    async def serve(self, port: int) -> None:
        """Connect, boot, and send until the transaction is over or the connection is. Raises Refused."""
        try:
            async with Charger(port, self.identity, self.version) as charger:
                answer = await charger.call("BootNotification", BOOTS[self.version])
                assert answer["status"] == "Accepted"
                while not self.done:
                    await self.deliver(charger)
        except (Lost, OSError, WebSocketException):
            return

    async def deliver(self, charger: Charger) -> None:
        """Send what is pending, else what comes next, and write down that it was answered. Raises Refused, Lost."""
        message = self.next()
        self.answered(await charger.call(message.action, message.payload, message.unique_id))

    def next(self) -> Message:
        """What to send."""
        if self.pending is None:
            self.pending = self._named(next(self._script))
        elif self.number % 2:
            # Some stations keep the id of a message that they send again, others do not.
            self.pending = self._named(self.pending)
        return self.pending

    def answered(self, answer: Any) -> None:
        """What was pending is acknowledged; the next thing to say may depend on the answer."""
        assert self.pending is not None
        self.acknowledged.append(self.pending)
        try:
            self.pending = self._named(self._script.send(answer))
        except StopIteration:
            self.pending, self.done = None, True
        self.heard()

    def _named(self, message: Message) -> Message:
        self._sent += 1
        return replace(message, unique_id=f"{self.identity}-{self._sent}")

    @property
    def told(self) -> list[Message]:
        """All that may have arrived."""
        return [*self.acknowledged, *([self.pending] if self.pending else [])]

    @property
    def energy_wh(self) -> int:
        """Of what was acknowledged."""
        return energy_of(self.acknowledged)


def energy_of(messages: Sequence[Message]) -> int:
    """From the first register to the last."""
    registers = [message.wh for message in messages if message.wh is not None]
    return registers[-1] - registers[0]


class Fleet:
    """Many stations of all versions that charge at the same time."""

    def __init__(self, size: int) -> None:
        self._finishing = False
        self._heard = 0
        self._goal = 0
        self._reached = asyncio.Event()
        versions = tuple(Version)
        self.stations = [
            Station(number, versions[number % len(versions)], lambda: self._finishing, self._count)
            for number in range(1, size + 1)
        ]

    def finish(self) -> None:
        """Have every station end its transaction."""
        self._finishing = True

    def serve(self, port: int) -> asyncio.Future[list[None]]:
        """All stations at once; done when every one has lost its connection or ended its transaction."""
        return asyncio.gather(*(station.serve(port) for station in self.stations))

    async def heard(self, answers: int) -> None:
        """Wait for that many more answers."""
        self._goal = self._heard + answers
        self._reached.clear()
        await self._reached.wait()

    def _count(self) -> None:
        self._heard += 1
        if self._heard == self._goal:
            self._reached.set()


def stored_as_told(url: str, stations: Sequence[Station]) -> int:
    """Hold the database to the stations' books; how many messages are stored that were not acknowledged.

    Every acknowledged message is there exactly once, and nothing is there that was not sent.
    """
    found: dict[str, Counter[int]] = {}
    for identity, ms in rows(url, "SELECT station_id, at_ms FROM meter_values"):
        found.setdefault(identity, Counter())[ms] += 1
    begun = Counter(identity for (identity,) in rows(url, "SELECT station_id FROM transactions"))
    unacknowledged = 0
    for station in stations:
        there = found.pop(station.identity, Counter())
        assert set(there.values()) <= {1}, (station.identity, "stored twice", there)
        acknowledged = {message.reading_ms for message in station.acknowledged} - {None}
        told = {message.reading_ms for message in station.told} - {None}
        assert acknowledged <= there.keys(), (station.identity, "lost", acknowledged - there.keys())
        assert there.keys() <= told, (station.identity, "never sent", there.keys() - told)
        count = begun.pop(station.identity, 0)
        assert count == 1 or (count == 0 and not station.acknowledged), (station.identity, count)
        unacknowledged += len(there.keys() - acknowledged) + (count == 1 and not station.acknowledged)
    assert not found
    assert not begun
    return unacknowledged
