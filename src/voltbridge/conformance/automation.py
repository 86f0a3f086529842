"""A tester's own program as the driver of any CSMS or charging station: a Python file, or a webhook.

What a case does to the world outside its socket is one of the deeds below. Each is a name with arguments, all of them
JSON values; a program does those it knows. Some are questions, which are answered by true or false. Where a program
does not know a deed, a person does it when there is one; otherwise the case does not run and says which deed it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol

import msgspec

from voltbridge.conformance.catalogue import Role
from voltbridge.conformance.configuration import Configuration, Token
from voltbridge.conformance.drivers import CsmsDriver, Instruction, StationDriver
from voltbridge.conformance.failure import DriverFailed, NotApplicable
from voltbridge.protocol.versions import Version

__all__ = ["DEEDS", "AutomatedCsms", "AutomatedStation", "Deed", "Program", "UnknownDeed"]


class UnknownDeed(Exception):
    """The program does not know this deed."""


class Program(Protocol):
    """Does deeds."""

    async def do(self, name: str, arguments: Mapping[str, Any]) -> object:
        """Do it; the answer where it is a question. Raises UnknownDeed, DriverFailed."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something a program may be asked to do."""

    arguments: tuple[str, ...]
    meaning: str
    question: bool = False
    spared: bool = False
    """Whether a program that does not know it is right to do nothing."""


_EVSE: Final = ("evse_id",)
_PLACE: Final = ("evse_id", "connector_id")

DEEDS: Final[Mapping[Role, Mapping[str, Deed]]] = MappingProxyType(
    {
        Role.CSMS: MappingProxyType(
            {
                "prepare": Deed(
                    ("configuration",),
                    "Before all cases: make the CSMS know configuration's station_id, password and tokens.",
                    spared=True,
                ),
                "send": Deed(
                    ("text", "station_id", "action", "payload", "command", "parameters", "timeout_s"),
                    "Have the CSMS send a message (action, payload) to the station; text says it in words. command and "
                    "parameters say the same whatever the version, or are None; timeout_s is how long the CSMS is to "
                    "wait for the answer, or None. May return at once, or when the station has answered.",
                ),
                "shows": Deed(
                    ("question", "response"),
                    "Does the CSMS show this response to what it sent last?",
                    question=True,
                ),
                "decide": Deed(
                    ("station_id", "registration"),
                    "Have the station's boots answered so from now on: Accepted or Pending.",
                ),
                "price": Deed(
                    ("station_id",),
                    "Have each kWh at the station cost something, and the running cost be told to it.",
                ),
                "shows_variable": Deed(
                    ("station_id", "component", "variable", "value"),
                    "Does the CSMS show this value of a variable?",
                    question=True,
                ),
                "shows_monitor": Deed(
                    ("station_id", "component", "evse_id", "variable", "type"),
                    "Does the CSMS show a monitor of this type for a variable?",
                    question=True,
                ),
                "end": Deed((), "A case is over: what the CSMS was told to keep for it may go.", spared=True),
            }
        ),
        Role.STATION: MappingProxyType(
            {
                "begin": Deed(
                    ("url", "station_id", "password", "version", "configuration"),
                    "A case begins: have the station connect to url (its identity included) in this version (1.6 or "
                    "2.0.1), idle, without a car. password is None without Basic authentication.",
                    spared=True,
                ),
                "end": Deed((), "The case is over: no car, no fault.", spared=True),
                "drive_in": Deed(_EVSE, "A car enters the parking bay.", spared=True),
                "drive_out": Deed(_EVSE, "The car leaves the parking bay.", spared=True),
                "plug_in": Deed(_PLACE, "Connect a car that takes energy as soon as it may."),
                "unplug": Deed(_PLACE, "Disconnect the car."),
                "unplug_at_ev": Deed(_EVSE, "Take the cable out of the car; it stays in the station."),
                "plug_at_ev": Deed(_EVSE, "Put the cable that is in the station back into the car."),
                "present": Deed(
                    ("id_token", "type", "evse_id"),
                    "Present an idToken; evse_id is None where any reader will do.",
                ),
                "suspend": Deed(_EVSE, "The car wants no energy, from now on."),
                "resume": Deed(_EVSE, "The car wants energy again."),
                "fault": Deed(_PLACE, "Break a connector."),
                "mend": Deed(_PLACE, "Mend what fault broke."),
                "power_cycle": Deed((), "Take the power away and give it back."),
                "locked": Deed(_PLACE, "Does the connector hold the plug?", question=True),
                "jam": Deed(_PLACE, "Have the lock stick, so that it cannot be unlocked."),
                "talk": Deed(_EVSE, "From now on cars here speak ISO 15118, without a contract."),
                "renegotiate": Deed(_EVSE, "The car tells its charging needs anew, unless it has just done so."),
                "stop_session": Deed(_EVSE, "The car ends its session: SessionStopReq with Terminate."),
                "limit_from_outside": Deed((), "Somebody else than the CSMS limits the charging."),
                "make": Deed(("component", "variable", "value"), "Have a measured variable take this value."),
                "register_customer": Deed(("identifier",), "Keep something about a customer at the station."),
                "notify": Deed((), "Cause one of the notifications that are hard-wired in the firmware."),
                "choose_to_stop": Deed(
                    _EVSE, "After a master pass: choose on the screen to stop this EVSE's transaction, or (None) all."
                ),
                "sees": Deed(("question", "text"), "Does a driver at the station see this text?", question=True),
            }
        ),
    }
)


