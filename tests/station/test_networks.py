"""Whole stations and their ways to a CSMS: profiles and fallbacks, outages, silence, watchdog, certificates."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.station.authorities import Authority
from tests.station.central_system import CentralSystem, Message, charging, live, served
from tests.station.plain_csms import PlainCsms

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.faults import LineFaults
from voltbridge.station.network import Network
from voltbridge.station.simulation import VirtualHardware
from voltbridge.station.virtual_clock import VirtualClock

V16, V201, V21 = Version
TWO = pytest.mark.parametrize("version", [V201, V21])
ALL = pytest.mark.parametrize("version", list(Version))
PASSWORD = "a password of 25 chars ok"
QUICK = {
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": "5",
    "OCPPCommCtrlr.RetryBackOffRandomRange": "0",
    "OCPPCommCtrlr.RetryBackOffRepeatTimes": "0",
    "OCPPCommCtrlr.NetworkProfileConnectionAttempts": "1",
}


async def set_variable(central: CentralSystem, name: str, value: str) -> str:
    component, variable = name.split(".")
    data = {"component": {"name": component}, "variable": {"name": variable}, "attributeValue": value}
    response = await central.call("SetVariables", {"setVariableData": [data]})
    return str(response["setVariableResult"][0]["attributeStatus"])


async def variable(central: CentralSystem, name: str) -> str:
    component, of = name.split(".")
    data = {"component": {"name": component}, "variable": {"name": of}}
    response = await central.call("GetVariables", {"getVariableData": [data]})
    return str(response["getVariableResult"][0]["attributeValue"])


async def set_profile(central: CentralSystem, slot: int, url: str, **changes: Any) -> Message:
    data = {
        "ocppVersion": "OCPP20" if central.versions == (V201,) else "OCPP21",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": url,
        "messageTimeout": 30,
        "securityProfile": 0,
        "ocppInterface": "Wired0",
    }
    request = {"configurationSlot": slot, "connectionData": data | changes}
    return await central.call("SetNetworkProfile", request)


async def restarted(clock: VirtualClock, central: CentralSystem, station: Station) -> None:
    """Reset, and come back somewhere."""
    hardware = station.hardware
    assert isinstance(hardware, VirtualHardware)
    before = len(hardware.reboots)
    assert (await central.call("Reset", {"type": "Immediate"}))["status"] == "Accepted"
    while len(hardware.reboots) == before:
        await clock.sleep(1)
    await station.connected()


@TWO
@pytest.mark.parametrize("priority", ["2,1", "2"])
def test_a_profile_that_does_not_work_falls_back(version: Version, priority: str) -> None:
    """TC_B_47_CS, TC_B_49_CS: to the next of the priority, and where there is none to the last that worked."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, variables=QUICK) as (central, station):
            assert (await set_profile(central, 2, "ws://127.0.0.1:1/nowhere"))["status"] == "Accepted"
            assert await set_variable(central, "OCPPCommCtrlr.NetworkConfigurationPriority", priority) == (
                "RebootRequired"
            )
            central.forget()
            began = clock.monotonic()
            await restarted(clock, central, station)
            assert len(central.of("BootNotification")) == 1
            assert await variable(central, "OCPPCommCtrlr.ActiveNetworkProfile") == "1"
            assert clock.monotonic() - began < 60

    live(story)


@TWO
def test_a_changed_profile_is_used_from_the_next_boot_on(version: Version) -> None:
    """B09, remarks: a lost connection comes back where it was."""

    async def story(clock: VirtualClock) -> None:
        async with served(clock, version) as new, charging(clock, version, variables=QUICK) as (old, station):
            assert (await set_profile(old, 1, new.url))["status"] == "Accepted"
            await old.cut()
            while old.connections < 2:
                await clock.sleep(1)
            await station.connected()
            assert new.connections == 0
            await restarted(clock, old, station)
            assert new.connections == 1
            assert old.connections == 2

    live(story)


