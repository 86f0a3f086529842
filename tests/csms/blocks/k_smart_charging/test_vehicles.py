"""Vehicles over ISO 15118: needs become an offer, plans are held against it (K15, K16, K17)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.csms.blocks.k_smart_charging.test_profiles import TWO, command, default, running
from tests.effects.site import Site, only
from tests.support.charger import Charger

from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

AC = {"energyAmount": 20_000, "evMinCurrent": 6, "evMaxCurrent": 16, "evMaxVoltage": 230}
DC = {"evMaxCurrent": 200, "evMaxVoltage": 400}


def needs(**more: Any) -> dict[str, Any]:
    charging = {"requestedEnergyTransfer": "AC_three_phase", "acChargingParameters": AC, **more}
    return {"evseId": 1, "maxScheduleTuples": 3, "chargingNeeds": charging}


async def offered(charger: Charger) -> Any:
    async with asyncio.timeout(30):
        _, _, action, payload = await charger.called.get()
    assert action == "SetChargingProfile"
    return payload


def plan(limit: float, start: str, unit: str = "A") -> dict[str, Any]:
    schedule = {
        "id": 1,
        "chargingRateUnit": unit,
        "duration": 3600,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
    }
    return {"timeBase": start, "evseId": 1, "chargingSchedule": schedule}


@pytest.mark.parametrize("version", TWO, ids=lambda version: version.label)
async def test_needs_are_answered_with_what_is_left_to_the_vehicle(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        await running(charger, 1)
        assert (await charger.call("NotifyEVChargingNeeds", needs()))["status"] == "Accepted"
        payload = await offered(charger)
        profile = payload["chargingProfile"]
        assert (payload["evseId"], profile["chargingProfilePurpose"]) == (1, "TxProfile")
        assert (profile["transactionId"], profile["chargingProfileKind"]) == ("T-1", "Absolute")
        (schedule,) = profile["chargingSchedule"]
        assert schedule["chargingRateUnit"] == "A"
        # Nothing else limits, so the vehicle may have all it can take.
        assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 16.0, "numberPhases": 3}]
        await site.rest.event("charging_needs.offered", charger.identity)
        told = only(await site.events("charging_needs.offered", charger))
        assert (told["problem"], told["profile_id"]) == (None, profile["id"])

        start = schedule["startSchedule"]
        assert (await charger.call("NotifyEVChargingSchedule", plan(16.0, start)))["status"] == "Accepted"
        assert (await charger.call("NotifyEVChargingSchedule", plan(17.0, start)))["status"] == "Rejected"
        again = await offered(charger)
        assert again["chargingProfile"]["id"] == profile["id"]
        assert again["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] == 16.0
        answers = [one["answer"] for one in await site.events("charging_schedule.planned", charger)]
        assert answers == ["Rejected", "Accepted"]


async def test_other_profiles_narrow_the_offer_and_new_needs_replace_it(site: Site) -> None:
    async with site.station(Version.V201) as charger:
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        await command(site, charger, "set_charging_profile", evse_id=1, profile=default(10, id=1))
        await charger.called.get()
        await running(charger, 1)
        await charger.call("NotifyEVChargingNeeds", needs())
        first = (await offered(charger))["chargingProfile"]
        assert first["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] == 10.0
        await site.rest.event("charging_needs.offered", charger.identity)
        single = needs(requestedEnergyTransfer="AC_single_phase", acChargingParameters={**AC, "evMaxCurrent": 8})
        await charger.call("NotifyEVChargingNeeds", single)
        second = (await offered(charger))["chargingProfile"]
        assert second["id"] == first["id"]
        period = second["chargingSchedule"][0]["chargingSchedulePeriod"][0]
        assert (period["limit"], period["numberPhases"]) == (8.0, 1)


async def test_direct_current_is_offered_in_watts(site: Site) -> None:
    async with site.station(Version.V201) as charger:
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        await running(charger, 1)
        direct = {"requestedEnergyTransfer": "DC", "dcChargingParameters": DC}
        await charger.call("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": direct})
        (schedule,) = (await offered(charger))["chargingProfile"]["chargingSchedule"]
        assert (schedule["chargingRateUnit"], schedule["chargingSchedulePeriod"][0]["limit"]) == ("W", 80_000.0)
        start = schedule["startSchedule"]
        assert (await charger.call("NotifyEVChargingSchedule", plan(80_001.0, start, "W")))["status"] == "Rejected"


@pytest.mark.parametrize("version", TWO, ids=lambda version: version.label)
async def test_without_a_transaction_or_parameters_there_is_nothing_to_offer(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        answer = await charger.call("NotifyEVChargingNeeds", needs())
        assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "TxNotFound")
        await running(charger, 1)
        nothing = {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "DC"}}
        answer = await charger.call("NotifyEVChargingNeeds", nothing)
        assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "MissingParam")
        assert charger.called.empty()


async def test_a_vehicle_that_never_listens_is_left_alone(site: Site) -> None:
    async with site.station(Version.V201) as charger:
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        await running(charger, 1)
        await charger.call("NotifyEVChargingNeeds", needs())
        start = (await offered(charger))["chargingProfile"]["chargingSchedule"][0]["startSchedule"]
        await site.rest.event("charging_needs.offered", charger.identity)
        for _ in range(3):
            assert (await charger.call("NotifyEVChargingSchedule", plan(32.0, start)))["status"] == "Rejected"
            await offered(charger)
        assert (await charger.call("NotifyEVChargingSchedule", plan(32.0, start)))["status"] == "Rejected"
        await charger.call("Heartbeat", {})
        assert charger.called.empty()


@pytest.mark.parametrize(
    ("mode", "told", "unit", "limit", "phases"),
    [
        ("AC_three_phase", {"maxChargeCurrent": 20.0, "maxChargePower": 13_800.0}, "A", 20.0, 3),
        ("AC_single_phase", {"maxChargePower": 3_680.0}, "A", 16.0, 1),
        ("DC", {"maxChargePower": 50_000.0, "maxVoltage": 400.0}, "W", 50_000.0, None),
    ],
)
async def test_what_iso_15118_20_tells_is_understood(
    site: Site, mode: str, told: dict[str, float], unit: str, limit: float, phases: int | None
) -> None:
    """2.1 K17.FR.06, FR.19; without a current or a power there is nothing to go by."""
    async with site.station(Version.V21) as charger:
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        await running(charger, 1)
        charging = {"requestedEnergyTransfer": mode, "controlMode": "DynamicControl", "v2xChargingParameters": told}
        request = {"evseId": 1, "chargingNeeds": charging}
        assert (await charger.call("NotifyEVChargingNeeds", request))["status"] == "Accepted"
        (schedule,) = (await offered(charger))["chargingProfile"]["chargingSchedule"]
        assert schedule["chargingRateUnit"] == unit
        (period,) = schedule["chargingSchedulePeriod"]
        assert (period["limit"], period.get("numberPhases")) == (limit, phases)
        charging["v2xChargingParameters"] = {"targetSoC": 80} if mode == "DC" else {"minChargePower": 1_000.0}
        assert (await charger.call("NotifyEVChargingNeeds", request))["status"] == "Rejected"


async def test_an_offer_that_the_station_refuses_is_told(site: Site) -> None:
    async with site.station(Version.V201) as charger:
        charger.answers["SetChargingProfile"] = {
            "status": "Rejected",
            "statusInfo": {"reasonCode": "InvalidMessageSeq"},
        }
        await running(charger, 1)
        await charger.call("NotifyEVChargingNeeds", needs())
        await site.rest.event("charging_needs.offered", charger.identity)
        told = only(await site.events("charging_needs.offered", charger))
        assert told["problem"] == "Rejected InvalidMessageSeq"
