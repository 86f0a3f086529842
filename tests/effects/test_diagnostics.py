"""What monitors tell and what stations know of customers: read by REST, each in its place."""

from __future__ import annotations

from typing import Any

import pytest
from tests.effects.site import Site, only

from voltbridge.protocol.versions import Version

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("version", [Version.V201, Version.V21], ids=lambda version: version.label),
]

NOW = "2026-02-03T04:05:06.789Z"
PLACE: dict[str, Any] = {
    "component": {"name": "Connector", "evse": {"id": 2, "connectorId": 1}},
    "variable": {"name": "Temperature"},
}


async def test_notify_event(site: Site, version: Version) -> None:
    """N07: the value is the variable's, and what alerts is an alert."""
    event = {
        **PLACE,
        "eventId": 7,
        "timestamp": NOW,
        "trigger": "Alerting",
        "actualValue": "91.5",
        "eventNotificationType": "CustomMonitor",
        "variableMonitoringId": 12,
        "techCode": "T1",
    }
    async with site.station(version) as charger:
        assert await charger.call("NotifyEvent", {"generatedAt": NOW, "seqNo": 0, "eventData": [event]}) == {}
        variable = only(await site.rest.items(f"/stations/{charger.identity}/variables"))
        assert (variable["variable"]["name"], variable["value"]) == ("Temperature", "91.5")
        alert = only(await site.rest.items("/alerts", station_id=charger.identity))
        assert (alert["state"], alert["monitor_id"], alert["value"], alert["tech_code"]) == ("Open", 12, "91.5", "T1")
        assert (alert["evse_id"], alert["connector_id"]) == (2, 1)
        told = only(await site.events("station.event", charger))
        assert told["event_data"][0]["actual_value"] == "91.5"


async def test_notify_monitoring_report(site: Site, version: Version) -> None:
    """N02: what is reported is listed."""
    monitor = {"id": 3, "transaction": False, "value": 70, "type": "UpperThreshold", "severity": 4}
    if version is Version.V21:
        monitor["eventNotificationType"] = "HardWiredMonitor"
    report = {
        "requestId": 5,
        "generatedAt": NOW,
        "seqNo": 0,
        "monitor": [{**PLACE, "variableMonitoring": [monitor]}],
    }
    async with site.station(version) as charger:
        assert await charger.call("NotifyMonitoringReport", report) == {}
        listed = only(await site.rest.items(f"/stations/{charger.identity}/monitors"))
        assert (listed["id"], listed["type"], listed["value"], listed["severity"]) == (3, "UpperThreshold", 70, 4)
        assert listed["component"]["evse_id"] == 2
        reported = only(await site.rest.items(f"/stations/{charger.identity}/monitoring-reports"))
        assert (reported["request_id"], reported["state"], reported["monitors"]) == (5, "Complete", 1)


async def test_notify_customer_information(site: Site, version: Version) -> None:
    """N09: what is told is read in one place, and in no log."""
    secret = "Ada Lovelace, 12 St James's Square"
    async with site.station(version) as charger:
        said = {"requestId": 6, "generatedAt": NOW, "seqNo": 0, "data": secret}
        assert await charger.call("NotifyCustomerInformation", said) == {}
        kept = await site.rest.get(f"/stations/{charger.identity}/customer-information/6")
        assert (kept["data"], kept["complete"], kept["asked"]) == (secret, True, False)
        told = only(await site.events("customer_information.reported", charger))
        assert (told["request_id"], told["characters"]) == (6, len(secret))
        logged = await site.rest.items(f"/stations/{charger.identity}/messages")
        assert any(message["action"] == "NotifyCustomerInformation" for message in logged)
        assert "Lovelace" not in str(logged)
        assert "Lovelace" not in str(await site.rest.items("/events", station_id=charger.identity))
