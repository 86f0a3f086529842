"""What vehicles need and plan over ISO 15118, answered with a profile for their transaction (K15, K16, K17).

A vehicle is offered all that the other profiles and limits leave it, no more than it can take. A plan above what was
offered is refused and the offer made anew, as often as ``ATTEMPTS`` in a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol

import structlog

from voltbridge.csms.commands.kinds import Answer, Unsupported
from voltbridge.csms.events import EventLog
from voltbridge.domain.charging_needs import OFFER_S, ChargingNeeds, offer, offered_unit, stays_within
from voltbridge.domain.charging_profiles import (
    ChargingProfile,
    ChargingSchedule,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
)
from voltbridge.domain.clock import Clock
from voltbridge.domain.composite_schedule import (
    CompositeSchedule,
    PlacedProfile,
    RunningTransaction,
    Supply,
    composite_schedule,
)
from voltbridge.domain.errors import InvalidValue, StorageUnavailable
from voltbridge.domain.station_calls import CallFailed
from voltbridge.domain.stations import LiveStation

__all__ = ["ATTEMPTS", "VEHICLE_LEVEL", "EvAnswer", "Offers", "Vehicles"]

_log = structlog.stdlib.get_logger(__name__)

ATTEMPTS: Final = 3
"""Offers in a row that a vehicle may exceed before it is left alone."""
VEHICLE_LEVEL: Final = 0
"""Stack level of offers: a TxProfile that the operator sets above overrules it."""


@dataclass(frozen=True, slots=True)
class EvAnswer:
    """``Accepted`` or ``Rejected``, with a reason code."""

    status: str
    reason: str | None = None


class Offers(Protocol):
    """What is needed of the service that this is part of."""

    def running(self, station_id: str, evse_id: int) -> RunningTransaction | None: ...

    async def offer(self, live: LiveStation, evse_id: int, profile: ChargingProfile) -> Answer: ...

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
    ) -> CompositeSchedule: ...


@dataclass(slots=True)
class _Session:
    """What one vehicle said and was offered, while its transaction lasts."""

    transaction_id: str
    needs: ChargingNeeds
    offered: ChargingSchedule | None = None
    noted: bool = False
    """Whether the offer is known to be among the station's profiles by now."""
    profile_id: int = 0
    refused: int = 0


