"""Cases about meter values of 1.6: sampled, clock-aligned, and with the end of a transaction (3.16, 4.7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.charging_16 import Transaction, charging, ended, register_of, stopped_here

__all__: list[str] = []

_REGISTER = "Energy.Active.Import.Register"
_DEFAULTS = {"measurand": _REGISTER, "context": "Sample.Periodic", "format": "Raw", "location": "Outlet"}


async def _measures(cs: CentralSystem, key: str, *measurands: str) -> None:
    """The key names these measurands; raises NotApplicable when the charge point does not measure one."""
    await cs.needs_keys(**{key: ",".join(measurands)})


async def _off(cs: CentralSystem, *keys: str) -> None:
    """No measurands for these keys, or no interval."""
    for key in keys:
        await cs.set_key(key, "0" if key.endswith("Interval") else "")


def _samples(values: Received, context: str, place: int = 0) -> list[Mapping[str, Any]]:
    """The samples of one moment, all of which have to have this context."""
    told: list[Mapping[str, Any]] = values.at(f"meterValue.{place}.sampledValue")
    samples: list[Mapping[str, Any]] = [{**_DEFAULTS, **one} for one in told]
    others = {one["context"] for one in samples} - {context}
    if others:
        raise StepFailed(values.step, f"the context {context}", ", ".join(sorted(others)))
    return samples


def _only(step: str, samples: Iterable[Mapping[str, Any]], *measurands: str) -> None:
    told = {one["measurand"] for one in samples}
    if told != set(measurands):
        raise StepFailed(step, f"the measurands {', '.join(measurands)}", ", ".join(sorted(told)))


async def _next(cs: CentralSystem, step: int, transaction: Transaction, seconds: float) -> Received:
    wanted = {"transactionId": transaction.number, "connectorId": transaction.connector}
    return await cs.take(step, "MeterValues", wanted, seconds=seconds + cs.configuration.time_deviation_s)


@charge_point_case("TC16_J_Sampled_Interval_CS")
async def sampled(cs: CentralSystem) -> None:
    """A transaction tells the register every MeterValueSampleInterval, and it only ever rises."""
    interval_s = int(cs.configuration.sampled_interval_s)
    await _off(cs, "ClockAlignedDataInterval")
    await cs.needs_keys(MeterValueSampleInterval=str(interval_s), MeterValuesSampledData=_REGISTER)
    transaction = await charging(cs)
    last, register = cs.clock.now(), float(transaction.start.at("meterStart"))
    for step in (1, 2, 3):
        values = await _next(cs, step, transaction, interval_s)
        _only(values.step, _samples(values, "Sample.Periodic"), _REGISTER)
        at = datetime.fromisoformat(values.at("meterValue.0.timestamp"))
        if abs((at - last).total_seconds() - interval_s) > cs.configuration.time_deviation_s:
            raise StepFailed(values.step, f"values {interval_s} s after those before", str(at))
        if register_of(values) <= register:
            raise StepFailed(values.step, f"a register above {register:g}", f"{register_of(values):g}")
        last, register = at, register_of(values)
    await stopped_here(cs, transaction)
    await cs.none(4, "MeterValues", {"transactionId": transaction.number}, seconds=2 * interval_s)


@charge_point_case("TC16_J_Sampled_Off_CS")
async def sampled_off(cs: CentralSystem) -> None:
    """With a MeterValueSampleInterval of 0 no sampled values are sent."""
    await cs.needs_keys(MeterValueSampleInterval="0", ClockAlignedDataInterval="0")
    transaction = await charging(cs)
    await cs.none(1, "MeterValues", seconds=4 * cs.configuration.sampled_interval_s)
    await stopped_here(cs, transaction)


@charge_point_case("TC16_J_Sampled_Measurands_CS")
async def sampled_measurands(cs: CentralSystem) -> None:
    """Just the measurands of MeterValuesSampledData are sent, those of phases for each phase."""
    interval_s = int(cs.configuration.sampled_interval_s)
    await _off(cs, "ClockAlignedDataInterval")
    await cs.needs_keys(MeterValueSampleInterval=str(interval_s))
    wanted = ("Current.Import", "Power.Active.Import", "Voltage")
    await _measures(cs, "MeterValuesSampledData", *wanted)
    transaction = await charging(cs)
    values = await _next(cs, 1, transaction, interval_s)
    samples = _samples(values, "Sample.Periodic")
    _only(values.step, samples, *wanted)
    currents = [one.get("phase") for one in samples if one["measurand"] == "Current.Import"]
    if cs.configuration.number_phases > 1 and len(set(currents)) < cs.configuration.number_phases:
        raise StepFailed("1", "Current.Import of each phase", ", ".join(map(str, currents)))
    power = [float(one["value"]) for one in samples if one["measurand"] == "Power.Active.Import"]
    if max(power) <= 0:
        raise StepFailed("1", "power while a car charges", str(power))


@charge_point_case("TC16_J_Sampled_Unsupported_CS")
async def unsupported_measurand(cs: CentralSystem) -> None:
    """A measurand that there is not is refused with the whole list, whichever key it is for."""
    for key in ("MeterValuesSampledData", "MeterValuesAlignedData", "StopTxnSampledData", "StopTxnAlignedData"):
        before = await cs.key(key)
        change = {"key": key, "value": f"{_REGISTER},No.Such.Measurand"}
        await cs.answered(1, "ChangeConfiguration", change, "Rejected")
        if (now := await cs.key(key)) != before:
            raise StepFailed("2", f"{key} {before}", str(now))


@charge_point_case("TC16_J_Aligned_Interval_CS")
async def aligned(cs: CentralSystem) -> None:
    """Clock-aligned values come at the turns of the interval since midnight, with or without a transaction."""
    interval_s = int(cs.configuration.aligned_interval_s)
    await _off(cs, "MeterValueSampleInterval")
    await cs.needs_keys(ClockAlignedDataInterval=str(interval_s))
    await _measures(cs, "MeterValuesAlignedData", _REGISTER)
    transaction = await charging(cs)
    for step in (1, 2):
        values = await _next(cs, step, transaction, interval_s)
        _only(values.step, _samples(values, "Sample.Clock"), _REGISTER)
        at = datetime.fromisoformat(values.at("meterValue.0.timestamp"))
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        past_s = (at - midnight).total_seconds() % interval_s
        if min(past_s, interval_s - past_s) > cs.configuration.time_deviation_s:
            raise StepFailed(values.step, f"a multiple of {interval_s} s since midnight", str(at))
    await stopped_here(cs, transaction)
    cs.forget("MeterValues")
    idle = await cs.take(3, "MeterValues", {"connectorId": cs.connector}, seconds=2 * interval_s)
    idle.expect("transactionId", ABSENT)


@charge_point_case("TC16_J_Aligned_Off_CS")
async def aligned_off(cs: CentralSystem) -> None:
    """With a ClockAlignedDataInterval of 0 no clock-aligned values are sent."""
    await _off(cs, "MeterValueSampleInterval")
    await cs.needs_keys(ClockAlignedDataInterval="0")
    await cs.none(1, "MeterValues", seconds=3 * cs.configuration.aligned_interval_s)


@charge_point_case("TC16_J_Aligned_Measurands_CS")
async def aligned_measurands(cs: CentralSystem) -> None:
    """Clock-aligned values have the measurands of MeterValuesAlignedData, whatever is sampled."""
    await cs.needs_keys(MeterValueSampleInterval="0", MeterValuesSampledData=_REGISTER)
    await cs.needs_keys(ClockAlignedDataInterval=str(int(cs.configuration.aligned_interval_s)))
    await _measures(cs, "MeterValuesAlignedData", "Power.Active.Import")
    transaction = await charging(cs)
    values = await _next(cs, 1, transaction, cs.configuration.aligned_interval_s)
    _only(values.step, _samples(values, "Sample.Clock"), "Power.Active.Import")


async def _stop_data(cs: CentralSystem, transaction: Transaction) -> list[Mapping[str, Any]]:
    """The samples in the end of the transaction, in order, each with its moment as ``at``."""
    await cs.present()
    stop = await ended(cs, transaction)
    data = stop.at("transactionData")
    moments = [] if data is ABSENT else [datetime.fromisoformat(one["timestamp"]) for one in data]
    if moments != sorted(moments):
        raise StepFailed(stop.step, "transactionData in the order of time", ", ".join(map(str, moments)))
    told = [] if data is ABSENT else data
    return [{**_DEFAULTS, **sample, "at": one["timestamp"]} for one in told for sample in one["sampledValue"]]


@charge_point_case("TC16_J_Stop_Sampled_CS")
async def stop_sampled(cs: CentralSystem) -> None:
    """StopTransaction has what StopTxnSampledData names: at the begin, each interval, and at the end."""
    interval_s = int(cs.configuration.sampled_interval_s)
    await _off(cs, "ClockAlignedDataInterval", "StopTxnAlignedData")
    await cs.needs_keys(MeterValueSampleInterval=str(interval_s), StopTxnSampledData=_REGISTER)
    transaction = await charging(cs)
    await cs.wait(2.5 * interval_s)
    data = await _stop_data(cs, transaction)
    _only("1", data, _REGISTER)
    contexts = [one["context"] for one in data]
    if contexts != ["Transaction.Begin", "Sample.Periodic", "Sample.Periodic", "Transaction.End"]:
        raise StepFailed("1", "the begin, two samples and the end", ", ".join(contexts))
    registers = [float(one["value"]) for one in data]
    if registers != sorted(registers) or registers[0] != transaction.start.at("meterStart"):
        raise StepFailed("1", "registers from meterStart on, rising", str(registers))


@charge_point_case("TC16_J_Stop_SampledMeasurands_CS")
async def stop_sampled_measurands(cs: CentralSystem) -> None:
    """StopTxnSampledData counts for the end of a transaction, MeterValuesSampledData does not."""
    await _off(cs, "ClockAlignedDataInterval", "StopTxnAlignedData")
    await _measures(cs, "StopTxnSampledData", "Power.Active.Import")
    await cs.needs_keys(MeterValuesSampledData=_REGISTER)
    transaction = await charging(cs)
    await cs.transaction_duration()
    data = await _stop_data(cs, transaction)
    _only("1", data, "Power.Active.Import")


@charge_point_case("TC16_J_Stop_Aligned_CS")
async def stop_aligned(cs: CentralSystem) -> None:
    """StopTransaction has what StopTxnAlignedData names, at each turn of the interval."""
    interval_s = int(cs.configuration.aligned_interval_s)
    await _off(cs, "MeterValueSampleInterval", "StopTxnSampledData")
    await cs.needs_keys(ClockAlignedDataInterval=str(interval_s))
    await _measures(cs, "StopTxnAlignedData", _REGISTER)
    transaction = await charging(cs)
    await cs.wait(2.2 * interval_s)
    data = await _stop_data(cs, transaction)
    _only("1", data, _REGISTER)
    clock = [one for one in data if one["context"] == "Sample.Clock"]
    if len(clock) not in (2, 3):
        raise StepFailed("1", "two or three values of the clock", str(len(clock)))


@charge_point_case("TC16_J_Stop_None_CS")
async def stop_without(cs: CentralSystem) -> None:
    """With both lists empty StopTransaction has no meter values."""
    for key in ("StopTxnSampledData", "StopTxnAlignedData"):
        if not await cs.set_key(key, ""):
            raise NotApplicable(f"{key} cannot be empty")
    transaction = await charging(cs)
    await cs.transaction_duration()
    await cs.present()
    (await ended(cs, transaction)).expect("transactionData", ABSENT)
