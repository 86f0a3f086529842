"""Site load management: how much current each EVSE behind a tree of fuses may draw, so that no fuse is ever exceeded.

A fuse limits every phase on its own, and everything below it counts. A DC power module that several EVSEs share is a
fuse like any other: its power over three phases. Currents are whole milliamperes, so sums are exact.

Every outlet has a fail-safe current, which its station falls back to by itself when it is cut off. It stays set aside
for every outlet, whatever it does now, so a vehicle may begin at once and no station that gets lost does harm. What is
left is shared among those that charge:

- ``FAIR``: each first gets the least it can use, in the order of their beginnings; the rest is shared equally, and
  what one cannot take (its own maximum, or a fuse on its way) goes to the others.
- ``PRIORITY``: the same among those of the highest priority, then with what is left among the next.

``changes`` turns shares into steps: what goes down is sent first, and nothing goes up until it fits beside everything
that stations may still draw. A station that does not answer keeps what it had.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from voltbridge.domain.errors import InvalidValue

__all__ = [
    "PHASES",
    "Changes",
    "Fuse",
    "Line",
    "Outlet",
    "OutletKey",
    "OutletState",
    "Policy",
    "Site",
    "changes",
    "check_site",
    "headroom",
    "may_draw",
    "shares",
]

PHASES: Final = (1, 2, 3)
_STEP_MA: Final = 100
"""Limits on the wire have one decimal."""

OutletKey = tuple[str, int]
"""Station id and EVSE id."""
Line = tuple[str, int]
"""Fuse id and phase."""


class Policy(StrEnum):
    """Who gets what when it does not suffice for all."""

    FAIR = "fair"
    PRIORITY = "priority"


@dataclass(frozen=True, slots=True)
class Fuse:
    """A fuse, or a power module several EVSEs share."""

    id: str
    limit_ma: tuple[int, int, int]
    """Of each phase."""
    parent_id: str | None = None
    """None: the grid's."""
    reserve_ma: tuple[int, int, int] = (0, 0, 0)
    """What other loads may draw while no meter tells."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """An EVSE behind a fuse."""

    station_id: str
    evse_id: int
    fuse_id: str
    max_ma: int
    """What the EVSE can deliver on each of its phases."""
    phases: tuple[int, ...] = PHASES
    """The site's phases it is connected to."""
    min_ma: int = 6_000
    """The least that a vehicle can use; less is a pause."""
    fail_safe_ma: int = 0
    priority: int = 0
    """Higher goes first."""
    is_dc: bool = False
    """Its station takes limits in watts: those of three phases."""

    @property
    def key(self) -> OutletKey:
        return self.station_id, self.evse_id


@dataclass(frozen=True, slots=True)
class Site:
    """Fuses and outlets under one policy."""

    id: str
    fuses: tuple[Fuse, ...]
    outlets: tuple[Outlet, ...]
    policy: Policy = Policy.FAIR
    voltage_v: float = 230.0
    """Of a phase against neutral, where watts are needed."""
    lease_s: int = 900
    """How long a limit holds without being renewed; a station that is cut off then falls back to its fail-safe one."""
    stack_level: int = 8
    """Of the profiles that carry the limits."""


@dataclass(frozen=True, slots=True)
class OutletState:
    """What is known of an outlet now."""

    charging: bool = False
    """Whether a transaction runs."""
    reachable: bool = False
    """Whether its station is connected."""
    granted_ma: int | None = None
    """The limit its station took last and still keeps to; None: the fail-safe one holds."""
    since: float = 0.0
    """When the transaction began; earlier ones go first."""
    guarded: bool = True
    """Whether its station has taken the fail-safe limit; until then it may draw all it can."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What to send, in this order: ``lower`` has to be answered before anything of ``higher`` is sent."""

    lower: Mapping[OutletKey, int]
    higher: Mapping[OutletKey, int]


