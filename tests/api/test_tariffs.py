"""Tariffs from the operator's door to the wire and back: assigned, priced, told to stations, corrected."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.api.clients import Api, Station

from voltbridge.app import Running

pytestmark = pytest.mark.anyio

V16, V201, V21 = "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
NEW = pytest.mark.parametrize("protocol", [V201, V21])

ENERGY = {"currency": "EUR", "energy": {"prices": [{"amount": "0.50"}]}, "tax_percent": "20"}


def at(minute: int, second: int = 0) -> str:
    return f"2026-02-03T04:{minute:02}:{second:02}Z"


@dataclass
class Session:
    """A station of 2.x and its transaction."""

    api: Api
    station: Station
    identity: str
    token: str
    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    sequence: int = 0

    async def event(
        self, type: str, minute: int, wh: float | None = None, state: str | None = None, **more: Any
    ) -> Any:
        payload: dict[str, Any] = {
            "eventType": type,
            "timestamp": at(minute),
            "triggerReason": "ChargingStateChanged",
            "seqNo": self.sequence,
            "transactionInfo": {"transactionId": self.name, **({"chargingState": state} if state else {})},
            **more,
        }
        self.sequence += 1
        if type == "Started":
            payload |= {"evse": {"id": 1, "connectorId": 1}, "idToken": {"idToken": self.token, "type": "ISO14443"}}
        if wh is not None:
            payload["meterValue"] = [{"timestamp": at(minute), "sampledValue": [{"value": wh}]}]
        return await self.station.call("TransactionEvent", payload)

    async def told(self, total: float) -> None:
        """Wait for the CostUpdated with this total."""
        wanted = ("CostUpdated", {"transactionId": self.name, "totalCost": total})
        async with asyncio.timeout(30):
            while wanted not in self.station.calls:
                self.station.called.clear()
                await self.station.called.wait()

    async def shown(self) -> Any:
        (transaction,) = (await self.api.get(f"/transactions?station_id={self.identity}"))["items"]
        return await self.api.get(f"/transactions/{transaction['id']}")

    async def events(self, type: str) -> list[Any]:
        headers = {"Authorization": f"Bearer {self.api.key}", "Accept": "application/json"}
        found = await self.api.get(f"/events?type={type}&station_id={self.identity}", headers=headers)
        return [event["data"] for event in found["items"]]


async def priced(api: Api, station_id: str, tariff: dict[str, Any], **more: Any) -> str:
    """A tariff of this station's own; its id."""
    id = f"t-{uuid.uuid4().hex[:8]}"
    assert (await api("PUT", f"/tariffs/{id}", tariff)).status == 201
    body = {"tariff_id": id, "station_ids": [station_id], **more}
    assert (await api("PUT", f"/tariff-assignments/{id}", body)).status == 201
    return id


@asynccontextmanager
async def charging(
    api: Api, running: Running, protocol: str, tariff: dict[str, Any] | None, **token: Any
) -> AsyncIterator[Session]:
    identity, id_token = f"cost-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex[:16]
    await api("POST", "/stations", {"station_id": identity})
    await api("POST", "/tokens", {"id_token": id_token, **token})
    if tariff is not None:
        await priced(api, identity, tariff)
    async with Station(running.ocpp_port, identity, protocol) as station:
        await station.boot()
        yield Session(api, station, identity, id_token)


@NEW
async def test_running_and_final_cost(api: Api, running: Running, protocol: str) -> None:
    """I02.FR.01, I03.FR.02."""
    tariff = {
        **ENERGY,
        "charging_time": {"prices": [{"amount": "0.10"}]},
        "idle_time": {"prices": [{"amount": "0.20"}], "tax_percent": "0"},
        "idle_grace_minutes": 2,
        "start_fee": {"prices": [{"amount": "1"}]},
    }
    async with charging(api, running, protocol, tariff) as session:
        started = await session.event("Started", 0, 1000.0, "EVConnected")
        assert started["totalCost"] == 1.2
        assert (await session.event("Updated", 1, 1000.0, "Charging"))["totalCost"] == 1.2
        updated = await session.event("Updated", 11, 3000.0)
        assert updated["totalCost"] == 3.6  # 2 kWh, 10 minutes and the start: 3.00 and tax
        cost = (await session.shown())["cost"]
        assert (cost["total"], cost["final"], cost["currency"]) == ("3.60", False, "EUR")
        await session.event("Updated", 21, 5000.0, "SuspendedEV")
        ended = await session.event("Ended", 31, 5000.0, "Idle")
        # 4 kWh 2.00, 20 minutes 2.00, start 1.00 with a fifth of tax; 8 minutes idle after the grace, without.
        assert ended["totalCost"] == 7.6
        cost = (await session.shown())["cost"]
        assert (cost["total"], cost["total_excl_tax"], cost["final"], cost["note"]) == ("7.60", "6.60", True, None)
        assert {line["element"]: (line["quantity"], line["excl_tax"], line["tax"]) for line in cost["lines"]} == {
            "Energy": ("4", "2.00", "0.40"),
            "ChargingTime": ("20", "2.00", "0.40"),
            "IdleTime": ("8", "1.60", "0.00"),
            "StartFee": (None, "1.00", "0.20"),
        }
        (told,) = await session.events("transaction.costed")
        assert (told["cost"]["total"], told["cost"]["final"]) == ("7.60", True)


