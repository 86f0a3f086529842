"""What a station keeps as files beside its store: its logs and firmware on its way, in a directory of its own.

Where many stations share a disk each has a limit: three fifths of it are for firmware, of which a larger image does not
come (DownloadFailed), the rest for both logs and for copies of them while they are uploaded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import quote

from voltbridge.station.configuration import LogLimits, StationConfiguration

__all__ = ["OwnFiles"]

_FILES: Final = 4
_LOG_SHARE: Final = 50
"""A file of a log is this part of the limit: both logs are eight of them, and three copies of one are twelve more."""


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """The files of all stations below one directory."""

    directory: Path
    limit_bytes: int | None = None
    """Of each station; None: its logs have their usual limits, and an image may be as large as it wants."""

    def of(self, identity: str) -> Path:
        """The directory of one station."""
        return self.directory / quote(identity, safe="")

    def given_to(self, configuration: StationConfiguration) -> StationConfiguration:
        """A station that keeps them."""
        own = self.of(configuration.identity)
        placed = replace(configuration, log_directory=own / "logs", download_directory=own / "downloads")
        if self.limit_bytes is None:
            return placed
        logs = LogLimits(self.limit_bytes // _LOG_SHARE, _FILES, placed.log_limits.days)
        return replace(placed, log_limits=logs, largest_download=self.limit_bytes * 3 // 5)
