"""Smart charging before a central system of others: what is taken and refused, and what a car gets at which moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.station.central_system import CentralSystem, Message, charging, live

from voltbridge.domain.charging_profiles import ChargingSchedule, RateUnit, SchedulePeriod
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import EvseConfiguration
from voltbridge.station.simulation import Car, VirtualHardware, Visit
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.storage.station import MemoryStore

V16, V201, V21 = Version
TWO = pytest.mark.parametrize("version", [V201, V21])
ALL = pytest.mark.parametrize("version", list(Version))
_VOLTS = 230.0


def at(clock: VirtualClock, seconds: float) -> str:
    return str(DateTime.of(clock.now() + timedelta(seconds=seconds)))


def profile(
    version: Version,
    number: int,
    *periods: tuple[int, float],
    purpose: str = "TxDefaultProfile",
    level: int = 0,
    kind: str = "Relative",
    unit: str = "A",
    start: str | None = None,
    phases: int | None = None,
    **more: Any,
) -> Message:
    """A profile in the words of a version; ``more`` goes into the profile, ``duration`` into the schedule."""
    if version is V16 and purpose == "ChargingStationMaxProfile":
        purpose = "ChargePointMaxProfile"
    schedule: Message = {
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [
            {"startPeriod": begin, "limit": limit} | ({"numberPhases": phases} if phases else {})
            for begin, limit in periods
        ],
    }
    if start is not None:
        schedule["startSchedule"] = start
    if "duration" in more:
        schedule["duration"] = more.pop("duration")
    made: Message = {
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        **more,
    }
    if version is V16:
        return made | {"chargingProfileId": number, "chargingSchedule": schedule}
    return made | {"id": number, "chargingSchedule": [schedule | {"id": 1}]}


async def put(central: CentralSystem, version: Version, evse_id: int, made: Message) -> str:
    if version is V16:
        request = {"connectorId": evse_id, "csChargingProfiles": made}
    else:
        request = {"evseId": evse_id, "chargingProfile": made}
    return str((await central.call("SetChargingProfile", request))["status"])


async def refused(central: CentralSystem, evse_id: int, made: Message) -> str:
    """The reason code of a refusal of 2.x."""
    response = await central.call("SetChargingProfile", {"evseId": evse_id, "chargingProfile": made})
    assert response["status"] == "Rejected", response
    return str(response["statusInfo"]["reasonCode"])


async def clear(central: CentralSystem, version: Version, **criteria: Any) -> str:
    if version is V16:
        request = {{"evseId": "connectorId"}.get(name, name): value for name, value in criteria.items()}
    elif "id" in criteria:
        request = {"chargingProfileId": criteria["id"]}
    else:
        request = {"chargingProfileCriteria": criteria}
    return str((await central.call("ClearChargingProfile", request))["status"])


async def composite(
    central: CentralSystem, version: Version, evse_id: int, duration: int, unit: str = "A"
) -> list[tuple[int, float]]:
    """(start, limit) of each period."""
    name = "connectorId" if version is V16 else "evseId"
    response = await central.call(
        "GetCompositeSchedule", {name: evse_id, "duration": duration, "chargingRateUnit": unit}
    )
    assert response["status"] == "Accepted", response
    schedule = response["chargingSchedule" if version is V16 else "schedule"]
    assert schedule["duration"] == duration
    assert schedule["chargingRateUnit"] == unit
    return [(each["startPeriod"], each["limit"]) for each in schedule["chargingSchedulePeriod"]]


async def told(central: CentralSystem, evse_id: int | None = None, **criteria: Any) -> list[tuple[int, str, Message]]:
    """(EVSE, source, profile) of a report; nothing where there are no profiles."""
    central.forget()
    request: Message = {"requestId": 9, "chargingProfile": criteria}
    if evse_id is not None:
        request["evseId"] = evse_id
    response = await central.call("GetChargingProfiles", request)
    if response["status"] == "NoProfiles":
        return []
    await central.next("ReportChargingProfiles", lambda part: not part.get("tbc"))
    parts = central.of("ReportChargingProfiles")
    assert {part["requestId"] for part in parts} == {9}
    assert [part.get("tbc", False) for part in parts] == [True] * (len(parts) - 1) + [False]
    return [(part["evseId"], part["chargingLimitSource"], each) for part in parts for each in part["chargingProfile"]]


def hardware(station: Station) -> VirtualHardware:
    assert isinstance(station.hardware, VirtualHardware)
    return station.hardware


def amperes(station: Station, evse_id: int = 1) -> float:
    """What a car takes of each phase."""
    return round(hardware(station).evses[evse_id - 1].power_w / (3 * _VOLTS), 2)


async def charge(station: Station, evse_id: int = 1, **car: Any) -> Visit:
    visit = station.plug_in(evse_id, Car(capacity_wh=1_000_000, max_current_a=32, **car))
    await visit.__aenter__()
    await visit.swipe(f"04A2B3C4D5E6F{evse_id}")
    await visit.charging()
    return visit


@ALL
def test_limits_follow_the_schedule(version: Version) -> None:
    """K01.FR.07, FR.11, FR.12, FR.32, K08.FR.02: what the car takes is what the schedule says, at each second."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            await charge(station)
            assert amperes(station) == 32
            periods = [(0, 10.0), (60, 16.0), (120, 0.0), (180, 20.0)]
            made = profile(version, 1, *periods, kind="Absolute", start=at(clock, 30), duration=240)
            assert await put(central, version, 1, made) == "Accepted"
            wanted = await composite(central, version, 1, 400)
            assert [limit for _, limit in wanted] == [32, 10, 16, 0, 20, 32]
            began = clock.now()
            for second in range(0, 400, 5):
                now = (clock.now() - began).total_seconds()
                assert abs(now - second) < 0.1
                limit = next(limit for start, limit in reversed(wanted) if start <= now + 1)
                edge = min(abs(now - start) for start, _ in wanted)
                if edge > 2:
                    assert amperes(station) == limit, second
                await clock.sleep(5)

    live(story)


