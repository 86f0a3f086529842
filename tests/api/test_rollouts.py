"""Rollouts over real stations: stages, failures, absence, pauses, and a restart of the program in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.clients import Api, Station

from voltbridge.app import Running, start
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.settings import Settings

pytestmark = pytest.mark.anyio

UPDATE = {"location": "http://files.example.com/x.bin", "version": "2.0"}


class Fleet:
    """Stations of 2.0.1 that take updates, each by its number."""

    def __init__(self, api: Api, port: int) -> None:
        self.api, self.port = api, port
        self.name = uuid.uuid4().hex[:8]
        self.stations: dict[int, Station] = {}
        self._stack = contextlib.AsyncExitStack()

    def id(self, number: int) -> str:
        return f"fleet-{self.name}-{number}"

    async def add(self, *numbers: int) -> None:
        for number in numbers:
            await self.api("POST", "/stations", {"station_id": self.id(number)})

    async def connect(self, *numbers: int, answer: Any = None) -> None:
        for number in numbers:
            station = await self._stack.enter_async_context(Station(self.port, self.id(number), "ocpp2.0.1"))
            station.answers["UpdateFirmware"] = answer or {"status": "Accepted"}
            self.stations[number] = station
            await self.boot(number, "1.0")

    async def boot(self, number: int, version: str) -> None:
        made_by = {"vendorName": f"V-{self.name}", "model": "M", "firmwareVersion": version}
        await self.stations[number].call("BootNotification", {"reason": "PowerUp", "chargingStation": made_by})

    async def asked(self, number: int) -> int:
        """Wait for the station's order; the number of its request."""
        station = self.stations[number]
        async with asyncio.timeout(30):
            await station.called.wait()
        return int(station.calls[-1][1]["requestId"])

    async def succeed(self, *numbers: int) -> None:
        for number in numbers:
            request_id = await self.asked(number)
            said = {"status": "Installing", "requestId": request_id}
            await self.stations[number].call("FirmwareStatusNotification", said)
            await self.boot(number, "2.0")

    async def fail(self, *numbers: int) -> None:
        for number in numbers:
            said = {"status": "DownloadFailed", "requestId": await self.asked(number)}
            await self.stations[number].call("FirmwareStatusNotification", said)

    def asked_now(self) -> list[int]:
        return [number for number, station in self.stations.items() if station.calls]

    async def rollout(self, *numbers: int, **more: Any) -> Any:
        body = {"name": "update_firmware", "parameters": UPDATE, "station_ids": [self.id(one) for one in numbers]}
        answer = await self.api("POST", "/rollouts", {**body, **more})
        assert answer.status == 202, answer
        return answer.body

    async def until(self, rollout: Any, **wanted: Any) -> Any:
        """Wait until the rollout shows these values; ``counts`` are compared as a whole."""
        async with asyncio.timeout(60):
            while True:
                shown = await self.api.get(f"/rollouts/{rollout['id']}")
                if {name: shown[name] for name in wanted} == wanted:
                    return shown

    async def members(self, rollout: Any) -> list[tuple[str, int, str | None]]:
        items = (await self.api.get(f"/rollouts/{rollout['id']}/stations"))["items"]
        return [(one["state"], one["stage"], one["problem"]) for one in items]

    async def close(self) -> None:
        await self._stack.aclose()


@pytest.fixture
async def fleet(api: Api, running: Running) -> AsyncIterator[Fleet]:
    fleet = Fleet(api, running.ocpp_port)
    yield fleet
    await fleet.close()


async def test_a_stage_begins_when_the_one_before_is_over(fleet: Fleet) -> None:
    numbers = range(1, 6)
    await fleet.add(*numbers)
    await fleet.connect(*numbers)
    rollout = await fleet.rollout(*numbers, stages=[{"up_to_count": 1}, {"up_to_percent": 60}])
    assert rollout["stages"] == [1, 2, 2]
    await fleet.asked(1)
    assert fleet.asked_now() == [1]
    await fleet.until(rollout, stage=0, counts={"Waiting": 4, "UnderWay": 1})
    await fleet.succeed(1)
    await fleet.asked(2)
    await fleet.asked(3)
    assert fleet.asked_now() == [1, 2, 3]
    await fleet.succeed(2, 3)
    await fleet.succeed(4, 5)
    done = await fleet.until(rollout, state="Completed", counts={"Succeeded": 5})
    assert (done["ended"], done["stage"]) == (5, 2)
    assert {state for state, _, _ in await fleet.members(rollout)} == {"Succeeded"}


