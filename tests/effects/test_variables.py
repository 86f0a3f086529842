"""What a station reports of its device model: read by REST, part by part."""

from __future__ import annotations

import pytest
from tests.effects.site import Site, only

from voltbridge.protocol.versions import Version

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("version", [Version.V201, Version.V21], ids=lambda version: version.label),
]


async def test_notify_report(site: Site, version: Version) -> None:
    told = {
        "component": {"name": "OCPPCommCtrlr"},
        "variable": {"name": "HeartbeatInterval"},
        "variableAttribute": [{"value": "300"}],
    }
    async with site.station(version) as charger:
        report = {"requestId": 7, "generatedAt": "2026-02-03T04:05:06.789Z", "seqNo": 0, "reportData": [told]}
        assert await charger.call("NotifyReport", report) == {}
        variable = only(await site.rest.items(f"/stations/{charger.identity}/variables"))
        assert (variable["variable"]["name"], variable["value"]) == ("HeartbeatInterval", "300")
        reported = only(await site.rest.items(f"/stations/{charger.identity}/reports"))
        assert (reported["request_id"], reported["state"]) == (7, "Complete")
