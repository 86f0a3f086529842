"""Security events: all of them in the security log, those that matter at the central system, over power cuts."""

from __future__ import annotations

import pytest
from tests.station.central_system import charging, live
from tests.station.file_server import file_server

from voltbridge.protocol.versions import Version
from voltbridge.station.ports import OperatorLoggedIn
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.storage.station import MemoryStore

ALL = pytest.mark.parametrize("version", list(Version))


@ALL
def test_what_happened_offline_is_logged_and_told_after_a_power_cut(version: Version) -> None:
    """A04.FR.01, FR.02, FR.04; a change of a security parameter is logged alone."""

    async def story(clock: VirtualClock) -> None:
        store = MemoryStore()
        async with file_server() as server, charging(clock, version, store=store) as (central, station):
            station.hardware.uplink(False)  # type: ignore[attr-defined]
            await clock.sleep(5)
            station.hardware._listener(OperatorLoggedIn("service", accepted=False))  # type: ignore[attr-defined]
            at = clock.now()
            station.services.context.device_model.set("SecurityCtrlr.SecurityProfile", "1")
            await station.power_cut(30)
            await station.connected()
            told = await central.next(
                "SecurityEventNotification", lambda each: each["type"] == "MaintenanceLoginFailed"
            )
            assert told["timestamp"].startswith(f"{at:%Y-%m-%dT%H:%M:%S}"), "the moment it happened"
            assert "service" in told["techInfo"]
            request = {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": server.url}}
            said = await central.call("GetLog", request)
            await central.next("LogStatusNotification", lambda each: each["status"] == "Uploaded")
            log = server.uploads[said["filename"]].decode()
            assert log.index("MaintenanceLoginFailed") < log.index("ReconfigurationOfSecurityParameters")
            types = [each["type"] for each in central.of("SecurityEventNotification")]
            assert "ReconfigurationOfSecurityParameters" not in types
            assert types.count("MaintenanceLoginFailed") == 1

    live(story)
