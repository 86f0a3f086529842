"""Never above a fuse: over random sites, and over random days on them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.site_load import (
    PHASES,
    Fuse,
    Outlet,
    OutletKey,
    OutletState,
    Policy,
    Site,
    changes,
    check_site,
    headroom,
    may_draw,
    shares,
)

DAYS = int(os.environ.get("VOLTBRIDGE_SITE_DAYS", "150"))
"""How many random days; 10000 for a thorough run."""


def fuse(id: str, amperes: int, parent_id: str | None = None, reserve: int = 0) -> Fuse:
    return Fuse(id, (amperes * 1000,) * 3, parent_id, (reserve * 1000,) * 3)


def outlet(number: int, fuse_id: str = "main", max_a: int = 32, **more: object) -> Outlet:
    return Outlet(f"CS{number}", 1, fuse_id, max_a * 1000, **more)  # type: ignore[arg-type]


def charging(since: float = 0, granted_ma: int | None = None) -> OutletState:
    return OutletState(charging=True, reachable=True, granted_ma=granted_ma, since=since)


def amperes(given: dict[OutletKey, int]) -> dict[str, float]:
    return {key[0]: share / 1000 for key, share in given.items()}


def overloads(site: Site, states: Mapping[OutletKey, OutletState]) -> set[tuple[str, int]]:
    """Fuses and phases on which more may be drawn than the fuse carries."""
    free, parents = headroom(site, {}), {each.id: each.parent_id for each in site.fuses}
    for each in site.outlets:
        fuse_id: str | None = each.fuse_id
        while fuse_id is not None:
            for phase in each.phases:
                free[fuse_id, phase] -= may_draw(each, states.get(each.key, OutletState()))
            fuse_id = parents[fuse_id]
    return {line for line, left in free.items() if left < 0}


@st.composite
def sites(draw: st.DrawFn) -> Site:
    fuses = [fuse("main", draw(st.integers(16, 200)))]
    for number in range(draw(st.integers(0, 4))):
        parent = draw(st.sampled_from(fuses)).id
        limits = draw(st.tuples(*[st.integers(10_000, 100_000)] * 3))
        fuses.append(Fuse(f"F{number}", limits, parent, draw(st.tuples(*[st.integers(0, 10_000)] * 3))))
    outlets = []
    for number in range(draw(st.integers(1, 8))):
        phases = draw(st.sampled_from([(1, 2, 3), (1, 2, 3), (2, 3, 1), (1,), (2,), (3,), (1, 2)]))
        most, least = draw(st.integers(6_000, 63_000)), draw(st.sampled_from([0, 6_000]))
        outlets.append(
            Outlet(
                f"CS{number // 2}",
                number % 2 + 1,
                draw(st.sampled_from(fuses)).id,
                most,
                phases,
                least,
                draw(st.sampled_from([0, 0, 6_000])),
                draw(st.integers(0, 2)),
            )
        )
    site = Site("S", tuple(fuses), tuple(outlets), draw(st.sampled_from(Policy)))
    try:
        check_site(site)
    except InvalidValue:
        # Too much set aside for this tree: none at all always fits.
        site = replace(
            site,
            fuses=tuple(replace(one, reserve_ma=(0, 0, 0)) for one in fuses),
            outlets=tuple(replace(one, fail_safe_ma=0) for one in outlets),
        )
        check_site(site)
    return site


def load(site: Site, drawn: dict[OutletKey, int]) -> dict[tuple[str, int], int]:
    """What flows through every fuse, added up from the leaves: nothing of the product's own sums."""
    parents = {one.id: one.parent_id for one in site.fuses}
    flow = {(one.id, phase): 0 for one in site.fuses for phase in PHASES}
    for one in site.outlets:
        at: str | None = one.fuse_id
        while at is not None:
            for phase in one.phases:
                flow[at, phase] += drawn.get(one.key, 0)
            at = parents[at]
    return flow


@settings(max_examples=300, deadline=None)
@given(sites(), st.data())
def test_shares_fit_and_nobody_could_have_more(site: Site, data: st.DataObject) -> None:
    states = {
        one.key: OutletState(
            data.draw(st.booleans()),
            data.draw(st.booleans()),
            data.draw(st.sampled_from([None, one.fail_safe_ma])),
            data.draw(st.integers(0, 3)),
        )
        for one in site.outlets
    }
    given = shares(site, states, {})
    assert set(given) == {key for key, state in states.items() if state.charging and state.reachable}
    drawn = {one.key: given.get(one.key, may_draw(one, states[one.key])) for one in site.outlets}
    flow = load(site, drawn)
    limits = {
        (one.id, phase): one.limit_ma[phase - 1] - one.reserve_ma[phase - 1] for one in site.fuses for phase in PHASES
    }
    assert all(flow[line] <= limits[line] for line in flow)
    for one in site.outlets:
        share = given.get(one.key)
        if share is None:
            continue
        assert share == 0 or max(one.min_ma, one.fail_safe_ma) <= share <= one.max_ma
        if 0 < share <= one.max_ma - 100:
            # It stopped where a line on its way had no step left for each of those that rose on it.
            rivals = len(given)
            tight = load(site, {**drawn, one.key: share + 100 * rivals})
            assert any(tight[line] > limits[line] for line in tight)


