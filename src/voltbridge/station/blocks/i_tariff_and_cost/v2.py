"""Costs in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from typing import Any

from voltbridge.protocol.structs import Payload
from voltbridge.station.context import Handling
from voltbridge.station.services import Services
from voltbridge.station.words import messages

__all__ = ["cost_updated"]


async def cost_updated(services: Services, handling: Handling, request: Any) -> Payload:
    """I02. The response has no room to say that there is no such transaction."""
    services.costs.running(request.transaction_id, request.total_cost)
    services.transactions.cost_told(request.transaction_id, request.total_cost)
    response: Payload = messages(handling.version).CostUpdatedResponse()
    return response
