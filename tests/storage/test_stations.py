"""Stations, their reports, connectors and hot state, through the stores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Column, Connection, insert, select
from tests.storage.nouns import at, connector, message, meter_record, report, settings, transaction

from voltbridge.domain.errors import AlreadyExists, NotFound
from voltbridge.domain.messages import MessageFilter
from voltbridge.domain.paging import InvalidCursor, PageRequest
from voltbridge.domain.stations import RegistrationStatus, Station, StationFilter, StationReport
from voltbridge.domain.transactions import TransactionState
from voltbridge.storage import Storage
from voltbridge.storage.sql.schema import metadata

pytestmark = pytest.mark.anyio

PENDING = RegistrationStatus.PENDING


async def ids(storage: Storage, wanted: StationFilter, limit: int = 50) -> list[str]:
    """Every id the list gives, page by page."""
    found: list[str] = []
    cursor = None
    while True:
        page = await storage.stations.list(wanted, PageRequest(limit, cursor))
        assert len(page.items) <= limit
        found += [station.settings.station_id for station in page.items]
        if page.next is None:
            return found
        cursor = page.next


async def test_a_station_keeps_both_halves(storage: Storage) -> None:
    assert await storage.stations.get("CS-1") is None
    await storage.stations.add(settings())
    assert await storage.stations.get("CS-1") == Station(settings(), StationReport("CS-1"))
    storage.journal.put(report())
    await storage.journal.committed("CS-1")
    assert await storage.stations.get("CS-1") == Station(settings(), report())
    changed = replace(settings(), name=None, password_hash=None, strictness=None, heartbeat_interval_s=None)
    await storage.stations.save_settings(changed)
    assert await storage.stations.get("CS-1") == Station(changed, report())


async def test_identities_are_taken_to_the_letter(storage: Storage) -> None:
    await storage.stations.add(settings("CS-ä"))
    await storage.stations.add(settings("cs-ä", name="other"))
    found = await storage.stations.get("CS-ä")
    assert found is not None and found.settings == settings("CS-ä")
    assert await storage.stations.get("Cs-ä") is None


async def test_a_second_station_of_the_same_identity_is_refused(storage: Storage) -> None:
    await storage.stations.add(settings())
    with pytest.raises(AlreadyExists, match="station CS-1 exists"):
        await storage.stations.add(settings(name="other"))
    found = await storage.stations.get("CS-1")
    assert found is not None and found.settings.name == "Yard, left"


async def test_settings_of_an_unknown_station_are_refused(storage: Storage) -> None:
    with pytest.raises(NotFound, match="no station CS-1"):
        await storage.stations.save_settings(settings())


async def test_the_list_is_filtered_and_paged(storage: Storage) -> None:
    for number in range(7):
        await storage.stations.add(
            settings(f"CS-{number}", registration=(PENDING if number % 2 else RegistrationStatus.ACCEPTED))
        )
        storage.journal.put(report(f"CS-{number}", protocol="ocpp1.6" if number < 3 else "ocpp2.1", model=f"M{number}"))
    await storage.journal.committed()
    assert await ids(storage, StationFilter(), 3) == [f"CS-{number}" for number in range(7)]
    assert await ids(storage, StationFilter(registration=PENDING), 2) == ["CS-1", "CS-3", "CS-5"]
    assert await ids(storage, StationFilter(protocol="ocpp1.6", registration=PENDING)) == ["CS-1"]
    assert await ids(storage, StationFilter(model="M4", vendor="Volt")) == ["CS-4"]
    assert await ids(storage, StationFilter(vendor="%")) == []
    assert await ids(storage, StationFilter(among=frozenset({"CS-2", "CS-6", "x"})), 1) == ["CS-2", "CS-6"]
    assert await ids(storage, StationFilter(not_among=frozenset({"CS-0", "CS-6"})), 4) == [
        f"CS-{n}" for n in range(1, 6)
    ]
    with pytest.raises(InvalidCursor):
        await storage.stations.list(StationFilter(), PageRequest(3, "nonsense"))


async def test_the_list_reads_on_where_few_rows_match(storage: Storage) -> None:
    for number in range(1203):
        storage.journal.put(report(f"{number:05}"))
    await storage.journal.committed()
    await storage.journal.write(
        lambda connection: connection.exec_driver_sql(
            "INSERT INTO stations (station_id, registration, created_at_ms) "
            "SELECT station_id, 'Accepted', 0 FROM station_reports"
        )
    )
    last_two = frozenset({"01201", "01202"})
    assert await ids(storage, StationFilter(among=last_two), 2) == ["01201", "01202"]


async def test_the_inbox_has_those_who_wait_newest_first(storage: Storage) -> None:
    await storage.stations.add(settings("known", registration=PENDING))
    for number in (1, 2, 3):
        waiting = settings(f"new-{number}", registration=PENDING, adopted_at=None, created_at=at(number // 2))
        await storage.stations.add(waiting)
    await storage.stations.add(settings("rejected", registration=RegistrationStatus.REJECTED, adopted_at=None))
    assert await storage.stations.waiting() == 3
    first = await storage.stations.inbox(PageRequest(2))
    assert [one.settings.station_id for one in first.items] == ["new-2", "new-3"]
    rest = await storage.stations.inbox(PageRequest(2, first.next))
    assert [one.settings.station_id for one in rest.items] == ["new-1"]
    assert rest.next is None


async def test_a_deleted_station_leaves_its_transactions_only(storage: Storage) -> None:
    for station_id in ("CS-1", "CS-2"):
        await storage.stations.add(settings(station_id))
        storage.journal.put(report(station_id))
        storage.journal.put(connector(station_id))
        for number in range(2500):
            storage.journal.put(message(station_id, number))
            storage.journal.put(meter_record(station_id, number))
        storage.journal.put(transaction(1 if station_id == "CS-1" else 2, station_id))
        storage.journal.put(meter_record(station_id, 1, key=77, transaction_id=1 if station_id == "CS-1" else 2))
    await storage.journal.committed()
    await storage.stations.delete("CS-1")
    assert await storage.stations.get("CS-1") is None
    assert await storage.connectors.of_station("CS-1") == []
    assert (await storage.messages.list(MessageFilter("CS-1"), PageRequest())).items == ()
    assert (await storage.meter_values.of_evse("CS-1", 1, PageRequest())).items == ()
    assert len((await storage.transactions.samples(1, PageRequest())).items) == 1
    assert await storage.transactions.get(1) is not None
    await storage.stations.add(settings("CS-1"))
    assert await storage.stations.get("CS-1") == Station(settings(), StationReport("CS-1"))
    # The neighbour keeps everything.
    assert await storage.stations.get("CS-2") == Station(settings("CS-2"), report("CS-2"))
    assert await storage.connectors.of_station("CS-2") == [connector("CS-2")]
    assert len((await storage.messages.list(MessageFilter("CS-2"), PageRequest(9999))).items) == 2500
    assert len((await storage.meter_values.of_evse("CS-2", 1, PageRequest(9999))).items) == 2500
    with pytest.raises(NotFound):
        await storage.stations.delete("CS-9")


async def test_connectors_come_in_order_and_are_replaced(storage: Storage) -> None:
    for evse_id, connector_id in ((2, 1), (1, 2), (0, 0), (1, 1)):
        storage.journal.put(connector("CS-1", evse_id, connector_id, error_info="old"))
        storage.journal.put(connector("CS-1", evse_id, connector_id))
    storage.journal.put(connector("CS-2"))
    await storage.journal.committed("CS-1")
    found = await storage.connectors.of_station("CS-1")
    assert found == [connector("CS-1", *pair) for pair in ((0, 0), (1, 1), (1, 2), (2, 1))]
    bare = connector("CS-1", error_code=None, error_info=None, vendor_id=None, vendor_error_code=None)
    storage.journal.put(bare)
    await storage.journal.committed("CS-1")
    assert (await storage.connectors.of_station("CS-1"))[1] == bare


async def test_the_hot_state_is_loaded_for_many_at_once(storage: Storage) -> None:
    for number in range(1, 4):
        await storage.stations.add(settings(f"CS-{number}"))
    storage.journal.put(report("CS-1"))
    storage.journal.put(connector("CS-1", 0, 0))
    storage.journal.put(connector("CS-1", 2, 1))
    storage.journal.put(transaction(1, "CS-1"))
    storage.journal.put(transaction(2, "CS-1", state=TransactionState.ENDED))
    storage.journal.put(transaction(3, "CS-2", state=TransactionState.CLOSED))
    storage.journal.put(transaction(4, "CS-3", transaction_id="tx"))
    await storage.journal.committed()
    one = await storage.states.load("CS-1")
    assert one is not None
    assert (one.settings, one.report, one.registered) == (settings("CS-1"), report("CS-1"), RegistrationStatus.ACCEPTED)
    assert one.connectors == {(0, 0): connector("CS-1", 0, 0), (2, 1): connector("CS-1", 2, 1)}
    assert one.transactions == {"tx-1": transaction(1, "CS-1")}
    assert one.last_seen_at == at(2)
    two = await storage.states.load("CS-2")
    assert two is not None and two.transactions == {} and two.report == StationReport("CS-2")
    three = await storage.states.load("CS-3")
    assert three is not None and list(three.transactions) == ["tx"]
    assert await storage.states.load("CS-4") is None
    # Each caller gets an object of its own.
    assert await storage.states.load("CS-1") is not one


KEPT = {"events", "transactions", "message_blocks", "meter_blocks"}
"""History, and the entries of blocks that may still be open."""


async def test_no_table_keeps_a_deleted_station_but_those_of_its_history(storage: Storage) -> None:
    await storage.stations.add(settings())
    tables = {table.name: table for table in metadata.tables.values() if "station_id" in table.c}

    def fill(connection: Connection) -> None:
        for name, table in tables.items():
            if name != "stations":
                row = {column.name: _something(column) for column in table.columns if not column.nullable}
                connection.execute(insert(table).values({**row, "station_id": "CS-1"}))

    def count(connection: Connection) -> set[str]:
        with_rows = set()
        for name, table in tables.items():
            if connection.execute(select(table).where(table.c.station_id == "CS-1")).first():
                with_rows.add(name)
        return with_rows

    await storage.journal.write(fill)
    assert await storage.journal.write(count) == set(tables)
    await storage.stations.delete("CS-1")
    # Rows of the log are found by their blocks, which these made-up ones are not in.
    assert await storage.journal.write(count) - KEPT <= {"messages", "meter_values"}


def _something(column: Column[Any]) -> Any:
    kind = column.type.python_type
    return {int: 1, bool: False, str: "[]"}[kind]
