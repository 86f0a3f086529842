"""Messages on displays from the operator's door to the wire, and what is known of them after."""

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
NEW = pytest.mark.parametrize("protocol", [V201, V21])
HELLO = {"message": {"content": "Hello"}}


@asynccontextmanager
async def showing(api: Api, running: Running, protocol: str) -> AsyncIterator[tuple[Station, str]]:
    """A station that accepts, and its path."""
    identity = f"display-{uuid.uuid4().hex[:8]}"
    await api("POST", "/stations", {"station_id": identity})
    async with Station(running.ocpp_port, identity, protocol) as station:
        await station.boot()
        station.answers = {
            action: {"status": "Accepted"}
            for action in ("SetDisplayMessage", "GetDisplayMessages", "ClearDisplayMessage")
        }
        yield station, f"/stations/{identity}"


async def command(api: Api, path: str, name: str, **parameters: Any) -> Any:
    answer = await api("POST", f"{path}/commands/{name}", parameters)
    assert answer.status == 200, answer
    return answer.body


async def messages(api: Api, path: str, **query: str) -> list[Any]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    found: list[Any] = (await api.get(f"{path}/display-messages?{asked}"))["items"]
    return found


async def statuses(api: Api, path: str) -> list[tuple[int, str]]:
    return [(one["id"], one["status"]) for one in await messages(api, path)]


async def report(station: Station, ids: dict[int, str], *, more: bool = False, request_id: int | None = None) -> None:
    """A part of the report asked for last."""
    if request_id is None:
        request_id = [payload for action, payload in station.calls if action == "GetDisplayMessages"][-1]["requestId"]
    infos = [
        {"id": id, "priority": "NormalCycle", "message": {"format": "UTF8", "content": text}}
        for id, text in ids.items()
    ]
    said: dict[str, Any] = {"requestId": request_id, "tbc": more}
    await station.call("NotifyDisplayMessages", said | ({"messageInfo": infos} if infos else {}))


@NEW
async def test_everything_a_message_can_say(api: Api, running: Running, protocol: str) -> None:
    """O01.FR.04, O01.FR.05, O02; in 2.1 in several languages."""
    async with showing(api, running, protocol) as (station, path):
        extra = [{"content": "Hallo", "language": "de"}] if protocol == V21 else []
        wanted = {
            "message": {"content": "Hello", "format": "ASCII", "language": "en-US"},
            "priority": "AlwaysFront",
            "state": "Charging",
            "start_at": "2099-01-01T00:00:00Z",
            "end_at": "2099-01-02T00:00:00+01:00",
            "transaction_id": "tx-1",
            "display": {"name": "Display", "instance": "left", "evse_id": 1, "connector_id": 2},
            "extra": extra,
        }
        done = await command(api, path, "set_display_message", **wanted)
        assert (done["state"], done["answer"]["status"]) == ("Accepted", "Accepted")
        id = done["answer"]["info"]["message_id"]
        sent = {
            "id": id,
            "priority": "AlwaysFront",
            "state": "Charging",
            "startDateTime": "2099-01-01T00:00:00.000Z",
            "endDateTime": "2099-01-01T23:00:00.000Z",
            "transactionId": "tx-1",
            "message": {"format": "ASCII", "language": "en-US", "content": "Hello"},
            "display": {"name": "Display", "instance": "left", "evse": {"id": 1, "connectorId": 2}},
        }
        if extra:
            sent["messageExtra"] = [{"format": "UTF8", "language": "de", "content": "Hallo"}]
        assert station.calls == [("SetDisplayMessage", {"message": sent})]
        (shown,) = await messages(api, path)
        assert (shown["status"], shown["reason"], shown["requested_at"] is None) == ("Accepted", None, False)
        assert [text["content"] for text in (shown["message"], *shown["extra"])] == [
            "Hello",
            *(["Hallo"] if extra else []),
        ]
        assert await api.get(f"{path}/display-messages/{id}") == shown
        assert (await api("GET", f"{path}/display-messages/12345")).status == 404


