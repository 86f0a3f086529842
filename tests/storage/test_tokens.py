"""Tokens through the store."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.storage.nouns import NOON, at, token

from voltbridge.domain.errors import NotFound
from voltbridge.domain.paging import InvalidCursor, PageRequest
from voltbridge.domain.tokens import AuthorizationStatus, Token, TokenFilter
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio


async def test_a_token_is_kept_as_given_and_found_in_any_case(storage: Storage) -> None:
    assert await storage.tokens.put(token("AbCß1"))
    assert await storage.tokens.get("aBcSS1", "ISO14443") == token("AbCß1")
    assert await storage.tokens.get("abcß1") == token("AbCß1")
    assert await storage.tokens.get("abcß1", "eMAID") is None
    assert await storage.tokens.get("abc_1") is None
    assert await storage.tokens.get("AbC%") is None


async def test_a_bare_token_keeps_its_defaults(storage: Storage) -> None:
    bare = Token("T", "Central", AuthorizationStatus.BLOCKED, NOON, NOON)
    await storage.tokens.put(bare)
    assert await storage.tokens.get("t", "Central") == bare


async def test_put_replaces_the_token_of_the_same_text_and_type(storage: Storage) -> None:
    assert await storage.tokens.put(token("abc"))
    changed = token("ABC", status=AuthorizationStatus.BLOCKED, updated_at=at(9), station_ids=(), group_id_token=None)
    assert not await storage.tokens.put(changed)
    assert await storage.tokens.get("abc", "ISO14443") == changed
    assert await storage.tokens.put(token("abc", "eMAID"))
    assert len((await storage.tokens.list(TokenFilter(), PageRequest())).items) == 2


async def test_a_card_is_meant_where_the_type_is_not_told(storage: Storage) -> None:
    for kind in ("Central", "KeyCode", "ISO15693", "ISO14443", "eMAID"):
        await storage.tokens.put(token("abc", kind))
    found = await storage.tokens.get("ABC")
    assert found is not None and found.type == "ISO14443"
    await storage.tokens.delete("abc", "ISO14443")
    found = await storage.tokens.get("ABC")
    assert found is not None and found.type == "ISO15693"


async def test_delete(storage: Storage) -> None:
    await storage.tokens.put(token("abc"))
    await storage.tokens.delete("ABC", "ISO14443")
    assert await storage.tokens.get("abc") is None
    with pytest.raises(NotFound, match="token ISO14443/ABC"):
        await storage.tokens.delete("ABC", "ISO14443")


async def test_the_list_is_filtered_and_paged(storage: Storage) -> None:
    for number in range(5):
        status = AuthorizationStatus.BLOCKED if number == 3 else AuthorizationStatus.ACCEPTED
        await storage.tokens.put(token(f"T{number}", status=status, group_id_token="Fleet" if number % 2 else None))
        await storage.tokens.put(token(f"t{number}", "eMAID", group_id_token="other"))
    found: list[Token] = []
    page = await storage.tokens.list(TokenFilter(), PageRequest(3))
    found += page.items
    while page.next:
        page = await storage.tokens.list(TokenFilter(), PageRequest(3, page.next))
        found += page.items
    assert [(one.id_token, one.type) for one in found] == [
        (f"{letter}{number}", kind) for number in range(5) for letter, kind in (("T", "ISO14443"), ("t", "eMAID"))
    ]

    async def texts(wanted: TokenFilter) -> list[str]:
        return [one.id_token for one in (await storage.tokens.list(wanted, PageRequest())).items]

    assert await texts(TokenFilter(group_id_token="FLEET")) == ["T1", "T3"]
    assert await texts(TokenFilter(status=AuthorizationStatus.BLOCKED)) == ["T3"]
    assert await texts(TokenFilter(type="eMAID", group_id_token="other")) == [f"t{number}" for number in range(5)]
    with pytest.raises(InvalidCursor):
        await storage.tokens.list(TokenFilter(), PageRequest(3, "AAAA"))


async def test_a_token_written_twice_at_once_is_one(storage: Storage) -> None:
    created = await asyncio.gather(*(storage.tokens.put(replace(token("x"), note=str(n))) for n in range(20)))
    assert created.count(True) == 1
    found = await storage.tokens.get("x")
    assert found is not None and found.note == "19"
