"""Charging profiles: the operator's named ones, and what is known of those that stations have (2.0.1 K; 1.6 3.13).

What a station has is learnt from the profiles it accepts and clears, and put right by its reports: after a report of
everything that some criteria mean, what was not in it is gone. A TxProfile ends with its transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from weakref import WeakValueDictionary

from voltbridge.csms.blocks.k_smart_charging.parameters import GetChargingProfiles
from voltbridge.csms.blocks.k_smart_charging.ports import (
    Calls,
    Connected,
    ConnectorBook,
    InstalledBook,
    KnownStations,
    LimitBook,
    Outcomes,
    ProfileBook,
    Words,
)
from voltbridge.csms.blocks.k_smart_charging.vehicles import Vehicles
from voltbridge.csms.commands.kinds import Answer, answered
from voltbridge.csms.events import EventLog
from voltbridge.domain.charging_profiles import (
    ChargingLimit,
    ChargingProfile,
    InstalledProfile,
    LimitSource,
    NamedProfile,
    ProfileConflict,
    ProfileCriteria,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
    check_profile,
    conflict,
    matches,
)
from voltbridge.domain.clock import Clock
from voltbridge.domain.composite_schedule import (
    CompositeSchedule,
    PlacedProfile,
    RunningTransaction,
    Supply,
    composite_schedule,
    station_composite_schedule,
)
from voltbridge.domain.errors import InvalidValue, NotFound
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.transactions import TransactionState
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["FIRST_OWN_ID", "FIRST_SITE_ID", "REPORT", "SmartChargingService"]

FIRST_OWN_ID: Final = 1_000_000_000
"""Ids from here on are given to profiles that are nobody's resource; smaller ones are the operator's."""
FIRST_SITE_ID: Final = 2_000_000_000
"""Ids from here on are those of load management, which chooses them itself."""

REPORT: Final = "charging_profiles"
"""The kind of outcome that reports of profiles are."""

_REPORTS_KEPT: Final = 8
"""Reports of one station that may be under way at a time."""

_Call = Callable[[Payload], Awaitable[Any]]


@dataclass(slots=True)
class _Report:
    """A report under way."""

    wanted: GetChargingProfiles
    asked_at: datetime
    ids: set[int] = field(default_factory=set)


class SmartChargingService:
    """Everything about charging profiles. ``vehicles`` answers what vehicles need and plan."""

    def __init__(
        self,
        profiles: ProfileBook,
        installed: InstalledBook,
        limits: LimitBook,
        connectors: ConnectorBook,
        stations: KnownStations,
        connected: Connected,
        calls: Calls,
        outcomes: Outcomes,
        events: EventLog,
        clock: Clock,
        words: Mapping[Version, Words],
    ) -> None:
        self._profiles = profiles
        self._installed = installed
        self._limits = limits
        self._connectors = connectors
        self._stations = stations
        self._connected = connected
        self._calls = calls
        self._outcomes = outcomes
        self._events = events
        self._clock = clock
        self.words = words
        self.vehicles = Vehicles(self, events, clock)
        self._reports: dict[str, dict[int, _Report]] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By station: setting and clearing take turns, so that no id is given twice and none conflicts unseen."""

    def now(self) -> datetime:
        """The moment at which something is noted."""
        return self._clock.now()

    # The operator's profiles

    async def list(self, page: PageRequest) -> Page[NamedProfile]:
        """In the order of their ids. Raises InvalidCursor."""
        return await self._profiles.list(page)

    async def get(self, id: int) -> NamedProfile:
        """One profile. Raises NotFound."""
        named = await self._profiles.get(id)
        if named is None:
            raise NotFound("charging profile", str(id))
        return named

    async def create(self, name: str, profile: ChargingProfile) -> NamedProfile:
        """Keep a profile; one with id 0 gets the next free id. Raises InvalidValue, AlreadyExists."""
        self._check_named(profile)
        now = self._clock.now()
        named = await self._profiles.add(NamedProfile(name, profile, now, now))
        self._events.emit("charging_profile.created", None, id=named.profile.id, name=name)
        return named

    async def replace(self, name: str, profile: ChargingProfile) -> NamedProfile:
        """Change a profile; stations keep what was set until it is set again. Raises NotFound, InvalidValue."""
        former = await self.get(profile.id)
        self._check_named(profile)
        named = NamedProfile(name, profile, former.created_at, self._clock.now())
        await self._profiles.replace(named)
        self._events.emit("charging_profile.changed", None, id=profile.id, name=name)
        return named

    async def delete(self, id: int) -> None:
        """Forget a profile; stations keep it until it is cleared there. Raises NotFound."""
        await self._profiles.delete(id)
        self._events.emit("charging_profile.deleted", None, id=id)

    # What stations have

    async def installed(self, station_id: str) -> Sequence[InstalledProfile]:
        """The profiles a station has, as far as known. Raises NotFound."""
        await self._check_station(station_id)
        return await self.present(station_id)

    async def limits(self, station_id: str) -> Sequence[ChargingLimit]:
        """What others than the CSMS have limited there. Raises NotFound."""
        await self._check_station(station_id)
        return await self._limits.of_station(station_id)

    async def present(self, station_id: str) -> Sequence[InstalledProfile]:
        """As ``installed``, of a station that is known to be one."""
        found = await self._installed.of_station(station_id)
        live = self._connected.get(station_id)
        if live is None:
            return found
        over = [one.profile.id for one in found if _is_over(one, live)]
        if over:
            await self._installed.remove(station_id, over)
        return [one for one in found if one.profile.id not in over]

    async def install(
        self, station_id: str, version: Version, evse_id: int, profile: ChargingProfile, call: _Call
    ) -> Answer:
        """Have a station take a profile. Raises InvalidValue (ProfileConflict), Unsupported and what ``call`` raises.

        A TxProfile without a transaction is for the one that runs on the EVSE (K01.FR.03). Id 0: one is given.
        """
        profile = self._completed(station_id, evse_id, profile)
        async with self._turn(station_id):
            there = await self.present(station_id)
            if profile.id == 0:
                profile = replace(profile, id=_free_id(there))
            check_profile(profile, evse_id)
            other = conflict(evse_id, profile, there)
            if other is not None:
                raise ProfileConflict(other)
            answer = answered(await call(self.words[version].set_request(evse_id, profile)))
            if answer.accepted:
                await self._note_set(station_id, evse_id, profile)
        return replace(answer, info={**answer.info, "profile_id": profile.id})

    async def _note_set(self, station_id: str, evse_id: int, profile: ChargingProfile) -> None:
        noted = InstalledProfile(station_id, evse_id, profile, LimitSource.CSO.value, self._clock.now())
        await self._installed.put([noted])
        self._events.emit(
            "charging_profile.set",
            station_id,
            id=profile.id,
            evse_id=evse_id,
            purpose=profile.purpose.value,
            stack_level=profile.stack_level,
        )

    async def clear(self, station_id: str, version: Version, criteria: ProfileCriteria, call: _Call) -> Answer:
        """Have a station clear profiles. Raises Unsupported and what ``call`` raises."""
        words = self.words[version]
        async with self._turn(station_id):
            answers = [words.clear_answer(await call(request)) for request in words.clear_requests(criteria)]
            # Unknown says that the station has no such profile, so neither may we (K10.FR.01).
            there = await self._installed.of_station(station_id)
            gone = [found.profile.id for found in there if matches(found.evse_id, found.profile, criteria)]
            await self._installed.remove(station_id, gone)
        accepted = [answer for answer in answers if answer.accepted]
        if accepted:
            self._events.emit("charging_profile.cleared", station_id, ids=gone)
        return accepted[0] if accepted else answers[-1]

    # What stations tell

    async def limit_set(self, limit: ChargingLimit, data: Mapping[str, Any]) -> None:
        """Somebody else limits a station (K11, K12)."""
        await self._limits.put(limit)
        self._events.emit("charging_limit.set", limit.station_id, **data)

    async def limit_cleared(self, station_id: str, source: str, evse_id: int | None, data: Mapping[str, Any]) -> None:
        """Somebody else's limit is gone (K13); without an EVSE all of that source."""
        await self._limits.remove(station_id, source, evse_id)
        self._events.emit("charging_limit.cleared", station_id, **data)

    def report_expected(self, station_id: str, request_id: int, wanted: GetChargingProfiles) -> None:
        """A report is about to be asked for."""
        reports = self._reports.setdefault(station_id, {})
        reports[request_id] = _Report(wanted, self._clock.now())
        while len(reports) > _REPORTS_KEPT:
            del reports[next(iter(reports))]

    async def report_answered(self, station_id: str, request_id: int, accepted: bool) -> None:
        """NoProfiles: none of those asked for is there (K09.FR.02)."""
        if accepted:
            return
        report = self._reports.get(station_id, {}).pop(request_id, None)
        if report is not None:
            await self._remove_missing(station_id, report)

    async def reported(
        self,
        live: LiveStation,
        request_id: int,
        evse_id: int,
        source: str,
        profiles: Sequence[ChargingProfile],
        *,
        more: bool,
        data: Mapping[str, Any],
    ) -> None:
        """A part of a report; the last one (not ``more``) ends it (K09.FR.05)."""
        station_id, now = live.station_id, self._clock.now()
        await self._installed.put([InstalledProfile(station_id, evse_id, one, source, now) for one in profiles])
        self._events.emit("charging_profiles.reported", station_id, **data)
        reports = self._reports.get(station_id, {})
        report = reports.get(request_id)
        if report is not None:
            report.ids.update(one.id for one in profiles)
        if more:
            self._outcomes.progress(
                station_id, REPORT, str(request_id), {"profiles": len(report.ids) if report else len(profiles)}
            )
            return
        count = len(profiles)
        if report is not None:
            del reports[request_id]
            count = len(report.ids)
            await self._remove_missing(station_id, report)
        self._outcomes.conclude(station_id, REPORT, str(request_id), True, {"profiles": count})

    # What it amounts to

    async def composite(
        self,
        station_id: str,
        evse_id: int,
        *,
        duration_s: int,
        unit: RateUnit,
        start_at: datetime | None = None,
        supply: Supply | None = None,
        without_tx: bool = False,
    ) -> CompositeSchedule:
        """The limits that should hold at a station by what is known of it; EVSE 0: of all together.

        ``without_tx`` leaves out profiles of transactions.
        """
        profiles = [
            PlacedProfile.of(one)
            for one in await self.present(station_id)
            if not (without_tx and one.profile.purpose is ProfilePurpose.TX)
        ]
        for index, limit in enumerate(await self._limits.of_station(station_id)):
            profiles += _external(limit, index)
        start_at = start_at or self._clock.now()
        if evse_id == 0:
            evses = {connector.evse_id for connector in await self._connectors.of_station(station_id)} - {0}
            return station_composite_schedule(
                profiles,
                evses={one: self.running(station_id, one) for one in evses},
                start_at=start_at,
                duration_s=duration_s,
                unit=unit,
                supply=supply,
            )
        return composite_schedule(
            profiles,
            evse_id=evse_id,
            start_at=start_at,
            duration_s=duration_s,
            unit=unit,
            transaction=self.running(station_id, evse_id),
            supply=supply,
        )

    def running(self, station_id: str, evse_id: int) -> RunningTransaction | None:
        """The transaction of an EVSE of a connected station."""
        live = self._connected.get(station_id)
        for one in reversed(list(live.transactions.values())) if live is not None else ():
            if one.evse_id == evse_id and one.state is TransactionState.ACTIVE and one.superseded_by is None:
                return RunningTransaction(one.transaction_id, one.started_at or one.created_at)
        return None

    async def offer(self, live: LiveStation, evse_id: int, profile: ChargingProfile) -> Answer:
        """Have a connected station take a profile of ours, outside of any command."""
        version = Version(live.report.protocol or "")

        async def call(request: Payload) -> Any:
            return await self._calls.call(live, version, request)

        return await self.install(live.station_id, version, evse_id, profile, call)

    def _completed(self, station_id: str, evse_id: int, profile: ChargingProfile) -> ChargingProfile:
        if profile.purpose is not ProfilePurpose.TX or profile.transaction_id is not None:
            return profile
        transaction = self.running(station_id, evse_id)
        if transaction is None:
            raise InvalidValue("transaction_id", f"must be given: no transaction is known on EVSE {evse_id}")
        return replace(profile, transaction_id=transaction.transaction_id)

    def _check_named(self, profile: ChargingProfile) -> None:
        if profile.id >= FIRST_OWN_ID:
            raise InvalidValue("id", f"must be less than {FIRST_OWN_ID}; larger ones are given to other profiles")
        if profile.transaction_id is not None:
            raise InvalidValue("transaction_id", "cannot be kept: it is filled in when the profile is set")
        check_profile(replace(profile, id=profile.id or 1))

    async def _check_station(self, station_id: str) -> None:
        if await self._stations.get(station_id) is None:
            raise NotFound("station", station_id)

    async def _remove_missing(self, station_id: str, report: _Report) -> None:
        """What a complete report should have had and did not have is gone, unless it was set meanwhile."""
        gone = [
            one.profile.id
            for one in await self._installed.of_station(station_id)
            if one.profile.id not in report.ids and _meant(one, report.wanted) and one.noted_at <= report.asked_at
        ]
        await self._installed.remove(station_id, gone)

    def _turn(self, station_id: str) -> asyncio.Lock:
        return self._turns.setdefault(station_id, asyncio.Lock())


