"""``voltbridge up`` as a process: what it prints, how it starts, stops, refuses and comes back."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.api.clients import Api, Station

pytestmark = pytest.mark.anyio

PROGRAM = (sys.executable, "-m", "voltbridge")
READY_WITHIN_S = 60


@dataclass
class Up:
    """A running ``voltbridge up``."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]

    @property
    def api(self) -> Api:
        return Api(self.ready["http_port"], Path(self.ready["admin_key_file"]).read_text().strip())

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[str, str]:
        """What it printed and logged."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=60)


class Machine:
    """Starts processes in a directory of their own and ends what is left of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("VOLTBRIDGE_")}
        self._processes: list[subprocess.Popen[str]] = []

    def spawn(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*PROGRAM, *arguments],
            cwd=self.directory,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._processes.append(process)
        return process

    def up(self, *arguments: str, **environment: str) -> Up:
        """A process that is ready."""
        ready_file = self.directory / "ready.json"
        ready_file.unlink(missing_ok=True)
        process = self.spawn(
            "up", "--ocpp-port", "0", "--http-port", "0", "--ready-file", str(ready_file), *arguments, **environment
        )
        deadline = time.monotonic() + READY_WITHIN_S
        while not ready_file.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return Up(process, json.loads(ready_file.read_text()))

    def refused(self, *arguments: str, **environment: str) -> str:
        """What a start that must fail says, without "voltbridge: "."""
        process = self.spawn(*arguments, **environment)
        output, errors = process.communicate(timeout=60)
        assert (process.returncode, output) == (2, ""), (output, errors)
        said = [line for line in errors.splitlines() if line.startswith("voltbridge: ")]
        assert len(said) == 1, errors
        assert "Traceback" not in errors
        return said[0].removeprefix("voltbridge: ")

    def end(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.end()


async def test_the_printed_lines_lead_to_a_first_transaction_that_survives_kill_9(machine: Machine) -> None:
    up = machine.up()
    assert stat.S_IMODE((machine.directory / "voltbridge-data" / "admin.key").stat().st_mode) == 0o600
    assert up.ready["pid"] == up.process.pid
    port = up.ready["ocpp_port"]
    async with Station(port, "CP-1") as station:
        assert (await station.boot())["status"] == "Pending"
        for command in await _commands(up):
            shell = await asyncio.to_thread(_run, f"{command} --fail --silent --show-error", machine.directory)
            assert shell.returncode == 0, shell
            shown = json.loads(shell.stdout)
            assert (shown.get("station_id"), shown.get("id_token")) in {("CP-1", None), (None, "04A1B2C3D4")}
        assert (await station.boot())["status"] == "Accepted"
        started = await station.call(
            "StartTransaction",
            {"connectorId": 1, "idTag": "04A1B2C3D4", "meterStart": 0, "timestamp": "2026-05-01T12:00:00Z"},
        )
        assert started["idTagInfo"] == {"status": "Accepted"}
        number = started["transactionId"]
        value = {"timestamp": "2026-05-01T12:10:00Z", "sampledValue": [{"value": "1500"}]}
        await station.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [value]})
        up.process.kill()
        up.process.communicate()

    up = machine.up()
    api = up.api
    (transaction,) = (await api.get("/transactions"))["items"]
    assert (transaction["state"], transaction["energy_wh"]) == ("Active", 1500.0)
    async with Station(up.ready["ocpp_port"], "CP-1") as station:
        stop = {"transactionId": number, "meterStop": 2000, "timestamp": "2026-05-01T12:20:00Z"}
        await station.call("StopTransaction", stop)
    over = await api.get(f"/transactions/{transaction['id']}")
    assert (over["state"], over["energy_wh"]) == ("Ended", 2000.0)
    assert len((await api.get(f"/transactions/{transaction['id']}/samples"))["items"]) == 1
    await api.close()
    up.stop()


def _run(command: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, shell=True, cwd=directory, capture_output=True, text=True, check=False)


