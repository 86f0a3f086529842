"""When to connect, to which network profile, and what to do when it does not work: decisions without I/O.

``decide`` takes what is known, what has happened and the settings, and says what to do; the shell around it is
``connection``. The rules:

 1. After a start the first entry of the priority is tried first, at once (B10.FR.04, A05.FR.05).
 2. After a loss the profile that was connected is tried first, then the others in the order of the priority
    (B10.FR.03 with its erratum). Each gets ``profile_attempts`` attempts, or as many as fit in ``profile_timeout_s``.
 3. When all have failed, the profile of the last success is tried again (B10.FR.07), then all of them anew (B10.FR.08),
    and so on: a station never gives up (B10.FR.09).
 4. The first reconnection waits ``wait_minimum_s``, each failure doubles that, ``repeat_times`` times at most; a random
    part of up to ``random_range_s`` is added to each wait. A success starts it afresh (Part 4, 5.3 with its erratum).
    Changing the profile does not: who sleeps between attempts at one address should not hammer the next one.
 5. On another profile than at the last success the station registers again (B10.FR.10).
 6. After longer than ``offline_threshold_s`` the state of every connector is told (B04.FR.01), else of those that
    changed (B04.FR.02).
 7. Credentials and security profiles on trial: refused (password), or without success on any profile (the others), the
    ones before are tried in turn; what works first is kept (A01, 1.6 A05.FR.08, A02.FR.28).
 8. A problem with certificates, TLS or credentials is a security event, told once until a success (A00.FR.310, .316,
    .323; the note about repeated attempts).
 9. Unreachable for ``watchdog_s``: the controller restarts itself.
10. Without an uplink nothing is tried; when it is back, the first attempt comes after the random part alone.
11. There is one connection or attempt at a time: a new one waits for the end of the one before (B10.FR.06). One that
    succeeds although it was to be broken off is closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

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

__all__ = ["back_off_s", "decide"]

_SECURITY_EVENTS: Final = {
    ConnectFailure.UNAUTHORIZED: "FailedToAuthenticateAtCsms",
    ConnectFailure.CERTIFICATE: "InvalidCsmsCertificate",
    ConnectFailure.TLS_VERSION: "InvalidTLSVersion",
    ConnectFailure.TLS_CIPHERS: "InvalidTLSCipherSuite",
}
"""Names of 2.x's list."""

_SHORTEST_S: Final = 1.0
"""No repeated attempt sooner than that, however the back-off is configured."""
_MOST_DOUBLINGS: Final = 30

_Decision = tuple[ConnectivityState, list[Action]]


def decide(
    state: ConnectivityState, event: Event, settings: ConnectivitySettings, random: Callable[[], float]
) -> _Decision:
    """What an event means: the new state, and what to do in this order. ``random`` gives numbers in [0, 1).

    Events that cannot mean anything in a state, such as a timer that fired while it was being stopped, change nothing.
    """
    match event:
        case Started():
            return _start(state, event, settings)
        case Stopped():
            return _stop(state)
        case _ if state.phase is Phase.STOPPED:
            return state, []
        case Connected():
            return _succeed(state, event.at, settings)
        case AttemptFailed():
            return _fail(state, event, settings, random)
        case Closed():
            return _over(state, event.at, settings, random)
        case WaitOver():
            return _try(state) if state.phase is Phase.WAITING else (state, [])
        case WatchdogExpired():
            return (state, []) if state.phase is Phase.CONNECTED else (state, [Reboot("Watchdog")])
        case UplinkChanged():
            return _uplink(state, event, settings, random)
        case Reconnect():
            return _reconnect(state, event, settings)


def back_off_s(waits: int, settings: ConnectivitySettings, random: Callable[[], float]) -> float:
    """Seconds before the next attempt, after ``waits`` waits since the last success."""
    doublings = min(waits, max(0, settings.repeat_times), _MOST_DOUBLINGS)
    seconds = max(0.0, settings.wait_minimum_s) * 2.0**doublings + random() * max(0.0, settings.random_range_s)
    return max(seconds, _SHORTEST_S) if waits else seconds


def _start(state: ConnectivityState, event: Started, settings: ConnectivitySettings) -> _Decision:
    if state.phase is not Phase.STOPPED or not settings.priority:
        return state, []
    started = ConnectivityState(
        phase=Phase.CONNECTING,
        slot=settings.priority[0],
        route=settings.priority[1:],
        slot_since=event.at,
        last_connected=event.last_connected,
        offline_since=event.at,
        trial=event.trial,
    )
    started, actions = _try(started)
    return started, _watchdog(settings) + actions


def _stop(state: ConnectivityState) -> _Decision:
    actions: list[Action] = []
    if state.phase is Phase.CONNECTED:
        actions.append(TellOffline())
    if state.phase in (Phase.CONNECTED, Phase.CONNECTING):
        actions.append(Close())
    return replace(state, phase=Phase.STOPPED), [*actions, StopWaiting(), StopWatchdog()]


def _try(state: ConnectivityState) -> _Decision:
    assert state.slot is not None
    return replace(state, phase=Phase.CONNECTING, busy=True), [Connect(state.slot, state.previous)]


def _succeed(state: ConnectivityState, at: float, settings: ConnectivitySettings) -> _Decision:
    if state.phase in (Phase.CLOSING, Phase.NO_UPLINK):
        return replace(state, busy=True), [Close()]
    if state.phase is not Phase.CONNECTING:
        return state, []
    assert state.slot is not None
    actions: list[Action] = [StopWatchdog()]
    if state.trial is not None:
        actions.append(TrialEnded(state.trial, kept=not state.previous))
    offline_s = max(0.0, at - state.offline_since)
    changed = state.last_connected is not None and state.slot != state.last_connected
    actions.append(TellOnline(state.slot, offline_s, changed, offline_s > settings.offline_threshold_s))
    connected = ConnectivityState(
        phase=Phase.CONNECTED,
        slot=state.slot,
        last_connected=state.slot,
        offline_since=state.offline_since,
        busy=True,
    )
    return connected, actions


