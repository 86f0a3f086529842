"""The CSMS the kit plays towards a charging station: what it sends, answers and waits for at the steps of a case.

Steps carry the document's numbers. The station's requests are answered as they come (``answers``) and wait in the
inbox until a step takes them, since the document allows many of them in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from voltbridge.conformance.configuration import Configuration
from voltbridge.conformance.drivers import StationDriver
from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.patience import Tell, saying
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station import rules
from voltbridge.conformance.station.answers import Answer, Answers
from voltbridge.conformance.station.authorities import Authorities, Root
from voltbridge.conformance.station.inbox import Arrival, Inbox
from voltbridge.conformance.station.line import Line, Pipe
from voltbridge.conformance.station.session import Session
from voltbridge.conformance.transcript import Entry, Transcript, Way
from voltbridge.domain.clock import Clock
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version

__all__ = ["Attempt", "Handshake", "SimulatedCsms", "Wanted"]

Wanted = Mapping[str, object]
"""Values by path; a tuple allows each of its values."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An upgrade request of the station, taken or not."""

    at: datetime
    url: str
    """The endpoint it went to, of the two there are."""
    identity: str
    subprotocols: tuple[str, ...]
    authorization: str | None
    accepted: bool


@dataclass(frozen=True, slots=True)
class Handshake:
    """A TLS handshake that the station has begun, whatever came of it."""

    at: datetime
    url: str
    """The endpoint it was for."""


