"""Who may connect, decided before the WebSocket upgrade (2.0.1 A00, B01 to B03; OCPP-J 1.6 3.2 and 6.2).

=========================  ======================  ===============================================================
the identity is            with                    the station gets
=========================  ======================  ===============================================================
no valid identity          anything                404
any                        another user name       401 (A00.FR.204)
never seen, reject         anything                404
never seen, ask            anything                admitted and put in the inbox; its boots are answered Pending.
                                                   404 when the inbox is full
never seen, accept         anything                admitted and adopted; its boots are answered Accepted
known, least profile 2     no TLS                  403 (A00.FR.002, A05.FR.07)
known with a password      no credentials          401
known with a password      a wrong password        401
known with a password      the password            admitted
known without a password   anything                admitted, but not authenticated; 403 with a least profile
=========================  ======================  ===============================================================

403, for neither other credentials nor another time would help. A station on a lower security profile than the operator
wants is told so before its password is looked at: what came in the clear proves nothing worth having.

What a known station's boots are answered is the operator's decision alone: Pending while it waits in the inbox,
Rejected once turned down, else Accepted. So a station waiting for adoption can be given a password, and from then on
has to present it; and a rejected one is still admitted (with its password, if it has one) to be told so.

Onboarding accept takes whoever comes, without a bound: it is for closed networks and for trying things out.

Credentials offered where no password is set are not checked and not kept. Trusting the first password seen would let
whoever connects first own the identity, in silence, and lock the real station out. Instead the operator sees that the
station has no password and sets one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from voltbridge.csms.blocks.a_security.passwords import password_matches
from voltbridge.csms.blocks.a_security.ports import StationBook
from voltbridge.csms.blocks.a_security.throttle import Throttle
from voltbridge.csms.events import EventLog
from voltbridge.domain.admission import AdmissionRequest, Admitted, Refused, security_profile
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import AlreadyExists
from voltbridge.domain.identities import MAX_IDENTITY_LENGTH, identity_problem
from voltbridge.domain.stations import Onboarding, RegistrationStatus, StationSettings

__all__ = ["AdmissionPolicy", "SecurityService"]

_UNAUTHORIZED = 401
_FORBIDDEN = 403
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """What the operator chose for stations never seen before."""

    onboarding: Onboarding = Onboarding.ASK
    inbox_limit: int = 1000
    """How many stations may wait for adoption at a time; more are refused, so nobody can fill the database."""


class SecurityService:
    """Admission of stations."""

    def __init__(self, stations: StationBook, events: EventLog, clock: Clock, policy: AdmissionPolicy) -> None:
        self._stations = stations
        self._events = events
        self._clock = clock
        self._policy = policy
        self._refusals = Throttle(clock)
        self._filling_inbox = asyncio.Lock()

    async def admit(self, request: AdmissionRequest) -> Admitted | Refused:
        """The decision of the table above. Raises StorageUnavailable when it cannot be made."""
        decision = await self._decide(request)
        if isinstance(decision, Refused):
            self._tell_refused(request, decision)
        return decision

    async def _decide(self, request: AdmissionRequest) -> Admitted | Refused:
        problem = identity_problem(request.identity)
        if problem is not None:
            return Refused(_NOT_FOUND, f"the identity {problem}")
        credentials = request.credentials
        if credentials is not None and credentials.username != request.identity:
            return Refused(_UNAUTHORIZED, "the user name is not the identity")
        station = await self._stations.get(request.identity)
        if station is None:
            return await self._onboard(request)
        least = station.settings.minimum_security_profile or 0
        if security_profile(secure=request.secure, authenticated=True) < least:
            return Refused(_FORBIDDEN, f"security profile {least} is wanted, and the connection has no TLS")
        password_hash = station.settings.password_hash
        if password_hash is None:
            if least:
                return Refused(
                    _FORBIDDEN, f"security profile {least} is wanted, and no password is set for the station"
                )
            return Admitted(authenticated=False)
        if credentials is None:
            return Refused(_UNAUTHORIZED, "the password is missing")
        if not password_matches(password_hash, credentials.password):
            return Refused(_UNAUTHORIZED, "the password is wrong")
        return Admitted(authenticated=True)

    async def _onboard(self, request: AdmissionRequest) -> Admitted | Refused:
        """What a station gets that was never seen."""
        now = self._clock.now()
        if self._policy.onboarding is Onboarding.REJECT:
            return Refused(_NOT_FOUND, "the identity is unknown")
        try:
            if self._policy.onboarding is Onboarding.ACCEPT:
                settings = StationSettings(request.identity, RegistrationStatus.ACCEPTED, now, adopted_at=now)
                await self._stations.add(settings)
            else:
                settings = StationSettings(request.identity, RegistrationStatus.PENDING, now)
                async with self._filling_inbox:  # so that the count still holds when the station is added
                    if await self._stations.waiting() >= self._policy.inbox_limit:
                        return Refused(_NOT_FOUND, "the identity is unknown and the inbox is full")
                    await self._stations.add(settings)
        except AlreadyExists:  # by another connection at the same moment
            return await self._decide(request)
        self._events.emit(
            "station.adopted" if settings.adopted_at else "station.awaiting_adoption",
            request.identity,
            remote_address=request.remote_address,
            secure=request.secure,
            credentials_offered=request.credentials is not None,
        )
        return Admitted(authenticated=False)

    def _tell_refused(self, request: AdmissionRequest, refused: Refused) -> None:
        repeated = self._refusals.let_through(f"{refused.http_status} {request.identity}")
        if repeated is None:
            return
        valid = identity_problem(request.identity) is None
        self._events.emit(
            "station.refused",
            request.identity if valid else None,
            identity=request.identity[: 2 * MAX_IDENTITY_LENGTH],
            http_status=refused.http_status,
            reason=refused.reason,
            remote_address=request.remote_address,
            secure=request.secure,
            more_since_last_event=repeated,
        )
