"""Whatever the schema allows is taken, or refused with a reason: never an error of our own, in either database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from tests.strategies.oracle import dump, messages
from tests.strategies.payloads import valid
from tests.support.charger import Charger
from tests.support.databases import BACKENDS, database
from tests.support.rest import Rest

from voltbridge.app import start
from voltbridge.protocol.versions import Version
from voltbridge.settings import Settings
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio

V16, V201, V21 = Version
TOLD = [
    (V16, "StatusNotification"),
    *((version, action) for version in (V201, V21) for action in ("NotifyEvent", "NotifyMonitoringReport")),
    *((version, "NotifyCustomerInformation") for version in (V201, V21)),
]
EXAMPLES = 40


@pytest.fixture(scope="module", params=BACKENDS)
async def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[int, Rest]]:
    directory = tmp_path_factory.mktemp(request.param)
    with database(request.param, directory) as url:
        # A disk that stands still is no outage here, where every message has to be taken.
        running = await start(
            Settings(
                data=directory, database_url=url, ocpp_host="127.0.0.1", ocpp_port=0, http_port=0, call_timeout=30
            ),
            open_storage=partial(Storage.open, give_up_after_s=60),
        )
        async with Rest(running.http_port, running.admin_key) as rest:
            yield running.ocpp_port, rest
        await running.stop()


def examples(version: Version, action: str) -> list[Any]:
    """Messages that the schema accepts."""
    found: list[Any] = []

    @settings(max_examples=EXAMPLES, deadline=None, database=None)
    @given(valid(messages(version)[f"{action}Request"]))
    def collect(payload: Any) -> None:
        found.append(json.loads(dump(payload)))

    collect()
    return found


@pytest.mark.parametrize(("version", "action"), TOLD, ids=[f"{version.label}-{action}" for version, action in TOLD])
async def test_any_message(server: tuple[int, Rest], version: Version, action: str) -> None:
    port, rest = server
    # On a thread: it takes long, and meanwhile the server has to live.
    told = await asyncio.to_thread(examples, version, action)
    identity = f"ANY-{version.label}-{action}"
    await rest.post("/stations", {"station_id": identity})
    taken = 0
    async with Charger(port, identity, version) as charger:
        for payload in told:
            frame = await charger.ask(action, payload)
            assert frame[0] == 3 or frame[2] == "PropertyConstraintViolation", (payload, frame)
            taken += frame[0] == 3
    assert taken
    for path in ("monitors", "monitoring-reports", "customer-information", "variables"):
        await rest.items(f"/stations/{identity}/{path}")
    await rest.items("/alerts", station_id=identity)


@pytest.mark.parametrize("field", ["info", "vendorId", "vendorErrorCode"])
async def test_a_text_that_cannot_be_kept_is_refused_for_good_and_harms_nothing(
    server: tuple[int, Rest], field: str
) -> None:
    port, rest = server
    identity = f"NUL-{field}"
    await rest.post("/stations", {"station_id": identity})
    status = {"connectorId": 1, "errorCode": "InternalError", "status": "Faulted", "timestamp": "2026-01-01T00:00:00Z"}
    async with Charger(port, identity, V16) as charger:
        frame = await charger.ask("StatusNotification", status | {field: "a\0b"})
        assert frame[0] == 3 or frame[2] == "PropertyConstraintViolation", frame
        taken = await charger.ask("StatusNotification", status | {field: "ab"})
        assert taken[0] == 3, taken
    (connector,) = [one for evse in await rest.items(f"/stations/{identity}/evses") for one in evse["connectors"]]
    assert connector["status"] == "Faulted"
