"""How a system under test is prepared and told to act: all the cases know of the world outside their socket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from voltbridge.conformance.configuration import Configuration

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


class StationDriver(Protocol):
    """Does to a charging station what a driver, a car or the weather would."""

    async def plug_in(self, evse_id: int, connector_id: int) -> None:
        """Connect EV and EVSE."""

    async def unplug(self, evse_id: int, connector_id: int) -> None:
        """Disconnect EV and EVSE."""

    async def present(self, id_token: str, type: str, evse_id: int | None) -> None:
        """Present an idToken, at an EVSE or at the station's only reader."""

    async def reboot(self) -> None:
        """Take the power away and give it back."""