@NEW
async def test_a_repeated_message_changes_nothing(api: Api, running: Running, protocol: str) -> None:
    async with charging(api, running, protocol, ENERGY) as session:
        await session.event("Started", 0, 0.0, "Charging")
        await session.event("Ended", 30, 2000.0)
        before = await session.shown()
        session.sequence -= 1
        assert (await session.event("Ended", 30, 2000.0))["totalCost"] == 1.2
        assert await session.shown() == before
        assert await session.events("transaction.cost_corrected") == []


@NEW
async def test_a_free_transaction_is_told_as_zero_and_one_without_a_tariff_is_not_told(
    api: Api, running: Running, protocol: str
) -> None:
    """I03.FR.04."""
    async with charging(api, running, protocol, {"currency": "EUR"}) as session:
        await session.event("Started", 0)
        assert (await session.event("Ended", 1))["totalCost"] == 0
        assert (await session.shown())["cost"]["total"] == "0.00"
    async with charging(api, running, protocol, None) as session:
        await session.event("Started", 0, 0.0)
        assert "totalCost" not in await session.event("Ended", 1, 100.0)
        shown = await session.shown()
        assert shown["cost"] is None
        assert (await api("GET", f"/transactions/{shown['id']}/tariff")).status == 404


async def test_without_energy_the_total_is_left_out(api: Api, running: Running) -> None:
    async with charging(api, running, V201, ENERGY) as session:
        await session.event("Started", 0)
        assert "totalCost" not in await session.event("Ended", 1)
        cost = (await session.shown())["cost"]
        assert cost["total"] is None
        assert "no energy" in cost["problems"][0]


async def test_the_tariff_stays_what_it_was_at_the_start(api: Api, running: Running) -> None:
    async with charging(api, running, V201, None) as session:
        id = await priced(api, session.identity, ENERGY)
        await session.event("Started", 0, 0.0)
        dear = {**ENERGY, "energy": {"prices": [{"amount": "9"}]}}
        assert (await api("PUT", f"/tariffs/{id}", dear)).status == 200
        assert (await api("DELETE", f"/tariff-assignments/{id}")).status == 204
        assert (await api("DELETE", f"/tariffs/{id}")).status == 204
        assert (await session.event("Updated", 10, 1000.0))["totalCost"] == 0.6
        assert (await session.event("Ended", 20, 2000.0))["totalCost"] == 1.2
        shown = await session.shown()
        assert shown["cost"]["tariff_id"] == id
        kept = await api.get(f"/transactions/{shown['id']}/tariff")
        assert (kept["id"], kept["energy"]["prices"][0]["amount"]) == (id, "0.50")


async def test_late_readings_correct_the_final_cost(api: Api, running: Running) -> None:
    async with charging(api, running, V201, ENERGY) as session:
        await session.event("Started", 0, 0.0)
        ended = await session.event("Ended", 20)
        assert "totalCost" not in ended
        session.sequence = 1
        late = await session.event("Updated", 10, 2000.0)
        assert late["totalCost"] == 1.2
        cost = (await session.shown())["cost"]
        assert (cost["total"], cost["final"]) == ("1.20", True)
        assert cost["note"] == "corrected after the end; it was not known"
        await session.event("Updated", 19, 4000.0)
        cost = (await session.shown())["cost"]
        assert (cost["total"], cost["note"]) == ("2.40", "corrected after the end; it was 1.20 EUR")
        told = await session.events("transaction.cost_corrected")
        assert [(each["former_total"], each["cost"]["total"]) for each in told] == [("1.20", "2.40"), (None, "1.20")]


