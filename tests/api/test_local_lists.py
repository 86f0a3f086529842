"""Local lists from the operator's door to the wire, in every version, with stations that keep a list or refuse to."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.api.clients import Api, Station

from voltbridge.app import Running

pytestmark = pytest.mark.anyio

V16, V201, V21 = "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
ALL = pytest.mark.parametrize("protocol", [V16, V201, V21])


class Lister:
    """What a station does about its list; ``station`` answers from it."""

    def __init__(self, station: Station, protocol: str, limits: dict[str, str]) -> None:
        self.old = protocol == V16
        self.tokens: dict[str, Any] = {}
        self.version = 0
        self.statuses: list[str] = []
        """Answers to the next messages; Accepted after them."""
        self.sent: list[tuple[str, int, list[str]]] = []
        """Type, version and tokens of the messages; a removed one begins with "-"."""
        self.keeps = True
        self.limits = limits
        self.station = station
        station.answers = self  # type: ignore[assignment]

    def get(self, action: str) -> Any:
        payload = self.station.calls[-1][1]
        match action:
            case "GetLocalListVersion":
                return {"listVersion" if self.old else "versionNumber": self.version}
            case "SendLocalList":
                return {"status": self.take(payload)}
            case "GetConfiguration":
                keys = {"SendLocalListMaxLength": "items", "LocalAuthListMaxLength": "entries"}
                found = [(key, self.limits[keys[key]]) for key in payload["key"] if keys.get(key) in self.limits]
                known = [{"key": key, "readonly": True, "value": value} for key, value in found]
                return {
                    "configurationKey": known,
                    "unknownKey": sorted(set(payload["key"]) - {key for key, _ in found}),
                }
            case "GetVariables":
                return {"getVariableResult": [self.variable(one) for one in payload["getVariableData"]]}
            case _:
                return None

    def variable(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = {"ItemsPerMessage": "items", "BytesPerMessage": "bytes"}.get(asked["variable"]["name"])
        result = {"component": asked["component"], "variable": asked["variable"]}
        if name in self.limits:
            return {**result, "attributeStatus": "Accepted", "attributeValue": self.limits[name]}
        return {**result, "attributeStatus": "UnknownVariable"}

    def take(self, payload: dict[str, Any]) -> str:
        version = payload["listVersion" if self.old else "versionNumber"]
        full = payload["updateType"] == "Full"
        data = payload.get("localAuthorizationList", [])
        names, told = ("idTag", "idTagInfo") if self.old else ("idToken", "idTokenInfo")
        entries = [(one[names] if self.old else one[names]["idToken"], one.get(told)) for one in data]
        self.sent.append((payload["updateType"], version, [name if info else f"-{name}" for name, info in entries]))
        status = self.statuses.pop(0) if self.statuses else "Accepted"
        if status == "Accepted":
            self.tokens = {} if full else self.tokens
            for name, info in entries:
                self.tokens[name] = info
                if info is None:
                    del self.tokens[name]
            self.version = version if self.keeps else 0
        return status


@asynccontextmanager
async def listing(
    api: Api, running: Running, protocol: str, **limits: str
) -> AsyncIterator[tuple[Lister, str, list[str]]]:
    """A station, its path, and three tokens of a group of its own."""
    unique = uuid.uuid4().hex[:8]
    identity = f"list-{unique}"
    await api("POST", "/stations", {"station_id": identity})
    tokens = [f"{letter}-{unique}" for letter in "ABC"]
    for token in tokens:
        await api("POST", "/tokens", {"id_token": token, "group_id_token": f"G-{unique}"})
    async with Station(running.ocpp_port, identity, protocol) as station:
        await station.boot()
        yield Lister(station, protocol, limits), f"/stations/{identity}", tokens


async def select(api: Api, path: str, tokens: list[str], **more: Any) -> Any:
    selection = {"id_tokens": tokens, **more.pop("selection", {})}
    return await api("PUT", f"{path}/local-list", {"selection": selection, "automatic": False, **more})


async def sync(api: Api, path: str, **parameters: Any) -> Any:
    answer = await api("POST", f"{path}/commands/sync_local_list", parameters)
    assert answer.status == 200, answer
    return answer.body


async def until_version(api: Api, path: str, version: int) -> None:
    async with asyncio.timeout(30):
        while (await api.get(f"{path}/local-list"))["version"] != version:
            pass


@ALL
async def test_all_of_it_then_differences(api: Api, running: Running, protocol: str) -> None:
    async with listing(api, running, protocol) as (station, path, (a, b, c)):
        assert (await select(api, path, [a, b])).status == 201
        assert (await api.get(f"{path}/local-list"))["state"] == "Pending"
        done = await sync(api, path)
        assert done["answer"]["info"] == {"version": 1, "entries": 2, "messages": 1, "full": True, "left_out": 0}
        assert station.tokens.keys() == {a, b}
        group = station.tokens[a]["parentIdTag" if station.old else "groupIdToken"]
        assert (group if station.old else group["idToken"]).startswith("G-")
        shown = await api.get(f"{path}/local-list")
        assert (shown["state"], shown["version"], shown["entries"]) == ("Current", 1, 2)

        assert (await select(api, path, [b, c])).status == 200
        assert (await api.get(f"{path}/local-list"))["state"] == "Stale"
        await api("PATCH", f"/tokens/ISO14443/{b}", {"expires_at": "2099-01-01T00:00:00Z"})
        await sync(api, path)
        assert station.sent[1] == ("Differential", 2, [f"-{a}", b, c])
        assert station.tokens.keys() == {b, c}
        assert any("2099" in str(value) for value in station.tokens[b].values())
        listed = (await api.get(f"{path}/local-list/tokens"))["items"]
        assert [(one["id_token"], one["status"]) for one in listed] == [(b, "Accepted"), (c, "Accepted")]

        calls = len(station.station.calls)
        assert (await sync(api, path))["answer"]["info"]["messages"] == 0
        assert [action for action, _ in station.station.calls[calls:]] == ["GetLocalListVersion"]


@ALL
async def test_split_by_the_stations_limit(api: Api, running: Running, protocol: str) -> None:
    async with listing(api, running, protocol, items="2") as (station, path, (a, b, c)):
        await select(api, path, [a, b, c])
        assert (await sync(api, path))["answer"]["info"]["messages"] == 2
        assert station.sent == [("Full", 1, [a, b]), ("Differential", 2, [c])]
        assert (await api.get(f"{path}/local-list"))["version"] == station.version == 2


@pytest.mark.parametrize("protocol", [V201, V21])
async def test_split_by_the_bytes_of_a_message(api: Api, running: Running, protocol: str) -> None:
    async with listing(api, running, protocol, items="100", bytes="600") as (station, path, tokens):
        await select(api, path, tokens)
        await sync(api, path)
        assert [len(sent[2]) for sent in station.sent] == [2, 1]
        frames = [frame for frame in station.station.frames if "SendLocalList" in frame]
        assert all(len(frame) <= 600 for frame in frames), [len(frame) for frame in frames]


async def test_more_tokens_than_the_list_takes_are_not_sent(api: Api, running: Running) -> None:
    async with listing(api, running, V16, entries="2") as (station, path, tokens):
        await select(api, path, tokens)
        done = await sync(api, path)
        assert (done["state"], done["answer"]["status"]) == ("Rejected", "TooManyTokens")
        assert "3 tokens are selected, and its list takes 2" in done["answer"]["reason"]
        assert station.sent == []
        assert (await api.get(f"{path}/local-list"))["state"] == "Failed"


@ALL
@pytest.mark.parametrize("status", ["Failed", "VersionMismatch"])
async def test_refused_differences_are_followed_by_all_of_it(
    api: Api, running: Running, protocol: str, status: str
) -> None:
    async with listing(api, running, protocol) as (station, path, (a, b, c)):
        await select(api, path, [a])
        await sync(api, path)
        await select(api, path, [a, b, c])
        station.statuses = [status]
        done = await sync(api, path)
        assert [sent[:2] for sent in station.sent[1:]] == [("Differential", 2), ("Full", 3)]
        assert (done["state"], done["answer"]["info"]["full"]) == ("Accepted", True)
        assert station.tokens.keys() == {a, b, c}


@ALL
@pytest.mark.parametrize("status", ["Failed", "VersionMismatch"])
async def test_a_refusal_of_all_of_it_is_shown_and_mended_later(
    api: Api, running: Running, protocol: str, status: str
) -> None:
    async with listing(api, running, protocol, items="1") as (station, path, (a, b, c)):
        await select(api, path, [a, b, c])
        station.statuses = ["Accepted", status]
        done = await sync(api, path)
        assert (done["state"], done["answer"]["status"]) == ("Rejected", status)
        shown = await api.get(f"{path}/local-list")
        assert (shown["state"], shown["problem"], shown["version"]) == ("Failed", status, 0)
        assert (await sync(api, path))["state"] == "Accepted"
        assert station.sent[2][0] == "Full"
        assert station.tokens.keys() == {a, b, c}


@ALL
async def test_a_version_that_drifted_is_found_and_repaired(api: Api, running: Running, protocol: str) -> None:
    async with listing(api, running, protocol) as (station, path, (a, b, _)):
        await select(api, path, [a, b])
        await sync(api, path)
        station.version, station.tokens = 9, {"X": {}}
        done = (await api("POST", f"{path}/commands/get_local_list_version", {})).body
        assert done["answer"]["info"] == {"version": 9}
        shown = await api.get(f"{path}/local-list")
        assert (shown["state"], shown["problem"]) == ("Drifted", "the station tells version 9, not 1")
        assert [one["station_id"] for one in (await api.get("/local-lists?state=Drifted"))["items"]] == [
            shown["station_id"]
        ]
        await sync(api, path)
        assert station.sent[1][:2] == ("Full", 10)
        assert station.tokens.keys() == {a, b}


@ALL
async def test_versions_begin_again_where_there_are_no_larger_ones(api: Api, running: Running, protocol: str) -> None:
    async with listing(api, running, protocol, items="2") as (station, path, (a, b, c)):
        await select(api, path, [a, b, c])
        station.version = 2**31 - 2
        await sync(api, path)
        assert [sent[:2] for sent in station.sent] == [("Full", 1), ("Differential", 2)]
        assert (await api.get(f"{path}/local-list"))["version"] == 2


@ALL
async def test_a_station_that_takes_a_list_and_has_none_afterwards(api: Api, running: Running, protocol: str) -> None:
    """2.0.1 D02.FR.03: so does one whose local lists are not enabled."""
    async with listing(api, running, protocol) as (station, path, (a, _, _)):
        await select(api, path, [a])
        station.keeps = False
        done = await sync(api, path)
        assert (done["state"], done["answer"]["status"]) == ("Rejected", "VersionMismatch")
        assert (await api.get(f"{path}/local-list"))["state"] == "Drifted"


@pytest.mark.parametrize("protocol", [V201, V21])
async def test_the_upper_limit_of_entries_is_how_many_a_list_takes(api: Api, running: Running, protocol: str) -> None:
    async with listing(api, running, protocol) as (station, path, tokens):
        entries = {
            "component": {"name": "LocalAuthListCtrlr"},
            "variable": {"name": "Entries"},
            "variableAttribute": [{"value": "0", "mutability": "ReadOnly"}],
            "variableCharacteristics": {"dataType": "integer", "maxLimit": 2, "supportsMonitoring": False},
        }
        told = {"requestId": 1, "generatedAt": "2026-05-01T12:00:00Z", "seqNo": 0, "reportData": [entries]}
        await station.station.call("NotifyReport", told)
        await select(api, path, tokens)
        assert (await sync(api, path))["answer"]["status"] == "TooManyTokens"
        assert station.sent == []


@ALL
async def test_a_list_that_was_lost_is_sent_after_the_boot(api: Api, running: Running, protocol: str) -> None:
    async with listing(api, running, protocol) as (station, path, (a, b, _)):
        await select(api, path, [a, b])
        await sync(api, path)
        station.version, station.tokens = 0, {}
        await station.station.boot()
        await until_version(api, path, 2)
        assert station.tokens.keys() == {a, b}
        assert station.sent[-1][0] == "Full"


@ALL
async def test_a_changed_token_reaches_the_station_by_itself(api: Api, running: Running, protocol: str) -> None:
    async with listing(api, running, protocol) as (station, path, (a, b, c)):
        await select(api, path, [a, b])
        await sync(api, path)
        await select(api, path, [a, b], automatic=True)
        await api("PATCH", f"/tokens/ISO14443/{c}", {"note": "not of this list"})
        assert (await api.get(f"{path}/local-list"))["state"] == "Current"
        await api("PATCH", f"/tokens/ISO14443/{b}", {"status": "Blocked"})
        await until_version(api, path, 2)
        assert station.tokens.keys() == {a}
        assert station.sent[-1] == ("Differential", 2, [f"-{b}"])


@ALL
async def test_a_station_without_lists(api: Api, running: Running, protocol: str) -> None:
    async with listing(api, running, protocol) as (station, path, (a, _, _)):
        await select(api, path, [a])
        station.station.answers = {"GetLocalListVersion": ["NotImplemented", "no lists here", {}]}
        done = await sync(api, path)
        assert (done["state"], done["answer"]["status"]) == ("Rejected", "NotSupported")
        assert (await api.get(f"{path}/local-list"))["state"] == "NotSupported"


async def test_a_station_without_lists_says_so_in_1_6(api: Api, running: Running) -> None:
    async with listing(api, running, V16) as (station, path, (a, _, _)):
        await select(api, path, [a])
        station.version = -1
        assert (await sync(api, path))["answer"]["status"] == "NotSupported"
        done = (await api("POST", f"{path}/commands/get_local_list_version", {})).body
        assert (done["state"], done["answer"]["status"]) == ("Rejected", "NotSupported")
        station.version, station.statuses = 0, ["NotSupported"]
        assert (await sync(api, path))["answer"]["status"] == "NotSupported"
        assert (await api.get(f"{path}/local-list"))["state"] == "NotSupported"


@ALL
async def test_a_list_can_be_emptied(api: Api, running: Running, protocol: str) -> None:
    async with listing(api, running, protocol) as (station, path, (a, _, _)):
        await select(api, path, [a])
        await sync(api, path)
        await select(api, path, [])
        await sync(api, path, full=True)
        assert station.sent[1] == ("Full", 2, [])
        assert "localAuthorizationList" not in [p for name, p in station.station.calls if name == "SendLocalList"][-1]
        station.version = 0  # of an empty list a station may tell so
        assert (await sync(api, path))["answer"]["info"]["messages"] == 0
        assert (await api("DELETE", f"{path}/local-list")).status == 204
        assert (await api("GET", f"{path}/local-list")).status == 404


@ALL
async def test_refused_tokens_are_listed_when_wanted(api: Api, running: Running, protocol: str) -> None:
    async with listing(api, running, protocol) as (station, path, (a, b, c)):
        await api("PATCH", f"/tokens/ISO14443/{b}", {"status": "Blocked"})
        await api("PATCH", f"/tokens/ISO14443/{c}", {"expires_at": "2020-01-01T00:00:00Z"})
        await select(api, path, [a, b, c])
        await sync(api, path)
        assert station.tokens.keys() == {a}
        await select(api, path, [a, b, c], selection={"include_refused": True})
        await sync(api, path)
        assert {name: info["status"] for name, info in station.tokens.items()} == {
            a: "Accepted",
            b: "Blocked",
            c: "Expired",
        }


async def test_tokens_that_1_6_cannot_have_are_left_out(api: Api, running: Running) -> None:
    async with listing(api, running, V16) as (station, path, (a, _, _)):
        long = f"{a}-too-long-for-an-id-tag"
        await api("POST", "/tokens", {"id_token": long})
        await api("POST", "/tokens", {"id_token": a, "type": "Central"})
        await select(api, path, [a, long])
        assert (await sync(api, path))["answer"]["info"]["left_out"] == 2
        assert list(station.tokens) == [a]


@ALL
async def test_a_station_that_says_nothing(api: Api, running: Running, protocol: str) -> None:
    async with listing(api, running, protocol) as (station, path, (a, _, _)):
        await select(api, path, [a])
        station.station.answers = {}
        done = await sync(api, path, timeout_s=0.1)
        assert done["state"] == "TimedOut"
        assert (await api.get(f"{path}/local-list"))["state"] == "Failed"


async def test_what_is_not_there(api: Api, running: Running) -> None:
    async with listing(api, running, V201) as (station, path, _):
        assert (await sync(api, path))["error"]["code"] == "invalid"
        assert station.station.calls == []
    nothing: dict[str, Any] = {"selection": {}}
    assert (await api("PUT", "/stations/nobody-here/local-list", nothing)).status == 404
    assert (await api("GET", f"{path}/local-list")).status == 404
    assert (await api.get(f"{path}/local-list/tokens"))["items"] == []
    assert (await api("GET", "/stations/nobody-here/local-list/tokens")).status == 404
    assert (await api("DELETE", f"{path}/local-list")).status == 404
    assert (await api("PUT", f"{path}/local-list", {"selection": {"everything": True}})).status == 400
