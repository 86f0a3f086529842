"""Every command, by the block it belongs to."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.b_provisioning import commands as b
from voltbridge.csms.blocks.c_authorization import commands as c
from voltbridge.csms.blocks.d_local_auth_list import commands as d
from voltbridge.csms.blocks.e_transactions import commands as e
from voltbridge.csms.blocks.f_remote_control import commands as f
from voltbridge.csms.blocks.g_availability import commands as g
from voltbridge.csms.blocks.h_reservation import commands as h
from voltbridge.csms.blocks.k_smart_charging import commands as k
from voltbridge.csms.blocks.l_firmware import commands as l_commands
from voltbridge.csms.blocks.n_diagnostics import logs_commands as n_logs
from voltbridge.csms.blocks.n_diagnostics import monitoring_commands as n
from voltbridge.csms.blocks.o_display_message import commands as o
from voltbridge.csms.commands.kinds import CommandKind

__all__ = ["COMMAND_KINDS"]

COMMAND_KINDS: Final[tuple[CommandKind, ...]] = (
    *b.COMMANDS,
    *c.COMMANDS,
    *d.COMMANDS,
    *e.COMMANDS,
    *f.COMMANDS,
    *g.COMMANDS,
    *h.COMMANDS,
    *k.COMMANDS,
    *l_commands.COMMANDS,
    *n.COMMANDS,
    *n_logs.COMMANDS,
    *o.COMMANDS,
)