def _fail(
    state: ConnectivityState, event: AttemptFailed, settings: ConnectivitySettings, random: Callable[[], float]
) -> _Decision:
    if state.phase is not Phase.CONNECTING:
        return _over(state, event.at, settings, random)
    state = replace(state, busy=False)
    actions: list[Action] = []
    security = _SECURITY_EVENTS.get(event.failure)
    # A new password that is refused is told like any other; that it was given up is told by what follows.
    if security is not None and security not in state.told:
        actions.append(TellSecurity(security))
        state = replace(state, told=state.told | {security})
    state = replace(state, attempts=state.attempts + 1)
    # Where the new password is refused, the one before gets its chance before any other profile does.
    new_refused = event.failure is ConnectFailure.UNAUTHORIZED and not state.previous
    if state.trial is Trial.PASSWORD and event.failure is ConnectFailure.UNAUTHORIZED:
        state = replace(state, previous=not state.previous)
    if not (state.trial is Trial.PASSWORD and new_refused) and _is_used_up(state, event.at, settings):
        state = _next_profile(state, event.at, settings)
    state, more = _wait(state, settings, random)
    return state, actions + more


def _is_used_up(state: ConnectivityState, at: float, settings: ConnectivitySettings) -> bool:
    timeout_s = settings.profile_timeout_s
    if timeout_s:
        if at - state.slot_since >= timeout_s:
            return True
        if settings.profile_attempts < 1:
            return False
    return state.attempts >= max(1, settings.profile_attempts)


def _next_profile(state: ConnectivityState, at: float, settings: ConnectivitySettings) -> ConnectivityState:
    route, previous = state.route, state.previous
    if not route:
        route = settings.priority or (() if state.slot is None else (state.slot,))
        last = state.last_connected
        if last is not None and last != state.slot and last != route[0]:
            route = (last, *route)
        if state.trial not in (None, Trial.PASSWORD):
            previous = not previous
    return replace(state, slot=route[0], route=route[1:], attempts=0, slot_since=at, previous=previous)


def _over(
    state: ConnectivityState, at: float, settings: ConnectivitySettings, random: Callable[[], float]
) -> _Decision:
    state = replace(state, busy=False)
    match state.phase:
        case Phase.CLOSING:
            return _try(replace(state, slot_since=at))
        case Phase.NO_UPLINK if state.uplink_is_back:
            return _uplink_is_back(state, at, settings, random)
        case Phase.CONNECTED:
            state = _offline(state, at, settings)
            state, actions = _wait(state, settings, random)
            return state, [TellOffline(), *_watchdog(settings), *actions]
        case _:
            return state, []


def _offline(state: ConnectivityState, at: float, settings: ConnectivitySettings) -> ConnectivityState:
    assert state.slot is not None
    route = tuple(slot for slot in settings.priority if slot != state.slot)
    return replace(state, route=route, attempts=0, slot_since=at, waits=0, offline_since=at)


def _wait(state: ConnectivityState, settings: ConnectivitySettings, random: Callable[[], float]) -> _Decision:
    seconds = back_off_s(state.waits, settings, random)
    return replace(state, phase=Phase.WAITING, waits=state.waits + 1), [Wait(seconds)]


def _watchdog(settings: ConnectivitySettings) -> list[Action]:
    return [StartWatchdog(settings.watchdog_s)] if settings.watchdog_s > 0 else []


def _uplink(
    state: ConnectivityState, event: UplinkChanged, settings: ConnectivitySettings, random: Callable[[], float]
) -> _Decision:
    if not event.up:
        if state.phase is Phase.NO_UPLINK:
            return replace(state, uplink_is_back=False), []
        actions: list[Action] = [StopWaiting()] if state.phase is Phase.WAITING else []
        if state.phase is Phase.CONNECTED:
            state = _offline(state, event.at, settings)
            actions += [TellOffline(), *_watchdog(settings)]
        if state.phase in (Phase.CONNECTED, Phase.CONNECTING):
            actions.append(Close())
        return replace(state, phase=Phase.NO_UPLINK, uplink_is_back=False), actions
    if state.phase is not Phase.NO_UPLINK:
        return state, []
    if state.busy:
        return replace(state, uplink_is_back=True), []
    return _uplink_is_back(state, event.at, settings, random)


def _uplink_is_back(
    state: ConnectivityState, at: float, settings: ConnectivitySettings, random: Callable[[], float]
) -> _Decision:
    seconds = random() * max(0.0, settings.random_range_s)
    back = replace(state, phase=Phase.WAITING, waits=0, slot_since=at, uplink_is_back=False)
    return back, [Wait(seconds)]


def _reconnect(state: ConnectivityState, event: Reconnect, settings: ConnectivitySettings) -> _Decision:
    if event.trial is not None:
        state = replace(state, trial=event.trial, previous=False)
    match state.phase:
        case Phase.CONNECTED:
            state = replace(_offline(state, event.at, settings), phase=Phase.CLOSING)
            return state, [TellOffline(), *_watchdog(settings), Close()]
        case Phase.CONNECTING:
            # The attempt under way may have been made with what has just changed.
            return replace(state, phase=Phase.CLOSING), [Close()]
        case _:
            return state, []
