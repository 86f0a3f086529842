"""Out of order, twice, and offline, through real sockets: the same transaction as told once and in order.

Every order is told by one station and held against another that told the same as it should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.effects.site import Site, only
from tests.support.charger import Charger

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
ENERGY = "Energy.Active.Import.Register"
REGISTER = (5000, 5750, 6500, 7250, 9000)
LAST = len(REGISTER) - 1
ORDERS = {
    "backwards": (4, 3, 2, 1, 0),
    "each twice": (0, 0, 1, 1, 2, 2, 3, 3, 4, 4),
    "all of it twice": (0, 1, 2, 3, 4, 0, 1, 2, 3, 4),
    "the end before the middle": (0, 4, 2, 1, 3),
    "the start last": (2, 4, 1, 3, 0, 2),
    "the start and the middle much later": (4, 2),
}
OFTEN = pytest.mark.parametrize("order", list(ORDERS.values()), ids=list(ORDERS))


def at(step: int) -> str:
    return str(DateTime.of(BEGAN + timedelta(minutes=10 * step)))


async def outcome(site: Site, charger: Charger) -> tuple[Any, list[Any]]:
    """The station's one transaction and its samples, but for what tells of the station and the arrival."""
    transaction = only(await site.rest.items("/transactions", station_id=charger.identity))
    samples = await site.rest.items(f"/transactions/{transaction['id']}/samples")
    for own in ("id", "transaction_id", "station_id", "created_at", "updated_at"):
        del transaction[own]
    return transaction, samples


def event(step: int, token: str) -> dict[str, Any]:
    """One of the events of a transaction that a station of 2.x charged while it was offline."""
    info: dict[str, Any] = {"transactionId": "offline", "chargingState": "Charging"}
    if step == LAST:
        info |= {"stoppedReason": "EVDisconnected", "chargingState": "Idle"}
    payload = {
        "eventType": {0: "Started", LAST: "Ended"}.get(step, "Updated"),
        "timestamp": at(step),
        "triggerReason": {0: "Authorized", LAST: "EVDeparted"}.get(step, "MeterValuePeriodic"),
        "seqNo": step,
        "offline": True,
        "transactionInfo": info,
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": at(step), "sampledValue": [{"value": REGISTER[step], "measurand": ENERGY}]}],
    }
    return payload if step else {**payload, "idToken": {"idToken": token, "type": "ISO14443"}}


@OFTEN
@pytest.mark.parametrize("version", [Version.V201, Version.V21], ids=lambda version: version.label)
async def test_events_of_a_station_that_was_offline(site: Site, version: Version, order: Sequence[int]) -> None:
    token = await site.token(allow_concurrent=True)
    async with site.station(version) as charger:
        for step in range(len(REGISTER)):
            await charger.call("TransactionEvent", event(step, token))
        expected = await outcome(site, charger)
    assert (expected[0]["state"], expected[0]["energy_wh"], expected[0]["offline"]) == ("Ended", 4000.0, True)
    assert [sample["at"] for sample in expected[1]] == [at(step) for step in range(len(REGISTER))]

    async with site.station(version) as charger:
        for step in order:
            await charger.call("TransactionEvent", event(step, token))
        missing = sorted(set(range(len(REGISTER))) - set(order))
        # What is missing comes on another connection.
        async with Charger(site.ocpp_port, charger.identity, version) as again:
            for step in missing:
                await again.call("TransactionEvent", event(step, token))
            assert await outcome(site, charger) == expected


async def start(charger: Charger, token: str) -> int:
    payload = {"connectorId": 1, "idTag": token, "meterStart": REGISTER[0], "timestamp": at(0)}
    number: int = (await charger.call("StartTransaction", payload))["transactionId"]
    return number


async def tell(charger: Charger, number: int, step: int, token: str) -> None:
    """A reading on the way, or the stop with all readings, of a transaction of 1.6."""
    values = [
        {"timestamp": at(each), "sampledValue": [{"value": str(REGISTER[each]), "measurand": ENERGY}]}
        for each in range(1, LAST)
    ]
    if step < LAST:
        payload = {"connectorId": 1, "transactionId": number, "meterValue": [values[step - 1]]}
        await charger.call("MeterValues", payload)
        return
    payload = {"transactionId": number, "idTag": token, "meterStop": REGISTER[LAST], "timestamp": at(LAST)}
    await charger.call("StopTransaction", {**payload, "reason": "EVDisconnected", "transactionData": values})


@OFTEN
async def test_messages_of_the_oldest_version(site: Site, order: Sequence[int]) -> None:
    """The number is known from the start's answer, so a start that comes last is a start repeated."""
    token = await site.token(allow_concurrent=True)
    async with site.station(Version.V16) as charger:
        number = await start(charger, token)
        for step in range(1, len(REGISTER)):
            await tell(charger, number, step, token)
        expected = await outcome(site, charger)
    assert (expected[0]["state"], expected[0]["energy_wh"]) == ("Ended", 4000.0)
    assert [sample["at"] for sample in expected[1]] == [at(step) for step in range(1, LAST)]

    async with site.station(Version.V16) as charger:
        number = await start(charger, token)
        for step in order:
            if step:
                await tell(charger, number, step, token)
            else:
                assert await start(charger, token) == number
        async with Charger(site.ocpp_port, charger.identity, Version.V16) as again:
            assert await start(again, token) == number
            await tell(again, number, LAST, token)
            assert await outcome(site, charger) == expected


async def test_a_stop_of_an_unknown_transaction_is_kept(site: Site) -> None:
    """It is answered as any other, else the station would send it for ever; what it tells is not lost."""
    token = await site.token()
    async with site.station(Version.V16) as charger:
        for _ in range(2):
            await tell(charger, 424_242, LAST, token)
        transaction, samples = await outcome(site, charger)
    assert (transaction["state"], transaction["started_at"], transaction["stopped_at"]) == ("Ended", None, at(LAST))
    assert (transaction["stop_id_token"], transaction["meter_last_wh"]) == (token, 9000.0)
    assert len(samples) == LAST - 1


async def test_a_stop_of_a_start_that_was_never_answered_ends_what_it_started(site: Site) -> None:
    """Errata 3.18: the station has no number and says -1."""
    token = await site.token()
    async with site.station(Version.V16) as charger:
        await start(charger, token)
        await tell(charger, -1, LAST, token)
        await tell(charger, -1, LAST, token)
        transaction, _ = await outcome(site, charger)
    assert (transaction["state"], transaction["energy_wh"], transaction["started_at"]) == ("Ended", 4000.0, at(0))