def test_equal_shares_and_what_one_cannot_take_goes_to_the_others() -> None:
    site = Site("S", (fuse("main", 48),), (outlet(1), outlet(2, max_a=10), outlet(3)))
    states = {one.key: charging() for one in site.outlets}
    assert amperes(shares(site, states, {})) == {"CS1": 19.0, "CS2": 10.0, "CS3": 19.0}


def test_a_fuse_on_the_way_narrows_only_those_behind_it() -> None:
    site = Site("S", (fuse("main", 60), fuse("row", 20, "main")), (outlet(1, "row"), outlet(2, "row"), outlet(3)))
    states = {one.key: charging() for one in site.outlets}
    assert amperes(shares(site, states, {})) == {"CS1": 10.0, "CS2": 10.0, "CS3": 32.0}


def test_each_phase_is_its_own() -> None:
    site = Site("S", (fuse("main", 32),), (outlet(1, phases=(1,)), outlet(2, phases=(2,)), outlet(3, phases=(1,))))
    states = {one.key: charging() for one in site.outlets}
    assert amperes(shares(site, states, {})) == {"CS1": 16.0, "CS2": 32.0, "CS3": 16.0}


def test_a_power_module_is_shared_by_its_evses() -> None:
    """150 kW over three phases of 230 V are 217.3 A."""
    module = Fuse("module", (217_300,) * 3, "main")
    site = Site("S", (fuse("main", 1000), module), (outlet(1, "module", 200), outlet(2, "module", 200)))
    assert amperes(shares(site, {("CS1", 1): charging()}, {})) == {"CS1": 200.0}
    both = {one.key: charging() for one in site.outlets}
    assert amperes(shares(site, both, {})) == {"CS1": 108.6, "CS2": 108.6}


def test_priority_takes_first_and_the_rest_gets_what_is_left() -> None:
    site = Site("S", (fuse("main", 40),), (outlet(1), outlet(2, priority=5), outlet(3)), Policy.PRIORITY)
    states = {one.key: charging(since) for since, one in enumerate(site.outlets)}
    assert amperes(shares(site, states, {})) == {"CS1": 8.0, "CS2": 32.0, "CS3": 0.0}


def test_less_than_a_vehicle_can_use_is_a_pause_and_the_first_goes_on() -> None:
    site = Site("S", (fuse("main", 10),), (outlet(1), outlet(2)))
    states = {("CS1", 1): charging(since=2), ("CS2", 1): charging(since=1)}
    assert amperes(shares(site, states, {})) == {"CS1": 0.0, "CS2": 10.0}


def test_the_meter_takes_away_and_gives_back() -> None:
    site = Site("S", (fuse("main", 40, reserve=20),), (outlet(1),))
    states = {("CS1", 1): charging()}
    assert amperes(shares(site, states, {})) == {"CS1": 20.0}
    assert amperes(shares(site, states, {"main": (5_000, 8_000, 0)})) == {"CS1": 32.0}
    assert amperes(shares(site, states, {"main": (5_000, 30_000, 0)})) == {"CS1": 10.0}


def test_what_is_out_of_reach_keeps_what_it_had() -> None:
    site = Site("S", (fuse("main", 40),), (outlet(1, fail_safe_ma=6_000), outlet(2)))
    away = OutletState(charging=True, reachable=False, granted_ma=20_000)
    assert amperes(shares(site, {("CS1", 1): away, ("CS2", 1): charging()}, {})) == {"CS2": 20.0}
    lapsed = replace(away, granted_ma=None)
    assert amperes(shares(site, {("CS1", 1): lapsed, ("CS2", 1): charging()}, {})) == {"CS2": 32.0}


def test_nothing_goes_up_before_others_went_down() -> None:
    site = Site("S", (fuse("main", 32),), (outlet(1), outlet(2)))
    states = {("CS1", 1): charging(granted_ma=32_000), ("CS2", 1): charging(since=1)}
    first = changes(site, states, {})
    assert (first.lower, first.higher) == ({("CS1", 1): 16_000}, {})
    states["CS1", 1] = charging(granted_ma=16_000)
    second = changes(site, states, {})
    assert (second.lower, second.higher) == ({}, {("CS2", 1): 16_000})
    states["CS2", 1] = charging(since=1, granted_ma=16_000)
    third = changes(site, states, {})
    assert (third.lower, third.higher) == ({}, {})


