"""What stations know of customers: asked for, put together, read in one place only, forgotten."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.effects.site import Site, only
from tests.support.charger import Charger, Refused

from voltbridge.domain.customer_information import MOST_PARTS
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

V16, V201, V21 = Version
TWO = pytest.mark.parametrize("version", [V201, V21], ids=lambda version: version.label)
NOW = "2026-02-03T04:05:06.789Z"
TOKEN = {"id_token": "ADA-1", "type": "ISO14443"}
HASH = {
    "hash_algorithm": "SHA256",
    "issuer_name_hash": "ab12",
    "issuer_key_hash": "cd34",
    "serial_number": "01",
}


async def ask(site: Site, charger: Charger, status: int = 200, **parameters: Any) -> Any:
    path = f"/stations/{charger.identity}/commands/customer_information"
    answer = await site.rest.ask("POST", path, parameters)
    assert answer.status == status, answer
    return answer.json


async def called(charger: Charger, action: str = "CustomerInformation") -> Any:
    async with asyncio.timeout(30):
        while True:
            _, _, name, payload = await charger.called.get()
            if name == action:
                return payload


async def tell(charger: Charger, request_id: int, seq_no: int, data: str, *, tbc: bool = False) -> None:
    said = {"requestId": request_id, "generatedAt": NOW, "seqNo": seq_no, "data": data, "tbc": tbc}
    assert await charger.call("NotifyCustomerInformation", said) == {}


async def kept(site: Site, charger: Charger, request_id: int) -> Any:
    return await site.rest.get(f"/stations/{charger.identity}/customer-information/{request_id}")


@TWO
async def test_a_report_in_parts_of_any_order(site: Site, version: Version) -> None:
    """N09.FR.05: the outcome says that it is there, and never what it says."""
    async with site.station(version) as charger:
        charger.answers["CustomerInformation"] = {"status": "Accepted"}
        done = await ask(site, charger, id_token=TOKEN)
        assert (done["state"], done["outcome_state"]) == ("Accepted", "Pending")
        asked = await called(charger)
        id = asked.pop("requestId")
        assert asked == {"report": True, "clear": False, "idToken": {"idToken": "ADA-1", "type": "ISO14443"}}
        assert done["answer"]["info"] == {"request_id": id}
        for seq_no, data in ((2, "Square"), (0, "Ada Lovelace, ")):
            await tell(charger, id, seq_no, data, tbc=seq_no == 0)
        found = await site.rest.get(f"/commands/{done['id']}")
        assert found["outcome_state"] == "Pending"
        assert found["outcome"]["missing_parts"] == [1]
        half = await kept(site, charger, id)
        assert (half["complete"], half["missing_parts"], half["data"]) == (False, [1], "Ada Lovelace, Square")
        await tell(charger, id, 1, "12 St James's ", tbc=True)
        await tell(charger, id, 1, "12 St James's ", tbc=True)
        found = await site.rest.get(f"/commands/{done['id']}")
        assert found["outcome_state"] == "Completed"
        assert found["outcome"]["characters"] == len("Ada Lovelace, 12 St James's Square")
        whole = await kept(site, charger, id)
        assert (whole["complete"], whole["asked"], whole["report"], whole["clear"]) == (True, True, True, False)
        assert whole["data"] == "Ada Lovelace, 12 St James's Square"
        listed = only(await site.rest.items(f"/stations/{charger.identity}/customer-information"))
        assert "data" not in listed and listed["characters"] == whole["characters"]
        for path in ("/messages", "/commands"):
            assert "Lovelace" not in str(await site.rest.items(f"/stations/{charger.identity}{path}"))
        assert "Lovelace" not in str(await site.rest.items("/events", station_id=charger.identity))


@TWO
async def test_every_way_to_name_a_customer(site: Site, version: Version) -> None:
    """N09.FR.04: one and no other. What only people know the customer by is in no log."""
    async with site.station(version) as charger:
        charger.answers["CustomerInformation"] = {"status": "Accepted"}
        await ask(site, charger, certificate=HASH, clear=True)
        asked = await called(charger)
        assert asked["customerCertificate"] == {
            "hashAlgorithm": "SHA256",
            "issuerNameHash": "ab12",
            "issuerKeyHash": "cd34",
            "serialNumber": "01",
        }
        assert "idToken" not in asked and "customerIdentifier" not in asked and asked["clear"] is True
        done = await ask(site, charger, customer_identifier="ada@example.com", report=False, clear=True)
        asked = await called(charger)
        assert (asked["customerIdentifier"], asked["report"], asked["clear"]) == ("ada@example.com", False, True)
        assert set(asked) == {"requestId", "report", "clear", "customerIdentifier"}
        assert done["parameters"]["customer_identifier"] == "***"
        assert "ada@" not in str(await site.rest.items(f"/stations/{charger.identity}/messages"))
        assert "ada@" not in str(await site.rest.items(f"/stations/{charger.identity}/commands"))
        assert len(await site.events("customer_information.cleared", charger)) == 2


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"id_token": TOKEN, "customer_identifier": "x"},
        {"id_token": TOKEN, "certificate": HASH},
        {"id_token": TOKEN, "report": False},
        {"id_token": {"id_token": ""}},
        {"customer_identifier": ""},
        {"customer_identifier": "x" * 65},
        {"certificate": {**HASH, "hash_algorithm": "MD5"}},
        {"id_token": TOKEN, "colour": "red"},
    ],
)
async def test_what_is_no_question_is_not_asked(site: Site, parameters: dict[str, Any]) -> None:
    async with site.station(V201) as charger:
        await ask(site, charger, 400, **parameters)
        assert charger.called.empty()
        assert await site.rest.items(f"/stations/{charger.identity}/customer-information") == []


async def test_what_a_version_cannot_ask(site: Site) -> None:
    async with site.station(V16) as charger:
        assert (await ask(site, charger, 422, id_token=TOKEN))["type"].endswith("unsupported-command")
    async with site.station(V201) as charger:
        await ask(site, charger, 422, id_token={"id_token": "A", "type": "VIN"})
        await ask(site, charger, 422, id_token={"id_token": "A" * 37, "type": "Central"})
    async with site.station(V21) as charger:
        charger.answers["CustomerInformation"] = {"status": "Accepted"}
        assert (await ask(site, charger, id_token={"id_token": "A" * 255, "type": "VIN"}))["state"] == "Accepted"


@TWO
@pytest.mark.parametrize("status", ["Rejected", "Invalid"])
async def test_what_is_refused_leaves_nothing(site: Site, version: Version, status: str) -> None:
    async with site.station(version) as charger:
        charger.answers["CustomerInformation"] = {"status": status}
        done = await ask(site, charger, id_token=TOKEN)
        assert (done["state"], done["answer"]["status"], done["outcome_state"]) == ("Rejected", status, None)
        assert await site.rest.items(f"/stations/{charger.identity}/customer-information") == []
        assert await site.events("customer_information.cleared", charger) == []


@TWO
async def test_what_is_kept_can_be_deleted(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        await tell(charger, 5, 0, "Ada")
        path = f"/stations/{charger.identity}/customer-information/5"
        await site.rest.send("DELETE", path)
        for method in ("GET", "DELETE"):
            assert (await site.rest.ask(method, path)).status == 404
        assert site.rows(f"SELECT * FROM customer_report_parts WHERE station_id = '{charger.identity}'") == []
        assert only(await site.events("customer_information.forgotten", charger)) == {"request_id": 5}
        await tell(charger, 6, 0, "Ada")
    await site.rest.send("DELETE", f"/stations/{charger.identity}")
    assert site.rows(f"SELECT * FROM customer_report_parts WHERE station_id = '{charger.identity}'") == []
    assert (await site.rest.ask("GET", f"/stations/{charger.identity}/customer-information")).status == 404


@TWO
async def test_what_cannot_be_kept_is_refused(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        wrong = [(2**70, 0), (1, MOST_PARTS), *([(1, -1)] if version is V201 else [])]
        for request_id, seq_no in wrong:
            with pytest.raises(Refused) as refused:
                await tell(charger, request_id, seq_no, "x")
            assert refused.value.code in ("PropertyConstraintViolation", "FormatViolation", "TypeConstraintViolation")
        await tell(charger, 1, 0, "a\0b")
        assert (await kept(site, charger, 1))["data"] == "a\N{SYMBOL FOR NULL}b"


async def test_forgetting_a_customer_takes_the_token_off_the_local_list(site: Site) -> None:
    """N10.FR.02: the station leaves its list to us; our own tokens stay as they are."""
    async with site.station(V201) as charger:
        charger.answers.update(
            {
                "CustomerInformation": {"status": "Accepted"},
                "GetLocalListVersion": {"versionNumber": 0},
                "SendLocalList": {"status": "Accepted"},
                "GetVariables": {"getVariableResult": []},
            }
        )
        both = [await site.token(), await site.token()]
        path = f"/stations/{charger.identity}/local-list"
        await site.rest.send("PUT", path, {"selection": {"id_tokens": both}, "automatic": False})

        async def sent() -> Any:
            payload = await called(charger, "SendLocalList")
            charger.answers["GetLocalListVersion"] = {"versionNumber": payload["versionNumber"]}
            return payload

        syncing = asyncio.create_task(site.rest.post(f"/stations/{charger.identity}/commands/sync_local_list", {}))
        assert len((await sent())["localAuthorizationList"]) == 2
        await syncing
        await ask(site, charger, id_token={"id_token": "SOMEBODY-ELSE", "type": "ISO14443"}, clear=True)
        await ask(site, charger, id_token={"id_token": both[0], "type": "ISO14443"})
        assert (await site.rest.get(path))["selection"]["without_id_tokens"] == []
        await ask(site, charger, id_token={"id_token": both[0], "type": "ISO14443"}, clear=True)
        change = await sent()
        assert change["updateType"] == "Differential"
        assert change["localAuthorizationList"] == [{"idToken": {"idToken": both[0], "type": "ISO14443"}}]
        one = await site.rest.get(path)
        assert one["selection"]["without_id_tokens"] == [both[0]]
        assert (await site.rest.get(f"/tokens/ISO14443/{both[0]}"))["status"] == "Accepted"
