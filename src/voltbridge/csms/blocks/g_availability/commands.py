"""The commands of availability."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.g_availability import v16, v21, v201
from voltbridge.csms.blocks.g_availability.change import ChangeAvailability
from voltbridge.csms.commands.kinds import CommandKind
from voltbridge.protocol.versions import Version

__all__ = ["COMMANDS"]

COMMANDS: Final = (
    CommandKind(
        name="change_availability",
        about="Take the station, an EVSE or a connector out of use, or put it back; at once or after its transaction.",
        parameters=ChangeAvailability,
        builders={
            Version.V16: v16.change_availability,
            Version.V201: v201.change_availability,
            Version.V21: v21.change_availability,
        },
        service="availability",
        outcome="availability",
    ),
)
