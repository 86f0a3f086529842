"""Block J: clock-aligned and sampled meter values, inside and outside of transactions, plain and signed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.meter import meter_value, meter_values_to_the_end
from voltbridge.conformance.csms.states import (
    authorized,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
)
from voltbridge.conformance.csms.station import SimulatedStation

__all__: list[str] = []

_READINGS = 3
"""How many times the document has periodic meter values sent."""


@csms_case("TC_J_01_CSMS")
async def aligned_without_transaction(station: SimulatedStation) -> None:
    """Clock-aligned meter values of a free station."""
    start = station.clock.now()
    evses = range(station.configuration.evses + 1)
    for index in range(_READINGS):
        await _send_aligned(station, evses, _moment(start, index, station.configuration.aligned_interval_s), index)
        await station.clock.sleep(station.configuration.aligned_interval_s)


@csms_case("TC_J_02_CSMS")
async def aligned_with_transaction(station: SimulatedStation) -> None:
    """Clock-aligned meter values: of the free EVSEs by themselves, of the busy one in its transaction."""
    configuration = station.configuration
    await energy_transfer_started(station)
    start = station.clock.now()
    idle = [evse_id for evse_id in range(configuration.evses + 1) if evse_id != station.evse_id]
    interval_s = configuration.aligned_interval_s
    for index in range(_readings(station, interval_s)):
        moment = _moment(start, index, interval_s)
        await _send_aligned(station, idle, moment, index)
        value = meter_value(moment, "Sample.Clock", 100.0 * index)
        await station.transaction_event(3, "Updated", "MeterValueClock", meter_value=[value], moment=moment)
        await station.clock.sleep(interval_s)


@csms_case("TC_J_03_CSMS")
async def aligned_at_the_end(station: SimulatedStation) -> None:
    """A transaction ends with its clock-aligned meter values."""
    await _end_with(station, "Sample.Clock", station.configuration.aligned_interval_s)


@csms_case("TC_J_04_CSMS")
async def aligned_signed(station: SimulatedStation) -> None:
    """A transaction ends with its clock-aligned meter values, signed."""
    await _end_with(station, "Sample.Clock", station.configuration.aligned_interval_s, signed=True)


@csms_case("TC_J_07_CSMS")
async def sampled_at_the_start(station: SimulatedStation) -> None:
    """A transaction starts with a meter value, the EVSE known."""
    await ev_connected_pre_session(station, meter_value=_begin(station))


@csms_case("TC_J_08_CSMS")
async def sampled_after_the_start(station: SimulatedStation) -> None:
    """A transaction starts without an EVSE; its first meter value comes with the cable."""
    await authorized(station)
    await ev_connected_pre_session(station, meter_value=_begin(station))
    await energy_transfer_started(station)


@csms_case("TC_J_09_CSMS")
async def sampled_on_the_way(station: SimulatedStation) -> None:
    """Sampled meter values while a transaction is open."""
    await energy_transfer_started(station)
    start = station.clock.now()
    for index in range(_READINGS):
        moment = _moment(start, index, station.configuration.sampled_interval_s)
        value = meter_value(moment, "Sample.Periodic", 100.0 * index)
        await station.transaction_event(1, "Updated", "MeterValuePeriodic", meter_value=[value], moment=moment)
        await station.clock.sleep(station.configuration.sampled_interval_s)


@csms_case("TC_J_10_CSMS")
async def sampled_at_the_end(station: SimulatedStation) -> None:
    """A transaction ends with its sampled meter values."""
    await _end_with(station, "Sample.Periodic", station.configuration.sampled_interval_s)


@csms_case("TC_J_11_CSMS")
async def sampled_signed(station: SimulatedStation) -> None:
    """A transaction ends with its sampled meter values, signed."""
    await _end_with(station, "Sample.Periodic", station.configuration.sampled_interval_s, signed=True)


async def _send_aligned(station: SimulatedStation, evses: Sequence[int], moment: datetime, index: int) -> None:
    """Step 1 for each of these EVSEs, 0 being the station's main meter."""
    for evse_id in evses:
        energy_wh = 100.0 * index
        value = meter_value(moment, "Sample.Clock", energy_wh)
        await station.call(1, "MeterValues", {"evseId": evse_id, "meterValue": [value]})
        component: dict[str, Any] = {"name": "FiscalMetering"}
        if evse_id:
            component["evse"] = {"id": evse_id}
        await station.notify_event(1, "Periodic", component, "EnergyImportRegister", str(energy_wh), moment=moment)


async def _end_with(station: SimulatedStation, context: str, interval_s: float, *, signed: bool = False) -> None:
    """Energy flows for a while; the message that ends the transaction has all its meter values."""
    await energy_transfer_started(station)
    # The steps before the last, so that the last reading is not older than they are.
    await ev_connected_post_session(station)
    readings = _readings(station, interval_s)
    values = meter_values_to_the_end(station.clock.now(), interval_s, readings, context, signed=signed)
    await ev_disconnected(station, meter_value=values)


def _readings(station: SimulatedStation, interval_s: float) -> int:
    """How many fit into a transaction."""
    return max(1, int(station.configuration.transaction_duration_s / interval_s)) if interval_s else 1


def _begin(station: SimulatedStation) -> list[dict[str, Any]]:
    return [meter_value(station.clock.now(), "Transaction.Begin", 0.0)]


def _moment(start: datetime, index: int, interval_s: float) -> datetime:
    return start + timedelta(seconds=index * interval_s)
