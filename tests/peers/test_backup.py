"""A backup of a CSMS that is at work, restored elsewhere: all is there, and the chargers go on where they were."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.peers.charge_points import Peer, connected
from tests.peers.stories import at, boot, charge, status
from tests.support.charger import Charger
from tests.support.databases import BACKENDS, database, rows
from tests.support.process import Up, running
from tests.support.rest import Rest
from websockets.exceptions import InvalidStatus

from voltbridge.protocol.versions import Version

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

TOKEN = "04A1B2C3D4"
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
OPEN = BEGAN + timedelta(hours=2)
VERSIONS = list(Version)


def name_of(version: Version) -> str:
    return f"PEER-{version.label}"


async def voltbridge(*arguments: str) -> tuple[int, str]:
    """Run a command; its status and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "voltbridge", *arguments),
        env={name: value for name, value in os.environ.items() if not name.startswith("VOLTBRIDGE_")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def begin(peer: Peer) -> str:
    """A transaction that is open, with one reading. The protocol's id."""
    if peer.version is Version.V16:
        answer = await peer.call(
            "StartTransaction", connector_id=1, id_tag=TOKEN, meter_start=20_000, timestamp=at(OPEN, 0)
        )
        value = {"value": "21500", "unit": "Wh", "measurand": "Energy.Active.Import.Register"}
        meter_value = [{"timestamp": at(OPEN, 1), "sampled_value": [value]}]
        number = answer.transaction_id
        await peer.call("MeterValues", connector_id=1, transaction_id=number, meter_value=meter_value)
        return str(number)
    await event(peer, "Started", "Authorized", 0, 20_000)
    await event(peer, "Updated", "MeterValuePeriodic", 1, 21_500)
    return f"open-{peer.identity}"


async def end(peer: Peer, transaction_id: str) -> None:
    """Say the rest of it: two messages later it is over."""
    if peer.version is Version.V16:
        stopped = {"transaction_id": int(transaction_id), "meter_stop": 24_000, "timestamp": at(OPEN, 3)}
        answer = await peer.call("StopTransaction", reason="EVDisconnected", id_tag=TOKEN, **stopped)
        assert answer.id_tag_info["status"] == "Accepted"
        return
    await event(peer, "Updated", "MeterValuePeriodic", 2, 23_000)
    await event(peer, "Ended", "EVDeparted", 3, 24_000)


async def event(peer: Peer, type: str, trigger: str, number: int, wh: int) -> None:
    await peer.call(
        "TransactionEvent",
        event_type=type,
        timestamp=at(OPEN, number),
        trigger_reason=trigger,
        seq_no=number,
        transaction_info={"transaction_id": f"open-{peer.identity}"},
        evse={"id": 1, "connector_id": 1},
        id_token={"id_token": TOKEN, "type": "ISO14443"} if number == 0 else None,
        meter_value=[
            {
                "timestamp": at(OPEN, number),
                "sampled_value": [{"value": float(wh), "measurand": "Energy.Active.Import.Register"}],
            }
        ],
    )


class Load:
    """A station that sends readings without pause; each is numbered by its minute."""

    def __init__(self, charger: Charger) -> None:
        self._charger = charger
        self.sent = 0
        self.answered = 0
        self.going = asyncio.Event()

    async def run(self) -> None:
        while True:
            moment = at(BEGAN - timedelta(days=300), self.sent)
            value = {"value": str(self.sent), "unit": "Wh", "measurand": "Energy.Active.Import.Register"}
            self.sent += 1
            await self._charger.call(
                "MeterValues",
                {"connectorId": 1, "meterValue": [{"timestamp": moment, "sampledValue": [value]}]},
            )
            self.answered += 1
            if self.answered == 50:
                self.going.set()


@contextlib.asynccontextmanager
async def loaded(port: int) -> AsyncIterator[Load]:
    """Readings keep coming inside the block."""
    async with Charger(port, "LOAD", Version.V16) as charger:
        booted = await charger.call("BootNotification", {"chargePointVendor": "Load", "chargePointModel": "Old"})
        assert booted["status"] == "Accepted"
        load = Load(charger)
        task = asyncio.create_task(load.run())
        async with asyncio.timeout(30):
            await load.going.wait()
        yield load
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def set_up(rest: Rest) -> dict[Version, str]:
    """What an operator has; the stations' passwords."""
    await rest.post(
        "/tokens", {"id_token": TOKEN, "note": "=SUM(A1)", "personal_message": "Bonjour Zoë", "allow_concurrent": True}
    )
    passwords = {}
    for version in VERSIONS:
        made = await rest.post(
            "/stations", {"station_id": name_of(version), "generate_password": True, "name": "By the door"}
        )
        passwords[version] = made["password"]
    return passwords


async def everything(rest: Rest) -> dict[str, Any]:
    """What REST tells of those whose books were closed when the backup was made."""
    found: dict[str, Any] = {
        path: await rest.items(path)
        for path in ("/tokens", "/sites", "/operations", "/charging-profiles", "/configurations", "/deviations")
    }
    for version in VERSIONS:
        identity = name_of(version)
        station = await rest.get(f"/stations/{identity}")
        # Told by the connection, not by the books.
        found[identity] = {
            key: value for key, value in station.items() if key not in ("connected", "last_seen_at", "remote_address")
        }
        found[f"{identity} transactions"] = transactions = await rest.items("/transactions", station_id=identity)
        for transaction in transactions:
            path = f"/transactions/{transaction['id']}/samples"
            found[path] = await rest.items(path)
        for path in ("messages", "evses", "variables", "commands"):
            found[f"{identity} {path}"] = await rest.items(f"/stations/{identity}/{path}")
        found[f"{identity} events"] = await rest.items("/events", station_id=identity)
    return found


@pytest.mark.parametrize("origin", BACKENDS)
async def test_a_backup_made_at_work_is_restored_into_both_databases(origin: str, tmp_path: Path) -> None:
    archive = tmp_path / "backup.zip"
    with database(origin, tmp_path) as url:
        async with (
            running(tmp_path / "data", database_url=url, onboarding="accept") as up,
            Rest(up.http_port, up.admin_key) as rest,
            contextlib.AsyncExitStack() as stack,
        ):
            passwords = await set_up(rest)
            left_open = {}
            for version in VERSIONS:
                peer = await stack.enter_async_context(
                    connected(up.ocpp_port, name_of(version), version, password=passwords[version])
                )
                assert await boot(peer) == ("Accepted", 300)
                await status(peer, "Available", at(BEGAN, -1))
                await charge(peer, TOKEN, BEGAN, (10.0, 12.5, 20.0))
                await rest.post(f"/stations/{peer.identity}/commands/clear_cache", {})
                left_open[version] = await begin(peer)
            before = await everything(rest)
            async with loaded(up.ocpp_port) as load:
                sure = load.answered
                code, said = await voltbridge(
                    "backup", str(archive), "--data", str(tmp_path / "data"), "--database-url", url
                )
                assert code == 0, said
                possible = load.sent
                # It was at work all the while, and nobody had to wait for the backup.
                assert load.answered > sure
            key = up.admin_key
            await up.kill()  # that machine is gone
        for backend in BACKENDS:
            there = tmp_path / f"to-{backend}"
            there.mkdir()
            with database(backend, there) as target:
                chosen = ("--data", str(there / "data"), "--database-url", target)
                code, said = await voltbridge("restore", str(archive), *chosen)
                assert code == 0, said
                async with running(there / "data", database_url=target, onboarding="accept") as up:
                    assert up.admin_key == key
                    await as_before(up, target, before, (sure, possible))
                    await goes_on(up, passwords, left_open)
                    await up.stop()
                code, said = await voltbridge("restore", str(archive), *chosen)
                assert code == 2
                assert "has data already; choose others, or give --replace to lose them" in said


LOADED = "SELECT readings FROM meter_values WHERE station_id = 'LOAD'"


async def as_before(up: Up, url: str, before: dict[str, Any], load: tuple[int, int]) -> None:
    sure, possible = load
    async with Rest(up.http_port, up.admin_key) as rest:
        after = await everything(rest)
        for name, value in before.items():
            assert after[name] == value, name
        assert after.keys() == before.keys()
        # What was acknowledged before the backup began is in it, what was sent after its end is not; there is no gap.
        kept = [json.loads(text)[0]["value"] for (text,) in rows(url, LOADED)]
        assert sorted(kept) == list(range(len(kept)))
        assert sure <= len(kept) <= possible


async def goes_on(up: Up, passwords: dict[Version, str], left_open: dict[Version, str]) -> None:
    async with Rest(up.http_port, up.admin_key) as rest:
        for version in VERSIONS:
            identity = name_of(version)
            with pytest.raises(InvalidStatus):
                async with connected(up.ocpp_port, identity, version, password="not-the-password-1"):
                    pass
            async with connected(up.ocpp_port, identity, version, password=passwords[version]) as peer:
                assert await boot(peer) == ("Accepted", 300)
                await end(peer, left_open[version])
                newest, oldest = await rest.items("/transactions", station_id=identity)
                assert (newest["transaction_id"], newest["state"]) == (left_open[version], "Ended")
                assert (newest["energy_wh"], newest["energy_problems"]) == (4_000.0, [])
                assert (oldest["state"], oldest["energy_wh"]) == ("Ended", 10_000.0)
                if version is Version.V16:
                    # Numbers that were given after the backup are not given again.
                    started = await peer.call(
                        "StartTransaction", connector_id=1, id_tag=TOKEN, meter_start=1, timestamp=at(OPEN, 5)
                    )
                    assert started.transaction_id > int(left_open[version]) + 900_000
