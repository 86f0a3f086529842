"""Vehicles that speak ISO 15118 before a central system of others: needs, schedules, plans, and what comes between."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.station.blocks.test_k_smart_charging import TWO, V16, V21, V201, hardware, put, refused
from tests.station.central_system import CentralSystem, Message, charging, live

from voltbridge.domain.charging_profiles import ChargingSchedule, RateUnit, SchedulePeriod
from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import EvseConfiguration
from voltbridge.station.simulation import Car, Talk, Visit
from voltbridge.station.virtual_clock import VirtualClock

TOKEN = "04A2B3C4D5E6F1"
DIRECT = EvseConfiguration(max_current_a=250, phases=1, voltage_v=400, direct_current=True)


def talking(**more: Any) -> Car:
    talk = Talk(**{name: more.pop(name) for name in list(more) if name in Talk.__slots__})
    return Car(**{"capacity_wh": 1_000_000, "max_current_a": 32} | more, talk=talk)


async def comes(station: Station, car: Car, evse_id: int = 1) -> Visit:
    """A vehicle is plugged in and its driver shows a card."""
    visit = station.plug_in(evse_id, car)
    await visit.__aenter__()
    await visit.swipe(TOKEN)
    return visit


def tx_profile(central: CentralSystem, *schedules: Message | tuple[float, ...], number: int = 7) -> Message:
    """A TxProfile of the transaction that was told last; each schedule has these limits, of ten minutes each."""
    key = central.of("TransactionEvent")[-1]["transactionInfo"]["transactionId"]
    made = [
        one
        if isinstance(one, dict)
        else {
            "id": place,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 600 * n, "limit": limit} for n, limit in enumerate(one)],
        }
        for place, one in enumerate(schedules, 1)
    ]
    return {
        "id": number,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "transactionId": key,
        "chargingSchedule": made,
    }


def limits(plan: Message) -> list[tuple[int, float]]:
    """(start, limit); starts to ten seconds, since a relative schedule began when the transaction did."""
    return [(round(one["startPeriod"], -1), one["limit"]) for one in plan["chargingSchedule"]["chargingSchedulePeriod"]]


def tariff(*levels: int) -> Message:
    entries = [{"relativeTimeInterval": {"start": 600 * n}, "ePriceLevel": level} for n, level in enumerate(levels)]
    return {"id": 1, "salesTariffEntry": entries}


async def flows(clock: VirtualClock, station: Station, amperes: float, evse_id: int = 1) -> None:
    """Return once this flows at each of three phases."""
    until = clock.now() + timedelta(minutes=5)
    while hardware(station).evses[evse_id - 1].power_w != pytest.approx(amperes * 690):
        assert clock.now() < until, hardware(station).evses[evse_id - 1].power_w / 690
        await clock.sleep(1.0)


@TWO
def test_needs_schedule_and_plan(version: Version) -> None:
    """K15: needs after the transaction, no energy before there is a schedule, the plan within it."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            central.answers["NotifyEVChargingNeeds"] = {"status": "Accepted"}
            central.answers["NotifyEVChargingSchedule"] = {"status": "Accepted"}
            leaves = clock.now() + timedelta(hours=3)
            await comes(station, talking(departs_at=leaves, wants_until=0.8))
            needs = await central.next("NotifyEVChargingNeeds")
            names = [name for name, _ in central.received]
            assert names.index("TransactionEvent") < names.index("NotifyEVChargingNeeds"), "K15.FR.16"
            assert any("idToken" in event for event in central.of("TransactionEvent"))
            told = needs["chargingNeeds"]
            assert (needs["evseId"], needs["maxScheduleTuples"]) == (1, 12)
            assert told["requestedEnergyTransfer"] == "AC_three_phase"
            assert "dcChargingParameters" not in told
            assert told["acChargingParameters"] == {
                "energyAmount": 500_000,
                "evMinCurrent": 6,
                "evMaxCurrent": 32,
                "evMaxVoltage": 398,
            }
            assert abs(datetime.fromisoformat(told["departureTime"]) - leaves) < timedelta(seconds=1)
            await clock.sleep(30)
            assert hardware(station).evses[0].power_w == 0
            assert await put(central, version, 1, tx_profile(central, (10.0, 40.0, 8.0))) == "Accepted"
            plan = await central.next("NotifyEVChargingSchedule")
            assert limits(plan) == [(0, 10.0), (600, 32.0), (1200, 8.0)], "no more than vehicle and station can"
            assert plan.get("selectedChargingScheduleId") == (1 if version is V21 else None)
            await flows(clock, station, 10)
            began = datetime.fromisoformat(plan["timeBase"])
            for minutes, amperes in ((5, 10.0), (15, 32.0), (25, 8.0)):
                await clock.sleep((began + timedelta(minutes=minutes) - clock.now()).total_seconds())
                assert hardware(station).evses[0].power_w == pytest.approx(amperes * 690)
            assert len(central.of("NotifyEVChargingNeeds")) == 1

    live(story)


