"""Authorize of every version: who may charge, and what the station is told of the token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.csms.blocks.charging import V16, V21, V201, Charging, stamp
from tests.csms.fakes import START

from voltbridge.csms.blocks.c_authorization.v16 import STATUSES
from voltbridge.domain.tokens import AuthorizationStatus
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio


async def ask_2(charging: Charging, version: Version, id_token: str, type: str = "ISO14443", **more: Any) -> Any:
    live = charging.connected.get("CP1") or charging.connect()
    return await charging.send(live, version, "Authorize", idToken={"idToken": id_token, "type": type}, **more)


async def ask_16(charging: Charging, id_tag: str) -> Any:
    live = charging.connected.get("CP1") or charging.connect()
    return (await charging.send(live, V16, "Authorize", idTag=id_tag))["idTagInfo"]


@pytest.mark.parametrize("version", [V201, V21])
async def test_all_that_is_known_of_a_token_is_told(version: Version) -> None:
    charging = Charging()
    await charging.token(
        "CARD1",
        group_id_token="FAMILY",
        expires_at=START + timedelta(days=1),
        language="nl",
        personal_message="Goedendag",
    )
    assert await ask_2(charging, version, "card1") == {
        "idTokenInfo": {
            "status": "Accepted",
            "cacheExpiryDateTime": "2026-03-02T12:00:00.000Z",
            "language1": "nl",
            "groupIdToken": {"idToken": "FAMILY", "type": "Central"},
            "personalMessage": {"format": "UTF8", "language": "nl", "content": "Goedendag"},
        }
    }


async def test_1_6_is_told_what_it_has_words_for() -> None:
    charging = Charging()
    await charging.token("CARD1", group_id_token="FAMILY", expires_at=START + timedelta(days=1))
    assert await ask_16(charging, "card1") == {
        "status": "Accepted",
        "expiryDate": "2026-03-02T12:00:00.000Z",
        "parentIdTag": "FAMILY",
    }


async def test_an_id_tag_matches_a_token_of_any_type() -> None:
    charging = Charging()
    await charging.token("App-User-7", type="Central")
    assert await ask_16(charging, "APP-USER-7") == {"status": "Accepted"}
    assert (await ask_2(charging, V201, "App-User-7", "Central"))["idTokenInfo"]["status"] == "Accepted"
    assert (await ask_2(charging, V201, "App-User-7"))["idTokenInfo"]["status"] == "Unknown"


async def test_a_group_too_long_for_the_version_is_left_out() -> None:
    charging = Charging()
    await charging.token("A", group_id_token="x" * 21)
    await charging.token("B", group_id_token="x" * 37, group_type="DirectPayment")
    assert await ask_16(charging, "A") == {"status": "Accepted"}
    assert await ask_2(charging, V201, "B") == {"idTokenInfo": {"status": "Accepted"}}
    group = (await ask_2(charging, V21, "B"))["idTokenInfo"]["groupIdToken"]
    assert group == {"idToken": "x" * 37, "type": "DirectPayment"}


async def test_a_group_type_the_version_does_not_know_becomes_central() -> None:
    charging = Charging()
    await charging.token("A", group_id_token="G", group_type="DirectPayment")
    assert (await ask_2(charging, V201, "A"))["idTokenInfo"]["groupIdToken"] == {"idToken": "G", "type": "Central"}


@pytest.mark.parametrize("status", [each for each in AuthorizationStatus if each != "ConcurrentTx"])
async def test_every_status_reaches_every_version(status: AuthorizationStatus) -> None:
    charging = Charging()
    await charging.token("CARD1", status=status)
    for version in (V201, V21):
        assert (await ask_2(charging, version, "CARD1"))["idTokenInfo"]["status"] == status
    assert (await ask_16(charging, "CARD1"))["status"] == STATUSES[status]


async def test_a_refused_token_has_no_expiry_and_still_its_group() -> None:
    charging = Charging()
    await charging.token("CARD1", group_id_token="FAMILY", expires_at=START)
    assert await ask_16(charging, "CARD1") == {"status": "Expired", "parentIdTag": "FAMILY"}


async def test_an_unknown_token_is_unknown_or_invalid_by_version() -> None:
    charging = Charging()
    assert await ask_16(charging, "GHOST") == {"status": "Invalid"}
    assert await ask_2(charging, V201, "GHOST") == {"idTokenInfo": {"status": "Unknown"}}
    assert await ask_2(charging, V201, "") == {"idTokenInfo": {"status": "Unknown"}}
    assert await ask_2(charging, V201, "GHOST", "KeyCode") == {"idTokenInfo": {"status": "Invalid"}}
    for type in ("Central", "eMAID", "Local"):
        assert await ask_2(charging, V201, "GHOST", type) == {"idTokenInfo": {"status": "Unknown"}}


async def test_a_button_and_a_payment_terminal_are_accepted_and_a_payment_is_not_cached() -> None:
    charging = Charging()
    assert await ask_2(charging, V201, "", "NoAuthorization") == {"idTokenInfo": {"status": "Accepted"}}
    paid = await ask_2(charging, V21, "psp-4711", "DirectPayment")
    assert paid == {"idTokenInfo": {"status": "Accepted", "cacheExpiryDateTime": "2026-03-01T12:00:00.000Z"}}


HASHES = [
    {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": "aa",
        "issuerKeyHash": "bb",
        "serialNumber": "01",
        "responderURL": "http://ocsp.example",
    }
]


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize("evidence", [{"certificate": "-----BEGIN"}, {"iso15118CertificateHashData": HASHES}])
async def test_a_certificate_nobody_checked_vouches_for_nothing(version: Version, evidence: dict[str, Any]) -> None:
    charging = Charging()
    await charging.token("DE-8AA-1234567", type="eMAID")
    assert await ask_2(charging, version, "DE-8AA-1234567", "eMAID") == {"idTokenInfo": {"status": "Accepted"}}
    assert await ask_2(charging, version, "DE-8AA-1234567", "eMAID", **evidence) == {
        "idTokenInfo": {"status": "Invalid"},
        "certificateStatus": "CertChainError",
    }


async def test_a_token_is_accepted_while_its_own_transaction_runs() -> None:
    charging = Charging()
    await charging.token("CARD1")
    live = charging.connect()
    await charging.send(live, V16, "StartTransaction", connectorId=1, idTag="CARD1", meterStart=0, timestamp=stamp(0))
    assert await ask_16(charging, "CARD1") == {"status": "Accepted"}
    other = charging.connect("CP2")
    assert await charging.send(other, V16, "Authorize", idTag="CARD1") == {"idTagInfo": {"status": "Accepted"}}


async def test_each_authorization_is_an_event_and_a_key_code_stays_secret() -> None:
    charging = Charging()
    await charging.token("1234", type="KeyCode")
    await ask_16(charging, "1234")
    await ask_2(charging, V201, "1234", "KeyCode")
    await ask_2(charging, V201, "GHOST")
    assert charging.world.emitted("token.authorized") == [
        {"id_token": None, "type": "KeyCode", "status": "Accepted"},
        {"id_token": None, "type": "KeyCode", "status": "Accepted"},
        {"id_token": "GHOST", "type": "ISO14443", "status": "Unknown"},
    ]