@TWO
def test_a_higher_security_profile_ends_the_lower_ones(version: Version) -> None:
    """A05.FR.06, B09.FR.02, FR.04, FR.05."""

    async def story(clock: VirtualClock) -> None:
        async with served(clock, version) as new, charging(clock, version, variables=QUICK) as (old, station):
            new.password = PASSWORD
            refused = await set_profile(old, 2, new.url, securityProfile=1)
            assert refused == {
                "status": "Rejected",
                "statusInfo": {
                    "reasonCode": "InvalidNetworkConf",
                    "additionalInfo": "this security profile needs a password",
                },
            }
            assert await set_variable(old, "SecurityCtrlr.BasicAuthPassword", PASSWORD) == "Accepted"
            await clock.sleep(30)
            await station.connected()
            assert (await set_profile(old, 2, new.url, securityProfile=1))["status"] == "Accepted"
            assert (await set_profile(old, 9, new.url))["statusInfo"]["reasonCode"] == "InvalidConfSlot"
            assert await set_variable(old, "OCPPCommCtrlr.NetworkConfigurationPriority", "2,1") == "RebootRequired"
            await restarted(clock, old, station)
            assert new.connections == 1
            assert await variable(new, "SecurityCtrlr.SecurityProfile") == "1"
            assert await variable(new, "OCPPCommCtrlr.NetworkConfigurationPriority") == "2"
            refused = await set_profile(new, 1, old.url)
            assert refused["statusInfo"]["reasonCode"] == "NoSecurityDowngrade"
            assert await set_variable(new, "OCPPCommCtrlr.NetworkConfigurationPriority", "1,2") == "Rejected"
            new.password = "nobody's"
            await new.cut()
            await clock.sleep(600)
            assert old.connections == 2, "the way without a password is closed"

    live(story)


