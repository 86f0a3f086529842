"""Authorize: the operator's word about a token, told to a station."""

from __future__ import annotations

from typing import Any

import pytest
from tests.effects.site import Site
from tests.support.charger import Charger

from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio


async def ask(charger: Charger, token: str) -> Any:
    """The idTagInfo or idTokenInfo of the answer."""
    if charger.version is Version.V16:
        return (await charger.call("Authorize", {"idTag": token}))["idTagInfo"]
    answer = await charger.call("Authorize", {"idToken": {"idToken": token, "type": "ISO14443"}})
    return answer["idTokenInfo"]


@pytest.mark.parametrize("version", list(Version), ids=lambda version: version.label)
async def test_authorize(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        token = f"NEW-{charger.identity}"
        unknown = "Invalid" if version is Version.V16 else "Unknown"
        assert (await ask(charger, token))["status"] == unknown
        await site.rest.post("/tokens", {"id_token": token, "group_id_token": "CREW", "group_type": "Central"})
        info = await ask(charger, token)
        assert info["status"] == "Accepted"
        group = info["parentIdTag"] if version is Version.V16 else info["groupIdToken"]["idToken"]
        assert group == "CREW"
        await site.rest.send("PATCH", f"/tokens/ISO14443/{token}", {"status": "Blocked"})
        assert (await ask(charger, token))["status"] == "Blocked"
        # Events of what needs no commit are stored with the next message that does.
        await charger.call("DataTransfer", {"vendorId": "com.example"})
        told = await site.events("token.authorized", charger)
        assert [(event["id_token"], event["status"]) for event in told] == [
            (token, "Blocked"),
            (token, "Accepted"),
            (token, "Unknown"),
        ]
