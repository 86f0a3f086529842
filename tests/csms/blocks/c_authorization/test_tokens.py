"""The operator's tokens."""

from __future__ import annotations

import asyncio

import pytest
from tests.csms.blocks.charging import V16, Charging, stamp
from tests.csms.fakes import START

from voltbridge.domain.errors import AlreadyExists, InvalidValue, NotFound
from voltbridge.domain.paging import PageRequest
from voltbridge.domain.tokens import AuthorizationStatus, Token, TokenFilter

pytestmark = pytest.mark.anyio


async def test_a_token_is_added_once() -> None:
    charging = Charging()
    token = await charging.token("Card1", note="Anna")
    assert (token.type, token.status, token.created_at) == ("ISO14443", AuthorizationStatus.ACCEPTED, START)
    with pytest.raises(AlreadyExists):
        await charging.token("CARD1")
    assert (await charging.token("CARD1", type="KeyCode")).type == "KeyCode"
    page = await charging.authorization.list(TokenFilter(), PageRequest())
    assert [(each.id_token, each.type) for each in page.items] == [("Card1", "ISO14443"), ("CARD1", "KeyCode")]


async def test_of_two_that_add_the_same_token_at_once_one_fails() -> None:
    charging = Charging()
    results = await asyncio.gather(charging.token("A"), charging.token("a"), return_exceptions=True)
    assert sorted(type(each).__name__ for each in results) == ["AlreadyExists", "Token"]


async def test_putting_replaces_all_and_keeps_when_it_was_made() -> None:
    charging = Charging()
    first, added = await charging.authorization.put(id_token="CARD1", type="ISO14443", note="Anna")
    charging.world.clock.advance(60)
    second, added_again = await charging.authorization.put(id_token="card1", type="ISO14443", station_ids=["CP1"])
    assert (added, added_again) == (True, False)
    assert (second.note, second.station_ids, second.id_token) == (None, ("CP1",), "card1")
    assert second.created_at == first.created_at < second.updated_at


async def test_changing_keeps_what_is_not_named() -> None:
    charging = Charging()
    await charging.token("CARD1", note="Anna", language="nl")
    charging.world.clock.advance(60)
    changed = await charging.authorization.change("card1", "ISO14443", {"note": None, "allow_concurrent": True})
    assert (changed.note, changed.language, changed.allow_concurrent) == (None, "nl", True)
    assert await charging.authorization.get("CARD1", "ISO14443") == changed
    with pytest.raises(InvalidValue):
        await charging.authorization.change("card1", "ISO14443", {"language": "x" * 9})
    assert (await charging.authorization.get("CARD1", "ISO14443")).language == "nl"


def slow(charging: Charging) -> None:
    """From now on keeping and forgetting a token take a while, as they do in a database."""
    put, delete = charging.tokens.put, charging.tokens.delete

    async def put_later(token: Token) -> bool:
        await asyncio.sleep(0)
        return await put(token)

    async def delete_later(id_token: str, type: str) -> None:
        await asyncio.sleep(0)
        await delete(id_token, type)

    charging.tokens.put, charging.tokens.delete = put_later, delete_later  # type: ignore[method-assign]


async def test_of_two_changes_at_once_none_is_lost() -> None:
    charging = Charging()
    await charging.token("CARD1")
    slow(charging)
    change = charging.authorization.change
    await asyncio.gather(
        change("CARD1", "ISO14443", {"status": AuthorizationStatus.BLOCKED}),
        change("CARD1", "ISO14443", {"note": "stolen"}),
    )
    token = await charging.authorization.get("CARD1", "ISO14443")
    assert (token.status, token.note) == (AuthorizationStatus.BLOCKED, "stolen")


async def test_a_token_that_is_forgotten_while_it_is_changed_does_not_come_back() -> None:
    charging = Charging()
    await charging.token("CARD1")
    slow(charging)
    outcomes = await asyncio.gather(
        charging.authorization.delete("CARD1", "ISO14443"),
        charging.authorization.change("CARD1", "ISO14443", {"note": "Anna"}),
        return_exceptions=True,
    )
    assert [type(each) for each in outcomes] == [type(None), NotFound]
    assert charging.tokens.tokens == {}


async def test_what_is_not_there_is_not_found() -> None:
    charging = Charging()
    for attempt in (
        charging.authorization.get("CARD1", "ISO14443"),
        charging.authorization.change("CARD1", "ISO14443", {}),
        charging.authorization.delete("CARD1", "ISO14443"),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_an_unusable_token_is_refused_and_nothing_is_kept() -> None:
    charging = Charging()
    with pytest.raises(InvalidValue):
        await charging.token("CARD1", type="Card")
    with pytest.raises(InvalidValue):
        await charging.authorization.put(id_token=" ", type="ISO14443")
    assert charging.tokens.tokens == {}


async def test_a_deleted_token_leaves_its_transaction_running() -> None:
    charging = Charging()
    live = charging.connect()
    await charging.token("CARD1")
    start = {"connectorId": 1, "idTag": "CARD1", "meterStart": 0, "timestamp": stamp(0)}
    await charging.send(live, V16, "StartTransaction", **start)
    await charging.authorization.delete("card1", "ISO14443")
    (running,) = await charging.shown()
    assert running.state == "Active"
    assert running.id_token is not None and running.id_token.id_token == "CARD1"
    assert await charging.send(live, V16, "Authorize", idTag="CARD1") == {"idTagInfo": {"status": "Invalid"}}