async def test_the_drivers_tariff_goes_before_the_stations(api: Api, running: Running) -> None:
    async with charging(api, running, V201, ENERGY, group_id_token="Fleet-77") as session:
        id = f"fleet-{uuid.uuid4().hex[:8]}"
        await api("PUT", f"/tariffs/{id}", {"currency": "EUR", "energy": {"prices": [{"amount": "0.10"}]}})
        await api("PUT", f"/tariff-assignments/{id}", {"tariff_id": id, "group_id_tokens": ["FLEET-77"]})
        await session.event("Started", 0, 0.0)
        assert (await session.event("Ended", 20, 10_000.0))["totalCost"] == 1.0


async def test_the_cable_before_the_token(api: Api, running: Running) -> None:
    """The tariff settles for the driver's once the token is told."""
    async with charging(api, running, V201, ENERGY) as session:
        id = f"mine-{uuid.uuid4().hex[:8]}"
        await api("PUT", f"/tariffs/{id}", {"currency": "EUR", "idle_time": {"prices": [{"amount": "1"}]}})
        await api("PUT", f"/tariff-assignments/{id}", {"tariff_id": id, "id_tokens": [session.token]})
        await session.event("Updated", 0, 0.0, "EVConnected", evse={"id": 1})
        assert (await session.shown())["cost"]["tariff_id"] != id
        token = {"idToken": {"idToken": session.token, "type": "ISO14443"}}
        await session.event("Updated", 5, None, "Charging", **token)
        assert (await session.event("Ended", 10, 9000.0))["totalCost"] == 5
        assert (await session.shown())["cost"]["tariff_id"] == id


@NEW
async def test_cost_updated_at_an_interval(api: Api, running: Running, protocol: str) -> None:
    """I02: told without being asked, only when it has changed."""
    tariff = {**ENERGY, "cost_in_responses": False, "cost_update_interval_s": 1}
    async with charging(api, running, protocol, tariff) as session:
        session.station.answers["CostUpdated"] = {}
        assert "totalCost" not in await session.event("Started", 0, 0.0, "Charging")
        assert "totalCost" not in await session.event("Updated", 10, 2000.0)
        await session.told(1.2)
        await session.event("Updated", 11, 4000.0)
        await session.told(2.4)
        totals = [payload["totalCost"] for _, payload in session.station.calls]
        assert totals == sorted(set(totals))
        assert (await session.event("Ended", 12, 4000.0))["totalCost"] == 2.4


async def test_a_station_that_does_not_know_cost_updated_is_left_alone(api: Api, running: Running) -> None:
    tariff = {**ENERGY, "cost_in_responses": False, "cost_update_interval_s": 1}
    async with charging(api, running, V201, tariff) as session:
        session.station.answers["CostUpdated"] = ["NotImplemented", "", {}]
        await session.event("Started", 0, 0.0, "Charging")
        await session.event("Updated", 10, 2000.0)
        await asyncio.wait_for(session.station.called.wait(), 30)
        service = running.services.cost_updates
        if service._tasks:
            await asyncio.wait(service._tasks)
        await session.event("Updated", 11, 4000.0)
        assert not service._running
        assert (await session.event("Ended", 12, 4000.0))["totalCost"] == 2.4


async def test_costs_survive_a_reconnection(api: Api, running: Running) -> None:
    async with charging(api, running, V201, {**ENERGY, "idle_time": {"prices": [{"amount": "0.10"}]}}) as session:
        await session.event("Started", 0, 0.0, "SuspendedEV")
        await session.event("Updated", 10, 0.0, "Charging")
        async with Station(running.ocpp_port, session.identity, V201) as again:
            session.station = again
            ended = await session.event("Ended", 20, 1000.0)
        assert ended["totalCost"] == 1.8