@pytest.mark.parametrize(
    ("version", "status"),
    [(V201, "Rejected"), (V201, "Processing"), (V21, "Rejected"), (V21, "Processing"), (V21, "NoChargingProfile")],
)
def test_other_answers_leave_what_is_installed(version: Version, status: str) -> None:
    """K17.FR.04, K15.FR.05: it charges at once, and a schedule that comes later is a renegotiation."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            central.answers["NotifyEVChargingNeeds"] = {"status": status}
            central.answers["NotifyEVChargingSchedule"] = {"status": "Accepted"}
            default = tx_profile_default(12.0)
            assert await put(central, version, 1, default) == "Accepted"
            await comes(station, talking())
            plan = await central.next("NotifyEVChargingSchedule")
            assert limits(plan) == [(0, 12.0)]
            assert "startSchedule" not in plan["chargingSchedule"], "its periods count from timeBase"
            assert "selectedChargingScheduleId" not in plan
            await flows(clock, station, 12)
            central.forget_but("TransactionEvent")
            assert await put(central, version, 1, tx_profile(central, (20.0,))) == "Accepted"
            assert limits(await central.next("NotifyEVChargingSchedule")) == [(0, 20.0)]
            await flows(clock, station, 20)
            assert central.of("NotifyEVChargingNeeds") == [], "K16.FR.09"

    live(story)


def tx_profile_default(amperes: float) -> Message:
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": amperes}]}
    return {
        "id": 3,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": [schedule],
    }


@TWO
def test_an_accepted_schedule_that_does_not_come(version: Version) -> None:
    """After a minute the vehicle is offered what there is."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            central.answers["NotifyEVChargingNeeds"] = {"status": "Accepted"}
            central.answers["NotifyEVChargingSchedule"] = {"status": "Accepted"}
            await comes(station, talking())
            await central.next("NotifyEVChargingNeeds")
            asked_at = clock.now()
            await central.next("NotifyEVChargingSchedule")
            assert 59 <= (clock.now() - asked_at).total_seconds() <= 65
            await flows(clock, station, 32)

    live(story)


@TWO
def test_it_chooses_the_cheapest_of_three(version: Version) -> None:
    """K15.FR.07, FR.19: without a plan the schedule it has chosen is told; the profile is reported as it was set."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            central.answers["NotifyEVChargingNeeds"] = {"status": "Accepted"}
            central.answers["NotifyEVChargingSchedule"] = {"status": "Accepted"}
            await comes(station, talking(returns_plan=False))
            await central.next("NotifyEVChargingNeeds")
            made = tx_profile(central, (30.0,), (10.0, 28.0), (6.0, 16.0))
            for schedule, levels in zip(made["chargingSchedule"], ((3, 3), (2, 1), (1, 2)), strict=True):
                schedule["salesTariff"] = tariff(*levels)
            made["chargingSchedule"][1]["id"] = 42
            assert await put(central, version, 1, made) == "Accepted"
            plan = await central.next("NotifyEVChargingSchedule")
            assert limits(plan) == [(0, 10.0), (600, 28.0)]
            assert plan["chargingSchedule"]["id"] == 42
            assert plan.get("selectedChargingScheduleId") == (42 if version is V21 else None)
            request = {"requestId": 1, "chargingProfile": {"chargingProfileId": [7]}}
            assert (await central.call("GetChargingProfiles", request))["status"] == "Accepted"
            report = await central.next("ReportChargingProfiles")
            tariffs = [one["salesTariff"] for one in report["chargingProfile"][0]["chargingSchedule"]]
            assert tariffs == [tariff(3, 3), tariff(2, 1), tariff(1, 2)]

    live(story)


@TWO
def test_plans_that_go_beyond_are_not_taken(version: Version) -> None:
    """K15.FR.09: it is offered the same again, and what is told stays within the schedule."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            central.answers["NotifyEVChargingNeeds"] = {"status": "Accepted"}
            central.answers["NotifyEVChargingSchedule"] = {"status": "Accepted"}
            for exceeds in (1, 9):
                central.forget()
                visit = await comes(station, talking(exceeds=exceeds))
                await central.next("NotifyEVChargingNeeds")
                assert await put(central, version, 1, tx_profile(central, (16.0, 10.0))) == "Accepted"
                assert limits(await central.next("NotifyEVChargingSchedule")) == [(0, 16.0), (600, 10.0)]
                assert len(central.of("NotifyEVChargingSchedule")) == 1
                await flows(clock, station, 16)
                await visit.leave()
                await clock.sleep(5)

    live(story)


