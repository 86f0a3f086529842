"""Firmware: the images an operator keeps, what becomes of them on stations, and what local controllers publish."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

__all__ = [
    "DOWNLOADED",
    "FAILED",
    "FirmwareImage",
    "FirmwareStatus",
    "FirmwareUpdate",
    "PublishStatus",
    "PublishedFirmware",
    "StatusNote",
    "UpdateState",
    "image_problem",
]


class FirmwareStatus(StrEnum):
    """What a station tells of an update (2.0.1 FirmwareStatusEnumType; 1.6 has some of them)."""

    DOWNLOADED = "Downloaded"
    DOWNLOAD_FAILED = "DownloadFailed"
    DOWNLOADING = "Downloading"
    DOWNLOAD_SCHEDULED = "DownloadScheduled"
    DOWNLOAD_PAUSED = "DownloadPaused"
    IDLE = "Idle"
    INSTALLATION_FAILED = "InstallationFailed"
    INSTALLING = "Installing"
    INSTALLED = "Installed"
    INSTALL_REBOOTING = "InstallRebooting"
    INSTALL_SCHEDULED = "InstallScheduled"
    INSTALL_VERIFICATION_FAILED = "InstallVerificationFailed"
    INVALID_SIGNATURE = "InvalidSignature"
    SIGNATURE_VERIFIED = "SignatureVerified"


FAILED: Final = frozenset(
    {
        FirmwareStatus.DOWNLOAD_FAILED,
        FirmwareStatus.INSTALLATION_FAILED,
        FirmwareStatus.INSTALL_VERIFICATION_FAILED,
        FirmwareStatus.INVALID_SIGNATURE,
    }
)
"""Statuses with which an update ends badly."""

DOWNLOADED: Final = frozenset(FirmwareStatus) - {
    FirmwareStatus.IDLE,
    FirmwareStatus.DOWNLOAD_SCHEDULED,
    FirmwareStatus.DOWNLOADING,
    FirmwareStatus.DOWNLOAD_PAUSED,
}
"""Statuses after which the file is not fetched any more."""


class UpdateState(StrEnum):
    """How far an update is."""

    REQUESTED = "Requested"
    """The station has not answered yet."""
    REJECTED = "Rejected"
    PENDING = "Pending"
    INSTALLED = "Installed"
    UNCONFIRMED = "Unconfirmed"
    """The station told that it is installed and has not booted since; its next boot tells."""
    FAILED = "Failed"
    SUPERSEDED = "Superseded"
    """Given up for another update."""

    @property
    def is_open(self) -> bool:
        """Whether more will come."""
        return self in (UpdateState.REQUESTED, UpdateState.PENDING)


@dataclass(frozen=True, slots=True)
class StatusNote:
    """A status that a station told, and when it came."""

    status: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareImage:
    """A file that is firmware, and what stations need to believe in it."""

    id: int
    file_id: int
    version: str
    """As stations tell it when they boot."""
    created_at: datetime
    vendor: str | None = None
    """Only stations of this vendor are sent it; None: all."""
    model: str | None = None
    signature: str | None = None
    """Over the file, in base64."""
    signing_certificate: str | None = None
    """In PEM."""
    signature_verified: bool = False
    """Whether the signature was held against the file here."""
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareUpdate:
    """What becomes of firmware on one station."""

    id: int
    """That of the command."""
    station_id: str
    request_id: int
    """What the station names; 1.6 without signature names nothing."""
    state: UpdateState
    requested_at: datetime
    deadline_at: datetime
    """When silence counts as the end."""
    firmware_id: int | None = None
    """The image; None: firmware that is kept elsewhere."""
    signed: bool = False
    version: str | None = None
    """What the station is to tell when it boots with it."""
    from_version: str | None = None
    """What it told before."""
    installed_version: str | None = None
    """What it has told since."""
    verified: bool | None = None
    """Whether it boots with the version wanted; None: not known (yet)."""
    statuses: tuple[StatusNote, ...] = ()
    problem: str | None = None
    finished_at: datetime | None = None

    @property
    def status(self) -> str | None:
        """The last that was told."""
        return self.statuses[-1].status if self.statuses else None


class PublishStatus(StrEnum):
    """What a local controller tells of publishing (2.0.1 PublishFirmwareStatusEnumType)."""

    IDLE = "Idle"
    DOWNLOAD_SCHEDULED = "DownloadScheduled"
    DOWNLOADING = "Downloading"
    DOWNLOADED = "Downloaded"
    PUBLISHED = "Published"
    DOWNLOAD_FAILED = "DownloadFailed"
    DOWNLOAD_PAUSED = "DownloadPaused"
    INVALID_CHECKSUM = "InvalidChecksum"
    CHECKSUM_VERIFIED = "ChecksumVerified"
    PUBLISH_FAILED = "PublishFailed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFirmware:
    """Firmware that a local controller publishes, or was asked to."""

    station_id: str
    checksum: str
    """MD5 of the file, by which it is named."""
    request_id: int
    requested_at: datetime
    firmware_id: int | None = None
    status: str | None = None
    locations: tuple[str, ...] = ()
    """Where stations of its site fetch it."""
    updated_at: datetime | None = None


def image_problem(image: FirmwareImage, vendor: str | None, model: str | None) -> str | None:
    """Why an image is not for a station that tells this vendor and model; continues a sentence about the image."""
    for what, wanted, told in (("vendor", image.vendor, vendor), ("model", image.model, model)):
        if wanted is not None and told is not None and wanted.casefold() != told.casefold():
            return f"is for the {what} {wanted}, and the station tells {told}"
    return None
