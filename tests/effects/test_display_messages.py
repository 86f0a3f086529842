"""Messages that stations report to have on their displays: read by REST, and in the outcome of the command."""

from __future__ import annotations

import asyncio

import pytest
from tests.effects.site import Site, only

from voltbridge.protocol.versions import Version

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("version", [Version.V201, Version.V21], ids=lambda version: version.label),
]


async def test_notify_display_messages(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        charger.answers["GetDisplayMessages"] = {"status": "Accepted"}
        path = f"/stations/{charger.identity}"
        command = await site.rest.post(f"{path}/commands/get_display_messages", {})
        async with asyncio.timeout(30):
            _, _, _, asked = await charger.called.get()
        told = {
            "id": 7,
            "priority": "InFront",
            "state": "Charging",
            "endDateTime": "2099-02-03T04:05:06Z",
            "message": {"format": "UTF8", "language": "en", "content": "Hello"},
            "display": {"name": "Display", "instance": "left", "evse": {"id": 1}},
        }
        said = {"requestId": asked["requestId"], "messageInfo": [told]}
        assert await charger.call("NotifyDisplayMessages", {**said, "tbc": True}) == {}
        assert await charger.call("NotifyDisplayMessages", {"requestId": asked["requestId"]}) == {}
        message = only(await site.rest.items(f"{path}/display-messages"))
        assert (message["id"], message["status"], message["priority"]) == (7, "Reported", "InFront")
        assert (message["message"]["content"], message["state"]) == ("Hello", "Charging")
        assert message["end_at"] == "2099-02-03T04:05:06.000Z"
        assert message["display"] == {"name": "Display", "instance": "left", "evse_id": 1, "connector_id": None}
        ended = await site.rest.get(f"/commands/{command['id']}")
        assert (ended["outcome_state"], ended["outcome"]) == ("Completed", {"messages": 1})