@NEW
async def test_a_message_of_no_transaction_and_no_state_leaves_them_out(
    api: Api, running: Running, protocol: str
) -> None:
    """O01.FR.04."""
    async with showing(api, running, protocol) as (station, path):
        await command(api, path, "set_display_message", **HELLO)
        await command(api, path, "set_display_message", **HELLO)
        first, second = (payload["message"] for _, payload in station.calls)
        assert first.keys() == {"id", "priority", "message"}
        assert first["id"] != second["id"]
        assert await statuses(api, path) == [(first["id"], "Accepted"), (second["id"], "Accepted")]


REFUSALS = ["NotSupportedMessageFormat", "Rejected", "NotSupportedPriority", "NotSupportedState", "UnknownTransaction"]


@pytest.mark.parametrize("status", [*REFUSALS, "LanguageNotSupported"])
async def test_refusals_are_kept_with_their_reason(api: Api, running: Running, status: str) -> None:
    async with showing(api, running, V21) as (station, path):
        info = {"reasonCode": "TooMany", "additionalInfo": "8 of 8"}
        station.answers["SetDisplayMessage"] = {"status": status, "statusInfo": info}
        done = await command(api, path, "set_display_message", id=5, **HELLO)
        assert (done["state"], done["answer"]["status"]) == ("Rejected", status)
        (shown,) = await messages(api, path)
        assert (shown["status"], shown["reason"]) == ("Rejected", f"{status}: TooMany: 8 of 8")


async def test_a_refused_replacement_leaves_the_message_as_it_was(api: Api, running: Running) -> None:
    """O06.FR.01."""
    async with showing(api, running, V201) as (station, path):
        await command(api, path, "set_display_message", id=5, **HELLO)
        station.answers["SetDisplayMessage"] = {"status": "Rejected"}
        await command(api, path, "set_display_message", id=5, message={"content": "Other"})
        assert [(one["status"], one["message"]["content"]) for one in await messages(api, path)] == [
            ("Accepted", "Hello")
        ]
        station.answers["SetDisplayMessage"] = {"status": "Accepted"}
        await command(api, path, "set_display_message", id=5, message={"content": "Other"})
        assert [one["message"]["content"] for one in await messages(api, path)] == ["Other"]
        assert {payload["message"]["id"] for _, payload in station.calls} == {5}


async def test_no_answer_leaves_it_open_and_a_report_settles_it(api: Api, running: Running) -> None:
    async with showing(api, running, V201) as (station, path):
        station.answers["SetDisplayMessage"] = None
        done = await command(api, path, "set_display_message", id=5, timeout_s=0.1, **HELLO)
        assert done["state"] == "TimedOut"
        (shown,) = await messages(api, path)
        assert shown["status"] == "Requested"
        assert "get_display_messages" in shown["reason"]
        await command(api, path, "get_display_messages")
        await report(station, {5: "Hello"})
        assert await statuses(api, path) == [(5, "Accepted")]


async def test_an_error_of_the_station_is_its_refusal(api: Api, running: Running) -> None:
    async with showing(api, running, V201) as (station, path):
        station.answers["SetDisplayMessage"] = ["NotSupported", "no display", {}]
        done = await command(api, path, "set_display_message", id=5, **HELLO)
        assert (done["state"], done["error"]["code"]) == ("Failed", "NotSupported")
        (shown,) = await messages(api, path)
        assert (shown["status"], shown["reason"]) == ("Rejected", "NotSupported: no display")


async def test_always_in_front_is_one_for_each_display(api: Api, running: Running) -> None:
    """O01.FR.16, O01.FR.23."""
    async with showing(api, running, V21) as (_, path):
        front = {**HELLO, "priority": "AlwaysFront"}
        await command(api, path, "set_display_message", id=1, **front)
        await command(api, path, "set_display_message", id=2, display={"instance": "left"}, **front)
        await command(api, path, "set_display_message", id=3, priority="InFront", **HELLO)
        await command(api, path, "set_display_message", id=4, **front)
        assert await statuses(api, path) == [(1, "Replaced"), (2, "Accepted"), (3, "Accepted"), (4, "Accepted")]