def check_site(site: Site) -> None:
    """Raises InvalidValue for a tree that is none, unknown fuses, or fail-safe currents that a fuse cannot carry."""
    fuses = {fuse.id: fuse for fuse in site.fuses}
    if len(fuses) != len(site.fuses):
        raise InvalidValue("fuses", "have an id twice")
    for index, fuse in enumerate(site.fuses):
        if fuse.parent_id is not None and fuse.parent_id not in fuses:
            raise InvalidValue(f"fuses[{index}].parent_id", f"names no fuse: {fuse.parent_id}")
        seen = {fuse.id}
        parent_id = fuse.parent_id
        while parent_id is not None:
            if parent_id in seen:
                raise InvalidValue(f"fuses[{index}].parent_id", "leads back to the fuse itself")
            seen.add(parent_id)
            parent_id = fuses[parent_id].parent_id
    if len({outlet.key for outlet in site.outlets}) != len(site.outlets):
        raise InvalidValue("outlets", "have an EVSE twice")
    for index, outlet in enumerate(site.outlets):
        path = f"outlets[{index}]"
        if outlet.fuse_id not in fuses:
            raise InvalidValue(f"{path}.fuse_id", f"names no fuse: {outlet.fuse_id}")
        if not outlet.phases or len(set(outlet.phases)) != len(outlet.phases) or not set(outlet.phases) <= set(PHASES):
            raise InvalidValue(f"{path}.phases", "must be one to three different ones of 1, 2, 3")
        if outlet.is_dc and len(outlet.phases) != len(PHASES):
            raise InvalidValue(f"{path}.phases", "must be all three for direct current")
        if not 0 <= outlet.min_ma <= outlet.max_ma:
            raise InvalidValue(f"{path}.min_a", "must not be more than max_a")
        if outlet.fail_safe_ma and not outlet.min_ma <= outlet.fail_safe_ma <= outlet.max_ma:
            raise InvalidValue(f"{path}.fail_safe_a", "must be 0, or from min_a to max_a")
    free = headroom(site, {})
    for outlet in site.outlets:
        for line in _lines(fuses, outlet):
            free[line] -= outlet.fail_safe_ma
            if free[line] < 0:
                fuse_id, phase = line
                problem = f"together are more than fuse {fuse_id} carries on phase {phase} beside its reserve"
                raise InvalidValue("outlets", f"with their fail_safe_a {problem}")


def headroom(site: Site, other_ma: Mapping[str, Sequence[int]]) -> dict[Line, int]:
    """What each fuse leaves to charging on each phase, by fuse and phase; less than 0 when it is exceeded already.

    ``other_ma``: what else draws through a fuse by its meter; a fuse without one has its reserve.
    """
    free: dict[Line, int] = {}
    for fuse in site.fuses:
        others = other_ma.get(fuse.id, fuse.reserve_ma)
        for phase, limit, other in zip(PHASES, fuse.limit_ma, others, strict=True):
            free[fuse.id, phase] = limit - max(0, other)
    return free


def may_draw(outlet: Outlet, state: OutletState) -> int:
    """What the outlet may draw at most until something is sent to it and taken, in mA on each of its phases."""
    if state.granted_ma is not None and state.charging and state.reachable:
        return state.granted_ma
    if not state.guarded:
        return outlet.max_ma
    return max(state.granted_ma or 0, outlet.fail_safe_ma)


def shares(
    site: Site, states: Mapping[OutletKey, OutletState], other_ma: Mapping[str, Sequence[int]]
) -> dict[OutletKey, int]:
    """The current of each outlet that charges within reach, in mA on each of its phases, in steps of 100 mA."""
    fuses = {fuse.id: fuse for fuse in site.fuses}
    free = headroom(site, other_ma)
    steered: list[tuple[Outlet, OutletState, tuple[Line, ...]]] = []
    for outlet in site.outlets:
        state = states.get(outlet.key, OutletState())
        lines = _lines(fuses, outlet)
        is_steered = state.charging and state.reachable
        if is_steered:
            steered.append((outlet, state, lines))
        for line in lines:
            free[line] -= outlet.fail_safe_ma if is_steered else may_draw(outlet, state)
    steered.sort(key=lambda one: (one[1].since, one[0].key))
    if site.policy is Policy.FAIR:
        classes = [steered]
    else:
        levels = sorted({outlet.priority for outlet, _, _ in steered}, reverse=True)
        classes = [[one for one in steered if one[0].priority == level] for level in levels]
    given: dict[OutletKey, int] = {}
    for members in classes:
        _share(members, free, given)
    return given


