"""Boots and heartbeats: what the station is shown as afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.effects.site import Site, only

from voltbridge.protocol.versions import Version

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("version", list(Version), ids=lambda version: version.label),
]


def is_now(text: str) -> bool:
    return abs(datetime.fromisoformat(text) - datetime.now(UTC)) < timedelta(seconds=30)


async def test_boot_notification(site: Site, version: Version) -> None:
    said: dict[str, Any]
    if version is Version.V16:
        said = {
            "chargePointVendor": "Effective",
            "chargePointModel": "One",
            "chargePointSerialNumber": "SN-7",
            "firmwareVersion": "9.8.7",
            "iccid": "8931",
            "imsi": "2041",
            "meterType": "MID",
            "meterSerialNumber": "M-1",
        }
    else:
        modem = {"iccid": "8931", "imsi": "2041"}
        station = {"vendorName": "Effective", "model": "One", "serialNumber": "SN-7", "firmwareVersion": "9.8.7"}
        said = {"reason": "Watchdog", "chargingStation": {**station, "modem": modem}}
    async with site.station(version) as charger:
        before = await site.rest.get(f"/stations/{charger.identity}")
        assert (before["vendor"], before["last_boot_at"]) == (None, None)
        answer = await charger.call("BootNotification", said)
        after = await site.rest.get(f"/stations/{charger.identity}")
        expected = {
            "vendor": "Effective",
            "model": "One",
            "serial_number": "SN-7",
            "firmware_version": "9.8.7",
            "iccid": "8931",
            "imsi": "2041",
            "meter_type": "MID" if version is Version.V16 else None,
            "meter_serial_number": "M-1" if version is Version.V16 else None,
            "boot_reason": None if version is Version.V16 else "Watchdog",
            "protocol": version.value,
        }
        assert {name: after[name] for name in expected} == expected
        assert is_now(after["last_boot_at"])
        assert only(await site.events("station.boot", charger))["vendor"] == "Effective"
        assert (answer["status"], answer["interval"]) == ("Accepted", 300)
        assert is_now(answer["currentTime"])


async def test_heartbeat(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        answer = await charger.call("Heartbeat", {})
        station = await site.rest.get(f"/stations/{charger.identity}")
        assert station["last_seen_at"] == answer["currentTime"]
        assert is_now(answer["currentTime"])
