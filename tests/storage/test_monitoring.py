"""Monitors, alerts and what stations told of customers, as they are kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from voltbridge.domain.alerts import (
    MOST_CLOSED,
    Alert,
    AlertFilter,
    AlertState,
    ChangeKind,
    ClosedBy,
    Observed,
)
from voltbridge.domain.customer_information import CustomerReport
from voltbridge.domain.device_model import Attribute, Component, StationVariable, Variable, VariableFilter
from voltbridge.domain.errors import NotFound
from voltbridge.domain.monitoring import (
    EventNotificationType,
    Monitor,
    MonitorFilter,
    MonitoringBase,
    MonitoringReport,
    MonitoringState,
    MonitorType,
)
from voltbridge.domain.paging import PageRequest
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TEMPERATURE = Variable(Component("EVSE", "left", 2, 1), "Temperature", "inlet")
CUSTOM, WIRED = EventNotificationType.CUSTOM_MONITOR, EventNotificationType.HARD_WIRED_MONITOR


def monitor(id: int, station_id: str = "CP1", **more: object) -> Monitor:
    made = Monitor(
        station_id=station_id,
        id=id,
        variable=TEMPERATURE,
        type=MonitorType.DELTA,
        value=0.1,
        severity=9,
        transaction=True,
        notification_type=CUSTOM,
        noted_at=NOW,
    )
    return replace(made, **more)  # type: ignore[arg-type]


async def listed(storage: Storage, station_id: str = "CP1") -> list[Monitor]:
    return list((await storage.monitors.list(MonitorFilter(station_id), PageRequest())).items)


class TestMonitors:
    async def test_a_monitor_comes_back_as_it_was_put(self, storage: Storage) -> None:
        await storage.monitors.put([monitor(2**62), monitor(1, "CP2")])
        assert await listed(storage) == [monitor(2**62)]
        changed = monitor(2**62, value=1e300, type=MonitorType.PERIODIC_CLOCK_ALIGNED, noted_at=NOW + MINUTE)
        await storage.monitors.put([changed])
        assert await listed(storage) == [changed]
        assert await storage.monitors.known("CP1", [1, 2**62]) == {2**62: changed}
        assert await asyncio.gather(*map(storage.monitors.count, ("CP1", "CP3", "CP2"))) == [1, 0, 1]
        await storage.monitors.remove("CP1", [2**62, 5])
        assert await listed(storage) == [] and await storage.monitors.count("CP2") == 1

    async def test_where_a_monitor_comes_from_outlives_reports_that_do_not_say(self, storage: Storage) -> None:
        await storage.monitors.put([monitor(1), monitor(2), monitor(3, notification_type=WIRED)])
        other = Variable(Component("ChargingStation"), "Power")
        told = [monitor(1, notification_type=None), monitor(2, notification_type=None, variable=other)]
        await storage.monitors.add_part("CP1", 7, 0, True, NOW, [*told, monitor(3, notification_type=CUSTOM)])
        kinds = {one.id: one.notification_type for one in await listed(storage)}
        assert kinds == {1: CUSTOM, 2: None, 3: CUSTOM}, "another variable under the number is another monitor"
        assert sorted(await storage.monitors.remove_kinds("CP1", [CUSTOM])) == [1, 3]
        assert [one.id for one in await listed(storage)] == [2]

    async def test_a_complete_report_is_the_whole_truth_of_what_was_asked(self, storage: Storage) -> None:
        monitors = storage.monitors
        periodic = {"type": MonitorType.PERIODIC}
        await monitors.put([monitor(1), monitor(2, **periodic), monitor(3, noted_at=NOW + 2 * MINUTE)])
        asked = MonitoringReport(
            station_id="CP1", request_id=5, requested_at=NOW + MINUTE, types=(MonitorType.DELTA,), selected=False
        )
        await monitors.expect_report(asked)
        report, completed, gone = await monitors.add_part("CP1", 5, 0, True, NOW + 3 * MINUTE, [])
        assert gone == {1: 3}, "the same type and severity on the same variable"
        assert completed and report.is_complete and report.types == (MonitorType.DELTA,)
        assert [one.id for one in await listed(storage)] == [2, 3], "3 was set while the report was made"
        again, completed, gone = await monitors.add_part("CP1", 5, 0, True, NOW + 3 * MINUTE, [])
        assert again.is_complete and not completed and gone == {}
        everything = replace(asked, types=None, requested_at=NOW + 9 * MINUTE)
        assert await monitors.nothing_there(everything) == {2: None, 3: None}
        assert await listed(storage) == [] and await monitors.reports("CP1") == []

    async def test_only_the_latest_reports_are_remembered(self, storage: Storage) -> None:
        for number in range(25):
            await storage.monitors.add_part("CP1", number, 0, False, NOW + number * MINUTE, [])
        assert [one.request_id for one in await storage.monitors.reports("CP1")] == list(range(24, 4, -1))

    async def test_states_change_in_part(self, storage: Storage) -> None:
        monitors = storage.monitors
        assert await monitors.state("CP1") == MonitoringState(station_id="CP1")
        await monitors.set_state("CP1", base=MonitoringBase.HARD_WIRED_ONLY, outdated=True)
        await monitors.set_state("CP1", level=3)
        await monitors.set_state("CP1", reported_at=NOW, outdated=False)
        assert await monitors.state("CP1") == MonitoringState(
            station_id="CP1", base=MonitoringBase.HARD_WIRED_ONLY, level=3, reported_at=NOW
        )


class TestAlerts:
    async def test_an_alert_comes_back_as_it_was_told(self, storage: Storage) -> None:
        ids = count(2**60)
        said = Observed(
            key="k",
            at=NOW,
            event_id=2**40,
            cause_event_id=3,
            severity=2,
            variable=TEMPERATURE,
            monitor_id=7,
            notification_type=WIRED,
            evse_id=2,
            connector_id=1,
            error_code="E",
            vendor_id="V",
            vendor_error_code="\0",
            value="1",
            tech_code="T",
            tech_info="I",
            transaction_id="X",
        )
        (change,) = await storage.alerts.observe("CP1", [said], NOW + MINUTE, lambda: next(ids))
        assert change.kind is ChangeKind.OPENED
        assert await storage.alerts.get(change.alert.id) == change.alert
        assert (change.alert.variable, change.alert.told_at, change.alert.vendor_error_code) == (TEMPERATURE, NOW, "\0")
        closed = await storage.alerts.change(
            change.alert.id,
            lambda one: replace(one, state=AlertState.CLOSED, closed_at=NOW, closed_by=ClosedBy.OPERATOR, note="n"),
        )
        assert await storage.alerts.get(change.alert.id) == closed
        with pytest.raises(NotFound):
            await storage.alerts.change(5, lambda one: one)

    async def test_what_is_said_at_once_makes_one_alert(self, storage: Storage) -> None:
        ids = count(1)

        async def say(event_id: int) -> None:
            await storage.alerts.observe("CP1", [Observed(key="k", at=NOW, event_id=event_id)], NOW, lambda: next(ids))

        await asyncio.gather(*(say(number) for number in range(20)))
        (alert,) = (await storage.alerts.list(AlertFilter("CP1"), PageRequest())).items
        assert alert.count == 20

    async def test_closed_alerts_are_limited_and_pruned(self, storage: Storage) -> None:
        ids = count(1)
        many = [Observed(key=f"k{number}", at=NOW, cleared=cleared) for number in range(5) for cleared in (False, True)]
        rounds = MOST_CLOSED // 5 + 2
        for number in range(rounds):
            await storage.alerts.observe("CP1", many, NOW + number * 60 * MINUTE, lambda: next(ids))
        await storage.alerts.observe("CP1", [Observed(key="open", at=NOW)], NOW, lambda: next(ids))
        page = await storage.alerts.list(AlertFilter("CP1", (AlertState.CLOSED,)), PageRequest(limit=5000))
        assert len(page.items) == MOST_CLOSED
        assert page.items[0].id == 5 * rounds, "the oldest went"
        assert await storage.alerts.prune(NOW + (rounds - 1) * 60 * MINUTE) == MOST_CLOSED - 5
        left: list[Alert] = list((await storage.alerts.list(AlertFilter(), PageRequest(limit=500))).items)
        assert len(left) == 6 and left[0].key == "open"


class TestCustomerInformation:
    async def test_parts_make_a_text(self, storage: Storage) -> None:
        book = storage.customer_information
        await book.expect(CustomerReport(station_id="CP1", request_id=5, requested_at=NOW, asked=True, clear=True))
        for seq_no, data in ((10, "c"), (0, "a"), (10, "cc"), (1, "b")):
            added = await book.add_part("CP1", 5, seq_no, seq_no == 10, NOW + MINUTE, data)
            assert added is not None and not added[1]
        found = await book.get("CP1", 5)
        assert found is not None
        report, text = found
        assert (text, report.characters, report.missing) == ("abcc", 4, [2, 3, 4, 5, 6, 7, 8, 9])
        assert (report.asked, report.clear, report.last_seq_no) == (True, True, 10)
        assert await book.get("CP2", 5) is None

    async def test_what_is_old_goes(self, storage: Storage) -> None:
        book = storage.customer_information
        for number in range(60):
            await book.add_part("CP1", number, 0, True, NOW + number * MINUTE, f"{number}")
        assert len(await book.list("CP1")) == 50
        assert await book.get("CP1", 9) is None and await book.get("CP1", 10) is not None
        assert await book.prune(NOW + 58 * MINUTE) == 48
        assert [one.request_id for one in await book.list("CP1")] == [59, 58]
        await book.forget("CP1", 59)
        with pytest.raises(NotFound):
            await book.forget("CP1", 59)


async def test_events_add_only_so_many_variables(storage: Storage) -> None:
    def value(name: str, text: str) -> StationVariable:
        attribute = Attribute(Variable(Component("C"), name))
        return StationVariable(station_id="CP1", attribute=attribute, updated_at=NOW, value=text)

    variables = storage.variables
    await variables.note_values("CP1", [value("A", "1"), value("B", "1")], 3)
    await variables.note_values("CP1", [value("A", "2"), value("C", "2"), value("D", "2")], 3)
    await variables.note_values("CP1", [value("C", "3")], 3)
    page = await variables.list(VariableFilter("CP1"), PageRequest())
    assert {one.attribute.variable.name: one.value for one in page.items} == {"A": "2", "B": "1", "C": "3"}
