"""J02: meter values of transactions, when they start, while they run and when they end."""

from __future__ import annotations

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    energy_transfer_started,
    ev_connected_pre_session,
    parking_bay_occupied,
    parking_bay_unoccupied,
    tx_start_points,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.meter_values import (
    Values,
    complete,
    evenly_spaced,
    measurands,
    meter_values,
    moments,
    signed,
)

__all__: list[str] = []

_BEGIN, _PERIODIC, _END = "Transaction.Begin", "Sample.Periodic", "Transaction.End"


async def _begins_with(csms: SimulatedCsms, event: Received) -> None:
    """Raises StepFailed unless the event has the values that belong to the start of a transaction."""
    values = meter_values([event])
    if not values:
        raise StepFailed(event.step, f"{event.name}.meterValue", "no such field")
    for one in values:
        one.samples[0].expect("context", _BEGIN)
    complete(csms, "end", values, await measurands(csms, "SampledDataCtrlr", "TxStartedMeasurands"))


@station_case("TC_J_07_CS")
async def at_start(csms: SimulatedCsms) -> None:
    """The start of a transaction at a known EVSE tells meter values."""
    starts = await tx_start_points(csms)
    if "ParkingBayOccupancy" in starts or not starts:
        await csms.configured("TxCtrlr", "TxStartPoint", "EVConnected")
    await parking_bay_occupied(csms)
    await ev_connected_pre_session(csms)
    await energy_transfer_started(csms)
    started = csms.seen("TransactionEvent", {"eventType": "Started"})
    if not started:
        raise StepFailed(csms.step("end"), "a TransactionEventRequest (Started)", "none")
    await _begins_with(csms, started[0])


@station_case("TC_J_08_CS")
async def at_plugin(csms: SimulatedCsms) -> None:
    """The first message of a transaction that knows its EVSE tells the values of its start."""
    if not await tx_start_points(csms) & {"Authorized", "ParkingBayOccupancy"}:
        await csms.configured("TxCtrlr", "TxStartPoint", "Authorized")
    await energy_transfer_started(csms)
    placed = [one for one in csms.seen("TransactionEvent") if one.at("evse") is not ABSENT]
    if not placed:
        raise StepFailed(csms.step("end"), "a TransactionEventRequest with an evse", "none")
    await _begins_with(csms, placed[0])


@station_case("TC_J_09_CS")
async def running(csms: SimulatedCsms) -> None:
    """A transaction that runs tells meter values at the interval."""
    interval_s = round(csms.configuration.sampled_interval_s)
    await csms.configure("SampledDataCtrlr", "Enabled", "true")
    await csms.configured("SampledDataCtrlr", "TxUpdatedInterval", str(interval_s))
    wanted = await measurands(csms, "SampledDataCtrlr", "TxUpdatedMeasurands")
    await energy_transfer_started(csms)
    await csms.wait(max(csms.configuration.transaction_duration_s, 3 * interval_s))
    await csms.quiet()
    every = [
        one for one in csms.seen("TransactionEvent", {"eventType": "Updated"}) if one.at("meterValue") is not ABSENT
    ]
    for event in every:
        event.expect("triggerReason", "MeterValuePeriodic")
    values = meter_values(every)
    for one in values:
        one.samples[0].expect("context", _PERIODIC)
    complete(csms, 1, values, wanted)
    evenly_spaced(csms, "end", moments(values), interval_s)


async def _at_end(csms: SimulatedCsms) -> list[Values]:
    """A transaction that samples for its end; the values of its last TransactionEventRequest, which are checked."""
    interval_s = round(csms.configuration.sampled_interval_s)
    await csms.configure("SampledDataCtrlr", "Enabled", "true")
    await csms.configured("SampledDataCtrlr", "TxEndedInterval", str(interval_s))
    wanted = await measurands(csms, "SampledDataCtrlr", "TxEndedMeasurands")
    await energy_transfer_started(csms)
    await csms.wait(max(csms.configuration.transaction_duration_s, 3 * interval_s))
    await parking_bay_unoccupied(csms)
    values = meter_values(csms.seen("TransactionEvent", {"eventType": "Ended"}))
    if not values:
        raise StepFailed(csms.step("end"), "a TransactionEventRequest (Ended) with meterValue", "none")
    for one in values:
        # The values of the start are told again at the end (E06.FR.11).
        one.samples[0].expect("context", _PERIODIC, _BEGIN, _END)
    ends = [one for one in values if one.context == _END]
    if len(ends) != 1:
        raise StepFailed(csms.step("end"), f"one meterValue with {_END}", f"{len(ends)} of them")
    complete(csms, "end", values, wanted)
    evenly_spaced(csms, "end", moments([one for one in values if one.context == _PERIODIC]), interval_s)
    return values


@station_case("TC_J_10_CS")
async def at_end(csms: SimulatedCsms) -> None:
    """The end of a transaction tells what was sampled for it."""
    await csms.configure("AlignedDataCtrlr", "TxEndedMeasurands", "")
    await _at_end(csms)


@station_case("TC_J_11_CS")
async def at_end_signed(csms: SimulatedCsms) -> None:
    """The end of a transaction tells what was sampled for it, signed."""
    await csms.configured("SampledDataCtrlr", "SignReadings", "true")
    await signed(csms, await _at_end(csms))
