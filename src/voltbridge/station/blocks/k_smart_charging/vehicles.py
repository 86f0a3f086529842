"""Vehicles that speak ISO 15118: their needs told to the CSMS, its schedules offered to them, their plans told back.

The life of a vehicle at an EVSE (2.0.1 K15 to K17):

1. It tells its needs. As soon as its driver is authorized they are told to the CSMS, after what the transaction has to
   say so far (K15.FR.01, FR.16).
2. Accepted: a TxProfile is waited for, a minute at most (K15.FR.08). Any other answer, none, or no connection: what is
   installed has to do (K15.FR.15, K17.FR.04, FR.15); needs that could not be told are once there is a connection.
3. The composite schedules of the EVSE are offered to it, as many as there are alternatives (K15.FR.22), in no more
   periods than it takes. It chooses one, and may plan within it. A plan that goes beyond is not taken: it is offered
   the same again (K15.FR.09). What it settles for is told (K15.FR.10, FR.19).
4. Profiles that change what it was offered make the station offer anew, without asking for needs (K16.FR.02, FR.09).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from voltbridge.domain.charging_profiles import ChargingSchedule, ProfilePurpose, RateUnit, SchedulePeriod
from voltbridge.domain.composite_schedule import CompositeSchedule, PlacedProfile, RunningTransaction
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import NoAnswer, Refused, VehicleAnswer
from voltbridge.station.blocks.e_transactions.service import Transactions
from voltbridge.station.blocks.e_transactions.session import EvseSession
from voltbridge.station.blocks.k_smart_charging.limits import affordable, of_evse
from voltbridge.station.context import Context
from voltbridge.station.countdown import Countdown
from voltbridge.station.facts import VehicleNeedsFact, VehiclePlanFact
from voltbridge.station.high_level import OfferedSchedule, VehicleNeeds

__all__ = ["Installed", "Vehicles"]

_PATIENCE_S: Final = 60.0
"""How long a schedule is waited for (K15.FR.08)."""
_QUEUE_S: Final = 30.0
"""How long needs wait behind what the transaction has to say."""
_LOOK_S: Final = 0.1
_HORIZON_S: Final = 86_400
_SHORTEST_S: Final = 60
_REFUSALS: Final = 3
"""Plans in a row that go beyond what was offered, before its offer is told in place of the plan."""
_TOLERANCE: Final = 0.1 + 1e-9


class Installed(Protocol):
    """What is needed of the service that this is part of."""

    @property
    def enabled(self) -> bool: ...

    def placed(self) -> tuple[PlacedProfile, ...]:
        """The profiles that count."""

    def transaction_at(self, session: EvseSession) -> RunningTransaction | None:
        """The transaction of an EVSE, and from when its schedules count."""


@dataclass(slots=True)
class _Vehicle:
    """One that is connected."""

    needs: VehicleNeeds
    told_at: datetime
    countdown: Countdown
    begun: bool = False
    """These needs are being dealt with."""
    sent: bool = False
    """These needs have left for the CSMS, or will never."""
    profile_came: bool = False
    """A TxProfile was set since they left."""
    waits: bool = False
    """For a TxProfile."""
    offered: tuple[OfferedSchedule, ...] = ()
    refused: int = 0


class Vehicles:
    """Those at all EVSEs of a station."""

    def __init__(self, context: Context, transactions: Transactions, installed: Installed) -> None:
        self._context = context
        self._transactions = transactions
        self._installed = installed
        self._known: dict[int, _Vehicle] = {}

    # What vehicles say

    def needs_told(self, evse_id: int, needs: VehicleNeeds) -> None:
        """First, or anew (K17.FR.01)."""
        former = self._known.pop(evse_id, None)
        if former is not None:
            former.countdown.stop()
        countdown = Countdown(self._context.clock, lambda: self._propose(evse_id))
        self._known[evse_id] = _Vehicle(needs, self._context.clock.now(), countdown)
        self.look()

    def schedule_chosen(self, evse_id: int, schedule_id: int, plan: ChargingSchedule | None) -> None:
        """It has chosen; what it will take is told where it stays within what it was offered."""
        vehicle = self._known.get(evse_id)
        if vehicle is None or not vehicle.offered:
            return
        chosen = next((each for each in vehicle.offered if each.id == schedule_id), vehicle.offered[0])
        if plan is not None and not _stays_within(plan, chosen):
            vehicle.refused += 1
            if vehicle.refused < _REFUSALS:
                self._propose(evse_id)
                return
            plan = None
        vehicle.refused = 0
        if vehicle.needs.dynamic:
            return
        fact = VehiclePlanFact(
            evse_id=evse_id,
            time_base=chosen.start_at,
            schedule=plan or _as_schedule(chosen),
            selected=chosen.id or None,
        )
        self._context.outbox.tell(fact)

    # What happens meanwhile

    def talks(self, evse_id: int) -> bool:
        """Whether a vehicle there has told its needs (K01.FR.34)."""
        return evse_id in self._known

    def too_early(self, evse_id: int) -> bool:
        """Whether a TxProfile would come before the needs it is to answer (K15.FR.17)."""
        vehicle = self._known.get(evse_id)
        return vehicle is not None and not vehicle.sent and not vehicle.offered and self._context.outbox.online

    def look(self) -> None:
        """Sessions have changed: needs may be told now, or nobody is there any more."""
        for evse_id, vehicle in list(self._known.items()):
            session = self._transactions.session(evse_id)
            if not session.plugged:
                vehicle.countdown.stop()
                del self._known[evse_id]
            elif session.driver is not None and not vehicle.begun:
                vehicle.begun = True
                self._context.tasks.spawn(self._ask(evse_id, vehicle), f"needs at {evse_id}")

    def registered(self) -> None:
        """There is a connection: what could not be told before is now (2.1 K15.FR.20)."""
        for evse_id, vehicle in self._known.items():
            if vehicle.begun and not vehicle.sent and self._transactions.session(evse_id).transaction is not None:
                self._context.tasks.spawn(self._ask(evse_id, vehicle), f"needs at {evse_id}")

    def profile_set(self, evse_id: int) -> None:
        """The CSMS has set a TxProfile there."""
        vehicle = self._known.get(evse_id)
        if vehicle is not None:
            vehicle.profile_came = True

    def profiles_changed(self) -> None:
        """Offer anew where that makes a difference."""
        for evse_id, vehicle in list(self._known.items()):
            if vehicle.waits and vehicle.profile_came:
                self._propose(evse_id)
            elif vehicle.offered and not vehicle.waits:
                made = self._schedules(evse_id, vehicle)
                same = len(made) == len(vehicle.offered)
                if not (same and all(map(_says_the_same, vehicle.offered, made))):
                    self._propose(evse_id)

    def stop(self) -> None:
        """The engine stops."""
        for vehicle in self._known.values():
            vehicle.countdown.stop()

    # The CSMS

    async def _ask(self, evse_id: int, vehicle: _Vehicle) -> None:
        """Tell the needs; what follows depends on the answer."""
        context = self._context
        status = None
        if self._installed.enabled and context.version is not Version.V16:
            await self._after_the_transaction(evse_id)
            late = bool(vehicle.offered)
            fact = VehicleNeedsFact(evse_id=evse_id, at=vehicle.told_at, needs=vehicle.needs, late=late)
            vehicle.sent, vehicle.profile_came = True, False
            try:
                answer = await context.outbox.ask(fact)
                status = answer.status if isinstance(answer, VehicleAnswer) else None
            except Refused:
                status = None
            except NoAnswer:
                vehicle.sent = False
        else:
            vehicle.sent = True
        if self._known.get(evse_id) is not vehicle:
            return
        if status == "Accepted" and not vehicle.profile_came:
            if not vehicle.offered:  # else it charges by what it has, until the profile comes (K16)
                vehicle.waits = True
                vehicle.countdown.start(_PATIENCE_S)
        elif status == "Accepted" or not vehicle.offered:
            self._propose(evse_id)

    async def _after_the_transaction(self, evse_id: int) -> None:
        """Return when the CSMS knows of the transaction and its driver (K15.FR.16)."""
        clock, outbox = self._context.clock, self._context.outbox
        until = clock.monotonic() + _QUEUE_S
        while outbox.online and clock.monotonic() < until:
            transaction = self._transactions.session(evse_id).transaction
            if transaction is None or not outbox.transactions_queued(transaction.key):
                break
            await clock.sleep(_LOOK_S)

    # What is offered

    def _propose(self, evse_id: int) -> None:
        vehicle = self._known.get(evse_id)
        if vehicle is None:
            return
        vehicle.countdown.stop()
        vehicle.waits = False
        vehicle.offered = self._schedules(evse_id, vehicle)
        self._context.hardware.evses[evse_id - 1].propose(vehicle.offered)

    def _schedules(self, evse_id: int, vehicle: _Vehicle) -> tuple[OfferedSchedule, ...]:
        context, needs = self._context, vehicle.needs
        running = self._installed.transaction_at(self._transactions.session(evse_id))
        placed, now = self._installed.placed(), context.clock.now()
        own = _own(placed, evse_id, running)
        length_s = _HORIZON_S
        if needs.departure_at is not None and needs.departure_at > now + timedelta(seconds=_SHORTEST_S):
            length_s = min(length_s, int((needs.departure_at - now).total_seconds()))
        length_s = affordable(placed, length_s)
        unit = _unit(placed, own, evse_id, needs)
        offered = []
        for index in range(max((len(each.profile.schedules) for each in own), default=1)):
            made = of_evse(context.configuration, _alternative(placed, index), evse_id, running, now, length_s, unit)
            source = own[0].profile.schedules[min(index, len(own[0].profile.schedules) - 1)] if own else None
            offered.append(
                OfferedSchedule(
                    id=source.id if source is not None else 0,
                    start_at=made.start_at,
                    duration_s=made.duration_s,
                    unit=unit,
                    periods=_periods(made, needs.max_periods),
                    sales_tariff=source.sales_tariff if source is not None else None,
                )
            )
        return tuple(offered)


def _own(placed: Iterable[PlacedProfile], evse_id: int, running: RunningTransaction | None) -> list[PlacedProfile]:
    """The profiles of the transaction, the one that leads first."""
    return sorted(
        (
            each
            for each in placed
            if each.profile.purpose is ProfilePurpose.TX
            and each.evse_id == evse_id
            and running is not None
            and each.profile.transaction_id in (None, running.transaction_id)
        ),
        key=lambda each: (each.profile.stack_level, each.profile.id),
        reverse=True,
    )


def _unit(placed: Iterable[PlacedProfile], own: list[PlacedProfile], evse_id: int, needs: VehicleNeeds) -> RateUnit:
    """That of the CSMS's profile, or else what the current calls for."""
    if own:
        return own[0].profile.schedules[0].unit
    for each in placed:
        if each.profile.purpose is ProfilePurpose.TX_DEFAULT and each.evse_id in (0, evse_id):
            return each.profile.schedules[0].unit
    return RateUnit.W if needs.is_dc else RateUnit.A


