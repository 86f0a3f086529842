"""Variables in the words of 2.0.1; they are those of ``variables_v2``."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.b_provisioning import variables_v2
from voltbridge.csms.blocks.b_provisioning.device_model import DeviceModelService
from voltbridge.csms.blocks.b_provisioning.variables_v2 import (
    characteristics,
    read_results,
    reported,
    unknown,
    write_results,
    written,
)
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v201

__all__ = [
    "ANSWERS_WITH_REPORT",
    "MOST_WRITTEN",
    "characteristics",
    "notify_report",
    "read_request",
    "read_results",
    "refusal",
    "report_request",
    "reported",
    "unknown",
    "write_request",
    "write_results",
    "written",
]

ANSWERS_WITH_REPORT: Final = False
MOST_WRITTEN: Final = None
"""As many as the station takes."""

_WORDS: Final = variables_v2.Words(v201, longest=1000)

read_request = _WORDS.read_request
refusal = _WORDS.refusal
report_request = _WORDS.report_request
write_request = _WORDS.write_request


async def notify_report(
    service: DeviceModelService, live: LiveStation, request: v201.NotifyReportRequest
) -> v201.NotifyReportResponse:
    """B07, B08."""
    await variables_v2.take_report(service, live, request)
    return v201.NotifyReportResponse()
