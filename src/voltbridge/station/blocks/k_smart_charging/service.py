"""Smart charging: profiles of the CSMS and limits from outside, and what they let the EVSEs offer (2.0.1 block K)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from voltbridge.domain.charging_profiles import (
    ChargingProfile,
    ChargingSchedule,
    InstalledProfile,
    LimitSource,
    ProfileCriteria,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
    matches,
)
from voltbridge.domain.composite_schedule import CompositeSchedule, PlacedProfile, RunningTransaction
from voltbridge.domain.tokens import IdToken
from voltbridge.station.blocks.e_transactions.service import Transactions
from voltbridge.station.blocks.e_transactions.session import EvseSession
from voltbridge.station.blocks.k_smart_charging.limits import (
    LEAST_A,
    Asking,
    affordable,
    cut_off,
    of_evse,
    of_station,
    offer_of,
    shared,
    station_limit,
)
from voltbridge.station.blocks.k_smart_charging.profiles import Profiles, Refused, check, check_room
from voltbridge.station.blocks.k_smart_charging.vehicles import Vehicles
from voltbridge.station.context import Context, on_disk
from voltbridge.station.countdown import Countdown
from voltbridge.station.facts import ChargingLimitFact, ChargingProfilesFact, ClearedChargingLimitFact
from voltbridge.station.ports import Offer

__all__ = ["ProfileQuery", "SmartCharging"]

_BEGUN: Final = "charging-begun"
_HORIZON_S: Final = 3_600
_LONGEST_S: Final = 7 * 86_400
_PER_REPORT: Final = 10
_LEAST_LEFT_S: Final = 0.001


@dataclass(frozen=True, slots=True)
class ProfileQuery:
    """Which profiles are asked for; what is None does not matter (K09.FR.03 to FR.06)."""

    evse_id: int | None = None
    ids: tuple[int, ...] | None = None
    purpose: ProfilePurpose | None = None
    stack_level: int | None = None
    sources: tuple[str, ...] | None = None

    def means(self, installed: InstalledProfile) -> bool:
        """Whether it asks for this one."""
        if self.evse_id not in (None, installed.evse_id):
            return False
        if self.ids is not None:
            return installed.profile.id in self.ids
        return (
            self.purpose in (None, installed.profile.purpose)
            and self.stack_level in (None, installed.profile.stack_level)
            and (self.sources is None or installed.source in self.sources)
        )


@dataclass(slots=True)
class _StartProfile:
    """The profile of a remote start, until the transaction is there."""

    token: IdToken
    profile: ChargingProfile
    seen: bool = False
    """Its driver has been authorized."""


class SmartCharging:
    """All profiles of a station, and their effect."""

    def __init__(self, context: Context, transactions: Transactions) -> None:
        self._context = context
        self._transactions = transactions
        self._profiles = Profiles(context)
        self.vehicles = Vehicles(context, transactions, self)
        """Those that speak ISO 15118."""
        self._start_profiles: dict[int, _StartProfile] = {}
        self._begun: dict[str, datetime] = {
            key: datetime.fromisoformat(value.decode()) for key, value in context.store.all(_BEGUN).items()
        }
        self._countdown = Countdown(context.clock, self.look)
        self._looking = False
        self._again = False
        model = context.device_model
        model.provide("SmartChargingCtrlr.Entries[ChargingProfiles]", lambda: str(len(self._profiles)))
        model.on_change("SmartChargingCtrlr.Enabled", lambda _: self.look())

    @property
    def enabled(self) -> bool:
        """Whether the station does smart charging at all (K01.FR.29, K05.FR.04)."""
        return self._context.settings.flag("SmartChargingCtrlr.Enabled")

    def start(self) -> None:
        """Begin to limit; transactions that run have been restored."""
        for session in self._transactions.sessions:
            session.on_settled = self.look
        self.look()

    def stop(self) -> None:
        """The engine stops; profiles stay."""
        self._countdown.stop()
        self.vehicles.stop()
        for session in self._transactions.sessions:
            session.on_settled = lambda: None

    # The CSMS

    async def install(self, evse_id: int, profile: ChargingProfile, *, replaces: bool = False) -> None:
        """SetChargingProfile: on disk before it is answered. Raises Refused or OSError, and then nothing has changed.

        ``replaces``: it takes the place of what has the same purpose and stack level there (1.6 5.16).
        """
        check(self._context, evse_id, profile, talks=self.vehicles.talks(evse_id))
        if profile.purpose is ProfilePurpose.TX:
            self._check_transaction(evse_id, profile)
            if self.vehicles.too_early(evse_id):
                raise Refused("InvalidMessageSeq", "the vehicle's needs have not been told yet")  # K15.FR.17
        before = tuple(self._profiles)
        if replaces:
            rival = (evse_id, profile.purpose, profile.stack_level)
            same = {
                each.profile.id
                for each in self._profiles
                if (each.evse_id, each.profile.purpose, each.profile.stack_level) == rival
            }
            self._profiles.remove(lambda each: each.profile.id in same)
        else:
            check_room(self._profiles, evse_id, profile)
        self._put(evse_id, profile, LimitSource.CSO.value)
        await on_disk(self._context.store, lambda: self._profiles.put_back(before))
        if profile.purpose is ProfilePurpose.TX:
            self.vehicles.profile_set(evse_id)

    async def clear(self, criteria: ProfileCriteria) -> bool:
        """ClearChargingProfile; False: there was none that is meant (K10.FR.01, FR.08, FR.09)."""
        before = tuple(self._profiles)
        gone = self._profiles.remove(lambda each: matches(each.evse_id, each.profile, criteria))
        await on_disk(self._context.store, lambda: self._profiles.put_back(before))
        return gone > 0

    def find(self, query: ProfileQuery) -> list[InstalledProfile]:
        """GetChargingProfiles: what ``report`` will tell."""
        return [each for each in self._profiles if query.means(each)]

    async def report(self, request_id: int, found: list[InstalledProfile]) -> None:
        """Tell them, in parts: each is of one EVSE and one source (K09.FR.01, FR.02)."""
        groups: dict[tuple[int, str], list[ChargingProfile]] = {}
        for each in found:
            groups.setdefault((each.evse_id, each.source), []).append(each.profile)
        parts = [
            (evse_id, source, tuple(profiles[first : first + _PER_REPORT]))
            for (evse_id, source), profiles in sorted(groups.items())
            for first in range(0, len(profiles), _PER_REPORT)
        ]
        for number, (evse_id, source, profiles) in enumerate(parts, 1):
            fact = ChargingProfilesFact(
                request_id=request_id,
                evse_id=evse_id,
                source=source,
                profiles=profiles,
                to_be_continued=number < len(parts),
            )
            self._context.outbox.tell(fact, triggered=True)

    def composite(self, evse_id: int, duration_s: int, unit: RateUnit | None) -> CompositeSchedule:
        """GetCompositeSchedule, from now on. EVSE 0: the whole station. Raises Refused.

        It covers less time than was asked for where that is more than a week, than a message has periods for, or than
        can be computed without keeping others waiting.
        """
        configuration, units = self._context.configuration, self._context.settings.items("SmartChargingCtrlr.RateUnit")
        if evse_id and not configuration.has(evse_id):
            raise Refused("UnknownEvse", f"there is no EVSE {evse_id}")
        unit = unit or RateUnit(units[0])
        if unit.value not in units:
            raise Refused("UnsupportedRateUnit", f"{unit} is not in RateUnit")
        if duration_s <= 0:
            raise Refused("ValuePositiveOnly", "the duration must be more than 0")
        placed, now = self.placed(), self._context.clock.now()
        duration_s = affordable(placed, min(duration_s, _LONGEST_S))
        if evse_id:
            running = self.transaction_at(self._transactions.session(evse_id))
            made = of_evse(configuration, placed, evse_id, running, now, duration_s, unit)
        else:
            transactions = {session.evse_id: self.transaction_at(session) for session in self._transactions.sessions}
            made = of_station(configuration, placed, transactions, now, duration_s, unit)
        return cut_off(made, self._context.settings.number("SmartChargingCtrlr.PeriodsPerSchedule"))

    async def apply(self) -> None:
        """Let what has changed take effect: after an answer to the CSMS."""
        self.look()
        self.vehicles.profiles_changed()

    # Remote starts

    def take_start_profile(self, evse_id: int, profile: ChargingProfile | None, token: IdToken) -> bool:
        """Keep the profile of a remote start for the transaction of this driver there (K05). False: it is no good.

        None stands for what cannot even be read.
        """
        if not self.enabled:
            return True  # F01.FR.12, K05.FR.04
        try:
            if profile is None or profile.purpose is not ProfilePurpose.TX or profile.transaction_id is not None:
                return False
            check(self._context, evse_id, profile)
            check_room(self._profiles, evse_id, profile)
        except Refused:
            return False
        self._start_profiles[evse_id] = _StartProfile(token, profile)
        return True

    # Others than the CSMS

    def limit_from_outside(
        self, source: str, schedule: ChargingSchedule, evse_id: int = 0, *, grid_critical: bool | None = None
    ) -> None:
        """An energy management system, or the grid's operator, limits the station or one EVSE (K11, K12).

        ``source`` is EMS, SO or Other. In place of what the same source has set there before. Raises ValueError for
        the source CSO, which is the CSMS (K11.FR.05), and for an EVSE that there is not.
        """
        if source == LimitSource.CSO or (evse_id and not self._context.configuration.has(evse_id)):
            raise ValueError(f"no limit of {source} at EVSE {evse_id}")
        before = self._limits_outside(source, evse_id)
        schedule = schedule if schedule.start_at else replace(schedule, start_at=self._context.clock.now())
        known = [each.profile.id for each in self._profiles if self._is_outside(each, source, evse_id)]
        number = known[0] if known else min([0, *(each.profile.id for each in self._profiles)]) - 1
        made = ChargingProfile(number, ProfilePurpose.EXTERNAL, ProfileKind.ABSOLUTE, 0, (schedule,))
        self._put(evse_id, made, source)
        self.look()
        self.vehicles.profiles_changed()
        if self._significant(before, self._limits_outside(source, evse_id)):
            told = self._context.settings.flag("SmartChargingCtrlr.NotifyChargingLimitWithSchedules")
            self._context.outbox.tell(
                ChargingLimitFact(
                    evse_id=evse_id, source=source, grid_critical=grid_critical, schedules=(schedule,) if told else ()
                )
            )

    def limit_released(self, source: str, evse_id: int = 0) -> bool:
        """The limit of somebody else is gone (K13). False: there was none."""
        if not self._profiles.remove(lambda each: self._is_outside(each, source, evse_id)):
            return False
        self._context.outbox.tell(ClearedChargingLimitFact(evse_id=evse_id, source=source))
        self.look()
        self.vehicles.profiles_changed()
        return True

    @staticmethod
    def _is_outside(installed: InstalledProfile, source: str, evse_id: int) -> bool:
        external = installed.profile.purpose is ProfilePurpose.EXTERNAL
        return external and (installed.source, installed.evse_id) == (source, evse_id)

    def _limits_outside(self, source: str, evse_id: int) -> float | None:
        """What the source limits to now; None: it does not."""
        schedule = next((e.profile.schedules[0] for e in self._profiles if self._is_outside(e, source, evse_id)), None)
        return None if schedule is None else schedule.periods[0].limit

    def _significant(self, before: float | None, after: float | None) -> bool:
        """Changed by more than LimitChangeSignificance (K11.FR.02)."""
        if before is None or after is None:
            return before != after
        percent = float(self._context.settings.text("SmartChargingCtrlr.LimitChangeSignificance") or 0)
        return abs(after - before) > before * percent / 100

    # The effect

    def look(self) -> None:
        """Something may have changed: let every EVSE offer what it may, until the next change."""
        if self._looking:
            self._again = True
            return
        self._looking = True
        try:
            while True:
                self._again = False
                self._follow_transactions()
                self._limit()
                self.vehicles.look()
                if not self._again:
                    break
        finally:
            self._looking = False

    def _follow_transactions(self) -> None:
        """Profiles come and go with their transactions (K02.FR.05, K05.FR.03)."""
        running = set()
        for session in self._transactions.sessions:
            transaction = session.transaction
            if transaction is not None:
                running.add(transaction.key)
                if transaction.key not in self._begun and session.demands:
                    self._begun[transaction.key] = self._context.clock.now()
                    self._context.store.put(_BEGUN, transaction.key, self._begun[transaction.key].isoformat().encode())
            self._bind(session)
        self._profiles.remove(
            lambda each: each.profile.purpose is ProfilePurpose.TX and each.profile.transaction_id not in running
        )
        for key in self._begun.keys() - running:
            del self._begun[key]
            self._context.store.delete(_BEGUN, key)

    def _bind(self, session: EvseSession) -> None:
        """Give the profile of a remote start to the transaction of its driver."""
        start = self._start_profiles.get(session.evse_id)
        if start is None:
            return
        driver = session.driver
        if driver is None or driver.token.key != start.token.key:
            if start.seen or driver is not None:
                del self._start_profiles[session.evse_id]
        elif session.transaction is None:
            start.seen = True
        else:
            del self._start_profiles[session.evse_id]
            self._put(
                session.evse_id, replace(start.profile, transaction_id=session.transaction.key), LimitSource.CSO.value
            )

    def _limit(self) -> None:
        context, sessions = self._context, self._transactions.sessions
        configuration = context.configuration
        placed = self.placed()
        if not placed and not configuration.supply_max_current_a:
            self._countdown.stop()
            for session, evse in zip(sessions, configuration.evses, strict=True):
                self._offer(session, offer_of(evse, evse.max_current_a, None, session.cable_max_a))
            return
        now = context.clock.now()
        horizon_s = affordable(placed, _HORIZON_S)
        whole = station_limit(configuration, placed, now, horizon_s)
        own = {
            session.evse_id: of_evse(
                configuration, placed, session.evse_id, self.transaction_at(session), now, horizon_s, RateUnit.A
            )
            for session in sessions
        }
        offers = {
            evse_id: offer_of(
                configuration.evses[evse_id - 1],
                each.intervals[0].limit or 0.0,
                each.intervals[0].number_phases,
                self._transactions.session(evse_id).cable_max_a,
            )
            for evse_id, each in own.items()
        }
        limit = whole.intervals[0].limit
        if limit is not None:
            self._share(limit, offers)
        # What is lowered first leaves room for what is raised.
        for session in sorted(sessions, key=lambda each: offers[each.evse_id].current_a - each.offer.current_a):
            self._offer(session, offers[session.evse_id])
        changes = [each.intervals[1].start_s for each in (whole, *own.values()) if len(each.intervals) > 1]
        next_s = min([horizon_s, *changes])
        left_s = (whole.start_at + timedelta(seconds=next_s) - now).total_seconds()
        self._countdown.start(max(left_s, _LEAST_LEFT_S))

    def _share(self, limit: float, offers: dict[int, Offer]) -> None:
        """Divide the limit of the whole among those who ask (K04.FR.05, K12.FR.01)."""
        asking = []
        evses = self._context.configuration.evses
        for session in self._transactions.sessions:
            offer, evse = offers[session.evse_id], evses[session.evse_id - 1]
            if session.demands and offer.current_a > 0:
                transaction = session.transaction
                asking.append(
                    Asking(
                        session.evse_id,
                        offer.current_a,
                        0.0 if evse.direct_current else LEAST_A,
                        (transaction.priority if transaction else None) or 0,
                        transaction.started_at if transaction else self._context.clock.now(),
                    )
                )
        parts = shared(limit, asking)
        for each in asking:
            evse = evses[each.evse_id - 1]
            offers[each.evse_id] = offer_of(evse, parts.get(each.evse_id, 0.0), offers[each.evse_id].phases)

    def _offer(self, session: EvseSession, offer: Offer) -> None:
        before = session.offer
        if offer == before:
            return
        state = session.transaction.charging_state if session.transaction else None
        session.set_offer(offer)
        still = session.transaction is not None and session.transaction.charging_state == state == "Charging"
        if still and self._significant(before.current_a * before.phases, offer.current_a * offer.phases):
            session.tell_rate()

    def placed(self) -> tuple[PlacedProfile, ...]:
        """What counts; nothing where smart charging is switched off, but what others than the CSMS say."""
        enabled = self.enabled
        return tuple(
            PlacedProfile.of(each)
            for each in self._profiles
            if enabled or each.profile.purpose is ProfilePurpose.EXTERNAL
        )

    def transaction_at(self, session: EvseSession) -> RunningTransaction | None:
        """The transaction of an EVSE, and from when its schedules count: when energy could flow first (K01.FR.42)."""
        transaction = session.transaction
        if transaction is None:
            return None
        return RunningTransaction(transaction.key, self._begun.get(transaction.key) or self._context.clock.now())

    def _check_transaction(self, evse_id: int, profile: ChargingProfile) -> None:
        """K01.FR.03, FR.09, FR.33."""
        transaction = self._transactions.session(evse_id).transaction
        if transaction is None or transaction.key != profile.transaction_id:
            raise Refused("TxNotFound", f"no such transaction runs at EVSE {evse_id}")

    def _put(self, evse_id: int, profile: ChargingProfile, source: str) -> None:
        context = self._context
        self._profiles.put(
            InstalledProfile(context.configuration.identity, evse_id, profile, source, context.clock.now())
        )
