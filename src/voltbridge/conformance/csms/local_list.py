"""The local list of the station that the kit plays: its version, which a CSMS may ask for whenever it sends a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.failure import StepFailed
from voltbridge.protocol.versions import Version

__all__ = ["HeldList"]

_VERSION: Final = "GetLocalListVersion"
_SEND: Final = "SendLocalList"


@dataclass(slots=True)
class HeldList:
    """What the station says it has."""

    station: SimulatedStation
    version: int = 0

    @property
    def field(self) -> str:
        """Of the version in messages."""
        return "listVersion" if self.station.version is Version.V16 else "versionNumber"

    async def sent(
        self, step: int, text: str, update_type: str, entries: list[Mapping[str, Any]], timeout_s: float | None = None
    ) -> Asked:
        """Have the CSMS send a list at this step, above the version there is. It may ask for that before and after."""
        payload: dict[str, Any] = {self.field: self.version + 1, "updateType": update_type}
        if entries:
            payload["localAuthorizationList"] = entries
        self.station.connection.take(_VERSION, lambda: {self.field: self.version})
        command = ("sync_local_list", {"full": update_type == "Full"})
        asked = await self.station.asked(step, text, _SEND, payload, command=command, timeout_s=timeout_s)
        self.check(asked, update_type)
        return asked

    def check(self, asked: Asked, update_type: str) -> None:
        """Hold a list that is sent against the version there is (D01.FR.18, D01.FR.19)."""
        asked.expect("updateType", update_type)
        told = asked.request.at(self.field)
        if told <= self.version:
            wanted = f"{asked.request.name}.{self.field} above {self.version}"
            raise StepFailed(asked.request.step, wanted, str(told))

    async def accept(self, asked: Asked, *, seen: str | None = None) -> None:
        """Take the list at the next step."""
        self.version = asked.request.at(self.field)
        await asked.answer({"status": "Accepted"}, seen=seen)

    async def asked_for(self, step: int, text: str, timeout_s: float | None = None) -> Asked:
        """Have the CSMS ask for the version at this step."""
        self.station.connection.release(_VERSION)
        command: tuple[str, Mapping[str, Any]] = ("get_local_list_version", {})
        return await self.station.asked(step, text, _VERSION, {}, command=command, timeout_s=timeout_s)
