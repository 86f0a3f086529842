"""A customer's token leaves what is kept.

A pseudonym takes its place in transactions, reservations, events, the message log, lists and everything else, and
reports about the customer are removed.

Nothing that still goes on may need the token: while a transaction runs on it, a reservation waits for it or a command
with it is not over, the work is refused; what is begun with it while the work goes on has it wait for its end. The
work is noted before it begins and done in small steps, also over restarts of the program. Whoever keeps records in
memory drops them before each round, so that none is written back, or shown, as it was. The same token asked for again
while the work goes on is the same work; asked for later, when new records of it have come, it gets another pseudonym,
so that nothing ties the two together. The event of it tells the pseudonym alone.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final, Protocol

import msgspec
import structlog

from voltbridge.csms.events import EventLog
from voltbridge.csms.journal import Journal
from voltbridge.domain.anonymisation import Anonymisation, AnonymisationState, Eraser, TokenBusy
from voltbridge.domain.clock import Clock
from voltbridge.domain.commands import Command
from voltbridge.domain.errors import NotFound, StorageUnavailable
from voltbridge.domain.ids import IdSource
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.reservations import OPEN_STATES, Reservation, ReservationFilter
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.tokens import Token
from voltbridge.domain.transactions import Transaction, TransactionState

__all__ = ["AnonymisationBook", "AnonymisationService", "Commands", "Reservations", "Tokens", "Transactions"]

_log = structlog.stdlib.get_logger(__name__)

_PAUSE_S: Final = 5.0
_MOST_ROUNDS: Final = 20
_CHUNK: Final = 500


class AnonymisationBook(Protocol):
    """The work and how far it is. Everything raises StorageUnavailable."""

    async def put(self, one: Anonymisation) -> None: ...

    async def get(self, id: int) -> Anonymisation | None: ...

    async def list(self, page: PageRequest) -> Page[Anonymisation]:
        """Newest first. Raises InvalidCursor."""

    async def unfinished(self) -> Sequence[Anonymisation]: ...

    def kinds(self) -> Sequence[str]: ...

    async def step(self, one: Anonymisation, eraser: Eraser) -> Anonymisation: ...


class Transactions(Protocol):
    """Transactions as stored."""

    async def open_with_token(self, token_key: str) -> Sequence[Transaction]: ...


class Reservations(Protocol):
    """Reservations as stored."""

    async def list(self, wanted: ReservationFilter, page: PageRequest) -> Page[Reservation]: ...


class Commands(Protocol):
    """Commands as stored."""

    async def unfinished(self, after: int, limit: int) -> Sequence[Command]: ...


class Tokens(Protocol):
    """The operator's tokens."""

    async def forget(self, id_token: str) -> Sequence[Token]:
        """Every token of this text, and what is remembered of it."""


