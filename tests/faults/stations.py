"""Stations that keep books: each sends one message at a time, and sends it again until it was answered.

That is what the standard asks of a station for transaction messages (1.6 3.7.1; 2.0.1 E12, E13), and here for all
meter values. What was answered stands in ``acknowledged``, what was sent and not answered in ``pending``; what the
database holds is compared with both. A station charges again and again, so that every kind of message is under way
whenever something breaks.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from tests.support.charger import Charger, Lost, Refused
from tests.support.databases import rows
from websockets.exceptions import WebSocketException

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version

__all__ = ["BOOTS", "Fleet", "Message", "Session", "Station", "milliseconds", "sessions", "stored_as_told"]

BOOTS: Final[dict[Version, Any]] = {
    Version.V16: {"chargePointVendor": "Faults", "chargePointModel": "Old"},
    Version.V201: {"reason": "PowerUp", "chargingStation": {"vendorName": "Faults", "model": "New"}},
    Version.V21: {"reason": "PowerUp", "chargingStation": {"vendorName": "Faults", "model": "Newer"}},
}
_BEGAN: Final = datetime(2026, 2, 1, tzinfo=UTC)
_APART: Final = timedelta(hours=1)
_WH_PER_READING: Final = 7
_ENERGY: Final = "Energy.Active.Import.Register"


@dataclass(frozen=True, slots=True)
class Message:
    """A message and what it must leave behind: at most one row of meter values, taken at ``reading``."""

    session: int
    action: str
    payload: dict[str, Any]
    reading: datetime | None = None
    wh: int | None = None
    """The register of the transaction, where the message tells it."""
    ends: bool = False
    unique_id: str | None = None


Script = Generator[Message, Any, None]


@dataclass(frozen=True)
class Session:
    """What is known of one transaction from a number of messages."""

    began: datetime
    readings: frozenset[datetime]
    energy_wh: float
    state: str


def _moment(session: int, second: int) -> datetime:
    return _BEGAN + session * _APART + timedelta(seconds=second)


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _numbered_by_csms(session: int, wh: int, readings: Iterator[int]) -> Script:
    """A transaction of 1.6."""
    start = {"connectorId": 1, "idTag": "FAULTY", "meterStart": wh, "timestamp": DateTime.of(_moment(session, 0))}
    answer = yield Message(session, "StartTransaction", start, wh=wh)
    number, second = answer["transactionId"], 0
    for second in readings:
        wh += _WH_PER_READING
        at = _moment(session, second)
        value = {"value": str(wh), "unit": "Wh", "measurand": _ENERGY}
        meter_value = [{"timestamp": DateTime.of(at), "sampledValue": [value]}]
        payload = {"connectorId": 1, "transactionId": number, "meterValue": meter_value}
        yield Message(session, "MeterValues", payload, at, wh)
        if second % 3 == 0:
            at = _moment(session, -second)
            meter_value = [{"timestamp": DateTime.of(at), "sampledValue": [{"value": "16.5", "unit": "A"}]}]
            yield Message(session, "MeterValues", {"connectorId": 0, "meterValue": meter_value}, at)
    wh += _WH_PER_READING
    at = _moment(session, second + 1)
    stop = {"transactionId": number, "meterStop": wh, "timestamp": DateTime.of(at)}
    yield Message(session, "StopTransaction", stop, wh=wh, ends=True)


def _numbered_by_station(session: int, wh: int, readings: Iterator[int]) -> Script:
    """A transaction of 2.x."""
    second = 0
    yield _event(session, "Started", "CablePluggedIn", second, wh)
    for second in readings:
        wh += _WH_PER_READING
        yield _event(session, "Updated", "MeterValuePeriodic", second, wh)
        if second % 3 == 0:
            at = _moment(session, -second)
            value = {"value": 16.5, "measurand": "Current.Import"}
            meter_value = [{"timestamp": DateTime.of(at), "sampledValue": [value]}]
            yield Message(session, "MeterValues", {"evseId": 2, "meterValue": meter_value}, at)
    yield _event(session, "Ended", "EVDeparted", second + 1, wh + _WH_PER_READING)


def _event(session: int, type: str, trigger: str, number: int, wh: int) -> Message:
    at = _moment(session, number)
    payload = {
        "eventType": type,
        "timestamp": DateTime.of(at),
        "triggerReason": trigger,
        "seqNo": number,
        "transactionInfo": {"transactionId": f"session-{session}"},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": DateTime.of(at), "sampledValue": [{"value": wh, "measurand": _ENERGY}]}],
    }
    return Message(session, "TransactionEvent", payload, at, wh, ends=type == "Ended")


@dataclass(eq=False)
class Station:
    """One station and its books. ``finished`` tells when to end the transaction and begin no other."""

    number: int
    version: Version
    finished: Callable[[], bool]
    heard: Callable[[Station], None]
    """Called for each answer."""
    acknowledged: list[Message] = field(default_factory=list)
    pending: Message | None = None
    done: bool = False
    refused: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a message was."""
    mended: asyncio.Event | None = None
    """What to wait for after a refusal before sending the message again; without it a refusal is an error."""
    _script: Script = field(init=False)
    _sent: int = 0

    def __post_init__(self) -> None:
        self._script = self._life()
        self.pending = next(self._script)

    @property
    def identity(self) -> str:
        return f"FAULT-{self.number}"

    async def serve(self, port: int) -> None:
        """Connect, boot, and send until all is said or the connection is lost. Raises Refused."""
        try:
            async with Charger(port, self.identity, self.version) as charger:
                await self.boot(charger)
                while not self.done:
                    try:
                        await self.deliver(charger)
                    except Refused as refusal:
                        await self._be_patient(refusal)
        except (Lost, OSError, WebSocketException):
            return

    async def _be_patient(self, refusal: Refused) -> None:
        """Only what could not be stored may be refused; it is to be sent again (1.6 3.7.1)."""
        if self.mended is None or refusal.code != "InternalError":
            raise refusal
        self.refused.set()
        await self.mended.wait()

    async def boot(self, charger: Charger) -> None:
        answer = await charger.call("BootNotification", BOOTS[self.version])
        assert answer["status"] == "Accepted"

    async def deliver(self, charger: Charger) -> None:
        """Send what is pending; once it is answered, write that down. Raises Refused and Lost."""
        message = self.outgoing()
        answer = await charger.call(message.action, message.payload, message.unique_id)
        self.acknowledged.append(message)
        try:
            self.pending = self._script.send(answer)
        except StopIteration:
            self.pending, self.done = None, True
        self.heard(self)

    def outgoing(self) -> Message:
        """What is pending, with its id: some stations keep that of a message they send again, others do not."""
        assert self.pending is not None
        if self.pending.unique_id is None or self.number % 2:
            self._sent += 1
            self.pending = replace(self.pending, unique_id=f"{self.identity}-{self._sent}")
        return self.pending

    def _life(self) -> Script:
        script = _numbered_by_csms if self.version is Version.V16 else _numbered_by_station
        for session in count():
            yield from script(session, 1000 * self.number + 100 * session, self._readings())
            if self.finished():
                return

    def _readings(self) -> Iterator[int]:
        # Of different length, so that not all stations begin and end together.
        for second in range(1, 4 + self.number % 7):
            if self.finished():
                return
            yield second

    @property
    def told(self) -> list[Message]:
        """All that may have arrived."""
        return [*self.acknowledged, *([self.pending] if self.pending and self.pending.unique_id else [])]