class _Doer:
    """Asks the program for deeds of a role."""

    def __init__(self, program: Program, role: Role) -> None:
        self._program = program
        self._role = role

    async def do(self, name: str, **arguments: Any) -> bool | None:
        """Whether it was done, or the answer to a question; None: the program does not know the deed.

        Raises DriverFailed.
        """
        deed = DEEDS[self._role][name]
        assert tuple(arguments) == deed.arguments, f"{name} takes {deed.arguments}"
        try:
            answer = await self._program.do(name, arguments)
        except UnknownDeed:
            return None
        if not deed.question:
            return True
        if not isinstance(answer, bool):
            raise DriverFailed(f"the driver answered {name} with {answer!r}, where true or false is wanted")
        return answer

    def missing(self, name: str) -> NotApplicable:
        """What to raise where neither the program nor a person does it."""
        return NotApplicable(f"the driver has no {name}: {DEEDS[self._role][name].meaning}")

    def spared(self, name: str) -> bool:
        """Whether it is right to do nothing."""
        return DEEDS[self._role][name].spared


class AutomatedCsms:
    """Operates a CSMS by a program, and by ``person`` where the program does not know how."""

    def __init__(self, url: str, program: Program, reaction_s: float, person: CsmsDriver | None = None) -> None:
        self._url = url.rstrip("/")
        self._doer = _Doer(program, Role.CSMS)
        self._person = person
        self._reaction_s = reaction_s

    @property
    def url(self) -> str:
        """Where stations connect."""
        return self._url

    @property
    def reaction_s(self) -> float:
        """As long as a person takes where there is one."""
        return self._reaction_s if self._person is None else self._person.reaction_s

    async def prepare(self, configuration: Configuration) -> None:
        """By the program; else by the person."""
        done = await self._doer.do("prepare", configuration=msgspec.to_builtins(configuration))
        if done is None and self._person is not None:
            await self._person.prepare(configuration)

    async def price(self, station_id: str) -> None:
        """By the program; else by the person."""
        if await self._doer.do("price", station_id=station_id) is None:
            await self._else("price").price(station_id)

    async def send(self, instruction: Instruction) -> None:
        """By the program; else by the person."""
        command, parameters = instruction.command or (None, None)
        done = await self._doer.do(
            "send",
            text=instruction.text,
            station_id=instruction.station_id,
            action=instruction.action,
            payload=instruction.payload,
            command=command,
            parameters=parameters,
            timeout_s=instruction.timeout_s,
        )
        if done is None:
            await self._else("send").send(instruction)

    async def shows(self, response: Mapping[str, Any], question: str) -> bool:
        """Asked of the program; else of the person."""
        seen = await self._doer.do("shows", question=question, response=response)
        return await self._else("shows").shows(response, question) if seen is None else seen

    async def decide(self, station_id: str, registration: str) -> None:
        """By the program; else by the person."""
        if await self._doer.do("decide", station_id=station_id, registration=registration) is None:
            await self._else("decide").decide(station_id, registration)

    async def shows_variable(self, station_id: str, component: str, variable: str, value: str) -> bool:
        """Asked of the program; else of the person."""
        named = {"station_id": station_id, "component": component, "variable": variable, "value": value}
        seen = await self._doer.do("shows_variable", **named)
        return await self._else("shows_variable").shows_variable(**named) if seen is None else seen

    async def shows_monitor(
        self, station_id: str, component: str, evse_id: int | None, variable: str, type: str
    ) -> bool:
        """Asked of the program; else of the person."""
        seen = await self._doer.do(
            "shows_monitor", station_id=station_id, component=component, evse_id=evse_id, variable=variable, type=type
        )
        if seen is None:
            return await self._else("shows_monitor").shows_monitor(station_id, component, evse_id, variable, type)
        return seen

    async def end(self) -> None:
        """By the program."""
        await self._doer.do("end")

    def _else(self, name: str) -> CsmsDriver:
        if self._person is None:
            raise self._doer.missing(name)
        return self._person


