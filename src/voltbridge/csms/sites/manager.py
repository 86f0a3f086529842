"""One site at work: sees what its outlets do, works out who may draw what, and has the stations take it.

A limit goes out as a TxProfile for the transaction that runs, valid for the site's lease and renewed when half of that
is over. The fail-safe limit is a TxDefaultProfile without an end, sent to every station when it connects. A station
that is lost keeps its limit until the lease ends and is then at its fail-safe one, by its own doing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

import structlog

from voltbridge.csms.blocks.k_smart_charging.service import FIRST_SITE_ID
from voltbridge.csms.commands.kinds import Unsupported
from voltbridge.csms.events import EventLog
from voltbridge.csms.sites.ports import Connected, Profiles
from voltbridge.domain.charging_profiles import (
    ChargingProfile,
    ChargingSchedule,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
    SchedulePeriod,
)
from voltbridge.domain.clock import Cancel, Clock
from voltbridge.domain.errors import InvalidValue, StorageUnavailable
from voltbridge.domain.site_load import Outlet, OutletKey, OutletState, Site, changes, may_draw
from voltbridge.domain.station_calls import CallFailed, StationNotConnected
from voltbridge.domain.stations import LiveStation

__all__ = ["METER_GOOD_S", "SiteManager"]

_log = structlog.stdlib.get_logger(__name__)

METER_GOOD_S: Final = 120.0
"""How long a meter's reading counts; then the reserves do."""

_AT_ONCE: Final = 50
"""Stations that are being told at a time."""
_AGAIN_S: Final = 30.0
"""After how long a station that did not take its limit is asked again."""
_ROUNDS: Final = 20

_Item = TypeVar("_Item")


@dataclass(slots=True)
class _Grant:
    """A limit that a station may be keeping to."""

    transaction_id: str
    current_ma: int
    until: datetime


@dataclass(slots=True)
class _Meter:
    other_ma: tuple[int, int, int]
    until: datetime