def changes(site: Site, states: Mapping[OutletKey, OutletState], other_ma: Mapping[str, Sequence[int]]) -> Changes:
    """What to send now: every share that is less than what holds; of the others what fits beside all that holds.

    Call again when ``lower`` has been answered: what it freed is then there for ``higher``.
    """
    wanted = shares(site, states, other_ma)
    fuses = {fuse.id: fuse for fuse in site.fuses}
    free = headroom(site, other_ma)
    lower: dict[OutletKey, int] = {}
    rising: list[tuple[Outlet, int, int]] = []
    for outlet in site.outlets:
        state = states.get(outlet.key, OutletState())
        holds = may_draw(outlet, state)
        for line in _lines(fuses, outlet):
            free[line] -= max(holds, outlet.fail_safe_ma)
        share = wanted.get(outlet.key)
        if share is None or share == state.granted_ma:
            continue
        if share <= holds:
            lower[outlet.key] = share
        else:
            rising.append((outlet, holds, share))
    higher: dict[OutletKey, int] = {}
    for outlet, holds, share in rising:
        lines = _lines(fuses, outlet)
        room = min(free[line] for line in lines)
        kept = max(holds, outlet.fail_safe_ma)
        reach = min(share, kept + room // _STEP_MA * _STEP_MA) if room >= 0 else holds
        if reach > holds and reach >= outlet.min_ma:
            higher[outlet.key] = reach
            for line in lines:
                free[line] -= max(reach, kept) - kept
    return Changes(lower, higher)


def _lines(fuses: Mapping[str, Fuse], outlet: Outlet) -> tuple[Line, ...]:
    """Every fuse and phase on the way from the outlet to the grid."""
    found: list[Line] = []
    fuse_id: str | None = outlet.fuse_id
    while fuse_id is not None:
        found += ((fuse_id, phase) for phase in outlet.phases)
        fuse_id = fuses[fuse_id].parent_id
    return tuple(found)


def _share(
    members: Iterable[tuple[Outlet, OutletState, tuple[Line, ...]]], free: dict[Line, int], given: dict[OutletKey, int]
) -> None:
    """Share what is free beside all fail-safe currents among outlets of one rank, taking it from ``free``.

    All that got their least rise together. The rise at which a line is full is what it has left, divided by those that
    still rise on it; it only grows as others stop, so the next line to be full is found in a heap of guesses.
    """
    rising: dict[OutletKey, tuple[Outlet, tuple[Line, ...]]] = {}
    on_line: dict[Line, set[OutletKey]] = {}
    for outlet, _, lines in members:
        least = max(outlet.min_ma, outlet.fail_safe_ma)
        more = least - outlet.fail_safe_ma
        if any(free[line] < more for line in lines):
            given[outlet.key] = 0
            continue
        given[outlet.key] = least
        rising[outlet.key] = (outlet, lines)
        for line in lines:
            free[line] -= more
            on_line.setdefault(line, set()).add(outlet.key)
    if not rising:
        return
    left = {line: free[line] for line in on_line}
    """What the line has for rises, with the final ones of those that stopped taken off."""
    full = [(left[line] // len(keys), line) for line, keys in on_line.items()]
    heapq.heapify(full)
    tops = sorted((outlet.max_ma - given[key], key) for key, (outlet, _) in rising.items())
    next_top = 0

    def stop(key: OutletKey, rise: int) -> None:
        _, lines = rising.pop(key)
        step = rise // _STEP_MA * _STEP_MA
        given[key] += step
        for line in lines:
            on_line[line].discard(key)
            left[line] -= step
            free[line] -= step
            if on_line[line]:
                heapq.heappush(full, (left[line] // len(on_line[line]), line))

    while rising:
        while full and (not on_line[full[0][1]] or full[0][0] != left[full[0][1]] // len(on_line[full[0][1]])):
            heapq.heappop(full)
        while next_top < len(tops) and tops[next_top][1] not in rising:
            next_top += 1
        top = tops[next_top]
        if full and full[0][0] < top[0]:
            rise, line = full[0]
            for key in sorted(on_line[line]):
                stop(key, rise)
        else:
            stop(top[1], top[0])