@ALL
def test_paused_and_told(version: Version) -> None:
    """A limit of nothing suspends the transaction, and the CSMS hears of it."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            await charge(station)
            central.forget()
            assert await put(central, version, 1, profile(version, 1, (0, 0.0))) == "Accepted"
            if version is V16:
                await central.next("StatusNotification", lambda told: told["status"] == "SuspendedEVSE")
            else:
                await central.next(
                    "TransactionEvent", lambda told: told["transactionInfo"].get("chargingState") == "SuspendedEVSE"
                )
            assert amperes(station) == 0
            central.forget()
            assert await clear(central, version, id=1) == "Accepted"
            if version is V16:
                await central.next("StatusNotification", lambda told: told["status"] == "Charging")
            else:
                await central.next(
                    "TransactionEvent", lambda told: told["transactionInfo"].get("chargingState") == "Charging"
                )
            await clock.sleep(2)
            assert amperes(station) == 32

    live(story)


@TWO
def test_rate_changed(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            await charge(station)
            central.forget()
            assert await put(central, version, 1, profile(version, 1, (0, 16.0))) == "Accepted"
            await central.next("TransactionEvent", lambda told: told["triggerReason"] == "ChargingRateChanged")
            assert amperes(station) == 16
            central.forget()
            assert await put(central, version, 1, profile(version, 1, (0, 16.1))) == "Accepted"
            await clock.sleep(5)
            assert central.of("TransactionEvent") == [], "less than LimitChangeSignificance"
            assert amperes(station) == 16.1

    live(story)


@ALL
def test_stacks_and_purposes(version: Version) -> None:
    """K01.FR.17, K02.FR.04, FR.08, K08.FR.04: higher levels first, TxProfile for the default, the lowest of all."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            await charge(station)
            for made in (
                profile(version, 1, (0, 10.0)),
                profile(version, 2, (0, 14.0), level=1, kind="Absolute", start=at(clock, 0), duration=100),
            ):
                assert await put(central, version, 1, made) == "Accepted"
            assert amperes(station) == 14
            running = station.services.transactions.session(1).transaction
            assert running is not None
            key: Message = {} if version is V16 else {"transactionId": running.key}
            more: Message = {"kind": "Absolute", "start": at(clock, 0), "duration": 50, **key}
            assert (
                await put(central, version, 1, profile(version, 3, (0, 20.0), purpose="TxProfile", **more))
                == "Accepted"
            )
            assert amperes(station) == 20
            maximum = profile(
                version, 4, (0, 18.0), purpose="ChargingStationMaxProfile", kind="Absolute", start=at(clock, 0)
            )
            assert await put(central, version, 0, maximum) == "Accepted"
            assert amperes(station) == 18
            await clock.sleep(55)
            assert amperes(station) == 14, "the TxProfile is over"
            await clock.sleep(50)
            assert amperes(station) == 10, "and the higher level too"
            assert await clear(central, version, chargingProfilePurpose="TxDefaultProfile", evseId=1) == "Accepted"
            assert amperes(station) == 18
            assert await clear(central, version, chargingProfilePurpose="TxDefaultProfile", evseId=1) == "Unknown"
            assert await clear(central, version, id=4) == "Accepted"
            assert amperes(station) == 32

    live(story)