@TWO
def test_renegotiations(version: Version) -> None:
    """K17: the vehicle tells new needs; K16: the CSMS, and others, change what it may take."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            central.answers["NotifyEVChargingNeeds"] = {"status": "Accepted"}
            central.answers["NotifyEVChargingSchedule"] = {"status": "Accepted"}
            await comes(station, talking())
            await central.next("NotifyEVChargingNeeds")
            assert await put(central, version, 1, tx_profile(central, (10.0,))) == "Accepted"
            await central.next("NotifyEVChargingSchedule")
            await flows(clock, station, 10)
            central.forget_but("TransactionEvent")
            assert hardware(station).evses[0].renegotiate()
            await central.next("NotifyEVChargingNeeds")
            assert hardware(station).evses[0].power_w == pytest.approx(6900), "it goes on meanwhile"
            assert await put(central, version, 1, tx_profile(central, (15.0,))) == "Accepted"
            assert limits(await central.next("NotifyEVChargingSchedule")) == [(0, 15.0)]
            await flows(clock, station, 15)
            await central.next("TransactionEvent", lambda event: event["triggerReason"] == "ChargingRateChanged")
            central.forget_but("TransactionEvent")
            assert await put(central, version, 1, tx_profile(central, (8.0,))) == "Accepted"
            assert limits(await central.next("NotifyEVChargingSchedule")) == [(0, 8.0)]
            await flows(clock, station, 8)
            central.forget_but("TransactionEvent")
            schedule = ChargingSchedule(RateUnit.A, (SchedulePeriod(0, 7.0),))
            station.services.smart_charging.limit_from_outside("EMS", schedule)
            assert limits(await central.next("NotifyEVChargingSchedule")) == [(0, 7.0)]
            assert await put(central, version, 1, tx_profile(central, (9.0,))) == "Accepted"
            await clock.sleep(30)
            assert len(central.of("NotifyEVChargingSchedule")) == 1, "the limit of others counts, so nothing is new"
            assert central.of("NotifyEVChargingNeeds") == []

    live(story)


@TWO
def test_offline(version: Version) -> None:
    """K15.FR.15: the default has to do; once there is a connection the needs are told, in 2.1 with their moment."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            central.answers["NotifyEVChargingNeeds"] = {"status": "Accepted"}
            central.answers["NotifyEVChargingSchedule"] = {"status": "Accepted"}
            assert await put(central, version, 1, tx_profile_default(11.0)) == "Accepted"
            assert (await remember(central))["status"] == "Accepted"
            hardware(station).uplink(False)
            came_at = clock.now()
            await comes(station, talking())
            await flows(clock, station, 11)
            await clock.sleep(600)
            hardware(station).uplink(True)
            needs = await central.next("NotifyEVChargingNeeds")
            assert limits(await central.next("NotifyEVChargingSchedule")) == [(0, 11.0)]
            if version is V21:
                told_at = datetime.fromisoformat(needs["timestamp"])
                assert timedelta(0) <= told_at - came_at < timedelta(seconds=30)
            else:
                assert "timestamp" not in needs
            await central.next("TransactionEvent", lambda event: event.get("offline") is True)
            central.forget_but("TransactionEvent")
            assert await put(central, version, 1, tx_profile(central, (20.0,))) == "Accepted"
            assert limits(await central.next("NotifyEVChargingSchedule")) == [(0, 20.0)]
            await flows(clock, station, 20)

    live(story)


