"""Variable monitoring in the words of 2.1; they are those of ``monitoring_v2``."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.n_diagnostics import monitoring_v2
from voltbridge.csms.blocks.n_diagnostics.monitoring import MonitoringService
from voltbridge.csms.blocks.n_diagnostics.monitoring_v2 import clear_results, set_results
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

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

_WORDS: Final = monitoring_v2.Words(v21)

base_request = _WORDS.base_request
clear_request = _WORDS.clear_request
level_request = _WORDS.level_request
report_request = _WORDS.report_request
set_request = _WORDS.set_request


async def notify_monitoring_report(
    service: MonitoringService, live: LiveStation, request: v21.NotifyMonitoringReportRequest
) -> v21.NotifyMonitoringReportResponse:
    """N02."""
    await monitoring_v2.take_report(service, live, request)
    return v21.NotifyMonitoringReportResponse()
