"""A person as the driver: for any CSMS, whatever its user interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from voltbridge.conformance.configuration import Configuration, Token
from voltbridge.conformance.drivers import Instruction
from voltbridge.conformance.person import Person

__all__ = ["ManualCsms"]

_PATIENCE_S: Final = 300.0


class ManualCsms:
    """Prints what is to be done, and asks what can be seen."""

    def __init__(self, url: str, say: Callable[[str], None], ask: Callable[[str], str]) -> None:
        self._url = url.rstrip("/")
        self._person = Person(say, ask, "the CSMS")

    @property
    def url(self) -> str:
        """Where stations connect."""
        return self._url

    @property
    def reaction_s(self) -> float:
        """A person needs time."""
        return _PATIENCE_S

    async def prepare(self, configuration: Configuration) -> None:
        """Say how the CSMS has to be set up, and wait until it is."""
        tokens = configuration.tokens
        self._person.say("Set up the CSMS as follows:")
        self._person.say(f"- a charging station {configuration.station_id}, accepted when it boots")
        if configuration.basic_auth:
            self._person.say(f"- its password for Basic authentication: {configuration.password}")
        for token, what in (
            (tokens.valid, f"valid, in the group {_named(tokens.group)}"),
            (tokens.valid2, f"valid, in the group {_named(tokens.group)}"),
            (tokens.blocked, "blocked"),
            (tokens.expired, "expired"),
            (tokens.master_pass, f"valid, in the group {_named(tokens.master_pass_group)}"),
            (tokens.invalid, "unknown or invalid"),
        ):
            self._person.say(f"- idToken {_named(token)}: {what}")
        firmware = configuration.firmware
        self._person.say(
            f"- firmware at {firmware.location}, MD5 {firmware.checksum}, with the signature {firmware.signature}"
        )
        self._person.say(f"  by the signing certificate\n{firmware.signing_certificate}")
        await self._person.done()

    async def price(self, station_id: str) -> None:
        """Say what has to be set, and wait until it is."""
        self._person.say(f"Have each kWh at {station_id} cost something, and the running cost be told.")
        await self._person.done()

    async def send(self, instruction: Instruction) -> None:
        """Say what the CSMS has to be told."""
        self._person.say(f"Have the CSMS do this: {instruction.text} ({instruction.action})")

    async def shows(self, response: Mapping[str, Any], question: str) -> bool:
        """Ask."""
        return await self._person.says(question)

    async def decide(self, station_id: str, registration: str) -> None:
        """Say what has to be set, and wait until it is."""
        self._person.say(f"Have the boots of {station_id} answered with {registration} from now on.")
        await self._person.done()

    async def shows_variable(self, station_id: str, component: str, variable: str, value: str) -> bool:
        """Ask."""
        return await self.shows({}, f"Does the CSMS show {value} for {component}.{variable} of {station_id}?")

    async def shows_monitor(
        self, station_id: str, component: str, evse_id: int | None, variable: str, type: str
    ) -> bool:
        """Ask."""
        where = component if evse_id is None else f"{component} {evse_id}"
        return await self.shows({}, f"Does the CSMS show a {type} monitor for {variable} of {where} of {station_id}?")

    async def end(self) -> None:
        """Nothing: what a person has set up for a case harms none that follows."""


def _named(token: Token) -> str:
    return f"{token.id_token} ({token.type})"
