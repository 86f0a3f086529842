"""Each fault on demand, by what the CSMS sees of it, in 1.6 and 2.0.1, and what becomes of the transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec
import pytest
from tests.station.personality.recorder import TOKEN, Recorder

from voltbridge.conformance.patience import within
from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.breakdowns import FAULTS, ImpossibleFault, inflict, mend
from voltbridge.station.configuration import EvseConfiguration, StationConfiguration
from voltbridge.station.control.actions import ACTIONS, do
from voltbridge.station.fault_plan import FaultPlan
from voltbridge.station.fleet import Fleet
from voltbridge.station.fleet_profile import Arrivals, FleetProfile, Group
from voltbridge.station.network import Network
from voltbridge.station.virtual_clock import VirtualClock, run

OLD, NEW = Version.V16, Version.V201
VERSIONS = pytest.mark.parametrize("version", [OLD, NEW], ids=lambda version: version.label)
Story = Callable[[Station, Recorder], Awaitable[None]]


def play(version: Version, story: Story, **variables: str) -> Recorder:
    async def main(clock: VirtualClock) -> Recorder:
        async with Recorder(clock, version) as csms, Network(clock, holds_clock=False) as network:
            configuration = StationConfiguration(
                "CP-1",
                f"ws://127.0.0.1:{csms.port}/ocpp",
                (version,),
                evses=(EvseConfiguration(),) * 2,
                variables={
                    "SampledDataCtrlr.TxUpdatedInterval": "60",
                    "SampledDataCtrlr.TxUpdatedMeasurands": "Energy.Active.Import.Register,Temperature",
                    "OCPPCommCtrlr.RetryBackOffWaitMinimum": "20",
                    "OCPPCommCtrlr.RetryBackOffRandomRange": "0",
                    **{name.replace("__", "."): value for name, value in variables.items()},
                },
            )
            async with Station(configuration, clock=clock, network=network) as station, within(86_400.0, clock):
                await station.connected()
                await story(station, csms)
            return csms

    return run(main)


@asynccontextmanager
async def charging(station: Station) -> AsyncIterator[None]:
    """A vehicle that charges, and stays whatever happens."""
    visit = station.plug_in()
    await visit.__aenter__()
    await visit.swipe(TOKEN)
    await visit.charging()
    await station.clock.sleep(90)
    yield
    visit.evse.unplug()


def told_states(csms: Recorder, connector: int = 1) -> list[str]:
    if csms.version is OLD:
        return [p["status"] for p in csms.payloads("StatusNotification") if p["connectorId"] == connector]
    return [p["connectorStatus"] for p in csms.payloads("StatusNotification") if p["evseId"] == connector]


def codes(csms: Recorder) -> list[str]:
    return [p["errorCode"] for p in csms.payloads("StatusNotification") if p["connectorId"] == 1]


def reason(csms: Recorder) -> str | None:
    (end,) = csms.ends
    found: str | None = end.get("reason") if csms.version is OLD else end["transactionInfo"].get("stoppedReason")
    return found


@VERSIONS
@pytest.mark.parametrize(
    ("fault", "code", "reason_16", "reason_2"),
    [
        ("ground-fault", "GroundFailure", "Other", "GroundFault"),
        ("over-current", "OverCurrentFailure", "Other", "OvercurrentFault"),
        ("under-voltage", "UnderVoltage", "Other", "PowerQuality"),
        ("over-voltage", "OverVoltage", "Other", "PowerQuality"),
        ("over-temperature", "HighTemperature", "Other", "Other"),
        ("meter-failure", "PowerMeterFailure", "Other", "Other"),
    ],
)
def test_what_is_broken_ends_the_transaction(
    version: Version, fault: str, code: str, reason_16: str, reason_2: str
) -> None:
    async def story(station: Station, csms: Recorder) -> None:
        async with charging(station):
            inflict(station, fault, {"evse": 1, "seconds": 300})
            await csms.until(lambda: csms.ends and "Faulted" in told_states(csms))
            assert station.hardware.evses[0].power_w == 0  # type: ignore[attr-defined]
            await station.clock.sleep(200)
            assert told_states(csms)[-1] == "Faulted"
            await csms.until(lambda: told_states(csms)[-1] != "Faulted")

    csms = play(version, story)
    assert reason(csms) == (reason_16 if version is OLD else reason_2)
    assert "Faulted" not in told_states(csms, 2)
    if version is OLD:
        assert code in codes(csms)


def test_a_hot_station_tells_its_temperature() -> None:
    async def story(station: Station, csms: Recorder) -> None:
        async with charging(station):
            inflict(station, "over-temperature", {})
            readings = station.hardware.evses[0].read()
            assert next(each.value for each in readings if each.measurand == "Temperature") > 80
            mend(station, "over-temperature")
            await csms.until(lambda: csms.ends)
            assert next(e.value for e in station.hardware.evses[0].read() if e.measurand == "Temperature") <= 50

    play(NEW, story)


@VERSIONS
def test_a_meter_that_fails_ends_the_transaction_with_what_it_said_last(version: Version) -> None:
    async def story(station: Station, csms: Recorder) -> None:
        async with charging(station):
            await station.clock.sleep(600)
            inflict(station, "meter-failure", {})
            await csms.until(lambda: csms.ends)
            assert not [each for each in station.hardware.evses[0].read() if each.measurand.startswith("Energy")]

    csms = play(version, story)
    if version is OLD:  # 11 kW for eleven minutes at least
        assert csms.ends[0]["meterStop"] - csms.starts[0]["meterStart"] > 1_800
    else:
        last = [each for each in csms.samples if each.get("context") == "Transaction.End"]
        assert not [each for each in last if each.get("measurand", "Energy").startswith("Energy")]


def test_a_broken_reader_is_told_and_charging_goes_on() -> None:
    async def story(station: Station, csms: Recorder) -> None:
        async with charging(station):
            inflict(station, "reader-failure", {})
            await csms.until(lambda: "ReaderFailure" in codes(csms))
            assert station.hardware.evses[0].power_w > 0  # type: ignore[attr-defined]
            assert csms.ends == []

    play(OLD, story)


@VERSIONS
def test_a_stuck_contactor(version: Version) -> None:
    async def story(station: Station, csms: Recorder) -> None:
        inflict(station, "contactor-stuck", {"evse": 1})
        visit = station.plug_in()
        await visit.__aenter__()
        await visit.swipe(TOKEN)
        await csms.until(lambda: "Faulted" in told_states(csms))
        visit.evse.unplug()

    csms = play(version, story)
    if version is OLD:
        assert "PowerSwitchFailure" in codes(csms)


@VERSIONS
def test_a_stuck_lock(version: Version) -> None:
    async def story(station: Station, csms: Recorder) -> None:
        inflict(station, "lock-stuck", {"evse": 1})
        payload = {"connectorId": 1} if version is OLD else {"evseId": 1, "connectorId": 1}
        await csms.ask("unlock", "UnlockConnector", payload)
        await csms.until(lambda: csms.answers("unlock"))
        assert csms.answers("unlock")[0][1][2]["status"] == "UnlockFailed"
        visit = station.plug_in()
        await visit.__aenter__()
        await visit.swipe(TOKEN)
        await csms.until(lambda: "Faulted" in told_states(csms))
        visit.evse.unplug()
        mend(station, "lock-stuck")

    csms = play(version, story)
    if version is OLD:
        assert "ConnectorLockFailure" in codes(csms)


@VERSIONS
def test_a_power_loss(version: Version) -> None:
    async def story(station: Station, csms: Recorder) -> None:
        async with charging(station):
            inflict(station, "power-loss", {"seconds": 600})
            await station.clock.sleep(1)
            assert not station.running
            assert csms.ends == []
            await csms.until(lambda: csms.ends)

    csms = play(version, story, TxCtrlr__ResumptionTimeout="60")
    assert reason(csms) == "PowerLoss"
    assert len(csms.of("BootNotification")) == 2
    if version is not OLD:
        assert csms.payloads("BootNotification")[1]["reason"] == "PowerUp"


@VERSIONS
def test_a_wrong_clock_until_the_next_heartbeat(version: Version) -> None:
    def away_s(csms: Recorder) -> float:
        if not csms.of("StatusNotification"):
            return 0.0
        call = csms.of("StatusNotification")[-1]
        start = csms.clock.now().timestamp() - csms.clock.monotonic()
        return datetime.fromisoformat(call.payload["timestamp"]).timestamp() - (start + call.at)

    async def story(station: Station, csms: Recorder) -> None:
        visit = station.plug_in()
        inflict(station, "clock-skew", {"skew_s": -7200})
        await visit.__aenter__()
        await csms.until(lambda: away_s(csms) < -7000)
        await csms.until(lambda: csms.of("Heartbeat"))
        await station.clock.sleep(1)  # it is answered
        visit.evse.unplug()
        await csms.until(lambda: abs(away_s(csms)) < 2)

    play(version, story)


@VERSIONS
def test_a_full_disk_refuses_settings_and_goes_on_charging(version: Version) -> None:
    if version is OLD:
        action, payload = "ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "30"}
    else:
        place = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}
        action, payload = "SetVariables", {"setVariableData": [{**place, "attributeValue": "30"}]}  # type: ignore[dict-item]

    async def story(station: Station, csms: Recorder) -> None:
        inflict(station, "disk-full", {})
        await csms.ask("set", action, payload)
        await csms.until(lambda: csms.answers("set"))
        assert csms.answers("set")[0][1][:3] == [4, "set", "InternalError"]
        async with charging(station):
            await csms.until(lambda: csms.starts)
        await csms.until(lambda: csms.ends)
        mend(station, "disk-full")
        await csms.ask("again", action, payload)
        await csms.until(lambda: csms.answers("again"))
        assert csms.answers("again")[0][1][0] == 3

    play(version, story)


@VERSIONS
def test_a_full_memory_keeps_starts_and_ends_only(version: Version) -> None:
    async def offline(station: Station, csms: Recorder) -> None:
        async with charging(station):
            csms.refuses = True
            await csms.cut()
            await station.clock.sleep(1200)
        csms.refuses = False
        await csms.until(lambda: csms.ends)

    async def with_little_room(station: Station, csms: Recorder) -> None:
        inflict(station, "memory-full", {"messages": 3})
        await offline(station, csms)
        mend(station, "memory-full")
        assert station.services.context.settings.queue_capacity == 10_000

    between = [len(play(version, story).samples) for story in (offline, with_little_room)]
    assert between[0] > 15
    assert between[1] < 10


@VERSIONS
def test_a_network_that_is_gone_loses_nothing(version: Version) -> None:
    async def story(station: Station, csms: Recorder) -> None:
        async with charging(station):
            inflict(station, "no-network", {"seconds": 600})
            await station.clock.sleep(300)
            assert not station.online
            assert station.hardware.evses[0].power_w > 0  # type: ignore[attr-defined]
        assert csms.ends == []
        await csms.until(lambda: csms.ends)

    assert len(play(version, story).samples) > 5


def test_a_connection_that_is_cut_is_made_anew() -> None:
    async def story(station: Station, csms: Recorder) -> None:
        inflict(station, "cut", {})
        await csms.until(lambda: csms.connections == 2)
        await station.connected()
        with pytest.raises(ImpossibleFault, match="cut is over by itself"):
            mend(station, "cut")

    play(NEW, story)


async def exchange(station: Station, csms: Recorder, unique_id: str) -> float:
    """How long the answer to a question of the CSMS takes."""
    began = station.clock.monotonic()
    await csms.ask(unique_id, "TriggerMessage", {"requestedMessage": "Heartbeat"})
    await csms.until(lambda: csms.answers(unique_id))
    return csms.answers(unique_id)[0][0] - began


@VERSIONS
def test_latency_begins_and_ends_on_the_connection_that_is_there(version: Version) -> None:
    async def story(station: Station, csms: Recorder) -> None:
        assert await exchange(station, csms, "before") < 0.5
        inflict(station, "latency", {"latency_s": 3, "seconds": 60})
        assert 5.5 < await exchange(station, csms, "slow") < 7
        await station.clock.sleep(120)
        assert await exchange(station, csms, "after") < 0.5
        assert csms.connections == 1
        assert station.faults is None

    play(version, story)


def test_frames_that_are_lost_come_again() -> None:
    async def story(station: Station, csms: Recorder) -> None:
        async with charging(station):
            csms.calls.clear()
            inflict(station, "drop", {"share": 1})
            await station.clock.sleep(120)
            assert csms.calls == []
            mend(station, "drop")
        await csms.until(lambda: csms.ends)

    csms = play(OLD, story)
    assert csms.ends


def test_frames_that_come_twice() -> None:
    async def story(station: Station, csms: Recorder) -> None:
        inflict(station, "duplicate", {"share": 1})
        await csms.until(lambda: len(csms.of("Heartbeat")) >= 2)
        first, second = csms.of("Heartbeat")[:2]
        assert first.raw == second.raw

    play(NEW, story)


def test_frames_that_are_overtaken() -> None:
    async def story(station: Station, csms: Recorder) -> None:
        await station.clock.sleep(30)
        inflict(station, "reorder", {"share": 1, "reorder_s": 4})
        taken = await exchange(station, csms, "held")
        assert 4 <= taken <= 9

    play(NEW, story)


def test_frames_that_break_the_connection() -> None:
    async def story(station: Station, csms: Recorder) -> None:
        inflict(station, "cuts", {"share": 1})
        await csms.until(lambda: csms.connections >= 2)
        mend(station, "cuts")
        await station.connected()

    play(NEW, story)


def test_a_slow_reader() -> None:
    async def story(station: Station, csms: Recorder) -> None:
        inflict(station, "slow-reader", {"pause_s": 30})
        await csms.ask("one", "TriggerMessage", {"requestedMessage": "Heartbeat"})
        assert await exchange(station, csms, "two") > 25

    play(NEW, story)


def test_faults_of_the_line_stand_beside_each_other() -> None:
    async def story(station: Station, csms: Recorder) -> None:
        inflict(station, "latency", {"latency_s": 2})
        inflict(station, "duplicate", {"share": 0.5})
        assert station.faults is not None
        assert (station.faults.latency_s, station.faults.duplicate) == (2, 0.5)
        mend(station, "latency")
        assert (station.faults.latency_s, station.faults.duplicate) == (0, 0.5)

    play(NEW, story)


def test_every_fault_is_an_action_with_its_own_arguments() -> None:
    async def story(station: Station, csms: Recorder) -> None:
        assert FAULTS.keys() <= ACTIONS.keys()
        await do(station, "ground-fault", {"evse": 2})
        await csms.until(lambda: told_states(csms, 2)[-1:] == ["Faulted"])
        await do(station, "mend", {"fault": "ground-fault", "evse": 2})
        await csms.until(lambda: told_states(csms, 2)[-1:] == ["Available"])
        wrong: list[tuple[str, dict[str, Any]]] = [
            ("ground-fault", {"evse": 0}),
            ("ground-fault", {"seconds": 0}),
            ("drop", {"share": 2}),
            ("latency", {"latency": 1}),
            ("cut", {"seconds": 5}),
            ("mend", {"fault": "power-loss"}),
            ("mend", {"fault": "rust"}),
            ("fault", {"code": "Rust"}),
        ]
        for name, arguments in wrong:
            with pytest.raises(msgspec.ValidationError):
                await do(station, name, arguments)

    play(NEW, story)


def test_a_fleet_breaks_by_its_plan() -> None:
    profile = FleetProfile(
        groups=(Group(name="A", count=2, versions=("1.6",)), Group(name="B", versions=("1.6",))),
        arrivals=Arrivals(per_evse_a_day=0),
        faults=(
            FaultPlan(fault="ground-fault", a_day=24, minutes=(10, 20), groups=("A",)),
            FaultPlan(fault="power-loss", a_day=12, minutes=(1, 2)),
        ),
    )

    async def lived(clock: VirtualClock) -> tuple[dict[str, list[bool]], int]:
        async with Recorder(clock, OLD) as csms:
            fleet = Fleet(profile, f"ws://127.0.0.1:{csms.port}/ocpp", clock)
            await fleet.start()
            broken: dict[str, list[bool]] = {each.configuration.identity: [] for each in fleet.stations}
            for _ in range(12 * 12):
                await clock.sleep(300)
                for station in fleet.stations:
                    faulted = station.running and station.services.availability.faulted(1, 1)
                    broken[station.configuration.identity].append(faulted)
            await fleet.stop()
            return broken, len(csms.of("BootNotification"))

    broken, boots = run(lived)
    assert any(broken["A-00001"])
    assert any(broken["A-00002"])
    assert not all(broken["A-00001"])
    assert not any(broken["B"])
    assert boots > 6


def test_the_mains_cannot_go_twice() -> None:
    async def story(station: Station, csms: Recorder) -> None:
        inflict(station, "power-loss", {"seconds": 60})
        await csms.clock.sleep(1)
        with pytest.raises(ImpossibleFault, match="does not run"):
            inflict(station, "power-loss", {"seconds": 60})
        await station.connected()

    assert len(play(NEW, story).of("BootNotification")) == 2
