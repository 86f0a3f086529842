"""How a system under test is prepared and told to act: all the cases know of the world outside their socket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from voltbridge.conformance.configuration import Configuration, Token
from voltbridge.protocol.versions import Version

__all__ = ["CsmsDriver", "Instruction", "StationDriver"]


@dataclass(frozen=True, slots=True)
class Instruction:
    """A message the CSMS is to send: for a person ``text``, for a program the payload that does it."""

    text: str
    station_id: str
    action: str
    payload: Mapping[str, Any]
    """As on the wire. What really arrives is checked by the case."""
    command: tuple[str, Mapping[str, Any]] | None = None
    """The same for a CSMS that has a command for it: its name, and its parameters whatever the version."""
    timeout_s: float | None = None
    """How long the CSMS is to wait for the answer, in cases that give none; None: as long as it does."""


class CsmsDriver(Protocol):
    """Operates a CSMS, as its operator would."""

    @property
    def url(self) -> str:
        """Where stations connect; the identity follows after a slash."""

    @property
    def reaction_s(self) -> float:
        """How long it may take from an instruction to the message."""

    async def prepare(self, configuration: Configuration) -> None:
        """Make the CSMS know the station, its password and the tokens, each as the configuration describes it.

        Raises DriverFailed.
        """

    async def price(self, station_id: str) -> None:
        """Have transactions at the station priced by their energy, and the running cost told. Raises DriverFailed."""

    async def send(self, instruction: Instruction) -> None:
        """Have the CSMS send a message. May return before the station has answered it. Raises DriverFailed."""

    async def shows(self, response: Mapping[str, Any], question: str) -> bool:
        """Whether the operator got to see this response to the last instruction; ``question`` asks a person so."""

    async def decide(self, station_id: str, registration: str) -> None:
        """Have the station's boots answered so from now on: Accepted or Pending. Raises DriverFailed."""

    async def shows_variable(self, station_id: str, component: str, variable: str, value: str) -> bool:
        """Whether the operator is shown this value for a variable of the station.

        A vendor's own key of 1.6 is a variable of the component VendorCtrlr.
        """

    async def shows_monitor(
        self, station_id: str, component: str, evse_id: int | None, variable: str, type: str
    ) -> bool:
        """Whether the operator is shown that a variable of the station has a monitor of this type."""

    async def end(self) -> None:
        """The case is over: what the CSMS was told to keep for it may go. Raises DriverFailed."""


class StationDriver(Protocol):
    """Does to a charging station what a driver, a car, an installer or the weather would.

    Each method returns when the thing is done; what the station then says reaches the case over its connection. All
    raise DriverFailed when the thing cannot be done.
    """

    async def begin(self, url: str, configuration: Configuration, version: Version) -> None:
        """Have the station connect to the CSMS at ``url`` in this version, idle: the general preconditions.

        Part 6, 2.1; the same for 1.6.
        """

    async def end(self) -> None:
        """The case is over: no car, no fault; the station may go."""

    async def drive_in(self, evse_id: int) -> None:
        """A car enters the parking bay."""

    async def drive_out(self, evse_id: int) -> None:
        """The car leaves the parking bay."""

    async def plug_in(self, evse_id: int, connector_id: int) -> None:
        """Connect EV and EVSE; a car that is ready takes energy as soon as it may."""

    async def unplug(self, evse_id: int, connector_id: int) -> None:
        """Disconnect EV and EVSE."""

    async def unplug_at_ev(self, evse_id: int) -> None:
        """Take the cable out of the car; it stays in the station."""

    async def plug_at_ev(self, evse_id: int) -> None:
        """Put the cable that is in the station back into the car."""

    async def present(self, token: Token, evse_id: int | None = None) -> None:
        """Present an idToken, at an EVSE or at the station's only reader."""

    async def suspend(self, evse_id: int) -> None:
        """The car wants no energy, from now on."""

    async def resume(self, evse_id: int) -> None:
        """The car wants energy again."""

    async def fault(self, evse_id: int, connector_id: int) -> None:
        """Break a connector."""

    async def mend(self, evse_id: int, connector_id: int) -> None:
        """Mend what ``fault`` broke."""

    async def power_cycle(self) -> None:
        """Take the power away and give it back."""

    async def locked(self, evse_id: int, connector_id: int) -> bool:
        """Whether the connector holds the plug of the cable."""

    async def jam(self, evse_id: int, connector_id: int) -> None:
        """Have the lock of a connector stick, so that it cannot be unlocked."""

    async def talk(self, evse_id: int) -> None:
        """From now on the cars at this EVSE speak ISO 15118 and are authorized by an idToken (EIM)."""

    async def renegotiate(self, evse_id: int) -> None:
        """The car tells its charging needs anew, unless it waits for the answer to the first (ISO 15118)."""

    async def stop_session(self, evse_id: int) -> None:
        """The car ends its session: SessionStopReq with Terminate (ISO 15118)."""

    async def limit_from_outside(self) -> None:
        """Somebody else than the CSMS limits the charging of the station (K12)."""

    async def make(self, component: Mapping[str, Any], variable: Mapping[str, Any], value: str) -> None:
        """Have a measured variable take this value; component and variable as on the wire."""

    async def register_customer(self, identifier: str) -> None:
        """Have the station keep something about a customer, by an identifier of the operator's."""

    async def notify(self) -> None:
        """Cause one of the notifications that are hard-wired in the station's firmware."""

    async def choose_to_stop(self, evse_id: int | None) -> None:
        """After a master pass: choose the transaction at an EVSE, or (None) all, on the screen, to be stopped."""

    async def sees(self, question: str, text: str) -> bool:
        """Whether a driver in front of the station sees this text; ``question`` asks a person so."""