@NEW
async def test_clearing(api: Api, running: Running, protocol: str) -> None:
    """O05."""
    async with showing(api, running, protocol) as (station, path):
        for id in (1, 2):
            await command(api, path, "set_display_message", id=id, **HELLO)
        assert (await command(api, path, "clear_display_message", id=1))["state"] == "Accepted"
        assert station.calls[-1] == ("ClearDisplayMessage", {"id": 1})
        station.answers["ClearDisplayMessage"] = {"status": "Unknown"}
        done = await command(api, path, "clear_display_message", id=2)
        assert (done["state"], done["answer"]["status"]) == ("Rejected", "Unknown")
        assert await statuses(api, path) == [(1, "Cleared"), (2, "NotReported")]
        assert [one["id"] for one in await messages(api, path, status="Cleared")] == [1]


async def test_a_rejected_clearing_changes_nothing(api: Api, running: Running) -> None:
    """O05.FR.03."""
    async with showing(api, running, V21) as (station, path):
        await command(api, path, "set_display_message", id=1, **HELLO)
        station.answers["ClearDisplayMessage"] = {"status": "Rejected"}
        await command(api, path, "clear_display_message", id=1)
        assert await statuses(api, path) == [(1, "Accepted")]


@NEW
async def test_a_report_in_parts_puts_things_right(api: Api, running: Running, protocol: str) -> None:
    """O03: what it lacks is gone, what it has besides was not set from here."""
    async with showing(api, running, protocol) as (station, path):
        for id in (1, 2, 3):
            await command(api, path, "set_display_message", id=id, **HELLO)
        done = await command(api, path, "get_display_messages")
        assert (done["state"], done["outcome_state"]) == ("Accepted", "Pending")
        assert station.calls[-1][1].keys() == {"requestId"}
        await report(station, {1: "Hello"}, more=True)
        await report(station, {3: "Changed there", 9: "Made by the vendor"}, more=True)
        half = await api.get(f"/commands/{done['id']}")
        assert (half["outcome_state"], half["outcome"]) == ("Pending", {"messages": 3})
        await report(station, {})
        whole = await api.get(f"/commands/{done['id']}")
        assert (whole["outcome_state"], whole["outcome"]) == ("Completed", {"messages": 3})
        expected = [(1, "Accepted"), (2, "NotReported"), (3, "Accepted"), (9, "Reported")]
        assert await statuses(api, path) == expected
        assert (await messages(api, path))[2]["message"]["content"] == "Changed there"
        # A part that comes after the last, or again, is taken in.
        await report(station, {2: "Hello"}, more=True)
        assert (await statuses(api, path))[1] == (2, "Accepted")


async def test_criteria_are_sent_and_only_what_they_mean_can_be_missing(api: Api, running: Running) -> None:
    """O04."""
    async with showing(api, running, V201) as (station, path):
        await command(api, path, "set_display_message", id=1, priority="InFront", **HELLO)
        await command(api, path, "set_display_message", id=2, state="Idle", **HELLO)
        await command(api, path, "get_display_messages", priority="InFront", state="Charging", ids=[1, 7])
        asked = station.calls[-1][1]
        assert (asked["priority"], asked["state"], asked["id"]) == ("InFront", "Charging", [1, 7])
        await report(station, {})
        assert await statuses(api, path) == [(1, "Accepted"), (2, "Accepted")]
        station.answers["GetDisplayMessages"] = {"status": "Unknown"}
        done = await command(api, path, "get_display_messages", priority="InFront")
        assert (done["state"], done["answer"]["status"], done["outcome_state"]) == ("Rejected", "Unknown", None)
        assert await statuses(api, path) == [(1, "NotReported"), (2, "Accepted")]


