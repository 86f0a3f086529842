"""The life cycle of an alert, told as a story of what is said of one cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltbridge.domain.alerts import (
    REOPENED_WITHIN,
    Alert,
    AlertState,
    ChangeKind,
    ClosedBy,
    Observed,
    fold,
    overflow,
)

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Story:
    """One cause at one station."""

    def __init__(self) -> None:
        self.now = START
        self.alerts: list[Alert] = []
        self._ids = count(1)
        self._events = count(1)

    def say(self, *, cleared: bool = False, **more: object) -> ChangeKind | None:
        said = Observed(key="k", cleared=cleared, **{"at": self.now, "event_id": next(self._events), **more})  # type: ignore[arg-type]
        return self.hear(said)

    def hear(self, said: Observed) -> ChangeKind | None:
        before = self.alerts[-1] if self.alerts else None
        change = fold(before, said, "CP1", self.now, lambda: next(self._ids))
        if change is None:
            return None
        if before is not None and change.alert.id == before.id:
            self.alerts.pop()
        self.alerts.append(change.alert)
        return change.kind

    @property
    def last(self) -> Alert:
        return self.alerts[-1]

    def decide(self, **changes: object) -> None:
        self.alerts[-1] = replace(self.last, **changes)  # type: ignore[arg-type]


def test_raised_repeated_cleared() -> None:
    story = Story()
    assert story.say(severity=6, value="1") is ChangeKind.OPENED
    story.now += MINUTE
    assert story.say(severity=4, value="2") is ChangeKind.REPEATED
    story.now += MINUTE
    assert story.say(severity=8, value="3") is ChangeKind.REPEATED
    alert = story.last
    assert (alert.count, alert.severity, alert.value) == (3, 4, "3"), "the most severe, and the latest"
    assert (alert.opened_at, alert.last_at) == (START, START + 2 * MINUTE)
    story.now += MINUTE
    assert story.say(cleared=True, value="0") is ChangeKind.CLOSED
    alert = story.last
    assert (alert.state, alert.closed_by, alert.closed_at) == (AlertState.CLOSED, ClosedBy.STATION, story.now)
    assert (alert.value, alert.count) == ("0", 3)


def test_what_nobody_raised_is_not_cleared() -> None:
    story = Story()
    assert story.say(cleared=True) is None
    story.say()
    story.say(cleared=True)
    assert story.say(cleared=True) is None


def test_an_acknowledged_alert_stays_so_until_it_is_over() -> None:
    story = Story()
    story.say()
    story.decide(state=AlertState.ACKNOWLEDGED, acknowledged_at=story.now, note="seen")
    assert story.say() is ChangeKind.REPEATED
    assert (story.last.state, story.last.note) == (AlertState.ACKNOWLEDGED, "seen")
    story.say(cleared=True)
    assert story.say() is ChangeKind.REOPENED
    assert (story.last.state, story.last.acknowledged_at) == (AlertState.OPEN, None)


def test_what_comes_back_soon_is_the_same_alert() -> None:
    story = Story()
    story.say()
    for _ in range(5):
        story.say(cleared=True)
        story.now += MINUTE
        assert story.say() is ChangeKind.REOPENED
    assert (len(story.alerts), story.last.count, story.last.closed_at) == (1, 6, None)
    story.say(cleared=True)
    story.now += REOPENED_WITHIN + MINUTE
    assert story.say() is ChangeKind.OPENED
    assert [alert.count for alert in story.alerts] == [6, 1]


def test_what_an_operator_closed_does_not_come_back_by_itself() -> None:
    story = Story()
    story.say()
    story.decide(state=AlertState.CLOSED, closed_at=story.now, closed_by=ClosedBy.OPERATOR)
    assert story.say() is ChangeKind.OPENED
    assert len(story.alerts) == 2


def test_a_message_sent_again_says_nothing() -> None:
    story = Story()
    raised = Observed(key="k", at=story.now, event_id=7)
    cleared = Observed(key="k", at=story.now + MINUTE, event_id=8, cleared=True)
    assert story.hear(raised) is ChangeKind.OPENED
    assert story.hear(raised) is None
    assert story.hear(cleared) is ChangeKind.CLOSED
    assert story.hear(raised) is None and story.hear(cleared) is None
    assert story.last.state is AlertState.CLOSED
    # The number alone says little: stations begin anew after a boot.
    assert story.hear(replace(raised, at=story.now + 2 * MINUTE)) is ChangeKind.REOPENED


def test_what_is_late_undoes_nothing_newer() -> None:
    story = Story()
    story.say()
    story.now += 10 * MINUTE
    story.say(at=story.now)
    assert story.say(cleared=True, at=START, late=True) is None
    story.say(cleared=True)
    assert story.say(at=START, late=True) is None
    assert story.last.state is AlertState.CLOSED
    assert story.say(at=START) is ChangeKind.REOPENED, "a clock that was set back is no proof of being late"


def test_what_is_too_much_is_counted_together() -> None:
    story = Story()
    for number in range(3):
        said = overflow(Observed(key=f"k{number}", at=story.now, event_id=number, severity=number + 3, value="secret"))
        assert story.hear(said) is (ChangeKind.OPENED if number == 0 else ChangeKind.REPEATED)
    assert (story.last.count, story.last.severity, story.last.value) == (3, 3, None)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 40)), max_size=60))
def test_there_is_never_more_than_one_that_is_not_closed(said: list[tuple[bool, int, int]]) -> None:
    story = Story()
    for cleared, decision, minutes in said:
        story.now += minutes * MINUTE
        if decision == 1 and story.alerts and story.last.state is AlertState.OPEN:
            story.decide(state=AlertState.ACKNOWLEDGED, acknowledged_at=story.now)
        if decision == 2 and story.alerts and story.last.state is not AlertState.CLOSED:
            story.decide(state=AlertState.CLOSED, closed_at=story.now, closed_by=ClosedBy.OPERATOR)
        story.say(cleared=cleared)
        assert len([alert for alert in story.alerts if alert.state is not AlertState.CLOSED]) <= 1
        if story.alerts:
            assert (story.last.state is AlertState.CLOSED) is cleared
            assert (story.last.closed_at is None) is not cleared
        assert len(story.last.seen if story.alerts else ()) <= 16
    raised = sum(not cleared for cleared, _, _ in said)
    assert sum(alert.count for alert in story.alerts) == raised


@pytest.mark.parametrize("severities", [[None, 3], [3, None], [None, None]])
def test_an_unknown_severity_hides_no_known_one(severities: list[int | None]) -> None:
    story = Story()
    for severity in severities:
        story.say(severity=severity)
    assert story.last.severity == min((one for one in severities if one is not None), default=None)
