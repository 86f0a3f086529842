"""Transactions, their readings, and the status of connectors: read back by REST and in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.effects.site import Site, only
from tests.support.charger import Charger

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

NEWER = pytest.mark.parametrize("version", [Version.V201, Version.V21], ids=lambda version: version.label)
ALL = pytest.mark.parametrize("version", list(Version), ids=lambda version: version.label)
OLDEST = pytest.mark.parametrize("version", [Version.V16], ids=lambda version: version.label)

BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
ENERGY = "Energy.Active.Import.Register"


def at(minutes: int) -> str:
    return str(DateTime.of(BEGAN + timedelta(minutes=minutes)))


async def start(charger: Charger, token: str, meter_start: int = 1000) -> Any:
    payload = {"connectorId": 2, "idTag": token, "meterStart": meter_start, "timestamp": at(0)}
    return await charger.call("StartTransaction", payload)


async def event(charger: Charger, type: str, number: int, wh: int, **more: Any) -> Any:
    info = {"transactionId": f"tx-{charger.identity}"}
    if type == "Ended":
        info["stoppedReason"] = "EVDisconnected"
    payload = {
        "eventType": type,
        "timestamp": at(number),
        "triggerReason": {"Started": "Authorized", "Ended": "EVDeparted"}.get(type, "MeterValuePeriodic"),
        "seqNo": number,
        "transactionInfo": info,
        "evse": {"id": 2, "connectorId": 1},
        "meterValue": [{"timestamp": at(number), "sampledValue": [{"value": wh, "measurand": ENERGY}]}],
        **more,
    }
    return await charger.call("TransactionEvent", payload)


async def transaction_of(site: Site, charger: Charger) -> Any:
    return only(await site.rest.items("/transactions", station_id=charger.identity))


def shown(transaction: Any, **expected: Any) -> None:
    assert {name: transaction[name] for name in expected} == expected


@OLDEST
async def test_start_transaction(site: Site, version: Version) -> None:
    token = await site.token()
    async with site.station(version) as charger:
        answer = await start(charger, token)
        shown(
            await transaction_of(site, charger),
            transaction_id=str(answer["transactionId"]),
            state="Active",
            evse_id=2,
            connector_id=1,
            id_token=token,
            started_at=at(0),
            stopped_at=None,
            meter_start_wh=1000.0,
        )
        assert only(await site.events("transaction.started", charger))["id_token"] == token
        assert answer["idTagInfo"]["status"] == "Accepted"


@OLDEST
async def test_stop_transaction(site: Site, version: Version) -> None:
    token = await site.token()
    async with site.station(version) as charger:
        number = (await start(charger, token))["transactionId"]
        stop = {"transactionId": number, "idTag": token, "meterStop": 4500, "timestamp": at(30), "reason": "Remote"}
        answer = await charger.call("StopTransaction", stop)
        shown(
            await transaction_of(site, charger),
            transaction_id=str(number),
            state="Ended",
            stop_id_token=token,
            stopped_at=at(30),
            stop_reason="Remote",
            energy_wh=3500.0,
            meter_last_wh=4500.0,
        )
        assert only(await site.events("transaction.ended", charger))["energy_wh"] == 3500.0
        assert answer["idTagInfo"]["status"] == "Accepted"


@NEWER
async def test_transaction_event(site: Site, version: Version) -> None:
    token = await site.token()
    async with site.station(version) as charger:
        id_token = {"idToken": token, "type": "ISO14443"}
        answer = await event(charger, "Started", 0, 1000, idToken=id_token)
        name = f"tx-{charger.identity}"
        shown(
            await transaction_of(site, charger),
            transaction_id=name,
            state="Active",
            evse_id=2,
            connector_id=1,
            id_token=token,
            id_token_type="ISO14443",
            started_at=at(0),
        )
        assert answer["idTokenInfo"]["status"] == "Accepted"
        await event(charger, "Updated", 1, 2000)
        shown(await transaction_of(site, charger), energy_wh=1000.0, state="Active")
        await event(charger, "Ended", 2, 4500)
        transaction = await transaction_of(site, charger)
        shown(transaction, state="Ended", stopped_at=at(2), stop_reason="EVDisconnected", energy_wh=3500.0)
        samples = await site.rest.items(f"/transactions/{transaction['id']}/samples")
        assert [(sample["at"], sample["values"][0]["value"]) for sample in samples] == [
            (at(0), 1000.0),
            (at(1), 2000.0),
            (at(2), 4500.0),
        ]


@ALL
async def test_meter_values(site: Site, version: Version) -> None:
    """Those of a running transaction are its samples and its energy; others are stored all the same."""
    token = await site.token()
    async with site.station(version) as charger:
        if version is Version.V16:
            number = (await start(charger, token))["transactionId"]
            value = {"value": "2.5", "unit": "kWh", "measurand": ENERGY}
            within: dict[str, Any] = {"connectorId": 2, "transactionId": number}
            without: dict[str, Any] = {"connectorId": 1}
        else:
            await event(charger, "Started", 0, 1000)
            value = {"value": 2.5, "unitOfMeasure": {"unit": "kWh"}, "measurand": ENERGY}  # type: ignore[dict-item]
            within, without = {"evseId": 2}, {"evseId": 1}
        for place, minute in ((within, 5), (without, 6)):
            meter_value = [{"timestamp": at(minute), "sampledValue": [value]}]
            await charger.call("MeterValues", {**place, "meterValue": meter_value})

        transaction = await transaction_of(site, charger)
        assert transaction["energy_wh"] == 1500.0
        samples = await site.rest.items(f"/transactions/{transaction['id']}/samples")
        taken = {sample["at"]: only(sample["values"]) for sample in samples}
        assert (taken[at(5)]["measurand"], taken[at(5)]["value"], taken[at(5)]["unit"]) == (ENERGY, 2500.0, "Wh")
        stored = site.rows(
            f"SELECT evse_id, at_ms, transaction_id FROM meter_values WHERE station_id = '{charger.identity}'"
        )
        moment = round(datetime.fromisoformat(at(6)).timestamp() * 1000)
        assert (1, moment, None) in stored


@ALL
async def test_status_notification(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        assert await site.rest.items(f"/stations/{charger.identity}/evses") == []
        if version is Version.V16:
            place = {"connectorId": 2, "errorCode": "GroundFailure", "info": "wet", "status": "Faulted"}
        else:
            place = {"evseId": 2, "connectorId": 1, "connectorStatus": "Faulted"}
        assert await charger.call("StatusNotification", {**place, "timestamp": at(0)}) == {}
        evse = only(await site.rest.items(f"/stations/{charger.identity}/evses"))
        connector = only(evse["connectors"])
        assert (evse["evse_id"], connector["connector_id"]) == (2, 1)
        assert (connector["status"], connector["status_at"]) == ("Faulted", at(0))
        reported = ("GroundFailure", "wet") if version is Version.V16 else (None, None)
        assert (connector["error_code"], connector["error_info"]) == reported
        assert only(await site.events("connector.status", charger))["status"] == "Faulted"