async def test_a_report_nobody_asked_for_is_taken_in(api: Api, running: Running) -> None:
    async with showing(api, running, V201) as (station, path):
        await command(api, path, "set_display_message", id=1, **HELLO)
        await report(station, {4: "Surprise"}, request_id=-3)
        assert await statuses(api, path) == [(1, "Accepted"), (4, "Reported")]


async def test_messages_end_with_their_time_and_their_transaction(api: Api, running: Running) -> None:
    """O01.FR.07, O02.FR.02."""
    async with showing(api, running, V201) as (station, path):
        started = {
            "eventType": "Started",
            "timestamp": "2026-02-03T04:05:06Z",
            "triggerReason": "CablePluggedIn",
            "seqNo": 0,
            "transactionInfo": {"transactionId": f"tx-{path}"[:36]},
            "evse": {"id": 1},
        }
        await station.call("TransactionEvent", started)
        name = started["transactionInfo"]["transactionId"]  # type: ignore[index]
        await command(api, path, "set_display_message", id=1, transaction_id=name, **HELLO)
        await report(station, {2: "Hello"}, request_id=1)
        past = {
            "id": 3,
            "priority": "InFront",
            "endDateTime": "2020-01-01T00:00:00Z",
            "message": {"format": "UTF8", "content": "Hello"},
        }
        await station.call("NotifyDisplayMessages", {"requestId": 1, "messageInfo": [past]})
        assert await statuses(api, path) == [(1, "Accepted"), (2, "Reported"), (3, "Expired")]
        await station.call("TransactionEvent", {**started, "eventType": "Ended", "seqNo": 1})
        assert await statuses(api, path) == [(1, "Expired"), (2, "Reported"), (3, "Expired")]
        first, _, third = await messages(api, path)
        assert (first["reason"], third["reason"]) == ("its transaction has ended", "its end has come")


async def test_what_the_display_is_known_not_to_do_is_not_sent(api: Api, running: Running) -> None:
    """O01.FR.01 to FR.03: the refusal that would come, without asking for it."""
    async with showing(api, running, V21) as (station, path):
        values = {"SupportedFormats": "ASCII, UTF8", "SupportedPriorities": "NormalCycle", "SupportedStates": "Idle"}
        data = [
            {
                "component": {"name": "DisplayMessageCtrlr"},
                "variable": {"name": name},
                "variableAttribute": [{"value": value}],
            }
            for name, value in values.items()
        ]
        spoken = {"dataType": "OptionList", "valuesList": "en,de-CH", "supportsMonitoring": False}
        data.append(
            {
                "component": {"name": "DisplayMessageCtrlr"},
                "variable": {"name": "Language"},
                "variableAttribute": [{"value": "en"}],
                "variableCharacteristics": spoken,
            }
        )
        said = {"requestId": 1, "generatedAt": "2026-02-03T04:05:06Z", "seqNo": 0, "reportData": data}
        await station.call("NotifyReport", said)
        for more, status, names in (
            ({"message": {"content": "x", "format": "HTML"}}, "NotSupportedMessageFormat", "ASCII, UTF8"),
            ({**HELLO, "priority": "InFront"}, "NotSupportedPriority", "NormalCycle"),
            ({**HELLO, "state": "Charging"}, "NotSupportedState", "Idle"),
            ({"message": {"content": "x", "language": "fr"}}, "LanguageNotSupported", "en, de-CH"),
        ):
            done = await command(api, path, "set_display_message", **more)
            assert (done["state"], done["answer"]["status"]) == ("Rejected", status)
            assert done["answer"]["reason"] == f"not sent: the station supports {names}"
        assert station.calls == []
        assert await messages(api, path) == []
        swiss = {"content": "x", "language": "de-ch"}
        assert (await command(api, path, "set_display_message", state="Idle", message=swiss))["state"] == "Accepted"