async def test_a_failure_of_the_first_stops_it_and_it_can_be_resumed(fleet: Fleet) -> None:
    await fleet.add(1, 2, 3)
    await fleet.connect(1, 2, 3)
    rollout = await fleet.rollout(1, 2, 3, stages=[{"up_to_count": 1}], stop_at_failure_rate=0.5)
    await fleet.fail(1)
    stopped = await fleet.until(rollout, state="Stopped", counts={"Failed": 1, "Waiting": 2})
    assert stopped["reason"] == "1 stations failed"
    assert (await fleet.members(rollout))[0] == ("Failed", 0, "DownloadFailed")
    assert fleet.asked_now() == [1]
    resumed = await fleet.api("POST", f"/rollouts/{rollout['id']}/resume")
    assert (resumed.status, resumed.body["reason"]) == (200, None)
    await fleet.succeed(2, 3)
    await fleet.until(rollout, state="Completed", counts={"Failed": 1, "Succeeded": 2})


async def test_concurrency(fleet: Fleet) -> None:
    await fleet.add(1, 2, 3)
    await fleet.connect(1, 2, 3)
    rollout = await fleet.rollout(1, 2, 3, concurrency=2)
    await fleet.asked(1)
    await fleet.asked(2)
    await fleet.until(rollout, counts={"UnderWay": 2, "Waiting": 1})
    assert fleet.asked_now() == [1, 2]
    await fleet.succeed(1)
    await fleet.asked(3)
    await fleet.succeed(2, 3)
    await fleet.until(rollout, state="Completed")


async def test_one_that_is_away_is_waited_for(fleet: Fleet) -> None:
    await fleet.add(1, 2)
    await fleet.connect(2)
    rollout = await fleet.rollout(1, 2, stages=[{"up_to_count": 1}])
    await fleet.until(rollout, stage=0, counts={"Held": 1, "Waiting": 1})
    assert fleet.asked_now() == [], "nobody follows a stage that has shown nothing"
    await fleet.connect(1)
    await fleet.succeed(1)
    await fleet.succeed(2)
    await fleet.until(rollout, state="Completed", counts={"Succeeded": 2})


async def test_one_that_does_not_return_is_skipped(fleet: Fleet) -> None:
    await fleet.add(1, 2)
    await fleet.connect(2)
    rollout = await fleet.rollout(1, 2, concurrency=1, hold_for_s=0.2)
    await fleet.succeed(2)
    await fleet.until(rollout, state="Completed", counts={"Skipped": 1, "Succeeded": 1})
    assert (await fleet.members(rollout))[0][2] == "the command was expired"


async def test_a_stage_may_go_ahead_of_its_last(fleet: Fleet) -> None:
    await fleet.add(1, 2, 3)
    await fleet.connect(2, 3)
    rollout = await fleet.rollout(1, 2, 3, stages=[{"up_to_count": 2}], advance_at=0.5)
    await fleet.succeed(2)
    await fleet.succeed(3)
    await fleet.until(rollout, state="Running", counts={"Held": 1, "Succeeded": 2})
    await fleet.api("POST", f"/rollouts/{rollout['id']}/cancel")
    await fleet.until(rollout, state="Cancelled", counts={"Waiting": 1, "Succeeded": 2})
    await fleet.connect(1)
    commands = await fleet.api.get(f"/stations/{fleet.id(1)}/commands")
    assert [one["state"] for one in commands["items"]] == ["Cancelled"]