class AutomatedStation:
    """Drives a station by a program, and by ``person`` where the program does not know how."""

    def __init__(self, program: Program, person: StationDriver | None = None) -> None:
        self._doer = _Doer(program, Role.STATION)
        self._person = person

    async def begin(self, url: str, configuration: Configuration, version: Version) -> None:
        """By the program; else by the person."""
        done = await self._doer.do(
            "begin",
            url=f"{url}/{configuration.station_id}",
            station_id=configuration.station_id,
            password=configuration.password if configuration.basic_auth else None,
            version=version.label,
            configuration=msgspec.to_builtins(configuration),
        )
        if done is None and self._person is not None:
            await self._person.begin(url, configuration, version)

    async def end(self) -> None:
        await self._do("end", {})

    async def drive_in(self, evse_id: int) -> None:
        await self._do("drive_in", {"evse_id": evse_id})

    async def drive_out(self, evse_id: int) -> None:
        await self._do("drive_out", {"evse_id": evse_id})

    async def plug_in(self, evse_id: int, connector_id: int) -> None:
        await self._do("plug_in", {"evse_id": evse_id, "connector_id": connector_id})

    async def unplug(self, evse_id: int, connector_id: int) -> None:
        await self._do("unplug", {"evse_id": evse_id, "connector_id": connector_id})

    async def unplug_at_ev(self, evse_id: int) -> None:
        await self._do("unplug_at_ev", {"evse_id": evse_id})

    async def plug_at_ev(self, evse_id: int) -> None:
        await self._do("plug_at_ev", {"evse_id": evse_id})

    async def present(self, token: Token, evse_id: int | None = None) -> None:
        """By the program; else by the person."""
        if await self._doer.do("present", id_token=token.id_token, type=token.type, evse_id=evse_id) is None:
            await self._else("present").present(token, evse_id)

    async def suspend(self, evse_id: int) -> None:
        await self._do("suspend", {"evse_id": evse_id})

    async def resume(self, evse_id: int) -> None:
        await self._do("resume", {"evse_id": evse_id})

    async def fault(self, evse_id: int, connector_id: int) -> None:
        await self._do("fault", {"evse_id": evse_id, "connector_id": connector_id})

    async def mend(self, evse_id: int, connector_id: int) -> None:
        await self._do("mend", {"evse_id": evse_id, "connector_id": connector_id})

    async def power_cycle(self) -> None:
        await self._do("power_cycle", {})

    async def locked(self, evse_id: int, connector_id: int) -> bool:
        return await self._do("locked", {"evse_id": evse_id, "connector_id": connector_id})

    async def jam(self, evse_id: int, connector_id: int) -> None:
        await self._do("jam", {"evse_id": evse_id, "connector_id": connector_id})

    async def talk(self, evse_id: int) -> None:
        await self._do("talk", {"evse_id": evse_id})

    async def renegotiate(self, evse_id: int) -> None:
        await self._do("renegotiate", {"evse_id": evse_id})

    async def stop_session(self, evse_id: int) -> None:
        await self._do("stop_session", {"evse_id": evse_id})

    async def limit_from_outside(self) -> None:
        await self._do("limit_from_outside", {})

    async def make(self, component: Mapping[str, Any], variable: Mapping[str, Any], value: str) -> None:
        await self._do("make", {"component": component, "variable": variable, "value": value})

    async def register_customer(self, identifier: str) -> None:
        await self._do("register_customer", {"identifier": identifier})

    async def notify(self) -> None:
        await self._do("notify", {})

    async def choose_to_stop(self, evse_id: int | None) -> None:
        await self._do("choose_to_stop", {"evse_id": evse_id})

    async def sees(self, question: str, text: str) -> bool:
        return await self._do("sees", {"question": question, "text": text})

    async def _do(self, name: str, arguments: Mapping[str, Any]) -> bool:
        """By the program; else by the person, whose method has the same name and parameters."""
        done = await self._doer.do(name, **arguments)
        if done is not None:
            return done
        if self._person is None and self._doer.spared(name):
            return True
        answer = await getattr(self._else(name), name)(**arguments)
        return answer is not False

    def _else(self, name: str) -> StationDriver:
        if self._person is None:
            raise self._doer.missing(name)
        return self._person