class Vehicles:
    """The vehicles that negotiate, by station and EVSE."""

    def __init__(self, offers: Offers, events: EventLog, clock: Clock) -> None:
        self._offers = offers
        self._events = events
        self._clock = clock
        self._sessions: dict[tuple[str, int], _Session] = {}

    def needs(self, live: LiveStation, evse_id: int, needs: ChargingNeeds | None, data: Mapping[str, Any]) -> EvAnswer:
        """A vehicle says what it needs; the offer follows once the answer has left (K15.FR.07)."""
        transaction = self._offers.running(live.station_id, evse_id)
        if needs is None:
            answer = EvAnswer("Rejected", "MissingParam")
        elif transaction is None:
            answer = EvAnswer("Rejected", "TxNotFound")
        else:
            answer = EvAnswer("Accepted")
            former = self._sessions.get((live.station_id, evse_id))
            session = _Session(transaction.transaction_id, needs)
            if former is not None and former.transaction_id == transaction.transaction_id:
                session.profile_id = former.profile_id
            self._sessions[live.station_id, evse_id] = session
            live.followups.append(partial(self._make_offer, live, evse_id, session))
        self._events.emit("charging_needs.received", live.station_id, answer=answer.status, **data)
        return answer

    async def planned(
        self, live: LiveStation, evse_id: int, plan: ChargingSchedule, time_base: datetime, data: Mapping[str, Any]
    ) -> EvAnswer:
        """A vehicle says what it will take; refused where it is more than it may (K15.FR.11, K15.FR.12)."""
        session = self._sessions.get((live.station_id, evse_id))
        until_s = _length(plan)
        supply = _supply(session.needs) if session is not None else None

        def alone(schedule: ChargingSchedule, start_at: datetime) -> CompositeSchedule:
            return composite_schedule(
                [PlacedProfile(evse_id, _as_profile(schedule, start_at))],
                evse_id=evse_id,
                start_at=time_base,
                duration_s=until_s,
                unit=plan.unit,
                supply=supply,
            )

        if session is not None and session.offered is not None and not session.noted:
            # The plan has overtaken the answer to the offer, which leaves no more than everything else does.
            allowed = alone(session.offered, session.offered.start_at or time_base)
        else:
            allowed = await self._offers.composite(
                live.station_id, evse_id, start_at=time_base, duration_s=until_s, unit=plan.unit, supply=supply
            )
        planned = alone(plan, time_base)
        answer = EvAnswer("Accepted") if stays_within(planned, allowed) else EvAnswer("Rejected", "InvalidSchedule")
        if session is not None:
            session.refused = 0 if answer.status == "Accepted" else session.refused + 1
            if 0 < session.refused <= ATTEMPTS:
                live.followups.append(partial(self._make_offer, live, evse_id, session))
        self._events.emit("charging_schedule.planned", live.station_id, answer=answer.status, **data)
        return answer

    async def _make_offer(self, live: LiveStation, evse_id: int, session: _Session) -> None:
        """Send the profile; a failure is told by an event, since nobody waits for it."""
        try:
            profile = await self._profile(live, evse_id, session)
            answer = await self._offers.offer(live, evse_id, profile)
            session.noted = True
            problem = None if answer.accepted else f"{answer.status} {answer.reason or ''}".strip()
        except (CallFailed, InvalidValue, Unsupported, StorageUnavailable) as error:
            problem = str(error)
        else:
            session.profile_id = int(answer.info["profile_id"])
        if problem is not None:
            _log.info("a vehicle's offer was not taken", station=live.station_id, evse_id=evse_id, problem=problem)
        self._events.emit(
            "charging_needs.offered",
            live.station_id,
            evse_id=evse_id,
            transaction_id=session.transaction_id,
            profile_id=session.profile_id or None,
            problem=problem,
        )

    async def _profile(self, live: LiveStation, evse_id: int, session: _Session) -> ChargingProfile:
        now = self._clock.now()
        needs = session.needs
        leaves_in_s = OFFER_S
        if needs.departure_at is not None and needs.departure_at > now + timedelta(minutes=1):
            leaves_in_s = min(OFFER_S, int((needs.departure_at - now).total_seconds()))
        allowed = await self._offers.composite(
            live.station_id,
            evse_id,
            start_at=now,
            duration_s=leaves_in_s,
            unit=offered_unit(needs),
            supply=_supply(needs),
            without_tx=True,
        )
        session.offered, session.noted = offer(needs, allowed), False
        return ChargingProfile(
            id=session.profile_id,
            purpose=ProfilePurpose.TX,
            kind=ProfileKind.ABSOLUTE,
            stack_level=VEHICLE_LEVEL,
            schedules=(session.offered,),
            transaction_id=session.transaction_id,
        )


def _supply(needs: ChargingNeeds) -> Supply:
    return Supply(voltage_v=needs.max_voltage_v, is_dc=True) if needs.is_dc else Supply(phases=needs.phases)


def _as_profile(plan: ChargingSchedule, start_at: datetime) -> ChargingProfile:
    """Its periods count from ``start_at``: of a plan its timeBase."""
    schedule = ChargingSchedule(plan.unit, plan.periods, start_at, plan.duration_s)
    return ChargingProfile(1, ProfilePurpose.TX_DEFAULT, ProfileKind.ABSOLUTE, 0, (schedule,))


def _length(plan: ChargingSchedule) -> int:
    """For how long a plan has something to say."""
    return max(plan.duration_s or OFFER_S, plan.periods[-1].start_s + 1)