async def test_paused_and_resumed(fleet: Fleet) -> None:
    await fleet.add(1, 2, 3)
    await fleet.connect(1, 3)
    rollout = await fleet.rollout(1, 2, 3, concurrency=1)
    path = f"/rollouts/{rollout['id']}"
    await fleet.asked(1)
    assert (await fleet.api("POST", f"{path}/pause")).body["state"] == "Paused"
    assert (await fleet.api("POST", f"{path}/pause")).status == 409
    await fleet.succeed(1)
    await fleet.until(rollout, state="Paused", counts={"Succeeded": 1, "Waiting": 2})
    assert fleet.asked_now() == [1]
    assert (await fleet.api("POST", f"{path}/resume")).status == 200
    await fleet.asked(3)
    await fleet.until(rollout, counts={"Succeeded": 1, "Held": 1, "UnderWay": 1})
    await fleet.api("POST", f"{path}/pause")
    await fleet.until(rollout, counts={"Succeeded": 1, "Waiting": 1, "UnderWay": 1})
    await fleet.succeed(3)
    await fleet.api("POST", f"{path}/resume")
    await fleet.until(rollout, counts={"Succeeded": 2, "Held": 1})
    await fleet.connect(2)
    await fleet.succeed(2)
    await fleet.until(rollout, state="Completed", counts={"Succeeded": 3})
    for action in ("pause", "resume", "cancel"):
        assert (await fleet.api("POST", f"{path}/{action}")).status == 409


async def test_refusals_errors_and_versions_that_cannot(fleet: Fleet) -> None:
    await fleet.add(1, 2, 3)
    await fleet.connect(1, answer={"status": "Rejected"})
    await fleet.connect(2, answer=["NotImplemented", "no", {}])
    rollout = await fleet.rollout(1, 2, stop_at_failure_rate=None)
    await fleet.until(rollout, state="Completed", counts={"Failed": 2})
    assert [problem for _, _, problem in await fleet.members(rollout)] == ["Rejected", "NotImplemented: no"]


async def test_by_filter(fleet: Fleet) -> None:
    await fleet.add(1, 2, 3)
    await fleet.connect(1, 2, 3)
    await fleet.boot(2, "2.0")
    wanted = {"vendor": f"V-{fleet.name}", "not_firmware_version": "2.0"}
    body = {"name": "update_firmware", "parameters": UPDATE, "filter": wanted}
    rollout = (await fleet.api("POST", "/rollouts", body)).body
    assert rollout["total"] == 2
    await fleet.succeed(1, 3)
    await fleet.until(rollout, state="Completed")
    none = await fleet.api("POST", "/rollouts", {**body, "filter": {**wanted, "firmware_version": "9"}})
    assert (none.status, none.body["detail"]) == (422, "$.filter: takes no station")


async def test_a_deleted_station_stops_nobody(fleet: Fleet) -> None:
    await fleet.add(1, 2)
    await fleet.connect(2)
    rollout = await fleet.rollout(1, 2)
    await fleet.until(rollout, counts={"Held": 1, "UnderWay": 1})
    await fleet.api("DELETE", f"/stations/{fleet.id(1)}")
    await fleet.succeed(2)
    await fleet.until(rollout, state="Completed", counts={"Succeeded": 1})


async def test_an_outage_of_the_storage_only_delays_it(
    fleet: Fleet, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voltbridge.csms.commands.rollout_run._PAUSE_S", 0.01)
    book = running.services.rollouts._book
    outages = {"next_waiting": 3, "put_members": 2, "open_in": 2}

    def failing(name: str) -> Any:
        ask = getattr(book, name)

        async def asked(*arguments: Any) -> Any:
            if outages[name]:
                outages[name] -= 1
                raise StorageUnavailable("planted")
            return await ask(*arguments)

        return asked

    for name in outages:
        monkeypatch.setattr(book, name, failing(name))
    await fleet.add(1, 2)
    await fleet.connect(1, 2)
    rollout = await fleet.rollout(1, 2, stages=[{"up_to_count": 1}])
    await fleet.succeed(1)
    await fleet.succeed(2)
    await fleet.until(rollout, state="Completed", counts={"Succeeded": 2})
    assert outages == {"next_waiting": 0, "put_members": 0, "open_in": 0}
    for number in (1, 2):
        assert len(fleet.stations[number].calls) == 1, "nobody is asked twice"


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"name": "explode"}, 404, "explode"),
        ({"station_ids": ["nobody"]}, 404, "nobody"),
        ({"station_ids": None}, 422, "$.filter"),
        ({"filter": {}}, 422, "$.filter"),
        ({"parameters": {"location": 1}}, 400, "location"),
        ({"parameters": {"location": "ftp://u:p@h/x"}}, 422, "$.parameters: hold a secret"),
        ({"stages": [{}]}, 422, "$.stages[0]"),
        ({"stages": [{"up_to_count": 1, "up_to_percent": 5}]}, 422, "$.stages[0]"),
        ({"stages": [{"up_to_percent": 0}]}, 400, "up_to_percent"),
        ({"concurrency": 0}, 400, "concurrency"),
    ],
)
async def test_what_cannot_be_begun(fleet: Fleet, change: dict[str, Any], status: int, said: str) -> None:
    await fleet.add(1)
    before = (await fleet.api.get("/rollouts"))["items"]
    body = {"name": "update_firmware", "parameters": UPDATE, "station_ids": [fleet.id(1)], **change}
    answer = await fleet.api("POST", "/rollouts", {name: value for name, value in body.items() if value is not None})
    assert (answer.status, said in answer.body["detail"]) == (status, True), answer
    assert (await fleet.api.get("/rollouts"))["items"] == before


