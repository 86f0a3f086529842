"""The way of facts to the CSMS: which may leave now, in which order, how often they are tried.

1. Before registration is accepted nothing leaves but a boot, and in Pending what the CSMS asked for (B01.FR.08,
   B02.FR.02; 1.6 4.2).
2. Questions leave first: a customer waits for the answer.
3. Facts of transactions leave strictly in their order, and are kept on disk until they are answered or given up
   (E04.FR.01, E12.FR.01; 1.6 3.7). What is on its way has been on disk before.
4. One that is refused or not answered is tried again after the interval times the number of its attempts, up to the
   configured number, then given up (E13; 1.6 3.7.1). A lost connection is no failure of the CSMS and does not count.
5. Other facts need not wait for those (1.6 3.7), but leave in the order they were told as long as there is no backlog;
   through a backlog they pass one by one. They are tried once. While they cannot leave, of the states of a connector
   only the last is kept (1.6 4.9), and heartbeats are not kept at all.
6. Security events, what monitors have seen and how updates of firmware ended are kept on disk until the CSMS confirms
   or refuses them (A04.FR.02, N07.FR.04, L01.FR.01, L03.FR.01); with QueueAllMessages everything is. Beyond the queue's
   capacity the oldest goes that is no security event; these stay, up to a number that no honest peer makes happen.
7. A queue beyond its capacity is thinned out (``queue``); ``full`` tells whether charging should stop at that.
8. A fact told while the station is not online is marked offline (E04.FR.03).
9. SecurityError is what a CSMS says to stations it has not accepted (B01.FR.10): a CSMS that has forgotten this one.
   Once in a connection the station registers again, and nothing counts as a failed attempt for that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import structlog

from voltbridge.domain.clock import Clock
from voltbridge.domain.transactions import TransactionPhase
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Answer, NoAnswer, Refused, Registration, TimedOut, Unreachable
from voltbridge.station.facts import (
    BootFact,
    EventsFact,
    Fact,
    FirmwareStatusFact,
    HeartbeatFact,
    MeterFact,
    PublishFirmwareStatusFact,
    SecurityEventFact,
    TransactionFact,
)
from voltbridge.station.others import Others, Waiting
from voltbridge.station.outbox_ports import Line, OutboxSettings
from voltbridge.station.ports import Store
from voltbridge.station.queue import Kept, KeptQueue, load
from voltbridge.station.retries import Retries
from voltbridge.station.speaker import Speaker
from voltbridge.station.wording import Wording, wording_of

__all__ = ["StationOutbox"]

_NAMESPACE: Final = "outbox"
_BACKLOG: Final = 5
_MOST_PAUSES: Final = 10
_MOST_SECURITY_EVENTS: Final = 10_000
_ENDS: Final = frozenset(
    {
        "DownloadFailed",
        "InstallVerificationFailed",
        "InstallationFailed",
        "Installed",
        "InvalidChecksum",
        "InvalidSignature",
        "PublishFailed",
        "Published",
    }
)
_NEVER: Final = frozenset({"NotImplemented", "NotSupported"})
"""Trying again does not help."""


class StationOutbox:
    """The outbox of one station.

    ``attach`` and ``detach`` tell it of connections, ``registration`` whether it may speak.
    """

    __slots__ = (
        "_clock",
        "_kept",
        "_last_version",
        "_line",
        "_log",
        "_ordinal",
        "_others",
        "_pump",
        "_questions",
        "_registered_again",
        "_registration",
        "_retries",
        "_secured",
        "_settings",
        "_speaker",
        "_store",
        "_told",
        "_transactions",
        "_turn_of_others",
        "_versions",
        "_wording",
        "last_exchange",
        "on_answer",
        "on_unregistered",
    )

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: OutboxSettings,
        speaker: Speaker,
        versions: Sequence[Version],
        *,
        wording: Callable[[Version, Fact], Wording | None] = wording_of,
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._speaker = speaker
        self._versions = versions
        self._wording = wording
        self._log = structlog.get_logger("voltbridge.station").bind(station=speaker.configuration.identity)
        self._line: Line | None = None
        self._registration = Registration.UNKNOWN
        self._transactions = KeptQueue(store)
        self._kept = KeptQueue(store)
        self._questions: deque[Waiting] = deque()
        self._others = Others()
        self._turn_of_others = False
        self._ordinal = load(store, lambda fact: self._transactions if _is_of_transaction(fact) else self._kept)
        self._secured = False
        """Whether everything kept is on disk."""
        self._retries = Retries(clock, settings, self._wake)
        self._pump: asyncio.Task[None] | None = None
        known = store.all(_NAMESPACE).get("version", b"").decode()
        self._last_version = Version(known) if known in {*versions} else None
        self.last_exchange = clock.monotonic()
        self._registered_again = False
        """Whether that was tried in this connection."""
        self.on_answer: Callable[[Fact, Answer | None], None] = lambda fact, answer: None
        self.on_unregistered: Callable[[], None] | None = None

    # What is known of it

    @property
    def registration(self) -> Registration:
        return self._registration

    @registration.setter
    def registration(self, registration: Registration) -> None:
        self._registration = registration
        self._wake()

    @property
    def connected(self) -> bool:
        return self._line is not None and self._line.is_open

    @property
    def online(self) -> bool:
        return self._registration is Registration.ACCEPTED and self.connected

    @property
    def version(self) -> Version:
        if self._line is not None:
            return self._line.version
        return self._last_version or self._versions[0]

    @property
    def queued(self) -> int:
        return len(self._transactions)

    @property
    def full(self) -> bool:
        settings = self._settings
        return settings.disallow_charging_if_queue_full and len(self._transactions) >= settings.queue_capacity

    def transactions_queued(self, key: str | None = None) -> bool:
        """Whether anything of this transaction, or of any, still waits (E14)."""
        facts = (item.fact for item in self._transactions)
        return any(key is None or (isinstance(fact, TransactionFact) and fact.key == key) for fact in facts)

    # Connections

    def attach(self, line: Line, *, register: bool = False) -> None:
        """There is a connection. ``register``: to a CSMS that does not know this station yet (B10.FR.10)."""
        if register or (self._last_version is not None and line.version is not self._last_version):
            self._registration = Registration.UNKNOWN
        if line.version is not self._last_version:
            self._last_version = line.version
            self._store.put(_NAMESPACE, "version", line.version.encode())
        self._line = line
        self._registered_again = False
        self.last_exchange = self._clock.monotonic()
        self._wake()

    def detach(self) -> None:
        """The connection is gone. Questions end; the rest waits."""
        self._line = None
        self._others.interrupt()
        questions, self._questions = self._questions, deque()
        for question in questions:
            if question.answer is not None and not question.answer.done():
                question.answer.set_exception(Unreachable("the connection ended"))
        for item in list(self._transactions):
            if item.number is None and item is not self._transactions.in_flight:
                self._transactions.remove(item)

    async def stop(self) -> None:
        """Send nothing any more. What is kept is for the next start."""
        self.detach()
        self._retries.stop()
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait((self._pump,))

    # Telling and asking

    def tell(self, fact: Fact, *, triggered: bool = False) -> None:
        """Say it when that is possible (see the rules)."""
        self._ordinal += 1
        if isinstance(fact, TransactionFact) and not fact.offline and not self.online:
            fact = msgspec.structs.replace(fact, offline=True)
        # Readings outside a transaction count as transaction-related in 1.6 (3.7), unless the CSMS asked for them.
        counts = isinstance(fact, MeterFact) and self.version is Version.V16 and not triggered
        if isinstance(fact, TransactionFact) or counts:
            self._keep_of_transaction(fact)
        elif (_has_to_be_kept(fact) and not triggered) or (self._settings.queue_all_messages and _can_be_kept(fact)):
            self._keep_other(fact)
        else:
            self._add_other(Waiting(fact, self._ordinal, triggered))
        self._wake()

    async def ask(self, fact: Fact, *, triggered: bool = False) -> Answer:
        """Say it now and return the answer. Raises Unreachable, TimedOut or Refused."""
        if not self._may_leave(fact, triggered):
            raise Unreachable("not connected" if not self.connected else "registration is not accepted")
        self._ordinal += 1
        waiting = Waiting(fact, self._ordinal, triggered, asyncio.get_running_loop().create_future())
        assert waiting.answer is not None
        self._questions.append(waiting)
        self._wake()
        return await waiting.answer

    async def idle(self) -> None:
        """Return when nothing waits to be told, or nothing can be told now."""
        while self._pump is not None:
            await asyncio.wait((self._pump,))

    def _keep_of_transaction(self, fact: Fact) -> None:
        if self._is_expendable(fact):
            if self.online:
                self._transactions.append(fact, self._ordinal, durable=False)
            return
        self._transactions.append(fact, self._ordinal)
        self._secured = False
        if len(self._transactions) > max(1, self._settings.queue_capacity):
            dropped = self._transactions.thin_out()
            self._log.warning("the queue is full", dropped=dropped, queued=len(self._transactions))

    def _keep_other(self, fact: Fact) -> None:
        self._kept.append(fact, self._ordinal)
        self._secured = False
        full = len(self._kept) > max(1, self._settings.queue_capacity)
        if full and self._kept.drop_oldest(lambda each: not isinstance(each, SecurityEventFact)):
            self._log.warning("too much waits to be told; the oldest is dropped")
        elif len(self._kept) > _MOST_SECURITY_EVENTS:
            self._log.error("too many security events wait to be told", dropped=self._kept.drop_repeated())

    def _is_expendable(self, fact: Fact) -> bool:
        """Readings of 1.6 that are not sent again (RetransmitMeterValues)."""
        return (
            isinstance(fact, TransactionFact)
            and fact.phase is TransactionPhase.UPDATED
            and not (fact.signed or fact.authorizes or self._settings.retransmit_meter_values)
            and self.version is Version.V16
        )

    def _add_other(self, waiting: Waiting) -> None:
        dropped = self._others.add(waiting, now=self._may_leave(waiting.fact, waiting.triggered))
        if dropped is not None:
            self._log.warning("too much waits to be told; the oldest is dropped", fact=type(dropped.fact).__name__)

    # What leaves next

    def _may_leave(self, fact: Fact, triggered: bool) -> bool:
        if not self.connected:
            return False
        if self._registration is Registration.ACCEPTED or isinstance(fact, BootFact):
            return True
        return triggered and self._registration is Registration.PENDING

    def _next(self) -> Waiting | Kept | None:
        for question in self._questions:
            if question.answer is not None and question.answer.done():  # whoever asked has gone
                self._questions.remove(question)
                return self._next()
            if self._may_leave(question.fact, question.triggered):
                self._questions.remove(question)
                return question
        other = self._others.first(self._may_leave)
        kept = self._ready(self._transactions)
        security = self._ready(self._kept)
        if security is not None and (kept is None or security.ordinal < kept.ordinal or self._turn_of_others):
            kept = security
        if other is None:
            return kept
        if kept is None or other.ordinal < kept.ordinal or self._turn_of_others:
            self._others.remove(other)
            return other
        return kept

    def _ready(self, queue: KeptQueue) -> Kept | None:
        if not self.online or self._retries.waits(queue):
            return None
        return queue.head

    def _wake(self) -> None:
        if self._pump is None and self.connected and self._has_work():
            self._pump = asyncio.get_running_loop().create_task(self._run())

    def _has_work(self) -> bool:
        return bool(self._questions or self._others or self._transactions or self._kept)

    async def _run(self) -> None:
        try:
            while (item := self._next()) is not None:
                if isinstance(item, Kept):
                    await self._deliver_kept(item)
                else:
                    await self._deliver(item)
        finally:
            self._pump = None

    # Delivering

    async def _deliver(self, waiting: Waiting) -> None:
        self._turn_of_others = False
        question = waiting.answer
        try:
            answer = await self._say(waiting.fact)
        except Unreachable as error:
            if question is None:
                self._others.put_back(waiting)
            elif not question.done():
                question.set_exception(error)
        except NoAnswer as error:
            forgotten = self._is_forgotten(error)
            if question is None and forgotten:
                self._others.put_back(waiting)
            elif question is None:
                self._log.warning("not told", fact=type(waiting.fact).__name__, error=str(error))
                self._answered(waiting.fact, None)
            elif not question.done():
                question.set_exception(error)
        except asyncio.CancelledError:
            if question is not None and not question.done():
                question.set_exception(Unreachable("the station stops"))
            raise
        else:
            if question is None:
                self._answered(waiting.fact, answer)
            elif not question.done():
                if answer is None:
                    question.set_exception(Refused("NotSupported", f"OCPP {self.version.label} does not say this"))
                else:
                    question.set_result(answer)

    async def _deliver_kept(self, item: Kept) -> None:
        queue = self._transactions if self._transactions.head is item else self._kept
        self._turn_of_others = len(self._transactions) > _BACKLOG
        queue.in_flight = item
        try:
            await self._secure()
            answer = await self._say(item.fact)
        except Unreachable:
            if item.number is None:
                queue.remove(item)
        except (TimedOut, Refused) as error:
            self._failed(queue, item, error)
        else:
            self._retries.over(queue)
            queue.remove(item)
            if answer is not None:
                self._answered(item.fact, answer)
        finally:
            queue.in_flight = None

    async def _secure(self) -> None:
        """What leaves has to be on disk, so that a restart neither forgets it nor gives its number to another."""
        if self._secured:
            return
        self._secured = True
        try:
            await self._store.committed()
        except OSError as error:
            self._secured = False
            self._log.error("told although the disk did not take it", error=str(error))

    def _failed(self, queue: KeptQueue, item: Kept, error: NoAnswer) -> None:
        if self._is_forgotten(error):
            return
        item.attempts += 1
        is_security = queue is self._kept
        given_up = item.number is None or item.attempts >= self._retries.attempts_of(item.fact)
        if is_security:
            given_up = isinstance(error, Refused) and (given_up or error.code in _NEVER)
        if given_up:
            self._log.warning("given up", fact=type(item.fact).__name__, attempts=item.attempts, error=str(error))
            self._retries.over(queue)
            queue.remove(item)
            self._answered(item.fact, None)
            return
        self._retries.later(queue, min(item.attempts, _MOST_PAUSES) if is_security else item.attempts)

    def _is_forgotten(self, error: NoAnswer) -> bool:
        """The CSMS does not take us for registered; then registration begins anew."""
        says_so = isinstance(error, Refused) and error.code == "SecurityError"
        if not says_so or not self.online or self._registered_again or self.on_unregistered is None:
            return False
        self._log.warning("the CSMS does not know this station any more; it registers again")
        self._registered_again = True
        self._registration = Registration.UNKNOWN
        self.on_unregistered()
        return True

    async def _say(self, fact: Fact) -> Answer | None:
        """The answer; None where the version spoken has nothing to say of it. Raises NoAnswer."""
        line = self._line
        if line is None:
            raise Unreachable("not connected")
        wording = self._wording(line.version, fact)
        if wording is None:
            return None
        try:
            request = wording.request(fact, self._speaker)
            if request is None:
                return None
            action = wording.action_of(fact)
        except Exception as error:
            # A mistake of ours in one fact must not stop all that come after it.
            self._log.exception("a fact has no words", fact=type(fact).__name__)
            raise Refused("InternalError", f"no words for it: {error}") from error
        self.last_exchange = self._clock.monotonic()
        try:
            response = await line.call(action, request, max(1, self._settings.message_timeout_s))
        except (ValueError, LookupError, TypeError, OverflowError) as error:  # it is nothing that JSON can say
            self._log.exception("a fact cannot be written", fact=type(fact).__name__)
            raise Refused("InternalError", f"it cannot be written: {error}") from error
        self.last_exchange = self._clock.monotonic()
        try:
            return wording.answer(response, fact, self._speaker)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise Refused("FormatViolation", f"the answer cannot be used: {error}") from error

    def _answered(self, fact: Fact, answer: Answer | None) -> None:
        try:
            self.on_answer(fact, answer)
        except Exception:
            self._log.exception("an answer had no effect", fact=type(fact).__name__)


def _is_of_transaction(fact: Fact) -> bool:
    return isinstance(fact, TransactionFact | MeterFact)


def _has_to_be_kept(fact: Fact) -> bool:
    if isinstance(fact, FirmwareStatusFact | PublishFirmwareStatusFact):
        return fact.status in _ENDS
    return isinstance(fact, SecurityEventFact | EventsFact)


def _can_be_kept(fact: Fact) -> bool:
    return not isinstance(fact, HeartbeatFact | BootFact)
