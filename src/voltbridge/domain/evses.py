"""EVSEs and their connectors, the way the API shows them for every version.

A connector of a version without EVSEs appears as an EVSE of the same number with one connector (1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Connector", "ConnectorStatus"]


class ConnectorStatus(StrEnum):
    """Union of the statuses of all versions; the finer ones say why a connector is occupied."""

    AVAILABLE = "Available"
    OCCUPIED = "Occupied"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Connector:
    """Last known status of a connector. Number 0 stands for the whole: (0, 0) is the station, (n, 0) an EVSE."""

    station_id: str
    evse_id: int
    connector_id: int
    status: ConnectorStatus
    status_at: datetime
    """The station's own timestamp, or the moment of receipt when it gave none."""
    error_code: str | None = None
    error_info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None
