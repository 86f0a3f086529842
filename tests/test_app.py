"""Starting and stopping in one process: nothing is left behind, nothing is lost."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from pathlib import Path

import pytest
from tests.api.clients import Api, Station

from voltbridge.app import Running, start
from voltbridge.clock import SystemClock
from voltbridge.datadir import DataDirectory
from voltbridge.domain.messages import MessageDirection, MessageFilter, MessageRecord
from voltbridge.domain.paging import PageRequest
from voltbridge.domain.stations import Onboarding
from voltbridge.settings import ConfigurationError, Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data=tmp_path / "data",
        ocpp_host="127.0.0.1",
        ocpp_port=0,
        http_port=0,
        onboarding=Onboarding.ACCEPT,
        shutdown_timeout=5,
    )


def _free(settings: Settings) -> bool:
    """Whether another process could take the data directory."""
    DataDirectory.claim(settings.data).release()
    return True


async def test_what_runs_tells_its_ports_and_its_key(settings: Settings) -> None:
    running = await start(settings)
    try:
        assert running.ocpp_port != running.http_port
        assert running.admin_key == settings.admin_key_file.read_text().strip()
        assert running.admin_key not in repr(running)
        api = Api(running.http_port, running.admin_key)
        assert (await api.get("/stations")) == {"items": [], "next": None}
        await api.close()
    finally:
        await running.stop()
    assert _free(settings)


async def test_a_start_that_fails_late_gives_everything_back(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} on 127.0.0.1 is taken"):
            await start(dataclasses.replace(settings, ocpp_port=port))
    before = len(asyncio.all_tasks())
    assert _free(settings)
    await (await start(settings)).stop()
    assert len(asyncio.all_tasks()) == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"http_host": "203.0.113.1"},
            r"^203\.0\.113\.1 is no address of this machine \(.+\); choose another --http-host$",
        ),
        (
            {"ocpp_host": "203.0.113.1"},
            r"^203\.0\.113\.1 is no address of this machine \(.+\); choose another --ocpp-host$",
        ),
        ({"database_url": "mysql://x/y"}, r"^the database URL must begin with sqlite: or postgresql:, not mysql:$"),
        ({"database_url": "nonsense"}, r"^the database URL cannot be read; it looks like postgresql://user@host/name$"),
        (
            {"database_url": "postgresql://u:hunter2@127.0.0.1:1/x"},
            r"^the database given with --database-url cannot be opened: (?!.*hunter2).+; see that .+ --database-url$",
        ),
    ],
)
async def test_a_mistake_is_told_in_one_sentence(settings: Settings, changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        await start(dataclasses.replace(settings, **changes))  # type: ignore[arg-type]
    assert _free(settings)


async def test_files_that_cannot_be_used_are_named(settings: Settings) -> None:
    settings.data.mkdir()
    (settings.data / "voltbridge.db").write_bytes(b"no database" * 1000)
    with pytest.raises(
        ConfigurationError,
        match=r"^the database in .+/data cannot be opened: file is not a database; restore a backup .+ --data$",
    ):
        await start(settings)
    settings.admin_key_file.chmod(0o644)
    with pytest.raises(ConfigurationError, match=r"run: chmod 600 .+/data/admin\.key$"):
        await start(settings)


async def test_a_stop_answers_and_commits_what_was_received(settings: Settings) -> None:
    running = await start(settings)
    async with Station(running.ocpp_port, "CP-1") as station:
        await station.boot()
        started = {"connectorId": 1, "idTag": "X", "meterStart": 0, "timestamp": "2026-05-01T12:00:00Z"}
        number = (await station.call("StartTransaction", started))["transactionId"]
        value = {"timestamp": "2026-05-01T12:10:00Z", "sampledValue": [{"value": "1500"}]}
        metered = {"connectorId": 1, "transactionId": number, "meterValue": [value]}
        answer = asyncio.ensure_future(station.call("MeterValues", metered))
        await station.sent.wait()
        await running.stop()
        assert await station.closed == 1012
        answered = answer.done()
        answer.cancel()
    again = await start(settings)
    api = Api(again.http_port, again.admin_key)
    (shown,) = (await api.get("/transactions"))["items"]
    samples = (await api.get(f"/transactions/{shown['id']}/samples"))["items"]
    assert (shown["state"], shown["transaction_id"]) == ("Active", str(number))
    assert len(samples) == 1 if answered else len(samples) <= 1
    as_json = {"Authorization": f"Bearer {api.key}", "Accept": "application/json"}
    events = (await api.get("/events?type=station.disconnected", headers=as_json))["items"]
    assert len(events) == 1
    await api.close()
    await again.stop()


async def _log(running: Running, frame: str, at_ms: int) -> None:
    running.storage.journal.put(MessageRecord("CP-1", at_ms, MessageDirection.SENT, 2, "1", "Heartbeat", frame))
    await running.storage.journal.committed()


class HourlyClock(SystemClock):
    """The machine's time, but an hour passes when the test says so."""

    def __init__(self) -> None:
        self.asleep = asyncio.Event()
        self.hour_passes = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        task = asyncio.current_task()
        if seconds != 3600 or task is None or task.get_name() != "tidy":
            return await super().sleep(seconds)
        self.asleep.set()
        await self.hour_passes.wait()
        self.hour_passes.clear()
        return None


async def test_old_records_are_forgotten_every_hour(settings: Settings) -> None:
    clock = HourlyClock()
    running = await start(dataclasses.replace(settings, log_retention_days=1), clock=clock)
    try:
        await clock.asleep.wait()
        await _log(running, "old", clock.now_ms() - 2 * 24 * 3_600_000)
        await _log(running, "new", clock.now_ms())

        async def kept() -> list[str]:
            page = await running.storage.messages.list(MessageFilter("CP-1"), PageRequest())
            return [message.frame for message in page.items]

        assert await kept() == ["new", "old"]
        clock.asleep.clear()
        clock.hour_passes.set()
        await clock.asleep.wait()
        assert await kept() == ["new"]
    finally:
        await running.stop()
