"""Logs in the words of 2.1; they are those of ``v2``."""

from __future__ import annotations

from voltbridge.csms.blocks.n_diagnostics import v2
from voltbridge.csms.blocks.n_diagnostics.logs import LogService
from voltbridge.csms.blocks.n_diagnostics.logs_parameters import LogOrder
from voltbridge.csms.blocks.n_diagnostics.v2 import log_answer, plain_request
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21
from voltbridge.protocol.structs import Payload

__all__ = ["log_answer", "log_request", "log_status_notification", "plain_request"]


def log_request(order: LogOrder) -> Payload:
    """N01."""
    return v2.log_request(v21, order)


async def log_status_notification(
    service: LogService, live: LiveStation, request: v21.LogStatusNotificationRequest
) -> v21.LogStatusNotificationResponse:
    """N01."""
    await v2.told_of_log(service, live, request)
    return v21.LogStatusNotificationResponse()