@ALL
def test_the_whole_station_shares_its_limit(version: Version) -> None:
    """K04.FR.05: at no moment more than the limit of the whole, and what one does not use is for the other."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evses=3) as (central, station):
            maximum = profile(
                version, 1, (0, 30.0), purpose="ChargingStationMaxProfile", kind="Absolute", start=at(clock, 0)
            )
            assert await put(central, version, 0, maximum) == "Accepted"
            first = await charge(station, 1)
            assert amperes(station) == 30
            await charge(station, 2)
            assert [amperes(station, evse_id) for evse_id in (1, 2, 3)] == [15, 15, 0]
            assert await put(central, version, 2, profile(version, 2, (0, 8.0))) == "Accepted"
            assert [amperes(station, evse_id) for evse_id in (1, 2, 3)] == [22, 8, 0]
            hardware(station).evses[0].pause(True)
            await clock.sleep(2)
            assert [amperes(station, evse_id) for evse_id in (1, 2, 3)] == [0, 8, 0]
            hardware(station).evses[0].pause(False)
            await charge(station, 3)
            assert [amperes(station, evse_id) for evse_id in (1, 2, 3)] == [11, 8, 11]
            made = profile(
                version, 1, (0, 13.0), purpose="ChargingStationMaxProfile", kind="Absolute", start=at(clock, 0)
            )
            assert await put(central, version, 0, made) == "Accepted"
            await clock.sleep(2)
            assert [amperes(station, evse_id) for evse_id in (1, 2, 3)] == [6.5, 6.5, 0], "too little for three"
            await first.leave()
            await clock.sleep(2)
            assert [amperes(station, evse_id) for evse_id in (1, 2, 3)] == [0, 6.5, 6.5]

    live(story)


@TWO
def test_refusals(version: Version) -> None:
    """Each with its reason, and nothing is kept."""

    async def story(clock: VirtualClock) -> None:
        few = {"SmartChargingCtrlr.PeriodsPerSchedule": "20"}
        async with charging(clock, version, evses=2, variables=few) as (central, _):
            now = at(clock, 0)
            good: Message = {"kind": "Absolute", "start": now}
            for code, evse_id, made in (
                ("UnknownEvse", 3, profile(version, 1, (0, 6.0))),
                ("TxNotFound", 1, profile(version, 1, (0, 6.0), purpose="TxProfile", transactionId="none")),
                ("TxNotFound", 1, profile(version, 1, (0, 6.0), purpose="TxProfile")),
                ("InvalidProfile", 0, profile(version, 1, (0, 6.0), purpose="TxProfile")),
                ("InvalidProfile", 1, profile(version, 1, (0, 6.0), purpose="ChargingStationMaxProfile", **good)),
                ("InvalidProfile", 0, profile(version, 1, (0, 6.0), purpose="ChargingStationMaxProfile")),
                (
                    "InvalidProfile",
                    0,
                    profile(version, 1, (0, 6.0), purpose="ChargingStationExternalConstraints", **good),
                ),
                ("InvalidProfile", 1, profile(version, 1, (0, 6.0), kind="Recurring", start=now)),
                ("InvalidProfile", 1, profile(version, -1, (0, 6.0))),
                ("InvalidProfile", 1, profile(version, 1, (0, 6.0), validFrom=at(clock, 9), validTo=at(clock, 8))),
                ("InvalidSchedule", 1, profile(version, 1, (0, 6.0), kind="Absolute")),
                ("InvalidSchedule", 1, profile(version, 1, (0, 6.0), start=now)),
                ("InvalidSchedule", 1, profile(version, 1, (1, 6.0))),
                ("InvalidSchedule", 1, profile(version, 1, (0, 6.0), (50, 7.0), (40, 8.0))),
                ("InvalidSchedule", 1, profile(version, 1, (0, -1.0))),
                ("InvalidSchedule", 1, profile(version, 1, *((each, 6.0) for each in range(21)))),
                ("InvalidStackLevel", 1, profile(version, 1, (0, 6.0), level=11)),
                ("UnsupportedParam", 1, profile(version, 1, (0, 6.0), phases=1)),
            ):
                assert await refused(central, evse_id, made) == code, made
            assert await told(central) == []
            assert await put(central, version, 1, profile(version, 1, (0, 6.0))) == "Accepted"
            assert await refused(central, 0, profile(version, 2, (0, 7.0))) == "DuplicateProfile"  # K01.FR.52
            assert await refused(central, 1, profile(version, 2, (0, 7.0))) == "DuplicateProfile"  # K01.FR.06
            assert await put(central, version, 2, profile(version, 3, (0, 7.0), level=1)) == "Accepted"
            assert await put(central, version, 0, profile(version, 4, (0, 7.0), level=2)) == "Accepted"
            assert await refused(central, 2, profile(version, 5, (0, 7.0), level=2)) == "DuplicateProfile"  # K01.FR.53
            assert sorted(each["id"] for _, _, each in await told(central)) == [1, 3, 4]

    live(story)


@TWO
def test_reports(version: Version) -> None:
    """K09.FR.01 to FR.06."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evses=2) as (central, _):
            sent = {
                (0, 1): profile(
                    version, 1, (0, 20.0), purpose="ChargingStationMaxProfile", kind="Absolute", start=at(clock, 0)
                ),
                (0, 2): profile(version, 2, (0, 12.0), validTo=at(clock, 900)),
                (1, 3): profile(version, 3, (0, 11.0), (90, 9.0), level=3),
                (2, 4): profile(
                    version, 4, (0, 10.0), level=2, kind="Recurring", recurrencyKind="Daily", start=at(clock, 0)
                ),
            }
            for (evse_id, _), made in sent.items():
                assert await put(central, version, evse_id, made) == "Accepted"
            assert {(evse_id, made["id"]): made for evse_id, _, made in await told(central)} == sent, (
                "as they were sent"
            )
            for asked, found in (
                ({"evse_id": 0}, {1, 2}),
                ({"evse_id": 1}, {3}),
                ({"stackLevel": 2}, {4}),
                ({"chargingProfilePurpose": "TxDefaultProfile"}, {2, 3, 4}),
                ({"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0}, {2}),
                ({"chargingProfileId": [4, 1, 77]}, {1, 4}),
                ({"chargingLimitSource": ["CSO"]}, {1, 2, 3, 4}),
                ({"chargingLimitSource": ["EMS"]}, set()),
                ({"evse_id": 2, "chargingProfileId": [1]}, set()),
            ):
                assert {made["id"] for _, _, made in await told(central, **asked)} == found, asked
            count = await central.call(
                "GetVariables",
                {
                    "getVariableData": [
                        {
                            "component": {"name": "SmartChargingCtrlr"},
                            "variable": {"name": "Entries", "instance": "ChargingProfiles"},
                        }
                    ]
                },
            )
            assert count["getVariableResult"][0]["attributeValue"] == "4"

    live(story)


@TWO
def test_clearing(version: Version) -> None:
    """K10: what is not there is Unknown, and limits of others stay."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            schedule = ChargingSchedule(RateUnit.A, (SchedulePeriod(0, 9.0),))
            station.services.smart_charging.limit_from_outside("EMS", schedule)
            (outside,) = await told(central)
            assert outside[0:2] == (0, "EMS")
            assert outside[2]["chargingProfilePurpose"] == "ChargingStationExternalConstraints"
            assert outside[2]["id"] < 0
            assert await clear(central, version, id=outside[2]["id"]) == "Unknown"
            purpose = {"chargingProfilePurpose": "ChargingStationExternalConstraints"}
            assert await clear(central, version, **purpose) == "Unknown"
            empty = await central.call("ClearChargingProfile")
            assert (empty["status"], empty["statusInfo"]["reasonCode"]) == ("Unknown", "MissingParam")
            assert len(await told(central)) == 1

    live(story)


@ALL
def test_kept_over_a_restart(version: Version) -> None:
    """K01.FR.27, K02.FR.05: profiles outlast a power cut, those of transactions as long as these."""

    async def story(clock: VirtualClock) -> None:
        store = MemoryStore()
        kept = {"TxCtrlr.ResumptionTimeout": "600"}
        async with charging(clock, version, store=store, variables=kept) as (central, station):
            visit = await charge(station)
            assert await put(central, version, 1, profile(version, 1, (0, 10.0))) == "Accepted"
            running = station.services.transactions.session(1).transaction
            assert running is not None
            key: Message = {} if version is V16 else {"transactionId": running.key}
            own = profile(version, 2, (0, 7.0), (100, 8.0), purpose="TxProfile", **key)
            assert await put(central, version, 1, own) == "Accepted"
            await clock.sleep(50)
            assert amperes(station) == 7
            await station.power_cut(10)
            await station.connected()
            await visit.charging()
            assert amperes(station) == 7
            await clock.sleep(60)
            assert amperes(station) == 8, "a relative schedule goes on where it was"
            await visit.leave()
            await clock.sleep(5)
            await charge(station)
            assert amperes(station) == 10, "the TxProfile has gone with its transaction"

    live(story)


@ALL
def test_profile_of_a_remote_start(version: Version) -> None:
    """K05, F01.FR.12: it is for the transaction that comes of it, and no other."""

    async def start(central: CentralSystem, made: Message, token: str) -> str:
        if version is V16:
            request: Message = {"idTag": token, "connectorId": 1, "chargingProfile": made}
            return str((await central.call("RemoteStartTransaction", request))["status"])
        request = {
            "idToken": {"idToken": token, "type": "ISO14443"},
            "evseId": 1,
            "remoteStartId": 5,
            "chargingProfile": made,
        }
        return str((await central.call("RequestStartTransaction", request))["status"])

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            assert await start(central, profile(version, 1, (0, 10.0)), "REMOTE") == "Rejected", "not a TxProfile"
            bad = profile(version, 1, (5, 10.0), purpose="TxProfile")
            assert await start(central, bad, "REMOTE") == "Rejected"
            assert await start(central, profile(version, 1, (0, 10.0), purpose="TxProfile"), "REMOTE") == "Accepted"
            visit = station.plug_in(1, Car(capacity_wh=1_000_000, max_current_a=32))
            await visit.__aenter__()
            await visit.charging()
            await clock.sleep(1)
            assert amperes(station) == 10
            if version is not V16:
                ((evse_id, _, made),) = await told(central)
                running = station.services.transactions.session(1).transaction
                assert running is not None
                assert (evse_id, made["id"], made["transactionId"]) == (1, 1, running.key)
            await visit.swipe("REMOTE")
            await clock.sleep(5)
            hardware(station).evses[0].unplug()
            await clock.sleep(5)
            await charge(station)
            assert amperes(station) == 32

    live(story)


@TWO
def test_limits_from_outside(version: Version) -> None:
    """K11, K12, K13."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evses=2) as (central, station):
            smart = station.services.smart_charging
            await charge(station, 1)
            await charge(station, 2)
            central.forget()
            schedule = ChargingSchedule(RateUnit.W, (SchedulePeriod(0, 11040.0),))
            smart.limit_from_outside("EMS", schedule, grid_critical=True)
            told = await central.next("NotifyChargingLimit")
            assert "evseId" not in told
            assert told["chargingLimit"] == {"chargingLimitSource": "EMS", "isGridCritical": True}
            assert told["chargingSchedule"][0]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 11040}]
            for evse_id in (1, 2):
                running = station.services.transactions.session(evse_id).transaction
                assert running is not None
                key = running.key

                def changed(told: Message, key: str = key) -> bool:
                    rate = told["triggerReason"] == "ChargingRateChanged"
                    return bool(rate and told["transactionInfo"]["transactionId"] == key)

                await central.next("TransactionEvent", changed)
                assert amperes(station, evse_id) == 8
            central.forget()
            almost = ChargingSchedule(RateUnit.W, (SchedulePeriod(0, 11035.0),))
            smart.limit_from_outside("EMS", almost)
            await clock.sleep(5)
            assert central.of("NotifyChargingLimit") == [], "changed by less than LimitChangeSignificance"
            with pytest.raises(ValueError, match="CSO"):
                smart.limit_from_outside("CSO", schedule)
            assert smart.limit_released("EMS")
            assert await central.next("ClearedChargingLimit") == {"chargingLimitSource": "EMS"}
            await clock.sleep(2)
            assert amperes(station) == amperes(station, 2) == 32
            assert not smart.limit_released("EMS")

    live(story)


