"""What a station tells of its meters, when, and unchanged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.station.central_system import Message, charging, live

from voltbridge.protocol.versions import Version
from voltbridge.station.blocks.j_meter_values.sampling import next_aligned, register_wh, sample, thinned
from voltbridge.station.configuration import EvseConfiguration
from voltbridge.station.readings import MeterReading, Reading, SignedReading
from voltbridge.station.simulation import make_car
from voltbridge.station.standard_variables import MEASURANDS
from voltbridge.station.virtual_clock import VirtualClock

V16, V201, V21 = Version
ALL = pytest.mark.parametrize("version", list(Version))
TWO = pytest.mark.parametrize("version", [V201, V21])
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
REGISTER = "Energy.Active.Import.Register"


def periodic(messages: list[Message]) -> list[Message]:
    return [message for message in messages if message.get("triggerReason") == "MeterValuePeriodic"]


@ALL
def test_samples_of_a_transaction(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {
            "SampledDataCtrlr.TxUpdatedInterval": "10",
            "SampledDataCtrlr.TxUpdatedMeasurands": "SoC,Energy.Active.Import.Register,Current.Import",
        }
        async with (
            charging(clock, version, variables=variables) as (central, station),
            station.plug_in() as visit,
        ):
            await visit.swipe("A1")
            await visit.charging()
            await clock.sleep(35)
            told = central.of("MeterValues") if version is V16 else periodic(central.of("TransactionEvent"))
            assert len(told) == 3
            values = told[0]["meterValue"][0]["sampledValue"]
            assert [value["measurand"] for value in values] == ["SoC", REGISTER] + ["Current.Import"] * 3
            assert [value.get("phase") for value in values[2:]] == ["L1", "L2", "L3"]
            registers = [float(m["meterValue"][0]["sampledValue"][1]["value"]) for m in told]
            assert registers == sorted(registers)
            station.services.context.device_model.set("SampledDataCtrlr.TxUpdatedInterval", "0")
            central.forget()
            await clock.sleep(60)
            assert central.of("MeterValues") == []
            assert periodic(central.of("TransactionEvent")) == []

    live(story)


@ALL
def test_samples_for_the_end(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"SampledDataCtrlr.TxEndedInterval": "20", "SampledDataCtrlr.TxUpdatedInterval": "0"}
        async with charging(clock, version, variables=variables) as (central, station):
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                await clock.sleep(70)
            if version is V16:
                values = (await central.next("StopTransaction"))["transactionData"]
            else:
                end = await central.next("TransactionEvent", lambda e: e["eventType"] == "Ended")
                values = end["meterValue"]
            contexts = [value["sampledValue"][0]["context"] for value in values]
            assert contexts == ["Transaction.Begin", *["Sample.Periodic"] * 3, "Transaction.End"]
            assert not station.store.all("samples"), "nothing is left behind"
            assert not station.store.all("transactions")

    live(story)


@ALL
def test_readings_by_the_clock(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"AlignedDataCtrlr.Interval": "900", "SampledDataCtrlr.TxUpdatedInterval": "0"}
        async with charging(clock, version, variables=variables) as (central, station):
            await clock.sleep(400)
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                await clock.sleep(600)
                idle = [m for m in central.of("MeterValues") if m.get("evseId", m.get("connectorId")) == 0]
                assert len(idle) == 1, "the main meter"
                assert idle[0]["meterValue"][0]["timestamp"].startswith("2026-03-01T12:15:00")
                if version is V16:
                    own = [m for m in central.of("MeterValues") if m["connectorId"] == 1]
                    assert [m["transactionId"] for m in own] == [1]
                else:
                    own = [e for e in central.of("TransactionEvent") if e["triggerReason"] == "MeterValueClock"]
                assert own[0]["meterValue"][0]["sampledValue"][0]["context"] == "Sample.Clock"
            central.forget()
            await clock.sleep(1000)
            ids = {m.get("evseId", m.get("connectorId")) for m in central.of("MeterValues")}
            assert ids == {0, 1}, "nobody charges: both by MeterValues"

    live(story)


@TWO
def test_readings_by_the_clock_only_while_idle(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {
            "AlignedDataCtrlr.Interval": "60",
            "AlignedDataCtrlr.SendDuringIdle": "true",
            "SampledDataCtrlr.TxUpdatedInterval": "0",
        }
        async with charging(clock, version, variables=variables) as (central, station):
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                await clock.sleep(200)
                assert central.of("MeterValues") == []
                assert not [e for e in central.of("TransactionEvent") if e["triggerReason"] == "MeterValueClock"]
            await clock.sleep(200)
            assert central.of("MeterValues")

    live(story)


@TWO
@pytest.mark.parametrize("signs", [True, False])
def test_a_transaction_may_wait_for_a_signed_value(version: Version, signs: bool) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"SampledDataCtrlr.SignReadings": "true"} if signs else {}
        evse = EvseConfiguration(signed_meter=signs)
        async with charging(clock, version, variables=variables, evse=evse) as (central, station):
            data = {"component": {"name": "TxCtrlr"}, "variable": {"name": "TxStartPoint"}}
            request = {"setVariableData": [data | {"attributeValue": "DataSigned"}]}
            result = (await central.call("SetVariables", request))["setVariableResult"][0]
            assert result["attributeStatus"] == ("Accepted" if signs else "Rejected")
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
            started = await central.next("TransactionEvent")
            assert started["eventType"] == "Started"

    live(story)


@TWO
@pytest.mark.parametrize(("signs", "status"), [(True, "Accepted"), (False, "UnknownVariable")])
def test_only_stations_whose_meters_sign_can_be_told_to(version: Version, signs: bool, status: str) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evse=EvseConfiguration(signed_meter=signs)) as (central, _):
            for component in ("SampledDataCtrlr", "AlignedDataCtrlr"):
                data = {"component": {"name": component}, "variable": {"name": "SignReadings"}}
                request = {"setVariableData": [data | {"attributeValue": "true"}]}
                (result,) = (await central.call("SetVariables", request))["setVariableResult"]
                assert result["attributeStatus"] == status, "where no meter signs it is not reported (2.7)"

    live(story)


def test_the_start_of_16_has_the_register_of_the_meter() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, station):
            for number in (1, 2):
                async with station.plug_in() as visit:
                    await visit.swipe("A1")
                    await visit.charged(kwh=0.2)
                await clock.sleep(2)
                assert len(central.of("StopTransaction")) == number
            starts, stops = central.of("StartTransaction"), central.of("StopTransaction")
            assert starts[1]["meterStart"] == stops[0]["meterStop"] > 0, "registers are never set to zero"

    live(story)


def test_sampling_keeps_the_order_of_the_measurands_and_drops_signatures_unasked() -> None:
    signed = SignedReading("data")
    readings = (
        Reading(1.0, signed=signed),
        Reading(0.5, phase="L1"),
        Reading(2.0, "Voltage", "L1-N", unit="V"),
    )
    taken = sample(readings, ["Voltage", REGISTER], NOON, "Trigger")
    assert taken == MeterReading(NOON, (readings[2], Reading(1.0), readings[1]), "Trigger")
    assert sample(readings, [REGISTER], NOON, "Trigger", signed=True, without_phases=True) == MeterReading(
        NOON, (readings[0],), "Trigger"
    )
    assert sample(readings, ["SoC"], NOON, "Trigger") is None
    assert register_wh(readings) == 1.0
    assert register_wh(readings[1:]) is None


@given(st.integers(0, 2000), st.integers(2, 200))
def test_thinning_keeps_both_ends(count: int, most: int) -> None:
    samples = [MeterReading(NOON + timedelta(seconds=number), ()) for number in range(count)]
    kept = thinned(samples, most)
    assert len(kept) <= max(most, 2)
    assert kept == sorted(kept, key=lambda each: each.at)
    if samples:
        assert (kept[0], kept[-1]) == (samples[0], samples[-1])


@given(st.floats(0, 31_536_000), st.integers(1, 86_400))
def test_moments_of_the_clock_divide_the_day(since: float, interval_s: int) -> None:
    now = NOON + timedelta(seconds=since)
    moment = next_aligned(now, interval_s)
    assert now < moment <= now + timedelta(seconds=interval_s)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    assert (moment - midnight).total_seconds() % interval_s == 0


EVERY = ",".join(MEASURANDS)


@ALL
def test_every_measurand_is_told_and_intervals_add_up_to_the_register(version: Version) -> None:
    """J02: what a version does not have is left out; the energies of intervals are what the register rises by."""

    async def story(clock: VirtualClock) -> None:
        variables = {
            "SampledDataCtrlr.TxUpdatedMeasurands": EVERY,
            "SampledDataCtrlr.TxUpdatedInterval": "60",
            "SampledDataCtrlr.TxEndedMeasurands": EVERY,
            "SampledDataCtrlr.TxEndedInterval": "300",
            "AlignedDataCtrlr.Measurands": EVERY,
            "AlignedDataCtrlr.Interval": "900",
        }
        evse = EvseConfiguration(phase_meter=True)
        async with charging(clock, version, variables=variables, evse=evse) as (central, station):
            async with station.plug_in(1, make_car("compact", state_of_charge=0.4)) as visit:
                await visit.swipe("04A2B3C4D5E6F1")
                await visit.charging()
                await clock.sleep(3600)
            name = "MeterValues" if version is Version.V16 else "TransactionEvent"
            samples = [
                sample
                for message in central.of(name)
                for value in message.get("meterValue", ())
                for sample in value["sampledValue"]
                if sample.get("context") == "Sample.Periodic"
                and message.get("triggerReason") in (None, "MeterValuePeriodic")
            ]
            told = {sample["measurand"] for sample in samples}
            lacks = {Version.V16: {"Energy.Active.Net"}}.get(version, {"Temperature", "RPM"})
            assert told == set(MEASURANDS) - lacks

            def values(measurand: str) -> list[float]:
                each = [one for one in samples if one["measurand"] == measurand and "phase" not in one]
                return [float(one["value"]) for one in each]

            registers, intervals = values("Energy.Active.Import.Register"), values("Energy.Active.Import.Interval")
            assert len(registers) == len(intervals) == 60
            assert intervals[1:] == [after - before for before, after in pairwise(registers)]
            assert sum(intervals) == pytest.approx(registers[-1], abs=200)
            assert min(intervals[1:]) > 0

    live(story)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Current.Import.L1", [("Current.Import", "L1")]),
        ("Voltage.L2,Current.Import.L3", [("Voltage", "L2-N"), ("Current.Import", "L3")]),
        ("Current.Import.L1,Current.Import.L2", [("Current.Import", "L1"), ("Current.Import", "L2")]),
        ("Current.Import", [("Current.Import", f"L{number}") for number in (1, 2, 3)]),
        ("SoC.L1", None),
        ("Current.Import.L4", None),
        ("Current.Import.L1,Current.Import.L1", None),
        ("Nonsense.L1", None),
    ],
)
def test_16_may_name_phases(value: str, expected: list[tuple[str, str]] | None) -> None:
    """1.6 9.1.15: the measurand is combined with the optional phase. Alone it means all of them (errata 3.14.3)."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, station), station.plug_in() as visit:
            request = {"key": "MeterValuesSampledData", "value": value}
            status = (await central.call("ChangeConfiguration", request))["status"]
            assert status == ("Accepted" if expected else "Rejected")
            if not expected:
                return
            response = await central.call("GetConfiguration", {"key": ["MeterValuesSampledData"]})
            assert response["configurationKey"][0]["value"] == value
            await visit.swipe("A1")
            await visit.charging()
            told = (await central.next("MeterValues"))["meterValue"][0]["sampledValue"]
            assert [(each["measurand"], each["phase"]) for each in told] == expected

    live(story)


@TWO
def test_2_names_no_phases(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, _):
            data = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedMeasurands"}}
            request = {"setVariableData": [data | {"attributeValue": "Current.Import.L1"}]}
            (result,) = (await central.call("SetVariables", request))["setVariableResult"]
            assert result["attributeStatus"] == "Rejected"

    live(story)
