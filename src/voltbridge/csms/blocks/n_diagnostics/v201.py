"""Logs in the words of 2.0.1; they are those of ``v2``."""

from __future__ import annotations

from voltbridge.csms.blocks.n_diagnostics import v2
from voltbridge.csms.blocks.n_diagnostics.logs import LogService
from voltbridge.csms.blocks.n_diagnostics.logs_parameters import LogOrder
from voltbridge.csms.blocks.n_diagnostics.v2 import log_answer, plain_request
from voltbridge.csms.commands.kinds import Unsupported
from voltbridge.domain.station_logs import LogType
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v201
from voltbridge.protocol.structs import Payload

__all__ = ["log_answer", "log_request", "log_status_notification", "plain_request"]


def log_request(order: LogOrder) -> Payload:
    """N01."""
    if order.log_type is LogType.DATA_COLLECTOR:
        raise Unsupported("OCPP 2.0.1 has no DataCollectorLog; ask for the DiagnosticsLog or the SecurityLog")
    return v2.log_request(v201, order)


async def log_status_notification(
    service: LogService, live: LiveStation, request: v201.LogStatusNotificationRequest
) -> v201.LogStatusNotificationResponse:
    """N01."""
    await v2.told_of_log(service, live, request)
    return v201.LogStatusNotificationResponse()
