"""``kill -9`` while files come and go: addresses stay good, what was begun is continued, nothing half is shown."""

from __future__ import annotations

import asyncio
import io
import json
import random
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.support.charger import Charger
from tests.support.process import Up, running
from tests.support.rest import Rest

from voltbridge.protocol.versions import Version

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

MIB = 1 << 20
DATA = random.Random(3).randbytes(8 * MIB)


def at(up: Up, address: str) -> str:
    """The same address on the port that the next process has."""
    return f"http://127.0.0.1:{up.ocpp_port}/files/{address.partition('/files/')[2]}"


async def ask(up: Up, rest: Rest, name: str, **parameters: Any) -> tuple[Any, Any]:
    """A command to the station, and the order that it gets."""
    async with Charger(up.ocpp_port, "CS-1", Version.V201) as charger:
        charger.answers = {"UpdateFirmware": {"status": "Accepted"}, "GetLog": {"status": "Accepted"}}
        command = await rest.post(f"/stations/CS-1/commands/{name}", parameters)
        assert command["state"] == "Accepted", command
        return command, (await charger.called.get())[3]


async def settled(rest: Rest, command: Any) -> Any:
    """The command, once its outcome is there."""
    async with asyncio.timeout(60):
        while (found := await rest.get(f"/commands/{command['id']}"))["outcome_state"] == "Pending":
            pass
    return found


async def test_killed_while_files_come_and_go(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        async with running(tmp_path) as up, Rest(up.http_port, up.admin_key) as rest:
            await rest.post("/stations", {"station_id": "CS-1"})
            headers = {"Authorization": f"Bearer {up.admin_key}", "Content-Type": "application/octet-stream"}
            url = f"http://127.0.0.1:{up.http_port}/api/v1/files?name=x.bin"
            async with session.post(url, data=io.BytesIO(DATA), headers=headers) as response:
                file = json.loads(await response.read())
            image = await rest.post("/firmware", {"file_id": file["id"], "version": "2.0"})
            update, order = await ask(up, rest, "update_firmware", firmware_id=image["id"])
            fetch = order["firmware"]["location"]
            log, order = await ask(up, rest, "get_log")
            deliver = order["log"]["remoteLocation"]

            async with session.get(at(up, fetch)) as response:
                fetched = await response.content.readexactly(3 * MIB)
                etag = response.headers["ETag"]
                part = {"Content-Range": f"bytes 0-{2 * MIB - 1}/{len(DATA)}"}
                async with session.put(at(up, deliver), data=io.BytesIO(DATA[: 2 * MIB]), headers=part) as answer:
                    assert answer.status == 202
                await up.kill()

        async with running(tmp_path) as up, Rest(up.http_port, up.admin_key) as rest:
            assert [one["id"] for one in await rest.items("/files")] == [file["id"]], "a part is no file"
            resumed = {"Range": f"bytes={len(fetched)}-", "If-Range": etag}
            async with session.get(at(up, fetch), headers=resumed) as response:
                assert response.status == 206
                assert fetched + await response.read() == DATA
            async with session.head(at(up, deliver)) as response:
                here = int(response.headers["Upload-Offset"])
            assert here == 2 * MIB
            part = {"Content-Range": f"bytes {here}-{len(DATA) - 1}/{len(DATA)}"}
            async with session.put(at(up, deliver), data=io.BytesIO(DATA[here:]), headers=part) as answer:
                assert answer.status == 201
            done = await settled(rest, log)
            assert (done["outcome_state"], done["outcome"]["sha256"]) == ("Completed", file["sha256"])
            async with Charger(up.ocpp_port, "CS-1", Version.V201) as charger:
                station = {"vendorName": "V", "model": "M", "firmwareVersion": "2.0"}
                await charger.call("BootNotification", {"reason": "FirmwareUpdate", "chargingStation": station})
                done = await settled(rest, update)
            assert (done["outcome_state"], done["outcome"]["verified"]) == ("Completed", True)
            await up.stop()