async def _commands(up: Up) -> list[str]:
    """The curl lines it printed."""
    assert up.process.stdout is not None
    lines: list[str] = []
    while len(lines) < 2:
        line = await asyncio.to_thread(up.process.stdout.readline)
        if line.startswith("  curl"):
            lines.append(line.strip())
    return lines


async def test_it_stops_in_an_orderly_way(machine: Machine) -> None:
    up = machine.up("--log-format", "json")
    api = up.api
    await api("POST", "/stations", {"station_id": "CP-1"})
    async with (
        Station(up.ready["ocpp_port"], "CP-1") as station,
        api.session.get(f"{api.root}/api/v1/events", headers={"Authorization": f"Bearer {api.key}"}) as events,
    ):
        await station.boot()
        up.process.terminate()
        assert await asyncio.wait_for(station.closed, 60) == 1012
        await asyncio.wait_for(events.content.read(), 60)  # the stream comes to its end
    await api.close()
    _, errors = await asyncio.to_thread(up.process.communicate, timeout=60)
    assert up.process.returncode == 0, errors
    assert not (machine.directory / "ready.json").exists()
    assert [json.loads(line)["event"] for line in errors.splitlines()][-1].startswith("stopping")
    assert "Traceback" not in errors


async def test_a_second_signal_cuts_short_what_a_stop_waits_for(machine: Machine) -> None:
    up = machine.up("--shutdown-timeout", "60")
    api = up.api
    await api("POST", "/stations", {"station_id": "CP-1"})
    async with Station(up.ready["ocpp_port"], "CP-1") as station:
        await station.boot()
        asking = asyncio.ensure_future(api("POST", "/stations/CP-1/ocpp/ClearCache?timeout_s=50", {}))
        await station.called.wait()
        up.process.terminate()
        assert up.process.stderr is not None
        while "stopping; a second signal stops at once" not in await asyncio.to_thread(up.process.stderr.readline):
            pass
        assert (await api("GET", "/readyz", headers={})).status == 503
        up.process.terminate()
        await asyncio.wait_for(station.closed, 40)
        assert (await asking).status == 409
    await api.close()
    await asyncio.to_thread(up.process.communicate, timeout=60)
    assert up.process.returncode == 0


def test_interrupting_ends_it_like_terminating(machine: Machine) -> None:
    up = machine.up()
    _, errors = up.stop(signal.SIGINT)
    assert up.process.returncode == 0, errors


def test_two_processes_do_not_share_a_directory(machine: Machine) -> None:
    up = machine.up()
    said = machine.refused("up", "--ocpp-port", "0", "--http-port", "0")
    assert said == (
        f"the data directory voltbridge-data is in use by another Voltbridge (process {up.process.pid}); "
        "stop that one or choose another directory with --data"
    )
    assert "in use by another Voltbridge" in machine.refused("db", "upgrade")


def test_mistakes_stop_the_start_with_one_sentence(machine: Machine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = machine.refused("up", "--http-port", str(port), "--ocpp-port", "0")
    assert said == f"port {port} on 127.0.0.1 is taken by another program; stop that or choose another --http-port"
    (machine.directory / "voltbridge.toml").write_text("ocpp_prot = 1")
    assert machine.refused("up").endswith("did you mean ocpp_port?")


def test_db_upgrade_makes_the_database_and_may_be_repeated(machine: Machine) -> None:
    for _ in range(2):
        process = machine.spawn("db", "upgrade", "--data", "elsewhere")
        output, errors = process.communicate(timeout=60)
        assert (process.returncode, output) == (0, "The database is up to date.\n"), errors
    assert (machine.directory / "elsewhere" / "voltbridge.db").stat().st_size > 0


def test_a_misspelled_variable_is_warned_of(machine: Machine) -> None:
    up = machine.up(VOLTBRIDGE_OCCP_PORT="1")
    _, errors = up.stop()
    assert "the environment variable VOLTBRIDGE_OCCP_PORT is not used; did you mean VOLTBRIDGE_OCPP_PORT?" in errors