@pytest.mark.parametrize("name", ["set_display_message", "get_display_messages", "clear_display_message"])
async def test_the_oldest_version_has_no_such_thing(api: Api, running: Running, name: str) -> None:
    async with showing(api, running, V16) as (station, path):
        parameters = {"set_display_message": HELLO, "get_display_messages": {}, "clear_display_message": {"id": 1}}
        refused = await api("POST", f"{path}/commands/{name}", parameters[name])
        assert (refused.status, refused.body["type"]) == (422, "urn:voltbridge:problem:unsupported-command")
        assert "OCPP 1.6 has no" in refused.body["detail"]
        assert station.calls == []
        kinds = {kind["name"]: kind["versions"] for kind in (await api.get("/command-kinds"))["items"]}
        assert kinds[name] == [V201, V21]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"state": "Suspended"}, "no state Suspended"),
        ({"message": {"content": "x", "format": "QRCODE"}}, "no format QRCODE"),
        ({"message": {"content": "x" * 513}}, "512 characters"),
        ({"extra": [{"content": "x", "language": "de"}]}, "one language"),
    ],
)
async def test_what_only_the_newest_version_can_say(api: Api, running: Running, more: Any, said: str) -> None:
    async with showing(api, running, V201) as (station, path):
        refused = await api("POST", f"{path}/commands/set_display_message", {**HELLO, **more})
        assert refused.status == 422
        assert said in refused.body["detail"]
        assert station.calls == []
    async with showing(api, running, V21) as (station, path):
        assert (await command(api, path, "set_display_message", **{**HELLO, **more}))["state"] == "Accepted"


@pytest.mark.parametrize(
    ("parameters", "status", "where"),
    [
        ({}, 400, "message"),
        ({"message": {"content": ""}}, 400, "message.content"),
        ({"message": {"content": "a\u0000b"}}, 400, "message"),
        ({"message": {"content": "a\ud800b"}}, 400, "message"),
        ({"message": {"content": "é", "format": "ASCII"}}, 422, "message.content"),
        ({"message": {"content": "x", "language": "toolonglanguage"}}, 400, "message.language"),
        ({**HELLO, "id": -1}, 400, "id"),
        ({**HELLO, "id": 2**31}, 400, "id"),
        ({**HELLO, "priority": "Loud"}, 400, "priority"),
        ({**HELLO, "end_at": "2020-01-01T00:00:00Z"}, 422, "end_at"),
        ({**HELLO, "end_at": "2099-01-01T00:00:00"}, 400, "end_at"),
        ({**HELLO, "start_at": "2099-01-02T00:00:00Z", "end_at": "2099-01-01T00:00:00Z"}, 422, "end_at"),
        ({**HELLO, "display": {"connector_id": 1}}, 400, "display"),
        ({**HELLO, "extra": [{"content": "x"}]}, 422, "extra[0].language"),
        ({**HELLO, "text": "x"}, 400, "text"),
    ],
)
async def test_bad_parameters(api: Api, running: Running, parameters: Any, status: int, where: str) -> None:
    async with showing(api, running, V21) as (station, path):
        refused = await api("POST", f"{path}/commands/set_display_message", parameters)
        assert (refused.status, refused.headers["Content-Type"]) == (status, "application/problem+json"), refused
        assert where in refused.body["detail"]
        assert station.calls == []
        assert await messages(api, path) == []


async def test_many_stations_at_once(api: Api, running: Running) -> None:
    async with showing(api, running, V201) as (_, first), showing(api, running, V21) as (_, second):
        among = [path.removeprefix("/stations/") for path in (first, second)]
        body = {"name": "set_display_message", "parameters": HELLO, "station_ids": among}
        started = await api("POST", "/operations", body)
        assert started.status < 300, started
        async with asyncio.timeout(30):
            while (await api.get(f"/operations/{started.body['id']}"))["state"] == "Running":
                pass
        for path in (first, second):
            assert [status for _, status in await statuses(api, path)] == ["Accepted"]


async def test_an_unknown_station(api: Api) -> None:
    assert (await api("GET", "/stations/nowhere/display-messages")).status == 404