async def test_it_goes_on_after_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voltbridge.csms.commands.rollouts._RETURN_S", 0.5)
    settings = Settings(data=tmp_path, ocpp_host="127.0.0.1", ocpp_port=0, http_port=0, shutdown_timeout=1)
    one = await start(settings)
    api = Api(one.http_port, one.admin_key)
    fleet = Fleet(api, one.ocpp_port)
    await fleet.add(1, 2, 3)
    await fleet.connect(1)
    rollout = await fleet.rollout(1, 2, 3, stages=[{"up_to_count": 2}])
    number = await fleet.asked(1)
    await fleet.until(rollout, counts={"UnderWay": 1, "Held": 1, "Waiting": 1})
    await one.stop()
    await fleet.close()
    await api.close()

    two = await start(settings)
    fleet.api = api = Api(two.http_port, two.admin_key)
    fleet.port = two.ocpp_port
    await fleet.connect(1)
    await fleet.stations[1].call("FirmwareStatusNotification", {"status": "Installing", "requestId": number})
    await fleet.boot(1, "2.0")
    await fleet.connect(2)
    await fleet.succeed(2)
    await fleet.connect(3)
    await fleet.succeed(3)
    await fleet.until(rollout, state="Completed", counts={"Succeeded": 3})
    assert len((await api.get(f"/stations/{fleet.id(1)}/commands"))["items"]) == 1, "it was not asked again"
    await fleet.close()
    await api.close()
    await two.stop()


async def test_a_station_that_was_given_up_counts_once_it_has_the_version(fleet: Fleet) -> None:
    """Also when the rollout is over, and what its failure had stopped stays stopped until the operator says so."""
    silent = {**UPDATE, "finish_within_s": 1}
    await fleet.add(1, 2)
    await fleet.connect(1, 2)
    over = await fleet.rollout(1, parameters=silent, stop_at_failure_rate=None)
    await fleet.asked(1)
    await fleet.stations[1].call(
        "FirmwareStatusNotification", {"status": "Installing", "requestId": await fleet.asked(1)}
    )
    await fleet.until(over, state="Completed", counts={"Failed": 1})
    problem = (await fleet.members(over))[0][2]
    assert problem == "the station told nothing since Installing"

    stopped = await fleet.rollout(2, 1, parameters=silent, stages=[{"up_to_count": 1}], stop_at_failure_rate=0.5)
    await fleet.asked(2)
    await fleet.until(stopped, state="Stopped", counts={"Failed": 1, "Waiting": 1})

    await fleet.boot(1, "2.0")
    await fleet.until(over, state="Completed", counts={"Succeeded": 1})
    assert await fleet.members(over) == [("Succeeded", 0, f"taken for failed before: {problem}")]
    await fleet.boot(2, "2.0")
    await fleet.until(stopped, state="Stopped", counts={"Succeeded": 1, "Waiting": 1})
    headers = {"Authorization": f"Bearer {fleet.api.key}", "Accept": "application/json"}
    path = f"/events?type=rollout.corrected&station_id={fleet.id(1)}"
    (event,) = (await fleet.api.get(path, headers=headers))["items"]
    assert (event["data"]["id"], event["data"]["state"]) == (over["id"], "Completed")
    assert (event["data"]["station_state_before"], event["data"]["station_state"]) == ("Failed", "Succeeded")
    await fleet.api("POST", f"/rollouts/{stopped['id']}/cancel")
