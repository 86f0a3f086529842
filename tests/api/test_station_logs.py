"""Logs from the command to the file that is read back, in every version, and everything that goes wrong."""

from __future__ import annotations

import asyncio
import hashlib
import io
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
V2 = pytest.mark.parametrize("protocol", [V201, V21])
DATA = b"12:00 all is well\n" * 10_000


class Logger:
    """A station with a log."""

    def __init__(self, station: Station, protocol: str, api: Api, identity: str) -> None:
        self.station, self.protocol, self.api, self.identity = station, protocol, api, identity
        station.answers |= {
            "GetLog": {"status": "Accepted", "filename": "diag.log"},
            "GetDiagnostics": {"fileName": "diag.log"},
        }

    @property
    def asked(self) -> dict[str, Any]:
        payload: dict[str, Any] = self.station.calls[-1][1]
        return payload

    @property
    def location(self) -> str:
        where: str = self.asked["log"]["remoteLocation"] if "log" in self.asked else self.asked["location"]
        return where

    async def get_log(self, name: str = "get_log", **parameters: Any) -> Any:
        answer = await self.api("POST", f"/stations/{self.identity}/commands/{name}", parameters)
        assert answer.status == 200, answer
        return answer.body

    async def tell(self, status: str, request_id: int | None = None) -> None:
        if "requestId" not in self.asked:
            await self.station.call("DiagnosticsStatusNotification", {"status": status})
        else:
            said = {"status": status, "requestId": request_id or self.asked["requestId"]}
            await self.station.call("LogStatusNotification", said)

    async def deliver(self, data: bytes = DATA, location: str | None = None) -> int:
        async with self.api.session.put(f"{location or self.location}diag.log", data=io.BytesIO(data)) as response:
            return response.status

    async def logs(self) -> list[Any]:
        items: list[Any] = (await self.api.get(f"/stations/{self.identity}/logs"))["items"]
        return items

    async def outcome(self, command: Any) -> tuple[str, Any]:
        async with asyncio.timeout(30):
            while (found := await self.api.get(f"/commands/{command['id']}"))["outcome_state"] == "Pending":
                pass
        return found["outcome_state"], found["outcome"]


@asynccontextmanager
async def logging(api: Api, running: Running, protocol: str) -> AsyncIterator[Logger]:
    identity = f"log-{uuid.uuid4().hex[:8]}"
    await api("POST", "/stations", {"station_id": identity})
    async with Station(running.ocpp_port, identity, protocol) as station:
        await station.boot()
        yield Logger(station, protocol, api, identity)


@ALL
async def test_a_log_is_delivered_and_read_back(api: Api, running: Running, protocol: str) -> None:
    async with logging(api, running, protocol) as logger:
        since, until = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
        command = await logger.get_log(oldest_at=since, latest_at=until, retries=2, retry_interval_s=5)
        assert (command["state"], command["outcome_state"]) == ("Accepted", "Pending")
        assert command["answer"]["info"]["filename"] == "diag.log"
        order = logger.asked
        assert (order["retries"], order["retryInterval"], order["logType"]) == (2, 5, "DiagnosticsLog")
        assert order["log"]["oldestTimestamp"] == "2026-01-01T00:00:00.000Z"
        assert order["log"]["latestTimestamp"] == "2026-02-01T00:00:00.000Z"
        await logger.tell("Uploading")
        assert (await api.get(f"/commands/{command['id']}"))["outcome"] == {"status": "Uploading"}
        assert await logger.deliver() == 201
        await logger.tell("Uploaded")
        state, outcome = await logger.outcome(command)
        digest = hashlib.sha256(DATA).hexdigest()
        assert state == "Completed"
        assert (outcome["name"], outcome["size_bytes"], outcome["sha256"]) == ("diag.log", len(DATA), digest)
        content = await api("GET", f"/files/{outcome['file_id']}/content")
        assert content.raw == DATA
        (log,) = await logger.logs()
        assert (log["state"], log["status"], log["file_id"]) == ("Delivered", "Uploaded", outcome["file_id"])
        assert [one["status"] for one in log["statuses"]] == ["Uploading", "Uploaded"]
        (file,) = (await api.get(f"/files?purpose=Log&station_id={logger.identity}"))["items"]
        assert file["id"] == log["file_id"]
        assert await logger.deliver() == 410, "an address takes one file"
        shown = str(await api.get(f"/stations/{logger.identity}/messages"))
        assert "/files/***/" in shown and logger.location not in shown


