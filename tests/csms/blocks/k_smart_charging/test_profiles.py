"""Charging profiles from the operator's door to the wire of every version, and back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.effects.site import Site, only
from tests.support.charger import Charger

from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

V16, V201, V21 = Version
TWO = [V201, V21]

PEAK: dict[str, Any] = {
    "name": "Evening peak",
    "purpose": "TxDefaultProfile",
    "kind": "Recurring",
    "recurrency": "Daily",
    "stack_level": 1,
    "schedules": [
        {
            "unit": "A",
            "start_at": "2026-01-01T17:00:00Z",
            "duration_s": 10800,
            "min_rate": 6,
            "periods": [{"limit": 10}, {"start_s": 3600, "limit": 8.5, "number_phases": 1}],
        }
    ],
}
WHOLE: dict[str, Any] = {
    "purpose": "ChargingStationMaxProfile",
    "kind": "Absolute",
    "stack_level": 0,
    "schedules": [{"unit": "A", "start_at": "2026-01-01T00:00:00Z", "periods": [{"limit": 32}]}],
}


def default(limit: float, level: int = 0, **more: Any) -> dict[str, Any]:
    schedule = {"unit": "A", "start_at": "2026-01-01T00:00:00Z", "periods": [{"limit": limit}]}
    return {"purpose": "TxDefaultProfile", "kind": "Absolute", "stack_level": level, "schedules": [schedule], **more}


async def command(site: Site, charger: Charger, name: str, status: int = 200, **parameters: Any) -> Any:
    answer = await site.rest.ask("POST", f"/stations/{charger.identity}/commands/{name}", parameters)
    assert answer.status == status, answer
    return answer.json


async def called(charger: Charger) -> tuple[str, Any]:
    async with asyncio.timeout(30):
        _, _, action, payload = await charger.called.get()
    return action, payload


async def installed(site: Site, charger: Charger) -> list[tuple[int, int, str]]:
    items = await site.rest.items(f"/stations/{charger.identity}/charging-profiles")
    return [(item["id"], item["evse_id"], item["source"]) for item in items]


async def running(charger: Charger, evse_id: int, transaction_id: str = "T-1") -> None:
    """A transaction begins at an EVSE."""
    await charger.call(
        "TransactionEvent",
        {
            "eventType": "Started",
            "timestamp": "2026-01-01T12:00:00Z",
            "triggerReason": "CablePluggedIn",
            "seqNo": 0,
            "transactionInfo": {"transactionId": transaction_id},
            "evse": {"id": evse_id, "connectorId": 1},
        },
    )


async def test_a_named_profile_lives(site: Site) -> None:
    made = await site.rest.post("/charging-profiles", PEAK)
    address = f"/charging-profiles/{made['id']}"
    assert await site.rest.get(address) == made
    assert made["schedules"][0]["periods"][1] == {
        "start_s": 3600,
        "limit": 8.5,
        "number_phases": 1,
        "phase_to_use": None,
    }
    assert made in await site.rest.items("/charging-profiles")
    changed = await site.rest.send("PUT", address, {**PEAK, "name": "Peak"})
    assert (changed["name"], changed["id"], changed["created_at"]) == ("Peak", made["id"], made["created_at"])
    assert (await site.rest.ask("POST", "/charging-profiles", {**PEAK, "id": made["id"]})).status == 409
    await site.rest.send("DELETE", address)
    for method in ("GET", "DELETE"):
        assert (await site.rest.ask(method, address)).status == 404
    assert (await site.rest.ask("PUT", address, PEAK)).status == 404


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"purpose": "ChargingStationExternalConstraints"}, "$.purpose"),
        ({"kind": "Relative"}, "$.recurrency"),
        ({"recurrency": None}, "$.recurrency"),
        ({"purpose": "ChargingStationMaxProfile", "kind": "Relative", "recurrency": None}, "$.kind"),
        ({"kind": "Dynamic", "recurrency": None}, "$.kind"),
        ({"valid_from": "2026-01-02T00:00:00Z", "valid_to": "2026-01-01T00:00:00Z"}, "$.valid_to"),
        ({"schedules": [{"unit": "A", "periods": [{"limit": 1}]}]}, "$.schedules[0].start_at"),
        (
            {"schedules": [{"unit": "A", "start_at": "2026-01-01T00:00:00Z", "periods": [{"limit": 1, "start_s": 5}]}]},
            "$.schedules[0].periods[0].start_s",
        ),
        (
            {"schedules": [{"unit": "A", "start_at": "2026-01-01T00:00:00Z", "periods": [{"limit": 1.25}]}]},
            "$.schedules[0].periods[0].limit",
        ),
        (
            {
                "schedules": [
                    {
                        "unit": "A",
                        "start_at": "2026-01-01T00:00:00Z",
                        "periods": [{"limit": 1, "number_phases": 3, "phase_to_use": 1}],
                    }
                ]
            },
            "$.schedules[0].periods[0].phase_to_use",
        ),
        ({"stack_level": -1}, "$.stack_level"),
    ],
)
async def test_what_no_station_could_take_is_refused(site: Site, change: dict[str, Any], path: str) -> None:
    answer = await site.rest.ask("POST", "/charging-profiles", {**PEAK, **change})
    assert answer.status in (400, 422), answer
    assert [error["path"] for error in answer.json["errors"]] == [path], answer


async def test_set_on_1_6(site: Site) -> None:
    named = await site.rest.post("/charging-profiles", PEAK)
    async with site.station(V16) as charger:
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        done = await command(site, charger, "set_charging_profile", profile_id=named["id"], evse_id=1)
        assert done["state"] == "Accepted", done
        assert await called(charger) == (
            "SetChargingProfile",
            {
                "connectorId": 1,
                "csChargingProfiles": {
                    "chargingProfileId": named["id"],
                    "stackLevel": 1,
                    "chargingProfilePurpose": "TxDefaultProfile",
                    "chargingProfileKind": "Recurring",
                    "recurrencyKind": "Daily",
                    "chargingSchedule": {
                        "duration": 10800,
                        "startSchedule": "2026-01-01T17:00:00.000Z",
                        "chargingRateUnit": "A",
                        "chargingSchedulePeriod": [
                            {"startPeriod": 0, "limit": 10.0},
                            {"startPeriod": 3600, "limit": 8.5, "numberPhases": 1},
                        ],
                        "minChargingRate": 6.0,
                    },
                },
            },
        )
        assert await installed(site, charger) == [(named["id"], 1, "CSO")]
        told = only(await site.events("charging_profile.set", charger))
        assert (told["id"], told["evse_id"], told["purpose"]) == (named["id"], 1, "TxDefaultProfile")


@pytest.mark.parametrize("version", TWO, ids=lambda version: version.label)
async def test_set_on_2(site: Site, version: Version) -> None:
    named = await site.rest.post("/charging-profiles", PEAK)
    async with site.station(version) as charger:
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        done = await command(site, charger, "set_charging_profile", profile_id=named["id"], evse_id=2)
        assert (done["state"], done["answer"]["info"]) == ("Accepted", {"profile_id": named["id"]})
        action, payload = await called(charger)
        assert (action, payload["evseId"]) == ("SetChargingProfile", 2)
        profile = payload["chargingProfile"]
        (schedule,) = profile.pop("chargingSchedule")
        assert profile == {
            "id": named["id"],
            "stackLevel": 1,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Recurring",
            "recurrencyKind": "Daily",
        }
        assert schedule["startSchedule"] == "2026-01-01T17:00:00.000Z"
        assert schedule["minChargingRate"] == 6.0
        assert schedule["chargingSchedulePeriod"][1] == {"startPeriod": 3600, "limit": 8.5, "numberPhases": 1}
        assert await installed(site, charger) == [(named["id"], 2, "CSO")]


@pytest.mark.parametrize("version", Version, ids=lambda version: version.label)
async def test_what_the_station_refuses_is_not_there(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        charger.answers["SetChargingProfile"] = {"status": "Rejected"}
        done = await command(site, charger, "set_charging_profile", profile=default(16))
        assert (done["state"], done["answer"]["status"]) == ("Rejected", "Rejected")
        assert await installed(site, charger) == []


async def test_profiles_without_an_id_get_their_own(site: Site) -> None:
    async with site.station(V201) as charger:
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        await command(site, charger, "set_charging_profile", profile=default(16))
        await command(site, charger, "set_charging_profile", profile=default(16, level=1))
        assert await installed(site, charger) == [(1_000_000_000, 0, "CSO"), (1_000_000_001, 0, "CSO")]


async def test_two_of_one_purpose_and_level_do_not_meet(site: Site) -> None:
    """K01.FR.06, K01.FR.52, K01.FR.53."""
    async with site.station(V201) as charger:
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        early: dict[str, Any] = {"valid_from": "2026-01-01T00:00:00Z", "valid_to": "2026-02-01T00:00:00Z"}
        late: dict[str, Any] = {"valid_from": "2026-02-01T00:00:00Z"}
        await command(site, charger, "set_charging_profile", evse_id=1, profile=default(16, id=1, **early))
        await command(site, charger, "set_charging_profile", evse_id=1, profile=default(16, id=2, **late))
        await command(site, charger, "set_charging_profile", evse_id=2, profile=default(16, id=3))
        for evse_id, profile in ((1, default(10, id=4)), (0, default(10, id=4)), (2, default(6, id=4, **early))):
            done = await command(site, charger, "set_charging_profile", evse_id=evse_id, profile=profile)
            assert (done["state"], done["error"]["code"]) == ("Failed", "invalid"), done
            assert "stack_level is taken" in done["error"]["detail"]
        # The same id takes the place of the one that was there, wherever it was (K01.FR.05).
        await command(site, charger, "set_charging_profile", evse_id=2, profile=default(8, id=3))
        assert [one[0] for one in await installed(site, charger)] == [1, 2, 3]
        assert charger.called.qsize() == 4


async def test_what_a_version_cannot_say_is_refused_before_anything_is_sent(site: Site) -> None:
    one_phase = default(16)
    one_phase["schedules"][0]["periods"][0] |= {"number_phases": 1, "phase_to_use": 2}
    async with site.station(V16) as charger:
        refused = await command(site, charger, "set_charging_profile", 422, profile=one_phase, evse_id=1)
        assert "phase_to_use" in refused["detail"]
        many = {**default(16), "schedules": default(16)["schedules"] * 2}
        assert "one schedule" in (await command(site, charger, "set_charging_profile", 422, profile=many))["detail"]
        refused = await command(site, charger, "get_charging_profiles", 422)
        assert "OCPP 1.6 has no get charging profiles" in refused["detail"]
        assert charger.called.empty()
    async with site.station(V201) as charger:
        refused = await command(site, charger, "clear_charging_profile", 422, purpose="PriorityCharging")
        assert "no purpose PriorityCharging" in refused["detail"]
        external = "ChargingStationExternalConstraints"
        assert "K10.FR.06" in (await command(site, charger, "clear_charging_profile", 422, purpose=external))["detail"]
        refused = await command(site, charger, "set_charging_profile", 422, profile=WHOLE, evse_id=1)
        assert refused["errors"][0]["path"] == "$.evse_id"
        assert charger.called.empty()


async def test_a_profile_that_is_not_kept_here(site: Site) -> None:
    async with site.station(V201) as charger:
        done = await command(site, charger, "set_charging_profile", profile_id=999_999)
        assert (done["state"], done["error"]["code"]) == ("Failed", "invalid")
        assert charger.called.empty()


@pytest.mark.parametrize("version", TWO, ids=lambda version: version.label)
async def test_a_transaction_s_profile_names_it_and_ends_with_it(site: Site, version: Version) -> None:
    """K01.FR.03, K01.FR.16."""
    profile = {
        "purpose": "TxProfile",
        "kind": "Relative",
        "schedules": [{"unit": "W", "periods": [{"limit": 7000}]}],
    }
    async with site.station(version) as charger:
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        done = await command(site, charger, "set_charging_profile", evse_id=1, profile=profile)
        assert done["error"]["code"] == "invalid"
        await running(charger, 1)
        done = await command(site, charger, "set_charging_profile", evse_id=1, profile=profile)
        assert done["state"] == "Accepted"
        _, payload = await called(charger)
        assert payload["chargingProfile"]["transactionId"] == "T-1"
        assert len(await installed(site, charger)) == 1
        ended = {
            "eventType": "Ended",
            "timestamp": "2026-01-01T13:00:00Z",
            "triggerReason": "EVDeparted",
            "seqNo": 1,
            "transactionInfo": {"transactionId": "T-1"},
        }
        await charger.call("TransactionEvent", ended)
        assert await installed(site, charger) == []


async def test_a_transaction_of_1_6(site: Site) -> None:
    token = await site.token()
    async with site.station(V16) as charger:
        start = {"connectorId": 1, "idTag": token, "meterStart": 0, "timestamp": "2026-01-01T12:00:00Z"}
        number = (await charger.call("StartTransaction", start))["transactionId"]
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        profile = {"purpose": "TxProfile", "kind": "Relative", "schedules": [{"unit": "A", "periods": [{"limit": 6}]}]}
        await command(site, charger, "set_charging_profile", evse_id=1, profile=profile)
        _, payload = await called(charger)
        assert payload["csChargingProfiles"]["transactionId"] == number


async def test_clearing(site: Site) -> None:
    for version in Version:
        async with site.station(version) as charger:
            charger.answers["SetChargingProfile"] = {"status": "Accepted"}
            charger.answers["ClearChargingProfile"] = {"status": "Accepted"}
            for id, evse_id, profile in ((1, 1, default(6)), (2, 2, default(6)), (3, 1, default(9, 1)), (4, 0, WHOLE)):
                profile = {**profile, "id": id}
                await command(site, charger, "set_charging_profile", evse_id=evse_id, profile=profile)
                await called(charger)
            await command(site, charger, "clear_charging_profile", profile_id=2)
            id_only = {"id": 2} if version is V16 else {"chargingProfileId": 2}
            assert await called(charger) == ("ClearChargingProfile", id_only)
            assert [one[0] for one in await installed(site, charger)] == [4, 1, 3]

            criteria: dict[str, Any] = {"evse_id": 1, "purpose": "TxDefaultProfile", "stack_level": 1}
            await command(site, charger, "clear_charging_profile", **criteria)
            _, payload = await called(charger)
            if version is V16:
                expected = {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1}
            else:
                inner = {"evseId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1}
                expected = {"chargingProfileCriteria": inner}
            assert payload == expected
            assert [one[0] for one in await installed(site, charger)] == [4, 1]

            # Unknown: the station has none of them, so neither have we.
            charger.answers["ClearChargingProfile"] = {"status": "Unknown"}
            done = await command(site, charger, "clear_charging_profile", profile_id=1)
            assert (done["state"], done["answer"]["status"]) == ("Rejected", "Unknown")
            assert [one[0] for one in await installed(site, charger)] == [4]
            await called(charger)

            charger.answers["ClearChargingProfile"] = {"status": "Accepted"}
            await command(site, charger, "clear_charging_profile")
            if version is V16:
                assert await called(charger) == ("ClearChargingProfile", {})
            else:
                purposes = [(await called(charger))[1]["chargingProfileCriteria"] for _ in range(3)]
                assert [list(one) for one in purposes] == [["chargingProfilePurpose"]] * 3
            assert await installed(site, charger) == []


def wire(id: int, level: int = 0, purpose: str = "TxDefaultProfile") -> dict[str, Any]:
    period = {"startPeriod": 0, "limit": 20.0}
    schedule = {
        "id": 1,
        "startSchedule": "2026-01-01T00:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [period],
    }
    return {
        "id": id,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule],
    }


@pytest.mark.parametrize("version", TWO, ids=lambda version: version.label)
async def test_a_report_puts_right_what_is_known(site: Site, version: Version) -> None:
    """K09: parts until one is not to be continued; what was asked for and not told is gone."""
    async with site.station(version) as charger:
        charger.answers |= {"SetChargingProfile": {"status": "Accepted"}, "GetChargingProfiles": {"status": "Accepted"}}
        for id, evse_id in ((1, 1), (2, 2)):
            await command(site, charger, "set_charging_profile", evse_id=evse_id, profile=default(6, id=id))
            await called(charger)
        asked = await command(site, charger, "get_charging_profiles", evse_id=1, purpose="TxDefaultProfile")
        assert (asked["state"], asked["outcome_state"]) == ("Accepted", "Pending")
        action, payload = await called(charger)
        request_id = payload.pop("requestId")
        assert (action, payload) == (
            "GetChargingProfiles",
            {"evseId": 1, "chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile"}},
        )
        part = {"requestId": request_id, "chargingLimitSource": "CSO", "evseId": 1}
        await charger.call("ReportChargingProfiles", {**part, "chargingProfile": [wire(7)], "tbc": True})
        path = f"/commands/{asked['id']}"
        assert (await site.rest.get(path))["outcome_state"] == "Pending"
        assert [one[0] for one in await installed(site, charger)] == [1, 7, 2]
        await charger.call("ReportChargingProfiles", {**part, "chargingProfile": [wire(8, 1)]})
        done = await site.rest.get(path)
        assert (done["outcome_state"], done["outcome"]) == ("Completed", {"profiles": 2})
        assert [one[0] for one in await installed(site, charger)] == [7, 8, 2]
        assert len(await site.events("charging_profiles.reported", charger)) == 2


async def test_a_station_without_such_profiles(site: Site) -> None:
    async with site.station(V201) as charger:
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        charger.answers["GetChargingProfiles"] = {"status": "NoProfiles"}
        await command(site, charger, "set_charging_profile", evse_id=1, profile=default(6, id=1))
        await called(charger)
        done = await command(site, charger, "get_charging_profiles")
        assert (done["state"], done["answer"]["status"], done["outcome_state"]) == ("Rejected", "NoProfiles", None)
        _, payload = await called(charger)
        assert sorted(payload["chargingProfile"]["chargingLimitSource"]) == ["CSO", "EMS", "Other", "SO"]
        assert await installed(site, charger) == []


async def test_sources_of_2_0_1_are_four(site: Site) -> None:
    async with site.station(V201) as charger:
        refused = await command(site, charger, "get_charging_profiles", 422, sources=["GRID"])
        assert "knows no source GRID" in refused["detail"]


@pytest.mark.parametrize("version", TWO, ids=lambda version: version.label)
async def test_limits_from_outside_count_until_they_are_cleared(site: Site, version: Version) -> None:
    """K12, K13."""
    schedule = {
        "id": 1,
        "startSchedule": "2026-01-01T00:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 13.0}],
    }
    limit = {"chargingLimitSource": "EMS", "isGridCritical": True}
    async with site.station(version) as charger:
        told = {"evseId": 1, "chargingLimit": limit, "chargingSchedule": [schedule]}
        assert await charger.call("NotifyChargingLimit", told) == {}
        assert await charger.call("NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "SO"}}) == {}
        at = f"/stations/{charger.identity}"
        limits = await site.rest.items(f"{at}/charging-limits")
        assert [(one["evse_id"], one["source"], one["is_grid_critical"], len(one["schedules"])) for one in limits] == [
            (0, "SO", None, 0),
            (1, "EMS", True, 1),
        ]
        made = await site.rest.get(f"{at}/evses/1/composite-schedule", duration_s=100)
        assert [(one["start_s"], one["limit"]) for one in made["periods"]] == [(0, 13.0)]
        assert await charger.call("ClearedChargingLimit", {"chargingLimitSource": "EMS", "evseId": 2}) == {}
        assert len(await site.rest.items(f"{at}/charging-limits")) == 2
        assert await charger.call("ClearedChargingLimit", {"chargingLimitSource": "EMS"}) == {}
        assert [one["source"] for one in await site.rest.items(f"{at}/charging-limits")] == ["SO"]
        made = await site.rest.get(f"{at}/evses/1/composite-schedule", duration_s=100)
        assert [one["limit"] for one in made["periods"]] == [None]
        assert len(await site.events("charging_limit.set", charger)) == 2
        assert len(await site.events("charging_limit.cleared", charger)) == 2


async def test_a_composite_schedule_beside_what_we_expect(site: Site) -> None:
    for version in Version:
        async with site.station(version) as charger:
            charger.answers["SetChargingProfile"] = {"status": "Accepted"}
            await command(site, charger, "set_charging_profile", evse_id=1, profile=default(10, id=1))
            await called(charger)
            periods = [{"startPeriod": 0, "limit": 10.0}, {"startPeriod": 60, "limit": 16.0}]
            start = "2026-01-02T00:00:00Z"
            if version is V16:
                told: dict[str, Any] = {
                    "status": "Accepted",
                    "connectorId": 1,
                    "scheduleStart": start,
                    "chargingSchedule": {
                        "duration": 300,
                        "chargingRateUnit": "A",
                        "chargingSchedulePeriod": periods,
                    },
                }
            else:
                told = {
                    "status": "Accepted",
                    "schedule": {
                        "evseId": 1,
                        "duration": 300,
                        "scheduleStart": start,
                        "chargingRateUnit": "A",
                        "chargingSchedulePeriod": periods,
                    },
                }
            charger.answers["GetCompositeSchedule"] = told
            done = await command(site, charger, "get_composite_schedule", evse_id=1, duration_s=300, unit="A")
            _, payload = await called(charger)
            evse = "connectorId" if version is V16 else "evseId"
            assert payload == {evse: 1, "duration": 300, "chargingRateUnit": "A"}
            info = done["answer"]["info"]
            assert [(one["start_s"], one["limit"]) for one in info["schedule"]["periods"]] == [(0, 10.0), (60, 16.0)]
            assert [(one["start_s"], one["limit"]) for one in info["expected"]["periods"]] == [(0, 10.0)]
            assert info["differences"] == [{"start_s": 60, "end_s": 300, "expected": 10.0, "told": 16.0}]
            charger.answers["GetCompositeSchedule"] = {"status": "Rejected"}
            done = await command(site, charger, "get_composite_schedule", evse_id=9)
            assert (done["state"], done["answer"]["info"]) == ("Rejected", {})


async def test_the_whole_station_is_the_sum_of_its_evses(site: Site) -> None:
    async with site.station(V201) as charger:
        for evse_id in (1, 2):
            status = {"timestamp": "2026-01-01T00:00:00Z", "connectorStatus": "Available"}
            await charger.call("StatusNotification", {**status, "evseId": evse_id, "connectorId": 1})
        charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        await command(site, charger, "set_charging_profile", evse_id=0, profile=default(10, id=1))
        path = f"/stations/{charger.identity}/evses/0/composite-schedule"
        assert [one["limit"] for one in (await site.rest.get(path))["periods"]] == [20.0]
        whole = {**WHOLE, "id": 2, "schedules": [{**WHOLE["schedules"][0], "periods": [{"limit": 15}]}]}
        await command(site, charger, "set_charging_profile", evse_id=0, profile=whole)
        assert [one["limit"] for one in (await site.rest.get(path))["periods"]] == [15.0]


async def test_a_station_nobody_knows(site: Site) -> None:
    for path in ("charging-profiles", "charging-limits", "evses/1/composite-schedule"):
        assert (await site.rest.ask("GET", f"/stations/NOBODY/{path}")).status == 404
