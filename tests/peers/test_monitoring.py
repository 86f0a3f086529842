"""Monitors on a charger made by others: set, alerting, cleared; and a report of very many of them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.peers.charge_points import Peer, connected
from tests.peers.conftest import Csms
from tests.peers.stories import boot

from voltbridge.protocol.versions import Version

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("version", [Version.V201, Version.V21], ids=lambda version: version.label),
]

NOW = "2026-02-03T04:05:06Z"
MANY = 5000
IN_A_PART = 100
COMPONENT = {"name": "EVSE", "evse": {"id": 1}}
WANTED = {
    "component": {"name": "EVSE", "evse_id": 1},
    "variable": {"name": "Temperature"},
    "type": "UpperThreshold",
    "value": 70,
    "severity": 3,
}


async def booted(csms: Csms, peer: Peer) -> None:
    assert (await boot(peer))[0] == "Accepted"


async def tell(peer: Peer, event_id: int, value: str, **more: Any) -> None:
    event = {
        "event_id": event_id,
        "timestamp": NOW,
        "trigger": "Alerting",
        "actual_value": value,
        "event_notification_type": "CustomMonitor",
        "component": COMPONENT,
        "variable": {"name": "Temperature"},
        "variable_monitoring_id": 41,
        **more,
    }
    await peer.call("NotifyEvent", generated_at=NOW, seq_no=0, event_data=[event])


async def test_a_monitor_alerts_and_is_cleared(csms: Csms, version: Version, identity: str) -> None:
    await csms.rest.post("/stations", {"station_id": identity})
    path = f"/stations/{identity}"
    async with connected(csms.port, identity, version) as peer:
        await booted(csms, peer)
        result = {
            "id": 41,
            "status": "Accepted",
            "type": "UpperThreshold",
            "severity": 3,
            "component": COMPONENT,
            "variable": {"name": "Temperature"},
        }
        peer.answers["SetVariableMonitoring"] = {"setMonitoringResult": [result]}
        done = await csms.rest.post(f"{path}/commands/set_variable_monitoring", {"monitors": [WANTED]})
        assert done["state"] == "Accepted", done
        (listed,) = await csms.rest.items(f"{path}/monitors")
        assert (listed["id"], listed["value"], listed["severity"]) == (41, 70, 3)

        await tell(peer, 1, "75.5")
        (alert,) = await csms.rest.items("/alerts", station_id=identity, state="Open")
        assert (alert["severity"], alert["value"], alert["monitor_id"]) == (3, "75.5", 41)
        (variable,) = await csms.rest.items(f"{path}/variables", variable="Temperature")
        assert variable["value"] == "75.5"
        await csms.rest.post(f"/alerts/{alert['id']}/acknowledge", {"note": "seen"})
        await tell(peer, 2, "60", cleared=True)
        closed = await csms.rest.get(f"/alerts/{alert['id']}")
        assert (closed["state"], closed["closed_by"], closed["value"]) == ("Closed", "Station", "60")

        peer.answers["ClearVariableMonitoring"] = {"clearMonitoringResult": [{"id": 41, "status": "Accepted"}]}
        done = await csms.rest.post(f"{path}/commands/clear_variable_monitoring", {"ids": [41]})
        assert done["state"] == "Accepted", done
        assert await csms.rest.items(f"{path}/monitors") == []


async def test_a_report_of_very_many_monitors(csms: Csms, version: Version, identity: str) -> None:
    await csms.rest.post("/stations", {"station_id": identity})
    path = f"/stations/{identity}"
    async with connected(csms.port, identity, version) as peer:
        await booted(csms, peer)
        peer.answers["GetMonitoringReport"] = {"status": "Accepted"}
        asked = await csms.rest.post(f"{path}/commands/get_monitoring_report", {})
        assert (asked["state"], asked["outcome_state"]) == ("Accepted", "Pending")
        _, _, _, request = json.loads(next(text for text in peer.received if "GetMonitoringReport" in text))
        told = {} if version is Version.V201 else {"event_notification_type": "PreconfiguredMonitor"}
        for seq_no in range(MANY // IN_A_PART):
            monitor = [
                {
                    "component": {"name": "EVSE", "evse": {"id": 1 + number % 10}},
                    "variable": {"name": f"Variable{number}"},
                    "variable_monitoring": [
                        {"id": number, "transaction": False, "value": 0.5, "type": "Delta", "severity": 8, **told}
                    ],
                }
                for number in range(seq_no * IN_A_PART, (seq_no + 1) * IN_A_PART)
            ]
            is_last = (seq_no + 1) * IN_A_PART == MANY
            await peer.call(
                "NotifyMonitoringReport",
                request_id=request["requestId"],
                seq_no=seq_no,
                generated_at=NOW,
                tbc=not is_last,
                monitor=monitor,
            )
        async with asyncio.timeout(60):
            while (found := await csms.rest.get(f"/commands/{asked['id']}"))["outcome_state"] == "Pending":
                pass
        assert (found["outcome_state"], found["outcome"]["monitors"]) == ("Completed", MANY)
        ids = {item["id"] for item in await csms.rest.items(f"{path}/monitors")}
        assert ids == set(range(MANY))