@V2
async def test_the_security_log(api: Api, running: Running, protocol: str) -> None:
    async with logging(api, running, protocol) as logger:
        await logger.get_log(log_type="SecurityLog")
        assert logger.asked["logType"] == "SecurityLog"
        await logger.deliver()
        assert (await logger.logs())[0]["log_type"] == "SecurityLog"


@ALL
async def test_a_file_without_a_status(api: Api, running: Running, protocol: str) -> None:
    async with logging(api, running, protocol) as logger:
        command = await logger.get_log()
        await logger.deliver()
        state, outcome = await logger.outcome(command)
        assert (state, outcome["size_bytes"]) == ("Completed", len(DATA))
        await logger.tell("UploadFailure")
        (log,) = await logger.logs()
        assert (log["state"], log["status"], log["problem"]) == ("Delivered", "UploadFailure", None)


@pytest.mark.parametrize("code", ["NotImplemented", "NotSupported"])
async def test_a_station_that_knows_only_the_older_message(api: Api, running: Running, code: str) -> None:
    async with logging(api, running, V16) as logger:
        logger.station.answers["GetLog"] = [code, "", {}]
        command = await logger.get_log(oldest_at="2026-01-01T00:00:00Z")
        assert [action for action, _ in logger.station.calls] == ["GetLog", "GetDiagnostics"]
        assert logger.asked["startTime"] == "2026-01-01T00:00:00.000Z"
        await logger.tell("Uploading")
        assert await logger.deliver() == 201
        await logger.tell("Uploaded")
        assert (await logger.outcome(command))[0] == "Completed"
        again = await logger.get_log()
        assert [action for action, _ in logger.station.calls[2:]] == ["GetDiagnostics"], "it was learned"
        await logger.tell("UploadFailed")
        assert await logger.outcome(again) == (
            "Failed",
            {"status": "UploadFailure", "filename": "diag.log", "problem": "UploadFailure"},
        )
        refused = await logger.get_log(log_type="SecurityLog")
        assert (refused["state"], refused["error"]["code"]) == ("Failed", code)


async def test_the_older_message_by_name(api: Api, running: Running) -> None:
    async with logging(api, running, V16) as logger:
        command = await logger.get_log("get_diagnostics")
        assert [action for action, _ in logger.station.calls] == ["GetDiagnostics"]
        await logger.deliver()
        assert (await logger.outcome(command))[0] == "Completed"
        logger.station.answers["GetDiagnostics"] = {}
        none = await logger.get_log("get_diagnostics")
        assert (none["state"], none["answer"]["status"]) == ("Rejected", "NoDiagnostics")
    async with logging(api, running, V201) as logger:
        answer = await api("POST", f"/stations/{logger.identity}/commands/get_diagnostics", {})
        assert (answer.status, "get_log does the same" in answer.body["detail"]) == (422, True)


@ALL
async def test_refused(api: Api, running: Running, protocol: str) -> None:
    async with logging(api, running, protocol) as logger:
        logger.station.answers["GetLog"] = {"status": "Rejected"}
        command = await logger.get_log()
        assert (command["state"], command["outcome_state"]) == ("Rejected", None)
        assert await logger.deliver() == 410
        (log,) = await logger.logs()
        assert (log["state"], log["problem"]) == ("Rejected", "Rejected")


@ALL
@pytest.mark.parametrize("status", ["UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation"])
async def test_it_fails_and_comes_later_all_the_same(api: Api, running: Running, protocol: str, status: str) -> None:
    async with logging(api, running, protocol) as logger:
        command = await logger.get_log()
        await logger.tell("Uploading")
        await logger.tell(status)
        assert (await logger.outcome(command))[0] == "Failed"
        assert await logger.deliver() == 201
        (log,) = await logger.logs()
        assert (log["state"], log["problem"], log["file_id"] is not None) == ("Delivered", None, True)