async def test_a_transaction_of_the_oldest_version_has_its_cost_too(api: Api, running: Running) -> None:
    identity, token = f"cost-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex[:16]
    await api("POST", "/stations", {"station_id": identity})
    await api("POST", "/tokens", {"id_token": token})
    tariff = {
        **ENERGY,
        "idle_time": {"prices": [{"amount": "0.10"}]},
        "charging_time": {"prices": [{"amount": "0.01"}]},
        "cost_update_interval_s": 1,
        "texts": [{"content": "0.60 EUR/kWh"}],
    }
    await priced(api, identity, tariff)
    async with Station(running.ocpp_port, identity, V16) as station:
        await station.boot()

        async def status(said: str, minute: int) -> None:
            payload = {"connectorId": 1, "errorCode": "NoError", "status": said, "timestamp": at(minute)}
            await station.call("StatusNotification", payload)

        await status("Preparing", 0)
        start = {"connectorId": 1, "idTag": token, "meterStart": 1000, "timestamp": at(1)}
        started = await station.call("StartTransaction", start)
        assert started["idTagInfo"] == {"status": "Accepted"}
        await status("Charging", 2)
        value = {"timestamp": at(10), "sampledValue": [{"value": "3000", "measurand": "Energy.Active.Import.Register"}]}
        readings = {"connectorId": 1, "transactionId": started["transactionId"], "meterValue": [value]}
        await station.call("MeterValues", readings)
        (transaction,) = (await api.get(f"/transactions?station_id={identity}"))["items"]
        # 2 kWh, a minute before it charged, eight in which it did, and the moments since.
        assert float(transaction["cost"]["total"]) == pytest.approx(1.2 + 0.12 + 0.1, abs=0.05)
        await status("SuspendedEV", 12)
        stop = {"transactionId": started["transactionId"], "meterStop": 5000, "timestamp": at(22), "idTag": token}
        await station.call("StopTransaction", stop)
        (transaction,) = (await api.get(f"/transactions?station_id={identity}"))["items"]
        cost = transaction["cost"]
        quantities = {line["element"]: line["quantity"] for line in cost["lines"]}
        assert quantities == {"Energy": "4", "ChargingTime": "10", "IdleTime": "11"}
        assert (cost["total"], cost["final"], cost["problems"]) == ("3.84", True, [])
        assert station.calls == []


TEXTS = {
    **ENERGY,
    "texts": [
        {"content": "0.60 EUR per kWh", "language": "en"},
        {"content": "0,60 EUR je kWh", "language": "de"},
    ],
}


def variables(**values: str) -> Any:
    """What a station answers GetVariables with."""

    class Answers(dict[str, Any]):
        def __init__(self, station: Station) -> None:
            self.station = station

        def get(self, action: str, default: Any = None) -> Any:
            if action != "GetVariables":
                return default
            results = []
            for asked in self.station.calls[-1][1]["getVariableData"]:
                name = f"{asked['component']['name']}_{asked['variable']['name']}"
                result = {"component": asked["component"], "variable": asked["variable"]}
                if name in values:
                    result |= {"attributeStatus": "Accepted", "attributeValue": values[name]}
                else:
                    result["attributeStatus"] = "UnknownVariable"
                results.append(result)
            return {"getVariableResult": results}

    return Answers


@NEW
async def test_the_text_is_shown_where_the_station_shows_texts(api: Api, running: Running, protocol: str) -> None:
    """I01.FR.01, I01.FR.02: not to a station of which it is not known; it is asked, and the next driver sees it."""
    async with charging(api, running, protocol, TEXTS, language="de") as session:
        session.station.answers = variables(DisplayMessageCtrlr_Available="true")(session.station)
        asked = {"idToken": {"idToken": session.token, "type": "ISO14443"}}
        first = await session.station.call("Authorize", asked)
        assert "personalMessage" not in first["idTokenInfo"]
        await asyncio.wait_for(session.station.called.wait(), 30)
        async with asyncio.timeout(30):
            while "personalMessage" not in (answer := await session.station.call("Authorize", asked))["idTokenInfo"]:
                pass
        shown = {"format": "UTF8", "language": "de", "content": "0,60 EUR je kWh"}
        assert answer["idTokenInfo"]["personalMessage"] == shown
        started = await session.event("Started", 0, 0.0)
        assert started["idTokenInfo"]["personalMessage"] == shown
        assert {action for action, _ in session.station.calls} == {"GetVariables"}
        names = [one["variable"]["name"] for _, asked in session.station.calls for one in asked["getVariableData"]]
        assert names.count("SupportedFormats") == 1


