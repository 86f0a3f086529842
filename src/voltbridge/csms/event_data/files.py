"""Of files, firmware and logs."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from voltbridge.csms.event_data.fields import OwnId
from voltbridge.domain.files import FilePurpose, TransferWay
from voltbridge.domain.firmware import UpdateState
from voltbridge.domain.rollouts import MemberState, RolloutState
from voltbridge.domain.station_logs import LogState, LogType

__all__ = [
    "FileAbout",
    "FileAddressRefused",
    "FileDeleted",
    "FileFetched",
    "FileStrangerRefused",
    "FirmwareAdded",
    "FirmwareDeleted",
    "FirmwareUpdateEnded",
    "FirmwareVersionMismatch",
    "LogEnded",
    "RolloutAbout",
    "RolloutCorrected",
]


class FileAbout(Struct):
    """A file that is complete."""

    id: OwnId
    name: str
    purpose: FilePurpose
    size_bytes: int
    sha256: str


class FirmwareAdded(Struct):
    """Firmware that can be sent to stations."""

    id: OwnId
    file_id: OwnId
    version: str


class FirmwareDeleted(Struct):
    """Firmware that is gone."""

    id: OwnId


class FirmwareUpdateEnded(Struct):
    """What became of an update."""

    id: Annotated[OwnId, Meta(description="That of the command that began it.")]
    state: UpdateState
    status: Annotated[str | UnsetType, Meta(description="The last that the station told.")] = UNSET
    version: Annotated[str | UnsetType, Meta(description="The one wanted.")] = UNSET
    installed_version: str | UnsetType = UNSET
    verified: Annotated[bool | UnsetType, Meta(description="Whether it boots with the version wanted.")] = UNSET
    problem: str | UnsetType = UNSET


class FirmwareVersionMismatch(Struct):
    """What was wanted, and what is there."""

    id: OwnId
    version: str
    installed_version: str


class RolloutAbout(Struct):
    """A rollout as it is now."""

    id: OwnId
    name: str
    state: RolloutState
    stage: Annotated[int, Meta(description="The one that is at work, counted from 0.")]
    stages: Annotated[list[int], Meta(description="How many stations each has.")]
    total: int
    reason: str | None


class RolloutCorrected(RolloutAbout):
    """A rollout, and the station that came to another end."""

    command_id: OwnId
    station_state: MemberState
    station_state_before: MemberState


class LogEnded(Struct):
    """What became of a log."""

    id: Annotated[OwnId, Meta(description="That of the command that asked for it.")]
    log_type: LogType
    state: LogState
    status: Annotated[str | UnsetType, Meta(description="The last that the station told.")] = UNSET
    filename: str | UnsetType = UNSET
    file_id: OwnId | UnsetType = UNSET
    name: str | UnsetType = UNSET
    size_bytes: int | UnsetType = UNSET
    sha256: str | UnsetType = UNSET
    problem: str | UnsetType = UNSET


class FileDeleted(Struct):
    """A file that is gone."""

    id: OwnId


class FileFetched(Struct):
    """A file that a station has fetched, and on whose behalf."""

    file_id: OwnId
    way: TransferWay
    purpose: FilePurpose
    name: str
    reference: str


class FileAddressRefused(Struct):
    """An address of a station that is of no use any more."""

    reason: str
    way: TransferWay
    purpose: FilePurpose
    name: str
    reference: str


class FileStrangerRefused(Struct):
    """An address that nobody was given. Of many in a short time only some are told."""

    reason: str
    remote_address: str
