"""The commands of authorization."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.c_authorization import v16, v21, v201
from voltbridge.csms.blocks.c_authorization.requests import ClearCache
from voltbridge.csms.commands.kinds import CommandKind
from voltbridge.protocol.versions import Version

__all__ = ["COMMANDS"]

COMMANDS: Final = (
    CommandKind(
        name="clear_cache",
        about="Have the station forget the tokens it remembers from earlier answers.",
        parameters=ClearCache,
        builders={Version.V16: v16.clear_cache, Version.V201: v201.clear_cache, Version.V21: v21.clear_cache},
    ),
)
