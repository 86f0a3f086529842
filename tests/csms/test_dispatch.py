"""The routing table is complete and every row fits: each action once, with a handler of its own version's messages."""

from __future__ import annotations

import inspect
from collections import Counter
from typing import get_type_hints

import pytest

from voltbridge.csms.desk import Route
from voltbridge.csms.dispatch import ROUTES, UNSUPPORTED
from voltbridge.csms.services import Services
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.registry import actions
from voltbridge.protocol.versions import Version

MAY_BE_SENT = [
    (version, name) for version in Version for name, action in actions(version).items() if action.from_station
]


def test_every_action_a_station_may_send_has_one_row_or_one_reason() -> None:
    rows = Counter([(route.version, route.action) for route in ROUTES] + list(UNSUPPORTED))
    assert set(rows) == set(MAY_BE_SENT)
    assert [row for row, times in rows.items() if times > 1] == []
    assert len(MAY_BE_SENT) == 76


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.version.value} {route.action}")
def test_a_handler_takes_and_gives_the_messages_of_its_row(route: Route) -> None:
    action = actions(route.version)[route.action]
    assert inspect.iscoroutinefunction(route.handler)
    hints = get_type_hints(route.handler)
    service, live, request = list(inspect.signature(route.handler).parameters)
    assert hints[request] is action.request
    assert hints["return"] is (action.response or type(None))
    assert hints[live] is LiveStation
    assert hints[service] is get_type_hints(Services)[route.service]


def test_only_a_boot_is_taken_before_acceptance() -> None:
    assert {route.action for route in ROUTES if route.before_acceptance} == {"BootNotification"}
    assert sum(route.before_acceptance for route in ROUTES) == len(Version)


def test_only_what_the_station_does_not_forget_is_answered_before_the_commit() -> None:
    assert {route.action for route in ROUTES if not route.confirms} == {"Authorize", "Heartbeat"}
