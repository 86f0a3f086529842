"""Who removes what, for each kind of record in ``csms/retention.py``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from voltbridge.csms.files.service import FileService
from voltbridge.csms.retention import KINDS, Keeper
from voltbridge.settings import Settings
from voltbridge.storage import Storage

__all__ = ["days_kept", "keepers"]


def keepers(storage: Storage, files: FileService) -> Mapping[str, Keeper]:
    """By the names of the kinds."""
    pruning = storage.pruning
    prune = {
        "messages": storage.messages.prune,
        "events": storage.events.prune,
        "commands": storage.commands.prune,
        "operations": storage.operations.prune,
        "transactions": pruning.transactions,
        "meter_values": pruning.meter_values,
        "reservations": pruning.reservations,
        "alerts": storage.alerts.prune,
        "deviations": pruning.deviations,
        "webhook_deliveries": storage.webhooks.prune,
        "dead_letters": storage.dead_letters.prune,
        "customer_information": storage.customer_information.prune,
        "firmware_updates": pruning.firmware_updates,
        "rollouts": pruning.rollouts,
        "station_logs": pruning.station_logs,
    }
    found = {name: Keeper(each, partial(storage.ages.oldest, name)) for name, each in prune.items()}

    async def delivered(before: datetime) -> int:
        return await files.tidy(before)

    async def unknown() -> None:
        await files.tidy(None)

    found["files"] = Keeper(delivered, partial(storage.ages.oldest, "files"), always=unknown)
    return found


def days_kept(settings: Settings) -> dict[str, int | None]:
    """By the settings of the kinds; None is forever."""
    return {kind.setting: getattr(settings, kind.setting) for kind in KINDS}
