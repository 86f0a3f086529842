"""The course of the one transaction of an EVSE: it begins, finds its driver, is told of, and ends.

When that is so decides the session; here is what it means for what is kept on disk, sampled and told.
"""

from __future__ import annotations

from typing import Any, Final, Protocol
from uuid import uuid4

from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import StopReason, TransactionPhase
from voltbridge.protocol.versions import Version
from voltbridge.station.blocks.e_transactions.drivers import Driver
from voltbridge.station.blocks.e_transactions.points import Situation, charging_state
from voltbridge.station.blocks.e_transactions.records import Records, RunningTransaction
from voltbridge.station.blocks.e_transactions.samples import Samples
from voltbridge.station.blocks.e_transactions.telling import Circumstances, next_fact
from voltbridge.station.blocks.j_meter_values.sampling import register_wh
from voltbridge.station.context import Context
from voltbridge.station.countdown import Countdown
from voltbridge.station.ports import EvseHardware, Offer
from voltbridge.station.readings import MeterReading

__all__ = ["Course", "Place"]

_ALIVE_S: Final = 30.0
"""How often it is noted that the station lives: by so much an interruption may seem longer than it was."""


class Place(Protocol):
    """Where the transaction takes place; the session."""

    @property
    def connector_id(self) -> int: ...

    @property
    def cable_max_a(self) -> int | None: ...

    @property
    def situation(self) -> Situation: ...

    @property
    def offer(self) -> Offer: ...

    @property
    def fresh(self) -> bool:
        """A vehicle or a driver has just come: told as connected first."""


class Course:
    """The transaction of one EVSE, or none."""

    __slots__ = ("_alive", "_context", "_evse_id", "_hardware", "_place", "_records", "samples", "transaction")

    def __init__(self, evse_id: int, context: Context, hardware: EvseHardware, records: Records, place: Place) -> None:
        self._evse_id = evse_id
        self._context = context
        self._hardware = hardware
        self._records = records
        self._place = place
        self.transaction: RunningTransaction | None = None
        self.samples = Samples(context, hardware, records, self)
        self._alive = Countdown(context.clock, self._note_alive)

    # Its phases

    def start(self, trigger: str, driver: Driver | None, met: frozenset[str]) -> None:
        """It begins. ``met``: the stop points that are reached, and so can be lost."""
        now = self._context.clock.now()
        transaction = RunningTransaction(
            key=str(uuid4()),
            evse_id=self._evse_id,
            connector_id=self._place.connector_id,
            started_at=now,
            updated_at=now,
            begin_wh=register_wh(self._hardware.read()),
            met=met,
        )
        self.transaction = transaction
        if driver is not None:
            self.adopt(driver)
        self.samples.start(fresh=True)
        self._note_alive()
        of_16 = self._context.version is Version.V16
        meter = () if of_16 else self.samples.for_the_start()
        self._tell(transaction, TransactionPhase.STARTED, trigger, meter=meter)
        if of_16 and (meter := self.samples.after_the_start()):
            self.update(trigger, meter=meter)
        self.samples.keep_edge("Transaction.Begin")

    def resume(self, transaction: RunningTransaction) -> None:
        """After a restart it goes on."""
        self.transaction = transaction
        self.samples.start(fresh=False)
        self._note_alive()

    def stop_timers(self) -> None:
        """The engine stops; the transaction stays as it is."""
        self.samples.stop()
        self._alive.stop()

    def adopt(self, driver: Driver) -> None:
        """It becomes that of the authorized driver."""
        transaction = self._running
        new = transaction.id_token is None or transaction.id_token.key != driver.token.key
        transaction.id_token = driver.token
        transaction.group = driver.group or transaction.group
        transaction.authorized = True
        transaction.authorization_ended = False
        transaction.token_told = transaction.token_told and not new
        transaction.reason = None
        if driver.remote_start_id is not None:
            transaction.remote_start_id = driver.remote_start_id
            transaction.remote_told = False
        if driver.reservation_id is not None:
            transaction.reservation_id = driver.reservation_id

    def update(
        self,
        trigger: str,
        *,
        token: IdToken | None = None,
        meter: tuple[MeterReading, ...] = (),
        extra: dict[str, Any] | None = None,
    ) -> None:
        """Something happened in it."""
        self._tell(self._running, TransactionPhase.UPDATED, trigger, token=token, meter=meter, extra=extra)

    def finish(self, reason: StopReason, trigger: str, token: IdToken | None = None) -> None:
        """It ends, and is on disk no more once its end is."""
        transaction = self._running
        self.stop_timers()
        # After a power cut too: what the meter shows then is what it showed when the power went.
        self.samples.keep_edge("Transaction.End")
        meter = self.samples.for_the_end()
        self._tell(transaction, TransactionPhase.ENDED, trigger, token=token, meter=meter, reason=reason.value)
        self._records.forget(transaction.key)
        self.transaction = None

    def _note_alive(self) -> None:
        """An interruption that nobody sees coming counts from here on (2.1 E17.FR.02)."""
        self._alive.start(_ALIVE_S)
        if self._context.settings.resumption_timeout_s > 0:
            self._records.alive(self._context.clock.now())

    @property
    def _running(self) -> RunningTransaction:
        assert self.transaction is not None
        return self.transaction

    def _tell(
        self,
        transaction: RunningTransaction,
        phase: TransactionPhase,
        trigger: str,
        *,
        token: IdToken | None = None,
        meter: tuple[MeterReading, ...] = (),
        reason: str | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        situation = self._place.situation
        register = register_wh(self._hardware.read())
        transaction.last_wh = transaction.last_wh if register is None else register
        now = Circumstances(
            at=self._context.clock.now(),
            connector_id=self._place.connector_id,
            charging_state="EVConnected" if self._place.fresh and situation.plugged else charging_state(situation),
            register_wh=transaction.last_wh,
            offline=not self._context.outbox.online,
            cable_max_current_a=self._place.cable_max_a,
            phases=self._place.offer.phases,
            legally_relevant=situation.signing,
        )
        fact = next_fact(transaction, phase, trigger, now, token=token, meter=meter, reason=reason, extra=extra)
        self._records.keep(transaction)
        self._context.outbox.tell(fact)

    # Readings

    def tell_now(self, trigger: str) -> bool:
        """Tell how it stands because the CSMS asks (F06.FR.07). False when there is none."""
        if self.transaction is None:
            return False
        self.update(trigger, meter=self.samples.on_demand())
        return True

    def tell_reading(self, trigger: str, reading: MeterReading) -> None:
        """Tell a reading of it now."""
        self.update(trigger, meter=(reading,))

    def aligned(self) -> bool:
        """The clock says so: a sample of the running transaction. False when there is none."""
        if self.transaction is None:
            return False
        self.samples.aligned()
        return True

    def aligned_for_end(self) -> None:
        """As ``aligned``, for its end."""
        if self.transaction is not None:
            self.samples.aligned_for_end()

    def intervals_changed(self) -> None:
        """Somebody has set another interval: it counts from now."""
        if self.transaction is not None:
            self.samples.restart()
