"""J01: meter values by the clock, while nothing goes on, during a transaction and at its end."""

from __future__ import annotations

from collections.abc import Callable

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import Received
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    energy_transfer_started,
    parking_bay_unoccupied,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.meter_values import (
    REGISTER,
    Values,
    complete,
    evenly_spaced,
    measurands,
    meter_values,
    moments,
    signed,
)

__all__: list[str] = []

_CONTEXT = "Sample.Clock"


async def _by_the_clock(csms: SimulatedCsms, variable: str = "Interval") -> float:
    """Configuration State: meter values by the clock; their interval."""
    interval_s = round(csms.configuration.aligned_interval_s)
    await csms.configure("AlignedDataCtrlr", "Enabled", "true")
    await csms.configured("AlignedDataCtrlr", variable, str(interval_s))
    return interval_s


def _clock_values(messages: list[Received]) -> list[Values]:
    """Their meter values; raises StepFailed unless each was taken by the clock."""
    values = meter_values(messages)
    for one in values:
        one.samples[0].expect("context", _CONTEXT)
    return values


async def _until(csms: SimulatedCsms, count: int, interval_s: float, values: Callable[[], list[Values]]) -> None:
    """Wait for values of so many moments."""
    await csms.until(lambda: len(moments(values())) >= count, (count + 1) * interval_s)
    await csms.quiet()


@station_case("TC_J_01_CS")
async def idle(csms: SimulatedCsms) -> None:
    """Every meter is read by the clock, with no transaction."""
    interval_s = await _by_the_clock(csms)
    wanted = await measurands(csms, "AlignedDataCtrlr", "Measurands")
    csms.inbox.clear()
    await _until(csms, 3, interval_s, lambda: meter_values(csms.seen("MeterValues")))
    values = _clock_values(csms.seen("MeterValues"))
    complete(csms, 1, values, wanted)
    evenly_spaced(csms, "end", moments(values), interval_s)


@station_case("TC_J_02_CS")
async def in_transaction(csms: SimulatedCsms) -> None:
    """The meters are read by the clock, with a transaction."""
    interval_s = await _by_the_clock(csms)
    await csms.configure("AlignedDataCtrlr", "SendDuringIdle", "false")
    await csms.configure("SampledDataCtrlr", "RegisterValuesWithoutPhases", "false")
    wanted = await measurands(csms, "AlignedDataCtrlr", "Measurands")
    await energy_transfer_started(csms)
    await csms.quiet()
    begun = len(csms.seen("MeterValues"))
    by_clock = {"triggerReason": "MeterValueClock"}
    clock_events = len(csms.seen("TransactionEvent", by_clock))

    def of_evse() -> list[Values]:
        requests = [one for one in csms.seen("MeterValues")[begun:] if one.at("evseId") == csms.evse_id]
        return meter_values([*requests, *csms.seen("TransactionEvent", by_clock)[clock_events:]])

    await _until(csms, 3, interval_s, of_evse)
    if not of_evse():
        raise StepFailed(csms.step(3), f"meter values of EVSE {csms.evse_id} by the clock", "none")
    for messages in (csms.seen("MeterValues")[begun:], csms.seen("TransactionEvent", by_clock)[clock_events:]):
        values = _clock_values(messages)
        complete(csms, 1, values, wanted)
        if values:
            evenly_spaced(csms, "end", moments(values), interval_s)


async def _at_end(csms: SimulatedCsms, interval_s: float) -> list[Values]:
    """A transaction of some intervals; the values in its last TransactionEventRequest."""
    await energy_transfer_started(csms)
    await csms.wait(max(csms.configuration.transaction_duration_s, 2 * interval_s + 1))
    await parking_bay_unoccupied(csms)
    ended = csms.seen("TransactionEvent", {"eventType": "Ended"})
    if not ended or not meter_values(ended):
        raise StepFailed(csms.step("end"), "a TransactionEventRequest (Ended) with meterValue", "none")
    return _clock_values(ended)


async def _measures_at_end(csms: SimulatedCsms) -> frozenset[str]:
    """The measurands told at the end of a transaction; there has to be one for anything to be told."""
    if not await measurands(csms, "AlignedDataCtrlr", "TxEndedMeasurands"):
        await csms.configured("AlignedDataCtrlr", "TxEndedMeasurands", REGISTER)
    return await measurands(csms, "AlignedDataCtrlr", "TxEndedMeasurands")


@station_case("TC_J_03_CS")
async def at_end(csms: SimulatedCsms) -> None:
    """The end of a transaction tells what was read by the clock."""
    interval_s = await _by_the_clock(csms, "TxEndedInterval")
    await csms.configured("SampledDataCtrlr", "TxEndedMeasurands", "")
    await csms.configure("AlignedDataCtrlr", "SendDuringIdle", "false")
    wanted = await _measures_at_end(csms)
    values = await _at_end(csms, interval_s)
    complete(csms, "end", values, wanted)
    evenly_spaced(csms, "end", moments(values), interval_s)


@station_case("TC_J_04_CS")
async def at_end_signed(csms: SimulatedCsms) -> None:
    """The end of a transaction tells what was read by the clock, signed."""
    interval_s = await _by_the_clock(csms, "TxEndedInterval")
    await csms.configure("AlignedDataCtrlr", "SendDuringIdle", "false")
    await csms.configured("AlignedDataCtrlr", "SignReadings", "true")
    # Samples of the transaction's own would stand beside those by the clock, which are looked at here.
    await csms.configure("SampledDataCtrlr", "TxEndedMeasurands", "")
    wanted = await _measures_at_end(csms)
    values = await _at_end(csms, interval_s)
    complete(csms, "end", values, wanted)
    evenly_spaced(csms, "end", moments(values), interval_s)
    await signed(csms, values)


@station_case("TC_J_06_CS")
async def only_idle(csms: SimulatedCsms) -> None:
    """Nothing is told by the clock while a transaction runs, with SendDuringIdle."""
    await csms.configured("AlignedDataCtrlr", "SendDuringIdle", "true")
    interval_s = await _by_the_clock(csms)
    wanted = await measurands(csms, "AlignedDataCtrlr", "Measurands")
    await _told_while_idle(csms, 1, interval_s, wanted)
    await energy_transfer_started(csms)
    running = len(csms.seen("MeterValues"))
    await csms.wait(interval_s + 5)
    told = _by_clock_since(csms, running)
    if told:
        raise StepFailed(csms.step(4), "no meter values by the clock", str(dict(told[0].message.payload)))
    await parking_bay_unoccupied(csms)
    await _told_while_idle(csms, 7, interval_s, wanted)


def _by_clock_since(csms: SimulatedCsms, number: int) -> list[Values]:
    """What was told by the clock, in requests of its own since the one of this number, or of the transaction.

    Those of the transaction's own (Transaction.Begin, Sample.Periodic) are told as its other variables say.
    """
    of_transaction = [one for one in meter_values(csms.seen("TransactionEvent")) if one.context == _CONTEXT]
    return meter_values(csms.seen("MeterValues")[number:]) + of_transaction


async def _told_while_idle(csms: SimulatedCsms, step: int, interval_s: float, wanted: frozenset[str]) -> None:
    before = len(csms.seen("MeterValues"))

    def since() -> list[Received]:
        return csms.seen("MeterValues")[before:]

    await _until(csms, 2, interval_s, lambda: meter_values(since()))
    values = _clock_values(since())
    complete(csms, step, values, wanted)
    evenly_spaced(csms, "end", moments(values), interval_s)
