"""What logs are asked for with, whatever the version (2.0.1 N01; 1.6 5.9 and its whitepaper)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from voltbridge.csms.commands.kinds import Parameters
from voltbridge.domain.file_transfer import TransferProtocol
from voltbridge.domain.station_logs import LogType

__all__ = ["GetDiagnostics", "GetLog", "LogOrder"]

_Location = Annotated[str, Meta(min_length=1, max_length=2000)]
_Moment = Annotated[datetime, Meta(tz=True)]
_Count = Annotated[int, Meta(ge=0, le=1_000_000)]
_Seconds = Annotated[float, Meta(gt=0, le=31_536_000)]


class GetDiagnostics(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Have a station of 1.6 deliver its diagnostics by GetDiagnostics, even if it knows GetLog too."""

    oldest_at: _Moment | None = None
    latest_at: _Moment | None = None
    location: _Location | None = None
    """Where to; None: here."""
    protocol: TransferProtocol | None = None
    """The only one by which it may come here; None: one that the station tells, HTTP if it can."""
    retries: _Count | None = None
    retry_interval_s: _Count | None = None
    deliver_within_s: _Seconds = 7200.0
    """After how long silence counts as failure."""


class GetLog(GetDiagnostics, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Have the station deliver a log."""

    log_type: LogType = LogType.DIAGNOSTICS


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOrder:
    """All that goes into the message."""

    request_id: int
    location: str
    log_type: LogType
    oldest_at: datetime | None = None
    latest_at: datetime | None = None
    retries: int | None = None
    retry_interval_s: int | None = None
