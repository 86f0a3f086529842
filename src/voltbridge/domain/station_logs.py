"""Logs that stations were asked to deliver (2.0.1 N01; 1.6 GetDiagnostics, and GetLog of its security whitepaper)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from voltbridge.domain.firmware import StatusNote

__all__ = ["FAILED_UPLOADS", "LogState", "LogType", "LogUpload", "UploadStatus"]


class LogType(StrEnum):
    """Which log."""

    DIAGNOSTICS = "DiagnosticsLog"
    SECURITY = "SecurityLog"
    DATA_COLLECTOR = "DataCollectorLog"
    """Only 2.1 has it."""


class UploadStatus(StrEnum):
    """What a station tells of an upload (UploadLogStatusEnumType; the UploadFailed of 1.6 is UploadFailure)."""

    BAD_MESSAGE = "BadMessage"
    IDLE = "Idle"
    NOT_SUPPORTED_OPERATION = "NotSupportedOperation"
    PERMISSION_DENIED = "PermissionDenied"
    UPLOADED = "Uploaded"
    UPLOAD_FAILURE = "UploadFailure"
    UPLOADING = "Uploading"
    ACCEPTED_CANCELED = "AcceptedCanceled"


FAILED_UPLOADS: Final = frozenset(
    {
        UploadStatus.BAD_MESSAGE,
        UploadStatus.NOT_SUPPORTED_OPERATION,
        UploadStatus.PERMISSION_DENIED,
        UploadStatus.UPLOAD_FAILURE,
    }
)
"""Statuses with which an upload ends badly (N01.FR.10)."""


class LogState(StrEnum):
    """How far a log is."""

    REQUESTED = "Requested"
    """The station has not answered yet."""
    REJECTED = "Rejected"
    PENDING = "Pending"
    DELIVERED = "Delivered"
    FAILED = "Failed"
    SUPERSEDED = "Superseded"
    """Given up for another log."""

    @property
    def is_open(self) -> bool:
        """Whether more will come."""
        return self in (LogState.REQUESTED, LogState.PENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogUpload:
    """What becomes of one log."""

    id: int
    """That of the command."""
    station_id: str
    request_id: int
    """What the station names; the GetDiagnostics of 1.6 names nothing."""
    log_type: LogType
    state: LogState
    requested_at: datetime
    deadline_at: datetime
    """When silence counts as the end."""
    elsewhere: bool = False
    """Whether it is delivered to another server than this one."""
    numbered: bool = True
    """Whether statuses name the request."""
    oldest_at: datetime | None = None
    latest_at: datetime | None = None
    filename: str | None = None
    """What the station said it would be called."""
    file_id: int | None = None
    statuses: tuple[StatusNote, ...] = ()
    problem: str | None = None
    finished_at: datetime | None = None

    @property
    def status(self) -> str | None:
        """The last that was told."""
        return self.statuses[-1].status if self.statuses else None