def _free_id(there: Sequence[InstalledProfile]) -> int:
    """The smallest that is given to nobody's resources and that the station has not."""
    used = {one.profile.id for one in there}
    return next(id for id in range(FIRST_OWN_ID, FIRST_SITE_ID) if id not in used)


def _is_over(one: InstalledProfile, live: LiveStation) -> bool:
    """Whether the transaction of a TxProfile has ended, as far as is known."""
    if one.profile.purpose is not ProfilePurpose.TX:
        return False
    transaction = live.transactions.get(one.profile.transaction_id or "")
    return transaction is not None and transaction.state is not TransactionState.ACTIVE


def _meant(one: InstalledProfile, wanted: GetChargingProfiles) -> bool:
    profile = one.profile
    return (
        wanted.evse_id in (None, one.evse_id)
        and (wanted.profile_ids is None or profile.id in wanted.profile_ids)
        and wanted.purpose in (None, profile.purpose)
        and wanted.stack_level in (None, profile.stack_level)
        and (wanted.sources is None or one.source in wanted.sources)
    )


def _external(limit: ChargingLimit, index: int) -> list[PlacedProfile]:
    """A limit from outside as the profile it amounts to; the lowest of several counts, since each has its own level."""
    made = []
    for schedule in limit.schedules[:1]:
        started = schedule if schedule.start_at is not None else replace(schedule, start_at=limit.noted_at)
        profile = ChargingProfile(-index, ProfilePurpose.EXTERNAL, ProfileKind.ABSOLUTE, index, (started,))
        made.append(PlacedProfile(limit.evse_id, profile))
    return made