async def remember(central: CentralSystem) -> Message:
    entry = {"idToken": {"idToken": TOKEN, "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}}
    request = {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": [entry]}
    return await central.call("SendLocalList", request)


@TWO
def test_direct_current(version: Version) -> None:
    """E4: the vehicle tells its battery; limits and plans are in watts."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evse=DIRECT) as (central, station):
            central.answers["NotifyEVChargingNeeds"] = {"status": "Accepted"}
            central.answers["NotifyEVChargingSchedule"] = {"status": "Accepted"}
            curve = ((0.0, 80_000.0), (1.0, 80_000.0))
            car = talking(capacity_wh=100_000.0, dc_curve=curve, battery_v=(300.0, 420.0), state_of_charge=0.5)
            await comes(station, car)
            told = (await central.next("NotifyEVChargingNeeds"))["chargingNeeds"]
            assert told["requestedEnergyTransfer"] == "DC"
            assert "acChargingParameters" not in told
            battery = told["dcChargingParameters"]
            assert battery["evMaxPower"] == 80_000
            assert (battery["stateOfCharge"], battery["evEnergyCapacity"]) == (50, 100_000)
            made = tx_profile(central, (1.0,))
            made["chargingSchedule"][0] |= {
                "chargingRateUnit": "W",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 30_000.0}],
            }
            assert await put(central, version, 1, made) == "Accepted"
            plan = await central.next("NotifyEVChargingSchedule")
            assert plan["chargingSchedule"]["chargingRateUnit"] == "W"
            assert limits(plan) == [(0, 30_000.0)]
            until = clock.now() + timedelta(minutes=1)
            while hardware(station).evses[0].power_w != pytest.approx(30_000):
                assert clock.now() < until
                await clock.sleep(1)

    live(story)


def test_edition_20() -> None:
    """2.1 K17.FR.06: what ISO 15118-20 tells has words of its own; in dynamic control no plan comes back."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V21) as (central, station):
            central.answers["NotifyEVChargingNeeds"] = {"status": "Accepted"}
            await comes(station, talking(edition_20=True, dynamic=True))
            told = (await central.next("NotifyEVChargingNeeds"))["chargingNeeds"]
            assert told["controlMode"] == "DynamicControl"
            assert told["v2xChargingParameters"]["maxChargeCurrent"] == 32
            assert not {"acChargingParameters", "dcChargingParameters"} & told.keys()
            assert await put(central, V21, 1, tx_profile(central, (10.0,))) == "Accepted"
            await flows(clock, station, 10)
            await clock.sleep(60)
            assert central.of("NotifyEVChargingSchedule") == []

    live(story)


def test_16_knows_nothing_of_it() -> None:
    """The vehicle is offered what there is."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, station):
            await comes(station, talking())
            await flows(clock, station, 32)
            assert not {name for name, _ in central.received if "EVCharging" in name}

    live(story)


@TWO
def test_no_more_periods_than_it_takes(version: Version) -> None:
    """maxScheduleTuples: the last period stands for all that follow it, with the lowest of their limits."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            central.answers["NotifyEVChargingNeeds"] = {"status": "Accepted"}
            central.answers["NotifyEVChargingSchedule"] = {"status": "Accepted"}
            await comes(station, talking(max_periods=2))
            await central.next("NotifyEVChargingNeeds")
            assert await put(central, version, 1, tx_profile(central, (10.0, 30.0, 8.0, 20.0))) == "Accepted"
            assert limits(await central.next("NotifyEVChargingSchedule")) == [(0, 10.0), (600, 8.0)]

    live(story)


@TWO
def test_what_is_not_for_vehicles_that_do_not_talk(version: Version) -> None:
    """K01.FR.34: several schedules and tariffs are for vehicles that choose."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            visit = await comes(station, Car())
            await visit.charging()
            await central.next("TransactionEvent")
            assert await refused(central, 1, tx_profile(central, (10.0,), (12.0,))) == "InvalidSchedule"
            made = tx_profile(central, (10.0,))
            made["chargingSchedule"][0]["salesTariff"] = tariff(1)
            assert await refused(central, 1, made) == "UnsupportedParam"
            assert central.of("NotifyEVChargingNeeds") == []
            assert not hardware(station).evses[0].renegotiate()

    live(story)


@TWO
def test_a_profile_before_the_needs_is_too_early(version: Version) -> None:
    """K15.FR.17."""

    async def story(clock: VirtualClock) -> None:
        variables = {"TxCtrlr.TxStartPoint": "EVConnected"}
        async with charging(clock, version, variables=variables) as (central, station):
            visit = station.plug_in(1, talking())
            await visit.__aenter__()
            await central.next("TransactionEvent")
            await clock.sleep(5)
            assert await refused(central, 1, tx_profile(central, (10.0,))) == "InvalidMessageSeq"

    live(story)


@TWO
def test_the_vehicle_ends_the_session(version: Version) -> None:
    """E15.FR.04."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            central.answers["NotifyEVChargingNeeds"] = {"status": "Rejected"}
            central.answers["NotifyEVChargingSchedule"] = {"status": "Accepted"}
            await comes(station, talking())
            await flows(clock, station, 32)
            assert hardware(station).evses[0].stop_session()
            ended = await central.next("TransactionEvent", lambda event: event["eventType"] == "Ended")
            assert ended["triggerReason"] == "StopAuthorized"
            assert ended["transactionInfo"]["stoppedReason"] == "StoppedByEV"
            assert ended["transactionInfo"]["chargingState"] == "EVConnected"
            assert hardware(station).evses[0].power_w == 0

    live(story)


@TWO
def test_a_contract_authorizes(version: Version) -> None:
    """The eMAID of the vehicle's contract is asked for as any other token."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            central.answers["NotifyEVChargingNeeds"] = {"status": "Rejected"}
            central.answers["NotifyEVChargingSchedule"] = {"status": "Accepted"}
            await station.plug_in(1, talking(emaid="DEVBGC0000001X")).__aenter__()
            asked = await central.next("Authorize")
            assert asked["idToken"] == {"idToken": "DEVBGC0000001X", "type": "eMAID"}
            await flows(clock, station, 32)

    live(story)


@TWO
def test_it_negotiates_anew_after_a_restart(version: Version) -> None:
    """The transaction goes on, and so does the schedule of the CSMS."""

    async def story(clock: VirtualClock) -> None:
        variables = {"TxCtrlr.ResumptionTimeout": "600"}
        async with charging(clock, version, variables=variables) as (central, station):
            central.answers["NotifyEVChargingNeeds"] = {"status": "Accepted"}
            central.answers["NotifyEVChargingSchedule"] = {"status": "Accepted"}
            await comes(station, talking())
            await central.next("NotifyEVChargingNeeds")
            assert await put(central, version, 1, tx_profile(central, (10.0,))) == "Accepted"
            await flows(clock, station, 10)
            key = central.of("TransactionEvent")[-1]["transactionInfo"]["transactionId"]
            central.forget()
            await station.power_cut(20)
            resumed = await central.next("TransactionEvent")
            assert resumed["transactionInfo"]["transactionId"] == key
            await central.next("NotifyEVChargingNeeds")
            assert await put(central, version, 1, tx_profile(central, (12.0,), (9.0,))) == "Accepted"
            assert limits(await central.next("NotifyEVChargingSchedule")) == [(0, 12.0)]
            await flows(clock, station, 12)

    live(story)


@TWO
def test_a_cable_carries_no_more_than_it_can(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            hardware(station).evses[0].plug_in(Car(capacity_wh=1_000_000, max_current_a=32), cable_max_current_a=20)
            hardware(station).swipe(TOKEN, evse_id=1)
            await flows(clock, station, 20)
            assert await put(central, version, 1, tx_profile_default(25.0)) == "Accepted"
            await clock.sleep(5)
            await flows(clock, station, 20)
            assert await put(central, version, 1, tx_profile_default(9.0)) == "Accepted"
            await flows(clock, station, 9)

    live(story)
