"""Tariff, cost and display messages with chargers that nobody here wrote."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.peers.charge_points import Peer, connected
from tests.peers.conftest import Csms
from tests.peers.stories import at, boot

from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

NEW = pytest.mark.parametrize("version", [Version.V201, Version.V21], ids=lambda version: version.label)
ACCEPTED = {"status": "Accepted"}


async def event(peer: Peer, began: datetime, step: int, type: str, kwh: float, **more: Any) -> Any:
    """A transaction event with a reading of the register."""
    context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(type, "Sample.Periodic")
    reading = {"value": kwh, "context": context, "unit_of_measure": {"unit": "kWh"}}
    return await peer.call(
        "TransactionEvent",
        event_type=type,
        timestamp=at(began, step),
        trigger_reason="MeterValuePeriodic",
        seq_no=step,
        transaction_info={"transaction_id": f"cost-{peer.identity}", "charging_state": "Charging"},
        evse={"id": 1, "connector_id": 1},
        meter_value=[{"timestamp": at(began, step), "sampled_value": [reading]}],
        **more,
    )


def calls(peer: Peer, action: str) -> list[Any]:
    """The payloads of the calls of an action that the peer has received."""
    frames = [json.loads(text) for text in peer.received]
    return [frame[3] for frame in frames if frame[0] == 2 and frame[2] == action]


async def called(peer: Peer, action: str) -> None:
    async with asyncio.timeout(60):
        while await peer.called.get() != action:
            pass


@NEW
async def test_from_the_tariff_to_the_total_cost(csms: Csms, version: Version, identity: str) -> None:
    token, began = f"04-{identity}", datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    await csms.rest.post("/stations", {"station_id": identity})
    await csms.rest.post("/tokens", {"id_token": token})
    tariff = {
        "currency": "EUR",
        "tax_percent": "20",
        "energy": {"prices": [{"amount": "0.50"}]},
        "start_fee": {"prices": [{"amount": "1.00"}]},
        "cost_update_interval_s": 1,
        "cost_in_responses": False,
    }
    await csms.rest.send("PUT", f"/tariffs/{identity}", tariff)
    assigned = {"tariff_id": identity, "station_ids": [identity]}
    await csms.rest.send("PUT", f"/tariff-assignments/{identity}", assigned)
    async with connected(csms.port, identity, version) as peer:
        assert await boot(peer) == ("Accepted", 300)
        id_token = {"id_token": token, "type": "ISO14443"}
        started = await event(peer, began, 0, "Started", 100.0, id_token=id_token)
        assert (started.id_token_info["status"], started.total_cost) == ("Accepted", None)
        await event(peer, began, 1, "Updated", 104.0)
        told = {"transactionId": f"cost-{identity}", "totalCost": 3.6}
        while told not in calls(peer, "CostUpdated"):
            await called(peer, "CostUpdated")
        ended = await event(peer, began, 2, "Ended", 110.0)
        assert ended.total_cost == 7.2
    (transaction,) = await csms.rest.items("/transactions", station_id=identity)
    cost = transaction["cost"]
    assert (cost["total"], cost["total_excl_tax"], cost["currency"], cost["final"]) == ("7.20", "6.00", "EUR", True)
    (told,) = await csms.rest.items("/events", station_id=identity, type="transaction.costed")
    assert told["data"]["cost"]["total"] == "7.20"


@NEW
async def test_a_message_is_shown_reported_and_cleared(csms: Csms, version: Version, identity: str) -> None:
    await csms.rest.post("/stations", {"station_id": identity})
    path = f"/stations/{identity}"

    async def command(name: str, **parameters: Any) -> Any:
        done = await csms.rest.post(f"{path}/commands/{name}", parameters)
        assert (done["state"], done["answer"]["status"]) == ("Accepted", "Accepted"), done
        return done

    async with connected(csms.port, identity, version) as peer:
        for action in ("SetDisplayMessage", "GetDisplayMessages", "ClearDisplayMessage"):
            peer.answers[action] = ACCEPTED
        assert await boot(peer) == ("Accepted", 300)
        text = {"content": "Grüezi", "language": "de-CH"}
        done = await command("set_display_message", message=text, priority="InFront", state="Idle")
        id = done["answer"]["info"]["message_id"]
        (sent,) = calls(peer, "SetDisplayMessage")
        assert (sent["message"]["id"], sent["message"]["message"]["content"]) == (id, "Grüezi")

        asked = await command("get_display_messages")
        request_id = calls(peer, "GetDisplayMessages")[0]["requestId"]
        for more, number, content in ((True, id, "Grüezi"), (False, 5, "Out of order")):
            shown = {"id": number, "priority": "InFront", "message": {"format": "UTF8", "content": content}}
            await peer.call("NotifyDisplayMessages", request_id=request_id, message_info=[shown], tbc=more)
        outcome = await csms.rest.get(f"/commands/{asked['id']}")
        assert (outcome["outcome_state"], outcome["outcome"]) == ("Completed", {"messages": 2})

        await command("clear_display_message", id=id)
        assert calls(peer, "ClearDisplayMessage") == [{"id": id}]
        found = (await csms.rest.get(f"{path}/display-messages"))["items"]
        assert [(one["id"], one["status"], one["message"]["content"]) for one in found] == [
            (5, "Reported", "Out of order"),
            (id, "Cleared", "Grüezi"),
        ]
