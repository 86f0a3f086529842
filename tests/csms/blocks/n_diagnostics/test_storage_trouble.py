"""The storage fails while a station tells something: it sends that again, and it counts once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.charger import Charger, Refused
from tests.support.rest import Rest

from voltbridge.app import Running, start
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.protocol.versions import Version
from voltbridge.settings import Settings

pytestmark = pytest.mark.anyio

NOW = "2026-02-03T04:05:06.789Z"
EVENT: dict[str, Any] = {
    "eventId": 7,
    "timestamp": NOW,
    "trigger": "Alerting",
    "actualValue": "91",
    "eventNotificationType": "CustomMonitor",
    "variableMonitoringId": 12,
    "component": {"name": "EVSE", "evse": {"id": 1}},
    "variable": {"name": "Temperature"},
}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    settings = Settings(data=tmp_path, ocpp_host="127.0.0.1", ocpp_port=0, http_port=0, call_timeout=5)
    started = await start(settings)
    yield started
    await started.stop()


def fail_once(monkeypatch: pytest.MonkeyPatch, book: object, name: str, *, after: bool) -> None:
    """Let the storage refuse a write, or take it and not be able to say so."""
    work: Callable[..., Any] = getattr(book, name)
    failed: list[str] = []

    async def failing(*given: Any) -> Any:
        if failed:
            return await work(*given)
        failed.append(name)
        if after:
            await work(*given)
        raise StorageUnavailable("the disk is gone")

    monkeypatch.setattr(book, name, failing)


@pytest.mark.parametrize("after", [False, True], ids=["lost", "kept"])
@pytest.mark.parametrize("name", ["note_values", "observe"])
async def test_an_event(running: Running, monkeypatch: pytest.MonkeyPatch, name: str, after: bool) -> None:
    storage = running.storage
    fail_once(monkeypatch, storage.alerts if name == "observe" else storage.variables, name, after=after)
    async with Rest(running.http_port, running.admin_key) as rest:
        await rest.post("/stations", {"station_id": "CP1"})
        async with Charger(running.ocpp_port, "CP1", Version.V201) as charger:
            message = {"generatedAt": NOW, "seqNo": 0, "eventData": [EVENT]}
            with pytest.raises(Refused) as refused:
                await charger.call("NotifyEvent", message)
            assert refused.value.code == "InternalError"
            assert await charger.call("NotifyEvent", message) == {}
        (alert,) = await rest.items("/alerts", station_id="CP1")
        assert (alert["state"], alert["count"]) == ("Open", 1)
        (variable,) = await rest.items("/stations/CP1/variables")
        assert variable["value"] == "91"
        assert len(await rest.items("/events", station_id="CP1", type="station.event")) == 1


@pytest.mark.parametrize("after", [False, True], ids=["lost", "kept"])
async def test_the_end_of_an_error_of_1_6(running: Running, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    """What could not be closed at first is closed when the station tells it again."""
    fault = {"connectorId": 1, "errorCode": "GroundFailure", "status": "Faulted"}
    well = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    async with Rest(running.http_port, running.admin_key) as rest:
        await rest.post("/stations", {"station_id": "CP1"})
        async with Charger(running.ocpp_port, "CP1", Version.V16) as charger:
            await charger.call("StatusNotification", fault)
            fail_once(monkeypatch, running.storage.alerts, "healthy", after=after)
            with pytest.raises(Refused) as refused:
                await charger.call("StatusNotification", well)
            assert refused.value.code == "InternalError"
            await charger.call("StatusNotification", well)
        (alert,) = await rest.items("/alerts", station_id="CP1")
        assert (alert["state"], alert["count"]) == ("Closed", 1)


@pytest.mark.parametrize("after", [False, True], ids=["lost", "kept"])
async def test_customer_information(running: Running, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    fail_once(monkeypatch, running.storage.customer_information, "add_part", after=after)
    async with Rest(running.http_port, running.admin_key) as rest:
        await rest.post("/stations", {"station_id": "CP1"})
        async with Charger(running.ocpp_port, "CP1", Version.V21) as charger:
            said = {"requestId": 6, "generatedAt": NOW, "seqNo": 0, "data": "Ada"}
            with pytest.raises(Refused) as refused:
                await charger.call("NotifyCustomerInformation", said)
            assert refused.value.code == "InternalError"
            await charger.call("NotifyCustomerInformation", said)
        kept = await rest.get("/stations/CP1/customer-information/6")
        assert (kept["data"], kept["characters"], kept["complete"]) == ("Ada", 3, True)
