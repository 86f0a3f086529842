"""Every command, by the block it belongs to."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.b_provisioning import commands as b
from voltbridge.csms.commands.kinds import CommandKind

__all__ = ["COMMAND_KINDS"]

COMMAND_KINDS: Final[tuple[CommandKind, ...]] = (*b.COMMANDS,)
