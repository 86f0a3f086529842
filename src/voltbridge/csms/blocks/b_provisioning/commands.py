"""The commands of provisioning."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.b_provisioning import v16, v21, v201
from voltbridge.csms.blocks.b_provisioning.reset import Reset
from voltbridge.csms.commands.kinds import CommandKind
from voltbridge.protocol.versions import Version

__all__ = ["COMMANDS"]

COMMANDS: Final = (
    CommandKind(
        name="reset",
        about="Restart the station, or one EVSE.",
        parameters=Reset,
        builders={Version.V16: v16.reset, Version.V201: v201.reset, Version.V21: v21.reset},
    ),
)
