"""Which messages criteria mean, which end, which replace each other, and which are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from voltbridge.domain.device_model import Component
from voltbridge.domain.display_messages import (
    DisplayMessage,
    MessageContent,
    MessageCriteria,
    MessageFormat,
    MessagePriority,
    MessageState,
    MessageStatus,
    check_message,
    expired,
    matches,
    replaces,
)
from voltbridge.domain.errors import InvalidValue

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FRONT = DisplayMessage(
    "CP", 1, MessagePriority.ALWAYS_FRONT, MessageContent("Hello", language="en"), status=MessageStatus.ACCEPTED
)
LEFT = Component("Display", "left")


@pytest.mark.parametrize(
    ("criteria", "meant"),
    [
        (MessageCriteria(), True),
        (MessageCriteria((1, 2)), True),
        (MessageCriteria((2,)), False),
        (MessageCriteria(priority=MessagePriority.ALWAYS_FRONT), True),
        (MessageCriteria(priority=MessagePriority.IN_FRONT), False),
        (MessageCriteria(state=MessageState.IDLE), True),
        (MessageCriteria(state=MessageState.CHARGING), False),
        (MessageCriteria((1,), MessagePriority.ALWAYS_FRONT, MessageState.CHARGING), False),
    ],
)
def test_criteria(criteria: MessageCriteria, meant: bool) -> None:
    assert matches(replace(FRONT, state=MessageState.IDLE), criteria) is meant


@pytest.mark.parametrize("status", MessageStatus)
def test_a_message_ends_at_its_end_if_it_is_there(status: MessageStatus) -> None:
    there = status in (MessageStatus.REQUESTED, MessageStatus.ACCEPTED, MessageStatus.REPORTED)
    ends = replace(FRONT, status=status, end_at=NOW)
    assert expired(ends, NOW) is there
    assert not expired(ends, NOW - timedelta(seconds=1))
    assert not expired(replace(ends, end_at=None), NOW)


@pytest.mark.parametrize(
    ("changes", "replaced"),
    [
        ({"id": 2}, True),
        ({"id": 1}, False),
        ({"id": 2, "priority": MessagePriority.IN_FRONT}, False),
        ({"id": 2, "display": LEFT}, False),
        ({"id": 2, "status": MessageStatus.CLEARED}, False),
        ({"id": 2, "status": MessageStatus.REPORTED}, True),
    ],
)
def test_always_in_front_is_one_for_each_display(changes: dict[str, Any], replaced: bool) -> None:
    assert replaces(FRONT, replace(FRONT, **changes)) is replaced


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"message": MessageContent("é", MessageFormat.ASCII)}, "message.content"),
        ({"extra": (MessageContent("Hallo"),)}, "extra[0].language"),
        ({"extra": (MessageContent("Hi", language="EN"),)}, "extra"),
        ({"end_at": NOW}, "end_at"),
        ({"start_at": NOW + HOUR, "end_at": NOW + HOUR}, "end_at"),
    ],
)
def test_messages_that_could_never_be_shown(changes: dict[str, Any], field: str) -> None:
    check_message(replace(FRONT, start_at=NOW - HOUR, end_at=NOW + HOUR), NOW)
    with pytest.raises(InvalidValue) as refused:
        check_message(replace(FRONT, **changes), NOW)
    assert refused.value.field == field
