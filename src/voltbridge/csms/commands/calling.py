"""The calls of a command of several messages, where a message that fails does not end the command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voltbridge.csms.commands.kinds import CommandRun
from voltbridge.domain.station_calls import CallFailed
from voltbridge.protocol.structs import Payload

__all__ = ["Calling"]


@dataclass(slots=True)
class Calling:
    """The calls of a command; where not one brought an answer, that is how the command ends."""

    run: CommandRun
    failure: CallFailed | None = None

    async def call(self, request: Payload) -> Any:
        """The response. Raises a CallFailed, and remembers the first."""
        try:
            return await self.run.call(request)
        except CallFailed as failure:
            self.failure = self.failure or failure
            raise

    def check(self, statuses: Sequence[str]) -> None:
        """Raises the CallFailed when there is nothing else to tell."""
        if self.failure is not None and all(status == "NotAnswered" for status in statuses):
            raise self.failure