class SiteManager:
    """Steers one site until ``stop``."""

    def __init__(self, site: Site, profiles: Profiles, connected: Connected, events: EventLog, clock: Clock) -> None:
        self.site = site
        self._profiles = profiles
        self._connected = connected
        self._events = events
        self._clock = clock
        self._grants: dict[OutletKey, _Grant] = {}
        self._guarded: dict[OutletKey, int] = {}
        """The fail-safe current that the station has."""
        self._failed: dict[OutletKey, datetime] = {}
        self._meters: dict[str, _Meter] = {}
        self._dirty = asyncio.Event()
        self._timer: Cancel | None = None
        self._stopped = False
        self._task = asyncio.get_running_loop().create_task(self._run())
        self.rounds = 0
        """Recomputations done; lets tests see that one came."""

    async def stop(self) -> None:
        """Send nothing more. What stations have lapses by itself."""
        self._stopped = True
        self.notice()
        await self._task

    def notice(self) -> None:
        """Something may have changed."""
        self._dirty.set()

    async def remember(self) -> None:
        """Take up what an earlier run of the program gave. Raises StorageUnavailable."""
        for outlet in self.site.outlets:
            limit_id, guard_id = _ids(outlet)
            for one in await self._profiles.present(outlet.station_id):
                profile = one.profile
                if one.evse_id != outlet.evse_id:
                    continue
                if profile.id == guard_id and profile == self._guard(outlet):
                    self._guarded[outlet.key] = outlet.fail_safe_ma
                elif profile.id == limit_id and profile.valid_to is not None and profile.transaction_id is not None:
                    current = _current(self.site, profile.schedules[0])
                    self._grants[outlet.key] = _Grant(profile.transaction_id, current, profile.valid_to)

    def meter(self, fuse_id: str, other_ma: tuple[int, int, int]) -> None:
        """What else draws through a fuse now."""
        self._meters[fuse_id] = _Meter(other_ma, self._clock.now() + timedelta(seconds=METER_GOOD_S))
        self.notice()

    def others(self) -> dict[str, tuple[int, int, int]]:
        """The readings that still count."""
        now = self._clock.now()
        return {fuse_id: meter.other_ma for fuse_id, meter in self._meters.items() if meter.until > now}

    def states(self) -> dict[OutletKey, OutletState]:
        """What is known of every outlet now."""
        now = self._clock.now()
        found = {}
        for outlet in self.site.outlets:
            key = outlet.key
            reachable = self._connected.get(outlet.station_id) is not None
            running = self._profiles.running(outlet.station_id, outlet.evse_id) if reachable else None
            grant = self._grants.get(key)
            if grant is not None and (
                grant.until <= now
                or (reachable and (running is None or running.transaction_id != grant.transaction_id))
            ):
                # Lapsed, or of a transaction that is over.
                del self._grants[key]
                grant = None
            since = running.began_at.timestamp() if running is not None else 0.0
            found[key] = OutletState(
                charging=running is not None,
                reachable=reachable,
                granted_ma=None if grant is None else grant.current_ma,
                guarded=self._guarded.get(key) == outlet.fail_safe_ma,
                since=since,
            )
        return found

    async def _run(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            if self._stopped:
                break
            try:
                await self._guard_all()
                await self._steer()
            except StorageUnavailable as error:
                _log.warning("a site waits for the storage", site=self.site.id, error=str(error))
            except Exception:
                # Whatever it is, the fuses have to be looked after.
                _log.exception("a site could not be steered", site=self.site.id)
            self.rounds += 1
            self._wake_later()
        if self._timer is not None:
            self._timer()

    async def _guard_all(self) -> None:
        """Have every station within reach take its fail-safe limit."""
        missing = [
            outlet
            for outlet in self.site.outlets
            if self._guarded.get(outlet.key) != outlet.fail_safe_ma and self._may_ask(outlet.key)
        ]

        async def guard(outlet: Outlet) -> None:
            if await self._send(outlet, self._guard(outlet)):
                self._guarded[outlet.key] = outlet.fail_safe_ma

        await _several(guard, missing)

    async def _steer(self) -> None:
        """Lower what has to be lowered, then raise what fits, until nothing is left to be done."""
        outlets = {outlet.key: outlet for outlet in self.site.outlets}
        for _ in range(_ROUNDS):
            states = self.states()
            todo = changes(self.site, states, self.others())
            wanted = {key: ma for key, ma in (todo.lower or todo.higher).items() if self._may_ask(key)}
            if not wanted and todo.lower:
                # Those that should go down do not listen; the others may use what is free beside them.
                wanted = {key: ma for key, ma in todo.higher.items() if self._may_ask(key)}
            wanted = wanted or self._renewals(states)
            if not wanted or self._stopped:
                return
            await _several(self._limit, [(outlets[key], ma, states[key]) for key, ma in wanted.items()])

    def _renewals(self, states: Mapping[OutletKey, OutletState]) -> dict[OutletKey, int]:
        """Limits whose lease is half over."""
        soon = self._clock.now() + timedelta(seconds=self.site.lease_s / 2)
        return {
            key: grant.current_ma
            for key, grant in self._grants.items()
            if grant.until <= soon and states[key].charging and states[key].reachable and self._may_ask(key)
        }

    async def _limit(self, wanted: tuple[Outlet, int, OutletState]) -> None:
        outlet, current_ma, state = wanted
        running = self._profiles.running(outlet.station_id, outlet.evse_id)
        if running is None:
            return
        now = self._clock.now()
        until = now + timedelta(seconds=self.site.lease_s)
        profile = ChargingProfile(
            id=_ids(outlet)[0],
            purpose=ProfilePurpose.TX,
            kind=ProfileKind.ABSOLUTE,
            stack_level=self.site.stack_level,
            schedules=(self._schedule(outlet, current_ma, now),),
            valid_to=until,
            transaction_id=running.transaction_id,
        )
        taken = await self._send(outlet, profile)
        if taken is False:
            return
        if taken is None:
            # Nobody knows whether it was taken: the larger of the two counts.
            current_ma = max(current_ma, may_draw(outlet, state))
        self._grants[outlet.key] = _Grant(running.transaction_id, current_ma, until)
        if taken:
            self._events.emit(
                "site.limit_set",
                outlet.station_id,
                site_id=self.site.id,
                evse_id=outlet.evse_id,
                transaction_id=running.transaction_id,
                limit_a=current_ma / 1000,
                former_limit_a=may_draw(outlet, state) / 1000,
            )

    async def _send(self, outlet: Outlet, profile: ChargingProfile) -> bool | None:
        """Whether the station took it; None when that cannot be known."""
        live: LiveStation | None = self._connected.get(outlet.station_id)
        if live is None:
            return False
        unsure = False
        try:
            answer = await self._profiles.offer(live, outlet.evse_id, profile)
            problem = None if answer.accepted else answer.status
        except StationNotConnected as error:
            problem, unsure = error.detail, error.may_have_been_sent
        except CallFailed as error:
            problem, unsure = str(error), True
        except (InvalidValue, Unsupported) as error:
            problem = str(error)
        if problem is None:
            self._failed.pop(outlet.key, None)
            return True
        self._failed[outlet.key] = self._clock.now() + timedelta(seconds=_AGAIN_S)
        self._events.emit(
            "site.limit_failed", outlet.station_id, site_id=self.site.id, evse_id=outlet.evse_id, problem=problem
        )
        return None if unsure else False

    def _may_ask(self, key: OutletKey) -> bool:
        """Whether the station is there and has not just failed."""
        again_at = self._failed.get(key)
        return self._connected.get(key[0]) is not None and (again_at is None or again_at <= self._clock.now())

    def _guard(self, outlet: Outlet) -> ChargingProfile:
        return ChargingProfile(
            id=_ids(outlet)[1],
            purpose=ProfilePurpose.TX_DEFAULT,
            kind=ProfileKind.ABSOLUTE,
            stack_level=self.site.stack_level,
            schedules=(self._schedule(outlet, outlet.fail_safe_ma, _EPOCH),),
        )

    def _schedule(self, outlet: Outlet, current_ma: int, start_at: datetime) -> ChargingSchedule:
        if outlet.is_dc:
            watts = int(current_ma * self.site.voltage_v * 3 / 100) / 10
            return ChargingSchedule(RateUnit.W, (SchedulePeriod(0, watts),), start_at)
        current = current_ma // 100 / 10
        return ChargingSchedule(RateUnit.A, (SchedulePeriod(0, current, len(outlet.phases)),), start_at)

    def _wake_later(self) -> None:
        if self._timer is not None:
            self._timer()
        wait_s = min(self.site.lease_s / 4, METER_GOOD_S / 4)
        if self._failed:
            wait_s = min(wait_s, _AGAIN_S)
        self._timer = self._clock.call_later(wait_s, self.notice)


_EPOCH: Final = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
"""The fail-safe profile has counted since ever."""


def _ids(outlet: Outlet) -> tuple[int, int]:
    """Two for each EVSE: of the limit and of the fail-safe profile."""
    first = FIRST_SITE_ID + 2 * outlet.evse_id
    return first, first + 1


def _current(site: Site, schedule: ChargingSchedule) -> int:
    limit = schedule.periods[0].limit or 0.0
    return round(limit * 1000 if schedule.unit is RateUnit.A else limit * 1000 / (3 * site.voltage_v))


async def _several(work: Callable[[_Item], Awaitable[None]], items: Iterable[_Item]) -> None:
    """Do it for all, some at a time."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(item: _Item) -> None:
        async with places:
            await work(item)

    await asyncio.gather(*map(one, items))