class AnonymisationService:
    """Starts the work, does it, tells how far it is."""

    def __init__(
        self,
        book: AnonymisationBook,
        tokens: Tokens,
        transactions: Transactions,
        reservations: Reservations,
        commands: Commands,
        connected: Iterable[LiveStation],
        journal: Journal,
        events: EventLog,
        ids: IdSource,
        clock: Clock,
        memories: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        """``memories`` have those who keep records in memory read them again. They raise StorageUnavailable."""
        self._memories = memories
        self._book = book
        self._tokens = tokens
        self._transactions = transactions
        self._reservations = reservations
        self._commands = commands
        self._connected = connected
        self._journal = journal
        self._events = events
        self._ids = ids
        self._clock = clock
        self._starting = asyncio.Lock()
        self._working: dict[int, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Go on with what an earlier run of the program left. Raises StorageUnavailable."""
        for one in await self._book.unfinished():
            self._work_on(one)

    async def close(self) -> None:
        """Leave the rest to the next run of the program."""
        for task in self._working.values():
            task.cancel()
        await asyncio.gather(*self._working.values(), return_exceptions=True)

    async def submit(self, id_token: str) -> Anonymisation:
        """Begin to take a token out of what is kept, or find that begun. Raises TokenBusy, StorageUnavailable."""
        key = id_token.casefold()
        async with self._starting:
            for known in await self._book.unfinished():
                if known.id_token is not None and known.id_token.casefold() == key:
                    return known
            await self._journal.committed()
            await self._check_free(id_token)
            one = Anonymisation(
                id=self._ids.next(),
                state=AnonymisationState.RUNNING,
                pseudonym=f"anon-{secrets.token_hex(6)}",
                requested_at=self._clock.now(),
                id_token=id_token,
            )
            await self._book.put(one)
            self._work_on(one)
        return one

    async def get(self, id: int) -> Anonymisation:
        """One of them. Raises NotFound."""
        one = await self._book.get(id)
        if one is None:
            raise NotFound("anonymisation", str(id))
        return one

    async def list(self, page: PageRequest) -> Page[Anonymisation]:
        """All of them, newest first. Raises InvalidCursor."""
        return await self._book.list(page)

    def progress(self, one: Anonymisation) -> tuple[int, int]:
        """How many kinds of record of this round are done, and how many there are."""
        kinds = self._book.kinds()
        if one.state is AnonymisationState.COMPLETED:
            return len(kinds), len(kinds)
        return (kinds.index(one.table) if one.table in kinds else 0), len(kinds)

    async def _check_free(self, id_token: str) -> None:
        key = id_token.casefold()
        running = list(await self._transactions.open_with_token(key))
        for live in list(self._connected):
            running += [one for one in live.transactions.values() if one.state is TransactionState.ACTIVE]
        for transaction in running:
            presented = (transaction.id_token, transaction.stop_id_token)
            if any(token is not None and token.key == key for token in presented):
                raise TokenBusy(f"transaction {transaction.id}, which runs")
        for state in sorted(OPEN_STATES):
            reserved = await self._reservations.list(ReservationFilter(id_token=id_token, state=state), PageRequest(1))
            if reserved.items:
                raise TokenBusy(f"reservation {reserved.items[0].id}, which is open")
        eraser, after = Eraser(id_token, ""), 0
        while found := await self._commands.unfinished(after, _CHUNK):
            after = found[-1].id
            for command in found:
                text = msgspec.json.encode(command.parameters).decode()
                if eraser.cell("parameters", text) != text:
                    raise TokenBusy(f"command {command.id}, which is not over")

    def _work_on(self, one: Anonymisation) -> None:
        task = self._working[one.id] = asyncio.create_task(self._work(one))
        task.add_done_callback(lambda _: self._working.pop(one.id, None))

    async def _work(self, one: Anonymisation) -> None:
        while True:
            try:
                await self._carry_out(one)
                return
            except StorageUnavailable as error:
                _log.warning("anonymisation waits for the storage", id=one.id, error=str(error))
                await self._clock.sleep(_PAUSE_S)
                one = await self._known(one)
            except Exception:
                _log.exception("anonymisation failed; it is tried again at the next start", id=one.id)
                return

    async def _wait_until_free(self, one: Anonymisation) -> bool:
        """Wait for the end of what was begun with the token meanwhile; whether there was anything."""
        assert one.id_token is not None
        waited = False
        while True:
            await self._journal.committed()
            try:
                await self._check_free(one.id_token)
            except TokenBusy as busy:
                if not waited:
                    _log.info("anonymisation waits", id=one.id, why=str(busy).replace(one.id_token, one.pseudonym))
                waited = True
                await self._clock.sleep(_PAUSE_S)
            else:
                return waited

    async def _known(self, one: Anonymisation) -> Anonymisation:
        """As it was stored last."""
        try:
            return await self._book.get(one.id) or one
        except StorageUnavailable:
            return one

    async def _carry_out(self, one: Anonymisation) -> None:
        assert one.id_token is not None
        eraser = Eraser(one.id_token, one.pseudonym)
        kinds = list(self._book.kinds())
        await self._tokens.forget(one.id_token)
        while True:
            await self._journal.committed()
            for read_again in self._memories:
                await read_again()
            for kind in kinds[kinds.index(one.table) if one.table in kinds else 0 :]:
                if one.table != kind:
                    one = replace(one, table=kind, after=())
                while True:
                    one = await self._book.step(one, eraser)
                    if not one.after:
                        break
            is_last = not one.found or one.round + 1 >= _MOST_ROUNDS
            if is_last and not await self._wait_until_free(one):
                break
            one = replace(one, round=one.round + 1, found=0, table=None, after=())
        done = replace(
            one,
            state=AnonymisationState.COMPLETED,
            finished_at=self._clock.now(),
            id_token=None,
            table=None,
        )
        await self._book.put(done)
        records = sum(done.records.values())
        self._events.emit("token.anonymised", None, id=str(done.id), pseudonym=done.pseudonym, records=records)
