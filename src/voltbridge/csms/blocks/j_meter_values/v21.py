"""Meter values in the words of 2.1: as 2.0.1, with more measurands."""

from __future__ import annotations

from voltbridge.csms.blocks.j_meter_values.service import MeterValueService
from voltbridge.csms.blocks.j_meter_values.v201 import meter_values_of
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = ["meter_values"]


async def meter_values(
    service: MeterValueService, live: LiveStation, request: v21.MeterValuesRequest
) -> v21.MeterValuesResponse:
    """J01. EVSE 0 is the station's own meter (J01.FR.03)."""
    service.record(live, request.evse_id, None, meter_values_of(request.meter_value))
    return v21.MeterValuesResponse()
