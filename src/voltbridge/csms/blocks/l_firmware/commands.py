"""The commands of firmware management."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.l_firmware.parameters import PublishFirmware, UnpublishFirmware, UpdateFirmware
from voltbridge.csms.blocks.l_firmware.publishing import PUBLISH_WITHIN_S, PUBLISHING, PublishingService
from voltbridge.csms.blocks.l_firmware.service import FIRMWARE, FirmwareService
from voltbridge.csms.commands.kinds import Answer, CommandKind, CommandRun, Context
from voltbridge.protocol.versions import Version

__all__ = ["COMMANDS"]


def _check_update(wanted: UpdateFirmware, context: Context) -> None:
    service: FirmwareService = context.service
    service.check(wanted, context.version, context.now)


async def _update(run: CommandRun) -> Answer:
    service: FirmwareService = run.context.service
    return await service.update(run)


def _check_publish(wanted: PublishFirmware, context: Context) -> None:
    service: PublishingService = context.service
    service.check(wanted, context.version)


async def _publish(run: CommandRun) -> Answer:
    service: PublishingService = run.context.service
    return await service.publish(run)


def _check_unpublish(wanted: UnpublishFirmware, context: Context) -> None:
    service: PublishingService = context.service
    service.check_unpublish(wanted, context.version)


async def _unpublish(run: CommandRun) -> Answer:
    service: PublishingService = run.context.service
    return await service.unpublish(run)


COMMANDS: Final = (
    CommandKind(
        name="update_firmware",
        about="Have the station fetch and install firmware; the outcome is what it runs after.",
        parameters=UpdateFirmware,
        run=_update,
        check=_check_update,
        service="firmware",
        outcome=FIRMWARE,
    ),
    CommandKind(
        name="publish_firmware",
        about="Have a local controller publish firmware for its site; the outcome is where.",
        parameters=PublishFirmware,
        versions=(Version.V201, Version.V21),
        run=_publish,
        check=_check_publish,
        service="publishing",
        outcome=PUBLISHING,
        outcome_within_s=PUBLISH_WITHIN_S,
        instead="it knows no local controllers that publish firmware",
    ),
    CommandKind(
        name="unpublish_firmware",
        about="Have a local controller publish firmware no longer.",
        parameters=UnpublishFirmware,
        versions=(Version.V201, Version.V21),
        run=_unpublish,
        check=_check_unpublish,
        service="publishing",
        instead="it knows no local controllers that publish firmware",
    ),
)