def _alternative(placed: Iterable[PlacedProfile], index: int) -> list[PlacedProfile]:
    """With the schedule of this place in each profile that has so many (K15.FR.22)."""
    return [
        replace(each, profile=replace(each.profile, schedules=each.profile.schedules[index : index + 1]))
        if index < len(each.profile.schedules)
        else each
        for each in placed
    ]


def _periods(made: CompositeSchedule, most: int | None) -> tuple[SchedulePeriod, ...]:
    """Where there are more than the vehicle takes, the last stands for all that follow it, with the lowest limit."""
    periods = [
        SchedulePeriod(each.start_s, each.limit, each.number_phases, each.phase_to_use) for each in made.intervals
    ]
    if most is None or len(periods) <= max(1, most):
        return tuple(periods)
    kept, rest = periods[: max(1, most)], periods[max(1, most) - 1 :]
    limits = [each.limit for each in rest if each.limit is not None]
    phases = [each.number_phases for each in rest if each.number_phases is not None]
    kept[-1] = SchedulePeriod(kept[-1].start_s, min(limits, default=None), min(phases, default=None))
    return tuple(kept)


def _as_schedule(offered: OfferedSchedule) -> ChargingSchedule:
    return ChargingSchedule(offered.unit, offered.periods, offered.start_at, offered.duration_s, id=offered.id)


