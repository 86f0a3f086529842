"""Reservations of EVSEs for drivers (2.0.1 block H; 1.6 5.3, 5.13).

A reservation names an EVSE, or only a type of connector, or nothing: then one EVSE is kept free among all, and when as
many are reserved as are free, those show Reserved (H01.FR.20, FR.24). Reservations are on disk, and outlast restarts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from voltbridge.domain.clock import Cancel
from voltbridge.domain.tokens import IdToken
from voltbridge.station.blocks.g_availability.service import Availability, Place
from voltbridge.station.context import Context, on_disk
from voltbridge.station.facts import ConnectorState, ReservationFact

__all__ = ["Reservation", "Reservations", "ReserveStatus"]

_NAMESPACE: Final = "reservations"
_SOON_S: Final = 0.001
_LONGEST_SLEEP_S: Final = 86_400.0


class ReserveStatus(StrEnum):
    """What comes of asking for a reservation (ReserveNowStatusEnumType; ReservationStatus of 1.6)."""

    ACCEPTED = "Accepted"
    FAULTED = "Faulted"
    OCCUPIED = "Occupied"
    REJECTED = "Rejected"
    UNAVAILABLE = "Unavailable"


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """One reservation."""

    id: int
    expires_at: datetime
    id_token: str
    token_type: str | None = None
    group: str | None = None
    group_type: str | None = None
    evse_id: int = 0
    """0: none in particular."""
    connector_id: int = 0
    """0: all of the EVSE."""
    connector_type: str = ""
    """Where no EVSE is named: the connector it must have; empty: any."""

    def matches(self, token: IdToken, group: IdToken | None) -> bool:
        """Whether it is for this driver (H03.FR.01 to FR.06)."""
        if token.key == IdToken(self.id_token, self.token_type).key:
            return True
        return self.group is not None and group is not None and group.key == IdToken(self.group, self.group_type).key


class Reservations:
    """All reservations of a station."""

    def __init__(self, context: Context, availability: Availability) -> None:
        self._context = context
        self._availability = availability
        self._known: dict[int, Reservation] = {
            reservation.id: reservation
            for document in context.store.all(_NAMESPACE).values()
            for reservation in (msgspec.json.decode(document, type=Reservation),)
        }
        self._shown: set[Place] = set()
        self._timer: Cancel | None = None
        self._looking = False
        self._show()

    def start(self) -> None:
        """Begin to look after expiry; what expired while the station was off is told now."""
        self._availability.on_change(lambda evse_id, connector_id, state: self._look())
        self._look()
        self._expire()

    def stop(self) -> None:
        """The engine stops; reservations stay."""
        if self._timer is not None:
            self._timer()
            self._timer = None

    # The CSMS

    async def reserve(self, wanted: Reservation) -> ReserveStatus:
        """ReserveNow: on disk before it is answered; in place of the reservation of the same id (H01.FR.02)."""
        status = self._judge(wanted)
        if status is ReserveStatus.ACCEPTED:
            before = self._known.get(wanted.id)
            self._keep(wanted)
            await on_disk(self._context.store, lambda: self._put_back(wanted.id, before))
        return status

    async def cancel(self, reservation_id: int) -> bool:
        """CancelReservation; False: there is none of this id (H02.FR.01)."""
        before = self._known.pop(reservation_id, None)
        if before is None:
            return False
        self._context.store.delete(_NAMESPACE, str(reservation_id))
        await on_disk(self._context.store, lambda: self._put_back(reservation_id, before))
        return True

    def _keep(self, reservation: Reservation) -> None:
        self._known[reservation.id] = reservation
        self._context.store.put(_NAMESPACE, str(reservation.id), msgspec.json.encode(reservation))

    def _put_back(self, reservation_id: int, before: Reservation | None) -> None:
        """It stays as it was."""
        if before is not None:
            self._keep(before)
        elif self._known.pop(reservation_id, None) is not None:
            self._context.store.delete(_NAMESPACE, str(reservation_id))

    def apply(self) -> None:
        """Show what has changed: after an answer to the CSMS, which the notifications follow."""
        self._show()
        self._expire()

    # Transactions

    def holds(self, evse_id: int, connector_id: int) -> bool:
        """Whether somebody has reserved it."""
        return bool(self._at(evse_id, connector_id)) or bool({(evse_id, 0), (evse_id, connector_id)} & self._shown)

    def allows(self, evse_id: int, connector_id: int, token: IdToken, group: IdToken | None) -> bool:
        """Whether this driver may start there: it is reserved for him, or enough is left for all others."""
        if self._mine(evse_id, connector_id, token, group) is not None:
            return True
        if self._at(evse_id, connector_id):
            return False
        return self._enough_without(evse_id)

    def claim(self, evse_id: int, connector_id: int, token: IdToken, group: IdToken | None) -> int | None:
        """The reservation this driver uses up by starting there (H03.FR.09); None when there is none of his.

        What it leaves is shown by ``apply``, when the driver is there: it was Reserved until then (1.6 4.9, G2).
        """
        mine = self._mine(evse_id, connector_id, token, group)
        if mine is None:
            return None
        del self._known[mine.id]
        self._context.store.delete(_NAMESPACE, str(mine.id))
        return mine.id

    # What it comes to

    def _judge(self, wanted: Reservation) -> ReserveStatus:
        configuration = self._context.configuration
        others = [each for each in self._known.values() if each.id != wanted.id]
        if not self._context.settings.flag("ReservationCtrlr.Enabled"):
            return ReserveStatus.REJECTED
        if wanted.evse_id == 0:
            if not self._context.settings.flag("ReservationCtrlr.NonEvseSpecific"):
                return ReserveStatus.REJECTED
            places = list(self._places(wanted.connector_type))
        elif not configuration.has(wanted.evse_id, wanted.connector_id or None):
            return ReserveStatus.REJECTED
        else:
            places = [place for place in configuration.connectors if _concerns(wanted, place)]
        if not places or wanted.expires_at <= self._context.clock.now():
            return ReserveStatus.REJECTED
        if any(self._is_free(place, others) for place in places) and self._fits([*others, wanted]):
            return ReserveStatus.ACCEPTED
        states = {self._availability.state(*place) for place in places}
        if states == {ConnectorState.FAULTED}:
            return ReserveStatus.FAULTED
        return ReserveStatus.UNAVAILABLE if states == {ConnectorState.UNAVAILABLE} else ReserveStatus.OCCUPIED

    def _is_free(self, place: Place, others: Iterable[Reservation]) -> bool:
        """Nobody is there, and nobody has reserved just this place."""
        free = self._availability.state(*place) in (ConnectorState.AVAILABLE, ConnectorState.RESERVED)
        return free and not any(_concerns(each, place) for each in others)

    def _free_evses(self, connector_type: str, reservations: Iterable[Reservation]) -> set[int]:
        """EVSEs where somebody could begin who has reserved none in particular."""
        known = list(reservations)
        return {place[0] for place in self._places(connector_type) if self._is_free(place, known)}

    def _fits(self, reservations: list[Reservation], without: int = 0) -> bool:
        """Whether one EVSE is left for each reservation that names none (H01.FR.07, FR.09)."""
        unspecified = [each for each in reservations if each.evse_id == 0]
        for kind in {each.connector_type for each in unspecified}:
            count = sum(kind in ("", each.connector_type) for each in unspecified)
            if len(self._free_evses(kind, reservations) - {without}) < count:
                return False
        return True

    def _enough_without(self, evse_id: int) -> bool:
        return self._fits(list(self._known.values()), evse_id)

    def _places(self, connector_type: str) -> Iterator[Place]:
        """Connectors of this type; empty: all."""
        evses = self._context.configuration.evses
        for evse_id, connector_id in self._context.configuration.connectors:
            if connector_type in ("", evses[evse_id - 1].connectors[connector_id - 1].type):
                yield evse_id, connector_id

    def _at(self, evse_id: int, connector_id: int) -> list[Reservation]:
        return [each for each in self._known.values() if _concerns(each, (evse_id, connector_id))]

    def _mine(self, evse_id: int, connector_id: int, token: IdToken, group: IdToken | None) -> Reservation | None:
        """The driver's own: of this place, or else of none in particular that this place would do for."""
        here = [each for each in self._at(evse_id, connector_id) if each.matches(token, group)]
        if here or self._at(evse_id, connector_id):
            return here[0] if here else None
        kinds = {"", *(kind.type for kind in self._context.configuration.evses[evse_id - 1].connectors)}
        anywhere = [each for each in self._known.values() if each.evse_id == 0 and each.connector_type in kinds]
        return next((each for each in anywhere if each.matches(token, group)), None)

    # Ends

    def _look(self) -> None:
        """A state has changed: what can no longer be kept is removed (H01.FR.16, FR.17), and the rest shown."""
        if self._looking:
            return
        self._looking = True
        try:
            for reservation in list(self._known.values()):
                if not self._can_be_kept(reservation):
                    self._end(reservation, "Removed")
            self._show()
        finally:
            self._looking = False

    def _can_be_kept(self, reservation: Reservation) -> bool:
        if reservation.evse_id == 0:
            places = list(self._places(reservation.connector_type))
        else:
            places = [place for place in self._context.configuration.connectors if _concerns(reservation, place)]
        # An EVSE that restarts, or takes new firmware, is Unavailable for a while and no less reserved.
        return any(self._availability.operative(*one) and not self._availability.faulted(*one) for one in places)

    def _expire(self) -> None:
        """End what is over (H04.FR.01), and wake up when the next is."""
        self.stop()
        now = self._context.clock.now()
        for reservation in [each for each in self._known.values() if each.expires_at <= now]:
            self._end(reservation, "Expired")
        if self._known:
            first = min(each.expires_at for each in self._known.values())
            wait_s = min(max((first - now).total_seconds(), _SOON_S), _LONGEST_SLEEP_S)
            self._timer = self._context.clock.call_later(wait_s, self._expire)

    def _end(self, reservation: Reservation, status: str) -> None:
        self._forget(reservation)
        self._context.outbox.tell(ReservationFact(reservation_id=reservation.id, status=status))

    def _forget(self, reservation: Reservation) -> None:
        self._known.pop(reservation.id, None)
        self._context.store.delete(_NAMESPACE, str(reservation.id))
        self._show()

    def _show(self) -> None:
        """Have exactly those connectors Reserved that are."""
        places = {(each.evse_id, each.connector_id) for each in self._known.values() if each.evse_id}
        unspecified = [each for each in self._known.values() if each.evse_id == 0]
        for kind in {each.connector_type for each in unspecified}:
            free = self._free_evses(kind, self._known.values())
            if len(free) <= sum(kind in ("", each.connector_type) for each in unspecified):
                places |= {(evse_id, 0) for evse_id in free}
        shown, self._shown = self._shown, places
        for place in sorted(shown - places):
            self._availability.reserved(*place, False)
        for place in sorted(places - shown):
            self._availability.reserved(*place, True)


def _concerns(reservation: Reservation, place: Place) -> bool:
    """Whether it is of this very connector, or of all of its EVSE."""
    return reservation.evse_id == place[0] and reservation.connector_id in (0, place[1])