@TWO
def test_profiles_that_need_certificates_the_station_does_not_have(version: Version) -> None:
    """A05.FR.02, FR.03."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, password=PASSWORD) as (central, station):
            for level in (2, 3):
                await set_profile(central, 2, "wss://127.0.0.1:1/ocpp", securityProfile=level)
                name = "OCPPCommCtrlr.NetworkConfigurationPriority"
                assert await set_variable(central, name, "2,1") == "Rejected"
            assert station.services.context.settings.security_profile == 1

    live(story)


def states(central: CentralSystem) -> list[tuple[int, int]]:
    return [(each.get("evseId", 0), each["connectorId"]) for each in central.of("StatusNotification")]


@ALL
@pytest.mark.parametrize("offline_s", [20, 2000])
def test_the_states_after_an_outage(version: Version, offline_s: int) -> None:
    """B04.FR.01, FR.02: of all connectors after a long one, of those that changed after a short one."""

    async def story(clock: VirtualClock) -> None:
        variables = QUICK | {"OCPPCommCtrlr.OfflineThreshold": "300"}
        async with charging(clock, version, evses=3, variables=variables) as (central, station):
            await clock.sleep(5)
            assert isinstance(station.hardware, VirtualHardware)
            central.forget()
            station.hardware.uplink(False)
            await clock.sleep(offline_s)
            station.hardware.evses[1].plug_in(station.plug_in().car)
            assert central.received == []
            station.hardware.uplink(True)
            await station.connected()
            await clock.sleep(5)
            numbers = {V16: [(0, n) for n in range(4)]}.get(version, [(n, 1) for n in (1, 2, 3)])
            changed = [(0, 2)] if version is V16 else [(2, 1)]
            assert sorted(states(central)) == (numbers if offline_s > 300 else changed)
            assert central.of("BootNotification") == []

    live(story)


@ALL
def test_the_watchdog_restarts_the_controller_and_says_so(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = QUICK | {"BackendCtrlr.TcpWatchdogTimeout": "900"}
        async with charging(clock, version, variables=variables) as (central, station):
            assert isinstance(station.hardware, VirtualHardware)
            central.password = "nobody's"
            await central.cut()
            await clock.sleep(800)
            assert station.hardware.reboots == []
            await clock.sleep(150)
            assert station.hardware.reboots == ["Watchdog"]
            central.forget()
            central.password = None
            await station.connected()
            boot = await central.next("BootNotification")
            assert boot.get("reason", "Watchdog") == "Watchdog"

    live(story)


@ALL
def test_a_csms_that_does_not_answer_hears_it_again_and_then_no_more(version: Version) -> None:
    """TC_E_41_CS; 1.6 3.7.1, and the number -1 where none was ever given (errata 3.18)."""

    async def story(clock: VirtualClock) -> None:
        variables = {
            "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": "3",
            "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": "60",
            "OCPPCommCtrlr.MessageTimeout[Default]": "20",
        }
        action = "StartTransaction" if version is V16 else "TransactionEvent"
        async with charging(clock, version, variables=variables) as (central, station):
            times: list[float] = []

            def answer(payload: Message) -> Message:
                times.append(clock.monotonic())
                return {"transactionId": 1, "idTagInfo": {"status": "Accepted"}} if version is V16 else {}

            central.answers[action] = answer
            central.silent.add(action)
            visit = station.plug_in()
            await visit.__aenter__()
            await visit.swipe("04A2B3C4")
            while len(times) < 3:
                await clock.sleep(1)
            assert times[1] - times[0] == pytest.approx(80, abs=1)
            assert times[2] - times[1] == pytest.approx(140, abs=1)
            first = central.of(action)[:3]
            assert first[0] == first[1] == first[2]
            central.silent.clear()
            await clock.sleep(600)
            await visit.leave()
            await clock.sleep(60)
            assert first[0] not in central.of(action)[3:]
            if version is V16:
                assert central.of("StartTransaction") == first
                assert central.of("StopTransaction")[0]["transactionId"] == -1
                readings = [each for each in central.of("MeterValues") if each["connectorId"] == 1]
                assert readings
                assert {each["transactionId"] for each in readings} == {-1}
            else:
                assert [event["seqNo"] for event in central.of(action)[3:6]] == [1, 2, 3]

    live(story)


@ALL
def test_a_csms_that_has_forgotten_the_station_is_told_who_it_is(version: Version) -> None:
    """B01.FR.10: its database was restored, and the connection of the station outlived that."""

    async def story(clock: VirtualClock) -> None:
        async with PlainCsms(versions=(version,)) as csms, Network(clock, holds_clock=False) as network:
            known, told = True, []

            def answering(action: str, payload: Message) -> Any:
                nonlocal known
                told.append((action, known))
                if action == "BootNotification":
                    known = True
                    return {"status": "Accepted", "currentTime": "2026-03-01T12:00:00Z", "interval": 300}
                if not known:
                    return [4, "SecurityError", "who are you?", {}]
                if action == "StartTransaction":
                    return {"transactionId": 1, "idTagInfo": {"status": "Accepted"}}
                info = "idTagInfo" if version is V16 else "idTokenInfo"
                return {info: {"status": "Accepted"}} if action == "Authorize" else {}

            csms.answering = answering
            async with Station(StationConfiguration("CP-1", csms.url, (version,)), network=network) as station:
                await station.connected()
                visit = station.plug_in()
                await visit.__aenter__()
                await visit.swipe("04A2B3C4")
                await visit.charging()
                await clock.sleep(5)
                known = False
                told.clear()
                await visit.leave()
                await clock.sleep(60)
            kinds = [action for action, _ in told]
            assert kinds.count("BootNotification") == 1
            last = "StopTransaction" if version is V16 else "TransactionEvent"
            assert (last, True) in told

    live(story)


@pytest.mark.parametrize("version", [V16, V201])
def test_a_certificate_nobody_vouches_for_is_told_once_there_is_a_better_one(version: Version, tmp_path: Path) -> None:
    """A00.FR.310, FR.311."""

    async def story(clock: VirtualClock) -> None:
        good, bad = Authority.make(tmp_path), Authority.make(tmp_path, "Somebody Else")
        events: list[str] = []

        def answering(action: str, payload: Message) -> Message:
            if action == "SecurityEventNotification":
                events.append(payload["type"])
            if action == "BootNotification":
                return {"status": "Accepted", "currentTime": "2026-03-01T12:00:00Z", "interval": 300}
            return {}

        async with PlainCsms(answering, tls=bad.server()) as wrong:
            port = wrong.port
            configuration = StationConfiguration(
                "CP-1",
                wrong.url,
                (version,),
                password=PASSWORD,
                security_profile=2,
                ca_file=str(good.ca_file),
                variables=QUICK,
            )
            async with Network(clock, holds_clock=False) as network, Station(configuration, network=network) as station:
                await clock.sleep(300)
                assert wrong.attempts == [], "nothing was said to it"
                await wrong.stop()
                async with PlainCsms(answering, tls=good.server(), port=port):
                    await station.connected()
                    await clock.sleep(10)
        name = "InvalidCentralSystemCertificate" if version is V16 else "InvalidCsmsCertificate"
        assert events.count(name) == 1

    live(story)


@ALL
def test_a_full_queue_stops_charging_where_that_is_configured(version: Version) -> None:
    """Legally relevant readings must not be lost, so nothing begins that could not be told."""

    async def story(clock: VirtualClock) -> None:
        variables = QUICK | {
            "BackendCtrlr.QueueCapacity": "12",
            "BackendCtrlr.DisallowChargingIfQueueFull": "true",
            "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true",
            "SampledDataCtrlr.TxUpdatedInterval": "0",
        }
        async with charging(clock, version, variables=variables) as (central, station):
            hardware = station.hardware
            assert isinstance(hardware, VirtualHardware)
            hardware.uplink(False)
            begun = 0
            for _ in range(15):
                async with station.plug_in() as visit:
                    await visit.swipe("04A2B3C4")
                    await clock.sleep(60)
                    begun += visit.evse.power_w > 0
            assert 1 <= begun < 15
            assert station.engine.outbox.full
            hardware.uplink(True)
            await station.connected()
            await station.engine.outbox.idle()
            async with station.plug_in() as visit:
                await visit.swipe("04A2B3C4")
                await visit.charging()
            await clock.sleep(60)
            action = "StopTransaction" if version is V16 else "TransactionEvent"
            ends = [each for each in central.of(action) if each.get("eventType", "Ended") == "Ended"]
            assert len(ends) == begun + 1

    live(story)


@ALL
def test_on_a_bad_line_everything_arrives_in_the_end(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with served(clock, version) as central, Network(clock, holds_clock=False, random=Random(5)) as network:
            variables = QUICK | {
                "OCPPCommCtrlr.MessageTimeout[Default]": "10",
                "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": "50",
                "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": "5",
                "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true",
            }
            configuration = StationConfiguration("CP-1", central.url, (version,), variables=variables)
            faults = LineFaults(latency_s=0.3, jitter_s=0.5, drop=0.03, duplicate=0.05, reorder=0.05, cut=0.02)
            async with Station(configuration, network=network, random=Random(5), faults=faults) as station:
                await station.connected()
                for _ in range(10):
                    async with station.plug_in() as visit:
                        await visit.swipe("04A2B3C4")
                        await visit.charging()
                        await clock.sleep(600)
                        visit.evse.pause(True)
                    await clock.sleep(600)
                station.faults = None
                await central.cut()
                await clock.sleep(600)
                await station.connected()
                assert station.engine.outbox.queued == 0
            if version is V16:
                started = {each["timestamp"] for each in central.of("StartTransaction")}
                stopped = {each["timestamp"] for each in central.of("StopTransaction")}
                assert (len(started), len(stopped)) == (10, 10)
                return
            told: dict[str, set[int]] = {}
            for event in central.of("TransactionEvent"):
                told.setdefault(event["transactionInfo"]["transactionId"], set()).add(event["seqNo"])
            assert len(told) == 10
            for numbers in told.values():
                assert numbers == set(range(len(numbers))), "a number is missing"

    live(story)


@ALL
def test_a_wrong_clock_is_right_once_the_csms_has_told_the_time(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with served(clock, version) as central, Network(clock, holds_clock=False) as network:
            configuration = StationConfiguration("CP-1", central.url, (version,))
            wrong = timedelta(days=-400)
            async with Station(configuration, network=network, clock_offset=wrong) as station:
                own = station.services.context.clock
                before = own.now() - clock.now()
                await station.connected()
                after = own.now() - clock.now()
                assert before == wrong
                assert abs(after) < timedelta(seconds=2)

    live(story)