async def test_no_text_where_the_station_shows_none(api: Api, running: Running) -> None:
    async with charging(api, running, V201, TEXTS) as session:
        answers = variables(DisplayMessageCtrlr_Available="false", TariffCostCtrlr_Available="false")
        session.station.answers = answers(session.station)
        asked = {"idToken": {"idToken": session.token, "type": "ISO14443"}}
        await session.station.call("Authorize", asked)
        await asyncio.wait_for(session.station.called.wait(), 30)
        async with asyncio.timeout(30):
            while not (await api.get(f"/stations/{session.identity}/variables?variable=Available"))["items"]:
                pass
        assert "personalMessage" not in (await session.station.call("Authorize", asked))["idTokenInfo"]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"SupportedFormats": "UTF8,HTML", "PersonalMessageSize": "512"}, "0.60 EUR per kWh"),
        ({"SupportedFormats": "ASCII", "PersonalMessageSize": "512"}, "0.60 EUR"),
        ({"SupportedFormats": "ASCII, UTF8", "PersonalMessageSize": "8"}, "0.60 EUR"),
        ({"SupportedFormats": "URI", "PersonalMessageSize": "512"}, None),
        ({"SupportedFormats": "UTF8", "PersonalMessageSize": "0"}, None),
    ],
)
async def test_only_a_text_that_the_display_can_show(
    api: Api, running: Running, values: dict[str, str], shown: str | None
) -> None:
    texts = [
        {"content": "0.60 EUR per kWh", "language": "en"},
        {"content": "0.60 EUR", "language": "nl", "format": "ASCII"},
    ]
    async with charging(api, running, V201, {**ENERGY, "texts": texts}) as session:
        data = [
            {
                "component": {"name": "DisplayMessageCtrlr"},
                "variable": {"name": name},
                "variableAttribute": [{"value": value}],
            }
            for name, value in values.items()
        ]
        said = {"requestId": 1, "generatedAt": at(0), "seqNo": 0, "reportData": data}
        await session.station.call("NotifyReport", said)
        asked = {"idToken": {"idToken": session.token, "type": "ISO14443"}}
        told = (await session.station.call("Authorize", asked))["idTokenInfo"]
        assert told.get("personalMessage", {}).get("content") == shown


async def test_the_operators_own_word_goes_before_the_tariffs(api: Api, running: Running) -> None:
    async with charging(api, running, V201, TEXTS, personal_message="Welcome, Ada") as session:
        asked = {"idToken": {"idToken": session.token, "type": "ISO14443"}}
        told = (await session.station.call("Authorize", asked))["idTokenInfo"]
        assert told["personalMessage"]["content"] == "Welcome, Ada"


@NEW
async def test_the_text_changes_with_the_time_of_day(api: Api, running: Running, protocol: str) -> None:
    """I06.FR.02; in 2.1 the other languages come along."""
    early = {"end": "04:10"}
    tariff = {
        **ENERGY,
        "texts": [
            {"content": "cheap now", "language": "en", "restrictions": early},
            {"content": "jetzt billig", "language": "de", "restrictions": early},
            {"content": "dear now", "language": "en"},
            {"content": "jetzt teuer", "language": "de"},
        ],
    }
    async with charging(api, running, protocol, tariff) as session:
        session.station.answers = variables(DisplayMessageCtrlr_Available="true")(session.station)
        asked = {"idToken": {"idToken": session.token, "type": "ISO14443"}}
        async with asyncio.timeout(30):
            while "personalMessage" not in (await session.station.call("Authorize", asked))["idTokenInfo"]:
                pass
        await session.event("Started", 0, 0.0)
        assert "updatedPersonalMessage" not in await session.event("Updated", 5, 100.0)
        changed = await session.event("Updated", 15, 200.0)
        assert changed["updatedPersonalMessage"]["content"] == "dear now"
        extra = [text["content"] for text in changed.get("updatedPersonalMessageExtra", [])]
        assert extra == (["jetzt teuer"] if protocol == V21 else [])
        assert "updatedPersonalMessage" not in await session.event("Updated", 16, 300.0)


async def test_a_station_that_shows_another_currency_is_told_no_costs(api: Api, running: Running) -> None:
    async with charging(api, running, V201, TEXTS) as session:
        session.station.answers = variables(TariffCostCtrlr_Currency="USD")(session.station)
        asked = {"idToken": {"idToken": session.token, "type": "ISO14443"}}
        async with asyncio.timeout(30):
            while "personalMessage" not in (await session.station.call("Authorize", asked))["idTokenInfo"]:
                pass
        assert "totalCost" not in await session.event("Started", 0, 0.0)
        assert "totalCost" not in await session.event("Ended", 5, 100.0)
        assert (await session.shown())["cost"]["total"] == "0.06"


