"""Sites over the API, with stations that take limits, refuse them, and get lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.effects.site import Site, opened
from tests.support.charger import Charger

from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

V16, V201, V21 = Version
_NAMES = count(1)


def fuse(id: str, amperes: float, **more: Any) -> dict[str, Any]:
    return {"id": id, "limit_a": [amperes] * 3, **more}


def body(*chargers: Charger, limit_a: float = 32, fail_safe_a: float = 6, **more: Any) -> dict[str, Any]:
    outlets = [
        {"station_id": one.identity, "evse_id": 1, "fuse_id": "main", "max_a": 32, "fail_safe_a": fail_safe_a}
        for one in chargers
    ]
    return {"fuses": [fuse("main", limit_a)], "outlets": outlets, **more}


@asynccontextmanager
async def managed(server: Site, content: dict[str, Any]) -> AsyncIterator[str]:
    path = f"/sites/site-{next(_NAMES)}"
    assert (await server.rest.ask("PUT", path, content)).status == 201
    yield path
    await server.rest.send("DELETE", path)


async def begin(charger: Charger, server: Site) -> None:
    """A transaction begins at EVSE 1."""
    if charger.version is V16:
        start = {"connectorId": 1, "idTag": await server.token(), "meterStart": 0, "timestamp": "2026-01-01T12:00:00Z"}
        await charger.call("StartTransaction", start)
    else:
        await _event(charger, "Started", 0)


async def _event(charger: Charger, type: str, number: int) -> None:
    event = {
        "eventType": type,
        "timestamp": f"2026-01-01T12:00:0{number}Z",
        "triggerReason": "CablePluggedIn",
        "seqNo": number,
        "transactionInfo": {"transactionId": f"T-{charger.identity}"},
        "evse": {"id": 1, "connectorId": 1},
    }
    await charger.call("TransactionEvent", event)


async def taken(charger: Charger) -> tuple[str, float]:
    """The purpose and limit of the next profile that comes."""
    async with asyncio.timeout(30):
        _, _, action, payload = await charger.called.get()
    assert action == "SetChargingProfile"
    if charger.version is V16:
        profile = payload["csChargingProfiles"]
        schedule = profile["chargingSchedule"]
    else:
        profile = payload["chargingProfile"]
        (schedule,) = profile["chargingSchedule"]
    return profile["chargingProfilePurpose"], schedule["chargingSchedulePeriod"][0]["limit"]


async def settled(server: Site, path: str, right: Callable[[Any], bool], *, shrunk: bool = False) -> Any:
    """The load once it is as it should be; no fuse is exceeded on the way, unless it was made smaller (``shrunk``)."""
    async with asyncio.timeout(30):
        while not right(load := await server.rest.get(f"{path}/load")):
            if not shrunk and all(one["guarded"] for one in load["outlets"]):
                assert all(one["charging_a"][0] <= one["limit_a"][0] for one in load["fuses"])
            await asyncio.sleep(0.01)
    return load


def limits(load: Any) -> list[float]:
    return [one["limit_a"] for one in load["outlets"]]


@pytest.mark.parametrize("version", Version, ids=lambda version: version.label)
async def test_two_share_what_one_had_alone(server: Site, version: Version) -> None:
    async with server.station(version) as one, server.station(version) as two:
        for charger in (one, two):
            charger.answers["SetChargingProfile"] = {"status": "Accepted"}
        async with managed(server, body(one, two)) as path:
            # The fail-safe limit comes first, for whoever begins.
            assert await taken(one) == ("TxDefaultProfile", 6.0)
            assert await taken(two) == ("TxDefaultProfile", 6.0)
            await settled(server, path, lambda load: limits(load) == [6.0, 6.0])
            await begin(one, server)
            assert await taken(one) == ("TxProfile", 26.0)
            await settled(server, path, lambda load: limits(load) == [26.0, 6.0])
            await begin(two, server)
            assert await taken(one) == ("TxProfile", 16.0)
            assert await taken(two) == ("TxProfile", 16.0)
            load = await settled(server, path, lambda load: limits(load) == [16.0, 16.0])
            assert load["fuses"][0]["charging_a"] == [32.0, 32.0, 32.0]
            told = await server.events("site.limit_set", one)
            assert (told[0]["limit_a"], told[0]["former_limit_a"]) == (16.0, 26.0)


async def test_a_meter_takes_away_at_once(server: Site) -> None:
    async with server.station(V201) as one:
        one.answers["SetChargingProfile"] = {"status": "Accepted"}
        async with managed(server, body(one)) as path:
            await taken(one)
            await begin(one, server)
            assert await taken(one) == ("TxProfile", 32.0)
            await server.rest.post(f"{path}/meters", {"fuse_id": "main", "other_a": [20, 5, 5]})
            assert await taken(one) == ("TxProfile", 12.0)
            load = await settled(server, path, lambda load: limits(load) == [12.0])
            assert (load["fuses"][0]["other_a"], load["fuses"][0]["metered"]) == ([20.0, 5.0, 5.0], True)
            # Less than a vehicle can use is a pause.
            await server.rest.post(f"{path}/meters", {"fuse_id": "main", "other_a": [30, 5, 5]})
            assert await taken(one) == ("TxProfile", 0.0)


async def test_an_end_gives_back_and_a_lost_station_keeps_what_it_had(server: Site) -> None:
    async with server.station(V201) as two:
        two.answers["SetChargingProfile"] = {"status": "Accepted"}
        async with server.station(V201) as one:
            one.answers["SetChargingProfile"] = {"status": "Accepted"}
            content = body(one, two)
            path = f"/sites/site-{next(_NAMES)}"
            await server.rest.send("PUT", path, content)
            await taken(one)
            await taken(two)
            await begin(one, server)
            await begin(two, server)
            await settled(server, path, lambda load: limits(load) == [16.0, 16.0])
        # One is gone and may draw its 16 A until the lease is over.
        load = await settled(server, path, lambda load: not load["outlets"][0]["reachable"])
        assert limits(load) == [16.0, 16.0]
        await _event(two, "Ended", 1)
        await settled(server, path, lambda load: limits(load) == [16.0, 6.0])
        await server.rest.send("DELETE", path)


async def test_a_station_that_refuses_is_told_and_counted_as_it_is(server: Site) -> None:
    async with server.station(V201) as one:
        one.answers["SetChargingProfile"] = {"status": "Rejected"}
        async with managed(server, body(one)) as path:
            await taken(one)
            await server.rest.event("site.limit_failed", one.identity)
            load = await server.rest.get(f"{path}/load")
            assert (load["outlets"][0]["guarded"], limits(load)) == (False, [32.0])


async def test_direct_current_goes_out_in_watts(server: Site) -> None:
    async with server.station(V201) as one:
        one.answers["SetChargingProfile"] = {"status": "Accepted"}
        content = body(one, limit_a=200, fail_safe_a=0)
        content["fuses"].append(fuse("module", 150, parent_id="main"))
        content["outlets"][0] |= {"fuse_id": "module", "max_a": 300, "is_dc": True}
        async with managed(server, content):
            assert await taken(one) == ("TxDefaultProfile", 0.0)
            await begin(one, server)
            assert await taken(one) == ("TxProfile", 103_500.0)


async def test_sites_live_and_survive(tmp_path: Path) -> None:
    async with opened(tmp_path) as server, server.station(V201) as one:
        one.answers["SetChargingProfile"] = {"status": "Accepted"}
        content = body(one, policy="priority")
        made = await server.rest.send("PUT", "/sites/depot", content)
        assert await server.rest.get("/sites/depot") == made
        assert await server.rest.items("/sites") == [made]
        assert (made["policy"], made["outlets"][0]["fail_safe_a"], made["lease_s"]) == ("priority", 6.0, 900)
        await taken(one)
        await begin(one, server)
        assert await taken(one) == ("TxProfile", 32.0)
        await settled(server, "/sites/depot", lambda load: limits(load) == [32.0])
        changed = await server.rest.ask("PUT", "/sites/depot", body(one, limit_a=20))
        assert changed.status == 200
        assert await taken(one) == ("TxProfile", 20.0)
        await settled(server, "/sites/depot", lambda load: limits(load) == [20.0], shrunk=True)
    async with opened(tmp_path) as server:
        # The station is away; what it took before holds until its lease is over.
        load = await server.rest.get("/sites/depot/load")
        assert limits(load) == [20.0]
        assert load["outlets"][0]["guarded"]
        await server.rest.send("DELETE", "/sites/depot")
        assert (await server.rest.ask("GET", "/sites/depot")).status == 404
        assert await server.rest.items("/sites") == []


async def test_what_is_wrong_with_a_site_is_said(server: Site) -> None:
    async with server.station(V201) as one, server.station(V201) as two:
        one.answers["SetChargingProfile"] = {"status": "Accepted"}
        answer = await server.rest.ask("PUT", "/sites/bad", body(one, two, limit_a=10))
        assert (answer.status, answer.json["errors"][0]["path"]) == (422, "$.outlets")
        async with managed(server, body(one)) as path:
            answer = await server.rest.ask("PUT", "/sites/bad", body(one))
            assert answer.status == 422
            assert "belongs to site" in answer.json["detail"]
            unknown = {"fuse_id": "other", "other_a": [0, 0, 0]}
            assert (await server.rest.ask("POST", f"{path}/meters", unknown)).status == 404
        for method, path in (("GET", "/sites/none/load"), ("DELETE", "/sites/none"), ("GET", "/sites/none")):
            assert (await server.rest.ask(method, path)).status == 404