@ALL
async def test_another_takes_its_place(api: Api, running: Running, protocol: str) -> None:
    async with logging(api, running, protocol) as logger:
        one = await logger.get_log()
        await logger.tell("Uploading")
        number, location = logger.asked["requestId"], logger.location
        logger.station.answers["GetLog"] = {"status": "AcceptedCanceled"}
        two = await logger.get_log()
        assert two["answer"]["status"] == "AcceptedCanceled"
        state, outcome = await logger.outcome(one)
        assert (state, outcome["problem"]) == ("Failed", f"the log of command {two['id']} took its place")
        if protocol != V16:
            await logger.tell("AcceptedCanceled", number)
        await logger.tell("Uploading")
        assert await logger.deliver(b"first", location) == 201, "what comes is kept"
        await logger.deliver(b"second")
        assert (await logger.outcome(two))[1]["size_bytes"] == 6
        assert [(log["state"], log["file_id"] is not None) for log in await logger.logs()] == [
            ("Delivered", True),
            ("Superseded", True),
        ]


async def test_elsewhere(api: Api, running: Running) -> None:
    async with logging(api, running, V201) as logger:
        command = await logger.get_log(location="ftp://user:word@files.example.com/logs/")
        assert logger.location == "ftp://user:word@files.example.com/logs/"
        assert "word" not in str(command)
        await logger.tell("Uploading")
        await logger.tell("Uploaded")
        assert await logger.outcome(command) == ("Completed", {"status": "Uploaded", "filename": "diag.log"})
        (log,) = await logger.logs()
        assert (log["elsewhere"], log["file_id"]) == (True, None)


@pytest.mark.parametrize(
    ("parameters", "status", "said"),
    [
        ({"location": "gopher://x"}, 422, "must be a URL"),
        ({"log_type": "Fun"}, 400, "log_type"),
        ({"log_type": "DataCollectorLog"}, 422, "has no DataCollectorLog"),
        ({"oldest_at": "2026-02-01T00:00:00Z", "latest_at": "2026-01-01T00:00:00Z"}, 422, "must not be before"),
        ({"oldest_at": "yesterday"}, 400, "oldest_at"),
        ({"retries": -1}, 400, "retries"),
    ],
)
async def test_what_cannot_be_asked(
    api: Api, running: Running, parameters: dict[str, Any], status: int, said: str
) -> None:
    async with logging(api, running, V201) as logger:
        answer = await api("POST", f"/stations/{logger.identity}/commands/get_log", parameters)
        assert (answer.status, said in answer.body["detail"]) == (status, True), answer
        assert logger.station.calls == [] and await logger.logs() == []


async def test_only_21_collects_data(api: Api, running: Running) -> None:
    async with logging(api, running, V21) as logger:
        await logger.get_log(log_type="DataCollectorLog")
        assert logger.asked["logType"] == "DataCollectorLog"


async def test_no_answer(api: Api, running: Running) -> None:
    async with logging(api, running, V201) as logger:
        logger.station.answers["GetLog"] = None
        command = await logger.get_log(timeout_s=0.05)
        assert command["state"] == "TimedOut"
        assert (await logger.logs())[0]["state"] == "Failed"
        assert await logger.deliver() == 201
        assert (await logger.logs())[0]["state"] == "Delivered"


async def test_statuses_nobody_asked_for(api: Api, running: Running) -> None:
    async with logging(api, running, V16) as logger:
        for status in ("Idle", "Uploading"):
            await logger.station.call("DiagnosticsStatusNotification", {"status": status})
            await logger.station.call("LogStatusNotification", {"status": status})
        await logger.station.call("LogStatusNotification", {"status": "Uploaded", "requestId": 77})
        assert await logger.logs() == []
    assert (await api("GET", "/stations/nobody/logs")).status == 404
