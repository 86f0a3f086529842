"""Date-times: the text stays, the moment is right."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltbridge.protocol.datetimes import DateTime, parse_lenient, parse_rfc3339

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-01T12:00:00Z", NOON),
        ("2024-01-01t12:00:00z", NOON),
        ("2024-01-01T17:30:00+05:30", NOON),
        ("2024-01-01T12:00:00-00:00", NOON),
        ("2024-01-01T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
        ("2024-01-01T12:00:00.1234567891234Z", NOON + timedelta(microseconds=123456)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2017-01-01T05:29:60.9+05:30", datetime(2017, 1, 1, 0, 0, 0, 900000, tzinfo=UTC)),
    ],
)
def test_rfc3339(text: str, moment: datetime) -> None:
    assert parse_rfc3339(text) == moment
    assert DateTime(text).moment == moment
    assert DateTime(text).moment.tzinfo is UTC
    assert DateTime(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-01T12:00:00",
        "2024-01-01 12:00:00Z",
        " 2024-01-01T12:00:00Z",
        "2024-01-01T12:00",
        "2024-01-01T12:00:00+00",
        "2024-01-01T14:00:00 +0200",
        "2024-01-01T12:00:00,0Z",
    ],
)
def test_lenient(text: str) -> None:
    assert parse_rfc3339(text) is None
    assert parse_lenient(text) == NOON
    assert DateTime(text).moment == NOON


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2024-01-01",
        "12:00:00",
        "2024-02-30T00:00:00Z",
        "2024-01-01T12:61:00",
        "1704110400",
        "0000-01-01T00:00:00",
        "0001-01-01T00:00:00+01:00",
        "2024-01-01T05:00:60Z",
        "2024-01-01T12:00:00+99:00",
        "9999-12-31T23:59:60Z",
    ],
)
def test_neither(text: str) -> None:
    assert parse_rfc3339(text) is None
    assert parse_lenient(text) is None
    with pytest.raises(ValueError, match="not a date-time"):
        _ = DateTime(text).moment


def test_our_own_texts_have_milliseconds_and_z() -> None:
    east = timezone(timedelta(hours=2))
    assert DateTime.of(datetime(2024, 1, 1, 14, 0, 0, 999999, tzinfo=east)) == "2024-01-01T12:00:00.999Z"
    with pytest.raises(ValueError, match="naive"):
        DateTime.of(NOON.replace(tzinfo=None))


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_survives_to_the_millisecond(moment: datetime) -> None:
    cut = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert DateTime.of(moment).moment == cut
    assert parse_rfc3339(DateTime.of(moment)) == cut


def test_copies_are_date_times() -> None:
    text = DateTime("2024-01-01T12:00:00.5Z")
    for twin in (copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert type(twin) is DateTime
        assert twin == text
