"""What stations are asked about their local lists, whatever the version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from voltbridge.csms.commands.kinds import Answer, Context, Parameters, Prepared
from voltbridge.protocol.structs import Payload

__all__ = ["GetLocalListVersion", "SyncLocalList", "version_read"]


class GetLocalListVersion(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which version of its local list the station has."""


class SyncLocalList(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bring the station's local list up to date."""

    full: bool = False
    """Send all of it, even where the differences would do."""


def version_read(context: Context, request: Payload, version_of: Callable[[Any], int | None]) -> Prepared:
    """A question for the version; a list that has drifted is found by the answer."""

    def read(response: Any) -> Answer:
        version = version_of(response)
        if version is None:
            return Answer(False, "NotSupported", "the station has no local lists", {})
        return Answer(True, "Accepted", None, {"version": version})

    async def settle(answer: Answer) -> None:
        await context.service.told_version(context.station_id, answer.info.get("version"))

    return Prepared(request, read, settled=settle)
