"""Limits and profiles that stations tell of, and what vehicles need and plan: read by REST and in the next message."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.effects.site import Site, only
from tests.support.charger import Charger

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("version", [Version.V201, Version.V21], ids=lambda version: version.label),
]

PERIODS = [{"startPeriod": 0, "limit": 10.0}, {"startPeriod": 600, "limit": 16.0}]
SCHEDULE = {
    "id": 1,
    "startSchedule": "2026-02-03T04:00:00Z",
    "duration": 86400,
    "chargingRateUnit": "A",
    "chargingSchedulePeriod": PERIODS,
}


async def limited(charger: Charger) -> None:
    limit = {"chargingLimitSource": "EMS", "isGridCritical": True}
    await charger.call("NotifyChargingLimit", {"evseId": 2, "chargingLimit": limit, "chargingSchedule": [SCHEDULE]})


async def limits_of(site: Site, charger: Charger) -> list[Any]:
    return await site.rest.items(f"/stations/{charger.identity}/charging-limits")


async def test_notify_charging_limit(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        assert await limits_of(site, charger) == []
        await limited(charger)
        limit = only(await limits_of(site, charger))
        assert (limit["evse_id"], limit["source"], limit["is_grid_critical"]) == (2, "EMS", True)
        assert [period["limit"] for period in only(limit["schedules"])["periods"]] == [10.0, 16.0]


async def test_cleared_charging_limit(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        await limited(charger)
        await charger.call("ClearedChargingLimit", {"evseId": 2, "chargingLimitSource": "EMS"})
        assert await limits_of(site, charger) == []


async def test_report_charging_profiles(site: Site, version: Version) -> None:
    profile = {
        "id": 77,
        "stackLevel": 3,
        "chargingProfilePurpose": "ChargingStationExternalConstraints",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [SCHEDULE],
    }
    said = {"requestId": 5, "chargingLimitSource": "EMS", "evseId": 0, "chargingProfile": [profile]}
    async with site.station(version) as charger:
        await charger.call("ReportChargingProfiles", said)
        reported = only(await site.rest.items(f"/stations/{charger.identity}/charging-profiles"))
        assert (reported["id"], reported["stack_level"], reported["source"]) == (77, 3, "EMS")


async def negotiating(charger: Charger, token: str) -> None:
    """A vehicle whose transaction has begun on EVSE 1."""
    charger.answers["SetChargingProfile"] = {"status": "Accepted"}
    event = {
        "eventType": "Started",
        "timestamp": "2026-02-03T04:05:06Z",
        "triggerReason": "CablePluggedIn",
        "seqNo": 0,
        "transactionInfo": {"transactionId": "negotiated"},
        "evse": {"id": 1, "connectorId": 1},
        "idToken": {"idToken": token, "type": "ISO14443"},
    }
    await charger.call("TransactionEvent", event)


async def needs(charger: Charger) -> str:
    parameters = {"energyAmount": 20_000, "evMinCurrent": 6, "evMaxCurrent": 16, "evMaxVoltage": 400}
    said = {"requestedEnergyTransfer": "AC_three_phase", "acChargingParameters": parameters}
    answer = await charger.call("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": said})
    return str(answer["status"])


async def plans(charger: Charger, limit_a: float) -> str:
    plan = {**SCHEDULE, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_a}], "duration": 600}
    del plan["startSchedule"]
    said = {"timeBase": DateTime.of(datetime.now(UTC)), "evseId": 1, "chargingSchedule": plan}
    return str((await charger.call("NotifyEVChargingSchedule", said))["status"])


async def offered(charger: Charger) -> Any:
    """The profile that the CSMS sends next."""
    async with asyncio.timeout(30):
        _, _, action, payload = await charger.called.get()
    assert (action, payload["evseId"]) == ("SetChargingProfile", 1)
    return payload["chargingProfile"]


async def test_notify_ev_charging_needs(site: Site, version: Version) -> None:
    """K15.FR.07: the answer is followed by a profile for the transaction, no higher than the vehicle can take."""
    async with site.station(version) as charger:
        await negotiating(charger, await site.token())
        status = await needs(charger)
        assert only(await site.events("charging_needs.received", charger))["answer"] == "Accepted"
        assert status == "Accepted"
        profile = await offered(charger)
        assert (profile["chargingProfilePurpose"], profile["transactionId"]) == ("TxProfile", "negotiated")
        (schedule,) = profile["chargingSchedule"]
        assert max(period["limit"] for period in schedule["chargingSchedulePeriod"]) == 16


async def test_notify_ev_charging_schedule(site: Site, version: Version) -> None:
    """K15.FR.12: a plan above the offer is refused, and the offer made again."""
    async with site.station(version) as charger:
        await negotiating(charger, await site.token())
        await needs(charger)
        await offered(charger)
        answers = [await plans(charger, 10), await plans(charger, 32)]
        told = await site.events("charging_schedule.planned", charger)
        assert [event["answer"] for event in told] == ["Rejected", "Accepted"]
        assert answers == ["Accepted", "Rejected"]
        assert (await offered(charger))["chargingProfilePurpose"] == "TxProfile"
