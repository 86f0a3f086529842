"""Statuses of firmware and of logs: each is read back from the history that REST shows."""

from __future__ import annotations

from typing import Any

import pytest
from tests.effects.site import Site, only
from tests.support.charger import Charger

from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

V16, V201, V21 = Version
ELSEWHERE = "http://files.example.com/x"
SIGNED = {"UpdateFirmware": {}, "SignedUpdateFirmware": {"status": "Accepted"}}
TWO = {"UpdateFirmware": {"status": "Accepted"}, "PublishFirmware": {"status": "Accepted"}}
LOGS = {"GetLog": {"status": "Accepted"}, "GetDiagnostics": {"fileName": "x"}}


async def ask(site: Site, charger: Charger, name: str, **parameters: Any) -> Any:
    """Give a command; what the station was asked."""
    charger.answers = {**(SIGNED if charger.version is V16 else TWO), **LOGS}
    command = await site.rest.post(f"/stations/{charger.identity}/commands/{name}", parameters)
    assert command["state"] == "Accepted", command
    return (await charger.called.get())[3]


@pytest.mark.parametrize(
    ("version", "action"),
    [(V16, "FirmwareStatusNotification"), (V201, "FirmwareStatusNotification"), (V21, "FirmwareStatusNotification")],
    ids=lambda one: one.label if isinstance(one, Version) else one,
)
async def test_firmware_status(site: Site, version: Version, action: str) -> None:
    async with site.station(version) as charger:
        order = await ask(site, charger, "update_firmware", location=ELSEWHERE)
        number = {"requestId": order["requestId"]} if "requestId" in order else {}
        assert await charger.call(action, {"status": "Downloading", **number}) == {}
        update = only(await site.rest.items(f"/stations/{charger.identity}/firmware"))
    assert (update["status"], update["state"]) == ("Downloading", "Pending")


@pytest.mark.parametrize("version", [V201, V21], ids=lambda version: version.label)
async def test_publish_status(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        order = await ask(site, charger, "publish_firmware", location=ELSEWHERE, checksum="0" * 32)
        told = {"status": "Published", "requestId": order["requestId"], "location": ["http://10.0.0.1/x"]}
        assert await charger.call("PublishFirmwareStatusNotification", told) == {}
        published = only(await site.rest.items(f"/stations/{charger.identity}/published-firmware"))
    assert (published["status"], published["locations"]) == ("Published", ["http://10.0.0.1/x"])


@pytest.mark.parametrize(
    ("version", "action"),
    [
        (V16, "DiagnosticsStatusNotification"),
        (V16, "LogStatusNotification"),
        (V201, "LogStatusNotification"),
        (V21, "LogStatusNotification"),
    ],
    ids=lambda one: one.label if isinstance(one, Version) else one,
)
async def test_log_status(site: Site, version: Version, action: str) -> None:
    async with site.station(version) as charger:
        name = "get_diagnostics" if action.startswith("Diagnostics") else "get_log"
        order = await ask(site, charger, name)
        number = {"requestId": order["requestId"]} if "requestId" in order else {}
        assert await charger.call(action, {"status": "Uploading", **number}) == {}
        log = only(await site.rest.items(f"/stations/{charger.identity}/logs"))
    assert (log["status"], log["state"]) == ("Uploading", "Pending")
