"""Clearing a station's cache of tokens: what reaches the wire, and every way it can end."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.clients import Api
from tests.api.test_remote_control import V16, V21, V201, booted

from voltbridge.app import Running

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("protocol", [V16, V201, V21])
@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({"status": "Accepted"}, "Accepted"),
        ({"status": "Rejected"}, "Rejected"),
        (["InternalError", "no memory", {}], "Failed"),
        (None, "TimedOut"),
    ],
)
async def test_clear_cache(api: Api, running: Running, protocol: str, answer: Any, state: str) -> None:
    async with booted(api, running, protocol, ClearCache=answer) as (station, path):
        done = (await api("POST", f"{path}/clear_cache", {"timeout_s": 0.1 if answer is None else 5})).body
        assert station.calls == [("ClearCache", {})]
        assert done["state"] == state


async def test_a_reason_is_shown(api: Api, running: Running) -> None:
    said = {"status": "Rejected", "statusInfo": {"reasonCode": "NotEnabled", "additionalInfo": "AuthCacheEnabled"}}
    async with booted(api, running, V201, ClearCache=said) as (_, path):
        done = (await api("POST", f"{path}/clear_cache", {})).body
        assert (done["state"], done["answer"]["reason"]) == ("Rejected", "NotEnabled: AuthCacheEnabled")


async def test_parameters_are_refused(api: Api, running: Running) -> None:
    async with booted(api, running, V21) as (station, path):
        assert (await api("POST", f"{path}/clear_cache", {"evse_id": 1})).status == 400
        assert station.calls == []
