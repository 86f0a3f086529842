"""Variables over the API: the same requests for stations of every version, and what reaches the wire."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from tests.api.clients import Answer, Api, RefusedCall, Station

from voltbridge.app import Running

pytestmark = pytest.mark.anyio

V16, V201, V21 = "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
TWO = pytest.mark.parametrize("protocol", [V201, V21])
ALL = pytest.mark.parametrize("protocol", [V16, V201, V21])
NOW = "2026-05-01T12:00:00Z"

HEARTBEAT = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
MEASURANDS = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedMeasurands"}}
PASSWORD = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}


@asynccontextmanager
async def booted(api: Api, running: Running, protocol: str, **answers: Any) -> AsyncIterator[tuple[Station, str]]:
    """A station that has booted, and its path."""
    identity = f"model-{uuid.uuid4().hex[:12]}"
    await api("POST", "/stations", {"station_id": identity})
    async with Station(running.ocpp_port, identity, protocol) as station:
        await station.boot()
        station.answers.update(answers)
        yield station, f"/stations/{identity}"


def keys(**values: str) -> dict[str, Any]:
    return {"configurationKey": [{"key": key, "readonly": False, "value": value} for key, value in values.items()]}


def data(name: str, value: str | None, **more: Any) -> dict[str, Any]:
    attribute = {} if value is None else {"value": value}
    return {
        "component": {"name": "OCPPCommCtrlr"},
        "variable": {"name": name},
        "variableAttribute": [{**attribute, **more.pop("attribute", {})}],
        **more,
    }


def part(request_id: int, seq_no: int, *told: dict[str, Any], tbc: bool = False) -> dict[str, Any]:
    content = {"reportData": list(told)} if told else {}
    return {"requestId": request_id, "generatedAt": NOW, "seqNo": seq_no, "tbc": tbc, **content}


async def asked(station: Station, action: str) -> Any:
    """The last request of an action that has come, waiting for one."""
    async with asyncio.timeout(30):
        while not (found := [payload for name, payload in station.calls if name == action]):
            station.called.clear()
            await station.called.wait()
    return found[-1]


async def report(api: Api, station: Station, path: str, **wanted: Any) -> tuple[int, Answer]:
    answer = await api("POST", f"{path}/commands/report", wanted)
    assert answer.status == 200, answer
    payload = await asked(station, "GetReport" if wanted.get("kind") == "Custom" else "GetBaseReport")
    return payload["requestId"], answer


async def values(api: Api, path: str) -> dict[str, Any]:
    page = await api.get(f"{path}/variables?limit=500")
    return {item["variable"]["name"]: item["value"] for item in page["items"]}


class TestReading:
    async def test_configuration_keys_are_variables(self, api: Api, running: Running) -> None:
        told = keys(
            HeartbeatInterval="300",
            AuthorizeRemoteTxRequests="TRUE",
            MeterValuesSampledData="Voltage, Power.Active.Import",
            AcmeLedColour="green",
            AuthorizationKey="should never be told",
        )
        async with booted(api, running, V16, GetConfiguration=told) as (station, path):
            answer = (await api("POST", f"{path}/commands/report", {})).body
            assert (answer["state"], answer["answer"]["info"]) == ("Accepted", {"variables": 5})
            assert station.calls[-1] == ("GetConfiguration", {})
            items = (await api.get(f"{path}/variables"))["items"]
            shown = {
                f"{item['component']['name']}.{item['variable']['name']}": (item["value"], item["typed_value"])
                for item in items
            }
            assert shown == {
                "AuthCtrlr.AuthorizeRemoteStart": ("true", True),
                "OCPPCommCtrlr.HeartbeatInterval": ("300", 300),
                "SampledDataCtrlr.TxUpdatedMeasurands": (
                    "Voltage,Power.Active.Import",
                    ["Voltage", "Power.Active.Import"],
                ),
                "SecurityCtrlr.BasicAuthPassword": (None, None),
                "VendorCtrlr.AcmeLedColour": ("green", "green"),
            }
            only = await api.get(f"{path}/variables?component=vendorctrlr")
            assert [item["variable"]["name"] for item in only["items"]] == ["AcmeLedColour"]
            first = await api.get(f"{path}/variables?limit=2")
            rest = await api.get(f"{path}/variables?limit=500&cursor={first['next']}")
            assert [*first["items"], *rest["items"]] == items
            # What a later inventory leaves out is gone.
            station.answers["GetConfiguration"] = keys(HeartbeatInterval="60")
            await api("POST", f"{path}/commands/report", {})
            assert await values(api, path) == {"HeartbeatInterval": "60"}

    async def test_reading_selected_ones(self, api: Api, running: Running) -> None:
        wanted = {"variables": [HEARTBEAT, {**HEARTBEAT, "attribute": "Target"}]}
        told = {**keys(HeartbeatInterval="300")}
        async with booted(api, running, V16, GetConfiguration=told) as (station, path):
            answer = await api("POST", f"{path}/variables/read", wanted)
            assert [(one["status"], one["value"]) for one in answer.body["results"]] == [
                ("Accepted", "300"),
                ("NotSupportedAttributeType", None),
            ]
            assert station.calls[-1] == ("GetConfiguration", {"key": ["HeartbeatInterval"]})
            assert await values(api, path) == {"HeartbeatInterval": "300"}

    @TWO
    async def test_reading_in_pieces(self, api: Api, running: Running, protocol: str) -> None:
        """The station tells its limit when asked, and no message exceeds it (B06.FR.05)."""
        wanted = [{"component": {"name": "A"}, "variable": {"name": f"V{index}"}} for index in range(5)]
        async with booted(api, running, protocol) as (station, path):
            sizes = answering(station, {"ItemsPerMessage": "2"})
            answer = await api("POST", f"{path}/variables/read", {"variables": wanted})
            assert [one["value"] for one in answer.body["results"]] == ["v-V0", "v-V1", "v-V2", "v-V3", "v-V4"]
            assert sizes() == [1, 1, 2, 2, 1]  # the limits first
            await api("POST", f"{path}/variables/read", {"variables": wanted})
            assert sizes()[5:] == [2, 2, 1]

    async def test_reading_within_bytes(self, api: Api, running: Running) -> None:
        wanted = [{"component": {"name": "A" * 50}, "variable": {"name": f"V{index}"}} for index in range(4)]
        async with booted(api, running, V201) as (station, path):
            sizes = answering(station, {"ItemsPerMessage": "100", "BytesPerMessage": "400"})
            await api("POST", f"{path}/variables/read", {"variables": wanted})
            assert max(len(frame.encode()) for frame in station.frames) <= 400
            assert sum(sizes()) == 6

    async def test_a_station_that_refuses(self, api: Api, running: Running) -> None:
        refusal = ["InternalError", "no", {}]
        async with booted(api, running, V201, GetVariables=refusal) as (_, path):
            answer = await api("POST", f"{path}/variables/read", {"variables": [HEARTBEAT]})
            (result,) = answer.body["results"]
            assert (result["status"], result["reason"]) == ("NotAnswered", "InternalError: no")

    async def test_nobody_there(self, api: Api) -> None:
        assert (await api("GET", "/stations/nobody/variables")).status == 404
        assert (await api("POST", "/stations/nobody/variables/read", {"variables": [HEARTBEAT]})).status == 404
        await api("POST", "/stations", {"station_id": "model-away"})
        for method, path in (("POST", "/variables/read"), ("PATCH", "/variables"), ("POST", "/drift/repair")):
            one = {**HEARTBEAT, "value": 1} if method == "PATCH" else HEARTBEAT
            body = None if "repair" in path else {"variables": [one]}
            assert (await api(method, f"/stations/model-away{path}", body)).status == 409


def answering(station: Station, limits: dict[str, str]) -> Any:
    """Have GetVariables answered by what is asked for; returns a function for the sizes of the requests."""

    class Answers(dict[str, Any]):
        def get(self, action: str, default: Any = None) -> Any:
            if action != "GetVariables":
                return super().get(action, default)
            results = []
            for one in station.calls[-1][1]["getVariableData"]:
                name = one["variable"]["name"]
                if one["component"]["name"] == "DeviceDataCtrlr" and name not in limits:
                    results.append({**one, "attributeStatus": "UnknownVariable"})
                else:
                    results.append(
                        {**one, "attributeStatus": "Accepted", "attributeValue": limits.get(name, f"v-{name}")}
                    )
            return {"getVariableResult": results[::-1]}

    station.answers = Answers(station.answers)
    return lambda: [len(payload["getVariableData"]) for name, payload in station.calls if name == "GetVariables"]


class TestReports:
    @TWO
    async def test_parts_in_any_order_some_twice(self, api: Api, running: Running, protocol: str) -> None:
        async with booted(api, running, protocol, GetBaseReport={"status": "Accepted"}) as (station, path):
            request_id, answer = await report(api, station, path)
            assert answer.body["outcome_state"] == "Pending"
            for seq_no in (2, 0, 2):
                await station.call("NotifyReport", part(request_id, seq_no, data(f"V{seq_no}", "x"), tbc=seq_no < 2))
            (shown,) = (await api.get(f"{path}/reports"))["items"]
            assert (shown["state"], shown["parts"], shown["missing_parts"]) == ("Receiving", "0,2", [1])
            assert await values(api, path) == {"V0": "x", "V2": "x"}
            await station.call("NotifyReport", part(request_id, 1, data("V1", "x"), tbc=True))
            (shown,) = (await api.get(f"{path}/reports"))["items"]
            assert (shown["state"], shown["missing_parts"], shown["kind"]) == ("Complete", [], "FullInventory")
            command = await api.get(f"/commands/{answer.body['id']}")
            assert (command["outcome_state"], command["outcome"]["parts"]) == ("Completed", "0-2")

    async def test_a_complete_inventory_is_the_whole_truth(self, api: Api, running: Running) -> None:
        async with booted(api, running, V201, GetBaseReport={"status": "Accepted"}) as (station, path):
            request_id, _ = await report(api, station, path)
            await station.call("NotifyReport", part(request_id, 0, data("Old", "1"), data("Kept", "1")))
            assert await values(api, path) == {"Old": "1", "Kept": "1"}
            station.calls.clear()
            other, _ = await report(api, station, path, kind="ConfigurationInventory")
            await station.call("NotifyReport", part(other, 0, data("Kept", "2")))
            assert await values(api, path) == {"Old": "1", "Kept": "2"}
            station.calls.clear()
            request_id, _ = await report(api, station, path)
            await station.call("NotifyReport", part(request_id, 0, data("Kept", "3"), tbc=True))
            assert await values(api, path) == {"Old": "1", "Kept": "3"}  # incomplete: nothing is forgotten
            await station.call("NotifyReport", part(request_id, 1, data("New", "1")))
            assert await values(api, path) == {"Kept": "3", "New": "1"}

    async def test_characteristics_and_attributes(self, api: Api, running: Running) -> None:
        told = {
            "component": {"name": "EVSE", "evse": {"id": 1}},
            "variable": {"name": "Power", "instance": "L1"},
            "variableAttribute": [{"value": "11000"}, {"type": "MaxSet", "value": "22000", "mutability": "ReadOnly"}],
            "variableCharacteristics": {
                "dataType": "decimal",
                "unit": "W",
                "maxLimit": 22000,
                "supportsMonitoring": True,
            },
        }
        async with booted(api, running, V201) as (station, path):
            await station.call("NotifyReport", part(5, 0, told))  # nobody asked: kept all the same
            actual, most = (await api.get(f"{path}/variables?evse_id=1"))["items"]
            assert (actual["attribute"], actual["typed_value"], actual["mutability"]) == ("Actual", 11000, "ReadWrite")
            assert (most["attribute"], most["typed_value"], most["mutability"]) == ("MaxSet", 22000, "ReadOnly")
            assert actual["variable"] == {"name": "Power", "instance": "L1"}
            assert actual["characteristics"]["unit"] == "W"
            # A value above the limit is not even sent.
            body = {"variables": [{"component": actual["component"], "variable": actual["variable"], "value": 22001}]}
            (result,) = (await api("PATCH", f"{path}/variables", body)).body["results"]
            assert (result["status"], result["reason"]) == ("Invalid", "must be at most 22000")
            body["variables"][0] |= {"value": "1", "attribute": "MaxSet"}
            (result,) = (await api("PATCH", f"{path}/variables", body)).body["results"]
            assert (result["status"], result["reason"]) == ("Invalid", "is read-only")
            assert [name for name, _ in station.calls if name == "SetVariables"] == []

    @TWO
    async def test_a_custom_report_without_content(self, api: Api, running: Running, protocol: str) -> None:
        async with booted(api, running, protocol, GetReport={"status": "EmptyResultSet"}) as (station, path):
            one = {"component": {"name": "EVSE", "evse_id": 1}, "variable": {"name": "AvailabilityState"}}
            _, answer = await report(api, station, path, kind="Custom", criteria=["Problem"], variables=[one])
            assert (await asked(station, "GetReport")) | {"requestId": 0} == {
                "requestId": 0,
                "componentCriteria": ["Problem"],
                "componentVariable": [
                    {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}
                ],
            }
            assert (answer.body["state"], answer.body["outcome_state"]) == ("Accepted", "Completed")
            assert (await api.get(f"{path}/reports"))["items"] == []

    async def test_a_custom_report_of_more_than_the_station_takes(self, api: Api, running: Running) -> None:
        limit = {
            "component": {"name": "DeviceDataCtrlr"},
            "variable": {"name": "ItemsPerMessage", "instance": "GetReport"},
            "variableAttribute": [{"value": "1"}],
        }
        async with booted(api, running, V201, GetReport={"status": "Accepted"}) as (station, path):
            await station.call("NotifyReport", part(1, 0, limit))
            wanted = {"kind": "Custom", "variables": [{"component": {"name": name}} for name in ("EVSE", "Connector")]}
            answer = (await api("POST", f"{path}/commands/report", wanted)).body
            assert (answer["state"], answer["error"]["code"]) == ("Failed", "invalid")
            assert [name for name, _ in station.calls if name == "GetReport"] == []

    async def test_a_report_the_station_does_not_make(self, api: Api, running: Running) -> None:
        async with booted(api, running, V201, GetBaseReport={"status": "NotSupported"}) as (station, path):
            _, answer = await report(api, station, path, kind="SummaryInventory")
            assert (answer.body["state"], answer.body["outcome_state"]) == ("Rejected", None)
            assert (await api.get(f"{path}/reports"))["items"] == []
        async with booted(api, running, V16) as (_, path):
            answer = await api("POST", f"{path}/commands/report", {"kind": "SummaryInventory"})
            assert answer.status == 422
            assert "no SummaryInventory report" in answer.body["detail"]

    async def test_numbers_that_cannot_be(self, api: Api, running: Running) -> None:
        async with booted(api, running, V201) as (station, _):
            for wrong in (part(1, -1), part(2**70, 0), part(1, 2**70)):
                with pytest.raises(RefusedCall, match="PropertyConstraintViolation"):
                    await station.call("NotifyReport", wrong)

    async def test_five_thousand_variables_in_fifty_parts(self, api: Api, running: Running) -> None:
        characteristics = {"dataType": "integer", "supportsMonitoring": False, "maxLimit": 100, "unit": "s"}
        async with booted(api, running, V201, GetBaseReport={"status": "Accepted"}) as (station, path):
            request_id, answer = await report(api, station, path)
            for seq_no in range(50):
                told = [data(f"V{seq_no}-{one}", "1", variableCharacteristics=characteristics) for one in range(100)]
                await station.call("NotifyReport", part(request_id, seq_no, *told, tbc=seq_no < 49))
            command = await api.get(f"/commands/{answer.body['id']}")
            assert command["outcome"] == {"parts": "0-49", "variables": 5000}


class TestWriting:
    async def test_one_key_at_a_time(self, api: Api, running: Running) -> None:
        wanted = [
            {**HEARTBEAT, "value": 60},
            {**MEASURANDS, "value": ["Voltage", "SoC"]},
            {"component": {"name": "AuthCtrlr"}, "variable": {"name": "AuthorizeRemoteStart"}, "value": False},
            {"component": {"name": "VendorCtrlr"}, "variable": {"name": "NetworkConnectionProfile1"}, "value": "x"},
            {"component": {"name": "ClockCtrlr"}, "variable": {"name": "DateTime"}, "value": "x"},
        ]
        async with booted(api, running, V16, ChangeConfiguration={"status": "Accepted"}) as (station, path):
            answer = await api("PATCH", f"{path}/variables", {"variables": wanted})
            statuses = [one["status"] for one in answer.body["results"]]
            assert statuses == ["Accepted"] * 4 + ["UnknownVariable"]
            assert [payload for name, payload in station.calls if name == "ChangeConfiguration"] == [
                {"key": "HeartbeatInterval", "value": "60"},
                {"key": "MeterValuesSampledData", "value": "Voltage,SoC"},
                {"key": "AuthorizeRemoteTxRequests", "value": "false"},
                {"key": "NetworkConnectionProfile1", "value": "x"},
            ]
            assert (await values(api, path))["HeartbeatInterval"] == "60"

    @pytest.mark.parametrize(
        ("status", "shown"),
        [("Rejected", "Rejected"), ("RebootRequired", "RebootRequired"), ("NotSupported", "UnknownVariable")],
    )
    async def test_what_a_1_6_station_says(self, api: Api, running: Running, status: str, shown: str) -> None:
        async with booted(api, running, V16, ChangeConfiguration={"status": status}) as (_, path):
            answer = await api("PATCH", f"{path}/variables", {"variables": [{**HEARTBEAT, "value": 60}]})
            assert [one["status"] for one in answer.body["results"]] == [shown]
            assert await values(api, path) == {}  # nothing is in force

    @TWO
    async def test_each_has_its_own_result(self, api: Api, running: Running, protocol: str) -> None:
        async with booted(api, running, protocol) as (station, path):
            names = ["Accepted", "Rejected", "RebootRequired", "UnknownVariable", "UnknownComponent"]
            results = [
                {
                    "component": {"name": "A"},
                    "variable": {"name": name},
                    "attributeStatus": name,
                    "attributeStatusInfo": {"reasonCode": "Why", "additionalInfo": "so"},
                }
                for name in names
            ]
            station.answers["SetVariables"] = {"setVariableResult": results}
            station.answers["GetVariables"] = ["NotSupported", "", {}]
            body = {
                "variables": [
                    {"component": {"name": "A"}, "variable": {"name": name}, "value": "1"}
                    for name in [*names, "Forgotten"]
                ]
            }
            answer = await api("PATCH", f"{path}/variables", body)
            assert [(one["status"], one["reason"]) for one in answer.body["results"]] == [
                *((name, "Why: so") for name in names),
                ("NotAnswered", "the answer leaves it out"),
            ]
            assert await values(api, path) == {"Accepted": "1"}

    @ALL
    async def test_a_new_password_counts_once_accepted(self, api: Api, running: Running, protocol: str) -> None:
        async with booted(api, running, protocol) as (station, path):
            new = uuid.uuid4().hex + "00aa"
            identity = path.removeprefix("/stations/")
            body = {"variables": [{**PASSWORD, "value": new}]}
            result = {**PASSWORD, "attributeStatus": "Rejected"}
            station.answers |= {
                "ChangeConfiguration": {"status": "Rejected"},
                "SetVariables": {"setVariableResult": [result]},
            }
            answer = await api("PATCH", f"{path}/variables", body)
            assert answer.body["results"][0]["status"] == "Rejected"
            assert not (await api.get(path))["has_password"]
            result["attributeStatus"] = "Accepted"
            station.answers |= {"ChangeConfiguration": {"status": "Accepted"}}
            answer = await api("POST", f"{path}/commands/write_variables", body)
            assert answer.body["state"] == "Accepted"
            assert (await api.get(path))["has_password"]
            assert new not in (await values(api, path)).values()
            for where in (f"{path}/commands", f"{path}/messages", f"/events?limit=500&station_id={identity}"):
                shown = await api(
                    "GET", where, headers={"Authorization": f"Bearer {api.key}", "Accept": "application/json"}
                )
                assert shown.status == 200
                assert new.encode() not in shown.raw
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            async with Station(running.ocpp_port, identity, protocol):
                pass
        headers = {"Authorization": aiohttp.encode_basic_auth(identity, new)}
        async with Station(running.ocpp_port, identity, protocol, headers=headers) as station:
            assert (await station.boot())["status"] == "Accepted"

    @ALL
    async def test_a_password_by_the_door_counts_too(self, api: Api, running: Running, protocol: str) -> None:
        async with booted(api, running, protocol) as (station, path):
            new = uuid.uuid4().hex + "00bb"
            identity = path.removeprefix("/stations/")

            async def send(password: str) -> Any:
                if protocol == V16:
                    body: Any = {"key": "AuthorizationKey", "value": password}
                    return await api("POST", f"{path}/ocpp/ChangeConfiguration", body)
                return await api(
                    "POST",
                    f"{path}/ocpp/SetVariables",
                    {
                        "setVariableData": [
                            {
                                "attributeValue": "42",
                                "component": {"name": "OCPPCommCtrlr"},
                                "variable": {"name": "Other"},
                            },
                            {"attributeValue": password, **PASSWORD},
                        ]
                    },
                )

            other = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "Other"}}
            results = [{**other, "attributeStatus": "Accepted"}, {**PASSWORD, "attributeStatus": "Rejected"}]
            station.answers |= {
                "ChangeConfiguration": {"status": "Rejected"},
                "SetVariables": {"setVariableResult": results},
            }
            assert (await send(new)).status == 200
            assert not (await api.get(path))["has_password"]
            weak = await send("1234567890123456")
            assert (weak.status, "is too easy to guess" in weak.body["detail"]) == (422, True)
            assert len(station.calls) == 1
            results[1]["attributeStatus"] = "RebootRequired"
            station.answers |= {"ChangeConfiguration": {"status": "RebootRequired"}}
            assert (await send(new)).status == 200
            assert (await api.get(path))["has_password"]
            assert new not in (await values(api, path)).values()
            if protocol != V16:
                assert "42" in (await values(api, path)).values()
            for where in (f"{path}/messages", f"/events?limit=500&station_id={identity}"):
                shown = await api(
                    "GET", where, headers={"Authorization": f"Bearer {api.key}", "Accept": "application/json"}
                )
                assert new.encode() not in shown.raw
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            async with Station(running.ocpp_port, identity, protocol):
                pass
        headers = {"Authorization": aiohttp.encode_basic_auth(identity, new)}
        async with Station(running.ocpp_port, identity, protocol, headers=headers) as station:
            assert (await station.boot())["status"] == "Accepted"

    async def test_a_password_that_cannot_be_one(self, api: Api, running: Running) -> None:
        for protocol, wrong in ((V16, "correct-Horse-42-x"), (V201, "password1234567890")):
            async with booted(api, running, protocol) as (station, path):
                answer = await api("PATCH", f"{path}/variables", {"variables": [{**PASSWORD, "value": wrong}]})
                assert answer.body["results"][0]["status"] == "Invalid"
                assert station.calls == []

    async def test_a_value_no_key_takes(self, api: Api, running: Running) -> None:
        """The specification says what standard keys are, so this needs no report."""
        async with booted(api, running, V16) as (station, path):
            for value in ("soon", -1, "1.5"):
                answer = await api("PATCH", f"{path}/variables", {"variables": [{**HEARTBEAT, "value": value}]})
                assert answer.body["results"][0]["status"] == "Invalid"
            assert station.calls == []

    async def test_a_list_with_a_comma_in_it(self, api: Api, running: Running) -> None:
        async with booted(api, running, V16) as (_, path):
            answer = await api("PATCH", f"{path}/variables", {"variables": [{**MEASURANDS, "value": ["a,b"]}]})
            assert (answer.status, answer.body["errors"][0]["path"]) == (422, "$.variables[0].value")

    async def test_by_commands(self, api: Api, running: Running) -> None:
        """The same in the lifecycle of commands, so that it can be held or sent to many."""
        async with booted(api, running, V16, ChangeConfiguration={"status": "Rejected"}) as (station, path):
            station.answers["GetConfiguration"] = keys(HeartbeatInterval="300")
            read = (await api("POST", f"{path}/commands/read_variables", {"variables": [HEARTBEAT]})).body
            assert (read["state"], read["answer"]["info"]["results"][0]["value"]) == ("Accepted", "300")
            body = {"variables": [{**HEARTBEAT, "value": 60}]}
            written = (await api("POST", f"{path}/commands/write_variables", body)).body
            assert (written["state"], written["answer"]["status"]) == ("Rejected", "Rejected")


PROFILE: dict[str, Any] = {
    "configuration_slot": 1,
    "csms_url": "wss://csms.example.com/ocpp",
    "security_profile": 2,
    "interface": "Wired0",
    "apn": {"apn": "internet", "authentication": "AUTO", "password": "apn secret"},
    "vpn": {"server": "vpn.example.com", "user": "u", "password": "vpn secret", "key": "k", "type": "IKEv2"},
}


class TestNetworkProfile:
    @TWO
    @pytest.mark.parametrize(("status", "state"), [("Accepted", "Accepted"), ("Failed", "Rejected")])
    async def test_sent(self, api: Api, running: Running, protocol: str, status: str, state: str) -> None:
        async with booted(api, running, protocol, SetNetworkProfile={"status": status}) as (station, path):
            answer = (await api("POST", f"{path}/commands/set_network_profile", PROFILE)).body
            assert (answer["state"], answer["answer"]["status"]) == (state, status)
            payload = await asked(station, "SetNetworkProfile")
            assert payload["configurationSlot"] == 1
            assert payload["connectionData"] == {
                "ocppVersion": "OCPP20",
                "ocppTransport": "JSON",
                "ocppCsmsUrl": "wss://csms.example.com/ocpp",
                "messageTimeout": 30,
                "securityProfile": 2,
                "ocppInterface": "Wired0",
                "apn": {"apn": "internet", "apnAuthentication": "AUTO", "apnPassword": "apn secret"},
                "vpn": {
                    "server": "vpn.example.com",
                    "user": "u",
                    "password": "vpn secret",
                    "key": "k",
                    "type": "IKEv2",
                },
            }
            shown = await api("GET", f"{path}/commands")
            assert b"secret" not in shown.raw

    async def test_what_a_version_cannot_do(self, api: Api, running: Running) -> None:
        async with booted(api, running, V16) as (_, path):
            answer = await api("POST", f"{path}/commands/set_network_profile", PROFILE)
            assert answer.status == 422
            assert "VendorCtrlr" in answer.body["detail"]
        async with booted(api, running, V201) as (station, path):
            for more in ({"identity": "X"}, {"interface": "Any"}, {"ocpp_version": "OCPP21"}):
                answer = await api("POST", f"{path}/commands/set_network_profile", {**PROFILE, **more})
                assert answer.status == 422, answer
            assert station.calls == []


class TestConfigurations:
    @asynccontextmanager
    async def wanting(self, api: Api, name: str, **body: Any) -> AsyncIterator[None]:
        answer = await api("PUT", f"/configurations/{name}", body)
        assert answer.status == 201, answer
        try:
            yield
        finally:
            assert (await api("DELETE", f"/configurations/{name}")).status == 204

    @ALL
    @pytest.mark.parametrize("registration", ["Accepted", "Pending"])
    async def test_repaired_after_a_boot(self, api: Api, running: Running, protocol: str, registration: str) -> None:
        """Also while the boot is pending, so that a station can be configured before it is accepted (B02.FR.01)."""
        identity = f"wanted-{uuid.uuid4().hex[:12]}"
        await api("POST", "/stations", {"station_id": identity})
        await api("PATCH", f"/stations/{identity}", {"registration": registration})
        wanted = {"variables": [{**HEARTBEAT, "value": 60}], "station_ids": [identity]}
        async with (
            self.wanting(api, "quick", **wanted),
            Station(running.ocpp_port, identity, protocol) as station,
        ):
            result = {**HEARTBEAT, "attributeStatus": "Accepted"}
            station.answers |= {
                "GetConfiguration": keys(HeartbeatInterval="300"),
                "ChangeConfiguration": {"status": "Accepted"},
                "GetVariables": {"getVariableResult": [{**result, "attributeValue": "300"}]},
                "SetVariables": {"setVariableResult": [result]},
            }
            assert (await station.boot())["status"] == registration
            if protocol == V16:
                assert await asked(station, "ChangeConfiguration") == {"key": "HeartbeatInterval", "value": "60"}
            else:
                (sent,) = (await asked(station, "SetVariables"))["setVariableData"]
                assert sent == {**HEARTBEAT, "attributeValue": "60"}
            async with asyncio.timeout(30):
                while True:
                    (drift,) = (await api.get(f"/stations/{identity}/drift"))["items"]
                    if drift["state"] == "InSync":
                        break
            assert (drift["desired"], drift["actual"], drift["configuration"]) == ("60", "60", "quick")

    async def test_on_demand_by_make_and_priority(self, api: Api, running: Running) -> None:
        async with (
            booted(api, running, V16, GetConfiguration=keys(HeartbeatInterval="300")) as (station, path),
            self.wanting(api, "everyone", variables=[{**HEARTBEAT, "value": 10}]),
            self.wanting(api, "make", variables=[{**HEARTBEAT, "value": "0300"}], vendor="Example", priority=5),
            self.wanting(api, "other", variables=[{**HEARTBEAT, "value": 30}], vendor="Another", priority=9),
        ):
            before = (await api.get(f"{path}/drift"))["items"]
            assert [(one["state"], one["actual"]) for one in before] == [("Unknown", None)]
            done = (await api("POST", f"{path}/drift/repair")).body
            assert [(one["state"], one["configuration"]) for one in done["drifts"]] == [("InSync", "make")]
            assert done["results"] == []
            station.answers |= {
                "GetConfiguration": keys(HeartbeatInterval="99"),
                "ChangeConfiguration": {"status": "RebootRequired"},
            }
            done = (await api("POST", f"{path}/drift/repair")).body
            assert [one["state"] for one in done["drifts"]] == ["Drifted"]
            assert [one["status"] for one in done["results"]] == ["RebootRequired"]
            assert [one["state"] for one in (await api.get(f"{path}/drift"))["items"]] == ["Drifted"]

    async def test_kept(self, api: Api) -> None:
        body = {"variables": [{**HEARTBEAT, "value": 10}], "model": "M", "priority": 3}
        async with self.wanting(api, "kept.1", **body):
            one = await api.get("/configurations/kept.1")
            assert (one["variables"][0]["value"], one["model"], one["priority"]) == ("10", "M", 3)
            assert (await api("PUT", "/configurations/kept.1", {**body, "priority": 4})).status == 200
            assert [item["priority"] for item in (await api.get("/configurations"))["items"]] == [4]
            secret = {"variables": [{**PASSWORD, "value": "x"}]}
            assert (await api("PUT", "/configurations/secret", secret)).status == 422
        assert (await api("GET", "/configurations/kept.1")).status == 404
        assert (await api("DELETE", "/configurations/kept.1")).status == 404
