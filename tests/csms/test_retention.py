"""Old records go by the table, each kind by its own setting, and one kind's trouble is not another's."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from datetime import datetime, timedelta

from tests.csms.fakes import START, FakeClock

from voltbridge.csms.retention import KINDS, Keeper, RetentionService
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.keepers import days_kept
from voltbridge.settings import Settings, options


class Shelf:
    """Records by their moments."""

    def __init__(self, *moments: datetime) -> None:
        self.moments = list(moments)
        self.fails: Exception | None = None
        self.tidied = 0

    async def prune(self, before: datetime) -> int:
        if self.fails:
            raise self.fails
        kept = [moment for moment in self.moments if moment >= before]
        gone = len(self.moments) - len(kept)
        self.moments = kept
        return gone

    async def oldest(self) -> datetime | None:
        return min(self.moments, default=None)

    async def tidy(self) -> None:
        self.tidied += 1

    @property
    def keeper(self) -> Keeper:
        return Keeper(self.prune, self.oldest, always=self.tidy)


def days(count: float) -> datetime:
    return START - timedelta(days=count)


def service(clock: FakeClock, shelves: dict[str, Shelf], kept: dict[str, int | None]) -> RetentionService:
    everybody = {kind.name: shelves.get(kind.name, Shelf()).keeper for kind in KINDS}
    return RetentionService(everybody, {kind.setting: kept.get(kind.setting) for kind in KINDS}, clock)


def test_each_kind_goes_by_its_own_setting() -> None:
    async def body() -> None:
        shelves = {"messages": Shelf(days(31), days(29)), "events": Shelf(days(31)), "transactions": Shelf(days(9999))}
        retention = service(FakeClock(), shelves, {"log_retention_days": 30, "event_retention_days": 365})
        assert [kept.last_run_at for kept in await retention.list()] == [None] * len(KINDS)
        await retention.tidy()
        assert shelves["messages"].moments == [days(29)]
        assert shelves["events"].moments == [days(31)]
        assert shelves["transactions"].moments == [days(9999)]
        assert shelves["transactions"].tidied == 1  # what is nobody's goes though it is kept forever
        found = {kept.kind.name: kept for kept in await retention.list()}
        messages = found["messages"]
        assert (messages.days, messages.oldest_at, messages.last_run_at, messages.last_removed, messages.problem) == (
            30,
            days(29),
            START,
            1,
            None,
        )
        assert (found["transactions"].days, found["transactions"].oldest_at) == (None, days(9999))
        assert found["alerts"].oldest_at is None

    asyncio.run(body())


def test_trouble_with_one_kind_is_told_and_is_not_the_others() -> None:
    async def body() -> None:
        shelves = {kind.name: Shelf(days(2)) for kind in KINDS}
        shelves["messages"].fails = StorageUnavailable("the disk is gone")
        shelves["files"].fails = PermissionError(13, "Permission denied")
        shelves["events"].fails = TypeError("a mistake of ours")
        retention = service(FakeClock(), shelves, dict.fromkeys((kind.setting for kind in KINDS), 1))
        await retention.tidy()
        for kept in await retention.list():
            failed = kept.kind.name in ("messages", "files", "events")
            assert (kept.last_removed, kept.oldest_at) == ((0, days(2)) if failed else (1, None)), kept.kind
        problems = {kept.kind.name: kept.problem for kept in await retention.list() if kept.problem}
        assert problems == {
            "messages": "the disk is gone",
            "files": "[Errno 13] Permission denied",
            "events": "TypeError('a mistake of ours')",
        }
        shelves["messages"].fails = None
        await retention.tidy()
        assert {kept.kind.name for kept in await retention.list() if kept.problem} == {"files", "events"}

    asyncio.run(body())


def test_it_runs_at_once_and_every_hour() -> None:
    async def settle() -> None:
        for _ in range(100):
            await asyncio.sleep(0)

    async def body() -> None:
        clock = FakeClock()
        shelf = Shelf()
        running = asyncio.create_task(service(clock, {"messages": shelf}, {"log_retention_days": 1}).run())
        await settle()
        assert shelf.tidied == 1
        for hour in (2, 3):
            clock.advance(3599)
            await settle()
            assert shelf.tidied == hour - 1
            clock.advance(1)
            await settle()
            assert shelf.tidied == hour
        running.cancel()

    asyncio.run(body())


def test_every_setting_is_used_and_what_bills_are_made_from_stays() -> None:
    chosen = {option.name for option in options() if option.name.endswith("_retention_days")}
    assert chosen == {kind.setting for kind in KINDS}
    defaults = days_kept(Settings())
    assert defaults.keys() == chosen
    for setting in ("transaction_retention_days", "meter_value_retention_days"):
        assert defaults[setting] is None
    assert {field.name for field in fields(Settings)} >= chosen
