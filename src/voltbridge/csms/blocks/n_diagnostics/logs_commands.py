"""The commands of logs."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.n_diagnostics.logs import LOG, LogService
from voltbridge.csms.blocks.n_diagnostics.logs_parameters import GetDiagnostics, GetLog
from voltbridge.csms.commands.kinds import Answer, CommandKind, CommandRun, Context
from voltbridge.protocol.versions import Version

__all__ = ["COMMANDS"]


def _check(wanted: GetDiagnostics, context: Context) -> None:
    service: LogService = context.service
    service.check(wanted, context.version)


async def _ask(run: CommandRun) -> Answer:
    service: LogService = run.context.service
    return await service.ask(run)


COMMANDS: Final = (
    CommandKind(
        name="get_log",
        about="Have the station deliver a log; the outcome is the file.",
        parameters=GetLog,
        run=_ask,
        check=_check,
        service="logs",
        outcome=LOG,
    ),
    CommandKind(
        name="get_diagnostics",
        about="Have a station of 1.6 deliver its diagnostics by its older message; the outcome is the file.",
        parameters=GetDiagnostics,
        versions=(Version.V16,),
        run=_ask,
        check=_check,
        service="logs",
        outcome=LOG,
        instead="get_log does the same",
    ),
)