def sessions(messages: Sequence[Message]) -> dict[int, Session]:
    """The transactions that these messages tell of, by their number."""
    found: dict[int, Session] = {}
    for number in sorted({message.session for message in messages}):
        own = [message for message in messages if message.session == number and message.wh is not None]
        registers = [message.wh for message in own if message.wh is not None]
        found[number] = Session(
            began=_moment(number, 0),
            readings=frozenset(message.reading for message in own if message.reading),
            energy_wh=registers[-1] - registers[0],
            state="Ended" if own[-1].ends else "Active",
        )
    return found


class Fleet:
    """Many stations of all versions that charge at the same time."""

    def __init__(self, size: int) -> None:
        self._finishing = False
        self._awaited = 0
        self._silent: set[Station] = set()
        self._reached = asyncio.Event()
        versions = tuple(Version)
        self.stations = [
            Station(number, versions[number % len(versions)], lambda: self._finishing, self._count)
            for number in range(1, size + 1)
        ]

    def finish(self) -> None:
        """Have every station end its transaction and begin no other."""
        self._finishing = True

    def be_patient(self, mended: asyncio.Event) -> asyncio.Event:
        """Have every station take refusals, and send again once the event is set. Returns what the first one sets."""
        refused = asyncio.Event()
        for station in self.stations:
            station.refused, station.mended = refused, mended
        return refused

    def serve(self, port: int) -> asyncio.Future[list[None]]:
        """All stations at once; done when every one has lost its connection or said all."""
        return asyncio.gather(*(station.serve(port) for station in self.stations))

    async def heard(self, answers: int) -> None:
        """Wait for that many more answers, and for one to every station at least."""
        self._awaited, self._silent = answers, set(self.stations)
        self._reached.clear()
        await self._reached.wait()

    def _count(self, station: Station) -> None:
        self._awaited -= 1
        self._silent.discard(station)
        if self._awaited <= 0 and not self._silent:
            self._reached.set()


def stored_as_told(url: str, stations: Sequence[Station]) -> int:
    """Hold the database to the stations' books; how many messages are stored that were not acknowledged.

    Every acknowledged message is there exactly once, and nothing is there that was not sent.
    """
    read: dict[str, Counter[int]] = {}
    for identity, ms in rows(url, "SELECT station_id, at_ms FROM meter_values"):
        read.setdefault(identity, Counter())[ms] += 1
    begun: dict[str, dict[int, list[str]]] = {}
    for identity, ms, state in rows(url, "SELECT station_id, started_at_ms, state FROM transactions"):
        begun.setdefault(identity, {}).setdefault(ms, []).append(state)
    unacknowledged = 0
    for station in stations:
        there = read.pop(station.identity, Counter())
        assert set(there.values()) <= {1}, (station.identity, "stored twice", there)
        acknowledged = {milliseconds(message.reading) for message in station.acknowledged if message.reading}
        told = {milliseconds(message.reading) for message in station.told if message.reading}
        assert acknowledged <= there.keys(), (station.identity, "lost", acknowledged - there.keys())
        assert there.keys() <= told, (station.identity, "never sent", there.keys() - told)
        states = begun.pop(station.identity, {})
        sure, possible = sessions(station.acknowledged), sessions(station.told)
        by_start = {milliseconds(session.began): number for number, session in possible.items()}
        assert states.keys() <= by_start.keys()
        for ms, number in by_start.items():
            allowed = [sure[number].state] if number in sure else []
            assert states.get(ms, []) in ([*allowed], [possible[number].state]), (station.identity, number, states)
            unacknowledged += states.get(ms, []) != allowed
        unacknowledged += len(there.keys() - acknowledged)
    assert not read
    assert not begun
    return unacknowledged