@dataclass(slots=True)
class SimulatedCsms:
    """One CSMS on one run of one case."""

    configuration: Configuration
    station: StationDriver
    clock: Clock
    url: str
    """Where stations connect; the identity follows after a slash."""
    other_url: str = ""
    """A second endpoint, for stations that are to change between two."""
    version: Version = Version.V201
    transcript: Transcript = field(default_factory=list)
    tell: Tell | None = None
    """Told what is waited for, where somebody watches."""
    begun: bool = False
    """Whether the case has begun; before, the station is only brought into the general preconditions."""
    refusing: bool = False
    """Whether connections are refused."""
    refused_urls: set[str] = field(default_factory=set)
    """Endpoints where connections are refused."""
    attempts: list[Attempt] = field(default_factory=list)
    authorities: Authorities | None = None
    """Of the endpoints, where they speak TLS."""
    root: Root = Root.OLD
    """By which the first endpoint shows a certificate."""
    other_root: Root = Root.OLD
    """By which the second one does."""
    handshakes: list[Handshake] = field(default_factory=list)
    sessions: dict[int, Session] = field(default_factory=dict)
    """By EVSE id, from the first use on."""
    changed: dict[tuple[str, str, str, int | None], str] = field(default_factory=dict)
    """Variables as they were before a case changed them: (component, variable, instance, EVSE id) -> value."""
    answers: Answers = field(init=False)
    inbox: Inbox = field(init=False)
    _line: Line | None = None
    _connections: int = 0
    _stage: str = ""
    _ids: int = 0
    _fault: str | None = None

    def __post_init__(self) -> None:
        self.answers = Answers(self.configuration, self.clock)
        self.inbox = Inbox(self.clock)
        self.session()

    @property
    def evse_id(self) -> int:
        """The EVSE for cases that need one."""
        return self.configuration.evse_id

    @property
    def connector_id(self) -> int:
        """The connector for cases that need one."""
        return self.configuration.connector_id

    def session(self, evse_id: int | None = None) -> Session:
        """What happens at the EVSE, by default the configured one."""
        evse_id = evse_id or self.evse_id
        tokens = self.configuration.tokens
        token = tokens.valid if evse_id == self.evse_id else tokens.valid2
        return self.sessions.setdefault(evse_id, Session(evse_id, token))

    # Steps

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Name the steps within after a reusable state or another part of a case."""
        outer, self._stage = self._stage, name
        try:
            yield
        finally:
            self._stage = outer

    def step(self, number: int | str) -> str:
        """The name of a step."""
        return f"{self._stage} {number}".lstrip()

    def note(self, text: str) -> None:
        """Leave a note among the frames."""
        self.transcript.append(Entry(self.clock.now(), Way.NOTE, text))

    def needs(self, *features: str) -> None:
        """Raises NotApplicable unless the station is configured to have all of these features."""
        missing = sorted(set(features) - self.configuration.features)
        if missing:
            raise NotApplicable(f"the station has no {', '.join(missing)}")

    def next_id(self) -> int:
        """A number for a request, not used before in this case."""
        self._ids += 1
        return self._ids

    # Connection

    def connected(self, pipe: Pipe) -> Line:
        """The station has connected: frames go over ``pipe``, and those that come to the line returned."""
        self._connections += 1
        number = self._connections

        def came(action: str, payload: Mapping[str, Any]) -> Answer:
            answer = self.answers.to(action, payload)
            arrival = Arrival(action, payload, self.clock.now(), number)
            self.saw(action, payload, answer)
            self.inbox.put(arrival)
            return answer

        self._line = Line(pipe, self.version, self.clock, came, lambda: f"kit-{number}-{self.next_id()}")
        self.inbox.wake()
        return self._line

    def saw(self, action: str, payload: Mapping[str, Any], answer: Answer) -> None:
        """A request came, and this is what it is answered."""
        if action == "TransactionEvent":
            for session in self.sessions.values():
                session.saw(payload)

    def lost(self, line: Line) -> None:
        """A connection has ended."""
        line.ended()
        self._fault = self._fault or line.fault
        self.inbox.wake()

    @property
    def online(self) -> bool:
        """Whether the station has a connection."""
        return self._line is not None and self._line.open

    @property
    def line(self) -> Line:
        """The open connection; raises StepFailed without one."""
        if self._line is None or not self._line.open:
            raise StepFailed(self.step(""), "a connected station", "no connection")
        return self._line

    @property
    def connections(self) -> int:
        """How many connections there have been."""
        return self._connections

    async def close(self, *, refuse: bool) -> None:
        """Close the station's connection and, with ``refuse``, take none until ``accept``."""
        self.refusing = refuse
        if self._line is not None:
            await self._line.close()

    def accept(self) -> None:
        """Take connections again."""
        self.refusing = False

    async def reconnected(self, step: int | str, *, after: int, seconds: float | None = None) -> None:
        """Wait for a connection later than the one with the number ``after``."""
        wait_s = seconds or self.configuration.reconnect_s
        what = f"waiting for the station to connect to {self.url}/{self.configuration.station_id}"
        with saying(self.tell, what, wait_s, self.clock):
            await self.until(lambda: self._connections > after and self.online, wait_s)
        if self._connections <= after or not self.online:
            raise StepFailed(self.step(step), "a new connection of the station", f"none within {wait_s:g} s")

    async def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until ``holds()``, looking again whenever something comes; False after so many seconds."""
        return await self.inbox.wait(lambda _: False, seconds, holds) is None and holds()

    def check(self, step: int | str = "end") -> None:
        """Raises StepFailed when the station broke the protocol or a rule that holds in all cases."""
        fault = self._fault or (self._line.fault if self._line is not None else None)
        if fault is not None:
            raise StepFailed(self.step(step), "a peer that keeps to the protocol", fault)

    # Messages

    async def call(
        self, step: int | str, action: str, payload: Mapping[str, Any], *, seconds: float | None = None
    ) -> Received:
        """Send a request; the response, which belongs to ``step``. Raises StepFailed."""
        self.check(step)
        timeout_s = seconds or self.configuration.message_timeout_s
        with saying(self.tell, f"waiting for {action}Response", timeout_s, self.clock):
            response = await self.line.call(self.step(step), action, payload, timeout_s)
        self.check(step)
        return response

    async def refused(self, step: int | str, action: str, payload: Mapping[str, Any], *codes: str) -> None:
        """Send a request that has to be answered with a CALLERROR of one of these codes."""
        self.check(step)
        await self.line.refused(self.step(step), action, payload, self.configuration.message_timeout_s, codes)

    async def take(
        self, step: int | str, action: str, wanted: Wanted | None = None, *, seconds: float | None = None
    ) -> Received:
        """The next request of this action not taken yet (with these values); raises StepFailed when none comes."""
        wait_s = seconds or self.configuration.message_timeout_s
        name = f"{action}Request" + (f" with {_shown(wanted)}" if wanted else "")
        with saying(self.tell, f"waiting for {name}", wait_s, self.clock):
            found = await self._find(step, action, wanted, wait_s)
        if found is None:
            raise StepFailed(self.step(step), name, f"nothing of the kind within {wait_s:g} s; {self._untaken()}")
        found.needed = True
        return self._received(step, found)

    async def maybe(
        self, step: int | str, action: str, wanted: Wanted | None = None, *, seconds: float | None = None
    ) -> Received | None:
        """As ``take``, for a request the document calls optional: None when it does not come within ``quiet_s``."""
        wait_s = seconds or self.configuration.quiet_s
        with saying(self.tell, f"waiting whether {action}Request comes", wait_s, self.clock):
            found = await self._find(step, action, wanted, wait_s)
        return None if found is None else self._received(step, found)

    async def none(
        self, step: int | str, action: str, wanted: Wanted | None = None, *, seconds: float | None = None
    ) -> None:
        """Raises StepFailed when a request of this action (with these values) comes within so many seconds."""
        found = await self.maybe(step, action, wanted, seconds=seconds)
        if found is not None:
            name = f"no {action}Request" + (f" with {_shown(wanted)}" if wanted else "")
            raise StepFailed(self.step(step), name, str(dict(found.payload)))

    def seen(self, action: str, wanted: Wanted | None = None) -> list[Received]:
        """Every request of this action (with these values) since the case began, taken or not."""
        allowed = _allowed(wanted)
        every = [self._received("", one) for one in self.inbox.arrivals if one.action == action]
        return [one for one in every if one.fits(allowed)]

    def needed(self, message: Received) -> None:
        """A step could not do without this request, although it came by ``maybe``."""
        for one in self.inbox.arrivals:
            one.needed |= one.payload is message.payload

    def forget(self, action: str | None = None) -> None:
        """Take everything that has come (of this action), without a look at it."""
        for one in self.inbox.arrivals:
            if action is None or one.action == action:
                one.taken = True

    async def quiet(self, seconds: float | None = None) -> None:
        """Wait until the station has said nothing for so many seconds (by default ``quiet_s``)."""
        wait_s = seconds or self.configuration.quiet_s
        count = -1

        def more() -> bool:
            return len(self.inbox.arrivals) > count

        while more():
            count = len(self.inbox.arrivals)
            await self.inbox.wait(lambda _: False, wait_s, more)

    # Variables

    async def value(self, component: str, variable: str, instance: str = "", evse_id: int | None = None) -> str | None:
        """The actual value of a variable; None: the station has no such variable, or does not tell it."""
        entry = _entry(component, variable, instance, evse_id)
        response = await self.call("value of a variable", "GetVariables", {"getVariableData": [entry]})
        if response.at("getVariableResult.0.attributeStatus") != "Accepted":
            return None
        value = response.at("getVariableResult.0.attributeValue")
        return None if value is ABSENT else str(value)

    async def configure(
        self, component: str, variable: str, value: str, instance: str = "", evse_id: int | None = None
    ) -> bool:
        """Bring a variable to a value ("Configuration State"); False: the station has no such variable or it is fixed.

        What it was is kept, and set again after the case. A station that wants a reboot for it is rebooted.
        """
        before = await self.value(component, variable, instance, evse_id)
        if before is None or before == value:
            return before is not None
        response = await self._set(component, variable, value, instance, evse_id)
        status = response.at("setVariableResult.0.attributeStatus")
        if status not in ("Accepted", "RebootRequired"):
            return False
        self.changed.setdefault((component, variable, instance, evse_id), before)
        if status == "RebootRequired":
            await self.reboot()
        return True

    async def configured(
        self, component: str, variable: str, value: str, instance: str = "", evse_id: int | None = None
    ) -> None:
        """As ``configure``, where the case cannot run otherwise: raises NotApplicable."""
        if not await self.configure(component, variable, value, instance, evse_id):
            raise NotApplicable(f"{component}.{variable} of the station cannot be {value}")

    async def keep(self, component: str, variable: str) -> None:
        """Set a variable again after the case to what it is now; the case itself changes it."""
        value = await self.value(component, variable)
        if value is not None:
            self.changed.setdefault((component, variable, "", None), value)

    async def restore(self) -> None:
        """Set the variables again that the case has changed."""
        reboot = False
        for (component, variable, instance, evse_id), value in self.changed.items():
            response = await self._set(component, variable, value, instance, evse_id)
            reboot |= response.at("setVariableResult.0.attributeStatus") == "RebootRequired"
        self.changed.clear()
        if reboot:
            await self.reboot()

    async def leave_idle(self) -> None:
        """After a case: end transactions, unplug, set the variables again."""
        for session in self.sessions.values():
            if session.transaction_id is not None:
                await self.call(1, "RequestStopTransaction", {"transactionId": session.transaction_id})
            if session.ev_connected:
                await self.station.unplug(session.evse_id, self.connector_id)
        await self.restore()

    def check_rules(self) -> None:
        """Raises StepFailed when what came breaks a rule that holds in all cases of the version."""
        rules.check(self.seen("TransactionEvent"))

    async def reboot(self) -> None:
        """Reset the station at once, and wait until it is back and accepted."""
        after = self._connections
        response = await self.call("reboot", "Reset", {"type": "Immediate"})
        response.expect("status", "Accepted")
        await self.reconnected("reboot", after=after)
        await self.take("reboot", "BootNotification", seconds=self.configuration.reconnect_s)
        await self.quiet()
        self.forget()

    async def _set(self, component: str, variable: str, value: str, instance: str, evse_id: int | None) -> Received:
        entry = {**_entry(component, variable, instance, evse_id), "attributeValue": value}
        return await self.call("setting a variable", "SetVariables", {"setVariableData": [entry]})

    # Time

    def now(self) -> str:
        """The moment as a message's timestamp."""
        return str(DateTime.of(self.clock.now()))

    def in_a_while(self, seconds: float) -> str:
        """A later (or earlier) moment as a message's timestamp."""
        return str(DateTime.of(self.clock.now() + timedelta(seconds=seconds)))

    async def wait(self, seconds: float) -> None:
        """Let so much time pass."""
        with saying(self.tell, "letting time pass", seconds, self.clock):
            await self.clock.sleep(seconds)

    async def transaction_duration(self) -> None:
        """Wait for the configured transaction duration."""
        await self.wait(self.configuration.transaction_duration_s)

    @property
    def _broken(self) -> bool:
        return self._fault is not None or (self._line is not None and self._line.fault is not None)

    async def _find(self, step: int | str, action: str, wanted: Wanted | None, seconds: float) -> Arrival | None:
        self.check(step)
        allowed = _allowed(wanted)

        def fits(one: Arrival) -> bool:
            return one.action == action and self._received(step, one).fits(allowed)

        found = await self.inbox.wait(fits, seconds, lambda: self._broken)
        self.check(step)
        return found

    def _received(self, step: int | str, one: Arrival) -> Received:
        return Received(self.step(step), f"{one.action}Request", one.payload)

    def _untaken(self) -> str:
        names = [one.action for one in self.inbox.arrivals if not one.taken]
        return f"what came besides: {', '.join(names)}" if names else "nothing else came"


def _entry(component: str, variable: str, instance: str, evse_id: int | None) -> dict[str, Any]:
    evse = {} if evse_id is None else {"evse": {"id": evse_id}}
    named = {"name": variable} | ({"instance": instance} if instance else {})
    return {"component": {"name": component, **evse}, "variable": named}


def _allowed(wanted: Wanted | None) -> dict[str, tuple[object, ...]]:
    return {path: one if isinstance(one, tuple) else (one,) for path, one in (wanted or {}).items()}


def _shown(wanted: Wanted | None) -> str:
    return ", ".join(f"{path} {value}" for path, value in (wanted or {}).items())
