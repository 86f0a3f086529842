"""A person as the driver of a charging station: for any station, real or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from voltbridge.conformance.configuration import Configuration, Token
from voltbridge.conformance.person import Person
from voltbridge.protocol.versions import Version

__all__ = ["ManualStation"]


class ManualStation:
    """Says what is to be done to the station, waits until it is, and asks what can be seen."""

    def __init__(self, say: Callable[[str], None], ask: Callable[[str], str], root: Path | None = None) -> None:
        """``root``: the certificate in PEM that a station has to trust which connects with TLS."""
        self._root = root
        self._person = Person(say, ask, "the station")
        self._set_up: tuple[str, Version] | None = None

    async def begin(self, url: str, configuration: Configuration, version: Version) -> None:
        """Before the first case of a version, say how the station has to be set up, and wait until it is.

        Also before each with TLS, since they change whom the station trusts, and before the first without again.
        """
        if self._set_up == (url, version) and not url.startswith("wss:"):
            return
        self._person.say("Set up the charging station as follows:")
        self._person.say(f"- its CSMS: {url}/{configuration.station_id}, which speaks OCPP {version.label}")
        if configuration.basic_auth:
            self._person.say(f"- its password for Basic authentication: {configuration.password}")
        if url.startswith("wss:") and self._root is not None:
            self._person.say(f"- its only root certificate for a CSMS: {self._root}; security profile 2")
        self._person.say("- no car plugged in, nothing faulty, no firmware update or log upload under way")
        await self._person.done()
        self._set_up = url, version

    async def end(self) -> None:
        """Nothing: each case has put back what it changed."""

    async def drive_in(self, evse_id: int) -> None:
        await self._person.do(f"Drive the EV into the parking bay of EVSE {evse_id} (without a bay sensor: nothing)")

    async def drive_out(self, evse_id: int) -> None:
        await self._person.do(f"Drive the EV out of the parking bay of EVSE {evse_id} (without a bay sensor: nothing)")

    async def plug_in(self, evse_id: int, connector_id: int) -> None:
        await self._person.do(f"Plug the cable into EVSE {evse_id}, connector {connector_id}, and into the EV")

    async def unplug(self, evse_id: int, connector_id: int) -> None:
        await self._person.do(f"Unplug the cable of EVSE {evse_id}, connector {connector_id}")

    async def unplug_at_ev(self, evse_id: int) -> None:
        await self._person.do(f"Disconnect the cable of EVSE {evse_id} at the EV's side")

    async def plug_at_ev(self, evse_id: int) -> None:
        await self._person.do(f"Reconnect the cable of EVSE {evse_id} at the EV's side")

    async def present(self, token: Token, evse_id: int | None = None) -> None:
        where = "" if evse_id is None else f" at EVSE {evse_id}"
        await self._person.do(f"Present the idToken {token.id_token} ({token.type}){where}")

    async def suspend(self, evse_id: int) -> None:
        await self._person.do(f"Have the EV at EVSE {evse_id} suspend the energy transfer")

    async def resume(self, evse_id: int) -> None:
        await self._person.do(f"Have the EV at EVSE {evse_id} ask for energy again")

    async def fault(self, evse_id: int, connector_id: int) -> None:
        await self._person.do(f"Bring connector {connector_id} of EVSE {evse_id} into the state Faulted")

    async def mend(self, evse_id: int, connector_id: int) -> None:
        await self._person.do(f"Clear the fault of connector {connector_id} of EVSE {evse_id}")

    async def power_cycle(self) -> None:
        await self._person.do("Power cycle the charging station")

    async def jam(self, evse_id: int, connector_id: int) -> None:
        await self._person.do(f"Make sure that connector {connector_id} of EVSE {evse_id} cannot be unlocked")

    async def talk(self, evse_id: int) -> None:
        await self._person.do(f"From now on use an EV that speaks ISO 15118 at EVSE {evse_id}, without a contract")

    async def renegotiate(self, evse_id: int) -> None:
        await self._person.do(
            f"Have the EV at EVSE {evse_id} renegotiate its charging limits (if it has just told its needs: nothing)"
        )

    async def stop_session(self, evse_id: int) -> None:
        await self._person.do(f"Have the EV at EVSE {evse_id} end its session: SessionStopReq(Terminate)")

    async def limit_from_outside(self) -> None:
        await self._person.do("Submit an external charging limit to the station, not by the CSMS")

    async def make(self, component: Mapping[str, Any], variable: Mapping[str, Any], value: str) -> None:
        await self._person.do(f"Have the station measure {value} for {component} {variable}")

    async def register_customer(self, identifier: str) -> None:
        await self._person.do(f"Store something about the customer {identifier} at the station")

    async def notify(self) -> None:
        await self._person.do("Cause something that the firmware notifies of by itself (HardWiredNotification)")

    async def choose_to_stop(self, evse_id: int | None) -> None:
        which = "all transactions" if evse_id is None else f"the transaction at EVSE {evse_id}"
        await self._person.do(f"Choose on the screen to stop {which}")

    async def locked(self, evse_id: int, connector_id: int) -> bool:
        """Ask."""
        return await self._person.says(f"Is the plug locked in connector {connector_id} of EVSE {evse_id}?")

    async def sees(self, question: str, text: str) -> bool:
        """Ask."""
        return await self._person.says(f"{question} ({text})")
