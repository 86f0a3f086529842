"""Reservations from the first word to the end (2.0.1 block H; 1.6 5.1, 5.13).

A reservation is stored before the station is asked for it, so that nothing the station says of it can come too early.
Whatever is told afterwards (an answer, a transaction, a status update, our clock) goes through the rules of
``voltbridge.domain.reservations`` inside one write of the store, so that of two things told at once none is lost.

Choices that the standard leaves to us:

- A reservation whose request was not answered stays Requested: the station may have it. It can be cancelled, and ends
  with its time.
- Our clock ends a reservation when its time is over; any other word of the station outweighs that.
- Where stations do not tell that they gave a reservation up (1.6), a connector that is reported Faulted or Unavailable
  tells it (1.6 5.13). If it is Reserved afterwards, it had only restarted, and has the reservation still.
- A reservation that the station says it does not have when asked to cancel it is removed.
- A transaction that names no reservation uses the one made for its token and place: such stations are many, and a
  driver who came must not look as if he had not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

import structlog

from voltbridge.csms.blocks.c_authorization.service import shown_token
from voltbridge.csms.blocks.h_reservation.expiry import ExpiryTimer
from voltbridge.csms.blocks.h_reservation.parameters import CancelReservation, Reserve
from voltbridge.csms.blocks.h_reservation.ports import Commands, KnownStations, ReservationBook, Variables, Words
from voltbridge.csms.events import EventLog
from voltbridge.csms.redaction import hide
from voltbridge.csms.station_calls import InvalidCall
from voltbridge.domain.clock import Clock
from voltbridge.domain.commands import Command, CommandAnswer
from voltbridge.domain.device_model import Attribute, Component, Variable
from voltbridge.domain.errors import InvalidValue, NotFound, StorageUnavailable
from voltbridge.domain.evses import Connector, ConnectorStatus
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.reservations import (
    LARGEST_RESERVATION_ID,
    NOT_AT_STATION,
    Reservation,
    ReservationChange,
    ReservationFilter,
    ReservationOver,
    ReservationState,
    ReservationTerms,
    accept,
    cancel,
    expire,
    is_replaceable,
    leave_unanswered,
    may_be_used_by,
    reject,
    remove,
    replace_terms,
    restore,
    use,
)
from voltbridge.domain.station_calls import CallFailed, CallRefused, TooManyCalls
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.tokens import Token
from voltbridge.domain.transactions import Transaction
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["Call", "ReservationEnd", "ReservationService", "shown_reservation"]

Call = Callable[[Payload], Awaitable[Any]]
"""Sends a request to the station at hand. Raises a CallFailed."""

_Rule = Callable[..., Reservation]
"""``rule(reservation, now=moment)``: the reservation afterwards."""

_log = structlog.stdlib.get_logger(__name__)

_CHUNK: Final = 200
_PAUSE_S: Final = 5.0
_REJECTED: Final = "Rejected"
_INTERRUPTED: Final = "the program ended before the answer came"
_CONTROLLER: Final = Component("ReservationCtrlr")
_ENABLED: Final = Attribute(Variable(_CONTROLLER, "Enabled"))
_NON_EVSE_SPECIFIC: Final = Attribute(Variable(_CONTROLLER, "NonEvseSpecific"))
"""In 1.6 ReserveConnectorZeroSupported."""
_UNUSABLE: Final = frozenset({ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE})


class ReservationEnd(StrEnum):
    """How a station says that a reservation ended."""

    EXPIRED = "Expired"
    REMOVED = "Removed"
    NO_TRANSACTION = "NoTransaction"


_RULES: Final[Mapping[ReservationEnd, _Rule]] = {
    ReservationEnd.EXPIRED: partial(expire, told=True),
    ReservationEnd.REMOVED: partial(remove, reason=None),
    ReservationEnd.NO_TRANSACTION: partial(use, transaction_id=None),
}
_CHANGED: Final = "Changed"
_UNANSWERED: Final = "Unanswered"
_EVENTS: Final[Mapping[str, str]] = {
    ReservationState.RESERVED: "reservation.created",
    ReservationState.USED: "reservation.used",
    ReservationState.EXPIRED: "reservation.expired",
    ReservationState.REMOVED: "reservation.removed",
    ReservationState.CANCELLED: "reservation.cancelled",
    ReservationState.REJECTED: "reservation.rejected",
    _CHANGED: "reservation.changed",
    _UNANSWERED: "reservation.unanswered",
}
"""By the state that a reservation has come to, or what else has changed."""


class ReservationService:
    """Everything about reservations. ``words`` has the messages of each version."""

    def __init__(
        self,
        book: ReservationBook,
        stations: KnownStations,
        commands: Commands,
        variables: Variables,
        words: Mapping[Version, Words],
        events: EventLog,
        clock: Clock,
    ) -> None:
        self._book = book
        self._stations = stations
        self._commands = commands
        self._variables = variables
        self.words = words
        self._events = events
        self._clock = clock
        self._timer = ExpiryTimer(self._expire_due, clock)
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        """By reservation: changing and cancelling it take turns."""
        self._statuses: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By station: what its connectors' statuses tell is taken in one after the other."""
        self._following: set[asyncio.Task[None]] = set()
        self._reserving: set[str] | None = None
        """Stations that have, or had, open reservations; transactions of others need no question. None: unread."""

    async def start(self) -> None:
        """Take up what an earlier run of the program left. Raises StorageUnavailable."""
        self._timer.start()
        self._reserving = {*(self._reserving or ()), *await self._book.stations_with_open()}
        while found := await self._book.unexplained(_CHUNK):
            for one in found:
                await self._change(one.station_id, one.id, partial(leave_unanswered, problem=_INTERRUPTED))

    async def close(self) -> None:
        """Let no reservation expire any more; the next run does it."""
        await self._timer.close()
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)

    # What the operator wants

    async def get(self, id: int) -> Reservation:
        """One reservation. Raises NotFound."""
        one = await self._book.get(id) if 0 < id <= LARGEST_RESERVATION_ID else None
        if one is None:
            raise NotFound("reservation", str(id))
        return one

    async def list(self, wanted: ReservationFilter, page: PageRequest) -> Page[Reservation]:
        """Newest first. Raises InvalidCursor."""
        return await self._book.list(wanted, page)

    async def of_station(self, station_id: str, wanted: ReservationFilter, page: PageRequest) -> Page[Reservation]:
        """As ``list``, for a filter that names the station. Raises NotFound too."""
        if await self._stations.get(station_id) is None:
            raise NotFound("station", station_id)
        return await self._book.list(wanted, page)

    async def open_at(self, station_id: str) -> Sequence[Reservation]:
        """The open reservations of a station, oldest first."""
        if self._has_none_open(station_id):
            return ()
        return await self._book.open_of(station_id, 0)

    def _has_none_open(self, station_id: str) -> bool:
        return self._reserving is not None and station_id not in self._reserving

    async def create(
        self, station_id: str, wanted: Reserve, *, timeout_s: float | None = None
    ) -> tuple[Command, Reservation | None]:
        """Ask a connected station for a reservation: the command as it ended, and the reservation if it came to one.

        Raises NotFound, Unsupported, InvalidValue and StationNotConnected before anything is kept.
        """
        command = await self._commands.submit(station_id, "reserve", wanted, timeout_s=timeout_s)
        return command, await self._book.of_command(command.id)

    async def replace(self, id: int, wanted: Reserve, *, timeout_s: float | None = None) -> tuple[Command, Reservation]:
        """Ask for other terms under the same id: the command as it ended, and the reservation as it is then.

        Raises NotFound, ReservationOver, Unsupported, InvalidValue and StationNotConnected.
        """
        known = await self.get(id)
        if not is_replaceable(known, self._clock.now()):
            raise ReservationOver(id, known.state)
        command = await self._commands.submit(known.station_id, "reserve", wanted, timeout_s=timeout_s)
        return command, await self.get(id)

    async def withdraw(self, id: int, *, timeout_s: float | None = None) -> tuple[Command, Reservation]:
        """Have the station cancel a reservation: the command as it ended, and the reservation as it is then.

        Raises NotFound, ReservationOver and StationNotConnected.
        """
        known = await self.get(id)
        if not known.is_open:
            raise ReservationOver(id, known.state)
        wanted = CancelReservation(reservation_id=id)
        command = await self._commands.submit(known.station_id, "cancel_reservation", wanted, timeout_s=timeout_s)
        return command, await self.get(id)

    # What commands do

    async def reserve(
        self,
        station_id: str,
        version: Version,
        terms: ReservationTerms,
        call: Call,
        *,
        command_id: int,
        replaces: int | None = None,
    ) -> CommandAnswer:
        """Ask the station. Raises NotFound and InvalidValue (of the one to be replaced), and a CallFailed."""
        if self._reserving is not None:
            self._reserving.add(station_id)
        if replaces is not None:
            async with self._lock(replaces):
                one = await self.get(replaces)
                if one.station_id != station_id:
                    raise NotFound(f"reservation at station {station_id}", str(replaces))
                if not is_replaceable(one, self._clock.now()):
                    problem = f"{replaces} is over ({one.state}): make another reservation"
                    raise InvalidValue("reservation_id", problem)
                return await self._ask(one, version, terms, call, command_id=command_id, replacing=True)
        one = await self._book.add(partial(_requested, station_id, terms, command_id, self._clock.now()))
        return await self._ask(one, version, terms, call, command_id=command_id, replacing=False)

    async def _ask(
        self,
        one: Reservation,
        version: Version,
        terms: ReservationTerms,
        call: Call,
        *,
        command_id: int,
        replacing: bool,
    ) -> CommandAnswer:
        self._timer.wake_by(terms.expires_at)
        words = self.words[version]
        try:
            answer = words.reserve_answer(await call(words.reserve_request(one.id, terms)))
        except (CallFailed, InvalidCall) as error:
            await self._unanswered(one, replacing, error)
            raise
        station_id = one.station_id
        if answer.accepted and replacing:
            await self._change(station_id, one.id, partial(replace_terms, terms=terms, command_id=command_id))
        elif answer.accepted:
            await self._change(station_id, one.id, accept)
        else:
            reason = answer.reason or await self._hint(station_id, terms, answer.status)
            answer = replace(answer, reason=reason)
            if not replacing:
                told = answer.status if reason is None else f"{answer.status}: {reason}"
                await self._change(station_id, one.id, partial(reject, reason=told))
        return replace(answer, info={**answer.info, "reservation_id": one.id})

    async def cancel(self, station_id: str, version: Version, id: int, call: Call) -> CommandAnswer:
        """Have the station cancel; the id may be one that was not made here. Raises a CallFailed."""
        words = self.words[version]
        async with self._lock(id):
            answer = words.cancel_answer(await call(words.cancel_request(id)))
            rule = cancel if answer.accepted else partial(remove, reason=NOT_AT_STATION)
            await self._change(station_id, id, rule)
        return answer

    def _lock(self, id: int) -> asyncio.Lock:
        return self._locks.setdefault(id, asyncio.Lock())

    # What stations tell

    async def told(self, station_id: str, id: int, end: ReservationEnd, message: Mapping[str, Any]) -> None:
        """Take in that a reservation ended; one that is over or unknown is noted as an event and nothing else."""
        data = dict(message)
        hide(data)
        self._events.emit("reservation.status", station_id, **data)
        await self._change(station_id, id, _RULES[end])

    async def transaction_told(self, transaction: Transaction, id: int | None, token: Token | None) -> None:
        """A message of a transaction names a reservation, or names none and has a token that was accepted."""
        if id is not None:
            await self.used(transaction, id)
        else:
            await self._presume(transaction, token)

    async def used(self, transaction: Transaction, id: int) -> None:
        """A message of the transaction says that it ended the reservation (H01.FR.15; 1.6 5.13)."""
        known = await self._change(transaction.station_id, id, partial(use, transaction_id=transaction.id))
        if known is None and id > 0:  # some stations say 0 or -1 for none
            self._events.emit("reservation.unknown", transaction.station_id, id=id, transaction_id=str(transaction.id))

    async def _presume(self, transaction: Transaction, token: Token | None) -> None:
        """The transaction uses the reservation that was made for its token and place, if there is one."""
        group = None if token is None else token.group_id_token
        found = await self.open_at(transaction.station_id)
        meant = [one for one in found if may_be_used_by(one, transaction, group)]
        if meant:
            one = min(meant, key=lambda each: (each.terms.evse_id is None, each.id))
            await self._change(one.station_id, one.id, partial(use, transaction_id=transaction.id, presumed=True))

    def connector_changed(self, live: LiveStation, connector: Connector) -> None:
        """A connector has another status: some versions' only sign that its reservations are gone."""
        telling = (*_UNUSABLE, ConnectorStatus.RESERVED)
        if connector.status in _UNUSABLE and self._has_none_open(live.station_id):
            return
        if connector.status in telling and not self.words[Version(live.report.protocol or "")].TELLS_THE_END:
            # Not by the connection: a station that fails is often gone before anything can follow.
            task = asyncio.create_task(self._follow(live.station_id, connector, self._clock.now()))
            self._following.add(task)
            task.add_done_callback(self._following.discard)

    async def _follow(self, station_id: str, connector: Connector, told_at: datetime) -> None:
        # In the order of the statuses: those who wait for a lock get it in turn.
        async with self._statuses.setdefault(station_id, asyncio.Lock()):
            while True:
                try:
                    await self._take_in(station_id, connector, told_at)
                    return
                except StorageUnavailable as error:
                    _log.warning("reservations wait for the storage", station=station_id, error=str(error))
                    await self._clock.sleep(_PAUSE_S)
                except Exception:
                    _log.exception("what a status says of reservations was not taken in", station=station_id)
                    return

    async def _take_in(self, station_id: str, connector: Connector, told_at: datetime) -> None:
        found = await self._book.open_of(station_id, connector.evse_id)
        if connector.status in _UNUSABLE:
            for one in [each for each in found if each.created_at <= told_at]:
                await self._change(station_id, one.id, partial(remove, reason=connector.status.value))
        elif not found:
            gone = ReservationFilter(station_id, state=ReservationState.REMOVED, evse_id=connector.evse_id)
            for one in (await self._book.list(gone, PageRequest(limit=1))).items:
                await self._change(station_id, one.id, restore)

    # What becomes of it

    async def _change(self, station_id: str, id: int, rule: _Rule) -> ReservationChange | None:
        """Apply a rule and tell what came of it; None when the station has no such reservation."""
        if not 0 < id <= LARGEST_RESERVATION_ID:
            return None
        change = await self._book.change(station_id, id, partial(rule, now=self._clock.now()))
        news = None if change is None else _news_of(change)
        if change is not None and news is not None:
            self._events.emit(_EVENTS[news], station_id, **shown_reservation(change.after))
        return change

    async def _unanswered(self, one: Reservation, replacing: bool, error: CallFailed | InvalidCall) -> None:
        """The station was not asked, refused to be asked, or left it open whether it has the reservation."""
        not_sent = isinstance(error, InvalidCall | TooManyCalls)
        if not_sent or (isinstance(error, CallRefused) and not error.local):
            if not replacing:
                await self._change(one.station_id, one.id, partial(reject, reason=str(error)))
            return
        problem = f"a change was not answered ({error})" if replacing else str(error)
        await self._change(one.station_id, one.id, partial(leave_unanswered, problem=problem))

    async def _hint(self, station_id: str, terms: ReservationTerms, status: str) -> str | None:
        """What the station's own settings say about why it refused (H01.FR.01, H01.FR.19; 1.6 9.3.1)."""
        if status != _REJECTED:
            return None
        known = await self._variables.known(station_id, [_ENABLED, _NON_EVSE_SPECIFIC])
        told = {key: (one.value or "").casefold() for key, one in known.items()}
        if told.get(_ENABLED.key) == "false":
            return "its ReservationCtrlr.Enabled is false"
        if terms.evse_id is None and told.get(_NON_EVSE_SPECIFIC.key) == "false":
            return "its ReservationCtrlr.NonEvseSpecific is false, so it reserves single EVSEs only"
        return None

    async def _expire_due(self) -> datetime | None:
        """Expire what is due; the moment when the next one will be."""
        while due := await self._book.due(self._clock.now(), _CHUNK):
            changes = [await self._change(one.station_id, one.id, expire) for one in due]
            if all(change is None or change.after is change.before for change in changes):
                break  # somebody else was quicker, or the clock was set back meanwhile
        return await self._book.next_expiry()