async def test_tariffs_are_kept(api: Api) -> None:
    id = f"full-{uuid.uuid4().hex[:8]}"
    night = {"weekdays": ["Friday"], "start": "22:00:00", "end": "06:00:00"}
    always: dict[str, Any] = {"weekdays": [], "start": None, "end": None}
    full = {
        "currency": "CHF",
        "time_zone": "Europe/Zurich",
        "tax_percent": "8.1",
        "energy": {"prices": [{"amount": "0.30", "restrictions": night}], "tax_percent": "2.6"},
        "charging_time": {"prices": [], "tax_percent": None},
        "idle_time": {"prices": [{"amount": "0.05", "restrictions": always}], "tax_percent": None},
        "start_fee": {"prices": [], "tax_percent": None},
        "idle_grace_minutes": 15,
        "idle_when_suspended_by_station": True,
        "min_price": "1.00",
        "max_price": "99.00",
        "texts": [{"content": "Grüezi", "language": "de-CH", "format": "UTF8", "restrictions": night}],
        "cost_in_responses": False,
        "cost_update_interval_s": 30,
    }
    made = await api("PUT", f"/tariffs/{id}", full)
    assert (made.status, made.headers["Location"], made.body) == (201, f"/api/v1/tariffs/{id}", {"id": id, **full})
    assert await api.get(f"/tariffs/{id}") == {"id": id, **full}
    assert {"id": id, **full} in (await api.get("/tariffs"))["items"]
    body = {"tariff_id": id, "station_ids": ["A"], "id_tokens": ["B"], "group_id_tokens": ["C"], "note": "why"}
    assert (await api("PUT", f"/tariff-assignments/{id}", body)).body == {"id": id, **body}
    assert await api.get(f"/tariff-assignments/{id}") == {"id": id, **body}
    refused = await api("DELETE", f"/tariffs/{id}")
    assert (refused.status, refused.body["type"]) == (409, "urn:voltbridge:problem:in-use")
    assert f"tariff assignment {id}" in refused.body["detail"]
    for path in (f"/tariff-assignments/{id}", f"/tariffs/{id}"):
        assert (await api("DELETE", path)).status == 204
        assert (await api("DELETE", path)).status == 404
        assert (await api("GET", path)).status == 404


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"currency": "EURO"}, 400, "$.currency"),
        ({"currency": "eur"}, 422, "$.currency"),
        ({"currency": "EUR", "tax_percent": "101"}, 422, "$.tax_percent"),
        ({"currency": "EUR", "time_zone": "Nowhere"}, 422, "$.time_zone"),
        ({"currency": "EUR", "energy": {"prices": [{"amount": 0.35}]}}, 400, "$.energy.prices[0].amount"),
        ({"currency": "EUR", "energy": {"prices": [{"amount": "-1"}]}}, 400, "$.energy.prices[0].amount"),
        ({"currency": "EUR", "energy": {"prices": [{"amount": "1e3"}]}}, 400, "$.energy.prices[0].amount"),
        ({"currency": "EUR", "energy": {"price": "1"}}, 400, "$.energy.price"),
        ({"currency": "EUR", "min_price": "2", "max_price": "1"}, 422, "$.min_price"),
        ({"currency": "EUR", "texts": [{"content": "\u0000"}]}, 422, "$.texts[0].content"),
        ({"currency": "EUR", "cost_update_interval_s": 0}, 400, "$.cost_update_interval_s"),
    ],
)
async def test_tariffs_that_are_refused(api: Api, body: Any, status: int, path: str) -> None:
    refused = await api("PUT", "/tariffs/refused", body)
    assert (refused.status, refused.headers["Content-Type"]) == (status, "application/problem+json"), refused
    assert refused.body["errors"][0]["path"] == path
    assert (await api("GET", "/tariffs/refused")).status == 404


async def test_an_assignment_needs_its_tariff(api: Api) -> None:
    refused = await api("PUT", "/tariff-assignments/orphan", {"tariff_id": "nothing"})
    assert (refused.status, refused.body["errors"][0]["path"]) == (422, "$.tariff_id")
    for wrong in ({"id_tokens": [" a"]}, {"station_ids": ["a\u0000"]}, {"note": "\u0007"}):
        refused = await api("PUT", "/tariff-assignments/orphan", {"tariff_id": "nothing", **wrong})
        assert refused.status == 422, refused
        assert refused.body["errors"][0]["path"].startswith(f"$.{next(iter(wrong))}")
    twice = await api("PUT", "/tariff-assignments/orphan", {"tariff_id": "nothing", "id_tokens": ["a", "A"]})
    assert (twice.status, twice.body["errors"][0]["path"]) == (422, "$.id_tokens")
