"""Stations' local lists as they are kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from voltbridge.domain.local_lists import LocalList, LocalListState, TokenSelection
from voltbridge.domain.paging import PageRequest
from voltbridge.domain.tokens import AuthorizationStatus, Token
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TOKEN = Token("A", "ISO14443", AuthorizationStatus.ACCEPTED, NOW, NOW, group_id_token="G", expires_at=NOW)


def a_list(station_id: str, state: LocalListState = LocalListState.CURRENT) -> LocalList:
    return LocalList(
        station_id=station_id,
        selection=TokenSelection(types=("eMAID",), id_tokens=("A", "B"), include_refused=True),
        updated_at=NOW,
        automatic=False,
        state=state,
        problem="none",
        version=7,
        protocol="ocpp2.1",
        entries=1,
        sent_at=NOW,
        verified_at=NOW,
    )


async def test_a_list_comes_back_as_it_was_put(storage: Storage) -> None:
    lists = storage.local_lists
    assert await lists.get("CP1") is None
    assert await lists.put(a_list("CP1"), [TOKEN])
    assert await lists.get("CP1") == a_list("CP1")
    assert tuple(await lists.entries("CP1")) == (TOKEN,)
    changed = replace(a_list("CP1"), version=8, sent_at=None)
    assert not await lists.put(changed)
    assert await lists.get("CP1") == changed
    assert tuple(await lists.entries("CP1")) == (TOKEN,)


async def test_only_a_list_that_is_current_becomes_stale(storage: Storage) -> None:
    lists = storage.local_lists
    await lists.put(a_list("CP1"))
    await lists.put(a_list("CP2", LocalListState.FAILED))
    assert [one.station_id for one in await lists.up_to_date()] == ["CP1"]
    assert await lists.mark_stale("CP1")
    assert not await lists.mark_stale("CP1")
    assert not await lists.mark_stale("CP2")
    assert await lists.get("CP1") == a_list("CP1", LocalListState.STALE)
    together = await asyncio.gather(*map(lists.get, ("CP2", "CP3", "CP1")))
    assert together == [a_list("CP2", LocalListState.FAILED), None, a_list("CP1", LocalListState.STALE)]


async def test_pages_and_states(storage: Storage) -> None:
    lists = storage.local_lists
    for number in (3, 1, 2):
        await lists.put(a_list(f"CP{number}", LocalListState.STALE if number == 2 else LocalListState.CURRENT))
    first = await lists.list(None, PageRequest(limit=2))
    assert [one.station_id for one in first.items] == ["CP1", "CP2"]
    second = await lists.list(None, PageRequest(limit=2, cursor=first.next))
    assert ([one.station_id for one in second.items], second.next) == (["CP3"], None)
    stale = await lists.list(LocalListState.STALE, PageRequest())
    assert [one.station_id for one in stale.items] == ["CP2"]


async def test_forgotten(storage: Storage) -> None:
    await storage.local_lists.put(a_list("CP1"), [TOKEN])
    assert await storage.local_lists.delete("CP1")
    assert not await storage.local_lists.delete("CP1")
    assert list(await storage.local_lists.entries("CP1")) == []
