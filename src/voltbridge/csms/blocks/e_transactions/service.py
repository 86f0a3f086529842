"""Transactions of every version (2.0.1 block E; 1.6 4.8, 4.10).

Each message has become a ``TransactionUpdate``; the rules in ``voltbridge.domain.transaction_rules`` say what it
changes. Here they are given what is known, and what they make goes into the journal. Nothing a station reports of a
transaction is refused: an answer other than a response would only make it send the same again (1.6 3.7.1; 2.0.1 E13),
and a doubtful record is worth more than none.

Choices that the standard leaves to us:

- A message of a transaction never heard of makes a transaction from what it tells.
- A station that does not know the number of its transaction (its start was never answered) still tells which one it
  means, by EVSE, token, time and meter (``unnumbered``). If one running transaction fits, it is that one; otherwise a
  new one is made.
- A transaction that starts on an EVSE whose former one never ended leaves that active, marked with what superseded it.
  Its end may still be on the way; if not, the operator closes it.
- A repeated start gets the number of the first, and a number in use for the station is never given.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from voltbridge.csms.blocks.c_authorization.service import shown_token
from voltbridge.csms.blocks.e_transactions.memory import active_on, current, forget, meter_of, remember, running_on
from voltbridge.csms.blocks.e_transactions.numbers import TransactionNumbers
from voltbridge.csms.blocks.e_transactions.ports import (
    Authorizer,
    CommandOutcomes,
    Connected,
    CostAnswer,
    Costs,
    TransactionBook,
)
from voltbridge.csms.blocks.e_transactions.unnumbered import ended_by, meant_by, name_unnumbered
from voltbridge.csms.events import EventLog
from voltbridge.csms.journal import Journal
from voltbridge.domain.clock import Clock
from voltbridge.domain.energy import LARGEST_REGISTER_WH
from voltbridge.domain.errors import NotFound
from voltbridge.domain.ids import IdSource
from voltbridge.domain.meter_records import meter_record, milliseconds
from voltbridge.domain.metering import MeterValue
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveMeter, LiveStation
from voltbridge.domain.token_rules import same_token
from voltbridge.domain.tokens import Authorization, IdToken, Token
from voltbridge.domain.transaction_cost import costed, facts_of, refresh_cost
from voltbridge.domain.transaction_rules import (
    apply_update,
    close_transaction,
    id_reused,
    refresh_energy,
    stops,
    superseding,
    with_energy,
)
from voltbridge.domain.transactions import (
    Transaction,
    TransactionFilter,
    TransactionPhase,
    TransactionState,
    TransactionUpdate,
)
from voltbridge.protocol.datetimes import DateTime

__all__ = ["STORE_EVERY_S", "TransactionOutcome", "TransactionService", "shown_transaction"]

STORE_EVERY_S: Final = 10.0
"""How often readings alone rewrite the row of a running transaction; the readings themselves are stored at once."""

_RECENT: Final = PageRequest(limit=20)
_ACTIVE: Final = TransactionFilter(state=TransactionState.ACTIVE)


@dataclass(frozen=True, slots=True)
class TransactionOutcome:
    """What an update came to."""

    transaction: Transaction
    authorization: Authorization | None
    """Of the token in the update; None when it had none."""
    cost: CostAnswer | None = None
    """What the answer tells of the cost; None where the transaction has no tariff."""


class TransactionService:
    """Takes in what stations tell of transactions and shows them to the operator."""

    def __init__(
        self,
        book: TransactionBook,
        authorization: Authorizer,
        connected: Connected,
        journal: Journal,
        events: EventLog,
        ids: IdSource,
        clock: Clock,
        commands: CommandOutcomes | None = None,
    ) -> None:
        self._commands = commands
        self._costs: Costs | None = None
        self._book = book
        self._authorization = authorization
        self._connected = connected
        self._journal = journal
        self._events = events
        self._ids = ids
        self._clock = clock
        self._numbers = TransactionNumbers(book.next_transaction_numbers)
        self._tell_reservation: Callable[[Transaction, int | None, Token | None], Awaitable[None]] | None = None

    def on_reservation(self, tell: Callable[[Transaction, int | None, Token | None], Awaitable[None]]) -> None:
        """Have ``tell`` called with a transaction whose message names the reservation that it ended.

        Also, with None for the reservation, where the transaction has named none and a token in the message may charge.
        """
        self._tell_reservation = tell

    def price_by(self, costs: Costs) -> None:
        """Have transactions priced by ``costs``."""
        self._costs = costs

    async def apply(self, live: LiveStation, update: TransactionUpdate) -> TransactionOutcome:
        """Take in an update of a transaction that the station can name. Raises StorageUnavailable."""
        return await self._apply(live, update, await self._known(live, update.transaction_id))

    async def start(
        self,
        live: LiveStation,
        *,
        evse_id: int,
        connector_id: int,
        id_token: IdToken,
        at: datetime,
        meter_start_wh: float,
        reservation_id: int | None = None,
    ) -> TransactionOutcome:
        """Take in the start of a transaction that we have to number. Raises StorageUnavailable.

        It is numbered and recorded even if the token is refused: the station has started already, and stops with that
        number (1.6 4.8 and errata 3.17).
        """
        known = await self._repeated_start(live, evse_id, id_token, at, meter_start_wh)
        update = TransactionUpdate(
            station_id=live.station_id,
            transaction_id=known.transaction_id if known else str(await self._number(live)),
            phase=TransactionPhase.STARTED,
            at=at,
            evse_id=evse_id,
            connector_id=connector_id,
            id_token=id_token,
            meter_start_wh=meter_start_wh,
            reservation_id=reservation_id,
        )
        return await self._apply(live, update, known)

    async def apply_unnumbered(self, live: LiveStation, update: TransactionUpdate) -> TransactionOutcome:
        """Take in an update of a station that does not know the transaction's number. Raises StorageUnavailable.

        ``update.transaction_id`` is what it says instead (1.6 errata 3.18: -1). A transaction made from it is named by
        that and the update's time, so that it is told from others.
        """
        if update.phase is TransactionPhase.ENDED:
            known = await self._meant_to_stop(live, update)
        else:
            known = running_on(live, update.evse_id) if update.evse_id else None
        name = name_unnumbered(update)
        update = replace(update, transaction_id=known.transaction_id if known else name)
        return await self._apply(live, update, known or await self._known(live, name))

    def read(self, live: LiveStation, transaction: Transaction, at_ms: int, meter_value: MeterValue) -> None:
        """Add readings to a remembered transaction; storing them is the caller's."""
        meter = meter_of(live, transaction)
        meter.readings.take(at_ms, meter_value.values)
        if self._costs is not None:
            self._costs.read(live, transaction, meter, at_ms, meter_value)
        now = self._clock.monotonic()
        if now - meter.stored_at >= STORE_EVERY_S or transaction.state is not TransactionState.ACTIVE:
            self._store_energy(live, transaction, meter, now)

    def flush(self, live: LiveStation) -> None:
        """Write the rows of transactions whose readings are newer. For when the connection ends."""
        now = self._clock.monotonic()
        for transaction in list(live.transactions.values()):
            meter = live.meters.get(transaction.id)
            if meter is not None:
                self._store_energy(live, transaction, meter, now)

    def forget_ended(self, connected: Iterable[LiveStation]) -> None:
        """Keep no transaction in memory but those that run; the storage has the others, maybe otherwise by now."""
        for live in connected:
            for transaction in list(live.transactions.values()):
                if transaction.state is not TransactionState.ACTIVE:
                    forget(live, transaction)

    async def recover(self) -> None:
        """Bring rows up to date that a crash left behind their meter values. Once, before stations connect."""
        samples = await self._book.newest_samples()
        cursor: str | None = None
        while True:
            page = await self._book.list(_ACTIVE, PageRequest(500, cursor))
            for transaction in page.items:
                newest = samples.get(transaction.id, ())
                fresh = refresh_cost(refresh_energy(transaction, newest), newest)
                if fresh is not transaction:
                    self._journal.put(fresh)
            cursor = page.next
            if cursor is None:
                break
        await self._journal.committed()

    async def list(self, wanted: TransactionFilter, page: PageRequest) -> Page[Transaction]:
        """Newest first, running ones as they are now. Raises InvalidCursor."""
        found = await self._book.list(wanted, page)
        return Page(tuple(self._as_now(each) for each in found.items), found.next)

    async def get(self, id: int) -> Transaction:
        """By our own id, as it is now. Raises NotFound."""
        found = await self._book.get(id)
        if found is None:
            raise NotFound("transaction", str(id))
        return self._as_now(found)

    async def samples(self, id: int, page: PageRequest) -> Page[MeterValue]:
        """Meter values of a transaction, oldest first. Raises NotFound and InvalidCursor."""
        await self.get(id)
        return await self._book.samples(id, page)

    async def close(self, id: int, reason: str) -> Transaction:
        """Close a transaction whose end will not arrive; one that is over already stays as it is. Raises NotFound."""
        transaction = await self.get(id)
        if transaction.state is not TransactionState.ACTIVE:
            return transaction
        closed = close_transaction(transaction, reason, self._clock.now())
        live = self._connected.get(closed.station_id)
        facts = meter_of(live, closed).cost if live is not None else facts_of(closed)
        if facts is not None:
            closed = costed(closed, facts)
        self._journal.put(closed)
        self._connected.changed(closed.station_id)
        if live is not None:
            self._remember(live, closed, meter_of(live, closed))
        self._tell("transaction.closed", closed, reason=reason)
        if self._costs is not None:
            self._costs.tell(transaction, closed)
        await self._journal.committed(closed.station_id)
        return closed

    async def _apply(
        self, live: LiveStation, update: TransactionUpdate, known: Transaction | None
    ) -> TransactionOutcome:
        if known is not None and id_reused(known, update):
            known = None
        new_id = known.id if known else self._ids.next()
        authorization = None
        if update.id_token is not None:
            authorization = await self._authorization.for_transaction(
                live,
                update.id_token,
                own_id=new_id,
                evse_id=update.evse_id if update.evse_id is not None else known.evse_id if known else None,
                starting=not stops(update),
            )
        # From here on nothing waits, so that nothing can change between reading the memory and writing it.
        if known is not None:
            remembered = live.transactions.get(known.transaction_id)
            known = remembered if remembered is not None and remembered.id == known.id else known
        transaction = self._take(live, update, known, new_id, authorization)
        if self._tell_reservation is not None:
            charges = authorization is not None and authorization.accepted and not stops(update)
            if update.reservation_id is not None or (charges and transaction.reservation_id is None):
                token = authorization.token if authorization is not None else None
                await self._tell_reservation(transaction, update.reservation_id, token)
        meter = meter_of(live, transaction)
        answer = self._costs.answer(live, transaction, meter, update) if self._costs is not None else None
        return TransactionOutcome(transaction, authorization, answer)

    def _take(
        self,
        live: LiveStation,
        update: TransactionUpdate,
        known: Transaction | None,
        new_id: int,
        authorization: Authorization | None,
    ) -> Transaction:
        meter = meter_of(live, known)
        after = apply_update(known, update, new_id=new_id, now=self._clock.now(), readings=meter.readings)
        if self._costs is not None:
            after = self._costs.take(live, known, after, meter, update, authorization)
        for meter_value in update.meter_values:
            at_ms = milliseconds(meter_value.at)
            evse_id = after.evse_id or 0
            self._journal.put(
                meter_record(live.station_id, evse_id, after.connector_id, after.id, at_ms, meter_value.values)
            )
        if after is known:
            self._remember(live, after, meter)
            return after
        self._journal.put(after)
        meter.stored_at = self._clock.monotonic()
        self._remember(live, after, meter)
        self._tell_change(known, after, update, authorization)
        if self._costs is not None:
            self._costs.tell(known, after)
        return live.transactions[after.transaction_id]

    def _remember(self, live: LiveStation, transaction: Transaction, meter: LiveMeter) -> None:
        """Keep the transaction in memory, and mark those it leaves behind on its EVSE."""
        remember(live, transaction, meter)
        if transaction.evse_id is None:
            return
        for marked in superseding(active_on(live, transaction.evse_id)):
            self._journal.put(marked)
            live.transactions[marked.transaction_id] = marked
            self._tell("transaction.updated", marked)

    def _store_energy(self, live: LiveStation, transaction: Transaction, meter: LiveMeter, now: float) -> None:
        remembered = live.transactions.get(transaction.transaction_id)
        if remembered is not None and remembered.id == transaction.id:
            # The one at hand may be from before the last reading, whose cost has been told.
            transaction = remembered
        after = with_energy(transaction, meter.readings, self._clock.now())
        if meter.cost is not None:
            after = costed(after, meter.cost)
        meter.stored_at = now
        if after is not transaction:
            self._journal.put(after)
            live.transactions[after.transaction_id] = after
            if self._costs is not None:
                self._costs.tell(transaction, after)

    async def _known(self, live: LiveStation, transaction_id: str) -> Transaction | None:
        return live.transactions.get(transaction_id) or await self._book.find(live.station_id, transaction_id)

    async def _number(self, live: LiveStation) -> int:
        """A number under which this station has no transaction: it may still tell of those another CSMS numbered."""
        while True:
            number = await self._numbers.next()
            if await self._known(live, str(number)) is None:
                return number

    async def _repeated_start(
        self, live: LiveStation, evse_id: int, id_token: IdToken, at: datetime, meter_start_wh: float
    ) -> Transaction | None:
        # A reading that was left out as impossible cannot be compared.
        wh = meter_start_wh if 0 <= meter_start_wh <= LARGEST_REGISTER_WH else None
        for each in live.transactions.values():
            if (
                each.transaction_id.isdecimal()
                and each.evse_id == evse_id
                and each.started_at == at
                and each.id_token is not None
                and same_token(each.id_token, id_token)
                and (wh is None or (each.first_reading is not None and each.first_reading.wh == wh))
            ):
                return each
        known = await self._book.find_start(live.station_id, evse_id, at, id_token.key, wh)
        # A number is what the station is to be told; another version's transaction has none.
        return known if known is not None and known.transaction_id.isdecimal() else None

    async def _meant_to_stop(self, live: LiveStation, stop: TransactionUpdate) -> Transaction | None:
        """The transaction that a stop without a number ends: one it ended before, or the only running one that fits."""
        over = TransactionFilter(station_id=live.station_id, state=TransactionState.ENDED)
        recent = (await self._book.list(over, _RECENT)).items
        remembered = live.transactions.values()
        return ended_by([*remembered, *recent], stop) or meant_by(remembered, stop)

    def _as_now(self, stored: Transaction) -> Transaction:
        live = self._connected.get(stored.station_id)
        remembered = live.transactions.get(stored.transaction_id) if live else None
        if live is None or remembered is None or remembered.id != stored.id:
            return stored
        now = current(live, remembered, remembered.updated_at)
        return now if self._costs is None else self._costs.as_now(now, meter_of(live, now))

    def _tell_change(
        self,
        before: Transaction | None,
        after: Transaction,
        update: TransactionUpdate,
        authorization: Authorization | None,
    ) -> None:
        more: dict[str, Any] = {
            "trigger": update.trigger,
            "authorization": authorization.status.value if authorization else None,
            "number_of_phases_used": update.number_of_phases_used,
            "cable_max_current_a": update.cable_max_current_a,
        }
        more = {name: value for name, value in more.items() if value is not None}
        started = after.started_at is not None and (before is None or before.started_at is None)
        ended = after.state is TransactionState.ENDED and (before is None or before.state is not TransactionState.ENDED)
        if self._commands is not None:
            self._conclude(self._commands, before, after, started, ended, authorization)
        if started:
            self._tell("transaction.started", after, **more)
        if ended:
            self._tell("transaction.ended", after, **more)
        if not started and not ended and (before is None or _course(before) != _course(after)):
            self._tell("transaction.updated", after, **more)

    def _conclude(
        self,
        commands: CommandOutcomes,
        before: Transaction | None,
        after: Transaction,
        started: bool,
        ended: bool,
        authorization: Authorization | None,
    ) -> None:
        """Tell a remote start or stop what came of it; without ids for starts, the token tells which it was.

        A transaction whose token is refused in the answer to its start is none that the operator asked for: the station
        ends it, or gives it next to nothing (1.6 4.8; 2.0.1 E05).
        """
        data: dict[str, Any] = {"id": str(after.id), "transaction_id": after.transaction_id, "evse_id": after.evse_id}
        start = after.remote_start_id
        told, begins = data, True
        if authorization is not None and not authorization.accepted and not ended:
            status, begins = authorization.status.value, False
            told = data | {"authorization": status, "problem": f"it began, and its token was refused: {status}"}
        if start is not None and (before is None or before.remote_start_id is None):
            commands.conclude(after.station_id, "transaction_start", f"id:{start}", begins, told)
        elif started and after.id_token is not None:
            commands.conclude(after.station_id, "transaction_start", f"token:{after.id_token.key}", begins, told)
        if ended:
            data |= {"stop_reason": after.stop_reason, "energy_wh": after.energy_wh}
            commands.conclude(after.station_id, "transaction_stop", after.transaction_id, True, data)

    def _tell(self, type: str, transaction: Transaction, **more: Any) -> None:
        self._events.emit(type, transaction.station_id, **shown_transaction(transaction), **more)


def shown_transaction(transaction: Transaction) -> dict[str, Any]:
    """A transaction as data of an event."""
    return {
        "id": str(transaction.id),
        "transaction_id": transaction.transaction_id,
        "evse_id": transaction.evse_id,
        "connector_id": transaction.connector_id,
        "state": transaction.state.value,
        "id_token": shown_token(transaction.id_token),
        "started_at": _text(transaction.started_at),
        "stopped_at": _text(transaction.stopped_at),
        "stop_reason": transaction.stop_reason,
        "charging_state": transaction.charging_state,
        "energy_wh": transaction.energy_wh,
        "energy_problems": list(transaction.energy_problems),
        "superseded_by": str(transaction.superseded_by) if transaction.superseded_by else None,
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else str(DateTime.of(moment))


def _course(transaction: Transaction) -> tuple[Any, ...]:
    """What is worth an event when it changes; energy is not, as it changes with every reading."""
    return (
        transaction.evse_id,
        transaction.connector_id,
        transaction.id_token,
        transaction.stop_id_token,
        transaction.charging_state,
        transaction.stop_reason,
        transaction.reservation_id,
        transaction.remote_start_id,
    )
