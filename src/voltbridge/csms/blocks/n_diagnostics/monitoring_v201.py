"""Variable monitoring in the words of 2.0.1; they are those of ``monitoring_v2``, with fewer types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from voltbridge.csms.blocks.n_diagnostics import monitoring_v2
from voltbridge.csms.blocks.n_diagnostics.monitoring import MonitoringService
from voltbridge.csms.blocks.n_diagnostics.monitoring_v2 import clear_results, set_results
from voltbridge.csms.commands.kinds import Unsupported
from voltbridge.domain.monitoring import WantedMonitor
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v201
from voltbridge.protocol.structs import Payload

__all__ = [
    "base_request",
    "clear_request",
    "clear_results",
    "level_request",
    "notify_monitoring_report",
    "report_request",
    "set_request",
    "set_results",
]

_WORDS: Final = monitoring_v2.Words(v201)
_TYPES: Final = frozenset(type.value for type in v201.MonitorEnumType)

base_request = _WORDS.base_request
clear_request = _WORDS.clear_request
level_request = _WORDS.level_request
report_request = _WORDS.report_request


def set_request(monitors: Sequence[WantedMonitor]) -> Payload:
    """N04. Raises Unsupported for types that came with 2.1."""
    for one in monitors:
        if one.type.value not in _TYPES:
            raise Unsupported(f"OCPP 2.0.1 has no monitors of type {one.type}; it has {', '.join(sorted(_TYPES))}")
    return _WORDS.set_request(monitors)


async def notify_monitoring_report(
    service: MonitoringService, live: LiveStation, request: v201.NotifyMonitoringReportRequest
) -> v201.NotifyMonitoringReportResponse:
    """N02."""
    await monitoring_v2.take_report(service, live, request)
    return v201.NotifyMonitoringReportResponse()
