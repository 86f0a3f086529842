"""Monitors from the operator's doors to the wire, and the registry of those that stations have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.effects.site import Site, only
from tests.support.charger import Charger, Refused

from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

V16, V201, V21 = Version
TWO = pytest.mark.parametrize("version", [V201, V21], ids=lambda version: version.label)
NOW = "2026-02-03T04:05:06.789Z"
WATCHED: dict[str, Any] = {"component": {"name": "EVSE", "evse_id": 1}, "variable": {"name": "Temperature"}}
ON_WIRE: dict[str, Any] = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Temperature"}}
UPPER = {**WATCHED, "type": "UpperThreshold", "value": 60, "severity": 4}


async def command(site: Site, charger: Charger, name: str, status: int = 200, **parameters: Any) -> Any:
    answer = await site.rest.ask("POST", f"/stations/{charger.identity}/commands/{name}", parameters)
    assert answer.status == status, answer
    return answer.json


async def called(charger: Charger) -> tuple[str, Any]:
    async with asyncio.timeout(30):
        _, _, action, payload = await charger.called.get()
    return action, payload


class Station:
    """Answers as a station with limits and monitors does, from what it is asked."""

    def __init__(self, charger: Charger, *, limits: dict[str, str] | None = None) -> None:
        self.charger = charger
        self.limits = limits or {}
        self.asked: list[tuple[str, Any]] = []
        self.answer: Callable[[str, Any], Any] = self.usual
        self._next = 100
        self.monitors: dict[int, Any] = {}

    def usual(self, action: str, payload: Any) -> Any:
        match action:
            case "GetVariables":
                return {"getVariableResult": [self._value(one) for one in payload["getVariableData"]]}
            case "SetVariableMonitoring":
                return {"setMonitoringResult": [self._set(one) for one in payload["setMonitoringData"]]}
            case "ClearVariableMonitoring":
                return {"clearMonitoringResult": [self._clear(one) for one in payload["id"]]}
        raise AssertionError(action)

    def _value(self, one: Any) -> Any:
        named = {"component": one["component"], "variable": one["variable"]}
        value = self.limits.get(f"{one['variable']['name']}.{one['variable']['instance']}")
        if value is None:
            return {**named, "attributeStatus": "UnknownVariable"}
        return {**named, "attributeStatus": "Accepted", "attributeValue": value}

    def _set(self, one: Any) -> Any:
        self._next += 1
        id = one.get("id", self._next)
        self.monitors[id] = one
        shown = {name: one[name] for name in ("type", "severity", "component", "variable")}
        return {**shown, "id": id, "status": "Accepted"}

    def _clear(self, id: int) -> Any:
        known = self.monitors.pop(id, None)
        return {"id": id, "status": "NotFound" if known is None else "Accepted"}

    async def serve(self) -> None:
        while True:
            _, unique_id, action, payload = await self.charger.called.get()
            self.asked.append((action, payload))
            answer = self.answer(action, payload)
            if isinstance(answer, str):
                await self.charger.send([4, unique_id, answer, "", {}])
            elif answer is not None:
                await self.charger.send([3, unique_id, answer])

    def sizes(self, action: str, items: str) -> list[int]:
        return [len(payload[items]) for name, payload in self.asked if name == action]

    async def __aenter__(self) -> Station:
        self._task = asyncio.create_task(self.serve())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


async def monitors(site: Site, charger: Charger, **query: Any) -> list[Any]:
    return await site.rest.items(f"/stations/{charger.identity}/monitors", **query)


def reported(id: int, version: Version, type: str = "Delta", **more: Any) -> dict[str, Any]:
    told = {"id": id, "transaction": False, "value": 1, "type": type, "severity": 5}
    return {**told, **({"eventNotificationType": "PreconfiguredMonitor"} if version is V21 else {}), **more}


def part(request_id: int, seq_no: int, *told: dict[str, Any], tbc: bool = False, on: Any = ON_WIRE) -> dict[str, Any]:
    content = {"monitor": [{**on, "variableMonitoring": list(told)}]} if told else {}
    return {"requestId": request_id, "generatedAt": NOW, "seqNo": seq_no, "tbc": tbc, **content}


class TestSetting:
    @TWO
    async def test_a_monitor_lives(self, site: Site, version: Version) -> None:
        """Set by a command, listed, replaced, cleared: by REST as by commands (N04.FR.08, N04.FR.12, N06.FR.01)."""
        async with site.station(version) as charger, Station(charger) as station:
            done = await command(site, charger, "set_variable_monitoring", monitors=[UPPER])
            assert done["state"] == "Accepted"
            result = only(done["answer"]["info"]["results"])
            assert (result["id"], result["status"], result["type"]) == (101, "Accepted", "UpperThreshold")
            sent = only(station.asked[0][1]["setMonitoringData"])
            assert sent == {**ON_WIRE, "type": "UpperThreshold", "value": 60, "severity": 4}
            listed = only(await monitors(site, charger))
            assert (listed["id"], listed["value"], listed["notification_type"]) == (101, 60, "CustomMonitor")
            assert (listed["component"]["evse_id"], listed["variable"]["name"]) == (1, "Temperature")

            address = f"/stations/{charger.identity}/monitors/101"
            replaced = await site.rest.send("PUT", address, {"type": "Periodic", "value": 30, "severity": 2})
            assert (replaced["status"], replaced["id"]) == ("Accepted", 101)
            assert only(station.asked[-1][1]["setMonitoringData"])["id"] == 101
            shown = await site.rest.get(address)
            assert (shown["type"], shown["interval_s"], shown["severity"]) == ("Periodic", 30, 2)

            assert (await site.rest.send("DELETE", address))["status"] == "Accepted"
            assert await monitors(site, charger) == []
            assert (await site.rest.ask("GET", address)).status == 404
            assert station.monitors == {}

    @TWO
    async def test_each_monitor_has_a_result(self, site: Site, version: Version) -> None:
        """In the order given, whatever the order of the answer; what was not accepted is not listed."""
        wanted = [{**UPPER, "severity": severity} for severity in range(5)]
        statuses = ["Accepted", "Duplicate", "UnknownVariable", "Rejected"]

        def answer(action: str, payload: Any) -> Any:
            if action == "GetVariables":
                return {"getVariableResult": [station._value(one) for one in payload["getVariableData"]]}
            results = []
            for one, status in zip(payload["setMonitoringData"], statuses, strict=False):
                shown = {name: one[name] for name in ("type", "severity", "component", "variable")}
                info = {"statusInfo": {"reasonCode": "Because", "additionalInfo": "x"}} if status == "Rejected" else {}
                results.append({**shown, "status": status, **({"id": 7} if status == "Accepted" else {}), **info})
            return {"setMonitoringResult": results[::-1]}

        async with site.station(version) as charger, Station(charger) as station:
            station.answer = answer
            done = await command(site, charger, "set_variable_monitoring", monitors=wanted)
            assert (done["state"], done["answer"]["status"]) == ("Rejected", "Duplicate")
            assert done["answer"]["reason"] == "4 of 5 were not accepted"
            results = done["answer"]["info"]["results"]
            assert [one["status"] for one in results] == [*statuses, "NotAnswered"]
            assert [one["severity"] for one in results] == [0, 1, 2, 3, 4]
            assert results[3]["reason"] == "Because: x"
            assert [one["severity"] for one in await monitors(site, charger)] == [0]

    @TWO
    async def test_no_message_exceeds_what_the_station_takes(self, site: Site, version: Version) -> None:
        """N04.FR.09, N06.FR.04: it tells its limits when asked, once."""
        limits = {"ItemsPerMessage.SetVariableMonitoring": "2", "ItemsPerMessage.ClearVariableMonitoring": "3"}
        wanted = [{**UPPER, "severity": severity} for severity in range(5)]
        async with site.station(version) as charger, Station(charger, limits=limits) as station:
            done = await command(site, charger, "set_variable_monitoring", monitors=wanted)
            ids = [one["id"] for one in done["answer"]["info"]["results"]]
            assert station.sizes("SetVariableMonitoring", "setMonitoringData") == [2, 2, 1]
            done = await command(site, charger, "clear_variable_monitoring", ids=[*ids, *ids, 999])
            assert station.sizes("ClearVariableMonitoring", "id") == [3, 3]
            assert [one["status"] for one in done["answer"]["info"]["results"]] == ["Accepted"] * 5 + ["NotFound"]
            asked = station.sizes("GetVariables", "getVariableData")
            await command(site, charger, "clear_variable_monitoring", ids=ids)
            assert station.sizes("GetVariables", "getVariableData") == asked
            component = {one["component"]["name"] for one in station.asked[0][1]["getVariableData"]}
            assert component == {"MonitoringCtrlr"}

    async def test_a_duplicate_is_told_with_the_number_to_replace(self, site: Site) -> None:
        """N04.FR.10, N04.FR.12."""
        async with site.station(V201) as charger, Station(charger) as station:
            await command(site, charger, "set_variable_monitoring", monitors=[UPPER])

            def answer(action: str, payload: Any) -> Any:
                results = station.usual(action, payload)["setMonitoringResult"]
                return {"setMonitoringResult": [{**one, "status": "Duplicate"} for one in results]}

            station.answer = answer
            done = await command(site, charger, "set_variable_monitoring", monitors=[{**UPPER, "value": 80}])
            assert "monitor 101" in only(done["answer"]["info"]["results"])["reason"]
            done = await command(site, charger, "set_variable_monitoring", monitors=[{**UPPER, "severity": 5}])
            assert only(done["answer"]["info"]["results"])["reason"] is None
            assert only(await monitors(site, charger))["value"] == 60

    async def test_bytes_count_too(self, site: Site) -> None:
        limits = {
            "ItemsPerMessage.SetVariableMonitoring": "100",
            "BytesPerMessage.SetVariableMonitoring": "600",
        }
        wanted = [{**UPPER, "severity": severity} for severity in range(9)]
        async with site.station(V201) as charger, Station(charger, limits=limits) as station:
            await command(site, charger, "set_variable_monitoring", monitors=wanted)
            sizes = station.sizes("SetVariableMonitoring", "setMonitoringData")
            assert sum(sizes) == 9 and len(sizes) > 1 and max(sizes) > 1

    @TWO
    async def test_a_message_that_fails_leaves_the_others(self, site: Site, version: Version) -> None:
        limits = {"ItemsPerMessage.SetVariableMonitoring": "1"}
        wanted = [{**UPPER, "severity": severity} for severity in range(2)]
        async with site.station(version) as charger, Station(charger, limits=limits) as station:

            def answer(action: str, payload: Any) -> Any:
                if action == "SetVariableMonitoring" and payload["setMonitoringData"][0]["severity"] == 0:
                    return "InternalError"
                return station.usual(action, payload)

            station.answer = answer
            done = await command(site, charger, "set_variable_monitoring", monitors=wanted)
            results = done["answer"]["info"]["results"]
            assert [one["status"] for one in results] == ["NotAnswered", "Accepted"]
            assert "InternalError" in results[0]["reason"]
            station.answer = lambda action, payload: "InternalError"
            done = await command(site, charger, "set_variable_monitoring", monitors=[UPPER])
            assert (done["state"], done["error"]["code"]) == ("Failed", "InternalError")

    @pytest.mark.parametrize(
        ("change", "status", "where"),
        [
            ({"value": None}, 422, "monitors[0].value"),
            ({"type": "Delta", "value": -1}, 422, "monitors[0].value"),
            ({"type": "PeriodicClockAligned", "value": 0.5}, 422, "monitors[0].value"),
            ({"type": "Sometimes"}, 400, "monitors[0].type"),
            ({"severity": 10}, 400, "monitors[0].severity"),
            ({"severity": None}, 400, "monitors[0].severity"),
            ({"component": {"name": ""}}, 400, "monitors[0].component.name"),
            ({"colour": "red"}, 400, "monitors[0]"),
        ],
    )
    async def test_what_no_station_can_take_is_not_sent(
        self, site: Site, change: dict[str, Any], status: int, where: str
    ) -> None:
        async with site.station(V201) as charger:
            path = f"/stations/{charger.identity}"
            body = {"monitors": [{**UPPER, **change}]}
            for address in (f"{path}/commands/set_variable_monitoring", f"{path}/monitors"):
                answer = await site.rest.ask("POST", address, body)
                assert (answer.status, answer.content_type) == (status, "application/problem+json"), answer
                assert where in str(answer.json), answer
            assert charger.called.empty()

    async def test_types_of_2_1_are_no_types_of_2_0_1(self, site: Site) -> None:
        wanted = {**UPPER, "type": "TargetDelta"}
        async with site.station(V201) as charger:
            answer = await command(site, charger, "set_variable_monitoring", 422, monitors=[UPPER, wanted])
            assert "TargetDelta" in answer["detail"]
            assert charger.called.empty()
        async with site.station(V21) as charger, Station(charger) as station:
            await command(site, charger, "set_variable_monitoring", monitors=[wanted])
            assert only(station.asked[0][1]["setMonitoringData"])["type"] == "TargetDelta"

    async def test_a_delta_of_what_is_no_number_is_one(self, site: Site) -> None:
        """N04.FR.17."""
        wanted = {**UPPER, "type": "Delta", "value": None}
        async with site.station(V201) as charger, Station(charger) as station:
            answer = await site.rest.post(f"/stations/{charger.identity}/monitors", {"monitors": [wanted]})
            assert only(answer["results"])["status"] == "Accepted"
            assert only(station.asked[0][1]["setMonitoringData"])["value"] == 1

    async def test_1_6_has_none(self, site: Site) -> None:
        async with site.station(V16) as charger:
            for name, parameters in (
                ("set_variable_monitoring", {"monitors": [UPPER]}),
                ("clear_variable_monitoring", {"ids": [1]}),
                ("set_monitoring_base", {"base": "All"}),
                ("set_monitoring_level", {"severity": 3}),
                ("get_monitoring_report", {}),
            ):
                answer = await command(site, charger, name, 422, **parameters)
                assert answer["type"].endswith("unsupported-command")
                assert "OCPP 1.6 has no" in answer["detail"] and "alerts" in answer["detail"]
            answer = await site.rest.ask("POST", f"/stations/{charger.identity}/monitors", {"monitors": [UPPER]})
            assert answer.status == 422
            assert await monitors(site, charger) == []
            assert charger.called.empty()
        kinds = {kind["name"]: kind["versions"] for kind in await site.rest.items("/command-kinds")}
        assert kinds["set_variable_monitoring"] == kinds["customer_information"] == ["ocpp2.0.1", "ocpp2.1"]

    async def test_stations_that_are_not_there(self, site: Site) -> None:
        for method, path, body in (
            ("GET", "/monitors", None),
            ("GET", "/monitors/1", None),
            ("POST", "/monitors", {"monitors": [UPPER]}),
            ("PUT", "/monitors/1", {"type": "Delta", "severity": 1}),
            ("DELETE", "/monitors/1", None),
            ("GET", "/monitoring", None),
            ("GET", "/monitoring-reports", None),
        ):
            answer = await site.rest.ask(method, f"/stations/NOBODY{path}", body)
            assert answer.status == 404, (method, path, answer)
        async with site.station(V201) as charger:
            identity = charger.identity
        for method, path, body in (
            ("POST", "/monitors", {"monitors": [UPPER]}),
            ("DELETE", "/monitors/1", None),
        ):
            async with asyncio.timeout(30):
                while (answer := await site.rest.ask(method, f"/stations/{identity}{path}", body)).status != 409:
                    assert answer.status == 200, answer


class TestBaseAndLevel:
    @TWO
    async def test_what_a_base_does_away_with(self, site: Site, version: Version) -> None:
        """N03.FR.03 to N03.FR.05: custom monitors go, and in 2.1 preconfigured ones are known for what they are."""
        async with site.station(version) as charger, Station(charger) as station:
            await command(site, charger, "set_variable_monitoring", monitors=[UPPER])
            wired = reported(2, version, "UpperThreshold")
            if version is V21:
                wired["eventNotificationType"] = "HardWiredMonitor"
            await charger.call("NotifyMonitoringReport", part(9, 0, reported(1, version), wired))

            async def set_to(base: str) -> tuple[list[int], Any]:
                station.answer = lambda action, payload: {"status": "Accepted"}
                assert (await command(site, charger, "set_monitoring_base", base=base))["state"] == "Accepted"
                assert station.asked[-1] == ("SetMonitoringBase", {"monitoringBase": base})
                found = [one["id"] for one in await monitors(site, charger)]
                return sorted(found), await site.rest.get(f"/stations/{charger.identity}/monitoring")

            assert (await set_to("All"))[0] == [1, 2, 101]
            assert (await set_to("FactoryDefault"))[0] == [1, 2]
            left, state = await set_to("HardWiredOnly")
            assert left == ([2] if version is V21 else [1, 2])
            assert (state["base"], state["outdated"]) == ("HardWiredOnly", True)
            station.answer = lambda action, payload: {"status": "NotSupported"}
            assert (await command(site, charger, "set_monitoring_base", base="All"))["state"] == "Rejected"
            assert (await site.rest.get(f"/stations/{charger.identity}/monitoring"))["base"] == "HardWiredOnly"

    @TWO
    async def test_levels(self, site: Site, version: Version) -> None:
        """N05."""
        async with site.station(version) as charger, Station(charger) as station:
            station.answer = lambda action, payload: {"status": "Accepted"}
            assert (await command(site, charger, "set_monitoring_level", severity=4))["state"] == "Accepted"
            assert station.asked == [("SetMonitoringLevel", {"severity": 4})]
            station.answer = lambda action, payload: {"status": "Rejected"}
            assert (await command(site, charger, "set_monitoring_level", severity=9))["state"] == "Rejected"
            assert (await site.rest.get(f"/stations/{charger.identity}/monitoring"))["level"] == 4
            assert (await command(site, charger, "set_monitoring_level", 400, severity=10))["status"] == 400


class TestReports:
    @TWO
    async def test_a_report_in_parts_of_any_order(self, site: Site, version: Version) -> None:
        """N02.FR.03, N02.FR.09: complete when every part has come; what it leaves out is forgotten then."""
        async with site.station(version) as charger:
            charger.answers["GetMonitoringReport"] = {"status": "Accepted"}
            await charger.call("NotifyMonitoringReport", part(1, 0, reported(50, version)))
            assert [one["id"] for one in await monitors(site, charger)] == [50]
            done = await command(site, charger, "get_monitoring_report")
            assert (done["state"], done["outcome_state"]) == ("Accepted", "Pending")
            action, asked = await called(charger)
            assert (action, set(asked)) == ("GetMonitoringReport", {"requestId"})
            id = asked["requestId"]
            assert (await site.rest.get(f"/stations/{charger.identity}/monitoring"))["reported_at"] is None
            for seq_no in (2, 0):
                await charger.call(
                    "NotifyMonitoringReport", part(id, seq_no, reported(seq_no, version), tbc=seq_no != 2)
                )
            found = await site.rest.get(f"/commands/{done['id']}")
            assert found["outcome_state"] == "Pending"
            assert found["outcome"] == {"parts": "0,2", "missing_parts": [1], "monitors": 2}
            report = (await site.rest.items(f"/stations/{charger.identity}/monitoring-reports"))[0]
            assert (report["state"], report["missing_parts"]) == ("Receiving", [1])
            assert sorted(one["id"] for one in await monitors(site, charger)) == [0, 2, 50]
            await charger.call("NotifyMonitoringReport", part(id, 1, reported(1, version), tbc=True))
            found = await site.rest.get(f"/commands/{done['id']}")
            assert found["outcome_state"] == "Completed"
            assert found["outcome"] == {"parts": "0-2", "missing_parts": [], "monitors": 3}
            assert [one["id"] for one in await monitors(site, charger)] == [0, 1, 2]
            state = await site.rest.get(f"/stations/{charger.identity}/monitoring")
            assert state["reported_at"] is not None and not state["outdated"]

    @TWO
    async def test_a_part_that_comes_twice_counts_once(self, site: Site, version: Version) -> None:
        async with site.station(version) as charger:
            for _ in range(2):
                await charger.call("NotifyMonitoringReport", part(1, 0, reported(50, version), tbc=True))
            await charger.call("NotifyMonitoringReport", part(1, 1))
            assert [one["id"] for one in await monitors(site, charger)] == [50]
            report = only(await site.rest.items(f"/stations/{charger.identity}/monitoring-reports"))
            assert (report["state"], report["parts"]) == ("Complete", "0-1")

    @TWO
    async def test_criteria_and_variables(self, site: Site, version: Version) -> None:
        """N02.FR.05, N02.FR.12: a report of some types tells nothing of the others."""
        async with site.station(version) as charger:
            charger.answers["GetMonitoringReport"] = {"status": "Accepted"}
            told = [reported(1, version, "Delta"), reported(2, version, "Periodic"), reported(3, version, "Delta")]
            await charger.call("NotifyMonitoringReport", part(1, 0, *told))
            await command(
                site,
                charger,
                "get_monitoring_report",
                criteria=["DeltaMonitoring"],
                variables=[WATCHED, {"component": {"name": "EVSE"}}],
            )
            _, asked = await called(charger)
            assert asked["monitoringCriteria"] == ["DeltaMonitoring"]
            assert asked["componentVariable"] == [ON_WIRE, {"component": {"name": "EVSE"}}]
            await charger.call("NotifyMonitoringReport", part(asked["requestId"], 0, reported(1, version)))
            assert [one["id"] for one in await monitors(site, charger)] == [1, 2, 3], "only some variables were asked"
            await command(site, charger, "get_monitoring_report", criteria=["DeltaMonitoring"])
            _, asked = await called(charger)
            await charger.call("NotifyMonitoringReport", part(asked["requestId"], 0, reported(1, version)))
            assert [one["id"] for one in await monitors(site, charger)] == [1, 2]

    @TWO
    async def test_nothing_there(self, site: Site, version: Version) -> None:
        """N02.FR.10: an empty result is a complete report."""
        async with site.station(version) as charger:
            told = [reported(1, version, "Delta"), reported(2, version, "Periodic")]
            await charger.call("NotifyMonitoringReport", part(1, 0, *told))
            charger.answers["GetMonitoringReport"] = {"status": "EmptyResultSet"}
            done = await command(site, charger, "get_monitoring_report", criteria=["PeriodicMonitoring"])
            assert (done["answer"]["status"], done["outcome_state"]) == ("EmptyResultSet", "Completed")
            assert [one["id"] for one in await monitors(site, charger)] == [1]
            charger.answers["GetMonitoringReport"] = {"status": "NotSupported"}
            done = await command(site, charger, "get_monitoring_report")
            assert (done["state"], done["outcome_state"]) == ("Rejected", None)
            assert [one["id"] for one in await monitors(site, charger)] == [1]

    async def test_more_variables_than_the_station_takes_are_not_asked_for(self, site: Site) -> None:
        """N02.FR.07."""
        async with site.station(V201) as charger:
            told = {
                "component": {"name": "DeviceDataCtrlr"},
                "variable": {"name": "ItemsPerMessage", "instance": "GetReport"},
                "variableAttribute": [{"value": "1"}],
            }
            await charger.call("NotifyReport", {"requestId": 7, "generatedAt": NOW, "seqNo": 0, "reportData": [told]})
            done = await command(site, charger, "get_monitoring_report", variables=[WATCHED, WATCHED])
            assert (done["state"], done["error"]["code"]) == ("Failed", "invalid")
            assert charger.called.empty()

    @TWO
    async def test_numbers_and_names_that_no_row_can_hold(self, site: Site, version: Version) -> None:
        async with site.station(version) as charger:
            wrong = [
                part(1, 2**70, reported(1, version)),
                part(2**70, 0, reported(1, version)),
                part(1, 0, reported(2**70, version)),
                part(1, 0, reported(1, version), on={**ON_WIRE, "variable": {"name": "A\0B"}}),
            ]
            if version is V201:
                wrong.append(part(1, -1, reported(1, version)))
            for payload in wrong:
                with pytest.raises(Refused) as refused:
                    await charger.call("NotifyMonitoringReport", payload)
                assert refused.value.code in (
                    "PropertyConstraintViolation",
                    "FormatViolation",
                    "TypeConstraintViolation",
                )
            assert await monitors(site, charger) == []
            assert await site.rest.items(f"/stations/{charger.identity}/monitoring-reports") == []

    async def test_after_a_boot_the_numbers_are_asked_for_again(self, site: Site) -> None:
        """N04.FR.19."""
        async with site.station(V201) as charger:
            charger.answers["GetMonitoringReport"] = {"status": "Accepted"}
            boot = {"reason": "PowerUp", "chargingStation": {"vendorName": "Example", "model": "Wallbox"}}
            await charger.call("BootNotification", boot)
            await charger.call("NotifyMonitoringReport", part(1, 0, reported(50, V201)))
            await charger.call("BootNotification", boot)
            action, asked = await called(charger)
            assert action == "GetMonitoringReport", "and not after the first boot, when there was none"
            assert (await site.rest.get(f"/stations/{charger.identity}/monitoring"))["outdated"]
            await charger.call("NotifyMonitoringReport", part(asked["requestId"], 0, reported(51, V201)))
            assert [one["id"] for one in await monitors(site, charger)] == [51]
            assert not (await site.rest.get(f"/stations/{charger.identity}/monitoring"))["outdated"]

    async def test_lists_are_filtered_and_paged(self, site: Site) -> None:
        async with site.station(V201) as charger:
            other = {"component": {"name": "ChargingStation"}, "variable": {"name": "Power"}}
            await charger.call(
                "NotifyMonitoringReport",
                part(1, 0, reported(1, V201), reported(2, V201, "Periodic"), tbc=True),
            )
            await charger.call("NotifyMonitoringReport", part(1, 1, reported(3, V201), on=other))
            path = f"/stations/{charger.identity}/monitors"
            first = await site.rest.get(path, limit=2)
            rest = await site.rest.get(path, limit=2, cursor=first["next"])
            assert [one["id"] for one in (*first["items"], *rest["items"])] == [3, 1, 2]
            for query, ids in (
                ({"component": "evse"}, [1, 2]),
                ({"variable": "POWER"}, [3]),
                ({"evse_id": 1}, [1, 2]),
                ({"type": "Periodic"}, [2]),
            ):
                assert [one["id"] for one in await monitors(site, charger, **query)] == ids
            assert (await site.rest.ask("GET", path, cursor="nonsense")).status == 422