@ALL
def test_composite_schedules_that_cannot_be(version: Version) -> None:
    """K08.FR.05, FR.07."""

    async def story(clock: VirtualClock) -> None:
        only = {"SmartChargingCtrlr.RateUnit": "A"}
        async with charging(clock, version, variables=only) as (central, _):
            name = "connectorId" if version is V16 else "evseId"
            for request in ({name: 2, "duration": 300}, {name: 1, "duration": 300, "chargingRateUnit": "W"}):
                response = await central.call("GetCompositeSchedule", request)
                assert response["status"] == "Rejected"
                assert not {"schedule", "chargingSchedule"} & set(response)
            assert await put(central, version, 1, profile(version, 1, (0, 5000.0), unit="W")) == "Rejected"
            assert await composite(central, version, 0, 300) == [(0, 32.0)]

    live(story)


def test_16_replaces_what_has_the_same_level() -> None:
    """1.6 5.16; a schedule without a start counts from the beginning of charging (7.13)."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, station):
            await charge(station)
            assert await put(central, V16, 1, profile(V16, 1, (0, 10.0))) == "Accepted"
            assert await put(central, V16, 1, profile(V16, 2, (0, 11.0), kind="Absolute")) == "Accepted"
            assert amperes(station) == 11
            assert await clear(central, V16, id=1) == "Unknown"
            assert await put(central, V16, 0, profile(V16, 3, (0, 9.0))) == "Accepted"
            assert amperes(station) == 11, "the default of the connector goes before that of all"
            unknown = profile(V16, 4, (0, 9.0), purpose="TxProfile", transactionId=4711)
            assert await put(central, V16, 1, unknown) == "Rejected"
            known = profile(V16, 4, (0, 9.0), purpose="TxProfile", transactionId=1)
            assert await put(central, V16, 1, known) == "Accepted"
            assert amperes(station) == 9
            assert await clear(central, V16) == "Accepted"
            assert amperes(station) == 32

    live(story)


@ALL
def test_switched_off(version: Version) -> None:
    """K01.FR.29, K05.FR.04."""

    async def story(clock: VirtualClock) -> None:
        off = {"SmartChargingCtrlr.Enabled": "false"}
        async with charging(clock, version, variables=off) as (central, station):
            if version is V16:
                assert await put(central, version, 1, profile(version, 1, (0, 10.0))) == "NotSupported"
            else:
                with pytest.raises(Exception, match="switched off"):
                    await put(central, version, 1, profile(version, 1, (0, 10.0)))
                central.refused.clear()
            await charge(station)
            assert amperes(station) == 32

    live(story)


def test_direct_current() -> None:
    async def story(clock: VirtualClock) -> None:
        direct = EvseConfiguration(max_current_a=300, phases=1, voltage_v=400, direct_current=True)
        async with charging(clock, V201, evse=direct) as (central, station):
            visit = station.plug_in(1, Car(capacity_wh=1_000_000, max_current_a=250, phases=1))
            await visit.__aenter__()
            await visit.swipe("04A2B3C4D5E6F1")
            await visit.charging()
            assert hardware(station).evses[0].power_w == 100_000
            assert await put(central, V201, 1, profile(V201, 1, (0, 50_000.0), unit="W", phases=3)) == "Accepted"
            assert hardware(station).evses[0].power_w == 50_000
            assert await composite(central, V201, 1, 60, "W") == [(0, 50_000.0)]

    live(story)


def test_fewer_phases_where_the_station_can_switch() -> None:
    """K01.FR.43: 3680 W on one phase are 16 A."""

    async def story(clock: VirtualClock) -> None:
        can = {"SmartChargingCtrlr.Phases3to1": "true"}
        async with charging(clock, V201, variables=can) as (central, station):
            await charge(station)
            assert await put(central, V201, 1, profile(V201, 1, (0, 3680.0), unit="W", phases=1)) == "Accepted"
            assert hardware(station).evses[0].power_w == 3680

    live(story)
