"""The Central System the kit plays towards a charge point of 1.6: as ``csms``, in the words of 1.6.

Connectors have the numbers of 1.6, from 1 over the whole charge point; ``place`` tells the EVSE and connector by which
drivers know them. Whatever a case changes at the charge point it undoes by ``afterwards``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from voltbridge.conformance.configuration import Token
from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station import rules_16
from voltbridge.conformance.station.answers import Answer
from voltbridge.conformance.station.csms import SimulatedCsms

__all__ = ["UNSIGNED", "CentralSystem"]

UNSIGNED: Final = "unsigned firmware"
"""Feature of a charge point that takes UpdateFirmware, which one that wants signatures must not (L01.FR.20)."""

_TAKEN: Final = ("Accepted", "RebootRequired")


@dataclass(slots=True)
class CentralSystem(SimulatedCsms):
    """One Central System on one run of one case."""

    running: dict[int, int] = field(default_factory=dict)
    """The transactions that are open: number -> connector."""
    keys_before: dict[str, str] = field(default_factory=dict)
    """Configuration keys as they were before the case changed them."""
    undoing: list[Callable[[], Awaitable[object]]] = field(default_factory=list)
    plugged: set[int] = field(default_factory=set)
    """Connectors with a car, as far as the case has brought them there."""

    # Connectors

    @property
    def connector(self) -> int:
        """The connector for cases that need one."""
        per_evse = self.configuration.connectors_per_evse
        return (self.evse_id - 1) * per_evse + self.connector_id

    @property
    def connectors(self) -> range:
        """All of them."""
        return range(1, self.configuration.evses * self.configuration.connectors_per_evse + 1)

    @property
    def other_connector(self) -> int:
        """One of another EVSE; raises NotApplicable when there is none."""
        mine = self.place(self.connector)[0]
        for number in self.connectors:
            if self.place(number)[0] != mine:
                return number
        raise NotApplicable("the charge point has one connector only")

    @property
    def unknown_connector(self) -> int:
        """A number that no connector has."""
        return self.connectors.stop + 6

    def place(self, number: int) -> tuple[int, int]:
        """(EVSE, connector of it) of a connector."""
        evse, connector = divmod(number - 1, self.configuration.connectors_per_evse)
        return evse + 1, connector + 1

    # The world around

    async def plug_in(self, number: int | None = None) -> None:
        """A car at a connector."""
        number = number or self.connector
        self.plugged.add(number)
        await self.station.plug_in(*self.place(number))

    async def unplug(self, number: int | None = None) -> None:
        """No car any more."""
        number = number or self.connector
        self.plugged.discard(number)
        await self.station.unplug(*self.place(number))

    async def present(self, token: Token | None = None, number: int | None = None) -> None:
        """An idTag at the reader."""
        await self.station.present(token or self.configuration.tokens.valid, self.place(number or self.connector)[0])

    # Messages

    async def answered(
        self, step: int | str, action: str, payload: Mapping[str, Any], *statuses: str, seconds: float | None = None
    ) -> Received:
        """Send a request whose response has one of these statuses (default Accepted)."""
        response = await self.call(step, action, payload, seconds=seconds)
        response.expect("status", *(statuses or ("Accepted",)))
        return response

    async def turned_down(self, step: int | str, action: str, payload: Mapping[str, Any], *statuses: str) -> None:
        """Send a request where the text leaves it open how it is refused: by one of these statuses or a CALLERROR."""
        try:
            response = await self.call(step, action, payload)
        except StepFailed as failed:
            if not failed.received.startswith("CALLERROR"):
                raise
        else:
            response.expect("status", *statuses)

    def afterwards(self, action: str, payload: Mapping[str, Any]) -> None:
        """Send this after the case, the last one first."""
        self.undoing.append(lambda: self.call("afterwards", action, payload))

    async def needs_profile(self, name: str) -> None:
        """Raises NotApplicable unless the charge point has the feature profile."""
        profiles = (await self.key("SupportedFeatureProfiles") or "").split(",")
        if name not in {one.strip() for one in profiles}:
            raise NotApplicable(f"the charge point does not have the profile {name}")

    # Configuration keys

    async def read_key(self, step: int | str, name: str) -> Received | None:
        """The KeyValue of a key; None: there is no such key, which the answer then has to say."""
        response = await self.call(step, "GetConfiguration", {"key": [name]})
        known, unknown = response.at("configurationKey"), response.at("unknownKey")
        if known in (ABSENT, []):
            told = [] if unknown is ABSENT else [one.casefold() for one in unknown]
            if told != [name.casefold()]:
                raise StepFailed(self.step(step), f"{name} as configurationKey or unknownKey", str(response.payload))
            return None
        if len(known) != 1 or known[0]["key"].casefold() != name.casefold() or unknown not in (ABSENT, []):
            raise StepFailed(self.step(step), f"{name} and no other key", str(response.payload))
        return Received(self.step(step), f"{response.name}.configurationKey[0]", known[0])

    async def key(self, name: str) -> str | None:
        """The value of a key; None: there is no such key."""
        found = await self.read_key("value of a key", name)
        return None if found is None or found.at("value") is ABSENT else str(found.at("value"))

    async def set_key(self, name: str, value: str) -> bool:
        """Bring a key to a value; False: there is no such key, or it is fixed.

        What it was is set again after the case. A charge point that wants a reboot for it is rebooted.
        """
        before = await self.key(name)
        if before is None or before.casefold() == value.casefold():
            return before is not None
        response = await self.call("setting a key", "ChangeConfiguration", {"key": name, "value": value})
        if response.at("status") not in _TAKEN:
            return False
        self.keys_before.setdefault(name, before)
        if response.at("status") == "RebootRequired":
            await self.reboot()
        return True

    async def needs_keys(self, **values: str) -> None:
        """As ``set_key`` for each, where the case cannot run otherwise: raises NotApplicable."""
        for name, value in values.items():
            if not await self.set_key(name, value):
                raise NotApplicable(f"the configuration key {name} of the charge point cannot be {value}")

    # What SimulatedCsms does in the words of 2.x

    def saw(self, action: str, payload: Mapping[str, Any], answer: Answer) -> None:
        """Which transactions are open."""
        if action == "StartTransaction" and isinstance(answer, Mapping):
            self.running[answer["transactionId"]] = payload["connectorId"]
        elif action == "StopTransaction" and isinstance(answer, Mapping):
            self.running.pop(payload["transactionId"], None)

    async def reboot(self) -> None:
        """Reset the charge point, and wait until it is back and accepted."""
        after = self.connections
        (await self.call("reboot", "Reset", {"type": "Hard"})).expect("status", "Accepted")
        await self.reconnected("reboot", after=after)
        await self.take("reboot", "BootNotification", seconds=self.configuration.reconnect_s)
        await self.quiet()
        self.forget()

    async def leave_idle(self) -> None:
        """After a case: end transactions, unplug, undo what was done."""
        for number in list(self.running):
            await self.call("afterwards", "RemoteStopTransaction", {"transactionId": number})
        for connector in list(self.plugged):
            await self.unplug(connector)
        for undo in reversed(self.undoing):
            await undo()
        reboot = False
        for name, value in self.keys_before.items():
            response = await self.call("afterwards", "ChangeConfiguration", {"key": name, "value": value})
            reboot |= response.at("status") == "RebootRequired"
        self.keys_before.clear()
        if reboot:
            await self.reboot()

    def check_rules(self) -> None:
        """As 1.6 has them."""
        rules_16.check(self.seen, len(self.connectors))