def _stays_within(plan: ChargingSchedule, offered: OfferedSchedule) -> bool:
    if plan.unit is not offered.unit:
        return False
    shift = 0.0 if plan.start_at is None else (plan.start_at - offered.start_at).total_seconds()
    mine = OfferedSchedule(
        id=0, start_at=offered.start_at, duration_s=offered.duration_s, unit=plan.unit, periods=plan.periods
    )
    length_s = offered.duration_s - shift if plan.duration_s is None else plan.duration_s
    edges = {0.0, *(float(each.start_s) for each in plan.periods), *(each.start_s - shift for each in offered.periods)}
    for edge in edges:
        if not 0 <= edge < length_s:
            continue
        planned, allowed = mine.limit_at(edge), offered.limit_at(edge + shift)
        if planned is not None and allowed is not None and planned > allowed + _TOLERANCE:
            return False
    return True


def _says_the_same(before: OfferedSchedule, after: OfferedSchedule) -> bool:
    """Whether two schedules allow the same for as long as both last."""
    if (before.id, before.unit) != (after.id, after.unit):
        return False
    shift = (after.start_at - before.start_at).total_seconds()
    end = min(after.duration_s, before.duration_s - shift)
    edges = {0.0, *(float(each.start_s) for each in after.periods), *(each.start_s - shift for each in before.periods)}
    return all(before.limit_at(edge + shift) == after.limit_at(edge) for edge in edges if 0 <= edge < end)
