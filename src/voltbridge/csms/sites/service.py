"""The operator's sites: kept, steered as long as the program runs, and shown as they are."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from voltbridge.csms.events import EventLog
from voltbridge.csms.sites.manager import SiteManager
from voltbridge.csms.sites.ports import Connected, Happenings, Profiles, SiteBook
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import InvalidValue, NotFound
from voltbridge.domain.site_load import PHASES, Outlet, OutletState, Site, check_site, headroom, may_draw

__all__ = ["FuseLoad", "OutletLoad", "SiteLoad", "SiteService"]


@dataclass(frozen=True, slots=True)
class FuseLoad:
    """A fuse now, in mA by phase."""

    id: str
    limit_ma: tuple[int, ...]
    other_ma: tuple[int, ...]
    """By its meter, or its reserve."""
    metered: bool
    charging_ma: tuple[int, ...]
    """What outlets behind it may draw at most."""


@dataclass(frozen=True, slots=True)
class OutletLoad:
    """An outlet now."""

    outlet: Outlet
    state: OutletState
    may_draw_ma: int


@dataclass(frozen=True, slots=True)
class SiteLoad:
    """A site now."""

    fuses: tuple[FuseLoad, ...]
    outlets: tuple[OutletLoad, ...]


class SiteService:
    """All sites. ``start`` takes up the stored ones, ``close`` lets go of them."""

    def __init__(
        self,
        book: SiteBook,
        profiles: Profiles,
        connected: Connected,
        bus: Happenings,
        events: EventLog,
        clock: Clock,
    ) -> None:
        self._book = book
        self._profiles = profiles
        self._connected = connected
        self._bus = bus
        self._events = events
        self._clock = clock
        self._managers: dict[str, SiteManager] = {}
        self._listener: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Steer every stored site. Raises StorageUnavailable."""
        for site in await self._book.all():
            await self._steer(site)

    async def close(self) -> None:
        """Stop steering; stations keep their limits until these lapse."""
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
            self._listener = None
        managers = list(self._managers.values())
        self._managers.clear()
        for manager in managers:
            await manager.stop()

    def list(self) -> Sequence[Site]:
        """In the order of their ids."""
        return [self._managers[id].site for id in sorted(self._managers)]

    def get(self, site_id: str) -> Site:
        """Raises NotFound."""
        return self._manager(site_id).site

    async def put(self, site: Site) -> bool:
        """Keep and steer a site, in the place of the one of its id; whether it was added. Raises InvalidValue."""
        check_site(site)
        async with self._changing:
            for other in self._managers.values():
                taken = {one.key for one in other.site.outlets} if other.site.id != site.id else set()
                for index, outlet in enumerate(site.outlets):
                    if outlet.key in taken:
                        raise InvalidValue(f"outlets[{index}]", f"belongs to site {other.site.id} already")
            added = await self._book.put(site)
            await self._steer(site)
        self._events.emit("site.created" if added else "site.changed", None, site_id=site.id)
        return added

    async def delete(self, site_id: str) -> None:
        """Forget a site; its limits lapse, the fail-safe ones stay until they are cleared. Raises NotFound."""
        async with self._changing:
            manager = self._manager(site_id)
            await self._book.delete(site_id)
            del self._managers[site_id]
            await manager.stop()
        self._events.emit("site.deleted", None, site_id=site_id)

    def meter(self, site_id: str, fuse_id: str, other_ma: tuple[int, int, int]) -> None:
        """Tell what else draws through a fuse now. Raises NotFound."""
        manager = self._manager(site_id)
        if all(fuse.id != fuse_id for fuse in manager.site.fuses):
            raise NotFound("fuse", fuse_id)
        manager.meter(fuse_id, other_ma)

    def load(self, site_id: str) -> SiteLoad:
        """What may be drawn where. Raises NotFound."""
        manager = self._manager(site_id)
        site, states, others = manager.site, manager.states(), manager.others()
        free = headroom(site, others)
        parents = {fuse.id: fuse.parent_id for fuse in site.fuses}
        drawn = dict.fromkeys(free, 0)
        outlets = []
        for outlet in site.outlets:
            state = states[outlet.key]
            ma = may_draw(outlet, state)
            outlets.append(OutletLoad(outlet, state, ma))
            at: str | None = outlet.fuse_id
            while at is not None:
                for phase in outlet.phases:
                    drawn[at, phase] += ma
                at = parents[at]
        fuses = tuple(
            FuseLoad(
                fuse.id,
                fuse.limit_ma,
                tuple(others.get(fuse.id, fuse.reserve_ma)),
                fuse.id in others,
                tuple(drawn[fuse.id, phase] for phase in PHASES),
            )
            for fuse in site.fuses
        )
        return SiteLoad(fuses, tuple(outlets))

    def _manager(self, site_id: str) -> SiteManager:
        manager = self._managers.get(site_id)
        if manager is None:
            raise NotFound("site", site_id)
        return manager

    async def _steer(self, site: Site) -> None:
        former = self._managers.get(site.id)
        manager = SiteManager(site, self._profiles, self._connected, self._events, self._clock)
        try:
            await manager.remember()
        except BaseException:
            await manager.stop()
            raise
        if former is not None:
            await former.stop()
            for fuse_id, other_ma in former.others().items():
                manager.meter(fuse_id, other_ma)
        self._managers[site.id] = manager
        if self._listener is None:
            self._listener = asyncio.get_running_loop().create_task(self._listen())
        manager.notice()

    async def _listen(self) -> None:
        """Recompute a site whenever a station of it comes, goes, or a transaction there begins or ends."""
        async with self._bus.subscribe(live=False) as happenings:
            async for event in happenings:
                if event.type.startswith(("transaction.", "station.connected", "station.disconnected")):
                    for manager in self._managers.values():
                        if any(one.station_id == event.station_id for one in manager.site.outlets):
                            manager.notice()
