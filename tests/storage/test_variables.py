"""The device model and desired configurations through the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from tests.storage.nouns import NOON, at

from voltbridge.domain.configurations import Configuration, DesiredValue
from voltbridge.domain.device_model import (
    Attribute,
    AttributeType,
    Characteristics,
    Component,
    DataType,
    Mutability,
    StationReportParts,
    StationVariable,
    Variable,
    VariableFilter,
)
from voltbridge.domain.errors import NotFound
from voltbridge.domain.paging import InvalidCursor, PageRequest
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio

POWER = Characteristics(DataType.DECIMAL, "W", 0.0, 22000.5, (), None, True)


def one(name: str, value: str | None = "1", *, evse_id: int | None = None, **more: Any) -> StationVariable:
    attribute = Attribute(Variable(Component("EVSE", "x", evse_id), name, "L1"), more.pop("type", AttributeType.ACTUAL))
    return StationVariable(**{"station_id": "CS1", "attribute": attribute, "updated_at": NOON, "value": value, **more})


async def told(storage: Storage, **wanted: Any) -> list[StationVariable]:
    return list((await storage.variables.list(VariableFilter("CS1", **wanted), PageRequest(limit=500))).items)


async def part(
    storage: Storage,
    seq_no: int,
    *variables: StationVariable,
    last: bool = False,
    when: datetime = NOON,
    most: int = 100,
) -> tuple[StationReportParts, bool]:
    return await storage.variables.add_part("CS1", 7, seq_no, last, when, variables, most)


async def test_kept_as_told(storage: Storage) -> None:
    everything = one(
        "Power",
        "11000",
        evse_id=2,
        type=AttributeType.MAX_SET,
        mutability=Mutability.READ_ONLY,
        persistent=True,
        constant=False,
        characteristics=POWER,
    )
    await part(storage, 0, everything, one("Bare", None))
    assert await told(storage) == [one("Bare", None), everything]
    assert await told(storage, component="evse", variable="POWER", evse_id=2) == [everything]
    assert await told(storage, attribute=AttributeType.MAX_SET, mutability=Mutability.READ_ONLY) == [everything]
    assert await told(storage, component="EVS_") == []
    assert (await storage.variables.list(VariableFilter("CS2"), PageRequest())).items == ()


async def test_a_value_leaves_what_a_report_told(storage: Storage) -> None:
    reported = one("Power", "1", mutability=Mutability.READ_WRITE, persistent=True, characteristics=POWER)
    await part(storage, 0, reported)
    await storage.variables.put_values([one("POWER", "2", updated_at=at(5)), one("New", "3")])
    found = await storage.variables.known("CS1", [reported.attribute, one("New").attribute, one("None").attribute])
    assert found[reported.attribute.key].value == "2"
    assert found[reported.attribute.key].characteristics == POWER
    assert found[reported.attribute.key].mutability is Mutability.READ_WRITE
    assert found[one("New").attribute.key] == one("New", "3")
    assert len(found) == 2


async def test_pages(storage: Storage) -> None:
    names = [f"V{number:02d}" for number in range(7)]
    await part(storage, 0, *(one(name) for name in reversed(names)))
    seen: list[str] = []
    cursor = None
    while True:
        page = await storage.variables.list(VariableFilter("CS1"), PageRequest(limit=3, cursor=cursor))
        seen += [item.attribute.variable.name for item in page.items]
        if (cursor := page.next) is None:
            break
    assert seen == names
    with pytest.raises(InvalidCursor):
        await storage.variables.list(VariableFilter("CS1"), PageRequest(cursor="!"))


async def test_a_full_inventory_replaces_when_it_is_complete(storage: Storage) -> None:
    await part(storage, 0, one("Old"), when=NOON)
    asked = StationReportParts(station_id="CS1", request_id=7, kind="FullInventory", requested_at=at(60))
    await storage.variables.expect_report(asked)
    report, completed = await part(storage, 1, one("B", updated_at=at(61)), last=True, when=at(61))
    assert (report.is_complete, completed, report.parts) == (False, False, "1")
    assert len(await told(storage)) == 2
    report, completed = await part(storage, 0, one("A", updated_at=at(62)), when=at(62))
    assert (report.is_complete, completed, report.variables) == (True, True, 2)
    assert [item.attribute.variable.name for item in await told(storage)] == ["A", "B"]
    _, completed = await part(storage, 0, one("A", updated_at=at(63)), when=at(63))
    assert not completed  # a part that comes again completes nothing
    (kept,) = await storage.variables.reports("CS1")
    assert (kept.kind, kept.last_part_at, kept.last_seq_no) == ("FullInventory", at(63), 1)


async def test_a_station_that_makes_up_names_fills_nothing(storage: Storage) -> None:
    await part(storage, 0, one("A"), one("B"), most=3)
    report, _ = await part(storage, 1, one("A", "2"), one("C"), one("D"), most=3)
    assert (report.parts, report.variables) == ("0-1", 5), "it came, all the same"
    assert [(item.attribute.variable.name, item.value) for item in await told(storage)] == [("A", "2"), ("B", "1")]
    await part(storage, 2, one("C"), most=3)
    assert [item.attribute.variable.name for item in await told(storage)] == ["A", "B", "C"]


async def test_only_the_latest_reports_are_kept(storage: Storage) -> None:
    for number in range(25):
        await storage.variables.expect_report(
            StationReportParts(station_id="CS1", request_id=number, kind=None, requested_at=at(number))
        )
    assert [report.request_id for report in await storage.variables.reports("CS1")] == list(range(24, 4, -1))
    await storage.variables.forget_report("CS1", 24)
    assert len(await storage.variables.reports("CS1")) == 19


async def test_only_the_latest_of_those_that_nobody_asked_for_are_kept(storage: Storage) -> None:
    for request_id in range(25):
        await storage.variables.add_part("CS1", request_id, 0, False, at(request_id), [one("A")], 10)
    assert [report.request_id for report in await storage.variables.reports("CS1")] == list(range(24, 4, -1))


async def test_an_inventory_in_one_answer(storage: Storage) -> None:
    await storage.variables.put_values([one("Old")])
    await storage.variables.put_all("CS1", [one("A", "1"), one("a", "2")])
    (only,) = await told(storage)
    assert (only.attribute.variable.name, only.value) == ("a", "2")  # a name told twice: the last counts


async def test_five_thousand_in_fifty_parts(storage: Storage) -> None:
    for seq_no in range(50):
        variables: Sequence[StationVariable] = [
            one(f"V{seq_no}-{number}", characteristics=POWER, mutability=Mutability.READ_ONLY) for number in range(100)
        ]
        report, _ = await part(storage, seq_no, *variables, last=seq_no == 49)
    assert report.variables == 5000


async def test_configurations(storage: Storage) -> None:
    configuration = Configuration(
        name="b",
        values=(DesiredValue(one("Power").attribute, "5"),),
        updated_at=NOON,
        station_ids=("CS1",),
        vendor="Acme",
        model="M",
        priority=-3,
    )
    assert await storage.configurations.put(configuration)
    other = Configuration(name="a", values=(), updated_at=NOON)
    assert await storage.configurations.put(other)
    assert not await storage.configurations.put(configuration)
    assert await storage.configurations.list() == [other, configuration]
    await storage.configurations.delete("a")
    assert await storage.configurations.list() == [configuration]
    with pytest.raises(NotFound):
        await storage.configurations.delete("a")