@pytest.mark.parametrize(
    ("site", "field"),
    [
        (Site("S", (fuse("main", 10), fuse("main", 10)), ()), "fuses"),
        (Site("S", (fuse("a", 10, "b"),), ()), "fuses[0].parent_id"),
        (Site("S", (fuse("a", 10, "b"), fuse("b", 10, "a")), ()), "fuses[0].parent_id"),
        (Site("S", (fuse("main", 99),), (outlet(1), outlet(1))), "outlets"),
        (Site("S", (fuse("main", 99),), (outlet(1, "other"),)), "outlets[0].fuse_id"),
        (Site("S", (fuse("main", 99),), (outlet(1, phases=(1, 1)),)), "outlets[0].phases"),
        (Site("S", (fuse("main", 99),), (outlet(1, phases=(4,)),)), "outlets[0].phases"),
        (Site("S", (fuse("main", 99),), (outlet(1, min_ma=33_000),)), "outlets[0].min_a"),
        (Site("S", (fuse("main", 99),), (outlet(1, fail_safe_ma=5_000),)), "outlets[0].fail_safe_a"),
        (Site("S", (fuse("main", 11),), (outlet(1, fail_safe_ma=6_000), outlet(2, fail_safe_ma=6_000))), "outlets"),
        (Site("S", (fuse("main", 11, None, 6),), (outlet(1, fail_safe_ma=6_000),)), "outlets"),
    ],
)
def test_a_site_that_cannot_be(site: Site, field: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        check_site(site)
    assert refused.value.field == field


class Day:
    """Stations on a site as they are, and the manager that sees of them what it is told.

    A station draws as much as it may: the limit it took last while its transaction lasts, the fail-safe one otherwise.
    What a station took is known to the manager only when its answer arrives.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.states = {one.key: OutletState() for one in site.outlets}
        self.taken: dict[OutletKey, int | None] = {one.key: None for one in site.outlets}
        self.outlets = {one.key: one for one in site.outlets}

    def drawn(self) -> dict[OutletKey, int]:
        found = {}
        for key, one in self.outlets.items():
            taken = self.taken[key] if self.states[key].charging else None
            found[key] = one.fail_safe_ma if taken is None else taken
        return found

    def check(self) -> None:
        """Whatever stations do next, be it to fall back to their fail-safe limits, no fuse is exceeded."""
        flow = load(self.site, {key: max(drawn, self.outlets[key].fail_safe_ma) for key, drawn in self.drawn().items()})
        for one in self.site.fuses:
            for phase in PHASES:
                assert flow[one.id, phase] <= one.limit_ma[phase - 1] - one.reserve_ma[phase - 1], (one.id, phase)

    def settle(self, deaf: set[OutletKey], mute: set[OutletKey]) -> None:
        """Send until nothing changes. ``deaf`` stations refuse; of ``mute`` ones the answer is lost."""
        for _ in range(4):
            todo = changes(self.site, self.states, {})
            for key, share in [*todo.lower.items(), *([] if todo.lower else todo.higher.items())]:
                if key in deaf:
                    continue
                self.taken[key] = share
                self.check()
                if key in mute:
                    # Taken or not: what it may draw is the larger of the two until it is known.
                    held = may_draw(self.outlets[key], self.states[key])
                    self.states[key] = replace(self.states[key], granted_ma=max(held, share))
                    continue
                self.states[key] = replace(self.states[key], granted_ma=share)
            self.check()


@settings(max_examples=DAYS, deadline=None)
@given(sites(), st.data())
def test_a_day_never_exceeds_a_fuse(site: Site, data: st.DataObject) -> None:
    day = Day(site)
    keys = st.sampled_from([one.key for one in site.outlets])
    for moment in range(data.draw(st.integers(1, 20))):
        key = data.draw(keys)
        state = day.states[key]
        match data.draw(st.sampled_from(["plug", "unplug", "away", "back", "back"])):
            case "plug" if not state.charging and state.reachable:
                day.taken[key] = None
                day.states[key] = replace(state, charging=True, granted_ma=None, since=moment)
            case "unplug" if state.charging:
                # Away stations end transactions too, which the manager cannot see.
                day.taken[key] = None
                if state.reachable:
                    day.states[key] = replace(state, charging=False, granted_ma=None)
            case "away":
                day.states[key] = replace(state, reachable=False)
            case "back":
                day.states[key] = replace(state, reachable=True)
        day.check()
        day.settle(data.draw(st.sets(keys, max_size=2)), data.draw(st.sets(keys, max_size=2)))
        assert overloads(site, day.states) == set()
