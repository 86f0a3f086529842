"""Tariffs, their assignments and messages on displays as both databases keep them."""

from __future__ import annotations

import pytest
from tests.storage.nouns import display_message, settings, tariff

from voltbridge.domain.display_messages import MessageStatus
from voltbridge.domain.errors import NotFound
from voltbridge.domain.tariffs import TariffAssignment
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio


async def test_tariffs_come_back_as_they_were(storage: Storage) -> None:
    assert await storage.tariffs.all() == ([], [])
    assert await storage.tariffs.put(tariff("b"))
    assert await storage.tariffs.put(tariff("a", currency="EUR"))
    assert not await storage.tariffs.put(tariff("b", min_price=None))
    tariffs, assignments = await storage.tariffs.all()
    assert (tariffs, assignments) == ([tariff("a", currency="EUR"), tariff("b", min_price=None)], [])
    await storage.tariffs.delete("a")
    with pytest.raises(NotFound):
        await storage.tariffs.delete("a")
    assert (await storage.tariffs.all())[0] == [tariff("b", min_price=None)]


async def test_assignments_come_back_as_they_were(storage: Storage) -> None:
    one = TariffAssignment("all", "a")
    other = TariffAssignment("few", "b", ("CS-1", "CS-2"), ("Ä1",), ("G",), "why")
    assert await storage.tariffs.assign(other)
    assert await storage.tariffs.assign(one)
    assert not await storage.tariffs.assign(one)
    _, assignments = await storage.tariffs.all()
    assert assignments == [one, other]
    assert assignments[1].note == "why"
    await storage.tariffs.withdraw("few")
    with pytest.raises(NotFound):
        await storage.tariffs.withdraw("few")


async def test_messages_come_back_as_they_were(storage: Storage) -> None:
    await storage.stations.add(settings())
    await storage.display_messages.put([display_message(id=7), display_message(id=2**31 - 1), display_message("CS-2")])
    assert await storage.display_messages.of_station("CS-1") == [display_message(id=7), display_message(id=2**31 - 1)]
    cleared = display_message(id=7, status=MessageStatus.CLEARED, extra=(), display=None)
    await storage.display_messages.put([cleared])
    await storage.display_messages.forget("CS-1", [2**31 - 1, 5])
    await storage.display_messages.forget("CS-1", [])
    assert await storage.display_messages.of_station("CS-1") == [cleared]
    await storage.stations.delete("CS-1")
    assert await storage.display_messages.of_station("CS-1") == []
    assert await storage.display_messages.of_station("CS-2") == [display_message("CS-2")]
