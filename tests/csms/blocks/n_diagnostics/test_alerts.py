"""Alerts from what stations tell to what operators see and decide, and values told by events."""

from __future__ import annotations

from typing import Any

import pytest
from tests.effects.site import Site, only
from tests.support.charger import Charger, Refused

from voltbridge.domain.alerts import MOST_OPEN
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

V16, V201, V21 = Version
TWO = pytest.mark.parametrize("version", [V201, V21], ids=lambda version: version.label)
T0 = "2026-02-03T04:05:00.000Z"


def event(id: int, value: str = "91", *, at: str = T0, trigger: str = "Alerting", **more: Any) -> dict[str, Any]:
    return {
        "eventId": id,
        "timestamp": at,
        "trigger": trigger,
        "actualValue": value,
        "eventNotificationType": "CustomMonitor",
        "variableMonitoringId": 12,
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "Temperature"},
        **more,
    }


async def notify(charger: Charger, *events: Any, seq_no: int = 0, tbc: bool | None = None, made: str = T0) -> None:
    told = {} if tbc is None else {"tbc": tbc}
    answer = await charger.call(
        "NotifyEvent", {"generatedAt": made, "seqNo": seq_no, "eventData": list(events), **told}
    )
    assert answer == {}


async def alerts(site: Site, charger: Charger, **query: Any) -> list[Any]:
    return await site.rest.items("/alerts", station_id=charger.identity, **query)


async def value(site: Site, charger: Charger, name: str = "Temperature") -> Any:
    found = await site.rest.items(f"/stations/{charger.identity}/variables", variable=name)
    return only(found)["value"] if found else None


@TWO
async def test_the_life_of_an_alert(site: Site, version: Version) -> None:
    """N07.FR.02, N07.FR.16: raised, told again, seen by an operator, cleared by the station."""
    async with site.station(version) as charger:
        await notify(charger, event(1, "91", techCode="T1", techInfo="hot", transactionId="tx"))
        opened = only(await alerts(site, charger))
        assert (opened["state"], opened["count"], opened["monitor_id"], opened["evse_id"]) == ("Open", 1, 12, 1)
        assert (opened["component"]["name"], opened["variable"]["name"]) == ("EVSE", "Temperature")
        assert (opened["tech_code"], opened["tech_info"], opened["transaction_id"]) == ("T1", "hot", "tx")
        assert (opened["notification_type"], opened["told_at"], opened["severity"]) == ("CustomMonitor", T0, None)
        address = f"/alerts/{opened['id']}"
        assert await site.rest.get(address) == opened
        await notify(charger, event(2, "95"))
        seen = await site.rest.post(f"{address}/acknowledge", {"note": "on my way"})
        assert (seen["state"], seen["count"], seen["value"], seen["note"]) == ("Acknowledged", 2, "95", "on my way")
        assert seen["acknowledged_at"] is not None
        assert (await site.rest.post(f"{address}/acknowledge"))["acknowledged_at"] == seen["acknowledged_at"]
        await notify(charger, event(3, "40", cleared=True))
        closed = only(await alerts(site, charger))
        assert (closed["state"], closed["closed_by"], closed["value"]) == ("Closed", "Station", "40")
        for decision in ("acknowledge", "close"):
            answer = await site.rest.ask("POST", f"{address}/{decision}")
            assert (answer.status, answer.json["type"].rpartition(":")[2]) == (409, "alert-closed")
        told = [await site.events(f"alert.{what}", charger) for what in ("opened", "acknowledged", "closed")]
        assert [len(each) for each in told] == [1, 2, 1], "repetitions make no events"
        assert told[2][0]["id"] == opened["id"]