def _requested(station_id: str, terms: ReservationTerms, command_id: int, now: datetime, id: int) -> Reservation:
    return Reservation(
        id=id,
        station_id=station_id,
        terms=terms,
        state=ReservationState.REQUESTED,
        created_at=now,
        updated_at=now,
        command_id=command_id,
    )


def _news_of(change: ReservationChange) -> str | None:
    """What a change is told as; None when it is nothing new."""
    before, after = change.before, change.after
    if after.command_id != before.command_id and before.reserved_at is not None:
        return _CHANGED
    if after.state is not before.state or after.transaction_id != before.transaction_id:
        return after.state
    return _UNANSWERED if after.problem not in (None, before.problem) else None


def shown_reservation(one: Reservation) -> dict[str, Any]:
    """A reservation as data of an event."""
    terms = one.terms
    return {
        "id": one.id,
        "state": one.state.value,
        "evse_id": terms.evse_id,
        "connector_type": terms.connector_type,
        "id_token": shown_token(terms.id_token),
        "group_id_token": shown_token(terms.group_id_token),
        "expires_at": str(DateTime.of(terms.expires_at)),
        "reason": one.reason,
        "problem": one.problem,
        "transaction_id": None if one.transaction_id is None else str(one.transaction_id),
        "command_id": None if one.command_id is None else str(one.command_id),
    }
