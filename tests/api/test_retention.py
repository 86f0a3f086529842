"""What is kept for how long is told, and from when the oldest of it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.api.clients import Api, Station

from voltbridge.app import Running
from voltbridge.csms.retention import KINDS

pytestmark = pytest.mark.anyio


async def test_every_kind_is_told_of(api: Api, running: Running) -> None:
    await api("POST", "/stations", {"station_id": "kept"})
    async with Station(running.ocpp_port, "kept") as station:
        await station.boot()
    await running.services.retention.tidy()
    body = await api.get("/retention")
    assert body["next"] is None
    found = {item["kind"]: item for item in body["items"]}
    assert list(found) == [kind.name for kind in KINDS]
    assert (found["messages"]["days"], found["messages"]["setting"]) == (30, "log_retention_days")
    assert (found["transactions"]["days"], found["transactions"]["oldest_at"]) == (None, None)
    now = datetime.now(UTC)
    for kind in ("messages", "events"):
        oldest = datetime.fromisoformat(found[kind]["oldest_at"])
        assert now - timedelta(minutes=10) < oldest <= now
    for item in found.values():
        assert item["problem"] is None
        assert item["description"].endswith(".")
        assert datetime.fromisoformat(item["last_run_at"]) <= now
