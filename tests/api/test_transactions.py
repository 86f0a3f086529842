"""Transactions of every version over the API: one shape, current while they run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.api.clients import Api, Station

from voltbridge.app import Running
from voltbridge.station.simulation import signing

pytestmark = pytest.mark.anyio

ENERGY = "Energy.Active.Import.Register"
SIGNED = {"signingMethod": signing.SIGNING_METHOD, "encodingMethod": "OCMF"}


async def _charge_16(station: Station, token: str) -> int:
    started = await station.call(
        "StartTransaction",
        {"connectorId": 1, "idTag": token, "meterStart": 1000, "timestamp": "2026-05-01T12:00:00Z"},
    )
    assert started["idTagInfo"]["status"] == "Accepted"
    number: int = started["transactionId"]
    sampled = [
        {"value": "3.5", "unit": "kWh", "measurand": ENERGY},
        {"value": "16.1", "unit": "A", "measurand": "Current.Import", "phase": "L1"},
    ]
    meter_value = [{"timestamp": "2026-05-01T12:30:00Z", "sampledValue": sampled}]
    await station.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": meter_value})
    return number


async def _charge_2(station: Station, token: str, transaction_id: str) -> None:
    def event(phase: str, trigger: str, number: int, minute: int, wh: float, **more: Any) -> dict[str, Any]:
        return {
            "eventType": phase,
            "timestamp": f"2026-05-01T12:{minute:02d}:00Z",
            "triggerReason": trigger,
            "seqNo": number,
            "transactionInfo": {"transactionId": transaction_id, **more.pop("info", {})},
            "meterValue": [
                {"timestamp": f"2026-05-01T12:{minute:02d}:00Z", "sampledValue": [{"value": wh, "measurand": ENERGY}]}
            ],
            **more,
        }

    id_token = {"idToken": token, "type": "ISO14443"}
    evse = {"id": 1, "connectorId": 1}
    started = await station.call(
        "TransactionEvent", event("Started", "Authorized", 0, 0, 1000, idToken=id_token, evse=evse)
    )
    assert started["idTokenInfo"]["status"] == "Accepted"
    await station.call("TransactionEvent", event("Updated", "MeterValuePeriodic", 1, 30, 3500))
    await station.call(
        "TransactionEvent",
        event("Ended", "StopAuthorized", 2, 50, 5000, idToken=id_token, info={"stoppedReason": "Local"}),
    )


async def test_a_transaction_of_1_6_is_read_while_it_runs_and_when_it_is_over(api: Api, running: Running) -> None:
    await api("POST", "/stations", {"station_id": "tx-16"})
    await api("POST", "/tokens", {"id_token": "TX16"})
    async with Station(running.ocpp_port, "tx-16") as station:
        await station.boot()
        number = await _charge_16(station, "tx16")
        (shown,) = (await api.get("/transactions", params={"station_id": "tx-16"}))["items"]
        assert (shown["state"], shown["transaction_id"], shown["energy_wh"]) == ("Active", str(number), 2500.0)
        assert (shown["evse_id"], shown["connector_id"], shown["id_token"]) == (1, 1, "tx16")
        await station.call(
            "StopTransaction",
            {"transactionId": number, "meterStop": 5000, "timestamp": "2026-05-01T12:50:00Z", "reason": "Local"},
        )
    over = await api.get(f"/transactions/{shown['id']}")
    assert (over["state"], over["stop_reason"], over["energy_wh"]) == ("Ended", "Local", 4000.0)
    assert (over["started_at"], over["stopped_at"]) == ("2026-05-01T12:00:00.000Z", "2026-05-01T12:50:00.000Z")
    assert (over["meter_start_wh"], over["meter_last_wh"], over["energy_problems"]) == (1000.0, 5000.0, [])
    samples = (await api.get(f"/transactions/{shown['id']}/samples"))["items"]
    assert [sample["at"] for sample in samples] == ["2026-05-01T12:30:00.000Z"]
    energy, current = samples[0]["values"]
    assert (energy["value"], energy["unit"], energy["raw"], energy["raw_unit"]) == (3500.0, "Wh", "3.5", "kWh")
    assert (current["value"], current["unit"], current["phase"]) == (16.1, "A", "L1")


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
async def test_a_transaction_of_2_x_has_the_same_shape(api: Api, running: Running, protocol: str) -> None:
    identity = f"tx-{protocol}"
    await api("POST", "/stations", {"station_id": identity})
    await api("PUT", f"/tokens/ISO14443/{protocol}", {})
    async with Station(running.ocpp_port, identity, protocol) as station:
        await station.boot()
        await _charge_2(station, protocol, "8f1c2a5e")
    (shown,) = (await api.get("/transactions", params={"station_id": identity}))["items"]
    assert (shown["state"], shown["transaction_id"], shown["energy_wh"]) == ("Ended", "8f1c2a5e", 4000.0)
    assert (shown["id_token"], shown["id_token_type"], shown["stop_reason"]) == (protocol, "ISO14443", "Local")
    assert shown["id"].isdigit()
    samples = (await api.get(f"/transactions/{shown['id']}/samples", params={"limit": "2"}))["items"]
    assert [sample["values"][0]["value"] for sample in samples] == [1000.0, 3500.0]


async def test_signed_values_are_held_against_the_key(api: Api, running: Running) -> None:
    await api("POST", "/stations", {"station_id": "tx-signed"})
    at = "2026-05-01T12:00:00Z"
    key = signing.public_key("M-1")
    good = signing.signed(1000.0, datetime(2026, 5, 1, 12, tzinfo=UTC), "M-1").data
    values = [
        {"value": value, "context": context, "signedMeterValue": {**SIGNED, "signedMeterData": data, "publicKey": told}}
        for value, context, data, told in (
            (1000.0, "Transaction.Begin", good, ""),
            (2000.0, "Transaction.End", good.replace('"RV":1000.0', '"RV":2000.0'), key),
        )
    ]
    async with Station(running.ocpp_port, "tx-signed", "ocpp2.0.1") as station:
        await station.boot()
        event = {"eventType": "Started", "timestamp": at, "triggerReason": "CablePluggedIn", "seqNo": 0}
        sampled = {"meterValue": [{"timestamp": at, "sampledValue": values}], "evse": {"id": 1, "connectorId": 1}}
        await station.call("TransactionEvent", {**event, **sampled, "transactionInfo": {"transactionId": "signed"}})
    (shown,) = (await api.get("/transactions", params={"station_id": "tx-signed"}))["items"]
    path = f"/transactions/{shown['id']}/signed-values"
    first, second = (await api.get(path))["items"]
    assert (first["verdict"], first["key_told_by_station"]) == ("Valid", True)
    assert (second["verdict"], second["context"], second["value"]) == ("Invalid", "Transaction.End", 2000.0)
    assert first["data"] == good
    by_record = (await api.get(path, params={"public_key": key}))["items"]
    assert [(one["verdict"], one["key_told_by_station"]) for one in by_record] == [("Valid", False), ("Invalid", False)]
    refused = await api("GET", f"{path}?public_key=none")
    assert (refused.status, refused.body["status"]) == (422, 422), refused


async def test_lists_are_newest_first_and_by_station_token_state_and_time(api: Api, running: Running) -> None:
    await api("POST", "/stations", {"station_id": "tx-list"})
    await api("POST", "/tokens", {"id_token": "LISTED", "allow_concurrent": True})
    async with Station(running.ocpp_port, "tx-list") as station:
        await station.boot()
        for hour in range(3):
            await station.call(
                "StartTransaction",
                {
                    "connectorId": hour + 1,
                    "idTag": "listed",
                    "meterStart": 0,
                    "timestamp": f"2026-06-01T{hour:02d}:00:00Z",
                },
            )

        async def starts(**wanted: str) -> list[str]:
            page = await api.get("/transactions", params={"station_id": "tx-list", **wanted})
            return [each["started_at"][11:13] for each in page["items"]]

        assert await starts() == ["02", "01", "00"]
        assert await starts(id_token="Listed") == ["02", "01", "00"]
        assert await starts(id_token="other") == []
        assert await starts(since="2026-06-01T01:00:00Z", until="2026-06-01T02:00:00Z") == ["01"]
        assert await starts(since="2026-06-01T03:00:00+02:00") == ["02", "01"]
        assert await starts(state="Ended") == []
        first = await api.get("/transactions", params={"station_id": "tx-list", "limit": "2"})
        rest = await api.get("/transactions", params={"station_id": "tx-list", "limit": "2", "cursor": first["next"]})
        assert [len(first["items"]), len(rest["items"]), rest["next"]] == [2, 1, None]


async def test_what_is_missing_and_what_was_left_behind_is_told(api: Api, running: Running) -> None:
    await api("POST", "/stations", {"station_id": "tx-gaps"})

    def event(transaction_id: str, phase: str, number: int, minute: int) -> dict[str, Any]:
        return {
            "eventType": phase,
            "timestamp": f"2026-05-01T12:{minute:02d}:00Z",
            "triggerReason": "CablePluggedIn",
            "seqNo": number,
            "transactionInfo": {"transactionId": transaction_id},
            "evse": {"id": 1},
        }

    async with Station(running.ocpp_port, "tx-gaps", "ocpp2.0.1") as station:
        await station.boot()
        for message in (event("A", "Started", 0, 0), event("A", "Updated", 2, 2), event("A", "Updated", 6, 6)):
            await station.call("TransactionEvent", message)
        await station.call("TransactionEvent", event("B", "Started", 0, 30))
        newer, older = (await api.get("/transactions", params={"station_id": "tx-gaps"}))["items"]
    assert (older["missing_sequences"], newer["missing_sequences"]) == (["1", "3-5"], [])
    assert (older["superseded_by"], newer["superseded_by"]) == (newer["id"], None)


async def test_one_that_will_never_end_is_closed_by_hand(api: Api, running: Running) -> None:
    await api("POST", "/stations", {"station_id": "tx-close"})
    await api("POST", "/tokens", {"id_token": "CLOSED"})
    async with Station(running.ocpp_port, "tx-close") as station:
        await station.boot()
        await _charge_16(station, "CLOSED")
    (shown,) = (await api.get("/transactions", params={"station_id": "tx-close"}))["items"]
    refused = await api("POST", f"/transactions/{shown['id']}/close", {})
    assert (refused.status, refused.body["errors"][0]["path"]) == (400, "$.reason")
    closed = await api("POST", f"/transactions/{shown['id']}/close", {"reason": "scrapped"})
    assert (closed.status, closed.body["state"], closed.body["close_note"]) == (200, "Closed", "scrapped")
    assert await api.get(f"/transactions/{shown['id']}") == closed.body


@pytest.mark.parametrize(("id", "status"), [("1", 404), ("9" * 19, 404), ("x", 400), ("1.0", 400), ("9" * 20, 400)])
async def test_an_id_that_is_none_is_told_from_one_that_is_unknown(api: Api, id: str, status: int) -> None:
    for path in (f"/transactions/{id}", f"/transactions/{id}/samples"):
        assert (await api("GET", path)).status == status
    assert (await api("POST", f"/transactions/{id}/close", {"reason": "x"})).status == status


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
async def test_words_of_the_vendors_own_cost_no_transaction(api: Api, running: Running, protocol: str) -> None:
    """Every word of a transaction that can be the vendor's own is one, and what was said is shown to the operator."""
    identity = f"tx-words-{protocol[4:]}"
    await api("POST", "/stations", {"station_id": identity, "strictness": "salvage"})

    def event(phase: str, number: int, wh: float, info: dict[str, Any], **more: Any) -> dict[str, Any]:
        moment = f"2026-05-01T12:{number:02d}:00Z"
        sample = {"value": wh, "measurand": ENERGY, "context": "Acme.Whenever"}
        return {
            "eventType": phase,
            "timestamp": moment,
            "triggerReason": f"Acme{number}",
            "seqNo": number,
            "transactionInfo": {"transactionId": identity, **info},
            "meterValue": [{"timestamp": moment, "sampledValue": [sample]}],
            **more,
        }

    async with Station(running.ocpp_port, identity, protocol) as station:
        await station.boot()
        first = {"idToken": {"idToken": "WORDS", "type": "AcmeCard"}, "evse": {"id": 1, "connectorId": 1}}
        await station.call("TransactionEvent", event("Started", 0, 1000, {"chargingState": "AcmeRamp"}, **first))
        await station.call("TransactionEvent", event("AcmeTick", 1, 2000, {}))
        (running_one,) = (await api.get("/transactions", params={"station_id": identity}))["items"]
        assert (running_one["state"], running_one["energy_wh"]) == ("Active", 1000.0)
        await station.call("TransactionEvent", event("AcmeDone", 2, 5000, {"stoppedReason": "AcmeButton"}))
    (over,) = (await api.get("/transactions", params={"station_id": identity}))["items"]
    assert (over["state"], over["stop_reason"], over["energy_wh"]) == ("Ended", "Other", 4000.0)
    assert (over["started_at"], over["stopped_at"]) == ("2026-05-01T12:00:00.000Z", "2026-05-01T12:02:00.000Z")
    running.gateway._flush_deviations()  # else every ten seconds
    await running.storage.journal.committed()
    found = {
        each["path"]: each["example"]
        for each in (await api.get("/deviations"))["items"]
        if each["last_station_id"] == identity
    }
    assert found["$.triggerReason"].startswith('"Acme2" is not one of')
    assert found["$.triggerReason"].endswith("taken as AbnormalCondition")
    assert '"AcmeDone"' in found["$.eventType"]
    assert '"AcmeButton"' in found["$.transactionInfo.stoppedReason"]
    assert ("$.idToken.type" in found) is (protocol == "ocpp2.0.1")  # 2.1 has any text for it
