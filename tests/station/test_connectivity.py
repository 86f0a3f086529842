"""The decisions about connecting, each rule by its number in ``connectivity``; and what holds for any history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltbridge.station.connectivity import back_off_s, decide
from voltbridge.station.connectivity_terms import (
    Action,
    AttemptFailed,
    Close,
    Closed,
    Connect,
    Connected,
    ConnectFailure,
    ConnectivitySettings,
    ConnectivityState,
    Event,
    Phase,
    Reboot,
    Reconnect,
    Started,
    StartWatchdog,
    Stopped,
    StopWaiting,
    StopWatchdog,
    TellOffline,
    TellOnline,
    TellSecurity,
    Trial,
    TrialEnded,
    UplinkChanged,
    Wait,
    WaitOver,
    WatchdogExpired,
)

PLAIN = ConnectivitySettings(priority=(1,), wait_minimum_s=10, random_range_s=0, repeat_times=2)
TWO = replace(PLAIN, priority=(2, 1), profile_attempts=2)


@dataclass
class Story:
    """Feeds events, and keeps the time."""

    settings: ConnectivitySettings = PLAIN
    state: ConnectivityState = field(default_factory=ConnectivityState)
    now: float = 100.0
    random: float = 0.0

    def tell(self, event: Event) -> list[Action]:
        self.state, actions = decide(self.state, event, self.settings, lambda: self.random)
        return actions

    def start(self, **kept: Any) -> list[Action]:
        return self.tell(Started(self.now, **kept))

    def succeed(self) -> list[Action]:
        return self.tell(Connected(self.now))

    def fail(self, failure: ConnectFailure = ConnectFailure.UNREACHABLE) -> list[Action]:
        """The attempt fails and the wait passes: what was told, the wait and the next attempt."""
        actions = self.tell(AttemptFailed(self.now, failure))
        wait = next(action for action in actions if isinstance(action, Wait))
        self.now += wait.seconds
        return actions + self.tell(WaitOver(self.now))

    def lose(self) -> list[Action]:
        return self.tell(Closed(self.now))

    def tries(self, times: int, failure: ConnectFailure = ConnectFailure.UNREACHABLE) -> list[Connect]:
        """The attempts that follow as many failures."""
        return [a for _ in range(times) for a in self.fail(failure) if isinstance(a, Connect)]

    def online(self) -> Story:
        self.start()
        self.succeed()
        return self


def slots(attempts: Sequence[Connect]) -> list[int]:
    return [attempt.slot for attempt in attempts]


def test_rule_1_the_first_entry_at_once() -> None:
    assert Story(TWO).start(last_connected=1) == [Connect(2)]


def test_without_any_profile_nothing_is_tried() -> None:
    story = Story(replace(PLAIN, priority=()))
    assert story.start() == []
    assert story.state.phase is Phase.STOPPED


def test_rule_2_after_a_loss_the_same_profile_then_the_others() -> None:
    story = Story(replace(TWO, priority=(3, 2, 1))).online()
    story.state = replace(story.state, slot=2, last_connected=2)
    story.lose()
    story.now += 10
    attempts = [a for a in story.tell(WaitOver(story.now)) if isinstance(a, Connect)]
    assert slots(attempts + story.tries(6)) == [2, 2, 3, 3, 1, 1, 2]


def test_rule_2_attempts_below_one_are_one() -> None:
    story = Story(replace(TWO, profile_attempts=0))
    story.start()
    assert slots(story.tries(3)) == [1, 2, 1]


def test_rule_2_a_profile_has_as_long_as_its_timeout() -> None:
    """NetworkProfileConnectionTimeoutSec of 1.6."""
    story = Story(replace(TWO, profile_attempts=0, profile_timeout_s=100, wait_minimum_s=30, repeat_times=0))
    story.start()
    assert slots(story.tries(5)) == [2, 2, 2, 2, 1]


def test_rule_3_the_last_success_then_all_anew_and_never_an_end() -> None:
    """The profile that worked last is no longer in the priority (TC_B_47_CS, TC_B_49_CS)."""
    story = Story(replace(TWO, priority=(2, 3), profile_attempts=1))
    story.start(last_connected=1)
    assert slots(story.tries(7)) == [3, 1, 2, 3, 1, 2, 3]


def test_rule_3_with_a_single_profile() -> None:
    story = Story()
    story.start(last_connected=1)
    assert slots(story.tries(50)) == [1] * 50


def test_rule_4_doubles_up_to_the_configured_times_and_begins_afresh() -> None:
    """TC_B_57_CS: lost, back after the minimum; lost, refused, back after twice the minimum."""
    story = Story().online()
    waits = [action.seconds for action in story.lose() if isinstance(action, Wait)]
    story.tell(WaitOver(story.now))
    for _ in range(4):
        waits += [action.seconds for action in story.fail() if isinstance(action, Wait)]
    assert waits == [10, 20, 40, 40, 40]
    story.succeed()
    assert [action for action in story.lose() if isinstance(action, Wait)] == [Wait(10)]


def test_rule_4_a_change_of_the_profile_does_not_begin_afresh() -> None:
    story = Story(replace(TWO, profile_attempts=1))
    story.start()
    waits = [action.seconds for _ in range(3) for action in story.fail() if isinstance(action, Wait)]
    assert waits == [10, 20, 40]


def test_rule_4_a_random_part_in_every_wait() -> None:
    settings = replace(PLAIN, random_range_s=8)
    assert [back_off_s(n, settings, lambda: 0.5) for n in range(4)] == [14, 24, 44, 44]


def test_rule_4_no_storm_however_it_is_configured() -> None:
    settings = replace(PLAIN, wait_minimum_s=0, random_range_s=0, repeat_times=10**9)
    assert [back_off_s(n, settings, lambda: 0.0) for n in (0, 1, 10**6)] == [0, 1, 1]
    assert back_off_s(10**6, replace(settings, wait_minimum_s=1), lambda: 0.0) == 2.0**30
    assert back_off_s(3, replace(settings, wait_minimum_s=-5, random_range_s=-5, repeat_times=-1), lambda: 0.5) == 1


def test_rule_5_another_profile_registers_again() -> None:
    story = Story(TWO).online()
    story.lose()
    story.tell(WaitOver(story.now))
    story.tries(1)
    assert [a.register for a in story.succeed() if isinstance(a, TellOnline)] == [False]
    story.lose()
    story.tell(WaitOver(story.now))
    assert slots(story.tries(2)) == [2, 1]
    assert [(a.slot, a.register) for a in story.succeed() if isinstance(a, TellOnline)] == [(1, True)]


def test_rule_5_after_a_restart_the_kept_profile_counts() -> None:
    story = Story(TWO)
    story.start(last_connected=1)
    assert story.succeed() == [StopWatchdog(), TellOnline(2, 0, register=True, report_all=False)]
    first = Story(TWO)
    first.start()
    assert first.succeed() == [StopWatchdog(), TellOnline(2, 0, register=False, report_all=False)]


@pytest.mark.parametrize(("offline_s", "report_all"), [(59.0, False), (60.0, False), (61.0, True)])
def test_rule_6_the_offline_threshold(offline_s: float, report_all: bool) -> None:
    story = Story().online()
    story.lose()
    story.tell(WaitOver(story.now + 10))
    story.now += offline_s
    assert story.succeed() == [StopWatchdog(), TellOnline(1, offline_s, register=False, report_all=report_all)]


def test_rule_7_a_refused_password_gives_way_to_the_one_before() -> None:
    story = Story().online()
    assert story.tell(Reconnect(story.now, Trial.PASSWORD)) == [TellOffline(), Close()]
    assert story.lose() == [Connect(1)]
    refused = ConnectFailure.UNAUTHORIZED
    assert story.fail(refused) == [TellSecurity("FailedToAuthenticateAtCsms"), Wait(10), Connect(1, previous=True)]
    assert story.fail() == [Wait(20), Connect(1, previous=True)]
    assert TrialEnded(Trial.PASSWORD, kept=False) in story.succeed()
    story.lose()
    assert story.tell(WaitOver(story.now)) == [Connect(1)], "there is only the old one now"


def test_rule_7_both_passwords_refused_are_tried_in_turn_and_on_every_profile() -> None:
    story = Story(replace(TWO, profile_attempts=1)).online()
    story.tell(Reconnect(story.now, Trial.PASSWORD))
    story.lose()
    tried = [(a.slot, a.previous) for a in story.tries(5, ConnectFailure.UNAUTHORIZED)]
    assert tried == [(2, True), (1, False), (1, True), (2, False), (2, True)]


def test_rule_7_an_unreachable_csms_says_nothing_of_the_password() -> None:
    story = Story().online()
    story.tell(Reconnect(story.now, Trial.PASSWORD))
    story.lose()
    assert not any(attempt.previous for attempt in story.tries(10))
    assert TrialEnded(Trial.PASSWORD, kept=True) in story.succeed()


@pytest.mark.parametrize("trial", [Trial.SECURITY_PROFILE, Trial.CERTIFICATE])
def test_rule_7_others_on_trial_fall_back_when_no_profile_works(trial: Trial) -> None:
    story = Story(TWO).online()
    story.tell(Reconnect(story.now, trial))
    story.lose()
    tried = [(a.slot, a.previous) for a in story.tries(8, ConnectFailure.CERTIFICATE)]
    assert tried == [
        (2, False),
        (1, False),
        (1, False),
        (2, True),
        (2, True),
        (1, True),
        (1, True),
        (2, False),
    ]


def test_rule_7_a_restart_goes_on_with_the_trial() -> None:
    story = Story()
    story.start(last_connected=1, trial=Trial.PASSWORD)
    assert TrialEnded(Trial.PASSWORD, kept=True) in story.succeed()


@pytest.mark.parametrize(
    ("failure", "event"),
    [
        (ConnectFailure.UNAUTHORIZED, "FailedToAuthenticateAtCsms"),
        (ConnectFailure.CERTIFICATE, "InvalidCsmsCertificate"),
        (ConnectFailure.TLS_VERSION, "InvalidTLSVersion"),
        (ConnectFailure.TLS_CIPHERS, "InvalidTLSCipherSuite"),
    ],
)
def test_rule_8_told_once_until_a_success(failure: ConnectFailure, event: str) -> None:
    story = Story()
    story.start()
    told = [a for _ in range(5) for a in story.fail(failure) if isinstance(a, TellSecurity)]
    assert told == [TellSecurity(event)]
    story.succeed()
    story.lose()
    story.tell(WaitOver(story.now))
    assert TellSecurity(event) in story.fail(failure)


def test_rule_8_what_is_no_matter_of_security_is_not_told_as_one() -> None:
    for failure in (
        ConnectFailure.UNREACHABLE,
        ConnectFailure.TIMED_OUT,
        ConnectFailure.REFUSED,
        ConnectFailure.UNKNOWN_STATION,
        ConnectFailure.SUBPROTOCOL,
    ):
        story = Story()
        story.start()
        assert story.fail(failure) == [Wait(10), Connect(1)]


def test_rule_9_the_watchdog() -> None:
    story = Story(replace(PLAIN, watchdog_s=900))
    assert story.start() == [StartWatchdog(900), Connect(1)]
    assert StopWatchdog() in story.succeed()
    assert story.tell(WatchdogExpired(story.now)) == [], "fired while it was being stopped"
    assert StartWatchdog(900) in story.lose()
    assert story.tell(WatchdogExpired(story.now)) == [Reboot("Watchdog")]
    story.tell(WaitOver(story.now))
    story.succeed()
    assert StartWatchdog(900) in story.tell(Reconnect(story.now))


def test_rule_10_without_an_uplink_nothing_is_tried() -> None:
    story = Story(replace(PLAIN, random_range_s=8), random=0.5).online()
    assert story.tell(UplinkChanged(story.now, False)) == [TellOffline(), Close()]
    assert story.lose() == []
    assert story.tell(WaitOver(story.now)) == []
    assert story.tell(UplinkChanged(story.now, False)) == []
    assert story.tell(UplinkChanged(story.now + 120, True)) == [Wait(4)]
    assert story.tell(UplinkChanged(story.now + 120, True)) == []
    assert story.tell(WaitOver(story.now + 124)) == [Connect(1)]
    story.now += 125
    assert TellOnline(1, 125, register=False, report_all=True) in story.succeed()


def test_rule_10_an_uplink_lost_while_waiting_or_connecting() -> None:
    story = Story()
    story.start()
    assert story.tell(UplinkChanged(story.now, False)) == [Close()]
    story.tell(Closed(story.now))
    story.tell(UplinkChanged(story.now, True))
    assert story.tell(UplinkChanged(story.now, False)) == [StopWaiting()]


def test_rule_11_the_uplink_comes_back_before_the_old_connection_is_over() -> None:
    story = Story().online()
    story.tell(UplinkChanged(story.now, False))
    assert story.tell(UplinkChanged(story.now, True)) == []
    assert story.lose() == [Wait(0)]
    story.tell(UplinkChanged(story.now, False))
    story.tell(UplinkChanged(story.now, True))
    story.tell(WaitOver(story.now))
    story.tell(UplinkChanged(story.now, False))
    story.tell(UplinkChanged(story.now, True))
    story.tell(UplinkChanged(story.now, False))
    assert story.lose() == [], "it is gone again"


def test_rule_11_a_success_that_nobody_wants_any_more_is_closed() -> None:
    story = Story()
    story.start()
    story.tell(Reconnect(story.now))
    assert story.succeed() == [Close()]
    assert story.lose() == [Connect(1)]
    story.tell(UplinkChanged(story.now, False))
    assert story.succeed() == [Close()]
    assert story.lose() == []
    assert story.tell(UplinkChanged(story.now, True)) == [Wait(0)]


def test_a_reconnect_in_an_attempt_breaks_it_off() -> None:
    story = Story()
    story.start()
    assert story.tell(Reconnect(story.now, Trial.PASSWORD)) == [Close()]
    assert story.tell(AttemptFailed(story.now, ConnectFailure.UNAUTHORIZED)) == [Connect(1)]


def test_a_reconnect_while_waiting_changes_the_next_attempt_only() -> None:
    story = Story().online()
    story.lose()
    assert story.tell(Reconnect(story.now, Trial.SECURITY_PROFILE)) == []
    assert story.state.trial is Trial.SECURITY_PROFILE


def test_stopped_is_stopped() -> None:
    story = Story().online()
    assert story.tell(Stopped(story.now)) == [TellOffline(), Close(), StopWaiting(), StopWatchdog()]
    for event in (
        Closed(story.now),
        WaitOver(story.now),
        WatchdogExpired(story.now),
        Connected(story.now),
        UplinkChanged(story.now, True),
        Reconnect(story.now),
        AttemptFailed(story.now, ConnectFailure.REFUSED),
    ):
        assert story.tell(event) == []
    assert story.start() == [Connect(1)]


SETTINGS = st.builds(
    ConnectivitySettings,
    priority=st.lists(st.integers(0, 4), min_size=1, max_size=4, unique=True).map(tuple),
    profile_attempts=st.integers(-1, 4),
    profile_timeout_s=st.none() | st.floats(0, 300),
    wait_minimum_s=st.floats(0, 60),
    random_range_s=st.floats(0, 20),
    repeat_times=st.integers(-1, 8),
    watchdog_s=st.sampled_from([0.0, 600.0]),
)
STEPS = st.lists(
    st.one_of(
        st.sampled_from(["succeed", "lose", "wait", "watchdog", "down", "up", "reconnect", "stop", "start"]),
        st.sampled_from(ConnectFailure),
        st.sampled_from(Trial),
    ),
    max_size=60,
)


@given(SETTINGS, STEPS, st.floats(0, 1, exclude_max=True))
def test_any_history_keeps_one_connection_and_never_strands(
    settings: ConnectivitySettings, steps: list[str], random: float
) -> None:
    """At most one attempt or connection at a time; online and offline alternate; a next attempt always comes."""
    story = Story(settings, random=random)
    busy = waiting = online = up = False
    up, running = True, False

    def tell(event: Event) -> None:
        nonlocal busy, waiting, online
        if isinstance(event, WaitOver):
            if not waiting:
                return
            waiting = False
        if isinstance(event, Connected | AttemptFailed | Closed):
            if not busy:
                return
            busy = isinstance(event, Connected)
        for action in story.tell(event):
            match action:
                case Connect(slot):
                    assert not busy, "two at a time"
                    assert slot in settings.priority
                    busy, waiting = True, False
                case Wait(seconds):
                    assert not busy
                    assert seconds >= 0
                    waiting = True
                case StopWaiting():
                    waiting = False
                case TellOnline():
                    assert not online
                    online = True
                case TellOffline():
                    assert online
                    online = False
                case _:
                    pass

    for step in ["start", *steps]:
        story.now += 7
        phase = story.state.phase
        match step:
            case "start":
                if not busy:
                    tell(Started(story.now))
                    running, up = True, (up if running else True)
            case "stop":
                tell(Stopped(story.now))
                running = False
            case "succeed" if phase in (Phase.CONNECTING, Phase.CLOSING, Phase.NO_UPLINK):
                tell(Connected(story.now))
            case "lose" if phase is not Phase.CONNECTING:
                tell(Closed(story.now))
            case "wait":
                tell(WaitOver(story.now))
            case "watchdog":
                tell(WatchdogExpired(story.now))
            case "down" | "up":
                up = step == "up"
                tell(UplinkChanged(story.now, up))
            case "reconnect":
                tell(Reconnect(story.now))
            case Trial():
                tell(Reconnect(story.now, step))
            case ConnectFailure() if phase in (Phase.CONNECTING, Phase.CLOSING, Phase.NO_UPLINK):
                tell(AttemptFailed(story.now, step))
            case _:
                pass
        phase = story.state.phase
        if phase is Phase.WAITING:
            assert waiting
        if phase is Phase.NO_UPLINK and up:
            assert busy, "nothing would ever be tried again"
        if phase in (Phase.CONNECTING, Phase.CLOSING, Phase.CONNECTED):
            assert busy
        assert online == (phase is Phase.CONNECTED)