@TWO
async def test_operators_close_alerts(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        await notify(charger, event(1))
        first = only(await alerts(site, charger))
        closed = await site.rest.post(f"/alerts/{first['id']}/close", {"note": "replaced the fan"})
        assert (closed["state"], closed["closed_by"], closed["note"]) == ("Closed", "Operator", "replaced the fan")
        await notify(charger, event(2))
        again, former = await alerts(site, charger)
        assert (former["id"], again["state"], again["count"]) == (first["id"], "Open", 1)
        assert [one["id"] for one in await alerts(site, charger, state="Closed")] == [first["id"]]
        assert [one["id"] for one in await alerts(site, charger, state="Open")] == [again["id"]]


@TWO
async def test_each_monitor_has_an_alert_of_its_own(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        other: dict[str, Any] = {"component": {"name": "EVSE", "evse": {"id": 2}}}
        unmonitored = event(4, eventNotificationType="HardWiredNotification")
        del unmonitored["variableMonitoringId"]
        await notify(charger, event(1), event(2, variableMonitoringId=13), event(3, **other), unmonitored)
        found = await alerts(site, charger)
        assert sorted((one["evse_id"], one["monitor_id"] or 0) for one in found) == [(1, 0), (1, 12), (1, 13), (2, 12)]
        await notify(charger, event(5, cleared=True))
        still = [one for one in await alerts(site, charger) if one["state"] == "Open"]
        assert sorted((one["evse_id"], one["monitor_id"] or 0) for one in still) == [(1, 0), (1, 13), (2, 12)]


@TWO
async def test_how_severe_it_is(site: Site, version: Version) -> None:
    """From the monitor, and in 2.1 from the event itself (N07.FR.20)."""
    async with site.station(version) as charger:
        charger.answers["SetVariableMonitoring"] = {
            "setMonitoringResult": [
                {
                    "id": 12,
                    "status": "Accepted",
                    "type": "UpperThreshold",
                    "severity": 3,
                    "component": {"name": "EVSE", "evse": {"id": 1}},
                    "variable": {"name": "Temperature"},
                }
            ]
        }
        wanted = {
            "component": {"name": "EVSE", "evse_id": 1},
            "variable": {"name": "Temperature"},
            "type": "UpperThreshold",
            "value": 60,
            "severity": 3,
        }
        await site.rest.post(f"/stations/{charger.identity}/monitors", {"monitors": [wanted]})
        await notify(charger, event(1))
        assert only(await alerts(site, charger))["severity"] == 3
        if version is V21:
            await notify(charger, event(2, severity=1))
            assert only(await alerts(site, charger))["severity"] == 1
        assert len(await alerts(site, charger, severity=3)) == 1
        assert await alerts(site, charger, severity=0) == []


@TWO
async def test_changes_and_readings_are_values_and_no_alerts(site: Site, version: Version) -> None:
    """N07.FR.18, N08.FR.05: Delta and Periodic; the last of several in one message counts, by its time."""
    async with site.station(version) as charger:
        await notify(charger, event(1, "20", trigger="Delta"))
        assert await value(site, charger) == "20"
        later = event(3, "23", trigger="Periodic", at="2026-02-03T04:15:00Z")
        await notify(charger, later, event(2, "22", trigger="Periodic", at="2026-02-03T04:10:00Z"))
        assert await value(site, charger) == "23"
        assert await alerts(site, charger) == []
        assert len(await site.events("station.event", charger)) == 2


@TWO
async def test_a_value_that_cannot_be_read_changes_nothing(site: Site, version: Version) -> None:
    """N07.FR.10."""
    async with site.station(version) as charger:
        await notify(charger, event(1, "20", trigger="Delta"))
        await notify(charger, event(2, "", trigger="Delta"), event(3, "", variable={"name": "WriteOnly"}))
        assert await value(site, charger) == "20"
        assert await value(site, charger, "WriteOnly") is None
        assert only(await alerts(site, charger))["value"] == ""


@TWO
async def test_secrets_are_not_kept(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        where: dict[str, Any] = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
        await notify(charger, event(1, "sesame-sesame-sesame", **where))
        assert only(await alerts(site, charger))["value"] is None
        for path in (f"/stations/{charger.identity}/variables", f"/stations/{charger.identity}/messages"):
            assert "sesame" not in str(await site.rest.items(path))
        assert "sesame" not in str(await site.rest.items("/events", station_id=charger.identity))


@TWO
async def test_a_message_sent_again_makes_no_second_alert(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        for _ in range(3):
            await notify(charger, event(1))
        assert only(await alerts(site, charger))["count"] == 1
        await notify(charger, event(2, cleared=True, at="2026-02-03T04:06:00Z"))
        await notify(charger, event(1))
        assert only(await alerts(site, charger))["state"] == "Closed"


@TWO
async def test_causes(site: Site, version: Version) -> None:
    """N07.FR.05: known before, in the same message, and told only afterwards."""
    async with site.station(version) as charger:

        def caused(id: int, cause: int) -> dict[str, Any]:
            return event(id, cause=cause, variableMonitoringId=id)

        await notify(charger, event(1, variableMonitoringId=1))
        await notify(charger, caused(2, 1), caused(3, 2))
        await notify(charger, caused(4, 5))
        found = {one["monitor_id"]: one for one in await alerts(site, charger)}
        assert found[2]["cause_alert_id"] == found[1]["id"]
        assert found[3]["cause_alert_id"] == found[2]["id"]
        assert (found[4]["cause_event_id"], found[4]["cause_alert_id"]) == (5, None)
        await notify(charger, event(5, variableMonitoringId=5))
        found = {one["monitor_id"]: one for one in await alerts(site, charger)}
        assert found[4]["cause_alert_id"] == found[5]["id"]


@TWO
async def test_parts_that_never_come_are_told(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        await notify(charger, event(1, "1", trigger="Delta"), tbc=True)
        await notify(charger, event(3, "3", trigger="Delta"), seq_no=2)
        await notify(charger, event(2, "2", trigger="Delta"), seq_no=1, tbc=True)
        await notify(charger, event(4, "4", trigger="Delta"), tbc=True, made="2026-02-03T05:00:00Z")
        assert await site.events("station.event_parts_missing", charger) == [], "late is not missing"
        await notify(charger, event(6, "6", trigger="Delta"), seq_no=2, made="2026-02-03T05:00:00Z")
        await notify(charger, event(7, "7", trigger="Delta"), made="2026-02-03T06:00:00Z")
        missing = only(await site.events("station.event_parts_missing", charger))
        assert (missing["parts"], missing["missing_parts"], missing["last_seq_no"]) == ("0,2", [1], 2)
        assert missing["generated_at"] == "2026-02-03T05:00:00.000Z"
        assert await value(site, charger) == "7"


@TWO
async def test_a_station_that_chatters_fills_nothing(site: Site, version: Version) -> None:
    """Beyond a number of alerts that are not closed, further ones are counted in one."""
    async with site.station(version) as charger:
        many = [event(id, variableMonitoringId=id) for id in range(MOST_OPEN + 30)]
        for start in range(0, len(many), 50):
            await notify(charger, *many[start : start + 50])
        found = await alerts(site, charger)
        assert len(found) == MOST_OPEN + 1
        rest = only([one for one in found if one["monitor_id"] is None])
        assert (rest["count"], rest["state"]) == (30, "Open")
        assert str(MOST_OPEN) in rest["tech_info"]
        for _ in range(20):
            await notify(charger, event(0, variableMonitoringId=0, at="2026-02-03T07:00:00Z"))
        assert len(await alerts(site, charger)) == MOST_OPEN + 1


@TWO
async def test_what_no_row_can_hold_is_refused_and_half_of_it_not_kept(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        for wrong in (
            event(2**70),
            event(1, variableMonitoringId=2**70),
            event(1, cause=2**70),
            event(1, "a\0b"),
            event(1, variable={"name": "A\0B"}),
            event(1, component={"name": "EVSE", "evse": {"id": 2**70}}),
        ):
            with pytest.raises(Refused) as refused:
                await notify(charger, event(9), wrong)
            assert refused.value.code in ("PropertyConstraintViolation", "FormatViolation", "TypeConstraintViolation")
        assert await alerts(site, charger) == []
        assert await value(site, charger) is None
        assert await site.events("station.event", charger) == []


async def status(charger: Charger, error: str = "NoError", connector: int = 1, **more: Any) -> None:
    said = {"connectorId": connector, "errorCode": error, "status": "Available" if error == "NoError" else "Faulted"}
    await charger.call("StatusNotification", {**said, **more})


async def test_errors_of_1_6_are_alerts(site: Site) -> None:
    """4.9: opened by an error code, closed by NoError; each connector by itself."""
    async with site.station(V16) as charger:
        await status(charger)
        assert await alerts(site, charger) == []
        await status(charger, "GroundFailure", info="RCD", vendorId="com.acme", vendorErrorCode="E7")
        await status(charger, "GroundFailure", info="RCD", vendorId="com.acme", vendorErrorCode="E7")
        await status(charger, "WeakSignal", status="Charging")
        await status(charger, "HighTemperature", connector=2)
        found = {one["error_code"]: one for one in await alerts(site, charger)}
        assert {code: (one["evse_id"], one["count"]) for code, one in found.items()} == {
            "GroundFailure": (1, 2),
            "WeakSignal": (1, 1),
            "HighTemperature": (2, 1),
        }
        ground = found["GroundFailure"]
        assert (ground["vendor_id"], ground["vendor_error_code"], ground["tech_info"]) == ("com.acme", "E7", "RCD")
        assert (ground["connector_id"], ground["severity"], found["WeakSignal"]["severity"]) == (1, 4, 6)
        assert ground["component"] is None
        await status(charger)
        states = {one["error_code"]: one["state"] for one in await alerts(site, charger)}
        assert states == {"GroundFailure": "Closed", "WeakSignal": "Closed", "HighTemperature": "Open"}
        await status(charger, connector=2)
        assert {one["closed_by"] for one in await alerts(site, charger)} == {"Station"}
        assert len(await site.events("alert.closed", charger)) == 3


async def test_an_error_of_1_6_is_over_after_a_restart_of_the_connection_too(site: Site) -> None:
    async with site.station(V16) as charger:
        await status(charger, "GroundFailure")
        again = Charger(site.ocpp_port, charger.identity, V16)
    async with again:
        await status(again)
        assert only(await alerts(site, again))["state"] == "Closed"


async def test_the_list_of_alerts(site: Site) -> None:
    async with site.station(V201) as charger, site.station(V201) as other:
        await notify(charger, *(event(id, variableMonitoringId=id) for id in range(5)))
        await notify(other, event(1))
        path = "/alerts"
        first = await site.rest.get(path, station_id=charger.identity, limit=3)
        rest = await site.rest.get(path, station_id=charger.identity, limit=3, cursor=first["next"])
        ids = [int(one["id"]) for one in (*first["items"], *rest["items"])]
        assert ids == sorted(ids, reverse=True) and len(ids) == 5
        assert {one["station_id"] for one in await site.rest.items(path)} >= {charger.identity, other.identity}
        for query, code in (({"cursor": "nonsense"}, 422), ({"state": "Ajar"}, 400), ({"severity": 10}, 400)):
            assert (await site.rest.ask("GET", path, **query)).status == code
        for address in ("/alerts/1", "/alerts/99999999999999999999"):
            assert (await site.rest.ask("GET", address)).status in (400, 404)
        assert (await site.rest.ask("POST", "/alerts/1/close")).status == 404
        one = first["items"][0]["id"]
        assert (await site.rest.ask("POST", f"/alerts/{one}/close", {"colour": "red"})).status == 400


async def test_a_deleted_station_leaves_no_alerts(site: Site) -> None:
    async with site.station(V201) as charger:
        await notify(charger, event(1))
    await site.rest.send("DELETE", f"/stations/{charger.identity}")
    assert await alerts(site, charger) == []


def reported(version: Version, *ids: int, request_id: int = 5, type: str = "UpperThreshold") -> dict[str, Any]:
    """A whole report: a monitor of the temperature for each number, each less severe than the one before."""
    told = {"eventNotificationType": "CustomMonitor"} if version is V21 else {}
    monitoring = [
        {"id": id, "transaction": False, "value": 60, "type": type, "severity": severity, **told}
        for severity, id in enumerate(ids)
    ]
    where = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Temperature"}}
    return {
        "requestId": request_id,
        "generatedAt": T0,
        "seqNo": 0,
        "monitor": [{**where, "variableMonitoring": monitoring}],
    }


@TWO
async def test_an_alert_goes_with_its_monitor(site: Site, version: Version) -> None:
    """N07.FR.12: a monitor that was cleared tells nothing more."""
    async with site.station(version) as charger:
        await notify(charger, event(1), event(2, variableMonitoringId=13))
        charger.answers["ClearVariableMonitoring"] = {"clearMonitoringResult": [{"id": 12, "status": "Rejected"}]}
        await site.rest.send("DELETE", f"/stations/{charger.identity}/monitors/12")
        assert len(await alerts(site, charger, state="Open")) == 2
        charger.answers["ClearVariableMonitoring"] = {"clearMonitoringResult": [{"id": 12, "status": "Accepted"}]}
        await site.rest.send("DELETE", f"/stations/{charger.identity}/monitors/12")
        assert only(await alerts(site, charger, state="Open"))["monitor_id"] == 13
        closed = only(await alerts(site, charger, state="Closed"))
        assert (closed["monitor_id"], closed["closed_by"]) == (12, "MonitorGone")
        assert only(await site.events("alert.closed", charger))["closed_by"] == "MonitorGone"


@TWO
async def test_an_alert_follows_its_monitor_to_another_number(site: Site, version: Version) -> None:
    """N04.FR.19: numbers may change with a boot; a variable has one monitor of a type and a severity (N04.FR.10)."""
    async with site.station(version) as charger:
        charger.answers["GetMonitoringReport"] = {"status": "Accepted"}
        await charger.call("NotifyMonitoringReport", reported(version, 12, 13, 14))
        await notify(charger, *(event(id, variableMonitoringId=id) for id in (12, 13, 14)))
        asked = await site.rest.post(f"/stations/{charger.identity}/commands/get_monitoring_report", {})
        _, _, _, request = await charger.called.get()
        assert asked["state"] == "Accepted"
        await notify(charger, event(20, variableMonitoringId=22))
        told = reported(version, 21, 22, request_id=request["requestId"])
        await charger.call("NotifyMonitoringReport", told)
        found = {one["monitor_id"]: (one["state"], one["closed_by"]) for one in await alerts(site, charger)}
        assert found == {
            21: ("Open", None),
            13: ("Closed", "MonitorGone"),  # raised again under its new number before the report told it
            22: ("Open", None),
            14: ("Closed", "MonitorGone"),
        }
        await notify(charger, event(30, cleared=True, variableMonitoringId=21))
        assert [one["monitor_id"] for one in await alerts(site, charger, state="Open")] == [22]


@TWO
async def test_another_base_takes_alerts_along(site: Site, version: Version) -> None:
    """N03.FR.04."""
    async with site.station(version) as charger:
        charger.answers["SetVariableMonitoring"] = {
            "setMonitoringResult": [
                {
                    "id": 12,
                    "status": "Accepted",
                    "type": "Delta",
                    "severity": 3,
                    "component": {"name": "EVSE", "evse": {"id": 1}},
                    "variable": {"name": "Temperature"},
                }
            ]
        }
        wanted = {"component": {"name": "EVSE", "evse_id": 1}, "variable": {"name": "Temperature"}}
        body = {"monitors": [{**wanted, "type": "Delta", "severity": 3}]}
        await site.rest.post(f"/stations/{charger.identity}/monitors", body)
        await notify(charger, event(1), event(2, variableMonitoringId=13))
        charger.answers["SetMonitoringBase"] = {"status": "Accepted"}
        await site.rest.post(f"/stations/{charger.identity}/commands/set_monitoring_base", {"base": "FactoryDefault"})
        assert only(await alerts(site, charger, state="Open"))["monitor_id"] == 13


@TWO
async def test_events_of_one_message_count_in_the_order_of_their_times(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        cleared = event(2, "40", cleared=True, at="2026-02-03T04:10:00Z")
        await notify(charger, cleared, event(1, "91", at="2026-02-03T04:05:00Z"))
        assert only(await alerts(site, charger))["state"] == "Closed"
        assert await value(site, charger) == "40"
