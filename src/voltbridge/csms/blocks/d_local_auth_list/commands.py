"""The commands of local lists."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.d_local_auth_list import v16, v21, v201
from voltbridge.csms.blocks.d_local_auth_list.parameters import GetLocalListVersion, SyncLocalList
from voltbridge.csms.blocks.d_local_auth_list.service import LocalListService
from voltbridge.csms.commands.kinds import Answer, CommandKind, CommandRun
from voltbridge.domain.errors import NotFound
from voltbridge.protocol.versions import Version

__all__ = ["COMMANDS"]


async def _sync(run: CommandRun) -> Answer:
    wanted: SyncLocalList = run.parameters
    service: LocalListService = run.context.service
    live = run.context.live
    if live is None:
        raise NotFound("connection to", run.context.station_id)
    return await service.sync(live, run.call, full=wanted.full)


COMMANDS: Final = (
    CommandKind(
        name="get_local_list_version",
        about="Ask which version of its local list of tokens the station has.",
        parameters=GetLocalListVersion,
        builders={
            Version.V16: v16.get_local_list_version,
            Version.V201: v201.get_local_list_version,
            Version.V21: v21.get_local_list_version,
        },
        service="local_lists",
    ),
    CommandKind(
        name="sync_local_list",
        about="Bring the local list of tokens up to date: by differences where the versions agree, else all of it.",
        parameters=SyncLocalList,
        run=_sync,
        service="local_lists",
    ),
)
